"""The command restore: a vault from the broker, or from a file, onto this device."""

import argparse
import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from appliance import app, errands
from appliance.cli import terminal
from appliance.cli.arguments import command, daemon_publishes, json_flag, passphrase_flag, poke
from appliance.cli.choosing import first_door, pin_flag
from appliance.cli.main import Context
from appliance.cli.owner import become_owner
from appliance.cli.scanning import backups_in, from_flag
from appliance.core.status import backup_status
from appliance.errands import Visit
from appliance.errors import ApplianceError, BrokerFailed, NothingFound, UsageError, VaultDamaged
from appliance.keeper import Keeper, Kept
from appliance.ports import Device
from appliance.vault import edit, keys, retained, selection
from appliance.vault.model import Vault
from appliance.vault.otp import code_at, grouped
from appliance.vault.retained import Message, Reading
from appliance.vault.selection import Opened, Openings, Restored

_WHAT: Final = "can't restore"
_STEPS: Final = 3
PRINTED: Final = (
    "--vault ID --device ID: init printed them, the recovery sheet and appliance status show them"
)
_SHOWN: Final = 20
"""Of things that only a flood makes many."""


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
    restore.add_argument(
        "--vault", metavar="ID", help="which vault; with --device, it is found on every broker"
    )
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
        return _from(args, context, device, backups_in(args.files))
    check_ids(args)
    _show(context, "reading the backups", 0)
    return _from(args, context, device, _found(args, context, device))


def check_ids(args: argparse.Namespace, what: str = _WHAT) -> None:
    """Raise UsageError for what can't be an id: it would be part of a topic."""
    if args.vault is not None and not retained.is_vault(args.vault):
        raise UsageError(what, f"'{args.vault}' is no id of a vault", "appliance backup list")
    if args.device is not None and not retained.is_device(args.device):
        raise UsageError(what, f"'{args.device}' is no id of a device", "appliance backup list")


def _show(context: Context, step: str, done: int) -> None:
    """Tell the display how far it is, if a daemon runs; without a step, that there is nothing more to tell."""
    with contextlib.suppress(ApplianceError):
        app.ask(context.settings, "restoring", step=step, done=done, total=_STEPS)


def _found(args: argparse.Namespace, context: Context, device: Device) -> tuple[Message, ...]:
    """Return the messages of the one vault that is meant, by exact topics if it is known. Raises NothingFound."""
    vault: str | None = args.vault or (device.vault if args.merge else None)
    if vault is None:
        vault = _chosen(args, context, device)
    prefer = frozenset({args.device or device.id})
    with Visit(context.settings, device) as visit:
        history = args.generation is not None
        reading = errands.read_vault(visit, vault, args.device, history=history, prefer=prefer)
    tell_of(reading)
    if not reading.messages:
        raise _nothing(args)
    sizes = ", ".join(f"{one.label} ({len(one.payload)} bytes)" for one in reading.messages[:_SHOWN])
    terminal.note(f"vault {vault}: {sizes}{', ...' if len(reading.messages) > _SHOWN else ''}")
    return reading.messages


def _chosen(args: argparse.Namespace, context: Context, device: Device) -> str:
    """Return the vault that is meant, of those at the broker. Raises NothingFound."""
    with Visit(context.settings, device) as visit:
        listing = visit.list(retained.patterns(None, args.device))
    tell_of(listing)
    vaults = sorted({place.vault for place in listing.places})
    if not vaults:
        raise _nothing(args)
    if len(vaults) == 1:
        return vaults[0]
    for vault in vaults[:_SHOWN]:
        devices = sorted({place.device for place in listing.places if place.vault == vault})
        terminal.note(f"vault {vault}: {', '.join(devices[:_SHOWN])}")
    if len(vaults) > _SHOWN:
        terminal.note(f"and {len(vaults) - _SHOWN} other vaults")
    chosen = context.person.answer("which vault?", instead="--vault ID")
    if chosen not in vaults:
        raise NothingFound(_WHAT, f"there is no vault {chosen}", "appliance backup list")
    return chosen


def _nothing(args: argparse.Namespace) -> NothingFound:
    why = "the broker has no such backup, or this user may not read it"
    if args.vault is not None and args.device is not None:
        return NothingFound(_WHAT, why, "appliance backup list")
    return NothingFound(_WHAT, f"{why}, or it gives messages for exact topics only", PRINTED)


