from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.gestures import (
    Action,
    Buttons,
    Gestured,
    Key,
    Layout,
    Moved,
    deadline,
    elapsed,
    moved,
    stuck,
    used_up,
    went_down,
)

LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)
KEYS: Final[dict[Layout, tuple[Key, ...]]] = {
    "three": ("previous", "next", "ok"),
    "two": ("next", "ok"),
    "one": ("ok",),
    "joystick": ("left", "right", "up", "down", "centre", "key1", "key2", "key3"),
}
# What one short press does, for every key of every layout.
SHORT: Final[dict[tuple[Layout, Key], Action]] = {
    ("three", "previous"): "previous",
    ("three", "next"): "next",
    ("three", "ok"): "ok",
    ("two", "next"): "next",
    ("two", "ok"): "ok",
    ("one", "ok"): "next",
    ("joystick", "left"): "previous",
    ("joystick", "right"): "next",
    ("joystick", "up"): "previous",
    ("joystick", "down"): "next",
    ("joystick", "centre"): "ok",
    ("joystick", "key1"): "list",
    ("joystick", "key2"): "menu",
    ("joystick", "key3"): "blank",
}

Edge = tuple[float, bool]

# Shapes as an oscilloscope shows them, in milliseconds from the first contact: (time, closed).
CLEAN: Final = ((0.0, True),)
TACTILE: Final = (
    (0.0, True),
    (0.4, False),
    (0.9, True),
    (2.1, False),
    (2.3, True),
    (4.9, False),
    (5.2, True),
)
WORN: Final = (
    (0.0, True),
    (6.0, False),
    (7.5, True),
    (9.0, False),
    (11.0, True),
    (13.2, False),
    (15.0, True),
)
READ_LATE: Final = ((0.0, False), (1.0, False), (3.0, True), (8.0, True), (9.0, False), (15.0, True))
LIFTED: Final = ((0.0, False), (0.3, True), (1.1, False), (3.0, True), (5.4, False))
SCRATCHING: Final = ((0.0, False), (8.0, True), (9.0, False), (12.0, True), (15.0, False))


class Bench:
    """A keypad whose edges reach the loop at once, and a loop that keeps every deadline."""

    def __init__(self, layout: Layout = "three") -> None:
        self.layout = layout
        self.buttons = Buttons()
        self.acted: list[tuple[float, Gestured]] = []
        self.start = 5000.0

    @property
    def actions(self) -> list[Action]:
        """What the hand did, without automatic repeats."""
        return [acted.action for _, acted in self.acted if acted.repeat == 0]

    @property
    def told(self) -> list[tuple[float, Gestured]]:
        """Everything, with its time to the millisecond."""
        return [(round(at, 3), acted) for at, acted in self.acted]

    def edge(self, key: Key, seconds: float, *, down: bool) -> None:
        self.wait(seconds)
        self._do(
            lambda mono: moved(self.buttons, Moved(key, down, mono), self.layout),
            self.start + seconds,
        )

    def edges(self, key: Key, seconds: float, trace: Iterable[Edge]) -> None:
        """Play a trace of milliseconds."""
        for offset, down in trace:
            self.edge(key, seconds + offset / 1000, down=down)

    def press(
        self,
        key: Key,
        seconds: float,
        lasting: float = 0.1,
        closing: Sequence[Edge] = TACTILE,
        opening: Sequence[Edge] = LIFTED,
    ) -> None:
        self.edges(key, seconds, closing)
        self.edges(key, seconds + lasting, opening)

    def down(self, key: Key, seconds: float) -> None:
        self.edges(key, seconds, TACTILE)

    def up(self, key: Key, seconds: float) -> None:
        self.edges(key, seconds, LIFTED)

    def wait(self, seconds: float) -> None:
        """Keep the deadlines until then."""
        until = self.start + seconds
        while (due := deadline(self.buttons)) is not None and due <= until:
            self._do(lambda mono: elapsed(self.buttons, mono, self.layout), due)
            after = deadline(self.buttons)
            assert after is None or after > due, "a deadline that has passed must move"

    def _do(self, turn: Callable[[float], tuple[Buttons, tuple[Gestured, ...]]], mono: float) -> None:
        self.buttons, acted = turn(mono)
        self.acted += [(mono - self.start, one) for one in acted]


