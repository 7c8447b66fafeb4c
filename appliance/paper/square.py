"""QR codes as squares of dark and light modules, drawn as what they are and read back before they count."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

PART_VERSION: Final = 23
"""109 modules a side. At half a millimetre each, twelve fill an A4 or Letter page; level M mends 15 % of a code."""
QUIET: Final = 4
"""Modules around a code that must stay light (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Square:
    """A QR code."""

    text: str = field(repr=False)
    rows: tuple[bytes, ...] = field(repr=False)
    """From top to bottom; a byte for each module, 1 is dark."""

    @property
    def size(self) -> int:
        """Modules a side, without the quiet zone."""
        return len(self.rows)

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Return (column, row, length) of each dark stretch of a row."""
        for row, modules in enumerate(self.rows):
            end = 0
            while (start := modules.find(1, end)) >= 0:
                end = modules.find(0, start)
                end = len(modules) if end < 0 else end
                yield start, row, end - start


def part_square(text: str) -> Square:
    """Return the code of a part; all have one size."""
    import segno

    # Its data is encrypted, which is as even as any mask could make it; trying all masks takes a small Pi seconds.
    made = segno.make(text, version=PART_VERSION, error="m", mask=3, micro=False, boost_error=False)
    return Square(text, tuple(map(bytes, made.matrix)))


def link_square(text: str) -> Square | None:
    """Return the code of an account's link; None if it is too long for any."""
    import segno

    for level in ("m", "l"):
        try:
            made = segno.make(text, error=level, micro=False, boost_error=False)
        except segno.DataOverflowError:
            continue
        return Square(text, tuple(map(bytes, made.matrix)))
    return None


def reads_back(square: Square) -> bool:
    """Whether a QR reader that knows nothing of how it was made finds the text in a code."""
    from PIL import Image

    # Its types differ from release to release.
    zxingcpp: Any = import_module("zxingcpp")

    scale = 3
    light = b"\xff" * QUIET
    inner = [light + bytes(0 if module else 255 for module in row) + light for row in square.rows]
    margin = [b"\xff" * (square.size + 2 * QUIET)] * QUIET
    lines = [*margin, *inner, *margin]
    side = square.size + 2 * QUIET
    picture = Image.frombytes("L", (side, side), b"".join(lines)).resize(
        (side * scale, side * scale), Image.Resampling.NEAREST
    )
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return [one.text for one in found] == [square.text]
