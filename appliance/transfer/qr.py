"""QR codes: the texts of all that a grey picture shows, and pictures of new ones.

Reading goes from the cheap to the costly: the picture as it is, then altered in ways that undo what cameras and
screens do to it, until something is found, nothing that looks like a code is left unread, and one more way finds no more. The decoder takes any
angle, mirrored and inverted codes by itself. Its time grows with the square of what looks like the corner of a code, so
it never sees a large picture at once, and all that it sees of one picture is limited.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

_AREA: Final = 6_500_000
"""Pixels that the decoder sees at once."""
_BUSY_AREA: Final = 1_600_000
"""Of a picture that is mostly edges: if they are made to look like corners, this takes a second."""
_TILE: Final = 1_400
_STEP: Final = 800
"""Between the edges of tiles, so that a code of up to 600 pixels is in one of them whole; larger ones survive `_AREA`."""
_ALLOWANCE: Final = 120_000_000
"""Pixels that the decoder sees of one picture; a second for a photo that shows none."""
_BUSY_WEIGHT: Final = 16
"""A picture that is mostly edges counts that much more: it is noise, or made to keep the decoder busy."""
_LIT_SIDE: Final = 900
"""Pixels of a new picture's side, about: a phone reads it from a screen."""
QUIET_ZONE: Final = 4
"""Modules (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the picture, at a size of its own."""

    picture: Image.Image
    zoom: float
    """Pixels of the picture for one of the view."""
    left: int = 0
    top: int = 0


@dataclass(slots=True)
class _Search:
    """What was found so far."""

    allowance: float
    codes: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Text to the middle and the reach of the code."""
    unread: bool = False
    """Whether the last round saw something that looks like a code where none was read."""


def texts(grey: Image.Image, *, thorough: bool = True) -> tuple[str, ...]:
    """Return the texts of all QR codes in a picture of mode "L", top to bottom, each once; none if there are none.

    Without `thorough` it is looked at as it is and no further: enough for pictures that a program drew.
    """
    search = _Search(_ALLOWANCE)
    for make_round in _ROUNDS if thorough else _ROUNDS[:1]:
        known, search.unread = len(search.codes), False
        for view in make_round(grey):
            _look(view, search)
            if search.allowance <= 0:
                return _ordered(search)
        if known and known == len(search.codes) and not search.unread:
            break
    return _ordered(search)


def png(text: str) -> bytes:
    """Return a picture of the smallest code of a text, to be read from a screen; UTF-8, error correction L or better."""
    drawn = io.BytesIO()
    scale = max(3, _LIT_SIDE // (modules(text) + 2 * QUIET_ZONE))
    _made(text).save(drawn, kind="png", scale=scale, border=QUIET_ZONE)
    return drawn.getvalue()


def modules(text: str) -> int:
    """Return the width of the code that `png` draws, without its quiet zone."""
    return len(_made(text).matrix)


def _made(text: str) -> Any:
    import segno

    return segno.make_qr(text.encode(), error="l")


def _ordered(search: _Search) -> tuple[str, ...]:
    if not search.codes:
        return ()
    line = max(reach for _, _, reach in search.codes.values())
    return tuple(sorted(search.codes, key=lambda text: _place(search.codes[text], line)))


def _place(middle: tuple[float, float, float], line: float) -> tuple[float, float]:
    x, y, _ = middle
    return y // max(line, 1), x


def _look(view: _View, search: _Search) -> None:
    import zxingcpp

    picture = view.picture
    weight = _BUSY_WEIGHT if _is_busy(picture) else 1
    search.allowance -= float(picture.width * picture.height * weight)
    seen = zxingcpp.read_barcodes(
        picture,
        formats=zxingcpp.barcode_formats_from_str("QRCode"),
        text_mode=zxingcpp.TextMode.Plain,
        return_errors=True,
    )
    for code in sorted(seen, key=lambda code: not code.valid):
        x, y, reach = _middle(code.position, view)
        if code.valid:
            search.codes.setdefault(_text(code), (x, y, reach))
        elif not any(max(abs(x - a), abs(y - b)) < r for a, b, r in search.codes.values()):
            search.unread = True


def _text(code: Any) -> str:
    # The decoder guesses the encoding of the bytes; programs write UTF-8, and mostly do not say so.
    try:
        return bytes(code.bytes).decode()
    except UnicodeDecodeError:
        return str(code.text)


def _middle(position: Any, view: _View) -> tuple[float, float, float]:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    xs = [view.left + corner.x * view.zoom for corner in corners]
    ys = [view.top + corner.y * view.zoom for corner in corners]
    return sum(xs) / 4, sum(ys) / 4, max(max(xs) - min(xs), max(ys) - min(ys)) / 2


def _is_busy(picture: Image.Image) -> bool:
    """Whether neighbouring pixels differ nearly as much as distant ones, and more than a camera's noise makes them."""
    shifted = ImageChops.offset(picture, 1, 0)
    step: float = ImageStat.Stat(ImageChops.difference(picture, shifted)).mean[0]
    return step > 18 and step > 0.7 * ImageStat.Stat(picture).stddev[0]


