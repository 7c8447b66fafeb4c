"""What a broker can do wrong, and a network: on a scripted broker, and TLS on a real mosquitto."""

import errno
import queue
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from appliance.adapters.broker import Backoff, Link, MqttBroker, Tls, trouble
from appliance.adapters.broker.link import HandshakeFailed, context
from appliance.core.events import (
    Acknowledged,
    Connected,
    Event,
    Lost,
    Oversized,
    Problem,
    Received,
    Subscribed,
)
from tests.brokers import (
    HOST,
    Certificates,
    Inbox,
    await_event,
    certificates,
    drained,
    free_port,
    mosquitto,
    password_file,
)
from tests.scripted_broker import CONNECT, PUBLISH, SUBSCRIBE, Script, ScriptedBroker, Wire

TOPIC = "otp-appliance/4f0c1f6e-8f5e-4e6a-9d4b-2f0c8a1f5b11/otp-00000001/backup"

# Seconds of waiting for what must not come; only the negative half of a test waits so long.
QUIET = 0.3


class Client:
    """An adapter, its inbox, and the pauses that it asked for."""

    def __init__(self, port: int, *, speed: float = 1.0, host: str = HOST, **more: Any) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self.pauses: list[tuple[float, float]] = []
        link = Link(host, port, "otp-00000001", **more)
        backoff = Backoff(self._uniform)
        self.link = MqttBroker(link, pauses=backoff, monotonic=lambda: speed * time.monotonic())

    def __enter__(self) -> "Client":
        self.link.start(self.inbox.put)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def _uniform(self, low: float, high: float) -> float:
        self.pauses.append((low, high))
        return 0.02

    def next(self, kind: type[Any], seconds: float = 8.0) -> Any:
        return await_event(self.inbox, kind, seconds)

    def lost_until(self, enough: Callable[[Problem], bool]) -> None:
        assert any(enough(self.next(Lost).problem) for _ in range(100))


def greeted(wire: Wire, properties: bytes = b"") -> None:
    wire.expect(CONNECT)
    wire.connack(properties=properties)


def hospitable(wire: Wire) -> None:
    """Let the client in, acknowledge everything, keep nothing."""
    greeted(wire)
    while True:
        packet = wire.packet()
        if packet.type == PUBLISH:
            wire.puback(packet.mid)
        elif packet.type == SUBSCRIBE:
            wire.suback(packet.mid)


# --- refusals


@pytest.mark.parametrize(
    ("reason", "why", "hint"),
    [
        (133, "it refuses the client id 'otp-00000001'", "client ids"),
        (134, "wrong user name or password", "mqtt.password_file"),
        (135, "not authorized", "mqtt.username"),
        (136, "server unavailable", "log"),
        (138, "it has banned this device", "lift the ban"),
    ],
)
def test_a_refusal_is_told_in_words_with_a_hint(reason: int, why: str, hint: str) -> None:
    def script(wire: Wire) -> None:
        wire.expect(CONNECT)
        wire.connack(reason)

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        problem = client.next(Lost).problem
        assert problem.what == f"can't reach the broker {HOST}:{broker.port}"
        assert problem.why == why
        assert hint in problem.hint
        assert problem.short == "E5"


def test_three_refused_passwords_in_a_row_slow_the_attempts_to_one_in_five_minutes() -> None:
    def script(wire: Wire) -> None:
        wire.expect(CONNECT)
        wire.connack(134)

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.lost_until(lambda _: len(client.pauses) >= 4)
        assert [high < 10 for _, high in client.pauses[:4]] == [True, True, False, False]
        assert client.pauses[2] == (270, 330)


# --- versions


def refuses_5_in_words(wire: Wire) -> None:
    if wire.expect(CONNECT).level == 5:
        wire.connack(132)
        return
    wire.connack()
    wire.stay()


def refuses_5_in_words_of_3_1_1(wire: Wire) -> None:
    if wire.expect(CONNECT).level == 5:
        wire.raw(b"\x20\x02\x00\x01")
        return
    wire.connack()
    wire.stay()


