"""Commands that change what opens the vault and its backups: passphrase, recovery-key.

Each is a re-key: a new master key, passphrase and recovery key, since with the same master key an old passphrase
could be grafted onto a new file. What the old ones open is removed, here and at the broker.
"""

import argparse
import os
from dataclasses import dataclass, field
from typing import Any, Final

from appliance import app, errands
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.choosing import new_passphrase, new_recovery_key, pin_flag, tell_secrets
from appliance.cli.main import Context
from appliance.cli.owner import become_owner
from appliance.errands import Visit
from appliance.errors import ApplianceError, NotRunning, UsageError
from appliance.keeper import Door, Keeper, Kept

_LEFT: Final = (
    "What others copied earlier stays readable with the old ones: backups of the broker's own disk, older blocks of",
    "this card's flash, files that were saved or exported. If an old one may be known to somebody, set your accounts",
    "up anew at their services.",
)


@dataclass(frozen=True, slots=True)
class _Rekeyed:
    """What a re-key brought about."""

    kept: Kept = field(repr=False)
    passphrase: str | None = field(repr=False)
    """If it was made here."""
    recovery_key: str = field(repr=False)
    door: Door
    backup: str | None
    """State of the backup at the broker; None: no broker is configured."""
    cleared: int | None
    """Older messages that are gone from there; None: the daemon clears them, or nobody could look."""


def register(commands: Any) -> None:
    """Add the commands of this family."""
    passphrase = command(
        commands,
        "passphrase",
        _passphrase,
        "set a new passphrase and recovery key, or try the present ones",
        "sudo appliance passphrase\n  sudo appliance passphrase --check",
    )
    passphrase.add_argument(
        "--check", action="store_true", help="only try a passphrase or recovery key, and say which it is"
    )
    passphrase.add_argument(
        "--new-passphrase-file",
        type=terminal.Input,
        metavar="FILE",
        help="the new one; '-' reads standard input; else one is asked for or made",
    )
    recovery_key = command(
        commands,
        "recovery-key",
        _recovery_key,
        "make a new recovery key; the passphrase stays",
        "sudo appliance recovery-key",
    )
    for parser in (passphrase, recovery_key):
        passphrase_flag(parser)
        pin_flag(parser, about="the PIN, if there is one, so that it opens the vault from now on as well")
        json_flag(parser)


def _passphrase(args: argparse.Namespace, context: Context) -> int:
    if args.check:
        return _checked(args, context)
    vault_keeper, door = _opened(args, context)
    passphrase, made = new_passphrase(args.new_passphrase_file, context, "--new-passphrase-file FILE")
    done = _rekeyed(context, vault_keeper, passphrase, door, made=made)
    return _told(args, done, "the old passphrase, the old recovery key and its paper open it no more")


def _recovery_key(args: argparse.Namespace, context: Context) -> int:
    become_owner(context.settings.state_dir)
    entered = _entered(args, context, "passphrase")
    vault_keeper = app.new_keeper(context.settings, entered)
    if vault_keeper.recognised(entered) == "recovery key":
        raise UsageError(
            "can't make a new recovery key",
            "the passphrase is needed for it, and this is the recovery key",
            "appliance passphrase sets both anew",
        )
    door = _same_door(args, context, vault_keeper)
    done = _rekeyed(context, vault_keeper, entered, door, made=False)
    return _told(args, done, "the old recovery key and its paper open it no more, the passphrase stays")


def _checked(args: argparse.Namespace, context: Context) -> int:
    become_owner(context.settings.state_dir)
    entered = _entered(args, context, "passphrase or recovery key")
    found = app.new_keeper(context.settings, entered).recognised(entered)
    if args.json:
        terminal.tell_json({"opens": found})
    else:
        terminal.tell(f"this is the {found}: it opens the vault and its backups")
    return os.EX_OK


def _entered(args: argparse.Namespace, context: Context, what: str) -> str:
    given: terminal.Input | None = args.passphrase_file
    return given.line() if given else context.person.secret(what, instead="--passphrase-file FILE")


