"""The demo's hands: fingers that make true gestures out of letters, however late they come; and what is news."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.demo.fingers import PAUSE_SECONDS, STAY_SECONDS, TAP_SECONDS, Fingers, LetGo, Touch
from appliance.cli.demo.news import news
from appliance.core.gestures import Action, Buttons, Key, Moved, elapsed, moved

START: Final = 100.0


@dataclass
class Hand:
    """Fingers over true gestures, and a thread that is as late as a test wants."""

    late: tuple[float, ...] = (0.0,)
    """Seconds until an edge that is due is posted, for one edge after the other, over and over."""
    slow: float = 0.0
    """Seconds that posting takes; the appliance looks at its clock at the end of them."""
    now: float = START
    fingers: Fingers = field(default_factory=Fingers)
    buttons: Buttons = field(default_factory=Buttons)
    edges: list[tuple[Key, bool, float]] = field(default_factory=list)
    done: list[tuple[Action, int]] = field(default_factory=list)

    def pass_until(self, at: float) -> None:
        while self.fingers.due_at <= at:
            self.now = max(self.now, self.fingers.due_at) + self.late[len(self.edges) % len(self.late)]
            edge = self.fingers.due(self.now)
            assert edge is not None
            key, down = edge
            self.now += self.slow
            self.buttons, acted = moved(self.buttons, Moved(key, down, self.now), "three")
            self._did(acted)
            self.edges.append((key, down, self.now))
            self.fingers.moved(key, self.now)
        self.now = max(self.now, at)
        self.buttons, acted = elapsed(self.buttons, self.now, "three")
        self._did(acted)

    def do(self, act: Touch | LetGo, at: float) -> None:
        self.pass_until(START + at)
        self.fingers.take(act, self.now)

    def _did(self, acted: Any) -> None:
        self.done += [(one.action, one.repeat) for one in acted]


def test_a_tap_is_a_press() -> None:
    hand = Hand()
    hand.do(Touch("next", 0.0), 0.0)
    hand.do(Touch("ok", 0.0), 1.0)
    hand.pass_until(START + 5.0)
    assert hand.done == [("next", 0), ("ok", 0)]


def test_a_second_of_ok_is_a_hold_and_one_of_next_walks_on() -> None:
    hand = Hand()
    hand.do(Touch("ok", 1.0), 0.0)
    hand.pass_until(START + 2.0)
    assert hand.done == [("back", 0)]
    hand = Hand()
    hand.do(Touch("next", 1.0), 0.0)
    for turn in range(40):  # of the loop, which repeats once in each
        hand.pass_until(START + turn * 0.05)
    assert hand.done == [("next", 0), ("next", 1), ("next", 2), ("next", 3)]
    assert [down for _, down, _ in hand.edges] == [True, False]


@pytest.mark.parametrize(
    ("late", "slow"), [((0.0,), 0.0), ((0.2, 0.0), 0.0), ((0.0, 0.2), 0.0), ((0.0,), 0.2), ((0.1, 0.0), 0.1)]
)
def test_a_thread_that_is_late_or_slow_still_makes_a_press_of_each_tap(
    late: tuple[float, ...], slow: float
) -> None:
    hand = Hand(late, slow)
    for number in range(3):
        hand.do(Touch("ok", 0.0), number * 1.0)
    hand.pass_until(START + 9.0)
    assert hand.done == [("ok", 0)] * 3


def test_a_tap_on_a_button_that_is_held_does_not_end_the_hold() -> None:
    hand = Hand()
    hand.do(Touch("ok", 1.0), 0.0)
    hand.do(Touch("ok", 0.0), 0.2)
    hand.pass_until(START + 2.0)
    assert hand.done == [("back", 0)]


def test_two_quick_taps_are_two_presses() -> None:
    hand = Hand()
    hand.do(Touch("next", 0.0), 0.0)
    hand.do(Touch("next", 0.0), TAP_SECONDS + 0.001)
    hand.pass_until(START + 1.0)
    assert hand.done == [("next", 0), ("next", 0)]


@pytest.mark.parametrize("pause", [0.025, 0.033, 0.09])
def test_a_letter_that_is_kept_down_holds_the_button_until_shortly_after_it_is_let_go(pause: float) -> None:
    hand = Hand()
    repeats = int(2.0 / pause)
    hand.do(Touch("ok", 1.0), 0.0)
    for number in range(repeats):
        hand.do(Touch("ok", 1.0), 0.5 + number * pause)
    last = 0.5 + (repeats - 1) * pause
    hand.pass_until(START + 9.0)
    (down, up) = hand.edges
    assert (down[1], up[1]) == (True, False)
    assert up[2] == pytest.approx(START + last + STAY_SECONDS)
    assert hand.done == [("back", 0)]


def test_the_mouse_holds_until_it_lets_go_and_a_click_without_length_is_a_press() -> None:
    hand = Hand()
    hand.do(Touch("ok", inf), 0.0)
    hand.do(LetGo("ok"), 0.0)
    hand.do(Touch("next", inf), 1.0)
    hand.do(LetGo("next"), 1.3)
    hand.pass_until(START + 9.0)
    assert hand.done == [("ok", 0), ("next", 0)]
    assert [(key, down) for key, down, _ in hand.edges] == [
        ("ok", True),
        ("ok", False),
        ("next", True),
        ("next", False),
    ]
    assert hand.edges[3][2] == pytest.approx(START + 1.3)


def test_letting_go_of_a_key_that_nobody_touches_does_nothing() -> None:
    hand = Hand()
    hand.do(LetGo("ok"), 0.0)
    hand.do(Touch("ok", 0.0), 1.0)
    hand.pass_until(START + 2.0)
    hand.do(LetGo("ok"), 2.0)
    hand.pass_until(START + 3.0)
    assert len(hand.edges) == 2


ACTS: Final = st.lists(
    st.tuples(
        st.sampled_from(("previous", "next", "ok")),
        st.sampled_from((0.0, 1.0, inf, None)),
        st.floats(0.0, 1.5),
    ),
    max_size=20,
)


@given(ACTS, st.lists(st.floats(0.0, 0.3), min_size=1, max_size=5).map(tuple), st.floats(0.0, 0.3))
def test_the_edges_of_each_key_take_turns_and_lie_far_enough_apart(
    acts: list[tuple[Key, float | None, float]], late: tuple[float, ...], slow: float
) -> None:
    hand = Hand(late, slow)
    at = 0.0
    for key, seconds, pause in acts:
        at += pause
        hand.do(LetGo(key) if seconds is None else Touch(key, seconds), at)
    for key in ("previous", "next", "ok"):
        hand.do(LetGo(key), at)
    hand.pass_until(hand.now + 10.0)
    assert hand.fingers.due_at == inf
    for key in ("previous", "next", "ok"):
        edges = [(down, moment) for one, down, moment in hand.edges if one == key]
        assert [down for down, _ in edges] == [True, False] * (len(edges) // 2)
        for (down, before), (_, after) in pairwise(edges):
            assert after - before >= (TAP_SECONDS if down else PAUSE_SECONDS) - 1e-9


GOOD: Final[dict[str, Any]] = {
    "backup": {"state": "pending", "generation": None, "error": None},
    "display": {"ok": True, "error": None},
    "clock": {"state": "synchronised"},
}
LOST: Final = GOOD | {"display": {"ok": False, "error": "lost the panel: nothing answers"}}
DOUBTED: Final = GOOD | {"clock": {"state": "not-set"}}
VOUCHED: Final = GOOD | {"clock": {"state": "held-over"}}
VERIFIED: Final = GOOD | {"backup": {"state": "verified", "generation": 3, "error": None}}
REFUSED: Final = GOOD | {"backup": {"state": "too_large", "generation": None, "error": "5 MB"}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, GOOD, []),
        (GOOD, GOOD, []),
        (None, LOST, [("lost the panel", True)]),
        (GOOD, LOST, [("lost the panel: nothing answers", True)]),
        (LOST, LOST, []),
        (LOST, GOOD, [("the display is back", False)]),
        (GOOD, DOUBTED, [("can't be trusted", True)]),
        (DOUBTED, VOUCHED, [("somebody said", False)]),
        (VOUCHED, GOOD, [("synchronised", False)]),
        (DOUBTED, DOUBTED, []),
        (GOOD, VERIFIED, [("generation 3 was fetched back", False)]),
        (VERIFIED, VERIFIED, []),
        (GOOD, REFUSED, [("backup too large: 5 MB", False)]),
        (VERIFIED, GOOD, []),
    ],
)
def test_only_what_changed_is_news(
    before: dict[str, Any] | None, after: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    found = list(news(before, after))
    assert [grave for _, grave in found] == [grave for _, grave in expected]
    for (words, _), (part, _) in zip(found, expected, strict=True):
        assert part in words
