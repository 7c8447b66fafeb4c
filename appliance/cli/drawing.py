"""Frames as text: the same pixels in half blocks (two a cell) and in Braille cells (eight a cell)."""

from typing import Final

from PIL import Image

from appliance.cli.terminal import Json

BRAILLE: Final = 0x2800
"""Unicode 16, section 21.1: a dot's bit is added to this."""
DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of the dot in row 0 to 3 and column 0 or 1 of a cell."""


def picture(answer: Json) -> Image.Image:
    """Return the frame of an answer of the control socket."""
    return Image.frombytes("1", (answer["width"], answer["height"]), bytes.fromhex(answer["bits"]))


def half_blocks(frame: Image.Image) -> list[str]:
    """Return a frame as lines of text, two rows of pixels a line; lines end with their last pixel."""
    lit = frame.load()
    assert lit is not None  # noqa: S101 - a frame in memory always has pixels
    return [
        "".join(" ▀▄█"[bool(lit[x, y]) + 2 * bool(lit[x, y + 1])] for x in range(frame.width)).rstrip()
        for y in range(0, frame.height, 2)
    ]


def braille(frame: Image.Image) -> list[str]:
    """Return a frame as lines of text, a cell for two columns and four rows; lines end with their last pixel.

    A cell without a dot is a space: some fonts draw the empty Braille cell as eight rings.
    """
    lit = frame.load()
    assert lit is not None  # noqa: S101 - a frame in memory always has pixels

    def cell(left: int, top: int) -> str:
        bits = sum(
            DOTS[row][column] for row in range(4) for column in range(2) if lit[left + column, top + row]
        )
        return chr(BRAILLE + bits) if bits else " "

    return [
        "".join(cell(left, top) for left in range(0, frame.width, 2)).rstrip()
        for top in range(0, frame.height, 4)
    ]


def boxed(lines: list[str], width: int, title: str) -> list[str]:
    """Return lines in a box, `width` cells wide inside, with a title in its upper edge."""
    edge = f"─ {title} ".ljust(width + 2, "─")
    return [f"╭{edge}╮", *(f"│ {line.ljust(width)} │" for line in lines), f"╰{'─' * (width + 2)}╯"]
