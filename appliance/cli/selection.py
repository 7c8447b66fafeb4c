"""Which account is meant, and whether it is really meant."""

import argparse
from collections.abc import Iterable

from appliance.cli.main import Context
from appliance.errors import NothingFound, UsageError
from appliance.vault.membership import group_names, groups_named
from appliance.vault.model import Account, Record, Vault


def name_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that `chosen` understands."""
    parser.add_argument("name", metavar="NAME", help="issuer, name, issuer:name or uuid")


def confirm_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that `confirm` understands."""
    parser.add_argument("--confirm", metavar="NAME", help="the account's label, in place of being asked")


def chosen(records: Iterable[Record], wanted: str, *, listing: str = "appliance list") -> Record:
    """Return the one record that `wanted` names: uuid, `issuer:name`, issuer or name; case matters only if it must.

    Raises NothingFound, with the candidates if there are several; `listing` is the command that shows what there is.
    """
    known = tuple(records)
    for fold in (str, str.casefold):
        found = [record for record in known if fold(wanted) in map(fold, _names(record.account))]
        if len(found) == 1:
            return found[0]
        if found:
            several = "; ".join(f"{record.account.label} ({record.account.uuid})" for record in found)
            raise NothingFound(
                f"can't tell which account '{wanted}' is",
                f"several match: {several}",
                "use issuer:name or the uuid",
            )
    raise NothingFound(f"can't find the account '{wanted}'", "nothing matches", listing)


def members(vault: Vault, records: tuple[Record, ...], name: str) -> tuple[Record, ...]:
    """Return the records of a group. Raises NothingFound if there are none."""
    wanted = groups_named(vault, name)
    found = tuple(record for record in records if not wanted.isdisjoint(record.account.groups))
    if not found:
        names = {each for record in records for each in group_names(vault, record.account)}
        raise NothingFound(
            f"can't find the group '{name}'",
            f"there are: {', '.join(sorted(names))}" if names else "no account is in a group",
            f"appliance edit NAME --group '{name}' puts an account into it",
        )
    return found


def called(account: Account) -> str:
    """Return how an account is called: its label, or its uuid if it has no name at all."""
    return account.label or account.uuid


def confirm(args: argparse.Namespace, context: Context, account: Account, deed: str) -> None:
    """Return if somebody typed the account's name, or gave it with `--confirm`. Raises UsageError otherwise."""
    label = called(account)
    typed: str | None = args.confirm
    if typed is None:
        typed = context.person.answer(
            f"{deed} {label}? type its name to confirm:", instead=f"--confirm '{label}'"
        )
    if typed not in {label, account.uuid}:
        raise UsageError(f"can't {deed} {label}", "the name typed is another one", f"--confirm '{label}'")


def _names(account: Account) -> tuple[str, ...]:
    return tuple(name for name in (account.uuid, account.label, account.issuer, account.name) if name)
