"""Killed at every system call, and let down by every one of them: the vault opens, and what was told is there.

A tracer counts the calls that real operations make on the files of their state folder, and then, for each of them, kills
the process right before it or lets it fail. All operations are done in one run, each in a process of its own.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from appliance.adapters.store import StateFolder
from appliance.errors import ApplianceError
from appliance.vault import keys
from tests.power.operations import OPERATION, Operation, cheap

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = (
    "vault.json",
    *(f"vault.json.{number}" for number in (1, 2, 3)),
    "vault.new",
    "vault.bad-1800000000",
    "lock",
    *(
        f"{name}{new}"
        for name in ("device.json", "device-secret", "pin-attempts", "remembered.json")
        for new in ("", ".new")
    ),
)
CALL: Final = re.compile(r"(\d+) +(\w+)\(")
ANY: Final = re.compile("")
CHANGING: Final = re.compile("write|fsync|rename|link|mkdir")
"""Calls that change something on the card; the others only look, or make an empty file."""
MAY_CHANGE: Final = re.compile(f"{CHANGING.pattern}|openat")
USED: Final = re.compile(f"{MAY_CHANGE.pattern}|read|flock|fadvise")
"""Without asking and closing: to be killed there is the same as before the next of these."""
TWO_LINES: Final = re.compile("appliance: error: .+: .+\nappliance: hint: .+\n")
KILLED: Final = -9
KILL: Final = "signal=SIGKILL"
ERRORS: Final = ("error=EIO", "error=ENOSPC", "error=EROFS")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls a call."""

    call: str
    """Or several calls, with commas; each is counted by itself."""
    number: int
    """From 1, in its process."""
    what: str
    """`signal=SIGKILL`, or `error=` and its name."""
    alone: bool = True
    """Else it befalls all that follow, too."""

    def __str__(self) -> str:
        return f"{self.call}:{self.what}:when={self.number}{'' if self.alone else '+'}"

    @property
    def kills(self) -> bool:
        """It ends the process; else it only fails."""
        return self.what.startswith("signal")

    def hits(self, calls: Counter[str]) -> bool:
        """Say whether an operation that makes these calls meets it."""
        return max(calls[call] for call in self.call.replace("?", "").split(",")) >= self.number


WRITES: Final = "write,fsync,mkdir,?rename,renameat,renameat2,?link,linkat,?unlink,unlinkat"
READ_ONLY: Final = Fault(WRITES, 1, "error=EROFS", alone=False)
FULL: Final = Fault("write", 1, "error=ENOSPC", alone=False)
BROKEN: Final = tuple(Fault("fsync", number, "error=EIO", alone=False) for number in range(1, 11))


