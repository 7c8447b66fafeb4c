"""The head of a sheet's first page, and the foot of all its pages."""

from dataclasses import dataclass
from typing import Final

from appliance.paper.facts import Origin
from appliance.paper.lettering import cut_to, printed, width, wrapped
from appliance.paper.pen import BOLD, GREY, MARGIN, MM, PLAIN, Foot, Pen

_TITLE: Final = 24
_SUBTITLE: Final = 10.5
_ADVICE: Final = 9.5
_LEADING: Final = 4.4 * MM


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the top of a sheet."""

    title: str
    origin: Origin
    accounts: str
    """How many, and which."""
    advice: str

    def bottom(self, pen: Pen) -> float:
        """Return where the page goes on below it."""
        return MARGIN + 19.5 * MM + _LEADING * (len(self._lines(pen)) - 1) + 2.6 * MM

    def draw(self, pen: Pen) -> None:
        """Print it."""
        y = MARGIN + 6 * MM
        pen.text(MARGIN, y, self.title, BOLD, _TITLE)
        y += 7 * MM
        origin = self.origin
        rest = f"  \u00b7  {self.accounts}  \u00b7  generation {origin.generation}  \u00b7  {origin.made_on}"
        room = pen.room - width(rest, PLAIN, _SUBTITLE)
        end = pen.text(MARGIN, y, cut_to(printed(origin.name).text, BOLD, _SUBTITLE, room), BOLD, _SUBTITLE)
        pen.text(end, y, rest, PLAIN, _SUBTITLE, GREY)
        y += 6.5 * MM
        for line in self._lines(pen):
            pen.text(MARGIN, y, line, PLAIN, _ADVICE)
            y += _LEADING
        pen.line(MARGIN, self.bottom(pen), pen.width - MARGIN, thickness=0.8, grey=0)

    def _lines(self, pen: Pen) -> list[str]:
        return wrapped(self.advice, PLAIN, _ADVICE, pen.room)


def foot(origin: Origin, sheet: str, pages: int) -> Foot:
    """Return the foot of a sheet's pages."""
    left = f"{printed(origin.name).text} \u00b7 generation {origin.generation} \u00b7 {origin.made_on}"
    return Foot(f"{left} \u00b7 vault {origin.vault}", sheet, pages)


def counted(number: int, noun: str) -> str:
    """Return "1 account", "2 accounts"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