def _as_it_is(grey: Image.Image) -> Iterator[_View]:
    yield _fitted(grey)
    yield from _tiles(grey)


def _fitted(grey: Image.Image) -> _View:
    area = _BUSY_AREA if _is_busy(grey) else _AREA
    zoom = max(1.0, (grey.width * grey.height / area) ** 0.5)
    if zoom == 1.0:
        return _View(grey, zoom)
    size = (max(1, round(grey.width / zoom)), max(1, round(grey.height / zoom)))
    return _View(grey.resize(size, Image.Resampling.BOX), zoom)


def _tiles(grey: Image.Image) -> Iterator[_View]:
    if grey.width * grey.height <= _AREA:
        return
    for top in range(0, max(1, grey.height - _TILE + _STEP), _STEP):
        for left in range(0, max(1, grey.width - _TILE + _STEP), _STEP):
            box = (left, top, min(left + _TILE, grey.width), min(top + _TILE, grey.height))
            yield _View(grey.crop(box), 1.0, left, top)


def _altered(alter: Callable[[Image.Image], Image.Image], *, in_parts: bool = False) -> "_Round":
    def views(grey: Image.Image) -> Iterator[_View]:
        for view in _tiles(grey) if in_parts else (_fitted(grey),):
            picture = alter(view.picture)
            yield replace(view, picture=picture, zoom=view.zoom * view.picture.width / picture.width)

    return views


def _evened(grey: Image.Image) -> Image.Image:
    """Return it without a camera's noise, and without what changes slowly: shadows and lamps."""
    smooth = grey.filter(ImageFilter.GaussianBlur(1.5))
    around = smooth.filter(ImageFilter.BoxBlur(max(grey.size) // 30))
    return ImageOps.autocontrast(ImageChops.subtract(smooth, around, 1.0, 128), 2)


def _smoothed(grey: Image.Image) -> Image.Image:
    """Return it without stronger noise and a screen's grid, and with all of the contrast there can be."""
    return ImageOps.autocontrast(grey.filter(ImageFilter.GaussianBlur(2)), 1)


def _sharpened(grey: Image.Image) -> Image.Image:
    """Return it as if the camera had been closer to focus."""
    return ImageOps.autocontrast(grey.filter(ImageFilter.UnsharpMask(3, 300, 0)), 1)


def _doubled(grey: Image.Image) -> Image.Image:
    """Return it with room between modules of one or two pixels; a large picture is not that sharp."""
    if grey.width * grey.height > _BUSY_AREA:
        return grey
    return grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)


_Round = Callable[[Image.Image], Iterator[_View]]
_ROUNDS: Final[tuple[_Round, ...]] = (
    _as_it_is,
    _altered(_evened),
    _altered(_smoothed),
    _altered(_sharpened),
    _altered(_doubled),
    _altered(_evened, in_parts=True),
)
"""In the order of how much they find of hundreds of distorted pictures that the ones before leave."""