def hangs_up_on_5(wire: Wire) -> None:
    if wire.expect(CONNECT).level == 5:
        return
    wire.connack()
    wire.stay()


def waits_for_more_on_5(wire: Wire) -> None:
    if wire.expect(CONNECT).level == 5:
        wire.gape()
        return
    wire.connack()
    wire.stay()


@pytest.mark.parametrize(
    "script", [refuses_5_in_words, refuses_5_in_words_of_3_1_1, hangs_up_on_5, waits_for_more_on_5]
)
def test_a_broker_of_3_1_1_only_is_served_in_3_1_1_without_a_word_of_loss(script: Script) -> None:
    with ScriptedBroker(script) as broker, Client(broker.port, speed=20) as client:
        event = client.inbox.get(timeout=8)
        assert event == Connected(None, retain=True, version="3.1.1")


def test_a_refusal_of_5_in_words_is_remembered() -> None:
    levels: list[int] = []

    def script(wire: Wire) -> None:
        levels.append(wire.expect(CONNECT).level)
        wire.connack(132 if wire.v5 else 0)

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        for _ in range(3):
            client.next(Connected)
        assert levels[:4] == [5, 4, 4, 4]


def test_silence_on_5_is_remembered_only_when_it_happened_twice() -> None:
    levels: list[int] = []

    def script(wire: Wire) -> None:
        levels.append(wire.expect(CONNECT).level)
        if not wire.v5:
            wire.connack()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        for _ in range(4):
            client.next(Connected)
        assert levels[:6] == [5, 4, 5, 4, 4, 4]


def test_a_broker_that_stops_speaking_3_1_1_is_asked_in_5_again() -> None:
    levels: list[int] = []

    def script(wire: Wire) -> None:
        levels.append(wire.expect(CONNECT).level)
        wire.connack(132 if wire.v5 else 0)

    def modern(wire: Wire) -> None:
        if wire.expect(CONNECT).level == 5:
            wire.connack()
            wire.stay()

    with ScriptedBroker(script, script, modern) as broker, Client(broker.port) as client:
        assert client.next(Connected).version == "3.1.1"
        assert client.next(Connected).version == "5"


def test_the_connect_of_5_asks_for_a_clean_start_no_session_and_small_packets() -> None:
    def script(wire: Wire) -> None:
        packet = wire.expect(CONNECT)
        assert packet.keepalive == 20
        assert packet.body[7] == 0x02, "clean start, nothing else"
        assert b"\x27\x00\x10\x00\x00" in packet.body, "maximum packet size 1 MiB"
        assert b"\x11\x00\x00\x00\x00" in packet.body, "session expiry 0"
        wire.connack()
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)


# --- publications


def test_a_publication_cut_off_in_its_middle_is_not_sent_again_on_the_next_connection() -> None:
    def cutting(wire: Wire) -> None:
        greeted(wire)
        wire.raw(b"")  # read nothing of the publication but its first bytes
        wire._exactly(1000)

    def next_one(wire: Wire) -> None:
        greeted(wire)
        wire.suback(wire.expect(SUBSCRIBE).mid)
        wire.stay()

    with ScriptedBroker(cutting, next_one) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.publish(1, TOPIC, bytes(900_000))
        client.next(Lost)
        client.next(Connected)
        client.link.fetch(2, TOPIC)
        assert client.next(Subscribed) == Subscribed(2)


def test_a_puback_that_never_comes_acknowledges_nothing_and_holds_nothing_up() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.expect(PUBLISH)
        wire.puback(wire.expect(PUBLISH).mid)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.publish(1, TOPIC, b"one")
        client.link.publish(2, TOPIC, b"two")
        assert client.next(Acknowledged) == Acknowledged(2)
        assert drained(client.inbox) == []


