"""The locked screen: a PIN is entered with the buttons, or the passphrase is waited for."""

from dataclasses import dataclass, field
from typing import Final, Literal

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.enlargement import doubled
from appliance.core.layout.frame import (
    CODE_ROW,
    CODE_ROWS,
    LIT,
    MARGIN,
    RIGHT,
    ROOM,
    SIZE,
    Shift,
    blank_frame,
    shifted,
)
from appliance.core.layout.header import Header, draw_header
from appliance.core.layout.paragraph import (
    FIRST_ROW,
    LEADING,
    draw_centred,
    draw_centred_line,
    draw_lines,
    lines,
)
from appliance.core.layout.typeface import numerals, picture

_DOTS_ROW: Final = 45
_DOT: Final = (".###.", "#####", "#####", "#####", ".###.")
_DOT_PITCH: Final = 8
_MOST_DOTS: Final = 12
_LAST_ROW: Final = 53
_WHEEL_ROWS: Final = 26
_CHOSEN_SIZE: Final = "14x26"
WHEEL: Final = (*"0123456789", "DEL", "OK")
"""A digit is accepted, DEL takes the last one back, OK tries them."""
_BESIDE: Final = 32
"""Columns from the middle to the middle of the digits that come before and after."""
_ENTRY_HINT: Final = "OK: next   hold OK: unlock"
_WAIT_HINT: Final = "until the next try"
_OVER_SSH: Final = "Unlock over SSH:"
_COMMAND: Final = "appliance unlock"
_COMMAND_INDENT: Final = 9


@dataclass(frozen=True, slots=True)
class LockedView:
    """How far the unlocking is."""

    kind: Literal["pin", "passphrase"]
    entered: int = 0
    """Digits accepted so far; they are seen as dots."""
    digit: int | None = field(default=None, repr=False)
    """Place on the `WHEEL` that is being chosen; None: none is, and the message is seen instead."""
    wait: int | None = None
    """Seconds until the next try; counted down in place of everything else."""
    tries_left: int | None = None
    """Before waiting begins or grows; None: not said."""
    message: str = ""
    """It stands in the place of the help in the last line."""
    shift: Shift = (0, 0)


def locked_frame(view: LockedView) -> Image.Image:
    """Return the locked screen."""
    frame = blank_frame()
    draw_header(frame, Header("Locked", _tries(view.tries_left), ""))
    if view.wait is not None:
        _draw_wait(frame, view.wait)
        draw_centred_line(frame, view.message or _WAIT_HINT, _LAST_ROW)
    elif view.kind == "passphrase":
        _draw_command(frame)
        draw_lines(frame, lines(view.message, 1), _LAST_ROW)
    elif view.digit is None:
        _draw_dots_entered(frame, view.entered)
        draw_centred(frame, view.message)
    else:
        _draw_wheel(frame, view.digit)
        _draw_dots_entered(frame, view.entered)
        draw_centred_line(frame, view.message or _ENTRY_HINT, _LAST_ROW)
    return shifted(frame, view.shift)


def _tries(left: int | None) -> str:
    if left is None:
        return ""
    return "last try" if left == 1 else f"{left} tries left"


def _draw_wheel(frame: Image.Image, digit: int) -> None:
    """Draw the digit large, and smaller beside it those that previous and next lead to."""
    middle = SIZE[0] // 2
    for step, size in ((-1, "9x20"), (0, _CHOSEN_SIZE), (1, "9x20")):
        glyph = _on_wheel(WHEEL[(digit + step) % len(WHEEL)], size)
        left = middle + _BESIDE * step - glyph.width // 2
        frame.paste(glyph, (left, CODE_ROW + (_WHEEL_ROWS - glyph.height) // 2))


def _on_wheel(label: str, size: str) -> Image.Image:
    """Return a digit in this size, or a word that is as high as fits beside digits."""
    if label.isdigit():
        return picture(numerals()[size, label])
    word = lettering.line(label, "bold")
    return doubled(word) if size == _CHOSEN_SIZE else word


def _draw_dots_entered(frame: Image.Image, entered: int) -> None:
    dots = max(0, min(entered, _MOST_DOTS))
    more = f"+{entered - dots}" if entered > dots else ""
    dot = picture(_DOT)
    left = (SIZE[0] - dots * _DOT_PITCH + _DOT_PITCH - dot.width) // 2
    for place in range(dots):
        frame.paste(dot, (left + _DOT_PITCH * place, _DOTS_ROW))
    more = lettering.fitted(more, "small", RIGHT - left - dots * _DOT_PITCH)
    lettering.draw(frame, (left + dots * _DOT_PITCH, _DOTS_ROW - 1), more, "small")


def _draw_wait(frame: Image.Image, seconds: int) -> None:
    text = _countdown(max(0, seconds))
    figures = _figures(text, "16x28" if len(text) <= len("00:00") else "12x24")
    if figures.width > ROOM:
        draw_centred(frame, text)
        return
    at = (SIZE[0] - figures.width) // 2, CODE_ROW + (CODE_ROWS - figures.height) // 2
    frame.paste(figures, at)


def _countdown(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _figures(text: str, size: str) -> Image.Image:
    glyphs = [picture(numerals()[size, character]) if character != ":" else None for character in text]
    height = picture(numerals()[size, "0"]).height
    stroke = 4
    width = sum((glyph.width if glyph else stroke) + 3 for glyph in glyphs) - 3
    strip = Image.new("1", (width, height))
    at = 0
    for glyph in glyphs:
        if glyph:
            strip.paste(glyph, (at, 0))
        else:
            for top in (height // 3 - stroke // 2, height - height // 3 - stroke // 2):
                strip.paste(LIT, (at, top, at + stroke, top + stroke))
        at += (glyph.width if glyph else stroke) + 3
    return strip


def _draw_command(frame: Image.Image) -> None:
    draw_lines(frame, [_OVER_SSH, "$"])
    lettering.draw(frame, (MARGIN + _COMMAND_INDENT, FIRST_ROW + LEADING), _COMMAND, "small")
