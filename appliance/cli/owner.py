"""Who a command runs as: the owner of the state folder, or root, who then becomes that owner."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError, NotOwner

_USER: Final = "otp-appliance"
"""As the README makes it."""


def become_owner(state_dir: Path, *, returning: bool = False) -> None:
    """Give up root for the owner of the state folder; raises NotOwner for anybody else.

    If there is no folder yet, whoever calls will own it. `returning`: only for now, as files are still to be made where
    the caller may and the owner may not (`as_caller`).
    """
    try:
        owner = state_dir.stat()
    except (FileNotFoundError, NotADirectoryError):
        return  # made, or refused, by whoever uses it
    except PermissionError:
        raise _not_owner(state_dir) from None
    if os.geteuid() == owner.st_uid:
        return
    if os.geteuid() != 0:
        raise _not_owner(state_dir)
    os.setgroups(_groups(owner.st_uid, owner.st_gid))
    os.setgid(owner.st_gid)
    os.setresuid(owner.st_uid, owner.st_uid, 0 if returning else owner.st_uid)


def make_runtime_folder(runtime_dir: Path, state_dir: Path) -> None:
    """As root, make the folder of the control socket for the owner of the state folder, who can't do so in /run.

    One that is there is left as it is. Raises ApplianceError.
    """
    try:
        owner = state_dir.stat()
        runtime_dir.mkdir(mode=0o750, parents=True)
        folder = os.open(runtime_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ApplianceError(
            f"can't make the folder {runtime_dir}", why, "set runtime_dir to a folder in /run"
        ) from None
    try:
        os.fchown(folder, owner.st_uid, owner.st_gid)
    finally:
        os.close(folder)


def root_advice(state_dir: Path) -> str | None:
    """Return how to need no root any more, if root is whom the vault belongs to, or will; None if it is not."""
    if os.geteuid() != 0:
        return None
    if not state_dir.exists():
        return f"sudo install -d -o {_USER} -g {_USER} -m 0700 {state_dir}"
    return f"sudo chown -R {_USER}:{_USER} {state_dir}" if state_dir.stat().st_uid == 0 else None


@contextlib.contextmanager
def as_caller() -> Iterator[None]:
    """Act with the caller's rights, if they were given up for now only."""
    _, present, kept = os.getresuid()
    if kept != 0:
        yield
        return
    os.seteuid(0)
    try:
        yield
    finally:
        os.seteuid(present)


def _groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]


def _not_owner(state_dir: Path) -> NotOwner:
    return NotOwner(f"can't use the vault in {state_dir}", "it belongs to another user", "sudo appliance ...")