def test_a_broker_that_acknowledges_nothing_for_a_minute_is_left_before_the_backups_pile_up() -> None:
    def script(wire: Wire) -> None:
        greeted(wire, b"\x21\x00\x02")  # it bears two at a time
        wire.stay()

    with ScriptedBroker(script, hospitable) as broker, Client(broker.port, speed=100) as client:
        client.next(Connected)
        for ref in range(3):
            client.link.publish(ref, TOPIC, b"sealed")
        assert client.next(Lost).problem.why == "it no longer acknowledges publications"
        client.next(Connected)
        client.link.publish(9, TOPIC, b"sealed")
        assert client.next(Acknowledged) == Acknowledged(9)


def test_a_second_connack_means_nothing() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.connack()
        wire.publish(TOPIC, b"x")
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        assert isinstance(client.inbox.get(timeout=5), Received)


def test_a_puback_that_comes_twice_acknowledges_once() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        mid = wire.expect(PUBLISH).mid
        wire.puback(mid)
        wire.puback(mid)
        wire.puback(mid + 7)
        wire.puback(wire.expect(PUBLISH).mid)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.publish(1, TOPIC, b"one")
        assert client.next(Acknowledged) == Acknowledged(1)
        client.link.publish(2, TOPIC, b"two")
        assert client.inbox.get(timeout=5) == Acknowledged(2)


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        (0, None),
        (16, None),
        (128, "unspecified error"),
        (135, "not authorized"),
        (151, "quota exceeded"),
        (153, "payload format invalid"),
    ],
)
def test_only_a_failing_reason_makes_a_problem_of_a_puback(reason: int, problem: str | None) -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.puback(wire.expect(PUBLISH).mid, reason)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.publish(1, TOPIC, b"sealed")
        assert client.next(Acknowledged) == Acknowledged(1, problem)


def test_a_backup_is_published_retained_with_qos_1_and_its_content_type_but_an_empty_one_without() -> None:
    bodies: list[bytes] = []

    def script(wire: Wire) -> None:
        greeted(wire)
        for _ in range(2):
            packet = wire.expect(PUBLISH)
            assert packet.flags == 0b0011, "QoS 1, retained, not a duplicate"
            bodies.append(packet.body)
            wire.puback(packet.mid)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.publish(1, TOPIC, b"sealed")
        client.link.publish(2, TOPIC, b"")
        client.next(Acknowledged)
        client.next(Acknowledged)
    assert b"application/vnd.otp-appliance.backup+json" in bodies[0]
    assert b"application" not in bodies[1]


def test_without_retained_messages_at_the_broker_nothing_is_published() -> None:
    def script(wire: Wire) -> None:
        greeted(wire, b"\x25\x00")
        wire.suback(wire.expect(SUBSCRIBE).mid)  # the next packet, so no publication came before it
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        assert client.next(Connected) == Connected(None, retain=False)
        client.link.publish(1, TOPIC, b"sealed")
        assert client.next(Acknowledged) == Acknowledged(1, "the broker keeps no retained messages")
        client.link.fetch(2, TOPIC)
        client.next(Subscribed)


# --- deliveries


def test_a_delivery_belongs_to_the_fetch_whose_identifier_it_carries() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        first, second = wire.expect(SUBSCRIBE), wire.expect(SUBSCRIBE)
        assert first.identifier != second.identifier
        wire.suback(first.mid)
        wire.suback(second.mid)
        wire.publish(TOPIC, b"late, of the first", retained=True, identifier=first.identifier)
        wire.publish(TOPIC, b"of the second", retained=True, identifier=second.identifier)
        wire.publish(TOPIC, b"of none", retained=True)
        wire.publish(TOPIC, b"of an unknown", retained=True, identifier=99)
        wire.publish(TOPIC, b"live", identifier=second.identifier)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.fetch(11, TOPIC)
        client.link.fetch(12, TOPIC)
        got = [client.next(Received) for _ in range(5)]
        assert [event.ref for event in got] == [11, 12, 12, None, None]
        assert [event.retained for event in got] == [True] * 4 + [False]


def speaks_3_1_1(wire: Wire, properties: bytes) -> bool:
    level = wire.expect(CONNECT).level
    if level == 5:
        wire.connack(132)
        return False
    wire.connack()
    return True


