"""The command add: accounts from a link or secret that is pasted, from a picture or from a camera.

A link holds the secret, so it is never an argument: every user sees those in `ps`, sudo writes them into the journal,
the shell into its history. It always ends with the present codes, for the owner to confirm at the service: many
services switch a new secret on only after that.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.accounts import public, refuse_out_of_range, tell_code
from appliance.cli.arguments import command, json_flag, keeper, own, passphrase_flag, poke, told
from appliance.cli.filming import camera_flag, filmed
from appliance.cli.foreign import read, refuse_empty, tell_troubles
from appliance.cli.main import Context
from appliance.cli.selection import called
from appliance.errors import UsageError
from appliance.transfer.found import Found, Reading
from appliance.transfer.intake import Arrival, arrivals, taken_in
from appliance.vault import otpauth
from appliance.vault.edit import Moment
from appliance.vault.model import ALGORITHMS, STEAM_DIGITS, TYPES, Account, Vault

_WHAT: Final = "can't add the account"


def register(commands: Any) -> None:
    """Add the commands of this family."""
    add = command(
        commands,
        "add",
        _add,
        "add an account",
        "sudo appliance add\n  sudo appliance add --image screenshot.png\n  sudo appliance add --camera\n"
        "  ssh pi sudo appliance add - < link.txt",
    )
    add.add_argument(
        "given",
        nargs="?",
        metavar="-",
        help="read the link or secret key from standard input; without it you are asked, and nothing is shown",
    )
    add.add_argument(
        "--image",
        type=terminal.Input,
        metavar="FILE",
        help="a screenshot or photo of the QR code; '-' reads it",
    )
    camera_flag(add)
    add.add_argument("--issuer", default="", help="the service; goes before what a link says")
    add.add_argument("--name", default="", help="your name there; likewise")
    add.add_argument("--secret-file", type=terminal.Input, metavar="FILE", help="read it from a file")
    add.add_argument("--type", choices=TYPES, default="totp")
    add.add_argument("--algorithm", choices=ALGORITHMS, default="SHA1")
    add.add_argument("--digits", type=int, default=6, metavar="4-10")
    add.add_argument("--period", type=int, default=30, metavar="SECONDS")
    add.add_argument("--counter", type=int, default=0, metavar="N", help="HOTP: of the next code")
    passphrase_flag(add)
    json_flag(add)


def _add(args: argparse.Namespace, context: Context) -> int:
    reading = _wanted(args, context)
    vault_keeper = keeper(args, context)
    before = told(vault_keeper.open()).vault
    coming = _new(arrivals(before, reading.found, keep_duplicates=False), before)

    def apply(vault: Vault, moment: Moment) -> Vault:
        fresh = arrivals(vault, reading.found, keep_duplicates=False)
        return taken_in(vault, _new(fresh, vault), moment, app.new_uuid)

    vault = vault_keeper.change(apply).vault
    tell_troubles(reading)
    poke(context)
    added = [vault.records[each.found.account.uuid] for each in coming]
    if args.json:
        answers = [public(record, vault) for record in added]
        terminal.tell_json(answers[0] if args.image is None and args.camera is None else answers)
        return 0
    for record in added:
        terminal.tell(f"added {called(record.account)}")
        tell_code(record)
    return 0


def _new(coming: Sequence[Arrival], vault: Vault) -> list[Arrival]:
    """Return what becomes an account. Raises UsageError if there is nothing of that kind."""
    new = [each for each in coming if each.added]
    if not new:
        account = coming[0].found.account
        known = next(
            record.account.uuid
            for record in vault.ordered
            if (record.account.type, record.account.secret) == (account.type, account.secret)
        )
        raise UsageError(
            _WHAT, f"{account.label} is there already, with the same secret", f"appliance code {known}"
        )
    return new


def _wanted(args: argparse.Namespace, context: Context) -> Reading:
    _refuse_secrets_in_sight(args)
    if args.camera is not None:
        return filmed(args)
    if args.image is not None:
        return _pictured(args, context)
    text = _pasted(args, context)
    try:
        return _linked(args, context, text) if "://" in text else _described(args, context, text)
    except ValueError as error:
        raise UsageError(_WHAT, str(error), "copy it from the service's page once more") from None


def _refuse_secrets_in_sight(args: argparse.Namespace) -> None:
    """Raise UsageError for a link or secret as an argument; what it was is not repeated."""
    if args.given not in {None, "-"}:
        raise UsageError(
            _WHAT,
            "a secret on the command line is seen by every user and kept in logs",
            "appliance add, and paste it; or 'add -', --image FILE, --camera",
        )


def _pasted(args: argparse.Namespace, context: Context) -> str:
    """Return a link or a secret key. Raises WrongPassphrase if nobody may be asked for it."""
    refuse_out_of_range(args, _WHAT, "add")
    given: terminal.Input | None = terminal.Input("-") if args.given else args.secret_file
    if given is not None:
        return given.line()
    own(args, context)  # nobody is to type a secret for a vault that is another's
    return context.person.secret("link or secret key", instead="'add -', or --secret-file FILE")


def _linked(args: argparse.Namespace, context: Context, uri: str) -> Reading:
    parsed = otpauth.parse(uri, uuid=app.new_uuid())
    account = parsed.account
    issuer, name = _called(args, context, account.issuer, account.name)
    found = Found(replace(account, issuer=issuer, name=name), parsed.counter, parsed.secret_text)
    warnings = tuple(warning for warning in parsed.warnings if warning != otpauth.NAMELESS)
    return Reading("", encrypted=False, found=(found,), warnings=warnings)


def _called(args: argparse.Namespace, context: Context, issuer: str, name: str) -> tuple[str, str]:
    """Return issuer and name: what the command line says, else a link, else whoever is asked. Raises UsageError."""
    issuer, name = args.issuer or issuer, args.name or name
    if not (issuer or name) and context.person.asked:
        issuer = context.person.answer("service (such as GitHub):", instead="--issuer")
        name = context.person.answer("your name there:", instead="--name")
    issuer, name = otpauth.printable(issuer), otpauth.printable(name)
    if not (issuer or name):
        raise UsageError(_WHAT, "nothing says what to call it", "--issuer GitHub, or --name anna, or both")
    return issuer, name


def _pictured(args: argparse.Namespace, context: Context) -> Reading:
    pictured = argparse.Namespace(files=[args.image], password_file=None, key_file=None)
    reading = read(pictured, context)
    refuse_empty(pictured, reading)
    if reading.missing:
        raise UsageError(
            _WHAT,
            f"missing: {', '.join(reading.missing)}",
            "appliance import takes all pictures of one export together",
        )
    return reading


def _described(args: argparse.Namespace, context: Context, text: str) -> Reading:
    secret, _ = otpauth.secret_of(text)
    issuer, name = _called(args, context, "", "")
    steam = args.type == "steam"
    account = Account(
        uuid=app.new_uuid(),
        type=args.type,
        issuer=issuer,
        name=name,
        secret=secret,
        algorithm="SHA1" if steam else args.algorithm,
        digits=STEAM_DIGITS if steam else args.digits,
        period=args.period if args.type == "totp" else 30,
    )
    return Reading("", encrypted=False, found=(Found(account, args.counter),))
