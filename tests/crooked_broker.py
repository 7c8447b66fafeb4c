"""A small broker in memory, of MQTT 5 and 3.1.1, that really serves, and misbehaves as it is told.

    with CrookedBroker(Behaviour(identifiers=False)) as broker:
        broker.retained["otp-appliance/v/otp-00000001/backup"] = b"..."
        ...                                       # clients, commands and daemons at broker.port
        broker.behaviour = replace(broker.behaviour, wildcards="refused")

`scripted_broker` says the next packet; this one is for programs that want a whole broker. No sessions, no last will,
no QoS 2; everything is delivered with QoS 0.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.fakes import matches
from tests.scripted_broker import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    HOST,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    Gone,
    Packet,
    Wire,
    varint,
)

_PIECE: Final = bytes(65_536)
_DENIED: Final = 0x87


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a broker deviates; the default is an honest one."""

    versions: tuple[int, ...] = (4, 5)
    """Protocol levels; another is refused in words."""
    password: str | None = None
    """None: everybody may enter."""
    identifiers: bool = True
    """Repeats subscription identifiers."""
    announced_identifiers: bool | None = None
    """What its CONNACK says of them; None: nothing, which means yes. RabbitMQ 4 says nothing, and does not repeat them."""
    wildcards: Literal["served", "refused", "silent"] = "served"
    """What happens to a topic filter with + or #: RabbitMQ grants it and delivers nothing retained."""
    one_delivery: bool = False
    """A connection gets retained messages at its first SUBSCRIBE to a topic only (rumqttd)."""
    stale_seconds: float = 0.0
    """Reads what was retained so long ago, as a restarted node of a cluster does."""
    forgets: bool = False
    """Acknowledges, and keeps and passes on nothing."""
    unreadable: tuple[str, ...] = ()
    """Topic filters that it grants, and of which it delivers nothing: mosquitto's lists."""
    unwritable: tuple[str, ...] = ()
    """Topic filters whose publications it refuses (3.1.1: acknowledges), and does not keep."""
    over_limit: bool = False
    """Delivers what is larger than the client takes; an honest broker drops it in silence."""
    packet_limit: int | None = None
    """What its CONNACK says (MQTT 5)."""
    ends_at: int | None = None
    """A PUBLISH of more bytes ends the connection without a word (rumqttd: 20 kB)."""
    maximum_qos: int = 2
    """Says so in its CONNACK (MQTT 5), and hangs up on a publication with more."""
    retain: bool = True
    """Says so in its CONNACK (MQTT 5), and keeps nothing without."""
    cut_at: int | None = None
    """The answer to one SUBSCRIBE has no more retained messages than this; mosquitto's is about 1,000."""
    properties: int = 0
    """User properties on each delivery of MQTT 5."""
    endless: str = ""
    """From the SUBSCRIBE to this topic on, live messages come on it without an end."""


@dataclass(frozen=True, slots=True)
class Huge:
    """A retained message of so many zeros, which is never in memory as a whole."""

    size: int


