"""A state folder and a clock in memory, for tests of whatever uses the ports `VaultStore` and `Clock`.

No threads, no waiting: a lock that is held is busy at once. `FakeStore.files` is the card; several stores may share
one, as several processes do.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from appliance.core.instant import Instant, Trust
from appliance.errors import ApplianceError, LockBusy, ReadableByOthers, StorageFailed
from appliance.ports import Attempts, Device, Stored

VAULT: Final = "vault.json"
GENERATIONS: Final = 3
START: Final = 1_800_000_000.0


@dataclass(eq=False, slots=True)
class Card:
    """What several stores of one device share."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    device: Device | None = None
    secret: bytes | None = field(default=None, repr=False)
    locked: bool = False
    attempts: Attempts | None = None
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class FakeStore:
    """The port `VaultStore` in memory.

    fake = FakeStore()
    fake.full = StorageFailed("can't save the vault", "no space left on device")
    fake.spoil = lambda written: written[:-1]
    """

    card: Card = field(default_factory=Card)
    full: ApplianceError | None = None
    """What every write raises."""
    broken: ApplianceError | None = None
    """What every read raises."""
    spoil: Callable[[bytes], bytes] = lambda written: written
    """What the card makes of the bytes that it was given."""
    open_to_others: set[str] = field(default_factory=set)
    """Names of files that others can read."""
    saves: int = 0
    loads: int = 0
    locks: int = 0

    @property
    def files(self) -> dict[str, bytes]:
        """The vault's files by name; a test may change them."""
        return self.card.files

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of the card."""
        if self.card.locked:
            raise LockBusy("can't lock the vault", "another process has held it")
        self.card.locked = True
        self.locks += 1
        try:
            yield
        finally:
            self.card.locked = False

    def load(self, *, fresh: bool = False) -> Stored:
        """Return the vault file and its older generations; it has no cache."""
        self.loads += 1
        if self.broken is not None:
            raise self.broken
        names = [VAULT, *(f"{VAULT}.{number}" for number in range(1, GENERATIONS + 1))]
        for name in names:
            if name in self.open_to_others:
                raise ReadableByOthers(f"can't use {name}", "others can read it")
        newest, *older = (self.files.get(name) for name in names)
        return Stored(newest, tuple(raw for raw in older if raw is not None))

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        """Replace the vault file, after `check` liked what the card made of it."""
        assert self.card.locked, "save is called only inside lock"
        self._writable()
        check(self.spoil(sealed))
        for number in range(GENERATIONS, 1, -1):
            if f"{VAULT}.{number - 1}" in self.files:
                self.files[f"{VAULT}.{number}"] = self.files.pop(f"{VAULT}.{number - 1}")
        if VAULT in self.files:
            self.files[f"{VAULT}.1"] = self.files[VAULT]
        self.files[VAULT] = sealed
        self.saves += 1

    def set_aside(self, unix: float) -> str:
        """Rename the damaged newest file."""
        assert self.card.locked, "set_aside is called only inside lock"
        self._writable()
        name = f"vault.bad-{unix:.0f}"
        self.files[name] = self.files.pop(VAULT)
        return name

    def forget_older(self) -> None:
        """Remove the older generations and what was set aside."""
        self._writable()
        for name in [name for name in self.files if name != VAULT]:
            del self.files[name]

    def attempts(self) -> Attempts:
        """Return the wrong PINs so far."""
        return self.card.attempts or Attempts(0, None, 0.0)

    def save_attempts(self, attempts: Attempts | None) -> None:
        """Keep the count."""
        self._writable()
        self.card.attempts = attempts

    def remembered(self) -> dict[str, float]:
        """Return the numbers."""
        return dict(self.card.numbers)

    def remember(self, key: str, value: float) -> None:
        """Keep a number."""
        with self.lock():
            self._writable()
            self.card.numbers[key] = value

    def device(self) -> Device | None:
        """Return who this Pi is."""
        return self.card.device

    def save_device(self, device: Device) -> None:
        """Keep who this Pi is."""
        self._writable()
        self.card.device = device

    def secret(self) -> bytes | None:
        """Return the device secret."""
        return self.card.secret

    def save_secret(self, secret: bytes) -> None:
        """Keep the device secret."""
        self._writable()
        self.card.secret = secret

    def _writable(self) -> None:
        if self.full is not None:
            raise self.full


@dataclass(eq=False, slots=True)
class FakeClock:
    """The port `Clock`, turned by hand."""

    unix: float = START
    mono: float = 1000.0
    trust: Trust = "synchronised"

    def now(self) -> Instant:
        """Return the moment that it was set to."""
        return Instant(self.unix, self.mono, self.trust, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.unix += seconds
        self.mono += seconds


@dataclass(eq=False, slots=True)
class Dice:
    """Random bytes that repeat in every run and never within one."""

    thrown: int = 0

    def __call__(self, count: int) -> bytes:
        """Return so many."""
        self.thrown += 1
        return self.thrown.to_bytes(4, "big").rjust(count, b"\x5a")

    def uuid(self) -> str:
        """Return a uuid made of them."""
        return str(UUID(bytes=self(16), version=4))


def full_card() -> StorageFailed:
    """Return the error of a card without space."""
    return StorageFailed("can't save the vault", "no space left on device", "free some space")
