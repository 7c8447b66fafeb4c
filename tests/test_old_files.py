"""What every release wrote until now opens for ever: by device secret, PIN, passphrase and recovery key."""

import json
import os
import shutil
from contextlib import _GeneratorContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.adapters.store import StateFolder
from appliance.core.events import Authentic, Foreign, Outdated
from appliance.errors import LockBusy, VaultLocked, WrongPassphrase
from appliance.keeper import Door, Keeper, Kept
from appliance.vault import canonical, keys, proof, sealed
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


# --- with this release


def opened(keeper: Keeper, known: Any, number: int) -> Kept:
    """Open a card by itself, or else with what a person knows."""
    if keeper.mode() == "credential":
        return keeper.open()
    return keeper.unlock(known["pin"] or known["passphrases"][number])


@pytest.mark.parametrize("which", ["first", "rekeyed"])
@pytest.mark.parametrize("folder", SETS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_old_card_gets_its_proof_once_and_nothing_else_changes(
    folder: Path, which: str, tmp_path: Path
) -> None:
    known, number = secrets(folder), ["first", "rekeyed"].index(which)
    keeper, state = keeper_of(folder / which, tmp_path), tmp_path / "state"
    before = (state / "vault.json").read_bytes().strip()
    kept = opened(keeper, known, number)
    after = (state / "vault.json").read_bytes()
    file = canonical.load(after)
    assert file.pop("x-proof")["keys"][0]["by"] == ""
    assert canonical.dump(file) == before, "ciphertext, header, epoch and door stay byte for byte"
    assert kept.envelope.proof == proof.read(after) is not None
    assert kept.envelope.proof is not None
    assert kept.vault.generation == kept.envelope.proof.generation
    assert kept.vault == sealed.unseal(sealed.read(before), keeper._keys.held(kept.envelope))
    for _ in range(2):
        assert keeper.open() == kept
        assert (state / "vault.json").read_bytes() == after
    assert (state / "vault.json.1").read_bytes().strip() == before
    assert not (state / "vault.json.2").exists()


BY_ITSELF: Final = [folder for folder in SETS if folder.name == "credential"]
"""Those that take no derivation; nothing of the following depends on how a card opens."""


class Busy(StateFolder):
    """A state folder that another process has locked."""

    def lock(self) -> _GeneratorContextManager[None]:
        raise LockBusy("can't lock the vault", "another process has held it")


@pytest.mark.parametrize("folder", BY_ITSELF, ids=lambda path: path.parent.name)
def test_an_old_card_that_is_busy_opens_without_its_proof_and_gets_it_later(
    folder: Path, tmp_path: Path
) -> None:
    keeper, state = keeper_of(folder / "first", tmp_path), tmp_path / "state"
    before = (state / "vault.json").read_bytes()
    busy = Keeper(Busy(state), FakeClock(), os.urandom, lambda: MEMORY)
    for _ in range(2):
        check_contents(busy.open().vault)
    assert (state / "vault.json").read_bytes() == before
    assert keeper.open().envelope.proof is not None
    assert busy.open().envelope.proof is not None


@pytest.mark.parametrize("folder", BY_ITSELF, ids=lambda path: path.parent.name)
def test_an_old_backup_counts_as_the_card_s_own_only_under_the_present_key(
    folder: Path, tmp_path: Path
) -> None:
    """What a release before 0.2 published has no proof, and the first key of a chain vouches for itself alone."""
    known = secrets(folder)
    first, second = ((folder / which / "backup.json").read_bytes().strip() for which in ("first", "rekeyed"))
    keeper = keeper_of(folder / "rekeyed", tmp_path)
    generation = keeper.open().vault.generation
    assert keeper.check(second) == Authentic(generation, novel=False, signed=False)
    assert isinstance(keeper.check(first), Foreign)
    keeper = keeper_of(folder / "first", tmp_path)
    before = keeper.open().published
    assert isinstance(keeper.check(second), Foreign), "nothing proves that it follows"
    passphrase, recovery_key = known["passphrases"][1], known["recovery_keys"][1]
    keeper.rekey(passphrase, recovery_key, lambda: "u", Door("credential"))
    assert keeper.check(before) == Outdated()
    assert isinstance(keeper.check(first), Foreign)
