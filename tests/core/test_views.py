"""What each screen says, in the words of its view."""

from dataclasses import replace
from typing import Any, Final

import pytest

from appliance.core.account_view import DRIFT_SECONDS, label
from appliance.core.care import shift
from appliance.core.effects import Change
from appliance.core.events import Failed, Missing
from appliance.core.gestures import Gestured
from appliance.core.instant import Instant, Trust
from appliance.core.layout.clock_screen import ClockView
from appliance.core.layout.code_screen import CodeView
from appliance.core.layout.confirm_screen import ConfirmView
from appliance.core.layout.list_screen import ListView
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.qr_screen import QrView, qr_modules
from appliance.core.layout.screen import BlankView, View
from appliance.core.layout.starting_screen import StartingView
from appliance.core.layout.status_screen import StatusView
from appliance.core.layout.welcome_screen import WelcomeView
from appliance.core.screen import Menu
from appliance.core.state import Host
from appliance.vault import otpauth
from appliance.vault.otp import code_at
from tests.core.desk import OPTIONS, TROUBLE, UNIX, Desk, account, only, vault_of

ANNA: Final = account("a", issuer="Bank")
BERT: Final = account("b", issuer="Forge")
STAR: Final = account("s", issuer="Mail", favorite=True)
COIN: Final = account("h", "hotp")
QUIET: Final = replace(OPTIONS, prefix=None)
SHIFT: Final = shift(Instant(UNIX, 0.0, "synchronised", 0.0))


def desk_with(*accounts: Any, trust: Trust = "synchronised", **options: Any) -> Desk:
    desk = Desk(replace(QUIET, **options), trust=trust)
    desk.open(*(accounts or (ANNA, BERT, STAR)))
    return desk


def clock(desk: Desk) -> ClockView:
    view = desk.view()
    assert isinstance(view, ClockView)
    return view


def listing(desk: Desk) -> ListView:
    view = desk.view()
    assert isinstance(view, ListView)
    return view


# --- without an open vault


def test_the_dark_says_nothing() -> None:
    desk = desk_with()
    desk.gesture("menu", "lock", "blank")
    assert desk.view() == BlankView()


def test_while_the_vault_is_opened_it_says_that_it_starts() -> None:
    assert Desk().view() == StartingView(SHIFT)


def test_without_a_vault_it_says_where_to_log_in_by_the_address_if_it_is_known() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert desk.view() == WelcomeView("desk.local", SHIFT)
    desk.state = replace(desk.state, host=Host("192.0.2.7"))
    assert desk.view() == WelcomeView("192.0.2.7", SHIFT)


def test_a_vault_that_does_not_open_tells_why() -> None:
    desk = Desk()
    desk.tell(Failed(1, TROUBLE))
    assert desk.view() == MessageView(TROUBLE.what, (TROUBLE.why, TROUBLE.hint), TROUBLE.short, shift=SHIFT)


def test_without_accounts_it_says_how_to_add_one() -> None:
    desk = Desk()
    desk.open()
    view = desk.view()
    assert isinstance(view, MessageView)
    assert view.title == "No accounts yet"
    assert "sudo appliance add" in view.lines


def test_a_message_covers_every_screen() -> None:
    desk = desk_with(COIN)
    change = only(desk.gesture("ok"), Change)
    desk.gesture("menu")
    desk.tell(Failed(change.ref, TROUBLE))
    assert desk.view() == MessageView(TROUBLE.what, (TROUBLE.why, TROUBLE.hint), TROUBLE.short, shift=SHIFT)


# --- the clock


