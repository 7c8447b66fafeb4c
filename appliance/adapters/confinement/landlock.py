"""Landlock (Linux 5.13 and later): a process gives up its way to all files, and on newer kernels to TCP and others.

The second wall: no rule lets anything through. systemd 252 counts none of these calls to `@system-service`, so that
a unit with that filter refuses them (EPERM) unless it names `@sandbox` or the calls too; then seccomp stands alone, as
on older kernels (ENOSYS) and where Landlock is not switched on (EOPNOTSUPP). Source: the kernel's
userspace-api/landlock.
"""

import os
import struct
from typing import Final

from appliance.adapters.confinement import kernel

_CREATE: Final = 444
_RESTRICT: Final = 446
"""System calls are numbered alike on all architectures since 424."""
_VERSION: Final = 1
_FILES: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Version to number of rights to files; later versions have those of 5."""
_NET_SINCE: Final = 4
_NET: Final = 0b11
"""To bind and to connect TCP sockets."""
_SCOPES_SINCE: Final = 6
_SCOPES: Final = 0b11
"""Abstract sockets and signals of others."""


def restrict() -> int | None:
    """Give up all that this kernel's Landlock knows, and return its version; None: there is none."""
    try:
        version = kernel.call(_CREATE, None, 0, _VERSION)
        ruleset = kernel.call(_CREATE, rights := _rights(version), len(rights), 0)
        try:
            kernel.call(_RESTRICT, ruleset, 0)
        finally:
            os.close(ruleset)
    except OSError:
        return None
    return version


def _rights(version: int) -> bytes:
    """Return `struct landlock_ruleset_attr`, as long as this version knows it."""
    words = [(1 << _FILES[min(version, max(_FILES))]) - 1]
    if version >= _NET_SINCE:
        words.append(_NET)
    if version >= _SCOPES_SINCE:
        words.append(_SCOPES)
    return struct.pack(f"={len(words)}Q", *words)
