"""The first line of a screen: what it is about in bold, then the signs, then a few characters at the right.

Rules: signs stand 3 columns clear of their neighbours. A label too long for bold is set in regular type, and one
too long for that is cut after a letter, or seen through a window that moves over it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import HEADER_ROW, MARGIN, RIGHT, ROOM
from appliance.core.layout.typeface import face, picture

Sign = Literal["verified", "pending", "problem", ""]
"""How the backup is; empty: nothing to say."""

_CLEAR: Final = 3
_GAP: Final = 4
"""Columns between two texts."""
_RIGHT_ROOM: Final = ROOM // 2
"""The most that the text at the right takes from the label."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says."""

    label: str
    right: str
    sign: Sign
    clock_sign: bool = False
    """The clock is not synchronised."""
    scroll: int = 0
    """Columns that a label too long for the line has moved to the left."""

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs from left to right, by their names in `signs.txt`."""
        return (*(("clock",) if self.clock_sign else ()), *((self.sign,) if self.sign else ()))


def draw_header(frame: Image.Image, header: Header) -> None:
    """Draw the first line."""
    right = lettering.fitted(header.right, "small", _RIGHT_ROOM)
    at = RIGHT - lettering.width(right, "small")
    lettering.draw(frame, (at, HEADER_ROW), right, "small")
    for name in reversed(header.signs):
        sign = _sign(name)
        at -= sign.width + (_CLEAR if at < RIGHT else 0)
        frame.paste(sign, (at, HEADER_ROW))
    _draw_label(frame, header)


def overflow(header: Header) -> int:
    """Return how many columns the label must scroll to be read whole; 0 if it fits."""
    room = _label_room(header)
    if lettering.width(header.label, "bold") <= room:
        return 0
    return max(0, lettering.width(header.label, "small") - room)


def _draw_label(frame: Image.Image, header: Header) -> None:
    room = _label_room(header)
    window = range(MARGIN, MARGIN + room)
    hidden = overflow(header)
    if hidden and header.scroll > 0:
        left = MARGIN - min(header.scroll, hidden)
        lettering.draw(frame, (left, HEADER_ROW), header.label, "small", window)
        return
    font: lettering.Font = "bold" if lettering.width(header.label, "bold") <= room else "small"
    lettering.draw(frame, (MARGIN, HEADER_ROW), lettering.fitted(header.label, font, room), font)


def _label_room(header: Header) -> int:
    right = lettering.width(lettering.fitted(header.right, "small", _RIGHT_ROOM), "small")
    taken = right + (_GAP if right and not header.signs else 0)
    for place, name in enumerate(header.signs):
        taken += _sign(name).width + (_CLEAR if right or place else 0)
    return max(0, ROOM - taken - (_CLEAR if header.signs else 0))


@cache
def _sign(name: str) -> Image.Image:
    return picture(face("signs")[name])
