"""Trust in the clock."""

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.instant import EARLIEST, JUMP_SECONDS, LATEST, Instant, Reading, judge, vouched

DAY = 86_400.0
YEAR = 365 * DAY
UNIX = 1_800_000_000.0
END_OF_32_BITS = 2.0**31
END_OF_UNSIGNED_32_BITS = 2.0**32
HOUR_LATER = Reading(UNIX + 3600, 3700.0, synchronised=False)


def synchronised_at(unix: float = UNIX, mono: float = 100.0) -> Instant:
    return judge(None, Reading(unix, mono, synchronised=True))


def after(previous: Instant | None, steps: Iterable[float]) -> Instant:
    """Return the moment after these steps of the wall clock, a second apart."""
    now = previous or judge(None, Reading(UNIX, 100.0, synchronised=False))
    for step in steps:
        now = judge(now, Reading(now.unix + 1 + step, now.mono + 1, synchronised=False))
    return now


# --- synchronised and held over


def test_a_clock_that_never_was_synchronised_is_not_trusted() -> None:
    first = judge(None, Reading(0.0, 5.0, synchronised=False))
    later = judge(first, Reading(10.0, 15.0, synchronised=False))
    assert (first.trust, first.trusted) == ("not-set", False)
    assert (later.trust, later.since) == ("not-set", 5.0)


def test_synchronised_time_is_trusted_at_once_and_replaces_what_was_held() -> None:
    before = judge(None, Reading(0.0, 5.0, synchronised=False))
    proven = judge(before, Reading(UNIX, 6.0, synchronised=True))
    assert (proven.trust, proven.trusted, proven.since) == ("synchronised", True, 6.0)
    assert proven.anchor == UNIX - 6


def test_synchronised_time_follows_every_step_and_stays_synchronised_since_its_beginning() -> None:
    stepped = judge(synchronised_at(), Reading(UNIX + DAY, 101.0, synchronised=True))
    assert (stepped.trust, stepped.since, stepped.anchor) == ("synchronised", 100.0, UNIX + DAY - 101)
    assert after(stepped, [0.0]).trusted


def test_time_is_held_over_when_synchronisation_is_lost() -> None:
    held = judge(synchronised_at(), HOUR_LATER)
    assert (held.trust, held.trusted, held.since) == ("held-over", True, 3700.0)


def test_held_over_time_stays_held_over_and_remembers_since_when() -> None:
    held = judge(synchronised_at(), HOUR_LATER)
    again = judge(held, Reading(UNIX + 3700, 3800.0, synchronised=False))
    assert (again.trust, again.since) == ("held-over", 3700.0)


@pytest.mark.parametrize("unix", [0.0, END_OF_32_BITS - 1, END_OF_32_BITS, END_OF_UNSIGNED_32_BITS])
def test_the_ends_of_the_calendars_of_32_bits_are_moments_like_any_other(unix: float) -> None:
    proven = synchronised_at(unix)
    assert after(proven, [0.0, 0.0]).trusted
    assert not after(proven, [DAY]).trusted


# --- steps of the wall clock


@pytest.mark.parametrize("step", [DAY, -DAY, 91.0, -91.0, 10 * YEAR, -50 * YEAR, math.nan, math.inf])
def test_a_jump_of_the_wall_clock_ends_the_trust(step: float) -> None:
    jumped = after(synchronised_at(), [step])
    assert (jumped.trust, jumped.since, jumped.jumped) == ("not-set", 101.0, True)


@pytest.mark.parametrize("step", [90.0, -90.0, 0.5])
def test_a_small_step_does_not(step: float) -> None:
    assert after(synchronised_at(), [step]).trusted


@pytest.mark.parametrize("step", [40.0, -40.0])
def test_small_steps_add_up(step: float) -> None:
    proven = synchronised_at()
    assert after(proven, [step, step]).trusted
    lost = after(proven, [step, step, step])
    assert (lost.trusted, lost.jumped) == (False, True)


def test_steps_that_cancel_out_do_not_add_up() -> None:
    held = after(synchronised_at(), [40.0, -40.0] * 5)
    assert (held.trust, held.anchor) == ("held-over", UNIX - 100)


