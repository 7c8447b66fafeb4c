"""How the child shuts itself in, and how it looks whether the doors are shut.

Rules: everything that will be needed is imported before (`libraries`), since no file is opened after. What the kernel
may lack (namespaces, an empty root, Landlock) is done where it can be, and told; what must hold is tried by doing it,
and a child that could is sent nothing. Root becomes a user who owns nothing, or nothing is read.
"""

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from appliance.adapters.confinement import kernel, landlock, seccomp

MEMORY: Final = 176 << 20
"""Bytes of data, everything that Python and the decoders hold; a photo of 50 megapixels fits."""
_CPU_SECONDS: Final = 120
_DESCRIPTORS: Final = 3
"""The pipe in, the pipe out, and /dev/null for errors."""
_TASKS: Final = 64
"""Of one user, threads too; image decoders start one for each processor."""
_STRANGERS: Final = 0x7000_0000
"""The first of 2^24 users that systems give to nobody: above those of containers, below the sign bit."""
_NOBODY: Final = 65534
"""Where a container knows few users: Debian's user and group of that name."""
_EMPTY: Final = "/proc/self/fdinfo"
"""A folder with nothing in it but this process's three descriptors, and no way out."""
_ROOT: Final = "act as root"


def leave_namespaces() -> list[str]:
    """Leave network, mounts and IPC of the parent while there is but one thread; return what was left, for people."""
    wanted = kernel.NEW_NET | kernel.NEW_MOUNTS | kernel.NEW_IPC | kernel.NEW_NAMES
    user, group = os.geteuid(), os.getegid()
    try:
        if user == 0:
            kernel.unshare(wanted)
            return ["namespaces"]
        kernel.unshare(wanted | kernel.NEW_USER)
    except OSError:
        return []
    with contextlib.suppress(OSError):
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{_NOBODY} {user} 1"),
            ("gid_map", f"{_NOBODY} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text, "ascii")
    return ["namespaces of a user"]


def shut(memory_limit: int, walls: list[str]) -> tuple[str, ...]:
    """Give up all rights for good; return what could not be shut, for people, and add to `walls` what stands now.

    `memory_limit` in bytes, for deriving keys.
    """
    alone = bool(walls)
    with contextlib.suppress(OSError):
        os.chroot(_EMPTY)
        os.chdir("/")
        walls.append("empty root")
    os.closerange(_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    dropped = _become_nobody()
    if dropped:
        walls.append(f"uid {os.getuid()}")
    _limit(memory_limit, alone=alone or dropped)
    with contextlib.suppress(OSError):
        kernel.drop_capabilities()
    kernel.forbid_dumps()
    kernel.forbid_privileges()
    # Asked here, as behind the filter everybody is refused.
    rooted = (_ROOT,) if _may_be_root() else ()
    version = landlock.restrict()
    if version is not None:
        walls.append(f"landlock {version}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    program = seccomp.program()
    if program is not None:
        with contextlib.suppress(OSError):
            kernel.filter_calls(program)
            walls.append("seccomp")
    return (*rooted, *_open_doors())


def more_memory(size: int) -> None:
    """Allow this process so many bytes of data more, up to what the parent granted."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (min(MEMORY + size, hard), hard))


def _become_nobody() -> bool:
    """Become a user who owns nothing if this is root; return whether it was. It stays root if the kernel refuses."""
    if 0 not in {*os.getresuid(), *os.getresgid()}:
        return False
    for number in (_STRANGERS + int.from_bytes(os.urandom(3)), _NOBODY):
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(number, number, number)
            os.setresuid(number, number, number)
            return True
    return False


def _limit(memory_limit: int, *, alone: bool) -> None:
    """Set the limits; those on tasks only where no other process of the user is counted with this one."""
    if alone:
        resource.setrlimit(resource.RLIMIT_NPROC, (_TASKS, _TASKS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY + memory_limit))


def _may_be_root() -> bool:
    if 0 in {*os.getresuid(), *os.getresgid()}:
        return True
    try:
        os.setresuid(0, 0, 0)
    except OSError:
        return False
    return True


def _open_doors() -> tuple[str, ...]:
    """Return what this process could still do and must not; each is tried, in a way that harms nothing."""
    return tuple(name for name, attempt in _attempts() if not _refused(attempt))


def _attempts() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "open a folder", lambda: os.open("/", os.O_RDONLY)
    yield "open a file", lambda: os.open("/etc/passwd", os.O_RDONLY)
    yield "write a file", lambda: os.open("/tmp", os.O_WRONLY)  # noqa: S108 - a folder: nothing is written
    yield "open a socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    yield "ask another program", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    yield "start a program", lambda: os.execv("/", ("/",))  # noqa: S606 - a folder: nothing is started
    yield "signal the parent", lambda: os.kill(os.getppid(), 0)
    yield "start a process", _fork


def _fork() -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)


def _refused(attempt: Callable[[], object]) -> bool:
    """Return whether the call itself is refused: that there is no such thing, or no more of it, is no door."""
    try:
        attempt()
    except OSError as error:
        return error.errno == errno.EPERM
    return False
