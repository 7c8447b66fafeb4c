"""What the kernel may do with the memory of a process that holds secrets: no core file, no debugger, no swap.

None of it is needed to run, so nothing here raises: a kernel or a limit that refuses leaves things as they are.
"""

import contextlib
import ctypes
import os
import resource
from typing import Any, Final

_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
"""mlockall(2), as on every architecture that Debian has but Alpha, PowerPC and SPARC."""


def no_dump() -> None:
    """Let no core file be written of this process, and no other process of its user look into it (prctl(2))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if (libc := _libc()) is not None:
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def no_swap() -> bool:
    """Keep this process's memory out of swap, pages as they come into use; return whether the kernel agreed.

    Where the limit is finite, all later allocations beyond it would fail: then it is left alone.
    """
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    libc = _libc()
    if libc is None or not (unlimited or os.geteuid() == 0):
        return False
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def lift_limit() -> None:
    """Let this process keep all its memory out of swap, also once it is no longer root's."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _libc() -> Any:
    try:
        return ctypes.CDLL(None)
    except OSError:
        return None
