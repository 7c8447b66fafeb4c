"""Board and settings -> what to open: the panel's wiring, the pins of the keys, and what the keys are for.

It only says; `daemon` opens. So a command can ask what there should be on a machine without any of it.
"""

from collections.abc import Mapping

from appliance.adapters.oled import Wiring
from appliance.board import Board
from appliance.core.gestures import Key, Layout
from appliance.settings import Settings, fitted


def wiring(settings: Settings) -> Wiring | None:
    """Return how to reach the panel; None if there is none."""
    board = _board(settings)
    if board.driver == "none":
        return None
    return Wiring(
        driver=board.driver,
        bus=board.bus,
        i2c_port=board.i2c_port,
        address=board.address,
        spi_port=board.spi_port,
        spi_device=board.spi_device,
        dc=board.dc or 0,  # settings without it are refused on SPI, and I2C has no use for it
        reset=board.reset,
        width=board.width,
        height=board.height,
        rotate=board.rotate,
        column_offset=board.column_offset,
    )


def driver(settings: Settings) -> str:
    """Return the name of the panel's driver; `none`: there is no panel."""
    return _board(settings).driver


def pins(settings: Settings) -> Mapping[Key, int]:
    """Return the pin (BCM) of each key; empty if none is to be read."""
    if settings.buttons.backend == "none":
        return {}
    return _board(settings).buttons


def layout(settings: Settings) -> Layout:
    """Return which keys there are, on pins or from afar."""
    return _board(settings).layout


def _board(settings: Settings) -> Board:
    return fitted(settings.display, settings.buttons)