def without_identifiers(wire: Wire, properties: bytes) -> bool:
    greeted(wire, properties)
    return True


@pytest.mark.parametrize("greet", [speaks_3_1_1, without_identifiers])
def test_without_identifiers_a_delivery_counts_for_the_latest_fetch_after_its_suback(
    greet: Callable[[Wire, bytes], bool],
) -> None:
    def script(wire: Wire) -> None:
        if not greet(wire, b"\x29\x00"):
            return
        first = wire.expect(SUBSCRIBE)
        wire.publish(TOPIC, b"before the first suback", retained=True)
        wire.suback(first.mid)
        wire.publish(TOPIC, b"after it", retained=True)
        second = wire.expect(SUBSCRIBE)
        wire.publish(TOPIC, b"before the second suback", retained=True)
        wire.suback(second.mid)
        wire.publish(TOPIC, b"after that", retained=True)
        wire.publish("otp-appliance/elsewhere", b"asked for by nobody", retained=True)
        wire.suback(wire.expect(SUBSCRIBE).mid)
        wire.publish(TOPIC, b"of the wildcard", retained=True)
        wire.suback(wire.expect(SUBSCRIBE).mid, 128)
        wire.publish(TOPIC, b"the refused one does not count", retained=True)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.fetch(1, TOPIC)
        assert [client.next(Received).ref for _ in range(2)] == [None, 1]
        client.link.fetch(2, TOPIC)
        assert [client.next(Received).ref for _ in range(3)] == [None, 2, None]
        client.link.fetch(3, "otp-appliance/+/+/backup")
        assert client.next(Received).ref == 3
        client.link.fetch(4, TOPIC)
        assert client.next(Subscribed) == Subscribed(4, "unspecified error")
        assert client.next(Received).ref == 3


def test_a_refused_subscription_is_told_in_words() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.suback(wire.expect(SUBSCRIBE).mid, 135)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.fetch(1, TOPIC)
        assert client.next(Subscribed) == Subscribed(1, "not authorized")


def test_a_huge_message_is_told_without_its_payload_and_the_next_one_arrives() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.suback(wire.expect(SUBSCRIBE).mid)
        wire.publish(TOPIC, bytes(10_000_000), retained=True, identifier=1)
        wire.publish(TOPIC, b"small", retained=True, identifier=1)
        wire.stay()

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.link.fetch(1, TOPIC)
        client.next(Subscribed)
        assert client.inbox.get(timeout=10) == Oversized(1, TOPIC, 10_000_000, retained=True)
        assert client.inbox.get(timeout=10) == Received(1, TOPIC, b"small", retained=True)


# --- broken links


