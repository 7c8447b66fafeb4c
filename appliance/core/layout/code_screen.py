"""The code screen: issuer, code, name, and the time that is left."""

from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.bar import End, draw_bar
from appliance.core.layout.frame import (
    CODE_ROW,
    CODE_ROWS,
    MARGIN,
    RIGHT,
    ROOM,
    SIZE,
    Shift,
    blank_frame,
    shifted,
)
from appliance.core.layout.header import Header, Sign, draw_header, overflow
from appliance.core.layout.numeral import code_picture
from appliance.core.layout.paragraph import draw_centred
from appliance.vault.otp import grouped

_NAME_ROW: Final = 46
_NAME_GAP: Final = 4
_HIDDEN: Final = "press OK to show"


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
    """Of HOTP: until OK makes the next code."""
    fraction: float | None = None
    """Part of the period that is left, 1.0 to 0.0; None: no bar."""
    counter: int | None = None
    """Of HOTP; it stands in the place of the seconds, once there are none."""
    sign: Sign = ""
    clock_sign: bool = False
    """The clock is not synchronised."""
    scroll: int = 0
    """Columns that an issuer too long for the header has moved to the left; at 0 it is cut and ends in `…`."""
    shift: Shift = (0, 0)
    hidden: bool = False
    """Neither the code nor the next one is drawn, whatever they are: someone must ask for them first."""
    bar_from: End = "left"
    """The end of the bar that stays; the ends take turns to spare the panel."""

    @property
    def seen(self) -> "CodeView":
        """The view without the codes that are hidden."""
        if not self.hidden:
            return self
        return replace(self, code=None, upcoming=None, prompt=self.prompt or _HIDDEN, hidden=False)


def code_frame(view: CodeView) -> Image.Image:
    """Return the code screen."""
    view = view.seen
    frame = blank_frame()
    draw_header(frame, _header(view))
    _draw_middle(frame, view)
    _draw_bottom_line(frame, view)
    if view.fraction is not None:
        draw_bar(frame, view.fraction, view.bar_from)
    return shifted(frame, view.shift)


def issuer_overflow(view: CodeView) -> int:
    """Return how many columns the issuer must scroll to be read whole; 0 if it fits."""
    return overflow(_header(view))


def _header(view: CodeView) -> Header:
    label = view.issuer if view.issuer.strip() else view.name
    return Header(label, f"{view.position}/{view.count}", view.sign, view.clock_sign, view.scroll)


def _draw_middle(frame: Image.Image, view: CodeView) -> None:
    if view.code is None:
        draw_centred(frame, view.prompt)
        return
    code = code_picture(view.code)
    if code is None:
        draw_centred(frame, view.code)
        return
    frame.paste(code, ((SIZE[0] - code.width) // 2, CODE_ROW + (CODE_ROWS - code.height) // 2))


def _draw_bottom_line(frame: Image.Image, view: CodeView) -> None:
    right = lettering.fitted(_right_text(view), "small", ROOM)
    at = RIGHT - lettering.width(right, "small")
    lettering.draw(frame, (at, _NAME_ROW), right, "small")
    if view.issuer.strip():
        room = at - MARGIN - (_NAME_GAP if right else 0)
        lettering.draw(frame, (MARGIN, _NAME_ROW), lettering.fitted(view.name, "small", room), "small")


def _right_text(view: CodeView) -> str:
    if view.counter is not None:
        return f"#{view.counter}" if view.seconds_left is None else f"next in {view.seconds_left} s"
    if view.upcoming is not None:
        return f"▸ {grouped(view.upcoming)}"
    return "" if view.seconds_left is None else str(view.seconds_left)
