"""QR codes in a terminal: two rows of modules a line, black on white whatever the terminal's colours are."""

from typing import Final

import segno

QUIET_ZONES: Final = (2, 1)
"""Modules around the code, the better first: the standard has 4, phones do with 2 and mostly with 1."""
_COLOURS: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"


def lines(text: str, quiet: int, *, coloured: bool) -> list[str]:
    """Return the code of a text as lines. Without colours it is drawn for dark text on a light ground.

    Raises segno.DataOverflowError if the text is too long for any QR code.
    """
    matrix = segno.make_qr(text, error="l", boost_error=False).matrix
    width = len(matrix) + 2 * quiet
    rows = [[0] * width for _ in range(quiet)]
    rows += [[0] * quiet + list(row) + [0] * quiet for row in matrix]
    rows += [[0] * width for _ in range(quiet + width % 2)]
    drawn = [
        "".join(" ▀▄█"[(above & 1) + 2 * (below & 1)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return [f"{_COLOURS}{line}{_RESET}" for line in drawn] if coloured else drawn


def fits(text: str, quiet: int, columns: int, rows: int) -> bool:
    """Return whether `lines` fit so many columns and rows."""
    width, height = size(text, quiet)
    return width <= columns and height <= rows


def size(text: str, quiet: int) -> tuple[int, int]:
    """Return the columns and rows that `lines` takes."""
    width = len(segno.make_qr(text, error="l", boost_error=False).matrix) + 2 * quiet
    return width, (width + 1) // 2
