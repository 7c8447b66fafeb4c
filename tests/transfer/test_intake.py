"""What an import does to a vault: nothing is lost, nothing is twice, and what is odd is told."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer.found import Found
from appliance.transfer.intake import Arrival, arrivals, taken_in
from appliance.vault import edit
from appliance.vault.edit import Addition, Moment
from appliance.vault.model import Account, Group, Vault
from tests.transfer.accounts import founds

MOMENT = Moment(1_800_000_000_000, "otp-1")
EMPTY = Vault("v", "otp-1", "desk", 1, 0)
ANNA = Account("u-anna", "totp", "Bank", "anna", b"secret of anna")
BEN = Account("u-ben", "hotp", "Wiki", "ben", b"secret of ben")


def vault() -> Vault:
    return edit.add_all(EMPTY, [Addition(ANNA), Addition(BEN, 4)], MOMENT)


def judged(account: Account, counter: int = 0, *, keep: bool = False) -> Arrival:
    found = Found(replace(account, uuid="new"), counter)
    (arrival,) = arrivals(vault(), [found], keep_duplicates=keep)
    return arrival


@pytest.mark.parametrize(
    ("account", "verdict"),
    [
        (ANNA, "duplicate"),
        (replace(ANNA, secret=b"another"), "changed"),
        (replace(ANNA, digits=8), "changed"),
        (replace(ANNA, issuer="Bank 2"), "renamed"),
        (replace(ANNA, issuer="Shop", secret=b"another"), "new"),
        (replace(ANNA, type="steam"), "changed"),
        (replace(BEN, issuer="Shop", secret=b"another"), "new"),
    ],
)
def test_an_account_is_judged_by_what_the_vault_has_of_it(account: Account, verdict: str) -> None:
    arrival = judged(account)
    assert arrival.verdict == verdict
    assert arrival.added == (verdict != "duplicate")
    assert bool(arrival.remark) == (verdict != "new")


def test_accounts_without_names_are_not_the_same_for_that() -> None:
    nameless = Account("a", "totp", "", "", b"one")
    before = edit.add(EMPTY, nameless, 0, MOMENT)
    found = Found(replace(nameless, uuid="b", secret=b"two"))
    assert arrivals(before, [found], keep_duplicates=False)[0].verdict == "new"


@pytest.mark.parametrize(("counter", "verdict"), [(3, "duplicate"), (4, "duplicate"), (9, "counter")])
def test_a_counter_that_is_further_on_is_taken_over(counter: int, verdict: str) -> None:
    arrival = judged(BEN, counter)
    assert arrival.verdict == verdict
    after = taken_in(vault(), [arrival], MOMENT, lambda: "g")
    assert after.records["u-ben"].counter == max(4, counter)
    assert len(after.records) == 2


def test_of_two_counters_of_one_file_the_higher_one_counts() -> None:
    coming = arrivals(vault(), [Found(BEN, 9), Found(BEN, 7)], keep_duplicates=False)
    assert taken_in(vault(), coming, MOMENT, lambda: "g").records["u-ben"].counter == 9


def test_duplicates_can_be_kept() -> None:
    arrival = judged(ANNA, keep=True)
    assert arrival.added
    assert len(taken_in(vault(), [arrival], MOMENT, lambda: "g").records) == 3


def test_an_account_that_is_twice_in_a_file_is_taken_once() -> None:
    twice = [Found(replace(ANNA, uuid=uuid, issuer="Shop", secret=b"x")) for uuid in ("a", "b")]
    assert [each.verdict for each in arrivals(EMPTY, twice, keep_duplicates=False)] == ["new", "duplicate"]


def test_an_account_in_the_trash_is_new_again() -> None:
    before = edit.remove(vault(), "u-anna", MOMENT)
    found = Found(replace(ANNA, uuid="new"))
    assert arrivals(before, [found], keep_duplicates=False)[0].verdict == "new"


def test_groups_are_found_by_name_or_made_once() -> None:
    before = edit.alter(vault(), "u-anna", edit.Changes(join=(Group("g-work", "Work"),)), MOMENT)
    numbers = iter("123")
    found = [
        Found(Account(f"n{i}", "totp", f"I{i}", "", b"s%d" % i), 0, "", ("work", "Home")) for i in range(2)
    ]
    after = taken_in(
        before, arrivals(before, found, keep_duplicates=False), MOMENT, lambda: f"g-{next(numbers)}"
    )
    assert {group.name for group in after.groups.values()} == {"Work", "Home"}
    assert after.records["n0"].account.groups == after.records["n1"].account.groups
    assert "g-work" in after.records["n0"].account.groups
    assert len(after.records["n0"].account.groups) == 2


def test_accounts_stand_in_the_order_of_the_file_behind_all_others() -> None:
    found = [Found(Account(f"n{i}", "totp", f"I{9 - i}", "", b"s%d" % i)) for i in range(5)]
    after = taken_in(vault(), arrivals(vault(), found, keep_duplicates=False), MOMENT, lambda: "g")
    assert [record.account.uuid for record in after.ordered] == [
        "u-anna",
        "u-ben",
        *(f"n{i}" for i in range(5)),
    ]


@given(st.lists(founds(), max_size=6), st.lists(founds(), max_size=6))
def test_nothing_is_lost_and_a_second_import_of_the_same_changes_nothing(
    first: list[Found], second: list[Found]
) -> None:
    numbers = count()

    def names() -> str:
        return f"g-{next(numbers)}"

    before = taken_in(EMPTY, arrivals(EMPTY, first, keep_duplicates=False), MOMENT, names)
    after = taken_in(before, arrivals(before, second, keep_duplicates=False), MOMENT, names)
    assert before.records.keys() <= after.records.keys()
    for uuid, record in before.records.items():
        assert replace(after.records[uuid], counter=record.counter) == record
        assert after.records[uuid].counter >= record.counter
    secrets = {record.account.secret for record in after.records.values()}
    assert {found.account.secret for found in (*first, *second)} == secrets
    again = arrivals(after, [*first, *second], keep_duplicates=False)
    assert not any(each.added or each.verdict == "counter" for each in again)
