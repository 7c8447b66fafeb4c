"""The stage in motion: threads that look at the appliances and act for the keyboard, so that nobody waits for them.

Rules: a screen only reads what the threads left here and leaves wishes; no thread ever touches the screen. A daemon
that is gone, or hangs, makes its picture old and nothing else.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Protocol

from PIL.Image import Image

from appliance.cli.demo.device import Device
from appliance.cli.demo.journal import Journal
from appliance.cli.demo.stage import BROKER, SHELF, Stage
from appliance.cli.terminal import Json
from appliance.errors import ApplianceError

LOOK_SECONDS: Final = 0.2
"""From one look to the next; looks are aligned to the clock, so that both displays are seen in the same second."""
STALE_SECONDS: Final = 3.0
"""Without an answer, after which an appliance is said not to answer."""
Wish = Callable[[], None]
"""Something that takes its time; raises ApplianceError."""
_SETTLED: Final = frozenset(
    {"verified", "unverified", "rolled_back", "rejected", "conflict", "too_large", "offline"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of an appliance."""

    at: float
    """Monotonic."""
    frame: Image
    status: Json


class House(Protocol):
    """What the screen shows and wishes for; nothing here blocks or raises."""

    journal: Journal

    def look(self, name: str) -> Look | None:
        """Return what was seen of an appliance; None: nothing yet, or it does not answer any more."""
        ...

    def press(self, name: str, button: str) -> None:
        """Press a button of an appliance."""
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
        self._watches = {device.name: _Watch(device, stage.journal) for device in stage.devices}
        self._broker_hand, self._shelf_hand = _Hand(BROKER, stage.journal), _Hand(SHELF, stage.journal)
        self._failure: ApplianceError | None = None
        self._leaving = False

    def __enter__(self) -> "Live":
        self._shelf_hand.wish(self._set_up)
        self._shelf_hand.start()
        self._broker_hand.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        # First the appliances: that ends whatever a hand waits for.
        for device in self._stage.devices:
            device.stop()
        self._shelf_hand.stop()
        self._broker_hand.stop()
        for watch in self._watches.values():
            watch.stop()

    def look(self, name: str) -> Look | None:
        """Return what was seen of an appliance, unless that is long ago."""
        look = self._watches[name].look
        return None if look is None or time.monotonic() > look.at + STALE_SECONDS else look

    def press(self, name: str, button: str) -> None:
        """Press a button of an appliance."""
        self._watches[name].press(button)

    def restore(self) -> None:
        """Restore the shelf."""
        self._shelf_hand.wish(self._stage.restore)

    def renew(self) -> None:
        """Give the shelf an empty card."""
        self._shelf_hand.wish(self._stage.renew)

    def switch_broker(self) -> None:
        """Stop or start the broker."""
        self._broker_hand.wish(self._stage.switch_broker)

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


class _Watch:
    """Looks at one appliance some times a second, and presses its buttons in between."""

    def __init__(self, device: Device, journal: Journal) -> None:
        self.look: Look | None = None
        self._device = device
        self._journal = journal
        self._presses: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"demo {device.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def press(self, button: str) -> None:
        self._presses.put(button)

    def stop(self) -> None:
        """End it; it may hang in a question to a daemon that hangs, and is left behind then."""
        self._presses.put(None)
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        button: str | None = ""
        while button is not None:
            with contextlib.suppress(ApplianceError):
                if button:
                    self._device.press(button)
                self._look()
            try:
                button = self._presses.get(timeout=LOOK_SECONDS - time.time() % LOOK_SECONDS)
            except Empty:
                button = ""

    def _look(self) -> None:
        asked_at = time.time()
        look = Look(time.monotonic(), self._device.frame(), self._device.status())
        self._journal.judge(look.status, asked_at)
        before = self.look.status["backup"] if self.look is not None else None
        backup = look.status["backup"]
        if backup["state"] in _SETTLED and backup != before:
            self._journal.note(_told(backup), self._device.name)
        self.look = look


def _told(backup: Json) -> str:
    words = str(backup["state"]).replace("_", " ")
    if backup["state"] == "verified":
        words += f": generation {backup['generation']} was fetched back, compared and decrypted"
    elif backup["error"]:
        words += f": {backup['error']}"
    return f"backup {words}"
