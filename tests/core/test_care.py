"""What time alone does to the display."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from appliance.core import care
from appliance.core.care import (
    NIGHT_SECONDS,
    SHIFT_SECONDS,
    bar_end,
    contrast,
    deadlines,
    is_night,
    light,
    shift,
)
from appliance.core.effects import Change
from appliance.core.events import Woke
from appliance.core.gestures import Gestured
from appliance.core.instant import Instant
from appliance.core.layout.code_screen import CodeView
from appliance.core.screen import LEVELS, Accounts, Brightness, Code, Qr
from appliance.core.state import Options, Spending
from appliance.core.step import deadline
from appliance.vault.model import Account
from tests.core.desk import OPTIONS, UNIX, Desk, account, only

ANNA: Final = account("a")
BERT: Final = account("b")
COIN: Final = account("h", "hotp")
MIDNIGHT: Final = UNIX - UNIX % 86_400.0
HOUR: Final = 3600.0
EVENING: Final = (22 * 60, 6 * 60)
"""Night hours over midnight."""
LUNCH: Final = (12 * 60, 13 * 60)


def desk_with(*accounts: Account, **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options))
    desk.open(*(accounts or (ANNA, BERT)))
    return desk


def lit(desk: Desk) -> str:
    return light(desk.state, desk.now)


def at(desk: Desk, hours: float, zone: int = 0) -> Desk:
    desk.now = replace(desk.now, unix=MIDNIGHT + hours * HOUR, zone=zone)
    return desk


# --- bright, dim and dark


def test_it_is_bright_then_dim_then_dark() -> None:
    desk = desk_with()
    seen = [lit(desk)]
    for seconds in (OPTIONS.dim_after - 0.5, 0.5, OPTIONS.blank_after - OPTIONS.dim_after - 0.5, 0.5):
        desk.later(seconds)
        seen.append(lit(desk))
    assert seen == ["bright", "bright", "dim", "dim", "dark"]


def test_a_press_makes_it_bright_again_and_counts_anew() -> None:
    desk = desk_with()
    desk.later(OPTIONS.dim_after)
    desk.gesture("next")
    assert lit(desk) == "bright"
    desk.later(OPTIONS.blank_after - 1.0)
    assert lit(desk) == "dim"


def test_zero_means_never() -> None:
    desk = desk_with(dim_after=0.0, blank_after=0.0)
    desk.later(2 * HOUR)
    assert lit(desk) == "bright"


def test_a_display_that_never_dims_goes_dark_all_the_same() -> None:
    desk = desk_with(dim_after=0.0)
    desk.later(OPTIONS.blank_after - 0.5)
    assert lit(desk) == "bright"
    desk.later(0.5)
    assert lit(desk) == "dark"


def test_a_qr_code_is_not_dimmed_while_a_camera_looks() -> None:
    desk = desk_with(allow_qr=True, dim_after=5.0)
    desk.gesture("menu", "next", "next", "ok", "next", "ok")
    assert isinstance(desk.screen(), Qr)
    desk.later(10.0)
    assert lit(desk) == "bright"
    desk.later(20.0)
    assert lit(desk) == "dim"


def test_the_dark_covers_the_screen_and_what_was_asked_for_and_keeps_the_account() -> None:
    desk = desk_with(reveal_on_press=True, blank_after=10.0)
    desk.gesture("next", "ok")
    desk.gesture("list", "next")
    desk.later(10.0)
    assert desk.dark()
    panel = desk.state.panel
    assert (panel.screen, panel.revealed_until, panel.selected) == (Code(), 0.0, "b")
    desk.gesture("ok")
    view = desk.view()
    assert isinstance(view, CodeView)
    assert (view.issuer, view.hidden) == ("Issuer b", True)


def test_the_dark_waits_for_a_counter_that_is_being_saved() -> None:
    desk = desk_with(COIN, blank_after=5.0)
    only(desk.gesture("ok"), Change)
    desk.later(5.0)
    assert desk.dark()
    assert isinstance(desk.state.panel.hotp, Spending)


# --- contrast


@pytest.mark.parametrize("level", LEVELS)
def test_the_contrast_is_that_of_the_chosen_row_and_else_of_the_panel(level: Any) -> None:
    desk = desk_with(brightness=77)
    assert contrast(desk.state) == 77
    desk.state = replace(desk.state, panel=replace(desk.state.panel, screen=Brightness(level)))
    assert contrast(desk.state) == LEVELS[level]
    desk.state = replace(desk.state, panel=replace(desk.state.panel, screen=Brightness(None)))
    assert contrast(desk.state) == 77


def test_levels_grow_within_what_controllers_count() -> None:
    contrasts = list(LEVELS.values())
    assert contrasts == sorted(set(contrasts))
    assert contrasts[0] >= 1
    assert contrasts[-1] == 255


# --- night


@pytest.mark.parametrize(
    ("night", "hours", "expected"),
    [
        (EVENING, 21.99, False),
        (EVENING, 22.0, True),
        (EVENING, 23.99, True),
        (EVENING, 0.0, True),
        (EVENING, 5.99, True),
        (EVENING, 6.0, False),
        (LUNCH, 11.99, False),
        (LUNCH, 12.0, True),
        (LUNCH, 12.99, True),
        (LUNCH, 13.0, False),
        (None, 23.0, False),
    ],
)
def test_the_night_begins_and_ends_on_its_minutes(night: Any, hours: float, *, expected: bool) -> None:
    desk = at(desk_with(night=night), hours)
    assert is_night(desk.state, desk.now) is expected


@pytest.mark.parametrize(("zone", "expected"), [(0, False), (2 * 3600, True), (-8 * 3600, False)])
def test_the_night_is_that_of_the_owner(zone: int, *, expected: bool) -> None:
    desk = at(desk_with(night=EVENING), 20.5, zone)
    assert is_night(desk.state, desk.now) is expected


def test_a_clock_in_doubt_knows_no_night() -> None:
    desk = at(desk_with(night=EVENING), 23.0)
    desk.trusting("not-set")
    assert not is_night(desk.state, desk.now)
    desk.trusting("held-over")
    assert is_night(desk.state, desk.now)


def test_with_the_gate_off_the_clock_is_believed_about_the_night_too() -> None:
    desk = at(desk_with(night=EVENING, require_trusted=False), 23.0)
    desk.trusting("not-set")
    assert is_night(desk.state, desk.now)


@pytest.mark.parametrize(
    ("blank_after", "dark_after"),
    [(300.0, NIGHT_SECONDS), (0.0, NIGHT_SECONDS), (20.0, 20.0)],
)
def test_at_night_it_goes_dark_after_a_minute_at_most(blank_after: float, dark_after: float) -> None:
    desk = at(desk_with(night=EVENING, blank_after=blank_after), 23.0)
    desk.later(dark_after - 0.5)
    assert lit(desk) != "dark"
    desk.later(0.5)
    assert lit(desk) == "dark"


def test_when_the_night_begins_a_panel_that_nobody_pressed_goes_dark_at_once() -> None:
    desk = at(desk_with(night=EVENING, blank_after=0.0), 21.9)
    desk.later(0.1 * HOUR - 1.0)
    assert lit(desk) == "dim"
    desk.later(1.0)
    assert lit(desk) == "dark"


# --- moving by a pixel


def places(minutes: int) -> list[tuple[int, int]]:
    return [
        shift(Instant(UNIX + SHIFT_SECONDS * minute, 0.0, "synchronised", 0.0)) for minute in range(minutes)
    ]


def test_the_picture_moves_by_one_pixel_a_minute_at_most() -> None:
    for (across, down), (then_across, then_down) in pairwise(places(120)):
        assert abs(across - then_across) + abs(down - then_down) <= 1


def test_the_picture_stands_at_all_twenty_five_places_equally_often() -> None:
    counted = Counter(places(50))
    assert len(counted) == 25
    assert set(counted.values()) == {2}
    assert {abs(step) for place in counted for step in place} == {0, 1, 2}


@pytest.mark.parametrize("begin", [0.0, MIDNIGHT, 2.0**31 - 2.0**31 % 60.0, -120.0])
def test_it_moves_on_the_minute_and_rests_only_at_the_ends_of_its_way(begin: float) -> None:
    def place(unix: float) -> tuple[int, int]:
        return shift(Instant(unix, 0.0, "synchronised", 0.0))

    edges = [begin + SHIFT_SECONDS * minute for minute in range(51)]
    for edge in edges:
        assert place(edge) == place(edge + SHIFT_SECONDS - 0.01)
    resting = [place(one) for one, other in pairwise(edges) if place(one) == place(other)]
    assert sorted(resting) == [(-2, -2), (2, 2)]


@pytest.mark.parametrize("period", [30, 60, 7])
def test_the_ends_of_the_bar_take_turns_with_the_periods(period: int) -> None:
    begin = UNIX - UNIX % period
    ends = [bar_end(period, Instant(begin + period * n, 0.0, "synchronised", 0.0)) for n in range(6)]
    assert ends in (["left", "right"] * 3, ["right", "left"] * 3)
    late = bar_end(period, Instant(begin + period - 0.01, 0.0, "synchronised", 0.0))
    assert late == ends[0]


# --- deadlines


def test_in_the_dark_nothing_is_due() -> None:
    desk = desk_with()
    desk.gesture("lock", "blank")
    assert deadlines(desk.state, desk.now) == []


def test_what_is_due_is_told() -> None:
    desk = desk_with(reveal_on_press=True)
    begin = desk.now.mono
    desk.gesture("ok")
    assert sorted(deadlines(desk.state, desk.now)) == [begin + 30.0, begin + 30.0, begin + 300.0]
    desk.move(30.0)
    assert deadlines(desk.state, desk.now) == [begin + 300.0]
    desk.gesture("menu")
    assert begin + 30.0 + care.RETURN_SECONDS in deadlines(desk.state, desk.now)
    desk.gesture("lock")
    assert begin + 30.0 + 6.0 in deadlines(desk.state, desk.now)


def test_the_letter_of_a_fast_walk_is_due_once() -> None:
    desk = desk_with(*(account(f"u{n}") for n in range(20)))
    desk.gesture("list")
    desk.tell(Gestured("next", 12))
    screen = desk.screen()
    assert isinstance(screen, Accounts)
    assert screen.fast_until == desk.now.mono + 1.0
    assert screen.fast_until in deadlines(desk.state, desk.now)
    desk.move(1.0)
    assert screen.fast_until not in deadlines(desk.state, desk.now)


@pytest.mark.parametrize("away", [0.0, 0.4, 7.0, 21.0, 31.0, 400.0, 86_400.0])
@pytest.mark.parametrize("way", [(), ("menu",), ("lock",), ("list", "next"), ("menu", "next", "ok")])
@pytest.mark.parametrize(
    "options", [{}, {"night": EVENING}, {"reveal_on_press": True}, {"blank_after": 0.0}, {"dim_after": 0.0}]
)
def test_after_waking_the_next_deadline_lies_in_the_future_however_late_it_is(
    away: float, way: Any, options: dict[str, Any]
) -> None:
    desk = desk_with(**options)
    desk.gesture("ok", *way)
    desk.tell(Gestured("next", 1))
    desk.move(away)
    desk.tell(Woke())
    assert deadline(desk.state, desk.now) > desk.now.mono


def test_it_wakes_in_time_for_all_that_changes() -> None:
    """Only where the loop looks can anything be seen."""
    desk = desk_with(dim_after=30.25, blank_after=60.75)
    changes = []
    before = lit(desk)
    begin = desk.now.mono
    while desk.now.mono < begin + 70.0:
        desk.move(deadline(desk.state, desk.now) - desk.now.mono)
        desk.tell(Woke())
        if lit(desk) != before:
            before = lit(desk)
            changes.append((desk.now.mono - begin, before))
    assert changes == [(30.25, "dim"), (60.75, "dark")]


def test_rest_changes_nothing_before_its_time() -> None:
    desk = desk_with()
    desk.gesture("menu", "lock")
    assert care.rested(desk.state, desk.now) == desk.state


def test_the_options_of_a_plain_desk_are_the_defaults() -> None:
    plain = Options(None)
    assert (OPTIONS.dim_after, OPTIONS.blank_after) == (plain.dim_after, plain.blank_after) == (30.0, 300.0)
