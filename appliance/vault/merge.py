"""Two copies of one vault become one: a state-based CRDT, so that devices agree without asking each other.

Rules: the content of `merge` does not depend on the order of its arguments; merging twice, or merging an older
copy again, changes nothing; merging needs no clock. What is the device's own (id, name, generation, dates) stays its own.

An account is a set of versions, one per secret, and each side contributes its record (living or in the trash)
and that record's history. Versions are ordered by (stamp, secret); the greatest is the account, the next `HISTORY`
are its history. The state is thus "the greatest four distinct secrets", and cutting it after each merge gives the
same as cutting it once at the end: that is why the secret comes before everything else when stamps tie. It rests
on what every edit must keep: a record's history is older than the record.

Beside the stamps, merged on their own: HOTP counters, positions, tombstones, groups.

Where the order of three merges can show, though all devices still come to agree by exchanging their states:
- the counter of a secret that fell out of the history (a fifth secret came) and is entered again elsewhere;
- membership in a group that was deleted on one device and renamed later on another. A file must not name groups that
  do not exist, so a merge that sees only the deletion drops the membership.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from appliance.errors import ApplianceError
from appliance.vault import canonical, document
from appliance.vault.model import HISTORY, ZERO, Extra, Group, Record, Replaced, Stamp, Vault

AHEAD_MS: Final = 24 * 3600 * 1000
"""What the clocks of one household may differ by."""


def merge(own: Vault, other: Vault) -> Vault:
    """Return `own` with all that `other` knows; both are states of one vault.

    `id`, `device`, `name`, `generation`, `saved_at` and `day` are those of `own`. Nobody is ignored here: whether
    the other device left (`removed`) or its clock is ahead is for the caller to decide before.
    Raises ValueError if the vault ids differ.
    """
    if own.id != other.id:
        raise ValueError("two different vaults cannot be merged")
    groups, group_stamps = _merged_groups((own, other))
    records, trash, tombstones = _merged_accounts((own, other), groups)
    return replace(
        own,
        records=records,
        trash=trash,
        tombstones=tombstones,
        groups=groups,
        group_stamps=group_stamps,
        seen=_merged_seen(own, other),
        removed=own.removed | other.removed,
        need=own.need | other.need,
        extra=_merged_extra(own.extra, other.extra),
        root_extra=_merged_extra(own.root_extra, other.root_extra),
    )


def refuse_ahead(other: Vault, ms: int | None) -> None:
    """Raise ApplianceError for a state that is dated more than `AHEAD_MS` after `ms`, Unix milliseconds.

    One wrong clock would otherwise win every later merge. None: the time is not known, and nothing is refused.
    """
    if ms is not None and other.latest.ms > ms + AHEAD_MS:
        raise ApplianceError(
            f"can't merge the backup of '{other.name}' ({other.device})",
            "it holds changes that are dated more than a day ahead",
            "set that device's clock right and change the accounts there again",
        )


def same_content(a: Vault, b: Vault) -> bool:
    """Tell whether `a` and `b` say the same, so that there is nothing to save or publish.

    What merely accompanies a save does not count: `seen`, generation, dates, ids. If `seen` did, two devices would
    answer each other for ever.
    """
    return _content(a) == _content(b)


def counters_only(before: Vault, after: Vault) -> bool:
    """Tell whether HOTP counters, and nothing else, changed from `before` to `after`."""
    return not same_content(before, after) and same_content(_uncounted(before), _uncounted(after))


def tie_key(record: Record) -> bytes:
    """Return what decides between two records of the same stamp and secret: the canonical bytes of the account.

    Left out are what merges by itself, counter and position, and the groups, which are united in a tie.
    """
    return document.entry_bytes(replace(record.account, groups=())) + canonical.dump(record.extra)


def _merged_accounts(
    sides: tuple[Vault, Vault], groups: Mapping[str, Group]
) -> tuple[dict[str, Record], dict[str, Record], dict[str, Stamp]]:
    records: dict[str, Record] = {}
    trash: dict[str, Record] = {}
    tombstones: dict[str, Stamp] = {}
    held = [kept for side in sides for kept in (side.records, side.trash)]
    for uuid in sorted({uuid for known in (*held, *(side.tombstones for side in sides)) for uuid in known}):
        deleted = max(side.tombstones.get(uuid, ZERO) for side in sides)
        copies = [kept[uuid] for kept in held if uuid in kept]
        if not copies:  # expired from the trash on both sides
            tombstones[uuid] = deleted
            continue
        record = _merged_record(copies, groups)
        if deleted > record.stamp:
            trash[uuid] = record
            tombstones[uuid] = deleted
        else:
            records[uuid] = record
    return records, trash, tombstones


def _merged_record(copies: list[Record], groups: Mapping[str, Group]) -> Record:
    ranked = [((copy.stamp, copy.account.secret, tie_key(copy)), copy) for copy in copies]
    greatest, winner = max(ranked, key=lambda pair: pair[0])
    # A copy may have lost a group in a merge that saw it deleted: the union heals that, and separates no clones.
    members = {group for rank, copy in ranked if rank == greatest for group in copy.account.groups}
    account = replace(winner.account, groups=tuple(sorted(members & groups.keys())))
    placed = max(copies, key=lambda copy: (copy.position_stamp, copy.position))
    latest = _latest_versions(copies)
    current = latest.pop(account.secret)
    history = sorted(latest.values(), key=lambda version: (version.stamp, version.secret), reverse=True)
    return replace(
        winner,
        account=account,
        position=placed.position,
        position_stamp=placed.position_stamp,
        counter=current.counter,
        history=tuple(history[:HISTORY]),
    )


def _latest_versions(copies: list[Record]) -> dict[bytes, Replaced]:
    """Return the latest version of every secret, each with the highest counter that the secret reached anywhere."""
    versions = [
        version
        for copy in copies
        for version in (Replaced(copy.account.secret, copy.stamp, copy.counter), *copy.history)
    ]
    counters: dict[bytes, int] = {}
    for version in versions:
        counters[version.secret] = max(version.counter, counters.get(version.secret, 0))
    versions.sort(key=lambda version: (version.stamp, _weight(version.extra)))
    return {version.secret: replace(version, counter=counters[version.secret]) for version in versions}


def _merged_groups(sides: tuple[Vault, Vault]) -> tuple[dict[str, Group], dict[str, Stamp]]:
    groups: dict[str, Group] = {}
    stamps: dict[str, Stamp] = {}
    for uuid in sorted(
        {uuid for side in sides for known in (side.groups, side.group_stamps) for uuid in known}
    ):
        # The default serves a group without a stamp; a side that knows nothing of the group loses or adds nothing.
        claims = [(side.group_stamps.get(uuid, ZERO), side.groups.get(uuid)) for side in sides]
        _, group = max(claims, key=lambda claim: (claim[0], _group_weight(claim[1])))
        if group is not None:
            groups[uuid] = group
        stamped = [side.group_stamps[uuid] for side in sides if uuid in side.group_stamps]
        if stamped:
            stamps[uuid] = max(stamped)
    return groups, stamps


def _group_weight(group: Group | None) -> bytes:
    return b"" if group is None else document.group_bytes(group)


def _merged_seen(own: Vault, other: Vault) -> dict[str, int]:
    known = (own.seen, other.seen, {other.device: other.generation})
    return {
        device: max(seen.get(device, 0) for seen in known)
        for device in sorted({device for seen in known for device in seen} - {own.device})
    }


def _merged_extra(a: Extra, b: Extra) -> Extra:
    return {
        name: max((side[name] for side in (a, b) if name in side), key=canonical.dump)
        for name in sorted({*a, *b})
    }


def _weight(extra: Extra) -> tuple[bool, bytes]:
    """Order unknown fields; any weigh more than none, although `{}` are the greater bytes."""
    return (bool(extra), canonical.dump(extra))


def _content(vault: Vault) -> bytes:
    # What a file would say: Python alone holds 1 and True for equal, JSON does not.
    return document.dump(
        replace(vault, id="", device="", generation=0, saved_at=0, seen={}, day=(0, 0)), head=""
    )


def _uncounted(vault: Vault) -> Vault:
    return replace(vault, records=_uncounted_records(vault.records), trash=_uncounted_records(vault.trash))


def _uncounted_records(records: Mapping[str, Record]) -> dict[str, Record]:
    return {
        uuid: replace(record, counter=0, history=tuple(replace(old, counter=0) for old in record.history))
        for uuid, record in records.items()
    }
