"""How much memory a key derivation may use."""

from pathlib import Path

import pytest

from appliance.adapters.memory import derivation_limit

MEMINFO = (
    "MemTotal:         440632 kB\nMemFree:           20000 kB\nMemAvailable:     204800 kB\nBuffers:  1 kB\n"
)
FALLBACK = 128 << 20


def test_half_of_the_available_memory_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    assert derivation_limit(tmp_path / "meminfo") == 100 << 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MemTotal: 440632 kB\n",
        "MemAvailable:\n",
        "MemAvailable: lots kB\n",
        "MemAvailable: \u00b5 kB\n",
    ],
)
def test_a_kernel_that_does_not_say_means_128_mib(tmp_path: Path, text: str) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert derivation_limit(tmp_path / "meminfo") == FALLBACK


def test_no_such_file_means_128_mib(tmp_path: Path) -> None:
    assert derivation_limit(tmp_path / "meminfo") == FALLBACK


def test_this_machine_says_something_sensible() -> None:
    assert 1 << 20 < derivation_limit() < 1 << 50
