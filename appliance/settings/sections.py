"""The settings of one thing: how the vault opens, the panel, the buttons, the clock, the broker, Home Assistant."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from appliance.board import Bus
from appliance.settings.values import (
    Address,
    Board,
    Brightness,
    BusNumber,
    ColumnOffset,
    Driver,
    FilePath,
    Host,
    Pin,
    Pixels,
    QuarterTurns,
    Seconds,
    TcpPort,
    Text,
    TimeOfDay,
    Topic,
)


class _Section(BaseModel):
    """Frozen, closed, and with its defaults checked as well."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class VaultSettings(_Section):
    """How this device opens its vault, and when it locks it again."""

    unlock: Literal["credential", "pin", "passphrase"] = "credential"
    """Used once, by `init` and `restore`."""
    relock_after_seconds: Seconds = 0
    """Without a press; 0: never. What opens by itself is never locked."""


class DisplaySettings(_Section):
    """The panel. Up to the column offset, None means the board's; `fitted` puts the two together."""

    board: Board = "generic"
    driver: Driver | None = None
    """ "none": there is no panel."""
    bus: Bus | None = None
    i2c_port: BusNumber | None = None
    address: Address | None = None
    spi_port: BusNumber | None = None
    spi_device: BusNumber | None = None
    dc: Pin | None = None
    """Tells data from commands on SPI."""
    reset: Pin | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    """Of the panel before it is turned."""
    rotate: QuarterTurns | None = None
    """Clockwise."""
    column_offset: ColumnOffset | None = None
    brightness: Brightness = 255
    """The contrast when bright; the menu may have chosen another since."""
    reveal: Literal["always", "on_press"] = "always"
    allow_qr: bool = False
    """Accounts may be shown as QR codes, secrets included."""
    dim_after_seconds: Seconds = 30
    """Without a press; 0 = never."""
    blank_after_seconds: Seconds = 300
    """Without a press; 0 = never."""
    night_from: TimeOfDay | None = None
    """Minutes after midnight, local time; the panel is dark from here to `night_to`, which may be the next day."""
    night_to: TimeOfDay | None = None
    """None: there are no night hours, and `night_from` is None too."""

    @property
    def night(self) -> tuple[int, int] | None:
        """The minutes after local midnight from which and until which it is dark; None: there is no night."""
        if self.night_from is None or self.night_to is None:
            return None
        return self.night_from, self.night_to


class PinSettings(_Section):
    """Where the keys are. None: where the board has it, if it has; "none": there is no such key."""

    previous: Pin | None = None
    next: Pin | None = None
    ok: Pin | None = None
    left: Pin | None = None
    right: Pin | None = None
    up: Pin | None = None
    down: Pin | None = None
    centre: Pin | None = None
    key1: Pin | None = None
    key2: Pin | None = None
    key3: Pin | None = None


class ButtonSettings(_Section):
    """The buttons."""

    backend: Literal["rpi-gpio", "none"] = "rpi-gpio"
    pins: PinSettings = PinSettings()


class ClockSettings(_Section):
    """Time."""

    require_trusted: bool = True
    """Show no code of a clock that nothing vouches for."""


class TlsSettings(_Section):
    """Encryption of the link to the broker."""

    enabled: bool = True
    ca_file: FilePath | None = None
    """None: the system's certificate authorities."""
    cert_file: FilePath | None = None
    key_file: FilePath | None = None


class MqttSettings(_Section):
    """The broker."""

    host: Host | None = None
    """None: no broker."""
    port: TcpPort = 8883
    username: Text | None = None
    password_file: FilePath | None = None
    topic_prefix: Topic = "otp-appliance"
    tls: TlsSettings = TlsSettings()


class HomeAssistantSettings(_Section):
    """What Home Assistant is told."""

    enabled: bool = False
    discovery_prefix: Topic = "homeassistant"
