"""The simulated hardware: a bus under the true driver, keys that post what pins would, a clock that can be broken."""

import errno
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from PIL import Image

from appliance.adapters.clock import Sources, SystemClock
from appliance.adapters.oled import OledPanel, Wiring
from appliance.adapters.simulation import BROKEN_SECONDS, KEYS, SimulatedBus, Simulation
from appliance.board import BOARDS, Board
from appliance.core.events import Problem
from appliance.core.gestures import Moved
from appliance.core.instant import Reading
from appliance.errors import ApplianceError
from appliance.hardware import wiring
from appliance.settings import DisplaySettings, Settings
from tests.chips import MODELS, Chip

UNIX: Final = 1_800_000_000.0
TRUE: Final = Reading(UNIX, 100.0, synchronised=False, once=True, rtc=UNIX, floor=UNIX - 60, zone=3600)


def wiring_of(board: Board) -> Wiring:
    found = wiring(Settings(display=DisplaySettings(board=board.name)))  # type: ignore[arg-type]  # a board's name
    assert found is not None
    return found


class Ear:
    """A chip at the simulated bus, which hears all that the bus takes."""

    def __init__(self, bus: SimulatedBus, chip: Chip) -> None:
        self._bus = bus
        self._chip = chip

    def open(self, wiring: object) -> "Ear":
        self._bus.open(wiring)
        return self

    def command(self, *command: int) -> None:
        self._bus.command(*command)
        for byte in command:
            self._chip.take(byte, data=False)
        self._chip.end()

    def data(self, pixels: bytes | list[int]) -> None:
        self._bus.data(pixels)
        for byte in pixels:
            self._chip.take(byte, data=True)

    def cleanup(self) -> None:
        self._bus.cleanup()


class Desk:
    """A panel on the simulated bus, with a clock that only tests move."""

    def __init__(self, board: Board) -> None:
        self.now = 1000.0
        self.told: list[Problem | None] = []
        """Each problem, and None for each return."""
        self.simulation = Simulation(lambda: self.now)
        self.chip = Chip(MODELS[board.driver])
        self.panel = OledPanel(
            wiring_of(board),
            monotonic=lambda: self.now,
            open_serial=Ear(self.simulation.bus, self.chip).open,
        )

    def start(self) -> None:
        self.panel.start(self.told.append, lambda: self.told.append(None))

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.panel.tend()


def picture(columns: int) -> Image.Image:
    frame = Image.new("1", (128, 64))
    frame.paste(1, (0, 0, columns, 40))
    return frame


def shows(desk: Desk, frame: Image.Image) -> bool:
    glass = desk.chip.glass()
    upside_down = frame.transpose(Image.Transpose.ROTATE_180)
    return glass.convert("L").tobytes() in {one.convert("L").tobytes() for one in (frame, upside_down)}


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_true_driver_shows_each_boards_pictures_over_the_bus(board: Board) -> None:
    desk = Desk(board)
    desk.start()
    for columns in (30, 31, 128):
        before = desk.simulation.bus.bytes
        desk.panel.show(picture(columns))
        assert desk.simulation.bus.bytes > before
        assert shows(desk, picture(columns))
    assert desk.told == []


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_panel_that_is_unplugged_is_told_once_and_shows_its_latest_picture_when_it_is_back(
    board: Board,
) -> None:
    desk = Desk(board)
    desk.start()
    assert desk.simulation.act({"panel": "unplugged"}) == {"panel": False, "clock": True}
    for columns in (30, 31, 32):
        desk.panel.show(picture(columns))
        desk.pass_seconds(2)
    (problem,) = desk.told
    assert problem is not None
    assert problem.what.startswith(f"lost the panel {board.driver}")
    assert desk.simulation.act({"panel": "plugged"}) == {"panel": True, "clock": True}
    desk.pass_seconds(60)
    assert desk.told == [problem, None]
    assert shows(desk, picture(32))


