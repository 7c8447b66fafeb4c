"""Every view becomes a frame, of 64 rows and of 32."""

from typing import Final, get_args

import pytest

from appliance.core.layout.clock_screen import ClockView, clock_frame
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.compact import code_frame_32, message_frame_32
from appliance.core.layout.confirm_screen import ConfirmView, confirm_frame
from appliance.core.layout.frame import Shift
from appliance.core.layout.list_screen import ListView, list_frame
from appliance.core.layout.locked_screen import LockedView, locked_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.qr_screen import QrView, qr_frame, qr_modules
from appliance.core.layout.restoring_screen import RestoringView, restoring_frame
from appliance.core.layout.screen import BlankView, View, frame_32, frame_64
from appliance.core.layout.starting_screen import StartingView, starting_frame
from appliance.core.layout.status_screen import StatusView, status_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame

SHIFT: Final[Shift] = (1, 1)
CODE: Final = CodeView("Bank", "anna", 1, 3, "482913", seconds_left=10, fraction=0.3, shift=SHIFT)
LIST: Final = ListView("Menu", ("Accounts", "Status", "About", "Back"), 1, sign="verified", shift=SHIFT)
STATUS: Final = StatusView(2, 3, (("Clock", "not set"), ("Time", "22:13:20")), "pending", shift=SHIFT)
ASKED: Final = ConfirmView("Is this right?\n2023-11-14 22:13:20", "yes", "no", "no", SHIFT)
CLOCK: Final = ClockView("It jumped.", "4 min", "2023-11-14 22:13:20", "right? press OK", SHIFT)

TOLD: Final[tuple[tuple[View, MessageView], ...]] = (
    (StartingView(SHIFT), MessageView("Starting", shift=SHIFT)),
    (
        WelcomeView("desk.local", SHIFT),
        MessageView("No vault yet", ("ssh desk.local", "sudo appliance init"), shift=SHIFT),
    ),
    (WelcomeView(" "), MessageView("No vault yet", ("no network yet", "sudo appliance init"))),
    (
        MessageView("Clock is wrong", ("it is later",), "E3", shift=SHIFT),
        MessageView("Clock is wrong", ("it is later",), "E3", shift=SHIFT),
    ),
    (
        RestoringView("opening the backup", 1, 3, SHIFT),
        MessageView("Restoring", ("opening the backup",), "1/3", shift=SHIFT),
    ),
    (RestoringView("asking the broker"), MessageView("Restoring", ("asking the broker",))),
    (CLOCK, MessageView("Clock in doubt", ("It jumped.", "2023-11-14 22:13:20"), "4 min", shift=SHIFT)),
    (
        ClockView("It jumped.", "4 min", None, "wait for the network"),
        MessageView("Clock in doubt", ("It jumped.", "wait for the network"), "4 min"),
    ),
    (LIST, MessageView("Menu", ("▸ Status", "About"), "2/4", "verified", SHIFT)),
    (ListView("Menu", ("Status", "Back"), 1), MessageView("Menu", ("▸ Back",), "2/2")),
    (ListView("Menu", ("Status", "Back"), 7), MessageView("Menu", ("▸ Back",), "2/2")),
    (ListView("Menu", ("Status", "Back"), -1), MessageView("Menu", ("▸ Status", "Back"), "1/2")),
    (STATUS, MessageView("Status", ("Clock: not set", "Time: 22:13:20"), "2/3", "pending", SHIFT)),
    (
        StatusView(1, 1, (("Name", "desk"),), title="About"),
        MessageView("About", ("Name: desk",), "1/1"),
    ),
    (ASKED, MessageView("Is this right?", ("▸ no", "2023-11-14 22:13:20"), shift=SHIFT)),
    (
        ConfirmView("Show the secret?\nWho films it has your codes: Bank", "show", "no", "yes"),
        MessageView("Show the secret?", ("▸ show", "Who films it has your codes: Bank")),
    ),
    (ConfirmView("Sure?", "yes", "no", "no"), MessageView("Sure?", ("▸ no", "yes"))),
    (QrView(None, "Bank"), MessageView("Bank", ("the panel is too low", "for a QR code"))),
    (LockedView("pin", wait=7, message="wrong PIN"), MessageView("Locked", ("wait 7 s", "wrong PIN"))),
    (LockedView("pin", message="checking", shift=SHIFT), MessageView("Locked", ("checking",), shift=SHIFT)),
    (LockedView("passphrase"), MessageView("Locked", ("appliance unlock",))),
    (LockedView("passphrase", message="wrong"), MessageView("Locked", ("wrong",))),
    (LockedView("pin", 3, 7, None, 2), MessageView("Locked", ("▸ 7", "•••"), "2 left")),
    (LockedView("pin", 0, 11, message="wrong PIN"), MessageView("Locked", ("▸ OK", "wrong PIN"))),
    (
        QrView(qr_modules("otpauth://"), "Bank"),
        MessageView("Bank", ("the panel is too low", "for a QR code")),
    ),
)
"""What is told on 32 rows, where there is no room for the screen itself."""


