"""The outer header of a KeePass database, and from it and its owner's keys the key that opens the rest.

Rules: what the header asks for is checked before anything is derived; the header of KDBX 4 also against its own hash,
so that a damaged one is never told to be a wrong password. Source: KeePass's help page "KDBX 4", and the source of
KeePass and KeePassXC for KDBX 3.1. Layout: two signatures of 4 bytes, minor and major version of 2, then fields of a
number, a length (of 2 bytes, in KDBX 4 of 4) and a value, up to number 0. Integers are little-endian.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from xml.etree.ElementTree import Element

from appliance.transfer import cipher
from appliance.transfer.content import Content
from appliance.transfer.found import Means
from appliance.transfer.trouble import cannot_read, damaged, too_new

MAGIC: Final = b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"
OLD_MAGIC: Final = b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"
"""KeePass 1, files that end in .kdb."""
_FIELDS: Final = 100
"""At most; there are about ten."""
_BLOCKS: Final = 1_000
"""At most; programs write a MiB into each."""
_CIPHER, _TRANSFORM_SEED, _TRANSFORM_ROUNDS, _KDF = 2, 5, 6, 11
_SIZES: Final[Mapping[int, Mapping[int, tuple[int, ...]]]] = {
    3: {2: (16,), 3: (4,), 4: (32,), 5: (32,), 6: (8,), 7: (12, 16), 8: (32,), 9: (32,), 10: (4,)},
    4: {2: (16,), 3: (4,), 4: (32,), 7: (12, 16)},
}
"""By major version: the fields that are needed, and the lengths that they may have."""
_TWOFISH: Final = bytes.fromhex("ad68f29f576f4bb9a36ad47af965346c")
_AES_KDF: Final = bytes.fromhex("c9d9f39a628a4460bf740d08c18a4fea")
_ARGON2: Final[Mapping[bytes, Literal["d", "id"]]] = {
    bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c"): "d",
    bytes.fromhex("9e298b1956db4773b23dfc3ec6f0a1e6"): "id",
}
_INTEGERS: Final = {0x04: 4, 0x05: 8, 0x0C: 4, 0x0D: 8}
"""Types of a parameter that are integers, and their lengths; of the other types only bytes matter here."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is needed of it."""

    version: int
    """Major."""
    twofish: bool
    values: Mapping[int, bytes] = field(repr=False)


def header_of(title: str, data: bytes) -> Header:
    """Return the header of a database. Raises FileDamaged, and CannotRead for a version that is not known."""
    version = int.from_bytes(data[10:12], "little")
    if version not in _SIZES:
        raise too_new(title, "version", version, "KDBX 3 and 4")
    values, end = _fields(title, data, 4 if version == 4 else 2)
    for needed, sizes in _SIZES[version].items():
        if len(values.get(needed, b"")) not in sizes:
            raise damaged(title, "its header is broken")
    if version == 4:
        if hashlib.sha256(data[:end]).digest() != data[end : end + 32]:
            raise damaged(title, "its header is not as it was written")
        _check_blocks(title, data, end + 64)
    return Header(version, values[_CIPHER] == _TWOFISH, values)


def _fields(title: str, data: bytes, wide: int) -> tuple[Mapping[int, bytes], int]:
    values: dict[int, bytes] = {}
    at = 12
    for _ in range(_FIELDS):
        start = at + 1 + wide
        number, size = (
            int.from_bytes(data[at : at + 1], "little"),
            int.from_bytes(data[at + 1 : start], "little"),
        )
        at = start + size
        if at > len(data):
            raise damaged(title, "it is cut off in its header")
        values[number] = data[start:at]
        if not number:
            return values, at
    raise damaged(title, "its header has too many fields")


def _check_blocks(title: str, data: bytes, at: int) -> None:
    """Raise FileDamaged unless all of a file is there: blocks of a code of 32 bytes, a length and so much data, up to 0."""
    for _ in range(_BLOCKS):
        start = at + 36
        size = int.from_bytes(data[at + 32 : start], "little")
        at = start + size
        if at > len(data):
            raise damaged(title, "it is cut off")
        if not size:
            return
    raise damaged(title, "it has too many blocks")


