"""The only holder of keys: reads, opens, changes, seals and saves the vault.

The daemon's worker thread uses it, and so does every command; never two threads at once. A change is a function
applied to the freshly loaded vault under the lock, and only what changes the content makes a save and a generation.
"""

import contextlib
import hmac
from collections.abc import Callable
from dataclasses import replace

from appliance.core.effects import SECRETS_TRIED
from appliance.core.events import (
    Authentic,
    Foreign,
    Mode,
    Outdated,
    Problem,
    Superseded,
    Undecided,
    Verdict,
)
from appliance.errors import (
    ApplianceError,
    LockBusy,
    StorageFailed,
    VaultDamaged,
    VaultLocked,
    VaultTooNew,
    WrongPassphrase,
)
from appliance.keeper import locksmith
from appliance.keeper.card import DAY_SECONDS, Card, refuse_too_new
from appliance.keeper.kept import BY_ITSELF, Door, Kept, Shelved, mode_of
from appliance.keyring import KeyMissing, Keyring
from appliance.ports import Clock, MemoryGauge, RandomBytes, VaultStore
from appliance.vault import document, keys, proof, sealed
from appliance.vault.edit import Moment, expire
from appliance.vault.merge import merge, refuse_ahead, same_content
from appliance.vault.model import Vault
from appliance.vault.proof import Proof
from appliance.vault.sealed import Envelope

