"""The rows of the lists on the display, and how a hand moves between them."""

from typing import Final, TypeVar

from appliance.core.instant import Instant
from appliance.core.screen import LEVELS, Item, Level
from appliance.core.state import Open, State

T = TypeVar("T")

FAST_AFTER: Final = 10
"""Automatic repeats, after about two seconds of holding, from which on it goes by initial letters."""
FAST_EVERY: Final = 3
"""Of so many repeats one moves then: a letter that nobody can read helps nobody."""
LONG: Final = 12
"""Rows from which on letters are quicker than rows."""


def accounts(state: State) -> tuple[str | None, ...]:
    """Return the uuids in the order of the display, and None for the row `back`."""
    return (*(record.account.uuid for record in state.records), None)


def levels() -> tuple[Level | None, ...]:
    """Return the rows of the brightness list."""
    return (*LEVELS, None)


def items(state: State, now: Instant) -> tuple[Item, ...]:
    """Return the rows of the menu: what is wanted most is first, `back` is last."""
    rows: list[Item] = []
    shown = state.shown
    if shown is not None:
        hotp = shown[0].account.type == "hotp"
        withheld = not hotp and not state.believes(now)
        if withheld and not now.early:
            rows.append("clock")
        # With one button a press means the next account, so that nothing else can ask for a code.
        if state.options.layout == "one" and not withheld and (hotp or state.options.reveal_on_press):
            rows.append("reveal")
    if isinstance(state.phase, Open):
        rows.append("list")
        if state.phase.mode != "credential":
            rows.append("lock")
    rows.append("status")
    if shown is not None:
        rows.append("qr")
    if state.options.prefix is not None and isinstance(state.phase, Open):
        rows.append("backup")
    return (*rows, "brightness", "about", "back")


def moved(rows: tuple[T, ...], chosen: T, step: int, *, around: bool) -> T:
    """Return the row that is `step` rows on; without `around` the first and the last row are ends."""
    place = rows.index(chosen) if chosen in rows else 0
    place += step
    return rows[place % len(rows) if around else max(0, min(len(rows) - 1, place))]


def leapt(rows: tuple[T, ...], initials: tuple[str, ...], chosen: T, step: int) -> T:
    """Return the next row, in steps of `step`, with another initial letter; the last one there is, if there is none."""
    place = rows.index(chosen) if chosen in rows else 0
    letter = initials[place]
    while 0 <= place + step < len(rows):
        place += step
        if initials[place] != letter:
            break
    return rows[place]


def initial(state: State, uuid: str | None) -> str:
    """Return the letter under which people look for an account; "" for the row `back`."""
    vault = state.vault
    record = vault.records.get(uuid) if vault is not None and uuid is not None else None
    label = "" if record is None else record.account.issuer.strip() or record.account.name.strip()
    return label[:1].upper()
