"""The only holder of keys: reads, opens, changes, seals and saves the vault.

The daemon's worker thread uses it, and so does every command; never two threads at once. The file is the single
source of truth: a change is a function applied to the freshly loaded vault under the lock, and only what changes
the content makes a save and a generation. A key derivation never runs under the lock.
"""

import contextlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from appliance.core.events import Authentic, Foreign, Outdated, Problem, Superseded, Verdict
from appliance.errors import (
    ApplianceError,
    NothingFound,
    StorageFailed,
    VaultDamaged,
    VaultExists,
    VaultTooNew,
    WrongPassphrase,
)
from appliance.ports import Clock, Device, MemoryGauge, RandomBytes, VaultStore
from appliance.vault import document, keys, sealed
from appliance.vault.edit import Moment
from appliance.vault.merge import merge, same_content
from appliance.vault.model import Vault
from appliance.vault.sealed import Envelope

SECRET_BYTES: Final = 32
DAY_SECONDS: Final = 86_400

Apply = Callable[[Vault, Moment], Vault]


@dataclass(frozen=True, slots=True)
class Kept:
    """A vault as it lies on the card."""

    vault: Vault = field(repr=False)
    envelope: Envelope
    warning: Problem | None = None

    @property
    def published(self) -> bytes:
        """What goes to the broker."""
        return sealed.write(self.envelope.published)


@dataclass(frozen=True, slots=True)
class _Key:
    """A master key, and the header under which it was found."""

    head: str
    master: bytes = field(repr=False)


class _KeyMissing(Exception):
    """The vault on the card was re-keyed since; derive outside the lock and try again."""


