"""Files of the state folder: written whole, flushed, read back; never through a link, never open to others."""

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.errors import ReadableByOthers, StorageFailed

_HINTS: Final = {
    errno.ENOSPC: "free some space; the vault that was there is untouched",
    errno.EDQUOT: "free some space; the vault that was there is untouched",
    errno.EROFS: "the card turned read-only, which often means that it is failing: make a backup and replace it",
    errno.EIO: "the card is failing: make a backup and replace it",
    errno.EACCES: "sudo appliance ...",
    errno.EPERM: "sudo appliance ...",
    errno.ELOOP: "a symbolic link lies there; replace it by the file itself",
}


class Files:
    """The folder, and what is done to its files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder if it is missing, and refuse one that others can look into."""
        with self.trouble("can't use the state folder", self.path):
            missing = list(
                itertools.takewhile(lambda folder: not folder.exists(), (self.path, *self.path.parents))
            )
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in missing:
                self.flush(folder.parent)  # else a power cut takes the new folder with all that is in it
            mode = self.path.stat().st_mode
        if not stat.S_ISDIR(mode) or mode & 0o077:
            raise ReadableByOthers(
                f"can't use the state folder {self.path}",
                "others can look into it",
                f"sudo chmod 700 {self.path}",
            )

    def replace(self, name: str, data: bytes, mode: int) -> None:
        """Write a file and rename it into its place. Raises StorageFailed."""
        self.prepare()
        with self.trouble("can't write", self.path / name):
            self.write(f"{name}.new", data, mode)
            (self.path / f"{name}.new").rename(self.path / name)
            self.flush()

    def write(self, name: str, data: bytes, mode: int) -> None:
        """Write a new file and flush it to the card. Raises OSError."""
        # What an interrupted save left is not reused: after a failed fsync its pages may be lost and look clean.
        (self.path / name).unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self.path / name, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def read_back(self, name: str) -> bytes:
        """Return what the card has of a file. Raises OSError."""
        # Dropping the cache first makes the card answer, and not the memory.
        with os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return file.read()

    def read(self, name: str, limit: int, *, fresh: bool = False) -> bytes | None:
        """Return at most `limit` bytes of a file, `fresh` from the card; None: there is none.

        Raises StorageFailed, ReadableByOthers.
        """
        path = self.path / name
        with self.trouble("can't read", path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError:
                return None
            except PermissionError:
                self._refuse_foreign(path)
                raise
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                if mode & 0o077:
                    raise ReadableByOthers(
                        f"can't use {path}", "others can read it", f"sudo chmod go= {path}"
                    )
                if fresh:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                return file.read(limit)

    def _refuse_foreign(self, path: Path) -> None:
        """Raise StorageFailed if a file has another owner than its folder, as one that root copied there."""
        if path.lstat().st_uid != self.path.stat().st_uid:
            raise StorageFailed(
                f"can't read {path}",
                "it belongs to another user than its folder",
                f"sudo chown --reference={self.path} {path}",
            )

    def flush(self, folder: Path | None = None) -> None:
        """Flush the names in the folder (or in another), so that a rename survives a power cut. Raises OSError."""
        descriptor = os.open(folder or self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def trouble(self, what: str, path: Path) -> Iterator[None]:
        """Turn an OSError into StorageFailed, in words."""
        try:
            yield
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else "the file system refused"
            hint = _HINTS.get(error.errno or 0, "look at the state folder and the card")
            raise StorageFailed(f"{what} {path}", why, hint) from error
