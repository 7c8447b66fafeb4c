"""Where each gesture leads from each screen, and what a hand finds in the dark and under a message."""

from dataclasses import replace
from typing import Any, Final, get_args

import pytest

from appliance.core import choice
from appliance.core.care import RETURN_SECONDS, contrast
from appliance.core.effects import Change, Log, Reexec, Remember, Spend, Vouch
from appliance.core.events import Failed, Missing
from appliance.core.gestures import HOLD_AFTER, Action, Gestured, Layout
from appliance.core.hand import (
    QR_OFF,
    QR_SECONDS,
    REVEAL_SECONDS,
    TOO_EARLY,
    WALK_SECONDS,
)
from appliance.core.instant import Trust
from appliance.core.layout.clock_screen import ClockView
from appliance.core.layout.code_screen import CodeView
from appliance.core.layout.list_screen import ListView
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.qr_screen import QrView
from appliance.core.lock import NOTHING_TO_LOCK
from appliance.core.pages import count
from appliance.core.screen import (
    LEVELS,
    Accounts,
    Brightness,
    Code,
    Menu,
    Pages,
    Qr,
    Question,
    Screen,
    Walk,
)
from appliance.core.state import MESSAGE_SECONDS, Closed, Options, Spent
from appliance.vault.model import Account
from appliance.vault.otp import code_at, code_for
from tests.core.desk import OPTIONS, TROUBLE, Desk, account, every, only, saved, vault_of

ANNA: Final = account("a")
BERT: Final = account("b")
CARL: Final = account("c")
COIN: Final = account("h", "hotp")
ALLOWING: Final = replace(OPTIONS, allow_qr=True)
HIDING: Final = replace(OPTIONS, reveal_on_press=True)
REPEATED: Final = Gestured("next", 1)
OK_KEYS: Final[dict[Layout, Any]] = {"three": "ok", "two": "ok", "joystick": "centre"}

ROADS: Final[dict[str, tuple[Action | Gestured, ...]]] = {
    "code": (),
    "walk": (REPEATED,),
    "accounts": ("list",),
    "accounts, back": ("list", "previous"),
    "menu": ("menu",),
    "menu, back": ("menu", "previous"),
    "status": ("menu", "next", "ok"),
    "about": ("menu", "previous", "previous", "ok"),
    "brightness": ("menu", "previous", "previous", "previous", "ok"),
    "brightness, back": ("menu", "previous", "previous", "previous", "ok", "next"),
    "question": ("menu", "next", "next", "ok"),
    "question, yes": ("menu", "next", "next", "ok", "next"),
    "qr": ("menu", "next", "next", "ok", "next", "ok"),
}
"""How to come to each screen from the code."""


def desk_with(
    *accounts: Account, options: Options = ALLOWING, trust: Trust = "synchronised", counter: int = 0
) -> Desk:
    desk = Desk(options, trust=trust)
    desk.open(*(accounts or (ANNA, BERT, CARL)), counter=counter)
    return desk


def at(place: str, **more: Any) -> Desk:
    """Return a desk at which somebody went to a screen."""
    desk = desk_with(**more)
    for gesture in ROADS[place]:
        desk.tell(gesture if isinstance(gesture, Gestured) else Gestured(gesture))
    return desk


def doubting(*accounts: Account, **more: Any) -> Desk:
    """Return a desk whose clock is not to be trusted."""
    return desk_with(*accounts, trust="not-set", **more)


def selected(desk: Desk) -> str | None:
    return desk.state.panel.selected


def told(desk: Desk) -> Any:
    message = desk.state.panel.message
    return None if message is None else message.problem


def code_view(desk: Desk) -> CodeView:
    view = desk.view()
    assert isinstance(view, CodeView)
    return view.seen


# --- every gesture on every screen


