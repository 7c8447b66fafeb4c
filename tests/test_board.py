from dataclasses import replace
from typing import Final, get_args

import pytest

from appliance.board import BOARDS, Board, Bus, layout_of
from appliance.core.gestures import Key, Layout
from appliance.settings import Board as BoardName
from appliance.settings import Driver

HEADER: Final = range(28)
"""BCM numbers that a 40-pin header has."""
I2C_PINS: Final = {1: {2, 3}}
SPI_PINS: Final = {(0, 0): {8, 10, 11}, (0, 1): {7, 10, 11}}
CHIP_SELECTS: Final = {7, 8}
"""Which an overlay can move."""

every_board = pytest.mark.parametrize("board", list(BOARDS.values()), ids=list(BOARDS))


def test_the_settings_know_these_boards_and_no_other() -> None:
    assert set(BOARDS) == set(get_args(BoardName))


@every_board
def test_a_board_is_found_by_its_own_name(board: Board) -> None:
    assert BOARDS[board.name] is board


@every_board
def test_the_settings_know_the_driver_of_a_board(board: Board) -> None:
    assert board.driver in get_args(Driver)
    assert board.driver != "none"


@every_board
def test_every_key_has_a_pin_of_its_own_that_the_panel_leaves_free(board: Board) -> None:
    bus = I2C_PINS[board.i2c_port] if board.bus == "i2c" else SPI_PINS[board.spi_port, board.spi_device]
    pins = [*board.buttons.values(), *(pin for pin in (board.dc, board.reset) if pin is not None), *bus]
    assert len(pins) == len(set(pins))
    assert set(pins) <= set(HEADER)
    assert board.bus_lines == bus - CHIP_SELECTS


@every_board
def test_a_board_on_the_spi_bus_says_which_pin_tells_data_from_commands(board: Board) -> None:
    assert board.bus in get_args(Bus)
    assert (board.dc is not None) == (board.bus == "spi")


@every_board
def test_a_panel_is_as_large_as_the_screens_are_drawn(board: Board) -> None:
    assert (board.width, board.height) in {(128, 64), (128, 32)}
    assert board.rotate in range(4)
    assert 0x08 <= board.address <= 0x77


def test_an_sh1106_centres_its_picture_and_an_ssd1306_does_not() -> None:
    assert {board.column_offset for board in BOARDS.values() if board.driver == "sh1106"} == {2}
    assert {board.column_offset for board in BOARDS.values() if board.driver == "ssd1306"} == {None}


@pytest.mark.parametrize(
    ("name", "layout", "pins"),
    [
        ("generic", "three", {"previous": 17, "next": 27, "ok": 22}),
        (
            "waveshare-1.3-oled-hat",
            "joystick",
            {"left": 5, "right": 26, "up": 6, "down": 19, "centre": 13, "key1": 21, "key2": 20, "key3": 16},
        ),
        (
            "adafruit-oled-bonnet",
            "joystick",
            {"left": 27, "right": 23, "up": 17, "down": 22, "centre": 4, "key1": 5, "key2": 6},
        ),
    ],
)
def test_the_keys_are_where_the_makers_put_them(name: str, layout: Layout, pins: dict[Key, int]) -> None:
    assert BOARDS[name].buttons == pins
    assert BOARDS[name].layout == layout


def test_the_waveshare_panel_is_wired_as_its_manual_says() -> None:
    board = BOARDS["waveshare-1.3-oled-hat"]
    assert (board.driver, board.bus, board.spi_port, board.spi_device) == ("sh1106", "spi", 0, 0)
    assert (board.dc, board.reset, board.rotate) == (24, 25, 2)


@pytest.mark.parametrize("name", ["generic", "adafruit-oled-bonnet"])
def test_the_panels_on_the_i2c_bus_answer_at_the_usual_address(name: str) -> None:
    board = BOARDS[name]
    assert (board.driver, board.bus, board.i2c_port, board.address) == ("ssd1306", "i2c", 1, 0x3C)


@pytest.mark.parametrize(
    ("bus", "i2c_port", "spi_port", "lines"),
    [
        ("i2c", 1, 0, {2, 3}),
        ("i2c", 0, 0, set()),
        ("spi", 1, 0, {10, 11}),
        ("spi", 1, 1, set()),
    ],
)
def test_a_bus_takes_the_pins_that_it_has_on_every_pi(
    bus: Bus, i2c_port: int, spi_port: int, lines: set[int]
) -> None:
    board = replace(BOARDS["generic"], bus=bus, i2c_port=i2c_port, spi_port=spi_port)
    assert board.bus_lines == lines


def test_nobody_can_change_a_board() -> None:
    with pytest.raises(TypeError):
        BOARDS["generic"].buttons["ok"] = 4  # type: ignore[index]
    with pytest.raises(TypeError):
        BOARDS["mine"] = BOARDS["generic"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("keys", "layout"),
    [
        (("ok", "next", "previous"), "three"),
        (("ok", "next"), "two"),
        (("ok",), "one"),
        (("left", "right", "centre"), "joystick"),
        (("up", "down", "centre", "key3"), "joystick"),
        (("left", "right", "up", "down", "centre", "key1", "key2", "key3"), "joystick"),
    ],
)
def test_the_layout_follows_from_the_keys(keys: tuple[Key, ...], layout: Layout) -> None:
    assert layout_of(keys) == layout


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("next",),
        ("previous", "ok"),
        ("previous", "next"),
        ("previous", "next", "ok", "key1"),
        ("left", "right"),
        ("left", "up", "centre"),
        ("left", "right", "up", "centre"),
        ("centre",),
        ("centre", "key1"),
        ("left", "right", "centre", "ok"),
    ],
)
def test_keys_that_make_no_layout_are_refused_with_those_that_do(keys: tuple[Key, ...]) -> None:
    with pytest.raises(ValueError, match="previous, next and ok") as refusal:
        layout_of(keys)
    assert "centre with left and right" in str(refusal.value)
