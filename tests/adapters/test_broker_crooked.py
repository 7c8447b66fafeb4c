"""The adapter against whole brokers that misbehave, and the misbehaving broker itself."""

import queue
import random
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from appliance.adapters.broker import Backoff, Link, MqttBroker
from appliance.adapters.broker.client import BACKLOG, BoundedClient, client_for
from appliance.adapters.broker.delivery import (
    BURST,
    FETCH_BYTES,
    LIVE_BYTES,
    LIVE_TOPICS,
    PER_SECOND,
    Deliveries,
)
from appliance.adapters.broker.framing import (
    HEAD_BYTES,
    SKIP_SECONDS,
    Farewell,
    Framer,
    Malformed,
    Unbearable,
)
from appliance.core.events import (
    Acknowledged,
    Connected,
    Event,
    Lost,
    Oversized,
    Received,
    Subscribed,
    Truncated,
)
from tests.brokers import HOST, Inbox, await_event, drained
from tests.crooked_broker import Behaviour, CrookedBroker, Huge
from tests.scripted_broker import CONNECT, ScriptedBroker, Wire, varint

TOPIC = "otp-appliance/4f0c1f6e-8f5e-4e6a-9d4b-2f0c8a1f5b11/otp-00000001/backup"


@contextmanager
def client(broker: CrookedBroker) -> Iterator[tuple[MqttBroker, Inbox]]:
    inbox: Inbox = queue.SimpleQueue()
    link = MqttBroker(Link(HOST, broker.port, "otp-00000001"), pauses=Backoff(random.Random(1).uniform))
    link.start(inbox.put)
    try:
        await_event(inbox, Connected)
        yield link, inbox
    finally:
        link.stop()


@pytest.mark.parametrize("version", [4, 5])
def test_without_a_fault_it_keeps_acknowledges_and_gives_back(version: int) -> None:
    with CrookedBroker(Behaviour(versions=(version,))) as broker, client(broker) as (link, inbox):
        link.publish(1, TOPIC, b"sealed")
        assert await_event(inbox, Acknowledged) == Acknowledged(1)
        link.fetch(2, TOPIC)
        assert await_event(inbox, Subscribed) == Subscribed(2)
        assert await_event(inbox, Received) == Received(2, TOPIC, b"sealed", retained=True)
        assert broker.retained == {TOPIC: b"sealed"}
        broker.keep(TOPIC, b"other")
        assert await_event(inbox, Received) == Received(None, TOPIC, b"other", retained=False)


@pytest.mark.parametrize(
    "crooked", [Behaviour(identifiers=False), Behaviour(identifiers=False, announced_identifiers=True)]
)
def test_a_retained_delivery_without_identifier_counts_where_the_broker_says_it_has_them(
    crooked: Behaviour,
) -> None:
    with CrookedBroker(crooked) as broker, client(broker) as (link, inbox):
        broker.retained[TOPIC] = b"sealed"
        link.fetch(2, TOPIC)
        assert await_event(inbox, Received) == Received(2, TOPIC, b"sealed", retained=True)


def test_each_fault_of_reading_shows_nothing_or_something_older() -> None:
    faults = [
        Behaviour(wildcards="silent"),
        Behaviour(unreadable=(TOPIC,)),
        Behaviour(stale_seconds=3600.0),
        Behaviour(cut_at=0),
    ]
    with CrookedBroker() as broker:
        broker.keep(TOPIC, b"sealed")
        assert broker.read("otp-appliance/+/+/backup") == [(TOPIC, b"sealed")]
        for fault in faults:
            broker.behaviour = fault
            assert broker.read("otp-appliance/+/+/backup") == []
        broker.behaviour = replace(faults[0], wildcards="refused")
        with client(broker) as (link, inbox):
            link.fetch(1, "otp-appliance/+/+/backup")
            assert await_event(inbox, Subscribed).problem == "wildcard subscription not supported"


def test_a_second_fetch_of_one_delivery_a_connection_stays_without_an_answer() -> None:
    with CrookedBroker(Behaviour(one_delivery=True)) as broker, client(broker) as (link, inbox):
        broker.retained[TOPIC] = b"sealed"
        link.fetch(1, TOPIC)
        assert await_event(inbox, Received).ref == 1
        link.fetch(2, TOPIC)
        assert await_event(inbox, Subscribed) == Subscribed(2)
        link.publish(3, "elsewhere", b"")
        await_event(inbox, Acknowledged)
        assert not [event for event in drained(inbox) if isinstance(event, Received)]


# --- size and cost


PROPERTIES = b"\x26\0\1a\0\0"


