"""Archives of Apple's NSKeyedArchiver: property lists whose objects refer to each other by number.

Rules: binary ones only, as XML ones have entities. A list whose objects overlap is refused before it is read: a few
bytes could stand for gigabytes. References are followed one at a time, so that a circle of them is no trouble.
Source: CoreFoundation's CFBinaryPList.c describes the binary form; the archives themselves have no official one.
"""

import plistlib
import struct
from typing import Any, Final

MAGIC: Final = b"bplist00"
SIZE_LIMIT: Final = 1 << 20
"""Bytes; some 5,000 accounts, and a second of a slow card."""
_TRAILER: Final = struct.Struct(">6xBBQQQ")
_INTEGER_BYTES: Final = 16
_UNITS: Final = {0x4: 1, 0x5: 1, 0x6: 2}
"""Bytes of each element of data, ASCII and UTF-16."""
_REFERENCES: Final = {0xA: 1, 0xB: 1, 0xC: 1, 0xD: 2}
"""References of each element of arrays, sets and dictionaries."""


class NotKeyed(ValueError):
    """The archive does not have at that place what was expected there."""


class Keyed:
    """The objects of an archive."""

    def __init__(self, objects: list[Any], root: object) -> None:
        self._objects = objects
        self._root = root

    def root(self) -> dict[str, Any]:
        """Return the outermost dictionary, its values as `value` gives them. Raises NotKeyed."""
        raw = self.value(self._root)
        if not isinstance(raw, dict):
            raise NotKeyed
        keys, values = raw.get("NS.keys"), raw.get("NS.objects")
        if not isinstance(keys, list) or not isinstance(values, list):
            raise NotKeyed
        named = ((self.value(key), self.value(each)) for key, each in zip(keys, values, strict=False))
        return {key: each for key, each in named if isinstance(key, str)}

    def value(self, raw: object) -> Any:
        """Return the object that `raw` refers to (itself, if it is none): a text, bytes, a number, None, or a raw object.

        Raises NotKeyed for a reference to nothing.
        """
        if isinstance(raw, plistlib.UID):
            if raw.data >= len(self._objects):
                raise NotKeyed
            raw = None if raw.data == 0 else self._objects[raw.data]
        if isinstance(raw, dict):
            # The mutable kinds of text and data are objects around the plain ones.
            return raw.get("NS.string", raw.get("NS.data", raw))
        return raw

    def elements(self, raw: object) -> list[Any]:
        """Return the references of an array; none for null. Raises NotKeyed."""
        raw = self.value(raw)
        elements = raw.get("NS.objects") if isinstance(raw, dict) else [] if raw is None else None
        if not isinstance(elements, list):
            raise NotKeyed
        return elements


def parse(data: bytes) -> Keyed | None:
    """Return the archive; None for anything else, for a broken one, and for one above `SIZE_LIMIT`."""
    if not data.startswith(MAGIC) or len(data) > SIZE_LIMIT or not _fits(data):
        return None
    try:
        archive = plistlib.loads(data, fmt=plistlib.FMT_BINARY)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(archive, dict):
        return None
    objects, top = archive.get("$objects"), archive.get("$top")
    if not isinstance(objects, list) or not isinstance(top, dict):
        return None
    return Keyed(objects, top.get("root"))


def _fits(data: bytes) -> bool:
    """Whether all objects fit side by side into the bytes."""
    if len(data) < len(MAGIC) + _TRAILER.size:
        return False
    width, reference, count, _, table = _TRAILER.unpack(data[-_TRAILER.size :])
    if not 1 <= width <= 8 or not 1 <= reference <= 8 or table + count * width > len(data) - _TRAILER.size:
        return False
    left = table
    try:
        for start in range(table, table + count * width, width):
            left -= _extent(data, int.from_bytes(data[start : start + width]), reference)
            if left < 0:
                return False
    except (IndexError, NotKeyed):
        return False
    return True


def _extent(data: bytes, at: int, reference: int) -> int:
    """Return how many bytes the object takes. Raises NotKeyed for an integer that no program writes."""
    kind, low = divmod(data[at], 16)
    unit = _UNITS.get(kind) or _REFERENCES.get(kind, 0) * reference
    if unit:
        if low < 15:
            return 1 + low * unit
        size = 1 << (data[at + 1] & 3)
        return 2 + size + int.from_bytes(data[at + 2 : at + 2 + size]) * unit
    if kind in {0x1, 0x2}:
        if 1 << low > _INTEGER_BYTES:
            raise NotKeyed
        return 1 + (1 << low)
    return {0x3: 9, 0x8: 2 + low}.get(kind, 1)
