"""Changes to a vault: functions from a vault to a vault.

Each is applied to the freshly loaded vault under the lock, so that no two changes lose each other: what it does not
name stays as it is found there. The stamps come from the caller, who has a clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from appliance.errors import NothingFound, UsageError
from appliance.vault import position
from appliance.vault.membership import groups_named, memberships, with_groups
from appliance.vault.merge import merge
from appliance.vault.model import COUNTERS, Account, Algorithm, Group, Record, Stamp, Vault

TRASH_SECONDS: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by whom a change is made."""

    ms: int | None
    """Unix milliseconds; None while the clock is not trusted."""
    device: str

    def stamp(self, vault: Vault) -> Stamp:
        """Return a stamp later than everything in `vault`."""
        return vault.latest.after(ms=self.ms, device=self.device)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to become different about an account; None, or nothing, leaves a field alone."""

    issuer: str | None = None
    name: str | None = None
    note: str | None = field(default=None, repr=False)
    favorite: bool | None = None
    secret: bytes | None = field(default=None, repr=False)
    algorithm: Algorithm | None = None
    digits: int | None = None
    period: int | None = None
    counter: int | None = None
    """HOTP: of the next code."""
    join: tuple[Group, ...] = ()
    """Groups by their names; the uuid is for a name that no group has yet."""
    leave: tuple[str, ...] = ()
    """Names of groups."""


@dataclass(frozen=True, slots=True)
class Addition:
    """An account that is to come to the vault."""

    account: Account
    counter: int = 0
    """HOTP: of the next code."""
    groups: tuple[Group, ...] = ()
    """By their names, beside those of the account; the uuid is for a name that no group has yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list an account is to stand."""

    side: Literal["first", "last", "before", "after"]
    neighbour: str = ""
    """Uuid of the account that it is to stand before or after."""


def add(vault: Vault, account: Account, counter: int, moment: Moment) -> Vault:
    """Return the vault with one account more, at the end of the list."""
    return add_all(vault, [Addition(account, counter)], moment)


def add_all(vault: Vault, additions: Iterable[Addition], moment: Moment) -> Vault:
    """Return the vault with more accounts, in their order at the end of the list."""
    additions = tuple(additions)
    place = vault.ordered[-1].position if vault.records else None
    stamp = moment.stamp(vault)
    # Once for all: looking for one name among those of thousands of groups takes its time.
    named = tuple({group.name: group for each in additions for group in each.groups}.values())
    grouped = with_groups(vault, named, stamp)
    uuids = {name: min(groups_named(grouped, name)) for name in (group.name for group in named)}
    records = dict(vault.records)
    for each in additions:
        place = position.MIDDLE if place is None else position.after(place)
        groups = tuple(sorted({*each.account.groups, *(uuids[group.name] for group in each.groups)}))
        account = replace(each.account, groups=groups)
        records[account.uuid] = Record(account, stamp, place, stamp, each.counter)
    return replace(grouped, records=records)


def raise_counters(vault: Vault, counters: Mapping[str, int]) -> Vault:
    """Return the vault with HOTP counters, by uuid, that are at least those given; accounts that are gone stay gone."""
    raised = {
        uuid: replace(vault.records[uuid], counter=max(vault.records[uuid].counter, counter))
        for uuid, counter in counters.items()
        if uuid in vault.records
    }
    return replace(vault, records={**vault.records, **raised})


def alter(vault: Vault, uuid: str, changes: Changes, moment: Moment) -> Vault:
    """Return the vault with an account changed; the very same vault if nothing is different.

    A secret that is replaced goes to the account's history, and back from there with the counter that it reached.
    Raises NothingFound if the account is not there (any more) or not in a group that it is to leave, UsageError if
    its type has no such parameter, if it would be left without any name, or if a counter would fall.
    """
    record = _record(vault, uuid)
    _refuse_unfitting(record.account, changes)
    stamp = moment.stamp(vault)
    grouped = with_groups(vault, changes.join, stamp)
    account = _altered(grouped, record.account, changes)
    counter = _counter(record, account, changes.counter)
    if account != record.account:
        return _put(grouped, [replace(record, account=account, stamp=stamp, counter=counter)])
    if counter != record.counter:
        return replace(vault, records={**vault.records, uuid: replace(record, counter=counter)})
    return vault


def move(vault: Vault, uuid: str, place: Place, moment: Moment) -> Vault:
    """Return the vault with an account at another place; the very same vault if it stands there already.

    Accounts that share one position, as two devices may give it, are parted where that is needed to get in between.
    Raises NothingFound if the account or its neighbour is not there (any more), UsageError if they are the same.
    """
    record = _record(vault, uuid)
    others = [each for each in vault.ordered if each.account.uuid != uuid]
    index = _index(vault, others, record, place)
    if (*others[:index], record, *others[index:]) == vault.ordered:
        return vault
    low = others[index - 1].position if index else ""
    placed, following = [record], others[index:]
    while following and position.between(low, following[0].position) is None:
        placed.append(following.pop(0))
    high = following[0].position if following else None
    stamp, records = moment.stamp(vault), dict(vault.records)
    for each in placed:
        low = position.between(low, high) or position.after(low)
        records[each.account.uuid] = replace(each, position=low, position_stamp=stamp)
    return replace(vault, records=records)


def remove(vault: Vault, uuid: str, moment: Moment) -> Vault:
    """Return the vault with an account in the trash. Raises NothingFound if it is not there (any more)."""
    _record(vault, uuid)
    return _without(vault, {uuid}, moment.stamp(vault))


def revive(vault: Vault, uuid: str, moment: Moment) -> Vault:
    """Return the vault with an account back from the trash, where it stood. Raises NothingFound if it is not in there."""
    if uuid not in vault.trash:
        raise NothingFound(
            "can't bring the account back", "it is not in the trash any more", "appliance trash"
        )
    return _put(vault, [replace(vault.trash[uuid], stamp=moment.stamp(vault))])


def expire(vault: Vault, moment: Moment) -> Vault:
    """Return the vault without what has been in the trash for 30 days; tombstones stay. Needs a trusted clock.

    A deletion that cannot be dated (`kept_until`) begins its 30 days anew at this moment in place of expiring.
    """
    if moment.ms is None:
        return vault
    horizon = moment.ms - TRASH_SECONDS * 1000
    old = {uuid for uuid in vault.trash if vault.tombstones[uuid].ms <= horizon}
    undated = {uuid for uuid in old if kept_until(vault.tombstones[uuid]) is None}
    # Not the vault's next stamp: a change of this very millisecond would give it a counter, and so no date again.
    now = Stamp(moment.ms, 0, moment.device)
    return replace(
        vault,
        trash={uuid: record for uuid, record in vault.trash.items() if uuid not in old - undated},
        tombstones={**vault.tombstones, **dict.fromkeys(sorted(undated), now)},
    )


def kept_until(tombstone: Stamp) -> int | None:
    """Return the Unix second until which a deleted account stays in the trash; None: its deletion has no sure date.

    A counter says that the clock did not move, perhaps because nobody trusted it: the true moment may be much later.
    """
    return None if tombstone.counter else tombstone.ms // 1000 + TRASH_SECONDS


def spend(vault: Vault, uuid: str) -> Vault:
    """Return the vault with the next HOTP code of an account used up.

    Raises NothingFound if the account is not there (any more), or if its counter is at its end.
    """
    record = _record(vault, uuid)
    if record.counter + 1 not in COUNTERS:
        raise NothingFound(
            f"can't make a code of {record.account.label}",
            "its counter is at its end",
            "set the account up anew at its service",
        )
    return replace(vault, records={**vault.records, uuid: replace(record, counter=record.counter + 1)})


def take_over(vault: Vault, older: Vault, moment: Moment, *, exact: bool) -> Vault:
    """Return the vault with every account as it was in `older`, as an edit of today.

    Accounts that `older` has and that differ, or lie in the trash, come back; accounts that it lacks stay, unless
    `exact`. HOTP counters never fall.
    """
    stamp = moment.stamp(vault)
    differing = [
        replace(record, stamp=stamp, position_stamp=stamp)
        for uuid, record in older.records.items()
        if uuid not in vault.records or vault.records[uuid].account != record.account
    ]
    taken = _put(vault, differing)
    return _without(taken, taken.records.keys() - older.records.keys(), stamp) if exact else taken


def _record(vault: Vault, uuid: str) -> Record:
    if uuid not in vault.records:
        raise NothingFound("can't change the account", "it is not there any more", "appliance list")
    return vault.records[uuid]


def _put(vault: Vault, records: Iterable[Record]) -> Vault:
    # Merging later versions of these accounts keeps counters and replaced secrets, revives the dead, and leaves
    # groups that are gone.
    later = {record.account.uuid: record for record in records}
    return merge(vault, Vault(vault.id, vault.device, vault.name, 0, 0, later)) if later else vault


def _without(vault: Vault, uuids: Iterable[str], stamp: Stamp) -> Vault:
    gone = {uuid: vault.records[uuid] for uuid in sorted(uuids)}
    return replace(
        vault,
        records={uuid: record for uuid, record in vault.records.items() if uuid not in gone},
        trash={**vault.trash, **gone},
        tombstones={**vault.tombstones, **dict.fromkeys(gone, stamp)},
    )


def _refuse_unfitting(account: Account, changes: Changes) -> None:
    fitting = {"totp": ("algorithm", "digits", "period"), "hotp": ("algorithm", "digits", "counter")}
    for parameter in ("algorithm", "digits", "period", "counter"):
        if getattr(changes, parameter) is None or parameter in fitting.get(account.type, ()):
            continue
        kind = "Steam" if account.type == "steam" else account.type.upper()
        raise UsageError(
            f"can't change the {parameter} of {account.label}",
            f"a {kind} account has none that could be changed",
            f"leave out --{parameter}",
        )


def _altered(vault: Vault, account: Account, changes: Changes) -> Account:
    plain: dict[str, Any] = {
        name: value
        for name in ("issuer", "name", "note", "favorite", "secret", "algorithm", "digits", "period")
        if (value := getattr(changes, name)) is not None
    }
    altered = replace(account, **plain, groups=memberships(vault, account, changes.join, changes.leave))
    if account.label and not altered.label:
        raise UsageError(
            f"can't take the names of {account.label}",
            "neither an issuer nor a name would be left",
            "give it another --issuer or --name",
        )
    return altered


def _counter(record: Record, account: Account, wanted: int | None) -> int:
    """Return the counter of an account's next code. Raises UsageError if it would fall for the secret."""
    reached = max(
        (old.counter for old in record.history if old.secret == account.secret),
        default=record.counter if account.secret == record.account.secret else 0,
    )
    if wanted is not None and wanted < reached:
        raise UsageError(
            f"can't set the counter of {account.label} to {wanted}",
            f"the next code is number {reached}, and a counter never falls",
            f"--counter {reached} or higher",
        )
    return reached if wanted is None else wanted


def _index(vault: Vault, others: list[Record], record: Record, place: Place) -> int:
    if place.side == "first":
        return 0
    if place.side == "last":
        return len(others)
    neighbour = _record(vault, place.neighbour)
    if neighbour is record:
        raise UsageError(
            f"can't move {record.account.label}",
            f"it can't stand {place.side} itself",
            "name another account; appliance list",
        )
    return others.index(neighbour) + (place.side == "after")
