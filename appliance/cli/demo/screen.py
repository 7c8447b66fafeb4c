"""The demo's screen: two appliances side by side or above each other, and the broker's traffic below.

Rules: the screen asks the house some times a second and waits for nothing; all that may take time is done there.
"""

import os
import signal
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import AppBlur, Resize
from textual.widgets import Static

from appliance.cli.demo.appearance import condition, face, parts
from appliance.cli.demo.keys import DESK_LETTERS, SHELF_LETTERS, caps
from appliance.cli.demo.ledger import table
from appliance.cli.demo.live import House, Live
from appliance.cli.demo.panel import Case, Shortcut
from appliance.cli.demo.stage import DESK, SHELF, Stage
from appliance.core.gestures import Key

REFRESH_SECONDS: Final = 0.1
TRAFFIC_LINES: Final = 7
"""The fewest that the traffic is given, with its frame."""
HOLD_SECONDS: Final = 1.0
"""What Shift makes of a press: OK counts as held after 0.8 s."""
_EDGES: Final = (6, 4)
"""Cells that a case adds to its display's width and height."""
_BARS: Final = 2
"""Lines of the head and of the keys."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the screen is divided."""

    half: bool
    """Half blocks in place of Braille cells."""
    beside: bool
    """One appliance beside the other, in place of above."""

    @property
    def size(self) -> tuple[int, int]:
        """The cells that the two cases need."""
        width, height = (128, 32) if self.half else (64, 16)
        across, down = (2, 1) if self.beside else (1, 2)
        return (width + _EDGES[0]) * across, (height + _EDGES[1]) * down


def plan_for(width: int, height: int) -> Plan:
    """Return the largest plan for a terminal; the smallest if none fits."""
    plans = (Plan(half=True, beside=True), Plan(half=True, beside=False), Plan(half=False, beside=True))
    for plan in plans:
        wide, high = plan.size
        if wide <= width and high + _BARS + TRAFFIC_LINES <= height:
            return plan
    return Plan(half=False, beside=width >= plans[2].size[0])


