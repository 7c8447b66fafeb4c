"""Commands that change accounts: edit, move, favorite, remove. Those that take changes back are in `undoing`.

Each names what it changes by uuid and leaves the rest to the vault as it lies on the card at that moment, so that
several commands and the daemon lose nothing of each other.
"""

import argparse
from typing import Any, assert_never

from appliance import app
from appliance.cli import terminal, undoing
from appliance.cli.accounts import public, refuse_out_of_range, row, tell_code
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.main import Context
from appliance.cli.selection import called, chosen, confirm, confirm_flag, name_argument
from appliance.core.state import listed
from appliance.errors import UsageError
from appliance.keeper import Keeper
from appliance.vault import edit, otpauth
from appliance.vault.edit import TRASH_SECONDS, Changes, Place
from appliance.vault.model import ALGORITHMS, Account, Group, Record, Vault

_SAME = "can't edit the account"


def register(commands: Any) -> None:
    """Add the commands of this family."""
    _register_edit(commands)
    move = command(
        commands,
        "move",
        _move,
        "put an account at another place in the list",
        "appliance move GitHub:anna --first\n  appliance move GitHub:anna --before Bank",
    )
    name_argument(move)
    place = move.add_mutually_exclusive_group(required=True)
    place.add_argument("--before", metavar="NAME", help="the account that is to follow it")
    place.add_argument("--after", metavar="NAME", help="the account that it is to follow")
    place.add_argument("--first", action="store_true", help="before all others")
    place.add_argument("--last", action="store_true", help="behind all others")
    favorite = command(
        commands,
        "favorite",
        _favorite,
        "show an account before all that are no favourites",
        "appliance favorite GitHub:anna\n  appliance favorite GitHub:anna --off",
    )
    name_argument(favorite)
    favorite.add_argument("--off", action="store_true", help="it is to be no favourite any more")
    remove = command(
        commands, "remove", _remove, "move an account to the trash", "appliance remove GitHub:anna"
    )
    name_argument(remove)
    confirm_flag(remove)
    for parser in (move, favorite, remove):
        passphrase_flag(parser)
        json_flag(parser)
    undoing.register(commands)


def _register_edit(commands: Any) -> None:
    parser = command(
        commands,
        "edit",
        _edit,
        "change what is given of an account",
        "appliance edit GitHub:anna --name anna@example.org --group Work",
    )
    name_argument(parser)
    parser.add_argument("--issuer", help="the service")
    parser.add_argument("--name", dest="new_name", metavar="NAME", help="your name there")
    parser.add_argument("--note", metavar="TEXT", help="anything; '' for none")
    parser.add_argument(
        "--group", action="append", default=[], help="put it into a group, which is made if it is new"
    )
    parser.add_argument(
        "--no-group", action="append", default=[], metavar="GROUP", help="take it out of a group"
    )
    parser.add_argument(
        "--secret-file",
        type=terminal.Input,
        metavar="FILE",
        help="a new secret, base32; the former one goes to the account's history",
    )
    parser.add_argument("--algorithm", choices=ALGORITHMS)
    parser.add_argument("--digits", type=int, metavar="4-10")
    parser.add_argument("--period", type=int, metavar="SECONDS")
    parser.add_argument("--counter", type=int, metavar="N", help="HOTP: of the next code; it never falls")
    confirm_flag(parser)
    passphrase_flag(parser)
    json_flag(parser)


def _found(args: argparse.Namespace, context: Context) -> tuple[Keeper, Vault, Record]:
    vault_keeper = keeper(args, context)
    vault = told(vault_keeper.open()).vault
    return vault_keeper, vault, chosen(vault.records.values(), args.name)


def _edit(args: argparse.Namespace, context: Context) -> int:
    changes = _wanted(args)
    vault_keeper, _, before = _found(args, context)
    replaced = changes.secret is not None and changes.secret != before.account.secret
    if replaced:
        confirm(args, context, before.account, "replace the secret of")
    uuid = before.account.uuid
    vault = vault_keeper.change(lambda vault, moment: edit.alter(vault, uuid, changes, moment)).vault
    poke(context)
    after = vault.records[uuid]
    changed = (after.account, after.counter) != (before.account, before.counter)
    if args.json:
        note = {"note": after.account.note}
        terminal.tell_json({**public(after, vault), **note, "changed": changed, "secret_replaced": replaced})
        return 0
    terminal.tell(f"changed {called(after.account)}" if changed else "nothing is different")
    _tell(after, vault)
    if changes.note is not None:
        terminal.tell(f"note: {after.account.note or 'none'}")
    if replaced:
        terminal.tell("the former secret is in the account's history, which keeps three; appliance undo")
    if _code_of(after) != _code_of(before):
        tell_code(after)
    return 0


