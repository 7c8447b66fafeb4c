"""What an appliance looks like in a terminal: a case with a name, a display of two colours, and three buttons."""

from typing import Any, Final

from PIL.Image import Image
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from appliance.cli.drawing import braille, half_blocks

YELLOW_ROWS: Final = 16
"""Many modules have a yellow strip of so many rows above a blue field."""
SIZE: Final = (128, 64)
KEPT_DOWN_SECONDS: Final = 0.15
YELLOW: Final = Style.parse("#ffd23e on #04060a")
BLUE: Final = Style.parse("#6fd3ff on #04060a")


class Glass(Widget):
    """The display, pixel for pixel: in half blocks, or in Braille cells where there is less room."""

    DEFAULT_CSS = "Glass { width: auto; height: auto; background: #04060a; }"

    def __init__(self) -> None:
        super().__init__()
        self._half = False
        self._lines: list[str] = []
        self._drawn: tuple[bytes, bool] | None = None

    @property
    def lines(self) -> list[str]:
        """What is drawn now."""
        return self._lines

    def show(self, frame: Image | None, *, half: bool) -> None:
        """Draw a frame; None: the display is dark."""
        drawn = (frame.tobytes() if frame is not None else b"", half)
        if drawn == self._drawn:
            return
        resized = half != self._half
        self._drawn, self._half = drawn, half
        draw = half_blocks if half else braille
        self._lines = draw(frame) if frame is not None else []
        self.refresh(layout=resized)

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 - Textual's signature
        """Return the cells that a row of pixels takes."""
        return SIZE[0] if self._half else SIZE[0] // 2

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the lines that all rows of pixels take."""
        return SIZE[1] // self._rows_a_line

    def render_line(self, y: int) -> Strip:
        """Return a line, yellow or blue."""
        text = self._lines[y] if y < len(self._lines) else ""
        style = YELLOW if y < YELLOW_ROWS // self._rows_a_line else BLUE
        return Strip([Segment(text.ljust(self.size.width), style)], self.size.width)

    @property
    def _rows_a_line(self) -> int:
        return 2 if self._half else 4


class Key(Static):
    """A key to press, which a click presses as well."""

    DEFAULT_CSS = """
    Key { width: auto; height: 1; padding: 0 1; margin: 0 1; background: #2b313d; color: #c9d1dd; }
    Key:hover { background: #3b4454; }
    Key.down { background: #c9d1dd; color: #10141b; }
    """

    def __init__(self, letter: str, words: str, action: str) -> None:
        super().__init__(f"[b #ffd23e]{letter}[/] {words}")
        self.letter = letter
        self.action = action

    async def on_click(self) -> None:
        """Do what the key does."""
        await self.app.run_action(self.action)

    def give_way(self) -> None:
        """Look pressed for a moment."""
        self.add_class("down")
        self.set_timer(KEPT_DOWN_SECONDS, lambda: self.remove_class("down"))


class Case(Vertical):
    """One appliance."""

    DEFAULT_CSS = """
    Case { width: auto; height: auto; background: #14181f; border: round #4a5364; padding: 0 2;
           border-title-style: bold; border-title-color: #e8edf4; border-subtitle-color: #8b95a5; }
    Case.good { border: round #3f9b6c; border-subtitle-color: #7fd6a6; }
    Case.busy { border: round #b58a2a; border-subtitle-color: #ffd23e; }
    Case.bad { border: round #b8484a; border-subtitle-color: #ff8a80; }
    Case Horizontal { width: 100%; height: 1; align-horizontal: center; }
    """
    TONES: Final = ("good", "busy", "bad", "idle")

    def __init__(self, name: str, letters: str, **more: Any) -> None:
        super().__init__(id=name, **more)
        self.border_title = name
        self.glass = Glass()
        buttons = zip(letters, ("previous", "ok", "next"), ("◀", "OK", "▶"), strict=True)
        self._keys = {
            button: Key(letter, sign, f"press('{name}', '{button}')") for letter, button, sign in buttons
        }

    def compose(self) -> ComposeResult:
        """Put the display above the buttons."""
        yield self.glass
        yield Horizontal(*self._keys.values())

    def press(self, button: str) -> None:
        """Show that a button is pressed."""
        self._keys[button].give_way()
        self.scroll_visible(animate=False)

    def say(self, title: str, words: str, tone: str) -> None:
        """Show a title above, and how the appliance is below."""
        self.border_title = title
        self.border_subtitle = words
        for one in self.TONES:
            self.set_class(one == tone, one)
