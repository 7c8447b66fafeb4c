"""OLED chips on their buses: they take bytes as the real ones do, and `glass` is what a person would see.

    bus = I2cBus()
    bus.plug(0x3C, Chip(SSD1306))
    panel = OledPanel(wiring, open_serial=bus.open_serial)
    bus.fail(errno.EREMOTEIO, after=5)

Sources: the data sheets of SSD1306 (rev 1.5), SSD1309 and SH1106 (V2.3). luma's own serial interfaces run on top, so
what counts as a byte here is a byte on the wire: addresses, control bytes, commands and pixels.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Any, Final

import smbus2
from luma.core.interface.serial import i2c, spi
from PIL import Image, ImageChops

from appliance.adapters.oled import Wiring


@dataclass(frozen=True, slots=True)
class Model:
    """What the data sheets say, and how the usual module is wired."""

    columns: int
    """Of the memory; the glass has 128."""
    seen_from: int
    """Column of the memory behind the leftmost column of the glass."""
    windows: bool
    """It knows addressing modes and windows; otherwise only page addressing."""
    pump_command: int | None
    """Switches the voltage for the glass; None: it comes from outside."""
    pump_mask: int
    pump_reset: int
    arguments: dict[int, int]
    """How many bytes follow a command; those that are not named have none."""
    ignored: frozenset[int] = frozenset()
    """What luma sends although the chip does not know it."""


_COMMON: Final = {0x81: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
_WINDOWED: Final = _COMMON | {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0xA3: 2,
}  # fmt: skip
SSD1306: Final = Model(128, 0, True, 0x8D, 0x04, 0x00, _WINDOWED | {0x8D: 1})
SSD1309: Final = Model(128, 0, True, None, 0x00, 0x00, _WINDOWED | {0x8D: 1}, frozenset({0x8D}))
SH1106: Final = Model(132, 2, False, 0xAD, 0x01, 0x8B, _COMMON | {0xAD: 1}, frozenset({0x20, 0x8D}))
SH1106_OFFSET_0: Final = Model(132, 0, False, 0xAD, 0x01, 0x8B, _COMMON | {0xAD: 1}, frozenset({0x20, 0x8D}))
MODELS: Final = {"ssd1306": SSD1306, "ssd1309": SSD1309, "sh1106": SH1106}

ADDRESS: Final = 0x3C
WIRING: Final = Wiring(
    driver="ssd1306",
    bus="i2c",
    i2c_port=1,
    address=ADDRESS,
    spi_port=0,
    spi_device=0,
    dc=24,
    reset=25,
    width=128,
    height=64,
    rotate=0,
    column_offset=None,
)
"""A panel on the bus that most Pis have."""


def same(one: Image.Image, other: Image.Image) -> bool:
    """Return whether two pictures are equal, pixel by pixel."""
    return (
        one.size == other.size
        and ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None
    )


class Chip:
    """One chip, soldered to a glass of 128 columns and `height` rows."""

    def __init__(self, model: Model, *, height: int = 64, seed: int = 1) -> None:
        self.model = model
        self.height = height
        self.unknown: list[int] = []
        """Commands that the data sheet lacks, or that a message ended in the middle of."""
        self.seen: list[tuple[int, ...]] = []
        """Every command since the power came, with its arguments."""
        self._random = Random(seed)
        self.power_cycle()

    # --- power

    def power_cycle(self) -> None:
        """Lose memory and registers, as a blip does; the memory is noise afterwards."""
        self.ram = [bytearray(self._random.randbytes(self.model.columns)) for _ in range(8)]
        self.reset()

    def reset(self) -> None:
        """Lose the registers, as the reset pin does."""
        self.seen.clear()
        self._pending: list[int] = []
        self.registers = {0x81: 0x7F, 0xA8: 63, 0xD3: 0, 0xD9: 0x22, 0xDA: 0x12, 0xDB: 0x20, 0x20: 2}
        if self.model.pump_command is not None:
            self.registers[self.model.pump_command] = self.model.pump_reset
        self.on = self.inverted = self.all_lit = self.remapped = self.upward = False
        self.start_line = 0
        self._column = self._page = 0
        self._columns, self._pages = (0, 127), (0, 7)

    # --- bytes

    def take(self, byte: int, *, data: bool) -> None:
        """Take one byte off the bus."""
        if data:
            self._take_pixels(byte)
            return
        self._pending.append(byte)
        if len(self._pending) > self.model.arguments.get(self._pending[0], 0):
            command, self._pending = tuple(self._pending), []
            self.seen.append(command)
            self._obey(*command)

    def end(self) -> None:
        """The message is over."""
        self.unknown += self._pending[:1]
        self._pending = []

    def _take_pixels(self, byte: int) -> None:
        if self._column < self.model.columns:
            self.ram[self._page][self._column] = byte
        if not self.model.windows:
            self._column = min(self._column + 1, self.model.columns - 1)
            return
        match self.registers[0x20] & 3:
            case 0:
                if self._step_column():
                    self._step_page()
            case 1:
                if self._step_page():
                    self._step_column()
            case _:
                self._column = (self._column + 1) % 128

    def _step_column(self) -> bool:
        ended = self._column == self._columns[1]
        self._column = self._columns[0] if ended else (self._column + 1) % 128
        return ended

    def _step_page(self) -> bool:
        ended = self._page == self._pages[1]
        self._page = self._pages[0] if ended else (self._page + 1) % 8
        return ended

    def _obey(self, command: int, *arguments: int) -> None:
        if command in self.model.ignored:
            return
        match command:
            case _ if command < 0x20:
                low = command < 0x10
                self._column = (
                    self._column & 0xF0 | command if low else self._column & 0x0F | (command & 15) << 4
                )
            case 0x21:
                self._columns = arguments[0] & 127, arguments[1] & 127
                self._column = self._columns[0]
            case 0x22:
                self._pages = arguments[0] & 7, arguments[1] & 7
                self._page = self._pages[0]
            case _ if 0x40 <= command < 0x80:
                self.start_line = command & 63
            case 0xA0 | 0xA1:
                self.remapped = command == 0xA1
            case 0xA4 | 0xA5:
                self.all_lit = command == 0xA5
            case 0xA6 | 0xA7:
                self.inverted = command == 0xA7
            case 0xAE | 0xAF:
                self.on = command == 0xAF
            case _ if 0xB0 <= command < 0xB8:
                self._page = command & 7
            case _ if 0xC0 <= command < 0xD0:
                self.upward = bool(command & 8)
            case _ if command in self.registers:
                self.registers[command] = arguments[0]
            case 0x2E | 0xD5 | 0xE3:
                pass
            case _:
                self.unknown.append(command)

    # --- what a person sees

    @property
    def pumped(self) -> bool:
        """The glass has its voltage."""
        pump = self.model.pump_command
        return pump is None or bool(self.registers[pump] & self.model.pump_mask)

    def glass(self) -> Image.Image:
        """Return what is lit: nothing while the display is off or has no voltage."""
        if not self.on or not self.pumped:
            return Image.new("1", (128, self.height))
        columns = [self._column_behind(x) for x in range(128)]
        pixels = b"".join(self._row_seen(y, columns) for y in range(self.height))
        return Image.frombytes("L", (128, self.height), pixels).convert("1", dither=Image.Dither.NONE)

    def _row_seen(self, y: int, columns: list[int]) -> bytes:
        row = self._row_behind(y)
        if row is None:
            return bytes(128)
        page, bit = self.ram[row // 8], 1 << row % 8
        unlit = bit if self.inverted else 0
        return bytes(255 if self.all_lit or page[column] & bit != unlit else 0 for column in columns)

    def _column_behind(self, x: int) -> int:
        segment = x + self.model.seen_from
        return segment if self.remapped else self.model.columns - 1 - segment

    def _row_behind(self, y: int) -> int | None:
        # Modules of 64 rows are wired with alternating lines, those of 32 with lines in sequence; the wrong setting
        # shows every other row in the wrong half.
        if bool(self.registers[0xDA] & 0x10) != (self.height == 64):
            y = (y * 2) % self.height + (y * 2) // self.height
        line = y if self.upward else self.height - 1 - y
        if line > self.registers[0xA8]:
            return None
        return (line + self.start_line + self.registers[0xD3]) % 64


# --- buses


class _Faults:
    """What a bus does to the next bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        """On the wire, from the beginning."""
        self.writes = 0
        self._number = 0
        self._times: float = 0
        self._after = 0

    def fail(self, number: int, *, times: int | None = 1, after: int = 0) -> None:
        """Let so many bytes through, then fail so many transfers (None: all, until `mend`) with this errno."""
        self._number, self._times, self._after = number, inf if times is None else times, after

    def mend(self) -> None:
        """Fail no more."""
        self._times = 0

    def move(self) -> None:
        """Move one byte over the wire; raises where the transfer fails."""
        if self._times > 0:
            if self._after == 0:
                self._times -= 1
                raise OSError(self._number, os.strerror(self._number))
            self._after -= 1
        self.bytes += 1


