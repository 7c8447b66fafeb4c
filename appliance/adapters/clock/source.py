"""What Linux says about time, one function a source.

Rules: a source answers at once, asks without a privilege, and says "no" or None where it can't tell.
"""

import ctypes
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MAXERROR_LIMIT_US: Final = 16_000_000
"""Above it the kernel does not count as synchronised: systemd's own rule. STA_UNSYNC says less, chrony leaves it set."""
RTC_SECONDS: Final = 10.0
"""How often a battery-backed clock is read at most: it is a transfer over the bus that the display uses too."""

_PAUSE_SECONDS: Final = 0.001
_TRIES: Final = 5
_NUMBER_BYTES: Final = 32
"""More than a number of the kernel's can take."""


class Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)); what follows is not read, only given room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


@functools.cache
def _kernel() -> Callable[[Any], int]:
    # Opening the library takes longer than the rest of a reading together.
    found: Callable[[Any], int] = ctypes.CDLL(None).adjtimex
    return found


def synchronised(adjtimex: Callable[[Any], int] | None = None) -> bool:
    """Tell whether the kernel thinks that its clock is right; it starts each boot with an error of 16 s.

    `adjtimex` is libc's function; None: the one of this process.
    """
    timex = Timex()  # modes = 0: read only, which needs no privilege
    if (adjtimex or _kernel())(ctypes.byref(timex)) == -1:
        return False
    return bool(0 <= timex.maxerror < MAXERROR_LIMIT_US)


def once(mark: Path = Path("/run/systemd/timesync/synchronized")) -> bool:
    """Tell whether systemd-timesyncd has synchronised the time since the boot; it touches `mark` then."""
    try:
        return mark.exists()
    except OSError:
        return False


def rtc(folder: Path = Path("/sys/class/rtc")) -> float | None:
    """Return what a battery-backed clock says, in whole Unix seconds; None: there is none that answers.

    Of several, the one that the kernel took the time from at the boot (`hctosys`) comes first. May wait for a bus.
    """
    try:
        found = sorted(folder.glob("rtc*"), key=lambda clock: (_number(clock / "hctosys") != 1, clock.name))
    except OSError:
        return None
    said = (_number(clock / "since_epoch") for clock in found)
    return next((float(number) for number in said if number is not None), None)


def _number(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            return int(file.read(_NUMBER_BYTES))
    except (OSError, ValueError):
        return None


def zone(unix: float) -> int:
    """Return how many seconds the local time is ahead (east) of UTC at `unix`; 0 if it has no local time."""
    try:
        return time.localtime(unix).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0


def boot_id(path: Path = Path("/proc/sys/kernel/random/boot_id")) -> str | None:
    """Return the random name of this boot."""
    try:
        return path.read_text("ascii").strip() or None
    except (OSError, ValueError):
        return None


def boottime() -> float:
    """Return CLOCK_BOOTTIME, seconds: it runs on through suspension."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Sources:
    """All that a `SystemClock` asks; a test brings its own."""

    wall: Callable[[], float] = time.time
    boot: Callable[[], float] = boottime
    synchronised: Callable[[], bool] = synchronised
    once: Callable[[], bool] = once
    rtc: Callable[[], float | None] = rtc
    zone: Callable[[float], int] = zone
    boot_id: Callable[[], str | None] = boot_id


def moment(sources: Sources) -> tuple[float, float]:
    """Return wall clock and CLOCK_BOOTTIME of the same moment.

    A process may be paused (or the machine suspended) between two readings, which would look like a step of the wall
    clock. So CLOCK_BOOTTIME is read on both sides, again while the two lie apart; the closest pair counts.
    """
    best = _pair(sources)
    for _ in range(_TRIES - 1):
        if best[0] <= _PAUSE_SECONDS:
            break
        best = min(best, _pair(sources))
    return best[1], best[2]


def _pair(sources: Sources) -> tuple[float, float, float]:
    """Return how far the two may lie apart, wall clock, and CLOCK_BOOTTIME."""
    before, unix, after = sources.boot(), sources.wall(), sources.boot()
    return after - before, unix, before


class Rtc:
    """A battery-backed clock that is read seldom, and reckoned in between."""

    def __init__(self, read: Callable[[], float | None]) -> None:
        self._read = read
        self._read_at: float | None = None
        self._said: float | None = None

    def at(self, mono: float) -> float | None:
        """Return what the clock says at `mono`, the present moment."""
        if self._read_at is None or mono - self._read_at >= RTC_SECONDS:
            self._read_at, self._said = mono, self._read()
        return None if self._said is None else self._said + (mono - self._read_at)
