"""The port that the shell sees: attempt after attempt, until stopped. Everything here runs in the loop's thread."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from PIL import Image

from appliance.adapters.oled import trouble
from appliance.adapters.oled.controller import hiding
from appliance.adapters.oled.painter import Painter, painter_for
from appliance.adapters.oled.serial import OpenSerial, faults, let_go, open_serial
from appliance.adapters.oled.wiring import Glow, Wiring
from appliance.core.care import Light
from appliance.core.events import Problem
from appliance.errors import HardwareFailed

REFRESH_SECONDS: Final = 180.0
PROBE_SECONDS: Final = 10.0
"""Without a byte sent, until the chip is asked whether it is there: a picture that stands still tells nothing."""
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
GOOD_SECONDS: Final = 60.0
"""A panel that worked this long ends an outage: one with a loose contact is not tried every second."""


class OledPanel:
    """A panel that comes and goes, as hardware does; no method raises for that."""

    def __init__(
        self,
        wiring: Wiring,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        open_serial: OpenSerial = open_serial,
    ) -> None:
        self._wiring = wiring
        self._monotonic = monotonic
        self._open_serial = open_serial
        self._failed: Callable[[Problem], None] = lambda _problem: None
        self._back: Callable[[], None] = lambda: None
        self._frame = Image.new("1", wiring.seen_size)
        self._glow = Glow("bright", 255)
        self._serial: Any = None
        self._painter: Painter | None = None
        self._started = False
        self._away = False
        self._pause = 0.0
        self._awake_at: float | None = None
        self._due_at = 0.0
        self._spoken_at = 0.0

    def start(self, failed: Callable[[Problem], None], back: Callable[[], None]) -> None:
        """Light the panel; blocks for one frame.

        `failed` is called once for each outage, in this thread, and `back` when a picture is shown after it.
        """
        self._failed, self._back = failed, back
        self._started = True
        self._open()

    def show(self, frame: Image.Image) -> None:
        """Show a frame of mode "1"; blocks for what changed in it. A panel that is away shows it when it is back."""
        self._frame = frame
        painter = self._painter
        if painter is not None:
            self._attempt(lambda: painter.paint(frame))

    def light(self, light: Light, contrast: int) -> None:
        """Be as bright as this; dark keeps the picture."""
        glow = Glow(light, contrast)
        if glow == self._glow:
            return
        self._glow = glow
        painter = self._painter
        if painter is not None:
            self._attempt(lambda: painter.light(glow))

    def tend(self) -> None:
        """Do what is due: the next attempt, or all of the picture again. To be called at every turn of the loop."""
        if not self._started:
            return
        now, painter = self._monotonic(), self._painter
        if now < self._due_at:
            if painter is not None and now >= self._spoken_at + PROBE_SECONDS:
                self._attempt(painter.probe)
            return
        if painter is None:
            self._open()
            return
        self._due_at = now + REFRESH_SECONDS
        self._attempt(lambda: painter.refresh(self._frame, self._glow))

    def off(self) -> None:
        """Turn the panel dark, with a second attempt over a fresh bus. Never raises: it runs while dying."""
        self._glow = dark = replace(self._glow, light="dark")
        if not self._started:
            return
        with suppress(Exception):
            painter = self._painter
            if painter is not None and self._attempt(lambda: painter.light(dark)):
                return
            _turn_off(self._wiring, self._open_serial)

    def stop(self) -> None:
        """Let go of the bus; the panel keeps what it shows. May be called twice, or without `start`."""
        self._started = False
        self._close()

    def _open(self) -> None:
        self._attempt(self._wake)

    def _wake(self) -> None:
        self._serial = self._open_serial(self._wiring)
        painter = painter_for(self._wiring, self._serial)
        painter.wake(self._frame, self._glow)
        self._painter = painter
        self._awake_at = self._monotonic()
        self._due_at = self._awake_at + REFRESH_SECONDS
        if self._away:
            self._away = False
            self._back()

    def _attempt(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except faults() as error:
            self._give_up(error)
            return False
        self._spoken_at = self._monotonic()
        return True

    def _give_up(self, error: Exception) -> None:
        worked = self._painter is not None
        self._close()
        now = self._monotonic()
        recovered = self._awake_at is not None and now - self._awake_at >= GOOD_SECONDS
        fresh = self._pause == 0 or recovered
        self._pause = SHORTEST_PAUSE if fresh else min(LONGEST_PAUSE, 2 * self._pause)
        self._awake_at = None
        self._due_at = now + self._pause
        if not self._away:
            self._away = True
            tell = trouble.of_writing if worked else trouble.of_opening
            self._failed(tell(error, self._wiring))

    def _close(self) -> None:
        serial, self._serial, self._painter = self._serial, None, None
        if serial is not None:
            let_go(serial)


def blank(wiring: Wiring, open_serial: OpenSerial = open_serial) -> None:
    """Turn a panel dark that nobody uses, such as after the daemon was killed. Raises HardwareFailed."""
    try:
        _turn_off(wiring, open_serial)
    except faults() as error:
        problem = trouble.of_opening(error, wiring)
        raise HardwareFailed(problem.what, problem.why, problem.hint) from error


def _turn_off(wiring: Wiring, open_serial: OpenSerial) -> None:
    serial = open_serial(wiring)
    try:
        for command in hiding(wiring):
            serial.command(*command)
    finally:
        let_go(serial)
