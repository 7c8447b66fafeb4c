"""What is to be seen of an appliance at a look: values and words, which `panel` draws."""

import time
from dataclasses import dataclass
from typing import Final

from PIL.Image import Image

from appliance.cli.terminal import Json

_WORKING: Final = frozenset({"pending", "acknowledged"})

Said = tuple[str, str]
"""Words, and their tone: good, busy, bad or idle."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of an appliance."""

    at: float
    """Monotonic."""
    frame: Image
    """What the display shows, or would if it were plugged in."""
    status: Json
    plugged: bool = True
    """Its display is."""
    clock_right: bool = True
    """Its clock is."""


@dataclass(frozen=True, slots=True)
class Face:
    """What is seen on the glass."""

    frame: Image | None
    """None: it is dark."""
    dim: bool = False
    words: tuple[str, ...] = ()
    """Why it is dark; no pixels of the product's."""


def face(look: Look | None) -> Face:
    """Return what is seen on the glass."""
    if look is None:
        return Face(None)
    display = look.status["display"]
    if not look.plugged:
        noticed = display["error"] or "not noticed yet: what does not change is not sent"
        return Face(
            None, words=("unplugged", noticed, "", "appliance code NAME still works", "u plugs it in")
        )
    if not display["ok"]:
        tried = "plugged in: it is tried again, at the latest after a minute"
        return Face(None, words=("dark", display["error"], "", tried))
    if display["light"] == "dark":
        return Face(None, words=("dark: press a button",))
    return Face(look.frame, dim=display["light"] == "dim")


def condition(look: Look | None, *, seen: bool) -> Said:
    """Return how an appliance is; `seen`: it did answer before."""
    if look is None:
        return ("does not answer", "bad") if seen else ("starting", "busy")
    status = look.status
    if status["state"] == "no-vault":
        return "empty: no vault yet", "idle"
    if status["state"] != "open":
        return str(status["error"] or status["state"]), "bad" if status["error"] else "busy"
    backup = status["backup"]
    words = f"{status['accounts']} accounts · generation {status['generation']} · backup {backup['state'].replace('_', ' ')}"
    if backup["state"] == "verified":
        return f"{words} {time.strftime('%H:%M:%S', time.localtime(backup['verified_at']))}", "good"
    return words, "busy" if backup["state"] in _WORKING else "bad"


def parts(look: Look | None) -> Said:
    """Return how the display and the clock are, in one line of 64 signs."""
    if look is None:
        return "", "idle"
    clock, display = look.status["clock"], look.status["display"]
    if not clock["trusted"]:
        cause = "it jumped" if clock["jumped"] else "no network time"
        return f"clock not trusted: {cause}; OK asks you, c mends it", "bad"
    if not look.clock_right:
        return "codes of a wrong time: you said it is right; c mends the clock", "bad"
    light = {"bright": "lit", "dim": "dim until a button is pressed"}.get(display["light"], "dark")
    return f"{display['driver']} {light if display['ok'] else 'lost'} · clock {clock['state']}", "idle"
