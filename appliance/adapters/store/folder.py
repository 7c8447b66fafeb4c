"""The state folder: the vault file and its older generations, the lock, this device's name, secret and memory.

Rules: files are 0600 (the secret 0400) in a 0700 folder; a symbolic link, or a file that others can read, is an
error. A save is a new file, flushed and read back before a rename; what was saved before stays until then.
"""

import contextlib
import fcntl
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from appliance.adapters.store.files import Files
from appliance.errors import ApplianceError, LockBusy, ReadableByOthers, StorageFailed
from appliance.ports import Attempts, Device, Stored

VAULT: Final = "vault.json"
NEW: Final = "vault.new"
DEVICE: Final = "device.json"
SECRET: Final = "device-secret"  # noqa: S105 - a file's name
LOCK: Final = "lock"
REMEMBERED: Final = "remembered.json"
ATTEMPTS: Final = "pin-attempts"
BAD: Final = "vault.bad-"
MANY_TRIES: Final = 99
GENERATIONS: Final = 3
LOCK_SECONDS: Final = 5.0
READ_LIMIT: Final = 8 * 1024 * 1024 + 1
"""One byte more than a vault may have, so that a larger one is seen to be so."""


class StateFolder:
    """The port `VaultStore` in a folder of the file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = Files(path)

    def prepare(self) -> None:
        """Make the folder if it is missing, and refuse one that others can look into."""
        self.files.prepare()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold `STATE_DIR/lock`, which is never renamed."""
        self.prepare()
        with self.files.trouble("can't lock the vault", self.path / LOCK):
            descriptor = os.open(
                self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        try:
            with self.files.trouble("can't lock the vault", self.path / LOCK):
                self._acquire(descriptor)
            yield
        finally:
            # Nothing was written to it, and what was done under the lock is done.
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        # flock has no time-out of its own, and an alarm would hit the whole process.
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise LockBusy(
                        f"can't lock the vault {self.path / VAULT}",
                        f"another process has held it for {LOCK_SECONDS:.0f} s",
                        "try again; if it lasts, look for a hanging 'appliance' process",
                    ) from None
                time.sleep(0.02)
            else:
                return

    def load(self, *, fresh: bool = False) -> Stored:
        """Return the vault file and its older generations."""
        newest = self.files.read(VAULT, READ_LIMIT, fresh=fresh)
        older = (self._read_older(number, newest, fresh=fresh) for number in range(1, GENERATIONS + 1))
        return Stored(newest, tuple(raw for raw in older if raw is not None))

    def _read_older(self, number: int, newest: bytes | None, *, fresh: bool) -> bytes | None:
        try:
            return self.files.read(f"{VAULT}.{number}", READ_LIMIT, fresh=fresh)
        except StorageFailed:
            # A bad sector below an old copy must not keep a good newest file from being used.
            if newest is None or fresh:
                raise
            return None

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        """Replace the vault file; see the port for what is promised."""
        with self.files.trouble("can't save the vault", self.path / VAULT):
            try:
                self.files.write(NEW, sealed, 0o600)
                check(self.files.read_back(NEW))
            except (ApplianceError, OSError):
                # A full card needs the room; a file that did not read back well must never be renamed.
                with contextlib.suppress(OSError):
                    (self.path / NEW).unlink()
                raise
            self._rotate()
            (self.path / NEW).rename(self.path / VAULT)
            try:
                self.files.flush()
            except OSError:
                self._take_back()
                raise

    def _take_back(self) -> None:
        """Put the file before in its place again: what was told as failed must not be there at the next look."""
        # The new one may be on the card all the same, and a card that refuses even this shows it until a restart.
        with contextlib.suppress(OSError):
            try:
                (self.path / NEW).hardlink_to(self.path / f"{VAULT}.1")
            except FileNotFoundError:
                (self.path / VAULT).unlink()  # it was the first
            else:
                (self.path / NEW).rename(self.path / VAULT)
            self.files.flush()

    def _rotate(self) -> None:
        # After a save that was cut off right before its rename, `.1` is the newest already. Rotating again would push
        # a generation out, and from the third time on fail: a rename between links of one file does nothing.
        with contextlib.suppress(FileNotFoundError):
            if (self.path / f"{VAULT}.1").samefile(self.path / VAULT):
                return
        for number in range(GENERATIONS, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                (self.path / f"{VAULT}.{number - 1}").rename(self.path / f"{VAULT}.{number}")
        # Power cuts may have left links of one file in all these names, and then nothing was renamed.
        (self.path / f"{VAULT}.1").unlink(missing_ok=True)
        # A hard link, so that there is a vault.json at every moment.
        with contextlib.suppress(FileNotFoundError):
            (self.path / f"{VAULT}.1").hardlink_to(self.path / VAULT)

    def set_aside(self, unix: float) -> str:
        """Rename the damaged newest file."""
        name = f"{BAD}{unix:.0f}"
        with self.files.trouble("can't set the damaged vault aside", self.path / VAULT):
            # A rename that a power cut left half done has both names, and is not done again between links of one file.
            (self.path / name).unlink(missing_ok=True)
            (self.path / VAULT).rename(self.path / name)
            self.files.flush()
        return name

    def forget_older(self) -> None:
        """Remove the older generations and what was set aside as damaged."""
        with self.files.trouble("can't remove the older vault files in", self.path):
            for file in (*self.path.glob(f"{VAULT}.[0-9]*"), *self.path.glob(f"{BAD}*")):
                file.unlink(missing_ok=True)
            self.files.flush()

    def attempts(self) -> Attempts:
        """Return the contents of `pin-attempts`; a file that can't be used counts as very many tries."""
        try:
            raw = self.files.read(ATTEMPTS, 4096)
            if raw is None:
                return Attempts(0, None, 0.0)
            found = json.loads(raw)
            boot = None if found["boot"] is None else str(found["boot"])
            return Attempts(int(found["tries"]), boot, float(found["mono"]))
        except (ReadableByOthers, ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return Attempts(MANY_TRIES, None, 0.0)

    def save_attempts(self, attempts: Attempts | None) -> None:
        """Write `pin-attempts` and read it back; None: remove it."""
        if attempts is None:
            with self.files.trouble("can't remove", self.path / ATTEMPTS):
                (self.path / ATTEMPTS).unlink(missing_ok=True)
                self.files.flush()
            return
        known = {"tries": attempts.tries, "boot": attempts.boot, "mono": attempts.mono}
        self.files.replace(ATTEMPTS, json.dumps(known).encode() + b"\n", 0o600)
        with self.files.trouble("can't read back", self.path / ATTEMPTS):
            self.files.read_back(ATTEMPTS)
        if self.attempts() != attempts:
            raise StorageFailed(
                f"can't write {self.path / ATTEMPTS}", "it does not read back the same", "replace the card"
            )

    def device(self) -> Device | None:
        """Return the contents of `device.json`."""
        raw = self.files.read(DEVICE, 4096)
        if raw is None:
            return None
        try:
            found = json.loads(raw)
            device = Device(id=str(found["device"]), vault=found["vault"], name=str(found["name"]))
        except (ValueError, KeyError, TypeError):
            raise StorageFailed(
                f"can't read {self.path / DEVICE}",
                "it is damaged",
                "remove it and run 'appliance restore', or put it back from a copy",
            ) from None
        return device

    def save_device(self, device: Device) -> None:
        """Write `device.json` atomically."""
        known = {"device": device.id, "name": device.name, "vault": device.vault}
        self.files.replace(DEVICE, json.dumps(known, indent=1).encode() + b"\n", 0o600)

    def secret(self) -> bytes | None:
        """Return the contents of `device-secret`."""
        return self.files.read(SECRET, 4096)

    def save_secret(self, secret: bytes) -> None:
        """Write `device-secret` atomically."""
        self.files.replace(SECRET, secret, 0o400)

    def remembered(self) -> dict[str, float]:
        """Return the numbers that were remembered. Never raises: a file that can't be used counts as none."""
        try:
            known = self._memory()
        except ApplianceError:
            known = {}
        numbers = {key: _finite(value) for key, value in known.items()}
        return {key: number for key, number in numbers.items() if number is not None}

    def remember(self, key: str, value: float) -> None:
        """Keep a number atomically, beside whatever else is remembered."""
        with self.lock():
            known = self._memory()
            if _finite(known.get(key)) == value:
                return  # spare the card
            self.files.replace(REMEMBERED, json.dumps(known | {key: value}).encode() + b"\n", 0o600)

    def _memory(self) -> dict[str, Any]:
        """Return what the file says, nothing if it says nothing of use. Raises StorageFailed if it can't be read:
        what is in it must not be written over for that.
        """
        try:
            found = json.loads(self.files.read(REMEMBERED, 4096) or b"{}")
        except (ReadableByOthers, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _finite(value: object) -> float | None:
    """Return a number that JSON gave, as far as it is one; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