@pytest.mark.parametrize(
    ("jumped", "early", "reason", "hint"),
    [
        (False, False, "No network time yet.", "right? press OK"),
        (True, False, "It jumped.", "right? press OK"),
        (False, True, "That time has passed:", "waiting for network time"),
        (True, True, "That time has passed:", "waiting for network time"),
    ],
)
def test_a_clock_in_doubt_says_why_since_when_and_what_to_do(
    jumped: bool,  # noqa: FBT001
    early: bool,  # noqa: FBT001
    reason: str,
    hint: str,
) -> None:
    desk = desk_with(trust="not-set")
    desk.move(240.0)
    desk.now = replace(desk.now, jumped=jumped, early=early, unix=UNIX)
    assert desk.view() == ClockView(reason, "4 min", "2023-11-14 22:13:20 UTC", hint, SHIFT)


def test_the_owner_is_told_the_local_time_and_utc_only_where_there_is_no_other() -> None:
    desk = desk_with(trust="not-set")
    desk.now = replace(desk.now, zone=7200)
    assert clock(desk).shown_time == "2023-11-15 00:13:20"
    desk.gesture("ok")
    question = ConfirmView("Is this right?\n2023-11-15 00:13:20", "Yes", "No", "no", SHIFT)
    assert desk.view() == question
    desk.gesture("next")
    assert desk.view() == replace(question, chosen="yes")


def test_the_time_that_is_asked_about_runs_on() -> None:
    desk = desk_with(trust="not-set")
    desk.gesture("ok")
    first = desk.frame()
    desk.later(1.0)
    view = desk.view()
    assert isinstance(view, ConfirmView)
    assert view.question.endswith("22:13:21 UTC")
    assert desk.frame() != first


@pytest.mark.parametrize(
    ("trust", "age", "gate", "sign"),
    [
        ("synchronised", 10 * DRIFT_SECONDS, True, False),
        ("held-over", DRIFT_SECONDS, True, False),
        ("held-over", DRIFT_SECONDS + 1.0, True, True),
        ("not-set", 0.0, True, True),
        ("not-set", 10 * DRIFT_SECONDS, False, False),
    ],
)
def test_a_clock_that_may_have_drifted_for_a_day_has_a_sign(
    trust: Trust,
    age: float,
    gate: bool,  # noqa: FBT001
    sign: bool,  # noqa: FBT001
) -> None:
    desk = desk_with(COIN, require_trusted=gate)
    desk.trusting(trust)
    desk.move(age)
    view = desk.view()
    assert isinstance(view, CodeView)
    assert view.clock_sign is sign


# --- accounts


@pytest.mark.parametrize(
    ("issuer", "name", "expected"),
    [
        ("Bank", "anna", "Bank · anna"),
        (" Bank ", " anna ", "Bank · anna"),
        ("", "anna", "anna"),
        ("Bank", " ", "Bank"),
    ],
)
def test_an_account_is_told_in_one_line(issuer: str, name: str, expected: str) -> None:
    record = next(iter(vault_of(replace(ANNA, issuer=issuer, name=name)).records.values()))
    assert label(record) == expected


def test_the_list_shows_favourites_first_marks_them_and_ends_in_back() -> None:
    desk = desk_with()
    desk.gesture("list", "next")
    assert desk.view() == ListView(
        "Accounts",
        ("Mail · anna", "Bank · anna", "Forge · anna", "Back"),
        1,
        (True, False, False),
        shift=SHIFT,
    )
    desk.gesture("previous", "previous")
    assert listing(desk).chosen == 3


def test_a_walk_shows_the_list_at_the_account_reached_and_no_code() -> None:
    desk = desk_with()
    desk.tell(Gestured("next", 1))
    view = listing(desk)
    assert (view.rows[view.chosen], view.letter) == ("Bank · anna", "")


def test_a_fast_walk_shows_the_letter_large() -> None:
    desk = desk_with(*(account(f"u{n}", issuer=f"{'ABCDE'[n // 4]}{n}") for n in range(20)))
    desk.tell(Gestured("next", 12))
    assert listing(desk).letter == "B"
    desk.gesture("list")
    desk.tell(Gestured("next", 15))
    assert listing(desk).letter == "C"
    desk.gesture("next")
    assert listing(desk).letter == ""


