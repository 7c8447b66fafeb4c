"""The command restore: a vault from the broker, or from a file, onto this device."""

import argparse
import contextlib
import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from appliance import app, errands
from appliance.cli import terminal
from appliance.cli.arguments import command, daemon_publishes, json_flag, passphrase_flag, poke
from appliance.cli.choosing import first_door, pin_flag
from appliance.cli.main import Context
from appliance.cli.owner import become_owner
from appliance.cli.scanning import backups_in, from_flag
from appliance.core.status import backup_status
from appliance.errands import Message, Visit, by_vault
from appliance.errors import (
    ApplianceError,
    BrokerFailed,
    NothingFound,
    UsageError,
    VaultDamaged,
    WrongPassphrase,
)
from appliance.keeper import Keeper
from appliance.ports import Device
from appliance.vault import edit, sealed
from appliance.vault.merge import merge
from appliance.vault.model import Vault
from appliance.vault.otp import code_at, grouped
from appliance.vault.sealed import Envelope

_WHAT = "can't restore"
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that the passphrase opened."""

    vault: Vault = field(repr=False)
    envelope: Envelope
    master: bytes = field(repr=False)


def register_restore(commands: Any) -> None:
    """Add the command."""
    restore = command(
        commands,
        "restore",
        _restore,
        "bring a vault back from the broker, a file or paper",
        "sudo appliance restore",
    )
    from_flag(restore)
    restore.add_argument("--vault", metavar="ID", help="which vault, if the broker has several")
    restore.add_argument("--device", metavar="ID", help="only from this device's backup")
    restore.add_argument(
        "--replace", metavar="DEVICE", help="name or id of the device that this one takes the place of"
    )
    restore.add_argument(
        "--generation", type=int, metavar="N", help="the accounts as they were in this generation"
    )
    restore.add_argument(
        "--exact", action="store_true", help="with --generation: remove accounts that it lacks"
    )
    restore.add_argument("--merge", action="store_true", help="merge into the vault that is here")
    restore.add_argument("--dry-run", action="store_true", help="only say what would be restored")
    passphrase_flag(restore)
    pin_flag(restore, about="with vault.unlock: pin, the PIN of this device")
    json_flag(restore)


def _restore(args: argparse.Namespace, context: Context) -> int:
    become_owner(context.settings.state_dir)
    app.state_folder(context.settings).prepare()
    here = app.new_keeper(context.settings).exists()
    if here and not args.merge:
        raise app.vault_exists(context.settings, _WHAT)
    device = app.identify(context.settings)
    try:
        return _fetched(args, context, device)
    finally:
        _show(context, "", 0)


def _fetched(args: argparse.Namespace, context: Context, device: Device) -> int:
    if args.files is not None:
        return _from(args, context, device, backups_in(args.files), None)
    _show(context, "reading the backups", 0)
    with Visit(context.settings, device) as visit:
        messages = visit.messages("+/+/backup")
        if args.generation is not None:
            messages = (*messages, *visit.messages("+/+/history/+"))
        return _from(args, context, device, _wanted(messages, args, context), visit)


def _show(context: Context, step: str, done: int) -> None:
    """Tell the display how far it is, if a daemon runs; without a step, that there is nothing more to tell."""
    with contextlib.suppress(ApplianceError):
        app.ask(context.settings, "restoring", step=step, done=done, total=_STEPS)


def _wanted(messages: tuple[Message, ...], args: argparse.Namespace, context: Context) -> tuple[Message, ...]:
    """Return the messages of the one vault that is meant. Raises NothingFound."""
    if args.device is not None:
        messages = tuple(one for one in messages if one.device == args.device)
    vaults = by_vault(messages)
    if not vaults:
        raise NothingFound(
            _WHAT, "the broker has no such backup, or this user may not read it", "appliance backup list"
        )
    for vault, found in vaults.items():
        sizes = ", ".join(f"{one.device} ({len(one.payload)} bytes)" for one in found if one.kind == "backup")
        terminal.note(f"vault {vault}: {sizes}")
    chosen: str | None = args.vault
    if chosen is None and len(vaults) == 1:
        chosen = next(iter(vaults))
    if chosen is None:
        chosen = context.person.answer("which vault?", instead="--vault ID")
    if chosen not in vaults:
        raise NothingFound(_WHAT, f"there is no vault {chosen}", "appliance backup list")
    return vaults[chosen]


def _from(
    args: argparse.Namespace,
    context: Context,
    device: Device,
    messages: tuple[Message, ...],
    visit: Visit | None,
) -> int:
    given: terminal.Input | None = args.passphrase_file
    entered = (
        given.line()
        if given
        else context.person.secret("passphrase or recovery key", instead="--passphrase-file FILE")
    )
    vault_keeper = app.new_keeper(context.settings, entered)
    _show(context, "opening the backup", 1)
    opened = _open_all(vault_keeper, messages)
    newest = _merged(opened, args.generation)
    _describe(opened)
    if args.dry_run:
        return _told(args, newest.vault, device, None)
    if args.merge:
        return _merge_here(args, context, device, opened, entered)
    door = first_door(args, context)
    replaced = _replaced(args, context, opened)
    vault = newest.vault
    if replaced is not None:
        device = app.rename(device, replaced.name)
        app.state_folder(context.settings).save_device(device)
        vault = replace(vault, removed=vault.removed | {replaced.device})
    _show(context, "saving the vault", 2)
    kept = vault_keeper.adopt(vault, newest.envelope, newest.master, door)
    _take_generation(args, vault_keeper, opened)
    backup = _secure(context, vault_keeper, visit)
    if replaced is not None and visit is not None and backup == "verified":
        visit.clear(kept.vault.id, replaced.device)
        terminal.note(f"cleared the backup of '{replaced.name}' ({replaced.device}) at the broker")
    return _told(args, vault_keeper.open().vault, device, backup)


def _open_all(vault_keeper: Keeper, messages: tuple[Message, ...]) -> list[Opened]:
    """Open what the passphrase opens, of the highest epoch; say what stays closed. Raises if nothing opens."""
    envelopes: list[tuple[Message, Envelope]] = []
    first: ApplianceError | None = None
    for message in messages:
        try:
            envelopes.append((message, sealed.read(message.payload)))
        except ApplianceError as error:
            first = first or error
            terminal.warn(f"{message.device or 'the file'} stays closed: {error.why}")
    opened: list[Opened] = []
    # One header after the other, so that each is derived once.
    for message, envelope in sorted(envelopes, key=lambda pair: (-pair[1].epoch, pair[1].head)):
        if opened and envelope.epoch < opened[0].envelope.epoch:
            terminal.warn(f"{message.device} is left aside: it is from before the passphrase was changed")
            continue
        try:
            found = Opened(*vault_keeper.open_foreign(message.payload))
            _same_topic(message, found.vault)
        except (WrongPassphrase, VaultDamaged) as error:
            first = first or error
            terminal.warn(f"{message.device or 'the file'} stays closed: {error.why}")
        else:
            opened.append(found)
    if not opened:
        raise first or NothingFound(_WHAT, "there is nothing to open", "appliance backup list")
    return opened


def _same_topic(message: Message, vault: Vault) -> None:
    if message.vault and (vault.id, vault.device) != (message.vault, message.device):
        raise VaultDamaged(
            _WHAT, "it belongs to another vault or device than its topic says", "look at the broker"
        )


def _merged(opened: list[Opened], generation: int | None) -> Opened:
    """Return one vault of all; raises NothingFound if a generation is wanted that is not there."""
    if generation is not None and all(one.vault.generation != generation for one in opened):
        has = ", ".join(str(one.vault.generation) for one in opened)
        raise NothingFound(_WHAT, f"there is no generation {generation}", f"there are {has}")
    newest = max(opened, key=lambda one: (one.vault.saved_at, one.vault.generation))
    vault = newest.vault
    for one in opened:
        vault = merge(vault, one.vault)
    return replace(newest, vault=vault)


def _describe(opened: list[Opened]) -> None:
    rows = [("DEVICE", "NAME", "GENERATION", "SAVED", "ACCOUNTS")]
    for one in opened:
        vault = one.vault
        saved = (
            f"{datetime.fromtimestamp(vault.saved_at, UTC).astimezone():%Y-%m-%d %H:%M}"
            if vault.saved_at
            else "unknown"
        )
        rows.append((vault.device, vault.name, str(vault.generation), saved, str(len(vault.records))))
    for line in terminal.table(rows):
        terminal.note(line)
    terminal.note("compare generation and number of accounts with the other device's display: a fresh device")
    terminal.note("cannot notice by itself that a broker gives it an old backup")


def _replaced(args: argparse.Namespace, context: Context, opened: list[Opened]) -> Vault | None:
    """Return the vault of the device that this one replaces; None: it is an additional one."""
    wanted: str | None = args.replace
    if wanted is None and context.person.asked and not args.json:
        names = ", ".join(f"'{one.vault.name}'" for one in opened)
        wanted = context.person.answer(
            f"does it replace one of {names}? its name, or Enter for an additional device:",
            instead="--replace DEVICE",
        )
    if not wanted:
        return None
    for one in opened:
        if wanted in {one.vault.name, one.vault.device}:
            return one.vault
    raise NothingFound(_WHAT, f"no device '{wanted}' has a backup here", "appliance backup list")


def _take_generation(args: argparse.Namespace, vault_keeper: Keeper, opened: list[Opened]) -> None:
    if args.generation is None:
        return
    older = next(one.vault for one in opened if one.vault.generation == args.generation)
    vault_keeper.change(lambda vault, moment: edit.take_over(vault, older, moment, exact=args.exact))


def _merge_here(
    args: argparse.Namespace, context: Context, device: Device, opened: list[Opened], entered: str
) -> int:
    own = app.new_keeper(context.settings)
    if own.mode() != "credential":
        own.unlock(entered)
    if any(one.vault.id != device.vault for one in opened):
        raise UsageError(
            _WHAT, "it is another vault than the one here", "restore it into a state_dir of its own"
        )
    for one in opened:
        own.merge_vault(one.vault)
    _take_generation(args, own, opened)
    poke(context)
    return _told(args, own.open().vault, device, None)


def _secure(context: Context, vault_keeper: Keeper, visit: Visit | None) -> str | None:
    """Publish and verify the new device's own backup, by the daemon if it runs; return its state."""
    poke(context)
    if visit is None:
        return None
    found: terminal.Json = (
        app.ask(context.settings, "backup")
        if daemon_publishes(context)
        else backup_status(errands.back_up(context.settings, vault_keeper, visit))
    )
    state: str = found["state"]
    if state != "verified":
        error = BrokerFailed(
            "the backup of this device is not verified", found["error"] or state, "appliance backup"
        )
        terminal.tell_error(error)
    return state


def _told(args: argparse.Namespace, vault: Vault, device: Device, backup: str | None) -> int:
    if args.json:
        terminal.tell_json(
            {
                "vault": vault.id,
                "device": device.id,
                "accounts": len(vault.records),
                "backup": backup,
                "dry_run": args.dry_run,
            }
        )
        return os.EX_OK
    verb = "would restore" if args.dry_run else "restored"
    terminal.tell(f"{verb} {len(vault.records)} accounts as '{device.name}' ({device.id})")
    if backup == "verified":
        terminal.tell("its own backup is at the broker and verified")
    if args.dry_run:
        return os.EX_OK
    timed = [record.account for record in vault.ordered if record.account.type != "hotp"]
    if timed:
        code = code_at(timed[0], time.time())
        terminal.tell(f"compare: {timed[0].label} is now {grouped(code.text)}")
    if len(timed) < len(vault.records):
        terminal.tell("HOTP accounts: if a code is refused, press again for the next one")
    return os.EX_OK
