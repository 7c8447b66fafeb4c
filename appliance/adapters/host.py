"""What this Pi is like: its address in the network, its temperature."""

import socket
from pathlib import Path
from typing import Final

THERMAL: Final = Path("/sys/class/thermal/thermal_zone0/temp")
_ANYWHERE: Final = ("192.0.2.1", 9)
"""Of the block that is kept for documentation (RFC 5737): only the routing table is asked, nothing is sent."""


def address() -> str:
    """Return the address that others in the network know this Pi by; "" if there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
            found = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if found in {"0.0.0.0", "127.0.0.1"} else found  # noqa: S104 - compared, not bound


def celsius(source: Path = THERMAL) -> float | None:
    """Return the temperature of the processor; None: it does not say."""
    try:
        return int(source.read_bytes()[:16]) / 1000
    except (OSError, ValueError):
        return None
