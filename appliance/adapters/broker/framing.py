"""What stands between the socket and paho's parser: packets that are bounded, and hold only what is read of them.

paho collects up to 256 MB before anybody is asked, and spends time on properties with the square of their number. So
each packet is looked at here first, in linear time. A PUBLISH that is larger than we take is replaced by an empty one
as soon as its head is there (it is acknowledged like any other), and the rest is thrown away as it comes. Of
properties only those pass that somebody reads. Layouts: MQTT 5, sections 2 and 3.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PACKET_BYTES: Final = 1 << 20
"""The largest PUBLISH that we take, without its fixed header. A broker of 3.1.1 can't be told."""
ANSWER_BYTES: Final = 1 << 16
"""The largest of any other packet."""
HEAD_BYTES: Final = 1 << 17
"""Of a PUBLISH that is too large: enough for the longest topic and what is before and behind it."""
SKIP_SECONDS: Final = 30.0
"""For throwing one packet away."""
IDENTIFIERS: Final = 16
"""Subscription identifiers that are read of one PUBLISH: each fetch adds one, and the latest fetches count."""

CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
SUBACK: Final = 9
PINGRESP: Final = 13
DISCONNECT: Final = 14

_IDENTIFIER: Final = 0x0B
_REASON: Final = 0x1F
_TERMS: Final = frozenset({0x11, 0x13, 0x21, 0x22, 0x24, 0x25, 0x27, 0x28, 0x29, 0x2A})
"""Properties of a CONNACK that we, or paho, read; all of them are numbers."""
_FIXED: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
}
"""Bytes of a property, by its identifier."""
_TEXTS: Final = {**dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), 1), 0x26: 2}
"""How many strings a property has."""


class Malformed(Exception):
    """These bytes are no MQTT that a broker sends to us."""


class Unbearable(Exception):
    """The broker sends what can't be waited for; the text says why, in words for people."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The broker's last words (DISCONNECT of MQTT 5)."""

    reason: int
    text: str


class Framer:
    """Takes what comes from the socket, and gives whole packets that are harmless."""

    def __init__(self, *, five: bool, monotonic: Callable[[], float]) -> None:
        self._five = five
        self._monotonic = monotonic
        self._raw = bytearray()
        self._clean = bytearray()
        self._skip = 0
        self._skip_until = 0.0
        self.sizes: deque[int | None] = deque()
        """For each PUBLISH that was given, in order: bytes of the payload that it no longer has; None: it is whole."""
        self.farewell: Farewell | None = None

    @property
    def ready(self) -> int:
        """Bytes that can be taken."""
        return len(self._clean)

    def take(self, size: int) -> bytes:
        """Return at most so many bytes."""
        piece = bytes(self._clean[:size])
        del self._clean[:size]
        return piece

    def feed(self, data: bytes) -> None:
        """Take what came. Raises Malformed or Unbearable; then nothing more may be fed."""
        if self._skip:
            if self._monotonic() > self._skip_until:
                raise Unbearable(
                    f"it took more than {SKIP_SECONDS:.0f} s to send a message that is too large"
                )
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._raw += data
        while self._next():
            pass

    def _next(self) -> bool:
        """Deal with one packet; False: it is not there yet."""
        head = self._head()
        if head is None:
            return False
        start, length = head
        kind = self._raw[0] >> 4
        if kind == PUBLISH and length > PACKET_BYTES:
            return self._replace(start, length)
        if kind != PUBLISH and length > ANSWER_BYTES:
            raise Unbearable(f"it sent an answer of {length} bytes")
        if len(self._raw) < start + length:
            return False
        first, body = self._raw[0], bytes(self._raw[start : start + length])
        del self._raw[: start + length]
        self._give(first, self._cleaned(kind, first & 15, body))
        return True

    def _head(self) -> tuple[int, int] | None:
        """Return where the body begins, and its length; None: not there yet."""
        length = 0
        for at, byte in enumerate(self._raw[1:5], 1):
            length |= (byte & 127) << 7 * (at - 1)
            if byte < 128:
                return at + 1, length
        if len(self._raw) >= 5:
            raise Malformed
        return None

    def _replace(self, start: int, length: int) -> bool:
        """Give an empty PUBLISH for one that is too large, and throw away the rest of it."""
        known = min(length, HEAD_BYTES)
        if len(self._raw) < start + known:
            return False
        first, body = self._raw[0], bytes(self._raw[start : start + known])
        head, rest = self._publish_head(first & 15, body, length)
        dropped = min(len(self._raw), start + length)
        del self._raw[:dropped]
        self._skip = start + length - dropped
        self._skip_until = self._monotonic() + SKIP_SECONDS
        self.sizes.append(length - rest)
        self._give(first, head)
        return not self._skip

    def _cleaned(self, kind: int, flags: int, body: bytes) -> bytes:
        match kind:
            case _ if kind == PUBLISH:
                head, rest = self._publish_head(flags, body, len(body))
                self.sizes.append(None)
                return head + body[rest:]
            case _ if kind not in {CONNACK, PUBACK, SUBACK, PINGRESP, DISCONNECT}:
                raise Malformed
            case _ if not self._five:
                return body
            case _ if kind == CONNACK and len(body) > 2:
                return body[:2] + _kept(body, 2, len(body), _TERMS)[0]
            case _ if kind == PUBACK:
                return body[:3]
            case _ if kind == SUBACK:
                return body[:2] + b"\0" + body[_end(body, 2, len(body)) :]
            case _ if kind == DISCONNECT:
                self.farewell = _farewell(body)
                return b""
            case _:
                return body

    def _publish_head(self, flags: int, body: bytes, length: int) -> tuple[bytes, int]:
        """Return a PUBLISH without its payload and most of its properties, and where the payload begins.

        `body` is the beginning of one of `length` bytes.
        """
        quality = flags >> 1 & 3
        if quality > 1:
            raise Malformed  # nobody subscribed with more than 1
        at = 2 + int.from_bytes(body[:2]) + 2 * quality
        if at > length or len(body) < 2:
            raise Malformed
        if not self._five:
            return body[:at], at
        kept, rest = _kept(body, at, length, frozenset({_IDENTIFIER}), limit=IDENTIFIERS)
        return body[:at] + kept, rest

    def _give(self, first: int, body: bytes) -> None:
        self._clean += bytes([first]) + _varint(len(body)) + body


