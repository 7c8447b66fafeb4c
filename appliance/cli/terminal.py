"""Words to people and answers to scripts; secrets from people."""

import contextlib
import getpass
import json
import os
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.cli.owner import as_caller
from appliance.errors import ApplianceError, StorageFailed, UsageError, WrongPassphrase

INPUT_LIMIT: Final = 10 * 1024 * 1024
PICTURE_LIMIT: Final = 40 * 1024 * 1024
"""A phone's photo of 50 megapixels has 20 MB, a PDF of a scanner that makes colour pictures of a few pages more."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def tell(text: str = "") -> None:
    """Print a line of the answer. Raises BrokenPipeError, and StorageFailed if it can't be written."""
    try:
        print(text, flush=True)
    except OSError as error:
        # Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        why = (error.strerror or str(error)).lower()
        raise StorageFailed("can't write the answer", why, "look at where standard output goes") from None


def note(text: str) -> None:
    """Print a line beside the answer."""
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning."""
    note(f"appliance: warning: {text}")


def tell_json(value: object) -> None:
    """Print the answer for a script."""
    tell(json.dumps(value, ensure_ascii=False, indent=2))


def tell_error(error: ApplianceError) -> None:
    """Print what went wrong, why, and what to do."""
    note(f"appliance: error: {error.what}: {error.why}")
    if error.hint:
        note(f"appliance: hint: {error.hint}")


class Input:
    """A file named on the command line, read when the command line is: before root gives up its rights. `-`: stdin."""

    def __init__(self, name: str, limit: int | None = None) -> None:
        self.name = name
        self.data = _read(name, limit or INPUT_LIMIT)

    def line(self) -> str:
        """Return the contents as a secret: without one newline at the end. Raises UsageError if it is not text."""
        try:
            text = self.data.decode()
        except UnicodeDecodeError:
            raise UsageError(
                f"can't use {self.name}", "it is not UTF-8 text", "write the secret as plain text"
            ) from None
        return text.removesuffix("\n").removesuffix("\r")


def picture(name: str) -> Input:
    """Return a file that may be a picture: photos and scans are larger than what programs export."""
    return Input(name, PICTURE_LIMIT)


def _read(name: str, limit: int) -> bytes:
    if "://" in name:
        # Not repeated: it may hold a secret.
        raise UsageError("can't read a link", "it is not the name of a file", "write it into a file, or '-'")
    try:
        if name == "-" and sys.stdin is None:
            raise UsageError("can't read standard input", "it is closed", "name a file")
        if name == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(
            f"can't read {name}", (error.strerror or str(error)).lower(), "check the file's name"
        ) from None
    if len(data) > limit:
        raise UsageError(f"can't read {name}", f"it is larger than {limit >> 20} MiB", "name another file")
    return data


class Output:
    """A new file to be written, made with the caller's rights; nothing is ever overwritten."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = Path(name)
        self._kept = False
        self._more: list[Output] = []
        try:
            self._file = os.fdopen(os.open(self._path, _NEW, 0o600), "wb")
            if os.geteuid() == 0 and (owner := os.environ.get("SUDO_UID", "")).isdigit():
                os.fchown(self._file.fileno(), int(owner), int(os.environ.get("SUDO_GID", "-1")))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UsageError(f"can't write {name}", why, "name a new file in a folder of your own") from None

    def write(self, data: bytes) -> None:
        """Write all of it and flush it to the disk. Raises StorageFailed."""
        try:
            with self._file:
                self._file.write(data)
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise StorageFailed(f"can't write {self.name}", why, "free some space") from None
        self._kept = True

    def write_all(self, files: Sequence[bytes]) -> tuple[str, ...]:
        """Write several files, the others beside the first with a number in their names; return all names."""
        stem, suffix = self._path.with_suffix(""), self._path.suffix
        with as_caller():
            self._more = [Output(f"{stem}-{number}{suffix}") for number in range(2, len(files) + 1)]
        outputs = (self, *self._more)
        for output, data in zip(outputs, files, strict=True):
            output.write(data)
        return tuple(output.name for output in outputs)

    def discard(self) -> None:
        """Leave no file behind whose `write` was not reached or failed."""
        for output in self._more:
            output.discard()
        if not self._kept:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError), as_caller():
                self._path.unlink()


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever sits at the terminal, if anybody does."""

    asked: bool
    """Questions are allowed: not `--no-input`, and stdin is a terminal."""

    def secret(self, prompt: str, *, instead: str) -> str:
        """Ask for a secret. Raises WrongPassphrase with the hint `instead` if nobody may be asked, or answers."""
        if not self.asked:
            raise WrongPassphrase(f"can't ask for the {prompt}", "there is no terminal to ask at", instead)
        try:
            return getpass.getpass(f"{prompt[0].upper()}{prompt[1:]}: ")
        except EOFError:
            note("")
            raise WrongPassphrase(
                f"can't go on without the {prompt}", "nothing was entered", instead
            ) from None

    def answer(self, question: str, *, instead: str) -> str:
        """Ask a question. Raises UsageError with the hint `instead` if nobody may be asked."""
        if not self.asked:
            raise UsageError(f"can't ask '{question}'", "there is no terminal to ask at", instead)
        print(f"{question} ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines with aligned columns."""
    widths = [max(_cells(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cells(text: str) -> int:
    """Return the cells of a terminal that a text takes: Chinese letters and emoji take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in {"F", "W"} else 1
        for each in text
    )


Json = dict[str, Any]
