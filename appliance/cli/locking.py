"""Commands around the lock: unlock, lock, and the PIN."""

import argparse
import os
from typing import Any, Final

from appliance import app
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.choosing import new_pin, pin_flag, tell_door
from appliance.cli.main import Context
from appliance.cli.owner import become_owner
from appliance.core.duration import duration
from appliance.errors import UsageError, WrongPassphrase
from appliance.keeper import Door, Keeper

_OPENS: Final = {
    "credential": "by itself after a start",
    "pin": "with the new PIN after a start",
    "passphrase": "with the passphrase alone after a start",
}
_LEFT: Final = (
    "The flash of a card may keep copies of older files for long: who reads them opens them the old way."
)


def register(commands: Any) -> None:
    """Add the commands of this family."""
    unlock = command(
        commands, "unlock", _unlock, "open the vault of the running daemon", "sudo appliance unlock"
    )
    passphrase_flag(unlock)
    pin_flag(unlock)

    command(commands, "lock", _lock, "lock the running daemon", "appliance lock")

    pin = command(
        commands,
        "pin",
        _what_about_it,
        "set, change or remove the PIN that opens the vault after a start",
        "sudo appliance pin set",
    )
    actions = pin.add_subparsers(metavar="ACTION", title="actions")
    first = command(actions, "set", _set, "let the vault open with a PIN", "sudo appliance pin set")
    pin_flag(first, "--new-pin-file", "--pin-file", about="the PIN")
    change = command(actions, "change", _change, "set another PIN", "sudo appliance pin change")
    pin_flag(change, about="the PIN so far")
    pin_flag(change, "--new-pin-file", about="the new one")
    remove = command(
        actions,
        "remove",
        _remove,
        "let the vault open without a PIN",
        "sudo appliance pin remove --to credential",
    )
    pin_flag(remove)
    remove.add_argument(
        "--to",
        choices=("credential", "passphrase"),
        default="credential",
        help="opens by itself, or by the passphrase alone (default: %(default)s)",
    )
    for action in (first, change, remove):
        passphrase_flag(action)
        json_flag(action)


def _unlock(args: argparse.Namespace, context: Context) -> int:
    given: terminal.Input | None = args.pin_file or args.passphrase_file
    if given is None:
        app.ask(context.settings, "status")  # nobody is to type a secret for a daemon that does not run
    entered = (
        given.line()
        if given
        else context.person.secret(
            "PIN, passphrase or recovery key", instead="--pin-file or --passphrase-file FILE"
        )
    )
    answer = app.ask(context.settings, "unlock", entered=entered)
    if why := answer.get("why"):
        raise WrongPassphrase("can't unlock", why, _then(answer))
    terminal.note("unlocked")
    return os.EX_OK


def _then(answer: terminal.Json) -> str:
    if answer.get("others"):
        return f"taken again in {duration(answer['wait'])}; from the owner at once: sudo appliance unlock"
    if answer["wait"] > 0:
        return f"a PIN is taken again in {duration(answer['wait'])}; the passphrase opens it at once"
    left = answer["tries_left"]
    if left is None:
        return "passphrases are case-sensitive; the recovery key works here too"
    return f"{left} more before waiting begins; the passphrase and the recovery key work here too"


def _lock(_args: argparse.Namespace, context: Context) -> int:
    app.ask(context.settings, "lock")
    terminal.note("locked")
    return os.EX_OK


def _what_about_it(_args: argparse.Namespace, _context: Context) -> int:
    raise UsageError("can't tell what to do about the PIN", "no action was given", "appliance pin set --help")


def _set(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = keeper(args, context)
    if vault_keeper.mode() == "pin":
        raise UsageError("can't set a PIN", "there is one already", "appliance pin change")
    return _rehung(args, context, vault_keeper, Door("pin", _chosen(args, context)))


def _change(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = _opened(args, context, "change")
    return _rehung(args, context, vault_keeper, Door("pin", _chosen(args, context)))


def _remove(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = _opened(args, context, "remove")
    return _rehung(args, context, vault_keeper, Door(args.to))


def _chosen(args: argparse.Namespace, context: Context) -> str:
    return new_pin(args.new_pin_file, context, "--new-pin-file FILE")


def _opened(args: argparse.Namespace, context: Context, deed: str) -> Keeper:
    """Return the keeper after the PIN, or what stands in for it, was entered."""
    become_owner(context.settings.state_dir)
    if app.new_keeper(context.settings).mode() != "pin":
        raise UsageError(f"can't {deed} the PIN", "there is none", "appliance pin set")
    return keeper(args, context)


def _rehung(args: argparse.Namespace, context: Context, vault_keeper: Keeper, door: Door) -> int:
    told(vault_keeper.rehang(door))
    poke(context)
    if args.json:
        terminal.tell_json({"mode": door.mode})
        return os.EX_OK
    terminal.tell("the vault opens " + _OPENS[door.mode] + "; the older vault files on this card are removed")
    tell_door(door)
    terminal.tell(_LEFT)
    return os.EX_OK
