"""Other programs' files at the command line: how they are read and told; the command inspect."""

import argparse
import os
from dataclasses import replace
from typing import Any, Final

from appliance.adapters import confinement
from appliance.adapters.memory import derivation_limit
from appliance.cli import terminal
from appliance.cli.accounts import described, kind
from appliance.cli.arguments import command, json_flag
from appliance.cli.main import Context
from appliance.errors import NothingFound, PasswordMissing, UsageError, WrongPassphrase
from appliance.transfer import registry
from appliance.transfer.found import Found, Listed, Reading

_TRIES: Final = 3
_SHARE: Final = 0.8
"""Of the free memory: it is for some seconds, and Ente's own files want 1 GiB."""
ROWS: Final = 60
"""Of a table, before the rest is only counted."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    inspect = command(
        commands,
        "inspect",
        _inspect,
        "show what is in another program's file, without any vault",
        "appliance inspect export.json\n  appliance inspect photo-1.jpg photo-2.jpg",
    )
    file_arguments(inspect, needed=False)
    inspect.add_argument("--secrets", action="store_true", help="show the secrets as well")
    inspect.add_argument("--formats", action="store_true", help="list the formats that can be read")
    json_flag(inspect)


def file_arguments(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Add the arguments that `read` understands."""
    parser.add_argument(
        "files",
        nargs="+" if needed else "*",
        type=terminal.Input,
        metavar="FILE",
        help="several are one export, such as photos of several QR codes; '-' reads standard input",
    )
    parser.add_argument("--password-file", type=terminal.Input, metavar="FILE", help="the file's password")
    parser.add_argument(
        "--key-file", type=terminal.Input, metavar="FILE", help="a KeePass database's key file"
    )


def read(args: argparse.Namespace, context: Context) -> Reading:
    """Return what is in the files; their password is taken from a file, or asked for only if it is needed."""
    given: terminal.Input | None = args.password_file
    key_file: terminal.Input | None = args.key_file
    password = given.line() if given else None
    for left in reversed(range(_TRIES)):
        try:
            return confinement.read(
                [file.data for file in args.files],
                password=password,
                memory_limit=derivation_limit(share=_SHARE),
                key_file=key_file.data if key_file else None,
            )
        except WrongPassphrase as error:
            if given or not context.person.asked or not left:
                raise
            if not isinstance(error, PasswordMissing):
                terminal.note(f"{error.what}: {error.why}")
            password = context.person.secret("password of the file", instead="--password-file FILE")
    raise AssertionError  # pragma: no cover - the last try returns or raises


def _inspect(args: argparse.Namespace, context: Context) -> int:
    if args.formats:
        return _formats(args)
    if not args.files:
        raise UsageError("can't inspect anything", "no file is named", "appliance inspect FILE")
    reading = read(args, context)
    if args.json:
        terminal.tell_json(_inspected(reading, secrets=args.secrets))
    else:
        _print(reading, secrets=args.secrets)
    refuse_empty(args, reading)
    return os.EX_OK


def refuse_empty(args: argparse.Namespace, reading: Reading) -> None:
    """Raise NothingFound if no entry of the files can be used."""
    if not reading.found:
        raise NothingFound(
            f"can't use {args.files[0].name if args.files else 'the pictures'}",
            f"none of its {len(reading.skipped)} entries can be used",
            "the reasons are listed above",
        )


def _formats(args: argparse.Namespace) -> int:
    if args.json:
        terminal.tell_json([{"name": each.NAME, "title": each.TITLE} for each in registry.FORMATS])
    else:
        for line in terminal.table([(each.NAME, each.TITLE) for each in registry.FORMATS]):
            terminal.tell(line)
    return os.EX_OK


def as_json(reading: Reading, *, secrets: bool = False) -> terminal.Json:
    """Return a reading for scripts."""
    return {
        "format": reading.format,
        "encrypted": reading.encrypted,
        "accounts": [account_json(found, secrets=secrets) for found in reading.found],
        "skipped": [{"name": skipped.name, "reason": skipped.reason} for skipped in reading.skipped],
        "warnings": [*map(lacking, reading.missing), *reading.warnings],
    }


def _inspected(reading: Reading, *, secrets: bool) -> terminal.Json:
    """Return a reading with the accounts whose codes can't be made here among the others, and not skipped as well."""
    skipped = tuple(one for one in reading.skipped if one.listed is None)
    told = as_json(replace(reading, skipped=skipped), secrets=secrets)
    listed = [
        {**_listed_json(one.listed, secrets=secrets), "reason": one.reason}
        for one in reading.skipped
        if one.listed
    ]
    return {**told, "accounts": [*told["accounts"], *listed]}


def account_json(found: Found, *, secrets: bool = False) -> terminal.Json:
    """Return an account of a file for scripts."""
    account = found.account
    return {
        **described(account, found.counter),
        **({"secret": found.secret_text} if secrets else {}),
        "groups": list(found.group_names),
        "note": account.note,
    }


def _listed_json(listed: Listed, *, secrets: bool) -> terminal.Json:
    return {
        "type": listed.type,
        "issuer": listed.issuer,
        "name": listed.name,
        "algorithm": listed.algorithm,
        "digits": listed.digits,
        "period": listed.period,
        "counter": None,
        **({"secret": listed.secret_text} if secrets else {}),
        "groups": [],
        "note": "",
    }


def lacking(part: str) -> str:
    """Return that a part of the export is missing, in words."""
    return f"missing: {part}"


def headline(reading: Reading) -> str:
    """Return what kind of file it is and how much it holds."""
    title = next((each.TITLE for each in registry.FORMATS if reading.format == each.NAME), reading.format)
    return f"{title}{', encrypted' if reading.encrypted else ''}: {counted(len(reading.found))}"


def counted(number: int) -> str:
    """Return a number of accounts in words."""
    return "1 account" if number == 1 else f"{number} accounts"


def found_row(found: Found) -> tuple[str, ...]:
    """Return an account of a file as a line of a table."""
    account = found.account
    what = kind(account) + (f", code number {found.counter} is next" if account.type == "hotp" else "")
    return account.issuer, account.name, what, ", ".join(found.group_names)


def tell_troubles(reading: Reading) -> None:
    """Tell what was left out, what is missing, and what is to be known."""
    for skipped in reading.skipped[:ROWS]:
        terminal.tell(f"skipped {skipped.name}: {skipped.reason}")
    if len(reading.skipped) > ROWS:
        terminal.tell(f"and {len(reading.skipped) - ROWS} more are skipped")
    for text in (*map(lacking, reading.missing), *reading.warnings[:ROWS]):
        terminal.warn(text)


def _print(reading: Reading, *, secrets: bool) -> None:
    terminal.tell(headline(reading))
    rows = [(*found_row(found), found.secret_text if secrets else "") for found in reading.found]
    for line in terminal.table(rows):
        terminal.tell(f"  {line}")
    tell_troubles(reading)
