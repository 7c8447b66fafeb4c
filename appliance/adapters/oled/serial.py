"""luma's serial interfaces, opened and let go of.

A serial interface has `command(*bytes)` with at most 32 bytes, `data(bytes)` and `cleanup()`. Whoever opened one
must clean it up, after a failure too: otherwise each attempt leaks a descriptor.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from appliance.adapters.oled.wiring import Wiring
from appliance.errors import HardwareFailed

OpenSerial = Callable[[Wiring], Any]
"""Returns a serial interface of luma's, or raises one of `faults()` and leaves nothing open."""


def faults() -> tuple[type[Exception], ...]:
    """Return what an opened or half-opened bus may raise when its hardware or its modules are at fault.

    luma wraps some failures of commands and none of data, which come as bare OSError (121, 110, 16, 95, 5). The GPIO
    libraries report busy or unusable pins as RuntimeError.
    """
    from luma.core.error import Error

    return (Error, HardwareFailed, OSError, ImportError, RuntimeError)


def open_serial(wiring: Wiring) -> Any:
    """Open the bus; SPI's reset pin is pulsed. Raises one of `faults()`."""
    if wiring.bus == "spi":
        return _open_spi(wiring)
    from luma.core.interface.serial import i2c

    return i2c(port=wiring.i2c_port, address=wiring.address)


def let_go(serial: Any) -> None:
    """Close the bus, whatever state it is in."""
    with suppress(*faults()):
        serial.cleanup()


def _open_spi(wiring: Wiring) -> Any:
    from luma.core.interface.serial import spi

    try:
        return spi(port=wiring.spi_port, device=wiring.spi_device, gpio_DC=wiring.dc, gpio_RST=wiring.reset)
    except faults():
        # luma claims the pins before it opens the bus, and has forgotten them when that fails.
        _release_pins([wiring.dc] if wiring.reset is None else [wiring.dc, wiring.reset])
        raise


def _release_pins(pins: list[int]) -> None:
    gpio = sys.modules.get("RPi.GPIO")
    if gpio is not None:
        with suppress(*faults()):
            gpio.cleanup(pins)
