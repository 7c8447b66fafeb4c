from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault import document, edit
from appliance.vault.edit import Changes, Moment, Place
from appliance.vault.merge import merge, same_content
from appliance.vault.model import Account, Group, Vault
from appliance.vault.undo import Difference, difference, revert
from tests.vault.builder import LAW, small_vault
from tests.vault.strategies import vaults

NOW = Moment(1_800_000_000_000, "d0000000-0000-4000-8000-000000000001")
LATER = Moment(1_800_000_100_000, NOW.device)
UNTRUSTED = Moment(None, NOW.device)
BANK, DOOR, GAMES, GONE, NEW = (f"a0000000-0000-4000-8000-00000000000{number}" for number in range(1, 6))
HOME = Group("90000000-0000-4000-8000-000000000002", "Home")
BEFORE = small_vault()

EDITS: dict[str, Callable[[Vault], Vault]] = {
    "rename": lambda vault: edit.alter(vault, BANK, Changes(name="bob"), NOW),
    "note": lambda vault: edit.alter(vault, BANK, Changes(note="other"), NOW),
    "secret": lambda vault: edit.alter(vault, BANK, Changes(secret=b"another"), NOW),
    "hotp secret": lambda vault: edit.alter(vault, DOOR, Changes(secret=b"another", counter=3), NOW),
    "favourite": lambda vault: edit.alter(vault, DOOR, Changes(favorite=True), NOW),
    "new group": lambda vault: edit.alter(vault, DOOR, Changes(join=(HOME,)), NOW),
    "leave": lambda vault: edit.alter(vault, BANK, Changes(leave=("Work",)), NOW),
    "digits": lambda vault: edit.alter(vault, DOOR, Changes(digits=8), NOW),
    "move": lambda vault: edit.move(vault, GAMES, Place("first"), NOW),
    "move to the end": lambda vault: edit.move(vault, BANK, Place("last"), NOW),
    "remove": lambda vault: edit.remove(vault, BANK, NOW),
    "revive": lambda vault: edit.revive(vault, GONE, NOW),
    "add": lambda vault: edit.add(vault, Account(NEW, "totp", "New", "me", b"new"), 0, NOW),
}


def saved(vault: Vault) -> Vault:
    """Every edit must give what a file can hold."""
    assert document.load(document.dump(vault, ""), "") == vault
    return vault


def fields(present: Vault, older: Vault) -> tuple[str, ...]:
    (altered,) = difference(present, older).altered
    return altered.fields


@pytest.mark.parametrize("moment", [LATER, UNTRUSTED])
@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_taken_back_by_a_later_one(name: str, moment: Moment) -> None:
    changed = EDITS[name](BEFORE)
    assert difference(changed, BEFORE) != Difference()
    vault = saved(revert(changed, BEFORE, moment))
    assert difference(vault, BEFORE) == Difference()
    assert same_content(merge(changed, vault), vault), "a peer takes it as well"
    assert same_content(merge(vault, changed), vault)


@pytest.mark.parametrize("name", EDITS)
def test_what_was_taken_back_is_brought_again_by_one_more(name: str) -> None:
    changed = EDITS[name](BEFORE)
    again = saved(revert(revert(changed, BEFORE, LATER), changed, Moment(2**42, NOW.device)))
    assert difference(again, changed) == Difference()


def test_taking_nothing_back_changes_nothing() -> None:
    assert revert(BEFORE, BEFORE, LATER) == BEFORE


def test_a_spent_code_is_no_difference_and_is_never_taken_back() -> None:
    spent = edit.spend(edit.alter(BEFORE, DOOR, Changes(name="gate"), NOW), DOOR)
    assert difference(edit.spend(BEFORE, DOOR), BEFORE) == Difference()
    back = revert(spent, BEFORE, LATER).records[DOOR]
    assert (back.account.name, back.counter) == ("door", 42)


def test_the_secret_that_is_taken_back_stays_in_the_history() -> None:
    changed = EDITS["secret"](BEFORE)
    assert [old.secret for old in revert(changed, BEFORE, LATER).records[BANK].history] == [
        b"another",
        b"the old seed",
    ]


