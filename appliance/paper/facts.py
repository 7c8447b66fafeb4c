"""What the sheets say. All of it was looked up before: nothing here reads a file, a clock or a setting."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.vault.model import Account


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose paper it is."""

    name: str
    """Of the device."""
    vault: str
    device: str
    """Ids."""
    generation: int
    accounts: int
    """In the whole vault."""
    made_on: str
    """The date, as people write it; the sheets say it in words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An account that gets its place on an account sheet."""

    account: Account = field(repr=False)
    counter: int = 0
    """HOTP: of the next code."""
    groups: tuple[str, ...] = ()
    """Names."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the newest backup is, and how to get there."""

    host: str
    port: int
    username: str | None
    encrypted: bool
    """By TLS."""
    own_authority: bool = False
    """The certificate authority is a file of the owner's; otherwise the system's are trusted."""
    fingerprint: str | None = None
    """SHA-256 of that authority's certificate, in hex; None: there is none, or it can't be read."""
    topic: str = ""
    """Of the retained backup."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the recovery sheet holds."""

    backup: bytes = field(repr=False)
    """The encrypted vault without anything device-bound, as the broker has it."""
    broker: Broker | None
    key: str | None = field(default=None, repr=False)
    """The recovery key as it is printed; None: there are boxes to write it into."""


@dataclass(frozen=True, slots=True)
class Sheets:
    """What is to be printed."""

    origin: Origin
    entries: Sequence[Entry] | None
    """None: no account sheets. Otherwise in the order of the display."""
    recovery: Recovery | None
    """None: no recovery sheet."""
    group: str | None = None
    """The only group whose accounts `entries` are."""