LEADS: Final[dict[str, dict[Action, Screen]]] = {
    "code": {"previous": Code(), "next": Code(), "ok": Code(), "select": Menu("list"), "back": Menu("list")},
    "walk": {"previous": Code(), "next": Code(), "ok": Code(), "select": Code(), "back": Code()},
    "accounts": {
        "previous": Accounts(None),
        "next": Accounts("b"),
        "ok": Code(),
        "select": Code(),
        "back": Code(),
    },
    "accounts, back": {
        "previous": Accounts("c"),
        "next": Accounts("a"),
        "ok": Code(),
        "select": Code(),
        "back": Code(),
    },
    "menu": {
        "previous": Menu("back"),
        "next": Menu("status"),
        "ok": Accounts("a"),
        "select": Accounts("a"),
        "back": Code(),
    },
    "menu, back": {
        "previous": Menu("about"),
        "next": Menu("list"),
        "ok": Code(),
        "select": Code(),
        "back": Code(),
    },
    "status": {
        "previous": Pages("status", 1),
        "next": Pages("status", 1),
        "ok": Pages("status", 1),
        "select": Pages("status", 1),
        "back": Menu("status"),
    },
    "about": {
        "previous": Pages("about"),
        "next": Pages("about"),
        "ok": Menu("about"),
        "select": Menu("about"),
        "back": Menu("about"),
    },
    "brightness": {
        "previous": Brightness("high"),
        "next": Brightness(None),
        "ok": Menu("brightness"),
        "select": Menu("brightness"),
        "back": Menu("brightness"),
    },
    "brightness, back": {
        "previous": Brightness("full"),
        "next": Brightness("low"),
        "ok": Menu("brightness"),
        "select": Menu("brightness"),
        "back": Menu("brightness"),
    },
    "question": {
        "previous": Question("qr", yes=True),
        "next": Question("qr", yes=True),
        "ok": Menu("qr"),
        "select": Menu("qr"),
        "back": Menu("qr"),
    },
    "question, yes": {
        "previous": Question("qr"),
        "next": Question("qr"),
        "back": Menu("qr"),
    },
    "qr": {"previous": Code(), "next": Code(), "ok": Code(), "select": Code(), "back": Code()},
}
LISTED: Final[dict[str, str]] = {"walk": "b"}
"""Where the cursor of the list stands, if not on the first account."""


def test_every_screen_has_its_row_in_the_table_of_gestures() -> None:
    assert LEADS.keys() == ROADS.keys()
    reached = {type(at(place).screen()) for place in ROADS}
    assert reached == set(get_args(Screen))


@pytest.mark.parametrize(
    ("place", "action"), [(place, action) for place, leads in LEADS.items() for action in leads]
)
def test_a_gesture_leads_where_the_table_says(place: str, action: Action) -> None:
    desk = at(place)
    desk.gesture(action)
    assert desk.screen() == LEADS[place][action]


@pytest.mark.parametrize("place", ROADS)
def test_the_key_of_the_list_opens_it_from_everywhere_and_closes_it(place: str) -> None:
    desk = at(place)
    desk.gesture("list")
    cursor = LISTED.get(place, "a")
    assert desk.screen() == (Code() if place.startswith("accounts") else Accounts(cursor))


@pytest.mark.parametrize("place", ROADS)
def test_the_key_of_the_menu_opens_it_from_everywhere_and_closes_it(place: str) -> None:
    desk = at(place)
    desk.gesture("menu")
    assert desk.screen() == (Code() if place.startswith("menu") else Menu("list"))


@pytest.mark.parametrize("place", ROADS)
def test_the_third_key_makes_it_dark_from_everywhere_and_the_code_is_seen_after_waking(place: str) -> None:
    desk = at(place)
    before = selected(desk)
    assert not desk.gesture("blank")
    assert desk.dark()
    desk.gesture("blank")
    assert not desk.dark()
    assert (desk.screen(), selected(desk)) == (Code(), before)


@pytest.mark.parametrize("place", ROADS)
def test_where_there_is_nothing_to_lock_the_pair_that_locks_says_so_and_moves_nothing(place: str) -> None:
    desk = at(place)
    before = desk.screen()
    desk.gesture("lock")
    assert told(desk) == NOTHING_TO_LOCK
    assert desk.screen() == before