GARBAGE = {
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n",
    "tls alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "zeros": bytes(100),
    "endless length": b"\x30\xff\xff\xff\xff\xff\xff",
    "publish too short": b"\x30\x01\x00",
    "publish with a topic beyond its end": b"\x30\x05\x00\xff\x00\x00\x00",
    "publish with bad properties": b"\x30\x06\x00\x01a\x02\xee\xee",
    "suback of nothing": b"\x90\x00",
    "puback of nothing": b"\x40\x00",
    "disconnect with an unknown reason": b"\xe0\x01\x77",
    "connack with an unknown reason": b"\x20\x03\x00\x77\x00",
    "qos 3": b"\x36\x06\x00\x01a\x00\x01\x00",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("connected", [False, True], ids=["instead of the connack", "after it"])
def test_garbage_loses_the_link_in_words_and_the_next_attempt_succeeds(
    *, data: bytes, connected: bool
) -> None:
    def script(wire: Wire) -> None:
        wire.expect(CONNECT)
        if connected:
            wire.connack()
        wire.raw(data)
        wire.gape()

    def scripts() -> Iterator[Script]:
        yield script
        if not connected:
            yield script  # the attempt in 3.1.1
        yield hospitable

    with ScriptedBroker(*scripts()) as broker, Client(broker.port, speed=5) as client:
        if connected:
            client.next(Connected)
        assert_in_style(client.next(Lost).problem)
        client.next(Connected)
        client.link.publish(1, TOPIC, b"sealed")
        assert client.next(Acknowledged) == Acknowledged(1)


def test_any_bytes_at_all_leave_the_supervisor_alive() -> None:
    chance = random.Random(20240229)
    blobs = iter([chance.randbytes(chance.randrange(1, 60)) for _ in range(150)])

    def script(wire: Wire) -> None:
        greeted(wire)
        blob = next(blobs, None)
        if blob is None:
            wire.stay()
            return
        wire.raw(bytes([chance.choice([0x20, 0x30, 0x32, 0x40, 0x90, 0xE0, 0xD0]), len(blob)]) + blob)

    with ScriptedBroker(script) as broker, Client(broker.port, speed=50) as client:
        for _ in range(151):
            client.next(Connected)


def test_a_broker_that_accepts_and_never_answers_does_not_hang_us() -> None:
    with ScriptedBroker(Wire.gape) as broker, Client(broker.port, speed=40) as client:
        problem = client.next(Lost).problem
        assert problem.why == "it accepts the connection but does not answer within 10 s"
        assert_in_style(problem)


def test_a_half_open_link_is_noticed_and_the_broker_decides_how_soon() -> None:
    def first(wire: Wire) -> None:
        assert wire.expect(CONNECT).keepalive == 20
        wire.connack(properties=b"\x13\x00\x01")
        wire.disconnect(0x8B)

    def second(wire: Wire) -> None:
        assert wire.expect(CONNECT).keepalive == 1, "what the broker wanted last time"
        wire.connack(properties=b"\x13\x00\x01")
        wire.gape()

    with ScriptedBroker(first, second) as broker, Client(broker.port) as client:
        client.next(Connected)
        client.next(Lost)
        client.next(Connected)
        problem = client.next(Lost).problem
        assert problem.why == "it no longer answers"
        assert problem.what == f"lost the link to the broker {HOST}:{broker.port}"


def test_a_link_that_is_only_quiet_stays() -> None:
    def script(wire: Wire) -> None:
        greeted(wire, b"\x13\x00\x01")
        wire.disconnect(0x8B)

    def quiet(wire: Wire) -> None:
        greeted(wire, b"\x13\x00\x01")
        pings = 0
        while pings < 3:
            assert wire.packet().type == 12, "a ping"
            wire.raw(b"\xd0\x00")
            pings += 1
        wire.publish(TOPIC, b"still here")
        wire.stay()

    with ScriptedBroker(script, quiet) as broker, Client(broker.port) as client:
        client.next(Lost)
        client.next(Connected)
        assert client.inbox.get(timeout=10) == Received(None, TOPIC, b"still here", retained=False)


def test_three_take_overs_in_a_minute_are_a_quarrel_about_the_id_and_slow_us_down() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.disconnect(0x8E, "taken over")

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        told = [client.next(Lost).problem for _ in range(3)]
        assert [problem.why for problem in told] == [
            "another connection took over this id",
            "another connection took over this id",
            "another device uses this id (cloned card?)",
        ]
        assert "restore there" in told[2].hint
        assert client.pauses[2] == (60, 120)


def test_a_take_over_in_the_shortest_form_is_understood() -> None:
    def script(wire: Wire) -> None:
        greeted(wire)
        wire.raw(b"\xe0\x01\x8e")

    with ScriptedBroker(script) as broker, Client(broker.port) as client:
        assert client.next(Lost).problem.why == "another connection took over this id"


# --- threads


def test_stop_returns_at_once_while_the_broker_is_silent() -> None:
    with ScriptedBroker(Wire.gape) as broker, Client(broker.port) as client:
        while broker.connections == 0:
            time.sleep(0.01)
        begun = time.monotonic()
        client.link.stop()
        assert time.monotonic() - begun < 2
        assert drained(client.inbox) == []
        assert not any(thread.name == "broker" and thread.is_alive() for thread in threading.enumerate())


def test_stop_returns_within_a_second_or_two_while_tcp_is_connecting() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(3):  # a full backlog: further connections wait for an answer that never comes
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        client = Client(listener.getsockname()[1])
        client.link.start(client.inbox.put)
        time.sleep(QUIET)
        assert drained(client.inbox) == []
        begun = time.monotonic()
        client.link.stop()
        assert time.monotonic() - begun < 2


def test_stop_may_be_called_from_the_thread_that_posts() -> None:
    done = threading.Event()
    broker = MqttBroker(Link(HOST, free_port(), "otp-00000001"), pauses=Backoff(lambda low, high: low))

    def post(event: Event) -> None:
        broker.stop()
        done.set()

    broker.start(post)
    assert done.wait(5)
    broker.stop()


def test_what_raises_in_our_own_code_ends_the_thread_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    crashes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda args: crashes.put(args.exc_value))

    def post(event: Event) -> None:
        assert not isinstance(event, Received), "a bug"

    def script(wire: Wire) -> None:
        greeted(wire)
        wire.publish(TOPIC, b"x")
        wire.stay()

    with ScriptedBroker(script) as broker:
        link = MqttBroker(Link(HOST, broker.port, "otp-00000001"), pauses=Backoff(lambda low, high: low))
        link.start(post)
        assert "a bug" in str(crashes.get(timeout=8))
        link.stop()


