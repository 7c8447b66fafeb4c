"""A process of its own for amqtt: `python -m appliance.cli.demo.amqtt_broker PORT`; it ends with its standard input.

amqtt speaks MQTT 3.1.1 only, and answers a CONNECT of MQTT 5 with silence, which costs a client ten seconds. So a
doorman listens in front of it: he refuses MQTT 5 with the reason code for it, and lets everybody else pass.
"""

import asyncio
import contextlib
import socket
import sys
from typing import Final

from amqtt.broker import Broker

HOST: Final = "127.0.0.1"
SHORTEST_CONNECT: Final = 14
"""Bytes of the smallest CONNECT; its protocol level is among them, however long the packet is."""
MQTT_5: Final = 5
UNSUPPORTED_VERSION: Final = bytes((0x20, 3, 0, 0x84, 0))
"""CONNACK of MQTT 5, reason code 132, no properties (MQTT 5.0, sections 3.2 and 4.13)."""
_PLUGINS: Final = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


async def serve(port: int) -> None:
    """Serve until standard input ends, or until this process is ended; nothing outlives it."""
    inner = _free_port()
    broker = Broker(
        {"listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{inner}"}}, "plugins": _PLUGINS}
    )
    await broker.start()

    async def received(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _attend(reader, writer, inner)
        writer.close()

    await asyncio.start_server(received, HOST, port)
    await asyncio.to_thread(sys.stdin.buffer.read)


async def _attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inner: int) -> None:
    head = await reader.readexactly(SHORTEST_CONNECT)
    # The level follows the name; the length before it has one to four bytes.
    if head[head.find(b"MQTT") + 4] == MQTT_5:
        writer.write(UNSUPPORTED_VERSION)
        await writer.drain()
        return
    inwards, outwards = await asyncio.open_connection(HOST, inner)
    outwards.write(head)
    await asyncio.gather(_pass_on(reader, outwards), _pass_on(inwards, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side has gone, then let the other side go as well."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