def short(layout: Layout, key: Key) -> Action:
    return SHORT[layout, key]


every_key = pytest.mark.parametrize(("layout", "key"), list(SHORT))


# One press, one action


@every_key
@pytest.mark.parametrize("closing", [CLEAN, TACTILE, WORN, READ_LATE])
@pytest.mark.parametrize("opening", [((0.0, False),), LIFTED, SCRATCHING])
@pytest.mark.parametrize("lasting", [0.03, 0.06, 0.2, 0.45])
def test_one_press_is_one_action_whatever_the_contact_does(
    layout: Layout, key: Key, closing: Sequence[Edge], opening: Sequence[Edge], lasting: float
) -> None:
    bench = Bench(layout)
    bench.press(key, 0.0, lasting, closing, opening)
    bench.wait(10.0)
    assert [acted for _, acted in bench.acted] == [Gestured(short(layout, key))]


def test_every_layout_has_its_keys_and_no_other() -> None:
    for layout in LAYOUTS:
        for key in get_args(Key):
            bench = Bench(layout)
            bench.press(key, 0.0)
            bench.wait(5.0)
            assert bool(bench.acted) == (key in KEYS[layout])


def test_a_key_that_the_layout_lacks_leaves_no_trace() -> None:
    assert moved(Buttons(), Moved("key1", True, 1.0), "three") == (Buttons(), ())


@pytest.mark.parametrize("key", ["previous", "next"])
def test_a_step_acts_at_the_press_within_one_deadline_of_the_last_bounce(key: Key) -> None:
    bench = Bench()
    bench.edges(key, 0.0, TACTILE)
    bench.wait(0.02)
    assert [round(at * 1000, 3) for at, _ in bench.acted] == [5.2 + 12.5]


def test_ok_acts_when_it_is_let_go() -> None:
    bench = Bench()
    bench.down("ok", 0.0)
    bench.wait(0.5)
    assert bench.acted == []
    bench.up("ok", 0.5)
    bench.wait(0.53)
    assert bench.actions == ["ok"]


def test_quick_presses_are_all_counted() -> None:
    bench = Bench()
    for number in range(20):
        bench.press("next", number * 0.1, 0.045, WORN, SCRATCHING)
    bench.wait(10.0)
    assert bench.actions == ["next"] * 20


# Noise


@every_key
@pytest.mark.parametrize("width", [0.05, 1.0, 4.9])
def test_spikes_on_the_wire_do_nothing(layout: Layout, key: Key, width: float) -> None:
    bench = Bench(layout)
    for number in range(100):
        bench.edges(key, number * 0.037, ((0.0, True), (width, False)))
    bench.wait(20.0)
    assert bench.acted == []


@every_key
@pytest.mark.parametrize("hertz", [50.0, 60.0, 400.0])
def test_a_floating_pin_that_hums_does_nothing(layout: Layout, key: Key, hertz: float) -> None:
    bench = Bench(layout)
    for number in range(1000):
        bench.edge(key, number * 0.5 / hertz, down=number % 2 == 0)
    bench.wait(60.0)
    assert bench.acted == []


def test_a_restless_wire_that_rests_for_a_moment_is_no_press_but_a_finger_is() -> None:
    bench = Bench()
    for number in range(10):
        bench.edges("next", number * 0.01, ((0.0, True), (5.0, False)))
    bench.edges("next", 0.1, ((0.0, True), (30.0, False)))
    bench.edges("next", 0.135, ((0.0, True), (5.0, False)))
    bench.wait(1.0)
    assert bench.acted == []
    for number in range(10):
        bench.edges("next", 1.0 + number * 0.01, ((0.0, True), (5.0, False)))
    bench.down("next", 1.1)
    bench.wait(1.2)
    assert bench.actions == ["next"]


