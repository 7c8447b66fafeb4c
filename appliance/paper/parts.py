"""The encrypted vault as numbered lines of text, one for each QR code. This page is their specification.

    OTPVAULT1-K3J5WQ2D-7-23-PFRWU3DF...-A4XQ7M2B

| field | what it is |
|---|---|
| `OTPVAULT1` | the kind of text and its version; a greater number is a newer one |
| `K3J5WQ2D` | which backup: base32 of the first 5 bytes of the SHA-256 of the whole backup |
| `7`, `23` | the number of this part, from 1, and how many there are; decimal, without leading zeros |
| `PFRWU3DF...` | the data: base32 |
| `A4XQ7M2B` | the check: base32 of the first 5 bytes of the SHA-256 of all before its hyphen, in upper case |

The backup (a vault file without `x-device`, byte for byte what lies at the broker) is compressed by zlib (RFC 1950),
and encoded in base32 (RFC 4648 section 6, without padding). That text is cut into data, all but the last of the same
length, a multiple of 8; the data of all parts in a row are the text again.

Why so: these characters are of the QR code's alphanumeric mode, which packs base32 into 5.5 bits a character. base45
would pack 7 % more, but its blanks and signs do not survive every scanner app, text file and shell. There is no dot or
colon, so no phone takes a part for a link. zlib undoes the base64 and hex of the file, within 2 % of the bytes
beneath; the accounts themselves are padded and encrypted, and do not shrink. The check finds what people, not
cameras, do to a text: a QR code has its own correction. What proves the vault is its encryption.

A reader takes the parts in any order, from any text around them (a list of an app, a CSV), in any case and more than
once. It needs all of them.
"""

import base64
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.errors import ApplianceError, FileDamaged, NothingFound, VaultTooNew

VERSION: Final = 1
PART_BYTES: Final = 755
"""What fills a QR code of version 23 and level M: 1248 characters, of which 38 are around the data."""
_BACKUP_LIMIT: Final = 8 * 1024 * 1024
"""Of a vault file."""
_WHAT: Final = "can't read the paper"
_PART: Final = re.compile(
    r"OTPVAULT([1-9]\d{0,3})-([A-Z2-7]{8})-([1-9]\d{0,4})-([1-9]\d{0,4})-([A-Z2-7]+)-([A-Z2-7]{8})(?![A-Z2-7])",
    re.ASCII | re.IGNORECASE,
)
_OF_ANY_VERSION: Final = re.compile(r"OTPVAULT(\d{1,9})-", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Part:
    backup: str
    number: int
    total: int
    data: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The backups that parts made whole."""

    backups: tuple[bytes, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    """Of parts that were left aside."""


def cut(backup: bytes) -> tuple[str, ...]:
    """Return the parts of a backup; all have about the same length."""
    packed = zlib.compress(backup, 9)
    total = -(-len(packed) // PART_BYTES)
    size = -(-len(packed) // total // 5) * 5  # bytes that fill base32 without padding
    return tuple(
        _checked(f"OTPVAULT{VERSION}-{name_of(backup)}-{number}-{total}-{_base32(packed[at : at + size])}")
        for number, at in enumerate(range(0, len(packed), size), 1)
    )


def name_of(backup: bytes) -> str:
    """Return by what name the parts know their backup."""
    return _base32(hashlib.sha256(backup).digest()[:5])


def mentioned(text: str) -> bool:
    """Whether a text holds anything that claims to be a part."""
    return _OF_ANY_VERSION.search(text) is not None


def gathered(texts: Iterable[str]) -> Gathered:
    """Return the backups whose parts the texts hold, in any order.

    Raises NothingFound if there is no part, FileDamaged if parts of each backup are missing or misread, and
    VaultTooNew.
    """
    whole: list[bytes] = []
    lacking: list[str] = []
    found, misread = _found(texts)
    sets: dict[tuple[str, int], dict[int, str]] = {}
    for part in found:
        sets.setdefault((part.backup, part.total), {}).setdefault(part.number, part.data)
    for (backup, total), data in sets.items():
        which = f" of backup {backup}" if len(sets) > 1 else ""
        missing = [number for number in range(1, total + 1) if number not in data]
        if missing:
            lacking.append(f"{_listed(missing, total)}{which} {'is' if len(missing) == 1 else 'are'} missing")
        elif (joined := _joined(backup, [data[number] for number in range(1, total + 1)])) is not None:
            whole.append(joined)
        else:
            lacking.append(f"the {total} parts{which} do not make a backup")
    if not whole:
        raise _nothing_whole(lacking, misread)
    return Gathered(tuple(whole), tuple(f"a backup on paper is left aside: {words}" for words in lacking))


def _found(texts: Iterable[str]) -> tuple[list[_Part], int]:
    """Return the parts in the texts, and how many were misread. Raises VaultTooNew."""
    parts: list[_Part] = []
    claimed = taken = 0
    for text in texts:
        claims = Counter(int(version) for version in _OF_ANY_VERSION.findall(text))
        if any(version > VERSION for version in claims):
            raise VaultTooNew(_WHAT, "a newer release printed it", "upgrade this device")
        claimed += claims.total()
        for part in _in(text):
            taken += 1
            parts.append(part)
    return parts, claimed - taken


def _in(text: str) -> Iterator[_Part]:
    for match in _PART.finditer(text):
        line = match[0].upper()
        part = _Part(match[2].upper(), int(match[3]), int(match[4]), match[5].upper())
        if part.number <= part.total and _checked(line.rpartition("-")[0]) == line:
            yield part


def _nothing_whole(lacking: list[str], misread: int) -> ApplianceError:
    if not lacking and not misread:
        return NothingFound(
            _WHAT,
            "there is no QR code of an encrypted vault on it",
            "photograph the pages of the recovery sheet one by one, sharp, flat and evenly lit",
        )
    if misread:
        codes = "1 code was" if misread == 1 else f"{misread} codes were"
        lacking = [*lacking, f"{codes} misread or cut off"]
    return FileDamaged(
        _WHAT,
        "; ".join(lacking),
        "photograph those pages again, and name the new pictures together with the others",
    )


def _joined(backup: str, data: Sequence[str]) -> bytes | None:
    """Return the backup of that name; None: the data is of something else."""
    text = "".join(data)
    unpacker = zlib.decompressobj()
    try:
        whole = unpacker.decompress(base64.b32decode(text + "=" * (-len(text) % 8)), _BACKUP_LIMIT + 1)
    except (ValueError, zlib.error):
        return None
    return whole if unpacker.eof and name_of(whole) == backup else None


def _listed(numbers: Collection[int], total: int) -> str:
    """Return "part 3 of 7", "parts 3, 5 to 9 and 12 of 24"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [word for run in runs for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    head, last = ", ".join(words[:-1]), words[-1]
    some = f"{head} and {last}" if head else last
    return f"part{'' if len(numbers) == 1 else 's'} {some} of {total}"


def _checked(text: str) -> str:
    return f"{text}-{_base32(hashlib.sha256(text.encode('ascii')).digest()[:5])}"


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=")
