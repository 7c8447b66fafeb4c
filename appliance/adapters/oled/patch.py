"""What changed between two pictures, as few bytes on the bus."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.adapters.oled.picture import Pages

# A run of changed columns ends where more columns are unchanged than it costs to begin another: 7 bytes on I2C, which
# are two addresses, two control bytes, and three of commands on the SH1106 or on the page that an SSD1306 is at.
_RUNS: Final = re.compile(rb"[^\0]+(?:\0{1,7}[^\0]+)*")
_WINDOW_BYTES: Final = 10
"""What a window of an SSD1306 costs besides its pixels."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of columns and pages; `right` and `bottom` are the first ones outside."""

    left: int
    right: int
    top: int
    bottom: int

    def data(self, picture: Pages) -> bytes:
        """Return its pixels, page after page."""
        return b"".join(page[self.left : self.right] for page in picture[self.top : self.bottom])


def changes(before: Pages, after: Pages) -> list[Patch]:
    """Return the patches, each within one page, that turn one picture into another of the same size."""
    return [
        Patch(left, right, number, number + 1)
        for number, (old, new) in enumerate(zip(before, after, strict=True))
        if old != new
        for left, right in _runs(old, new)
    ]


def stacked(patches: list[Patch]) -> list[Patch]:
    """Return patches that cover the same, joined across pages wherever that costs no more bytes.

    One pass from the top, each patch joined to the best one above it: not the optimum, but near it, and quick.
    """
    joined: list[Patch] = []
    for patch in patches:
        best, saved = -1, -1
        for place, above in enumerate(joined):
            if above.bottom == patch.top:
                saving = _cost(above) + _cost(patch) - _cost(_union(above, patch))
                if saving > saved:
                    best, saved = place, saving
        if best < 0:
            joined.append(patch)
        else:
            joined[best] = _union(joined[best], patch)
    return joined


def whole(picture: Pages) -> Patch:
    """Return the patch that is all of it."""
    return Patch(0, len(picture[0]), 0, len(picture))


def _runs(old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    changed = int.from_bytes(old, "big") ^ int.from_bytes(new, "big")
    for run in _RUNS.finditer(changed.to_bytes(len(new), "big")):
        yield run.span()


def _cost(patch: Patch) -> int:
    return _WINDOW_BYTES + (patch.right - patch.left) * (patch.bottom - patch.top)


def _union(one: Patch, other: Patch) -> Patch:
    return Patch(
        min(one.left, other.left),
        max(one.right, other.right),
        min(one.top, other.top),
        max(one.bottom, other.bottom),
    )
