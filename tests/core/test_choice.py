"""The rows of the lists, and how a hand moves between them."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.choice import accounts, initial, items, leapt, levels, moved
from appliance.core.events import Failed, Missing
from appliance.core.instant import Trust
from tests.core.desk import OPTIONS, TROUBLE, Desk, account

ANNA: Final = account("a")
COIN: Final = account("h", "hotp")
STAR: Final = account("s", favorite=True)
ROWS: Final = ("one", "two", "three")


def desk_with(*shown: Any, trust: Trust = "synchronised", **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options), trust=trust)
    desk.open(*(shown or (ANNA,)))
    return desk


def rows(desk: Desk) -> list[str]:
    return list(items(desk.state, desk.now))


# --- moving


@pytest.mark.parametrize(
    ("chosen", "step", "pressed", "held"),
    [
        ("one", 1, "two", "two"),
        ("two", -1, "one", "one"),
        ("three", 1, "one", "three"),
        ("one", -1, "three", "one"),
        ("two", 0, "two", "two"),
    ],
)
def test_presses_go_around_and_repeats_stop_at_the_ends(
    chosen: str, step: int, pressed: str, held: str
) -> None:
    assert moved(ROWS, chosen, step, around=True) == pressed
    assert moved(ROWS, chosen, step, around=False) == held


def test_from_a_row_that_is_gone_it_goes_on_from_the_first() -> None:
    assert moved(ROWS, "four", 1, around=True) == "two"
    assert leapt(ROWS, ("a", "b", "c"), "four", 1) == "two"


@pytest.mark.parametrize(
    ("place", "step", "expected"),
    [(0, 1, 2), (1, 1, 2), (2, 1, 5), (5, 1, 6), (5, -1, 4), (4, -1, 1), (1, -1, 0)],
)
def test_a_leap_goes_to_the_nearest_row_of_another_letter(place: int, step: int, expected: int) -> None:
    assert leapt(tuple(range(7)), tuple("aabbbcd"), place, step) == expected


def test_a_leap_within_the_last_letter_goes_to_its_end() -> None:
    assert leapt(tuple(range(4)), tuple("abbb"), 1, 1) == 3
    assert leapt(tuple(range(4)), tuple("bbbb"), 2, -1) == 0
    assert leapt((0,), ("a",), 0, 1) == 0


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.data())
def test_leaps_always_come_to_an_end_of_the_list(letters: list[str], data: st.DataObject) -> None:
    numbers = tuple(range(len(letters)))
    place = data.draw(st.sampled_from(numbers))
    for _ in numbers:
        place = leapt(numbers, tuple(letters), place, 1)
    assert place == numbers[-1]


# --- rows


def test_accounts_are_listed_favourites_first_and_back_last() -> None:
    assert accounts(desk_with(ANNA, COIN, STAR).state) == ("s", "a", "h", None)
    assert accounts(Desk().state) == (None,)


def test_levels_end_in_back() -> None:
    assert levels() == ("low", "medium", "high", "full", None)


def test_the_menu_of_a_plain_desk() -> None:
    assert rows(desk_with()) == ["list", "status", "qr", "backup", "brightness", "about", "back"]


def test_without_a_broker_there_is_no_backup_to_ask_for() -> None:
    assert "backup" not in rows(desk_with(prefix=None))


def test_a_desk_that_can_be_locked_offers_it() -> None:
    for mode, second in (("credential", "status"), ("pin", "lock"), ("passphrase", "lock")):
        desk = Desk()
        desk.open(ANNA, mode=mode)  # type: ignore[arg-type]  # a mode
        assert rows(desk)[:2] == ["list", second]


def test_without_a_vault_there_is_nothing_of_accounts_in_the_menu() -> None:
    desk = Desk(replace(OPTIONS, layout="one"))
    starting = rows(desk)
    desk.tell(Missing(1))
    assert starting == rows(desk) == ["status", "brightness", "about", "back"]
    locked = Desk()
    locked.tell(Failed(1, TROUBLE))
    assert rows(locked) == starting


def test_a_vault_without_accounts_has_a_list_and_no_qr_code() -> None:
    desk = Desk()
    desk.open()
    assert rows(desk) == ["list", "status", "backup", "brightness", "about", "back"]


@pytest.mark.parametrize(
    ("shown", "trust", "early", "options", "first"),
    [
        (ANNA, "not-set", False, {}, "clock"),
        (ANNA, "not-set", True, {}, "list"),
        (ANNA, "held-over", False, {}, "list"),
        (ANNA, "not-set", False, {"require_trusted": False}, "list"),
        (COIN, "not-set", False, {}, "list"),
        (COIN, "not-set", False, {"layout": "one"}, "reveal"),
        (COIN, "synchronised", False, {"layout": "one"}, "reveal"),
        (ANNA, "synchronised", False, {"layout": "one"}, "list"),
        (ANNA, "synchronised", False, {"layout": "one", "reveal_on_press": True}, "reveal"),
        (ANNA, "not-set", False, {"layout": "one", "reveal_on_press": True}, "clock"),
        (ANNA, "synchronised", False, {"layout": "two", "reveal_on_press": True}, "list"),
        (COIN, "synchronised", False, {"layout": "three"}, "list"),
    ],
)
def test_what_is_wanted_most_comes_first(
    shown: Any,
    trust: Trust,
    early: bool,  # noqa: FBT001
    options: dict[str, Any],
    first: str,
) -> None:
    desk = desk_with(shown, trust=trust, **options)
    desk.now = replace(desk.now, early=early)
    found = rows(desk)
    assert found[0] == first
    assert found[-1] == "back"
    assert ("clock" in found, "reveal" in found) == (first == "clock", first == "reveal")


# --- initial letters


@pytest.mark.parametrize(
    ("issuer", "name", "letter"),
    [("bank", "anna", "B"), (" bank", "anna", "B"), ("", "anna", "A"), ("  ", "anna", "A"), ("", "", "")],
)
def test_an_account_is_looked_up_by_its_issuer_and_else_its_name(issuer: str, name: str, letter: str) -> None:
    desk = desk_with(replace(ANNA, issuer=issuer, name=name))
    assert initial(desk.state, "a") == letter


def test_back_and_what_is_not_there_have_no_letter() -> None:
    assert initial(desk_with().state, None) == ""
    assert initial(desk_with().state, "gone") == ""
    assert initial(Desk().state, "a") == ""
