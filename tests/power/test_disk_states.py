"""Power cuts, every one of them: whatever an interrupted operation may leave on a card opens as the old or the new.

The file operations of a real `StateFolder` are recorded. For each moment, every card that a file system without a
journal may leave is laid out in a folder, where a process that just started looks, and goes on. Writers that are known
to be wrong must be caught by the same search.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from appliance.adapters.store import StateFolder
from appliance.errors import ApplianceError
from appliance.vault import keys
from tests.power.card import Left, Recorder
from tests.power.operations import AGAIN, OPERATION, OPERATIONS, Operation, adding, cheap, keeper
from tests.power.wrong import CONTROLS, settle

ENOUGH: Final = 20
Report = Callable[[str], None]


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "scrypt", cheap(keys.scrypt))


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder notes each fsync; that the disk below really does it would only take time."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@dataclass(frozen=True, slots=True)
class Cut:
    """A card that a power cut may leave."""

    left: Left = field(repr=False)
    what: str
    """The call that had just returned."""
    told: bool
    """Something had been promised before."""


def folder_on(card: Path) -> StateFolder:
    return StateFolder(card / "state")


def cuts_of(
    card: Path,
    operation: Operation,
    folder: StateFolder,
    settle: Callable[[], object] = lambda: None,
) -> list[Cut]:
    """Do an operation, and return each card that it may leave, once. `settle` is what goes on after it was told."""
    recorder = Recorder(card)
    with pytest.MonkeyPatch.context() as patch:
        recorder.follow(patch)
        operation.act(folder, recorder.told)
        settle()
    found: dict[Left, Cut] = {}
    for moment in recorder.moments:
        for left in moment.left:
            if left not in found or (moment.told and not found[left].told):
                found[left] = Cut(left, moment.what, moment.told)
    return list(found.values())


@dataclass(eq=False, slots=True)
class Search:
    """What an operation may leave, and what of it breaks a promise."""

    operation: Operation
    root: Path
    before: object = None
    after: object = None
    states: int = 0
    lost: list[str] = field(default_factory=list)

    def over(self, cuts: list[Cut]) -> None:
        """Look at each card, until enough is lost."""
        for cut in cuts:
            if len(self.lost) == ENOUGH:
                return
            self.states += 1
            with tempfile.TemporaryDirectory(dir=self.root) as folder:
                cut.left.write(Path(folder))
                trouble = self._trouble(cut, folder_on(Path(folder)))
            if trouble is not None:
                self.lost.append(f"{self.operation.name}, cut after {cut.what}: {trouble}")

    def _trouble(self, cut: Cut, folder: StateFolder) -> str | None:
        try:
            older = names_of_older(folder)
            found = self.operation.look(folder)
            if found != self.after and (cut.told or found not in (self.before, *self.operation.passing)):
                return "what was told is lost" if cut.told else "neither the old nor the new"
            if cut.told and self.operation.forgets and older:
                return f"an older key still opens {older}"
            self.operation.go_on(folder)
        except (ApplianceError, AssertionError) as error:
            return repr(error)
        return None


def names_of_older(folder: StateFolder) -> list[str]:
    return sorted(path.name for path in folder.path.glob("vault.*[0-9]"))


def looked(operation: Operation, card: Path, root: Path) -> object:
    """Return what a fresh process finds; what it repairs meanwhile does not count."""
    with tempfile.TemporaryDirectory(dir=root) as copy:
        shutil.copytree(card, copy, dirs_exist_ok=True)
        return operation.look(folder_on(Path(copy)))


def searched(
    root: Path,
    operation: Operation,
    variant: Callable[[Path], StateFolder] = StateFolder,
    settle: Callable[[StateFolder], object] = lambda _folder: None,
) -> Search:
    """Cut the power at every moment of an operation, and look at whatever may be left."""
    card = root / "card"
    card.mkdir(parents=True)
    operation.prepare(folder_on(card))
    search = Search(operation, root)
    search.before = looked(operation, card, root)
    folder = variant(folder_on(card).path)
    cuts = cuts_of(card, operation, folder, lambda: settle(folder))
    search.after = looked(operation, card, root)
    search.over(cuts)
    return search


def test_whatever_a_power_cut_leaves_is_the_old_or_the_new_and_one_can_go_on(
    tmp_path: Path, figure: Report
) -> None:
    searches = [searched(tmp_path / operation.name, operation) for operation in OPERATIONS]
    lost = [each for search in searches for each in search.lost]
    states = sum(search.states for search in searches)
    figure(f"disk states: {states:,} states of {len(searches)} operations, {len(lost)} lost")
    assert not lost, "\n".join(lost[:10])
    idle = [search.operation.name for search in searches if search.before == search.after]
    assert idle == ["set_aside"], "what changes nothing can't lose it"


# --- two power cuts


def cut_twice(root: Path, first: list[Cut]) -> tuple[int, list[str]]:
    """Save another change on each card that a cut save left, and cut the power again; return the states and the lost."""
    states, lost = 0, list[str]()
    for number, cut in enumerate(first):
        card = root / f"card{number}"
        card.mkdir()
        cut.left.write(card)
        search = Search(AGAIN, root, looked(AGAIN, card, root))
        cuts = cuts_of(card, AGAIN, folder_on(card))
        search.after = looked(AGAIN, card, root)
        search.over(cuts)
        states += search.states
        lost += [f"cut after {cut.what}; {each}" for each in search.lost]
        shutil.rmtree(card)
    return states, lost


def cuts_of_a_save(root: Path) -> list[Cut]:
    card = root / "card"
    card.mkdir()
    OPERATION["change"].prepare(folder_on(card))
    return cuts_of(card, OPERATION["change"], folder_on(card))


def test_a_second_power_cut_in_the_next_save_loses_nothing_either(tmp_path: Path, figure: Report) -> None:
    """Of the cards that the first one leaves, some; among them are those with half of a rename."""
    states, lost = cut_twice(tmp_path, cuts_of_a_save(tmp_path)[::9])
    figure(f"disk states: two power cuts (a sample): {states:,} states, {len(lost)} lost")
    assert not lost, "\n".join(lost[:10])


@pytest.mark.long
def test_a_second_power_cut_in_the_next_save_loses_nothing_wherever_the_first_was(
    tmp_path: Path, figure: Report
) -> None:
    states, lost = cut_twice(tmp_path, cuts_of_a_save(tmp_path))
    figure(f"disk states: two power cuts (all): {states:,} states, {len(lost)} lost")
    assert not lost, "\n".join(lost[:10])


@pytest.mark.parametrize("kept", [("vault.json",), ("vault.json", "vault.json.1")])
def test_links_of_one_file_in_all_places_are_saved_over(tmp_path: Path, kept: tuple[str, ...]) -> None:
    """Two cuts in renames of the rotation leave these; a rename between links of one file does nothing."""
    folder = folder_on(tmp_path)
    OPERATION["change"].prepare(folder)
    for number in range(1, 4):
        (folder.path / f"vault.json.{number}").unlink()
    (folder.path / "vault.json.1").write_bytes((folder.path / "vault.json").read_bytes())
    (folder.path / "vault.json.1").chmod(0o600)
    for number in (2, 3):
        (folder.path / f"vault.json.{number}").hardlink_to(folder.path / "vault.json.1")
    if "vault.json.1" not in kept:
        (folder.path / "vault.json.1").unlink()
    before = keeper(folder).open().vault
    after = keeper(folder, throw=7000).change(adding("next")).vault
    assert keeper(folder).open().vault == after
    assert keeper(folder).older()[0] == before


def test_a_damaged_file_that_was_half_set_aside_does_not_keep_one_from_going_on(tmp_path: Path) -> None:
    """Both names of the cut rename are there; a rename between links of one file does nothing."""
    folder = folder_on(tmp_path)
    OPERATION["set_aside"].prepare(folder)
    newest = folder.path / "vault.json"
    newest.with_name("vault.bad-1800000000").hardlink_to(newest)
    assert keeper(folder).open().warning is not None
    assert not newest.exists()
    assert keeper(folder, throw=7000).change(adding("next")).warning is None


# --- writers that are known to be wrong


def test_each_wrong_writer_is_caught(tmp_path: Path, figure: Report) -> None:
    caught = []
    for number, (variant, name) in enumerate(CONTROLS):
        search = searched(tmp_path / str(number), OPERATION[name], variant, settle)
        assert len(search.lost) < search.states, "what is lost whenever one looks proves nothing"
        caught += [(variant, name)] if search.lost else []
    figure(f"disk states: negative controls caught: {len(caught)} of {len(CONTROLS)}")
    assert caught == list(CONTROLS)
