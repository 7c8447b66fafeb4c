"""Programs out of Debian's packages, unpacked beside the machine's own: nothing is installed, no service starts.

A tree is a folder with everything that a package needs, down to the C library, so that a newer release's programs run
here as well. A program runs in it under a root, mount and process namespace of its own: whatever it starts ends with it.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

STABLE: Final = "bookworm"
NEWEST: Final = "sid"

_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MERGED: Final = ("bin", "sbin", "lib", "lib64")
"""What is a link into /usr since bookworm; packages rely on it."""
_ENTER: Final = """\
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/scratch"
root=$1
shift 2
exec chroot "$root" "$@"
"""


class Unavailable(Exception):
    """A broker can't be had here, and why."""


def tree(cache: Path, release: str, package: str, *more: str) -> tuple[Path, str]:
    """Return the root of the tree of a package and its version; made at the first call. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("needs root, for a root directory of its own")
    root = cache / f"{release}-{package}"
    mark = root / "version"
    if not mark.exists():
        mark.write_text(_made(cache / f"apt-{release}", release, root, (package, *more)))
    return root, mark.read_text()


def inside(root: Path, scratch: Path, *command: str) -> list[str]:
    """Return the command that runs another one inside a tree, which sees `scratch` as /scratch."""
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", _ENTER, "sh"]
    return [*apart, str(root), str(scratch), *command]


def _made(apt: Path, release: str, root: Path, packages: Sequence[str]) -> str:
    archives = _downloaded(apt, release, packages)
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as unpacked:
            _run("tar", "-x", "-C", str(root), "--keep-directory-symlink", stdin=unpacked.stdout)
    for name in ("proc", "dev", "scratch", "etc", "tmp", "root"):
        (root / name).mkdir(exist_ok=True)
    _run(
        "/usr/sbin/ldconfig", "-r", str(root)
    )  # not every package brings the link that its library is found by
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (main,) = (path for path in archives if path.name.startswith(f"{packages[0]}_"))
    return main.name.split("_")[1].replace("%3a", ":")


def _downloaded(apt: Path, release: str, packages: Sequence[str]) -> list[Path]:
    """Fetch packages and all that they depend on, as if nothing were installed."""
    archives = apt / packages[0]
    for folder in (apt / "state/lists/partial", apt / "cache", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {release} main\n")
    own = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Cache::archives": archives,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    options = [f"-o{key}={value}" for key, value in own.items()]
    if not (apt / "updated").exists():
        _run("apt-get", *options, "-q", "update")
        (apt / "updated").touch()
    wanted = ["--no-install-recommends", "--download-only", "install", *packages]
    _run("apt-get", *options, "-q", "-y", *wanted)
    return sorted(archives.glob("*.deb"))


def _mirror() -> str:
    """Return where this machine gets Debian from."""
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if path.is_file() and (found := re.search(r"https?://\S+/debian/?(?=\s)", path.read_text())):
            return found[0]
    raise Unavailable("apt has no Debian mirror in its sources here")


def _run(*command: str, stdin: object = None) -> None:
    done = subprocess.run(command, stdin=stdin, capture_output=True, check=False)  # type: ignore[call-overload]
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(f"{command[0]}: {words[-1] if words else 'failed'}")