@pytest.mark.parametrize("place", [place for place in ROADS if place not in {"code", "walk", "qr"}])
def test_other_screens_return_to_the_code_twenty_seconds_after_the_last_press(place: str) -> None:
    desk = at(place)
    desk.later(RETURN_SECONDS - 1.0)
    assert desk.screen() == at(place).screen()
    desk.gesture("next")
    desk.later(RETURN_SECONDS - 0.5)
    assert desk.screen() != Code()
    desk.later(0.5)
    assert desk.screen() == Code()
    assert isinstance(desk.view(), CodeView)


@pytest.mark.parametrize(("layout", "key"), OK_KEYS.items())
def test_ok_held_is_the_menu_on_the_code_screen_and_back_in_it(layout: Layout, key: Any) -> None:
    desk = desk_with(options=replace(OPTIONS, layout=layout))
    desk.press(key, lasting=HOLD_AFTER + 0.1)
    assert desk.screen() == Menu("list")
    desk.press(key)
    assert desk.screen() == Accounts("a")
    desk.press(key, lasting=HOLD_AFTER + 0.1)
    assert desk.screen() == Code()


def test_three_buttons_walk_choose_and_open() -> None:
    desk = desk_with()
    desk.press("next")
    assert selected(desk) == "b"
    desk.press("previous")
    assert selected(desk) == "a"
    desk.press("ok", lasting=1.0)
    desk.press("ok")
    desk.press("next")
    desk.press("ok")
    assert (desk.screen(), selected(desk)) == (Code(), "b")


def test_two_buttons_go_back_by_holding_the_first() -> None:
    desk = desk_with(options=replace(OPTIONS, layout="two"))
    desk.press("next", lasting=0.6)
    assert selected(desk) == "c"
    desk.press("next")
    assert selected(desk) == "a"


def test_with_one_button_everything_is_reached() -> None:
    desk = desk_with(options=replace(OPTIONS, layout="one"))
    desk.press("ok")
    assert selected(desk) == "b"
    desk.press("ok", lasting=1.0)
    assert desk.screen() == Menu("list")
    desk.press("ok", lasting=1.0)
    assert desk.screen() == Accounts("b")
    for _ in range(2):
        desk.press("ok")
    assert desk.screen() == Accounts(None)
    desk.press("ok", lasting=1.0)
    assert (desk.screen(), selected(desk)) == (Code(), "b")


@pytest.mark.parametrize(
    ("key", "screen"), [("key1", Accounts("a")), ("key2", Menu("list")), ("left", Code()), ("down", Code())]
)
def test_the_stick_walks_and_the_keys_beside_it_open_the_list_and_the_menu(key: Any, screen: Screen) -> None:
    desk = desk_with(options=replace(OPTIONS, layout="joystick"))
    desk.press(key)
    assert desk.screen() == screen
    assert selected(desk) == {"left": "c", "down": "b"}.get(key, "a")


def test_the_third_key_beside_the_stick_darkens_and_wakes() -> None:
    desk = desk_with(options=replace(OPTIONS, layout="joystick"))
    desk.press("key3")
    assert desk.dark()
    desk.press("key3")
    assert not desk.dark()


@pytest.mark.parametrize("place", ["accounts", "menu", "brightness"])
def test_every_list_ends_in_back_which_leads_back(place: str) -> None:
    desk = at(place)
    for _ in range(choice.LONG):
        desk.tell(Gestured("next", 1))
    last = desk.screen()
    desk.gesture("ok")
    by_row = desk.screen()
    assert last in {Accounts(None), Menu("back"), Brightness(None)}
    other = at(place)
    other.gesture("back")
    assert by_row == other.screen()


def test_a_row_that_was_removed_is_not_chosen_but_the_one_that_is_marked_instead() -> None:
    desk = at("accounts")
    desk.gesture("next")
    desk.tell(saved(0, vault_of(ANNA, CARL, generation=2)))
    view = desk.view()
    assert isinstance(view, ListView)
    assert view.rows[view.chosen] == "Issuer a · anna"
    desk.gesture("ok")
    assert selected(desk) == "a"
    assert isinstance(desk.view(), CodeView)


