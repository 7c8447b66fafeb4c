"""What the display shows while nothing has to be told: values only; `hand.py` decides where a press leads."""

from dataclasses import dataclass, field
from typing import Final, Literal

from appliance.core.layout.qr_screen import Modules

Item = Literal["reveal", "clock", "list", "lock", "status", "qr", "backup", "brightness", "about", "back"]
"""A row of the menu."""
Level = Literal["low", "medium", "high", "full"]
"""A row of the brightness list."""

LEVELS: Final[dict[Level, int]] = {"low": 40, "medium": 100, "high": 170, "full": 255}
"""Contrast as the controllers count it, 1 to 255; steps that look even on an SSD1306."""


@dataclass(frozen=True, slots=True)
class Code:
    """The chosen account and its code: where everything returns to."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Accounts pass by while a button is held; when the hand lets go, the one reached is shown."""

    until: float
    """Monotonic."""
    fast: bool = False
    """It goes by initial letters now."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The list of accounts."""

    cursor: str | None
    """Uuid; None: the row `back`."""
    fast_until: float = 0.0
    """Monotonic; until then the initial letter is seen large."""


@dataclass(frozen=True, slots=True)
class Menu:
    """What can be done."""

    item: Item


@dataclass(frozen=True, slots=True)
class Pages:
    """What is known, page by page."""

    topic: Literal["status", "about"]
    page: int = 0
    """From 0."""


@dataclass(frozen=True, slots=True)
class Brightness:
    """How bright the panel is when it is bright; the chosen row is tried out at once."""

    level: Level | None
    """None: the row `back`."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is done only if somebody says yes."""

    about: Literal["clock", "qr"]
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Qr:
    """The secret of an account, for a phone's camera."""

    modules: Modules | None = field(repr=False)
    """None: it is too long for the panel."""
    caption: str
    until: float
    """Monotonic."""


Screen = Code | Walk | Accounts | Menu | Pages | Brightness | Question | Qr
