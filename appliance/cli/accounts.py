"""Commands for accounts: add, list, code; and how an account is told to people and to scripts."""

import argparse
import contextlib
import time
from argparse import ArgumentTypeError
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.main import Context
from appliance.cli.selection import called, chosen, name_argument
from appliance.core.state import listed
from appliance.errors import NothingFound, UsageError
from appliance.vault import edit, otpauth
from appliance.vault.membership import group_names, groups_named
from appliance.vault.model import (
    ALGORITHMS,
    COUNTERS,
    DIGITS,
    PERIODS,
    STEAM_DIGITS,
    TYPES,
    Account,
    Record,
    Vault,
    base32_decode,
)
from appliance.vault.otp import Code, code_at, code_for, grouped

_SAME: Final = "can't add the account"
_LATEST: Final = 253_402_300_799
"""The end of the year 9999."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    add = command(
        commands,
        "add",
        _add,
        "add an account",
        "appliance add 'otpauth://totp/...'\n  appliance add --issuer GitHub --name anna",
    )
    add.add_argument(
        "uri",
        nargs="?",
        metavar="URI",
        help="otpauth://...; '-' reads it from standard input, where 'ps' does not show it",
    )
    add.add_argument("--issuer", default="", help="the service")
    add.add_argument("--name", default="", help="your name there")
    add.add_argument(
        "--secret-file", type=terminal.Input, metavar="FILE", help="base32; without it you are asked"
    )
    add.add_argument("--type", choices=TYPES, default="totp")
    add.add_argument("--algorithm", choices=ALGORITHMS, default="SHA1")
    add.add_argument("--digits", type=int, default=6, metavar="4-10")
    add.add_argument("--period", type=int, default=30, metavar="SECONDS")
    add.add_argument("--counter", type=int, default=0, metavar="N", help="HOTP: of the next code")
    passphrase_flag(add)
    json_flag(add)

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


def _add(args: argparse.Namespace, context: Context) -> int:
    account, counter, warnings = _wanted(args, context)
    kept = told(
        keeper(args, context).change(
            lambda vault, moment: edit.add(_without(vault, account), account, counter, moment)
        )
    )
    record = kept.vault.records[account.uuid]
    for text in warnings:
        terminal.warn(text)
    poke(context)
    if args.json:
        terminal.tell_json(public(record, kept.vault))
        return 0
    terminal.tell(f"added {called(account)}")
    tell_code(record)
    return 0


def tell_code(record: Record) -> None:
    """Tell the present code, for a person to compare; of HOTP the next number, which spends nothing."""
    account = record.account
    if account.type == "hotp":
        terminal.tell(f"the next code is number {record.counter}: appliance code {account.uuid}")
    else:
        code = code_at(account, time.time())
        terminal.tell(f"its code is now {grouped(code.text)}: compare it with the service's page")


def _without(vault: Vault, account: Account) -> Vault:
    for record in vault.ordered:
        known = record.account
        if (known.type, known.secret, known.issuer, known.name) == (
            account.type,
            account.secret,
            account.issuer,
            account.name,
        ):
            raise UsageError(
                _SAME,
                f"{account.label} is there already, with the same secret",
                f"appliance code {known.uuid}",
            )
    return vault


def _wanted(args: argparse.Namespace, context: Context) -> tuple[Account, int, tuple[str, ...]]:
    try:
        if args.uri is not None:
            uri = terminal.Input("-").line() if args.uri == "-" else args.uri
            parsed = otpauth.parse(uri, uuid=app.new_uuid())
            return parsed.account, parsed.counter, parsed.warnings
        return _described(args, context), args.counter, ()
    except ValueError as error:
        raise UsageError(_SAME, str(error), "copy it from the service's page once more") from None


def _described(args: argparse.Namespace, context: Context) -> Account:
    if not (args.issuer or args.name):
        raise UsageError(_SAME, "neither a URI nor --issuer or --name is given", "appliance add --help")
    refuse_out_of_range(args, _SAME, "add")
    given: terminal.Input | None = args.secret_file
    text = (
        given.line()
        if given
        else context.person.secret("secret key", instead="use --secret-file FILE, or an otpauth URI")
    )
    steam = args.type == "steam"
    return Account(
        uuid=app.new_uuid(),
        type=args.type,
        issuer=otpauth.printable(args.issuer),
        name=otpauth.printable(args.name),
        secret=base32_decode(text),
        algorithm="SHA1" if steam else args.algorithm,
        digits=STEAM_DIGITS if steam else args.digits,
        period=args.period if args.type == "totp" else 30,
    )


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
        records = _members(vault, records, args.group)
    if args.json:
        terminal.tell_json([public(record, vault) for record in records])
        return 0
    for line in terminal.table([row(record, vault) for record in records]):
        terminal.tell(line)
    if not records:
        terminal.note("no accounts yet: appliance add")
    return 0


def _members(vault: Vault, records: tuple[Record, ...], name: str) -> tuple[Record, ...]:
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


def row(record: Record, vault: Vault) -> tuple[str, ...]:
    """Return an account as a line of a table; without its secret."""
    account = record.account
    return (
        account.issuer,
        account.name,
        _kind(account),
        "favourite" if account.favorite else "",
        ", ".join(group_names(vault, account)),
    )


def _kind(account: Account) -> str:
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
