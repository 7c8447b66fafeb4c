"""A panel, buttons and a clock made of software, with the hands that only a simulation has.

The panel is the true driver over a bus that leads nowhere and can be pulled out; the keys post what pins would; the
clock is the machine's, and can be broken. `act` is what the control socket's `simulate` does.
"""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from appliance.core.gestures import Key, Moved
from appliance.core.instant import Reading
from appliance.errors import ApplianceError

KEYS: Final[frozenset[Key]] = frozenset(get_args(Key))
BROKEN_SECONDS: Final = 3 * 86_400.0
"""What the wall clock is wrong by when it is broken."""


class SimulatedBus:
    """What luma calls a serial interface: takes everything, as long as it is plugged in."""

    def __init__(self) -> None:
        self.plugged = True
        self.bytes = 0
        """That went over it."""

    def command(self, *command: int) -> None:
        """Take a command."""
        self._take(len(command))

    def data(self, pixels: bytes | list[int]) -> None:
        """Take pixels."""
        self._take(len(pixels))

    def cleanup(self) -> None:
        """There is nothing to let go of."""

    def open(self, _wiring: object) -> "SimulatedBus":
        """Return the bus, as the driver's `open_serial` does."""
        self._take(0)
        return self

    def _take(self, count: int) -> None:
        if not self.plugged:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        self.bytes += count


class Simulation:
    """All of it."""

    def __init__(self, mono: Callable[[], float]) -> None:
        self.bus = SimulatedBus()
        self._mono = mono
        self._broken = False
        self._post: Callable[[Moved], None] | None = None

    # --- as a source of moves

    def start(self, post: Callable[[Moved], None]) -> None:
        """Begin to post."""
        self._post = post

    def stop(self) -> None:
        """Post no more."""
        self._post = None

    # --- as a clock

    def reading(self, true: Reading) -> Reading:
        """Return what the clock says: the truth, as far as it is not broken."""
        if not self._broken:
            return replace(true, synchronised=True)
        return replace(true, unix=true.unix + BROKEN_SECONDS, synchronised=False, once=False, rtc=None)

    # --- the hands

    def act(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do one thing. Raises ApplianceError if there is no such thing."""
        match dict(params):
            case {"panel": "plugged" | "unplugged" as panel}:
                self.bus.plugged = panel == "plugged"
            case {"clock": "right" | "broken" as clock}:
                self._broken = clock == "broken"
            case {"key": str(key), "down": bool(down)} if key in KEYS and self._post is not None:
                self._post(Moved(key, down, self._mono()))
            case _:
                raise ApplianceError("can't simulate that", "it is no panel, clock or key", "see README")
        return {"panel": self.bus.plugged, "clock": not self._broken}
