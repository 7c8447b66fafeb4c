import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest

from appliance.adapters.buttons import GpioButtons
from appliance.adapters.clock import boottime
from appliance.adapters.gpio import rpi_gpio
from appliance.board import BOARDS
from appliance.core.gestures import Buttons, Gestured, Key, Moved, elapsed, moved
from appliance.errors import HardwareFailed
from tests.gpio import FakeGpio, LgpioError

PINS: Final[dict[Key, int]] = {"previous": 17, "next": 27, "ok": 22}
SOON: Final = 10.0
"""Seconds that a thread may take at the very worst."""
CLOSING: Final = ((0.0, True), (0.0011, False), (0.0019, True), (0.0042, False), (0.0047, True))
OPENING: Final = ((0.11, False), (0.1103, True), (0.1131, False))


def wired(gpio: FakeGpio) -> GpioButtons:
    return GpioButtons(PINS, gpio=lambda: gpio, mono=gpio.mono)


def started(gpio: FakeGpio) -> tuple[GpioButtons, list[Moved]]:
    buttons, seen = wired(gpio), list[Moved]()
    buttons.start(seen.append)
    return buttons, seen


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def failing(error: Exception) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


def failure(buttons: GpioButtons) -> HardwareFailed:
    seen: list[Moved] = []
    with pytest.raises(HardwareFailed) as raised:
        buttons.start(seen.append)
    assert seen == []
    return raised.value


def test_a_press_and_a_release_are_posted_with_their_time() -> None:
    gpio = FakeGpio()
    _, seen = started(gpio)
    gpio.press(27)
    gpio.now += 0.25
    gpio.release(27)
    assert seen == [Moved("next", True, 1000.0), Moved("next", False, 1000.25)]


def test_each_pin_is_its_key() -> None:
    gpio = FakeGpio()
    _, seen = started(gpio)
    for pin in PINS.values():
        gpio.press(pin)
    assert [move.key for move in seen] == list(PINS)


def test_pins_are_bcm_numbers_and_warnings_are_off() -> None:
    gpio = FakeGpio()
    started(gpio)
    assert ("setmode", gpio.BCM) in gpio.history
    assert ("setwarnings", False) in gpio.history


def test_inputs_are_pulled_up() -> None:
    gpio = FakeGpio()
    started(gpio)
    assert [gpio.input(22) for _ in range(4)] == [gpio.HIGH] * 4


def test_nothing_is_posted_before_a_key_moves_even_if_one_is_down() -> None:
    gpio = FakeGpio()
    gpio.press(22)
    _, seen = started(gpio)
    assert seen == []
    gpio.release(22)
    assert seen == [Moved("ok", False, 1000.0)]


def test_every_edge_of_a_bounce_is_posted() -> None:
    gpio = FakeGpio()
    _, seen = started(gpio)
    gpio.bounce(22, CLOSING)
    assert [(round(move.mono - 1000.0, 4), move.down) for move in seen] == list(CLOSING)


def test_an_edge_that_is_told_late_carries_the_level_that_is_there() -> None:
    gpio = FakeGpio()
    _, seen = started(gpio)
    gpio.lagging = True
    gpio.bounce(22, CLOSING[:4])
    gpio.catch_up()
    assert [move.down for move in seen] == [False] * 4


def test_a_bouncing_press_on_a_pin_becomes_one_gesture() -> None:
    gpio = FakeGpio()
    _, seen = started(gpio)
    gpio.bounce(27, CLOSING + OPENING)
    state, acted = Buttons(), list[Gestured]()
    for move in seen:
        state, more = moved(state, move, BOARDS["generic"].layout)
        acted += more
    acted += elapsed(state, gpio.now + 1.0, BOARDS["generic"].layout)[1]
    assert acted == [Gestured("next")]


def test_after_stop_nothing_is_posted_and_no_pin_is_held() -> None:
    gpio = FakeGpio()
    buttons, seen = started(gpio)
    buttons.stop()
    gpio.press(17)
    assert seen == []
    assert gpio.claimed == set()
    assert gpio.watched == set()


def test_stop_lets_go_of_the_own_pins_alone() -> None:
    gpio = FakeGpio()
    gpio.setmode(gpio.BCM)
    gpio.setup(24, gpio.IN)  # the panel's
    buttons, _ = started(gpio)
    buttons.stop()
    assert gpio.open
    assert gpio.claimed == {24}


def test_stop_may_be_called_twice_and_without_start() -> None:
    gpio = FakeGpio()
    wired(gpio).stop()
    buttons, _ = started(gpio)
    buttons.stop()
    before = list(gpio.history)
    buttons.stop()
    assert gpio.history == before


def test_stop_survives_a_library_that_fails() -> None:
    gpio = FakeGpio()
    buttons, seen = started(gpio)
    gpio.letting_go_fails = True
    buttons.stop()
    gpio.press(17)
    assert seen == []


