"""The board as it is wired here: what its name stands for, with everything that settings override."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from appliance.board import BOARDS, Board
from appliance.core.gestures import Key
from appliance.settings.sections import ButtonSettings, DisplaySettings, PinSettings

_Value = TypeVar("_Value")


def fitted(display: DisplaySettings, buttons: ButtonSettings) -> Board:
    """Return the board with its panel and keys as the settings have them.

    Of a `Settings` tree the keys make a layout, no pin is used twice, and a panel on SPI has its data pin. The keys
    are those that there are with `buttons.backend: none` as well.
    """
    board = BOARDS[display.board]
    driver = _chosen(display.driver, board.driver)
    # Where the glass begins belongs to the chip: another chip than the board's has it where that one usually does.
    offset = board.column_offset if driver == board.driver else None
    return replace(
        board,
        driver=driver,
        bus=_chosen(display.bus, board.bus),
        buttons=_keys(buttons.pins, board.buttons),
        i2c_port=_chosen(display.i2c_port, board.i2c_port),
        address=_chosen(display.address, board.address),
        spi_port=_chosen(display.spi_port, board.spi_port),
        spi_device=_chosen(display.spi_device, board.spi_device),
        dc=_pin(display.dc, board.dc),
        reset=_pin(display.reset, board.reset),
        width=_chosen(display.width, board.width),
        height=_chosen(display.height, board.height),
        rotate=_chosen(display.rotate, board.rotate),
        column_offset=_chosen(display.column_offset, offset),
    )


def _chosen(own: _Value | None, boards: _Value) -> _Value:
    return boards if own is None else own


def _pin(own: int | Literal["none"] | None, boards: int | None) -> int | None:
    return None if own == "none" else _chosen(own, boards)


def _keys(own: PinSettings, boards: Mapping[Key, int]) -> Mapping[Key, int]:
    keys: tuple[Key, ...] = get_args(Key)
    pins = {key: _pin(getattr(own, key), boards.get(key)) for key in keys}
    return MappingProxyType({key: pin for key, pin in pins.items() if pin is not None})
