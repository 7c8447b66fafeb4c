"""paho's client as we want it; nothing else here."""

import socket
from typing import Any, Final, Literal

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.adapters.broker import link as links
from appliance.adapters.broker.link import Link

Version = Literal["5", "3.1.1"]

ANSWER_SECONDS: Final = 10.0
"""For each address of the host, for TLS, and again for the CONNACK."""
PACKET_BYTES: Final = 1 << 20
"""The largest packet that we take. A broker of 3.1.1 can't be told."""
CONTENT_TYPE: Final = "application/vnd.otp-appliance.backup+json"


def client_for(link: Link, version: Version) -> Client:
    """Return a client that has never been connected, and that never connects again by itself."""
    five = version == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        link.client_id,
        clean_session=None if five else True,
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
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
