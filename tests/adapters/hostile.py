"""What code that took a decoder over might try; it runs in the confined child and says what came of it.

A trial fails only if the kernel refuses it (EPERM, EACCES) or has no such thing (ENOSYS). "No such file" counts as an
open door: the call itself got through.
"""

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from appliance.transfer.found import Reading

Trial = Callable[[], object]
SHUT = {errno.EPERM, errno.EACCES, errno.ENOSYS}
LIBC = ctypes.CDLL(None, use_errno=True)
MACHINE = os.uname().machine
NUMBERS = {
    # By name: x86_64, aarch64.
    "add_key": (248, 217),
    "bpf": (321, 280),
    "capset": (126, 91),
    "chroot": (161, 51),
    "clone": (56, 220),
    "finit_module": (313, 273),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "name_to_handle_at": (303, 264),
    "newfstatat": (262, 79),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "pidfd_open": (434, 434),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "setns": (308, 268),
    "shmget": (29, 194),
    "socketpair": (53, 199),
    "tgkill": (234, 131),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
PTRACE_SEIZE = 0x4206
CLONE_NEWUSER = 0x10000000


def call(name: str, *arguments: int | bytes | None) -> Trial:
    """Return a trial of a system call by its number."""

    def attempt() -> int:
        number = NUMBERS[name][MACHINE == "aarch64"]
        words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
        done: int = LIBC.syscall(ctypes.c_long(number), *words)
        if done < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return done

    return attempt


def opened(path: str, flags: int = os.O_RDONLY) -> Trial:
    return lambda: os.open(path, flags, 0o600)


def connected(family: int, address: str) -> Trial:
    return lambda: socket.socket(family, socket.SOCK_STREAM).connect(address)


def fork_bomb() -> None:
    for _ in range(64):
        if os.fork() == 0:
            os._exit(0)


def forked_by_clone() -> None:
    if call("clone", signal.SIGCHLD, 0, 0, 0, 0)() == 0:
        os._exit(0)


def another_descriptor() -> int:
    for number in range(3, 4096):
        try:
            os.read(number, 0)
        except OSError as error:
            if error.errno == errno.EBADF:
                continue
        return number
    raise PermissionError(errno.EPERM, "there is none")


def shared_memory() -> None:
    # Pages that are shared are in no limit of data.
    shared = mmap.mmap(-1, 512 << 20)
    for at in range(0, 512 << 20, 4096):
        shared[at] = 1


def more_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))