Apply = Callable[[Vault, Moment], Vault]


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
        self._keys = Keyring(store, clock, random_bytes, memory, boot_id, entered)
        self._card = Card(store, clock, random_bytes, self._keys)
        self._store = store
        self._clock = clock

    def exists(self) -> bool:
        """There is a vault file on the card, in whatever state."""
        return self._card.exists()

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
        kept = locksmith.create(self._card, vault_id, passphrase, recovery_key, new_uuid, door)
        self._note_unpublished()
        self.note_tried()
        return kept

    def adopt(self, vault: Vault, template: Envelope, master: bytes, door: Door = BY_ITSELF) -> Kept:
        """Make the vault file of this device from a restored vault, under the vault's own key and slots.

        Raises VaultExists, and VaultTooNew if this release must not write the vault.
        """
        kept = locksmith.adopt(self._card, vault, template, master, door)
        if kept.vault.device not in {vault.device, *vault.seen}:
            self._note_unpublished()
        self.note_tried()
        return kept

    def open(self) -> Kept:
        """Return the vault on the card; an older generation if, and only if, the newest is damaged.

        Raises NothingFound, WrongPassphrase, VaultDamaged, VaultTooNew, StorageFailed, ...
        """
        while True:
            kept, damaged = self._card.read(derive=True)
            if damaged is None:
                return locksmith.signed(self._card, locksmith.reinstated(self._card, kept))
            with self._store.lock():
                if self._store.load().newest == damaged:
                    return self._card.set_aside(kept)

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
                found.append(self._card.opened(raw, derive=False).vault)
        return tuple(found)

    def unlock(self, entered: str) -> Kept:
        """Open the vault with what a person entered: PIN, passphrase or recovery key.

        A number is a PIN where the vault has one. Raises WrongPin, MustWait, WrongPassphrase, and what `open` raises.
        """
        if entered.isascii() and entered.isdigit() and self.mode() == "pin":
            if len(entered) >= keys.PASSPHRASE_MINIMUM:  # a passphrase may be made of digits
                with contextlib.suppress(WrongPassphrase):
                    return self._unlocked(entered)
            return self.enter_pin(entered)
        return self._unlocked(entered)

    def enter_pin(self, entered: str) -> Kept:
        """Open the vault with a PIN and nothing else. Raises WrongPin, MustWait, and what `open` raises."""
        return self._keys.with_pin(entered, self.open)

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
        read = [self._inspected(place, raw) for place, raw in enumerate(stored.every)]
        with contextlib.suppress(LockBusy):  # the next reading does it
            locksmith.tidied(self._card, read[0], tuple(read[1:]))

    def _inspected(self, place: int, raw: bytes) -> Envelope:
        try:
            envelope = sealed.read(raw)
            with contextlib.suppress(KeyMissing):
                sealed.unseal(envelope, self._keys.held(envelope))
        except VaultDamaged as error:
            which = "the vault file" if place == 0 else f"vault file .{place}"
            raise VaultDamaged(f"{which} is damaged", error.why, "make a backup, replace the card") from None
        return envelope

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

    def _note_unpublished(self) -> None:
        """Remember that the broker can't hold a backup of this device, so that silence there means nothing worse."""
        with contextlib.suppress(ApplianceError):
            self._store.remember("published", 0.0)

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
        for raw in self._store.load().every:
            with contextlib.suppress(VaultDamaged):
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
        return locksmith.rehang(self._card, self.open(), door)

    def rekey(self, passphrase: str, recovery_key: str, new_uuid: Callable[[], str], door: Door) -> Kept:
        """Give the vault a new master key, passphrase and recovery key, and remove what the old ones open here.

        Raises what `open` raises, and VaultTooNew. Takes two derivations, one more for a PIN.
        """
        kept = locksmith.rekey(self._card, self.open(), passphrase, recovery_key, new_uuid, door)
        self.note_tried()
        return kept

    def shut(self) -> Shelved:
        """Return what a device that is locked can tell of its vault. Raises what `open` raises but VaultLocked."""
        device = self._card.device()
        for raw in self._store.load().every:
            with contextlib.suppress(VaultDamaged):
                envelope = sealed.read(raw)
                return Shelved(sealed.write(envelope.published), envelope.proof, device.vault, device.id)
        raise document.damaged("no generation can be read")

    def check(self, payload: bytes) -> Verdict:
        """Return what a message on this device's own topic is, as far as a vault that is locked can tell."""
        payload = proof.bare(payload)
        try:
            own = self.open()
        except VaultLocked:
            return self._check_locked(payload)
        known = self._card.proof(own)
        try:
            envelope = sealed.read(payload)
        except (VaultDamaged, VaultTooNew) as error:
            return _judge(known, proof.read(payload), error.why)
        if hmac.compare_digest(envelope.head, own.envelope.head):
            return self._look_into(envelope, own, payload)
        return _judge(known, envelope.proof, "it is sealed under a key that nothing vouches for")

    def _check_locked(self, payload: bytes) -> Verdict:
        own = self.shut()
        generation = own.proof.generation if own.proof else 0
        if hmac.compare_digest(payload, own.published):
            return Authentic(generation, novel=False)
        if own.proof is None:
            return Undecided("it differs from this device's, which can be judged when it is unlocked")
        found = proof.read(payload)
        standing = proof.compare(own.proof, found)
        if standing == "older" and _readable(payload):
            return Outdated()
        if standing in {"newer", "other", "older"}:
            return Undecided("it is newer than this device's, and can be merged when it is unlocked")
        return _judge(own.proof, found, "nothing proves that it is this device's")

    def merged(self, payload: bytes) -> Kept:
        """Take over what an authentic message of this vault holds, and save it if that is anything new.

        A copy of this device's own vault that lacks nothing is kept as it is: two cards with one id must not answer
        each other with one generation after the other.
        """
        theirs = self.open_own(payload)
        refuse_too_new(theirs)
        refuse_ahead(theirs, self._card.moment(theirs.device).ms)
        with contextlib.suppress(KeyMissing), self._store.lock():
            kept, damaged = self._card.read(derive=False)
            if damaged is None and (_lacks_nothing(theirs, kept.vault) or _yields(kept, theirs, payload)):
                return self._card.take_over(sealed.read(proof.bare(payload)), kept)
        return self.merge_vault(theirs)

    def merge_vault(self, other: Vault) -> Kept:
        """Merge another state of this vault, and save it if that is anything new.

        Raises ApplianceError for a state that is dated more than a day ahead, while the time is known.
        """

        def apply(own: Vault, moment: Moment) -> Vault:
            refuse_ahead(other, moment.ms)
            result = merge(own, other)
            # What anybody remembers of this device's own generation must never be reached again.
            theirs = other.generation if other.device == own.device else other.seen.get(own.device, 0)
            return replace(result, generation=max(own.generation, theirs))

        return self.change(apply)

    def open_own(self, payload: bytes) -> Vault:
        """Open a message sealed under this vault's present key. Raises VaultDamaged if it is not."""
        kept, envelope = self.open(), sealed.read(proof.bare(payload))
        if envelope.head != kept.envelope.head:
            raise document.damaged("it is sealed under another key")
        return sealed.unseal(envelope, self._keys.held(envelope))

    def open_foreign(self, payload: bytes) -> tuple[Vault, Envelope, bytes]:
        """Open a backup that is not this device's with what the person entered: (vault, its envelope, master key).

        Raises WrongPassphrase, VaultDamaged, VaultTooNew. One key derivation for each distinct header.
        """
        envelope = sealed.read(proof.bare(payload))
        master = self._keys.found(envelope)
        return sealed.unseal(envelope, master), envelope, master

    def forget(self) -> None:
        """Drop the keys."""
        self._card.forget()

    def _changed(self, apply: Apply) -> Kept:
        kept, damaged = self._card.read(derive=False)
        if damaged is not None:
            raise KeyMissing  # since it was opened; a damaged file must be set aside and not become `.1`
        refuse_too_new(kept.vault)
        moment = self._card.moment(kept.vault.device)
        changed = expire(apply(kept.vault, moment), moment)
        refuse_too_new(changed)
        # What expired is no reason to save: a peer that still has it would be answered again and again.
        if same_content(changed, expire(kept.vault, moment)) and changed.generation <= kept.vault.generation:
            return kept
        return self._card.save(changed, kept.envelope)

    def _look_into(self, envelope: Envelope, kept: Kept, payload: bytes) -> Verdict:
        own = kept.vault
        try:
            theirs = sealed.unseal(envelope, self._keys.held(envelope))
        except VaultDamaged as error:
            return Foreign(error.why)
        except VaultTooNew as error:  # by a holder of the present key; its proof tells on which device
            return _judge(self._card.proof(kept), envelope.proof, error.why)
        if theirs.id != own.id or theirs.device != own.device:
            return Foreign("it belongs to another vault or device")
        moment = self._card.moment(own.device)  # what only expired here is nothing new there
        same = same_content(expire(merge(own, theirs), moment), expire(own, moment))
        novel = theirs.generation > own.generation or not same or _yields(kept, theirs, payload)
        return Authentic(theirs.generation, novel, signed=envelope.proof is not None)


