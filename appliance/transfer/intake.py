"""What an import would do to a vault: which accounts are new, which are there already, and what is odd about the rest.

Rules: nothing that the vault holds is changed or lost, but for the counter of a HOTP account, which rises to the one of
the file. What is the same in type, secret, names and parameters is a duplicate; whatever else the file holds becomes
an account of its own, even beside one of the same name, since only its owner knows which of the two still works.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from appliance.transfer.found import Found
from appliance.vault import edit
from appliance.vault.edit import Moment
from appliance.vault.model import ZERO, Account, Group, Record, Vault

Verdict = Literal["new", "renamed", "changed", "counter", "duplicate"]
BACKUP_ACCOUNTS: Final = 1_900
"""Accounts whose backup fits into the 1,000,000 bytes that are published; 525 bytes each, in steps of 16 KiB."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An account of a file, and what the vault has of it."""

    found: Found = field(repr=False)
    verdict: Verdict
    remark: str = ""
    """What is there already, for people."""
    other: str = ""
    """Uuid of the account that a counter is for."""

    @property
    def added(self) -> bool:
        """Whether it becomes an account of its own."""
        return self.verdict in {"new", "renamed", "changed"}


def arrivals(vault: Vault, accounts: Iterable[Found], *, keep_duplicates: bool) -> tuple[Arrival, ...]:
    """Return what would become of each account. With `keep_duplicates`, duplicates are new ones."""
    known = _Known(vault)
    made: list[Arrival] = []
    for found in accounts:
        arrival = known.judged(found)
        if keep_duplicates and not arrival.added:
            arrival = replace(arrival, verdict="new", other="")
        made.append(arrival)
        if arrival.added:
            known.add(Record(found.account, ZERO, "", ZERO, found.counter))
    return tuple(made)


def taken_in(vault: Vault, coming: Sequence[Arrival], moment: Moment, new_uuid: Callable[[], str]) -> Vault:
    """Return the vault with the accounts that are added and the counters that rise; groups are made by their names."""
    names = dict.fromkeys(name for each in coming if each.added for name in each.found.group_names)
    groups = {name: Group(new_uuid(), name) for name in names}
    additions = [
        edit.Addition(
            each.found.account, each.found.counter, tuple(groups[name] for name in each.found.group_names)
        )
        for each in coming
        if each.added
    ]
    raised: dict[str, int] = {}
    for each in coming:
        if each.verdict == "counter":
            raised[each.other] = max(each.found.counter, raised.get(each.other, 0))
    return edit.add_all(edit.raise_counters(vault, raised), additions, moment)


class _Known:
    """The accounts of a vault, found by what makes them the same."""

    def __init__(self, vault: Vault) -> None:
        self._by_secret: dict[tuple[str, bytes], list[Record]] = {}
        self._by_names: dict[tuple[str, str], list[Record]] = {}
        for record in vault.ordered:
            self.add(record)

    def add(self, record: Record) -> None:
        account = record.account
        self._by_secret.setdefault((account.type, account.secret), []).append(record)
        self._by_names.setdefault((account.issuer, account.name), []).append(record)

    def judged(self, found: Found) -> Arrival:
        account = found.account
        same_secret = self._by_secret.get((account.type, account.secret), [])
        for record in same_secret:
            if _parameters(record.account) == _parameters(account):
                if found.counter > record.counter:
                    remark = f"its counter goes from {record.counter} to {found.counter}"
                    return Arrival(found, "counter", remark, record.account.uuid)
                return Arrival(found, "duplicate", "it is there already")
        if self._by_names.get((account.issuer, account.name)) and account.label:
            what = "other parameters" if same_secret else "another secret"
            return Arrival(found, "changed", f"one of this name is there with {what}; both stay")
        if same_secret:
            names = same_secret[0].account.label or "an account without a name"
            return Arrival(found, "renamed", f"its secret is there as {names}; both stay")
        return Arrival(found, "new")


def _parameters(account: Account) -> tuple[str, str, str, int, int]:
    return account.issuer, account.name, account.algorithm, account.digits, account.period