def test_a_jump_from_one_side_of_the_anchor_to_the_other_ends_the_trust() -> None:
    assert not after(synchronised_at(), [80.0, -160.0]).trusted


def test_suspension_is_no_jump_because_the_monotonic_clock_runs_on() -> None:
    asleep = judge(synchronised_at(), Reading(UNIX + DAY, 100.0 + DAY, synchronised=False))
    assert asleep.trusted


def test_trust_lost_in_a_jump_comes_back_only_with_synchronisation() -> None:
    jumped = after(synchronised_at(), [5 * YEAR])
    back = after(jumped, [-5 * YEAR, 0.0, 0.0])
    proven = judge(back, replace(HOUR_LATER, synchronised=True))
    assert (back.trusted, back.jumped, back.since) == (False, True, 101.0)
    assert (proven.trusted, proven.jumped) == (True, False)


def test_a_step_of_a_clock_that_nobody_trusted_is_no_jump() -> None:
    assert not after(None, [DAY]).jumped


# --- what says that the time was synchronised once


def test_the_first_reading_of_a_process_takes_the_word_of_an_earlier_synchronisation() -> None:
    held = judge(None, replace(HOUR_LATER, once=True))
    assert (held.trust, held.since, held.anchor) == ("held-over", 3700.0, UNIX + 3600 - 3700)
    assert after(held, [80.0]).trusted
    assert not after(held, [91.0]).trusted


def test_a_later_reading_does_not() -> None:
    doubted = judge(None, Reading(UNIX, 100.0, synchronised=False))
    assert not judge(doubted, replace(HOUR_LATER, once=True)).trusted


def test_after_a_jump_an_earlier_synchronisation_proves_nothing() -> None:
    jumped = after(synchronised_at(), [DAY])
    assert not judge(jumped, Reading(UNIX + DAY, 102.0, synchronised=False, once=True)).trusted


# --- a battery-backed clock

ALONE = Reading(UNIX, 100.0, synchronised=False)


@pytest.mark.parametrize("away", [0.0, 90.0, -90.0])
def test_a_battery_backed_clock_that_agrees_proves_the_time(away: float) -> None:
    held = judge(None, replace(ALONE, rtc=UNIX + away))
    assert (held.trust, held.anchor, held.since) == ("held-over", UNIX - 100, 100.0)


@pytest.mark.parametrize("away", [91.0, -91.0, YEAR, math.nan, math.inf, -math.inf])
def test_one_that_does_not_agree_proves_nothing(away: float) -> None:
    assert not judge(None, replace(ALONE, rtc=UNIX + away)).trusted


@pytest.mark.parametrize(
    ("both", "plausible"),
    [
        (0.0, False),
        (-1.0, False),
        (EARLIEST - 1, False),
        (EARLIEST, True),
        (END_OF_32_BITS, True),
        (LATEST - 1, True),
        (LATEST, False),
        (END_OF_UNSIGNED_32_BITS, False),
        (math.nan, False),
        (math.inf, False),
    ],
)
def test_a_battery_backed_clock_must_say_a_time_that_can_be_even_if_the_wall_clock_agrees(
    both: float, *, plausible: bool
) -> None:
    assert judge(None, Reading(both, 100.0, synchronised=False, rtc=both)).trusted is plausible


def test_a_battery_backed_clock_behind_the_last_good_time_has_stood_still() -> None:
    assert judge(None, replace(ALONE, rtc=UNIX, floor=UNIX)).trusted
    assert not judge(None, replace(ALONE, rtc=UNIX, floor=UNIX + 1)).trusted


def test_a_battery_backed_clock_proves_a_time_that_jumped() -> None:
    jumped = after(synchronised_at(), [DAY])
    proven = judge(jumped, Reading(UNIX + DAY + 2, 102.0, synchronised=False, rtc=UNIX + DAY))
    assert (proven.trust, proven.jumped, proven.since) == ("held-over", False, 102.0)
    assert proven.anchor == UNIX + DAY - 100
    assert after(proven, [0.0]).trusted


def test_without_a_step_the_old_proof_holds_and_a_battery_backed_clock_moves_nothing() -> None:
    held = judge(synchronised_at(), replace(HOUR_LATER, unix=UNIX + 3640, rtc=UNIX + 3640))
    assert held.anchor == UNIX - 100


