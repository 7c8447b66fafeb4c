"""As much of protobuf's encoding as Google Authenticator's QR codes need, both ways.

Source: protobuf.dev/programming-guides/encoding. Rules: fields that nobody asks for are passed over, whatever their
type, as future versions may have more; anything that is cut off or impossible is `Broken`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED: Final[Mapping[int, int]] = {1: 8, 5: 4}
"""The lengths of types that have one."""
_FIELDS: Final = 100_000
_VARINT_LENGTH: Final = 10


class Broken(ValueError):
    """The bytes are no protobuf message, or not this one."""


class Message:
    """The fields of a message by number: all values of each."""

    def __init__(self, data: bytes) -> None:
        self._values: dict[int, list[int | bytes]] = {}
        for number, value in _fields(data):
            self._values.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._values

    def messages(self, number: int) -> list[bytes]:
        """Return all values of a repeated field of bytes."""
        values = self._values.get(number, [])
        if not all(isinstance(value, bytes) for value in values):
            raise Broken
        return [value for value in values if isinstance(value, bytes)]

    def octets(self, number: int) -> bytes:
        """Return the bytes of a field; none if it is missing. The last value counts, as everywhere in protobuf."""
        return (self.messages(number) or [b""])[-1]

    def text(self, number: int) -> str:
        """Return the text of a field; a byte that is not UTF-8 costs one letter."""
        return self.octets(number).decode(errors="replace")

    def whole(self, number: int) -> int:
        """Return a signed number of 32 or 64 bits; 0 if it is missing."""
        value = self._values.get(number, [0])[-1]
        if not isinstance(value, int):
            raise Broken
        return value - (1 << 64) if value >> 63 else value


def encoded(fields: Mapping[int, int | bytes | list[bytes]]) -> bytes:
    """Return a message; a list is a repeated field. Numbers must not be negative."""
    return b"".join(_field(number, value) for number, value in fields.items())


def _field(number: int, value: int | bytes | list[bytes]) -> bytes:
    if isinstance(value, list):
        return b"".join(_field(number, each) for each in value)
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    for _ in range(_FIELDS):
        if at == len(data):
            return
        key, at = _varint_at(data, at)
        number, kind = key >> 3, key & 7
        if not 1 <= number < 1 << 29:
            raise Broken
        if kind == _VARINT:
            value, at = _varint_at(data, at)
            yield number, value
            continue
        length, at = _length_at(data, at, kind)
        if length > len(data) - at:
            raise Broken
        yield number, data[at : at + length]
        at += length
    raise Broken


def _length_at(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == _BYTES:
        return _varint_at(data, at)
    if kind not in _FIXED:
        raise Broken  # groups ended before Google Authenticator began
    return _FIXED[kind], at


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, octet in enumerate(data[at : at + _VARINT_LENGTH]):
        value |= (octet & 0x7F) << 7 * index
        if octet < 0x80:
            return value & (1 << 64) - 1, at + index + 1
    raise Broken
