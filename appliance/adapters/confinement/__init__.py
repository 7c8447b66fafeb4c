"""Foreign files are read in a child process that is shut in: whatever they do to a decoder, they do it to nobody else.

The child gets the bytes and the file's password, never a vault, its keys or a name of a file. It imports what it needs,
gives up root, files, network and new programs for good, tries whether that is so, and tells; only then is it sent a
foreign byte (`doors`, `seccomp`). Nothing that it answers is believed (`wire`, `pipes`): even a child that was
taken over can only lie about accounts, which the preview shows.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import appliance
from appliance.adapters.confinement import libraries, pipes, wire
from appliance.adapters.confinement.wire import Order
from appliance.errors import CannotRead, NotConfined
from appliance.transfer.found import Reading

_log = logging.getLogger("appliance")

PROGRAM: Final = "from appliance.adapters.confinement import child\nraise SystemExit(child.main())"
_WALL_SECONDS: Final = 180
"""A Pi Zero that derives Ente's key of 1 GiB would take that long, if it had the memory."""


def read(
    files: Sequence[bytes], *, password: str | None, memory_limit: int, key_file: bytes | None = None
) -> Reading:
    """Return what the files of one export hold, as `registry.read` does in this process; blocks for up to minutes.

    Raises what `registry.read` raises, CannotRead if the files need too much memory or time, or break a decoder, and
    NotConfined if this system has no way to shut their reader in.
    """
    order = Order(tuple(files), password, key_file, memory_limit)
    return wire.answer_of(answered(order, _IMPORT), _new_uuid)


def codes(files: Sequence[bytes]) -> tuple[tuple[str, ...], ...]:
    """Return for each picture or PDF the texts of all QR codes in it; blocks, seconds for each on a small Pi.

    Each file has a child of its own, so that many photos need no more memory than one. Raises what `picture.codes`
    raises, CannotRead if a file needs too much memory or time, or breaks a decoder, and NotConfined as `read` does.
    """
    orders = (Order((file,), None, None, 0, "codes") for file in files)
    return tuple(wire.codes_of(answered(order, _PICTURE)) for order in orders)


def answered(
    order: Order,
    trouble: tuple[str, str],
    *,
    program: str = PROGRAM,
    seconds: float = _WALL_SECONDS,
    approve: Callable[[bytes], None] | None = None,
) -> bytes:
    """Return what a program of Python answers to an order; the error for one that does not is `trouble`, and why.

    Only tests give another program than the reader, and another judge of its first words.
    """
    large = json.dumps(libraries.of_files(order.files))
    command = (sys.executable, *_ISOLATED, "-c", _path() + program, str(order.memory_limit), large)
    what, hint = trouble
    try:
        return pipes.converse(
            command, approve or (lambda line: _approve(line, what)), wire.packed(order), seconds
        )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotConfined(what, f"its confined reader can't be started: {why}", _HINT) from None
    except pipes.Misbehaved as problem:
        raise CannotRead(what, str(problem), hint) from None


def _path() -> str:
    """Return what lets the program import from where this process does, and from nowhere else.

    Neither the folder in which somebody happens to stand nor a variable of the environment names one.
    """
    folders = [folder for folder in sys.path if Path(folder).is_absolute()]
    home = str(Path(appliance.__file__).resolve().parent.parent)
    return f"import sys\nsys.path[:] = {[*folders, home]!r}\n"


def _approve(line: bytes, what: str) -> None:
    """Log what a child reports. Raises NotConfined if it is not shut in, whoever's fault that is."""
    try:
        report = wire.report_of(line)
    except (ValueError, RecursionError):
        raise NotConfined(what, "its confined reader does not start", _HINT) from None
    _log.debug("reader confined walls=%s open=%s", ", ".join(report.walls), ", ".join(report.could) or "none")
    if report.could:
        raise NotConfined(what, f"its reader can't be shut in: it could {report.could[0]}", _HINT)


def _new_uuid() -> str:
    return str(UUID(bytes=os.urandom(16), version=4))


_ISOLATED: Final = ("-I", "-S", "-X", "utf8")
_HINT: Final = "use a kernel with seccomp (any of Debian or Raspberry Pi OS), and sudo on the system itself or no root at all"
_IMPORT: Final = (
    "can't read the import",
    "export it in another format, or give its parts one after the other",
)
_PICTURE: Final = ("can't read the picture", "make it smaller, or divide it: one page a picture")
