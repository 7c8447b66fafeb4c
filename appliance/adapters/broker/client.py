"""paho's client as we want it; nothing else here."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.adapters.broker import link as links
from appliance.adapters.broker.framing import PACKET_BYTES, Framer, Malformed, Unbearable
from appliance.adapters.broker.link import Link

Version = Literal["5", "3.1.1"]

ANSWER_SECONDS: Final = 10.0
"""For each address of the host, for TLS, and again for the CONNACK."""
READ_BYTES: Final = 1 << 16
BACKLOG: Final = 5000
"""Packets of ours, acknowledgements for the most part, that may wait for a broker that sends and does not read."""
CONTENT_TYPE: Final = "application/vnd.otp-appliance.backup+json"


class BoundedClient(Client):
    """Lets only packets through to paho's parser that are bounded in size and in what they cost."""

    framer: Framer
    malformed = False
    """The broker sent something that is not MQTT."""
    unbearable = ""
    """The broker sent something that is too much, in words."""

    @property
    def pending(self) -> bool:
        """There is something to read that the socket does not tell of."""
        return self.framer.ready > 0 or self._spoilt

    @property
    def _spoilt(self) -> bool:
        return self.malformed or bool(self.unbearable)

    def _sock_recv(self, bufsize: int) -> bytes:
        """Stand for the socket: paho 2.1 and 2.2 read through this, and nothing else."""
        if len(self._out_packet) > BACKLOG:
            self.unbearable = "it sends without end and takes nothing"
        if not self.pending:
            data = super()._sock_recv(READ_BYTES)
            if not data:
                return data
            try:
                self.framer.feed(data)
            except Malformed:
                self.malformed = True
            except Unbearable as error:
                self.unbearable = str(error)
        if self.framer.ready:
            return self.framer.take(bufsize)  # what came in good order before the fault is heard first
        if self._spoilt:
            raise ConnectionError
        raise BlockingIOError

    def _sock_close(self) -> None:
        """Hear the broker's last words before the socket closes: a failed write would otherwise hide them."""
        with suppress(OSError, Malformed, Unbearable):
            while isinstance(self._sock, socket.socket) and not self._spoilt and self.framer.farewell is None:
                data = self._sock.recv(READ_BYTES)
                if not data:
                    break
                self.framer.feed(data)
        super()._sock_close()


def client_for(link: Link, version: Version, monotonic: Callable[[], float]) -> BoundedClient:
    """Return a client that has never been connected, and that never connects again by itself."""
    five = version == "5"
    client = BoundedClient(
        CallbackAPIVersion.VERSION2,
        link.client_id,
        clean_session=None if five else True,
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.framer = Framer(five=five, monotonic=monotonic)
    client.connect_timeout = ANSWER_SECONDS
    return client


def connect(client: Client, link: Link, keepalive: int) -> None:
    """Connect and send CONNECT; blocks for `ANSWER_SECONDS` at each stage.

    Raises BrokerFailed if a file is of no use, and OSError or ValueError if the broker can't be reached.
    """
    client.username_pw_set(link.username, links.password(link))
    if link.tls is not None:
        client.tls_set_context(links.context(link.tls))
    if client.protocol == MQTTProtocolVersion.MQTTv5:
        offer = properties(PacketTypes.CONNECT, MaximumPacketSize=PACKET_BYTES, SessionExpiryInterval=0)
        client.connect(link.host, link.port, keepalive, clean_start=True, properties=offer)
    else:
        client.connect(link.host, link.port, keepalive)
    sock = client.socket()
    if isinstance(sock, socket.socket):
        # Small packets in both directions otherwise wait 40 ms each for the other side's delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def properties(packet: int, **values: Any) -> Properties:
    """Return properties of MQTT 5 for a kind of packet."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made
