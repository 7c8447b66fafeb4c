"""A fake `RPi.GPIO` module with the pins behind it, and hands to touch them.

It behaves as rpi-lgpio 0.6 does: callbacks get the channel alone, what they raise is swallowed, an input must be set
up before it is read, `cleanup` without a list closes the chip. Edges are told inside the call that makes them, unless
`lagging`. Its clock moves only by `bounce`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

Callback = Callable[[int], None]
Trace = Iterable[tuple[float, bool]]
"""Seconds since the start of the trace, and whether the contact closes then."""


class LgpioError(Exception):
    """As `lgpio.error`: an Exception of its own, which quotes what it says."""

    def __str__(self) -> str:
        return repr(self.args[0])


@dataclass(slots=True)
class _Pin:
    closed: bool = False
    """To ground, by a finger."""
    ready: bool = False
    """Set up as an input."""
    pulled_up: bool = False
    floating: int = 0
    callbacks: list[Callback] = field(default_factory=list)


class FakeGpio:
    """The module.

    gpio = FakeGpio(edges=False)
    buttons = GpioButtons({"ok": 22}, gpio=lambda: gpio, mono=gpio.mono)
    buttons.start(inbox.put)
    gpio.press(22)
    """

    BCM: Final = 11
    BOARD: Final = 10
    IN: Final = 1
    PUD_OFF: Final = 20
    PUD_UP: Final = 22
    LOW: Final = 0
    HIGH: Final = 1
    BOTH: Final = 33

    def __init__(
        self,
        *,
        edges: bool = True,
        no_edges_on: Iterable[int] = (),
        busy: Iterable[int] = (),
        mode: int | None = None,
    ) -> None:
        self.now = 1000.0
        self.history: list[tuple[str, object]] = []
        """Every call of the module, in order."""
        self.swallowed: list[Exception] = []
        """What callbacks raised: the true module prints it and goes on."""
        self.lagging = False
        """Edges wait for `catch_up`."""
        self.edge_trouble: Exception = RuntimeError("Failed to add edge detection")
        self.letting_go_fails = False
        self.open = True
        """The chip; also whoever else uses it in this process depends on it."""
        self._edges = edges
        self._no_edges_on = frozenset(no_edges_on)
        self._busy = frozenset(busy)
        self._mode = mode
        self._pins: dict[int, _Pin] = {}
        self._late: list[int] = []

    def mono(self) -> float:
        """The fake's clock."""
        return self.now

    # Hands

    def press(self, pin: int) -> None:
        """Close the contact to ground."""
        self._move(pin, closed=True)

    def release(self, pin: int) -> None:
        """Let go."""
        self._move(pin, closed=False)

    def bounce(self, pin: int, trace: Trace) -> None:
        """Close and open the contact at the times of a trace; the clock moves along."""
        start = self.now
        for seconds, closed in trace:
            self.now = start + seconds
            self._move(pin, closed=closed)

    def catch_up(self) -> None:
        """Tell the edges that waited."""
        late, self._late = self._late, []
        for pin in late:
            self._tell(pin)

    @property
    def watched(self) -> set[int]:
        """Pins whose edges somebody wants."""
        return {number for number, pin in self._pins.items() if pin.callbacks}

    @property
    def claimed(self) -> set[int]:
        """Pins that are set up."""
        return {number for number, pin in self._pins.items() if pin.ready}

    # The module

    def setwarnings(self, value: bool) -> None:  # noqa: FBT001 - as it is
        self.history.append(("setwarnings", value))

    def setmode(self, mode: int) -> None:
        self.history.append(("setmode", mode))
        if self._mode not in {None, mode}:
            raise ValueError("A different mode has already been set!")
        self._mode = mode

    def setup(self, channel: int, direction: int, pull_up_down: int = PUD_OFF) -> None:
        self.history.append(("setup", channel))
        if self._mode is None:
            raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BCM)")
        if channel in self._busy:
            raise LgpioError("GPIO busy")
        pin = self._pin(channel)
        pin.ready = direction == self.IN
        pin.pulled_up = pull_up_down == self.PUD_UP

    def input(self, channel: int) -> int:
        pin = self._pin(channel)
        if not pin.ready or not self.open:
            raise RuntimeError("You must setup() the GPIO channel first")
        if pin.closed:
            return self.LOW
        if pin.pulled_up:
            return self.HIGH
        pin.floating ^= 1
        return pin.floating

    def add_event_detect(self, channel: int, edge: int, callback: Callback) -> None:
        self.history.append(("add_event_detect", channel))
        if not self._edges or channel in self._no_edges_on:
            raise self.edge_trouble
        pin = self._pin(channel)
        if not pin.ready:
            raise RuntimeError("You must setup() the GPIO channel as an input first")
        if edge == self.BOTH:
            pin.callbacks.append(callback)

    def remove_event_detect(self, channel: int) -> None:
        self.history.append(("remove_event_detect", channel))
        if self.letting_go_fails:
            raise LgpioError("unknown handle")
        self._pin(channel).callbacks.clear()

    def cleanup(self, channels: list[int] | None = None) -> None:
        self.history.append(("cleanup", channels))
        if self.letting_go_fails:
            raise LgpioError("unknown handle")
        if channels is None:
            self.open = False
        for channel in self._pins if channels is None else channels:
            self._pins[channel] = _Pin(closed=self._pin(channel).closed)

    def _pin(self, number: int) -> _Pin:
        return self._pins.setdefault(number, _Pin())

    def _move(self, number: int, *, closed: bool) -> None:
        pin = self._pin(number)
        if pin.closed == closed:
            return
        pin.closed = closed
        if self.lagging:
            self._late.append(number)
        else:
            self._tell(number)

    def _tell(self, number: int) -> None:
        for callback in tuple(self._pin(number).callbacks):
            try:
                callback(number)
            except Exception as error:  # noqa: BLE001 - as it is
                self.swallowed.append(error)
