"""The code and the message screen on a panel of 32 rows.

Rules: a shift moves up to 2 columns either way and 1 row down, as there is no more room. What a code screen has no
place for is left out: the counter and the name where the issuer needs the line, the seconds beside more than seven
digits (the bar tells), and the next code.
"""

from functools import lru_cache
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.bar import draw_bar
from appliance.core.layout.code_screen import CodeView
from appliance.core.layout.frame import HEADER_ROW, LIT, MARGIN, RIGHT, ROOM, SIZE, Shift, blank_frame
from appliance.core.layout.header import Header, draw_header
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.paragraph import draw_centred_line, lines
from appliance.core.layout.typeface import Rows, numerals, picture
from appliance.vault.otp import grouped

SIZE_32: Final = (128, 32)

_CAPITALS_ROW: Final = 2
_CODE_ROW: Final = 12
_CODE_ROWS: Final = 16
_BAR_ROW: Final = 29
_BAR_ROWS: Final = 2
_TEXT_ROWS: Final = (12, 22)
LINES_32: Final = len(_TEXT_ROWS)
_GAP: Final = 5

_SETTINGS: Final = (
    (8, "12x24", 3, 10),
    (9, "10x22", 2, 10),
    (10, "9x20", 2, 12),
)
"""Up to so many digits: their size before they are lowered, the gap between them, and between their groups."""
_STEAM: Final = (5, "19x28", 4, 0)


def code_frame_32(view: CodeView) -> Image.Image:
    """Return the code screen for a panel of 128x32."""
    view = view.seen
    frame = blank_frame()
    code = None if view.code is None else _code_picture(view.code)
    if code is None:
        draw_centred_line(frame, view.prompt if view.code is None else view.code, _CODE_ROW + 5)
    else:
        _draw_code(frame, code, "" if view.seconds_left is None else str(view.seconds_left))
    if view.fraction is not None:
        draw_bar(frame, view.fraction, view.bar_from, _BAR_ROW, _BAR_ROWS)
    return _finished(frame, _code_header(view), view.shift)


def message_frame_32(view: MessageView) -> Image.Image:
    """Return the message screen for a panel of 128x32; two lines are seen."""
    frame = blank_frame()
    rows = [row for text in view.lines for row in lettering.wrapped(text, "small", ROOM)]
    if len(rows) > LINES_32:
        rows = lines(" ".join(view.lines), LINES_32)
    for row, text in zip(_TEXT_ROWS, rows, strict=False):
        lettering.draw(frame, (MARGIN, row), text, "small")
    return _finished(frame, Header(view.title, view.short, view.sign), view.shift)


def _finished(frame: Image.Image, header: Header, shift: Shift) -> Image.Image:
    """Return the upper half of the frame with the header added, and shifted."""
    top = blank_frame()
    draw_header(top, header)
    rise = HEADER_ROW - _CAPITALS_ROW
    strip = top.crop((0, rise, SIZE[0], rise + _CAPITALS_ROW + lettering.LINE - lettering.RISE))
    frame.paste(LIT, (0, 0), strip)
    finished = Image.new("1", SIZE_32)
    across, down = shift
    finished.paste(frame, (max(-MARGIN, min(MARGIN, across)), max(0, min(1, down))))
    return finished


def _code_header(view: CodeView) -> Header:
    label = view.issuer if view.issuer.strip() else view.name
    right = f"{view.position}/{view.count}"
    return Header(label, right, view.sign, view.clock_sign, view.scroll)


def _draw_code(frame: Image.Image, code: Image.Image, seconds: str) -> None:
    """Draw the code in the middle, or at the left if there is room for the seconds then."""
    taken = lettering.width(seconds, "small")
    beside = bool(seconds) and code.width + _GAP + taken <= ROOM
    frame.paste(code, (MARGIN if beside else (SIZE[0] - code.width) // 2, _CODE_ROW))
    if beside:
        lettering.draw(frame, (RIGHT - taken, _CODE_ROW + _CODE_ROWS - 7), seconds, "small")


def _code_picture(code: str) -> Image.Image | None:
    """Return a code in glyphs of 16 rows, at most 124 columns wide; None for one that can't be set so."""
    for most, size, gap, group_gap in (*_SETTINGS, _STEAM):
        if 4 <= len(code) <= most and all((size, character) in numerals() for character in code):
            groups = grouped(code).split()
            width = sum(_low(size, character).width + gap for character in code) - gap
            strip = Image.new("1", (width + (len(groups) - 1) * (group_gap - gap), _CODE_ROWS))
            at = 0
            for group in groups:
                for character in group:
                    strip.paste(_low(size, character), (at, 0))
                    at += _low(size, character).width + gap
                at += group_gap - gap
            return strip
    return None


@lru_cache(maxsize=128)
def _low(size: str, character: str) -> Image.Image:
    return picture(lowered(numerals()[size, character], _CODE_ROWS))


def lowered(rows: Rows, height: int) -> Rows:
    """Return a large glyph without the rows that are missed least, `height` rows high.

    Best to go are rows that look like a neighbour; bars are kept as thick as they are, and what goes is spread.
    """
    left = list(range(len(rows)))
    gone: list[int] = []
    while len(left) > height:
        place = min(range(3, len(left) - 3), key=lambda place: _loss(rows, left, gone, place))
        gone.append(left.pop(place))
    return tuple(rows[number] for number in left)


def _loss(rows: Rows, left: list[int], gone: list[int], place: int) -> int:
    row = rows[left[place]]
    step = min(_difference(row, rows[left[place + side]]) for side in (-1, 1))
    bar = max(0, 2 * row.count("#") - len(row))
    crowding = max((4 - abs(left[place] - number) for number in gone), default=0)
    return 4 * (step + bar) + max(0, crowding)


def _difference(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