def test_the_cursor_of_an_account_that_is_gone_stands_on_the_first_row() -> None:
    desk = desk_with()
    desk.gesture("list", "next")
    desk.state = replace(desk.state, phase=Desk().state.phase)
    assert listing(desk).rows == ("Back",)
    assert listing(desk).chosen == 0


# --- the other lists


def test_the_menu_is_told_in_words() -> None:
    desk = Desk(replace(OPTIONS, layout="one", reveal_on_press=True))
    desk.open(ANNA, mode="pin")
    desk.gesture("menu", "next")
    view = listing(desk)
    assert view.title == "Menu"
    assert view.rows == (
        "Show a code",
        "Accounts",
        "Lock",
        "Status",
        "QR code of this account",
        "Back up now",
        "Brightness",
        "About",
        "Back",
    )
    assert (view.chosen, view.sign) == (1, "problem")


def test_the_menu_of_a_clock_in_doubt_begins_with_the_time() -> None:
    desk = desk_with(trust="not-set")
    desk.gesture("menu")
    assert listing(desk).rows[0] == "Confirm the time"


def test_a_row_of_the_menu_that_is_gone_marks_the_first() -> None:
    desk = desk_with(trust="not-set")
    desk.gesture("menu")
    assert desk.screen() == Menu("clock")
    desk.trusting("synchronised")
    assert listing(desk).rows[listing(desk).chosen] == "Accounts"


def test_levels_of_brightness_are_told_in_words() -> None:
    desk = desk_with()
    desk.gesture("menu", "previous", "previous", "previous", "ok", "previous")
    assert desk.view() == ListView("Brightness", ("Low", "Medium", "High", "Full", "Back"), 2, shift=SHIFT)


# --- pages and questions


@pytest.mark.parametrize(
    ("road", "title"), [(("next", "ok"), "Status"), (("previous", "previous", "ok"), "About")]
)
def test_pages_have_their_title(road: Any, title: str) -> None:
    desk = desk_with()
    desk.gesture("menu", *road)
    view = desk.view()
    assert isinstance(view, StatusView)
    assert (view.title, view.page) == (title, 1)


def test_the_question_about_a_qr_code_says_whose_it_is_and_what_it_costs() -> None:
    desk = desk_with(allow_qr=True)
    desk.gesture("menu", "next", "next", "ok")
    text = "Show the secret?\nWho films it has your codes: Mail · anna"
    assert desk.view() == ConfirmView(text, "Show", "No", "no", SHIFT)
    desk.state = replace(desk.state, phase=Desk().state.phase)
    assert desk.view() == ConfirmView(text.removesuffix("Mail · anna"), "Show", "No", "no", SHIFT)


def test_the_qr_code_is_that_of_the_account_with_its_secret() -> None:
    desk = desk_with(ANNA, allow_qr=True)
    desk.gesture("menu", "next", "next", "ok", "next", "ok")
    assert desk.view() == QrView(qr_modules(otpauth.write(ANNA, 0)), "Bank")


# --- codes


@pytest.mark.parametrize("way", [("menu",), ("list",), ("menu", "next", "ok"), ("blank",)])
def test_no_other_screen_has_a_code(way: Any) -> None:
    desk = desk_with()
    code = code_at(STAR, desk.now.unix).text
    shown: View = desk.view()
    assert code in repr(shown.code if isinstance(shown, CodeView) else shown)
    desk.gesture(*way)
    assert not isinstance(desk.view(), CodeView)
    assert code not in repr(desk.view())


@pytest.mark.parametrize("height", [64, 32])
def test_the_height_of_the_panel_is_that_of_the_frame(height: int) -> None:
    desk = desk_with(height=height, allow_qr=True)
    for way in ("next", "menu", "next", "next", "ok", "next", "ok", "blank"):
        desk.gesture(way)
        assert desk.frame().size == (128, height)
