"""The system's clocks: what Linux says, what is handed on from process to process, and the port over both."""

import ctypes
import json
import logging
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.clock import MAXERROR_LIMIT_US, Sources, SystemClock, source
from appliance.core.instant import Instant, Reading

DAY = 86_400.0
UNIX = 1_800_000_000.0
BOOT = "0b4c3f1e-2d5a-4b7c-8e9f-a0b1c2d3e4f5"


@dataclass(eq=False)
class Machine:
    """A computer with its clocks, turned by hand; as many processes as a test wants."""

    unix: float = UNIX
    mono: float = 100.0
    synchronised: bool = False
    once: bool = False
    rtc: float | None = None
    """What a battery-backed clock would say now; None: there is none."""
    boot: str | None = BOOT
    rtc_reads: int = 0

    def process(self, **arguments: Any) -> SystemClock:
        return SystemClock(sources=self.sources(), **arguments)

    def sources(self) -> Sources:
        return Sources(
            wall=lambda: self.unix,
            boot=lambda: self.mono,
            synchronised=lambda: self.synchronised,
            once=lambda: self.once,
            rtc=self._read_rtc,
            zone=lambda _unix: 3600,
            boot_id=lambda: self.boot,
        )

    def pass_by(self, seconds: float) -> None:
        self.unix += seconds
        self.mono += seconds
        if self.rtc is not None:
            self.rtc += seconds

    def _read_rtc(self) -> float | None:
        self.rtc_reads += 1
        return self.rtc


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


# --- the machine that the test runs on


