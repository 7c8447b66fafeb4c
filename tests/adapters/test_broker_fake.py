"""The controls of the fake broker: the faults that other tests order from it."""

import queue

from appliance.core.events import Acknowledged, Connected, Event, Lost, Received, Subscribed
from tests.brokers import Inbox, drained
from tests.fakes import CUT, DENIED, DOWN, FakeBroker, FakeLink, matches

TOPIC = "otp-appliance/v/otp-00000001/backup"


def joined(broker: FakeBroker) -> tuple[FakeLink, Inbox]:
    inbox: Inbox = queue.SimpleQueue()
    link = broker.client()
    link.start(inbox.put)
    assert drained(inbox) == [Connected(None, retain=True)]
    return link, inbox


def read(link: FakeLink, inbox: Inbox, ref: int = 99) -> list[Event]:
    drained(inbox)
    link.fetch(ref, TOPIC)
    return drained(inbox)


def test_a_wiped_broker_has_nothing_and_a_rolled_back_one_has_the_older_message() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    link.publish(1, TOPIC, b"old")
    link.publish(2, TOPIC, b"new")
    broker.replay(TOPIC)
    assert read(link, inbox) == [Subscribed(99), Received(99, TOPIC, b"old", retained=True)]
    broker.wipe()
    assert read(link, inbox) == [Subscribed(99)]


def test_a_denied_publication_fails_loudly_or_in_silence_and_is_not_kept() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    broker.deny_write("otp-appliance/#")
    link.publish(1, TOPIC, b"x")
    broker.allow()
    broker.deny_write("otp-appliance/+/+/backup", silently=True)
    link.publish(2, TOPIC, b"x")
    assert drained(inbox) == [Acknowledged(1, DENIED), Acknowledged(2)]
    assert broker.retained == {}


def test_a_denied_reader_is_told_or_hears_nothing() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    broker.keep(TOPIC, b"x")
    broker.deny_read(TOPIC, silently=False)
    assert read(link, inbox) == [Subscribed(99, DENIED)]
    broker.allow()
    broker.deny_read(TOPIC)
    assert read(link, inbox) == [Subscribed(99)]


def test_answers_can_be_dropped_repeated_delayed_and_reordered() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    broker.drop(Acknowledged)
    broker.repeat(Acknowledged)
    for ref in (1, 2):
        link.publish(ref, TOPIC, b"x")
    assert drained(inbox) == [Acknowledged(2), Acknowledged(2)]
    broker.hold()
    for ref in (3, 4):
        link.publish(ref, TOPIC, b"x")
    assert drained(inbox) == []
    assert broker.held is not None
    broker.held.reverse()
    broker.release()
    assert drained(inbox) == [Acknowledged(4), Acknowledged(3)]


def test_a_cut_link_loses_what_was_on_its_way_and_what_is_asked_meanwhile() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    broker.hold()
    link.publish(1, TOPIC, b"x")
    broker.cut(link)
    broker.release()
    link.publish(2, TOPIC, b"y")
    broker.mend(link)
    assert drained(inbox) == [Lost(CUT), Connected(None, retain=True)]
    assert broker.retained == {TOPIC: b"x"}


def test_on_a_half_open_link_everything_vanishes_until_it_is_cut() -> None:
    broker = FakeBroker()
    link, inbox = joined(broker)
    link.half_open = True
    link.publish(1, TOPIC, b"x")
    link.fetch(2, TOPIC)
    assert drained(inbox) == []
    broker.cut(link)
    broker.mend(link)
    link.publish(3, TOPIC, b"x")
    assert drained(inbox)[-1] == Acknowledged(3)


def test_a_client_of_a_broker_that_is_down_is_told_and_let_in_later() -> None:
    broker = FakeBroker(payload_limit=1000, retain=False, version="3.1.1")
    broker.down()
    inbox: Inbox = queue.SimpleQueue()
    broker.client().start(inbox.put)
    broker.up()
    assert drained(inbox) == [Lost(DOWN), Connected(1000, retain=False, version="3.1.1")]


def test_wildcards_match_whole_levels() -> None:
    assert matches("otp-appliance/+/+/backup", TOPIC)
    assert matches("otp-appliance/#", "otp-appliance")
    assert not matches("otp-appliance/+/backup", TOPIC)
    assert not matches("otp-appliance/+/+", TOPIC)
    assert not matches(TOPIC + "/x", TOPIC)
