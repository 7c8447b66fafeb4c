"""All golden frames on one picture, enlarged to look like the glass of a two-colour OLED.

Run it as `python -m tests.core.layout.contact_sheet OUT.png [NAME...]`; names choose frames by their beginnings.
"""

import sys
from pathlib import Path
from typing import Final

from PIL import Image

FRAMES: Final = Path(__file__).parents[2] / "frames"
SCALE: Final = 5
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


def contact_sheet(frames: list[Image.Image], columns: int = COLUMNS) -> Image.Image:
    """Return the frames in rows of `columns`."""
    pictures = [enlarged(frame) for frame in frames]
    width, height = (max(side) for side in zip(*(picture.size for picture in pictures), strict=True))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), DESK)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet.paste(picture, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return sheet


def main(out: str, *names: str) -> None:
    """Write the sheet to `out`."""
    files = [file for file in sorted(FRAMES.glob("*.png")) if file.stem.startswith(names or "")]
    contact_sheet([Image.open(file) for file in files]).save(out, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