def test_a_moment_is_the_systems_time_and_goes_on() -> None:
    clock = SystemClock()
    before, first, second, after = time.time(), clock.now(), clock.now(), time.time()
    assert before <= first.unix <= second.unix <= after
    assert first.mono <= second.mono
    assert abs(first.mono - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_the_real_kernel_answers_and_its_structure_is_understood() -> None:
    found = source.Timex()
    assert ctypes.CDLL(None).adjtimex(ctypes.byref(found)) != -1
    assert 0 <= found.maxerror <= MAXERROR_LIMIT_US * 1000
    assert abs(found.freq) <= 500 << 16, "the kernel's limit of 500 ppm: the fields lie where we think"
    assert source.Timex.maxerror.offset == 3 * ctypes.sizeof(ctypes.c_long)
    assert source.synchronised() is (found.maxerror < MAXERROR_LIMIT_US)


def test_the_real_boot_has_a_name_that_stays() -> None:
    assert source.boot_id() == source.boot_id() != None  # noqa: E711 - one chain says both
    assert "\n" not in str(source.boot_id())


def test_the_real_machine_is_asked_by_default(proof: Path) -> None:
    clock = SystemClock(proof=proof)
    clock.now()
    clock.vouch()
    assert clock.now().trusted
    assert json.loads(proof.read_bytes())["boot"] == source.boot_id()


# --- each source


class Kernel:
    """An `adjtimex` that says what a test wants."""

    def __init__(self, maxerror: int, result: int = 0) -> None:
        self.maxerror = maxerror
        self.result = result
        self.asked_for: list[int] = []

    def adjtimex(self, timex: Any) -> int:
        found = timex._obj
        self.asked_for.append(found.modes)
        found.maxerror = self.maxerror
        return self.result


def test_the_kernel_is_only_asked_and_never_told() -> None:
    kernel = Kernel(0)
    source.synchronised(kernel.adjtimex)
    assert kernel.asked_for == [0]


@pytest.mark.parametrize(
    ("maxerror", "result", "synchronised"),
    [
        (0, 0, True),
        (MAXERROR_LIMIT_US - 1, 0, True),
        (MAXERROR_LIMIT_US - 1, 5, True),  # TIME_ERROR: STA_UNSYNC is set, as chrony leaves it
        (MAXERROR_LIMIT_US, 0, False),
        (MAXERROR_LIMIT_US, 5, False),
        (-1, 0, False),
        (0, -1, False),
    ],
)
def test_a_small_error_counts_as_synchronised(*, maxerror: int, result: int, synchronised: bool) -> None:
    assert source.synchronised(Kernel(maxerror, result).adjtimex) is synchronised


def test_timesyncds_file_says_that_the_time_was_synchronised_once(tmp_path: Path) -> None:
    mark = tmp_path / "synchronized"
    assert not source.once(mark)
    mark.touch()
    assert source.once(mark)
    assert not source.once(tmp_path / ("n" * 5000)), "a name too long for any file"


def rtc_at(folder: Path, name: str, since_epoch: str | None, hctosys: str | None = None) -> None:
    (folder / name).mkdir(parents=True)
    for file, said in (("since_epoch", since_epoch), ("hctosys", hctosys)):
        if said is not None:
            (folder / name / file).write_text(said)


def test_a_machine_without_a_battery_backed_clock_has_none(tmp_path: Path) -> None:
    assert source.rtc(tmp_path) is None
    assert source.rtc(tmp_path / "missing") is None
    assert source.rtc(tmp_path / ("n" * 5000)) is None, "a name too long for any folder"


def test_the_battery_backed_clock_that_set_the_time_at_the_boot_comes_first(tmp_path: Path) -> None:
    rtc_at(tmp_path, "rtc0", "1800000000\n", "0\n")
    rtc_at(tmp_path, "rtc1", "1800000111\n", "1\n")
    rtc_at(tmp_path, "rtc2", "1800000222\n")
    assert source.rtc(tmp_path) == 1_800_000_111.0


def test_without_one_that_did_the_first_that_answers_counts(tmp_path: Path) -> None:
    rtc_at(tmp_path, "rtc0", None, "1\n")
    rtc_at(tmp_path, "rtc1", "1800000111\n", "0\n")
    rtc_at(tmp_path, "rtc2", "1800000222\n", "0\n")
    assert source.rtc(tmp_path) == 1_800_000_111.0


@pytest.mark.parametrize("said", ["", "never", "nan", "1e9", "\x00\xff", "--5"])
def test_a_battery_backed_clock_that_says_no_number_says_nothing(tmp_path: Path, said: str) -> None:
    rtc_at(tmp_path, "rtc0", said)
    assert source.rtc(tmp_path) is None


@pytest.mark.parametrize("said", ["9" * 5000, "-1", "0"])
def test_a_battery_backed_clock_may_say_any_number(tmp_path: Path, said: str) -> None:
    rtc_at(tmp_path, "rtc0", said)
    found = source.rtc(tmp_path)
    assert found is not None
    assert math.isfinite(found)


@pytest.fixture
def kathmandu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "NPT-5:45")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("unix", [0.0, UNIX, 2.0**31, 2.0**32])
def test_the_zone_is_told_east_of_greenwich(kathmandu: None, unix: float) -> None:
    assert source.zone(unix) == 20_700


@pytest.mark.parametrize("unix", [1e18, -1e18, 1e300, math.inf, -math.inf, math.nan])
def test_a_time_outside_of_every_calendar_has_the_zone_of_greenwich(kathmandu: None, unix: float) -> None:
    assert source.zone(unix) == 0


