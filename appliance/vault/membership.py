"""Groups by their names, as people say them.

Rules: a group that no account is in any more stays in the vault and is not listed. Were it deleted, an account that
another device puts into it at the same time would fall out of it again when the two merge.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from appliance.errors import NothingFound
from appliance.vault.model import Account, Group, Stamp, Vault


def group_names(vault: Vault, account: Account) -> tuple[str, ...]:
    """Return the names of an account's groups, sorted, none twice."""
    return tuple(sorted({vault.groups[uuid].name for uuid in account.groups if uuid in vault.groups}))


def groups_named(vault: Vault, name: str) -> frozenset[str]:
    """Return the uuids of the groups of a name, of which two devices may have made one each; case matters if it must."""
    folds: tuple[Callable[[str], str], ...] = (str, str.casefold)
    for fold in folds:
        if found := {uuid for uuid, group in vault.groups.items() if fold(group.name) == fold(name)}:
            return frozenset(found)
    return frozenset()


def with_groups(vault: Vault, groups: Iterable[Group], stamp: Stamp) -> Vault:
    """Return the vault with those of the groups whose name it does not have yet."""
    for group in groups:
        if not groups_named(vault, group.name):
            vault = replace(
                vault,
                groups={**vault.groups, group.uuid: group},
                group_stamps={**vault.group_stamps, group.uuid: stamp},
            )
    return vault


def memberships(
    vault: Vault, account: Account, join: Iterable[Group], leave: Iterable[str]
) -> tuple[str, ...]:
    """Return an account's groups after it left some and joined others, which the vault has by name.

    Raises NothingFound if it is to leave a group that it is not in.
    """
    members = frozenset(account.groups)
    for name in leave:
        if not (left := groups_named(vault, name) & members):
            names = ", ".join(group_names(vault, account)) or "none"
            raise NothingFound(
                f"can't take {account.label} out of the group '{name}'",
                f"it is not in it; its groups: {names}",
                "appliance list",
            )
        members -= left
    for group in join:
        named = groups_named(vault, group.name)
        if not named & members:
            members |= {min(named)}
    return account.groups if members == frozenset(account.groups) else tuple(sorted(members))
