"""Pictures, and documents of pictures, that show QR codes: what they are by their first bytes, and the texts they show.

Rules: a picture says how large it is before it is unpacked, and is refused if that needs too much memory; a photo is
unpacked at the size that it is looked at. Whatever a decoder makes of broken bytes is one error, FileDamaged. Formats
that need a large library are extras, and are named where they are missing.
"""

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from PIL import Image

from appliance.errors import ApplianceError, CannotRead, FileDamaged
from appliance.transfer import qr

_PIXELS: Final = 26_000_000
"""Of a picture that can only be unpacked whole, at up to four bytes for each."""
_PHOTO_PIXELS: Final = 120_000_000
"""Of a JPEG, which is unpacked smaller."""
_LOOKED_AT: Final = 13_000_000
"""Pixels of a photo at which even a small code is still readable."""
_STRIP: Final = 256
_FRAMES: Final = 40
_PAGES: Final = 40
_BLANK: Final = 8
"""Frames or pages without a code, after which the others are only looked at as they are."""
_POINTS_PER_INCH: Final = 72
_DOTS_PER_INCH: Final = 200
_ORIENTATION: Final = 0x0112
"""The number of the EXIF tag that says how a camera was held."""


def begins_like_picture(data: bytes) -> bool:
    """Whether the first bytes are those of a picture, or of a PDF; `codes` may still refuse it."""
    return _kind(data) is not None


def codes(data: bytes, *, thorough: bool = True) -> tuple[str, ...]:
    """Return the texts of all QR codes of a picture or PDF, each once: page by page, top to bottom; none if there are none.

    Without `thorough` the picture is only looked at as it is. Raises FileDamaged, and CannotRead for a picture that is
    too large or needs what is not installed.
    """
    found: dict[str, None] = {}
    blank = 0
    with _decoding():
        for grey in _pictures(data):
            texts = qr.texts(grey, thorough=thorough and blank < _BLANK)
            blank += not texts
            found.update(dict.fromkeys(texts))
    return tuple(found)


def _kind(data: bytes) -> str | None:
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    # Two letters are no mark: the header that follows them has one of few lengths.
    if data[:2] == b"BM" and data[14:18] in _BMP_HEADERS:
        return "Bmp"
    return _kind_of_brand(data) if data[4:8] == b"ftyp" else None


def _kind_of_brand(data: bytes) -> str | None:
    end = min(int.from_bytes(data[:4]), 64)
    brands = {data[at : at + 4] for at in (8, *range(16, end, 4))}
    if brands & {b"avif", b"avis"}:
        return "Avif"
    return "HEIC" if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1"} else None


@contextmanager
def _decoding() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ApplianceError:
            raise
        except MemoryError:
            raise _too_large("it needs too much memory") from None
        except Exception:  # noqa: BLE001 - decoders raise whatever broken bytes lead them to
            raise FileDamaged(
                "can't read the picture",
                "it is cut off or broken",
                "copy it once more as it is, or take another picture",
            ) from None


def _pictures(data: bytes) -> Iterator[Image.Image]:
    match _kind(data):
        case "PDF":
            return _pages(data)
        case "HEIC":
            return iter((_iphone_photo(data),))
        case kind:
            return _frames(data, kind or "")


def _frames(data: bytes, kind: str) -> Iterator[Image.Image]:
    with _opened(data, kind) as picture:
        # The second picture of a phone's photo is its depth or its brightness.
        number_of = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        for number in range(min(number_of, _FRAMES)):
            picture.seek(number)
            _check_size(picture.size, _PHOTO_PIXELS if picture.format in {"JPEG", "MPO"} else _PIXELS)
            # Only a JPEG can be unpacked smaller; for others this does nothing.
            picture.draft("L", _reduced(picture.size))
            yield from _greys(picture)