def test_a_boot_that_does_not_tell_its_name_has_none(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    assert [source.boot_id(tmp_path / name) for name in ("missing", "empty", "odd")] == [None] * 3


# --- wall clock and monotonic clock of one moment


class Paused:
    """A machine that stands still for so many seconds before each of its first readings of a clock."""

    def __init__(self, *pauses: float) -> None:
        self.readings = 0
        self._pauses = pauses
        self._at = 0.0

    def sources(self) -> Sources:
        return Sources(wall=lambda: UNIX + self._tick(), boot=self._tick)

    def _tick(self) -> float:
        self._at += self._pauses[self.readings] if self.readings < len(self._pauses) else 0.0
        self.readings += 1
        return self._at


@pytest.mark.parametrize(
    "pauses",
    [
        (),
        (1000,),
        (0, 1000),
        (0, 0, 1000),
        (0, 1000, 0, 0, 1000),
        (0, 0, 1000, 1000, 0, 0, 1000),
        (0, 1000, 0) * 4,
    ],
)
def test_a_pause_between_the_clocks_does_not_look_like_a_step(pauses: tuple[float, ...]) -> None:
    unix, mono = source.moment(Paused(*pauses).sources())
    assert unix - mono == UNIX


def test_a_machine_that_always_pauses_is_given_up_and_its_shortest_pause_counts() -> None:
    paused = Paused(*(seconds for width in (8.0, 6.0, 2.0, 4.0, 9.0) for seconds in (0.0, width, width)))
    unix, mono = source.moment(paused.sources())
    assert unix - mono == UNIX + 2
    assert paused.readings == 15


# --- the port


def test_trust_outlives_synchronisation(machine: Machine) -> None:
    machine.synchronised = True
    clock = machine.process()
    assert clock.now().trust == "synchronised"
    machine.synchronised = False
    assert clock.now().trust == "held-over"
    assert machine.process().now().trust == "not-set", "another process knows nothing of it"


def test_a_jump_of_the_wall_clock_ends_trust(machine: Machine) -> None:
    machine.synchronised = True
    clock = machine.process()
    clock.now()
    machine.synchronised = False
    machine.unix += 1000
    assert (clock.now().trust, clock.now().jumped) == ("not-set", True)


def test_a_moment_carries_the_zone(machine: Machine) -> None:
    assert machine.process().now().zone == 3600


def test_a_kernel_that_loses_synchronisation_while_it_is_read_is_not_synchronised(machine: Machine) -> None:
    """As when somebody sets the clock in between: that time must not become one that is held over."""
    answers = iter([True, False, False, False])
    clock = SystemClock(sources=replace(machine.sources(), synchronised=lambda: next(answers)))
    assert clock.now().trust == "not-set"
    assert clock.now().trust == "not-set"


def test_an_earlier_synchronisation_counts_at_the_start_of_a_process_only(machine: Machine) -> None:
    early = machine.process()
    assert not early.now().trusted
    machine.once = True
    assert not early.now().trusted
    assert machine.process().now().trust == "held-over"


def test_a_simulation_may_alter_every_reading(machine: Machine) -> None:
    machine.rtc = UNIX
    broken = machine.process(altered=lambda true: replace(true, unix=true.unix - DAY, rtc=None))
    assert (broken.now().unix, broken.now().trusted) == (UNIX - DAY, False)
    assert machine.process(altered=lambda true: replace(true, synchronised=True)).now().trusted


# --- a battery-backed clock


def test_a_battery_backed_clock_proves_the_time(machine: Machine) -> None:
    machine.rtc = UNIX + 1
    assert machine.process().now().trust == "held-over"
    machine.rtc = UNIX + 100
    assert machine.process().now().trust == "not-set"


def test_a_battery_backed_clock_is_not_read_while_the_time_is_trusted(machine: Machine) -> None:
    machine.rtc, machine.synchronised = UNIX, True
    clock = machine.process()
    clock.now()
    machine.synchronised = False
    machine.pass_by(100)
    assert clock.now().trust == "held-over"
    assert machine.rtc_reads == 0


def test_a_battery_backed_clock_is_read_every_ten_seconds_while_it_is_not(machine: Machine) -> None:
    machine.rtc = UNIX + DAY
    clock = machine.process()
    for _ in range(40):
        assert not clock.now().trusted
        machine.pass_by(0.5)
    assert machine.rtc_reads == 2
    clock.now()
    assert machine.rtc_reads == 3


def test_a_missing_battery_backed_clock_is_looked_for_no_more_often(machine: Machine) -> None:
    clock = machine.process()
    for _ in range(5):
        clock.now()
    assert machine.rtc_reads == 1


def test_between_two_readings_a_battery_backed_clock_is_reckoned_on(machine: Machine) -> None:
    said = source.Rtc(lambda: UNIX)
    assert [said.at(mono) for mono in (100.0, 100.5, 109.5, 110.0)] == [UNIX, UNIX + 0.5, UNIX + 9.5, UNIX]


def test_a_jump_to_the_time_of_a_battery_backed_clock_takes_no_trust_not_even_for_a_moment(
    machine: Machine,
) -> None:
    machine.rtc, machine.synchronised = UNIX + DAY, True
    clock = machine.process()
    clock.now()
    machine.synchronised = False
    machine.unix += DAY
    assert (clock.now().trust, clock.now().jumped) == ("held-over", False)


# --- the floor and the owner's word


def test_a_battery_backed_clock_behind_the_last_good_time_proves_nothing(machine: Machine) -> None:
    machine.rtc = UNIX
    assert machine.process(floor=UNIX).now().trusted
    assert not machine.process(floor=UNIX + 1).now().trusted


def test_the_owner_can_vouch_for_the_time(machine: Machine) -> None:
    clock = machine.process()
    clock.now()
    clock.vouch()
    assert clock.now().trust == "held-over"
    machine.unix += 1000
    assert not clock.now().trusted


def test_the_owner_can_vouch_before_anything_was_read(machine: Machine) -> None:
    clock = machine.process()
    clock.vouch()
    assert clock.now().trusted


def test_the_owner_cannot_vouch_for_a_time_before_the_last_good_one(machine: Machine) -> None:
    clock = machine.process(floor=UNIX + 1)
    clock.vouch()
    assert (clock.now().trusted, clock.now().early) == (False, True)


def test_synchronised_time_replaces_the_floor_upwards(machine: Machine) -> None:
    machine.synchronised = True
    clock = machine.process(floor=UNIX - DAY)
    clock.now()
    machine.synchronised = False
    machine.unix -= 1000
    clock.vouch()
    assert (clock.now().trusted, clock.now().early) == (False, True)


def test_synchronised_time_replaces_a_floor_of_the_future(machine: Machine) -> None:
    machine.synchronised = True
    clock = machine.process(floor=UNIX + 8 * 365 * DAY)
    clock.now()
    machine.synchronised = False
    machine.unix += 1000
    assert clock.now().early is False
    clock.vouch()
    assert clock.now().trusted


# --- what one process hands on to the next


def test_a_process_that_is_executed_anew_knows_that_the_time_was_synchronised(
    machine: Machine, proof: Path
) -> None:
    machine.synchronised = True
    machine.process(proof=proof).now()
    machine.synchronised = False
    machine.pass_by(50)
    assert machine.process(proof=proof).now() == Instant(
        UNIX + 50, 150.0, "held-over", 150.0, anchor=UNIX - 100, zone=3600
    )


def test_it_knows_since_when(machine: Machine, proof: Path) -> None:
    machine.synchronised = True
    machine.process(proof=proof).now()
    machine.pass_by(50)
    assert machine.process(proof=proof).now().since == 100.0


def test_it_knows_since_when_the_time_is_held_over(machine: Machine, proof: Path) -> None:
    machine.synchronised = True
    first = machine.process(proof=proof)
    first.now()
    machine.synchronised = False
    machine.pass_by(50)
    first.now()
    machine.pass_by(50)
    assert machine.process(proof=proof).now().since == 150.0


def test_it_knows_that_the_clock_jumped_and_does_not_take_timesyncds_word(
    machine: Machine, proof: Path
) -> None:
    machine.synchronised = machine.once = True
    first = machine.process(proof=proof)
    first.now()
    machine.synchronised = False
    machine.unix += DAY
    first.now()
    again = machine.process(proof=proof).now()
    assert (again.trust, again.jumped, again.since) == ("not-set", True, 100.0)
    assert not machine.process(proof=proof).now().trusted, "nor does the one after it"


def test_a_jump_while_no_process_ran_is_noticed(machine: Machine, proof: Path) -> None:
    machine.synchronised = machine.once = True
    machine.process(proof=proof).now()
    machine.synchronised = False
    machine.unix += DAY
    assert machine.process(proof=proof).now().jumped


def test_small_steps_add_up_over_processes(machine: Machine, proof: Path) -> None:
    machine.synchronised = machine.once = True
    machine.process(proof=proof).now()
    machine.synchronised = False
    trusted = []
    for _ in range(3):
        machine.unix += 40
        trusted.append(machine.process(proof=proof).now().trusted)
    assert trusted == [True, True, False]


def test_the_owners_word_is_handed_on(machine: Machine, proof: Path) -> None:
    machine.process(proof=proof).vouch()
    assert machine.process(proof=proof).now().trust == "held-over"


def test_a_process_that_knew_nothing_leaves_nothing(machine: Machine, proof: Path) -> None:
    machine.process(proof=proof).now()
    assert not proof.exists()
    machine.once = True
    assert machine.process(proof=proof).now().trusted


def test_another_boot_begins_anew(machine: Machine, proof: Path) -> None:
    machine.synchronised = True
    machine.process(proof=proof).now()
    machine.synchronised, machine.boot = False, "another"
    assert not machine.process(proof=proof).now().trusted


def test_a_boot_without_a_name_hands_nothing_on(machine: Machine, proof: Path) -> None:
    machine.synchronised, machine.boot = True, None
    assert machine.process(proof=proof).now().trusted
    assert not proof.exists()


def test_a_command_reads_the_proof_and_never_writes_it(machine: Machine, proof: Path) -> None:
    machine.synchronised = True
    command = machine.process(proof=proof, keep=False)
    command.now()
    assert not proof.exists()
    machine.process(proof=proof).now()
    machine.synchronised = False
    before = proof.read_bytes()
    command = machine.process(proof=proof, keep=False)
    assert command.now().trust == "held-over"
    machine.unix += DAY
    assert command.now().trust == "not-set"
    assert proof.read_bytes() == before


def test_a_constructor_touches_nothing(machine: Machine, proof: Path) -> None:
    proof.write_text("{}")
    clock = machine.process(proof=proof)
    machine.synchronised = True
    machine.process(proof=proof).now()
    machine.synchronised = False
    assert clock.now().trust == "held-over"


@dataclass
class Writes:
    """Counts the files that lay at a path."""

    proof: Path
    count: int = 0
    _last: int = 0

    def look(self) -> int:
        present = self.proof.stat().st_ino
        if present != self._last:
            self._last, self.count = present, self.count + 1
            # A second name, so that the number is not given to the next file.
            self.proof.with_name(f"held-{self.count}").hardlink_to(self.proof)
        return self.count


def test_the_proof_is_written_when_something_changed_and_not_at_every_reading(
    machine: Machine, proof: Path
) -> None:
    machine.synchronised = True
    clock, writes = machine.process(proof=proof), Writes(proof)
    steps = [0.0, 0.0, 0.9, 0.0, 0.2, 0.0, -0.5, 0.0]
    seen = []
    for step in steps:
        machine.pass_by(5)
        machine.unix += step
        clock.now()
        seen.append(writes.look())
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2]
    assert json.loads(proof.read_bytes())["anchor"] == pytest.approx(UNIX - 100 + 1.1)


