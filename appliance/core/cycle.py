"""What is known of the backup, where its cycle stands, and how each stage of it begins.

Values, and functions from values to values: `backup.py` says what an event makes of them, `verdict.py` what a message
that was found does, `silence.py` what it means that none was.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from appliance.core.effects import Check, Effect, Fetch, Log, Publish
from appliance.core.events import Connected
from appliance.core.instant import Instant
from appliance.vault.proof import Proof

ACKNOWLEDGE_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
KEEPER_SECONDS: Final = 60.0
"""For a check or a merge by the worker: a slow card may take long, a lost answer must not hang the backup."""
RECHECK_SECONDS: Final = 14.5 * 60.0
"""The longest time between two looks: what is called verified was fetched within a quarter of an hour."""
VERIFIED_SECONDS: Final = 15.0 * 60.0
"""After it was fetched, however long the next look takes."""
JITTER_SECONDS: Final = 60
"""By which the looks of a household's devices are spread."""
RETRY_SECONDS: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Between publications that did not end in a verified backup."""
QUARANTINE_DROPS: Final = 3
"""So often a size is tried that the broker refuses, or ends the connection at."""
QUARANTINE_SECONDS: Final = (900.0, 3600.0, 86_400.0)
"""Until that size is tried again."""
PAYLOAD_LIMIT: Final = 1_000_000
PACKET_ROOM: Final = 1024
"""Of a broker's packet limit, for topic and properties."""

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
class Connecting:
    """There is no link, and somebody asked for a backup: the answer waits for the next attempt."""

    until: float


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
class Probing:
    """Whether this broker, with these rights, delivers what is there is tried out on the probe's topic."""

    ref: int
    until: float
    step: Literal["find", "write", "read back"]
    subscribed: bool = False
    tries: int = 0
    """How often another session's probe was found in the place of the own one."""


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
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Publishing:
    """The broker was given a message and has not answered."""

    ref: int
    until: float
    payload: bytes = field(repr=False)


Stage = Resting | Connecting | Reading | Probing | Checking | Merging | Publishing


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier processes of this card left behind."""

    published: bool | None = None
    """Whether there was ever a backup of it; None: nobody knows, a release before 0.2 did not count."""
    generation: int | None = None
    """That was verified last."""
    verified_at: float | None = None
    """Unix seconds."""
    late: str = ""
    """Name of the topic under `late/` that holds a backup of this card; empty: none does."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What is known of the backup, and what is being done about it."""

    prefix: str | None
    """Of topics; None: no broker is configured."""
    session: str = "00000000"
    """Random hex digits, at least eight, of this process."""
    known: Known = Known()
    topic: str = ""
    latest: bytes = field(default=b"", repr=False)
    """The newest saved vault as it is published."""
    proof: Proof | None = None
    """Of `latest`."""
    generation: int = 0
    epoch: int = 1
    """Of the master key that `latest` is sealed under."""
    locked: bool = False
    """The vault can't be opened: messages are judged by their proofs alone."""
    mine: bool = False
    """The owner says that this card counts, whatever is at the broker."""
    day_slot: int = 0
    link: Connected | None = None
    stage: Stage = Resting()
    condition: Condition = "never"
    error: str | None = None
    verified_at: float | None = None
    """Unix seconds of the last verification."""
    verified_generation: int | None = None
    fetched_at: float = 0.0
    """Monotonic time of the delivery that was verified last."""
    seen: bool = False
    """This process has seen the backup at the broker, and its card lacks nothing of it."""
    held: bool = False
    """It was verified, and has not been found lost since."""
    published: bytes = field(default=b"", repr=False)
    """What the broker was given last on this connection, until it is verified."""
    delivers: bool | None = None
    """This broker, with these rights, delivers what is there; None: not tried on this connection."""
    blinks: int = 0
    """How often in a row nothing could be read back."""
    ahead: Proof | None = None
    """A proof that is newer than the card was, found on the probe's topic."""
    current: bool = False
    """The probe that was found is as new as what was verified last: the broker does not serve an old state."""
    waited: bool = False
    """A broker that may serve an old state was given time, on this connection."""
    announced: str = ""
    """Signature of the proof that the probe's topic was given on this connection."""
    late: bytes = field(default=b"", repr=False)
    """What this process published under `late/`."""
    successor: str = ""
    """The signing key, in hex, that was found to follow the own one."""
    attempts: int = 0
    not_before: float = 0.0
    """Monotonic; no publication before it."""
    overwrote_at: float = 0.0
    """Monotonic time of the last publication over a message that is not ours."""
    overwrites: int = 0
    """How many there were, in an hour without peace."""
    drops: int = 0
    """How often the broker refused a publication for its size, or the connection ended during one."""
    dropped_size: int = 0
    """Bytes of the smallest of those."""
    dropped_why: str = ""
    doubted: bool = False
    """That there is no backup was doubted once, by reading again."""
    disturbed: bool = False
    """A different message passed by during a cycle: read again after it."""
    overheard: bool = False
    """A different message passed by; what is found right after may be what another node of a cluster still has."""
    disturbed_at: float = float("-inf")
    """Monotonic time of the last read that a passing message led to."""
    twin_at: float = float("-inf")
    """Monotonic time of the last message that another card with this id must have written."""
    twin: bytes = field(default=b"", repr=False)
    """That message, until the broker took one of ours: found again before that, it is no second one."""
    puzzled: bool = False
    """The link was closed so often that another card may use this id: the probe will tell."""
    twin_ref: int = 0
    """Of the fetch that finds out; 0: none is under way."""
    contested_until: float = 0.0
    """Monotonic; until then two cards are known to use this id."""
    lost_at: tuple[float, ...] = ()
    """Unix seconds at which a verified backup was found missing or older, within a day."""

    @property
    def settled(self) -> bool:
        """No cycle is under way."""
        return isinstance(self.stage, Resting)


