"""Backups in files of any kind: as they were saved, or on paper that was photographed, scanned or read by an app."""

import argparse
from collections.abc import Sequence

from appliance.adapters import confinement
from appliance.cli import terminal
from appliance.errors import NothingFound
from appliance.paper import parts
from appliance.transfer.content import Content
from appliance.transfer.picture import begins_like_picture
from appliance.vault.otpauth import begins_like_link
from appliance.vault.retained import Message


def from_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag whose files `backups_in` takes."""
    parser.add_argument(
        "--from",
        dest="files",
        nargs="+",
        action="extend",
        type=terminal.picture,
        metavar="FILE",
        help="a saved backup, a vault file, or photos and scans of a recovery sheet",
    )


def backups_in(files: Sequence[terminal.Input]) -> tuple[Message, ...]:
    """Return the backups that the files hold together, as the messages of no topic.

    What is neither picture nor text of codes is a backup by itself. Tells how many codes each picture has, and warns
    of what is left aside. Raises NothingFound, FileDamaged if codes are missing, VaultTooNew, and what
    `confinement.codes` raises.
    """
    saved: list[bytes] = []
    texts: list[str] = []
    accounts: list[str] = []
    for file in files:
        if begins_like_picture(file.data):
            ours, of_accounts = _codes(file)
            texts += ours
            accounts += [file.name] if of_accounts else []
        elif parts.mentioned(text := Content(file.data).text or ""):
            texts.append(text)
        else:
            saved.append(file.data)
    if accounts:
        _leave_aside(accounts, alone=not texts and not saved)
    if texts or not saved:
        gathered = parts.gathered(texts)
        saved += gathered.backups
        for warning in gathered.warnings:
            terminal.warn(warning)
    return tuple(Message("", "", "backup", backup) for backup in saved)


def _leave_aside(names: Sequence[str], *, alone: bool) -> None:
    """Warn of pictures that show accounts, as a folder of all pages holds them; alone, they are refused."""
    if alone:
        raise NothingFound(
            f"can't restore from {', '.join(names)}",
            "it shows accounts, and not the recovery sheet",
            f"give the pages of the recovery sheet, or: appliance import {' '.join(names)}",
        )
    for name in names:
        terminal.warn(f"{name} is left aside: it shows accounts, and not the recovery sheet")


def _codes(file: terminal.Input) -> tuple[list[str], bool]:
    """Return the vault's codes of a picture, and whether it shows accounts instead."""
    (found,) = confinement.codes([file.data])
    ours = [text for text in found if parts.mentioned(text)]
    if not ours and any(map(begins_like_link, found)):
        return [], True
    terminal.note(f"{file.name}: {len(ours)} of the vault's QR codes are readable")
    return ours, False
