"""What went wrong with the panel, in words, each with something to do about it."""

import errno
from typing import Final

from appliance.adapters.oled.wiring import Wiring
from appliance.core.events import Problem
from appliance.errors import HardwareFailed

_PACKAGES: Final = {
    "RPi": "sudo apt install python3-rpi-lgpio",
    "spidev": "sudo apt install python3-spidev",
    "smbus2": "sudo apt install python3-smbus2",
}


def of_opening(error: Exception, wiring: Wiring) -> Problem:
    """The panel never answered."""
    return _problem(f"can't reach the panel {wiring.name}", error, wiring)


def of_writing(error: Exception, wiring: Wiring) -> Problem:
    """The panel showed pictures, and then no more."""
    return _problem(f"lost the panel {wiring.name}", error, wiring)


def _problem(what: str, error: Exception, wiring: Wiring) -> Problem:
    match error:
        case HardwareFailed(why=why, hint=hint):
            pass
        case ImportError():
            why, hint = _of_module(error)
        case _:
            why, hint = _words(error, wiring)
    return Problem(what, why, hint, HardwareFailed.short)


def _words(error: Exception, wiring: Wiring) -> tuple[str, str]:
    number = _number(error)
    match number:
        case errno.ENOENT | errno.ENODEV:
            return f"there is no {wiring.device_file}", f"switch {wiring.bus.upper()} on: sudo raspi-config"
        case errno.EACCES | errno.EPERM:
            return f"no permission for {wiring.device_file}", f"add the user to the group {wiring.bus}"
        case errno.EREMOTEIO | errno.ENXIO | errno.EIO:
            return _of_silence(wiring)
        case errno.ETIMEDOUT | errno.EAGAIN:
            return "the bus is stuck", "take the panel's power away and back; check SDA and SCL for a short"
        case errno.EBUSY:
            return "another program or driver holds it", "remove the panel's dtoverlay from config.txt"
        case errno.EOPNOTSUPP:
            return "the bus can't send plain messages", "connect the panel to the Pi's own bus"
        case _:
            return _of_others(error, number)


def _of_silence(wiring: Wiring) -> tuple[str, str]:
    if wiring.bus == "spi":
        return "the transfer failed", "check the wiring of the panel"
    return (
        f"nothing answers at 0x{wiring.address:02x}",
        f"check the wiring and display.address: i2cdetect -y {wiring.i2c_port}",
    )


def _of_others(error: Exception, number: int | None) -> tuple[str, str]:
    kind = type(error).__name__
    if kind == "DeviceDisplayModeError":
        return "the driver has no panel of this size", "check display.width and display.height"
    if kind == "UnsupportedPlatform" or number is None:
        return str(error).lower() or "it failed", "check the pins, and that nothing else uses them"
    why = (error.strerror if isinstance(error, OSError) else None) or str(error) or "it failed"
    return why.lower(), "check the wiring of the panel"


def _of_module(error: ImportError) -> tuple[str, str]:
    name = (error.name or "").partition(".")[0]
    return f"the module {name or 'of the bus'} is missing", _PACKAGES.get(name, "install the appliance again")


def _number(error: BaseException | None) -> int | None:
    # luma raises errors of its own without a number while it handles the one that has it.
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__context__
    return None
