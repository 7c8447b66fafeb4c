"""The demo's story with each broker, in a process of its own; and that nothing of it stays behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from appliance.board import BOARDS
from tests.brokers import MOSQUITTO

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 150
needs_mosquitto: Final = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path (a Unix socket's is limited to 107 bytes) that marks all processes of a demo in their environment."""
    path = Path(tempfile.mkdtemp(prefix="d"))
    yield path
    shutil.rmtree(path)


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "80"}


def demo(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "appliance", "demo", *arguments]


def left_behind(folder: Path) -> list[str]:
    """Return the command lines of all processes that were started by a demo of this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended meanwhile, or is another user's
    return found


def play(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        demo("--once", *arguments),
        env=environment(folder),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("broker", "board"),
    [
        pytest.param("mosquitto", "generic", marks=[needs_mosquitto, pytest.mark.broker]),
        ("amqtt", "adafruit-oled-bonnet"),
    ],
)
def test_the_story_comes_true_and_leaves_nothing_behind(folder: Path, broker: str, board: str) -> None:
    done = play(folder, "--broker", broker, "--board", board)
    assert done.returncode == 0, done.stderr
    assert f"The broker is {broker} at 127.0.0.1:" in done.stdout
    assert "same picture at each of the 6 accounts" in done.stdout
    assert "gives the same 5 codes on both" in done.stdout
    assert len(re.findall("verified", done.stdout)) >= 3
    assert "Its status says: lost the panel ssd1306" in done.stdout
    assert re.search(r"'appliance code GitHub' says \d{6}\.", done.stdout)
    told = [
        "is unplugged",
        "It is plugged in again",
        "jumped by three days",
        "clock is right again",
        "All of it came true",
    ]
    places = [done.stdout.find(words) for words in told]
    assert -1 not in places
    assert places == sorted(places)
    assert done.stdout.count("╭─ desk ─") == 4
    assert done.stdout.count("╭─ shelf ─") == 3
    assert left_behind(folder) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_everything_that_the_demo_started(
    folder: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        demo("--once", "--broker", "amqtt"),
        env=environment(folder),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "gets a vault" not in (line := process.stdout.readline()):
            assert line, "the demo ended by itself"
        assert len(left_behind(folder)) >= 4  # the demo, the broker and two appliances
        process.send_signal(number)
        assert process.wait(30) == code
    assert left_behind(folder) == []
    assert list(folder.iterdir()) == []


def test_a_board_that_does_not_exist_is_refused_with_those_that_do(folder: Path) -> None:
    done = play(folder, "--board", "nokia-5110")
    assert done.returncode == 2
    assert all(board in done.stderr for board in BOARDS)


def test_without_a_terminal_the_demo_says_how_to_go_on(folder: Path) -> None:
    done = subprocess.run(
        demo(), env=environment(folder), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "appliance: error: can't show the demo: this is no terminal",
        "appliance: hint: appliance demo --once",
    ]