def test_a_proof_that_says_the_same_is_not_written_again_by_the_next_process(
    machine: Machine, proof: Path
) -> None:
    machine.synchronised = True
    machine.process(proof=proof).now()
    writes = Writes(proof)
    writes.look()
    machine.process(proof=proof).now()
    assert writes.look() == 1


def test_the_proof_appears_whole_and_only_its_group_may_read_it(machine: Machine, proof: Path) -> None:
    machine.synchronised = True
    machine.process(proof=proof).now()
    assert proof.stat().st_mode & 0o027 == 0
    assert [path.name for path in proof.parent.iterdir()] == ["clock.json"]


GOOD = {"boot": BOOT, "trust": "held-over", "since": 50.0, "anchor": UNIX - 100, "jumped": False}


def test_a_proof_reads_like_this(machine: Machine, proof: Path) -> None:
    proof.write_text(json.dumps(GOOD))
    assert machine.process(proof=proof).now().since == 50.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"boot": "another"},
        {"boot": None},
        {"trust": "perhaps"},
        {"trust": ["held-over"]},
        {"trust": None},
        {"trust": "not-set"},
        {"jumped": True},
        {"jumped": 0},
        {"since": 101.0},
        {"since": -1.0},
        {"since": "50"},
        {"since": True},
        {"since": math.nan},
        {"anchor": math.nan},
        {"anchor": math.inf},
        {"anchor": None},
        {"anchor": 10**400},
        {"more": 1},
    ],
)
def test_a_proof_with_anything_wrong_says_nothing(
    machine: Machine, proof: Path, wrong: dict[str, object]
) -> None:
    proof.write_text(json.dumps(GOOD | wrong))
    found = machine.process(proof=proof).now()
    assert (found.trust, found.jumped, found.since) == ("not-set", False, 100.0)


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_proof_with_something_missing_says_nothing(machine: Machine, proof: Path, key: str) -> None:
    proof.write_text(json.dumps({name: value for name, value in GOOD.items() if name != key}))
    assert not machine.process(proof=proof).now().trusted


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{",
        b"[" * 4000,
        json.dumps(GOOD).encode()[:-1],
        json.dumps(GOOD).encode() + b" " * 4096,
        b"x" * 10_000_000,
    ],
)
def test_garbage_is_no_proof_and_is_replaced_by_one(machine: Machine, proof: Path, raw: bytes) -> None:
    proof.write_bytes(raw)
    assert not machine.process(proof=proof).now().trusted
    machine.synchronised = True
    machine.process(proof=proof).now()
    assert json.loads(proof.read_bytes())["trust"] == "synchronised"