def test_an_account_added_since_goes_to_the_trash() -> None:
    vault = revert(EDITS["add"](BEFORE), BEFORE, LATER)
    assert NEW in vault.trash
    assert edit.kept_until(vault.tombstones[NEW]) is not None


def test_an_account_that_expired_from_the_trash_comes_back_from_the_older_state() -> None:
    changed = replace(edit.remove(BEFORE, BANK, NOW), trash={})
    vault = saved(revert(changed, BEFORE, LATER))
    assert vault.records[BANK].account == BEFORE.records[BANK].account


def test_a_group_that_was_deleted_or_renamed_since_comes_back() -> None:
    (group,) = BEFORE.groups.values()
    stamps = {group.uuid: NOW.stamp(BEFORE)}
    renamed = replace(BEFORE, groups={group.uuid: replace(group, name="Zoo")}, group_stamps=stamps)
    bank = BEFORE.records[BANK]
    alone = replace(bank, account=replace(bank.account, groups=()), stamp=NOW.stamp(BEFORE))
    deleted = replace(BEFORE, groups={}, group_stamps=stamps, records={**BEFORE.records, BANK: alone})
    for changed in (renamed, deleted):
        assert fields(changed, BEFORE) == ("groups",)
        vault = saved(revert(changed, BEFORE, LATER))
        assert vault.groups == BEFORE.groups
        assert difference(vault, BEFORE) == Difference()
        assert same_content(merge(changed, vault), vault)


def test_a_group_that_nobody_is_in_makes_no_difference() -> None:
    assert difference(replace(BEFORE, groups={**BEFORE.groups, HOME.uuid: HOME}), BEFORE) == Difference()


def test_the_order_comes_back_where_several_things_changed() -> None:
    changed = EDITS["rename"](EDITS["move"](BEFORE))
    vault = revert(changed, BEFORE, LATER)
    assert [record.account.uuid for record in vault.ordered] == [BANK, DOOR, GAMES]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rename", ("name",)),
        ("note", ("note",)),
        ("secret", ("secret",)),
        ("favourite", ("favorite",)),
        ("leave", ("groups",)),
        ("digits", ("parameters",)),
    ],
)
def test_what_is_different_is_told_by_its_field(name: str, told: tuple[str, ...]) -> None:
    assert fields(EDITS[name](BEFORE), BEFORE) == told


def test_several_fields_are_told_together_with_both_states() -> None:
    changes = Changes(issuer="B", name="b", note="", secret=b"x", favorite=False, leave=("Work",), digits=6)
    changed = edit.alter(BEFORE, BANK, changes, NOW)
    (altered,) = difference(changed, BEFORE).altered
    assert altered.fields == ("issuer", "name", "note", "secret", "favorite", "groups", "parameters")
    assert (altered.present, altered.older) == (
        changed.records[BANK].account,
        BEFORE.records[BANK].account,
    )


def test_what_comes_back_what_goes_and_what_moved_is_told() -> None:
    changed = EDITS["move"](EDITS["add"](edit.remove(BEFORE, BANK, NOW)))
    found = difference(changed, BEFORE)
    assert [account.uuid for account in found.revived] == [BANK]
    assert [account.uuid for account in found.removed] == [NEW]
    assert found.altered == ()
    assert found.moved
    assert not difference(edit.remove(BEFORE, BANK, NOW), BEFORE).moved


@LAW
@given(vaults(), vaults(), st.none() | st.integers(0, 2**45))
def test_after_going_back_to_any_state_nothing_is_different_from_it(
    vault: Vault, older: Vault, ms: int | None
) -> None:
    result = saved(revert(vault, older, Moment(ms, vault.device)))
    assert difference(result, older) == Difference()
    assert vault.records.keys() | vault.trash.keys() <= result.records.keys() | result.trash.keys()


def test_a_difference_is_none_until_something_differs() -> None:
    assert Difference().moved is False
    assert difference(BEFORE, BEFORE) == Difference()