def _farewell(body: bytes) -> Farewell:
    """Return what a DISCONNECT says."""
    if len(body) < 2:
        return Farewell(body[0] if body else 0, "")
    kept, _ = _kept(body, 1, len(body), frozenset({_REASON}), limit=1)
    at = _number(kept, 0)[1]
    return Farewell(body[0], kept[at + 3 :].decode(errors="replace")[:200])


def _end(body: bytes, at: int, length: int) -> int:
    """Return where properties end that begin at `at`. Raises Malformed if that is beyond `length`."""
    size, at = _number(body, at)
    if at + size > length:
        raise Malformed
    return at + size


def _kept(
    body: bytes, at: int, length: int, wanted: frozenset[int], *, limit: int | None = None
) -> tuple[bytes, int]:
    """Return properties with the wanted ones alone, the last `limit` of them, and where the rest of the packet begins.

    Without a limit each counts once. A `body` that is shorter than `length` was cut: what is not there is not wanted.
    """
    end = _end(body, at, length)
    at = _number(body, at)[1]
    found: deque[bytes] = deque(maxlen=len(wanted) if limit is None else limit)
    while at < min(end, len(body)):
        after = _after(body, at)
        if after > end:
            raise Malformed
        if body[at] in wanted and after <= len(body) and (limit is not None or body[at] not in _marks(found)):
            found.append(body[at:after])
        at = after
    kept = b"".join(found)
    return _varint(len(kept)) + kept, end


def _marks(found: deque[bytes]) -> set[int]:
    return {one[0] for one in found}


def _after(body: bytes, at: int) -> int:
    """Return where the next property begins; it may be beyond the end."""
    mark, at = body[at], at + 1
    if mark in _FIXED:
        return at + _FIXED[mark]
    if mark == _IDENTIFIER:
        return _number(body, at)[1]
    if mark not in _TEXTS:
        raise Malformed
    for _ in range(_TEXTS[mark]):
        at += 2 + int.from_bytes(body[at : at + 2])
    return at


def _number(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(4):
        if at + place >= len(body):
            break
        byte = body[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise Malformed


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
