"""The clock screen: why no code that depends on the time is shown, and what can be done about it."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import ROOM, Shift, blank_frame, shifted
from appliance.core.layout.header import Header, draw_header
from appliance.core.layout.paragraph import FIRST_ROW, LEADING, LINES, draw_lines, lines

_STILL: Final = "HOTP codes still work"


@dataclass(frozen=True, slots=True)
class ClockView:
    """What is wrong with the clock."""

    reason: str
    since: str
    """How long it has been so, such as `4 min`."""
    shown_time: str | None = None
    """The time that the owner may confirm, such as `2026-11-24 04:05 UTC`; None: there is none to confirm."""
    hint: str = ""
    """What to do, such as `right? hold OK`."""
    shift: Shift = (0, 0)


def clock_frame(view: ClockView) -> Image.Image:
    """Return the clock screen."""
    frame = blank_frame()
    draw_header(frame, Header("Clock in doubt", view.since, ""))
    below = [text for text in (view.shown_time, view.hint) if text is not None and text.strip()]
    room = LINES - 1 - len(below)
    draw_lines(frame, [*lines(view.reason, room), *(lettering.fitted(text, "small", ROOM) for text in below)])
    draw_lines(frame, [_STILL], FIRST_ROW + LEADING * (LINES - 1))
    return shifted(frame, view.shift)
