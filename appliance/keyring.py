"""Keys in hand: the master key of a vault, and every way to come to it.

A person's passphrase or recovery key opens by a slot of the file, the device secret by `x-device`, in mode `pin` only
together with the PIN. Wrong PINs are counted on the card *before* each try, so that pulling the plug gives no free
one; the waiting starts again in full after a reboot.

A key derivation takes a second and 64 MiB: it never runs while the vault's lock is held.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from appliance.errors import (
    MustWait,
    StorageFailed,
    VaultDamaged,
    VaultLocked,
    WrongPassphrase,
    WrongPin,
)
from appliance.ports import Attempts, Clock, MemoryGauge, RandomBytes, VaultStore
from appliance.vault import keys, pin
from appliance.vault.keys import DeviceWrap, Slot
from appliance.vault.sealed import Envelope

T = TypeVar("T")

_WHAT: Final = "can't open the vault"


class KeyMissing(Exception):
    """The vault on the card was re-keyed since; derive outside the lock and try again."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A master key, and the header under which it was found."""

    head: str
    master: bytes = field(repr=False)


class Keyring:
    """The keys of one process."""

    def __init__(
        self,
        store: VaultStore,
        clock: Clock,
        random_bytes: RandomBytes,
        memory: MemoryGauge,
        boot_id: Callable[[], str | None],
        entered: str | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._memory = memory
        self._boot_id = boot_id
        self.entered = entered
        """What a person gave, passphrase or recovery key; without it the device secret opens the vault."""
        self._pin: str | None = None
        self._key: _Key | None = None
        self._uncounted_until = 0.0
        """Monotonic; the card did not take the count of a try."""

    def held(self, envelope: Envelope) -> bytes:
        """Return the master key of a file. Raises KeyMissing if it is another one's that is in hand."""
        if self._key is None or self._key.head != envelope.head:
            raise KeyMissing
        return self._key.master

    def take(self, envelope: Envelope, master: bytes) -> None:
        """Keep a master key for files with this header."""
        self._key = _Key(envelope.head, master)

    def found(self, envelope: Envelope) -> bytes:
        """Return the master key of a file, derived if it is not in hand.

        Raises WrongPassphrase, VaultLocked, VaultDamaged (the device secret does not fit), MemoryShort.
        """
        try:
            return self.held(envelope)
        except KeyMissing:
            master = self._derived(envelope)
        self.take(envelope, master)
        return master

    @property
    def head(self) -> str | None:
        """Header of the files that the key in hand opens."""
        return self._key.head if self._key is not None else None

    def forget(self) -> None:
        """Drop everything."""
        self._key = None
        self._pin = None
        self.entered = None

    # --- making

    def new_slot(self, master: bytes, password: str, new_uuid: Callable[[], str]) -> Slot:
        """Return a slot; takes one derivation."""
        return keys.new_slot(
            master, password, uuid=new_uuid(), random_bytes=self._random_bytes, memory_limit=self._memory()
        )

    def new_wrap(self, master: bytes, secret: bytes, device: str, entered_pin: str | None) -> DeviceWrap:
        """Return what opens the vault on this device: by its secret alone, or with a PIN."""
        if entered_pin is None:
            return keys.new_device_wrap(master, secret, device=device, random_bytes=self._random_bytes)
        return pin.new_wrap(
            master,
            secret,
            entered_pin,
            device=device,
            random_bytes=self._random_bytes,
            memory_limit=self._memory(),
        )

    # --- opening

    def fits(self, wrap: DeviceWrap) -> bool:
        """Return whether the device secret can be the one that belongs to a wrap; with a PIN nobody knows."""
        secret, device = self._store.secret(), self._store.device()
        if secret is None or device is None:
            return False
        return wrap.mode == "pin" or keys.unwrap_device(wrap, secret, device=device.id) is not None

    def _derived(self, envelope: Envelope) -> bytes:
        if self.entered is not None:
            return keys.unwrap_any(envelope.slots, self.entered, memory_limit=self._memory())
        wrap = envelope.device
        if wrap is None:
            raise VaultLocked("passphrase")
        secret, device = self._store.secret(), self._store.device()
        if secret is None or device is None:
            raise _lost()
        if wrap.mode == "pin":
            if self._pin is None:
                raise VaultLocked("pin")
            master = pin.unwrap(wrap, secret, self._pin, device=device.id, memory_limit=self._memory())
            if master is None:
                raise WrongPassphrase(_WHAT, "wrong PIN", "the passphrase opens it too")
            return master
        master = keys.unwrap_device(wrap, secret, device=device.id)
        if master is None:
            raise _lost()
        return master

    def recognised(self, envelope: Envelope, entered: str) -> keys.Secret:
        """Return by which slot of a file what a person entered opens it. Raises WrongPassphrase."""
        return keys.recognised(envelope.slots, entered, memory_limit=self._memory())[0]

    # --- the PIN

    def with_pin(self, entered_pin: str, act: Callable[[], T]) -> T:
        """Return what opens the vault with a PIN at hand, and count the try before.

        Raises MustWait without a try if it is too early, WrongPin, and whatever `act` raises.
        """
        before = self._counted()
        self._pin = entered_pin
        try:
            opened = act()
        except WrongPassphrase as error:
            raise WrongPin(self.wait(), pin.tries_left(before.tries + 1)) from error
        except BaseException:
            # It did not come to a verdict: short memory or a bad card is no wrong PIN.
            self._save(before)
            raise
        finally:
            self._pin = None
        self._save(Attempts(0, None, 0.0))
        return opened

    def _counted(self) -> Attempts:
        """Count a try, and return what was counted before. Raises MustWait, LockBusy."""
        with contextlib.ExitStack() as stack:
            # Two at once must not count as one; a card that can't even be locked is not written either, and costs time.
            with contextlib.suppress(StorageFailed):
                stack.enter_context(self._store.lock())
            before = self._store.attempts()
            if (wait := self._wait_after(before)) > 0:
                raise MustWait(wait)
            self._save(Attempts(before.tries + 1, self._boot_id(), self._clock.now().mono))
        return before

    def wait(self) -> float:
        """Return the seconds until a PIN may be tried; 0: now."""
        return self._wait_after(self._store.attempts())

    def _wait_after(self, attempts: Attempts) -> float:
        now, boot = self._clock.now().mono, self._boot_id()
        rebooted = None not in {boot, attempts.boot} and boot != attempts.boot
        since = 0.0 if rebooted or attempts.mono > now else attempts.mono
        return max(0.0, since + pin.delay(attempts.tries) - now, self._uncounted_until - now)

    def tries_left(self) -> int | None:
        """Return how many PINs may be tried before waiting begins or grows; None: each costs time."""
        return pin.tries_left(self._store.attempts().tries)

    def _save(self, attempts: Attempts) -> None:
        try:
            self._store.save_attempts(attempts if attempts.tries else None)
        except StorageFailed:
            self._uncounted_until = self._clock.now().mono + pin.UNCOUNTED_SECONDS


def _lost() -> VaultDamaged:
    return VaultDamaged(
        _WHAT,
        "the device secret is missing or belongs to another vault",
        "the passphrase opens it: use --passphrase-file",
    )