@pytest.mark.parametrize("width", [0.1, 5.0, 15.0, 19.0])
def test_a_contact_that_opens_for_a_moment_while_it_is_held_is_not_pressed_again(width: float) -> None:
    bench = Bench()
    bench.down("next", 0.0)
    for number in range(1, 10):
        bench.edges("next", number * 0.04, ((0.0, False), (width, True)))
    bench.up("next", 0.45)
    bench.wait(2.0)
    assert [acted for _, acted in bench.acted] == [Gestured("next")]


def test_a_chattering_contact_still_holds() -> None:
    bench = Bench()
    bench.down("ok", 0.0)
    for number in range(1, 100):
        bench.edges("ok", number * 0.033, ((0.0, False), (3.0, True)))
    bench.up("ok", 3.4)
    bench.wait(5.0)
    assert bench.actions == ["back"]


def test_a_wire_that_comes_loose_while_held_does_not_run_on() -> None:
    bench = Bench()
    bench.down("next", 0.0)
    for number in range(1, 2000):
        bench.edge("next", 0.1 + number * 0.01, down=number % 2 == 0)
    assert bench.actions == ["next"]
    assert len(bench.acted) == 1


def test_no_step_comes_from_a_finger_that_is_just_leaving() -> None:
    bench = Bench()
    bench.down("next", 0.0)
    # The repeat is due at 5.2 + 500 ms; the contact opens just before and scratches past it.
    bench.edges("next", 0.5, ((0.0, False), (4.0, True), (6.0, False), (14.0, True), (15.0, False)))
    bench.wait(2.0)
    assert [acted for _, acted in bench.acted] == [Gestured("next")]


# Holding


def test_a_held_step_repeats_after_half_a_second_and_grows_faster() -> None:
    bench = Bench()
    bench.edges("next", 0.0, CLEAN)
    bench.wait(6.0)
    times = [at for at, _ in bench.acted]
    assert [acted.action for _, acted in bench.acted] == ["next"] * len(times)
    assert [acted.repeat for _, acted in bench.acted] == list(range(len(times)))
    assert times[1] == pytest.approx(0.5)
    pauses = [after - before for before, after in pairwise(times[1:])]
    assert pauses[0] == pytest.approx(1 / 5)
    assert pauses[-1] == pytest.approx(1 / 12)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(pauses))
    assert min(pauses) >= 1 / 12 - 1e-9


def test_repeats_end_with_the_hold() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.up("previous", 1.0)
    bench.wait(1.05)
    count = len(bench.acted)
    assert count > 2
    bench.wait(10.0)
    assert len(bench.acted) == count


def test_a_loop_that_was_away_finds_one_repeat_and_not_all_that_it_missed() -> None:
    buttons, _ = moved(Buttons(), Moved("next", True, 10.0), "three")
    buttons, acted = elapsed(buttons, 15.0, "three")
    assert acted == (Gestured("next"), Gestured("next", 1))
    due = deadline(buttons)
    assert due is not None
    assert due == pytest.approx(15.2)


@pytest.mark.parametrize(("layout", "key"), [("three", "ok"), ("two", "ok"), ("joystick", "centre")])
def test_ok_held_is_back_at_once_and_letting_go_does_nothing(layout: Layout, key: Key) -> None:
    bench = Bench(layout)
    bench.edges(key, 0.0, CLEAN)
    bench.wait(0.79)
    assert bench.acted == []
    bench.wait(0.81)
    assert bench.actions == ["back"]
    bench.up(key, 2.0)
    bench.wait(5.0)
    assert bench.told == [(0.8, Gestured("back"))]


def test_ok_let_go_just_before_the_hold_is_ok() -> None:
    bench = Bench()
    bench.edges("ok", 0.0, CLEAN)
    bench.edges("ok", 0.79, LIFTED)
    bench.wait(5.0)
    assert bench.actions == ["ok"]


def test_keys_beside_the_stick_do_not_repeat() -> None:
    for key in ("key1", "key2", "key3"):
        bench = Bench("joystick")
        bench.down(key, 0.0)
        bench.wait(30.0)
        assert len(bench.acted) == 1


