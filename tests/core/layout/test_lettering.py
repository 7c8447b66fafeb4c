"""Text: spelled, measured, cut and drawn."""

import string
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import LIT
from appliance.core.layout.lettering import draw, fitted, line, width, wrapped
from appliance.core.layout.spelling import spelled

ANY_TEXT = st.text(st.characters(), max_size=40)
FONTS: st.SearchStrategy[Literal["small", "bold"]] = st.sampled_from(["small", "bold"])


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("plain ~!", "plain ~!"),
        ("日本", "RiBen"),
        ("Müller", "Müller"),
        ("Mu\u0308ller", "Müller"),
        ("Яндекс Її", "Яндекс Її"),
        ("Ελλάδα", "Ελλάδα"),
        ("Nguyễn", "Nguyễn"),
        ("😀", ":grinning:"),
        ("a\u200db\u202ec\ufe0f", "abc"),
        ("a\tb\nc\u3000d\xa0e", "a b c d e"),
        ("x\u0302", "x"),
        ("a\x00b\x1b", "ab"),
        ("a\ud800b", "ab"),
        ("\ud800", "?"),
        ("\u200d", "?"),
        ("\ue000\U0010ffff", "?"),
        ("\u0301", "?"),
        (" ", " "),
        ("", ""),
        ("…–—‘’“”·•€£°▸ßæøåœłđıþð", "…–—‘’“”·•€£°▸ßæøåœłđıþð"),  # noqa: RUF001
    ],
)
def test_any_text_is_spelled_in_characters_of_the_fonts(text: str, spelling: str) -> None:
    assert spelled(text) == spelling


@given(ANY_TEXT)
def test_spelling_twice_is_spelling_once(text: str) -> None:
    assert spelled(spelled(text)) == spelled(text)


@given(ANY_TEXT, FONTS)
def test_any_text_but_the_empty_one_is_drawn_as_wide_as_measured(
    text: str, font: Literal["small", "bold"]
) -> None:
    strip = line(text, font)
    assert strip.size == (width(text, font), lettering.LINE)
    if text.strip():
        assert strip.width > 0
    if spelled(text).strip():
        assert strip.getbbox() is not None


@pytest.mark.parametrize(("letter", "accented"), [*zip("aeiouyncszEAZIj", "áèîőűýñçšžÉÅŻÏĵ", strict=True)])
@pytest.mark.parametrize("font", ["small", "bold"])
def test_an_accent_makes_another_picture(letter: str, accented: str, font: Literal["small", "bold"]) -> None:
    assert line(letter, font).tobytes() != line(accented, font).tobytes()


def test_no_two_accents_on_a_letter_look_the_same() -> None:
    letters = "aáàâãäåǎāăȧąạ"
    assert len({line(letter, "small").tobytes() for letter in letters}) == len(letters)


@pytest.mark.parametrize(("latin", "other"), ["AА", "AΑ", "oо", "oο", "pρ", "ëё", "IΙ"])  # noqa: RUF001
def test_look_alikes_in_other_scripts_are_the_latin_letter(latin: str, other: str) -> None:
    assert line(latin, "small").tobytes() == line(other, "small").tobytes()


def test_a_letter_above_and_below_carries_both_accents() -> None:
    both = line("ậ", "small")  # a circumflex and a dot below
    assert both.crop((0, 0, both.width, 2)).getbbox() is not None
    assert both.crop((0, 9, both.width, 11)).getbbox() is not None


@pytest.mark.parametrize("letter", "ÄËÏÖÜŻĀ")
def test_one_row_of_accents_on_a_capital_rises_one_row_and_stays_clear_of_it(letter: str) -> None:
    rows = line(letter, "small")
    assert rows.crop((0, 0, rows.width, 1)).getbbox() is None
    assert rows.crop((0, 1, rows.width, 2)).getbbox() is not None
    assert rows.crop((0, 2, rows.width, 3)).getbbox() is None
    assert rows.crop((0, 3, rows.width, 4)).getbbox() is not None


@given(ANY_TEXT, FONTS, st.integers(0, 130))
def test_fitted_text_takes_no_more_than_its_room(
    text: str, font: Literal["small", "bold"], room: int
) -> None:
    short = fitted(text, font, room)
    assert width(short, font) <= room
    if width(text, font) <= room:
        assert short == spelled(text)
    elif short:
        assert short.endswith("…")
        assert spelled(text).startswith(short[:-1])


def test_text_is_cut_after_the_last_letter_that_fits() -> None:
    whole = width("Amaz…", "small")
    assert fitted("Amazon", "small", whole) == "Amaz…"
    assert fitted("Amazon", "small", whole - 1) == "Ama…"
    assert fitted("Amazon", "small", 4) == ""
    assert fitted("Web Services", "small", width("Web S…", "small") - 1) == "Web…"


def test_text_is_wrapped_at_spaces_and_long_words_are_cut() -> None:
    room = width("to the backup", "small")
    assert wrapped("Restore it to the backup", "small", room) == ["Restore it to", "the backup"]
    assert wrapped("", "small", room) == []
    [short, rest] = wrapped("donaudampfschifffahrt now", "small", room)
    assert short.endswith("…")
    assert rest == "now"


@given(ANY_TEXT, FONTS, st.integers(20, 130))
def test_wrapped_lines_take_no_more_than_their_room(
    text: str, font: Literal["small", "bold"], room: int
) -> None:
    assert all(width(row, font) <= room for row in wrapped(text, font, room))


@given(ANY_TEXT, st.integers(-300, 130), st.integers(-20, 70))
def test_nothing_is_drawn_outside_the_clip(text: str, left: int, top: int) -> None:
    frame = Image.new("1", (128, 64))
    draw(frame, (left, top), text, "small", range(20, 60))
    box = frame.getbbox()
    assert box is None or (box[0] >= 20 and box[2] <= 60)


def test_a_clip_hides_nothing_inside_it() -> None:
    clipped, whole = Image.new("1", (128, 64)), Image.new("1", (128, 64))
    draw(clipped, (10, 20), string.ascii_letters, "small", range(20, 60))
    draw(whole, (10, 20), string.ascii_letters, "small")
    assert clipped.crop((20, 0, 60, 64)).tobytes() == whole.crop((20, 0, 60, 64)).tobytes()


def test_drawing_leaves_what_is_below_the_text() -> None:
    frame = Image.new("1", (20, 20), LIT)
    draw(frame, (2, 5), "abc", "small")
    assert frame.getextrema() == (LIT, LIT)
