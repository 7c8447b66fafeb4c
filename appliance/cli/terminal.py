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
from typing import Any, BinaryIO, Final, Self, TextIO

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
        raise _unanswered(sys.stdout, error) from None


def _unanswered(stdout: TextIO, error: OSError) -> Exception:
    """Return what to raise when standard output takes nothing any more."""
    # Python would try once more at its end, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return error
    why = (error.strerror or str(error)).lower()
    return StorageFailed("can't write the answer", why, "look at where standard output goes")


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
    """A new file to be written, made with the caller's rights; nothing is ever overwritten. `-`: standard output.

    Root makes it in a folder that somebody else may exchange meanwhile: the folder is held open, and no path is walked
    a second time.
    """

    def __init__(self, name: str) -> None:
        if "://" in name:
            # Not repeated: it may hold a secret.
            raise UsageError("can't write to a link", "it is not the name of a file", "name a new file")
        self.name = name
        self.standard = name == "-"
        """It is standard output, not a file."""
        self._path = Path(name)
        self._folder = -1
        self._file: BinaryIO | None = None
        self._made: os.stat_result | None = None
        self._stdout: TextIO | None = None
        self._more: list[Output] = []

    def open(self) -> Self:
        """Make the file; from now on `discard` is due. Raises UsageError.

        Where it is standard output, what is told goes to standard error until `discard`.
        """
        if self.standard:
            if sys.stdout is None:
                raise UsageError("can't write to standard output", "it is closed", "name a file")
            self._stdout, sys.stdout = sys.stdout, sys.stderr
            return self
        try:
            self._folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._make()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UsageError(
                f"can't write {self.name}", why, "name a new file in a folder of your own"
            ) from None
        return self

    def _make(self) -> None:
        self._file = os.fdopen(os.open(self._path.name, _NEW, 0o600, dir_fd=self._folder), "wb")
        self._made = os.fstat(self._file.fileno())
        if os.geteuid() == 0 and (owner := os.environ.get("SUDO_UID", "")).isdigit():
            os.fchown(self._file.fileno(), int(owner), int(os.environ.get("SUDO_GID", "-1")))

    def _beside(self, name: str) -> "Output":
        """Return another new file in the same folder, wherever that is by now. Raises UsageError."""
        other = Output(name)
        try:
            other._folder = os.dup(self._folder)
            other._make()
        except OSError as error:
            other.discard()
            why = (error.strerror or str(error)).lower()
            raise UsageError(f"can't write {name}", why, "name a new file in a folder of your own") from None
        return other

    def keep_off_terminal(self, what: str, *, force: bool) -> None:
        """Raise UsageError if a terminal would show what is going to be written, unless that is wanted."""
        if self._stdout is not None and self._stdout.isatty() and not force:
            raise UsageError(
                what,
                "standard output is a terminal, which would show the secrets",
                "name a file, or send it to a program ('| ...'), or --force",
            )

    def write(self, data: bytes) -> None:
        """Write all of it; a file is flushed to the disk. Raises StorageFailed, BrokenPipeError."""
        if self._stdout is not None:
            try:
                self._stdout.buffer.write(data)
                self._stdout.flush()
            except OSError as error:
                raise _unanswered(self._stdout, error) from None
            return
        assert self._file is not None  # noqa: S101 - `main` opens all of them
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise StorageFailed(f"can't write {self.name}", why, "free some space") from None
        self._file = None

    def write_all(self, files: Sequence[bytes]) -> tuple[str, ...]:
        """Write several files, the others beside the first with a number in their names; return all names.

        Raises UsageError where there is no place beside it.
        """
        if self.standard and len(files) > 1:
            raise UsageError(
                "can't write to standard output",
                f"it takes one file, and there are {len(files)}",
                "name a file",
            )
        stem, suffix = self._path.with_suffix(""), self._path.suffix
        with as_caller():
            for number in range(2, len(files) + 1):
                self._more.append(self._beside(f"{stem}-{number}{suffix}"))
        outputs = (self, *self._more)
        for output, data in zip(outputs, files, strict=True):
            output.write(data)
        return tuple("standard output" if output.standard else output.name for output in outputs)

    def discard(self) -> None:
        """Leave no file behind whose `write` was not reached or failed; what is told goes to standard output again."""
        for output in self._more:
            output.discard()
        if self._stdout is not None:
            sys.stdout, self._stdout = self._stdout, None
        if self._file is not None:
            with contextlib.suppress(OSError), as_caller():
                self._unmake()
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _unmake(self) -> None:
        """Remove the file, if what has its name now is still this one."""
        found = os.stat(self._path.name, dir_fd=self._folder, follow_symlinks=False)
        if self._made is not None and os.path.samestat(self._made, found):
            os.unlink(self._path.name, dir_fd=self._folder)


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
