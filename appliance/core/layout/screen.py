"""Every view, and the frame that it becomes on a panel of 64 or of 32 rows."""

from dataclasses import dataclass
from typing import assert_never

from PIL import Image

from appliance.core.layout.clock_screen import ClockView, clock_frame
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.compact import LINES_32, code_frame_32, message_frame_32
from appliance.core.layout.confirm_screen import ConfirmView, confirm_frame
from appliance.core.layout.frame import blank_frame
from appliance.core.layout.list_screen import ListView, list_frame
from appliance.core.layout.locked_screen import WHEEL, LockedView, locked_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.qr_screen import QrView, qr_frame
from appliance.core.layout.restoring_screen import RestoringView, restoring_frame
from appliance.core.layout.starting_screen import StartingView, starting_frame
from appliance.core.layout.status_screen import StatusView, status_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame, where


@dataclass(frozen=True, slots=True)
class BlankView:
    """Nothing."""


Tellable = (
    StartingView
    | WelcomeView
    | LockedView
    | MessageView
    | RestoringView
    | ClockView
    | ListView
    | StatusView
    | ConfirmView
    | QrView
)
View = BlankView | CodeView | Tellable


def frame_64(view: View) -> Image.Image:  # noqa: C901, PLR0911, PLR0912 - one case for each view
    """Return the frame of 128x64."""
    match view:
        case BlankView():
            return blank_frame()
        case StartingView():
            return starting_frame(view)
        case WelcomeView():
            return welcome_frame(view)
        case LockedView():
            return locked_frame(view)
        case MessageView():
            return message_frame(view)
        case RestoringView():
            return restoring_frame(view)
        case ClockView():
            return clock_frame(view)
        case CodeView():
            return code_frame(view)
        case ListView():
            return list_frame(view)
        case StatusView():
            return status_frame(view)
        case ConfirmView():
            return confirm_frame(view)
        case QrView():
            return qr_frame(view)
        case _:
            assert_never(view)


def frame_32(view: View) -> Image.Image:
    """Return the frame of 128x32: what is neither code nor message is told as a message, in two lines."""
    match view:
        case BlankView():
            return blank_frame().crop((0, 0, 128, 32))
        case CodeView():
            return code_frame_32(view)
        case _:
            return message_frame_32(_told(view))


def _told(view: Tellable) -> MessageView:  # noqa: C901, PLR0911 - one case for each view
    match view:
        case MessageView():
            return view
        case StartingView(shift):
            return MessageView("Starting", (), "", "", shift)
        case WelcomeView(address, shift):
            return MessageView("No vault yet", (where(address), "sudo appliance init"), "", "", shift)
        case LockedView():
            return _locked(view)
        case RestoringView(step, done, total, shift):
            return MessageView("Restoring", (step,), f"{done}/{total}" if total else "", "", shift)
        case ClockView(reason, since, shown_time, hint, shift):
            return MessageView("Clock in doubt", (reason, shown_time or hint), since, "", shift)
        case ListView():
            return _around(view)
        case StatusView(page, pages, rows, sign, _, shift, title):
            lines = tuple(f"{label}: {value}" for label, value in rows)
            return MessageView(title, lines, f"{page}/{pages}", sign, shift)
        case ConfirmView(question, yes, no, chosen, shift):
            title, _, what = question.partition("\n")
            answers = (no, yes) if chosen == "no" else (yes, no)
            # What is asked about must be seen; the other answer comes with the next press.
            lines = (*_marked(answers[:1]), what) if what else _marked(answers)
            return MessageView(title, lines, "", "", shift)
        case QrView(_, caption):
            return MessageView(caption, ("the panel is too low", "for a QR code"))
        case _:
            assert_never(view)


def _locked(view: LockedView) -> MessageView:
    if view.wait is not None:
        return MessageView("Locked", (f"wait {view.wait} s", view.message), shift=view.shift)
    if view.kind == "passphrase" or view.digit is None:
        hint = "appliance unlock" if view.kind == "passphrase" else ""
        return MessageView("Locked", (view.message or hint,), shift=view.shift)
    left = "" if view.tries_left is None else f"{view.tries_left} left"
    return MessageView(
        "Locked", (f"▸ {WHEEL[view.digit]}", "•" * view.entered or view.message), left, "", view.shift
    )


def _around(view: ListView) -> MessageView:
    """Tell the chosen row and the one after it."""
    chosen = max(0, min(view.chosen, len(view.rows) - 1))
    lines = _marked(view.rows[chosen : chosen + LINES_32])
    return MessageView(view.title, lines, f"{chosen + 1}/{len(view.rows)}", view.sign, view.shift)


def _marked(rows: tuple[str, ...]) -> tuple[str, ...]:
    """Return the rows, the first of them as the chosen one."""
    return (f"▸ {rows[0]}", *rows[1:]) if rows else ()