class Keeper:
    """Keys and vault of one device.

    `entered` is what a person gave, passphrase or recovery key; without it the device secret opens the vault.
    """

    def __init__(
        self,
        store: VaultStore,
        clock: Clock,
        random_bytes: RandomBytes,
        memory: MemoryGauge,
        entered: str | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._memory = memory
        self._entered = entered
        self._key: _Key | None = None
        self._damaged: frozenset[bytes] = frozenset()
        """Files that did not open when keys were derived; under the lock nothing is derived, and they are passed by."""

    def exists(self) -> bool:
        """There is a vault file on the card, in whatever state."""
        stored = self._store.load()
        return stored.newest is not None or bool(stored.older)

    def create(self, vault_id: str, passphrase: str, recovery_key: str, new_uuid: Callable[[], str]) -> Kept:
        """Make a new, empty vault for this device, and its device secret.

        Raises VaultExists. Takes two key derivations.
        """
        master = self._random_bytes(keys.KEY_BYTES)
        slots = (
            self._slot(master, passphrase, new_uuid),
            self._slot(master, recovery_key, new_uuid),
        )
        device = replace(self._device(), vault=vault_id)
        return self._found(Vault(vault_id, device.id, device.name, 0, 0), device, master, slots, 1)

    def adopt(self, vault: Vault, template: Envelope, master: bytes) -> Kept:
        """Make the vault file of this device from a restored vault, under the vault's own key and slots.

        Raises VaultExists, and VaultTooNew if this release must not write the vault.
        """
        _refuse_too_new(vault)
        device = replace(self._device(), vault=vault.id)
        seen = {**vault.seen, vault.device: vault.generation}
        generation = max(vault.generation if vault.device == device.id else 0, seen.pop(device.id, 0))
        own = replace(vault, device=device.id, name=device.name, generation=generation, seen=seen)
        return self._found(own, device, master, template.slots, template.epoch)

    def open(self) -> Kept:
        """Return the vault on the card; an older generation if, and only if, the newest is damaged.

        Raises NothingFound, WrongPassphrase, VaultDamaged, VaultTooNew, StorageFailed, ...
        """
        while True:
            kept, damaged = self._read(derive=True)
            if damaged is None:
                return self._reinstated(kept)
            with self._store.lock():
                if self._store.load().newest == damaged:
                    return self._set_aside(kept)

    def change(self, apply: Apply) -> Kept:
        """Apply a change to what is on the card now and save it; on return it survives a power cut.

        Raises what `open` and `apply` raise, LockBusy, and VaultTooNew if this release must not write the vault.
        """
        warning: Problem | None = None
        while True:
            warning = self.open().warning or warning
            with contextlib.suppress(_KeyMissing), self._store.lock():
                return replace(self._changed(apply), warning=warning)

    def check(self, payload: bytes) -> Verdict:
        """Return what a message on this device's own topic is."""
        own = self.open()
        try:
            envelope = sealed.read(payload)
        except VaultDamaged as error:
            return Foreign(error.why)
        except VaultTooNew:
            return Superseded()
        if envelope.epoch != own.envelope.epoch:
            return Superseded() if envelope.epoch > own.envelope.epoch else Outdated()
        return self._look_into(envelope, own.vault)

    def merged(self, payload: bytes) -> Kept:
        """Take over what an authentic message of this vault holds, and save it if that is anything new."""
        return self.merge_vault(self.open_own(payload))

    def merge_vault(self, other: Vault) -> Kept:
        """Merge another state of this vault, and save it if that is anything new."""

        def apply(own: Vault, _moment: Moment) -> Vault:
            result = merge(own, other)
            # What anybody remembers of this device's own generation must never be reached again.
            theirs = other.generation if other.device == own.device else other.seen.get(own.device, 0)
            return replace(result, generation=max(own.generation, theirs))

        return self.change(apply)

    def open_own(self, payload: bytes) -> Vault:
        """Open a message sealed under this vault's present key. Raises VaultDamaged if it is not."""
        kept, envelope = self.open(), sealed.read(payload)
        if envelope.head != kept.envelope.head:
            raise document.damaged("it is sealed under another key")
        return sealed.unseal(envelope, self._held(envelope))

    def open_foreign(self, payload: bytes) -> tuple[Vault, Envelope, bytes]:
        """Open a backup that is not this device's with what the person entered: (vault, its envelope, master key).

        Raises WrongPassphrase, VaultDamaged, VaultTooNew. One key derivation for each distinct header.
        """
        envelope = sealed.read(payload)
        if self._key is None or self._key.head != envelope.head:
            self._key = _Key(envelope.head, self._derive(envelope))
        return sealed.unseal(envelope, self._key.master), envelope, self._key.master

    def forget(self) -> None:
        """Drop the keys."""
        self._key = None
        self._damaged = frozenset()
        self._entered = None

    def _slot(self, master: bytes, password: str, new_uuid: Callable[[], str]) -> keys.Slot:
        return keys.new_slot(
            master, password, uuid=new_uuid(), random_bytes=self._random_bytes, memory_limit=self._memory()
        )

    def _device(self) -> Device:
        device = self._store.device()
        if device is None:
            raise NothingFound("can't tell who this device is", "device.json is missing", "appliance init")
        return device

    def _found(
        self, vault: Vault, device: Device, master: bytes, slots: tuple[keys.Slot, keys.Slot], epoch: int
    ) -> Kept:
        secret = self._random_bytes(SECRET_BYTES)
        wrap = keys.new_device_wrap(master, secret, device=device.id, random_bytes=self._random_bytes)
        with self._store.lock():
            if self.exists():
                raise VaultExists("can't make a vault", "there is one already", "appliance status")
            self._store.save_device(device)
            self._store.save_secret(secret)
            envelope = Envelope(slots, epoch, b"", b"", b"", wrap)
            self._key = _Key(envelope.head, master)
            return self._save(vault, envelope)

    def _changed(self, apply: Apply) -> Kept:
        kept, damaged = self._read(derive=False)
        if damaged is not None:
            raise _KeyMissing  # since it was opened; a damaged file must be set aside and not become `.1`
        _refuse_too_new(kept.vault)
        changed = apply(kept.vault, self._moment(kept.vault.device))
        _refuse_too_new(changed)
        if same_content(changed, kept.vault) and changed.generation <= kept.vault.generation:
            return kept
        return self._save(changed, kept.envelope)

    def _moment(self, device: str) -> Moment:
        now = self._clock.now()
        return Moment(int(now.unix * 1000) if now.trusted else None, device)

    def _save(self, vault: Vault, like: Envelope) -> Kept:
        now = self._clock.now()
        day, slot = vault.day
        today = int(now.unix // DAY_SECONDS)
        if now.trusted and today != day:
            day, slot = today, (slot + 1) % document.SLOTS_OF_HISTORY
        vault = replace(
            vault,
            generation=1 + vault.generation,
            saved_at=int(now.unix) if now.trusted else 0,
            day=(day, slot),
        )
        master = self._held(like)
        envelope = sealed.seal(vault, master, like.slots, like.epoch, like.device, self._random_bytes)
        raw = sealed.write(envelope)

        def check(read_back: bytes) -> None:
            _same(read_back, raw)
            if sealed.unseal(sealed.read(read_back), master) != vault:
                raise document.damaged("it would not say what the vault holds")

        self._store.save(raw, check)
        return Kept(vault, envelope)

    def _held(self, envelope: Envelope) -> bytes:
        if self._key is None or self._key.head != envelope.head:
            raise _KeyMissing
        return self._key.master

    def _read(self, *, derive: bool) -> tuple[Kept, bytes | None]:
        """Return (what opened, the newest file if it is there and damaged)."""
        stored = self._store.load()
        candidates = ([stored.newest] if stored.newest is not None else []) + list(stored.older)
        if not candidates:
            raise NothingFound(
                "can't open the vault", "there is none yet", "appliance init, or appliance restore"
            )
        if derive:
            self._damaged = frozenset()
        first: ApplianceError | None = None
        for raw in candidates:
            if raw in self._damaged:
                continue
            try:
                kept = self._open_one(raw, derive=derive)
            except VaultDamaged as error:
                first = first or error
                self._damaged |= {raw}
            else:
                return kept, stored.newest if stored.newest in self._damaged else None
        raise first or _KeyMissing

    def _open_one(self, raw: bytes, *, derive: bool) -> Kept:
        envelope = sealed.read(raw)
        if self._key is None or self._key.head != envelope.head:
            if not derive:
                raise _KeyMissing
            self._key = _Key(envelope.head, self._derive(envelope))
        return Kept(sealed.unseal(envelope, self._key.master), envelope)

    def _derive(self, envelope: Envelope) -> bytes:
        if self._entered is not None:
            return keys.unwrap_any(envelope.slots, self._entered, memory_limit=self._memory())
        if envelope.device is None:
            raise WrongPassphrase("can't open the vault", "it needs the passphrase", "use --passphrase-file")
        secret, device = self._store.secret(), self._store.device()
        master = None
        if secret is not None and device is not None:
            master = keys.unwrap_device(envelope.device, secret, device=device.id)
        if master is None:
            raise VaultDamaged(
                "can't open the vault",
                "the device secret is missing or belongs to another vault",
                "the passphrase opens it: use --passphrase-file",
            )
        return master

    def _set_aside(self, kept: Kept) -> Kept:
        name = self._store.set_aside(self._clock.now().unix)
        warning = Problem(
            "the newest vault file was damaged",
            f"generation {kept.vault.generation} is used, the damaged file is kept as {name}",
            "appliance restore --merge brings back what the broker has",
            "E4",
        )
        return replace(kept, warning=warning)

    def _reinstated(self, kept: Kept) -> Kept:
        """Give the device a new secret if a person opened a vault that its own secret no longer opens."""
        if self._entered is None or kept.envelope.device is None:
            return kept
        found, secret = self._store.device(), self._store.secret()
        device = found or Device(kept.vault.device, kept.vault.id, kept.vault.name)
        if (
            secret is not None
            and found is not None
            and keys.unwrap_device(kept.envelope.device, secret, device=device.id)
        ):
            return kept
        with contextlib.suppress(_KeyMissing), self._store.lock():
            kept, _ = self._read(derive=False)
            secret = self._random_bytes(SECRET_BYTES)
            wrap = keys.new_device_wrap(
                self._held(kept.envelope), secret, device=device.id, random_bytes=self._random_bytes
            )
            kept = replace(kept, envelope=replace(kept.envelope, device=wrap))
            raw = sealed.write(kept.envelope)
            self._store.save_device(device)
            self._store.save_secret(secret)
            self._store.save(raw, lambda read_back: _same(read_back, raw))
        return kept

    def _look_into(self, envelope: Envelope, own: Vault) -> Verdict:
        if self._key is None or not hmac.compare_digest(envelope.head, self._key.head):
            return Foreign("it is sealed under another header")
        try:
            theirs = sealed.unseal(envelope, self._key.master)
        except (VaultDamaged, VaultTooNew) as error:
            return Foreign(error.why)
        if theirs.id != own.id or theirs.device != own.device:
            return Foreign("it belongs to another vault or device")
        novel = theirs.generation > own.generation or not same_content(merge(own, theirs), own)
        return Authentic(theirs.generation, novel)


def _refuse_too_new(vault: Vault) -> None:
    if document.unknown_needs(vault):
        raise VaultTooNew(
            "can't change the vault",
            "a newer release wrote it, and this one might lose something",
            "upgrade this device; codes can be read meanwhile",
        )


def _same(read_back: bytes, written: bytes) -> None:
    if read_back != written:
        raise StorageFailed(
            "can't save the vault", "what was written does not read back the same", "replace the card"
        )
