"""Writers that are known to be wrong, each in one way: negative controls, which every search for lost vaults must catch."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.adapters.store import StateFolder
from appliance.adapters.store.files import Files


class FileNotFlushed(StateFolder):
    """Renames what may not be on the card yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.files = _WithoutFsync(path)


class _WithoutFsync(Files):
    def write(self, name: str, data: bytes, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self.path / name, flags, mode), "wb") as file:
            file.write(data)


class FolderNotFlushed(StateFolder):
    """Tells of a rename that may not be on the card yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.files = _WithoutFlush(path)


class _WithoutFlush(Files):
    def flush(self, folder: Path | None = None) -> None:
        pass


class InPlace(StateFolder):
    """Overwrites the only copy; it flushes, and keeps generations, all in vain."""

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self.path / "vault.json", flags, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        self.files.flush()


class ToldTooEarly(StateFolder):
    """Comes back from a save when the new file is written, and renames it later."""

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        self.files.write("vault.new", sealed, 0o600)

    def settle(self) -> None:
        (self.path / "vault.new").rename(self.path / "vault.json")
        self.files.flush()


def settle(folder: StateFolder) -> None:
    if isinstance(folder, ToldTooEarly):
        folder.settle()


CONTROLS: Final = (
    (FileNotFlushed, "change"),
    (FileNotFlushed, "enter_a_wrong_pin"),
    (FolderNotFlushed, "change"),
    (FolderNotFlushed, "spend"),
    (FolderNotFlushed, "rekey"),
    (FolderNotFlushed, "enter_a_wrong_pin"),
    (InPlace, "change"),
    (InPlace, "first_change"),
    (ToldTooEarly, "change"),
    (ToldTooEarly, "spend"),
)
WRITER: Final = {writer.__name__: writer for writer, _ in CONTROLS}