def test_it_starts_again_after_stop() -> None:
    gpio = FakeGpio()
    buttons, seen = started(gpio)
    buttons.stop()
    buttons.start(seen.append)
    gpio.press(17)
    assert [move.key for move in seen] == ["previous"]


def test_stop_waits_for_a_callback_that_is_under_way() -> None:
    gpio = FakeGpio()
    inside, go = threading.Event(), threading.Event()
    order: list[str] = []

    def slow_clock() -> float:
        inside.set()
        go.wait(SOON)
        return gpio.now

    buttons = GpioButtons(PINS, gpio=lambda: gpio, mono=slow_clock)
    buttons.start(lambda _: order.append("posted"))
    finger = threading.Thread(target=gpio.press, args=(17,))
    finger.start()
    assert inside.wait(SOON)

    def stop() -> None:
        buttons.stop()
        order.append("stopped")

    stopper = threading.Thread(target=stop)
    stopper.start()
    stopper.join(0.1)  # long enough to run past the callback, if it did not wait
    go.set()
    finger.join(SOON)
    stopper.join(SOON)
    assert order == ["posted", "stopped"]
    assert gpio.swallowed == []


def test_without_edges_a_named_thread_looks_at_the_pins() -> None:
    gpio = FakeGpio(edges=False)
    buttons, inbox = wired(gpio), SimpleQueue[Moved]()
    buttons.start(inbox.put)
    try:
        assert "buttons" in {thread.name for thread in threading.enumerate()}
        gpio.press(27)
        assert inbox.get(timeout=SOON) == Moved("next", True, 1000.0)
        gpio.now += 0.5
        gpio.release(27)
        assert inbox.get(timeout=SOON) == Moved("next", False, 1000.5)
    finally:
        buttons.stop()
    assert "buttons" not in {thread.name for thread in threading.enumerate()}
    assert inbox.empty()
    assert gpio.claimed == set()


def test_looking_posts_changes_alone_and_a_key_that_is_down_at_the_start_is_no_press() -> None:
    gpio = FakeGpio(edges=False)
    gpio.press(22)
    buttons, inbox = wired(gpio), SimpleQueue[Moved]()
    buttons.start(inbox.put)
    try:
        gpio.press(17)
        assert inbox.get(timeout=SOON).key == "previous"
        gpio.release(22)
        assert inbox.get(timeout=SOON) == Moved("ok", False, 1000.0)
    finally:
        buttons.stop()
    assert inbox.empty()


def test_looking_starts_again_after_stop() -> None:
    gpio = FakeGpio(edges=False)
    buttons, inbox = wired(gpio), SimpleQueue[Moved]()
    buttons.start(inbox.put)
    buttons.stop()
    buttons.start(inbox.put)
    try:
        gpio.press(17)
        assert inbox.get(timeout=SOON).key == "previous"
    finally:
        buttons.stop()


def test_where_one_pin_has_no_edges_all_are_looked_at_and_none_is_told_twice() -> None:
    gpio = FakeGpio(no_edges_on={22})
    buttons, inbox = wired(gpio), SimpleQueue[Moved]()
    buttons.start(inbox.put)
    try:
        assert gpio.watched == set()
        gpio.press(17)
        assert inbox.get(timeout=SOON).key == "previous"
        gpio.press(22)
        assert inbox.get(timeout=SOON).key == "ok"
    finally:
        buttons.stop()
    assert inbox.empty()


def test_with_edges_there_is_no_thread() -> None:
    started(FakeGpio())
    assert "buttons" not in {thread.name for thread in threading.enumerate()}


def test_a_busy_pin_is_named_and_the_others_are_let_go() -> None:
    gpio = FakeGpio(busy={27})
    error = failure(wired(gpio))
    assert error.what == "can't use GPIO 27 for the button next"
    assert error.why == "another program uses it"
    assert "gpioinfo" in error.hint
    assert gpio.claimed == set()
    assert gpio.open


def test_a_pin_whose_edges_fail_for_another_reason_is_named() -> None:
    gpio = FakeGpio(no_edges_on={22})
    gpio.edge_trouble = LgpioError("bad edge")
    error = failure(wired(gpio))
    assert error.what == "can't watch GPIO 22 for the button ok"
    assert error.why == "bad edge"
    assert error.hint
    assert gpio.claimed == set()
    assert gpio.watched == set()


def test_pins_that_cannot_be_read_are_a_failure_and_no_thread_stays() -> None:
    gpio = FakeGpio(edges=False)
    gpio.open = False
    assert failure(wired(gpio)).what == "can't use the buttons"
    assert "buttons" not in {thread.name for thread in threading.enumerate()}
    assert gpio.claimed == set()


