"""Several lines of text: cut to as many as there is room for, and drawn below each other."""

from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import CODE_ROW, CODE_ROWS, MARGIN, ROOM, SIZE

FIRST_ROW: Final = 20
"""Of the first of four lines below the header."""
LEADING: Final = 11
LINES: Final = 4

_CENTRED_LEADING: Final = 12


def lines(text: str, most: int, room: int = ROOM) -> list[str]:
    """Return `text` in at most so many lines; what is too much ends the last of them with `…`."""
    rows = lettering.wrapped(text, "small", room)
    if len(rows) <= most:
        return rows
    return (
        [*rows[: most - 1], lettering.fitted(" ".join(rows[most - 1 :]), "small", room)] if most > 0 else []
    )


def draw_lines(frame: Image.Image, rows: list[str], top: int = FIRST_ROW) -> None:
    """Draw lines from the left margin, the first one's capitals at row `top`."""
    for number, text in enumerate(rows):
        lettering.draw(frame, (MARGIN, top + LEADING * number), text, "small")


def draw_centred(frame: Image.Image, text: str) -> None:
    """Draw `text` in at most two lines in the middle of the place for the code."""
    rows = lines(text, 2)
    top = CODE_ROW + (CODE_ROWS - 7 - _CENTRED_LEADING * (len(rows) - 1)) // 2
    for number, row in enumerate(rows):
        draw_centred_line(frame, row, top + _CENTRED_LEADING * number)


def draw_centred_line(frame: Image.Image, text: str, row: int) -> None:
    """Draw one line in the middle of the frame's width."""
    text = lettering.fitted(text, "small", ROOM)
    lettering.draw(frame, ((SIZE[0] - lettering.width(text, "small")) // 2, row), text, "small")
