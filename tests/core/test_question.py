"""What the control socket may see and do; the rest of its answers is in `test_step.py`."""

from dataclasses import replace
from typing import Any, Final

import pytest

from appliance.core.effects import Change, ReplyFrame, Simulate
from appliance.core.events import Asked
from appliance.core.hand import QR_SECONDS
from appliance.core.screen import Accounts, Code, Menu, Pages, Qr, Question
from tests.core.desk import OPTIONS, Desk, account, every, only, replies

ANNA: Final = account("a")
BERT: Final = account("b")
COIN: Final = account("h", "hotp")


def desk_with(*accounts: Any, **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options))
    desk.open(*(accounts or (ANNA, BERT)))
    return desk


def press(desk: Desk, button: str, *, hold: bool = False) -> tuple[Any, ...]:
    return desk.tell(Asked(7, "press", {"button": button, "hold": hold}))


def hidden(desk: Desk) -> bool:
    return only(desk.tell(Asked(8, "frame")), ReplyFrame).hidden


# --- what is shown only to those in front of it


def test_the_frame_is_hidden_while_a_secret_is_on_the_display_and_only_then() -> None:
    desk = desk_with(allow_qr=True)
    seen = []
    for button in ("menu", "next", "next", "ok", "next", "ok"):
        seen.append(hidden(desk))
        press(desk, button)
    assert not any(seen)
    assert isinstance(desk.screen(), Qr)
    assert hidden(desk)
    desk.later(QR_SECONDS - 0.5)
    assert hidden(desk)
    desk.later(0.5)
    assert not hidden(desk)


def test_the_frame_is_not_hidden_in_the_dark() -> None:
    desk = desk_with(allow_qr=True)
    desk.gesture("menu", "next", "next", "ok", "next", "ok", "blank")
    assert desk.tell(Asked(8, "frame")) == (ReplyFrame(8, hidden=False),)


# --- pressing from afar


@pytest.mark.parametrize(
    ("button", "screen"),
    [("next", Code()), ("previous", Code()), ("list", Accounts("a")), ("menu", Menu("list"))],
)
def test_every_key_can_be_pressed(button: str, screen: Any) -> None:
    desk = desk_with()
    assert replies(press(desk, button))[7].result == {}
    assert desk.screen() == screen
    assert desk.state.panel.selected == ("b" if isinstance(screen, Code) else "a")


def test_blank_can_be_pressed_and_any_other_key_wakes() -> None:
    desk = desk_with()
    press(desk, "blank")
    assert desk.dark()
    press(desk, "next")
    assert not desk.dark()
    assert desk.state.panel.selected == "a"


def test_ok_held_is_back() -> None:
    desk = desk_with()
    press(desk, "ok", hold=True)
    assert desk.screen() == Menu("list")
    press(desk, "next")
    press(desk, "ok")
    assert desk.screen() == Pages("status")
    press(desk, "ok", hold=True)
    assert desk.screen() == Menu("status")
    press(desk, "ok", hold=True)
    assert desk.screen() == Code()


@pytest.mark.parametrize(("button", "uuid"), [("next", "b"), ("previous", "a")])
def test_a_step_held_is_a_repeat_which_stops_at_the_end(button: str, uuid: str) -> None:
    desk = desk_with()
    press(desk, button, hold=True)
    assert desk.state.panel.selected == uuid
    press(desk, button, hold=True)
    assert desk.state.panel.selected == uuid


@pytest.mark.parametrize("button", ["list", "menu", "blank", "lock", "select", "back"])
def test_what_no_hand_can_hold_is_refused(button: str) -> None:
    desk = desk_with()
    assert replies(press(desk, button, hold=True))[7].problem == "no such button"
    assert desk.screen() == Code()


@pytest.mark.parametrize("button", ["lock", "select", "back"])
def test_what_is_no_key_is_refused(button: str) -> None:
    assert replies(press(desk_with(), button))[7].problem == "no such button"


def test_a_press_does_what_it_leads_to_and_answers() -> None:
    effects = press(desk_with(COIN), "ok")
    assert len(every(effects, Change)) == 1
    assert replies(effects)[7].result == {}


def test_a_question_on_the_display_is_asked_of_whoever_presses_from_afar_too() -> None:
    desk = desk_with(allow_qr=True)
    for button in ("menu", "next", "next", "ok", "ok"):
        press(desk, button)
    assert desk.screen() == Menu("qr")
    press(desk, "ok")
    assert desk.screen() == Question("qr", yes=False)


# --- simulated hardware


def test_what_is_done_to_simulated_hardware_is_for_the_shell() -> None:
    params = {"button": "ok", "down": True}
    assert desk_with().tell(Asked(9, "simulate", params)) == (Simulate(9, params),)
