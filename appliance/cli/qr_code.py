"""QR codes in a terminal: two rows of modules a line, black on white whatever the terminal's colours are."""

from typing import Final

import segno

QUIET: Final = 2
"""Modules around the code; the standard has 4, and phones take 2."""
_COLOURS: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"


def lines(text: str, *, coloured: bool) -> list[str]:
    """Return the code of a text as lines. Without colours it is drawn for dark text on a light ground.

    Raises segno.DataOverflowError if the text is too long for any QR code.
    """
    matrix = segno.make_qr(text, error="l", boost_error=False).matrix
    width = len(matrix) + 2 * QUIET
    rows = [[0] * width for _ in range(QUIET)]
    rows += [[0] * QUIET + list(row) + [0] * QUIET for row in matrix]
    rows += [[0] * width for _ in range(QUIET + width % 2)]
    drawn = [
        "".join(" ▀▄█"[(above & 1) + 2 * (below & 1)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return [f"{_COLOURS}{line}{_RESET}" for line in drawn] if coloured else drawn


def size(text: str) -> tuple[int, int]:
    """Return the columns and lines that `lines` takes."""
    width = len(segno.make_qr(text, error="l", boost_error=False).matrix) + 2 * QUIET
    return width, (width + 1) // 2