def spent(work: Callable[[], object]) -> float:
    """Return the seconds of processor that a piece of work takes in this thread."""
    before = time.thread_time()
    work()
    return time.thread_time() - before


def fed(data: bytes, *, five: bool = True) -> Framer:
    framer = Framer(five=five, monotonic=lambda: 0.0)
    framer.feed(data)
    return framer


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + varint(len(body)) + body


_READER = """
import queue, random, resource, sys
from appliance.adapters.broker import Backoff, Link, MqttBroker
from appliance.core.events import Connected, Oversized, Received
port, topic = int(sys.argv[1]), sys.argv[2]
inbox = queue.SimpleQueue()
link = MqttBroker(Link("127.0.0.1", port, "otp-00000001"), pauses=Backoff(random.Random(1).uniform))
link.start(inbox.put)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, told = 0, None
while True:
    event = inbox.get(timeout=40)
    if isinstance(event, Connected):
        before = peak()
        link.fetch(1, topic)
    elif isinstance(event, Oversized):
        told = event
        link.fetch(2, "small")
    elif isinstance(event, Received):
        print(told.ref, told.size, told.retained, event.payload.decode(), peak() - before)
        break
link.stop()
"""


@pytest.mark.parametrize("version", [4, 5])
def test_a_message_of_250_mb_is_told_without_its_payload_costs_no_memory_and_the_next_one_arrives(
    version: int,
) -> None:
    # A process of its own: the peak of this one says nothing when another test was greedy before.
    with CrookedBroker(Behaviour(versions=(version,), over_limit=True)) as broker:
        broker.retained = {TOPIC: Huge(250_000_000), "small": b"here"}
        command = [sys.executable, "-c", _READER, str(broker.port), TOPIC]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    *told, kilobytes = done.stdout.split()
    assert told == ["1", "250000000", "True", "here"]
    assert int(kilobytes) < 8_000


def test_what_a_client_does_not_take_is_not_delivered_and_not_told() -> None:
    with CrookedBroker() as broker, client(broker) as (link, inbox):
        broker.retained = {TOPIC: Huge(2_000_000), "small": b"here"}
        link.fetch(1, TOPIC)
        link.fetch(2, "small")
        assert await_event(inbox, Received).ref == 2
        assert not [event for event in drained(inbox) if isinstance(event, Oversized | Received)]


def test_a_message_with_50000_properties_arrives_and_costs_little() -> None:
    topic = TOPIC.encode()
    body = struct.pack("!H", len(topic)) + topic + varint(300_000) + PROPERTIES * 50_000 + b"sealed"
    assert spent(lambda: fed(packet(0x31, body))) < 1
    with CrookedBroker(Behaviour(properties=50_000)) as broker, client(broker) as (link, inbox):
        broker.retained[TOPIC] = b"sealed"
        link.fetch(1, TOPIC)
        assert await_event(inbox, Received) == Received(1, TOPIC, b"sealed", retained=True)


@pytest.mark.parametrize("first", [0x20, 0x40, 0x90, 0xE0])
def test_the_properties_of_no_answer_reach_the_parser_but_those_that_are_read(first: int) -> None:
    front = {0x20: b"\0\0", 0x40: b"\0\1\0", 0x90: b"\0\1", 0xE0: b"\0"}[first]
    body = front + varint(60_000) + PROPERTIES * 10_000 + (b"\1" if first == 0x90 else b"")
    assert fed(packet(first, body)).ready < 10


def test_of_a_connack_the_terms_stay() -> None:
    terms = b"\x24\0\x27\0\0\1\0"
    body = b"\0\0" + varint(len(terms) + 12) + PROPERTIES + terms + PROPERTIES
    framer = fed(packet(0x20, body))
    assert framer.take(100) == packet(0x20, b"\0\0" + varint(len(terms)) + terms)


@pytest.mark.parametrize("first", [0x20, 0x40, 0x90, 0xD0, 0xE0])
def test_an_answer_of_a_megabyte_is_refused_by_its_header(first: int) -> None:
    with pytest.raises(Unbearable):
        fed(bytes([first]) + varint(1_000_000))


def test_a_message_that_is_thrown_away_for_too_long_ends_the_link() -> None:
    now = 0.0
    framer = Framer(five=False, monotonic=lambda: now)
    framer.feed(b"\x31" + varint(200_000_000) + b"\0\1a" + bytes(HEAD_BYTES))
    assert framer.take(100) == b"\x31\x03\0\1a"
    now = SKIP_SECONDS + 1
    with pytest.raises(Unbearable, match="too large"):
        framer.feed(b"\0")


