"""The code screen: issuer, code, name, and the time that is left.

The bar is drawn so that one step of it changes at most two columns of a single page of the panel (8 rows), under
every pixel shift: such a step costs 11 bytes on the bus, a whole frame 1,034.
"""

from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import (
    CODE_ROW,
    CODE_ROWS,
    LIT,
    MARGIN,
    RIGHT,
    ROOM,
    SIZE,
    Shift,
    blank_frame,
    draw_dots,
    shifted,
)
from appliance.core.layout.header import Header, Sign, draw_header, overflow
from appliance.core.layout.numeral import code_picture
from appliance.vault.otp import grouped

_NAME_ROW: Final = 46
_BAR_ROW: Final = 58
_BAR_ROWS: Final = 3
_NAME_GAP: Final = 4
_LEADING: Final = 12


@dataclass(frozen=True, slots=True)
class CodeView:
    """One account as it is shown."""

    issuer: str
    """If empty, the name takes its place."""
    name: str
    position: int
    """Which account this is, from 1."""
    count: int
    """How many accounts there are."""
    code: str | None = field(repr=False)
    """As it is typed, such as `482913`; None: hidden, or not made yet."""
    prompt: str = ""
    """What is said while there is no code."""
    upcoming: str | None = field(default=None, repr=False)
    """The next code; it stands in the place of the seconds."""
    seconds_left: int | None = None
    fraction: float | None = None
    """Part of the period that is left, 1.0 to 0.0; None: no bar."""
    counter: int | None = None
    """Of HOTP; it stands in the place of the seconds."""
    sign: Sign = ""
    clock_sign: bool = False
    """The clock is not synchronised."""
    scroll: int = 0
    """Columns that an issuer too long for the header has moved to the left; at 0 it is cut and ends in `…`."""
    shift: Shift = (0, 0)


def code_frame(view: CodeView) -> Image.Image:
    """Return the code screen."""
    frame = blank_frame()
    draw_header(frame, _header(view))
    _draw_middle(frame, view)
    _draw_bottom_line(frame, view)
    if view.fraction is not None:
        _draw_bar(frame, view.fraction)
    return shifted(frame, view.shift)


def issuer_overflow(view: CodeView) -> int:
    """Return how many columns the issuer must scroll to be read whole; 0 if it fits."""
    return overflow(_header(view))


def _header(view: CodeView) -> Header:
    label = view.issuer if view.issuer.strip() else view.name
    return Header(label, f"{view.position}/{view.count}", view.sign, view.clock_sign, view.scroll)


def _draw_middle(frame: Image.Image, view: CodeView) -> None:
    if view.code is None:
        _draw_centred(frame, lettering.wrapped(view.prompt, "small", ROOM)[:2])
        return
    code = code_picture(view.code)
    if code is None:
        _draw_centred(frame, [lettering.fitted(view.code, "bold", ROOM)])
        return
    frame.paste(code, ((SIZE[0] - code.width) // 2, CODE_ROW + (CODE_ROWS - code.height) // 2))


def _draw_centred(frame: Image.Image, lines: list[str]) -> None:
    top = CODE_ROW + (CODE_ROWS - 7 - _LEADING * (len(lines) - 1)) // 2
    for number, text in enumerate(lines):
        left = (SIZE[0] - lettering.width(text, "small")) // 2
        lettering.draw(frame, (left, top + _LEADING * number), text, "small")


def _draw_bottom_line(frame: Image.Image, view: CodeView) -> None:
    right = lettering.fitted(_right_text(view), "small", ROOM)
    at = RIGHT - lettering.width(right, "small")
    lettering.draw(frame, (at, _NAME_ROW), right, "small")
    if view.issuer.strip():
        room = at - MARGIN - (_NAME_GAP if right else 0)
        lettering.draw(frame, (MARGIN, _NAME_ROW), lettering.fitted(view.name, "small", room), "small")


def _right_text(view: CodeView) -> str:
    if view.counter is not None:
        return f"#{view.counter}"
    if view.upcoming is not None:
        return f"▸ {grouped(view.upcoming)}"
    return "" if view.seconds_left is None else str(view.seconds_left)


def _draw_bar(frame: Image.Image, fraction: float) -> None:
    end = MARGIN + round(ROOM * max(0.0, min(1.0, fraction)))
    frame.paste(LIT, (MARGIN, _BAR_ROW, end, _BAR_ROW + _BAR_ROWS))
    draw_dots(frame, _BAR_ROW + 1, after=end)
