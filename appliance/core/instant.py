"""Now, and whether it may be believed.

The wall clock makes codes, the monotonic clock makes time-outs: a Pi has no battery-backed clock, and its wall
clock jumps by years when the network's time arrives.

Rules:

1. Synchronised time is believed at once, whatever was known before.
2. Anything else must have been proven once, and holds from then on only as long as the wall clock runs with the
   monotonic one: what is remembered is their distance at the proof (`anchor`), so that small steps add up.
3. After a step only the kernel, a battery-backed clock or the owner can prove the time anew; that it was
   synchronised at some time since the boot says nothing any more.
4. A time that has certainly passed (the floor) judges a battery-backed clock and the owner's word, never the
   kernel's: one wrong hour of 2035 must not shut the codes for years.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

Trust = Literal["synchronised", "held-over", "not-set"]

JUMP_SECONDS: Final = 90.0
"""How far the wall clock may go from the monotonic one, at once or in total, before all trust ends."""
EARLIEST: Final = 1_761_955_200.0
"""2025-11-01: this release did not exist before."""
LATEST: Final = 4_102_444_800.0
"""2100-01-01: a battery-backed clock that says so is broken. So is a floor."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the operating system says about time."""

    unix: float
    mono: float
    """CLOCK_BOOTTIME, seconds: runs on through suspension, starts at each boot."""
    synchronised: bool
    """The kernel's estimate of the error is small."""
    once: bool = False
    """Something says that the time was synchronised since this boot, not that it still is."""
    rtc: float | None = None
    """What a battery-backed clock says at this moment, Unix seconds; any number, NaN too. None: there is none."""
    floor: float = 0.0
    """The last known good time, Unix seconds; 0: none is known."""
    zone: int = 0
    """Seconds that the local time is ahead (east) of UTC."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment."""

    unix: float
    mono: float
    trust: Trust
    since: float
    """When, in monotonic seconds, `trust` became what it is."""
    anchor: float = 0.0
    """`unix - mono` when it was last proven; 0: never."""
    jumped: bool = False
    """A step of the wall clock ended the trust, which has not come back yet."""
    early: bool = False
    """The wall clock is before a time that has certainly passed."""
    zone: int = 0
    """Seconds that the local time is ahead (east) of UTC at this moment."""

    @property
    def trusted(self) -> bool:
        """Codes made from this moment are right."""
        return self.trust != "not-set"


def judge(previous: Instant | None, reading: Reading) -> Instant:
    """Return the moment of `reading`, trusted as far as it and what was known before allow.

    `previous` is the moment judged before, by this process or an earlier one of the same boot; None: nothing is
    known. No number that a broken clock may say raises anything.
    """
    trust, anchor = _verdict(previous, reading)
    doubted = previous is not None and (previous.trusted or previous.jumped)
    return Instant(
        reading.unix,
        reading.mono,
        trust,
        previous.since if previous is not None and previous.trust == trust else reading.mono,
        anchor=anchor,
        jumped=trust == "not-set" and doubted,
        early=reading.unix < _floor(reading),
        zone=reading.zone,
    )


def vouched(instant: Instant) -> Instant:
    """Return the moment as it is once the owner has confirmed its time: held over from here on.

    Synchronised time needs no confirmation, and a time that has certainly passed can have none: both stay as they are.
    """
    if instant.early or instant.trust == "synchronised":
        return instant
    since = instant.since if instant.trusted else instant.mono
    return replace(instant, trust="held-over", since=since, anchor=_offset(instant), jumped=False)


def _verdict(previous: Instant | None, reading: Reading) -> tuple[Trust, float]:
    """Return the trust, and the distance of the clocks when it was proven."""
    present = _offset(reading)
    if reading.synchronised:
        return "synchronised", present
    if previous is None:
        proven = reading.once
    elif previous.trusted and _close(present, previous.anchor) and _close(present, _offset(previous)):
        return "held-over", previous.anchor
    else:
        proven = False
    if proven or _confirmed(reading):
        return "held-over", present
    return "not-set", previous.anchor if previous is not None else 0.0


def _confirmed(reading: Reading) -> bool:
    """Tell whether a battery-backed clock that can be right agrees with the wall clock."""
    return (
        reading.rtc is not None
        and _floor(reading) <= reading.rtc < LATEST
        and _close(reading.rtc, reading.unix)
    )


def _floor(reading: Reading) -> float:
    """Return the latest time that has certainly passed.

    A floor that no clock could meet is none, nor is one that synchronised time has just replaced.
    """
    replaced = reading.synchronised or not EARLIEST < reading.floor < LATEST
    return EARLIEST if replaced else reading.floor


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= JUMP_SECONDS  # false with NaN, and so it should be


def _offset(moment: Reading | Instant) -> float:
    return moment.unix - moment.mono
