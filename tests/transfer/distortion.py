"""What cameras, screens and messengers do to a QR code: each function returns a distorted grey picture."""

import io
import random
from collections.abc import Callable, Sequence
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageOps

from appliance.transfer import qr

BICUBIC: Final = Image.Resampling.BICUBIC
Point = tuple[float, float]


def screenshot(text: str, dice: random.Random) -> Image.Image:
    """Return a phone's screen that shows a code, 900 of its 1080 pixels wide."""
    screen = Image.new("L", (1080, 1600), dice.choice((255, 250, 240)))
    code = Image.open(io.BytesIO(qr.png(text))).convert("L").resize((900, 900), Image.Resampling.NEAREST)
    screen.paste(code, (90, 300))
    return screen


def rotated(image: Image.Image, dice: random.Random) -> Image.Image:
    return image.rotate(dice.uniform(0, 360), BICUBIC, expand=True, fillcolor=dice.choice((255, 90, 30)))


def perspective(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it as seen from the side: each corner moves by up to an eighth."""
    width, height = image.size
    moved = [(dice.uniform(0, 0.12) * width, dice.uniform(0, 0.12) * height) for _ in range(4)]
    corners = [
        (abs(right - x), abs(bottom - y))
        for (x, y), (right, bottom) in zip(
            moved, ((0, 0), (width, 0), (width, height), (0, height)), strict=True
        )
    ]
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, _projection(corners, image.size), BICUBIC, fillcolor=120
    )


def _projection(corners: Sequence[Point], size: tuple[int, int]) -> list[float]:
    """Return the eight coefficients that carry these corners to those of a picture: eight linear equations."""
    width, height = size
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows.extend(([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]))
    for at in range(8):
        best = max(range(at, 8), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        for row in range(8):
            if row != at:
                factor = rows[row][at] / rows[at][at]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at], strict=True)]
    return [rows[at][8] / rows[at][at] for at in range(8)]


def blurred(image: Image.Image, dice: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(dice.uniform(1, 3.5)))


def noisy(image: Image.Image, dice: random.Random, least: float = 0.3, most: float = 0.9) -> Image.Image:
    strength = dice.uniform(least, most)
    noise = Image.frombytes("L", image.size, dice.randbytes(image.width * image.height))
    return ImageChops.add(image, noise.point(lambda value: (value - 128) * strength + 128), 1, -128)


def jpeg(image: Image.Image, dice: random.Random, quality: int = 30) -> Image.Image:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality)
    return Image.open(written).convert("L")


def pale(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it with a tenth of its contrast or less."""
    darkest, range_ = dice.randint(60, 160), dice.randint(10, 30)
    return image.point(lambda value: darkest + value * range_ / 255)


def uneven(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it with a shadow from one side, and darker edges."""
    shadow = Image.linear_gradient("L").rotate(dice.uniform(0, 360), BICUBIC).crop((48, 48, 208, 208))
    shadow = shadow.resize(image.size, BICUBIC).point(lambda value: 40 + value * 215 / 255)
    edges = Image.radial_gradient("L").resize(image.size, BICUBIC).point(lambda value: 255 - value / 2)
    return ImageChops.multiply(ImageChops.multiply(image, shadow), edges)


def inverted(image: Image.Image, dice: random.Random) -> Image.Image:
    return ImageOps.invert(image)


def dark(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it as taken at night."""
    return jpeg(noisy(uneven(image.point(lambda value: 10 + value / 8), dice), dice, 0.05, 0.05), dice, 60)


def photo(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it with all that comes together in a photo of a screen."""
    image = rotated(perspective(uneven(image, dice), dice), dice)
    image = noisy(image.filter(ImageFilter.GaussianBlur(dice.uniform(0.8, 2))), dice, 0.1, 0.35)
    return jpeg(image, dice, dice.choice((30, 50, 70)))


def small(image: Image.Image, dice: random.Random) -> Image.Image:
    return scaled(photo(image, dice), dice.uniform(0.45, 0.7))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (int(image.width * factor), int(image.height * factor))
    return image.resize(size, Image.Resampling.BILINEAR)


def gridded(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return it with the pixels of a screen, as a camera that stands a little askew sees them."""
    step = dice.choice((3, 4, 5))
    line = Image.new("L", (image.width, 1), 255)
    line.putdata([120 if at % step == 0 else 255 for at in range(image.width)])
    across = line.resize(image.size, Image.Resampling.NEAREST)
    down = line.resize((image.width, image.width), Image.Resampling.NEAREST).rotate(90)
    down = down.resize(image.size, Image.Resampling.NEAREST)
    image = ImageChops.multiply(ImageChops.multiply(image, across), down)
    return jpeg(
        scaled(image.rotate(dice.uniform(-8, 8), BICUBIC, fillcolor=60), dice.uniform(0.8, 1.3)), dice, 60
    )


def distant(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return a photo of 12 megapixels, of which the code is a small part."""
    around = Image.frombytes("L", (400, 300), dice.randbytes(120_000)).resize((4000, 3000), BICUBIC)
    around = around.point(lambda value: 60 + value / 3)
    image = scaled(perspective(image, dice), dice.uniform(0.45, 0.6))
    around.paste(image, (dice.randint(0, 4000 - image.width), dice.randint(0, 3000 - image.height)))
    return jpeg(noisy(around, dice, 0.2, 0.2), dice, 60)


KINDS: Final[dict[str, Callable[[Image.Image, random.Random], Image.Image]]] = {
    kind.__name__: kind
    for kind in (
        *(rotated, perspective, blurred, noisy, jpeg, pale, uneven, inverted),
        *(dark, photo, small, gridded, distant),
    )
}
