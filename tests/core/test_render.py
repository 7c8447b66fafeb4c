"""Which picture belongs to a state; what the pictures look like is for the tests of the layout."""

from dataclasses import replace
from typing import Any, Final

import pytest
from PIL.Image import Image

from appliance.core.account_view import SCROLL_REST, SCROLL_SECONDS, SCROLL_STEPS
from appliance.core.care import shift
from appliance.core.effects import Change, Check, Fetch
from appliance.core.events import (
    Authentic,
    Checked,
    Connected,
    Failed,
    Lost,
    Missing,
    Problem,
    Received,
)
from appliance.core.gestures import Gestured
from appliance.core.instant import Instant
from appliance.core.layout.clock_screen import ClockView, clock_frame
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.frame import blank_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.starting_screen import StartingView, starting_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame
from appliance.core.render import scrolling
from appliance.core.state import Options
from appliance.vault.otp import code_at, code_for
from tests.core.desk import OPTIONS, TOPIC, TROUBLE, UNIX, Desk, account, named, only, saved, vault_of

ANNA: Final = account("a")
STEAM: Final = replace(account("s", "steam"), digits=5)
COIN: Final = account("c", "hotp")
LONG: Final = account("l", issuer="The Society for the Preservation of Long Names")
ENDLESS: Final = account("e", issuer="The Society for the Preservation of Names " * 12)
QUIET: Final = replace(OPTIONS, prefix=None)
SHIFT: Final = shift(Instant(UNIX, 0.0, "synchronised", 0.0))
"""Where the picture stands in the minute of `UNIX`."""
NO_TIME: Final = ClockView("No network time yet.", "0 s", "2023-11-14 22:13:20 UTC", "right? press OK", SHIFT)


def desk_with(
    *accounts: Any, options: Options = QUIET, counter: int = 0, trust: Any = "synchronised"
) -> Desk:
    desk = Desk(options, trust=trust)
    desk.open(*accounts, counter=counter)
    return desk


def at(desk: Desk, unix: float) -> Image:
    desk.now = replace(desk.now, unix=unix)
    return desk.frame()


def view(code: str | None, **more: Any) -> CodeView:
    return CodeView(f"Issuer {more.pop('uuid', 'a')}", "anna", 1, 1, code, **{"shift": SHIFT, **more})


def message(problem: Problem) -> Image:
    return message_frame(MessageView(problem.what, (problem.why, problem.hint), problem.short, shift=SHIFT))


# --- screens


def test_while_starting_it_says_so() -> None:
    assert Desk().frame() == starting_frame(StartingView(SHIFT))


def test_without_a_vault_it_says_what_to_type_and_where() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert desk.frame() == welcome_frame(WelcomeView("desk.local", SHIFT))


def test_a_vault_that_does_not_open_tells_the_reason() -> None:
    desk = Desk()
    desk.tell(Failed(1, TROUBLE))
    assert desk.frame() == message(TROUBLE)


def test_a_vault_without_accounts_says_how_to_add_one() -> None:
    empty = MessageView("No accounts yet", ("sudo appliance add", "asks for the link"), "", shift=SHIFT)
    assert desk_with().frame() == message_frame(empty)


def test_a_message_covers_the_code() -> None:
    desk = desk_with(COIN)
    desk.tell(Failed(only(desk.tell(Gestured("ok")), Change).ref, TROUBLE))
    assert desk.frame() == message(TROUBLE)


def test_the_dark_covers_everything() -> None:
    desk = desk_with(ANNA)
    desk.later(OPTIONS.blank_after)
    assert desk.frame() == blank_frame()


# --- codes by time


def test_a_code_is_shown_with_the_seconds_that_are_left() -> None:
    # 1,700,000,000 is 20 s into a period of 30 s.
    desk = desk_with(ANNA)
    code = code_at(ANNA, UNIX).text
    assert desk.frame() == code_frame(view(code, seconds_left=10, fraction=10 / 30))
    assert at(desk, UNIX + 0.5) == code_frame(view(code, seconds_left=10, fraction=10 / 30))
    assert at(desk, UNIX + 1.0) == code_frame(view(code, seconds_left=9, fraction=9 / 30))


def test_a_period_begins_with_the_whole_bar() -> None:
    code = code_at(ANNA, UNIX + 10.0).text
    assert at(desk_with(ANNA), UNIX + 10.0) == code_frame(
        view(code, seconds_left=30, fraction=1.0, bar_from="right")
    )


@pytest.mark.parametrize(("into", "left"), [(5.0, 5), (9.0, 1), (9.99, 1)])
def test_in_the_last_five_seconds_the_next_code_is_shown_too(into: float, left: int) -> None:
    code, upcoming = code_at(ANNA, UNIX).text, code_at(ANNA, UNIX + 10.0).text
    expected = view(code, upcoming=upcoming, seconds_left=left, fraction=left / 30)
    assert at(desk_with(ANNA), UNIX + into) == code_frame(expected)


def test_six_seconds_before_the_end_it_is_not() -> None:
    code = code_at(ANNA, UNIX).text
    assert at(desk_with(ANNA), UNIX + 4.0) == code_frame(view(code, seconds_left=6, fraction=6 / 30))


def test_a_steam_code_is_shown() -> None:
    code = code_at(STEAM, UNIX).text
    assert len(code) == 5
    assert desk_with(STEAM).frame() == code_frame(view(code, uuid="s", seconds_left=10, fraction=10 / 30))


@pytest.mark.parametrize("unix", [-1.5, 0.0, 2.0**31 - 0.5, 2.0**31, 2.0**32 + 0.5, 253_402_300_800.0])
def test_any_time_can_be_drawn(unix: float) -> None:
    frame = at(desk_with(ANNA), unix)
    assert (frame.size, frame.mode) == ((128, 64), "1")