# Two buttons


def test_of_two_buttons_next_held_is_previous_again_and_again() -> None:
    bench = Bench("two")
    bench.edges("next", 0.0, CLEAN)
    bench.wait(0.49)
    assert bench.acted == []
    bench.wait(1.0)
    bench.up("next", 1.0)
    bench.wait(5.0)
    assert [acted for _, acted in bench.acted] == [
        Gestured("previous"),
        Gestured("previous", 1),
        Gestured("previous", 2),
    ]
    assert [round(at, 3) for at, _ in bench.acted] == [0.5, 0.7, 0.9]


# One button


def test_a_single_press_of_the_only_button_is_next_when_no_second_can_follow() -> None:
    bench = Bench("one")
    bench.press("ok", 0.0, 0.1, CLEAN, ((0.0, False),))
    bench.wait(0.39)
    assert bench.acted == []
    bench.wait(0.41)
    assert bench.told == [(0.4, Gestured("next"))]


def test_a_double_press_of_the_only_button_is_previous_at_its_second_press() -> None:
    bench = Bench("one")
    bench.press("ok", 0.0, 0.08)
    bench.down("ok", 0.3)
    bench.wait(0.35)
    assert bench.actions == ["previous"]
    bench.up("ok", 2.0)
    bench.wait(5.0)
    assert bench.actions == ["previous"]
    assert len(bench.acted) == 1


def test_two_slow_presses_of_the_only_button_are_two_steps() -> None:
    bench = Bench("one")
    bench.press("ok", 0.0)
    bench.press("ok", 0.45)
    bench.wait(5.0)
    assert bench.actions == ["next", "next"]


def test_after_a_double_press_the_next_is_a_single_one() -> None:
    bench = Bench("one")
    for at in (0.0, 0.2, 0.4):
        bench.press("ok", at)
    bench.wait(5.0)
    assert bench.actions == ["previous", "next"]


def test_a_second_press_that_bounces_over_the_end_of_the_wait_is_counted_once() -> None:
    bench = Bench("one")
    bench.press("ok", 0.0, 0.1, CLEAN, ((0.0, False),))
    bench.press("ok", 0.395, 0.1, ((0.0, True), (2.0, False), (3.0, True), (8.0, False), (9.0, True)))
    bench.wait(5.0)
    assert bench.actions in (["previous"], ["next", "next"])


def test_the_only_button_held_selects_and_letting_go_does_nothing() -> None:
    bench = Bench("one")
    bench.edges("ok", 0.0, CLEAN)
    bench.wait(0.81)
    assert bench.actions == ["select"]
    bench.up("ok", 1.0)
    bench.wait(5.0)
    assert bench.actions == ["select"]


# Two keys together


@pytest.mark.parametrize(("first", "second"), [("previous", "next"), ("next", "previous")])
@pytest.mark.parametrize("apart", [0.0, 0.03, 0.07])
def test_previous_and_next_together_for_three_seconds_lock(first: Key, second: Key, apart: float) -> None:
    bench = Bench()
    bench.edges(first, 0.0, CLEAN)
    bench.edges(second, apart + 1e-4, CLEAN)
    bench.wait(apart + 2.99)
    assert [acted for _, acted in bench.acted] == [Gestured(short("three", first))]
    bench.wait(apart + 3.01)
    assert bench.actions == [first, "lock"]
    bench.wait(20.0)
    bench.up(first, 20.0)
    bench.up(second, 20.1)
    bench.wait(30.0)
    assert [acted.action for _, acted in bench.acted] == [first, "lock"]


def test_a_key_that_rolls_over_to_the_other_acts_for_both() -> None:
    bench = Bench()
    bench.down("next", 0.0)
    bench.down("previous", 0.15)
    bench.up("next", 0.2)
    bench.up("previous", 0.3)
    bench.wait(10.0)
    assert bench.actions == ["next", "previous"]