@given(st.binary(max_size=200), st.booleans(), st.integers(1, 7))
def test_any_bytes_end_in_a_packet_or_in_words(data: bytes, five: bool, piece: int) -> None:  # noqa: FBT001
    framer = Framer(five=five, monotonic=lambda: 0.0)
    with suppress(Malformed, Unbearable):
        for at in range(0, len(data), piece):
            framer.feed(data[at : at + piece])
    assert framer.ready <= 2 * len(data) + 10


def test_every_byte_that_paho_reads_has_gone_through_the_framer() -> None:
    class Blind(BoundedClient):
        def _sock_recv(self, bufsize: int) -> bytes:
            raise BlockingIOError

    ours, theirs = socket.socketpair()
    with ours, theirs:
        blind = Blind(CallbackAPIVersion.VERSION2, "otp-00000001")
        blind._sock = ours
        theirs.sendall(b"\x20\x02\0\0")
        blind.loop_read()
        assert ours.recv(10) == b"\x20\x02\0\0", "paho reads the socket by another way"
        blind._sock = None


# --- floods


def test_a_stream_of_live_messages_is_told_a_few_times_a_second_and_the_answer_to_a_fetch_arrives() -> None:
    with CrookedBroker(Behaviour(endless=TOPIC)) as broker, client(broker) as (link, inbox):
        broker.retained["elsewhere"] = b"there"
        link.fetch(1, TOPIC)
        events: list[Event] = []
        began = time.monotonic()
        for ref in range(2, 6):
            link.fetch(ref, "elsewhere")
            while Received(ref, "elsewhere", b"there", retained=True) not in events:
                events.append(inbox.get(timeout=20))
        seconds = time.monotonic() - began
        live = [event for event in events if isinstance(event, Received) and not event.retained]
        assert 0 < len(live) <= BURST + seconds * PER_SECOND + 2


def test_a_list_that_is_longer_than_we_take_is_cut_and_says_so() -> None:
    with CrookedBroker() as broker, client(broker) as (link, inbox):
        broker.retained = {f"list/{number}": bytes(1_000_000) for number in range(40)}
        link.fetch(1, "list/+")
        await_event(inbox, Subscribed)
        link.fetch(2, "list/39")
        events: list[Event] = []
        while not any(getattr(event, "ref", 0) == 2 and isinstance(event, Received) for event in events):
            events.append(inbox.get(timeout=20))
        answers = [event for event in events if isinstance(event, Received | Truncated) and event.ref == 1]
        assert answers[-1] == Truncated(1)
        kept = [len(event.payload) for event in answers if isinstance(event, Received)]
        assert 30_000_000 < sum(kept) <= FETCH_BYTES
        assert len(kept) == len(answers) - 1


