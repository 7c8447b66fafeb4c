"""A broker on a real socket that does exactly what a script says, right or wrong.

One script a connection, the last one for all that follow:

    def script(wire: Wire) -> None:
        wire.expect(CONNECT)
        wire.connack()
        publication = wire.expect(PUBLISH)
        wire.puback(publication.mid)
        wire.stay()

The connection is closed when the script returns. A script that fails an assertion fails the test.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"

CONNECT: Final = 1
CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
SUBSCRIBE: Final = 8
SUBACK: Final = 9
PINGREQ: Final = 12
PINGRESP: Final = 13
DISCONNECT: Final = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """What a client sent."""

    type: int
    flags: int
    body: bytes

    @property
    def level(self) -> int:
        """Of a CONNECT: 4 is MQTT 3.1.1, 5 is MQTT 5."""
        return self.body[6]

    @property
    def keepalive(self) -> int:
        """Of a CONNECT."""
        return int(struct.unpack("!H", self.body[8:10])[0])

    @property
    def topic(self) -> str:
        """Of a PUBLISH."""
        (length,) = struct.unpack("!H", self.body[:2])
        return self.body[2 : 2 + length].decode()

    @property
    def mid(self) -> int:
        """The packet identifier of a PUBLISH with QoS 1 or of a SUBSCRIBE."""
        at = 2 + len(self.topic.encode()) if self.type == PUBLISH else 0
        return int(struct.unpack("!H", self.body[at : at + 2])[0])

    @property
    def identifier(self) -> int:
        """The subscription identifier of a SUBSCRIBE of MQTT 5, as long as it is below 128."""
        assert self.body[2] == 2, "one property of two bytes"
        assert self.body[3] == 0x0B, "subscription identifier"
        return self.body[4]


class Gone(Exception):
    """The client closed the connection."""


class Wire:
    """The broker's end of one connection, in the words of one version."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.v5 = True
        """Speak MQTT 5; `expect(CONNECT)` sets it."""

    def packet(self) -> Packet:
        """Return the next packet; raises Gone if there is none."""
        head = self._exactly(1)[0]
        length, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        return Packet(head >> 4, head & 15, self._exactly(length))

    def expect(self, kind: int) -> Packet:
        """Return the next packet, which must be of this kind; pings before it are answered."""
        while (packet := self.packet()).type == PINGREQ:
            self.raw(bytes([PINGRESP << 4, 0]))
        assert packet.type == kind, f"wanted a packet of type {kind}, got {packet}"
        if kind == CONNECT:
            self.v5 = packet.level == 5
        return packet

    def stay(self) -> None:
        """Answer pings and ignore everything else until the client leaves."""
        with contextlib.suppress(Gone):
            while True:
                if self.packet().type == PINGREQ:
                    self.raw(bytes([PINGRESP << 4, 0]))

    def gape(self) -> None:
        """Answer nothing at all until the client leaves."""
        with contextlib.suppress(Gone):
            while True:
                self._exactly(1)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(data)

    def send(self, kind: int, body: bytes, flags: int = 0) -> None:
        """Send one packet."""
        self.raw(bytes([kind << 4 | flags]) + varint(len(body)) + body)

    def connack(self, reason: int = 0, properties: bytes = b"") -> None:
        """Answer a CONNECT."""
        self.send(CONNACK, bytes([0, reason]) + self._properties(properties))

    def puback(self, mid: int, reason: int = 0) -> None:
        """Answer a PUBLISH."""
        tail = bytes([reason]) if self.v5 and reason else b""
        self.send(PUBACK, struct.pack("!H", mid) + tail)

    def suback(self, mid: int, reason: int = 1) -> None:
        """Answer a SUBSCRIBE."""
        self.send(SUBACK, struct.pack("!H", mid) + self._properties(b"") + bytes([reason]))

    def publish(
        self, topic: str, payload: bytes, *, retained: bool = False, identifier: int | None = None
    ) -> None:
        """Deliver a message with QoS 0."""
        name = topic.encode()
        marks = b"" if identifier is None else bytes([0x0B]) + varint(identifier)
        body = struct.pack("!H", len(name)) + name + self._properties(marks) + payload
        self.send(PUBLISH, body, flags=int(retained))

    def disconnect(self, reason: int, why: str = "") -> None:
        """Send the client away. paho 2.1 reads the reason only if there is a reason string, too."""
        marks = b"" if not why else bytes([0x1F]) + struct.pack("!H", len(why)) + why.encode()
        self.send(DISCONNECT, bytes([reason]) + self._properties(marks))

    def hang_up(self) -> None:
        """Close at once, with a reset: what the client still writes fails."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def _properties(self, properties: bytes) -> bytes:
        return varint(len(properties)) + properties if self.v5 else b""

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._sock.recv(size - len(data))
            if not piece:
                raise Gone
            data += piece
        return data


Script = Callable[[Wire], None]


class ScriptedBroker:
    """Runs scripts on a free loopback port until the `with` block ends."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.scripts = list(scripts)
        self.connections = 0
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[AssertionError] = []

    def __enter__(self) -> "ScriptedBroker":
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        self._listener.close()
        if self._failures:
            raise self._failures[0]

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="scripted broker", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                script = self.scripts[min(self.connections, len(self.scripts) - 1)]
                self.connections += 1
                self._open.append(sock)
                self._spawn(lambda sock=sock, script=script: self._play(sock, script))  # type: ignore[misc]

    def _play(self, sock: socket.socket, script: Script) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            sock.settimeout(30)
            try:
                if self._tls is not None:
                    sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
                script(Wire(sock))
            except (Gone, OSError):
                pass  # clients come and go
            except AssertionError as failure:
                self._failures.append(failure)


def varint(number: int) -> bytes:
    """Return a number as MQTT writes lengths and identifiers (MQTT 5, section 1.5.5)."""
    out = b""
    while True:
        number, low = number >> 7, number & 127
        if not number:
            return out + bytes([low])
        out += bytes([low | 128])
