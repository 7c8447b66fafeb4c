"""Text: measured, cut to fit, and drawn.

Rules: a line is 11 pixels high, 2 above the capitals and 2 below the base line; a space is 3 pixels, and 1 is
between letters. Letters are composed once and kept as images; drawing only pastes.
"""

from functools import lru_cache
from typing import Final, Literal

from PIL import Image

from appliance.core.layout.frame import LIT
from appliance.core.layout.spelling import parts, spelled
from appliance.core.layout.typeface import Rows, face, picture

Font = Literal["small", "bold"]

RISE: Final = 2
"""Rows above the capitals, for accents."""
LINE: Final = RISE + 9

_SPACE: Final = 3
_BELOW: Final = "\u0323\u0326\u0327\u0328"
_OGONEK: Final = "\u0328"
_DOTLESS: Final = {"i": "\u0131", "j": "\u0237"}


def width(text: str, font: Font) -> int:
    """Return how many columns `text` takes; 0 for nothing."""
    return max(0, sum(_letter(character, font).width + 1 for character in spelled(text)) - 1)


def line(text: str, font: Font) -> Image.Image:
    """Return `text` as a picture of `LINE` rows; its capitals begin in row `RISE`."""
    letters = [_letter(character, font) for character in spelled(text)]
    strip = Image.new("1", (max(0, sum(letter.width + 1 for letter in letters) - 1), LINE))
    at = 0
    for letter in letters:
        strip.paste(letter, (at, 0))
        at += letter.width + 1
    return strip


def draw(frame: Image.Image, xy: tuple[int, int], text: str, font: Font, clip: range | None = None) -> None:
    """Draw `text` on `frame`, the top left of its capitals at `xy`, only in the columns of `clip`."""
    left, top = xy
    strip = line(text, font)
    if clip is not None:
        strip = strip.crop((max(0, clip.start - left), 0, max(0, clip.start - left, clip.stop - left), LINE))
        left = max(left, clip.start)
    frame.paste(LIT, (left, top - RISE), strip)


def fitted(text: str, font: Font, room: int) -> str:
    """Return `text` cut after a letter, and ended with `…`, so that it takes at most `room` columns."""
    letters = spelled(text)
    if width(letters, font) <= room:
        return letters
    taken, fitting = width("…", font), -1
    while taken <= room:
        fitting += 1
        taken += _letter(letters[fitting], font).width + 1
    return letters[:fitting].rstrip() + "…" if fitting >= 0 else ""


def wrapped(text: str, font: Font, room: int) -> list[str]:
    """Return `text` in lines of at most `room` columns, broken at spaces; a word too long for a line is cut."""
    lines: list[str] = []
    for word in spelled(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, font) <= room:
            lines[-1] = longer
        else:
            lines.append(fitted(word, font, room))
    return lines


@lru_cache(maxsize=1024)
def _letter(character: str, font: Font) -> Image.Image:
    if character == " ":
        return Image.new("1", (_SPACE, LINE))
    glyphs = face(font)
    base, accents = parts(character)
    above = next((glyphs[accent] for accent in accents if accent in glyphs and accent not in _BELOW), None)
    below = next((accent for accent in accents if accent in glyphs and accent in _BELOW), None)
    if above:
        letter = _accented(glyphs[_DOTLESS.get(base, base)], above)
    else:
        letter = _plain(glyphs[base], len(glyphs[base][0]))
    if below:
        tail = picture(glyphs[below])
        slack = letter.width - tail.width
        letter.paste(LIT, (slack if below == _OGONEK else (slack + 1) // 2, RISE + 7), tail)
    return letter


def _plain(rows: Rows, columns: int) -> Image.Image:
    letter = Image.new("1", (columns, LINE))
    letter.paste(picture(rows), ((columns - len(rows[0])) // 2, RISE))
    return letter


def _accented(rows: Rows, accent: Rows) -> Image.Image:
    """Put an accent above a letter: with a row between, and without growing above `RISE`.

    A tall letter loses a row for it, and a ring of three rows sits on the letter's own top.
    """
    columns = max(len(rows[0]), len(accent[0]))
    bottom = RISE + 1
    if "#" in rows[0] + rows[1]:
        rows = _lowered(rows)
        bottom = RISE + 2 if len(accent) > RISE else RISE
    letter = _plain(rows, columns)
    letter.paste(LIT, ((columns - len(accent[0]) + 1) // 2, bottom - len(accent)), picture(accent))
    return letter


def _lowered(rows: Rows) -> Rows:
    """Return a tall letter one row lower: without a row that repeats, or else without its second."""
    spare = next((row for row in range(5, 0, -1) if rows[row] == rows[row + 1]), 1)
    return ("." * len(rows[0]), *rows[:spare], *rows[spare + 1 :])
