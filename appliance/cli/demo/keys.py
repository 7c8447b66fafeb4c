"""The keys of a board in the terminal: which letter moves which key, and what stands on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.board import Board
from appliance.core.gestures import Key

_SIGNS: Final[Mapping[Key, str]] = {
    "previous": "◀",
    "left": "◀",
    "up": "▲",
    "ok": "OK",
    "centre": "OK",
    "down": "▼",
    "next": "▶",
    "right": "▶",
    "key1": "list",
    "key2": "menu",
    "key3": "dark",
}
"""What a key is for, in the order in which keys stand side by side."""
DESK_LETTERS: Final[Mapping[Key, str]] = {
    "previous": "a",
    "left": "a",
    "up": "w",
    "ok": "s",
    "centre": "s",
    "down": "x",
    "next": "d",
    "right": "d",
    "key1": "1",
    "key2": "2",
    "key3": "3",
}
"""Under the left hand."""
SHELF_LETTERS: Final[Mapping[Key, str]] = {
    "previous": "j",
    "left": "j",
    "up": "i",
    "ok": "k",
    "centre": "k",
    "down": "m",
    "next": "l",
    "right": "l",
    "key1": "8",
    "key2": "9",
    "key3": "0",
}
"""Under the right hand."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A key as it is seen and reached."""

    key: Key
    letter: str
    sign: str

    @property
    def capital(self) -> str | None:
        """What Shift makes of the letter; None: of a digit it makes something else on each keyboard."""
        return self.letter.upper() if self.letter.isalpha() else None


def caps(board: Board, letters: Mapping[Key, str]) -> tuple[Cap, ...]:
    """Return the keys that a board has, from left to right."""
    return tuple(Cap(key, letters[key], sign) for key, sign in _SIGNS.items() if key in board.buttons)
