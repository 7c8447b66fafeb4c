"""What to open follows from the board and from what the settings override."""

import subprocess
import sys
from typing import Any

import pytest

from appliance.adapters.oled import Wiring
from appliance.board import BOARDS
from appliance.core.gestures import Key, Layout
from appliance.hardware import layout, pins, wiring
from appliance.settings import Settings


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


GENERIC = Wiring(
    driver="ssd1306",
    bus="i2c",
    i2c_port=1,
    address=0x3C,
    spi_port=0,
    spi_device=0,
    dc=0,
    reset=None,
    width=128,
    height=64,
    rotate=0,
    column_offset=None,
)
WAVESHARE = Wiring(
    driver="sh1106",
    bus="spi",
    i2c_port=1,
    address=0x3C,
    spi_port=0,
    spi_device=0,
    dc=24,
    reset=25,
    width=128,
    height=64,
    rotate=2,
    column_offset=2,
)


@pytest.mark.parametrize(
    ("board", "expected"),
    [("generic", GENERIC), ("waveshare-1.3-oled-hat", WAVESHARE), ("adafruit-oled-bonnet", GENERIC)],
)
def test_a_board_alone_says_how_its_panel_is_wired(board: str, expected: Wiring) -> None:
    assert wiring(settings(display={"board": board})) == expected


def test_every_setting_of_the_panel_overrides_the_board() -> None:
    own = Wiring(
        driver="ssd1309",
        bus="spi",
        i2c_port=3,
        address=0x3D,
        spi_port=1,
        spi_device=2,
        dc=9,
        reset=12,
        width=96,
        height=32,
        rotate=1,
        column_offset=0,
    )
    display = {key: getattr(own, key) for key in Wiring.__dataclass_fields__}
    assert wiring(settings(display=display | {"board": "waveshare-1.3-oled-hat"})) == own


@pytest.mark.parametrize(("board", "rotate", "reset"), [("waveshare-1.3-oled-hat", 0, 0)])
def test_zero_is_a_value_and_not_the_boards(board: str, rotate: int, reset: int) -> None:
    display = {"board": board, "rotate": rotate, "reset": reset, "dc": 24, "column_offset": 0}
    panel = wiring(settings(display=display))
    assert panel is not None
    assert (panel.rotate, panel.reset, panel.column_offset) == (0, 0, 0)


def test_a_reset_that_is_not_wired_takes_away_the_boards() -> None:
    panel = wiring(settings(display={"board": "waveshare-1.3-oled-hat", "reset": "none"}))
    assert panel is not None
    assert panel.reset is None


def test_another_chip_than_the_boards_has_its_glass_where_it_usually_has() -> None:
    for board, driver in (("generic", "sh1106"), ("waveshare-1.3-oled-hat", "ssd1309")):
        panel = wiring(settings(display={"board": board, "driver": driver}))
        assert panel is not None
        assert panel.column_offset is None
    same = wiring(settings(display={"board": "waveshare-1.3-oled-hat", "driver": "sh1106"}))
    assert same == WAVESHARE


def test_the_driver_called_none_has_no_panel() -> None:
    assert wiring(settings(display={"driver": "none"})) is None
    assert pins(settings(display={"driver": "none"})) == BOARDS["generic"].buttons


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_alone_says_where_its_keys_are(board: str) -> None:
    assert pins(settings(display={"board": board})) == BOARDS[board].buttons
    assert layout(settings(display={"board": board})) == BOARDS[board].layout


@pytest.mark.parametrize(
    ("board", "own", "expected", "kind"),
    [
        ("generic", {"ok": 5}, {"previous": 17, "next": 27, "ok": 5}, "three"),
        ("generic", {"previous": "none"}, {"next": 27, "ok": 22}, "two"),
        ("generic", {"previous": "none", "next": "none", "ok": 0}, {"ok": 0}, "one"),
        (
            "generic",
            {
                "previous": "none",
                "next": "none",
                "ok": "none",
                "left": 5,
                "right": 6,
                "centre": 13,
                "key2": 19,
            },
            {"left": 5, "right": 6, "centre": 13, "key2": 19},
            "joystick",
        ),
        (
            "adafruit-oled-bonnet",
            {"up": "none", "down": "none", "key3": 12},
            {"left": 27, "right": 23, "centre": 4, "key1": 5, "key2": 6, "key3": 12},
            "joystick",
        ),
    ],
)
def test_keys_of_the_settings_come_before_those_of_the_board(
    board: str, own: dict[str, Any], expected: dict[Key, int], kind: Layout
) -> None:
    tree = settings(display={"board": board}, buttons={"pins": own})
    assert pins(tree) == expected
    assert layout(tree) == kind


def test_without_buttons_no_pin_is_read_and_the_keys_are_still_known() -> None:
    tree = settings(buttons={"backend": "none", "pins": {"previous": "none"}})
    assert pins(tree) == {}
    assert layout(tree) == "two"


def test_asking_what_to_open_loads_no_library_of_the_hardware() -> None:
    program = (
        "import sys, appliance.hardware as hardware; from appliance.settings import Settings;"
        "hardware.wiring(Settings()), hardware.pins(Settings()), hardware.layout(Settings());"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'luma', 'RPi', 'smbus2', 'spidev', 'lgpio'})"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""
