"""Boards that people buy: which panel, on which bus, and which pin is which key.

One word in the settings names a board; single settings may override what it decides. Pins are BCM numbers; every key
closes its pin to ground and is pulled up. A board stands here only if its maker's manual or schematic says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from appliance.core.gestures import Key, Layout

Bus = Literal["i2c", "spi"]


@dataclass(frozen=True, slots=True)
class Board:
    """What one word of the settings stands for."""

    name: str
    driver: str
    """Of the panel's controller, as luma.oled names it; "none": there is no panel."""
    bus: Bus
    buttons: Mapping[Key, int]
    """The BCM pin of each key."""
    i2c_port: int = 1
    address: int = 0x3C
    """On the I2C bus, 7 bits."""
    spi_port: int = 0
    spi_device: int = 0
    dc: int | None = None
    """BCM pin that tells data from commands on the SPI bus."""
    reset: int | None = None
    """BCM pin; None: the panel resets itself."""
    width: int = 128
    height: int = 64
    rotate: int = 0
    """Quarter turns of the picture, clockwise, until it stands upright beside its keys."""
    column_offset: int | None = None
    """First column of the controller's memory that is on the glass: an SH1106 has 132, and centres 128. None: as that
    controller usually has it."""

    @property
    def layout(self) -> Layout:
        """Which keys there are. ValueError: they make no layout, which no board of `BOARDS` does."""
        return layout_of(self.buttons)

    @property
    def bus_lines(self) -> frozenset[int]:
        """The BCM pins of the bus, as far as they are the same on every Pi: chip selects can be moved."""
        port = self.i2c_port if self.bus == "i2c" else self.spi_port
        return _BUS_LINES.get((self.bus, port), frozenset())


def layout_of(keys: Iterable[Key]) -> Layout:
    """Return the layout that has exactly these keys; a stick may lack one axis, and the keys beside it.

    ValueError: there is none, and the message says which keys would do.
    """
    there = frozenset(keys)
    if there in _SIMPLE:
        return _SIMPLE[there]
    axes = there - _BESIDE
    if "centre" in there and axes in {_LEFT_RIGHT, _UP_DOWN, _LEFT_RIGHT | _UP_DOWN}:
        return "joystick"
    raise ValueError(
        "expected the keys previous, next and ok; or next and ok; or ok alone; or centre with left and right,"
        " up and down, or both, and key1, key2, key3 as far as there are"
    )


_SIMPLE: Final[Mapping[frozenset[Key], Layout]] = MappingProxyType(
    {
        frozenset({"previous", "next", "ok"}): "three",
        frozenset({"next", "ok"}): "two",
        frozenset({"ok"}): "one",
    }
)
_BUS_LINES: Final[Mapping[tuple[Bus, int], frozenset[int]]] = MappingProxyType(
    {
        ("i2c", 1): frozenset({2, 3}),  # SDA, SCL
        ("spi", 0): frozenset({10, 11}),  # MOSI, SCLK; nothing is read from a panel
    }
)
_LEFT_RIGHT: Final[frozenset[Key]] = frozenset({"left", "right"})
_UP_DOWN: Final[frozenset[Key]] = frozenset({"up", "down"})
_BESIDE: Final[frozenset[Key]] = frozenset({"centre", "key1", "key2", "key3"})

BOARDS: Final[Mapping[str, Board]] = MappingProxyType(
    {
        board.name: board
        for board in (
            Board(
                name="generic",
                driver="ssd1306",
                bus="i2c",
                buttons=MappingProxyType({"previous": 17, "next": 27, "ok": 22}),
            ),
            Board(
                name="waveshare-1.3-oled-hat",
                driver="sh1106",
                bus="spi",
                dc=24,
                reset=25,
                rotate=2,  # Waveshare's own example turns luma's picture over
                column_offset=2,
                buttons=MappingProxyType(
                    {
                        "left": 5,
                        "right": 26,
                        "up": 6,
                        "down": 19,
                        "centre": 13,
                        "key1": 21,
                        "key2": 20,
                        "key3": 16,
                    }
                ),
            ),
            Board(
                name="adafruit-oled-bonnet",
                driver="ssd1306",
                bus="i2c",
                buttons=MappingProxyType(
                    {"left": 27, "right": 23, "up": 17, "down": 22, "centre": 4, "key1": 5, "key2": 6}
                ),
            ),
        )
    }
)
"""By name."""