@dataclass(frozen=True, slots=True)
class End:
    """How the process of an operation ended."""

    process: str
    code: int
    told: bool
    said: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a fresh process finds without any fault."""

    before: object
    after: object


class Bench:
    """Operations that are done again and again from the same start."""

    def __init__(self, root: Path, works: Iterable[str]) -> None:
        self.works = tuple(works)
        self._start, self._now, self._log = root / "start", root / "now", root / "log"
        for work in self.works:
            (self._start / work).mkdir(parents=True)
            operation(work).prepare(StateFolder(self._start / work / "state"))
        self._again()
        before = {work: self.look(work) for work in self.works}
        ends = self.run()
        assert {end.code for end in ends.values()} == {0}, ends
        self.calls = self._calls(ends)
        self.found = {work: Found(before[work], self.look(work)) for work in self.works}

    def run(self, fault: Fault | None = None) -> dict[str, End]:
        """Do the operations that a fault can hit, from the start, and return how each ended."""
        self._again()
        works = [work for work in self.works if fault is None or fault.hits(self.calls[work])]
        paths = [self._now / work / "state" for work in works]
        paths += [path / name for path in paths for name in NAMES] + [path.parent for path in paths]
        command = ["strace", "-f", "-qq", "-o", str(self._log)]
        command += [word for path in paths for word in ("-P", str(path))]
        command += [] if fault is None else ["-e", f"inject={fault}"]
        command += [sys.executable, "-m", "tests.power.child", str(self._now), *works]
        subprocess.run(
            command, check=True, cwd=ROOT, timeout=60, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        )
        return {work: self._end(self._now / work) for work in works}

    def look(self, work: str) -> object:
        """Return what a fresh process finds."""
        return operation(work).look(self.folder(work))

    def folder(self, work: str) -> StateFolder:
        """Return the state folder of an operation as the last run left it."""
        return StateFolder(self._now / work / "state")

    def hit(self) -> bool:
        """Say whether any fault of the last run took place."""
        return re.search(r"\(INJECTED\)|killed by SIGKILL", self._log.read_text()) is not None

    def _again(self) -> None:
        shutil.rmtree(self._now, ignore_errors=True)
        shutil.copytree(self._start, self._now)

    def _end(self, place: Path) -> End:
        return End(
            (place / "process").read_text(),
            int((place / "end").read_text()),
            (place / "out").read_text() == "told\n",
            (place / "err").read_text(),
        )

    def _calls(self, ends: dict[str, End]) -> dict[str, Counter[str]]:
        counted = Counter(CALL.findall(self._log.read_text()))
        return {
            work: Counter(
                {call: times for (process, call), times in counted.items() if process == end.process}
            )
            for work, end in ends.items()
        }

    def each_call(self, kind: re.Pattern[str] = ANY) -> Iterator[tuple[str, int]]:
        """Yield each call of a kind that any operation makes, by its name and number."""
        for call in sorted({call for calls in self.calls.values() for call in calls if kind.search(call)}):
            for number in range(1, 1 + max(calls[call] for calls in self.calls.values())):
                yield call, number


def operation(work: str) -> Operation:
    return OPERATION[work.partition(":")[0]]


def trouble(bench: Bench, work: str, end: End, fault: Fault) -> str | None:
    """Return what is wrong with an operation that met a fault."""
    try:
        found = bench.look(work)
        operation(work).go_on(bench.folder(work))
    except (ApplianceError, AssertionError) as error:
        return f"it can't be used: {error!r}"
    before, after = bench.found[work].before, bench.found[work].after
    if found not in (before, after, *operation(work).passing):
        return "neither the old nor the new"
    if end.told and end.code in {0, KILLED} and found != after:
        return "what was told is lost"
    if end.code == 0:
        return None
    if fault.kills:
        return None if end.code == KILLED else f"exit code {end.code}: {end.said}"
    if not TWO_LINES.fullmatch(end.said):
        return f"exit code {end.code}: {end.said}"
    # A card that fails for good can't take back what it shows.
    if found != before and fault.alone and operation(work).undone:
        return "told as failed, and yet there"
    return None


@dataclass(frozen=True, slots=True)
class Campaign:
    """Faults that were tried, and what they broke."""

    faults: int
    ends: int
    broken: list[str]

    def __str__(self) -> str:
        return f"{self.faults:,} faults in {self.ends:,} runs of operations, {len(self.broken)} broken"


def campaign(bench: Bench, faults: Iterable[Fault]) -> Campaign:
    tried, ended, broken = 0, 0, list[str]()
    for fault in faults:
        ends = bench.run(fault)
        assert bench.hit(), f"{fault} did not take place"
        tried, ended = tried + 1, ended + len(ends)
        for work, end in ends.items():
            wrong = trouble(bench, work, end, fault)
            if wrong is not None:
                broken.append(f"{work}, {fault}: {wrong}")
    return Campaign(tried, ended, broken)


@pytest.fixture(scope="module", autouse=True)
def cheap_scrypt() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "scrypt", cheap(keys.scrypt))
        yield


@pytest.fixture(scope="module")
def tracer() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    command = ["strace", "-f", "-qq", "-e", "inject=fsync:error=EIO", "true"]
    tried = subprocess.run(command, check=False, capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"tracing is not allowed here: {tried.stderr.strip()}")


@pytest.fixture(scope="module")
def bench(tracer: None, cheap_scrypt: None, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), OPERATION)


@pytest.fixture(scope="module")
def small(tracer: None, cheap_scrypt: None, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(
        tmp_path_factory.mktemp("small"), ("change", "spend", "rekey", "enter_a_wrong_pin", "only_open")
    )


# --- killed


def test_killed_before_each_change_of_a_file_it_is_the_old_or_the_new(small: Bench, figure: Report) -> None:
    done = campaign(small, (Fault(call, number, KILL) for call, number in small.each_call(CHANGING)))
    figure(f"kills: {done}")
    assert not done.broken, "\n".join(done.broken)


@pytest.mark.long
def test_killed_before_each_system_call_it_is_the_old_or_the_new(bench: Bench, figure: Report) -> None:
    done = campaign(bench, (Fault(call, number, KILL) for call, number in bench.each_call(USED)))
    figure(f"kills (all): {done}")
    assert not done.broken, "\n".join(done.broken)


# --- let down


def test_a_card_that_fails_is_told_in_two_lines_and_nothing_is_lost(small: Bench, figure: Report) -> None:
    """Each fsync, and a sample of the rest with one kind of error in turn; the long campaign has all."""
    errors = itertools.cycle(ERRORS)
    faults = [Fault(*call, "error=EIO") for call in small.each_call(re.compile("fsync"))]
    faults += [
        Fault(*call, next(errors)) for call in [*small.each_call(re.compile("write|rename|link"))][::2]
    ]
    faults += [Fault(call, 1, next(errors)) for call in ("openat", "read", "flock", "fadvise64")]
    done = campaign(small, [*faults, READ_ONLY, *BROKEN[:2]])
    figure(f"failing calls: {done}")
    assert not done.broken, "\n".join(done.broken)


@pytest.mark.long
@pytest.mark.parametrize("error", ERRORS)
def test_each_call_that_fails_is_told_in_two_lines_and_nothing_is_lost(
    bench: Bench, error: str, figure: Report
) -> None:
    """A card that is full or read-only refuses changes; a broken one anything."""
    calls = bench.each_call() if error == "error=EIO" else bench.each_call(MAY_CHANGE)
    done = campaign(bench, (Fault(call, number, error) for call, number in calls))
    figure(f"failing calls, {error}: {done}")
    assert not done.broken, "\n".join(done.broken)


@pytest.mark.long
def test_a_card_that_fails_for_good_is_told_and_nothing_is_lost(bench: Bench, figure: Report) -> None:
    done = campaign(bench, (READ_ONLY, FULL, *BROKEN))
    figure(f"cards that fail for good: {done}")
    assert not done.broken, "\n".join(done.broken)


# --- writers that are known to be wrong


def test_a_wrong_writer_is_caught_by_kills_too(
    tracer: None, cheap_scrypt: None, tmp_path: Path, figure: Report
) -> None:
    controls = ("change:InPlace", "spend:ToldTooEarly")
    wrong = Bench(tmp_path, controls)
    faults = [Fault(call, number, KILL) for call, number in wrong.each_call(re.compile("write|rename"))]
    broken = campaign(wrong, faults).broken
    caught = [control for control in controls if any(each.startswith(control) for each in broken)]
    figure(f"kills: negative controls caught: {len(caught)} of {len(controls)}")
    assert caught == list(controls), broken
