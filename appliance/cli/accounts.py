"""Commands for accounts: list, code; and how an account is told to people and to scripts."""

import argparse
import contextlib
import time
from argparse import ArgumentTypeError
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.main import Context
from appliance.cli.selection import chosen, members, name_argument
from appliance.core.state import listed
from appliance.errors import UsageError
from appliance.vault import edit
from appliance.vault.membership import group_names
from appliance.vault.model import (
    COUNTERS,
    DIGITS,
    PERIODS,
    Account,
    Record,
    Vault,
)
from appliance.vault.otp import Code, code_at, code_for, grouped

_LATEST: Final = 253_402_300_799
"""The end of the year 9999."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    listing = command(commands, "list", _list, "list the accounts, without secrets", "appliance list --json")
    listing.add_argument("--group", metavar="GROUP", help="only the accounts of a group")
    passphrase_flag(listing)
    json_flag(listing)

    code = command(commands, "code", _code, "print the current code of an account", "appliance code GitHub")
    name_argument(code)
    code.add_argument("--at", type=_moment, metavar="UNIX", help="the code of another moment")
    passphrase_flag(code)
    json_flag(code)


def _moment(text: str) -> float:
    with contextlib.suppress(ValueError):
        unix = float(text)
        if 0 <= unix <= _LATEST:  # which "nan" and "inf", numbers to Python, are not
            return unix
    raise ArgumentTypeError(f"expected Unix seconds, 0 to {_LATEST}")


def tell_code(record: Record) -> None:
    """Tell the present code, for a person to compare; of HOTP the next number, which spends nothing."""
    account = record.account
    if account.type == "hotp":
        terminal.tell(f"the next code is number {record.counter}: appliance code {account.uuid}")
    else:
        code = code_at(account, time.time())
        terminal.tell(f"its code is now {grouped(code.text)}: compare it with the service's page")


def refuse_out_of_range(args: argparse.Namespace, what: str, name: str) -> None:
    """Raise UsageError, for the command `name`, if a number that was given can't be the parameter of an account."""
    for value, allowed, flag in (
        (args.digits, DIGITS, "digits"),
        (args.period, PERIODS, "period"),
        (args.counter, COUNTERS, "counter"),
    ):
        if value is not None and value not in allowed:
            raise UsageError(
                what, f"--{flag} {value} is not in {allowed[0]} to {allowed[-1]}", f"appliance {name} --help"
            )


def _list(args: argparse.Namespace, context: Context) -> int:
    vault = told(keeper(args, context).open()).vault
    records = listed(vault)
    if args.group is not None:
        records = members(vault, records, args.group)
    if args.json:
        terminal.tell_json([public(record, vault) for record in records])
        return 0
    for line in terminal.table([row(record, vault) for record in records]):
        terminal.tell(line)
    if not records:
        terminal.note("no accounts yet: appliance add")
    return 0


def row(record: Record, vault: Vault) -> tuple[str, ...]:
    """Return an account as a line of a table; without its secret."""
    account = record.account
    return (
        account.issuer,
        account.name,
        kind(account),
        "favourite" if account.favorite else "",
        ", ".join(group_names(vault, account)),
    )


def kind(account: Account) -> str:
    """Return an account's type and parameters in words."""
    if account.type == "steam":
        return "Steam"
    period = "" if account.type == "hotp" else f" {account.period} s"
    return f"{account.type.upper()} {account.algorithm} {account.digits} digits{period}"


def public(record: Record, vault: Vault) -> terminal.Json:
    """Return an account for scripts, as `list` does; without its secret."""
    account = record.account
    return {
        "uuid": account.uuid,
        **described(account, record.counter),
        "groups": list(group_names(vault, account)),
        "favorite": account.favorite,
    }


def described(account: Account, counter: int) -> terminal.Json:
    """Return an account's type, names and parameters for scripts; without its secret."""
    return {
        "type": account.type,
        "issuer": account.issuer,
        "name": account.name,
        "algorithm": account.algorithm,
        "digits": account.digits,
        "period": None if account.type == "hotp" else account.period,
        "counter": counter if account.type == "hotp" else None,
    }


def _code(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = keeper(args, context)
    record = chosen(told(vault_keeper.open()).vault.records.values(), args.name)
    account = record.account
    upcoming: Code | None = None
    if account.type == "hotp":
        if args.at is not None:
            raise UsageError(
                f"can't make the code of {account.label} at a moment",
                "a HOTP code has none",
                "leave out --at",
            )
        # The counter is on the card before its code is on the screen.
        kept = vault_keeper.change(lambda vault, _moment: edit.spend(vault, account.uuid))
        spent = kept.vault.records[account.uuid]
        code = code_for(spent.account, spent.counter - 1)
        poke(context)
    else:
        now = app.new_clock(context.settings).now()
        if args.at is None and not now.trusted and context.settings.clock.require_trusted:
            terminal.warn("the clock is not synchronised: the code may be wrong")
        at = now.unix if args.at is None else args.at
        code, upcoming = code_at(account, at), code_at(account, at + account.period)
    if args.json:
        terminal.tell_json(
            {
                "issuer": account.issuer,
                "name": account.name,
                "code": code.text,
                "valid_from": code.valid_from,
                "valid_until": code.valid_until,
                "next": upcoming.text if upcoming else None,
            }
        )
    else:
        terminal.tell(code.text)
    return 0
