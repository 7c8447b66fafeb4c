"""What a vault holds: accounts, groups, and the stamps that let two devices merge.

Rules: everything is a frozen value; a change makes a new one. Secrets never appear in a representation.
Whatever a newer release wrote and this one does not know is kept in `extra` and travels with its record.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Type = Literal["totp", "hotp", "steam"]
Algorithm = Literal["SHA1", "SHA256", "SHA512"]
Extra = Mapping[str, Any]

TYPES: Final[tuple[Type, ...]] = ("totp", "hotp", "steam")
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("SHA1", "SHA256", "SHA512")
DIGITS: Final = range(4, 11)
PERIODS: Final = range(1, 86_401)
COUNTERS: Final = range(2**31)
"""Aegis keeps a counter in a signed 32-bit integer."""
STEAM_DIGITS: Final = 5
HISTORY: Final = 3
"""Replaced secrets that an account keeps."""


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When something was changed last: a hybrid logical clock (Kulkarni and others, 2014)."""

    ms: int
    """Unix milliseconds; moves only while the clock is trusted."""
    counter: int
    """Orders changes of one millisecond, and changes made while the clock stood still."""
    device: str
    """Breaks ties between devices."""

    def after(self, *, ms: int | None, device: str) -> "Stamp":
        """Return the stamp of the next change, made by `device` at `ms`; None: the clock is not trusted."""
        if ms is not None and ms > self.ms:
            return Stamp(ms, 0, device)
        return Stamp(self.ms, self.counter + 1, device)


ZERO: Final = Stamp(0, 0, "")


@dataclass(frozen=True, slots=True)
class Account:
    """One entry: who issued it, whose it is, its secret and its parameters."""

    uuid: str
    type: Type
    issuer: str
    name: str
    secret: bytes = field(repr=False)
    algorithm: Algorithm = "SHA1"
    digits: int = 6
    period: int = 30
    """Seconds; HOTP has none and keeps the default here."""
    note: str = field(default="", repr=False)
    favorite: bool = False
    groups: tuple[str, ...] = ()
    """Uuids of groups."""
    extra: Extra = field(default_factory=dict, repr=False)
    """Unknown fields of the entry."""
    info_extra: Extra = field(default_factory=dict, repr=False)
    """Unknown fields of the entry's `info`."""

    @property
    def label(self) -> str:
        """`issuer:name`, or the one that is there."""
        return ":".join(part for part in (self.issuer, self.name) if part)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A secret that an account had before, with the stamp it had then and the HOTP counter it reached."""

    secret: bytes = field(repr=False)
    stamp: Stamp
    counter: int = 0
    extra: Extra = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """An account with all that merging needs to know about it."""

    account: Account
    stamp: Stamp
    position: str
    """A fraction in the order of strings; ties go by uuid."""
    position_stamp: Stamp
    counter: int = 0
    """HOTP: the counter of the next code. Belongs to the secret, not to the stamp: it never falls."""
    history: tuple[Replaced, ...] = ()
    """Newest first, at most `HISTORY`."""
    extra: Extra = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of accounts."""

    uuid: str
    name: str
    extra: Extra = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Vault:
    """All accounts of a household as one device sees them."""

    id: str
    device: str
    name: str
    """Of the device."""
    generation: int
    saved_at: int
    """Unix seconds, as the device's clock said; 0 while that was not trusted."""
    records: Mapping[str, Record] = field(default_factory=dict)
    """By uuid of the account, living ones only."""
    trash: Mapping[str, Record] = field(default_factory=dict)
    """By uuid; each has a tombstone."""
    tombstones: Mapping[str, Stamp] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    group_stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """By uuid; a stamp without its group is the group's tombstone."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """The highest generation known of each other device."""
    removed: frozenset[str] = frozenset()
    """Devices that left; their messages are ignored."""
    need: frozenset[str] = frozenset()
    """Features a writer must know; an unknown one makes the vault read-only here."""
    day: tuple[int, int] = (0, 0)
    """Day (since 1970, UTC) of the last change, and the history topic (0-6) it goes to."""
    extra: Extra = field(default_factory=dict, repr=False)
    """Unknown fields of `x-appliance`."""
    root_extra: Extra = field(default_factory=dict, repr=False)
    """Unknown fields beside `entries`, as Aegis may add them."""

    @property
    def ordered(self) -> tuple[Record, ...]:
        """The records in the order in which they are shown."""
        return tuple(sorted(self.records.values(), key=lambda record: (record.position, record.account.uuid)))

    @property
    def latest(self) -> Stamp:
        """The greatest stamp anywhere in the vault."""
        held = (*self.records.values(), *self.trash.values())
        return max(
            (
                ZERO,
                *(stamp for record in held for stamp in (record.stamp, record.position_stamp)),
                *self.tombstones.values(),
                *self.group_stamps.values(),
            ),
        )


def base32_decode(text: str) -> bytes:
    """Return the bytes of a base32 text as people have it: any case, spaces, dashes, padding, dangling bits.

    Raises ValueError, without the text, if it is empty or holds anything else.
    """
    kept = text.translate(_DROPPED)
    if not kept:
        raise ValueError("the secret is empty")
    kept = (
        kept.upper() if kept.isascii() else kept
    )  # outside ASCII, upper case can make letters of other signs
    if not _BASE32.issuperset(kept):
        raise ValueError("the secret is not base32 (letters A-Z and digits 2-7)")
    # Lengths of 1, 3 and 6 modulo 8 cannot come from whole bytes, yet they occur: fill up, then cut.
    filled = kept + "A" * (-len(kept) % 8)
    try:
        secret = base64.b32decode(filled)[: len(kept) * 5 // 8]
    except binascii.Error:  # pragma: no cover - the alphabet and the length were checked above
        raise ValueError("the secret is not base32") from None
    if not secret:
        raise ValueError("the secret is too short")
    return secret


def base32_encode(secret: bytes) -> str:
    """Return canonical base32: upper case, no padding. Aegis rejects any other length."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


_DROPPED: Final = str.maketrans("", "", " \t\r\n\u00a0-_=")
_BASE32: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
