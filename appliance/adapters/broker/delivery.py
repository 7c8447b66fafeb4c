"""How much of what a broker sends reaches the core: bounded in number and bytes, whatever it sends.

Rules: what answers a fetch is kept up to a limit for each fetch, then cut, and the cut is told. What answers none is
told at once as long as it is not more than a household sends; of a stream only the latest on each topic is told, a few
a second, and what is too large to wait loses its payload.
"""

from collections.abc import Callable
from typing import Final

from appliance.core.events import Oversized, Received, Truncated
from appliance.ports import Post

FETCH_BYTES: Final = 32 << 20
"""Of all messages that answer one fetch: 32 of the largest, 1,400 of 23 kB."""
MESSAGE_BYTES: Final = 1024
"""What a message costs beyond its payload."""
BURST: Final = 32.0
"""Messages that are told at once, even if all come together."""
PER_SECOND: Final = 8.0
"""Messages that answer no fetch, of `LIVE_UNIT` bytes; a larger one counts for more."""
LIVE_UNIT: Final = 1 << 16
LIVE_BYTES: Final = 4 << 20
"""Of live messages that wait for their turn."""
LIVE_TOPICS: Final = 64
FETCHES: Final = 64
"""Only the latest fetches have answers: what comes for an earlier one is dropped."""

Message = Received | Oversized


class Deliveries:
    """The messages of one connection, on their way to the core."""

    def __init__(self, post: Post, monotonic: Callable[[], float]) -> None:
        self._post = post
        self._monotonic = monotonic
        self._left: dict[int, int] = {}
        """Bytes by fetch; 0: it was cut."""
        self._live: dict[str, Message] = {}
        self._turns = BURST
        self._at = monotonic()

    def expect(self, ref: int) -> None:
        """A fetch has begun."""
        self._left[ref] = FETCH_BYTES
        if len(self._left) > FETCHES:
            del self._left[next(iter(self._left))]

    def tell(self, message: Message) -> None:
        """Pass a message on, now or later, or drop it."""
        if message.ref is None:
            self._live[message.topic] = self._live_one(message)
            self.tend()
        elif left := self._left.get(message.ref):
            left -= _cost(message)
            self._left[message.ref] = max(0, left)
            self._post(message if left > 0 else Truncated(message.ref))

    def tend(self) -> None:
        """Tell what has waited long enough; to be called at every turn."""
        now = self._monotonic()
        self._turns = min(BURST, self._turns + (now - self._at) * PER_SECOND)
        self._at = now
        while self._live and self._turns >= 1:
            message = self._live.pop(next(iter(self._live)))
            self._turns -= 1 + _cost(message) / LIVE_UNIT
            self._post(message)

    def _live_one(self, message: Message) -> Message:
        self._live.pop(message.topic, None)  # so that it comes last again
        if len(self._live) >= LIVE_TOPICS:
            del self._live[next(iter(self._live))]
        if sum(map(_cost, self._live.values())) + _cost(message) <= LIVE_BYTES:
            return message
        size = len(message.payload) if isinstance(message, Received) else message.size
        return Oversized(None, message.topic, size, message.retained)


def _cost(message: Message) -> int:
    payload = len(message.payload) if isinstance(message, Received) else 0
    return payload + len(message.topic) + MESSAGE_BYTES
