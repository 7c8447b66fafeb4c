"""The command paper: the vault as a PDF to be printed.

It asks for the passphrase even where the vault opens by itself: whoever finds the device unattended must not leave with
all secrets on paper.
"""

import argparse
import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.arguments import command, force_flag, json_flag, own, passphrase_flag, told
from appliance.cli.main import Context
from appliance.cli.selection import members
from appliance.errors import NothingFound, UsageError, WrongPassphrase
from appliance.keeper import Keeper, Kept
from appliance.paper import Broker, Entry, Origin, Paper, Recovery, Sheets, print_out
from appliance.paper.heading import counted
from appliance.settings import Settings
from appliance.vault import keys
from appliance.vault.membership import group_names

_WHAT: Final = "can't print the vault"
_MANY: Final = 25
"""Pages from which on the number is worth a warning."""
_SLOW: Final = 30
"""Accounts from which on a small Pi takes a quarter of a minute."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    accounts: bool
    recovery: bool


def register(commands: Any) -> None:
    """Add the command."""
    paper = command(
        commands,
        "paper",
        _paper,
        "make a PDF to be printed: the accounts, and the encrypted vault with all that restoring takes",
        "sudo appliance paper -o vault.pdf\n  sudo appliance paper --recovery --recovery-key --size letter",
    )
    paper.add_argument(
        "-o",
        "--output",
        type=terminal.Output,
        metavar="FILE.pdf",
        help="default: a new file in this folder; '-': standard output",
    )
    paper.add_argument("--size", choices=("a4", "letter"), default="a4", help="of the paper; default: a4")
    which = paper.add_mutually_exclusive_group()
    which.add_argument("--accounts", action="store_true", help="only QR code and secret of each account")
    which.add_argument("--recovery", action="store_true", help="only the recovery sheet")
    paper.add_argument(
        "--group", metavar="GROUP", help="only this group's accounts; the recovery sheet has all of them"
    )
    key = paper.add_mutually_exclusive_group()
    key.add_argument(
        "--recovery-key",
        action="store_true",
        help="ask for the recovery key, and print it on the recovery sheet",
    )
    key.add_argument("--recovery-key-file", type=terminal.Input, metavar="FILE", help="the same from a file")
    force_flag(paper)
    passphrase_flag(paper)
    json_flag(paper)


def _paper(args: argparse.Namespace, context: Context) -> int:
    wanted = _Wanted(accounts=not args.recovery, recovery=not args.accounts)
    _refuse_contradictions(args, wanted)
    # Made while the caller's rights are still there, and taken away by `main` if anything fails.
    args.output = output = args.output or _new_file()
    output.keep_off_terminal(_WHAT, force=args.force)
    own(args, context)
    entered, vault_keeper, kept = _opened(args, context)
    key = _recovery_key(args, context, vault_keeper, entered)
    sheets = _sheets(args, context.settings, kept, wanted, key)
    if len(kept.vault.records) > _SLOW:
        terminal.note("drawing the pages and reading them back ...")
    made = print_out(sheets, args.size)
    output.write(made.pdf)
    return _told(args, made, sheets, output.name)


def _refuse_contradictions(args: argparse.Namespace, wanted: _Wanted) -> None:
    if not wanted.recovery and (args.recovery_key or args.recovery_key_file):
        raise UsageError(_WHAT, "the recovery key is printed on the recovery sheet", "leave out --accounts")
    if not wanted.accounts and args.group is not None:
        raise UsageError(
            _WHAT, "the recovery sheet always has all accounts", "leave out --group or --recovery"
        )


def _new_file() -> terminal.Output:
    stem = time.strftime("appliance-paper-%Y-%m-%d")
    number = 1
    while True:
        name = f"{stem}.pdf" if number == 1 else f"{stem}-{number}.pdf"
        if not os.path.lexists(name):
            return terminal.Output(name).open()
        number += 1


def _opened(args: argparse.Namespace, context: Context) -> tuple[str, Keeper, Kept]:
    given: terminal.Input | None = args.passphrase_file
    what = "passphrase or recovery key"
    entered = given.line() if given else context.person.secret(what, instead="--passphrase-file FILE")
    # With what was entered it is opened by that and nothing else.
    vault_keeper = app.new_keeper(context.settings, entered)
    kept = told(vault_keeper.open())
    vault_keeper.note_tried()
    return entered, vault_keeper, kept


def _recovery_key(
    args: argparse.Namespace, context: Context, vault_keeper: Keeper, entered: str
) -> str | None:
    """Return the recovery key to be printed, which opens the vault; None: none is wanted. Raises WrongPassphrase."""
    given: terminal.Input | None = args.recovery_key_file
    if given is None and not args.recovery_key:
        return None
    typed = keys.recovery_form(entered)
    if given is not None:
        typed = given.line()
    elif typed is None:
        typed = context.person.secret("recovery key, to be printed", instead="--recovery-key-file FILE")
    printed = keys.recovery_form(typed)
    if printed is None or vault_keeper.recognised(printed) != "recovery key":
        slip = keys.miscopied(typed)
        why = "this is not its recovery key" if slip is None else f"wrong recovery key: {slip}"
        raise WrongPassphrase(_WHAT, why, "appliance recovery-key makes a new one, if it is lost")
    return printed


def _sheets(
    args: argparse.Namespace, settings: Settings, kept: Kept, wanted: _Wanted, key: str | None
) -> Sheets:
    vault = kept.vault
    origin = Origin(vault.name, vault.id, vault.device, vault.generation, len(vault.records), _today())
    recovery = Recovery(kept.published, _broker(settings, origin), key) if wanted.recovery else None
    return Sheets(origin, _entries(kept, args.group) if wanted.accounts else None, recovery, args.group)


def _today() -> str:
    now = time.localtime()
    return f"{now.tm_mday} {_MONTHS[now.tm_mon - 1]} {now.tm_year}"


def _entries(kept: Kept, group: str | None) -> tuple[Entry, ...]:
    vault = kept.vault
    records = vault.ordered if group is None else members(vault, vault.ordered, group)
    if not records:
        raise NothingFound(_WHAT, "there are no accounts", "appliance add")
    return tuple(
        Entry(record.account, record.counter, group_names(vault, record.account)) for record in records
    )


def _broker(settings: Settings, origin: Origin) -> Broker | None:
    mqtt = settings.mqtt
    if mqtt.host is None:
        return None
    authority = mqtt.tls.ca_file if mqtt.tls.enabled else None
    return Broker(
        mqtt.host,
        mqtt.port,
        mqtt.username,
        encrypted=mqtt.tls.enabled,
        own_authority=authority is not None,
        fingerprint=_fingerprint(authority) if authority is not None else None,
        topic=f"{mqtt.topic_prefix}/{origin.vault}/{origin.device}/backup",
    )


def _fingerprint(file: Path) -> str | None:
    """Return the SHA-256 of a certificate as `openssl x509 -fingerprint -sha256` prints it; None: it can't be read."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    try:
        digest = load_pem_x509_certificate(file.read_bytes()).fingerprint(SHA256())
    except (OSError, ValueError) as error:
        terminal.warn(f"the certificate {file} can't be read, so its fingerprint is not printed: {error}")
        return None
    return digest.hex().upper()