def test_a_step_of_the_wall_clock_ends_a_pause() -> None:
    offset = 0.0
    link = MqttBroker(
        Link(HOST, free_port(), "otp-00000001"),
        pauses=Backoff(lambda low, high: 600.0),
        wall=lambda: time.time() + offset,
    )
    inbox: Inbox = queue.SimpleQueue()
    link.start(inbox.put)
    try:
        await_event(inbox, Lost)
        offset = 1e9
        await_event(inbox, Lost)
    finally:
        link.stop()


# --- passwords


def test_the_password_is_sent_without_the_newline_at_its_end_and_read_at_each_attempt(tmp_path: Path) -> None:
    bodies: list[bytes] = []

    def script(wire: Wire) -> None:
        bodies.append(wire.expect(CONNECT).body)
        wire.connack(134)

    file = tmp_path / "password"
    file.write_text("first one\n")
    with (
        ScriptedBroker(script) as broker,
        Client(broker.port, username="otp-00000001", password_file=file) as client,
    ):
        client.next(Lost)
        file.write_text("second one\n\n")
        client.lost_until(lambda _: bodies[-1].endswith(b"\x00\x0bsecond one\n"))
    assert bodies[0].endswith(b"\x00\x0cotp-00000001\x00\x09first one")


def test_a_password_file_of_no_use_is_told_and_nothing_is_tried(tmp_path: Path) -> None:
    file = tmp_path / "password"
    with (
        ScriptedBroker(hospitable) as broker,
        Client(broker.port, username="u", password_file=file) as client,
    ):
        problem = client.next(Lost).problem
        assert (problem.what, problem.why) == (
            f"can't read the password file {file}",
            "no such file or directory",
        )
        assert_in_style(problem)
        file.write_bytes(b"\xff\xfe secret")
        client.lost_until(lambda problem: problem.why == "it is not UTF-8 text")
        file.write_bytes(b"x" * 70000)
        client.lost_until(lambda problem: problem.why == "it is longer than any password")
        assert broker.connections == 0


@pytest.mark.broker
def test_a_wrong_password_is_refused_by_mosquitto_in_words_and_a_right_one_works(tmp_path: Path) -> None:
    users = password_file(tmp_path, desk="right")
    file = tmp_path / "password"
    file.write_text("wrong\n")
    with (
        mosquitto(tmp_path, f"password_file {users}") as real,
        Client(real.port, username="desk", password_file=file) as client,
    ):
        assert client.next(Lost).problem.why in {"not authorized", "wrong user name or password"}
        file.write_text("right\n")
        client.next(Connected)


# --- addresses


