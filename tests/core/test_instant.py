"""Trust in the clock."""

import pytest

from appliance.core.instant import Instant, Reading, judge

DAY = 86_400.0
HOUR_LATER = Reading(1_700_003_600.0, 3700.0, synchronised=False)


def synchronised_at(unix: float, mono: float) -> Instant:
    return judge(None, Reading(unix, mono, synchronised=True))


def test_a_clock_that_never_was_synchronised_is_not_trusted() -> None:
    first = judge(None, Reading(0.0, 5.0, synchronised=False))
    later = judge(first, Reading(10.0, 15.0, synchronised=False))
    assert (first.trust, first.trusted) == ("not-set", False)
    assert (later.trust, later.since) == ("not-set", 5.0)


def test_synchronised_time_is_trusted_at_once_and_replaces_what_was_held() -> None:
    before = judge(None, Reading(0.0, 5.0, synchronised=False))
    after = judge(before, Reading(1_700_000_000.0, 6.0, synchronised=True))
    assert (after.trust, after.trusted, after.since) == ("synchronised", True, 6.0)


def test_time_is_held_over_when_synchronisation_is_lost() -> None:
    held = judge(synchronised_at(1_700_000_000.0, 100.0), HOUR_LATER)
    assert (held.trust, held.trusted, held.since) == ("held-over", True, 3700.0)


def test_held_over_time_stays_held_over_and_remembers_since_when() -> None:
    held = judge(synchronised_at(1_700_000_000.0, 100.0), HOUR_LATER)
    again = judge(held, Reading(1_700_003_700.0, 3800.0, synchronised=False))
    assert (again.trust, again.since) == ("held-over", 3700.0)


@pytest.mark.parametrize("step", [DAY, -DAY, 91.0, -91.0, 10 * 365 * DAY])
def test_a_jump_of_the_wall_clock_ends_the_trust(step: float) -> None:
    jumped = judge(
        synchronised_at(1_700_000_000.0, 100.0), Reading(1_700_000_001.0 + step, 101.0, synchronised=False)
    )
    assert (jumped.trust, jumped.since) == ("not-set", 101.0)


@pytest.mark.parametrize("step", [90.0, -90.0, 0.5])
def test_a_small_step_does_not(step: float) -> None:
    moved = judge(
        synchronised_at(1_700_000_000.0, 100.0), Reading(1_700_000_001.0 + step, 101.0, synchronised=False)
    )
    assert moved.trusted


def test_suspension_is_no_jump_because_the_monotonic_clock_runs_on() -> None:
    asleep = judge(
        synchronised_at(1_700_000_000.0, 100.0),
        Reading(1_700_000_000.0 + DAY, 100.0 + DAY, synchronised=False),
    )
    assert asleep.trusted


def test_trust_lost_in_a_jump_comes_back_only_with_synchronisation() -> None:
    jumped = judge(
        synchronised_at(1_700_000_000.0, 100.0), Reading(2_000_000_000.0, 101.0, synchronised=False)
    )
    back = judge(jumped, Reading(1_700_000_002.0, 102.0, synchronised=False))
    proven = judge(back, Reading(1_700_000_003.0, 103.0, synchronised=True))
    assert not back.trusted
    assert proven.trusted