def test_a_list_whose_accounts_are_all_removed_leads_back() -> None:
    desk = at("accounts")
    desk.tell(saved(0, vault_of(generation=2)))
    desk.gesture("next", "ok")
    assert desk.screen() == Code()
    assert desk.state.shown is None


def test_choosing_an_account_shows_it_and_its_issuer_scrolls_again() -> None:
    desk = at("accounts")
    desk.gesture("next", "next")
    desk.move(3.0)
    desk.gesture("ok")
    assert (desk.screen(), selected(desk)) == (Code(), "c")
    assert desk.state.panel.since == desk.now.mono


def test_returning_to_the_same_account_lets_its_issuer_scroll_again() -> None:
    desk = at("menu")
    desk.move(3.0)
    desk.gesture("back")
    assert desk.state.panel.since == desk.now.mono


# --- without a vault


@pytest.mark.parametrize("action", ["next", "ok", "list"])
def test_without_a_vault_there_is_nothing_to_walk_to(action: Action) -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert not desk.gesture(action)
    assert desk.screen() == Code()


def test_without_a_vault_the_menu_still_tells_how_it_stands() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    desk.gesture("back")
    assert desk.screen() == Menu("status")
    desk.gesture("ok")
    assert desk.screen() == Pages("status")


def test_a_held_key_before_there_are_accounts_walks_nowhere() -> None:
    desk = Desk()
    desk.open()
    desk.tell(REPEATED)
    assert desk.screen() == Code()


# --- holding: accounts pass by


def initials(letters: str, each: int) -> tuple[Account, ...]:
    return tuple(account(f"{letter}{n}", issuer=f"{letter}{n}") for letter in letters for n in range(each))


MANY: Final = initials("ABCDE", 4)


def walked(desk: Desk, step: Action, repeats: range) -> list[str | None]:
    seen = []
    for repeat in repeats:
        desk.tell(Gestured(step, repeat))
        screen = desk.screen()
        seen.append(screen.cursor if isinstance(screen, Accounts) else selected(desk))
    return seen


def test_while_a_key_is_held_accounts_pass_by_without_their_codes() -> None:
    desk = desk_with(*MANY)
    desk.tell(REPEATED)
    assert desk.screen() == Walk(desk.now.mono + WALK_SECONDS)
    assert not isinstance(desk.view(), CodeView)
    desk.later(WALK_SECONDS - 0.25)
    assert isinstance(desk.screen(), Walk)
    desk.later(0.25)
    assert (desk.screen(), selected(desk)) == (Code(), "A1")


def test_the_code_is_seen_a_second_after_the_last_repeat_and_not_after_the_first() -> None:
    desk = desk_with(*MANY)
    for repeat in range(1, 8):
        desk.tell(Gestured("next", repeat))
        desk.later(0.4)
        assert isinstance(desk.screen(), Walk)
    desk.later(WALK_SECONDS)
    assert desk.screen() == Code()


@pytest.mark.parametrize("opening", [(), ("list",)])
def test_a_long_list_goes_by_rows_at_first_and_by_letters_from_the_tenth_repeat(
    opening: tuple[Action, ...],
) -> None:
    desk = desk_with(*MANY)
    desk.gesture(*opening)
    assert walked(desk, "next", range(1, 10)) == [one.uuid for one in MANY[1:10]]
    end = None if opening else "E0"
    assert walked(desk, "next", range(10, 19)) == ["C1", "C1", "D0", "D0", "D0", "E0", "E0", "E0", end]


def test_the_letter_that_is_passed_is_seen_while_it_goes_fast() -> None:
    desk = desk_with(*MANY)
    walked(desk, "next", range(1, 10))
    assert desk.screen() == Walk(desk.now.mono + WALK_SECONDS, fast=False)
    walked(desk, "next", range(10, 13))
    assert desk.screen() == Walk(desk.now.mono + WALK_SECONDS, fast=True)


