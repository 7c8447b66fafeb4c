"""Lengths of time in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.duration import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-86_400.0, "0 s"),
        (-0.5, "0 s"),
        (0.0, "0 s"),
        (0.99, "0 s"),
        (1.0, "1 s"),
        (59.9, "59 s"),
        (60.0, "1 min"),
        (3599.0, "59 min"),
        (3600.0, "1 h"),
        (86_399.0, "23 h"),
        (86_400.0, "1 day"),
        (2 * 86_400.0 - 1.0, "1 day"),
        (2 * 86_400.0, "2 days"),
        (40_000 * 86_400.0, "40000 days"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(-1e9, 1e10))
def test_any_length_is_short_enough_for_the_display(seconds: float) -> None:
    words = duration(seconds)
    assert len(words) <= 11
    assert words.partition(" ")[2] in {"s", "min", "h", "day", "days"}
