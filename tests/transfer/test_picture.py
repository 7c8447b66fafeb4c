"""Pictures of every kind: recognised by their first bytes, read in whatever way they hold a code, refused in few words."""

import io
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageOps

from appliance.errors import ApplianceError, CannotRead, FileDamaged
from appliance.transfer import picture, qr

TEXT = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQ"


def code(text: str = TEXT, side: int = 300) -> Image.Image:
    return Image.open(io.BytesIO(qr.png(text))).convert("L").resize((side, side), Image.Resampling.NEAREST)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF", "PDF"])
def test_every_kind_is_recognised_and_read(kind: str) -> None:
    data = saved(code().convert("RGB"), kind)
    assert picture.begins_like_picture(data)
    assert picture.codes(data) == (TEXT,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"BM, said the clerk, and left.",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypmp42\0\0\0\0isom",
        b"\x89PNG",
        b"%PD",
    ],
)
def test_what_only_looks_a_little_like_a_picture_is_none(data: bytes) -> None:
    assert not picture.begins_like_picture(data)


def clear(image: Image.Image, *, dark: bool) -> Image.Image:
    """Return the dark modules of a code in black, or the light ones in white, on nothing."""
    drawn = Image.new("RGBA", image.size, (0, 0, 0, 0) if dark else (255, 255, 255, 0))
    drawn.putalpha(ImageOps.invert(image) if dark else image)
    return drawn


MODES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1": lambda image: image.convert("1"),
    "P": lambda image: image.convert("P"),
    "RGBA": lambda image: image.convert("RGBA"),
    "LA": lambda image: image.convert("LA"),
    "I;16": lambda image: image.convert("I").point(lambda value: value * 257).convert("I;16"),
    "black on nothing": lambda image: clear(image, dark=True),
    "white on nothing": lambda image: clear(image, dark=False),
    "inverted": ImageOps.invert,
    "mirrored": ImageOps.mirror,
    "upside down": lambda image: image.rotate(180),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_code_is_read_in_every_mode(mode: str) -> None:
    assert picture.codes(saved(MODES[mode](code()), "PNG")) == (TEXT,)


@pytest.mark.parametrize("orientation", range(9))
def test_the_order_is_that_of_the_picture_as_it_is_looked_at(orientation: int) -> None:
    sheet = Image.new("L", (340, 660), 255)
    sheet.paste(code("first"), (20, 20))
    sheet.paste(code("second"), (20, 340))
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = sheet if undone is None else sheet.transpose(Image.Transpose(undone))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert picture.codes(saved(stored, "JPEG", exif=exif)) == ("first", "second")


