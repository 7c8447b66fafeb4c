"""What reading a foreign file gives: accounts, what was left out and why, and nothing that depends on a vault."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from appliance.transfer.trouble import password_missing
from appliance.vault.model import Account


@dataclass(frozen=True, slots=True)
class Found:
    """An account of a foreign file, or one that is to be written into such a file."""

    account: Account
    """Read: with a fresh uuid, and without groups: those of the file have names only."""
    counter: int = 0
    """HOTP: the counter of the next code; 0 for other types."""
    secret_text: str = field(default="", repr=False)
    """The secret in base32 as it was read: upper case, without padding, of any length."""
    group_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """An account of a kind whose codes can't be made here: it is shown, and not taken."""

    type: str
    """`motp` or `yandex`."""
    issuer: str
    name: str
    secret_text: str = field(repr=False)
    """As of `Found`."""
    algorithm: str
    digits: int
    period: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that was left out; the others are not lost for it."""

    name: str
    """What a person finds it by in the file: its name there, or the line it stands in."""
    reason: str
    """Never holds a secret."""
    listed: Listed | None = None
    """What it is, if it is an account all the same."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read from the files of one export."""

    format: str
    encrypted: bool
    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Parts of the export that were not given, such as "QR code 2 of 3": accounts are missing with them."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a format may use to read, as it has no input, no memory limit and no chance of its own."""

    password: str | None = field(repr=False)
    """Of the file, as it was typed; None: none was given."""
    memory_limit: int
    """Bytes that deriving a key may take."""
    new_uuid: Callable[[], str]
    """Returns another random uuid at each call."""
    key_file: bytes | None = field(default=None, repr=False)
    """KeePass only: the file that opens the database together with the password, or alone."""
    more_memory: Callable[[int], None] = lambda _: None
    """Allows this process that many bytes more; to be called with what `memory_limit` was checked for."""

    def password_of(self, title: str) -> str:
        """Return the password of an encrypted file of the program `title`. Raises PasswordMissing if none was given."""
        if self.password is None:
            raise password_missing(title)
        return self.password


@dataclass(frozen=True, slots=True)
class WriteMeans:
    """What a format may use to write."""

    password: str = field(repr=False)
    """That is to open the file; "" where the format has no encryption."""
    random: Callable[[int], bytes]
    """Returns that many bytes from the operating system."""
    now: int
    """Unix seconds."""

    def new_uuid(self) -> str:
        """Return a random UUID (RFC 9562, version 4)."""
        octets = bytearray(self.random(16))
        octets[6] = octets[6] & 0x0F | 0x40
        octets[8] = octets[8] & 0x3F | 0x80
        text = octets.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def joined(readings: Iterable[Reading]) -> Reading:
    """Return several readings of one format as one, in their order."""
    parts = tuple(readings)
    return Reading(
        parts[0].format,
        encrypted=any(part.encrypted for part in parts),
        found=tuple(found for part in parts for found in part.found),
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
        warnings=tuple(dict.fromkeys(text for part in parts for text in part.warnings)),
        missing=tuple(dict.fromkeys(text for part in parts for text in part.missing)),
    )
