"""What lies retained at a broker: where, as topics without their prefix, and how much of it is kept while it comes in.

Topics are `VAULT/DEVICE/backup`, `.../history/0` to `6`, `.../late/HHHHHHHH`, and `VAULT/devices`. Anybody may have
written any of it, in any number and size: `Reading` is bounded, and says when it had to leave something out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.vault import canonical
from appliance.vault.document import SLOTS_OF_HISTORY

MESSAGES: Final = 2_000
BYTES: Final = 64 << 20
"""Of payloads that one reading keeps."""
FLOOD_BYTES: Final = 256 << 20
"""Of payloads that one reading takes in at all; then it is over."""
MESSAGE_BYTES: Final = 1 << 20
"""Backups have a million bytes at most, and a proof: what is larger is none."""
BROKER_LIST: Final = 1_000
"""Messages of one wildcard after which some brokers stop, without saying so (mosquitto: max_queued_messages)."""
PLACES: Final = 20_000
"""Topics that one listing remembers."""
INDEX_DEVICES: Final = 64
"""The most that an index of devices may name."""

_VAULT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEVICE: Final = re.compile(r"otp-[0-9a-f]{8}")
_KIND: Final = re.compile(r"backup|history/[0-6]|late/[0-9a-f]{8}")
_INDEX_BYTES: Final = 16 * INDEX_DEVICES


@dataclass(frozen=True, slots=True)
class Message:
    """A retained backup at the broker, or one from a file, not yet opened."""

    vault: str
    """As its topic says; empty for a file."""
    device: str
    """As its topic says; empty for a file."""
    kind: str
    """`backup`, `history/0` to `history/6`, or `late/` and 8 hex digits: what could not be read back in its place."""
    payload: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """What people know it by."""
        return f"{self.device} {self.kind}".removesuffix(" backup") if self.device else "the file"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a backup lies, as its topic says."""

    vault: str
    device: str
    kind: str
    size: int
    """Bytes."""


@dataclass(slots=True)
class Reading:
    """What came in answer to one reading; what is read of a preferred device pushes out what is not."""

    prefer: frozenset[str] = frozenset()
    """Ids of devices."""
    keep: bool = True
    """The payloads, too; else only where they lie."""
    cut: bool = False
    """There was more, or it did not come to its end."""
    oversized: set[str] = field(default_factory=set)
    """Topics of what is too large to be a backup."""
    _places: dict[str, Place] = field(default_factory=dict)
    _kept: dict[bool, dict[str, bytes]] = field(default_factory=lambda: {True: {}, False: {}}, repr=False)
    """By whether the device is preferred."""
    _bytes: int = 0
    _seen: int = 0

    @property
    def places(self) -> tuple[Place, ...]:
        """Where something lies, in the order of topics."""
        return tuple(self._places[topic] for topic in sorted(self._places))

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was kept, in the order of topics."""
        kept = self._kept[True] | self._kept[False]
        named = ((self._places[topic], kept[topic]) for topic in sorted(kept))
        return tuple(Message(place.vault, place.device, place.kind, payload) for place, payload in named)

    @property
    def incomplete(self) -> bool:
        """There may be more: it was cut here, or is as long as brokers cut it."""
        return self.cut or len(self._places) >= BROKER_LIST

    @property
    def flooded(self) -> bool:
        """More came than anybody's backups can be."""
        return self._seen > FLOOD_BYTES

    def take(self, topic: str, payload: bytes) -> None:
        """Take in a retained message; `topic` is without the prefix."""
        self._seen += len(payload)
        place = placed(topic)
        if place is None or not payload:
            return
        if len(payload) > MESSAGE_BYTES:
            self.refuse(topic)
        elif topic not in self._places and len(self._places) >= PLACES:
            self.cut = True
        elif not self.keep or self._fit(topic, payload, preferred=place[1] in self.prefer):
            self._places[topic] = Place(*place, len(payload))

    def refuse(self, topic: str) -> None:
        """Take note of what is too large to be a backup."""
        if placed(topic) is not None and len(self.oversized) < MESSAGES:
            self.oversized.add(topic)

    def _fit(self, topic: str, payload: bytes, *, preferred: bool) -> bool:
        """Keep a payload if there is room, or if another one gives way to it."""
        self._drop(topic, preferred=preferred)
        while not self._room(payload):
            self.cut = True
            if not preferred or not self._kept[False]:
                return False
            self._drop(next(reversed(self._kept[False])), preferred=False)
        self._kept[preferred][topic] = payload
        self._bytes += len(payload)
        return True

    def _room(self, payload: bytes) -> bool:
        count = len(self._kept[True]) + len(self._kept[False])
        return count < MESSAGES and self._bytes + len(payload) <= BYTES

    def _drop(self, topic: str, *, preferred: bool) -> None:
        if topic in self._kept[preferred]:
            self._bytes -= len(self._kept[preferred].pop(topic))
            del self._places[topic]


def is_vault(text: str) -> bool:
    """Return whether a text is the id of a vault."""
    return _VAULT.fullmatch(text) is not None


def is_device(text: str) -> bool:
    """Return whether a text is the id of a device."""
    return _DEVICE.fullmatch(text) is not None


def placed(topic: str) -> tuple[str, str, str] | None:
    """Return vault, device and kind of a topic without its prefix; None if no backup can lie there."""
    vault, _, rest = topic.partition("/")
    device, _, kind = rest.partition("/")
    good = is_vault(vault) and is_device(device) and _KIND.fullmatch(kind)
    return (vault, device, kind) if good else None


def fits(pattern: str, topic: str) -> bool:
    """Return whether a topic is among those that a pattern of `patterns` asks for."""
    wanted, given = pattern.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(
        level in {"+", other} for level, other in zip(wanted, given, strict=True)
    )


def index_topic(vault: str) -> str:
    """Return where the devices of a vault name themselves, without the prefix."""
    return f"{vault}/devices"


def read_index(payload: bytes) -> tuple[str, ...]:
    """Return the devices that an index names; none if it is anything but what the daemon writes.

    Anybody may have written it: it only says which exact topics are worth a look.
    """
    if len(payload) > _INDEX_BYTES:
        return ()
    try:
        named = canonical.load(payload)
        fits = isinstance(named, list) and canonical.dump(named) == payload
    except ValueError:
        return ()
    if not fits or len(named) > INDEX_DEVICES or len({str(one) for one in named}) != len(named):
        return ()
    good = all(isinstance(one, str) and is_device(one) for one in named)
    return tuple(named) if good else ()


def patterns(
    vault: str | None, device: str | None, *, named: Sequence[str] = (), history: bool = False
) -> tuple[str, ...]:
    """Return what to subscribe to for backups, without the prefix: exact topics before wildcards.

    `named` are devices that may exist (`read_index`). Some brokers serve retained messages for exact topics only.
    """
    known = (device,) if device is not None else tuple(named)
    exact = (_exact(vault, one, history=history) for one in known if vault is not None)
    place = f"{vault or '+'}/{device or '+'}"
    wild = (f"{place}/backup", f"{place}/late/+", *((f"{place}/history/+",) if history else ()))
    return tuple(dict.fromkeys((*(topic for topics in exact for topic in topics), *wild)))


def _exact(vault: str, device: str, *, history: bool) -> tuple[str, ...]:
    place = f"{vault}/{device}"
    slots = range(SLOTS_OF_HISTORY) if history else range(0)
    return (f"{place}/backup", *(f"{place}/history/{slot}" for slot in slots))
