"""Letters larger than the fonts have them: doubled, with the corners of slanted strokes rounded off.

The rule is EPX (Eric Johnston, 1992; the same as Scale2x): a corner of the four new pixels takes the colour of the two
neighbours that meet there, where these are equal and the others differ.
"""

from PIL import Image

from appliance.core.layout.frame import LIT

_CORNERS = (((-1, 0), (0, -1)), ((0, -1), (1, 0)), ((0, 1), (-1, 0)), ((1, 0), (0, 1)))
"""The two neighbours that meet at the top left, top right, bottom left and bottom right."""


def doubled(image: Image.Image) -> Image.Image:
    """Return an image of mode "1" twice as wide and high."""
    larger = Image.new("1", (image.width * 2, image.height * 2))
    for row in range(image.height):
        for column in range(image.width):
            for place, lit in enumerate(_quarters(image, column, row)):
                if lit:
                    larger.putpixel((column * 2 + place % 2, row * 2 + place // 2), LIT)
    return larger


def _quarters(image: Image.Image, column: int, row: int) -> list[bool]:
    quarters = []
    for (across, down), (other_across, other_down) in _CORNERS:
        one = _lit(image, column + across, row + down)
        other = _lit(image, column + other_across, row + other_down)
        facing = (
            _lit(image, column - across, row - down),
            _lit(image, column - other_across, row - other_down),
        )
        meet = one == other and one != facing[0] and other != facing[1]
        quarters.append(one if meet else _lit(image, column, row))
    return quarters


def _lit(image: Image.Image, column: int, row: int) -> bool:
    inside = 0 <= column < image.width and 0 <= row < image.height
    return inside and bool(image.getpixel((column, row)))