def test_backwards_it_goes_by_letters_too() -> None:
    desk = desk_with(*MANY)
    desk.gesture("list", "previous", "previous")
    assert walked(desk, "previous", range(10, 22))[2::3] == ["D3", "C3", "B3", "A3"]


def test_a_list_of_a_dozen_rows_never_goes_by_letters() -> None:
    few = MANY[: choice.LONG - 1]
    desk = desk_with(*few)
    assert walked(desk, "next", range(1, 15))[8:] == ["C1", "C2", "C2", "C2", "C2", "C2"]
    assert desk.screen() == Walk(desk.now.mono + WALK_SECONDS, fast=False)
    one_more = desk_with(*MANY[: choice.LONG])
    assert walked(one_more, "next", range(1, 14))[8:] == ["C1", "C1", "C1", "C1", "C1"]


@pytest.mark.parametrize(("step", "end"), [("next", "c"), ("previous", "a")])
def test_a_held_key_stops_at_the_end_and_a_press_goes_around(step: Action, end: str) -> None:
    desk = desk_with()
    assert walked(desk, step, range(1, 8))[-1] == end
    desk.gesture(step)
    assert selected(desk) == ("a" if step == "next" else "c")


@pytest.mark.parametrize("place", ["menu", "accounts", "brightness"])
@pytest.mark.parametrize("step", ["next", "previous"])
def test_in_every_list_repeats_stop_at_the_ends_and_presses_go_around(place: str, step: Action) -> None:
    desk = at(place)
    for _ in range(20):
        desk.tell(Gestured(step, 1))
    end = desk.screen()
    desk.tell(Gestured(step, 1))
    assert desk.screen() == end
    desk.gesture(step)
    other = desk.screen()
    assert other != end
    for _ in range(20):
        desk.tell(Gestured(step, 1))
    assert desk.screen() == end


def test_a_finger_that_stays_on_the_key_comes_to_the_last_account_and_no_further() -> None:
    desk = desk_with(*MANY)
    desk.press("next", lasting=12.0)
    desk.later(WALK_SECONDS)
    assert (desk.screen(), selected(desk)) == (Code(), "E0")


def test_after_a_fast_walk_through_the_list_the_letter_goes_by_itself() -> None:
    desk = desk_with(*MANY)
    desk.gesture("list")
    walked(desk, "next", range(10, 13))
    fast = desk.frame()
    desk.later(1.0)
    assert isinstance(desk.screen(), Accounts)
    assert desk.frame() != fast


# --- messages


@pytest.mark.parametrize("action", [action for action in get_args(Action) if action != "blank"])
@pytest.mark.parametrize("place", ["code", "accounts", "menu"])
def test_a_press_on_a_message_takes_it_away_and_nothing_else(place: str, action: Action) -> None:
    desk = at(place)
    desk.gesture("lock")
    before = desk.screen()
    assert not desk.gesture(action)
    assert told(desk) is None
    assert (desk.screen(), selected(desk)) == (before, "a")


def test_a_hand_that_still_holds_on_does_not_take_a_message_away() -> None:
    desk = at("code")
    desk.gesture("lock")
    desk.tell(REPEATED)
    assert told(desk) == NOTHING_TO_LOCK
    assert selected(desk) == "a"


def test_a_message_that_is_covered_by_the_dark_is_seen_after_waking() -> None:
    desk = at("code")
    desk.gesture("lock", "blank")
    desk.later(60.0)
    desk.gesture("ok")
    assert told(desk) == NOTHING_TO_LOCK
    desk.later(MESSAGE_SECONDS)
    assert told(desk) is None


# --- reveal on press


def test_a_hidden_code_is_seen_for_half_a_minute_after_ok() -> None:
    desk = desk_with(options=HIDING)
    assert code_view(desk).code is None
    desk.gesture("ok")
    assert code_view(desk).code == code_at(ANNA, desk.now.unix).text
    desk.later(REVEAL_SECONDS - 0.5)
    assert code_view(desk).code == code_at(ANNA, desk.now.unix).text
    desk.later(0.5)
    assert code_view(desk).code is None


