"""The panel on chips that are simulated at the bus: what is asserted is what the glass shows, and bytes on the wire."""

import atexit
import errno
import gc
import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luma.core.error import DeviceNotFoundError
from luma.oled import device as devices
from PIL import Image

from appliance.adapters.oled import OledPanel, Wiring, blank
from appliance.adapters.oled.patch import changes, stacked
from appliance.adapters.oled.picture import fitted, pages
from appliance.adapters.oled.serial import open_serial
from appliance.core.care import Light
from appliance.core.events import Problem
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.starting_screen import starting_frame
from appliance.errors import HardwareFailed
from tests.chips import (
    ADDRESS,
    MODELS,
    SH1106,
    SH1106_OFFSET_0,
    SSD1306,
    WIRING,
    Chip,
    I2cBus,
    Model,
    SpiBus,
    same,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Image.Image.getdata:DeprecationWarning"
)  # of luma's own loops

CONTRAST: Final = 255
VIEW: Final = CodeView("GitHub", "anna@example.org", 3, 17, "482913", sign="verified")
NEXT_CODE: Final = "738220"
BUS_ERRORS: Final = (errno.EREMOTEIO, errno.ETIMEDOUT, errno.EBUSY, errno.EOPNOTSUPP, errno.EIO)


def second(left: int, code: str = "482913", upcoming: str = NEXT_CODE) -> Image.Image:
    """Return the code screen with so many seconds left."""
    shown = upcoming if left <= 5 else None
    return code_frame(replace(VIEW, code=code, seconds_left=left, fraction=left / 30, upcoming=shown))


