"""What other threads ask of a session, and the bell that tells it so."""

import socket
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Publication:
    """An order to publish, retained, with QoS 1."""

    ref: int
    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An order to subscribe anew, with QoS 1."""

    ref: int
    topic: str


class Bell:
    """Wakes a `select`; from any thread, and in silence after it has been closed."""

    def __init__(self) -> None:
        self._ear, self._hammer = socket.socketpair()
        self._ear.setblocking(False)
        self._hammer.setblocking(False)

    def fileno(self) -> int:
        """Return what `select` waits for."""
        return self._ear.fileno()

    def ring(self) -> None:
        """Wake it; never blocks."""
        with suppress(OSError):  # full: it is ringing already; closed: nobody is there to wake
            self._hammer.send(b"\0")

    def hush(self) -> None:
        """Be ready for the next ring."""
        with suppress(BlockingIOError):
            self._ear.recv(4096)

    def close(self) -> None:
        """Let go of both ends."""
        self._ear.close()
        self._hammer.close()