class CrookedBroker:
    """The broker; it runs within its `with` block, on a free loopback port."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        """Holds from the next packet on."""
        self.retained: dict[str, bytes | Huge] = {}
        """What it keeps; a test may change it directly: nobody is told."""
        self.published: list[tuple[str, bytes]] = []
        """All that anybody published, the denied and the forgotten too."""
        self.subscribed: list[str] = []
        """Topic filters in the order of the SUBSCRIBEs."""
        self.connections = 0
        """CONNECTs so far."""
        self._past: list[tuple[float, str, bytes | Huge]] = []
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._clients: list[_Client] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> "CrookedBroker":
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut everybody off, and wait for every thread; may be called twice."""
        self._stopped.set()
        _shut(self._listener)
        self.cut()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    def cut(self) -> None:
        """End every connection; who comes again is let in."""
        with self._lock:
            for client in self._clients:
                _shut(client.sock)

    def keep(self, topic: str, payload: bytes | Huge) -> None:
        """Replace what is retained, and tell those who listen, if it is not too much for them."""
        with self._lock:
            self._past.append((time.monotonic(), topic, self.retained.get(topic, b"")))
            if payload == b"":
                self.retained.pop(topic, None)
            else:
                self.retained[topic] = payload
        self.say(topic, payload)

    def say(self, topic: str, payload: bytes | Huge) -> None:
        """Deliver a live message to everybody who subscribed."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.pass_on(topic, payload)

    def read(self, asked: str) -> list[tuple[str, bytes | Huge]]:
        """Return what this broker gives away as retained for a topic filter."""
        behaviour = self.behaviour
        if {"+", "#"} & set(asked) and behaviour.wildcards == "silent":
            return []
        with self._lock:
            kept = dict(self.retained)
            since = time.monotonic() - behaviour.stale_seconds
            kept |= {topic: before for at, topic, before in reversed(self._past) if at > since}
        found = [
            (topic, payload)
            for topic, payload in kept.items()
            if payload != b"" and matches(asked, topic) and not _fits(behaviour.unreadable, topic)
        ]
        return found[: behaviour.cut_at]

    def _spawn(self, work: object, *args: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=args, name="crooked broker", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        client = _Client(self, sock)
        with self._lock:
            self._clients.append(client)
        try:
            # What a client sends that makes no sense ends its connection, and nothing else.
            with contextlib.suppress(Gone, OSError, IndexError, struct.error, UnicodeDecodeError):
                client.serve()
        finally:
            with self._lock:
                self._clients.remove(client)
            _shut(sock)
            sock.close()

    def flood(self, client: "_Client", topic: str) -> None:
        """Send live messages to one client until either side has gone."""
        self._spawn(self._flood, client, topic)

    def _flood(self, client: "_Client", topic: str) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                number += 1
                client.deliver(topic, b"live %d" % number, retained=False)


@dataclass(eq=False)
class _Client:
    broker: CrookedBroker
    sock: socket.socket
    filters: dict[str, int | None] = field(default_factory=dict)
    """Topic filter -> subscription identifier of its last SUBSCRIBE."""
    read: set[str] = field(default_factory=set)
    takes: int | None = None
    """Bytes of the largest packet."""

    def __post_init__(self) -> None:
        self.sock.settimeout(60)
        self.wire = Wire(self.sock)
        self.lock = threading.Lock()

    def serve(self) -> None:
        """Answer until the connection ends."""
        if not self._enter(self.wire.expect(CONNECT)):
            return
        self.broker.connections += 1
        while (packet := self.wire.packet()).type != DISCONNECT:
            match packet.type:
                case kind if kind == PUBLISH:
                    if not self._publish(packet):
                        return
                case kind if kind == SUBSCRIBE:
                    self._subscribe(packet)
                case kind if kind == PINGREQ:
                    self._send(PINGRESP, b"")

    def _enter(self, packet: Packet) -> bool:
        behaviour, body = self.broker.behaviour, packet.body
        if packet.level not in behaviour.versions:
            self.wire.v5 = False  # as brokers of 3.1.1 do: in their own words
            self._send(CONNACK, bytes([0, 1]))
            return False
        at = 10
        if self.wire.v5:
            marks, at = _properties(body, at)
            self.takes = next((value for mark, value in marks if mark == 0x27), None)
        if behaviour.password is not None and _password(body, at) != behaviour.password:
            self._send(CONNACK, bytes([0, 0x86 if self.wire.v5 else 4]) + self._marks(b""))
            return False
        self._send(CONNACK, bytes([0, 0]) + self._marks(_terms(behaviour)))
        return True

    def _publish(self, packet: Packet) -> bool:
        behaviour, broker = self.broker.behaviour, self.broker
        qos, topic = packet.flags >> 1 & 3, packet.topic
        if behaviour.ends_at is not None and len(packet.body) > behaviour.ends_at:
            return False
        if qos > behaviour.maximum_qos:
            self._send(DISCONNECT, bytes([0x9B]) + self._marks(b"")) if self.wire.v5 else None
            return False
        at = 2 + len(topic.encode()) + (2 if qos else 0)
        if self.wire.v5:
            _, at = _properties(packet.body, at)
        payload = packet.body[at:]
        broker.published.append((topic, payload))
        denied = _fits(behaviour.unwritable, topic)
        if qos:
            tail = bytes([_DENIED]) if denied and self.wire.v5 else b""
            self._send(PUBACK, struct.pack("!H", packet.mid) + tail)
        if not denied and not behaviour.forgets:
            if packet.flags & 1 and behaviour.retain:
                broker.keep(topic, payload)
            else:
                broker.say(topic, payload)
        return True

    def _subscribe(self, packet: Packet) -> None:
        behaviour, body = self.broker.behaviour, packet.body
        identifier, at = None, 2
        if self.wire.v5:
            marks, at = _properties(body, at)
            identifier = next((value for mark, value in marks if mark == 0x0B), None)
        asked, codes = [], b""
        while at < len(body):
            (length,) = struct.unpack("!H", body[at : at + 2])
            topic = body[at + 2 : at + 2 + length].decode()
            qos = body[at + 2 + length] & 3
            at += 3 + length
            self.broker.subscribed.append(topic)
            if {"+", "#"} & set(topic) and behaviour.wildcards == "refused":
                codes += bytes([0xA2 if self.wire.v5 else 0x80])
                continue
            codes += bytes([min(qos, behaviour.maximum_qos)])
            asked.append(topic)
        self._send(SUBACK, body[:2] + self._marks(b"") + codes)
        for topic in asked:
            self._answer(topic, identifier)

    def _answer(self, topic: str, identifier: int | None) -> None:
        behaviour = self.broker.behaviour
        known = topic in self.read
        self.filters[topic] = identifier
        self.read.add(topic)
        if not (behaviour.one_delivery and known):
            for name, payload in self.broker.read(topic):
                self.deliver(name, payload, retained=True, identifiers=[identifier])
        if behaviour.endless == topic:
            self.broker.flood(self, topic)

    def pass_on(self, topic: str, payload: bytes | Huge) -> None:
        """Deliver a live message, if this client subscribed to it and may read it."""
        asking = [identifier for asked, identifier in list(self.filters.items()) if matches(asked, topic)]
        if asking and not _fits(self.broker.behaviour.unreadable, topic):
            self.deliver(topic, payload, retained=False, identifiers=asking)

    def deliver(
        self,
        topic: str,
        payload: bytes | Huge,
        *,
        retained: bool,
        identifiers: list[int | None] | None = None,
    ) -> None:
        """Send a PUBLISH of QoS 0; in silence not, if it is more than the client takes."""
        behaviour, name = self.broker.behaviour, topic.encode()
        marks = b""
        if behaviour.identifiers:
            marks = b"".join(b"\x0b" + varint(one) for one in identifiers or [] if one is not None)
        marks += b"\x26\0\1a\0\0" * behaviour.properties
        head = struct.pack("!H", len(name)) + name + self._marks(marks)
        size = len(head) + (payload.size if isinstance(payload, Huge) else len(payload))
        if self.takes is not None and size + 5 > self.takes and not behaviour.over_limit:
            return
        with self.lock:
            self.wire.raw(bytes([PUBLISH << 4 | retained]) + varint(size) + head)
            for piece in _pieces(payload):
                self.wire.raw(piece)

    def _send(self, kind: int, body: bytes) -> None:
        with self.lock:
            self.wire.send(kind, body)

    def _marks(self, properties: bytes) -> bytes:
        return varint(len(properties)) + properties if self.wire.v5 else b""


def _terms(behaviour: Behaviour) -> bytes:
    """Return the properties of the CONNACK."""
    terms = b"" if behaviour.retain else b"\x25\0"
    if behaviour.maximum_qos < 2:
        terms += bytes([0x24, behaviour.maximum_qos])
    if behaviour.packet_limit is not None:
        terms += b"\x27" + struct.pack("!I", behaviour.packet_limit)
    if behaviour.announced_identifiers is not None:
        terms += bytes([0x29, behaviour.announced_identifiers])
    if behaviour.wildcards == "refused":
        terms += b"\x28\0"
    return terms


def _properties(body: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """Return the numbers among the properties that a client may send, and where the rest begins."""
    length, at = _number(body, at)
    end = at + length
    found: list[tuple[int, int]] = []
    while at < end:
        mark, at = body[at], at + 1
        match mark:
            case 0x0B:
                value, at = _number(body, at)
                found.append((mark, value))
            case 0x02 | 0x11 | 0x27:
                found.append((mark, int.from_bytes(body[at : at + 4])))
                at += 4
            case 0x21 | 0x22 | 0x23:
                at += 2
            case 0x01 | 0x17 | 0x19:
                at += 1
            case 0x26:
                at += 2 + int.from_bytes(body[at : at + 2])
                at += 2 + int.from_bytes(body[at : at + 2])
            case _:
                at += 2 + int.from_bytes(body[at : at + 2])
    return found, end


def _number(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, at = body[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _password(body: bytes, at: int) -> str:
    """Return the password of a CONNECT without a last will, whose payload begins at `at`."""
    flags = body[7]
    found: list[str] = []
    for present in (True, flags & 0x80, flags & 0x40):
        if present:
            length = int.from_bytes(body[at : at + 2])
            found.append(body[at + 2 : at + 2 + length].decode())
            at += 2 + length
    return found[-1] if flags & 0x40 else ""


def _pieces(payload: bytes | Huge) -> Iterator[bytes]:
    if isinstance(payload, bytes):
        yield payload
        return
    left = payload.size
    while left > 0:
        yield _PIECE[:left]
        left -= len(_PIECE)


def _fits(filters: tuple[str, ...], topic: str) -> bool:
    return any(matches(asked, topic) for asked in filters)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
