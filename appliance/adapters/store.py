"""The state folder: the vault file and its older generations, the lock, this device's name, secret and memory.

Rules: files are 0600 (the secret 0400) in a 0700 folder; a symbolic link, or a file that others can read, is an
error. A save is a new file, flushed and read back before a rename; what was saved before stays until then.
"""

import contextlib
import errno
import fcntl
import json
import math
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from appliance.errors import ApplianceError, LockBusy, ReadableByOthers, StorageFailed
from appliance.ports import Device, Stored

VAULT: Final = "vault.json"
NEW: Final = "vault.new"
DEVICE: Final = "device.json"
SECRET: Final = "device-secret"  # noqa: S105 - a file's name
LOCK: Final = "lock"
REMEMBERED: Final = "remembered.json"
GENERATIONS: Final = 3
LOCK_SECONDS: Final = 5.0
READ_LIMIT: Final = 8 * 1024 * 1024 + 1
"""One byte more than a vault may have, so that a larger one is seen to be so."""

_HINTS: Final = {
    errno.ENOSPC: "free some space; the vault that was there is untouched",
    errno.EDQUOT: "free some space; the vault that was there is untouched",
    errno.EROFS: "the card turned read-only, which often means that it is failing: make a backup and replace it",
    errno.EIO: "the card is failing: make a backup and replace it",
    errno.EACCES: "sudo appliance ...",
    errno.EPERM: "sudo appliance ...",
    errno.ELOOP: "a symbolic link lies there; replace it by the file itself",
}


class StateFolder:
    """The port `VaultStore` in a folder of the file system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder if it is missing, and refuse one that others can look into."""
        with self._trouble("can't use the state folder", self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode
        if not stat.S_ISDIR(mode) or mode & 0o077:
            raise ReadableByOthers(
                f"can't use the state folder {self.path}",
                "others can look into it",
                f"sudo chmod 700 {self.path}",
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold `STATE_DIR/lock`, which is never renamed."""
        self.prepare()
        with self._trouble("can't lock the vault", self.path / LOCK):
            descriptor = os.open(
                self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        try:
            with self._trouble("can't lock the vault", self.path / LOCK):
                self._acquire(descriptor)
            yield
        finally:
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

    def load(self) -> Stored:
        """Return the vault file and its older generations."""
        newest = self._read(VAULT, READ_LIMIT)
        older = (self._read_older(number, needed=newest is None) for number in range(1, GENERATIONS + 1))
        return Stored(newest, tuple(raw for raw in older if raw is not None))

    def _read_older(self, number: int, *, needed: bool) -> bytes | None:
        try:
            return self._read(f"{VAULT}.{number}", READ_LIMIT)
        except StorageFailed:
            # A bad sector below an old copy must not keep a good newest file from being used.
            if needed:
                raise
            return None

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        """Replace the vault file; see the port for what is promised."""
        with self._trouble("can't save the vault", self.path / VAULT):
            try:
                self._write(NEW, sealed, 0o600)
                check(self._read_back(NEW))
            except (ApplianceError, OSError):
                # A full card needs the room; a file that did not read back well must never be renamed.
                with contextlib.suppress(OSError):
                    (self.path / NEW).unlink()
                raise
            self._rotate()
            (self.path / NEW).rename(self.path / VAULT)
            self._flush_folder()

    def _rotate(self) -> None:
        # After a save that was cut off right before its rename, `.1` is the newest already. Rotating again would push
        # a generation out, and from the third time on fail: a rename between links of one file does nothing.
        with contextlib.suppress(FileNotFoundError):
            if (self.path / f"{VAULT}.1").samefile(self.path / VAULT):
                return
        for number in range(GENERATIONS, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                (self.path / f"{VAULT}.{number - 1}").rename(self.path / f"{VAULT}.{number}")
        # A hard link, so that there is a vault.json at every moment.
        with contextlib.suppress(FileNotFoundError):
            (self.path / f"{VAULT}.1").hardlink_to(self.path / VAULT)

    def set_aside(self, unix: float) -> str:
        """Rename the damaged newest file."""
        name = f"vault.bad-{unix:.0f}"
        with self._trouble("can't set the damaged vault aside", self.path / VAULT):
            (self.path / VAULT).rename(self.path / name)
            self._flush_folder()
        return name

    def device(self) -> Device | None:
        """Return the contents of `device.json`."""
        raw = self._read(DEVICE, 4096)
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
        self._replace(DEVICE, json.dumps(known, indent=1).encode() + b"\n", 0o600)

    def secret(self) -> bytes | None:
        """Return the contents of `device-secret`."""
        return self._read(SECRET, 4096)

    def save_secret(self, secret: bytes) -> None:
        """Write `device-secret` atomically."""
        self._replace(SECRET, secret, 0o400)

    def remembered(self) -> dict[str, float]:
        """Return the numbers that were remembered. Never raises: a file that can't be used counts as none."""
        numbers = {key: _finite(value) for key, value in self._memory().items()}
        return {key: number for key, number in numbers.items() if number is not None}

    def remember(self, key: str, value: float) -> None:
        """Keep a number atomically, beside whatever else is remembered.

        The daemon alone remembers, from one thread: between reading and writing nothing else is kept out.
        """
        known = self._memory()
        if _finite(known.get(key)) == value:
            return  # spare the card
        self._replace(REMEMBERED, json.dumps(known | {key: value}).encode() + b"\n", 0o600)

    def _memory(self) -> dict[str, Any]:
        try:
            found = json.loads(self._read(REMEMBERED, 4096) or b"{}")
        except (ApplianceError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _replace(self, name: str, data: bytes, mode: int) -> None:
        self.prepare()
        with self._trouble("can't write", self.path / name):
            self._write(f"{name}.new", data, mode)
            (self.path / f"{name}.new").rename(self.path / name)
            self._flush_folder()

    def _write(self, name: str, data: bytes, mode: int) -> None:
        # What an interrupted save left is not reused: after a failed fsync its pages may be lost and look clean.
        (self.path / name).unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self.path / name, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _read_back(self, name: str) -> bytes:
        # Dropping the cache first makes the card answer, and not the memory.
        with os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return file.read()

    def _read(self, name: str, limit: int) -> bytes | None:
        path = self.path / name
        with self._trouble("can't read", path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                if mode & 0o077:
                    raise ReadableByOthers(
                        f"can't use {path}", "others can read it", f"sudo chmod go= {path}"
                    )
                return file.read(limit)

    def _flush_folder(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _trouble(self, what: str, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else "the file system refused"
            hint = _HINTS.get(error.errno or 0, "look at the state folder and the card")
            raise StorageFailed(f"{what} {path}", why, hint) from error


def _finite(value: object) -> float | None:
    """Return a number that JSON gave, as far as it is one; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
