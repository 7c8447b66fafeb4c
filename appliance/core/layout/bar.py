"""The bar: a part of a whole, such as the time that is left.

It is drawn so that one step of it changes at most two columns of a single page of the panel (8 rows), under every
pixel shift: such a step costs 11 bytes on the bus, a whole frame 1,034.
"""

from typing import Final, Literal

from PIL import Image

from appliance.core.layout.frame import LIT, MARGIN, RIGHT, ROOM, draw_dots

End = Literal["left", "right"]

BAR_ROW: Final = 58
"""First row of the bar on 64 rows: with a shift of 2 either way it stays in rows 56 to 63."""
_ROWS: Final = 3


def draw_bar(
    frame: Image.Image, fraction: float, bar_from: End = "left", row: int = BAR_ROW, rows: int = _ROWS
) -> None:
    """Draw the bar from one end over `fraction` of its track, 0.0 to 1.0; the rest of the track is dotted."""
    length = round(ROOM * max(0.0, min(1.0, fraction)))
    first, stop = (MARGIN, MARGIN + length) if bar_from == "left" else (RIGHT - length, RIGHT)
    track = row + (rows - 1) // 2
    # A dot that touches the bar's moving end would look like a part of it.
    if bar_from == "left":
        draw_dots(frame, track, after=stop)
    else:
        draw_dots(frame, track)
        frame.paste(0, (max(MARGIN, first - 1), track, RIGHT, track + 1))
    frame.paste(LIT, (first, row, stop, row + rows))
