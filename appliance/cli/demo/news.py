"""What is new in the status of an appliance, in words for the journal."""

from collections.abc import Iterator
from typing import Final

from appliance.cli.terminal import Json

News = tuple[str, bool]
"""Words, and whether something went wrong."""

_SETTLED: Final = frozenset(
    {"verified", "unverified", "rolled_back", "rejected", "conflict", "too_large", "offline"}
)


def news(before: Json | None, after: Json) -> Iterator[News]:
    """Yield what happened between two looks; before the first one the display worked and the clock was right."""
    backup = after["backup"]
    if backup["state"] in _SETTLED and (before is None or backup != before["backup"]):
        yield _of_backup(backup), False
    display = after["display"]
    if display["ok"] != (before is None or before["display"]["ok"]):
        yield display["error"] or "the display is back, and shows the picture again", not display["ok"]
    clock = after["clock"]
    if clock["state"] != ("synchronised" if before is None else before["clock"]["state"]):
        yield _of_clock(clock)


def _of_backup(backup: Json) -> str:
    words = str(backup["state"]).replace("_", " ")
    if backup["state"] == "verified":
        words += f": generation {backup['generation']} was fetched back, compared and decrypted"
    elif backup["error"]:
        words += f": {backup['error']}"
    return f"backup {words}"


def _of_clock(clock: Json) -> News:
    match clock["state"]:
        case "synchronised":
            return "the clock is synchronised: codes are shown", False
        case "held-over":
            return "somebody said that the clock is right: codes are shown", False
        case _:
            return "the clock can't be trusted: codes by time are withheld", True