def test_a_link_a_pipe_or_a_folder_in_the_place_of_the_proof_is_no_proof(
    machine: Machine, proof: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(json.dumps(GOOD))
    proof.symlink_to(elsewhere)
    assert not machine.process(proof=proof).now().trusted
    proof.unlink()
    os.mkfifo(proof)
    assert not machine.process(proof=proof).now().trusted
    proof.unlink()
    proof.mkdir()
    assert not machine.process(proof=proof).now().trusted
    machine.synchronised = True
    assert machine.process(proof=proof).now().trusted


def test_what_a_killed_process_left_half_written_does_not_matter(machine: Machine, proof: Path) -> None:
    elsewhere = proof.parent / "elsewhere"
    elsewhere.write_text("precious")
    (proof.parent / "clock.json.new").symlink_to(elsewhere)
    machine.synchronised = True
    machine.process(proof=proof).now()
    assert elsewhere.read_text() == "precious"
    assert json.loads(proof.read_bytes())["trust"] == "synchronised"


def test_a_proof_that_cannot_be_kept_is_one_line_for_those_who_debug_and_is_tried_again_later(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "appliance")
    proof = tmp_path / "missing" / "clock.json"
    machine.synchronised = True
    clock = machine.process(proof=proof)
    for _ in range(50):
        assert clock.now().trusted
        machine.pass_by(1)
    assert [(record.levelname, record.name) for record in caplog.records] == [("DEBUG", "appliance")]
    proof.parent.mkdir()
    machine.pass_by(10)
    clock.now()
    assert proof.exists()


def test_after_a_failure_the_next_attempt_waits_some_seconds(machine: Machine, tmp_path: Path) -> None:
    proof = tmp_path / "missing" / "clock.json"
    machine.synchronised = True
    clock = machine.process(proof=proof)
    clock.now()
    proof.parent.mkdir()
    machine.pass_by(9)
    clock.now()
    assert not proof.exists()
    machine.pass_by(1)
    clock.now()
    assert proof.exists()


def test_a_real_process_hands_its_knowledge_on_to_a_real_process(proof: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from appliance.adapters.clock import SystemClock\n"
        "clock = SystemClock(proof=Path(sys.argv[1]))\n"
        "clock.vouch() if sys.argv[2] == 'vouch' else None\n"
        "print(clock.now().trusted)"
    )
    root = Path(__file__).parents[2]
    said = [
        subprocess.run(
            [sys.executable, "-c", script, str(proof), word],
            check=True,
            capture_output=True,
            text=True,
            cwd=root,
        ).stdout
        for word in ("vouch", "look")
    ]
    assert said == ["True\n", "True\n"]


# --- threads


def test_the_owners_word_is_not_lost_to_a_thread_that_reads_meanwhile(machine: Machine) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly(true: Reading) -> Reading:
        if true.rtc is not None and not reading.is_set():
            reading.set()
            go_on.wait(30)
        return true

    machine.rtc = UNIX + DAY
    clock = machine.process(altered=slowly)
    reader, owner = threading.Thread(target=clock.now), threading.Thread(target=clock.vouch)
    reader.start()
    assert reading.wait(30)
    owner.start()
    owner.join(0.2)  # done by now, unless it waits as it should
    go_on.set()
    reader.join()
    owner.join()
    assert clock.now().trusted
