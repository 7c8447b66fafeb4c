"""The only holder of keys: reads, opens, changes, seals and saves the vault.

The daemon's worker thread uses it, and so does every command; never two threads at once. The file is the single
source of truth: a change is a function applied to the freshly loaded vault under the lock, and only what changes
the content makes a save and a generation. A key derivation never runs under the lock.
"""

import contextlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from appliance.core.events import Authentic, Foreign, Outdated, Problem, Superseded, Verdict
from appliance.errors import (
    ApplianceError,
    LockBusy,
    NothingFound,
    StorageFailed,
    VaultDamaged,
    VaultExists,
    VaultTooNew,
    WrongPassphrase,
)
from appliance.keyring import KeyMissing, Keyring
from appliance.ports import Clock, Device, MemoryGauge, RandomBytes, VaultStore
from appliance.vault import document, keys, sealed
from appliance.vault.edit import Moment, expire
from appliance.vault.merge import merge, same_content
from appliance.vault.model import Vault
from appliance.vault.sealed import Envelope

SECRET_BYTES: Final = 32
DAY_SECONDS: Final = 86_400
SECRETS_TRIED: Final = "secrets_tried"

Mode = Literal["credential", "pin", "passphrase"]
"""After a start the vault opens by itself, by a PIN, or by the passphrase alone."""
Apply = Callable[[Vault, Moment], Vault]


@dataclass(frozen=True, slots=True)
class Kept:
    """A vault as it lies on the card."""

    vault: Vault = field(repr=False)
    envelope: Envelope
    warning: Problem | None = None

    @property
    def mode(self) -> Mode:
        """How it opens after a start."""
        return mode_of(self.envelope)

    @property
    def published(self) -> bytes:
        """What goes to the broker."""
        return sealed.write(self.envelope.published)


@dataclass(frozen=True, slots=True)
class Door:
    """How a vault is to open after a start."""

    mode: Mode
    pin: str | None = field(default=None, repr=False)
    """In mode `pin`."""


BY_ITSELF: Final = Door("credential")


