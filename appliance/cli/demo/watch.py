"""Looks at one appliance some times a second, and moves its keys in between, in a thread of its own."""

import contextlib
import threading
import time
from queue import Empty, SimpleQueue
from typing import Final

from appliance.cli.demo.appearance import Look
from appliance.cli.demo.device import Device
from appliance.cli.demo.fingers import Fingers, LetGo, Touch
from appliance.cli.demo.journal import Journal
from appliance.cli.demo.news import news
from appliance.core.gestures import Key
from appliance.errors import ApplianceError

LOOK_SECONDS: Final = 0.2
"""From one look to the next; looks are aligned to the clock, so that both displays are seen in the same second."""
_SOON_SECONDS: Final = 0.03
"""From an edge to a look at what it did: a press counts within 20 ms."""


class Watch:
    """The thread; it writes `look` and the journal, and nothing else that others see."""

    def __init__(self, device: Device, journal: Journal) -> None:
        self.look: Look | None = None
        self._device = device
        self._journal = journal
        self._fingers = Fingers()
        self._acts: SimpleQueue[Touch | LetGo | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"demo {device.name}", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def act(self, act: Touch | LetGo) -> None:
        """Have a hand do something to a key; from any thread, returns at once."""
        self._acts.put(act)

    def stop(self) -> None:
        """End it; it may hang in a question to a daemon that hangs, and is left behind then."""
        self._acts.put(None)
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        going = True
        while going:
            with contextlib.suppress(ApplianceError):
                self._look()
            going = self._attend()

    def _attend(self) -> bool:
        """Do what hands do until the next look; false: that is not to come."""
        look_at = time.monotonic() + LOOK_SECONDS - time.time() % LOOK_SECONDS
        while (now := time.monotonic()) < look_at:
            edge = self._fingers.due(now)
            if edge is not None:
                self._move(*edge)
                look_at = min(look_at, time.monotonic() + _SOON_SECONDS)
                continue
            try:
                act = self._acts.get(timeout=min(look_at, self._fingers.due_at) - now)
            except Empty:
                continue
            if act is None:
                return False
            self._fingers.take(act, time.monotonic())
        return True

    def _move(self, key: Key, down: bool) -> None:  # noqa: FBT001 - an edge, as `due` gives it
        with contextlib.suppress(ApplianceError):
            self._device.touch(key, down=down)
        self._fingers.moved(key, time.monotonic())

    def _look(self) -> None:
        asked_at, device = time.time(), self._device
        before = self.look
        plugged, clock_right = device.plugged, device.clock_right
        look = Look(time.monotonic(), device.frame(), device.status(), plugged, clock_right)
        self._journal.judge(look.status, asked_at)
        for words, grave in news(before.status if before is not None else None, look.status):
            self._journal.note(words, device.name, grave=grave)
        self.look = look
