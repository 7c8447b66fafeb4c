"""The system's clocks, as far as a test may rely on the machine that it runs on."""

import ctypes
import time
from typing import Any

import pytest

from appliance.adapters import clock as clock_module
from appliance.adapters.clock import MAXERROR_LIMIT_US, SystemClock


class Kernel:
    """libc with an `adjtimex` that says what a test wants."""

    def __init__(self, maxerror: int, result: int = 0) -> None:
        self.maxerror = maxerror
        self.result = result
        self.asked_for: list[int] = []

    def adjtimex(self, timex: Any) -> int:
        found = timex._obj
        self.asked_for.append(found.modes)
        found.maxerror = self.maxerror
        return self.result


def kernel(monkeypatch: pytest.MonkeyPatch, maxerror: int, result: int = 0) -> Kernel:
    made = Kernel(maxerror, result)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: made)
    return made


def test_a_reading_is_the_systems_time_and_goes_on() -> None:
    clock = SystemClock()
    before, first, second, after = time.time(), clock.now(), clock.now(), time.time()
    assert before <= first.unix <= second.unix <= after
    assert first.mono <= second.mono
    assert abs(first.mono - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_the_kernel_is_only_asked_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = kernel(monkeypatch, 0)
    SystemClock().now()
    assert asked.asked_for == [0]


@pytest.mark.parametrize(
    ("maxerror", "result", "synchronised"),
    [
        (0, 0, True),
        (MAXERROR_LIMIT_US - 1, 0, True),
        (MAXERROR_LIMIT_US - 1, 5, True),  # TIME_ERROR: STA_UNSYNC is set, as chrony leaves it
        (MAXERROR_LIMIT_US, 0, False),
        (MAXERROR_LIMIT_US, 5, False),
        (0, -1, False),
    ],
)
def test_a_small_error_counts_as_synchronised(
    monkeypatch: pytest.MonkeyPatch, *, maxerror: int, result: int, synchronised: bool
) -> None:
    kernel(monkeypatch, maxerror, result)
    assert SystemClock().read().synchronised is synchronised
    assert SystemClock().now().trusted is synchronised


def test_trust_outlives_synchronisation(monkeypatch: pytest.MonkeyPatch) -> None:
    said = kernel(monkeypatch, 0)
    clock = SystemClock()
    assert clock.now().trust == "synchronised"
    said.maxerror = MAXERROR_LIMIT_US
    assert clock.now().trust == "held-over"
    assert SystemClock().now().trust == "not-set", "another clock knows nothing of it"


def test_a_jump_of_the_wall_clock_ends_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    said = kernel(monkeypatch, 0)
    clock = SystemClock()
    clock.now()
    said.maxerror = MAXERROR_LIMIT_US
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 1000)
    assert clock.now().trust == "not-set"


def test_the_real_kernel_answers_and_its_structure_is_understood() -> None:
    found = clock_module._Timex()
    assert ctypes.CDLL(None).adjtimex(ctypes.byref(found)) != -1
    assert 0 <= found.maxerror <= MAXERROR_LIMIT_US * 1000
    assert abs(found.freq) <= 500 << 16, "the kernel's limit of 500 ppm: the fields lie where we think"