def tell_of(reading: Reading) -> None:
    """Warn of what a reading had to leave out."""
    for topic in sorted(reading.oversized)[:_SHOWN]:
        terminal.warn(f"{topic} is too large for a backup, and skipped")
    if reading.incomplete:
        terminal.warn(f"the broker has more than is read here, so some may be missing: {PRINTED}")


def _from(args: argparse.Namespace, context: Context, device: Device, messages: tuple[Message, ...]) -> int:
    given: terminal.Input | None = args.passphrase_file
    entered = (
        given.line()
        if given
        else context.person.secret("passphrase or recovery key", instead="--passphrase-file FILE")
    )
    vault_keeper = app.new_keeper(context.settings, entered)
    _show(context, "opening the backup", 1)
    named = frozenset({args.device} if args.device is not None else ())
    recovery = keys.recovery_form(entered) is not None
    openings = selection.open_all(
        messages, vault_keeper.open_foreign, prefer=named or frozenset({device.id}), recovery=recovery
    )
    group = _decided(args, context, openings)
    restored = selection.unite(group, named, _trusted_ms(context))
    _describe(restored)
    older = _generation(args, restored, named)
    if args.dry_run:
        return _told(args, restored.vault, device, None)
    if args.merge:
        return _merge_here(args, context, device, restored, openings, older, entered)
    return _restore_here(args, context, device, vault_keeper, group, restored, older)


def _restore_here(
    args: argparse.Namespace,
    context: Context,
    device: Device,
    vault_keeper: Keeper,
    group: Sequence[Opened],
    restored: Restored,
    older: Vault | None,
) -> int:
    vault, newest = restored.vault, restored.newest
    if device.id in vault.removed:
        raise UsageError(
            _WHAT,
            f"this device ({device.id}) was removed from the vault, and nobody would take its backups",
            f"delete {context.settings.state_dir}/device.json: it gets another id",
        )
    door = first_door(args, context)
    replaced = _replaced(args, context, group)
    if replaced is not None:
        device = app.rename(device, replaced.name)
        app.state_folder(context.settings).save_device(device)
        vault = replace(vault, removed=vault.removed | {replaced.device})
    _show(context, "saving the vault", 2)
    kept = vault_keeper.adopt(vault, newest.envelope, newest.master, door)
    _take_generation(args, vault_keeper, older)
    backup = None if args.files is not None else _secure(context, vault_keeper, kept, replaced)
    return _told(args, vault_keeper.open().vault, device, backup)


def _trusted_ms(context: Context) -> int | None:
    now = app.new_clock(context.settings).now()
    return int(now.unix * 1000) if now.trusted else None


def _decided(args: argparse.Namespace, context: Context, openings: Openings) -> tuple[Opened, ...]:
    """Return what the winning key opened; say what stays closed. Raises if nothing opens or nothing is decided."""
    for left in openings.left[:_SHOWN]:
        terminal.warn(f"{left.message.label} is left aside: {left.why}")
    if len(openings.left) > _SHOWN:
        terminal.warn(f"and {len(openings.left) - _SHOWN} others")
    if not openings.opened:
        raise openings.error or NothingFound(_WHAT, "there is nothing to open", "appliance backup list")
    groups = selection.winners(openings.opened, openings.chains)
    group = groups[0] if len(groups) == 1 else _asked(args, context, groups)
    public = group[0].public
    for one in openings.opened:
        if selection.outranks(public, one.public, openings.chains):
            terminal.warn(f"{one.message.label} is left aside: {selection.EARLIER}")
    for left in selection.successors(group, openings):
        terminal.warn(f"{left.message.label}: {left.why}")
    return group


def _asked(
    args: argparse.Namespace, context: Context, groups: Sequence[tuple[Opened, ...]]
) -> tuple[Opened, ...]:
    """Return the group that a person means, of keys that know nothing of each other."""
    named = selection.of_device(groups, args.device) if args.device is not None else None
    if named is not None:
        return named
    terminal.note("what was entered opens backups under keys that know nothing of each other:")
    _show_rows([one for group in groups for one in group])
    asked = context.person.asked and not args.json
    chosen = context.person.answer("which device is right?", instead="--device ID") if asked else ""
    found = selection.of_device(groups, chosen)
    if found is None:
        raise NothingFound(
            _WHAT, "there are backups under several keys, and nothing tells which is right", "--device ID"
        )
    return found


