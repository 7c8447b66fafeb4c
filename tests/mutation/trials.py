"""Trying mutants, several at a time: which tests run which line, and which mutants they notice.

The tests of one module, the one named after the mutant's, come first, the quickest first, up to the first failure.
A mutant that hangs counts as noticed.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import Any, Final

from tests.mutation.faults import ROOT, Mutant
from tests.mutation.running import OUTSIDE, SHARED, attempt, measure

TESTS: Final = (
    "tests/vault/test_*.py",
    "tests/test_keeper*.py",
    "tests/test_keyring*.py",
    "tests/test_rekey*.py",
)
FORK: Final = multiprocessing.get_context("fork")
"""Not a new interpreter: imports are done once."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which tests run what."""

    seconds: Mapping[str, float]
    """Of each test."""
    lines: Mapping[str, Mapping[int, frozenset[str]]]
    """By module and line: tests, and modules of tests with SHARED or OUTSIDE before their path."""

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that can notice a mutant: those named after its module first, then the quickest."""
        of_module = self.lines.get(str(mutant.module), {})
        names = {name for line in mutant.lines for name in of_module.get(line, ())}
        everything = {name for found in of_module.values() for name in found}
        tests, files, outside = names & self.seconds.keys(), _files(SHARED, names), _files(OUTSIDE, names)
        if outside != _files(OUTSIDE, everything):
            files |= outside  # not run at import, but by what some modules of tests do when they begin
        if not tests and not files:  # whatever uses the module may notice, even if it runs no line there
            files = {test.partition("::")[0] for test in everything & self.seconds.keys()}
        chosen = [test for test in self.seconds if test in tests or test.partition("::")[0] in files]
        own = f"test_{mutant.module.stem}.py::"
        return sorted(chosen, key=lambda test: (own not in test, self.seconds[test]))


def _files(kind: str, names: Set[str]) -> set[str]:
    return {name.removeprefix(kind) for name in names if name.startswith(kind)}


def _named(context: str, file: str) -> str:
    """Return a test's id, or else what in a module of tests runs a line."""
    return f"{context or OUTSIDE}{file}" if context in {"", OUTSIDE, SHARED} else context


def measured(workers: int, scratch: Path) -> Coverage:
    """Run every test once. Raises SystemExit if one fails: what is red already shows no mutant."""
    seconds: dict[str, float] = {}
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    waiting = sorted({test for pattern in TESTS for test in ROOT.glob(pattern)}, reverse=True)
    running: dict[connection.Connection, Path] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            test = waiting.pop()
            ours, theirs = FORK.Pipe(duplex=False)
            name = str(test.relative_to(ROOT))
            FORK.Process(target=measure, args=(name, str(scratch / test.stem), theirs)).start()
            theirs.close()
            running[ours] = test
        ready = connection.wait(list(running))
        for ours in [each for each in running if each in ready]:
            test = running.pop(ours)
            code, took, found = ours.recv()
            if code != 0:
                sys.exit(f"mutation: {test.relative_to(ROOT)} fails without any mutant")
            seconds |= took
            for file, contexts in found.items():
                for line, names in contexts.items():
                    lines[file][line] |= {_named(context, str(test.relative_to(ROOT))) for context in names}
    kept = {file: {line: frozenset(names) for line, names in found.items()} for file, found in lines.items()}
    return Coverage(seconds, kept)


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant that is being tried."""

    mutant: Mutant
    process: Any
    until: float
    rest: Sequence[str]
    """Tests to run if these do not notice it."""


@dataclass(slots=True)
class Trials:
    """All mutants on their way."""

    sources: Mapping[Path, str]
    known: Coverage
    scratch: Path
    waiting: list[tuple[Mutant, Sequence[str]]] = field(default_factory=list)
    """With the tests that have not run yet; the next one is the last."""
    running: dict[int, Trial] = field(default_factory=dict)
    killed: list[Mutant] = field(default_factory=list)
    survived: list[Mutant] = field(default_factory=list)
    hung: int = 0

    def start(self) -> None:
        """Try the next one."""
        mutant, tests = self.waiting.pop()
        # One module of tests to begin with: to find the tests in all others takes longer than to run most of them.
        first = tests[0].partition("::")[0]
        now = [test for test in tests if test.partition("::")[0] == first]
        rest = [test for test in tests if test.partition("::")[0] != first]
        folder = str(self.scratch / f"{len(self.waiting)}-{len(rest)}")
        process = FORK.Process(target=attempt, args=(mutant, self.sources[mutant.module], now, folder))
        process.start()
        # The process imports everything anew, and shares the machine.
        allowed = 20 + 5 * sum(self.known.seconds[test] for test in now)
        self.running[process.sentinel] = Trial(mutant, process, time.monotonic() + allowed, rest)

    def reap(self) -> None:
        """Wait for those that end, or hang."""
        soonest = min(trial.until for trial in self.running.values())
        ready = connection.wait(list(self.running), max(0.0, soonest - time.monotonic()))
        for sentinel, trial in list(self.running.items()):
            late = sentinel not in ready and time.monotonic() >= trial.until
            if sentinel in ready or late:
                del self.running[sentinel]
                with suppress(ProcessLookupError):
                    os.killpg(trial.process.pid, signal.SIGKILL)  # and what its tests started
                trial.process.join()
                self._judge(trial, late=late)

    def _judge(self, trial: Trial, *, late: bool) -> None:
        """Count a trial that ended."""
        self.hung += late
        if late or trial.process.exitcode != 0:
            self.killed.append(trial.mutant)
        elif trial.rest:
            self.waiting.append((trial.mutant, trial.rest))
            return
        else:
            self.survived.append(trial.mutant)
            print(f"survived: {trial.mutant}", flush=True)
        done = len(self.killed) + len(self.survived)
        if done % 100 == 0:
            print(f"mutation: {done} tried", flush=True)


def tried(trials: Trials, order: Sequence[Mutant], workers: int, end: float) -> None:
    """Try mutants in order, until all are tried or that monotonic time is over."""
    each = [(mutant, trials.known.tests_for(mutant)) for mutant in reversed(order)]
    trials.waiting += [(mutant, tests) for mutant, tests in each if tests]
    for mutant in [mutant for mutant, tests in each if not tests]:
        trials.survived.append(mutant)
        print(f"no test runs: {mutant}", flush=True)
    while trials.running or (trials.waiting and time.monotonic() < end):
        while trials.waiting and len(trials.running) < workers and time.monotonic() < end:
            trials.start()
        trials.reap()