def test_a_slow_pair_takes_its_first_step_back_and_locks() -> None:
    bench = Bench()
    bench.down("next", 0.0)
    bench.down("previous", 0.3)
    bench.wait(10.0)
    assert [acted.action for _, acted in bench.acted] == ["next", "previous", "lock"]
    assert bench.acted[-1][0] == pytest.approx(0.3 + 0.0052 + 3.0)


def test_ok_between_does_not_part_a_pair() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.down("next", 0.03)
    bench.press("ok", 1.0)
    bench.wait(5.0)
    assert bench.actions == ["previous", "ok", "lock"]


@pytest.mark.parametrize("lifted", ["previous", "next"])
def test_a_pair_that_parts_early_neither_locks_nor_runs(lifted: Key) -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.down("next", 0.03)
    bench.up(lifted, 2.9)
    bench.wait(30.0)
    assert [acted.action for _, acted in bench.acted] == ["previous"]


def test_a_pair_that_parts_in_the_last_moment_does_not_lock() -> None:
    bench = Bench()
    bench.edges("previous", 0.0, CLEAN)
    bench.edges("next", 0.03, CLEAN)
    bench.edges("previous", 3.02, SCRATCHING)
    bench.wait(30.0)
    assert "lock" not in bench.actions


def test_a_pair_may_meet_again() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.down("next", 0.03)
    bench.up("previous", 1.0)
    bench.down("previous", 1.5)
    bench.wait(4.4)
    assert "lock" not in bench.actions
    bench.wait(4.6)
    assert bench.actions == ["previous", "previous", "lock"]


def test_ok_may_be_pressed_while_another_key_is_held() -> None:
    bench = Bench()
    bench.down("next", 0.0)
    bench.press("ok", 0.1, 0.1)
    bench.up("next", 0.3)
    bench.wait(5.0)
    assert bench.actions == ["next", "ok"]


def test_of_two_buttons_no_pair_locks() -> None:
    bench = Bench("two")
    bench.down("next", 0.0)
    bench.down("ok", 0.01)
    bench.wait(30.0)
    assert "lock" not in bench.actions


@pytest.mark.parametrize(("first", "second"), [("left", "up"), ("down", "centre"), ("centre", "right")])
def test_a_stick_pushed_slantwise_acts_once(first: Key, second: Key) -> None:
    bench = Bench("joystick")
    bench.down(first, 0.0)
    bench.down(second, 0.02)
    bench.up(second, 0.2)
    bench.up(first, 0.22)
    bench.wait(5.0)
    assert bench.actions == [short("joystick", first)]


def test_a_stick_held_aside_goes_on_repeating_when_it_tilts() -> None:
    bench = Bench("joystick")
    bench.down("right", 0.0)
    bench.press("down", 0.3)
    bench.wait(1.0)
    assert {acted.action for _, acted in bench.acted} == {"next"}
    assert len(bench.acted) > 2


def test_a_key_beside_the_stick_acts_while_the_stick_is_held() -> None:
    bench = Bench("joystick")
    bench.down("left", 0.0)
    bench.press("key2", 0.1)
    bench.wait(0.4)
    assert bench.actions == ["previous", "menu"]


# Stuck keys


@every_key
def test_a_key_held_for_a_minute_is_stuck_and_ignored_until_it_is_let_go(layout: Layout, key: Key) -> None:
    bench = Bench(layout)
    bench.edges(key, 0.0, CLEAN)
    bench.wait(59.9)
    assert stuck(bench.buttons) == ()
    bench.wait(60.1)
    assert stuck(bench.buttons) == (key,)
    count = len(bench.acted)
    bench.wait(1000.0)
    assert deadline(bench.buttons) is None
    bench.up(key, 1000.0)
    bench.wait(1001.0)
    assert stuck(bench.buttons) == ()
    assert len(bench.acted) == count
    bench.press(key, 1002.0)
    bench.wait(1003.0)
    assert bench.actions[-1] == short(layout, key)
    assert len(bench.acted) == count + 1


