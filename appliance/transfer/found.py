"""What reading a foreign file gives: accounts, what was left out and why, and nothing that depends on a vault."""

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.vault.model import Account


@dataclass(frozen=True, slots=True)
class Found:
    """An account of a foreign file."""

    account: Account
    """With a fresh uuid, and without groups: those of the file have names only."""
    counter: int
    """HOTP: the counter of the next code; 0 for other types."""
    secret_text: str = field(repr=False)
    """The secret in base32 as it was read: upper case, without padding, of any length."""
    group_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that was left out; the others are not lost for it."""

    name: str
    """What a person finds it by in the file: its name there, or the line it stands in."""
    reason: str
    """Never holds a secret."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read from the files of one export."""

    format: str
    encrypted: bool
    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Means:
    """What a format may use, as it has no input, no memory limit and no chance of its own."""

    password: str | None = field(repr=False)
    """Of the file, as it was typed; None: none was given."""
    memory_limit: int
    """Bytes that deriving a key may take."""
    new_uuid: Callable[[], str]
    """Returns another random uuid at each call."""
