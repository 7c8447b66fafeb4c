"""Going back to an older state of a vault, as an edit of today, and what that means.

Rules: what counts are the accounts with all that a person can change, their groups and their order. HOTP counters
don't: they never fall. After `revert` nothing is different from the older state.
"""

from dataclasses import dataclass, replace

from appliance.vault import edit
from appliance.vault.edit import Moment
from appliance.vault.membership import group_names
from appliance.vault.model import Account, Vault


@dataclass(frozen=True, slots=True)
class Altered:
    """An account that is different in two states of a vault."""

    present: Account
    older: Account
    fields: tuple[str, ...]
    """What is different: issuer, name, note, secret, favorite, groups, parameters."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What going back to an older state does."""

    revived: tuple[Account, ...] = ()
    """Accounts that come back."""
    removed: tuple[Account, ...] = ()
    """Accounts that go to the trash."""
    altered: tuple[Altered, ...] = ()
    moved: bool = False
    """The accounts of both states stand in another order."""


def difference(present: Vault, older: Vault) -> Difference:
    """Return what going back from `present` to `older` does; `Difference()` if that is nothing."""
    common = present.records.keys() & older.records.keys()
    altered = (_altered(present, older, uuid) for uuid in _order(present) if uuid in common)
    return Difference(
        revived=tuple(one.account for one in older.ordered if one.account.uuid not in common),
        removed=tuple(one.account for one in present.ordered if one.account.uuid not in common),
        altered=tuple(one for one in altered if one.fields),
        moved=[uuid for uuid in _order(present) if uuid in common]
        != [uuid for uuid in _order(older) if uuid in common],
    )


def revert(vault: Vault, older: Vault, moment: Moment) -> Vault:
    """Return the vault with the accounts, groups and order of `older`, an earlier state of it.

    Accounts that were added since go to the trash, removed ones come back, replaced secrets stay in the history.
    """
    vault = edit.take_over(_with_groups_of(vault, older, moment), older, moment, exact=True)
    if _order(vault) == _order(older):
        return vault
    stamp = moment.stamp(vault)
    placed = {
        uuid: replace(record, position=older.records[uuid].position, position_stamp=stamp)
        for uuid, record in vault.records.items()
    }
    return replace(vault, records=placed)


def _with_groups_of(vault: Vault, older: Vault, moment: Moment) -> Vault:
    used = {uuid for record in older.records.values() for uuid in record.account.groups}
    back = {uuid: older.groups[uuid] for uuid in sorted(used) if vault.groups.get(uuid) != older.groups[uuid]}
    stamps = dict.fromkeys(back, moment.stamp(vault))
    return replace(vault, groups={**vault.groups, **back}, group_stamps={**vault.group_stamps, **stamps})


def _order(vault: Vault) -> list[str]:
    return [record.account.uuid for record in vault.ordered]


def _altered(present: Vault, older: Vault, uuid: str) -> Altered:
    now, then = present.records[uuid].account, older.records[uuid].account
    told = {
        "issuer": (now.issuer, then.issuer),
        "name": (now.name, then.name),
        "note": (now.note, then.note),
        "secret": (now.secret, then.secret),
        "favorite": (now.favorite, then.favorite),
        "groups": (group_names(present, now), group_names(older, then)),
        "parameters": (_parameters(now), _parameters(then)),
    }
    return Altered(now, then, tuple(words for words, (one, other) in told.items() if one != other))


def _parameters(account: Account) -> tuple[object, ...]:
    return (
        account.type,
        account.algorithm,
        account.digits,
        account.period,
        account.extra,
        account.info_extra,
    )
