"""The stage in motion: threads that look at the appliances and act for the keyboard, so that nobody waits for them.

Rules: a screen only reads what the threads left here and leaves wishes; no thread ever touches the screen. A daemon
that is gone, or hangs, makes its picture old and nothing else.
"""

import threading
import time
from collections.abc import Callable
from math import inf
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Protocol

from appliance.board import Board
from appliance.cli.demo.appearance import Look
from appliance.cli.demo.fingers import LetGo, Touch
from appliance.cli.demo.journal import Journal
from appliance.cli.demo.stage import BROKER, DESK, SHELF, Stage
from appliance.cli.demo.watch import Watch
from appliance.core.gestures import Key
from appliance.errors import ApplianceError

STALE_SECONDS: Final = 3.0
"""Without an answer, after which an appliance is said not to answer."""
Wish = Callable[[], None]
"""Something that takes its time; raises ApplianceError."""


class House(Protocol):
    """What the screen shows and wishes for; nothing here blocks or raises."""

    journal: Journal

    def look(self, name: str) -> Look | None:
        """Return what was seen of an appliance; None: nothing yet, or it does not answer any more."""
        ...

    def board(self, name: str) -> Board:
        """Return the board of an appliance."""
        ...

    def hold(self, name: str, key: Key, seconds: float) -> None:
        """Press a key of an appliance for some seconds; 0: a tap."""
        ...

    def touch(self, name: str, key: Key, *, down: bool) -> None:
        """Press a key of an appliance until it is let go, or let it go."""
        ...

    def switch_panel(self) -> None:
        """Unplug the display of the first appliance, or plug it in."""
        ...

    def switch_clock(self) -> None:
        """Break the clock of the first appliance, or mend it."""
        ...

    def restore(self) -> None:
        """Restore the second appliance from the broker."""
        ...

    def renew(self) -> None:
        """Give the second appliance an empty card."""
        ...

    def switch_broker(self) -> None:
        """Stop the broker, or start it again."""
        ...

    def broker(self) -> tuple[str, bool]:
        """Return what the broker is, and whether it runs."""
        ...

    def failure(self) -> ApplianceError | None:
        """Return why the demo can't go on."""
        ...


class Live:
    """The true house; use it in a `with` block inside the stage's."""

    def __init__(self, stage: Stage) -> None:
        self.journal = stage.journal
        self._stage = stage
        self._boards = {device.name: device.board for device in stage.devices}
        self._watches = {device.name: Watch(device, stage.journal) for device in stage.devices}
        self._hands = {name: _Hand(name, stage.journal) for name in (BROKER, SHELF, DESK)}
        self._failure: ApplianceError | None = None
        self._leaving = False

    def __enter__(self) -> "Live":
        self._hands[SHELF].wish(self._set_up)
        for hand in self._hands.values():
            hand.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        # First the appliances: that ends whatever a hand waits for.
        for device in self._stage.devices:
            device.stop()
        for hand in self._hands.values():
            hand.stop()
        for watch in self._watches.values():
            watch.stop()

    def look(self, name: str) -> Look | None:
        """Return what was seen of an appliance, unless that is long ago."""
        look = self._watches[name].look
        return None if look is None or time.monotonic() > look.at + STALE_SECONDS else look

    def board(self, name: str) -> Board:
        """Return the board of an appliance."""
        return self._boards[name]

    def hold(self, name: str, key: Key, seconds: float) -> None:
        """Press a key for some seconds."""
        self._watches[name].act(Touch(key, seconds))

    def touch(self, name: str, key: Key, *, down: bool) -> None:
        """Press a key until it is let go, or let it go."""
        self._watches[name].act(Touch(key, inf) if down else LetGo(key))

    def switch_panel(self) -> None:
        """Unplug or plug in the desk's display."""
        self._hands[DESK].wish(self._stage.switch_panel)

    def switch_clock(self) -> None:
        """Break or mend the desk's clock."""
        self._hands[DESK].wish(self._stage.switch_clock)

    def restore(self) -> None:
        """Restore the shelf."""
        self._hands[SHELF].wish(self._stage.restore)

    def renew(self) -> None:
        """Give the shelf an empty card."""
        self._hands[SHELF].wish(self._stage.renew)

    def switch_broker(self) -> None:
        """Stop or start the broker."""
        self._hands[BROKER].wish(self._stage.switch_broker)

    def broker(self) -> tuple[str, bool]:
        """Return what the broker is, and whether it runs."""
        return self._stage.broker.label, self._stage.broker.running

    def failure(self) -> ApplianceError | None:
        """Return why the demo could not be set up."""
        return self._failure

    def _set_up(self) -> None:
        try:
            self._stage.open()
            for watch in self._watches.values():
                watch.start()
            self._stage.furnish()
        except ApplianceError as error:
            if not self._leaving:
                self._failure = error


class _Hand:
    """A thread that fulfils one wish after the other."""

    def __init__(self, name: str, journal: Journal) -> None:
        self._name = name
        self._journal = journal
        self._wishes: SimpleQueue[Wish | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"demo {name} wishes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wish(self, wish: Wish) -> None:
        self._wishes.put(wish)

    def stop(self) -> None:
        """Return when the present wish has ended; those that wait fail, since the demo is over."""
        self._wishes.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (wish := self._wishes.get()) is not None:
            try:
                wish()
            except ApplianceError as error:
                self._journal.note(f"{error.what}: {error.why}", self._name, grave=True)
