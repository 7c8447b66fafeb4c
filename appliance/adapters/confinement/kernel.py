"""Calls to the kernel that Python 3.11 has no function for. Each raises OSError."""

import ctypes
import os
import sys
from typing import Final

NEW_MOUNTS: Final = 0x0002_0000
NEW_NAMES: Final = 0x0400_0000
NEW_IPC: Final = 0x0800_0000
NEW_USER: Final = 0x1000_0000
NEW_NET: Final = 0x4000_0000
_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVS: Final = 38
_SET_SECCOMP: Final = 22
_SECCOMP_FILTER: Final = 2
_CAPABILITIES: Final = (0x2008_0522).to_bytes(4, sys.byteorder)


def call(number: int, *words: int | bytes | None) -> int:
    """Return what a system call returns; whole numbers are passed as machine words, bytes by their address."""
    return _checked("syscall", number, *words)


def unshare(namespaces: int) -> None:
    """Leave the namespaces of the parent; for those of a user this must be the only thread."""
    _checked("unshare", namespaces)


def drop_capabilities() -> None:
    """Give up every capability, in a namespace of its own too; what runs no program gets none back."""
    _checked("capset", _CAPABILITIES + bytes(4), bytes(24))


def forbid_dumps() -> None:
    """Let no other process of the same user read this one's memory."""
    _checked("prctl", _SET_DUMPABLE, 0, 0, 0, 0)


def forbid_privileges() -> None:
    """Let no program that is started give this process more than it has; Landlock and seccomp want it."""
    _checked("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def filter_calls(program: bytes) -> None:
    """Put a seccomp filter of classic BPF over this thread and all that it starts, for good.

    By prctl(2), which unit files allow as a part of `@system-service`, and not by seccomp(2), which they do not.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(instructions))
    _checked("prctl", _SET_SECCOMP, _SECCOMP_FILTER, ctypes.addressof(described), 0, 0)


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _checked(name: str, *words: int | bytes | None) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, name)
    function.restype = ctypes.c_long
    result: int = function(*(ctypes.c_ulong(word) if isinstance(word, int) else word for word in words))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