class I2cBus(_Faults):
    """`/dev/i2c-1` as smbus2 has it."""

    def __init__(self) -> None:
        super().__init__()
        self.chips: dict[int, Chip] = {}
        self.open_fails: OSError | None = None
        self.opened = 0
        """How often; each holds a descriptor until it is closed."""

    def plug(self, address: int, chip: Chip) -> Chip:
        """Connect a chip; it has just got its power."""
        chip.power_cycle()
        self.chips[address] = chip
        return chip

    def unplug(self, address: int) -> Chip:
        """Disconnect a chip."""
        return self.chips.pop(address)

    def open_serial(self, wiring: Wiring) -> Any:
        """Return luma's I2C interface, as it is when luma opened the bus itself."""
        if self.open_fails is not None:
            raise self.open_fails
        serial = i2c(bus=_Smbus(self), address=wiring.address)
        serial._managed = True  # then data goes out in one message, and `cleanup` closes the bus
        serial._i2c_msg_write = smbus2.i2c_msg.write
        return serial

    def transfer(self, address: int, message: Sequence[int]) -> None:
        """Move one message."""
        self.writes += 1
        self.move()  # the address
        chip = self.chips.get(address)
        if chip is None:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        body = iter(message)
        for control in body:
            self.move()
            for byte in body:
                self.move()
                chip.take(byte, data=bool(control & 0x40))
                if control & 0x80:
                    break
        chip.end()


