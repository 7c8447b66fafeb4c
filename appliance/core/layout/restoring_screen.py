"""The restoring screen: a vault comes back from its backup."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.bar import draw_bar
from appliance.core.layout.enlargement import doubled
from appliance.core.layout.frame import (
    CODE_ROW,
    CODE_ROWS,
    MARGIN,
    RIGHT,
    ROOM,
    SIZE,
    Shift,
    blank_frame,
    shifted,
)
from appliance.core.layout.header import Header, draw_header
from appliance.core.layout.paragraph import draw_centred
from appliance.core.layout.typeface import numerals, picture

_STEP_ROW: Final = 46
_GAP: Final = 4
_SIZE: Final = "16x28"
_DIGIT_GAP: Final = 3


@dataclass(frozen=True, slots=True)
class RestoringView:
    """How far it is."""

    step: str
    """What is done now, such as `checking the backup`."""
    done: int = 0
    total: int = 0
    """0: nobody knows yet."""
    shift: Shift = (0, 0)


def restoring_frame(view: RestoringView) -> Image.Image:
    """Return the restoring screen."""
    frame = blank_frame()
    draw_header(frame, Header("Restoring", "", ""))
    if view.total <= 0:
        draw_centred(frame, view.step)
        draw_bar(frame, 0.0)
        return shifted(frame, view.shift)
    done = max(0, min(view.done, view.total))
    _draw_percentage(frame, 100 * done // view.total)
    count = lettering.fitted(f"{done}/{view.total}", "small", ROOM // 2)
    at = RIGHT - lettering.width(count, "small")
    lettering.draw(frame, (at, _STEP_ROW), count, "small")
    step = lettering.fitted(view.step, "small", at - MARGIN - _GAP)
    lettering.draw(frame, (MARGIN, _STEP_ROW), step, "small")
    draw_bar(frame, done / view.total)
    return shifted(frame, view.shift)


def _draw_percentage(frame: Image.Image, percentage: int) -> None:
    glyphs = [picture(numerals()[_SIZE, digit]) for digit in str(percentage)]
    sign = doubled(lettering.line("%", "bold"))
    at = (SIZE[0] - sum(glyph.width + _DIGIT_GAP for glyph in glyphs) - _DIGIT_GAP - sign.width) // 2
    for glyph in glyphs:
        frame.paste(glyph, (at, CODE_ROW))
        at += glyph.width + _DIGIT_GAP
    frame.paste(sign, (at + _DIGIT_GAP, CODE_ROW + CODE_ROWS - sign.height + 2 * lettering.RISE))