def _opened(data: bytes, kind: str) -> Image.Image:
    _extra(f"PIL.{kind}ImagePlugin", "", f"pictures of the kind {kind.upper()}")
    try:
        # Only the one decoder: Pillow has others, for formats that nobody photographs.
        return Image.open(io.BytesIO(data), formats=(kind.upper(),))
    except Image.DecompressionBombError:
        raise _too_large("it is too large") from None


def _iphone_photo(data: bytes) -> Image.Image:
    # Strip by strip: Pillow's own copy of it in colour would be too much beside the decoder's.
    photo = _extra("pillow_heif", "heic", "pictures of the kind HEIC").open_heif(data)
    width, height = photo.size
    _check_size(photo.size, _PIXELS)
    grey = Image.new("L", photo.size)
    pixels = memoryview(photo.data)
    for top in range(0, height, _STRIP):
        size = (width, min(_STRIP, height - top))
        strip = pixels[top * photo.stride : (top + size[1]) * photo.stride]
        part = Image.frombytes(photo.mode, size, strip.tobytes(), "raw", photo.mode, photo.stride, 1)
        grey.paste(part.convert("L"), (0, top))
    return grey


def _check_size(size: tuple[int, int], most: int) -> None:
    pixels = size[0] * size[1]
    if pixels > most:
        raise _too_large(
            f"it has {pixels // 1_000_000} megapixels, and at most {most // 1_000_000} can be read"
        )


def _reduced(size: tuple[int, int]) -> tuple[int, int]:
    factor = 1
    while size[0] * size[1] > _LOOKED_AT * factor * factor:
        factor *= 2
    return size[0] // factor, size[1] // factor


def _greys(picture: Image.Image) -> Iterator[Image.Image]:
    """Give a picture in grey; one that can be seen through lies on white first, and then on black."""
    turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    clear = picture.has_transparency_data
    if clear and picture.mode != "RGBA":
        picture = picture.convert("RGBA")
    opacity = picture.getchannel("A") if clear else None
    if picture.mode.startswith("I"):
        # 16 bits of grey; a plain conversion would cut all above 255 off.
        picture = picture.point(lambda value: value * (1 / 256))
    grey = picture.convert("L")
    if turn is not None:
        grey, opacity = grey.transpose(turn), opacity and opacity.transpose(turn)
    if opacity is None or opacity.getextrema()[0] == 255:
        yield grey
        return
    for ground in (255, 0):
        yield Image.composite(grey, Image.new("L", grey.size, ground), opacity)


def _pages(data: bytes) -> Iterator[Image.Image]:
    pdfium = _extra("pypdfium2", "scan", "PDF documents")
    document = pdfium.PdfDocument(data)
    try:
        for number in range(min(len(document), _PAGES)):
            page = document[number]
            yield _drawn(page)
            page.close()
    finally:
        document.close()


def _drawn(page: Any) -> Image.Image:
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    # A page may say that it is as large as a house.
    scale = min(scale, (_LOOKED_AT / max(width * height, 1)) ** 0.5)
    drawn: Image.Image = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_pil()
    return drawn.convert("L")


def _extra(module: str, extra: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        install = f"pip install 'otp-appliance[{extra}]', or " if extra else ""
        raise CannotRead(
            "can't read the picture",
            f"{what} need a library that is not installed",
            f"{install}save it as PNG or JPEG",
        ) from None


def _too_large(why: str) -> CannotRead:
    return CannotRead("can't read the picture", why, "cut the picture to the code, or save it as JPEG")


_STARTS: Final = {
    b"\x89PNG\r\n\x1a\n": "Png",
    b"\xff\xd8\xff": "Jpeg",
    b"GIF87a": "Gif",
    b"GIF89a": "Gif",
    b"II*\0": "Tiff",
    b"MM\0*": "Tiff",
    b"%PDF-": "PDF",
    b"\xef\xbb\xbf%PDF-": "PDF",
}
_BMP_HEADERS: Final = frozenset(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
