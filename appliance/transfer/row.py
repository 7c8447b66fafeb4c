"""The rows of a CSV file, by the names of its columns.

Rules: names are compared by their letters and digits in lower case ("User Name" is `username`), and of several columns
of one name the first counts. A row may be narrower or wider than the header. Only what is asked for is looked at: such
files hold passwords.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.transfer.content import Table

_WIDTH: Final = 500
"""Columns that are looked at; password managers write at most some forty."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; asking for a column that the file does not have gives ""."""

    columns: Mapping[str, int]
    """Positions by name."""
    cells: tuple[str, ...] = field(repr=False)

    def text(self, *names: str) -> str:
        """Return the first value that is not blank, without outer spaces; the names are tried in their order."""
        return next(filter(None, map(self._cell, names)), "")

    def flag(self, *names: str) -> bool:
        """Return whether the value says yes."""
        return self.text(*names).lower() in {"1", "true", "yes"}

    def _cell(self, name: str) -> str:
        position = self.columns.get(name)
        return "" if position is None or position >= len(self.cells) else self.cells[position].strip()


def columns(table: Table | None) -> dict[str, int]:
    """Return the positions of the columns by their names; none without a table."""
    found: dict[str, int] = {}
    for position, name in enumerate(table.header[:_WIDTH] if table else ()):
        found.setdefault(re.sub(r"[^a-z0-9]", "", name), position)
    return found


def rows(table: Table | None) -> Iterable[Row]:
    """Return the rows of a table; none without one."""
    positions = columns(table)
    return (Row(positions, cells) for cells in (table.rows if table else ()))