def trials(state: str, control: str) -> dict[str, Trial]:
    """Return what is tried, by its name; `state` is a folder of a vault, `control` the daemon's socket."""
    parent = os.getppid()
    return {
        "read the vault": opened(f"{state}/vault.json"),
        "read the device secret": opened(f"{state}/device-secret"),
        "look into the state folder": lambda: os.listdir(state),  # noqa: PTH208
        "ask for the vault's size": lambda: Path(state, "vault.json").stat(),
        "list /home": lambda: os.listdir("/home"),  # noqa: PTH208
        "list /root": lambda: os.listdir("/root"),  # noqa: PTH208
        "list /": lambda: os.listdir("/"),  # noqa: PTH208
        "list here": lambda: os.listdir("."),  # noqa: PTH208
        "read /etc/shadow": opened("/etc/shadow"),
        "read /etc/passwd": opened("/etc/passwd"),
        "read the parent's memory": opened(f"/proc/{parent}/mem"),
        "read the parent's command line": opened(f"/proc/{parent}/cmdline"),
        "open by openat2": call("openat2", -100, b"/etc/passwd", b"\0" * 24, 24),
        "ask for a handle": call("name_to_handle_at", -100, b"/etc/passwd", b"\0" * 256, b"\0" * 4, 0),
        "look a name up": call("newfstatat", -100, b"/etc/passwd", b"\0" * 512, 0),
        "write to /tmp": opened(f"/tmp/hostile-{os.getpid()}", os.O_WRONLY | os.O_CREAT),
        "write to /dev/shm": opened(f"/dev/shm/hostile-{os.getpid()}", os.O_WRONLY | os.O_CREAT),
        "write beside the vault": opened(f"{state}/hostile", os.O_WRONLY | os.O_CREAT),
        "open the terminal": opened("/dev/tty", os.O_RDWR),
        "make a file in memory": call("memfd_create", b"x", 0),
        "delete the vault": lambda: Path(state, "never-there").unlink(),
        "make an internet socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "make a datagram socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        "make a unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "make a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "make a pair of sockets": call("socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, b"\0" * 8),
        "ask the daemon": connected(socket.AF_UNIX, control),
        "ask an abstract socket": connected(socket.AF_UNIX, "\0hostile"),
        "start a program": lambda: os.execv("/no/such/program", ["x"]),
        "start a program by descriptor": lambda: os.execve(0, ["x"], {}),
        "fork": fork_bomb,
        "fork by clone": forked_by_clone,
        "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "become root": lambda: os.setresuid(0, 0, 0),
        "become root's group": lambda: os.setresgid(0, 0, 0),
        "join groups": lambda: os.setgroups([0]),
        "take capabilities": call("capset", b"\x22\x05\x08\x20" + b"\0" * 4, b"\xff" * 24),
        "undo the no-dump": call("prctl", 4, 1, 0, 0, 0),
        "trace the parent": call("ptrace", PTRACE_SEIZE, parent, 0, 0),
        "read the parent by process_vm": call("process_vm_readv", parent, b"\0" * 16, 0, b"\0" * 16, 0, 0),
        "write the parent by process_vm": call("process_vm_writev", parent, b"\0" * 16, 0, b"\0" * 16, 0, 0),
        "signal the parent": lambda: os.kill(parent, 0),
        "signal a thread of the parent": call("tgkill", parent, parent, 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "hold the parent": call("pidfd_open", parent, 0),
        "limit the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CPU),
        "make a user namespace": call("unshare", CLONE_NEWUSER),
        "enter a namespace": call("setns", 0, 0),
        "mount": call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
        "change the root": call("chroot", b"/"),
        "pivot the root": call("pivot_root", b"/", b"/"),
        "read keys": call("keyctl", 0, -3, 0),
        "add a key": call("add_key", b"user", b"x", b"y", 1, -3),
        "load a filter": call("bpf", 0, 0, 0),
        "load a module": call("finit_module", 0, b"", 0),
        "make a ring": call("io_uring_setup", 1, b"\0" * 120),
        "make a fault handler": call("userfaultfd", 0),
        "watch the machine": call("perf_event_open", b"\0" * 128, 0, -1, -1, 0),
        "type into the terminal": call("ioctl", 0, 0x5412, b"x"),
        "share System V memory": call("shmget", 0, 4096, 0o1600),
        "find another descriptor": another_descriptor,
        "use memory that no limit counts": shared_memory,
        "make memory that runs": lambda: mmap.mmap(
            -1, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        ),
        "lift the limit of memory": more_memory,
    }


def breached(state: str, control: str) -> dict[str, str]:
    """Return what succeeded, with what it gave."""
    found: dict[str, str] = {}
    for name, attempt in trials(state, control).items():
        try:
            result = attempt()
        except OSError as error:
            if error.errno not in SHUT:
                found[name] = errno.errorcode.get(error.errno or 0, "?")
        except ValueError as error:
            if "not allowed to raise" not in str(error):
                found[name] = str(error)
        else:
            found[name] = type(result).__name__
    return found


def report(state: str, control: str) -> Reading:
    """Return what succeeded as a reading, so that it gets out."""
    told = tuple(f"{name}: {what}" for name, what in breached(state, control).items())
    return Reading("aegis", encrypted=False, found=(), warnings=told)