# --- the gate


@pytest.mark.parametrize("shown", [ANNA, STEAM])
def test_no_code_by_time_is_shown_while_the_clock_is_not_trusted(shown: Any) -> None:
    assert desk_with(shown, trust="not-set").frame() == clock_frame(NO_TIME)


def test_a_clock_that_was_trusted_and_jumped_takes_the_code_away() -> None:
    desk = desk_with(ANNA)
    desk.now = replace(desk.now, trust="not-set", jumped=True)
    assert desk.frame() == clock_frame(replace(NO_TIME, reason="It jumped."))
    desk.trusting("held-over")
    assert desk.frame() == code_frame(view(code_at(ANNA, UNIX).text, seconds_left=10, fraction=10 / 30))


def test_the_gate_can_be_switched_off() -> None:
    desk = desk_with(ANNA, options=replace(QUIET, require_trusted=False), trust="not-set")
    assert desk.frame() == code_frame(view(code_at(ANNA, UNIX).text, seconds_left=10, fraction=10 / 30))


def test_a_hotp_code_needs_no_clock() -> None:
    desk = desk_with(COIN, counter=7, trust="not-set")
    prompt = view(None, uuid="c", prompt="press OK for a code", counter=7, clock_sign=True)
    assert desk.frame() == code_frame(prompt)
    change = only(desk.tell(Gestured("ok")), Change)
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    stays = view(code_for(COIN, 7).text, uuid="c", counter=7, clock_sign=True, seconds_left=10, fraction=1.0)
    assert desk.frame() == code_frame(stays)


# --- HOTP


def test_a_hotp_code_is_shown_only_after_its_counter_was_saved() -> None:
    desk = desk_with(COIN, counter=7)
    assert desk.frame() == code_frame(view(None, uuid="c", prompt="press OK for a code", counter=7))
    change = only(desk.tell(Gestured("ok")), Change)
    assert desk.frame() == code_frame(view(None, uuid="c", prompt="saving the counter", counter=7))
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    stays = view(code_for(COIN, 7).text, uuid="c", counter=7, seconds_left=10, fraction=1.0)
    assert desk.frame() == code_frame(stays)
    desk.later(10.0)
    assert desk.frame() == code_frame(view(code_for(COIN, 7).text, uuid="c", counter=7))


def test_another_hotp_account_does_not_show_what_the_first_one_is_doing() -> None:
    other = account("d", "hotp")
    desk = desk_with(COIN, other, counter=7)
    desk.tell(Gestured("ok"))
    desk.tell(Gestured("next"))
    expected = replace(view(None, uuid="d", prompt="press OK for a code", counter=7), position=2, count=2)
    assert desk.frame() == code_frame(expected)


# --- signs


def with_sign(sign: Any) -> Image:
    return code_frame(view(code_at(ANNA, UNIX).text, seconds_left=10, fraction=10 / 30, sign=sign))


def test_without_a_broker_there_is_no_sign() -> None:
    assert desk_with(ANNA).frame() == with_sign("")


def test_the_sign_follows_the_backup() -> None:
    desk = desk_with(ANNA, options=OPTIONS)
    assert desk.frame() == with_sign("problem")
    fetch = only(desk.tell(Connected(None, retain=True)), Fetch)
    assert desk.frame() == with_sign("pending")
    check = only(desk.tell(Received(fetch.ref, TOPIC, named(vault_of()), retained=True)), Check)
    assert desk.frame() == with_sign("pending")
    desk.tell(Checked(check.ref, Authentic(1, novel=False)))
    assert desk.frame() == with_sign("verified")
    desk.tell(Lost(Problem("lost", "it closed the connection")))
    assert desk.frame() == with_sign("problem")


# --- long issuers


def scrolled(desk: Desk, seconds: float) -> list[bytes]:
    """Return the headers that are seen while time passes."""
    seen: list[bytes] = []
    for _ in range(round(seconds / SCROLL_SECONDS)):
        header = desk.frame().crop((0, 0, 128, 16)).tobytes()
        if not seen or seen[-1] != header:
            seen.append(header)
        desk.move(SCROLL_SECONDS)
    return seen


@pytest.mark.parametrize("shown", [LONG, ENDLESS])
def test_a_long_issuer_rests_scrolls_once_and_comes_back(shown: Any) -> None:
    desk = desk_with(shown)
    assert len(scrolled(desk, SCROLL_REST)) == 1
    assert scrolling(desk.state, desk.now)
    seen = scrolled(desk, 2 * SCROLL_REST + SCROLL_STEPS * SCROLL_SECONDS)
    assert 10 < len(seen) <= SCROLL_STEPS + 2
    assert seen[-1] == seen[0]
    assert not scrolling(desk.state, desk.now)
    assert len(scrolled(desk, 20.0)) == 1


def test_it_scrolls_again_when_it_comes_on_the_display_again() -> None:
    desk = desk_with(LONG, ANNA)
    desk.move(60.0)
    assert not scrolling(desk.state, desk.now)
    desk.tell(Gestured("next"))
    assert not scrolling(desk.state, desk.now)
    desk.tell(Gestured("next"))
    assert scrolling(desk.state, desk.now)


def test_nothing_scrolls_in_the_dark_or_without_an_account() -> None:
    desk = desk_with(LONG, options=replace(QUIET, blank_after=2.0))
    desk.later(2.0)
    assert not scrolling(desk.state, desk.now)
    assert not scrolling(Desk().state, desk.now)
