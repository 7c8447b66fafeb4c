"""Changes to a vault: functions from a vault to a vault.

Each is applied to the freshly loaded vault under the lock, so that no two changes lose each other. The stamps come
from the caller, who has a clock.
"""

from dataclasses import dataclass, replace
from typing import Final

from appliance.errors import NothingFound
from appliance.vault.merge import merge
from appliance.vault.model import COUNTERS, Account, Record, Stamp, Vault

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_WIDTH: Final = 6
_STEP: Final = 36**2
"""Leaves room for 1.6 million appended accounts, and for as many between two neighbours as one likes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by whom a change is made."""

    ms: int | None
    """Unix milliseconds; None while the clock is not trusted."""
    device: str

    def stamp(self, vault: Vault) -> Stamp:
        """Return a stamp later than everything in `vault`."""
        return vault.latest.after(ms=self.ms, device=self.device)


def add(vault: Vault, account: Account, counter: int, moment: Moment) -> Vault:
    """Return the vault with one account more, at the end of the list."""
    last = vault.ordered[-1].position if vault.records else ""
    stamp = moment.stamp(vault)
    record = Record(account, stamp, after(last), stamp, counter)
    return replace(vault, records={**vault.records, account.uuid: record})


def remove(vault: Vault, uuid: str, moment: Moment) -> Vault:
    """Return the vault with an account in the trash. Raises NothingFound if it is not there (any more)."""
    record = _record(vault, uuid)
    return replace(
        vault,
        records={key: value for key, value in vault.records.items() if key != uuid},
        trash={**vault.trash, uuid: record},
        tombstones={**vault.tombstones, uuid: moment.stamp(vault)},
    )


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


def after(position: str) -> str:
    """Return a position behind `position`, "" being the one before all."""
    number = int(position[:_WIDTH].ljust(_WIDTH, "0"), 36) + _STEP
    if number >= 36**_WIDTH:
        return position + "i"
    digits = ""
    for _ in range(_WIDTH):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rstrip("0")


def _record(vault: Vault, uuid: str) -> Record:
    if uuid not in vault.records:
        raise NothingFound("can't change the account", "it is not there any more", "appliance list")
    return vault.records[uuid]


def take_over(vault: Vault, older: Vault, moment: Moment, *, exact: bool) -> Vault:
    """Return the vault with every account as it was in `older`, as an edit of today.

    Accounts that `older` has and that differ, or lie in the trash, come back; accounts that it lacks stay, unless
    `exact`. HOTP counters never fall.
    """
    for uuid, record in older.records.items():
        own = vault.records.get(uuid)
        if own is None or own.account != record.account:
            stamp = moment.stamp(vault)
            back = replace(record, stamp=stamp, position_stamp=stamp)
            # Merging a later version of this one account keeps counters and replaced secrets, revives the dead, and
            # leaves groups that are gone.
            vault = merge(vault, Vault(vault.id, older.device, older.name, 0, 0, {uuid: back}))
    if exact:
        for uuid in sorted(vault.records.keys() - older.records.keys()):
            vault = remove(vault, uuid, moment)
    return vault