def noise(seed: int, size: tuple[int, int] = (128, 64)) -> Image.Image:
    return Image.frombytes("1", size, Random(seed).randbytes(size[0] * size[1] // 8))


REAL: Final = (
    second(30),
    second(17),
    second(3),
    second(30, NEXT_CODE),
    code_frame(replace(VIEW, issuer="Steam", code="R7KMQ", shift=(-2, 1))),
    code_frame(replace(VIEW, code="4829137465", shift=(2, -2), seconds_left=9, fraction=0.3)),
    message_frame(MessageView("Clock not set", ("codes would be wrong;", "waiting"), "")),
    starting_frame(),
    Image.new("1", (128, 64)),
    Image.new("1", (128, 64), 255),
)


@dataclass
class Desk:
    """A panel on a desk, with a clock that only tests move."""

    wiring: Wiring = WIRING
    model: Model | None = None
    now: float = 1000.0
    told: list[Problem | None] = field(default_factory=list)
    """Each problem, and None for each return."""

    def __post_init__(self) -> None:
        model = self.model or MODELS.get(self.wiring.driver, SSD1306)
        self.chip = Chip(model, height=self.wiring.height)
        self.i2c = I2cBus()
        self.i2c.plug(ADDRESS, self.chip)
        self.spi = SpiBus(self.chip)
        self.bus: I2cBus | SpiBus = self.i2c if self.wiring.bus == "i2c" else self.spi
        self.panel = OledPanel(self.wiring, monotonic=lambda: self.now, open_serial=self.bus.open_serial)

    def start(self) -> "Desk":
        self.panel.start(self.told.append, lambda: self.told.append(None))
        return self

    def pass_seconds(self, seconds: float, step: float = 1.0) -> None:
        """Let the loop turn meanwhile."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self.panel.tend()

    def cost(self, act: Callable[[], None]) -> int:
        """Return the bytes on the wire."""
        before = self.bus.bytes
        act()
        return self.bus.bytes - before

    def show(self, frame: Image.Image) -> int:
        return self.cost(lambda: self.panel.show(frame))

    @property
    def away(self) -> bool:
        return bool(self.told) and self.told[-1] is not None

    def shows(self, frame: Image.Image) -> bool:
        return same(self.chip.glass(), frame)


def dark(image: Image.Image) -> bool:
    return image.getbbox() is None


@pytest.fixture(params=["ssd1306", "ssd1309", "sh1106"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A started panel of each chip with partial pictures."""
    desk = Desk(replace(WIRING, driver=request.param)).start()
    yield desk
    desk.panel.stop()


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Every test leaves as many open files and exit hooks as it found."""
    before = resources()
    yield
    gc.collect()
    assert resources() == before


def resources() -> tuple[int, int]:
    hooks = _LumaHooks()
    atexit.unregister(hooks)  # type: ignore[arg-type]
    return len(list(Path("/proc/self/fd").iterdir())), hooks.count


class _LumaHooks:
    """Counts luma's hooks: `atexit` compares each with it. `atexit._ncallbacks` counts removed ones as well."""

    def __init__(self) -> None:
        self.count = 0

    def __eq__(self, other: object) -> bool:
        self.count += getattr(other, "__module__", "") == "luma.core.device"
        return False

    __hash__ = None  # type: ignore[assignment]


# --- bytes on the wire


def test_an_unchanged_frame_costs_no_byte(desk: Desk) -> None:
    desk.show(second(30))
    assert desk.show(second(30)) == 0


def test_a_step_of_the_bar_costs_at_most_16_bytes(desk: Desk) -> None:
    for step in range(122, -1, -1):
        frame = code_frame(replace(VIEW, fraction=step / 122))
        cost = desk.show(frame)
        assert cost <= 16 or step == 122
        assert desk.shows(frame)


def test_a_second_costs_at_most_125_bytes_and_200_when_it_brings_the_next_code(desk: Desk) -> None:
    desk.show(second(30))
    costs = {left: desk.show(second(left)) for left in range(29, 0, -1)}
    assert max(cost for left, cost in costs.items() if left != 5) <= 125
    assert costs[5] <= 200


def test_a_new_six_digit_code_costs_at_most_500_bytes(desk: Desk) -> None:
    random = Random(7)
    codes = [f"{random.randrange(10**6):06}" for _ in range(200)]
    frames = [code_frame(replace(VIEW, code=code, seconds_left=30, fraction=1.0)) for code in codes]
    desk.show(frames[0])
    assert max(desk.show(frame) for frame in frames) <= 500


def test_a_period_of_30_s_with_a_new_code_costs_at_most_2500_bytes(desk: Desk) -> None:
    desk.show(second(30, "482913", "111111"))
    costs = [desk.show(second(left, "482913", "111111")) for left in range(29, 0, -1)]
    costs.append(desk.show(second(30, "111111")))
    print(desk.wiring.driver, sum(costs), costs)
    assert sum(costs) <= 2500
    assert desk.shows(second(30, "111111"))


def test_a_second_change_on_the_same_page_pays_for_its_columns_only() -> None:
    desk = Desk().start()
    one, two = Image.new("1", (128, 64)), Image.new("1", (128, 64))
    one.putpixel((0, 60), 255)
    two.putpixel((0, 60), 255)
    two.putpixel((40, 60), 255)
    assert desk.show(one) == 11
    assert desk.show(two) == 8
    assert desk.shows(two)
    desk.panel.stop()


def test_spi_has_no_addresses_to_pay_for() -> None:
    desk = Desk(replace(WIRING, bus="spi")).start()
    desk.show(second(30))
    assert desk.show(second(29)) < 32
    assert desk.show(second(29)) == 0
    desk.panel.stop()


def test_packing_and_comparing_is_quick() -> None:
    before, after = second(30), second(29)
    start = time.perf_counter()
    for _ in range(100):
        stacked(changes(pages(before, WIRING), pages(after, WIRING)))
    print(f"two packings and one comparison: {(time.perf_counter() - start) * 10:.3f} ms")


# --- pixels


@pytest.mark.parametrize("frame", REAL)
def test_the_glass_shows_the_frame_pixel_by_pixel(desk: Desk, frame: Image.Image) -> None:
    desk.panel.show(frame)
    assert desk.shows(frame)
    assert desk.chip.unknown == []


@pytest.mark.parametrize("driver", ["ssd1306", "ssd1309", "sh1106"])
@pytest.mark.parametrize("rotate", [0, 2])
def test_the_memory_holds_what_lumas_own_driver_would_put_there(driver: str, rotate: int) -> None:
    frame = noise(5)
    desk = Desk(replace(WIRING, driver=driver, rotate=rotate)).start()
    desk.panel.show(frame)
    other = Desk(desk.wiring)
    serial = other.i2c.open_serial(desk.wiring)
    device = getattr(devices, driver)(serial, rotate=rotate)
    device.display(frame)
    assert same(desk.chip.glass(), other.chip.glass())
    assert not same(desk.chip.glass(), Image.new("1", (128, 64)))
    device.persist = True
    device.cleanup()
    desk.panel.stop()
    atexit.unregister(_AnyHook())  # type: ignore[arg-type]


class _AnyHook:
    def __eq__(self, other: object) -> bool:
        return getattr(other, "__module__", "") == "luma.core.device"

    __hash__ = None  # type: ignore[assignment]


def test_a_panel_that_hangs_upside_down_is_turned(desk: Desk) -> None:
    desk.panel.stop()
    desk = Desk(replace(desk.wiring, rotate=2)).start()
    desk.panel.show(second(30))
    assert desk.shows(second(30).rotate(180))
    desk.panel.show(second(29))
    assert desk.shows(second(29).rotate(180))
    desk.panel.stop()


@pytest.mark.parametrize(
    ("rotate", "turned"), [(1, Image.Transpose.ROTATE_270), (3, Image.Transpose.ROTATE_90)]
)
def test_a_panel_on_its_side_shows_the_middle(rotate: int, turned: Image.Transpose) -> None:
    desk = Desk(replace(WIRING, rotate=rotate)).start()
    desk.panel.show(second(30))
    assert desk.shows(fitted(second(30), (64, 128)).transpose(turned))
    desk.panel.stop()


def test_a_panel_of_32_rows_shows_the_code() -> None:
    desk = Desk(replace(WIRING, height=32)).start()
    desk.panel.show(second(30))
    assert desk.shows(second(30).crop((0, 16, 128, 48)))
    desk.panel.stop()


def test_a_panel_of_32_rows_has_its_window_back_after_a_power_blip() -> None:
    desk = Desk(replace(WIRING, height=32)).start()
    desk.chip.power_cycle()
    desk.pass_seconds(180)
    desk.panel.show(Image.new("1", (128, 32), 255))
    assert desk.shows(Image.new("1", (128, 32), 255))
    desk.panel.stop()


def test_the_ssd1306_has_no_column_to_spare() -> None:
    desk = Desk(replace(WIRING, column_offset=2)).start()
    desk.panel.show(second(30))
    assert desk.shows(second(30))
    desk.panel.stop()


def test_a_smaller_frame_stands_in_the_middle(desk: Desk) -> None:
    desk.panel.show(noise(3, (96, 16)))
    assert same(desk.chip.glass().crop((16, 24, 112, 40)), noise(3, (96, 16)))
    assert desk.chip.glass().getbbox() == (16, 24, 112, 40)


@pytest.mark.parametrize(
    ("offset", "model", "fits"),
    [(None, SH1106, True), (2, SH1106, True), (0, SH1106_OFFSET_0, True), (None, SH1106_OFFSET_0, False)],
)
def test_the_132_columns_of_the_sh1106_begin_where_the_setting_says(
    offset: int | None,
    model: Model,
    fits: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    desk = Desk(replace(WIRING, driver="sh1106", column_offset=offset), model).start()
    desk.panel.show(second(30))
    desk.panel.show(second(29))
    assert desk.shows(second(29)) is fits
    desk.panel.stop()


def test_the_noise_of_a_fresh_memory_is_never_seen(desk: Desk) -> None:
    desk.panel.stop()
    bus = I2cBus()
    bus.plug(ADDRESS, desk.chip)
    seen: list[Image.Image] = []
    transfer = bus.transfer

    def watched(address: int, message: Any) -> None:
        transfer(address, message)
        seen.append(desk.chip.glass())

    bus.transfer = watched  # type: ignore[method-assign]
    panel = OledPanel(desk.wiring, open_serial=bus.open_serial)
    panel.show(second(30))
    panel.start(lambda _problem: None, lambda: None)
    assert all(dark(glass) or same(glass, second(30)) for glass in seen)
    assert same(seen[-1], second(30))
    panel.stop()


def test_a_refresh_of_a_panel_that_is_well_is_not_seen(desk: Desk) -> None:
    desk.panel.show(second(30))
    seen: list[tuple[int, ...]] = desk.chip.seen
    seen.clear()
    desk.pass_seconds(181)
    assert (0xAF,) in seen
    assert (0xAE,) not in seen
    assert desk.shows(second(30))


# --- other chips


@pytest.mark.parametrize(
    ("driver", "width", "height"),
    [
        ("sh1107", 128, 128),
        ("ssd1327", 128, 128),
        ("ssd1322", 256, 64),
        ("ch1115", 128, 64),
    ],
)
def test_any_other_device_of_lumas_gets_whole_frames(driver: str, width: int, height: int) -> None:
    bus = I2cBus()
    bus.plug(ADDRESS, Chip(SSD1306))
    wiring = replace(WIRING, driver=driver, width=width, height=height)
    panel = OledPanel(wiring, open_serial=bus.open_serial)
    panel.start(lambda problem: pytest.fail(str(problem)), lambda: None)
    before = bus.bytes
    panel.show(noise(1))
    assert bus.bytes - before > 1024 - 2
    before = bus.bytes
    panel.show(noise(1))
    assert bus.bytes == before
    panel.light("dim", CONTRAST)
    panel.off()
    panel.stop()


def test_a_device_that_luma_can_not_drive_over_this_bus_is_told() -> None:
    desk = Desk(replace(WIRING, driver="ssd1325"), SSD1306).start()
    assert desk.told[0] is not None
    assert desk.told[0].why == "luma can't drive this chip over I2C"
    assert desk.told[0].hint == "check display.driver and display.bus"
    desk.panel.stop()


def test_ssd1325_over_spi_gets_whole_frames() -> None:
    desk = Desk(replace(WIRING, driver="ssd1325", bus="spi"), SSD1306).start()
    assert desk.told == []
    assert desk.show(noise(1)) > 4096
    assert desk.show(noise(1)) == 0
    desk.panel.stop()


def test_the_light_of_another_device_survives_a_refresh() -> None:
    desk = Desk(replace(WIRING, driver="ssd1315"), SSD1306)
    desk.panel.light("dim", CONTRAST)
    desk.start()
    assert desk.chip.registers[0x81] == CONTRAST // 16
    desk.panel.light("bright", CONTRAST)
    assert desk.chip.registers[0x81] == CONTRAST
    desk.panel.light("dark", CONTRAST)
    desk.pass_seconds(181)
    assert not desk.chip.on
    desk.panel.stop()


def test_a_whole_frame_of_another_device_is_the_frame() -> None:
    desk = Desk(replace(WIRING, driver="ssd1315"), SSD1306).start()
    desk.panel.show(second(30))
    desk.panel.show(second(29))
    assert desk.shows(second(29))
    desk.pass_seconds(181)
    assert desk.shows(second(29))
    desk.panel.light("dark", CONTRAST)
    assert dark(desk.chip.glass())
    desk.panel.stop()


# --- light


def register_writes(chip: Chip, register: int) -> list[tuple[int, ...]]:
    return [command for command in chip.seen if command[0] == register]


@pytest.mark.parametrize("driver", ["ssd1306", "ssd1309"])
def test_dim_takes_contrast_precharge_and_vcomh_down(driver: str) -> None:
    desk = Desk(replace(WIRING, driver=driver)).start()
    bright = dict(desk.chip.registers)
    desk.panel.light("dim", CONTRAST)
    assert all(desk.chip.registers[register] < bright[register] for register in (0x81, 0xD9, 0xDB))
    desk.panel.light("bright", CONTRAST)
    assert desk.chip.registers == bright
    desk.panel.stop()


def test_dim_never_touches_vcomh_of_the_sh1106() -> None:
    desk = Desk(replace(WIRING, driver="sh1106")).start()
    bright = dict(desk.chip.registers)
    desk.chip.seen.clear()
    desk.panel.light("dim", CONTRAST)
    assert desk.chip.registers[0x81] < bright[0x81]
    assert desk.chip.registers[0xD9] < bright[0xD9]
    desk.panel.light("dark", CONTRAST)
    desk.panel.light("bright", CONTRAST)
    assert desk.chip.registers == bright
    assert register_writes(desk.chip, 0xDB) == []
    desk.panel.stop()


def test_bright_is_as_bright_as_it_is_told(desk: Desk) -> None:
    desk.panel.light("bright", 77)
    assert desk.chip.registers[0x81] == 77


def test_dark_keeps_the_picture(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.panel.light("dark", CONTRAST)
    assert dark(desk.chip.glass())
    assert desk.cost(lambda: desk.panel.light("bright", CONTRAST)) < 16
    assert desk.shows(second(30))


def test_a_light_that_is_on_already_costs_no_byte(desk: Desk) -> None:
    assert desk.cost(lambda: desk.panel.light("bright", CONTRAST)) == 0


@pytest.mark.parametrize("light", ["dim", "dark"])
def test_the_light_survives_a_refresh_and_an_outage(desk: Desk, light: Light) -> None:
    desk.panel.show(second(30))
    desk.panel.light(light, CONTRAST)
    registers, on = dict(desk.chip.registers), desk.chip.on
    desk.pass_seconds(181)
    assert desk.chip.on is on
    assert desk.chip.registers == registers or light == "dark"
    chip = desk.i2c.unplug(ADDRESS)
    desk.panel.show(second(29))
    desk.i2c.plug(ADDRESS, chip)
    desk.pass_seconds(2)
    assert desk.chip.on is on
    if light == "dim":
        assert desk.chip.registers == registers
        assert desk.shows(second(29))


# --- trouble


def test_a_power_blip_that_nobody_noticed_is_mended_within_three_minutes(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.chip.power_cycle()
    desk.panel.show(second(29))
    assert not desk.shows(second(29))
    assert desk.told == []
    desk.pass_seconds(180)
    assert desk.shows(second(29))
    assert desk.told == []


@pytest.mark.parametrize("number", BUS_ERRORS)
@pytest.mark.parametrize("after", [0, 1, 2, 5, 40])
def test_a_write_that_fails_anywhere_is_made_good(desk: Desk, number: int, after: int) -> None:
    desk.panel.show(second(30))
    desk.i2c.fail(number, after=after)
    desk.panel.show(noise(1))
    assert len(desk.told) == 1
    desk.pass_seconds(1)
    assert desk.told[1:] == [None]
    assert desk.shows(noise(1))


def test_a_chip_that_lost_its_bus_within_a_command_understands_the_next_one(desk: Desk) -> None:
    for after in range(80):
        desk.panel.show(REAL[after % 2])
        desk.i2c.fail(errno.EREMOTEIO, after=after)
        desk.panel.show(REAL[(after + 1) % 2])
        desk.panel.light("dim" if after % 2 else "bright", CONTRAST)
        desk.pass_seconds(200)
        desk.i2c.mend()
        desk.pass_seconds(60)
        assert desk.shows(REAL[(after + 1) % 2])
    assert desk.chip.unknown == []


@pytest.mark.parametrize("after", [0, 1, 10, 27, 28, 30, 35, 60, 500, 1060])
def test_a_failure_while_waking_is_made_good(desk: Desk, after: int) -> None:
    desk.panel.stop()
    desk = Desk(desk.wiring)
    desk.i2c.fail(errno.EREMOTEIO, after=after)
    desk.start()
    assert desk.away
    desk.panel.show(second(30))
    desk.pass_seconds(1)
    assert desk.told[1:] == [None]
    assert desk.shows(second(30))
    desk.panel.stop()


def test_a_panel_that_is_plugged_in_later_comes_up(desk: Desk) -> None:
    desk.panel.stop()
    desk = Desk(desk.wiring)
    desk.i2c.unplug(ADDRESS)
    desk.start()
    desk.panel.show(second(30))
    desk.pass_seconds(300)
    assert len(desk.told) == 1
    desk.i2c.plug(ADDRESS, desk.chip)
    desk.pass_seconds(60)
    assert desk.told[1:] == [None]
    assert desk.shows(second(30))
    desk.panel.stop()


def test_pauses_double_from_one_second_to_a_minute() -> None:
    desk = Desk()
    desk.i2c.unplug(ADDRESS)
    tried: list[float] = []
    open_bus = desk.i2c.open_serial

    def opened(wiring: Wiring) -> Any:
        tried.append(desk.now)
        return open_bus(wiring)

    desk.panel = OledPanel(WIRING, monotonic=lambda: desk.now, open_serial=opened)
    desk.start()
    desk.pass_seconds(400)
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    desk.panel.stop()


def test_a_loose_contact_is_not_told_every_second(desk: Desk) -> None:
    for turn in range(600):
        desk.i2c.fail(errno.EREMOTEIO)
        desk.panel.show(noise(turn))
        desk.i2c.mend()
        desk.pass_seconds(1)
    assert len(desk.told) < 40


def test_a_panel_that_was_well_for_a_minute_is_tried_again_at_once(desk: Desk) -> None:
    for _ in range(8):
        desk.i2c.fail(errno.EREMOTEIO)
        desk.panel.show(noise(len(desk.told)))
        desk.pass_seconds(1)
        assert not desk.away
        desk.pass_seconds(60)


def test_while_nothing_is_due_the_chip_is_only_asked_whether_it_is_there(desk: Desk) -> None:
    desk.show(second(30))
    desk.chip.seen.clear()
    assert desk.cost(lambda: desk.pass_seconds(9)) == 0
    assert desk.cost(lambda: desk.pass_seconds(170)) <= 17 * 4
    assert set(desk.chip.seen) <= {(0xE3,)}
    assert desk.shows(second(30))


def test_a_panel_that_is_unplugged_under_a_still_picture_is_missed_within_ten_seconds(desk: Desk) -> None:
    desk.show(second(30))
    chip = desk.i2c.unplug(ADDRESS)
    desk.pass_seconds(11)
    assert desk.away
    chip.power_cycle()
    desk.i2c.plug(ADDRESS, chip)
    desk.pass_seconds(10)
    assert desk.shows(second(30))


def test_after_three_minutes_all_of_it_is_sent_anew(desk: Desk) -> None:
    desk.pass_seconds(179)
    assert desk.cost(lambda: desk.pass_seconds(1)) > 1024


def test_nothing_is_written_to_a_panel_that_is_away_but_one_attempt_at_a_time(desk: Desk) -> None:
    desk.i2c.unplug(ADDRESS)
    desk.panel.show(second(30))
    desk.pass_seconds(200)
    writes = desk.i2c.writes
    for turn in range(100):
        desk.panel.show(noise(turn))
        desk.panel.light("dim" if turn % 2 else "bright", CONTRAST)
        desk.panel.tend()
    assert desk.i2c.writes <= writes + 1


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106"])
def test_it_goes_dark_wherever_within_a_command_the_bus_was_lost(driver: str) -> None:
    for after in range(80):
        desk = Desk(replace(WIRING, driver=driver)).start()
        desk.panel.show(REAL[0])
        desk.i2c.fail(121, times=1, after=after)
        desk.panel.show(noise(1))
        desk.panel.off()
        assert dark(desk.chip.glass())
        assert desk.chip.unknown == []
        desk.panel.stop()


OPERATIONS: Final = st.one_of(
    st.tuples(st.just("show"), st.sampled_from(REAL)),
    st.tuples(st.just("show"), st.integers(0, 9).map(noise)),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 1.0, 2.0, 30.0, 70.0, 190.0])),
    st.tuples(st.just("light"), st.sampled_from(["bright", "dim", "dark"])),
    st.tuples(
        st.just("fail"),
        st.tuples(st.sampled_from(BUS_ERRORS), st.sampled_from([1, 2, 3, None]), st.integers(0, 1500)),
    ),
    st.tuples(st.sampled_from(["mend", "unplug", "plug"]), st.none()),
    st.tuples(st.just("blip"), st.none()),
    st.tuples(st.just("off"), st.none()),
)


@given(
    st.sampled_from(["ssd1306", "sh1106"]),
    st.sampled_from([0, 2]),
    st.lists(OPERATIONS, min_size=1, max_size=25),
)
@settings(max_examples=300, deadline=None)
def test_after_any_frames_faults_and_recoveries_the_glass_shows_the_last_frame(
    driver: str, rotate: int, operations: list[tuple[str, Any]]
) -> None:
    desk = Desk(replace(WIRING, driver=driver, rotate=rotate)).start()
    last = Image.new("1", (128, 64))
    sure = True
    for name, value in operations:
        if name == "show":
            last = value
        sure = sure and name not in {"unplug", "blip"}
        operate(desk, name, value)
        if sure and not desk.away:
            assert dark(desk.chip.glass()) if not desk.chip.on else desk.shows(last.rotate(90 * rotate))
    operate(desk, "mend", None)
    operate(desk, "plug", None)
    desk.panel.light("bright", CONTRAST)
    desk.pass_seconds(180, step=5)
    assert desk.shows(last.rotate(90 * rotate))
    assert desk.chip.unknown == []
    assert all((one is None) != (other is None) for one, other in pairwise(desk.told))
    assert not desk.away
    desk.panel.stop()


def operate(desk: Desk, name: str, value: Any) -> None:
    match name:
        case "show":
            desk.panel.show(value)
        case "pass":
            desk.pass_seconds(value)
        case "light":
            desk.panel.light(value, CONTRAST)
        case "fail":
            number, times, after = value
            desk.i2c.fail(number, times=times, after=after)
        case "mend":
            desk.i2c.mend()
        case "unplug":
            desk.i2c.chips.clear()
        case "plug" if not desk.i2c.chips:
            desk.i2c.plug(ADDRESS, desk.chip)
        case "blip":
            desk.chip.power_cycle()
        case "off":
            desk.panel.off()
        case _:
            assert name == "plug"


@given(st.lists(st.one_of(st.sampled_from(REAL), st.integers(0, 50).map(noise)), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_after_any_frames_both_kinds_of_chips_hold_the_last_one(frames: list[Image.Image]) -> None:
    for driver in ("ssd1306", "sh1106"):
        desk = Desk(replace(WIRING, driver=driver)).start()
        for frame in frames:
            assert desk.show(frame) <= 1034 + 46 + 8 * 12
            assert desk.shows(frame)
        desk.panel.stop()


# --- leaks


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106", "sh1107"])
def test_ten_thousand_failed_attempts_leak_nothing(driver: str) -> None:
    size = (64, 128) if driver == "sh1107" else (128, 64)
    desk = Desk(replace(WIRING, driver=driver, width=size[0], height=64))
    desk = Desk(replace(desk.wiring, height=size[1]), SSD1306)
    desk.i2c.unplug(ADDRESS)
    desk.start()
    before = resources()
    for _ in range(10_000):
        desk.now += 61
        desk.panel.tend()
    assert desk.i2c.opened > 10_000
    assert resources() == before
    assert len(desk.told) == 1
    desk.panel.stop()


def test_a_thousand_outages_leak_nothing(desk: Desk) -> None:
    before = resources()
    for turn in range(1000):
        desk.i2c.fail(errno.EREMOTEIO, after=turn % 20)
        desk.panel.show(REAL[turn % 2])
        desk.i2c.mend()
        desk.now += 61
        desk.panel.tend()
    assert not desk.away
    assert desk.i2c.opened > 500
    assert resources() == before


# --- the end


def test_off_makes_it_dark(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.panel.off()
    assert dark(desk.chip.glass())
    assert desk.told == []


@pytest.mark.parametrize("number", BUS_ERRORS)
def test_off_never_raises_while_the_bus_is_broken(desk: Desk, number: int) -> None:
    desk.i2c.fail(number, times=None)
    desk.panel.off()
    desk.panel.off()
    desk.panel.stop()
    desk.panel.stop()


def test_what_was_turned_off_stays_dark_over_refreshes_and_outages(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.panel.off()
    desk.pass_seconds(181)
    assert dark(desk.chip.glass())
    desk.i2c.fail(errno.EREMOTEIO)
    desk.panel.show(second(3))
    desk.pass_seconds(5)
    assert not desk.away
    assert dark(desk.chip.glass())


def test_off_tries_once_more_over_a_fresh_bus(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.i2c.fail(errno.EREMOTEIO)
    desk.panel.off()
    assert dark(desk.chip.glass())


def test_off_reaches_a_panel_that_was_given_up(desk: Desk) -> None:
    desk.panel.show(second(30))
    desk.i2c.fail(errno.EREMOTEIO)
    desk.panel.show(second(29))
    assert not dark(desk.chip.glass())
    desk.panel.off()
    assert dark(desk.chip.glass())


def test_off_survives_even_a_bug(desk: Desk) -> None:
    desk.panel._painter = None

    def broken(_wiring: Wiring) -> Any:
        raise ZeroDivisionError

    desk.panel._open_serial = broken
    desk.panel.off()


def test_off_stop_show_and_tend_without_start_do_nothing() -> None:
    desk = Desk()
    desk.panel.show(second(30))
    desk.panel.light("dim", CONTRAST)
    desk.panel.tend()
    desk.panel.off()
    desk.panel.stop()
    assert desk.bus.bytes == 0


def test_a_stopped_panel_is_left_alone(desk: Desk) -> None:
    desk.panel.stop()
    before = desk.bus.bytes
    desk.panel.show(second(30))
    desk.pass_seconds(300)
    assert desk.bus.bytes == before


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106", "ssd1315"])
def test_blank_turns_a_panel_dark_that_somebody_else_left_lit(driver: str) -> None:
    desk = Desk(replace(WIRING, driver=driver), MODELS.get(driver, SSD1306)).start()
    desk.panel.show(second(30))
    desk.panel.stop()
    assert desk.shows(second(30))
    blank(desk.wiring, desk.i2c.open_serial)
    assert dark(desk.chip.glass())


def test_blank_says_why_it_can_not() -> None:
    bus = I2cBus()
    with pytest.raises(HardwareFailed) as raised:
        blank(WIRING, bus.open_serial)
    assert raised.value.what == "can't reach the panel ssd1306 at 0x3c on /dev/i2c-1"
    assert raised.value.why == "nothing answers at 0x3c"
    assert raised.value.hint == "check the wiring and display.address: i2cdetect -y 1"


# --- SPI


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106"])
@pytest.mark.parametrize("reset", [25, None])
def test_spi_shows_frames_and_lets_go_of_its_pins(driver: str, reset: int | None) -> None:
    desk = Desk(replace(WIRING, driver=driver, bus="spi", reset=reset)).start()
    assert set(desk.spi.pins) == {24} | ({25} if reset else set())
    for frame in (*REAL, noise(1), noise(2)):
        desk.panel.show(frame)
        assert desk.shows(frame)
    assert desk.spi.resets == (1 if reset else 0)
    desk.chip.power_cycle()
    desk.pass_seconds(180)
    assert desk.shows(noise(2))
    desk.panel.off()
    assert dark(desk.chip.glass())
    desk.panel.stop()
    assert desk.spi.pins == {}


def test_spi_that_fails_to_open_lets_go_of_its_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    held: set[int] = set()
    gpio: Any = types.ModuleType("RPi.GPIO")
    gpio.BCM, gpio.OUT, gpio.LOW, gpio.HIGH = 11, 0, 0, 1
    gpio.setmode = lambda _mode: None
    gpio.setup = lambda pin, _direction: held.add(pin)
    gpio.output = lambda _pin, _level: None
    gpio.cleanup = held.difference_update
    package: Any = types.ModuleType("RPi")
    package.GPIO = gpio
    spidev: Any = types.ModuleType("spidev")

    class SpiDev:
        def open(self, port: int, device: int) -> None:
            assert held == {24, 25}
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    spidev.SpiDev = SpiDev
    for name, module in (("RPi", package), ("RPi.GPIO", gpio), ("spidev", spidev)):
        monkeypatch.setitem(sys.modules, name, module)
    told: list[Problem] = []
    panel = OledPanel(replace(WIRING, bus="spi"))
    panel.start(told.append, lambda: None)
    assert held == set()
    assert (told[0].why, told[0].hint) == ("there is no /dev/spidev0.0", "switch SPI on: sudo raspi-config")
    panel.stop()


# --- words


def problem_of(error: Exception, wiring: Wiring = WIRING) -> Problem:
    def broken(_wiring: Wiring) -> Any:
        raise error

    told: list[Problem] = []
    panel = OledPanel(wiring, open_serial=broken)
    panel.start(told.append, lambda: None)
    return told[0]


def os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.skipif(Path("/dev/i2c-7").exists(), reason="this machine has a bus 7")
def test_a_bus_that_is_missing_is_told_with_what_to_do() -> None:
    told: list[Problem] = []
    panel = OledPanel(replace(WIRING, i2c_port=7))
    panel.start(told.append, lambda: None)
    assert told == [
        Problem(
            "can't reach the panel ssd1306 at 0x3c on /dev/i2c-7",
            "there is no /dev/i2c-7",
            "switch I2C on: sudo raspi-config",
            "E7",
        )
    ]
    panel.stop()


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOENT, "switch I2C on: sudo raspi-config"),
        (errno.EACCES, "add the user to the group i2c"),
        (errno.EREMOTEIO, "check the wiring and display.address: i2cdetect -y 1"),
        (errno.ENXIO, "check the wiring and display.address: i2cdetect -y 1"),
        (errno.ETIMEDOUT, "take the panel's power away and back; check SDA and SCL for a short"),
        (errno.EBUSY, "remove the panel's dtoverlay from config.txt"),
        (errno.EOPNOTSUPP, "connect the panel to the Pi's own bus"),
        (errno.EPROTO, "check the wiring of the panel"),
    ],
)
def test_each_failure_has_its_hint(number: int, hint: str) -> None:
    problem = problem_of(os_error(number))
    assert problem.hint == hint
    assert problem.why
    assert problem.why[0].islower()


def test_a_failure_that_luma_wrapped_keeps_its_reason() -> None:
    wrapped = DeviceNotFoundError("I2C device not found on address: 0x3C")
    wrapped.__context__ = os_error(errno.EREMOTEIO)
    assert problem_of(wrapped).why == "nothing answers at 0x3c"
    other = DeviceNotFoundError("I2C device not found: /dev/i2c-1")
    other.__context__ = os_error(errno.ENOENT)
    assert problem_of(other).why == "there is no /dev/i2c-1"


def test_missing_modules_are_named_with_their_package() -> None:
    missing = ModuleNotFoundError("No module named 'RPi'", name="RPi.GPIO")
    problem = problem_of(missing, replace(WIRING, bus="spi"))
    assert problem.why == "the module RPi is missing"
    assert problem.hint == "sudo apt install python3-rpi-lgpio"
    assert problem_of(ModuleNotFoundError("x", name="other")).hint == "install the appliance again"


def test_busy_pins_are_trouble_and_not_a_crash() -> None:
    assert problem_of(RuntimeError("GPIO busy")).why == "gpio busy"


def test_silence_on_spi_is_not_told_in_terms_of_addresses() -> None:
    problem = problem_of(os_error(errno.EIO), replace(WIRING, bus="spi"))
    assert problem.why == "the transfer failed"
    assert problem.what == "can't reach the panel ssd1306 on /dev/spidev0.0"


def test_a_size_that_the_driver_lacks_is_told() -> None:
    desk = Desk(replace(WIRING, height=48)).start()
    assert desk.told[0] is not None
    assert desk.told[0].hint == "check display.width and display.height"
    desk.panel.stop()


def test_a_panel_that_worked_before_is_lost_and_not_unreachable(desk: Desk) -> None:
    desk.i2c.unplug(ADDRESS)
    desk.panel.show(second(30))
    assert desk.told[0] is not None
    assert desk.told[0].what.startswith("lost the panel")


def test_a_bug_is_no_trouble_with_the_bus() -> None:
    with pytest.raises(ZeroDivisionError):
        problem_of(ZeroDivisionError())


def test_luma_is_not_imported_before_a_panel_is_opened() -> None:
    import subprocess

    code = "import sys, appliance.adapters.oled; print(any(m.split('.')[0] == 'luma' for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_bus_is_opened_through_luma() -> None:
    with warnings.catch_warnings(), suppress(DeviceNotFoundError):
        open_serial(replace(WIRING, i2c_port=250))
        pytest.fail("there is a bus 250")
