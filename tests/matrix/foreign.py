"""Others on the broker: somebody who reads and deletes, and a door in front of it that the test opens and shuts."""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.brokers import HOST

ANSWER_SECONDS: Final = 5.0
Login = tuple[str, str] | None


def look(port: int, topic: str, login: Login = None, seconds: float = ANSWER_SECONDS) -> bytes | None:
    """Return what a fresh client gets at once on a topic; None: nothing within `seconds`, or no broker."""
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def received(_client: Client, _user: Any, message: MQTTMessage) -> None:
        inbox.put(bytes(message.payload))

    with _client(port, login) as (client, up):
        client.on_message = received
        if not up.wait(seconds):
            return None
        client.subscribe(topic, qos=1)
        with contextlib.suppress(queue.Empty):
            return inbox.get(timeout=seconds) or None
    return None


def erase(port: int, topic: str, login: Login = None) -> bool:
    """Delete the retained message of a topic; returns whether the broker acknowledged that."""
    with _client(port, login) as (client, up):
        if not up.wait(ANSWER_SECONDS):
            return False
        sent = client.publish(topic, b"", qos=1, retain=True)
        with contextlib.suppress(ValueError, RuntimeError):
            sent.wait_for_publish(ANSWER_SECONDS)
        return sent.is_published()


@contextlib.contextmanager
def _client(port: int, login: Login) -> Iterator[tuple[Client, threading.Event]]:
    client, up = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311), threading.Event()
    client.on_connect = lambda _c, _u, _f, code, _p: None if code.is_failure else up.set()
    if login is not None:
        client.username_pw_set(*login)
    with contextlib.suppress(OSError):
        client.connect(HOST, port, keepalive=20)
    client.loop_start()
    try:
        yield client, up
    finally:
        client.disconnect()
        client.loop_stop()


class Door:
    """A port that leads to the broker while it is open; shut, it hangs up on everybody, whoever is inside as well."""

    def __init__(self, target: Callable[[], int | None]) -> None:
        """`target` names the port for the next connection; None: nobody is there."""
        self._target = target
        self._open = True
        self._inside: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._attend, daemon=True).start()

    def shut(self) -> None:
        """Let nobody in, and everybody out."""
        self._open = False
        for sock in tuple(self._inside):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let people in again."""
        self._open = True

    def close(self) -> None:
        """End it for good."""
        self.shut()
        self._listener.close()

    def _attend(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            port = self._target() if self._open else None
            try:
                outer = socket.create_connection((HOST, port), 5) if port is not None else None
            except OSError:
                outer = None
            if outer is None:
                inner.close()
                continue
            outer.settimeout(None)
            self._inside |= {inner, outer}
            for one, other in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        for sock in (one, other):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._inside.discard(one)
        one.close()
