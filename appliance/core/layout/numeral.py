"""Codes in large glyphs: as large as fits, in groups, equal widths."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from PIL import Image

from appliance.core.layout.typeface import numerals, picture
from appliance.vault.otp import grouped


@dataclass(frozen=True, slots=True)
class _Setting:
    """How a code of some length is set; the gap between groups is at least three times the one inside."""

    size: str
    gap: int
    group_gap: int = 0


# The sums are at most 124 columns: eight digits take 8*12 + 6*3 + 10.
_SETTINGS: Final = {
    4: _Setting("16x28", 5),
    5: _Setting("16x28", 5),
    6: _Setting("16x28", 3, 11),
    7: _Setting("14x26", 3, 11),
    8: _Setting("12x24", 3, 10),
    9: _Setting("10x22", 2, 10),
    10: _Setting("9x20", 2, 12),
}
_STEAM: Final = _Setting("19x28", 4)


def code_picture(code: str) -> Image.Image | None:
    """Return a code in large glyphs, at most 124x28; None for one that can't be set so."""
    setting = _setting(code)
    if setting is None:
        return None
    steps: list[tuple[int, Image.Image]] = []
    at = 0
    for group in grouped(code).split():
        for character in group:
            glyph = _numeral(setting.size, character)
            steps.append((at, glyph))
            at += glyph.width + setting.gap
        at += setting.group_gap - setting.gap
    code_width = at - setting.group_gap
    whole = Image.new("1", (code_width, steps[0][1].height))
    for left, glyph in steps:
        whole.paste(glyph, (left, 0))
    return whole


def _setting(code: str) -> _Setting | None:
    setting = _SETTINGS.get(len(code))
    glyphs = numerals()
    for candidate in (setting, _STEAM if len(code) == 5 else None):
        if candidate and all((candidate.size, character) in glyphs for character in code):
            return candidate
    return None


@cache
def _numeral(size: str, character: str) -> Image.Image:
    return picture(numerals()[size, character])
