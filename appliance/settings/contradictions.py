"""Settings that are right one by one and wrong together.

Each contradiction stands at one key and names all keys that it depends on, so that a report can leave it out where
one of those is wrong already: it would only repeat that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from appliance.board import Board, layout_of
from appliance.core.gestures import Key
from appliance.settings.fitting import fitted
from appliance.settings.sections import ButtonSettings, DisplaySettings, MqttSettings

_PANEL: Final = ("display.board", "display.driver", "display.bus")
_PINS: Final = (*_PANEL, "display.i2c_port", "display.spi_port", "buttons.backend")
"""What decides which pins are used at all."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two or more settings that can't all be meant."""

    key: str
    """Dotted; where it is reported."""
    why: str
    needs: tuple[str, ...]
    """Dotted keys of everything that it depends on."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that uses a pin."""

    key: str
    """Dotted, of the setting that says so."""
    owner: str
    given: bool
    """By the settings, not by the board."""


def contradictions(
    display: DisplaySettings, buttons: ButtonSettings, mqtt: MqttSettings
) -> Iterator[Contradiction]:
    """Yield everything that does not go together."""
    board = fitted(display, buttons)
    yield from _of_the_night(display)
    yield from _of_the_panel(board)
    yield from _of_the_keys(board, buttons)
    yield from _of_the_pins(board, display, buttons)
    yield from _of_the_broker(mqtt)


def _of_the_night(display: DisplaySettings) -> Iterator[Contradiction]:
    begins, ends = display.night_from, display.night_to
    needs = ("display.night_from", "display.night_to")
    if (begins is None) != (ends is None):
        yield Contradiction("display.night_to", "night_from and night_to only work together", needs)
    elif begins is not None and begins == ends:
        yield Contradiction("display.night_to", "expected another time than night_from", needs)


def _of_the_panel(board: Board) -> Iterator[Contradiction]:
    if board.driver != "none" and board.bus == "spi" and board.dc is None:
        why = "a panel on SPI needs the pin that tells data from commands"
        yield Contradiction("display.dc", why, (*_PANEL, "display.dc"))


def _of_the_keys(board: Board, buttons: ButtonSettings) -> Iterator[Contradiction]:
    try:
        layout_of(board.buttons)
    except ValueError as refusal:
        why = f"{_unusable(board, buttons)}: {refusal}; none takes away a key of the board"
        needs = tuple(f"buttons.pins.{key}" for key in get_args(Key))
        yield Contradiction("buttons.pins", why, ("display.board", *needs))


def _unusable(board: Board, buttons: ButtonSettings) -> str:
    own = [key for key in board.buttons if getattr(buttons.pins, key) is not None]
    boards = [key for key in board.buttons if key not in own]
    if own and boards:
        return f"can't use {_listed(own)} beside the board's {_listed(boards)}"
    return f"can't use {_listed(own or boards)} alone" if own or boards else "there is no key left"


def _listed(words: list[Key]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _of_the_pins(board: Board, display: DisplaySettings, buttons: ButtonSettings) -> Iterator[Contradiction]:
    claims: dict[int, list[_Claim]] = {}
    for pin, claim in (*_claims_of_the_panel(board, display), *_claims_of_the_keys(board, buttons)):
        claims.setdefault(pin, []).append(claim)
    for pin, rivals in claims.items():
        if len(rivals) > 1:
            # It is told at a setting that somebody wrote, the last one, since what a board says can't be corrected.
            blamed = [claim for claim in rivals if claim.given][-1:] or rivals[-1:]
            owners = " and ".join(claim.owner for claim in rivals if claim not in blamed)
            needs = (*_PINS, *(claim.key for claim in rivals))
            yield Contradiction(blamed[0].key, f"GPIO {pin} is taken by {owners}", needs)


def _claims_of_the_panel(board: Board, display: DisplaySettings) -> Iterator[tuple[int, _Claim]]:
    if board.driver == "none":
        return
    for pin in board.bus_lines:
        yield pin, _Claim("display.bus", f"the {board.bus.upper()} bus", display.bus is not None)
    if board.bus == "spi":
        for name, wired in (("dc", board.dc), ("reset", board.reset)):
            if wired is not None:
                yield wired, _claim(f"display.{name}", given=getattr(display, name) is not None)


def _claims_of_the_keys(board: Board, buttons: ButtonSettings) -> Iterator[tuple[int, _Claim]]:
    if buttons.backend != "none":
        for key, pin in board.buttons.items():
            yield pin, _claim(f"buttons.pins.{key}", given=getattr(buttons.pins, key) is not None)


def _claim(key: str, *, given: bool) -> _Claim:
    return _Claim(key, key if given else f"{key}, as the board has it", given)


def _of_the_broker(mqtt: MqttSettings) -> Iterator[Contradiction]:
    if mqtt.password_file is not None and mqtt.username is None:
        needs = ("mqtt.username", "mqtt.password_file")
        yield Contradiction("mqtt.password_file", "a password needs mqtt.username too", needs)
    if (mqtt.tls.cert_file is None) != (mqtt.tls.key_file is None):
        needs = ("mqtt.tls.cert_file", "mqtt.tls.key_file")
        yield Contradiction("mqtt.tls.key_file", "cert_file and key_file only work together", needs)
