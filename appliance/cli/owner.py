"""Who a command runs as: the owner of the state folder, or root, who then becomes that owner."""

import os
import pwd
from pathlib import Path

from appliance.errors import NotOwner


def become_owner(state_dir: Path) -> None:
    """Give up root for the owner of the state folder; raises NotOwner for anybody else.

    If there is no folder yet, whoever calls will own it.
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
    os.setuid(owner.st_uid)


def _groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]


def _not_owner(state_dir: Path) -> NotOwner:
    return NotOwner(f"can't use the vault in {state_dir}", "it belongs to another user", "sudo appliance ...")