class Desk:
    """Deliveries with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.posted: list[Event] = []
        self.deliveries = Deliveries(self.posted.append, lambda: self.now)

    def live(self, topic: str, size: int = 5) -> None:
        self.deliveries.tell(Received(None, topic, bytes(size), retained=False))


def test_of_a_stream_on_one_topic_the_latest_is_told_last_and_nothing_is_told_twice() -> None:
    desk = Desk()
    for size in range(1000):
        desk.live("one", size)
    at_once = len(desk.posted)
    assert at_once <= BURST
    desk.now = 10.0
    desk.deliveries.tend()
    desk.deliveries.tend()
    assert [len(event.payload) for event in desk.posted[at_once:] if isinstance(event, Received)] == [999]


def test_large_live_messages_on_many_topics_wait_without_their_payloads() -> None:
    desk = Desk()
    for number in range(1000):
        desk.live(f"live/{number}", 1_000_000)
    assert sum(isinstance(event, Received) for event in desk.posted) <= 3
    desk.posted.clear()
    for _ in range(1000):
        desk.now += 100.0
        desk.deliveries.tend()
    assert len(desk.posted) == LIVE_TOPICS
    assert sum(isinstance(event, Received) for event in desk.posted) <= LIVE_BYTES // 1_000_000
    assert Oversized(None, "live/999", 1_000_000, retained=False) in desk.posted


def test_a_list_of_empty_messages_is_cut_too_and_one_fetch_does_not_cost_another() -> None:
    desk = Desk()
    desk.deliveries.expect(1)
    desk.deliveries.expect(2)
    for number in range(40_000):
        desk.deliveries.tell(Received(1, f"list/{number}", b"", retained=True))
    assert len(desk.posted) < FETCH_BYTES // 1024
    found = Received(2, "exact", b"found", retained=True)
    desk.deliveries.tell(found)
    desk.deliveries.tell(Received(3, "exact", b"nobody asked", retained=True))
    assert desk.posted[-2:] == [Truncated(1), found]


def test_a_broker_that_sends_and_never_reads_is_left() -> None:
    ours, theirs = socket.socketpair()
    link = Link(HOST, 1883, "otp-00000001")
    client = client_for(link, "3.1.1", time.monotonic)
    with ours, theirs:
        for sock in (ours, theirs):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client._sock = ours
        sent = 0
        while client.socket() is not None:
            sent += 1
            assert sent < 10 * BACKLOG
            with suppress(OSError):
                theirs.sendall(b"\x32\x05\0\1a" + struct.pack("!H", sent % 60_000 + 1))
            client.loop_read()
    assert client.unbearable == "it sends without end and takes nothing"


# --- brokers that take less


def test_a_broker_of_quality_0_is_served_with_it_and_keeps_the_link() -> None:
    with CrookedBroker(Behaviour(maximum_qos=0)) as broker, client(broker) as (link, inbox):
        link.publish(1, TOPIC, b"sealed")
        assert await_event(inbox, Acknowledged) == Acknowledged(1)
        link.fetch(2, TOPIC)
        assert await_event(inbox, Received) == Received(2, TOPIC, b"sealed", retained=True)
        assert broker.connections == 1


def test_a_link_that_ends_at_a_publication_says_how_large_it_was() -> None:
    with CrookedBroker(Behaviour(ends_at=20_000)) as broker, client(broker) as (link, inbox):
        link.publish(1, TOPIC, bytes(23_000))
        assert "23000 bytes were being published" in await_event(inbox, Lost).problem.why


@pytest.mark.parametrize(
    ("reason", "why"),
    [(0x95, "packet too large"), (0x97, "quota exceeded"), (0x9A, "retain not supported"), (0x77, "119")],
)
def test_the_brokers_last_words_are_told_even_when_it_resets_the_link_after_them(
    reason: int, why: str
) -> None:
    def script(wire: Wire) -> None:
        wire.expect(CONNECT)
        wire.connack()
        wire.disconnect(reason)
        wire.hang_up()

    inbox: Inbox = queue.SimpleQueue()
    with ScriptedBroker(script) as broker:
        link = MqttBroker(Link(HOST, broker.port, "otp-00000001"), pauses=Backoff(random.Random(1).uniform))

        def post(event: Event) -> None:
            if isinstance(event, Connected):
                for ref in range(20):
                    link.publish(ref, TOPIC, bytes(900_000))
            inbox.put(event)

        link.start(post)
        try:
            assert why in await_event(inbox, Lost).problem.why
        finally:
            link.stop()


def test_last_words_are_heard_although_a_write_failed_before_they_were_read() -> None:
    ours, theirs = socket.socketpair()
    stricken = client_for(Link(HOST, 1883, "otp-00000001"), "5", time.monotonic)
    with ours, theirs:
        ours.setblocking(False)
        stricken._sock = ours
        theirs.sendall(b"\xe0\x01\x95")
        theirs.close()
        stricken.publish(TOPIC, bytes(1000), qos=1)
        stricken.loop_write()
        assert stricken.socket() is None, "the write failed, and closed the link"
        assert stricken.framer.farewell == Farewell(0x95, "")


# --- pauses


def test_a_changed_password_file_and_somebody_in_a_hurry_end_a_pause_of_five_minutes(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong\n")
    inbox: Inbox = queue.SimpleQueue()
    pauses: queue.SimpleQueue[float] = queue.SimpleQueue()

    def longest(_: float, high: float) -> float:
        pauses.put(high)
        return 300.0 if high > 60 else 0.0

    with CrookedBroker(Behaviour(password="right")) as broker:
        link = Link(HOST, broker.port, "otp-00000001", "desk", password)
        adapter = MqttBroker(link, pauses=Backoff(longest))
        adapter.start(inbox.put)
        try:
            while pauses.get(timeout=8) < 300:
                pass
            adapter.hurry()
            assert pauses.get(timeout=8) < 60, "counted from the beginning"
            while pauses.get(timeout=8) < 300:
                pass
            password.write_text("right\n")
            await_event(inbox, Connected)
        finally:
            adapter.stop()


def test_a_silent_broker_of_3_1_1_is_called_silent() -> None:
    def refusing(wire: Wire) -> None:
        wire.expect(CONNECT)
        wire.connack(132)

    inbox: Inbox = queue.SimpleQueue()
    with ScriptedBroker(refusing, Wire.gape) as broker:
        link = Link(HOST, broker.port, "otp-00000001")
        adapter = MqttBroker(
            link, pauses=Backoff(random.Random(1).uniform), monotonic=lambda: 20 * time.monotonic()
        )
        adapter.start(inbox.put)
        try:
            assert "does not answer" in await_event(inbox, Lost).problem.why
        finally:
            adapter.stop()