def test_a_panel_that_was_never_plugged_in_is_no_error_of_the_program() -> None:
    desk = Desk(BOARDS["generic"])
    desk.simulation.act({"panel": "unplugged"})
    desk.start()
    (problem,) = desk.told
    assert problem is not None
    assert problem.what.startswith("can't reach the panel")
    assert desk.simulation.bus.bytes == 0
    desk.panel.off()
    desk.panel.stop()


def test_an_unplugged_bus_fails_as_the_kernel_does() -> None:
    bus = SimulatedBus()
    bus.plugged = False
    for act in (lambda: bus.command(0xAF), lambda: bus.data(b"\0"), lambda: bus.open(None)):
        with pytest.raises(OSError, match=r".") as caught:
            act()
        assert caught.value.errno == errno.EREMOTEIO


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_posts_its_edges_with_the_time_at_which_they_came(key: Any) -> None:
    moves: list[Moved] = []
    now = 7.0
    simulation = Simulation(lambda: now)
    simulation.start(moves.append)
    simulation.act({"key": key, "down": True})
    now = 8.5
    simulation.act({"key": key, "down": False})
    assert moves == [Moved(key, down=True, mono=7.0), Moved(key, down=False, mono=8.5)]


def test_keys_do_nothing_before_they_are_started_and_after_they_are_stopped() -> None:
    moves: list[Moved] = []
    simulation = Simulation(lambda: 0.0)
    press = {"key": "ok", "down": True}
    with pytest.raises(ApplianceError):
        simulation.act(press)
    simulation.start(moves.append)
    simulation.stop()
    simulation.stop()
    with pytest.raises(ApplianceError):
        simulation.act(press)
    assert moves == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"panel": "half"},
        {"panel": True},
        {"clock": "late"},
        {"clock": ["broken"]},
        {"key": "ok"},
        {"key": "ok", "down": 1},
        {"key": "enter", "down": True},
        {"key": ["ok"], "down": True},
        {"button": "ok"},
    ],
)
def test_what_can_not_be_simulated_is_refused_and_changes_nothing(params: Mapping[str, Any]) -> None:
    moves: list[Moved] = []
    simulation = Simulation(lambda: 0.0)
    simulation.start(moves.append)
    with pytest.raises(ApplianceError):
        simulation.act(params)
    assert moves == []
    assert simulation.bus.plugged
    assert simulation.reading(TRUE) == replace(TRUE, synchronised=True)


def test_the_clock_is_synchronised_until_it_is_broken_and_nothing_vouches_for_it_then() -> None:
    simulation = Simulation(lambda: 0.0)
    assert simulation.reading(TRUE) == replace(TRUE, synchronised=True)
    assert simulation.act({"clock": "broken"}) == {"panel": True, "clock": False}
    assert simulation.reading(replace(TRUE, synchronised=True)) == replace(
        TRUE, unix=UNIX + BROKEN_SECONDS, once=False, rtc=None
    )
    assert simulation.act({"clock": "right"}) == {"panel": True, "clock": True}
    assert simulation.reading(TRUE) == replace(TRUE, synchronised=True)


def test_a_clock_that_is_broken_loses_the_trust_gets_the_owners_and_is_trusted_again_when_mended() -> None:
    simulation = Simulation(lambda: 0.0)
    mono = 100.0
    sources = Sources(
        wall=lambda: UNIX + mono,
        boot=lambda: mono,
        synchronised=lambda: False,
        once=lambda: True,
        rtc=lambda: UNIX + mono,
        zone=lambda _unix: 0,
    )
    clock = SystemClock(sources=sources, altered=simulation.reading)
    assert clock.now().trust == "synchronised"
    simulation.act({"clock": "broken"})
    mono += 1.0
    broken = clock.now()
    assert (broken.trust, broken.jumped, broken.early) == ("not-set", True, False)
    clock.vouch()
    assert clock.now().trust == "held-over"
    simulation.act({"clock": "right"})
    mended = clock.now()
    assert (mended.trust, mended.jumped, mended.unix) == ("synchronised", False, UNIX + mono)