def test_the_next_code_is_hidden_with_the_code() -> None:
    desk = desk_with(options=HIDING)
    desk.move(7.0)  # three seconds are left
    assert code_view(desk).upcoming is None
    desk.gesture("ok")
    assert code_view(desk).upcoming == code_at(ANNA, desk.now.unix + 30.0).text


@pytest.mark.parametrize("away", [("next", "previous"), ("list", "next", "ok", "previous"), ("blank", "ok")])
def test_a_code_that_was_asked_for_is_hidden_again_after_another_account_or_the_dark(
    away: tuple[Action, ...],
) -> None:
    desk = desk_with(options=HIDING)
    desk.gesture("ok")
    desk.gesture(*away)
    assert selected(desk) == "a"
    assert code_view(desk).code is None


def test_going_through_the_menu_or_the_list_to_the_same_account_does_not_hide_it() -> None:
    desk = desk_with(options=HIDING)
    desk.gesture("ok", "menu", "menu", "list", "ok")
    assert code_view(desk).code is not None


def test_without_hiding_ok_on_a_code_does_nothing() -> None:
    desk = desk_with()
    assert not desk.gesture("ok")
    assert desk.state.panel.revealed_until == 0.0


def test_a_hotp_code_is_hidden_after_half_a_minute_too_and_ok_makes_the_next() -> None:
    desk = desk_with(COIN, options=HIDING, counter=7)
    change = only(desk.gesture("ok"), Change)
    desk.later(2.0)
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    desk.later(REVEAL_SECONDS - 0.5)
    assert code_view(desk).code == code_for(COIN, 7).text
    desk.later(0.5)
    assert code_view(desk).code is None
    assert only(desk.gesture("ok"), Change).change == Spend("h")


def test_without_hiding_a_hotp_code_stays() -> None:
    desk = desk_with(COIN, counter=7)
    change = only(desk.gesture("ok"), Change)
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    desk.later(2 * REVEAL_SECONDS)
    assert desk.state.panel.hotp == Spent("h", 7)
    assert code_view(desk).code == code_for(COIN, 7).text


def test_with_one_button_the_menu_shows_a_code_that_is_hidden() -> None:
    desk = desk_with(options=replace(HIDING, layout="one"))
    desk.gesture("select")
    assert desk.screen() == Menu("reveal")
    desk.gesture("select")
    assert desk.screen() == Code()
    assert code_view(desk).code is not None


def test_with_one_button_the_menu_makes_a_hotp_code() -> None:
    desk = desk_with(COIN, options=replace(OPTIONS, layout="one"))
    desk.gesture("select")
    assert only(desk.gesture("select"), Change).change == Spend("h")
    assert desk.screen() == Code()


# --- the clock


def test_ok_on_the_clock_screen_asks_and_only_yes_vouches() -> None:
    desk = doubting()
    assert isinstance(desk.view(), ClockView)
    assert not desk.gesture("ok")
    assert desk.screen() == Question("clock", yes=False)
    assert not desk.gesture("ok")
    assert desk.screen() == Code()
    assert not desk.gesture("ok", "next", "next", "ok")
    effects = desk.gesture("ok", "next", "ok")
    assert every(effects, Vouch) == [Vouch()]
    assert only(effects, Log).level == 30
    assert desk.screen() == Code()


@pytest.mark.parametrize("way", ["back", "menu", "list", "blank"])
def test_leaving_the_question_about_the_clock_vouches_for_nothing(way: Action) -> None:
    desk = doubting()
    assert not desk.gesture("ok", "next", way, "ok")


def test_declining_leads_back_to_the_clock_screen() -> None:
    desk = doubting()
    desk.gesture("ok", "back")
    assert desk.screen() == Code()


def test_a_question_that_nobody_answers_vouches_for_nothing() -> None:
    desk = doubting()
    desk.gesture("ok", "next")
    assert not every(desk.later(RETURN_SECONDS), Vouch)
    assert desk.screen() == Code()


