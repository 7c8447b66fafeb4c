"""Commands for the vault as a whole: init, backup, restore."""

import argparse
import os
from typing import Any

from appliance import app, errands
from appliance.cli import terminal
from appliance.cli.arguments import (
    command,
    daemon_publishes,
    json_flag,
    keeper,
    passphrase_flag,
    poke,
    proven_keeper,
    told,
)
from appliance.cli.choosing import (
    first_door,
    new_passphrase,
    new_recovery_key,
    pin_flag,
    tell_door,
    tell_secrets,
)
from appliance.cli.main import Context
from appliance.cli.owner import become_owner, root_advice
from appliance.cli.restore import PRINTED, check_ids, register_restore, tell_of
from appliance.core.status import backup_status
from appliance.errands import Visit
from appliance.errors import BrokerFailed, NothingFound
from appliance.ports import Device
from appliance.vault import retained


def register(commands: Any) -> None:
    """Add the commands of this family."""
    init = command(commands, "init", _init, "make a new vault", "sudo appliance init")
    passphrase_flag(init, "your own passphrase; else one is made")
    pin_flag(init, about="with vault.unlock: pin, the PIN")
    json_flag(init)

    backup = command(
        commands, "backup", _backup, "back up now and wait for the verification", "appliance backup"
    )
    backup.add_argument(
        "--mine",
        action="store_true",
        help="this card counts: publish it whatever is at the broker (asks for the passphrase)",
    )
    passphrase_flag(backup)
    json_flag(backup)
    actions = backup.add_subparsers(metavar="ACTION", title="actions")
    listing = command(actions, "list", _list, "list what is at the broker", "appliance backup list")
    listing.add_argument("--vault", metavar="ID", help="only this vault; found on every broker with --device")
    listing.add_argument("--device", metavar="ID", help="only this device")
    verify = command(
        actions, "verify", _verify, "fetch this device's backup and open it", "appliance backup verify"
    )
    save = command(
        actions,
        "save",
        _save,
        "write this device's backup to a file",
        "appliance backup save vault-backup.json",
    )
    save.add_argument("file", type=terminal.Output, metavar="FILE")
    for action in (listing, verify, save):
        passphrase_flag(action, inherited=True)
        json_flag(action, inherited=True)

    register_restore(commands)


def _init(args: argparse.Namespace, context: Context) -> int:
    become_owner(context.settings.state_dir)
    if (advice := root_advice(context.settings.state_dir)) is not None:
        terminal.warn(
            f"the vault will be root's, and so the daemon runs as root, which nothing needs; {advice}"
        )
    vault_keeper = app.new_keeper(context.settings)
    app.state_folder(context.settings).prepare()
    if vault_keeper.exists():
        raise app.vault_exists(context.settings, "can't make a vault")
    device = app.identify(context.settings)
    door = first_door(args, context)
    passphrase, made = new_passphrase(args.passphrase_file, context, "--passphrase-file FILE")
    recovery_key = new_recovery_key()
    kept = vault_keeper.create(app.new_uuid(), passphrase, recovery_key, app.new_uuid, door)
    poke(context)
    if args.json:
        shown = {"passphrase": passphrase} if made else {}
        terminal.tell_json(
            {"vault": kept.vault.id, "device": device.id, **shown, "recovery_key": recovery_key}
        )
        return os.EX_OK
    terminal.tell(f"made the vault of '{device.name}' in {context.settings.state_dir}")
    terminal.tell(
        f"this device's id is {device.id}: its MQTT user name, if your broker has one for each device"
    )
    terminal.tell("when this device is lost, its newest backup is brought back on another one by:")
    terminal.tell(f"  sudo appliance restore --vault {kept.vault.id} --device {device.id}")
    tell_secrets(passphrase if made else None, recovery_key)
    tell_door(door)
    return os.EX_OK


def _backup(args: argparse.Namespace, context: Context) -> int:
    found: terminal.Json
    if args.mine:
        found = _insist(args, context)
    elif daemon_publishes(context):
        found = app.ask(context.settings, "backup")
    else:
        vault_keeper = keeper(args, context)
        with Visit(context.settings, app.identify(context.settings)) as visit:
            found = backup_status(errands.back_up(context.settings, vault_keeper, visit))
    if args.json:
        terminal.tell_json(found)
    if found["state"] != "verified":
        raise BrokerFailed("the backup is not verified", found["error"] or found["state"], "appliance status")
    if not args.json:
        terminal.tell(
            f"generation {found['generation']} is at the broker: fetched back, compared and decrypted"
        )
    return os.EX_OK


def _insist(args: argparse.Namespace, context: Context) -> terminal.Json:
    """Publish this card's vault because the owner, who knows the passphrase, says that it counts."""
    vault_keeper = proven_keeper(args, context)
    with Visit(context.settings, app.identify(context.settings)) as visit:
        return backup_status(errands.back_up(context.settings, vault_keeper, visit, mine=True))


def _own_message(args: argparse.Namespace, context: Context) -> tuple[bytes, terminal.Json]:
    """Return this device's backup and what is in it, checked by opening it."""
    vault_keeper = keeper(args, context)
    vault = told(vault_keeper.open()).vault
    with Visit(context.settings, app.identify(context.settings)) as visit:
        found = visit.messages(f"{vault.id}/{vault.device}/backup")
    if not found:
        raise NothingFound("can't find this device's backup", "the broker has none", "appliance backup")
    payload = found[0].payload
    opened = vault_keeper.open_own(payload)
    facts = {"generation": opened.generation, "accounts": len(opened.records), "size": len(payload)}
    return payload, facts


def _verify(args: argparse.Namespace, context: Context) -> int:
    _payload, facts = _own_message(args, context)
    return _answered(args, facts, "generation {generation} with {accounts} accounts, {size} bytes: it opens")


def _save(args: argparse.Namespace, context: Context) -> int:
    payload, facts = _own_message(args, context)
    args.file.write(payload)
    words = "saved generation {generation} with {accounts} accounts; the passphrase opens it"
    return _answered(args, facts, words)


def _answered(args: argparse.Namespace, facts: terminal.Json, words: str) -> int:
    if args.json:
        terminal.tell_json(facts)
    else:
        terminal.tell(words.format_map(facts))
    return os.EX_OK


def _list(args: argparse.Namespace, context: Context) -> int:
    become_owner(context.settings.state_dir)
    check_ids(args, "can't list the backups")
    device = app.identify(context.settings)
    with Visit(context.settings, device) as visit:
        listing = visit.list(_places(args, device, visit))
    backups = [place for place in listing.places if place.kind == "backup"]
    tell_of(listing)
    if args.json:
        terminal.tell_json([{"vault": one.vault, "device": one.device, "size": one.size} for one in backups])
        return os.EX_OK
    for line in terminal.table([(one.vault, one.device, f"{one.size} bytes") for one in backups]):
        terminal.tell(line)
    if not backups:
        terminal.note("there are no backups at the broker, or this user may not read them;")
        terminal.note(f"some brokers list nothing: {PRINTED}")
    return os.EX_OK


def _places(args: argparse.Namespace, device: Device, visit: Visit) -> tuple[str, ...]:
    """Return what to look at: what was asked for, or everything, and this device's vault by exact topics."""
    vault: str | None = args.vault
    if vault is not None or args.device is not None:
        named = () if vault is None or args.device is not None else visit.devices(vault)
        return retained.patterns(vault, args.device, named=named)
    known = device.vault
    own = retained.patterns(known, None, named=(device.id, *visit.devices(known))) if known else ()
    return tuple(dict.fromkeys((*own, *retained.patterns(None, None))))