def _describe(restored: Restored) -> None:
    for left in restored.left:
        terminal.warn(f"{left.message.label} is left aside: {left.why}")
    _show_rows(restored.merged)
    for one in restored.merged:
        if one.vault.device in restored.vault.removed:
            terminal.warn(f"'{one.vault.name}' ({one.vault.device}) was removed from the vault, and is named")
    terminal.note("compare generation and number of accounts with the other device's display: a fresh device")
    terminal.note("cannot notice by itself that a broker gives it an old backup")


def _show_rows(opened: Sequence[Opened]) -> None:
    rows = [("DEVICE", "NAME", "GENERATION", "SAVED", "ACCOUNTS")]
    for one in opened:
        vault = one.vault
        saved = (
            f"{datetime.fromtimestamp(vault.saved_at, UTC).astimezone():%Y-%m-%d %H:%M}"
            if vault.saved_at
            else "unknown"
        )
        label = one.message.label if one.message.device else vault.device
        rows.append((label, vault.name, str(vault.generation), saved, str(len(vault.records))))
    for line in terminal.table(rows):
        terminal.note(line)


def _replaced(args: argparse.Namespace, context: Context, opened: Sequence[Opened]) -> Vault | None:
    """Return the vault of the device that this one replaces; None: it is an additional one."""
    wanted: str | None = args.replace
    if wanted is None and context.person.asked and not args.json:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(one.vault.name for one in opened))
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


def _generation(args: argparse.Namespace, restored: Restored, named: frozenset[str]) -> Vault | None:
    """Return the state that is wanted back; None: the newest. Raises NothingFound."""
    if args.generation is None:
        return None
    return selection.of_generation(restored.merged, args.generation, named)


def _take_generation(args: argparse.Namespace, vault_keeper: Keeper, older: Vault | None) -> None:
    if older is not None:
        vault_keeper.change(lambda vault, moment: edit.take_over(vault, older, moment, exact=args.exact))


def _merge_here(
    args: argparse.Namespace,
    context: Context,
    device: Device,
    restored: Restored,
    openings: Openings,
    older: Vault | None,
    entered: str,
) -> int:
    own = app.new_keeper(context.settings)
    if own.mode() != "credential":
        own.unlock(entered)
    if restored.vault.id != device.vault:
        raise UsageError(
            _WHAT, "it is another vault than the one here", "restore it into a state_dir of its own"
        )
    _check_key(args, own.open(), restored, openings)
    for one in restored.merged:
        own.merge_vault(one.vault)
    _take_generation(args, own, older)
    poke(context)
    return _told(args, own.open().vault, device, None)


def _check_key(args: argparse.Namespace, own: Kept, restored: Restored, openings: Openings) -> None:
    """Raise VaultDamaged for what an earlier key than this device's seals, unless a person named it."""
    mine = own.envelope.proof
    chains = openings.chains | ({tuple(key.public for key in mine.keys)} if mine else set())
    if mine is None or not selection.outranks(mine.public, restored.newest.public, chains):
        return
    if args.files is None and args.device is None:
        raise VaultDamaged(
            _WHAT, selection.EARLIER, f"if you want it all the same: --device {restored.newest.vault.device}"
        )
    terminal.warn(f"it is merged because it was named: {selection.EARLIER}")


def _secure(context: Context, vault_keeper: Keeper, kept: Kept, replaced: Vault | None) -> str:
    """Publish and verify this device's own backup, by the daemon if it runs, and then clear that of the device that it
    replaces; return the backup's state. The vault is on the card: what fails here is told, and no failure.
    """
    poke(context)
    try:
        with Visit(context.settings, app.identify(context.settings)) as visit:
            state = _published(context, vault_keeper, visit)
            if replaced is not None and state == "verified":
                visit.clear(kept.vault.id, replaced.device)
                terminal.note(f"cleared the backup of '{replaced.name}' ({replaced.device}) at the broker")
    except BrokerFailed as error:
        terminal.tell_error(error)
        return "unverified"
    return state


def _published(context: Context, vault_keeper: Keeper, visit: Visit) -> str:
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
