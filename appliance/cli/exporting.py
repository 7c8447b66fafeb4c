"""The command export: the vault's accounts into another authenticator's file, or as QR codes for its camera."""

import argparse
import os
import shutil
import sys
import time
from typing import Any, Final

from appliance.adapters import confinement
from appliance.adapters.memory import derivation_limit
from appliance.cli import qr_code, terminal
from appliance.cli.arguments import command, force_flag, json_flag, passphrase_flag, proven_keeper, told
from appliance.cli.foreign import counted
from appliance.cli.main import Context
from appliance.cli.selection import called, chosen, members
from appliance.core.state import listed
from appliance.errors import ApplianceError, NothingFound, UsageError
from appliance.transfer import registry
from appliance.transfer.export import Plan, Target, plan, prove
from appliance.transfer.found import Found, WriteMeans
from appliance.vault import otpauth
from appliance.vault.membership import group_names
from appliance.vault.model import Record, Vault, base32_encode

_WHAT: Final = "can't export"


class IncompleteExport(ApplianceError):
    """The export was written, and the target could not hold all of it."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    parser = command(
        commands,
        "export",
        _export,
        "take the accounts to another authenticator",
        "sudo appliance export --to aegis -o accounts.json\n  sudo appliance export --to google\n"
        "  sudo appliance export --qr GitHub:anna",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--to", choices=tuple(registry.TARGETS), metavar="TARGET", help=", ".join(registry.TARGETS)
    )
    what.add_argument("--qr", metavar="NAME", help="show one account's QR code in the terminal")
    parser.add_argument(
        "-o",
        "--output",
        type=terminal.Output,
        metavar="FILE",
        help="a new file; several QR codes get numbers (codes.png, codes-2.png); '-': standard output",
    )
    parser.add_argument(
        "--password-file",
        type=terminal.Input,
        metavar="FILE",
        help="the password that the new file is to have; else you are asked",
    )
    parser.add_argument("--group", metavar="GROUP", help="only the accounts of a group")
    parser.add_argument(
        "--partial", action="store_true", help="it is no error if the target can't hold everything"
    )
    force_flag(parser)
    passphrase_flag(parser)
    json_flag(parser)


def _export(args: argparse.Namespace, context: Context) -> int:
    if args.qr is not None:
        _refuse_in_clear(args, "a QR code", encrypted=False)
        return _one(args, context)
    target = registry.TARGETS[args.to]
    _refuse_in_clear(args, f"the target '{args.to}'", encrypted=target.encrypted)
    shown = args.output is None and target.pages is not None
    if args.output is None and not shown:
        raise UsageError(_WHAT, "no file is named", f"-o accounts{target.suffix}")
    vault = told(proven_keeper(args, context).open()).vault
    accounts = _accounts(args, vault)
    planned = plan(target, accounts)
    if not planned.kept:
        _tell_losses(planned)
        raise NothingFound(_WHAT, f"{target.title} can hold none of the accounts", "appliance export --help")
    names: tuple[str, ...] = ()
    if shown:
        _show_pages(target, planned.kept, context)
    else:
        names = _write(args, context, target, planned)
    _answer(args, target, planned, names)
    if not planned.complete and not args.partial:
        raise IncompleteExport(
            "the export is incomplete",
            f"{target.title} can't hold all of it, as listed",
            "--partial accepts that; or choose another target",
        )
    return os.EX_OK


def _refuse_in_clear(args: argparse.Namespace, what: str, *, encrypted: bool) -> None:
    """Raise UsageError where somebody expects encryption, or no eyes, and secrets would be written for all to read."""
    if encrypted:
        return
    if args.password_file is not None:
        raise UsageError(
            _WHAT,
            f"{what} is not encrypted, so it has no password",
            "--to aegis is encrypted; or leave out --password-file",
        )
    if args.output is not None:
        args.output.keep_off_terminal(_WHAT, force=args.force)


def _accounts(args: argparse.Namespace, vault: Vault) -> tuple[Found, ...]:
    records = listed(vault)
    if args.group is not None:
        records = members(vault, records, args.group)
    if not records:
        raise NothingFound(_WHAT, "the vault has no accounts yet", "appliance add, or appliance import")
    return tuple(_found(record, vault) for record in records)


def _found(record: Record, vault: Vault) -> Found:
    account = record.account
    return Found(account, record.counter, base32_encode(account.secret), group_names(vault, account))


def _write(args: argparse.Namespace, context: Context, target: Target, planned: Plan) -> tuple[str, ...]:
    password = _password(args, context) if target.encrypted else ""
    files = target.write(planned.kept, WriteMeans(password, os.urandom, int(time.time())))
    prove(
        target,
        planned.kept,
        lambda: confinement.read(
            files, password=password if target.encrypted else None, memory_limit=derivation_limit()
        ),
    )
    output: terminal.Output = args.output
    return output.write_all(files)


def _password(args: argparse.Namespace, context: Context) -> str:
    given: terminal.Input | None = args.password_file
    if given is not None:
        password = given.line()
    else:
        password = context.person.secret("password for the new file", instead="--password-file FILE")
        if context.person.secret("the same again", instead="--password-file FILE") != password:
            raise UsageError("can't use this password", "the two differ", "type it again")
    if not password:
        raise UsageError("can't use this password", "it is empty", "choose a longer one")
    return password


def _show_pages(target: Target, kept: tuple[Found, ...], context: Context) -> None:
    """Show QR codes that fit the terminal, one after the other."""
    assert target.pages is not None  # noqa: S101 - asked before
    columns, rows = shutil.get_terminal_size()
    pages = target.pages(kept, columns, rows - 2, WriteMeans("", os.urandom, int(time.time())))
    if not pages:
        raise UsageError(
            _WHAT,
            f"its QR codes do not fit {columns} columns and {rows} rows",
            "one of 60 columns and 34 rows holds nearly all; or -o codes.png",
        )
    for number, (text, holds) in enumerate(pages, 1):
        what = f"QR code {number} of {len(pages)}: {counted(holds)}"
        _show(text, what)
        if number < len(pages):
            context.person.answer(f"{what}. Enter shows the next", instead="-o codes.png")


def _show(text: str, what: str) -> None:
    coloured = sys.stdout.isatty()
    quiet = qr_code.QUIET_ZONES[0]
    if coloured:
        columns, rows = shutil.get_terminal_size()
        fitting = [each for each in qr_code.QUIET_ZONES if qr_code.fits(text, each, columns, rows - 1)]
        if not fitting:
            width, height = qr_code.size(text, quiet)
            raise UsageError(
                f"can't show {what}",
                f"it needs a terminal of {width} columns and {height + 1} rows, and this has {columns} and {rows}",
                "make the terminal larger or its letters smaller, or -o codes.png",
            )
        quiet = fitting[0]
    for line in qr_code.lines(text, quiet, coloured=coloured):
        terminal.tell(line)


def _one(args: argparse.Namespace, context: Context) -> int:
    vault = told(proven_keeper(args, context).open()).vault
    record = chosen(vault.records.values(), args.qr)
    uri = otpauth.write(record.account, record.counter)
    label = called(record.account)
    if args.output is not None:
        from io import BytesIO

        import segno

        picture = BytesIO()
        segno.make_qr(uri, error="m").save(picture, kind="png", scale=8)
        args.output.write(picture.getvalue())
    elif args.json:
        terminal.tell_json({"name": label, "uri": uri})
    else:
        _show(uri, f"the QR code of {label}")
    if record.account.type == "hotp":
        terminal.warn("once another device makes codes of this account, the counters drift apart")
    return os.EX_OK


def _answer(args: argparse.Namespace, target: Target, planned: Plan, names: tuple[str, ...]) -> None:
    if args.json:
        terminal.tell_json(
            {
                "to": args.to,
                "files": list(names),
                "accounts": len(planned.kept),
                "left_out": [{"name": one.name, "reason": one.reason} for one in planned.left_out],
                "lost": [{"name": one.name, "what": one.reason} for one in planned.lost],
                "complete": planned.complete,
            }
        )
        return
    _tell_losses(planned)
    if names:
        terminal.tell(
            f"wrote {counted(len(planned.kept))} ({target.title}) to {', '.join(names)}, and read them back"
        )
        if not target.encrypted:
            terminal.warn(
                "the file is not encrypted: delete it when it is imported, and let no backup copy it"
            )


def _tell_losses(planned: Plan) -> None:
    for one in planned.left_out:
        terminal.tell(f"left out {one.name}: {one.reason}")
    for one in planned.lost:
        terminal.tell(f"not kept of {one.name}: {one.reason}")
