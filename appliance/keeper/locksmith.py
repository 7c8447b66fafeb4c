"""Making keys: a new vault, a restored one, another way to open it, a whole new set.

Any change of a slot is a re-key with the next epoch, since with the same master key an old slot grafted onto a new
file would open it. What the former door opens is removed from the card once the new file has been read back.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from appliance.core.events import Problem
from appliance.errors import LockBusy, StorageFailed, VaultExists
from appliance.keeper.card import Card, refuse_too_new
from appliance.keeper.kept import Door, Kept
from appliance.keyring import KeyMissing
from appliance.ports import Device
from appliance.vault import document, keys, proof, sealed
from appliance.vault.model import Vault
from appliance.vault.proof import Key
from appliance.vault.sealed import Envelope

SECRET_BYTES: Final = 32


def create(
    card: Card,
    vault_id: str,
    passphrase: str,
    recovery_key: str,
    new_uuid: Callable[[], str],
    door: Door,
) -> Kept:
    """Make a new, empty vault for this device, and its device secret.

    Raises VaultExists. Takes two key derivations, one more for a PIN.
    """
    master = card.random_bytes(keys.KEY_BYTES)
    slots = _slots(card, master, passphrase, recovery_key, new_uuid)
    device = replace(card.device(), vault=vault_id)
    vault = Vault(vault_id, device.id, device.name, 0, 0)
    return _found(card, vault, device, master, Envelope(slots, 1, b"", b"", b""), door)


def adopt(card: Card, vault: Vault, template: Envelope, master: bytes, door: Door) -> Kept:
    """Make the vault file of this device from a restored vault, under the vault's own key and slots.

    Raises VaultExists, and VaultTooNew if this release must not write the vault.
    """
    refuse_too_new(vault)
    device = replace(card.device(), vault=vault.id)
    seen = {**vault.seen, vault.device: vault.generation}
    generation = max(vault.generation if vault.device == device.id else 0, seen.pop(device.id, 0))
    own = replace(vault, device=device.id, name=device.name, generation=generation, seen=seen)
    return _found(card, own, device, master, template, door)


def rehang(card: Card, kept: Kept, door: Door) -> Kept:
    """Let the vault open another way after a start, and remove the older files, which open the old way.

    The rest of the file stays byte for byte. Where the older ones could not be removed, `warning` says so, and the new
    way holds all the same. Raises LockBusy, StorageFailed. A PIN takes one derivation.
    """
    secret = card.store.secret() or card.random_bytes(SECRET_BYTES)
    wrap = _wrap(card, card.keyring.held(kept.envelope), secret, card.device().id, door)
    with card.store.lock():
        now = _under_the_same_key(card, kept, "can't change how the vault opens")
        _keep_secret(card, secret)
        return _alone(card, card.rewrapped(now, wrap))


def rekey(
    card: Card, before: Kept, passphrase: str, recovery_key: str, new_uuid: Callable[[], str], door: Door
) -> Kept:
    """Give the vault a new master key, passphrase and recovery key, and remove what the old ones open here.

    Where that could not be removed, `warning` says so, and the new ones hold all the same. Raises VaultTooNew,
    LockBusy, StorageFailed. Takes two derivations, one more for a PIN.
    """
    refuse_too_new(before.vault)
    master = card.random_bytes(keys.KEY_BYTES)
    slots = _slots(card, master, passphrase, recovery_key, new_uuid)
    secret = card.store.secret() or card.random_bytes(SECRET_BYTES)
    wrap = _wrap(card, master, secret, card.device().id, door)
    with card.store.lock():
        now = _under_the_same_key(card, before, "can't change the passphrase")
        _keep_secret(card, secret)
        epoch = 1 + now.envelope.epoch
        envelope = Envelope(slots, epoch, b"", b"", b"", wrap, extra=now.envelope.extra)
        old = card.keyring.held(now.envelope)
        chain = proof.extend(_chain(now, old), old, master, now.vault.id, epoch)
        card.keyring.take(envelope, master)
        try:
            kept = card.save(now.vault, envelope, chain)
        except BaseException:
            card.keyring.take(now.envelope, old)
            raise
        return _alone(card, kept)


def _chain(kept: Kept, master: bytes) -> tuple[Key, ...]:
    """Return the signing keys up to that of a vault's present master key."""
    known = kept.envelope.proof
    return known.keys if known else proof.begin(master, kept.vault.id, kept.envelope.epoch)