class Demo(App[None]):
    """The terminal program."""

    CSS = """
    Screen { background: #0b0e13; color: #c9d1dd; }
    #head { height: 1; padding: 0 1; background: #14181f; color: #8b95a5; }
    #body { height: 1fr; scrollbar-size-vertical: 1; }
    #cases { width: 100%; height: auto; align-horizontal: center; }
    #cases.above { layout: vertical; }
    #traffic { width: 100%; border: round #4a5364; padding: 0 1; color: #8b95a5;
               border-title-style: bold; border-title-color: #e8edf4; border-subtitle-color: #7fd6a6; }
    #traffic.stopped { border: round #b8484a; border-subtitle-color: #ff8a80; }
    #keys { height: 1; background: #14181f; }
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "appliance demo"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "panel", "unplug or plug in the desk's display"),
        Binding("c", "clock", "break or mend the desk's clock"),
        Binding("r", "restore", "restore the shelf"),
        Binding("n", "renew", "new card for the shelf"),
        Binding("b", "broker", "stop or start the broker"),
        Binding("q,ctrl+c,ctrl+q", "quit", "quit", priority=True),
    ]

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._plan = Plan(half=False, beside=True)
        self._caps = {
            name: caps(house.board(name), letters)
            for name, letters in ((DESK, DESK_LETTERS), (SHELF, SHELF_LETTERS))
        }
        self._cases = {
            name: Case(name, known, partial(self._move, name)) for name, known in self._caps.items()
        }
        self._rows = Horizontal(*self._cases.values(), id="cases")
        self._traffic = Static(id="traffic")
        self._seen: set[str] = set()
        self._names: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Build it from top to bottom."""
        yield Static(
            "[b #e8edf4]appliance demo[/]  desk [b]a s d[/] · shelf [b]j k l[/]"
            " · hold: Shift+letter or mouse down",
            id="head",
        )
        with VerticalScroll(id="body"):
            yield self._rows
            yield self._traffic
        with Horizontal(id="keys"):
            yield Shortcut("u", "unplug desk", "panel")
            yield Shortcut("c", "break clock", "clock")
            yield Shortcut("b", "stop broker", "broker")
            yield Shortcut("r", "restore shelf", "restore")
            yield Shortcut("n", "new card", "renew")
            yield Shortcut("q", "quit", "quit")

    def on_mount(self) -> None:
        """Give each key its letters, and begin to look."""
        for name, known in self._caps.items():
            for cap in known:
                self.bind(cap.letter, f"press('{name}', '{cap.key}', 0)")
                if cap.capital is not None:
                    self.bind(cap.capital, f"press('{name}', '{cap.key}', {HOLD_SECONDS})")
        self.set_interval(REFRESH_SECONDS, self.look)

    def on_resize(self, event: Resize) -> None:
        """Divide the screen anew."""
        self._plan = plan_for(event.size.width, event.size.height)
        self._rows.set_class(not self._plan.beside, "above")
        left = event.size.height - _BARS - self._plan.size[1]
        self._traffic.styles.height = max(TRAFFIC_LINES, left)
        self.look()

    def look(self) -> None:
        """Show what the house shows."""
        if self._house.failure() is not None:
            self.exit()
            return
        for name, case in self._cases.items():
            self._show(name, case)
        traffic = self._traffic
        label, running = self._house.broker()
        traffic.border_title = f"broker  {label}"
        traffic.border_subtitle = "running" if running else "stopped: b starts it"
        traffic.set_class(not running, "stopped")
        traffic.update(table(self._house.journal.entries, self._names, traffic.content_size))

    def _show(self, name: str, case: Case) -> None:
        look = self._house.look(name)
        board = self._house.board(name).name
        title = f"{name}  {board}"
        if look is not None:
            self._seen.add(name)
            if (device := look.status["device"]) is not None:
                self._names[device] = name
                title = f"{name}  {device}  {board}"
        case.glass.show(face(look), half=self._plan.half)
        case.say(title, condition(look, seen=name in self._seen), parts(look))

    def on_app_blur(self, _event: AppBlur) -> None:
        """Let go of all keys: the terminal may not tell any more that the mouse did."""
        for case in self._cases.values():
            case.let_go()

    def _move(self, name: str, key: Key, down: bool) -> None:  # noqa: FBT001 - the mouse's, as `panel.Move` has it
        self._house.touch(name, key, down=down)

    def action_press(self, name: str, key: Key, seconds: float) -> None:
        """Press a key of an appliance for some seconds; 0: a tap."""
        self._cases[name].press(key, seconds)
        self._house.hold(name, key, seconds)

    def action_panel(self) -> None:
        """Unplug the desk's display, or plug it in."""
        self._press_key("panel")
        self._cases[DESK].scroll_visible(animate=False)
        self._house.switch_panel()

    def action_clock(self) -> None:
        """Break the desk's clock, or mend it."""
        self._press_key("clock")
        self._cases[DESK].scroll_visible(animate=False)
        self._house.switch_clock()

    def action_restore(self) -> None:
        """Restore the shelf from the broker."""
        self._press_key("restore")
        self._house.restore()

    def action_renew(self) -> None:
        """Give the shelf an empty card."""
        self._press_key("renew")
        self._house.renew()

    def action_broker(self) -> None:
        """Stop the broker, or start it again."""
        self._press_key("broker")
        self._house.switch_broker()

    def _press_key(self, action: str) -> None:
        for shortcut in self.query(Shortcut).results(Shortcut):
            if shortcut.action == action:
                shortcut.give_way()


def show(stage: Stage) -> int:
    """Show the stage until somebody leaves. Raises ApplianceError if it can't be set up."""
    with Live(stage) as live:
        app = Demo(live)
        before = _leave_on_signals(app)
        try:
            app.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    failure = live.failure()
    if failure is not None:
        raise failure
    return app.return_code or os.EX_OK


def _leave_on_signals(app: Demo) -> dict[int, Any]:
    """Let signals end the program in good order, so that the terminal is as it was before; return who had them."""

    def leave(number: int, _frame: object) -> None:
        # A message, so that no callback is cut in the middle.
        app.call_later(app.exit, None, 128 + number)

    return {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