class _Smbus:
    """The part of smbus2.SMBus that luma uses; it holds a true descriptor, so that a leak is a leak."""

    def __init__(self, bus: I2cBus) -> None:
        bus.opened += 1
        self._bus = bus
        self._fd: int | None = os.open(os.devnull, os.O_RDONLY)

    def write_i2c_block_data(self, address: int, register: int, data: list[int]) -> None:
        assert self._fd is not None
        assert len(data) <= 32
        self._bus.transfer(address, [register, *data])

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        assert self._fd is not None
        for message in messages:
            self._bus.transfer(message.addr, tuple(bytes(message)))

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class SpiBus(_Faults):
    """`/dev/spidev0.0` and two pins. Nobody acknowledges anything: an unplugged chip is a silent one."""

    def __init__(self, chip: Chip) -> None:
        super().__init__()
        self.chip: Chip | None = chip
        self.pins: dict[int, int] = {}
        self.resets = 0

    def open_serial(self, wiring: Wiring) -> Any:
        """Return luma's SPI interface."""
        serial = spi(
            spi=_Spidev(self, wiring.dc),
            gpio=Pins(self, wiring.reset),
            port=wiring.spi_port,
            device=wiring.spi_device,
            gpio_DC=wiring.dc,
            gpio_RST=wiring.reset,
        )
        serial._managed = True  # then `cleanup` lets go of the pins
        return serial


class _Spidev:
    """The part of spidev.SpiDev that luma uses."""

    def __init__(self, bus: SpiBus, dc: int) -> None:
        self._bus = bus
        self._dc = dc
        self._fd: int | None = None
        self.max_speed_hz = 0

    def open(self, port: int, device: int) -> None:
        self._fd = os.open(os.devnull, os.O_RDONLY)

    def writebytes(self, data: Sequence[int]) -> None:
        assert self._fd is not None
        assert len(data) <= 4096
        self._bus.writes += 1
        chip = self._bus.chip
        for byte in data:
            self._bus.move()
            if chip is not None:
                chip.take(byte, data=bool(self._bus.pins[self._dc]))
        if chip is not None:
            chip.end()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Pins:
    """The part of RPi.GPIO that luma uses; a falling edge of the reset pin resets the chip."""

    LOW, HIGH, OUT, BCM = 0, 1, 0, 11

    def __init__(self, bus: SpiBus, reset: int | None) -> None:
        self._bus = bus
        self._reset = reset

    def setmode(self, mode: int) -> None:
        assert mode == self.BCM

    def setup(self, pin: int, direction: int) -> None:
        assert direction == self.OUT
        self._bus.pins[pin] = 1

    def output(self, pin: int, level: int) -> None:
        assert pin in self._bus.pins, "the pin was never set up"
        if pin == self._reset and level < self._bus.pins[pin]:
            self._bus.resets += 1
            if self._bus.chip is not None:
                self._bus.chip.reset()
        self._bus.pins[pin] = level

    def cleanup(self, pins: list[int]) -> None:
        for pin in pins:
            self._bus.pins.pop(pin, None)
