"""What happened, in the past tense. Everything that the core ever learns arrives as one of these.

A `ref` is the number of the effect that an event answers. Sealed bytes may stand in an event, keys never do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from appliance.core.gestures import Gestured, Moved
from appliance.vault.model import Vault
from appliance.vault.proof import Proof

Mode = Literal["credential", "pin", "passphrase"]
"""After a start a vault opens by itself, by a PIN, or by the passphrase alone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Trouble that was foreseen, as data: the words of an `ApplianceError`."""

    what: str
    why: str
    hint: str = ""
    short: str = "E1"


@dataclass(frozen=True, slots=True)
class Woke:
    """A deadline passed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The vault was read from the card and opened."""

    ref: int
    generation: int
    sealed: bytes = field(repr=False)
    """The file as it is published: without `x-device`."""
    vault: Vault = field(repr=False)
    warning: Problem | None = None
    """The newest file was damaged, and an older one opened."""
    mode: Mode = "credential"
    """How it opens after a start."""
    proof: Proof | None = None
    """Of the sealed bytes; None: the card could not be written since a release before 0.2."""
    epoch: int = 1
    """Of the master key; each change of the passphrase makes the next."""
    tried_at: float | None = None
    """Unix seconds at which passphrase or recovery key last opened it; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Shut:
    """There is a vault, and somebody must enter what opens it."""

    ref: int
    kind: Literal["pin", "passphrase"]
    wait: float = 0.0
    """Seconds until a PIN may be tried."""
    tries_left: int | None = None
    """Before waiting begins or grows; None: each wrong one costs time."""
    sealed: bytes = field(default=b"", repr=False)
    """The file as it is published; empty: it can't be read."""
    proof: Proof | None = None
    """Of the sealed bytes."""
    vault: str | None = None
    """Id of the vault."""
    device: str = ""
    """Id of this device."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What somebody entered does not open the vault, or may not be tried yet."""

    ref: int
    why: str
    wait: float = 0.0
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """Every generation on the card was read."""

    ref: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no vault on the card yet."""

    ref: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A change is on the card; only now may anybody be told."""

    ref: int
    generation: int
    sealed: bytes = field(repr=False)
    vault: Vault = field(repr=False)
    counters_only: bool = False
    """Nothing but HOTP counters moved: such saves are published together."""
    proof: Proof | None = None
    """Of the sealed bytes."""
    epoch: int = 1
    """Of the master key."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect `ref` could not be done."""

    ref: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Connected:
    """The link to the broker is up."""

    payload_limit: int | None
    """Bytes of the largest packet that the broker takes; None: it names no limit."""
    retain: bool
    """The broker keeps retained messages."""
    version: Literal["5", "3.1.1"] = "5"
    maximum_qos: int = 2
    """The highest quality of service that the broker takes; at 0 an Acknowledged only says that it was sent."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The link to the broker is down, or an attempt to make it failed."""

    problem: Problem
    contested: bool = False
    """Another client took the id over, says the broker."""
    puzzling: bool = False
    """It was closed so often without a reason that another client may have taken the id over."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker answered a publication; this proves nothing about what it keeps."""

    ref: int
    problem: str | None = None
    """The broker's reason in words; None: not a failure."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered the subscription of a fetch; the retained message, if any, follows."""

    ref: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived."""

    ref: int | None
    """Of the fetch that it answers; None if it answers none."""
    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    """The broker keeps it; False: it is only passing by."""


@dataclass(frozen=True, slots=True)
class Oversized:
    """A message came that is larger than we take; its payload was not kept."""

    ref: int | None
    """As with `Received`."""
    topic: str
    size: int
    """Bytes of the payload; a little more where the broker was not believed to the end."""
    retained: bool


@dataclass(frozen=True, slots=True)
class Truncated:
    """More came in answer to a fetch than we take: what comes after this one is dropped, and not told again."""

    ref: int


@dataclass(frozen=True, slots=True)
class Authentic:
    """A message of this vault and device."""

    generation: int
    novel: bool
    """It holds something that the own vault lacks."""
    signed: bool = True
    """It carries a proof; without one, a release before 0.2 wrote it."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """A message that is proven to be from before: of an older key, or an older generation."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A message that is proven to be from after: the passphrase was changed, or a newer release is in use."""

    successor: str = ""
    """The signing key, in hex, that follows the own one; empty: the key is the same."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """What it is can't be told while the vault is locked; it may be newer."""

    why: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Not a message of this vault and device."""

    why: str


Verdict = Authentic | Outdated | Superseded | Undecided | Foreign


@dataclass(frozen=True, slots=True)
class Checked:
    """The keeper looked into a message."""

    ref: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PanelFailed:
    """The panel is away; it is tried again by itself."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class PanelBack:
    """A panel that was away shows a picture again."""


@dataclass(frozen=True, slots=True)
class ButtonsFailed:
    """The pins can't be used; codes are shown all the same."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Measured:
    """What this Pi is like at the moment."""

    ref: int
    address: str
    """Of this Pi in its network; empty: there is none."""
    celsius: float | None
    """Of its processor; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A client of the control socket wants something."""

    ask: int
    """Number of the question; its `Reply` repeats it."""
    method: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """May hold a PIN or a passphrase."""
    owner: bool = False
    """By the owner of the vault or root, who can read the file itself; not by another user of the group."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """Somebody asked the process to end."""


Event = (
    Woke
    | Moved
    | Gestured
    | PanelFailed
    | PanelBack
    | ButtonsFailed
    | Measured
    | Opened
    | Shut
    | Refused
    | Inspected
    | Missing
    | Saved
    | Failed
    | Connected
    | Lost
    | Acknowledged
    | Subscribed
    | Received
    | Oversized
    | Truncated
    | Checked
    | Asked
    | Stopping
)
