"""Foreign files are read in a child process with limits: whatever they do to a decoder, they do it to nobody else.

The child gets the bytes and the file's password, never a vault or its keys; it may not write files, and it has little
memory and time. What it answers is data (JSON), so that even a child that was taken over can only lie about accounts,
which the preview shows.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from appliance.adapters.confinement.wire import Order, answer_of, codes_of, packed
from appliance.errors import CannotRead
from appliance.transfer.found import Reading

_COMMAND: tuple[str, ...] = ("-P", "-m", __name__)
"""-P: a folder `appliance` where somebody happens to stand is not ours."""
_WALL_SECONDS: float = 180
"""A Pi Zero that derives Ente's key of 1 GiB would take that long, if it had the memory."""


def read(
    files: Sequence[bytes], *, password: str | None, memory_limit: int, key_file: bytes | None = None
) -> Reading:
    """Return what the files of one export hold, as `registry.read` does in this process; blocks for up to minutes.

    Raises what `registry.read` raises, and CannotRead if the files need too much memory or time, or break a decoder.
    """
    order = Order(tuple(files), password, key_file, memory_limit)
    return answer_of(_answer(order, _IMPORT))


def codes(files: Sequence[bytes]) -> tuple[tuple[str, ...], ...]:
    """Return for each picture or PDF the texts of all QR codes in it; blocks, seconds for each on a small Pi.

    Each file has a child of its own, so that many photos need no more memory than one. Raises what `picture.codes`
    raises, and CannotRead if a file needs too much memory or time, or breaks a decoder.
    """
    return tuple(codes_of(_answer(Order((file,), None, None, 0, "codes"), _PICTURE)) for file in files)


def _answer(order: Order, trouble: tuple[str, str]) -> bytes:
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        (sys.executable, *_COMMAND), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            answer, _ = child.communicate(packed(order), timeout=_WALL_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            raise _broke("it takes too long", trouble) from None
        except BaseException:
            child.kill()
            raise
    if child.returncode != os.EX_OK:
        raise _broke("it needs too much memory or time, or breaks the decoder", trouble)
    return answer


def _broke(why: str, trouble: tuple[str, str]) -> CannotRead:
    what, hint = trouble
    return CannotRead(what, why, hint)


_IMPORT: Final = (
    "can't read the import",
    "export it in another format, or give its parts one after the other",
)
_PICTURE: Final = ("can't read the picture", "make it smaller, or divide it: one page a picture")