# --- a time that has certainly passed


@pytest.mark.parametrize(
    ("unix", "floor", "early"),
    [
        (0.0, 0.0, True),
        (EARLIEST - 1, 0.0, True),
        (EARLIEST, 0.0, False),
        (UNIX - 1, UNIX, True),
        (UNIX, UNIX, False),
        (EARLIEST - 1, -5.0, True),
        (UNIX, math.nan, False),
        (UNIX, math.inf, False),
        (UNIX, LATEST, False),
        (0.0, math.nan, True),
    ],
)
def test_a_wall_clock_before_a_time_that_has_passed_is_early(
    unix: float, floor: float, *, early: bool
) -> None:
    assert judge(None, Reading(unix, 5.0, synchronised=False, floor=floor)).early is early


def test_one_wrong_hour_of_the_future_takes_nothing_from_synchronised_time() -> None:
    proven = judge(None, replace(ALONE, synchronised=True, floor=UNIX + 9 * YEAR))
    held = judge(proven, replace(HOUR_LATER, floor=UNIX + 9 * YEAR))
    assert (proven.trust, proven.early) == ("synchronised", False)
    assert held.trust == "held-over"


# --- the owner's word


def test_the_owner_can_vouch_for_a_time() -> None:
    confirmed = vouched(judge(None, ALONE))
    assert (confirmed.trust, confirmed.since, confirmed.anchor) == ("held-over", 100.0, UNIX - 100)
    assert after(confirmed, [80.0]).trusted
    assert not after(confirmed, [91.0]).trusted


def test_the_owners_word_ends_the_doubt_after_a_jump() -> None:
    confirmed = vouched(after(synchronised_at(), [DAY]))
    assert (confirmed.trust, confirmed.jumped, confirmed.since) == ("held-over", False, 101.0)
    assert after(confirmed, [0.0]).trusted


def test_the_owner_cannot_vouch_for_a_time_that_has_passed() -> None:
    early = judge(None, replace(ALONE, floor=UNIX + 1))
    assert vouched(early) == early


def test_the_owners_word_adds_nothing_to_synchronised_time() -> None:
    assert vouched(synchronised_at()) == synchronised_at()


def test_the_owners_word_moves_the_anchor_of_a_held_over_time_and_not_its_age() -> None:
    drifted = after(synchronised_at(), [0.0, 80.0])
    confirmed = vouched(drifted)
    assert (confirmed.since, confirmed.anchor) == (drifted.since, UNIX - 100 + 80)


# --- all of it


def test_the_zone_of_the_reading_is_the_zone_of_the_moment() -> None:
    assert judge(None, replace(ALONE, zone=-12_600)).zone == -12_600


NUMBERS = st.one_of(
    st.sampled_from([0.0, EARLIEST, UNIX, END_OF_32_BITS, LATEST, END_OF_UNSIGNED_32_BITS]),
    st.floats(-200, 200).map(lambda away: UNIX + away),
    st.floats(),
)
READINGS = st.builds(
    Reading,
    unix=NUMBERS,
    mono=st.floats(0, 1000),
    synchronised=st.booleans(),
    once=st.booleans(),
    rtc=st.none() | NUMBERS,
    floor=NUMBERS,
)


@given(st.lists(READINGS, min_size=1))
def test_every_trust_has_a_proof_whatever_clocks_say(readings: list[Reading]) -> None:
    now: Instant | None = None
    for reading in readings:
        before, now = now, judge(now, reading)
        assert not (now.trusted and now.jumped)
        if now.trust == "held-over":
            assert abs(now.unix - now.mono - now.anchor) <= JUMP_SECONDS
            held = before is not None and before.trusted and before.anchor == now.anchor
            assert held or reading.rtc is not None or (before is None and reading.once)
        if now.trust == "synchronised":
            assert reading.synchronised
        assert now.since == reading.mono or (before is not None and now.since == before.since)


@given(st.lists(READINGS.map(lambda each: replace(each, synchronised=False, once=False, rtc=None))))
def test_a_clock_for_which_nothing_vouches_is_never_trusted(readings: list[Reading]) -> None:
    now: Instant | None = None
    for reading in readings:
        now = judge(now, reading)
        assert (now.trust, now.jumped) == ("not-set", False)