def _under_the_same_key(card: Card, before: Kept, what: str) -> Kept:
    """Return the vault on the card if it has the header of before. Raises LockBusy."""
    with contextlib.suppress(KeyMissing):
        now, damaged = card.read(derive=False)
        if damaged is None and now.envelope.head == before.envelope.head:
            return now
    raise LockBusy(what, "the vault was changed meanwhile", "try again")


def _alone(card: Card, kept: Kept) -> Kept:
    """Remove what belongs to the key or door before. It is no error if that fails: the new one is valid already."""
    warning: Problem | None = None
    for remove in (partial(card.store.save_attempts, None), card.store.forget_older):
        try:
            remove()
        except StorageFailed as error:
            hint = "this change is saved, but older files may still open the old way: do it once more"
            warning = Problem(error.what, error.why, hint, error.short)
    return replace(kept, warning=warning)


def tidied(card: Card, newest: Envelope, older: tuple[Envelope, ...]) -> None:
    """Remove older files that another door opens: what a plug that was pulled within `rehang` or `rekey` left over."""
    if not any(_former(newest, one) for one in older):
        return
    with card.store.lock():
        raw = card.store.load().newest
        if raw is not None and sealed.read(raw) == newest:
            card.store.forget_older()


def _former(newest: Envelope, older: Envelope) -> bool:
    if older.head != newest.head:
        return True
    # Without a person, a lost device secret is replaced as well: older files then open by no device secret at all.
    by_itself = all(one.device is not None and one.device.mode == "credential" for one in (newest, older))
    return older.device != newest.device and not by_itself


def reinstated(card: Card, kept: Kept) -> Kept:
    """Give the device a new secret if a person opened a vault that its own secret no longer opens."""
    wrap = kept.envelope.device
    if card.keyring.entered is None or wrap is None or card.keyring.fits(wrap):
        return kept
    device = card.store.device() or Device(kept.vault.device, kept.vault.id, kept.vault.name)
    with contextlib.suppress(KeyMissing), card.store.lock():
        now, damaged = card.read(derive=False)
        if damaged is not None or now.envelope.device != wrap:
            return now  # somebody decided meanwhile how it opens
        card.store.save_device(device)
        if wrap.mode == "pin":
            return _without_pin(card, now)
        secret = card.random_bytes(SECRET_BYTES)
        fresh = card.keyring.new_wrap(card.keyring.held(now.envelope), secret, device.id, None)
        card.store.save_secret(secret)
        return card.rewrapped(now, fresh)
    return kept


def signed(card: Card, kept: Kept) -> Kept:
    """Give a file of a release before 0.2 its proof. A card that can't be written stays as it is, and opens."""
    if kept.envelope.proof is not None or document.unknown_needs(kept.vault):
        return kept
    with contextlib.suppress(KeyMissing, LockBusy, StorageFailed), card.store.lock():
        now, damaged = card.read(derive=False)
        if damaged is None and now.envelope == kept.envelope:
            return card.sign(now)
    return kept


def _without_pin(card: Card, kept: Kept) -> Kept:
    """Forget a PIN whose device secret is lost: it would have to be set anew, and nobody here knows it.

    No new secret is made before the file says so: with one, the right PIN would count as a wrong try.
    """
    lost = Problem("the PIN opens nothing any more", "the device secret was lost", "appliance pin set")
    return replace(card.rewrapped(kept, None), warning=lost)


def _found(
    card: Card,
    vault: Vault,
    device: Device,
    master: bytes,
    like: Envelope,
    door: Door,
) -> Kept:
    """Save the first generation on this card, under the slots of `like`, whose signing keys go on."""
    secret = card.random_bytes(SECRET_BYTES)
    wrap = _wrap(card, master, secret, device.id, door)
    with card.store.lock():
        if card.exists():
            raise VaultExists("can't make a vault", "there is one already", "appliance status")
        card.store.save_device(device)
        card.store.save_secret(secret)
        card.store.save_attempts(None)
        envelope = replace(like, device=wrap)
        card.keyring.take(envelope, master)
        return card.save(vault, envelope)


def _slots(
    card: Card, master: bytes, passphrase: str, recovery_key: str, new_uuid: Callable[[], str]
) -> tuple[keys.Slot, keys.Slot]:
    return (
        card.keyring.new_slot(master, passphrase, new_uuid),
        card.keyring.new_slot(master, recovery_key, new_uuid),
    )


def _keep_secret(card: Card, secret: bytes) -> None:
    if card.store.secret() != secret:
        card.store.save_secret(secret)


def _wrap(card: Card, master: bytes, secret: bytes, device: str, door: Door) -> keys.DeviceWrap | None:
    return None if door.mode == "passphrase" else card.keyring.new_wrap(master, secret, device, door.pin)
