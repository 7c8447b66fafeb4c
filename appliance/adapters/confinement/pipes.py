"""The parent's side of the pipes: a child's words within limits of bytes and time, whatever it does."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

_REPORT_LIMIT: Final = 4096
ANSWER_LIMIT: Final = 48 << 20
"""Bytes; 10 MiB of files with 50,000 accounts take a third of it."""
_CHUNK: Final = 1 << 16
_LEAVE_SECONDS: Final = 10
"""That a child has to end in after its last word."""


class Misbehaved(Exception):
    """The child said too much, or said it for too long, or ended; the message says which, for people."""


def converse(command: Sequence[str], approve: Callable[[bytes], None], order: bytes, seconds: float) -> bytes:
    """Return a program's answer to an order, once `approve` took the line that it says first; blocks.

    The program gets no environment and no descriptors but these. Whatever happens, it does not run any more then.
    Raises Misbehaved, OSError if it can't be started, and what `approve` raises: then it never saw the order.
    """
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env={},
        cwd="/",
        close_fds=True,
    ) as child:
        try:
            assert child.stdin is not None  # noqa: S101 - both are pipes
            assert child.stdout is not None  # noqa: S101
            talk = _Talk(child.stdin, child.stdout, time.monotonic() + seconds)
            approve(talk.hear(b"", _REPORT_LIMIT, until_line=True))
            answer = talk.hear(order, ANSWER_LIMIT)
            code = child.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Misbehaved(_TOO_LONG) from None
        finally:
            child.kill()
    if code != os.EX_OK:
        raise Misbehaved(_BROKE)
    return answer


@dataclass(frozen=True, slots=True)
class _Talk:
    """Two pipes, of which neither may block."""

    to: IO[bytes]
    of: IO[bytes]
    deadline: float
    """Seconds of the monotonic clock."""

    def hear(self, order: bytes, limit: int, *, until_line: bool = False) -> bytes:
        """Return what the child says until it ends (or until its first line does) while the order is written to it."""
        os.set_blocking(self.to.fileno(), False)
        heard, left = bytearray(), memoryview(order)
        with selectors.DefaultSelector() as selector:
            selector.register(self.of, selectors.EVENT_READ)
            if left:
                selector.register(self.to, selectors.EVENT_WRITE)
            while not (until_line and heard.endswith(b"\n")):
                for key, _ in self._ready(selector):
                    if key.fileobj is self.to:
                        left = left[self._written(left) :]
                        if not left:
                            selector.unregister(self.to)
                            self.to.close()
                    elif chunk := os.read(self.of.fileno(), _CHUNK):
                        heard += chunk
                    else:
                        return bytes(heard)
                if len(heard) > limit:
                    raise Misbehaved("its reader says too much")
        return bytes(heard)

    def _ready(self, selector: selectors.BaseSelector) -> list[tuple[selectors.SelectorKey, int]]:
        ready = selector.select(self.deadline - time.monotonic())
        if not ready or time.monotonic() > self.deadline:
            raise Misbehaved(_TOO_LONG)
        return ready

    def _written(self, left: memoryview) -> int:
        try:
            return os.write(self.to.fileno(), left[:_CHUNK])
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return len(left)  # why it does not listen any more is told by its end


_TOO_LONG: Final = "it takes too long"
_BROKE: Final = "it needs too much memory or time, or breaks the decoder"
