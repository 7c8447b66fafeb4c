"""The status screen: what is known, by label and value, over several pages."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import LIT, MARGIN, RIGHT, ROOM, Shift, blank_frame, shifted
from appliance.core.layout.header import Header, Sign, draw_header
from appliance.core.layout.paragraph import FIRST_ROW, LEADING, LINES
from appliance.core.layout.spelling import spelled

Row = tuple[str, str]
"""Label and value."""

_GAP: Final = 6
_SEPARATORS: Final = " .:/@-"
_CLEAR: Final = 3
"""Columns between a text and the dots that lead from label to value."""


@dataclass(frozen=True, slots=True)
class StatusView:
    """One page."""

    page: int
    """From 1."""
    pages: int
    rows: tuple[Row, ...]
    """At most what `status_pages` gives to a page; what four lines can't hold is not drawn."""
    sign: Sign = ""
    clock_sign: bool = False
    shift: Shift = (0, 0)
    title: str = "Status"


def status_frame(view: StatusView) -> Image.Image:
    """Return the status screen."""
    frame = blank_frame()
    draw_header(frame, Header(view.title, f"{view.page}/{view.pages}", view.sign, view.clock_sign))
    lines = [line for row in view.rows for line in _lines(row)]
    for number, (label, value) in enumerate(lines[:LINES]):
        _draw_line(frame, FIRST_ROW + LEADING * number, label, value)
    return shifted(frame, view.shift)


def status_pages(rows: tuple[Row, ...], most: int = LINES) -> tuple[tuple[Row, ...], ...]:
    """Return the rows, in pages of as many as `most` lines hold; a label and its value stay together."""
    pages: list[tuple[Row, ...]] = []
    free = 0
    for row in rows:
        needed = len(_lines(row))
        if needed <= free:
            pages[-1] += (row,)
        else:
            pages.append((row,))
            free = most
        free -= needed
    return tuple(pages)


def _lines(row: Row) -> tuple[Row, ...]:
    """Return the row in one line if it fits, else the value below in one line or two: an IPv6 address takes two."""
    label, value = row
    if lettering.width(label, "small") + _GAP + lettering.width(value, "small") <= ROOM:
        return (row,)
    return ((label, ""), *(("", part) for part in _halves(value)))


def _halves(value: str) -> tuple[str, ...]:
    """Return a value as it fits, or as its beginning and the rest, parted after a separator if there is one."""
    letters = spelled(value)
    fitting = len(letters)
    while lettering.width(letters[:fitting], "small") > ROOM:
        fitting -= 1
    if fitting == len(letters):
        return (letters,)
    after = 1 + max(letters.rfind(separator, 0, fitting) for separator in _SEPARATORS)
    fitting = after or fitting
    return letters[:fitting].rstrip(), letters[fitting:]


def _draw_line(frame: Image.Image, row: int, label: str, value: str) -> None:
    label, value = (lettering.fitted(text, "small", ROOM) for text in (label, value))
    lettering.draw(frame, (MARGIN, row), label, "small")
    at = RIGHT - lettering.width(value, "small")
    lettering.draw(frame, (at, row), value, "small")
    if label and value:
        for column in range(MARGIN + 3, at - _CLEAR, 4):
            if column >= MARGIN + lettering.width(label, "small") + _CLEAR:
                frame.putpixel((column, row + 6), LIT)
