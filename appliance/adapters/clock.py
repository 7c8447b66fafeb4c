"""The clocks of the operating system: wall clock, CLOCK_BOOTTIME, and the kernel's estimate of its own error."""

import ctypes
import time
from typing import Final

from appliance.core.instant import Instant, Reading, judge

MAXERROR_LIMIT_US: Final = 16_000_000
"""Above it the kernel does not count as synchronised: systemd's own rule. STA_UNSYNC says less, chrony leaves it set."""


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)); what follows is not read, only given room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


class SystemClock:
    """The port `Clock` on Linux."""

    def __init__(self) -> None:
        self._last: Instant | None = None

    def now(self) -> Instant:
        """Return the moment; reading costs two system calls."""
        self._last = judge(self._last, self.read())
        return self._last

    def read(self) -> Reading:
        """Return what the kernel says, without a verdict."""
        return Reading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _synchronised())


def _synchronised() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex()  # modes = 0: read only, which needs no privilege
    if libc.adjtimex(ctypes.byref(timex)) == -1:
        return False
    return bool(timex.maxerror < MAXERROR_LIMIT_US)
