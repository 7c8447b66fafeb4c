"""The fonts as they lie in the text files."""

import string
from unicodedata import combining

import pytest

from appliance.core.layout.typeface import face, numerals, picture

PRINTABLE = string.ascii_letters + string.digits + string.punctuation


def test_every_printable_ascii_character_has_a_glyph() -> None:
    assert set(PRINTABLE) <= set(face("small"))


def test_both_text_fonts_have_the_same_characters() -> None:
    assert set(face("small")) == set(face("bold"))


@pytest.mark.parametrize("name", ["small", "bold"])
def test_letters_are_nine_rows_high_and_accents_at_most_three(name: str) -> None:
    for character, rows in face("bold" if name == "bold" else "small").items():
        assert len(rows) in ({1, 2, 3} if combining(character) else {9}), character


def test_no_two_characters_of_a_font_look_the_same_but_these() -> None:
    seen: dict[tuple[str, ...], str] = {}
    pairs = set()
    for character, rows in face("small").items():
        if not combining(character) and rows in seen:
            pairs.add(seen[rows] + character)
        seen.setdefault(rows, character)
    assert pairs == {"3З", ",‚", "`‘"}  # noqa: RUF001


def test_digits_have_every_size_and_all_glyphs_of_a_size_are_that_wide_and_high() -> None:
    sizes = {size for size, _ in numerals()}
    assert sizes == {"16x28", "14x26", "12x24", "10x22", "9x20", "19x28"}
    for (size, character), rows in numerals().items():
        width, height = map(int, size.split("x"))
        assert len(rows) == height, (size, character)
        assert {len(row) for row in rows} == {width}, (size, character)
    for size in sizes - {"19x28"}:
        assert {character for owner, character in numerals() if owner == size} == set(string.digits)


def test_every_character_of_steam_has_a_large_glyph() -> None:
    assert {character for size, character in numerals() if size == "19x28"} >= set(
        "23456789BCDFGHJKMNPQRTVWXY"
    )


@pytest.mark.parametrize("character", "0HMOTVWXY8")
def test_letters_that_are_symmetric_by_nature_are_so_in_large(character: str) -> None:
    size = "16x28" if character in string.digits else "19x28"
    rows = numerals()[size, character]
    if character in "TY":  # a stem of 4 can't stand in the middle of 19
        rows = rows[:3]
    assert all(row == row[::-1] for row in rows)


def test_six_turned_round_is_nine() -> None:
    for size in ("16x28", "14x26", "12x24", "10x22", "9x20", "19x28"):
        six = numerals()[size, "6"]
        assert tuple(row[::-1] for row in reversed(six)) == numerals()[size, "9"], size


def test_a_picture_has_the_pixels_of_its_rows() -> None:
    image = picture(("#.#......#", ".........."))
    assert image.size == (10, 2)
    assert image.mode == "1"
    assert [column for column in range(10) if image.getpixel((column, 0))] == [0, 2, 9]
    assert picture(("..", "..")).getbbox() is None