@pytest.mark.parametrize(("view", "message"), TOLD)
def test_on_32_rows_the_essential_words_are_told_as_a_message(view: View, message: MessageView) -> None:
    assert frame_32(view) == message_frame_32(message)


def test_a_code_on_32_rows_has_a_screen_of_its_own() -> None:
    assert frame_32(CODE) == code_frame_32(CODE)


@pytest.mark.parametrize("view", [CODE, BlankView(), *(view for view, _ in TOLD)])
def test_every_view_fills_either_panel_and_no_other(view: View) -> None:
    high, low = frame_64(view), frame_32(view)
    assert (high.size, high.mode) == ((128, 64), "1")
    assert (low.size, low.mode) == ((128, 32), "1")
    lit = high.getbbox() is not None, low.getbbox() is not None
    assert lit == ((False, False) if isinstance(view, BlankView) else (True, True))


def test_no_view_was_forgotten_here() -> None:
    assert {type(view) for view, _ in TOLD} | {CodeView, BlankView} == set(get_args(View))


@pytest.mark.parametrize(
    ("view", "frame"),
    [
        (StartingView(SHIFT), starting_frame(StartingView(SHIFT))),
        (WelcomeView("desk.local"), welcome_frame(WelcomeView("desk.local"))),
        (MessageView("Lost", ("it is gone",)), message_frame(MessageView("Lost", ("it is gone",)))),
        (RestoringView("checking", 1, 3), restoring_frame(RestoringView("checking", 1, 3))),
        (LockedView("pin", 2, 7), locked_frame(LockedView("pin", 2, 7))),
        (CLOCK, clock_frame(CLOCK)),
        (CODE, code_frame(CODE)),
        (LIST, list_frame(LIST)),
        (STATUS, status_frame(STATUS)),
        (ASKED, confirm_frame(ASKED)),
        (QrView(None, "Bank"), qr_frame(QrView(None, "Bank"))),
    ],
)
def test_on_64_rows_each_view_has_its_own_screen(view: View, frame: object) -> None:
    assert frame_64(view) == frame


def test_on_32_rows_no_code_of_a_hidden_account_is_drawn() -> None:
    hidden, other = (
        CodeView("Bank", "anna", 1, 3, code, upcoming=code, seconds_left=4, fraction=0.1, hidden=True)
        for code in ("482913", "111111")
    )
    assert frame_32(hidden) == frame_32(other)


def test_the_other_answer_is_another_picture_on_32_rows() -> None:
    yes = ConfirmView(ASKED.question, "yes", "no", "yes", SHIFT)
    assert frame_32(yes) != frame_32(ASKED)
    assert frame_64(yes) != frame_64(ASKED)
