"""Commands that change what opens the vault and its backups: passphrase, recovery-key.

Each is a re-key: a new master key, passphrase and recovery key, since with the same master key an old passphrase
could be grafted onto a new file. What the old ones open is removed, here and at the broker.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance import app, errands
from appliance.cli import terminal
from appliance.cli.arguments import command, daemon_publishes, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.choosing import new_passphrase, new_recovery_key, pin_flag, tell_secrets
from appliance.cli.main import Context
from appliance.cli.owner import become_owner
from appliance.errands import Visit
from appliance.errors import ApplianceError, UsageError, VaultDamaged
from appliance.keeper import Door, Keeper, Kept
from appliance.vault import pin as pins
from appliance.vault import sealed, selection
from appliance.vault.model import Vault
from appliance.vault.selection import Exposed

_REPLACED: Final = "The backup at the broker is replaced and was read back"
_LEFT: Final = (
    "What others copied earlier stays readable with the old ones: backups of the broker's own disk, older blocks of",
    "this card's flash, files that were saved or exported. If an old one may be known to somebody, set your accounts",
    "up anew at their services.",
)


@dataclass(frozen=True, slots=True)
class _Broker:
    """What became of the backups at the broker."""

    state: str | None = None
    """Of the backup; None: no broker is configured."""
    cleared: int | None = None
    """Older messages that are gone; None: the daemon clears them, or nobody could."""
    words: str = ""


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
    void = "the old passphrase, the old recovery key and its paper open it no more"
    return _rekeyed(args, context, vault_keeper, door, passphrase, made=made, void=void)


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
    void = "the old recovery key and its paper open it no more, the passphrase stays"
    return _rekeyed(args, context, vault_keeper, door, entered, made=False, void=void)


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
            vault_keeper.enter_pin(pin)
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
    app.new_keeper(context.settings).enter_pin(pin)
    return Door("pin", pin)


def _pin(args: argparse.Namespace, context: Context) -> str:
    """Return the present PIN; empty: it is not given, and will open nothing any more."""
    given: terminal.Input | None = args.pin_file
    if given is not None:
        return pins.checked(given.line())
    if not context.person.asked:
        return ""
    entered = context.person.secret("PIN (Enter: it is to open nothing any more)", instead="--pin-file FILE")
    return pins.checked(entered) if entered else ""


def _rekeyed(
    args: argparse.Namespace,
    context: Context,
    vault_keeper: Keeper,
    door: Door,
    passphrase: str,
    *,
    made: bool,
    void: str,
) -> int:
    recovery_key = new_recovery_key()
    shown = {"passphrase": passphrase} if made else {}
    if not args.json:
        # Before anything is changed: what nobody saw would be lost with the connection, or with a pulled plug.
        terminal.tell("these are to open the vault, as soon as this command says so:")
        tell_secrets(shown.get("passphrase"), recovery_key)
        terminal.tell()
    exposed = _exposed(context, vault_keeper)  # the key so far is in hand until then
    kept = told(vault_keeper.rekey(passphrase, recovery_key, app.new_uuid, door))
    if not args.json:
        terminal.tell(f"the vault has a new key: {void}")
    broker, left = _Broker("unverified"), exposed
    try:
        poke(context)
        broker = _published(context, vault_keeper, kept)
        left = _still_open(exposed, kept.vault.device, broker)
    finally:
        if args.json:
            facts = {
                "vault": kept.vault.id,
                "generation": kept.vault.generation,
                "epoch": kept.envelope.epoch,
            }
            secrets = {**shown, "recovery_key": recovery_key}
            at_broker = {"backup": broker.state, "cleared": broker.cleared, "still_open": _json(left)}
            terminal.tell_json({**facts, "mode": door.mode, **secrets, **at_broker})
    if not args.json:
        for line in ("The older vault files on this card are removed.", broker.words, _then(door), *_LEFT):
            if line:
                terminal.tell(line)
        _tell_exposed(context, kept.vault, left)
    return os.EX_OK


def _exposed(context: Context, vault_keeper: Keeper) -> tuple[Exposed, ...]:
    """Return which backups at the broker open with the present key, this device's own among them."""
    if context.settings.mqtt.host is None:
        return ()
    kept = vault_keeper.open()
    own = kept.vault
    try:
        with Visit(context.settings, app.identify(context.settings)) as visit:
            reading = errands.read_vault(visit, own.id, None, history=True, prefer=frozenset({own.device}))
    except ApplianceError as error:
        terminal.warn(f"{error.what}: {error.why}; which backups there open with the old ones is not known")
        return ()
    if reading.incomplete:
        terminal.warn("the broker has more than is read here: other backups may open with the old ones, too")

    salt = kept.envelope.slots[0].salt.hex().encode()  # what lacks it need not be parsed

    def unsealed(payload: bytes) -> Vault:
        if salt not in payload or sealed.read(payload).head != kept.envelope.head:
            raise VaultDamaged("can't open the backup", "it is sealed under another key", "appliance restore")
        return vault_keeper.open_own(payload)

    return selection.exposed(reading.messages, unsealed, own)


