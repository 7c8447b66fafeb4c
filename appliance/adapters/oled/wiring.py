"""What the board and the settings say of the panel."""

from dataclasses import dataclass
from typing import Literal

from appliance.core.care import Light


@dataclass(frozen=True, slots=True)
class Glow:
    """How bright the panel is."""

    light: Light
    """dark: the display is off, its memory keeps the picture."""
    contrast: int
    """When bright, 1 to 255."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """One panel: its chip, its bus, and how it sits in its case."""

    driver: str
    """Name of a device of luma.oled that takes mode "1"."""
    bus: Literal["i2c", "spi"]
    i2c_port: int
    """The bus is `/dev/i2c-<port>`."""
    address: int
    spi_port: int
    spi_device: int
    """The bus is `/dev/spidev<port>.<device>`."""
    dc: int
    """Pin (BCM) that tells commands from data on SPI."""
    reset: int | None
    """Pin (BCM) of SPI's reset; None: it is not wired."""
    width: int
    height: int
    """Of the panel itself, before it is turned."""
    rotate: int
    """Quarter turns clockwise, 0 to 3."""
    column_offset: int | None
    """Column of the SH1106's memory that is seen leftmost, 0 or 2; None: as luma has it. Other chips ignore it."""

    @property
    def device_file(self) -> str:
        """What the kernel calls the bus."""
        if self.bus == "i2c":
            return f"/dev/i2c-{self.i2c_port}"
        return f"/dev/spidev{self.spi_port}.{self.spi_device}"

    @property
    def name(self) -> str:
        """What people call the panel in an error."""
        at = f" at 0x{self.address:02x}" if self.bus == "i2c" else ""
        return f"{self.driver}{at} on {self.device_file}"

    @property
    def seen_size(self) -> tuple[int, int]:
        """Columns and rows as somebody in front of the panel sees them."""
        return (self.width, self.height) if self.rotate % 2 == 0 else (self.height, self.width)
