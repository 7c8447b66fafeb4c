"""The broker's traffic as a table."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text
from textual.geometry import Size

from appliance.cli.demo.journal import Entry, Message, Note

FAINT: Final = "#5c6675"
DIM: Final = "#8b95a5"
PLAIN: Final = "#c9d1dd"
GOOD: Final = "#7fd6a6"
BUSY: Final = "#ffd23e"
BAD: Final = "#ff8a80"
_VERDICTS: Final = {"verified": ("✓", GOOD), "pending": ("…", BUSY), "acknowledged": ("…", BUSY)}


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide the columns are."""

    total: int
    topic: int
    vault: int
    """Signs of a vault id that are shown."""
    retained: str
    """The heading of this column."""

    def row(self, at: str, who: str, topic: str, size: str, retained: str, verdict: str) -> str:
        """Return a line."""
        width = len(self.retained)
        return f"{at:8}  {who:6}  {topic:{self.topic}}  {size:>7}  {retained:{width}}  {verdict}"


WIDE: Final = Columns(100, 46, 8, "retained")
NARROW: Final = Columns(76, 28, 4, "ret")


def table(entries: Sequence[Entry], names: Mapping[str, str], size: Size) -> Text:
    """Return the newest entries that fit below a heading, the newest last; `names` are those of device ids."""
    columns = WIDE if size.width >= WIDE.total else NARROW
    heading = columns.row("time", "from", "topic", "bytes", columns.retained, "backup")
    shown = entries[max(0, len(entries) - max(0, size.height - 1)) :]
    lines = [Text(heading, style=FAINT), *(_line(entry, names, columns) for entry in shown)]
    for line in lines:
        line.truncate(max(1, size.width), overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def shortened(topic: str, columns: Columns) -> str:
    """Return a topic with its vault id cut; and without the prefix that all share, if there is little room."""
    levels = [f"{level[: columns.vault]}…" if len(level) == 36 else level for level in topic.split("/")]
    return "/".join(levels[1:] if columns is NARROW else levels)


def _line(entry: Entry, names: Mapping[str, str], columns: Columns) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(entry.at))
    match entry:
        case Note(_, text, who, grave):
            line = Text(f"{clock}  ", style=FAINT).append(f"{who:6}  ", style=PLAIN)
            return line.append(text, style=BAD if grave else DIM)
        case Message():
            retained = {True: "yes", False: "no", None: "?"}[entry.retained]
            size = f"{entry.size:,}" if entry.size else "empty"
            cells = columns.row(
                "", names.get(entry.device, ""), shortened(entry.topic, columns), size, retained, ""
            )
            line = Text(clock, style=FAINT).append(cells[len(clock) :], style=PLAIN)
            sign, tone = _VERDICTS.get(entry.verdict, ("!", BAD))
            return line.append(
                f"{sign} {entry.verdict.replace('_', ' ')}" if entry.verdict else "", style=tone
            )
