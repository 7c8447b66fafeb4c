"""Everything between a finger and the glass: true adapters, loop and core, over a simulated bus and simulated pins."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final

import pytest
from PIL import Image

from appliance import logs
from appliance.adapters.buttons import GpioButtons
from appliance.adapters.clock import SystemClock, boottime
from appliance.adapters.oled import OledPanel
from appliance.board import BOARDS
from appliance.core.care import contrast, light
from appliance.core.effects import Change, Check, OpenVault, Remember
from appliance.core.events import Asked, Event, Failed, Measured, Opened, Problem, Stopping
from appliance.core.instant import Reading
from appliance.core.render import render
from appliance.core.state import Options
from appliance.loop import Inbox, Shell, Work, Worker, run
from tests.chips import ADDRESS, MODELS, SSD1306, WIRING, Chip, I2cBus, same
from tests.core.desk import Desk, account, opened, vault_of
from tests.fakes import Doorway
from tests.gpio import FakeGpio

SECONDS: Final = 20.0
PINS: Final = BOARDS["generic"].buttons


def answer(work: Work) -> Event | None:
    match work:
        case OpenVault(ref):
            return opened(ref, vault_of(account("a"), account("b", "hotp"), account("c")))
        case Change(ref) | Check(ref):
            return Failed(ref, Problem("no", "no"))
        case Remember():
            return None
        case _:
            return Measured(work.ref, "", None)


class Appliance:
    """The loop in a thread, with a panel on a bus and fingers on pins."""

    def __init__(self) -> None:
        self.chip = Chip(SSD1306)
        self.bus = I2cBus()
        self.bus.plug(ADDRESS, self.chip)
        self.gpio = FakeGpio()
        self.inbox: Inbox = SimpleQueue()
        self.doorway = Doorway()
        self.panel = OledPanel(WIRING, open_serial=self.bus.open_serial)
        self.buttons = GpioButtons(PINS, gpio=lambda: self.gpio, mono=boottime)
        self.worker = Worker(answer, self.inbox)
        clock = SystemClock(altered=sure)
        shell = Shell(clock, self.panel, self.doorway, None, self.worker, logs.line)
        self._thread = threading.Thread(target=run, args=(Options(None), shell, self.inbox))

    def start(self) -> None:
        self.buttons.start(self.inbox.put)
        self.worker.start()
        self._thread.start()

    def stop(self) -> None:
        self.inbox.put(Stopping())
        self._thread.join(SECONDS)
        self.buttons.stop()
        self.panel.off()
        self.panel.stop()
        self.worker.stop()

    def ask(self, method: str) -> Any:
        self.inbox.put(Asked(1, method, {}))
        return self.doorway.answers.get(timeout=SECONDS)[1]

    def frame(self) -> Image.Image:
        found = self.ask("frame")
        return Image.frombytes("1", (found["width"], found["height"]), bytes.fromhex(found["bits"]))

    def header(self) -> str:
        return str(self.frame().crop((60, 0, 128, 16)).tobytes())


def sure(reading: Reading) -> Reading:
    return replace(reading, synchronised=True)


@pytest.fixture
def appliance() -> Iterator[Appliance]:
    made = Appliance()
    made.start()
    while made.ask("status")["state"] == "starting":
        pass
    yield made
    made.stop()


def test_a_finger_on_a_pin_changes_the_glass(appliance: Appliance) -> None:
    first = appliance.header()
    appliance.gpio.press(PINS["next"])
    end = time.monotonic() + SECONDS
    while appliance.header() == first:
        assert time.monotonic() < end, "the press never came"
    # Between asking and comparing the second may end; then the next try is right.
    assert any(same(appliance.frame(), appliance.chip.glass()) for _ in range(5))


def test_the_daemon_lives_without_a_panel_and_the_panel_comes_back(appliance: Appliance) -> None:
    chip = appliance.bus.unplug(ADDRESS)
    end = time.monotonic() + SECONDS
    while appliance.ask("status")["display"]["ok"]:
        assert time.monotonic() < end, "nobody noticed"
    assert "lost the panel ssd1306 at 0x3c" in appliance.ask("status")["display"]["error"]
    assert appliance.frame().getbbox() is not None, "codes are still there for the control socket"
    chip.power_cycle()
    appliance.bus.plug(ADDRESS, chip)
    while not appliance.ask("status")["display"]["ok"]:
        assert time.monotonic() < end, "it never came back"
    assert any(same(appliance.frame(), appliance.chip.glass()) for _ in range(5))


def test_the_glass_is_dark_when_the_loop_has_ended() -> None:
    made = Appliance()
    made.start()
    made.ask("status")
    made.stop()
    assert not made.chip.on


# --- what the core's own pictures cost on the wire


def costs(driver: str, seconds: range) -> dict[int, int]:
    """Return the bytes of each second of Unix time, with the pictures that the core draws."""
    chip, bus = Chip(MODELS[driver]), I2cBus()
    bus.plug(ADDRESS, chip)
    desk = Desk(Options(None, blank_after=0.0, dim_after=0.0))
    desk.tell(Opened(1, 1, b"", vault_of(account("a"))))
    panel = OledPanel(replace(WIRING, driver=driver), monotonic=lambda: 0.0, open_serial=bus.open_serial)
    panel.start(lambda problem: pytest.fail(problem.why), lambda: None)
    found: dict[int, int] = {}
    for unix in seconds:
        desk.now = replace(desk.now, unix=float(unix), mono=1000.0 + unix - seconds.start)
        before = bus.bytes
        panel.show(render(desk.state, desk.now))
        panel.light(light(desk.state, desk.now), contrast(desk.state))
        found[unix] = bus.bytes - before
        assert same(chip.glass(), render(desk.state, desk.now))
    panel.stop()
    return found


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106"])
def test_half_an_hour_of_a_code_costs_at_most_2500_bytes_in_each_period(driver: str) -> None:
    start = 1_700_000_000 // 3600 * 3600
    found = costs(driver, range(start, start + 1800))
    periods = [sum(found[start + 30 * at + second] for second in range(30)) for at in range(1, 60)]
    assert max(periods) <= 2500
    ticks = [cost for unix, cost in found.items() if unix % 30 not in {0, 25} and unix > start]
    assert max(ticks) <= 125
    assert max(cost for unix, cost in found.items() if unix % 30 == 25) <= 200
