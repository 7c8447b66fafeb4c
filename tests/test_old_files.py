"""What every release wrote until now opens for ever: by device secret, PIN, passphrase and recovery key."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.adapters.store import StateFolder
from appliance.errors import VaultLocked, WrongPassphrase
from appliance.keeper import Keeper
from appliance.vault import keys, sealed
from appliance.vault.model import Vault
from tests.stores import FakeClock

VECTORS: Final = Path(__file__).parent / "vectors"
SETS: Final = sorted(path.parent for path in VECTORS.glob("*/*/secrets.json"))
ISSUERS: Final = {"Example Bank", "Door", "Mail"}
MEMORY: Final = 1 << 30


def secrets(folder: Path) -> Any:
    return json.loads((folder / "secrets.json").read_text())


def keeper_of(folder: Path, scratch: Path, entered: str | None = None) -> Keeper:
    """A keeper of a copy, as it would lie on a card."""
    state = scratch / "state"
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(folder, state)
    state.chmod(0o700)
    for path in state.iterdir():
        path.chmod(0o600)
    return Keeper(StateFolder(state), FakeClock(), os.urandom, lambda: MEMORY, entered)


def check_contents(vault: Vault) -> None:
    assert {record.account.issuer for record in vault.records.values()} == ISSUERS
    door = next(record for record in vault.records.values() if record.account.issuer == "Door")
    assert door.counter == 7


def test_there_are_files_of_every_release_that_was_published() -> None:
    assert {path.parent.name for path in SETS} >= {"0.1.0"}
    assert {path.name for path in SETS} == {"credential", "pin", "passphrase"}


@pytest.mark.parametrize("which", ["first", "rekeyed"])
@pytest.mark.parametrize("folder", SETS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_old_card_opens_as_it_did(folder: Path, which: str, tmp_path: Path) -> None:
    known = secrets(folder)
    keeper = keeper_of(folder / which, tmp_path)
    if keeper.mode() == "credential":
        check_contents(keeper.open().vault)
    else:
        with pytest.raises(VaultLocked):
            keeper.open()
        number = ["first", "rekeyed"].index(which)
        check_contents(keeper.unlock(known["pin"] or known["passphrases"][number]).vault)


@pytest.mark.parametrize("which", ["first", "rekeyed"])
@pytest.mark.parametrize("folder", SETS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_old_backup_opens_by_its_own_passphrase_and_recovery_key_only(folder: Path, which: str) -> None:
    known, number = secrets(folder), ["first", "rekeyed"].index(which)
    envelope = sealed.read((folder / which / "backup.json").read_bytes())
    for kind in ("passphrases", "recovery_keys"):
        master = keys.unwrap_any(envelope.slots, known[kind][number], memory_limit=MEMORY)
        check_contents(sealed.unseal(envelope, master))
        with pytest.raises(WrongPassphrase):
            keys.unwrap_any(envelope.slots, known[kind][1 - number], memory_limit=MEMORY)
