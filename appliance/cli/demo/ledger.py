"""The broker's traffic as a table."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text
from textual.geometry import Size

from appliance.cli.demo.journal import Entry, Message, Note

PREFIX: Final = "otp-appliance/"
_DIM: Final = "#8b95a5"
_TONES: Final = {"verified": "#7fd6a6", "pending": "#ffd23e", "acknowledged": "#ffd23e"}
_SIGNS: Final = {"verified": "✓ ", "pending": "… ", "acknowledged": "… "}
_WIDE: Final = 110


def table(entries: Sequence[Entry], names: Mapping[str, str], size: Size) -> Text:
    """Return the newest entries that fit below a heading, the newest last; `names` are those of device ids."""
    topic = 47 if size.width >= _WIDE else 30
    heading = f"{'time':8}  {'from':5}  {'topic':{topic}}  {'bytes':>7}  {'retained':8}  backup"
    lines = [Text(heading, style="#5c6675")]
    for entry in entries[-max(0, size.height - 1) :]:
        clock = Text(time.strftime("%H:%M:%S", time.localtime(entry.at)), style="#5c6675")
        lines.append(clock.append("  ").append_text(_row(entry, names, topic)))
    for line in lines:
        line.truncate(max(1, size.width), overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def shortened(topic: str, width: int) -> str:
    """Return a topic with its vault id cut, and without the prefix that all have if there is little room."""
    levels = topic.split("/")
    short = "/".join(f"{level[:8]}…" if len(level) == 36 else level for level in levels)
    return short if len(short) <= width else short.removeprefix(PREFIX)


def _row(entry: Entry, names: Mapping[str, str], topic: int) -> Text:
    match entry:
        case Note(_, text, grave):
            return Text(text, style="#ff8a80" if grave else _DIM)
        case Message():
            retained = {True: "yes", False: "no", None: "unknown"}[entry.retained]
            size = f"{entry.size:,}" if entry.size else "empty"
            cells = f"{names.get(entry.device, ''):5}  {shortened(entry.topic, topic):{topic}}  {size:>7}  {retained:8}  "
            verdict = (
                f"{_SIGNS.get(entry.verdict, '! ')}{entry.verdict.replace('_', ' ')}" if entry.verdict else ""
            )
            return Text(cells, style="#c9d1dd").append(verdict, style=_TONES.get(entry.verdict, "#ff8a80"))