def _lacks_nothing(theirs: Vault, own: Vault) -> bool:
    """Return whether a copy of the own vault is ahead of it in every respect; the later name of the device counts."""
    ahead = theirs.device == own.device and theirs.generation > own.generation
    return ahead and same_content(replace(merge(own, theirs), name=theirs.name), theirs)


def _yields(own: Kept, theirs: Vault, payload: bytes) -> bool:
    """Return whether a copy that says the same at the same generation, in other bytes, is the one to stay.

    Two cards with one id that merged at the same moment would else replace each other's for ever.
    """
    same = theirs.device == own.vault.device and theirs.generation == own.vault.generation
    signed = own.envelope.proof is not None and proof.read(payload) is not None
    return same and signed and payload > own.published and same_content(own.vault, theirs)


def _readable(payload: bytes) -> bool:
    try:
        sealed.read(payload)
    except (VaultDamaged, VaultTooNew):
        return False
    return True


def _judge(own: Proof | None, found: Proof | None, why: str) -> Verdict:
    """Return what a message is that this release or the present key can't open; `why` stands where nothing is proven.

    Under the present key only a later release writes what can't be opened here, whatever its generation: a copy of the
    card as it was before counts on from there as well.
    """
    match proof.compare(own, found):
        case "newer key":
            assert own is not None and found is not None  # noqa: S101, PT018 - else it would be unproven
            return Superseded(proof.successor(own, found))
        case "newer" | "other" | "older":
            return Superseded()
        case "same" | "older key":
            return Outdated()
        case _:
            return Foreign(why)
