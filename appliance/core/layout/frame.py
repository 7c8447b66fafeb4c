"""The picture that every screen is drawn on, and its grid.

Rules: nothing is drawn outside the margin, so that the pixel shift, which protects the panel, cuts nothing off;
the header stays inside the first 16 rows, which many modules show in yellow.
"""

from typing import Final

from PIL import Image

SIZE: Final = (128, 64)
MARGIN: Final = 2
RIGHT: Final = SIZE[0] - MARGIN
"""The column right of the last one that is drawn on."""
ROOM: Final = RIGHT - MARGIN
"""Columns between the margins."""

LIT: Final = 255
"""Pillow's own value for a lit pixel of mode "1": any other is lit too, but is not equal."""

HEADER_ROW: Final = 5
"""First row of the header's capitals; accents and the shift are above it."""
CODE_ROW: Final = 16
CODE_ROWS: Final = 28

Shift = tuple[int, int]
"""Columns to the right and rows down, each -2 to 2."""


def blank_frame() -> Image.Image:
    """Return the frame with no pixel lit."""
    return Image.new("1", SIZE)


def shifted(frame: Image.Image, shift: Shift) -> Image.Image:
    """Return the frame moved by `shift`; a shift beyond the margin is cut down to it."""
    if shift == (0, 0):
        return frame
    moved = blank_frame()
    moved.paste(frame, (_within_margin(shift[0]), _within_margin(shift[1])))
    return moved


def draw_dots(frame: Image.Image, row: int, after: int = 0) -> None:
    """Draw a dotted rule in the columns right of `after`.

    The columns of the dots are fixed: were they counted from `after`, a moving `after` would change a whole row.
    """
    for column in range(MARGIN + 3, RIGHT, 4):
        if column > after:
            frame.putpixel((column, row), LIT)


def _within_margin(step: int) -> int:
    return max(-MARGIN, min(MARGIN, step))