def test_a_stuck_key_does_not_hinder_the_others() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.wait(100.0)
    count = len(bench.acted)
    bench.press("next", 100.0)
    bench.down("next", 101.0)
    bench.wait(120.0)
    assert [acted.action for _, acted in bench.acted[count:]] == ["next"] * (len(bench.acted) - count)
    assert len(bench.acted) - count > 3
    stick = Bench("joystick")
    stick.down("left", 0.0)
    stick.wait(100.0)
    stick.press("right", 100.0)
    stick.wait(101.0)
    assert stick.actions == ["previous", "next"]


def test_a_key_that_gets_stuck_in_a_pair_does_not_lock() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.down("next", 58.0)
    bench.wait(100.0)
    assert "lock" not in bench.actions


def test_a_key_that_gets_stuck_on_a_loose_wire_does_nothing_when_it_comes_free() -> None:
    bench = Bench()
    bench.down("ok", 0.0)
    for number in range(1, 6002):
        bench.edge("ok", 0.1 + number * 0.0101, down=number % 2 == 0)
    assert stuck(bench.buttons) == ("ok",)
    bench.wait(100.0)
    assert stuck(bench.buttons) == ()
    assert bench.acted == []


def test_stuck_keys_are_told_in_order_of_their_names() -> None:
    bench = Bench("joystick")
    for key in ("up", "centre", "key1"):
        bench.down(key, 0.0 if key == "up" else 1.0)
    bench.wait(100.0)
    assert stuck(bench.buttons) == ("centre", "key1", "up")


# Time


def test_nothing_is_due_on_buttons_that_nobody_touched() -> None:
    assert deadline(Buttons()) is None
    assert elapsed(Buttons(), 1e9, "three") == (Buttons(), ())


def test_an_edge_that_waited_counts_at_its_own_time() -> None:
    buttons, _ = moved(Buttons(), Moved("ok", True, 10.0), "three")
    # The loop was busy until 12.0; the finger left at 10.7.
    buttons, acted = moved(buttons, Moved("ok", False, 10.7), "three")
    assert acted == ()
    assert elapsed(buttons, 12.0, "three")[1] == (Gestured("ok"),)


def test_what_was_due_before_an_edge_comes_first() -> None:
    buttons, _ = moved(Buttons(), Moved("ok", True, 10.0), "three")
    buttons, acted = moved(buttons, Moved("next", True, 11.0), "three")
    assert acted == (Gestured("back"),)
    assert elapsed(buttons, 11.1, "three")[1] == (Gestured("next"),)


def test_an_edge_that_is_older_than_the_last_of_its_key_says_nothing() -> None:
    buttons, _ = moved(Buttons(), Moved("next", True, 10.0), "three")
    assert moved(buttons, Moved("next", False, 9.9), "three") == (buttons, ())
    assert elapsed(buttons, 10.1, "three")[1] == (Gestured("next"),)


def test_an_edge_of_another_key_may_be_older() -> None:
    buttons, _ = moved(Buttons(), Moved("next", True, 10.0), "three")
    buttons, acted = moved(buttons, Moved("ok", True, 9.99), "three")
    buttons, more = moved(buttons, Moved("ok", False, 10.2), "three")
    assert acted + more + elapsed(buttons, 10.3, "three")[1] == (Gestured("next"), Gestured("ok"))


def test_the_clock_going_back_changes_nothing() -> None:
    buttons, _ = moved(Buttons(), Moved("next", True, 10.0), "three")
    buttons, _ = elapsed(buttons, 10.1, "three")
    assert elapsed(buttons, 3.0, "three") == (buttons, ())


# Generated

MILLI: Final = st.floats(0.05, 15.0)


@st.composite
def bounces(draw: st.DrawFn, *, closed: bool) -> list[Edge]:
    """Edges within 15 ms, of which only the last must tell the truth: levels are read late."""
    inner = sorted(draw(st.lists(MILLI, max_size=12)))
    return [(0.0, draw(st.booleans())) for _ in inner[:1]] + [
        *((at, draw(st.booleans())) for at in inner[:-1]),
        (inner[-1] if inner else 0.0, closed),
    ]