def _told(args: argparse.Namespace, made: Paper, sheets: Sheets, name: str) -> int:
    pages = made.account_pages + made.recovery_pages
    if pages > _MANY:
        terminal.warn(f"it has {pages} pages; fewer with --recovery, or with --accounts --group GROUP")
    if args.json:
        facts = {"file": name, "pages": pages, "account_pages": made.account_pages}
        facts |= {"recovery_pages": made.recovery_pages, "codes": made.codes}
        accounts = 0 if sheets.entries is None else len(sheets.entries)
        terminal.tell_json({**facts, "accounts": accounts, "generation": sheets.origin.generation})
        return os.EX_OK
    codes = f"{counted(made.codes, 'QR code')}, read back"
    terminal.tell(f"wrote {name}: {counted(pages, 'page')}, {codes}")
    for line in _advice(made, sheets, name):
        terminal.tell(line)
    return os.EX_OK


def _advice(made: Paper, sheets: Sheets, name: str) -> tuple[str, ...]:
    opens = made.account_pages or (sheets.recovery is not None and sheets.recovery.key is not None)
    lines = [
        "Print it in its full size, on a printer that you trust: many keep what they printed.",
        f"Then delete the file: shred -u {shlex.quote(name)}",
    ]
    if opens:
        lines.append(
            "Whoever has the paper or the file has the accounts: keep the paper where you keep money."
        )
    if made.recovery_pages:
        lines.append("Try it once: photograph the pages with the codes, and")
        lines.append("  sudo appliance restore --dry-run --merge --from PICTURE PICTURE ...")
    return tuple(lines)


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not strftime's, which are the locale's: the paper is in one language."""