def test_a_name_that_is_not_known_is_told() -> None:
    with Client(1883, host="nowhere.invalid") as client:
        problem = client.next(Lost, 20).problem
        assert problem.what == "can't reach the broker nowhere.invalid:1883"
        assert problem.why in {"the name 'nowhere.invalid' is not known", "the name server does not answer"}


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to it"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route to it"),
        (TimeoutError("timed out"), "no answer within 10 s"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the name server does not answer"),
        (socket.gaierror(socket.EAI_NONAME, "Name unknown"), "the name 'desk.home' is not known"),
        (UnicodeError("label too long"), "the name 'desk.home' is not known"),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files"),
        (ValueError("Invalid host."), "invalid host."),
    ],
)
def test_what_keeps_us_from_connecting_is_told_in_words(error: Exception, why: str) -> None:
    problem = trouble.of_connecting(error, Link("desk.home", 8883, "otp-00000001"))
    assert (problem.what, problem.why) == ("can't reach the broker desk.home:8883", why)
    assert problem.hint


# --- TLS, on a real mosquitto


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("pki"))


@pytest.mark.broker
def test_tls_with_the_households_own_ca_works(pki: Certificates, tmp_path: Path) -> None:
    with (
        mosquitto(tmp_path, *pki.good.lines(pki.ca)) as real,
        Client(real.port, tls=Tls(pki.ca)) as client,
    ):
        client.next(Connected)
        client.link.publish(1, TOPIC, bytes(500_000))
        assert client.next(Acknowledged) == Acknowledged(1)
        client.link.fetch(2, TOPIC)
        assert client.next(Received) == Received(2, TOPIC, bytes(500_000), retained=True)


def test_two_packets_in_one_tls_record_are_both_read_at_once(pki: Certificates) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.good.cert, pki.good.key)

    def script(wire: Wire) -> None:
        greeted(wire)
        wire.raw(b"".join(b"\x30\x05\x00\x01a\x00%d" % number for number in range(10)))
        wire.stay()

    with (
        ScriptedBroker(script, tls=server) as broker,
        Client(broker.port, tls=Tls(pki.ca)) as client,
    ):
        client.next(Connected)
        assert [client.next(Received).payload for _ in range(10)] == [b"%d" % number for number in range(10)]


