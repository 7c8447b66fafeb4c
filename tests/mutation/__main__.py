"""Mutation score: how many small faults, put into vault, keeper and PIN one at a time, the tests notice.

    .venv/bin/python -m tests.mutation [--minutes N] [--only MODULE]

Each mutant is a function of the syntax tree; it lives only in the memory of a forked process, whose imports get it in
place of the module on disk. Which tests run a line is measured first, and only those are run, the quickest first,
up to the first failure; a mutant that hangs counts as noticed. The mutants come in one order, the same each time, of
which every beginning is spread over all modules: so what `--minutes` cuts off is a sample, and not the last module.

Survivors are printed. One that no test can tell from the original belongs into `EQUIVALENT`, with the reason; for any
other a test is missing. An entry there that fits no mutant any more is an error as well.
"""

import argparse
import importlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.faults import ROOT, Mutant, mutants
from tests.mutation.running import WARM
from tests.mutation.trials import Trials, measured, tried

AREAS: Final[Mapping[str, Sequence[str]]] = {
    "PIN": ("appliance/vault/pin.py", "appliance/keyring.py"),
    "merge": ("appliance/vault/merge.py",),
    "vault": ("appliance/vault/*.py",),
    "keeper": ("appliance/keeper/*.py",),
}
"""What is judged together; a module belongs to the first area that names it."""
SCORE: Final = 90.0
"""Per cent of each area."""
SEED: Final = 20_260_901


def modules(only: str = "") -> dict[Path, str]:
    """Return the modules that are mutated, and the area of each; those whose path holds `only`."""
    found: dict[Path, str] = {}
    for area, patterns in AREAS.items():
        for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
            if only in str(path.relative_to(ROOT)):
                found.setdefault(path, area)
    return found


def spread(found: Mapping[Path, Sequence[Mutant]]) -> list[Mutant]:
    """Return all mutants in one order, of which every beginning has its share of each module."""
    ranked: list[tuple[float, str, Mutant]] = []
    for path, several in found.items():
        shuffled = list(several)
        random.Random(f"{SEED} {path.stem}").shuffle(shuffled)
        ranked += [(rank / len(shuffled), path.stem, mutant) for rank, mutant in enumerate(shuffled)]
    return [mutant for _, _, mutant in sorted(ranked, key=lambda each: each[:2])]


def stale(found: Mapping[Path, Sequence[Mutant]]) -> list[str]:
    """Return entries of `EQUIVALENT` that fit no mutant any more."""
    return sorted(EQUIVALENT.keys() - {mutant.key for several in found.values() for mutant in several})


def _summary(result: Trials, areas: Mapping[Path, str]) -> int:
    """Print the figures; return the exit code."""
    killed = Counter(areas[mutant.module] for mutant in result.killed)
    tried = killed + Counter(areas[mutant.module] for mutant in result.survived)
    scores = {area: 100 * killed[area] / number for area, number in tried.items()}
    told = (
        f"{area} {killed[area]} of {tried[area]} killed ({scores[area]:.1f} %)"
        for area in AREAS
        if area in scores
    )
    print(
        f"mutation: {', '.join(told)}; {result.hung} of them hung, {len(result.waiting)} not tried for want of time"
    )
    untried = set(areas.values()) - scores.keys()
    return 1 if untried or any(score < SCORE for score in scores.values()) else 0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Count the small faults that the tests notice.")
    parser.add_argument("--minutes", type=float, default=20, help="stop after so many (default: 20)")
    parser.add_argument("--only", default="", metavar="MODULE", help="modules whose path holds this")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    areas = modules(options.only)
    sources = {path: path.read_text("utf-8") for path in areas}
    found = {path: list(mutants(path, source)) for path, source in sources.items()}
    if not options.only and (gone := stale(found)):
        print("mutation: no mutant is called so any more:", *gone, sep="\n  ")
        return 1
    order = [mutant for mutant in spread(found) if mutant.key not in EQUIVALENT]
    for name in WARM:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        begun = time.monotonic()
        known = measured(options.workers, Path(scratch))
        took = time.monotonic() - begun
        print(
            f"mutation: {len(order)} mutants, {len(known.seconds)} tests, measured in {took:.0f} s",
            flush=True,
        )
        trials = Trials(sources, known, Path(scratch))
        tried(trials, order, options.workers, begun + options.minutes * 60)
    return _summary(trials, areas)


if __name__ == "__main__":
    sys.exit(main())
