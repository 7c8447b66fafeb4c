"""What is known of the backup, and where its cycle stands: values only; `backup.py` decides."""

from dataclasses import dataclass, field
from typing import Literal

from appliance.core.events import Connected

Condition = Literal[
    "never",
    "pending",
    "acknowledged",
    "verified",
    "unverified",
    "rolled_back",
    "rejected",
    "conflict",
    "too_large",
    "passphrase_changed",
    "offline",
]


@dataclass(frozen=True, slots=True)
class Resting:
    """Nothing is under way; at `until` the topic is read."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The retained message was asked for."""

    ref: int
    until: float
    expected: bytes = field(repr=False)
    subscribed: bool = False
    other: bytes | None = field(default=None, repr=False)
    """A retained message that is not the expected one; judged only at `until`, an equal one may yet come."""


@dataclass(frozen=True, slots=True)
class Checking:
    """The keeper looks into a message."""

    ref: int
    until: float
    payload: bytes = field(repr=False)
    expected: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Merging:
    """The keeper takes over a message that holds something new."""

    ref: int
    until: float


@dataclass(frozen=True, slots=True)
class Publishing:
    """The broker was given a message and has not answered."""

    ref: int
    until: float
    payload: bytes = field(repr=False)


Stage = Resting | Reading | Checking | Merging | Publishing


@dataclass(frozen=True, slots=True)
class Backup:
    """What is known of the backup, and what is being done about it."""

    prefix: str | None
    """Of topics; None: no broker is configured."""
    topic: str = ""
    latest: bytes = field(default=b"", repr=False)
    """The newest saved vault as it is published."""
    generation: int = 0
    epoch: int = 1
    """Of the master key that `latest` is sealed under."""
    day_slot: int = 0
    link: Connected | None = None
    stage: Stage = Resting()
    condition: Condition = "never"
    error: str | None = None
    verified_at: float | None = None
    """Unix seconds of the last verification."""
    verified_generation: int | None = None
    held: bool = False
    """It was verified, and has not been found lost since."""
    published: bytes = field(default=b"", repr=False)
    """What the broker was given last on this connection, until it is verified."""
    attempts: int = 0
    not_before: float = 0.0
    """Monotonic; no publication before it."""
    overwrote_at: float | None = None
    drops: int = 0
    """Connections that ended while the same payload was being published."""
    doubted: bool = False
    """That there is no backup was doubted once, by reading again."""
    disturbed: bool = False
    """A different message passed by during a cycle: read again after it."""
    lost_at: tuple[float, ...] = ()
    """Unix seconds at which a verified backup was found missing or older, within a day."""

    @property
    def settled(self) -> bool:
        """No cycle is under way."""
        return isinstance(self.stage, Resting)


def history_topic(backup: str, slot: int) -> str:
    """Return the topic of a slot of the history that belongs to the topic of a backup."""
    return f"{backup.removesuffix('/backup')}/history/{slot}"