def test_the_menu_asks_about_the_clock_first() -> None:
    desk = doubting()
    desk.gesture("back", "ok")
    assert desk.screen() == Question("clock")


def test_a_time_that_has_certainly_passed_is_never_vouched_for() -> None:
    desk = doubting()
    desk.now = replace(desk.now, early=True)
    assert not desk.gesture("ok")
    assert told(desk) == TOO_EARLY
    assert desk.screen() == Code()
    assert "clock" not in choice.items(desk.state, desk.now)


def test_a_time_that_passes_while_it_is_asked_about_is_not_vouched_for() -> None:
    desk = doubting()
    desk.gesture("ok", "next")
    desk.now = replace(desk.now, early=True)
    assert not desk.gesture("ok")
    assert desk.screen() == Code()


def test_network_time_that_comes_while_it_is_asked_needs_no_word_of_the_owner() -> None:
    desk = doubting()
    desk.gesture("ok", "next")
    desk.trusting("synchronised")
    assert not desk.gesture("ok")
    assert isinstance(desk.view(), CodeView)


def test_a_hotp_account_asks_nothing_about_the_clock() -> None:
    desk = doubting(COIN)
    only(desk.gesture("ok"), Change)
    assert desk.screen() == Code()


def test_with_the_gate_off_nobody_is_asked() -> None:
    desk = doubting(options=replace(OPTIONS, require_trusted=False))
    assert not desk.gesture("ok")
    assert desk.screen() == Code()
    assert isinstance(desk.view(), CodeView)
    assert "clock" not in choice.items(desk.state, desk.now)


# --- the QR code


def to_qr(desk: Desk) -> tuple[Any, ...]:
    return desk.gesture("menu", "next", "next", "ok", "next", "ok")


def test_qr_codes_are_off_unless_they_are_allowed() -> None:
    desk = desk_with(options=OPTIONS)
    assert not desk.gesture("menu", "next", "next", "ok")
    assert told(desk) == QR_OFF
    assert desk.screen() == Menu("qr")
    view = desk.view()
    assert isinstance(view, MessageView)
    assert "display.allow_qr" in view.lines


def test_the_question_before_a_qr_code_is_answered_no_unless_somebody_says_yes() -> None:
    desk = at("question")
    assert desk.screen() == Question("qr", yes=False)
    assert not desk.gesture("ok")
    assert desk.screen() == Menu("qr")


def test_a_qr_code_is_seen_for_half_a_minute_whatever_else_is_due() -> None:
    desk = desk_with()
    assert to_qr(desk) == (Log(30, "secret shown", (("as", "a QR code"),)),)
    desk.later(QR_SECONDS - 0.5)
    view = desk.view()
    assert isinstance(view, QrView)
    assert view.modules is not None
    assert view.caption == "Issuer a"
    desk.later(0.5)
    assert desk.screen() == Code()


def test_the_qr_code_is_that_of_the_account_on_the_display() -> None:
    desks = desk_with(), desk_with()
    desks[1].gesture("next")
    views = []
    for desk in desks:
        to_qr(desk)
        view = desk.view()
        assert isinstance(view, QrView)
        views.append(view)
    assert [view.caption for view in views] == ["Issuer a", "Issuer b"]
    assert views[0].modules != views[1].modules


def test_a_qr_code_of_an_account_without_an_issuer_has_its_name() -> None:
    desk = desk_with(replace(ANNA, issuer=""))
    to_qr(desk)
    view = desk.view()
    assert isinstance(view, QrView)
    assert view.caption == "anna"


def test_an_account_too_long_for_the_panel_says_so() -> None:
    desk = desk_with(account("a", secret=b"s" * 200))
    to_qr(desk)
    screen = desk.screen()
    assert isinstance(screen, Qr)
    assert screen.modules is None
    assert desk.view() == QrView(None, "Issuer a")


def test_no_secret_is_shown_when_the_vault_was_emptied_while_it_was_asked() -> None:
    desk = at("question, yes")
    desk.tell(saved(0, vault_of(generation=2)))
    assert not desk.gesture("ok")
    assert desk.screen() == Code()


