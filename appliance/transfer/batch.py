"""Exports that come in several QR codes: which of them belong together, and which are missing.

Rules: pages come in any order and repeatedly, and several exports may come mixed; what is missing is named. Google's
current app writes no id into its pages, so pages go together by the size of their batch and their places in it; where
there are ids, different ones never do. A batch counts from 0; where it has a page with the number of its size, from 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from appliance.transfer.found import Found, Means


@dataclass(frozen=True, slots=True)
class Entry:
    """An account of a page, not yet looked at."""

    name: str
    read: Callable[[Means], Found] = field(repr=False)
    """Raises Unusable."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one link holds."""

    entries: tuple[Entry, ...]
    size: int = 1
    """Pages of its batch."""
    index: int = 0
    """Its place among them, from 0, or from 1: at most `size`."""
    batch: str = ""
    """Names the batch; "": the program did not."""
    program: str = ""
    """Names what made it."""
    link: str = field(default="", repr=False)
    """What it was read from; the same page has the same."""


@dataclass(slots=True)
class Batches:
    """The pages of one or several exports, as they come in."""

    _batches: list[dict[int, Page]] = field(default_factory=list)

    def add(self, page: Page) -> bool:
        """Take a page; return whether it is a new one."""
        for batch in self._batches:
            if _together(page, batch):
                known = batch.get(page.index)
                if known is None:
                    batch[page.index] = page
                    return True
                if known.link == page.link:
                    return False
        self._batches.append({page.index: page})
        return True

    @property
    def read(self) -> int:
        """How many different pages were taken."""
        return sum(map(len, self._batches))

    @property
    def expected(self) -> int:
        """How many pages their batches have together."""
        return sum(_size(batch) for batch in self._batches)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was not taken, for people: one text for each incomplete batch, such as "QR code 2 of 3"."""
        texts = []
        for batch in self._batches:
            size, first = _size(batch), int(_counts_from_one(batch))
            if absent := [number for number in range(1, size + 1) if number - 1 + first not in batch]:
                texts.append(f"QR code{'s' if len(absent) > 1 else ''} {_ranges(absent)} of {size}")
        return tuple(texts)

    @property
    def from_one(self) -> bool:
        """Whether any batch counts its pages from 1."""
        return any(map(_counts_from_one, self._batches))


def _counts_from_one(batch: dict[int, Page]) -> bool:
    return _size(batch) in batch


def _together(page: Page, batch: dict[int, Page]) -> bool:
    other = next(iter(batch.values()))
    apart = page.batch and other.batch and page.batch != other.batch
    # No batch has a page 0 and one of the number of its size.
    uncountable = {0, page.size} <= {page.index, *batch}
    return page.program == other.program and page.size == other.size and not apart and not uncountable


def _size(batch: dict[int, Page]) -> int:
    return next(iter(batch.values())).size


def _ranges(numbers: Sequence[int]) -> str:
    """Return increasing numbers in words, such as "1, 3-5 and 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