@st.composite
def presses(draw: st.DrawFn) -> tuple[Layout, list[tuple[Key, float, list[Edge]]]]:
    """Physical presses, one after the other: the layout, and for each its key, its time and its edges."""
    layout: Layout = draw(st.sampled_from(LAYOUTS))
    gap = 0.35 if layout == "one" else 0.05
    at, pressed = 0.0, []
    for key in draw(st.lists(st.sampled_from(KEYS[layout]), min_size=1, max_size=6)):
        at += draw(st.floats(gap, 2.0))
        lasting = draw(st.floats(30.0, 480.0))
        closing, opening = draw(bounces(closed=True)), draw(bounces(closed=False))
        pressed.append((key, at, closing + [(lasting + offset, down) for offset, down in opening]))
        at += (lasting + 15.0) / 1000
    return layout, pressed


@settings(deadline=None)
@given(presses())
def test_so_many_presses_so_many_actions(drawn: tuple[Layout, list[tuple[Key, float, list[Edge]]]]) -> None:
    layout, pressed = drawn
    bench = Bench(layout)
    for key, at, trace in pressed:
        bench.edges(key, at, trace)
    bench.wait(1000.0)
    assert [acted for _, acted in bench.acted] == [Gestured(short(layout, key)) for key, _, _ in pressed]


@st.composite
def storms(draw: st.DrawFn, layouts: Sequence[Layout] = LAYOUTS) -> tuple[Layout, list[Moved]]:
    """Anything at all on any keys, in order of time; some of it slow enough for holds and stuck keys."""
    layout: Layout = draw(st.sampled_from(layouts))
    pause = st.floats(0.0, 0.03) | st.floats(0.0, 1.0) | st.sampled_from((3.0, 4.0, 61.0))
    keys = st.sampled_from(get_args(Key)) | st.sampled_from(KEYS[layout])
    mono, events = 100.0, []
    for key, down, seconds in draw(st.lists(st.tuples(keys, st.booleans(), pause), max_size=25)):
        mono += seconds
        events.append(Moved(key, down, mono))
    return layout, events


def firsts(acted: Iterable[Gestured]) -> list[Action]:
    return [one.action for one in acted if one.repeat == 0]


@settings(deadline=None)
@given(storms(), st.data())
def test_in_any_storm_deadlines_move_and_no_action_lacks_a_press(
    storm: tuple[Layout, list[Moved]], data: st.DataObject
) -> None:
    layout, events = storm
    buttons, acted = Buttons(), list[Gestured]()
    for event in events:
        late = event.mono + data.draw(st.sampled_from((0.0, 0.0, 0.01, 0.5, 100.0)))
        buttons, more = moved(buttons, event, layout)
        acted += more
        buttons, more = elapsed(buttons, late, layout)
        acted += more
        due = deadline(buttons)
        assert due is None or due > late
        assert set(stuck(buttons)) <= set(KEYS[layout])
    buttons, more = elapsed(buttons, 1e6, layout)
    acted += more
    downs = sum(event.down for event in events if event.key in KEYS[layout])
    hand = firsts(acted)
    assert len(hand) - hand.count("lock") <= downs
    assert hand.count("lock") <= downs // 2
    assert len(acted) - len(hand) <= 2 * len(events) + 1  # each turn finds at most one repeat
    assert all(acted.action in get_args(Action) for acted in acted)


@settings(deadline=None)
@given(storms())
def test_a_loop_that_keeps_every_deadline_and_one_that_is_always_late_see_the_same_hand(
    storm: tuple[Layout, list[Moved]],
) -> None:
    layout, events = storm
    bench = Bench(layout)
    bench.start = 0.0
    late, acted = Buttons(), list[Gestured]()
    for event in events:
        bench.edge(event.key, event.mono, down=event.down)
        late, more = moved(late, event, layout)
        acted += more
    bench.wait(1e5)
    acted += elapsed(late, 1e5, layout)[1]
    assert bench.actions == firsts(acted)


