"""The command import: other programs' accounts into the vault, after a preview, all or nothing."""

import argparse
import os
from collections import Counter
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.filming import camera_flag, filmed
from appliance.cli.foreign import (
    ROWS,
    account_json,
    as_json,
    counted,
    file_arguments,
    found_row,
    headline,
    read,
    refuse_empty,
    tell_troubles,
)
from appliance.cli.main import Context
from appliance.errors import UsageError
from appliance.transfer.found import Reading
from appliance.transfer.intake import BACKUP_ACCOUNTS, Arrival, arrivals, taken_in
from appliance.vault.edit import Moment
from appliance.vault.model import Vault

_WHAT: Final = "can't import"
_ORDER: Final = ("changed", "renamed", "counter", "new", "duplicate")
"""What is to be looked at stands first."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    parser = command(
        commands,
        "import",
        _import,
        "bring accounts over from another authenticator's file or QR codes",
        "sudo appliance import export.json\n  ssh pi sudo appliance import - < photo.jpg",
    )
    file_arguments(parser, needed=False)
    camera_flag(parser)
    parser.add_argument("--dry-run", action="store_true", help="only show what would be imported")
    parser.add_argument(
        "--on-duplicate",
        choices=("skip", "keep"),
        default="skip",
        help="what to do with accounts that are there already",
    )
    parser.add_argument(
        "--incomplete",
        action="store_true",
        help="import what there is though parts of the export are missing",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before importing")
    passphrase_flag(parser)
    json_flag(parser)


def _import(args: argparse.Namespace, context: Context) -> int:
    reading = _wanted(args, context)
    _refuse_empty(args, reading)
    vault_keeper = keeper(args, context)
    vault = told(vault_keeper.open()).vault
    coming = _coming(args, vault, reading)
    if not args.json:
        _preview(reading, coming, vault)
    imported = sum(each.added or each.verdict == "counter" for each in coming)
    if args.dry_run or not imported:
        return _answer(args, reading, coming, 0)
    _agree(args, context, reading, imported)

    def apply(vault: Vault, moment: Moment) -> Vault:
        # Judged once more: another command may have changed the vault since the preview.
        return taken_in(vault, _coming(args, vault, reading), moment, app.new_uuid)

    vault_keeper.change(apply)
    poke(context)
    return _answer(args, reading, coming, imported)


def _wanted(args: argparse.Namespace, context: Context) -> Reading:
    if args.camera is not None:
        return filmed(args)
    if not args.files:
        raise UsageError(_WHAT, "no file is named", "appliance import FILE, or --camera")
    return read(args, context)


def _refuse_empty(args: argparse.Namespace, reading: Reading) -> None:
    """Raise NothingFound if no entry can be used, after the reasons."""
    if not reading.found and not args.json:
        tell_troubles(reading)
    refuse_empty(args, reading)


def _coming(args: argparse.Namespace, vault: Vault, reading: Reading) -> tuple[Arrival, ...]:
    return arrivals(vault, reading.found, keep_duplicates=args.on_duplicate == "keep")


def _preview(reading: Reading, coming: tuple[Arrival, ...], vault: Vault) -> None:
    counts = Counter(each.verdict for each in coming)
    told_counts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict])
    terminal.tell(f"{headline(reading)} ({told_counts})")
    ordered = sorted(coming, key=lambda each: _ORDER.index(each.verdict))
    rows = [(each.verdict, *found_row(each.found), each.remark) for each in ordered[:ROWS]]
    for line in terminal.table(rows):
        terminal.tell(f"  {line}")
    if len(ordered) > ROWS:
        rest = Counter(each.verdict for each in ordered[ROWS:])
        terminal.tell(f"  and {', '.join(f'{number} {verdict}' for verdict, number in rest.items())} more")
    tell_troubles(reading)
    after = len(vault.records) + sum(each.added for each in coming)
    if after > BACKUP_ACCOUNTS:
        terminal.warn(
            f"the vault will have {counted(after)}: above about {BACKUP_ACCOUNTS} its backup is too large for the broker"
        )


def _agree(args: argparse.Namespace, context: Context, reading: Reading, imported: int) -> None:
    """Return if the import is wanted. Raises UsageError otherwise, and if parts are missing that nobody accepted."""
    if reading.missing and not args.incomplete:
        answer = context.person.answer(
            f"missing: {', '.join(reading.missing)}. Import {counted(imported)} without them? type yes:",
            instead="give all parts together, or --incomplete",
        )
    elif args.yes or args.json or not context.person.asked:
        return
    else:
        answer = context.person.answer(f"import {counted(imported)}? type yes:", instead="--yes")
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError(
            _WHAT, "it was not agreed to; nothing was changed", "appliance import --dry-run FILE"
        )


def _answer(args: argparse.Namespace, reading: Reading, coming: tuple[Arrival, ...], imported: int) -> int:
    if args.json:
        told = as_json(reading)
        told["accounts"] = [
            {
                **account_json(each.found),
                "uuid": each.other or each.found.account.uuid,
                "verdict": each.verdict,
            }
            for each in coming
        ]
        terminal.tell_json({**told, "imported": imported, "dry_run": args.dry_run})
        return os.EX_OK
    if args.dry_run:
        terminal.tell("nothing was changed: this was a dry run")
    elif imported:
        terminal.tell(f"imported {counted(imported)}; appliance undo takes it back")
        terminal.tell("compare some codes with the old authenticator before you delete anything there")
    else:
        terminal.tell("nothing to import: all of it is there already")
    return os.EX_OK