@pytest.mark.broker
@pytest.mark.parametrize(
    ("server", "why", "hint"),
    [
        ("expired", "its certificate has expired", "clock"),
        ("early", "its certificate is not yet valid", "clock"),
        ("wrong_host", "its certificate is for another name than '127.0.0.1'", "mqtt.host"),
        ("of_other_ca", "its certificate is not signed by {ca}", "mqtt.tls.ca_file"),
        ("self_signed", "its certificate is signed by itself", "mqtt.tls.ca_file"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused_in_words(
    pki: Certificates, tmp_path: Path, server: str, why: str, hint: str
) -> None:
    with (
        mosquitto(tmp_path, *getattr(pki, server).lines(pki.ca)) as real,
        Client(real.port, tls=Tls(pki.ca)) as client,
    ):
        problem = client.next(Lost).problem
        assert problem.what == f"can't reach the broker {HOST}:{real.port}"
        assert problem.why == why.format(ca=pki.ca)
        assert hint in problem.hint
        assert not [event for event in drained(client.inbox) if isinstance(event, Connected)]


@pytest.mark.broker
def test_without_a_ca_of_its_own_the_household_is_not_trusted(pki: Certificates, tmp_path: Path) -> None:
    with mosquitto(tmp_path, *pki.good.lines(pki.ca)) as real, Client(real.port, tls=Tls()) as client:
        assert client.next(Lost).problem.why == "its certificate is not signed by the system's CAs"


@pytest.mark.broker
def test_a_ca_without_key_usage_is_explained_where_python_refuses_it(
    pki: Certificates, tmp_path: Path
) -> None:
    strict = context(Tls(pki.weak_ca))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by itself
    with (
        mosquitto(tmp_path, *pki.of_weak_ca.lines(pki.weak_ca)) as real,
        socket.create_connection((HOST, real.port)) as plain,
        pytest.raises(OSError) as caught,  # noqa: PT011 - its cause is looked at
    ):
        strict.wrap_socket(plain, server_hostname=HOST)
    problem = trouble.of_connecting(caught.value, Link(HOST, real.port, "x", tls=Tls(pki.weak_ca)))
    assert "may not sign certificates" in problem.why
    assert "keyUsage=critical,keyCertSign,cRLSign" in problem.hint


@pytest.mark.broker
def test_tls_to_a_plain_port_is_explained(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as real, Client(real.port, tls=Tls()) as client:
        problem = client.next(Lost, 15).problem
        assert problem.why == "this port does not speak TLS"
        assert "8883" in problem.hint
    hint = trouble.of_connecting(HandshakeFailed(), Link(HOST, 1883, "x", tls=Tls())).hint
    assert hint == "port 1883 speaks plain MQTT; TLS is usually on 8883"


@pytest.mark.broker
def test_plain_to_a_tls_port_is_explained(pki: Certificates, tmp_path: Path) -> None:
    with mosquitto(tmp_path, *pki.good.lines(pki.ca)) as real, Client(real.port) as client:
        problem = client.next(Lost, 15).problem
        assert problem.what == f"can't reach the broker {HOST}:{real.port}"
        assert "TLS" in problem.hint


@pytest.mark.broker
@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
def test_a_client_certificate_that_the_broker_wants_is_asked_for_and_shown(
    pki: Certificates, tmp_path: Path, version: str
) -> None:
    lines = (*pki.good.lines(pki.ca), "require_certificate true", f"tls_version {version}")
    with mosquitto(tmp_path, *lines) as real:
        with Client(real.port, tls=Tls(pki.ca)) as client:
            problem = client.next(Lost, 15).problem
            assert "client certificate" in problem.why + problem.hint
            assert "mqtt.tls.cert_file" in problem.hint
        wrong = pki.client_of_other_ca
        with Client(real.port, tls=Tls(pki.ca, wrong.cert, wrong.key)) as client:
            problem = client.next(Lost, 15).problem
            assert "client certificate" in problem.why + problem.hint
        with Client(real.port, tls=Tls(pki.ca, pki.client.cert, pki.client.key)) as client:
            client.next(Connected)


def test_files_of_no_use_for_tls_are_told_by_name(pki: Certificates, tmp_path: Path) -> None:
    nothing, rubbish, locked = (tmp_path / name for name in ("nothing", "rubbish", "locked"))
    rubbish.write_text("not PEM")
    key = serialization.load_pem_private_key(pki.client.key.read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    cases = {
        Tls(nothing): (f"can't read the CA file {nothing}", "no such file"),
        Tls(rubbish): (f"can't use the CA file {rubbish}", "no certificate"),
        Tls(pki.ca, nothing): (f"can't use the client certificate {nothing}", "no such file"),
        Tls(pki.ca, rubbish): (f"can't use the client certificate {rubbish}", "not PEM"),
        Tls(pki.ca, pki.client.cert, pki.good.key): (
            f"can't use the client certificate {pki.client.cert}",
            "its key is another one's",
        ),
        Tls(pki.ca, pki.client.cert, locked): (
            f"can't use the client certificate {pki.client.cert}",
            "encrypted",
        ),
    }
    for tls, (what, why) in cases.items():
        with Client(free_port(), tls=tls) as client:
            problem = client.next(Lost).problem
            assert problem.what == what
            assert why in problem.why
            assert_in_style(problem)


def test_verification_can_not_be_switched_off(pki: Certificates) -> None:
    for tls in (Tls(), Tls(pki.ca), Tls(pki.ca, pki.client.cert, pki.client.key)):
        made = context(tls)
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname
        assert made.minimum_version >= ssl.TLSVersion.TLSv1_2


def assert_in_style(problem: Problem) -> None:
    """What, why and a hint: lower case, no full stop, no class names."""
    for text in (problem.what, problem.why, problem.hint):
        assert text, problem
        assert not text.endswith("."), text
        assert text[0].islower() or text[0] == "'", text
        assert "Error" not in text, text
