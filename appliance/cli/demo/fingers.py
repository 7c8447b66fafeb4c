"""Fingers on the keys of one appliance: when each goes down, and when it comes up again.

A terminal tells when a letter was typed, not when it was let go, so a finger is given a time to stay. A letter that is
kept down is typed again and again: that makes the finger stay, and a held letter holds the button. A mouse tells both,
but perhaps in the same millisecond. Rules: no press is shorter, and no pause between two presses of a key is shorter,
than what the appliance takes for a hand (`core.gestures`), however late the edges are posted. No clock in here.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Final, Literal

from appliance.core.gestures import Key

TAP_SECONDS: Final = 0.06
"""The shortest press: a contact must rest for 12.5 ms to count, and a socket and two threads lie between."""
PAUSE_SECONDS: Final = 0.04
"""The shortest pause: a contact must rest for 20 ms to count as let go."""
STAY_SECONDS: Final = 0.15
"""How long a finger stays after its letter came again: terminals repeat a letter 11 to 40 times a second."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Press a key for some seconds; infinity: until it is let go."""

    key: Key
    seconds: float


@dataclass(frozen=True, slots=True)
class LetGo:
    """Let go of a key."""

    key: Key


@dataclass(frozen=True, slots=True)
class _Finger:
    down_at: float
    up_at: float
    coming: Literal["down", "up", "nothing"] = "down"

    @property
    def due_at(self) -> float:
        return {"down": self.down_at, "up": self.up_at, "nothing": inf}[self.coming]


class Fingers:
    """All that touch one appliance; times are monotonic."""

    def __init__(self) -> None:
        self._fingers: dict[Key, _Finger] = {}

    def take(self, act: Touch | LetGo, now: float) -> None:
        """Take over what a hand does."""
        before = self._fingers.get(act.key)
        busy = before is not None and before.coming != "nothing"
        match act:
            case Touch(key, seconds) if before is None or not busy:
                down_at = now if before is None else max(now, before.up_at + PAUSE_SECONDS)
                self._fingers[key] = _Finger(down_at, down_at + seconds)
            case Touch(key) if before is not None:
                self._fingers[key] = replace(before, up_at=max(before.up_at, now + STAY_SECONDS))
            case LetGo(key) if before is not None:
                self._fingers[key] = replace(before, up_at=max(now, before.down_at + TAP_SECONDS))

    @property
    def due_at(self) -> float:
        """When the next edge is due; infinity: none comes."""
        return min((finger.due_at for finger in self._fingers.values()), default=inf)

    def due(self, now: float) -> tuple[Key, bool] | None:
        """Return an edge that is due, the key and whether it goes down; None: none is. Then tell `moved`."""
        if self.due_at > now:
            return None
        key = min(self._fingers, key=lambda one: self._fingers[one].due_at)
        return key, self._fingers[key].coming == "down"

    def moved(self, key: Key, now: float) -> None:
        """Go on from an edge that has been posted, which took until now."""
        finger = self._fingers[key]
        if finger.coming == "down":
            # Counted from here, since nobody knows when within the call the appliance looked at its clock.
            up_at = max(finger.up_at, now + TAP_SECONDS)
            self._fingers[key] = replace(finger, down_at=now, up_at=up_at, coming="up")
        else:
            self._fingers[key] = replace(finger, up_at=now, coming="nothing")
