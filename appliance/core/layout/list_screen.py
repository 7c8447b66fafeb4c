"""The list screen: rows to choose from, four at a time; for accounts and for the menu.

Which rows are seen follows from the chosen one alone, so that there is no scroll position to keep.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops

from appliance.core.layout import lettering
from appliance.core.layout.enlargement import doubled
from appliance.core.layout.frame import LIT, MARGIN, RIGHT, Shift, blank_frame, shifted
from appliance.core.layout.header import Header, Sign, draw_header
from appliance.core.layout.paragraph import draw_centred
from appliance.core.layout.spelling import spelled
from appliance.core.layout.typeface import picture

ROWS: Final = 4
"""How many rows are seen at once."""

_TOP: Final = 16
_PITCH: Final = 12
_BAR_ROWS: Final = 10
"""One above the capitals to one below the descenders; the accent of a capital stands out of it."""
_BAR_TOP: Final = lettering.RISE - 1
_INDENT: Final = 2
_GAP: Final = 4
_TRACK: Final = 3
"""Columns of the thumb; its track is the middle one."""
_TRACK_ROWS: Final = (ROWS - 1) * _PITCH + _BAR_ROWS
_LEAST_THUMB: Final = 6
_LETTER_ROOM: Final = 36
_NOTHING: Final = "nothing here yet"
_STAR: Final = ("...#...", "...#...", "#######", ".#####.", "..###..", ".##.##.", ".#...#.")


@dataclass(frozen=True, slots=True)
class ListView:
    """Rows, and which of them is chosen."""

    title: str
    rows: tuple[str, ...]
    chosen: int
    """From 0; one beyond the rows counts as the nearest of them."""
    marks: tuple[bool, ...] = ()
    """Which rows are favourites; rows it has no word on are not."""
    letter: str = ""
    """Seen large while someone moves fast; empty: not seen."""
    sign: Sign = ""
    shift: Shift = (0, 0)


def list_frame(view: ListView) -> Image.Image:
    """Return the list screen."""
    frame = blank_frame()
    draw_header(frame, Header(view.title, "", view.sign))
    if not view.rows:
        draw_centred(frame, _NOTHING)
    chosen = max(0, min(view.chosen, len(view.rows) - 1))
    seen = window(len(view.rows), chosen)
    right = RIGHT
    if len(seen) < len(view.rows):
        _draw_track(frame, len(view.rows), seen)
        right -= _TRACK + _GAP - 1
    if view.letter.strip():
        right -= _LETTER_ROOM
        _draw_letter(frame, view.letter, right)
    for place, number in enumerate(seen):
        starred = number < len(view.marks) and view.marks[number]
        row = _row(view.rows[number], right - MARGIN, starred=starred, chosen=number == chosen)
        frame.paste(row, (MARGIN, _TOP - _BAR_TOP + _PITCH * place))
    return shifted(frame, view.shift)


def window(count: int, chosen: int) -> range:
    """Return the numbers of the rows that are seen: one before the chosen row and two after it, where there are."""
    first = max(0, min(chosen - 1, count - ROWS))
    return range(first, min(count, first + ROWS))


def _row(text: str, columns: int, *, starred: bool, chosen: bool) -> Image.Image:
    strip = Image.new("1", (columns, lettering.LINE))
    room = columns - 2 * _INDENT
    if starred:
        star = picture(_STAR)
        strip.paste(star, (columns - _INDENT - star.width, lettering.RISE))
        room -= star.width + _GAP
    lettering.draw(strip, (_INDENT, lettering.RISE), lettering.fitted(text, "small", room), "small")
    if not chosen:
        return strip
    bar = Image.new("1", strip.size)
    bar.paste(LIT, (0, _BAR_TOP, columns, _BAR_TOP + _BAR_ROWS))
    return ImageChops.logical_xor(strip, bar)


def _draw_track(frame: Image.Image, count: int, seen: range) -> None:
    left, middle = RIGHT - _TRACK, RIGHT - _TRACK + _TRACK // 2
    for row in range(_TOP + 1, _TOP + _TRACK_ROWS, 4):
        frame.putpixel((middle, row), LIT)
    length = max(_LEAST_THUMB, _TRACK_ROWS * ROWS // count)
    top = _TOP + (_TRACK_ROWS - length) * seen.start // (count - ROWS)
    frame.paste(0, (left, max(_TOP, top - 1), RIGHT, min(_TOP + _TRACK_ROWS, top + length + 1)))
    frame.paste(LIT, (left, top, RIGHT, top + length))


def _draw_letter(frame: Image.Image, text: str, left: int) -> None:
    letter = _large(spelled(text.strip())[0])
    at = left + _GAP + (_LETTER_ROOM - _GAP - letter.width) // 2
    frame.paste(letter, (at, _TOP + (_TRACK_ROWS - letter.height) // 2))


@lru_cache(maxsize=64)
def _large(character: str) -> Image.Image:
    """Return a letter four times as large as in the header, without the empty rows around it."""
    letter = lettering.line(character, "bold")
    _, top, _, bottom = letter.getbbox() or (0, 0, 0, letter.height)
    letter = letter.crop((0, top, letter.width, bottom))
    return doubled(letter.resize((letter.width * 2, letter.height * 2), Image.Resampling.NEAREST))
