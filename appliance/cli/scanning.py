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
    for file in files:
        if begins_like_picture(file.data):
            texts += _codes(file)
        elif parts.mentioned(text := Content(file.data).text or ""):
            texts.append(text)
        else:
            saved.append(file.data)
    if texts or not saved:
        gathered = parts.gathered(texts)
        saved += gathered.backups
        for warning in gathered.warnings:
            terminal.warn(warning)
    return tuple(Message("", "", "backup", backup) for backup in saved)


def _codes(file: terminal.Input) -> list[str]:
    (found,) = confinement.codes([file.data])
    ours = [text for text in found if parts.mentioned(text)]
    if not ours and any(map(begins_like_link, found)):
        raise NothingFound(
            f"can't restore from {file.name}",
            "it shows accounts, and not the recovery sheet",
            f"leave it out, or: appliance import {file.name}",
        )
    terminal.note(f"{file.name}: {len(ours)} of the vault's QR codes are readable")
    return ours