def mode_of(envelope: Envelope) -> Mode:
    """Return how a file opens after a start."""
    return "passphrase" if envelope.device is None else envelope.device.mode


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
        boot_id: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._keys = Keyring(store, clock, random_bytes, memory, boot_id, entered)
        self._damaged: frozenset[bytes] = frozenset()
        """Files that did not open when keys were derived; under the lock nothing is derived, and they are passed by."""

    def exists(self) -> bool:
        """There is a vault file on the card, in whatever state."""
        stored = self._store.load()
        return stored.newest is not None or bool(stored.older)

    def create(
        self,
        vault_id: str,
        passphrase: str,
        recovery_key: str,
        new_uuid: Callable[[], str],
        door: Door = BY_ITSELF,
    ) -> Kept:
        """Make a new, empty vault for this device, and its device secret.

        Raises VaultExists. Takes two key derivations, one more for a PIN.
        """
        master = self._random_bytes(keys.KEY_BYTES)
        slots = (
            self._keys.new_slot(master, passphrase, new_uuid),
            self._keys.new_slot(master, recovery_key, new_uuid),
        )
        device = replace(self._device(), vault=vault_id)
        return self._found(Vault(vault_id, device.id, device.name, 0, 0), device, master, slots, 1, door)

    def adopt(self, vault: Vault, template: Envelope, master: bytes, door: Door = BY_ITSELF) -> Kept:
        """Make the vault file of this device from a restored vault, under the vault's own key and slots.

        Raises VaultExists, and VaultTooNew if this release must not write the vault.
        """
        _refuse_too_new(vault)
        device = replace(self._device(), vault=vault.id)
        seen = {**vault.seen, vault.device: vault.generation}
        generation = max(vault.generation if vault.device == device.id else 0, seen.pop(device.id, 0))
        own = replace(vault, device=device.id, name=device.name, generation=generation, seen=seen)
        return self._found(own, device, master, template.slots, template.epoch, door)

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
            with contextlib.suppress(KeyMissing), self._store.lock():
                return replace(self._changed(apply), warning=warning)

    def older(self) -> tuple[Vault, ...]:
        """Return the older generations on the card, newest first, as far as the present key opens them.

        Raises what `open` raises.
        """
        self.open()
        found: list[Vault] = []
        for raw in self._store.load().older:
            with contextlib.suppress(KeyMissing, VaultDamaged, VaultTooNew):
                found.append(self._open_one(raw, derive=False).vault)
        return tuple(found)

    def unlock(self, entered: str) -> Kept:
        """Open the vault with what a person entered: PIN, passphrase or recovery key.

        A number is a PIN where the vault has one. Raises WrongPin, MustWait, WrongPassphrase, and what `open` raises.
        """
        if entered.isascii() and entered.isdigit() and self.mode() == "pin":
            if len(entered) >= keys.PASSPHRASE_MINIMUM:  # a passphrase may be made of digits
                with contextlib.suppress(WrongPassphrase):
                    return self._unlocked(entered)
            self._keys.with_pin(entered, self.open)
            return self.open()
        return self._unlocked(entered)

    def _unlocked(self, entered: str) -> Kept:
        self._keys.entered = entered
        try:
            kept = self.open()
        finally:
            self._keys.entered = None
        self.note_tried()
        return kept

    def inspect(self) -> None:
        """Read every generation from the card itself, and open it as far as the key in hand does.

        Raises VaultDamaged, StorageFailed, ReadableByOthers for the first that is not as it should be.
        """
        stored = self._store.load(fresh=True)
        if stored.newest is None:
            raise StorageFailed(
                "the vault file is gone", "an older one may be left", "appliance restore --merge"
            )
        for place, raw in enumerate((stored.newest, *stored.older)):
            try:
                envelope = sealed.read(raw)
                with contextlib.suppress(KeyMissing):
                    sealed.unseal(envelope, self._keys.held(envelope))
            except VaultDamaged as error:
                which = "the vault file" if place == 0 else f"vault file .{place}"
                raise VaultDamaged(
                    f"{which} is damaged", error.why, "make a backup, replace the card"
                ) from None

    def tried_at(self) -> float | None:
        """Return the Unix second at which passphrase or recovery key were last tried; None: nobody knows."""
        return self._store.remembered().get(SECRETS_TRIED)

    def note_tried(self) -> None:
        """Remember that a person just used passphrase or recovery key, as far as the time is known."""
        now = self._clock.now()
        if now.trusted and now.unix - (self.tried_at() or 0.0) >= DAY_SECONDS:
            with contextlib.suppress(
                ApplianceError
            ):  # a bad card is found soon enough, and this is no reason to stop
                self._store.remember(SECRETS_TRIED, now.unix)

    def recognised(self, entered: str) -> keys.Secret:
        """Return which of the two it is that a person entered. Raises WrongPassphrase, and what `open` raises.

        Takes a derivation, or two.
        """
        found = self._keys.recognised(self.open().envelope, entered)
        self.note_tried()
        return found

    def mode(self) -> Mode:
        """Return how the vault on the card opens after a start; the newest file that can be read tells.

        Raises what `open` raises.
        """
        stored = self._store.load()
        for raw in (stored.newest, *stored.older):
            with contextlib.suppress(VaultDamaged):
                if raw is not None:
                    return mode_of(sealed.read(raw))
        return self.open().mode

    def wait(self) -> float:
        """Return the seconds until a PIN may be tried; 0: now."""
        return self._keys.wait()

    def tries_left(self) -> int | None:
        """Return how many PINs may be tried before waiting begins or grows; None: each costs time."""
        return self._keys.tries_left()

    def rehang(self, door: Door) -> Kept:
        """Let the vault open another way after a start, and remove the older files, which open the old way.

        The rest of the file stays byte for byte. Raises what `open` raises. A PIN takes one derivation.
        """
        kept = self.open()
        device, secret = self._device(), self._store.secret() or self._random_bytes(SECRET_BYTES)
        wrap = self._wrap(self._keys.held(kept.envelope), secret, device.id, door)
        with self._store.lock():
            now, damaged = self._read(derive=False)
            if damaged is not None or now.envelope.head != kept.envelope.head:
                raise LockBusy("can't change how the vault opens", "it was changed meanwhile", "try again")
            if self._store.secret() != secret:
                self._store.save_secret(secret)
            kept = self._rewrapped(now, wrap)
            self._store.save_attempts(None)
            self._store.forget_older()
        return kept

    def rekey(self, passphrase: str, recovery_key: str, new_uuid: Callable[[], str], door: Door) -> Kept:
        """Give the vault a new master key, passphrase and recovery key, and remove what the old ones open here.

        Raises what `open` raises, and VaultTooNew. Takes two derivations, one more for a PIN.
        """
        before = self.open()
        _refuse_too_new(before.vault)
        master = self._random_bytes(keys.KEY_BYTES)
        slots = (
            self._keys.new_slot(master, passphrase, new_uuid),
            self._keys.new_slot(master, recovery_key, new_uuid),
        )
        device, secret = self._device(), self._store.secret() or self._random_bytes(SECRET_BYTES)
        wrap = self._wrap(master, secret, device.id, door)
        with self._store.lock():
            now, damaged = self._read(derive=False)
            if damaged is not None or now.envelope.head != before.envelope.head:
                raise LockBusy("can't change the passphrase", "the vault was changed meanwhile", "try again")
            if self._store.secret() != secret:
                self._store.save_secret(secret)
            envelope = Envelope(slots, 1 + now.envelope.epoch, b"", b"", b"", wrap)
            old = self._keys.held(now.envelope)
            self._keys.take(envelope, master)
            try:
                kept = self._save(now.vault, envelope)
            except BaseException:
                self._keys.take(now.envelope, old)
                raise
            self._store.save_attempts(None)
            self._store.forget_older()
        self.note_tried()
        return kept

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
        return sealed.unseal(envelope, self._keys.held(envelope))

    def open_foreign(self, payload: bytes) -> tuple[Vault, Envelope, bytes]:
        """Open a backup that is not this device's with what the person entered: (vault, its envelope, master key).

        Raises WrongPassphrase, VaultDamaged, VaultTooNew. One key derivation for each distinct header.
        """
        envelope = sealed.read(payload)
        master = self._keys.found(envelope)
        return sealed.unseal(envelope, master), envelope, master

    def forget(self) -> None:
        """Drop the keys."""
        self._keys.forget()
        self._damaged = frozenset()

    def _device(self) -> Device:
        device = self._store.device()
        if device is None:
            raise NothingFound("can't tell who this device is", "device.json is missing", "appliance init")
        return device

    def _found(
        self,
        vault: Vault,
        device: Device,
        master: bytes,
        slots: tuple[keys.Slot, keys.Slot],
        epoch: int,
        door: Door,
    ) -> Kept:
        secret = self._random_bytes(SECRET_BYTES)
        wrap = self._wrap(master, secret, device.id, door)
        with self._store.lock():
            if self.exists():
                raise VaultExists("can't make a vault", "there is one already", "appliance status")
            self._store.save_device(device)
            self._store.save_secret(secret)
            self._store.save_attempts(None)
            envelope = Envelope(slots, epoch, b"", b"", b"", wrap)
            self._keys.take(envelope, master)
            kept = self._save(vault, envelope)
        self.note_tried()
        return kept

    def _wrap(self, master: bytes, secret: bytes, device: str, door: Door) -> keys.DeviceWrap | None:
        return None if door.mode == "passphrase" else self._keys.new_wrap(master, secret, device, door.pin)

    def _changed(self, apply: Apply) -> Kept:
        kept, damaged = self._read(derive=False)
        if damaged is not None:
            raise KeyMissing  # since it was opened; a damaged file must be set aside and not become `.1`
        _refuse_too_new(kept.vault)
        moment = self._moment(kept.vault.device)
        changed = expire(apply(kept.vault, moment), moment)
        _refuse_too_new(changed)
        # What expired is no reason to save: a peer that still has it would be answered again and again.
        if same_content(changed, expire(kept.vault, moment)) and changed.generation <= kept.vault.generation:
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
        master = self._keys.held(like)
        envelope = sealed.seal(vault, master, like.slots, like.epoch, like.device, self._random_bytes)
        raw = sealed.write(envelope)

        def check(read_back: bytes) -> None:
            _same(read_back, raw)
            if sealed.unseal(sealed.read(read_back), master) != vault:
                raise document.damaged("it would not say what the vault holds")

        self._store.save(raw, check)
        return Kept(vault, envelope)

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
        raise first or KeyMissing

    def _open_one(self, raw: bytes, *, derive: bool) -> Kept:
        envelope = sealed.read(raw)
        master = self._keys.found(envelope) if derive else self._keys.held(envelope)
        return Kept(sealed.unseal(envelope, master), envelope)

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
        wrap = kept.envelope.device
        if self._keys.entered is None or wrap is None or self._keys.fits(wrap):
            return kept
        device = self._store.device() or Device(kept.vault.device, kept.vault.id, kept.vault.name)
        with contextlib.suppress(KeyMissing), self._store.lock():
            kept, _ = self._read(derive=False)
            secret = self._random_bytes(SECRET_BYTES)
            # A PIN would have to be set anew, with a secret that is gone nobody knows it.
            by_itself = wrap.mode == "credential"
            master = self._keys.held(kept.envelope)
            fresh = self._keys.new_wrap(master, secret, device.id, None) if by_itself else None
            self._store.save_device(device)
            self._store.save_secret(secret)
            kept = self._rewrapped(kept, fresh)
        return kept

    def _rewrapped(self, kept: Kept, wrap: keys.DeviceWrap | None) -> Kept:
        """Save the file with another `x-device`; all else stays byte for byte. Call it only inside the lock."""
        kept = replace(kept, envelope=replace(kept.envelope, device=wrap))
        raw = sealed.write(kept.envelope)
        self._store.save(raw, lambda read_back: _same(read_back, raw))
        return kept

    def _look_into(self, envelope: Envelope, own: Vault) -> Verdict:
        if not hmac.compare_digest(envelope.head, self._keys.head or ""):
            return Foreign("it is sealed under another header")
        try:
            theirs = sealed.unseal(envelope, self._keys.held(envelope))
        except (VaultDamaged, VaultTooNew) as error:
            return Foreign(error.why)
        if theirs.id != own.id or theirs.device != own.device:
            return Foreign("it belongs to another vault or device")
        moment = self._moment(own.device)  # what only expired here is nothing new there
        same = same_content(expire(merge(own, theirs), moment), expire(own, moment))
        return Authentic(theirs.generation, theirs.generation > own.generation or not same)


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