@pytest.mark.parametrize(
    ("error", "why", "hint"),
    [
        (ModuleNotFoundError("No module named 'RPi'", name="RPi"), "module RPi is missing", "python3-rpi-lgpio"),
        (ModuleNotFoundError("No module named 'lgpio'", name="lgpio"), "module lgpio is", "python3-rpi-lgpio"),
        (ImportError("broken"), "module RPi.GPIO is", "python3-rpi-lgpio"),
        (RuntimeError("This module can only be run on a Raspberry Pi!"), "this is no Raspberry Pi", "none"),
        (RuntimeError("Cannot determine SOC peripheral base address"), "Raspberry Pi 5", "python3-rpi-lgpio"),
        (LgpioError("can not open gpiochip"), "not for this user", "usermod -aG gpio"),
        (RuntimeError("No access to /dev/mem.  Try running as root!"), "no permission", "usermod -aG gpio"),
        (AttributeError("module 'lgpio' has no attribute 'SET_BIAS_DISABLE'"), "empty stub", "pip uninstall"),
        (OSError(28, "No space left on device"), "No space left on device", "check the wiring"),
        (LgpioError("never heard of"), "never heard of", "check the wiring"),
        (NotImplementedError(), "NotImplementedError", "check the wiring"),
    ],
)  # fmt: skip
def test_a_library_that_does_not_load_says_why_and_what_to_do(error: Exception, why: str, hint: str) -> None:
    failed = failure(GpioButtons(PINS, gpio=failing(error), mono=boottime))
    assert failed.what == "can't use the buttons"
    assert why in failed.why
    assert not failed.why.startswith("'")
    assert hint in failed.hint
    assert failed.exit_code == 7


def test_pins_that_are_counted_in_another_way_are_a_failure() -> None:
    gpio = FakeGpio(mode=FakeGpio.BOARD)
    assert "counts pins in another way" in failure(wired(gpio)).why
    assert gpio.claimed == set()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module RPi.GPIO that does with the working directory what lgpio does."""
    package = tmp_path / "site" / "RPi"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "GPIO.py").write_text(
        "import os\n"
        "os.chdir(os.environ.get('LG_WD', '.'))\n"
        "os.mkfifo('.lgd-nfy0')\n"
        "from tests.gpio import FakeGpio\n"
        "it = FakeGpio()\n"
        "BCM, IN, PUD_UP, BOTH, LOW = it.BCM, it.IN, it.PUD_UP, it.BOTH, it.LOW\n"
        "setwarnings, setmode, setup, input = it.setwarnings, it.setmode, it.setup, it.input\n"
        "add_event_detect, remove_event_detect = it.add_event_detect, it.remove_event_detect\n"
        "cleanup = it.cleanup\n"
    )
    monkeypatch.syspath_prepend(package.parent)
    for name in ("RPi", "RPi.GPIO"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "run").mkdir()
    return tmp_path


def test_the_librarys_pipe_goes_to_the_runtime_folder_and_the_working_directory_stays(library: Path) -> None:
    buttons = GpioButtons(PINS, gpio=partial(rpi_gpio, library / "run"), mono=boottime)
    buttons.start(lambda _: None)
    buttons.stop()
    assert Path.cwd() == library / "here"
    assert names(library / "here") == []
    assert names(library / "run") == [".lgd-nfy0"]


def test_the_working_directory_stays_where_the_owner_names_another_folder_for_the_pipe(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library / "own").mkdir()
    monkeypatch.setenv("LG_WD", str(library / "own"))
    buttons = GpioButtons(PINS, gpio=partial(rpi_gpio, library / "run"), mono=boottime)
    buttons.start(lambda _: None)
    buttons.stop()
    assert Path.cwd() == library / "here"
    assert names(library / "own") == [".lgd-nfy0"]


def test_without_a_runtime_folder_the_pipe_goes_to_the_temporary_files(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(library / "tmp"))
    buttons = GpioButtons(PINS, gpio=partial(rpi_gpio, library / "gone"), mono=boottime)
    buttons.start(lambda _: None)
    buttons.stop()
    assert names(library / "tmp") == [".lgd-nfy0"]
    assert Path.cwd() == library / "here"


def test_edges_are_stamped_with_the_clock_that_runs_through_suspension(library: Path) -> None:
    seen: list[Moved] = []
    buttons = GpioButtons(PINS, gpio=partial(rpi_gpio, library / "run"), mono=boottime)
    buttons.start(seen.append)
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    sys.modules["RPi.GPIO"].it.press(17)
    assert before <= seen[0].mono <= time.clock_gettime(time.CLOCK_BOOTTIME)
    buttons.stop()


def test_nothing_of_the_library_is_imported_before_start() -> None:
    code = (
        "import sys, appliance.adapters.buttons as it\n"
        "it.GpioButtons({'ok': 22}, gpio=lambda: None, mono=lambda: 0.0)\n"
        "sys.exit(any(name.split('.')[0] in {'RPi', 'lgpio'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
