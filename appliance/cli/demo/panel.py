"""What an appliance looks like in a terminal: a case with a name, a display of two colours, and the keys of its board."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import MouseDown
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from appliance.cli.demo.appearance import Face, Said
from appliance.cli.demo.keys import Cap
from appliance.cli.demo.ledger import BAD, BUSY, DIM, GOOD
from appliance.cli.drawing import braille, half_blocks
from appliance.core import gestures

YELLOW_ROWS: Final = 16
"""Many modules have a yellow strip of so many rows above a blue field."""
SIZE: Final = (128, 64)
KEPT_DOWN_SECONDS: Final = 0.15
YELLOW: Final = Style.parse("#ffd23e on #04060a")
BLUE: Final = Style.parse("#6fd3ff on #04060a")
DIM_YELLOW: Final = Style.parse("#83702c on #04060a")
DIM_BLUE: Final = Style.parse("#33617a on #04060a")
WORDS: Final = Style.parse("#8b95a5 on #04060a")
"""Of what no display says."""
_TONES: Final = {"good": GOOD, "busy": BUSY, "bad": BAD, "idle": DIM}

Move = Callable[[gestures.Key, bool], None]
"""Takes a key, and whether it goes down."""


class Glass(Widget):
    """The display, pixel for pixel: in half blocks, or in Braille cells where there is less room."""

    DEFAULT_CSS = "Glass { width: auto; height: auto; background: #04060a; }"

    def __init__(self) -> None:
        super().__init__()
        self._half = False
        self._dim = False
        self._lines: list[str] = []
        self._words: list[str] = []
        self._drawn: tuple[object, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The pixels that are drawn now."""
        return self._lines

    @property
    def words(self) -> list[str]:
        """The lines that say why it is dark."""
        return self._words

    def show(self, face: Face, *, half: bool) -> None:
        """Draw what is seen."""
        frame = face.frame
        drawn = (frame.tobytes() if frame is not None else b"", face.dim, face.words, half)
        if drawn == self._drawn:
            return
        resized = half != self._half
        self._drawn, self._half, self._dim = drawn, half, face.dim
        draw = half_blocks if half else braille
        self._lines = draw(frame) if frame is not None else []
        room = self._columns - 4
        self._words = [line for words in face.words for line in textwrap.wrap(words, room) or [""]]
        self.refresh(layout=resized)

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 - Textual's signature
        """Return the cells that a row of pixels takes."""
        return self._columns

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the lines that all rows of pixels take."""
        return SIZE[1] // self._rows_a_line

    def render_line(self, y: int) -> Strip:
        """Return a line, yellow or blue; words stand in the middle."""
        width = self.size.width
        place = y - (self.size.height - len(self._words)) // 2
        if 0 <= place < len(self._words):
            return Strip([Segment(self._words[place].center(width), WORDS)], width)
        text = self._lines[y] if y < len(self._lines) else ""
        yellow, blue = (DIM_YELLOW, DIM_BLUE) if self._dim else (YELLOW, BLUE)
        style = yellow if y < YELLOW_ROWS // self._rows_a_line else blue
        return Strip([Segment(text.ljust(width), style)], width)

    @property
    def _columns(self) -> int:
        return SIZE[0] if self._half else SIZE[0] // 2

    @property
    def _rows_a_line(self) -> int:
        return 2 if self._half else 4


class Shortcut(Static):
    """A letter that does something, as a click on it does."""

    DEFAULT_CSS = """
    Shortcut { width: auto; height: 1; padding: 0 0 0 1; background: #14181f; color: #c9d1dd; }
    Shortcut:hover { background: #2b313d; }
    Shortcut.down { background: #c9d1dd; color: #10141b; }
    """
    ALLOW_SELECT = False

    def __init__(self, letter: str, words: str, action: str) -> None:
        super().__init__(f"[b #ffd23e]{letter}[/] {words}")
        self.letter = letter
        self.action = action

    async def on_click(self) -> None:
        """Do what the letter does."""
        await self.app.run_action(self.action)

    def give_way(self) -> None:
        """Look pressed for a moment."""
        self.add_class("down")
        self.set_timer(KEPT_DOWN_SECONDS, lambda: self.remove_class("down"))


class Key(Static):
    """A key of a board; the mouse presses it for as long as it stays down."""

    DEFAULT_CSS = """
    Key { width: auto; height: 1; padding: 0 1; margin: 0 0 0 1; background: #2b313d; color: #c9d1dd; }
    Key:hover { background: #3b4454; }
    Key.down { background: #c9d1dd; color: #10141b; }
    """
    ALLOW_SELECT = False

    def __init__(self, cap: Cap, move: Move) -> None:
        super().__init__(f"[b #ffd23e]{cap.letter}[/] {cap.sign}")
        self.cap = cap
        self._move = move
        self._held = False

    def on_mouse_down(self, event: MouseDown) -> None:
        """Go down, and hear of the mouse wherever it is let go."""
        if event.button == 1 and not self._held:
            self._held = True
            self.capture_mouse()
            self.add_class("down")
            self._move(self.cap.key, True)

    def on_mouse_up(self) -> None:
        """Come up."""
        self.let_go()

    def on_mouse_release(self) -> None:
        """Come up, since somebody else has the mouse now."""
        self.let_go()

    def let_go(self) -> None:
        """Come up if the mouse held it down."""
        if self._held:
            self._held = False
            self.release_mouse()
            self.remove_class("down")
            self._move(self.cap.key, False)

    def give_way(self, seconds: float) -> None:
        """Look pressed for so long."""
        self.add_class("down")
        self.set_timer(max(KEPT_DOWN_SECONDS, seconds), lambda: self.set_class(self._held, "down"))


class Case(Vertical):
    """One appliance."""

    DEFAULT_CSS = """
    Case { width: auto; height: auto; background: #14181f; border: round #4a5364; padding: 0 2;
           border-title-style: bold; border-title-color: #e8edf4; border-subtitle-color: #8b95a5; }
    Case.good { border: round #3f9b6c; border-subtitle-color: #7fd6a6; }
    Case.busy { border: round #b58a2a; border-subtitle-color: #ffd23e; }
    Case.bad { border: round #b8484a; border-subtitle-color: #ff8a80; }
    Case .parts { width: 100%; height: 1; text-align: center; }
    Case Horizontal { width: 100%; height: 1; align-horizontal: center; }
    """

    def __init__(self, name: str, caps: Sequence[Cap], move: Move, **more: Any) -> None:
        super().__init__(id=name, **more)
        self.border_title = name
        self.glass = Glass()
        self.parts = Static(classes="parts")
        self._keys = {cap.key: Key(cap, move) for cap in caps}

    def compose(self) -> ComposeResult:
        """Put the display above the keys."""
        yield self.glass
        yield self.parts
        yield Horizontal(*self._keys.values())

    def press(self, key: gestures.Key, seconds: float) -> None:
        """Show that a key is pressed for so long."""
        self._keys[key].give_way(seconds)
        self.scroll_visible(animate=False)

    def let_go(self) -> None:
        """Let go of whatever the mouse holds down."""
        for key in self._keys.values():
            key.let_go()

    def say(self, title: str, condition: Said, parts: Said) -> None:
        """Show a title above, how display and clock are, and how the appliance is below."""
        self.border_title = title
        self.border_subtitle, tone = condition
        for one in _TONES:
            self.set_class(one == tone, one)
        self.parts.update(Text(parts[0], style=_TONES[parts[1]], no_wrap=True))
