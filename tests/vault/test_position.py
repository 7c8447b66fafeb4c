import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault import position

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
POSITIONS = st.text(ALPHABET, max_size=12)


@given(POSITIONS)
def test_after_any_position_comes_a_greater_one_in_the_same_alphabet(before: str) -> None:
    following = position.after(before)
    assert following > before
    assert set(following) <= set(ALPHABET)
    assert not following.endswith("0")


@pytest.mark.parametrize(
    ("before", "following"),
    [
        ("", "0001"),
        ("0001", "0002"),
        ("000z", "001"),
        ("zzzyzz", "zzzzzz"),
        ("zzzz", "zzzzi"),
        ("zzzzzz", "zzzzzzi"),
    ],
)
def test_positions_are_fractions_of_six_places_until_those_are_used_up(before: str, following: str) -> None:
    assert position.after(before) == following


@given(POSITIONS, POSITIONS)
def test_between_two_different_fractions_there_is_always_another_one(one: str, other: str) -> None:
    low, high = sorted((one, other))
    found = position.between(low, high)
    if low.rstrip("0") == high.rstrip("0"):
        assert found is None
        return
    assert found is not None
    assert low < found < high
    assert not found.endswith("0")


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        ("1", "3", "2"),
        ("1", "2", "1i"),
        ("1", "11", "10i"),
        ("0001", "0002", "0001i"),
        ("", "i", "hzzz"),
        ("", "0001", "0000i"),
        ("", "0002", "0001"),
        ("z", None, "z001"),
        ("", None, "0001"),
    ],
)
def test_the_place_between_is_the_middle_of_the_shortest_gap(low: str, high: str | None, found: str) -> None:
    assert position.between(low, high) == found


@pytest.mark.parametrize(("low", "high"), [("", ""), ("", "0"), ("a", "a"), ("a", "a00"), ("a0", "a00")])
def test_between_equal_fractions_there_is_nothing(low: str, high: str) -> None:
    assert position.between(low, high) is None


def test_a_thousand_accounts_put_in_front_keep_short_positions() -> None:
    place: str | None = position.MIDDLE
    for _ in range(1000):
        assert place is not None
        place = position.between("", place)
    assert place is not None
    assert len(place) <= 6


@pytest.mark.parametrize("below", [True, False])
def test_a_gap_that_is_halved_five_hundred_times_still_has_a_place(below: bool) -> None:  # noqa: FBT001
    low, high = "1", "2"
    for _ in range(500):
        found = position.between(low, high)
        assert found is not None
        assert low < found < high
        low, high = (low, found) if below else (found, high)
    assert len(low) + len(high) < 250


def test_a_gap_of_a_single_place_is_used_before_positions_grow_longer() -> None:
    assert position.between("1", "3") == "2"
