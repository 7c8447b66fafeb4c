"""The welcome screen: there is no vault yet, and this is what to type."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.core.layout import lettering
from appliance.core.layout.frame import MARGIN, RIGHT, ROOM, Shift, blank_frame, draw_dots, shifted
from appliance.core.layout.header import Header, draw_header

_ADDRESS_ROW: Final = 20
_RULE_ROW: Final = 33
_COMMANDS: Final = ((39, "sudo appliance init"), (50, "sudo appliance restore"))
_EITHER: Final = "or"
_INDENT: Final = 9


@dataclass(frozen=True, slots=True)
class WelcomeView:
    """Where to log in."""

    address: str
    """The Pi's own, as one gives it to ssh; empty: there is no network yet."""
    shift: Shift = (0, 0)


def welcome_frame(view: WelcomeView) -> Image.Image:
    """Return the welcome screen."""
    frame = blank_frame()
    draw_header(frame, Header("Welcome", "no vault yet", ""))
    address = lettering.fitted(where(view.address), "small", ROOM)
    lettering.draw(frame, (MARGIN, _ADDRESS_ROW), address, "small")
    draw_dots(frame, _RULE_ROW)
    for row, command in _COMMANDS:
        lettering.draw(frame, (MARGIN, row), "$", "small")
        lettering.draw(frame, (MARGIN + _INDENT, row), command, "small")
    either_at = RIGHT - lettering.width(_EITHER, "small")
    lettering.draw(frame, (either_at, _COMMANDS[0][0]), _EITHER, "small")
    return shifted(frame, view.shift)


def where(address: str) -> str:
    """Return how one logs in, or why nobody can yet."""
    return f"ssh {address}" if address.strip() else "no network yet"
