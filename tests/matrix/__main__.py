"""Try the appliance on every broker that can be had here, and write down what it says.

    tests/broker_matrix [--write] [NAME...]

Names are those of `KINDS`. Programs come from Debian's packages, PyPI and npm into `.brokers/`, which stays; each
broker is a child of this process on a free port of loopback, with a scratch folder, and has three minutes (the cluster
six). `--write` puts the table into `deploy/broker/README.md`, with the rows of earlier runs for brokers that are not named. A broker that can't be had is named, with the reason; the
exit code is 1 if one that could be had did not get as far as a verified backup and is not known for it.
"""

import argparse
import datetime as dt
import json
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from appliance import __version__
from tests.matrix.debian import Unavailable
from tests.matrix.servers import KINDS, SKIPPED, Kind
from tests.matrix.trial import Row, attempt, trial

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "deploy/broker/README.md"
BEGIN: Final = "<!-- begin: tests/broker_matrix --write -->"
END: Final = "<!-- end: tests/broker_matrix -->"
COLUMNS: Final = (
    "MQTT",
    "first backup",
    "change",
    "deleted by another",
    "kept after kill -9",
    "verified after it",
    "list",
    "verify",
    "restore",
    "restore by ids",
)
SHORT: Final = 12
"""Characters; what is longer becomes a note below the table."""
UNFIT: Final = frozenset({"rumqttd", "rumqttd-default"})
"""Brokers that no backup can be verified on; they are in the table to show what is said then."""


def tried(kind: Kind, cache: Path) -> tuple[str, Row]:
    """Return the version and the row of a broker. Raises Unavailable."""
    with tempfile.TemporaryDirectory(prefix="mx-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        broker = scratch / "broker"
        broker.mkdir()
        running = kind.make(cache, broker)
        print(f"{kind.title} {running.version}", flush=True)
        with trial(running, scratch, lambda line: print(line, flush=True)) as made:
            return running.version, attempt(made)


def table(rows: Mapping[str, tuple[str, Row]], skipped: Mapping[str, str]) -> str:
    """Return the table as Markdown, with its notes."""
    notes: list[str] = []

    def cell(text: str) -> str:
        if len(text) <= SHORT:
            return text
        if text not in notes:
            notes.append(text)
        return f"{'yes, but ' if text.startswith('yes, but ') else ''}[{notes.index(text) + 1}]"

    lines = [_line("broker", "settings", *COLUMNS), _line(*("---",) * (2 + len(COLUMNS)))]
    for name, (version, row) in rows.items():
        kind, cells = KINDS[name], row.cells
        known = [cell(cells.get(column, "-")) for column in COLUMNS]
        known[4] = cell(cells["kills"]) if "kills" in cells else known[4]
        lines.append(_line(f"{kind.title} {version} ({kind.source})", kind.settings, *known))
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    if skipped:
        lines += ["", "Not tried:", "", *(f"- {name}: {why}" for name, why in skipped.items())]
    broken = [
        (n, c, t) for n, (_, row) in rows.items() for c, t in row.cells.items() if c.endswith("broke off")
    ]
    lines += ["", *(f"- {name}, {column}: {text}" for name, column, text in broken)] if broken else []
    return "\n".join(lines)


def keep(cache: Path, name: str, version: str, row: Row) -> None:
    """Remember a row for the tables of later runs."""
    seen = dt.datetime.now(dt.UTC).date().isoformat()
    kept = {"seen": seen, "release": __version__, "version": version, "cells": row.cells}
    (cache / f"row-{name}.json").write_text(json.dumps(kept))


def kept(cache: Path) -> tuple[dict[str, tuple[str, Row]], str]:
    """Return the rows of this run and earlier ones, and when they were seen."""
    found = {
        name: json.loads(path.read_text()) for name in KINDS if (path := cache / f"row-{name}.json").exists()
    }
    days = sorted({one["seen"] for one in found.values()})
    releases = sorted({one["release"] for one in found.values()})
    seen = f"Seen on {' to '.join(dict.fromkeys(days[:1] + days[-1:]))} with release {', '.join(releases)}."
    return {name: (one["version"], Row(one["cells"])) for name, one in found.items()}, seen


def write(text: str) -> None:
    """Put the table between its marks in the guide."""
    guide = GUIDE.read_text()
    before, _, rest = guide.partition(BEGIN)
    _, _, after = rest.partition(END)
    GUIDE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main(arguments: Sequence[str]) -> int:
    """Run it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="tests/broker_matrix")
    parser.add_argument("--write", action="store_true", help=f"put the table into {GUIDE.relative_to(ROOT)}")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(KINDS))
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(KINDS):
        parser.error(f"no such broker: {', '.join(sorted(unknown))}")
    # Whoever is told to end must end the brokers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = ROOT / ".brokers"
    cache.mkdir(exist_ok=True)
    rows: dict[str, tuple[str, Row]] = {}
    skipped: dict[str, str] = {}
    for name in given.names or KINDS:
        try:
            rows[name] = tried(KINDS[name], cache)
            keep(cache, name, *rows[name])
        except Unavailable as why:
            skipped[f"{KINDS[name].title} ({name})"] = str(why)
            print(f"SKIPPED: {name}: {why}", flush=True)
    print(f"\n{table(rows, {**skipped, **SKIPPED})}")
    if given.write:
        every, seen = kept(cache)
        write(f"{seen}\n\n{table(every, {**skipped, **SKIPPED})}")
    failed = [name for name, (_, row) in rows.items() if not row.cells.get("first backup", "").endswith(" s")]
    return int(bool(set(failed) - UNFIT))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