Step = tuple[Backup, tuple[Effect, ...]]


def history_topic(backup: str, slot: int) -> str:
    """Return the topic of a slot of the history that belongs to the topic of a backup."""
    return f"{backup.removesuffix('/backup')}/history/{slot}"


def probe_topic(backup: str) -> str:
    """Return the topic of the probe that belongs to the topic of a backup."""
    return f"{backup.removesuffix('/backup')}/probe"


def late_topic(backup: str, name: str) -> str:
    """Return the topic of a backup that could not go where it belongs, since nothing can be read back."""
    return f"{backup.removesuffix('/backup')}/late/{name}"


def recheck_at(backup: Backup, now: Instant) -> float:
    """Return the monotonic time of the next look at a topic that nothing else leads to."""
    return now.mono + RECHECK_SECONDS - int(backup.session[:8], 16) % JITTER_SECONDS


def rest(backup: Backup, condition: Condition, error: str | None, until: float) -> Step:
    """Come to rest until a monotonic time, and say so if that is news."""
    news = (condition, error) != (backup.condition, backup.error)
    backup = replace(backup, stage=Resting(until), condition=condition, error=error)
    level = 20 if condition in {"verified", "pending", "acknowledged"} else 30
    fields = (("state", condition), *((("error", error),) if error else ()))
    return backup, ((Log(level, "backup", fields),) if news else ())


def read(backup: Backup, now: Instant, ref: int) -> Step:
    """Ask for what the broker has."""
    stage = Reading(ref, now.mono + READ_SECONDS, backup.latest)
    return replace(backup, stage=stage, disturbed=False), (Fetch(ref, backup.topic),)


def check(backup: Backup, payload: bytes, expected: bytes, now: Instant, ref: int) -> Step:
    """Let the keeper look into a message."""
    stage = Checking(ref, now.mono + KEEPER_SECONDS, payload, expected)
    return replace(backup, stage=stage), (Check(ref, payload),)


def publish(backup: Backup, now: Instant, ref: int) -> Step:
    """Publish the latest, if the broker can take it and its turn has come; only while there is a link."""
    if (rested := obstacle(backup, now)) is not None:
        return rested
    pause = RETRY_SECONDS[min(backup.attempts, len(RETRY_SECONDS) - 1)]
    backup = replace(
        backup,
        stage=Publishing(ref, now.mono + ACKNOWLEDGE_SECONDS, backup.latest),
        published=backup.latest,
        attempts=backup.attempts + 1,
        not_before=now.mono + pause,
    )
    return backup, (Publish(ref, backup.topic, backup.latest),)


def obstacle(backup: Backup, now: Instant) -> Step | None:
    """Return the rest that is taken in place of a publication; None: nothing is in its way."""
    link, size = backup.link, len(backup.latest)
    if link is not None and not link.retain:
        return rest(backup, "unverified", "the broker keeps no retained messages", recheck_at(backup, now))
    limit = PAYLOAD_LIMIT
    if link is not None and link.payload_limit is not None:
        limit = min(limit, link.payload_limit - PACKET_ROOM)
    if size > limit:
        return rest(backup, "too_large", f"{size} bytes, the limit is {limit}", recheck_at(backup, now))
    if now.mono >= backup.not_before:
        return None
    if quarantined(backup):
        return rest(backup, "too_large", f"{size} bytes: {backup.dropped_why}", backup.not_before)
    return rest(backup, backup.condition, backup.error, backup.not_before)


def drop(backup: Backup, size: int, why: str, now: Instant) -> Backup:
    """Count a publication that the broker did not take, or ended the connection at, for its size as it seems."""
    drops = backup.drops + 1
    not_before = backup.not_before
    if drops >= QUARANTINE_DROPS:
        place = min(drops - QUARANTINE_DROPS, len(QUARANTINE_SECONDS) - 1)
        not_before = now.mono + QUARANTINE_SECONDS[place]
    smallest = min(size, backup.dropped_size or size)
    return replace(backup, drops=drops, dropped_size=smallest, dropped_why=why, not_before=not_before)


def release(backup: Backup) -> Backup:
    """Forget what kept earlier content from being published, but not that the broker refuses its size."""
    if len(backup.latest) + PACKET_ROOM <= backup.dropped_size:
        return replace(backup, attempts=0, not_before=0.0, drops=0, dropped_size=0)
    return replace(backup, attempts=0) if quarantined(backup) else replace(backup, attempts=0, not_before=0.0)


def quarantined(backup: Backup) -> bool:
    """Return whether the broker refused the size of the latest so often that it is left alone for a while."""
    return backup.drops >= QUARANTINE_DROPS and len(backup.latest) + PACKET_ROOM > backup.dropped_size
