"""From accounts to the files of another program: what it can hold, and the proof that all of it comes back.

An export counts only after our own reader opened it again and found the very accounts that the target promised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from appliance.errors import ApplianceError
from appliance.transfer.entry import Unusable
from appliance.transfer.found import Found, Reading, Skipped, WriteMeans


@dataclass(frozen=True, slots=True)
class Target:
    """A foreign format that can be written, made of the functions of its module in `formats`."""

    title: str
    """What people call it: the program's name."""
    suffix: str
    """That its files have, such as ".json"."""
    hold: Callable[[Found], Found]
    """Return what the target can keep of an account: the same, or less of it.

    Fields that it has no place for become what reading gives (`bare`). Raises Unusable, with the reason, if the codes
    would be lost.
    """
    write: Callable[[Sequence[Found], WriteMeans], tuple[bytes, ...]]
    """Return the export, of one file for most targets; each account was returned by `hold`."""
    encrypted: bool = False
    """Whether it needs a password."""
    risks: Callable[[Found], tuple[str, ...]] = lambda _: ()
    """Return what of an account that `hold` returned may be lost after all, with who loses it, in the words of `Plan.lost`."""
    pages: Callable[[Sequence[Found], int, int, WriteMeans], tuple[tuple[str, int], ...]] | None = None
    """Return QR codes for a terminal of so many columns and lines: (text, number of accounts) of each, none if
    it is too small; None: the target has none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What of the accounts a target will have."""

    kept: tuple[Found, ...]
    left_out: tuple[Skipped, ...] = ()
    """Accounts that the target cannot hold at all."""
    lost: tuple[Skipped, ...] = ()
    """What it cannot hold of accounts that it has, or not in all of its releases."""

    @property
    def complete(self) -> bool:
        """Whether nothing is lost."""
        return not self.left_out and not self.lost


def plan(target: Target, accounts: Sequence[Found]) -> Plan:
    """Return what the target will have, and what is lost on the way."""
    kept: list[Found] = []
    left_out: list[Skipped] = []
    lost: list[Skipped] = []
    for found in accounts:
        name = found.account.label or found.account.uuid
        try:
            held = target.hold(found)
        except Unusable as problem:
            left_out.append(Skipped(name, str(problem)))
            continue
        kept.append(held)
        if losses := (*_losses(found, held), *target.risks(held)):
            lost.append(Skipped(name, ", ".join(losses)))
    return Plan(tuple(kept), tuple(left_out), tuple(lost))


def prove(target: Target, kept: Sequence[Found], read: Callable[[], Reading]) -> None:
    """Return if `read`, our own reader of what was written, gives the accounts again, in any order. Raises ApplianceError."""
    reading = read()
    if reading.skipped or reading.missing or _sorted(reading.found) != _sorted(kept):
        raise ApplianceError(
            f"can't export to {target.title}",
            f"reading it back does not give the same {len(kept)} accounts; nothing was written",
            "please report this; another target may do: appliance export --help",
        )


def _sorted(accounts: Sequence[Found]) -> list[str]:
    return sorted(repr(_essence(found)) for found in accounts)


def _essence(found: Found) -> tuple[object, ...]:
    account = found.account
    return (
        account.type,
        account.issuer,
        account.name,
        account.secret,
        account.algorithm,
        account.digits,
        account.period,
        found.counter,
        account.note,
        account.favorite,
        tuple(sorted(found.group_names)),
    )


def bare(found: Found, *, note: bool = False, favorite: bool = False, groups: bool = False) -> Found:
    """Return an account without what a target has no place for; what is named stays."""
    account = found.account
    return replace(
        found,
        account=replace(
            account, note=account.note if note else "", favorite=account.favorite if favorite else False
        ),
        group_names=found.group_names if groups else (),
    )


def _losses(found: Found, held: Found) -> list[str]:
    before, after = found.account, held.account
    losses = [words for name, words in _WORDS.items() if getattr(before, name) != getattr(after, name)]
    if set(held.group_names) != set(found.group_names):
        losses.append("its groups" if not held.group_names else "all groups but one")
    return losses


_WORDS: Final = {
    "issuer": "part of its issuer",
    "name": "part of its name",
    "note": "its note",
    "favorite": "that it is a favourite",
    "algorithm": "its algorithm",
    "digits": "its digits",
    "period": "its period",
}
