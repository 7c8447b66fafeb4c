"""Commands that take changes back: trash, undo."""

import argparse
from datetime import UTC, datetime
from typing import Any

from appliance.cli import terminal
from appliance.cli.accounts import public, row
from appliance.cli.arguments import command, json_flag, keeper, passphrase_flag, poke, told
from appliance.cli.main import Context
from appliance.cli.selection import called, chosen, name_argument
from appliance.errors import ApplianceError, NothingFound, UsageError
from appliance.vault import edit
from appliance.vault.model import Account, Record, Vault
from appliance.vault.undo import Altered, Difference, difference, revert

_WHAT = "can't undo"


def register(commands: Any) -> None:
    """Add the commands of this family."""
    trash = command(
        commands, "trash", _trash, "list the removed accounts, which stay for 30 days", "appliance trash"
    )
    passphrase_flag(trash)
    json_flag(trash)
    actions = trash.add_subparsers(metavar="ACTION", title="actions")
    restore = command(
        actions,
        "restore",
        _restore,
        "bring an account back from the trash",
        "appliance trash restore GitHub:anna",
    )
    name_argument(restore)
    passphrase_flag(restore, inherited=True)
    json_flag(restore, inherited=True)

    undo = command(
        commands,
        "undo",
        _undo,
        "take back the last change of the accounts",
        "appliance undo --dry-run\n  appliance undo",
    )
    undo.add_argument("--dry-run", action="store_true", help="only say what would be taken back")
    undo.add_argument(
        "--confirm",
        metavar="GENERATION",
        help="the generation that it goes back to, as --dry-run says, in place of being asked",
    )
    passphrase_flag(undo)
    json_flag(undo)


def _trash(args: argparse.Namespace, context: Context) -> int:
    vault = told(keeper(args, context).open()).vault
    records = sorted(vault.trash.values(), key=lambda one: vault.tombstones[one.account.uuid], reverse=True)
    if args.json:
        terminal.tell_json([{**public(one, vault), "until": _until(vault, one)} for one in records])
        return 0
    for line in terminal.table([(*row(one, vault), _kept(_until(vault, one))) for one in records]):
        terminal.tell(line)
    if not records:
        terminal.note("the trash is empty")
    return 0


def _until(vault: Vault, record: Record) -> int | None:
    return edit.kept_until(vault.tombstones[record.account.uuid])


def _kept(until: int | None) -> str:
    return "for at least 30 days" if until is None else f"until {_local(until)}"


def _local(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix, UTC).astimezone():%Y-%m-%d %H:%M}"


def _restore(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = keeper(args, context)
    trash = told(vault_keeper.open()).vault.trash
    account = chosen(trash.values(), args.name, listing="appliance trash").account
    vault = vault_keeper.change(lambda vault, moment: edit.revive(vault, account.uuid, moment)).vault
    poke(context)
    if args.json:
        terminal.tell_json(public(vault.records[account.uuid], vault))
    else:
        terminal.tell(f"{called(account)} is back from the trash")
    return 0


def _undo(args: argparse.Namespace, context: Context) -> int:
    vault_keeper = keeper(args, context)
    present = told(vault_keeper.open()).vault
    older, found = _last(present, vault_keeper.older())
    say = terminal.note if args.json else terminal.tell
    for line in _lines(older, found, "would go back" if args.dry_run else "goes back"):
        say(line)
    if not args.dry_run:
        _agree(args, context, older.generation)
        vault_keeper.change(lambda vault, moment: revert(_unchanged(vault, present), older, moment))
        poke(context)
    if args.json:
        terminal.tell_json({"dry_run": args.dry_run, **_public(older, found)})
    elif not args.dry_run:
        terminal.tell("done; appliance undo once more takes this back as well")
    return 0


def _last(present: Vault, generations: tuple[Vault, ...]) -> tuple[Vault, Difference]:
    """Return the newest generation that is not as the present one, and what is different. Raises NothingFound."""
    for older in generations:
        found = difference(present, older)
        if found != Difference():
            return older, found
    raise NothingFound(
        _WHAT,
        "nothing to undo: the generations that are kept hold the same accounts",
        "appliance trash; or appliance restore --merge --generation N",
    )


def _unchanged(vault: Vault, shown: Vault) -> Vault:
    """Return the vault if it is as it was shown. Raises ApplianceError, so that nothing unseen is taken back."""
    if difference(vault, shown) != Difference():
        raise ApplianceError(_WHAT, "the accounts were changed meanwhile", "appliance undo --dry-run")
    return vault


def _agree(args: argparse.Namespace, context: Context, generation: int) -> None:
    """Return if somebody wants this. Raises UsageError otherwise."""
    instead = f"--confirm {generation}"
    if args.confirm is not None:
        if args.confirm != str(generation):
            raise UsageError(
                _WHAT, f"it would go back to generation {generation}, not {args.confirm}", instead
            )
    elif context.person.answer("take this back? [y/N]", instead=instead).casefold() not in {"y", "yes"}:
        raise UsageError(_WHAT, "the answer was not yes, and nothing was changed", instead)


def _lines(older: Vault, found: Difference, verb: str) -> list[str]:
    saved = f", saved {_local(older.saved_at)}" if older.saved_at else ""
    return [
        f"{verb} to generation {older.generation}{saved}",
        *(f"removed: {called(account)} comes back" for account in found.revived),
        *(f"added: {called(account)} goes to the trash" for account in found.removed),
        *(_changed(altered) for altered in found.altered),
        *(["moved: the former order comes back"] if found.moved else []),
    ]


def _changed(altered: Altered) -> str:
    present, older = called(altered.present), called(altered.older)
    former = f" ({older})" if older != present else ""
    fields = ", ".join("favourite mark" if one == "favorite" else one for one in altered.fields)
    return f"changed: {present} gets back what it had{former}: {fields}"


def _public(older: Vault, found: Difference) -> terminal.Json:
    return {
        "generation": older.generation,
        "saved_at": older.saved_at or None,
        "revived": [_named(account) for account in found.revived],
        "removed": [_named(account) for account in found.removed],
        "changed": [{**_named(one.older), "fields": list(one.fields)} for one in found.altered],
        "moved": found.moved,
    }


def _named(account: Account) -> terminal.Json:
    return {"uuid": account.uuid, "issuer": account.issuer, "name": account.name}
