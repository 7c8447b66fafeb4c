"""What to do, in the imperative. The core returns these as data; the shell does them.

Each that is answered carries a `ref`, and ends in at most one event with that ref.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class OpenVault:
    """Read the vault from the card and open it -> Opened | Missing | Failed."""

    ref: int


@dataclass(frozen=True, slots=True)
class Unlock:
    """Open the vault with what somebody entered -> Opened | Refused | Failed."""

    ref: int
    entered: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reexec:
    """Drop the keys and start the process anew: nothing else leaves no copy of a secret in memory."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """Read every generation of the vault from the card itself -> Inspected."""

    ref: int


@dataclass(frozen=True, slots=True)
class Spend:
    """Take the next HOTP code: move the counter of account `uuid` on."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Take over what an authentic message holds."""

    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """Apply a change to the freshly loaded vault and save it -> Saved | Failed."""

    ref: int
    change: Spend | Merge


@dataclass(frozen=True, slots=True)
class Check:
    """Find out what a message is -> Checked | Failed."""

    ref: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish with QoS 1, retained -> Acknowledged."""

    ref: int
    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Subscribe again to an exact topic -> Subscribed, then any number of Received."""

    ref: int
    topic: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """End the pause between two attempts to reach the broker: somebody asked."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Find out this Pi's address and temperature -> Measured | Failed."""

    ref: int


SECRETS_TRIED: Final = "secrets_tried"
"""When a person last used passphrase or recovery key, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep a figure on the card, for the next start; a failure is logged and nothing else."""

    key: Literal[
        "brightness", "good_time", "secrets_tried", "published", "verified_generation", "verified_at", "late"
    ]
    value: float


@dataclass(frozen=True, slots=True)
class Vouch:
    """Trust the clock as it stands: the owner has compared it."""


@dataclass(frozen=True, slots=True)
class Simulate:
    """Do something to simulated hardware, and answer; refused where the hardware is real."""

    ask: int
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a question of the control socket."""

    ask: int
    result: Mapping[str, Any] | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyFrame:
    """Answer a question of the control socket with the picture on the display."""

    ask: int
    hidden: bool = False
    """With an empty one: what is shown is for those in front of it alone."""


@dataclass(frozen=True, slots=True)
class Log:
    """Tell the owner's log: one line, no secrets."""

    level: int
    """Of stdlib logging: 20 info, 30 warning, 40 error."""
    event: str
    fields: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """End the process in good order."""


Effect = (
    OpenVault
    | Unlock
    | Reexec
    | Inspect
    | Change
    | Check
    | Publish
    | Fetch
    | Reconnect
    | Measure
    | Remember
    | Vouch
    | Simulate
    | Reply
    | ReplyFrame
    | Log
    | Exit
)