def transformed_key(title: str, header: Header, composite: bytes, means: Means) -> bytes:
    """Return the key that the header asks to derive from the `composite` key of 32 bytes. Raises CannotRead, FileDamaged."""
    if header.version == 3:
        rounds = int.from_bytes(header.values[_TRANSFORM_ROUNDS], "little")
        return _aes(title, header.values[_TRANSFORM_SEED], composite, rounds)
    parameters = _parameters(title, header.values.get(_KDF, b""))
    kind, salt = parameters.get("$UUID"), parameters.get("S")
    if not isinstance(kind, bytes) or not isinstance(salt, bytes):
        raise damaged(title, "its header does not say how its key is derived")
    if kind == _AES_KDF:
        return _aes(title, salt, composite, _whole(title, parameters, "R"))
    if kind not in _ARGON2 or "K" in parameters or "A" in parameters:
        raise cannot_read(
            title,
            "its key is derived in a way that is not known here",
            "in KeePass or KeePassXC, choose Argon2 in the security settings of the database, and save it",
        )
    kib = _whole(title, parameters, "M") >> 10
    means.more_memory(min(kib << 10, cipher.ARGON2_LIMIT))
    return cipher.argon2_of_keepass(
        title,
        _ARGON2[kind],
        _whole(title, parameters, "V"),
        composite,
        salt,
        passes=_whole(title, parameters, "I"),
        kib=kib,
        lanes=_whole(title, parameters, "P"),
        memory_limit=means.memory_limit,
    )


def composite_key(title: str, password: str | None, key_file: bytes | None) -> bytes:
    """Return the key of all that the owner has: a password, a key file, or both. Raises FileDamaged for the key file."""
    parts = b"" if password is None else hashlib.sha256(password.encode()).digest()
    if key_file is not None:
        parts += _key_in(title, key_file)
    return hashlib.sha256(parts).digest()


def _aes(title: str, seed: bytes, composite: bytes, rounds: int) -> bytes:
    if len(seed) != 32:
        raise damaged(title, "its header is broken")
    return hashlib.sha256(cipher.aes_rounds(title, seed, composite, rounds)).digest()


def _parameters(title: str, data: bytes) -> Mapping[str, int | bytes]:
    """Return what a variant dictionary holds: a version of 2 bytes, then type, name and value, each with its length."""
    values: dict[str, int | bytes] = {}
    at = 2
    while data[at : at + 1] not in {b"", b"\0"}:
        kind = data[at]
        name, at = _sized(title, data, at + 1)
        value, at = _sized(title, data, at)
        integer = len(value) == _INTEGERS.get(kind)
        values[name.decode(errors="replace")] = int.from_bytes(value, "little") if integer else value
    return values


def _sized(title: str, data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    if end > len(data):
        raise damaged(title, "its header is broken")
    return data[at + 4 : end], end


def _whole(title: str, parameters: Mapping[str, int | bytes], name: str) -> int:
    value = parameters.get(name)
    if not isinstance(value, int):
        raise damaged(title, "its header does not say how its key is derived")
    return value


def _key_in(title: str, key_file: bytes) -> bytes:
    """Return the key of a key file: of XML (version 1 base64, 2 hexadecimal), raw, hexadecimal, or the file's hash."""
    xml = Content(key_file).xml
    if xml is not None and xml.tag == "KeyFile":
        return _key_in_xml(title, xml)
    if len(key_file) == 32:
        return key_file
    if len(key_file) == 64:
        try:
            return bytes.fromhex(key_file.decode("ascii"))
        except ValueError:
            pass
    return hashlib.sha256(key_file).digest()


def _key_in_xml(title: str, xml: Element) -> bytes:
    element = xml.find("Key/Data")
    text, told = ("", "") if element is None else (element.text or "", element.get("Hash", ""))
    version = xml.findtext("Meta/Version", "").strip()
    try:
        key = (
            bytes.fromhex(text) if version.startswith("2") else base64.b64decode(text.strip(), validate=True)
        )
    except ValueError:
        key = b""
    if not key or (told and hashlib.sha256(key).hexdigest()[:8] != told.strip().lower()):
        raise damaged(f"{title} key", "its key is not what its version and its hash promise")
    return key
