"""Hostile files: whatever is done to a sample, the answer is a reading or a clear error, soon and with little memory.

The quick tests try some of each kind. The long ones try every length, thousands of changes and every value of every
sample, and print what they found.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from appliance.errors import (
    ApplianceError,
    CannotRead,
    FileDamaged,
    NothingFound,
    UsageError,
    WrongPassphrase,
)
from appliance.transfer.registry import SIZE_LIMIT
from tests.transfer.reading import read
from tests.transfer.samples import Sample, all_samples

SAMPLES = all_samples()
EVERY = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
FORESEEN = (FileDamaged, CannotRead, NothingFound, WrongPassphrase, UsageError)
SECONDS: Final = 2.0
MEMORY: Final = 200 << 20
ABSURD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    1.5,
    1e308,
    "",
    "x",
    "=",
    "\ud800",
    "9" * 5000,
    [],
    {},
    [[]],
    {"a": None},
    [None, 1, "x", {}],
)
"""What stands in place of each value, one after the other."""


@dataclass
class Tally:
    """What came of all tries."""

    tries: int = 0
    read: int = 0
    slowest: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)

    def count(self, sample: Sample, file: bytes) -> None:
        """Read a file in place of the sample's first; fail for an unforeseen error, and for one with a secret in it."""
        started = time.perf_counter()
        try:
            reading = read(file, *sample.files[1:], password=sample.password, key_file=sample.key_file)
        except FORESEEN as error:
            self._refuse(sample, error)
        else:
            assert reading.found or reading.skipped
            self.read += 1
        self.tries += 1
        self.slowest = max(self.slowest, time.perf_counter() - started)

    def _refuse(self, sample: Sample, error: ApplianceError) -> None:
        told = f"{error} {error.hint}"
        assert not any(account[3] in told for account in sample.accounts), told
        name = type(error).__name__
        self.refused[name] = self.refused.get(name, 0) + 1

    def __str__(self) -> str:
        return f"{self.tries} tries, {self.read} readings, slowest {self.slowest:.2f} s, {self.refused}"


@dataclass(frozen=True)
class Measured:
    """What a confined reader took."""

    error: str | None
    seconds: float
    """Of the processor: other tests run beside this one."""
    memory: int
    """Bytes, at most."""


def measured(sample: Sample) -> Measured:
    """Read in a confined child whose parent is small: what a process had before `exec` counts as its own."""
    given = json.dumps([sample.password, [len(file) for file in sample.files]]).encode()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        input=b"\n".join((given, b"".join(sample.files))),
        capture_output=True,
        check=True,
    )
    return Measured(*json.loads(done.stdout))


_MEASURE: Final = """
import json, resource, sys
from appliance.adapters import confinement
from appliance.errors import ApplianceError
password, sizes = json.loads(sys.stdin.buffer.readline())
files = [sys.stdin.buffer.read(size) for size in sizes]
error = None
try:
    confinement.read(files, password=password, memory_limit=64 << 20)
except ApplianceError as caught:
    error = type(caught).__name__
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([error, used.ru_utime + used.ru_stime, used.ru_maxrss << 10]))
"""


def cut(sample: Sample) -> Iterator[bytes]:
    """Return the file cut off at every length."""
    return (sample.files[0][:length] for length in range(len(sample.files[0])))


def changed(sample: Sample, times: int) -> Iterator[bytes]:
    """Return the file with some bytes changed, removed or doubled."""
    dice = random.Random(sample.name)
    for _ in range(times):
        file = bytearray(sample.files[0])
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(file))
            match dice.randrange(4):
                case 0:
                    del file[place : place + dice.randint(1, 20)]
                case 1:
                    file[place:place] = file[place : place + dice.randint(1, 20)]
                case _:
                    file[place] = dice.randrange(256)
            file = file or bytearray(b"x")
        yield bytes(file)