def _still_open(exposed: Sequence[Exposed], own: str, broker: _Broker) -> tuple[Exposed, ...]:
    """Return what of that is left; this device's own backup is replaced, and its history is or will be cleared."""
    if broker.state != "verified":
        return tuple(exposed)
    late = broker.cleared is None
    return tuple(one for one in exposed if one.device != own or (late and one.kind.startswith("late/")))


def _json(left: Sequence[Exposed]) -> list[terminal.Json]:
    return [{"device": one.device, "name": one.name, "kind": one.kind} for one in left]


def _tell_exposed(context: Context, own: Vault, left: Sequence[Exposed]) -> None:
    """Name what the old ones still open at the broker, and offer to clear what belongs to devices that are gone."""
    if not left:
        return
    terminal.tell()
    terminal.tell("These backups at the broker still open with the old ones:")
    for line in terminal.table([(one.name, one.device, one.kind) for one in left]):
        terminal.tell(f"  {line}")
    others = {one.device: one for one in left if one.device != own.device}
    ordered = sorted(others.values(), key=lambda one: (one.name, one.device))
    stay = [one for one in ordered if not _cleared_on_demand(context, own.id, one)]
    if follow := ", ".join(f"'{one.name}'" for one in stay if not one.gone):
        terminal.tell(
            f"These devices must follow: {follow}. On each: empty its state_dir, and appliance restore with"
        )
        terminal.tell("the new ones; until then it goes on publishing what the old ones open.")


def _cleared_on_demand(context: Context, vault: str, one: Exposed) -> bool:
    """Ask whether a device is gone for good, and clear its backups if so; nobody to ask: nothing is cleared."""
    if not context.person.asked:
        return False
    state = "was removed from the vault" if one.gone else "is not known to be gone"
    question = f"'{one.name}' ({one.device}) {state}. Its name to clear its backups at the broker, Enter to keep them:"
    if context.person.answer(question, instead="nothing is cleared") not in {one.name, one.device} - {""}:
        return False
    try:
        with Visit(context.settings, app.identify(context.settings)) as visit:
            visit.clear(vault, one.device)
    except ApplianceError as error:
        terminal.warn(f"{error.what}: {error.why}")
        return False
    terminal.tell(f"cleared the backups of '{one.name}' at the broker")
    return True


def _then(door: Door) -> str:
    waits = "After a start it waits for the passphrase; for a PIN: appliance pin set"
    return waits if door.mode == "passphrase" else ""


def _published(context: Context, vault_keeper: Keeper, kept: Kept) -> _Broker:
    """Put the new backup in the place of the old one at the broker, and clear the older ones there."""
    if context.settings.mqtt.host is None:
        return _Broker()
    still = "The backup at the broker still opens with the old ones, until it is replaced: appliance backup"
    try:
        if daemon_publishes(context):
            found = app.ask(context.settings, "backup")
            if found["state"] != "verified" or found["generation"] < kept.vault.generation:
                return _Broker("unverified", None, still)
            return _Broker("verified", None, f"{_REPLACED}; the daemon clears the older ones there.")
        with Visit(context.settings, app.identify(context.settings)) as visit:
            state = errands.back_up(context.settings, vault_keeper, visit).condition
            if state != "verified":
                return _Broker(state, None, still)
            return _cleared(visit, kept)
    except ApplianceError as error:
        terminal.warn(f"{error.what}: {error.why}")
        return _Broker("unverified", None, still)


def _cleared(visit: Visit, kept: Kept) -> _Broker:
    try:
        cleared = visit.clear_older(kept.vault.id, kept.vault.device, kept.envelope.epoch)
    except ApplianceError as error:
        terminal.warn(f"{error.what}: {error.why}")
        return _Broker(
            "verified", None, f"{_REPLACED}; older ones may still be there: appliance run clears them."
        )
    return _Broker("verified", cleared, f"{_REPLACED}; older ones cleared there: {cleared}.")
