"""The vault file, read and saved with the keys in hand.

The file is the single source of truth. What is damaged falls back to an older generation; what a person's secret does
not open never does. A key derivation never runs under the lock: `read(derive=False)` raises KeyMissing in its place.
"""

from dataclasses import replace
from typing import Final

from appliance.core.events import Problem
from appliance.errors import (
    ApplianceError,
    NothingFound,
    StorageFailed,
    UsageError,
    VaultDamaged,
    VaultTooNew,
)
from appliance.keeper.kept import Kept
from appliance.keyring import KeyMissing, Keyring
from appliance.ports import Clock, Device, RandomBytes, VaultStore
from appliance.vault import document, keys, sealed
from appliance.vault.edit import Moment
from appliance.vault.model import Vault
from appliance.vault.proof import Key, Proof
from appliance.vault.sealed import Envelope

DAY_SECONDS: Final = 86_400


class Card:
    """What lies in the state folder of one device."""

    def __init__(self, store: VaultStore, clock: Clock, random_bytes: RandomBytes, keyring: Keyring) -> None:
        self.store = store
        self.clock = clock
        self.random_bytes = random_bytes
        self.keyring = keyring
        self._damaged: frozenset[bytes] = frozenset()
        """Files that did not open when keys were derived; under the lock nothing is derived, and they are passed by."""

    def exists(self) -> bool:
        """There is a vault file on the card, in whatever state."""
        return bool(self.store.load().every)

    def device(self) -> Device:
        """Return who this device is. Raises NothingFound if nobody decided that yet."""
        device = self.store.device()
        if device is None:
            raise NothingFound("can't tell who this device is", "device.json is missing", "appliance init")
        return device

    def moment(self, device: str) -> Moment:
        """Return when and by whom a change is made now."""
        now = self.clock.now()
        return Moment(int(now.unix * 1000) if now.trusted else None, device)

    def save(self, vault: Vault, like: Envelope, chain: tuple[Key, ...] = ()) -> Kept:
        """Save the next generation, under the key and slots of `like`. Call it only inside the lock.

        `chain` are the signing keys up to that of the master key; without any, those of `like` go on.
        """
        now = self.clock.now()
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
        master = self.keyring.held(like)
        envelope = sealed.seal(vault, master, like.slots, like.epoch, like.device, self.random_bytes)
        envelope = replace(envelope, proof=like.proof, extra=like.extra)
        envelope = sealed.sign(envelope, vault, master, chain)
        raw = sealed.write(envelope)
        if len(raw) > sealed.FILE_LIMIT:
            raise UsageError(
                "can't save the vault",
                f"with {len(vault.records)} accounts it would be larger than {sealed.FILE_LIMIT >> 20} MiB",
                "fewer accounts; nothing was changed",
            )

        def check(read_back: bytes) -> None:
            _same(read_back, raw)
            if sealed.unseal(sealed.read(read_back), master) != vault:
                raise document.damaged("it would not say what the vault holds")

        self.store.save(raw, check)
        return Kept(vault, envelope)

    def read(self, *, derive: bool) -> tuple[Kept, bytes | None]:
        """Return (what opened, the newest file if it is there and damaged)."""
        stored = self.store.load()
        if not stored.every:
            raise NothingFound(
                "can't open the vault", "there is none yet", "appliance init, or appliance restore"
            )
        if derive:
            self._damaged = frozenset()
        first: ApplianceError | None = None
        for raw in stored.every:
            if raw in self._damaged:
                continue
            try:
                kept = self.opened(raw, derive=derive)
            except VaultDamaged as error:
                first = first or error
                self._damaged |= {raw}
            else:
                return kept, stored.newest if stored.newest in self._damaged else None
        raise first or KeyMissing

    def opened(self, raw: bytes, *, derive: bool) -> Kept:
        """Open a file. Raises VaultDamaged, and without `derive` KeyMissing if another key is in hand."""
        envelope = sealed.read(raw)
        master = self.keyring.found(envelope) if derive else self.keyring.held(envelope)
        return Kept(sealed.unseal(envelope, master), envelope)

    def set_aside(self, kept: Kept) -> Kept:
        """Keep the damaged newest file under another name, and say so. Call it only inside the lock."""
        name = self.store.set_aside(self.clock.now().unix)
        warning = Problem(
            "the newest vault file was damaged",
            f"generation {kept.vault.generation} is used, the damaged file is kept as {name}",
            "appliance restore --merge brings back what the broker has",
            "E4",
        )
        return replace(kept, warning=warning)

    def rewrapped(self, kept: Kept, wrap: keys.DeviceWrap | None) -> Kept:
        """Save the file with another `x-device`; all else stays byte for byte. Call it only inside the lock."""
        return self._written(replace(kept, envelope=replace(kept.envelope, device=wrap)))

    def sign(self, kept: Kept) -> Kept:
        """Save a file that has no proof yet with one; all else stays byte for byte. Call it only inside the lock."""
        return self._written(replace(kept, envelope=self._signed(kept)))

    def proof(self, kept: Kept) -> Proof | None:
        """Return whose a vault is, also where the card could not be written since a release before 0.2."""
        return (kept.envelope if kept.envelope.proof else self._signed(kept)).proof

    def _signed(self, kept: Kept) -> Envelope:
        return sealed.sign(kept.envelope, kept.vault, self.keyring.held(kept.envelope))

    def take_over(self, envelope: Envelope, kept: Kept) -> Kept:
        """Save another copy of this device's own vault in the place of the one here, byte for byte, with this device's
        own way to open it. Call it only inside the lock.

        Of two chains to the same key the longer one is kept: anybody can take the proof from a message.
        """
        master = self.keyring.held(envelope)
        vault = sealed.unseal(envelope, master)
        chains = [known.keys for known in (envelope.proof, kept.envelope.proof) if known is not None]
        envelope = sealed.sign(envelope, vault, master, max(chains, key=len, default=()))
        return self._written(Kept(vault, replace(envelope, device=kept.envelope.device)))

    def _written(self, kept: Kept) -> Kept:
        raw = sealed.write(kept.envelope)
        self.store.save(raw, lambda read_back: _same(read_back, raw))
        return kept

    def forget(self) -> None:
        """Drop the keys."""
        self.keyring.forget()
        self._damaged = frozenset()


def refuse_too_new(vault: Vault) -> None:
    """Raise VaultTooNew if this release must not write a vault."""
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
