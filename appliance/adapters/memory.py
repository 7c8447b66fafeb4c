"""How much memory a key derivation may use."""

from pathlib import Path
from typing import Final

_MEMINFO: Final = Path("/proc/meminfo")


def derivation_limit(meminfo: Path = _MEMINFO, *, share: float = 0.5) -> int:
    """Return a share of the available memory, in bytes, so that the rest of a small Pi lives on.

    Where the kernel does not say (it does from 3.14 on), 128 MiB.
    """
    try:
        for line in meminfo.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(int(line.split()[1]) * 1024 * share)
    except (OSError, ValueError, IndexError):
        pass
    return 128 << 20
