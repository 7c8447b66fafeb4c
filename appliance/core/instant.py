"""Now, and whether it may be believed.

The wall clock makes codes, the monotonic clock makes time-outs: a Pi has no battery-backed clock, and its wall
clock jumps by years when the network's time arrives.
"""

from dataclasses import dataclass
from typing import Final, Literal

Trust = Literal["synchronised", "held-over", "not-set"]

JUMP_SECONDS: Final = 90.0
"""A step of the wall clock against the monotonic one that ends all trust until proven anew."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the operating system says about time."""

    unix: float
    mono: float
    """CLOCK_BOOTTIME, seconds: runs on through suspension, starts at each boot."""
    synchronised: bool
    """The kernel's estimate of the error is small."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment."""

    unix: float
    mono: float
    trust: Trust
    since: float
    """When, in monotonic seconds, `trust` became what it is."""

    @property
    def trusted(self) -> bool:
        """Codes made from this moment are right."""
        return self.trust != "not-set"


def judge(previous: Instant | None, reading: Reading) -> Instant:
    """Return the moment of `reading`, trusted as far as it and what was known before allow.

    Synchronised time is trusted at once. It stays trusted (held over) when synchronisation is lost, until the
    wall clock steps by more than `JUMP_SECONDS`.
    """
    trust: Trust = "not-set"
    if reading.synchronised:
        trust = "synchronised"
    elif (
        previous is not None
        and previous.trusted
        and abs(_offset(reading) - _offset(previous)) <= JUMP_SECONDS
    ):
        trust = "held-over"
    since = previous.since if previous is not None and previous.trust == trust else reading.mono
    return Instant(reading.unix, reading.mono, trust, since)


def _offset(moment: Reading | Instant) -> float:
    return moment.unix - moment.mono
