"""The adapter against whole brokers that misbehave, and the misbehaving broker itself."""

import queue
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from appliance.adapters.broker import Backoff, Link, MqttBroker
from appliance.core.events import Acknowledged, Connected, Received, Subscribed
from tests.brokers import HOST, Inbox, await_event, drained
from tests.crooked_broker import Behaviour, CrookedBroker

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
