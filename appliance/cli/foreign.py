"""Commands for other programs' files: inspect."""

import argparse
import os
from typing import Any

from appliance.adapters import confinement
from appliance.adapters.memory import derivation_limit
from appliance.cli import terminal
from appliance.cli.accounts import described
from appliance.cli.arguments import command, json_flag
from appliance.cli.main import Context
from appliance.errors import NothingFound
from appliance.transfer.found import Found, Reading


def register(commands: Any) -> None:
    """Add the commands of this family."""
    inspect = command(
        commands,
        "inspect",
        _inspect,
        "show what is in another program's file, without any vault",
        "appliance inspect export.txt",
    )
    inspect.add_argument(
        "files",
        nargs="+",
        type=terminal.Input,
        metavar="FILE",
        help="several are one export; '-' reads standard input",
    )
    inspect.add_argument("--secrets", action="store_true", help="show the secrets as well")
    inspect.add_argument("--password-file", type=terminal.Input, metavar="FILE", help="the file's password")
    json_flag(inspect)


def _inspect(args: argparse.Namespace, _context: Context) -> int:
    password: terminal.Input | None = args.password_file
    reading = confinement.read(
        [file.data for file in args.files],
        password=password.line() if password else None,
        memory_limit=derivation_limit(),
    )
    if args.json:
        terminal.tell_json(_as_json(reading, secrets=args.secrets))
    else:
        _print(reading, secrets=args.secrets)
    if not reading.found:
        raise NothingFound(
            f"can't use {args.files[0].name}",
            f"none of its {len(reading.skipped)} entries can be used",
            "the reasons are listed above",
        )
    return os.EX_OK


def _as_json(reading: Reading, *, secrets: bool) -> terminal.Json:
    return {
        "format": reading.format,
        "encrypted": reading.encrypted,
        "accounts": [_account(found, secrets=secrets) for found in reading.found],
        "skipped": [{"name": skipped.name, "reason": skipped.reason} for skipped in reading.skipped],
        "warnings": list(reading.warnings),
    }


def _account(found: Found, *, secrets: bool) -> terminal.Json:
    account = found.account
    return {
        **described(account, found.counter),
        **({"secret": found.secret_text} if secrets else {}),
        "groups": list(found.group_names),
        "note": account.note,
    }


def _print(reading: Reading, *, secrets: bool) -> None:
    terminal.tell(
        f"{reading.format}{', encrypted' if reading.encrypted else ''}: {len(reading.found)} accounts"
    )
    rows = [
        (
            found.account.issuer,
            found.account.name,
            f"{found.account.type} {found.account.algorithm} {found.account.digits}",
            f"{found.account.period} s" if found.account.type != "hotp" else f"counter {found.counter}",
            found.secret_text if secrets else "",
        )
        for found in reading.found
    ]
    for line in terminal.table(rows):
        terminal.tell(f"  {line}")
    for skipped in reading.skipped:
        terminal.tell(f"skipped {skipped.name}: {skipped.reason}")
    for text in reading.warnings:
        terminal.warn(text)
