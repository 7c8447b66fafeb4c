"""The starting screen: the product's name, until the vault is open."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import (
    CODE_ROW,
    HEADER_ROW,
    SIZE,
    Shift,
    blank_frame,
    draw_dots,
    shifted,
)
from appliance.core.layout.typeface import numerals, picture

_PURPOSE: Final = "one-time codes"
_LETTERS: Final = "OTP"
_LETTERS_GAP: Final = 6
_WORD: Final = "appliance"
_WORD_ROW: Final = 46
_WORD_GAP: Final = 3
_TRACK_ROW: Final = 59


@dataclass(frozen=True, slots=True)
class StartingView:
    """There is nothing to know yet."""

    shift: Shift = (0, 0)


def starting_frame(view: StartingView = StartingView()) -> Image.Image:
    """Return the starting screen."""
    frame = blank_frame()
    _paste_spaced(frame, [lettering.line(_PURPOSE, "small")], HEADER_ROW - lettering.RISE, 0)
    glyphs = [picture(numerals()["19x28", letter]) for letter in _LETTERS]
    _paste_spaced(frame, glyphs, CODE_ROW, _LETTERS_GAP)
    _paste_spaced(
        frame, [lettering.line(letter, "bold") for letter in _WORD], _WORD_ROW - lettering.RISE, _WORD_GAP
    )
    draw_dots(frame, _TRACK_ROW)
    return shifted(frame, view.shift)


def _paste_spaced(frame: Image.Image, glyphs: list[Image.Image], row: int, gap: int) -> None:
    at = (SIZE[0] - sum(glyph.width + gap for glyph in glyphs) + gap) // 2
    for glyph in glyphs:
        frame.paste(glyph, (at, row))
        at += glyph.width + gap