def _opened(args: argparse.Namespace, context: Context) -> tuple[Keeper, Door]:
    """Return the keeper with the vault open, and how it is to open after a start: as before."""
    become_owner(context.settings.state_dir)
    vault_keeper = app.new_keeper(context.settings)
    if vault_keeper.exists() and vault_keeper.mode() == "pin" and args.passphrase_file is None:
        pin = _pin(args, context)
        if pin:
            vault_keeper.unlock(pin)
            return vault_keeper, Door("pin", pin)
    vault_keeper = keeper(args, context)
    return vault_keeper, _same_door(args, context, vault_keeper)


def _same_door(args: argparse.Namespace, context: Context, vault_keeper: Keeper) -> Door:
    mode = vault_keeper.open().mode
    if mode != "pin":
        return Door(mode)
    pin = _pin(args, context)
    if not pin:
        return Door("passphrase")
    # Tried by itself: a wrong one would leave a vault that opens with a PIN nobody knows.
    app.new_keeper(context.settings).unlock(pin)
    return Door("pin", pin)


def _pin(args: argparse.Namespace, context: Context) -> str:
    """Return the present PIN; empty: it is not given, and will open nothing any more."""
    given: terminal.Input | None = args.pin_file
    if given is not None:
        return given.line()
    if not context.person.asked:
        return ""
    return context.person.secret("PIN (Enter: it is to open nothing any more)", instead="--pin-file FILE")


def _rekeyed(context: Context, vault_keeper: Keeper, passphrase: str, door: Door, *, made: bool) -> _Rekeyed:
    recovery_key = new_recovery_key()
    kept = told(vault_keeper.rekey(passphrase, recovery_key, app.new_uuid, door))
    poke(context)
    backup, cleared = _published(context, vault_keeper, kept)
    return _Rekeyed(kept, passphrase if made else None, recovery_key, door, backup, cleared)


def _published(context: Context, vault_keeper: Keeper, kept: Kept) -> tuple[str | None, int | None]:
    """Put the new backup in the place of the old one at the broker, and clear the older ones there."""
    if context.settings.mqtt.host is None:
        return None, None
    try:
        if _daemon_publishes(context):
            return str(app.ask(context.settings, "backup")["state"]), None
        with Visit(context.settings, app.identify(context.settings)) as visit:
            state = errands.back_up(context.settings, vault_keeper, visit).condition
            cleared = visit.clear_older(kept.vault.id, kept.vault.device, kept.envelope.epoch)
    except ApplianceError as error:
        terminal.warn(f"{error.what}: {error.why}")
        return "unverified", None
    return state, cleared


def _daemon_publishes(context: Context) -> bool:
    """Return whether a daemon with an open vault does it; two at once could clear what the other just published."""
    try:
        return bool(app.ask(context.settings, "status")["state"] == "open")
    except NotRunning:
        return False


def _told(args: argparse.Namespace, done: _Rekeyed, void: str) -> int:
    if args.json:
        shown = {"passphrase": done.passphrase} if done.passphrase else {}
        terminal.tell_json(
            {
                "vault": done.kept.vault.id,
                "generation": done.kept.vault.generation,
                "epoch": done.kept.envelope.epoch,
                "mode": done.door.mode,
                **shown,
                "recovery_key": done.recovery_key,
                "backup": done.backup,
                "cleared": done.cleared,
            }
        )
        return os.EX_OK
    terminal.tell(f"the vault has a new key: {void}")
    tell_secrets(done.passphrase, done.recovery_key)
    for line in (*_effects(done), *_LEFT):
        terminal.tell(line)
    return os.EX_OK


def _effects(done: _Rekeyed) -> list[str]:
    lines = ["The older vault files on this card are removed."]
    if done.backup == "verified":
        gone = (
            "the daemon clears older ones there"
            if done.cleared is None
            else f"older ones cleared there: {done.cleared}"
        )
        lines.append(f"The backup at the broker is replaced and was read back; {gone}.")
    elif done.backup is not None:
        lines.append(
            "The backup at the broker still opens with the old ones, until it is replaced: appliance backup"
        )
    if done.door.mode == "passphrase":
        lines.append("After a start it waits for the passphrase; for a PIN: appliance pin set")
    return lines