def _wanted(args: argparse.Namespace) -> Changes:
    """Return what the command line asks for. Raises UsageError if that is nothing, or impossible for any account."""
    refuse_out_of_range(args, _SAME, "edit")
    given: terminal.Input | None = args.secret_file
    try:
        secret = otpauth.secret_of(given.line())[0] if given else None
    except ValueError as error:
        raise UsageError(_SAME, str(error), "copy it from the service's page once more") from None
    changes = Changes(
        issuer=_printable(args.issuer),
        name=_printable(args.new_name),
        note=None if args.note is None else "\n".join(map(otpauth.printable, args.note.splitlines())),
        secret=secret,
        algorithm=args.algorithm,
        digits=args.digits,
        period=args.period,
        counter=args.counter,
        join=tuple(Group(app.new_uuid(), otpauth.printable(name)) for name in args.group),
        leave=tuple(args.no_group),
    )
    if changes == Changes():
        raise UsageError(_SAME, "nothing to change is given", "appliance edit --help")
    if not all(group.name for group in changes.join):
        raise UsageError(_SAME, "a group needs a name", "appliance edit --help")
    return changes


def _printable(text: str | None) -> str | None:
    return None if text is None else otpauth.printable(text)


def _code_of(record: Record) -> tuple[object, ...]:
    account = record.account
    return account.secret, account.algorithm, account.digits, account.period, record.counter


def _tell(record: Record, vault: Vault) -> None:
    for line in terminal.table([row(record, vault)]):
        terminal.tell(line)


def _move(args: argparse.Namespace, context: Context) -> int:
    vault_keeper, before, record = _found(args, context)
    place = _place(args, before)
    uuid = record.account.uuid
    vault = vault_keeper.change(lambda vault, moment: edit.move(vault, uuid, place, moment)).vault
    poke(context)
    if _stands_elsewhere(vault, uuid, place):
        terminal.note("favourites come before all others: appliance favorite")
    moved = [one.account.uuid for one in vault.ordered] != [one.account.uuid for one in before.ordered]
    verb = "moved" if moved else "it stands there already:"
    return _answered(args, vault, uuid, f"{verb} {called(record.account)}")


def _place(args: argparse.Namespace, vault: Vault) -> Place:
    if args.first or args.last:
        return Place("first" if args.first else "last")
    wanted = args.after if args.before is None else args.before
    neighbour = chosen(vault.records.values(), wanted).account.uuid
    return Place("after" if args.before is None else "before", neighbour)


def _stands_elsewhere(vault: Vault, uuid: str, place: Place) -> bool:
    """Tell whether the list, which has favourites in front, shows an account elsewhere than where it was put."""
    shown = [record.account.uuid for record in listed(vault)]
    index = shown.index(uuid)
    match place.side:
        case "first":
            return index != 0
        case "last":
            return index != len(shown) - 1
        case "before":
            return shown[index + 1 : index + 2] != [place.neighbour]
        case "after":
            return shown[:index][-1:] != [place.neighbour]
        case _:
            assert_never(place.side)


def _favorite(args: argparse.Namespace, context: Context) -> int:
    vault_keeper, _, record = _found(args, context)
    uuid, changes = record.account.uuid, Changes(favorite=not args.off)
    vault = vault_keeper.change(lambda vault, moment: edit.alter(vault, uuid, changes, moment)).vault
    poke(context)
    words = "is no favourite now" if args.off else "is a favourite now: it is shown before the others"
    return _answered(args, vault, uuid, f"{called(record.account)} {words}")


def _remove(args: argparse.Namespace, context: Context) -> int:
    vault_keeper, before, record = _found(args, context)
    account: Account = record.account
    confirm(args, context, account, "remove")
    vault_keeper.change(lambda vault, moment: edit.remove(vault, account.uuid, moment))
    poke(context)
    words = f"it stays in the trash for {TRASH_SECONDS // 86_400} days: appliance trash"
    return _answered(args, before, account.uuid, f"removed {called(account)}; {words}")


def _answered(args: argparse.Namespace, vault: Vault, uuid: str, words: str) -> int:
    if args.json:
        terminal.tell_json(public(vault.records[uuid], vault))
    else:
        terminal.tell(words)
    return 0
