"""Golden frames on one picture, enlarged to look like the glass of a two-colour OLED.

`python -m tests.core.layout.contact_sheet` makes the two pictures of the README anew: the chosen ones, and all of
them. With `OUT.png [NAME...]` it makes one; names choose frames by their beginnings.
"""

import sys
from pathlib import Path
from typing import Final

from PIL import Image

FRAMES: Final = Path(__file__).parents[2] / "frames"
SCREENS: Final = FRAMES.parent / "screens.png"
ALL: Final = FRAMES.parent / "contact-sheet.png"
CHOSEN: Final = (
    "code-6-digits", "code-last-seconds-8", "code-hotp",
    "code-steam", "code-cyrillic-and-han", "tour-code-hidden",
    "tour-walk-fast", "list-middle", "tour-menu",
    "tour-status-1", "tour-status-2", "tour-brightness",
    "tour-qr-question", "tour-qr", "tour-restoring",
    "tour-clock-jumped", "tour-clock-question", "message",
    "locked-pin-ok", "locked-wait-30s", "tour-welcome",
)  # fmt: skip
SCALE: Final = 4
COLUMNS: Final = 3
GAP: Final = 10
YELLOW_ROWS: Final = 16
YELLOW: Final = (255, 214, 60)
BLUE: Final = (120, 200, 255)
GLASS: Final = (8, 8, 12)
DESK: Final = (60, 60, 60)


def enlarged(frame: Image.Image, scale: int = SCALE) -> Image.Image:
    """Return the frame with each pixel as a square of light, `scale` minus one wide."""
    picture = Image.new("RGB", (frame.width * scale, frame.height * scale), GLASS)
    for row in range(frame.height):
        for column in range(frame.width):
            if frame.getpixel((column, row)):
                left, top = column * scale, row * scale
                colour = YELLOW if row < YELLOW_ROWS and frame.height > 32 else BLUE
                picture.paste(colour, (left, top, left + scale - 1, top + scale - 1))
    return picture


def contact_sheet(frames: list[Image.Image], columns: int = COLUMNS, scale: int = SCALE) -> Image.Image:
    """Return the frames in rows of `columns`, the highest first."""
    pictures = [enlarged(frame, scale) for frame in sorted(frames, key=lambda frame: -frame.height)]
    rows = [pictures[first : first + columns] for first in range(0, len(pictures), columns)]
    width = columns * (pictures[0].width + GAP) + GAP
    sheet = Image.new("RGB", (width, GAP + sum(row[0].height + GAP for row in rows)), DESK)
    top = GAP
    for row in rows:
        for column, picture in enumerate(row):
            sheet.paste(picture, (GAP + column * (picture.width + GAP), top))
        top += row[0].height + GAP
    return sheet.quantize(len({GLASS, DESK, YELLOW, BLUE}))


def chosen() -> Image.Image:
    """Return the README's picture of the screens that people meet."""
    return contact_sheet([Image.open(FRAMES / f"{name}.png") for name in CHOSEN])


def everything() -> Image.Image:
    """Return all golden frames."""
    return contact_sheet([Image.open(file) for file in sorted(FRAMES.glob("*.png"))], columns=6, scale=3)


def main(*arguments: str) -> None:
    """Write the sheets."""
    if not arguments:
        chosen().save(SCREENS, optimize=True)
        everything().save(ALL, optimize=True)
        return
    out, *names = arguments
    files = [file for file in sorted(FRAMES.glob("*.png")) if file.stem.startswith(tuple(names) or "")]
    contact_sheet([Image.open(file) for file in files]).save(out, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
