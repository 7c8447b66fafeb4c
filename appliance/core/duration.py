"""Lengths of time in words short enough for the display."""

from typing import Final

_UNITS: Final = ((86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min"), (1, "s", "s"))


def duration(seconds: float) -> str:
    """Return a length of time in its largest unit, such as `4 min` or `3 days`; a negative one is `0 s`."""
    for size, one, many in _UNITS:
        count = int(seconds // size)
        if count > 0:
            return f"{count} {one if count == 1 else many}"
    return "0 s"
