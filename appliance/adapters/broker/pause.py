"""How long to wait before the next attempt. Time and chance come in as arguments; nothing waits in here."""

from collections import deque
from collections.abc import Callable
from typing import Final, Literal

Kind = Literal["ordinary", "unauthorised", "taken over", "closed", "unsupported", "speechless", "stopped"]
"""How a connection, or the attempt to make one, ended.

unauthorised  the broker knows us, and says no
taken over    somebody else connected with our id, says the broker
closed        the broker closed a link that was up, and gave no reason
unsupported   the broker says that it does not speak this version of MQTT
speechless    connected, but closed, garbled or silent instead of a CONNACK
"""

GOOD_SECONDS: Final = 30.0
"""A link that held this long ends an outage."""
PEACE_SECONDS: Final = 300.0
"""A link that held this long ends a quarrel about the id."""
QUARREL_SECONDS: Final = 60.0
"""Three take-overs within this time are a quarrel and not a coincidence; three closings may be one.

mosquitto 2.0.11 takes over without a word to the loser when the session does not outlive its connection.
"""


class Backoff:
    """Pauses that grow with the outage: seconds after a minute, never more than two minutes.

    They are spread by chance, so that the devices of a household do not all knock at once when their broker returns.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        """`uniform(low, high)` returns a number between the two."""
        self._uniform = uniform
        self._since: float | None = None
        self._refusals = 0
        self._takeovers: deque[float] = deque(maxlen=3)
        self._closings: deque[float] = deque(maxlen=3)
        self.contested = False
        """Another device uses this id."""
        self.puzzling = False
        """Another device may use this id: the last three links were closed without a reason."""

    def pause(self, kind: Kind, now: float, lasted: float) -> float:
        """Return the seconds to wait at `now` (monotonic seconds), after a link that held for `lasted` seconds."""
        if self._since is None or lasted >= GOOD_SECONDS:
            self._since = now
        self._refusals = self._refusals + 1 if kind == "unauthorised" else 0
        self._judge(kind, now, lasted)
        if self._refusals >= 3:
            return self._uniform(
                270, 330
            )  # a password is not mended in seconds, and some brokers ban who insists
        if self.contested and kind == "taken over":
            return self._uniform(60, 120)
        longest = min(120.0, max(5.0, (now - self._since) / 10))
        return self._uniform(longest / 10, longest)

    def forgive(self) -> None:
        """Begin anew with what refuses us: something has changed, or somebody asked."""
        self._refusals = 0

    def _judge(self, kind: Kind, now: float, lasted: float) -> None:
        if lasted >= PEACE_SECONDS:
            self.contested = False
        if kind == "taken over" and _thrice(self._takeovers, now):
            self.contested = True
        if kind != "closed":
            self._closings.clear()
        self.puzzling = kind == "closed" and _thrice(self._closings, now)


def _thrice(times: deque[float], now: float) -> bool:
    times.append(now)
    return len(times) == times.maxlen and now - times[0] <= QUARREL_SECONDS
