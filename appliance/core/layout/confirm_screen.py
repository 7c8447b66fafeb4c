"""The confirm screen: a question, and two answers to choose from."""

from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageChops

from appliance.core.layout import lettering
from appliance.core.layout.frame import LIT, MARGIN, RIGHT, ROOM, Shift, blank_frame, shifted
from appliance.core.layout.header import Header, draw_header
from appliance.core.layout.paragraph import draw_lines, lines
from appliance.core.layout.spelling import spelled

_MOST_LINES: Final = 2
_ANSWER: Final = (60, 15)
_ANSWER_ROW: Final = 46


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """What is asked."""

    question: str
    """The title, and below it what follows the first line break or does not fit, in two lines."""
    yes: str
    no: str
    """It stands at the left, where one is when nothing was pressed yet."""
    chosen: Literal["yes", "no"]
    shift: Shift = (0, 0)


def confirm_frame(view: ConfirmView) -> Image.Image:
    """Return the confirm screen."""
    frame = blank_frame()
    title, more = _parts(view.question)
    draw_header(frame, Header(title, "", ""))
    draw_lines(frame, lines(more, _MOST_LINES))
    frame.paste(_answer(view.no, chosen=view.chosen == "no"), (MARGIN, _ANSWER_ROW))
    frame.paste(_answer(view.yes, chosen=view.chosen == "yes"), (RIGHT - _ANSWER[0], _ANSWER_ROW))
    return shifted(frame, view.shift)


def _parts(question: str) -> tuple[str, str]:
    first, _, more = question.partition("\n")
    if more:
        return first, more
    words = spelled(first).split()
    count = len(words)
    while count > 1 and lettering.width(" ".join(words[:count]), "bold") > ROOM:
        count -= 1
    return " ".join(words[:count]), " ".join(words[count:])


def _answer(text: str, *, chosen: bool) -> Image.Image:
    """Return an answer in its frame; the chosen one is dark on a lit ground."""
    width, height = _ANSWER
    box = Image.new("1", _ANSWER)
    fitting = lettering.fitted(text, "small", width - 8)
    left = (width - lettering.width(fitting, "small")) // 2
    lettering.draw(box, (left, (height - 7) // 2), fitting, "small")
    ground = Image.new("1", _ANSWER, LIT)
    if not chosen:
        ground.paste(0, (1, 1, width - 1, height - 1))
    for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        ground.putpixel(corner, 0)
    return ImageChops.logical_xor(box, ground)