def test_no_secret_is_shown_where_it_is_not_allowed_whatever_was_asked() -> None:
    desk = at("question, yes")
    desk.state = replace(desk.state, options=OPTIONS)
    assert not desk.gesture("ok")
    assert desk.screen() == Code()


def test_the_secret_is_not_in_the_representation_of_the_state() -> None:
    desk = desk_with()
    to_qr(desk)
    assert "###" not in repr(desk.state)


# --- the rows of the menu


def to_row(desk: Desk, item: str) -> tuple[Any, ...]:
    desk.gesture("menu")
    while desk.screen() != Menu(item):  # type: ignore[arg-type]  # a row
        desk.gesture("next")
    return desk.gesture("ok")


def test_back_up_now_asks_for_a_backup_and_shows_how_it_goes() -> None:
    desk = desk_with()
    to_row(desk, "backup")
    assert desk.screen() == Pages("status")


def test_lock_locks_where_the_vault_does_not_open_by_itself() -> None:
    desk = Desk()
    desk.open(ANNA, mode="pin")
    only(to_row(desk, "lock"), Reexec)
    assert isinstance(desk.state.phase, Closed)
    assert not isinstance(desk.view(), CodeView | ListView)


def test_ok_on_the_last_page_leads_back_to_the_menu() -> None:
    desk = at("status")
    for _ in range(count(desk.state, "status", desk.now)):
        assert isinstance(desk.screen(), Pages)
        desk.gesture("ok")
    assert desk.screen() == Menu("status")


# --- brightness


def test_a_brightness_is_tried_out_at_once_and_kept_and_remembered_on_ok() -> None:
    desk = at("brightness")
    assert contrast(desk.state) == LEVELS["full"]
    assert not desk.gesture("previous", "previous")
    assert contrast(desk.state) == LEVELS["medium"]
    assert desk.state.panel.brightness == LEVELS["full"]
    assert desk.gesture("ok") == (Remember("brightness", LEVELS["medium"]),)
    assert contrast(desk.state) == desk.state.panel.brightness == LEVELS["medium"]
    desk.gesture("ok")
    assert desk.screen() == Brightness("medium")


@pytest.mark.parametrize("way", [("back",), ("next", "next", "next", "ok"), ("menu",), ("list",), ("blank",)])
def test_leaving_without_ok_takes_the_brightness_back(way: tuple[Action, ...]) -> None:
    desk = at("brightness")
    desk.gesture("previous", "previous")
    assert not desk.gesture(*way)
    assert contrast(desk.state) == LEVELS["full"]


def test_returning_after_a_while_takes_the_brightness_back() -> None:
    desk = at("brightness")
    desk.gesture("previous")
    desk.later(RETURN_SECONDS - 0.5)
    assert contrast(desk.state) == LEVELS["high"]
    desk.later(0.5)
    assert contrast(desk.state) == LEVELS["full"]


@pytest.mark.parametrize(("brightness", "level"), [(1, "low"), (60, "low"), (90, "medium"), (200, "high")])
def test_the_list_begins_at_the_level_nearest_to_what_is_set(brightness: int, level: Any) -> None:
    desk = desk_with(options=replace(OPTIONS, brightness=brightness))
    to_row(desk, "brightness")
    assert desk.screen() == Brightness(level)


def test_no_level_is_chosen_by_going_back_from_a_brightness_that_is_none_of_them() -> None:
    desk = desk_with(options=replace(OPTIONS, brightness=60))
    to_row(desk, "brightness")
    desk.gesture("back")
    assert contrast(desk.state) == 60


def test_trouble_on_the_card_is_told_over_any_screen() -> None:
    desk = desk_with(COIN)
    change = only(desk.gesture("ok"), Change)
    desk.gesture("menu")
    desk.tell(Failed(change.ref, TROUBLE))
    assert told(desk) == TROUBLE
    assert desk.screen() == Menu("list")
