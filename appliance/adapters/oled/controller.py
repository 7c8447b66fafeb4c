"""What a chip is told: when it wakes, before its pixels, and for its light.

Waking is luma's knowledge: its device is made on a tape instead of a bus, and what it said is sent by us, as often as
needed. Partial pictures are ours, since luma has none for these chips.
"""

import atexit
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from appliance.adapters.oled.wiring import Glow, Wiring
from appliance.errors import HardwareFailed

DISPLAY_OFF: Final = 0xAE
DISPLAY_ON: Final = 0xAF
CONTRAST: Final = 0x81
PRECHARGE: Final = 0xD9
VCOMH: Final = 0xDB
COLUMN_WINDOW: Final = 0x21
PAGE_WINDOW: Final = 0x22
PAGE: Final = 0xB0
HIGH_COLUMN: Final = 0x10
FLUSH: Final = (0xE3, 0xE3)
"""Two commands that do nothing: a chip that lost its bus within a command takes them for what was still to come."""

DIM_PART: Final = 16
"""Dim is this part of the contrast, and the shortest pre-charge: contrast alone is hardly seen."""
DIM_PRECHARGE: Final = 0x11
DIM_VCOMH: Final = 0x00

Command = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """How the chips of one kind differ from others."""

    windows: bool
    """It has windows of columns and pages; otherwise it takes one page at a time."""
    offset: int
    """Column of the memory that is seen leftmost, as luma has it."""
    precharge: int
    """When bright, as luma has it."""
    vcomh: int | None
    """When bright, as luma has it; None: never touched, since the SH1106 goes dark of it."""


MODELS: Final = {
    "ssd1306": Model(windows=True, offset=0, precharge=0xF1, vcomh=0x40),
    "ssd1309": Model(windows=True, offset=0, precharge=0xF1, vcomh=0x40),
    "sh1106": Model(windows=False, offset=2, precharge=0x22, vcomh=None),
}
"""The chips that get partial pictures, with panels of 128 columns."""


@dataclass(frozen=True, slots=True)
class Controller:
    """One chip on its panel."""

    model: Model
    waking: tuple[Command, ...]
    """Sent first; the first byte turns the display off."""
    offset: int
    """Column of the memory that is seen leftmost."""

    def light(self, glow: Glow) -> Command:
        """Return the command for how bright the panel is; after waking it is needed to turn the display on."""
        if glow.light == "dark":
            return (DISPLAY_OFF,)
        dim = glow.light == "dim"
        level = glow.contrast // DIM_PART if dim else glow.contrast
        current = (CONTRAST, level, PRECHARGE, DIM_PRECHARGE if dim else self.model.precharge)
        voltage = () if self.model.vcomh is None else (VCOMH, DIM_VCOMH if dim else self.model.vcomh)
        return (*current, *voltage, DISPLAY_ON)


class Tape:
    """Takes what a device of luma's says, in the place of a serial interface."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def command(self, *command: int) -> None:
        """Keep a command."""
        self.commands.append(command)

    def data(self, pixels: object) -> None:
        """Pixels are not kept."""

    def cleanup(self) -> None:
        """There is nothing to let go of."""


def partial(wiring: Wiring) -> bool:
    """Tell whether this panel gets partial pictures."""
    return wiring.driver in MODELS and wiring.width == 128


@cache
def controller_for(wiring: Wiring) -> Controller:
    """Return how to talk to a panel that gets partial pictures. Raises luma's Error if there is none of its size."""
    model = MODELS[wiring.driver]
    tape = Tape()
    make(wiring, tape)
    waking = tuple(command for command in tape.commands if command != (DISPLAY_ON,))
    offset = model.offset
    if wiring.driver == "sh1106" and wiring.column_offset is not None:
        offset = wiring.column_offset
    return Controller(model, waking, offset)


def hiding(wiring: Wiring) -> list[Command]:
    """Return the commands that turn the display off, of any device of luma's; no I/O."""
    tape = Tape()
    device = make(wiring, tape)
    tape.commands.clear()
    device.hide()
    return [FLUSH, *tape.commands] if wiring.driver in MODELS else tape.commands


def make(wiring: Wiring, serial: Any, first_picture: Any = None) -> Any:
    """Return luma's device, initialised over a serial interface. Raises what that raises, and HardwareFailed.

    In the place of luma's empty picture it sends this one, or none.
    """
    from luma.oled import device as devices

    kind = getattr(devices, wiring.driver)
    device = kind.__new__(kind)
    device.clear = lambda: None if first_picture is None else device.display(first_picture)
    try:
        device.__init__(serial, width=wiring.width, height=wiring.height, rotate=wiring.rotate, mode="1")
    except AssertionError as error:
        # luma's I2C takes 32 bytes of commands at a time, and some of its devices say more.
        raise HardwareFailed(
            f"can't use the panel {wiring.name}",
            f"luma can't drive this chip over {wiring.bus.upper()}",
            "check display.driver and display.bus",
        ) from error
    finally:
        atexit.unregister(cast("Any", _ExitHook(device)))
    return device


class _ExitHook:
    """Equals the exit hook of one device: luma registers a nested function that nobody else can name.

    The hook would use the bus after it was closed, and keeps the device alive: one more for every attempt. Python
    compares the two with the hook on the left, whose type leaves the answer to us.
    """

    def __init__(self, device: Any) -> None:
        self._device = device

    def __eq__(self, other: object) -> bool:
        cells = getattr(other, "__closure__", None) or ()
        return getattr(other, "__module__", "") == "luma.core.device" and any(
            cell.cell_contents is self._device for cell in cells
        )

    __hash__ = None  # type: ignore[assignment]
