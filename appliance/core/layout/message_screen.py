"""The message screen: something happened, in two lines and a short code that the README lists."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import MARGIN, ROOM, Shift, blank_frame, shifted
from appliance.core.layout.header import Header, Sign, draw_header

_FIRST_ROW: Final = 20
_LEADING: Final = 11
_MOST_LINES: Final = 4
_LOWER: Final = 4
"""Rows that a text begins lower for each line it is short of the most."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """What is said."""

    title: str
    lines: tuple[str, ...] = ()
    """At most two; each is wrapped, and what four rows can't hold is cut."""
    short: str = ""
    """The short code, such as `E4`."""
    sign: Sign = ""
    shift: Shift = (0, 0)


def message_frame(view: MessageView) -> Image.Image:
    """Return the message screen."""
    frame = blank_frame()
    draw_header(frame, Header(view.title, view.short, view.sign))
    rows = [row for text in view.lines for row in lettering.wrapped(text, "small", ROOM)]
    if len(rows) > _MOST_LINES:
        rows[_MOST_LINES - 1 :] = [lettering.fitted(" ".join(rows[_MOST_LINES - 1 :]), "small", ROOM)]
    top = _FIRST_ROW + _LOWER * (_MOST_LINES - len(rows))
    for number, text in enumerate(rows):
        lettering.draw(frame, (MARGIN, top + _LEADING * number), text, "small")
    return shifted(frame, view.shift)
