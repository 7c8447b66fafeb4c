"""Push buttons on the pins of a Pi, by the `RPi.GPIO` API: of rpi-lgpio, or of the original.

Posts levels and their time, and decides nothing: bounce and noise are for `core.gestures`. Where edges are told
(rpi-lgpio, or the original up to Linux 6.5) a callback posts them, else a thread of its own looks every 10 ms. The
library swallows what a callback raises, and calls it from one thread, so that the edges of a key keep their order.

A key that is down when it starts is not a press: nothing is posted before it moves.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from appliance.core.gestures import Key, Moved
from appliance.errors import HardwareFailed

POLL_SECONDS: Final = 0.01
_WHAT: Final = "can't use the buttons"
_TROUBLE: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "only be run on a Raspberry Pi",
        "this is no Raspberry Pi",
        "set buttons.backend to none; `appliance press` works without pins",
    ),
    (
        "SOC peripheral base address",
        "this RPi.GPIO module does not know the Raspberry Pi 5",
        "replace it: sudo apt install python3-rpi-lgpio",
    ),
    (
        "busy",
        "another program uses it",
        "`gpioinfo` shows which; stop it, or choose other pins",
    ),
    (
        "can not open gpiochip",
        "the GPIO chip is not there, or not for this user",
        "add the user to the group gpio: sudo usermod -aG gpio otp-appliance",
    ),
    (
        "No access to /dev/mem",
        "no permission to open /dev/gpiomem",
        "add the user to the group gpio: sudo usermod -aG gpio otp-appliance",
    ),
    (
        "module 'lgpio' has no attribute",
        "the lgpio module is an empty stub",
        "pip uninstall lgpio; sudo apt install python3-rpi-lgpio",
    ),
    (
        "different mode has already been set",
        "other code in this process counts pins in another way",
        "report this as a bug",
    ),
)
"""What the libraries say, in part; what that means; what to do."""


class GpioButtons:
    """A source of `Moved`: keys between pins and ground, pulled up."""

    def __init__(
        self,
        pins: Mapping[Key, int],
        *,
        gpio: Callable[[], Any],
        mono: Callable[[], float],
    ) -> None:
        """`pins` are BCM numbers; `gpio` returns the module and is called by `start` alone; `mono` is CLOCK_BOOTTIME."""
        self._pins = dict(pins)
        self._load = gpio
        self._mono = mono
        self._gpio: Any = None
        self._claimed: list[int] = []
        self._posting = threading.Lock()
        self._post: Callable[[Moved], None] | None = None
        self._thread: threading.Thread | None = None

    def start(self, post: Callable[[Moved], None]) -> None:
        """Begin to post; returns at once. Raises HardwareFailed, and holds no pin then."""
        self._gpio = self._loaded()
        self._post = post
        try:
            for key, pin in self._pins.items():
                self._claim(key, pin)
            if not self._watch():
                self._poll()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Post no more, and let go of the own pins; may be called twice, or without `start`. Raises nothing."""
        with self._posting:  # a callback that is under way ends first, and none reads a pin that is gone
            self._post = None
        if self._thread is not None:
            self._thread.join(1.0)
        self._thread = None
        self._unwatch()
        claimed, self._claimed = self._claimed, []
        if claimed:
            # Without a list it would close the chip, under the panel's data and reset pins too.
            with contextlib.suppress(Exception):
                self._gpio.cleanup(claimed)

    def _loaded(self) -> Any:
        try:
            gpio = self._load()
            gpio.setwarnings(False)
            gpio.setmode(gpio.BCM)
        except ImportError as error:
            raise HardwareFailed(
                _WHAT,
                f"the Python module {error.name or 'RPi.GPIO'} is missing",
                "sudo apt install python3-rpi-lgpio",
            ) from error
        except Exception as error:
            raise _failed(_WHAT, error) from error
        return gpio

    def _claim(self, key: Key, pin: int) -> None:
        try:
            self._gpio.setup(pin, self._gpio.IN, pull_up_down=self._gpio.PUD_UP)
        except Exception as error:
            raise _failed(f"can't use GPIO {pin} for the button {key}", error) from error
        self._claimed.append(pin)

    def _watch(self) -> bool:
        """Ask for edges; False: this library on this kernel tells none."""
        for key, pin in self._pins.items():
            try:
                self._gpio.add_event_detect(pin, self._gpio.BOTH, callback=partial(self._edge, key))
            except RuntimeError:
                self._unwatch()
                return False
            except Exception as error:
                raise _failed(f"can't watch GPIO {pin} for the button {key}", error) from error
        return True

    def _unwatch(self) -> None:
        for pin in self._claimed:
            with contextlib.suppress(Exception):
                self._gpio.remove_event_detect(pin)

    def _edge(self, key: Key, pin: int) -> None:
        with self._posting:
            if self._post is not None:
                mono = self._mono()  # before the level: nearer to the edge
                self._post(Moved(key, self._down(pin), mono))

    def _poll(self) -> None:
        try:
            levels = self._levels()
        except Exception as error:
            raise _failed(_WHAT, error) from error
        self._thread = threading.Thread(target=self._look, args=(levels,), name="buttons", daemon=True)
        self._thread.start()

    def _look(self, before: dict[Key, bool]) -> None:
        while True:
            time.sleep(POLL_SECONDS)
            with self._posting:
                if self._post is None:
                    return
                mono, levels = self._mono(), self._levels()
                for key, down in levels.items():
                    if down != before[key]:
                        self._post(Moved(key, down, mono))
            before = levels

    def _levels(self) -> dict[Key, bool]:
        return {key: self._down(pin) for key, pin in self._pins.items()}

    def _down(self, pin: int) -> bool:
        return bool(self._gpio.input(pin) == self._gpio.LOW)


def _failed(what: str, error: Exception) -> HardwareFailed:
    said = str(error).strip("'\"") or type(error).__name__  # lgpio quotes what it says
    for sign, why, hint in _TROUBLE:
        if sign.lower() in said.lower():
            return HardwareFailed(what, why, hint)
    return HardwareFailed(what, said, "check the wiring, and who may use the pins")
