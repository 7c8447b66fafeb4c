"""The filter of system calls: what a decoder that has its bytes in memory needs, and nothing else.

A list of what is allowed, so that what a later kernel adds is refused. Refused calls fail with EPERM and do not end the
process: libraries try things (a font, the number of processors) that they can do without. Calls of another
architecture, whose numbers mean something else, end it. Sources: the kernel's seccomp_filter, linux/audit.h, and the
tables of system calls of the three architectures.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from errno import ENOSYS, EPERM
from typing import Final

_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_NOT_BELOW: Final = 0x35
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_FAIL: Final = 0x0005_0000
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
_ARGUMENTS_AT: Final = 16
"""Offsets in `struct seccomp_data`; an argument has 64 bits, whose lower half comes first on these three."""
_X32: Final = 0x4000_0000
"""In a number: x86_64's calls with short pointers."""
_THREAD: Final = 0x0001_0000
_NEW_NAMESPACES: Final = 0x7E02_0080
_PROT_EXEC: Final = 4
_MAP_SHARED: Final = 1
"""Shared memory is in no limit of data."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """An architecture: its name in `struct seccomp_data`, and the numbers of the calls."""

    audit: int
    plain: tuple[int, ...]
    """Calls that are allowed whatever their arguments."""
    clone: int
    mmap: int
    mprotect: int
    prlimit: int
    tgkill: int
    clone3: int = 435
    x32: bool = False


def program() -> bytes | None:
    """Return the filter for this process, as instructions of classic BPF; None: its architecture is not known here."""
    machine = _MACHINES.get((os.uname().machine, struct.calcsize("P")))
    return None if machine is None else b"".join(_filter(machine, os.getpid()))


def _filter(machine: _Machine, pid: int) -> Iterator[bytes]:
    yield _step(_LOAD, _ARCHITECTURE_AT)
    yield _step(_JUMP_EQUAL, machine.audit, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER_AT)
    if machine.x32:
        yield _step(_JUMP_NOT_BELOW, _X32, 0, 1)
        yield _step(_RETURN, _KILL)
    for number in machine.plain:
        yield from _for(number, (_step(_RETURN, _ALLOW),))
    # Threads, as decoders start them, and no process.
    yield from _for(machine.clone, _if_masked(0, _THREAD | _NEW_NAMESPACES, _THREAD))
    # Its flags lie in memory, where no filter sees them; the C library then takes the older call.
    yield from _for(machine.clone3, (_step(_RETURN, _FAIL | ENOSYS),))
    yield from _for(
        machine.mmap,
        (*_unless_masked(2, _PROT_EXEC), *_unless_masked(3, _MAP_SHARED), _step(_RETURN, _ALLOW)),
    )
    yield from _for(machine.mprotect, (*_unless_masked(2, _PROT_EXEC), _step(_RETURN, _ALLOW)))
    # Its own limits, which go up no further than the hard ones; signals to itself, as abort() sends one.
    yield from _for(machine.prlimit, _if_masked(0, 0xFFFF_FFFF, 0))
    yield from _for(machine.tgkill, _if_masked(0, 0xFFFF_FFFF, pid))
    yield _step(_RETURN, _FAIL | EPERM)


def _for(number: int, steps: Iterable[bytes]) -> Iterator[bytes]:
    body = tuple(steps)
    yield _step(_JUMP_EQUAL, number, 0, len(body))
    yield from body


def _if_masked(argument: int, mask: int, wanted: int) -> tuple[bytes, ...]:
    """Allow if the bits of `mask` in an argument are `wanted`, else refuse."""
    return (
        _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
        _step(_AND, mask),
        _step(_JUMP_EQUAL, wanted, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _FAIL | EPERM),
    )


def _unless_masked(argument: int, mask: int) -> tuple[bytes, ...]:
    """Refuse if one of the bits of `mask` is in an argument, else go on."""
    return (
        _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
        _step(_AND, mask),
        _step(_JUMP_EQUAL, 0, 1, 0),
        _step(_RETURN, _FAIL | EPERM),
    )


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return `struct sock_filter`."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


# In this order: read, write, readv, writev, close, fstat, lseek, munmap, mremap, brk, madvise, futex, set_robust_list,
# rseq, rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack, exit, exit_group, gettid, getpid, clock_gettime,
# clock_getres, gettimeofday, nanosleep, clock_nanosleep, getrandom, sched_yield, sched_getaffinity, getrusage,
# restart_syscall.
_X86_64: Final = _Machine(
    0xC000_003E,
    (
        *(0, 1, 19, 20, 3, 5, 8, 11, 25, 12, 28, 202, 273),
        *(334, 13, 14, 15, 131, 60, 231, 186, 39, 228),
        *(229, 96, 35, 230, 318, 24, 204, 98, 219),
    ),
    clone=56,
    mmap=9,
    mprotect=10,
    prlimit=302,
    tgkill=234,
    x32=True,
)
_AARCH64: Final = _Machine(
    0xC000_00B7,
    (
        *(63, 64, 65, 66, 57, 80, 62, 215, 216, 214, 233, 98, 99),
        *(293, 134, 135, 139, 132, 93, 94, 178, 172, 113),
        *(114, 169, 101, 115, 278, 124, 123, 165, 128),
    ),
    clone=220,
    mmap=222,
    mprotect=226,
    prlimit=261,
    tgkill=131,
)
# And _llseek, fstat64, futex_time64, sigreturn, clock_gettime64, clock_nanosleep_time64, ugetrlimit; and of the
# architecture's own: cacheflush and set_tls.
_ARM: Final = _Machine(
    0x4000_0028,
    (
        *(3, 4, 145, 146, 6, 108, 19, 91, 163, 45, 220, 240, 338),
        *(398, 174, 175, 173, 186, 1, 248, 224, 20, 263),
        *(264, 78, 162, 265, 384, 158, 242, 77, 0),
        *(140, 197, 422, 119, 403, 407, 191, 0xF0002, 0xF0005),
    ),
    clone=120,
    mmap=192,
    mprotect=125,
    prlimit=369,
    tgkill=268,
)
_MACHINES: Final = {
    ("x86_64", 8): _X86_64,
    ("aarch64", 8): _AARCH64,
    # A 64-bit kernel under a 32-bit system, as Raspberry Pi OS has it.
    ("aarch64", 4): _ARM,
    ("armv8l", 4): _ARM,
    ("armv7l", 4): _ARM,
    ("armv6l", 4): _ARM,
}
"""By the kernel's name of the machine and the bytes of a pointer."""