@settings(deadline=None)
@given(storms(("three", "two")))
def test_no_step_comes_sooner_than_a_twelfth_of_a_second_after_another_by_itself(
    storm: tuple[Layout, list[Moved]],
) -> None:
    layout, events = storm
    bench = Bench(layout)
    bench.start = 0.0
    for event in events:
        bench.edge(event.key, event.mono, down=event.down)
    bench.wait(events[-1].mono + 70.0 if events else 1.0)
    last: dict[Action, float] = {}
    for at, acted in bench.acted:
        assert acted.repeat == 0 or at - last[acted.action] >= 1 / 12 - 1e-6
        last[acted.action] = at


# --- what wakes a panel


def downs(bench: Bench, before: Buttons) -> bool:
    return went_down(before, bench.buttons)


@every_key
def test_a_key_goes_down_when_its_contact_settles_and_only_then(layout: Layout, key: Key) -> None:
    bench = Bench(layout)
    bench.edge(key, 0.0, down=True)
    assert not downs(bench, Buttons())
    before = bench.buttons
    bench.wait(0.02)
    assert downs(bench, before)
    before = bench.buttons
    bench.wait(0.3)
    assert not downs(bench, before)
    bench.up(key, 0.31)
    bench.wait(1.0)
    assert not downs(bench, before)


def test_noise_is_no_key_that_goes_down() -> None:
    bench = Bench()
    bench.edge("ok", 0.0, down=True)
    bench.edge("ok", 0.005, down=False)
    bench.wait(1.0)
    assert not downs(bench, Buttons())


def test_a_press_is_noticed_though_it_is_handled_late_and_another_key_is_held() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.wait(0.1)
    before = bench.buttons
    bench.edge("next", 0.2, down=True)
    assert not downs(bench, before)
    bench.wait(5.0)
    assert downs(bench, before)


def test_a_key_that_comes_free_after_it_was_stuck_does_not_go_down_and_its_next_press_does() -> None:
    bench = Bench()
    bench.down("ok", 0.0)
    bench.wait(70.0)
    assert stuck(bench.buttons) == ("ok",)
    before = bench.buttons
    bench.up("ok", 70.0)
    bench.wait(71.0)
    assert not downs(bench, before)
    bench.down("ok", 72.0)
    bench.wait(72.1)
    assert downs(bench, before)


@every_key
def test_a_press_that_is_used_up_does_no_more_however_long_it_lasts_and_the_next_acts(
    layout: Layout, key: Key
) -> None:
    bench = Bench(layout)
    bench.down(key, 0.0)
    bench.wait(0.1)
    bench.acted.clear()
    bench.buttons = used_up(bench.buttons)
    bench.wait(20.0)
    bench.up(key, 20.0)
    bench.wait(25.0)
    assert bench.acted == []
    bench.press(key, 30.0)
    bench.wait(31.0)
    assert bench.actions == [short(layout, key)]


def test_a_second_press_after_one_that_was_used_up_is_no_double_one() -> None:
    bench = Bench("one")
    bench.down("ok", 0.0)
    bench.wait(0.05)
    bench.buttons = used_up(bench.buttons)
    bench.up("ok", 0.1)
    bench.press("ok", 0.2)
    bench.wait(2.0)
    assert bench.actions == ["next"]


def test_keys_that_are_up_are_not_used_up() -> None:
    bench = Bench("one")
    bench.press("ok", 0.0)
    bench.wait(0.2)
    bench.buttons = used_up(bench.buttons)
    bench.wait(1.0)
    assert bench.actions == ["next"]


def test_a_pair_that_is_used_up_does_not_lock() -> None:
    bench = Bench()
    bench.down("previous", 0.0)
    bench.down("next", 0.05)
    bench.wait(0.1)
    bench.acted.clear()
    bench.buttons = used_up(bench.buttons)
    bench.wait(10.0)
    assert bench.acted == []


def test_a_key_that_is_used_up_and_held_on_gets_stuck_all_the_same() -> None:
    bench = Bench()
    bench.down("ok", 0.0)
    bench.wait(0.1)
    bench.buttons = used_up(bench.buttons)
    bench.wait(61.0)
    assert stuck(bench.buttons) == ("ok",)
