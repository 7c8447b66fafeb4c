"""Who a command runs as: the owner of the state folder, or root, who then becomes that owner."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import NotOwner


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