def replaced(sample: Sample) -> Iterator[bytes]:
    """Return a JSON file with each of its values in turn replaced by each absurd one, and each key left out."""
    try:
        value = json.loads(sample.files[0])
    except ValueError:
        return
    for place in list(_places(value)):
        yield from (json.dumps(_with(value, place, absurd)).encode() for absurd in ABSURD)
        yield json.dumps(_without(value, place)).encode()


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*above, key)
        yield from _places(value[key], (*above, key))


def _with(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy = value.copy()
    copy[place[0]] = _with(value[place[0]], place[1:], other)
    return copy


def _without(value: Any, place: tuple[Any, ...]) -> Any:
    copy = value.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = _without(value[place[0]], place[1:])
    return copy


def swollen(sample: Sample) -> Iterator[bytes]:
    """Return a JSON file with each list in turn repeated until the file is as large as one may be."""
    try:
        value = json.loads(sample.files[0])
    except ValueError:
        return
    places = [(), *_places(value)] if isinstance(value, list) else list(_places(value))
    for place in places:
        inside = value
        for key in place:
            inside = inside[key]
        if isinstance(inside, list) and inside:
            times = (SIZE_LIMIT - 1000) // (len(json.dumps(inside)) + 2)
            yield json.dumps(_with(value, place, lambda items, times=times: items * times)).encode()[
                :SIZE_LIMIT
            ]


@EVERY
def test_some_changes_of_each_sample_end_well(sample: Sample) -> None:
    tally = Tally()
    dice = random.Random(sample.name)
    for file in (*changed(sample, 8), *dice.sample(files := list(replaced(sample)), min(25, len(files)))):
        tally.count(sample, file)


@pytest.mark.parametrize(
    "bomb",
    [
        b'{"a":' * 1_000_000,
        b"[" * 5_000_000,
        b"[" + b"{}," * 3_000_000 + b"{}]",
        b'["' + b'ab","' * 2_000_000 + b'"]',
        b"[" + b"1.5," * 2_500_000 + b"1]",
        b'{"services":[' + b"{}," * 200_000 + b'{}],"schemaVersion":4}',
        b"otpauth://totp/a?secret=MZXW6YTB\n" * 300_000,
        b"#\n" * 5_000_000,
        b"a,totp\n" * 1_400_000,
        b"<a>" * 3_000_000,
        b"<!DOCTYPE a [<!ENTITY b 'cccccccccc'>]><map><string name='x'>&b;</string></map>",
        b"\xac\xed\x00\x05" + b"\x00" * 1_000_000,
        b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000,
        b"SQLite format 3\x00" + b"\xff" * 1_000_000,
        b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + b"\xff" * 1_000_000,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 1_000_000,
        b"AUTHENTICATORPRO" + b"\x00" * 1_000_000,
        ("😀" * 2_600_000).encode(),
        ('["' + '😀","' * 1_300_000 + '"]').encode(),
        b"\x00" * SIZE_LIMIT,
    ],
    ids=lambda bomb: repr(bomb[:24]),
)
def test_a_bomb_is_refused_soon_and_in_little_memory(bomb: bytes) -> None:
    answer = measured(Sample("bomb", "", (bomb[:SIZE_LIMIT],), (), "x"))
    assert answer.error is not None
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY


@pytest.mark.long
@EVERY
def test_every_length_and_thousands_of_changes_end_well(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    for files in (cut(sample), changed(sample, 1000), replaced(sample)):
        for file in files:
            tally.count(sample, file)
    with capsys.disabled():
        print(f"\n{sample.name}: {tally}")


@pytest.mark.long
@EVERY
def test_swollen_lists_end_soon_and_in_little_memory(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [measured(replace(sample, files=(file, *sample.files[1:]))) for file in swollen(sample)]
    for answer in answers:
        assert answer.seconds < SECONDS
        assert answer.memory < MEMORY
    if answers:
        slowest, most = max(one.seconds for one in answers), max(one.memory for one in answers)
        with capsys.disabled():
            print(f"\n{sample.name}: {slowest:.2f} s of CPU, {most >> 20} MiB")
