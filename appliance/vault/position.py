"""Places in a list: fractions written as text, so that between two neighbours there is always another one.

Rules: the digits are 0-9 and a-z, in the order of text, and what is written here never ends in 0. Positions that a
file holds may: two that differ in such zeros alone are one fraction, and nothing lies between them.
"""

from typing import Final

MIDDLE: Final = "i"
"""Where the first account stands, with as much room before it as behind."""
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_WIDTH: Final = 6
_STEP: Final = 36**2
"""Leaves room for 0.8 million accounts put in front and as many at the end, before positions grow longer."""


def after(position: str) -> str:
    """Return a position behind `position`, "" being the one before all."""
    number = _number(position, _WIDTH) + _STEP
    return position + MIDDLE if number >= 36**_WIDTH else _text(number, _WIDTH)


def between(low: str, high: str | None) -> str | None:
    """Return a position behind `low` and before `high`; None: nothing lies between them.

    "" is the position before all, None the one behind all. `low` must not be greater than `high`.
    """
    if high is None:
        return after(low)
    # Halving a gap in front of all would make the text longer with every fifth account.
    if not low and (number := _number(high, _WIDTH) - _STEP) > 0:
        return _text(number, _WIDTH)
    for width in range(1, max(len(low), len(high)) + 2):
        below, above = _number(low, width), _number(high, width)
        if above - below > 1:
            return _text((below + above) // 2, width)
    return None


def _number(position: str, width: int) -> int:
    return int(position[:width].ljust(width, "0"), 36)


def _text(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rstrip("0")