def test_codes_are_given_top_to_bottom_and_left_to_right_each_once() -> None:
    sheet = Image.new("L", (1000, 1000), 255)
    texts = ["one", "two", "three", "four", "five", "one", "seven", "eight", "nine"]
    for index, text in enumerate(texts):
        sheet.paste(code(text), (20 + 320 * (index % 3), 20 + 320 * (index // 3) - 5 * (index % 3) + 10))
    assert picture.codes(saved(sheet, "PNG")) == tuple(dict.fromkeys(texts))


@pytest.mark.parametrize("text", ["ä 日本 🔑", "A" * 50, "12345", "\u00fc", "a\r\n\tb", "x" * 2900])
def test_every_text_comes_back(text: str) -> None:
    assert picture.codes(qr.png(text)) == (text,)


def test_a_text_in_another_encoding_than_utf_8_is_guessed() -> None:
    import segno

    drawn = io.BytesIO()
    segno.make_qr("Zürich", encoding="latin1", error="l").save(drawn, kind="png", scale=6)
    assert picture.codes(drawn.getvalue()) == ("Zürich",)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PDF"])
def test_all_frames_and_pages_are_read_up_to_a_limit(kind: str) -> None:
    frames = [code(f"frame {number}", 150) for number in range(45)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert picture.codes(data) == tuple(f"frame {number}" for number in range(40))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_without_a_code_has_none(kind: str) -> None:
    blank = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(blank).text((20, 20), "no code")
    assert picture.codes(saved(blank, kind)) == ()


def test_a_small_code_in_a_large_photo_is_found() -> None:
    photo = Image.new("L", (4000, 3000), 90)
    photo.paste(code(side=160), (3100, 2300))
    assert picture.codes(saved(photo, "JPEG")) == (TEXT,)
    assert picture.codes(saved(photo, "PNG")) == (TEXT,)


def test_a_photo_of_many_megapixels_is_unpacked_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Image.new("L", (6000, 5000), 90)
    photo.paste(code(side=400), (3100, 2300))
    data = saved(photo, "JPEG")
    assert picture.codes(data) == (TEXT,)
    sizes: list[tuple[int, int]] = []

    def note(grey: Image.Image, **_: bool) -> tuple[str, ...]:
        sizes.append(grey.size)
        return ()

    monkeypatch.setattr(qr, "texts", note)
    picture.codes(data)
    assert sizes == [(3000, 2500)]


def test_a_large_picture_without_a_code_is_looked_at_in_every_way() -> None:
    assert qr.texts(Image.new("L", (2000, 1000), 255)) == ()


def test_the_looking_ends_when_enough_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pale = code(side=700).point(lambda value: 120 + value // 20)
    assert qr.texts(pale) == (TEXT,)
    monkeypatch.setattr(qr, "_ALLOWANCE", pale.width * pale.height)
    assert qr.texts(pale) == ()


def test_after_many_pages_without_a_code_the_others_are_only_looked_at_as_they_are() -> None:
    blank = Image.new("L", (700, 700), 255)
    pale = code(side=700).point(lambda value: 120 + value // 20)
    for count, expected in ((7, (TEXT, "last")), (8, ("last",))):
        pages = [*[blank] * count, pale, code("last")]
        assert picture.codes(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])) == expected


def test_a_page_as_large_as_a_house_is_drawn_smaller() -> None:
    sheet = Image.new("L", (1200, 1600), 255)
    sheet.paste(code(side=900), (100, 300))
    assert picture.codes(saved(sheet, "PDF", resolution=2.0)) == (TEXT,)


def test_a_picture_is_only_looked_at_as_it_is_if_that_is_enough() -> None:
    pale = code(side=700).point(lambda value: 120 + value // 20)
    assert picture.codes(saved(pale, "PNG")) == (TEXT,)
    assert picture.codes(saved(pale, "PNG"), thorough=False) == ()
    assert picture.codes(saved(code(), "PNG"), thorough=False) == (TEXT,)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF", "PDF"])
def test_a_broken_picture_is_damaged_and_nothing_else(kind: str) -> None:
    data = saved(code(side=200).convert("RGB"), kind)
    with pytest.raises(FileDamaged):
        picture.codes(data[:60])
    dice = random.Random(kind)
    for _ in range(40):
        broken = bytearray(data[: dice.randrange(32, len(data) + 1)])
        for _ in range(dice.randrange(6)):
            broken[dice.randrange(12, len(broken))] = dice.randrange(256)
        with suppress(FileDamaged, CannotRead):
            picture.codes(bytes(broken))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG"])
def test_a_picture_that_claims_to_be_huge_is_refused_unread(kind: str) -> None:
    # Its header is changed after it was written: there is no such picture behind it.
    data = bytearray(saved(Image.new("L", (64, 64)), kind))
    place, order = {"PNG": (16, "big"), "BMP": (18, "little"), "GIF": (6, "little"), "JPEG": (0, "big")}[kind]
    if kind == "JPEG":
        place = data.index(b"\xff\xc0") + 5
    length = {"PNG": 4, "BMP": 4, "GIF": 2, "JPEG": 2}[kind]
    for offset in (0, length):
        data[place + offset : place + offset + length] = (50_000).to_bytes(length, order)  # type: ignore[arg-type]
    with pytest.raises((CannotRead, FileDamaged)) as caught:
        picture.codes(bytes(data))
    if kind != "PNG":  # whose header has a checksum
        assert isinstance(caught.value, CannotRead)


def test_a_picture_larger_than_fits_is_refused_with_its_size() -> None:
    with pytest.raises(CannotRead, match="27 megapixels, and at most 26"):
        picture.codes(saved(Image.new("1", (6000, 4501)), "PNG"))


@pytest.mark.parametrize(
    ("module", "kind", "extra"), [("pillow_heif", "HEIF", "heic"), ("pypdfium2", "PDF", "scan")]
)
def test_what_is_not_installed_is_named(
    module: str, kind: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(code(), kind)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CannotRead) as caught:
        picture.codes(data)
    assert f"otp-appliance[{extra}]" in caught.value.hint


def test_a_decoder_without_memory_is_a_picture_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> tuple[str, ...]:
        raise MemoryError

    monkeypatch.setattr(qr, "texts", none_left)
    with pytest.raises(CannotRead, match="too much memory"):
        picture.codes(saved(code(), "PNG"))


def test_a_picture_that_keeps_the_decoder_busy_is_given_up() -> None:
    finder = Image.new("L", (9, 9), 255)
    draw = ImageDraw.Draw(finder)
    for inset, shade in ((1, 0), (2, 255), (3, 0)):
        draw.rectangle((inset, inset, 8 - inset, 8 - inset), fill=shade)
    lattice = Image.new("L", (900, 900))
    for at in range(100 * 100):
        lattice.paste(finder, (at % 100 * 9, at // 100 * 9))
    search = qr._Search(qr._ALLOWANCE)
    qr._look(qr._View(lattice, 1.0), search)
    assert search.allowance <= qr._ALLOWANCE - 10 * lattice.width * lattice.height
    assert qr.texts(lattice) == ()


def test_errors_of_our_own_pass_unchanged() -> None:
    with pytest.raises(ApplianceError, match="27 megapixels"):
        picture.codes(saved(Image.new("1", (6000, 4501)), "TIFF"))
