"""How long the link waits between attempts: pure arithmetic, on a clock of the test's own."""

import random

from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.broker import Backoff
from appliance.adapters.broker.pause import Kind


def longest(low: float, high: float) -> float:
    return high


def outage(backoff: Backoff, seconds: float, kind: Kind = "ordinary", start: float = 1000.0) -> float:
    """Fail at once, again and again, for so long; return the pause that follows."""
    now = start
    while True:
        pause = backoff.pause(kind, now, lasted=0.0)
        if now - start >= seconds:
            return pause
        now += pause


def test_the_first_pauses_are_between_half_a_second_and_five() -> None:
    assert Backoff(lambda low, high: low).pause("ordinary", 0, 0) == 0.5
    assert Backoff(longest).pause("ordinary", 0, 0) == 5


def test_after_an_outage_of_a_minute_the_link_is_back_within_seconds() -> None:
    assert outage(Backoff(longest), 60) <= 7


def test_after_any_outage_the_link_is_back_within_two_minutes() -> None:
    assert outage(Backoff(longest), 86400) == 120


def test_only_a_good_link_ends_an_outage() -> None:
    backoff = Backoff(longest)
    outage(backoff, 7200, start=0)
    assert backoff.pause("ordinary", 7300, lasted=29) == 120
    assert backoff.pause("ordinary", 7400, lasted=30) == 5


def test_three_refusals_in_a_row_make_it_five_minutes_and_anything_else_forgives_them() -> None:
    backoff = Backoff(longest)
    kinds: list[Kind] = ["unauthorised"] * 6
    kinds[2] = "ordinary"
    pauses = [backoff.pause(kind, now, 0) for now, kind in enumerate(kinds)]
    assert [pause > 120 for pause in pauses] == [False] * 5 + [True]


def test_take_overs_that_are_far_apart_are_no_quarrel() -> None:
    backoff = Backoff(longest)
    for now in (0, 31, 62, 93):
        backoff.pause("taken over", now, lasted=30)
        assert not backoff.contested


def test_a_quarrel_lasts_until_there_is_peace() -> None:
    backoff = Backoff(longest)
    for now in (0, 1, 2):
        backoff.pause("taken over", now, lasted=0.5)
    assert backoff.pause("taken over", 200, lasted=100) == 120
    assert backoff.contested
    assert backoff.pause("taken over", 800, lasted=300) == 5


def test_three_closings_without_a_reason_are_puzzling_but_not_with_a_failed_attempt_between() -> None:
    backoff, puzzles = Backoff(longest), []
    kinds: list[Kind] = ["closed"] * 6
    kinds[3] = "ordinary"
    for now, kind in enumerate(kinds):
        backoff.pause(kind, now, lasted=0.5)
        puzzles.append(backoff.puzzling)
    assert puzzles == [False, False, True, False, False, False]


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.tuples(
            st.sampled_from(("ordinary", "unauthorised", "taken over", "closed", "speechless")),
            st.floats(0, 1e6),
        )
    ),
)
def test_no_pause_is_ever_shorter_than_half_a_second_or_longer_than_six_minutes(
    seed: int, steps: list[tuple[Kind, float]]
) -> None:
    backoff, now = Backoff(random.Random(seed).uniform), 0.0
    for kind, lasted in steps:
        now += lasted
        assert 0.5 <= backoff.pause(kind, now, lasted) <= 360
