"""The daemon, as a process, at brokers that misbehave: what it says, what is lost (nothing), and how it heals."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.crooked_broker import Behaviour, CrookedBroker, Huge
from tests.household import Appliance, household

pytestmark = pytest.mark.broker

LINK: Final = "otpauth://totp/{0}:anna?secret=JBSWY3DPEHPK3PXP&issuer={0}\n"


@pytest.fixture
def broker() -> Iterator[CrookedBroker]:
    with CrookedBroker() as running:
        yield running


class Desk:
    """An appliance at the broker, and its topics."""

    def __init__(self, appliance: Appliance, broker: CrookedBroker) -> None:
        self.appliance, self.broker = appliance, broker
        made: Any = appliance.json("init")
        self.place = f"otp-appliance/{made['vault']}/{made['device']}"
        self.topic = f"{self.place}/backup"
        self.add("GitHub")

    def add(self, issuer: str) -> None:
        self.appliance.does("add", "-", stdin=LINK.format(issuer))

    def verify(self, seconds: float = 40.0) -> None:
        self.appliance.until(lambda: self.appliance.ask("status")["state"] == "open", 20)
        self.appliance.until_verified(self.appliance.ask("status")["generation"], seconds)

    def says(self, condition: str, words: str, seconds: float = 40.0) -> None:
        """Wait until the status says so."""
        self.appliance.until(
            lambda: (
                self.appliance.backup()["state"] == condition
                and words in (self.appliance.backup()["error"] or "")
            ),
            seconds,
        )

    def kept(self) -> bytes:
        kept = self.broker.retained[self.topic]
        assert isinstance(kept, bytes)
        return kept


@pytest.fixture
def desk(tmp_path: Path, broker: CrookedBroker) -> Iterator[Desk]:
    with household(tmp_path, broker.port, "desk") as (appliance,):
        yield Desk(appliance, broker)


def test_a_broker_without_identifiers_keeps_an_old_card_from_nothing_and_loses_nothing(
    desk: Desk, broker: CrookedBroker
) -> None:
    """RabbitMQ 4: a retained message comes without the identifier of its subscription."""
    broker.behaviour = Behaviour(identifiers=False, wildcards="silent")
    desk.appliance.start()
    desk.verify()
    old = desk.appliance.folder / "old"
    shutil.copytree(desk.appliance.state, old)
    desk.add("Bank")
    desk.verify()
    desk.appliance.stop()
    shutil.rmtree(desk.appliance.state)
    shutil.copytree(old, desk.appliance.state)
    desk.appliance.start()
    desk.verify()
    assert {one["issuer"] for one in desk.appliance.json("list")} == {"GitHub", "Bank"}


def test_a_broker_that_lets_nothing_be_read_is_said_and_heals(desk: Desk, broker: CrookedBroker) -> None:
    broker.behaviour = Behaviour(unreadable=("otp-appliance/#",))
    desk.appliance.start()
    desk.says("unverified", "does not let it be read back")
    # It had never been published, so nothing could be lost by it.
    desk.appliance.until(lambda: desk.topic in broker.retained, 20)
    broker.behaviour = Behaviour()
    assert desk.appliance.json("backup")["state"] == "verified"


def test_a_broker_that_acknowledges_and_drops_is_never_verified(desk: Desk, broker: CrookedBroker) -> None:
    broker.behaviour = Behaviour(forgets=True)
    desk.appliance.start()
    desk.says("unverified", "does not let it be read back")
    broker.behaviour = Behaviour()
    assert desk.appliance.json("backup")["state"] == "verified"


@pytest.mark.long
def test_one_retained_delivery_a_connection_is_verified_at_the_next_connection(
    desk: Desk, broker: CrookedBroker
) -> None:
    broker.behaviour = Behaviour(one_delivery=True)
    desk.appliance.start()
    desk.says("unverified", "does not let it be read back")
    broker.cut()
    desk.verify()


def test_a_huge_message_on_its_topic_is_published_over_in_little_memory(
    desk: Desk, broker: CrookedBroker
) -> None:
    desk.appliance.start()
    desk.verify()
    own = desk.kept()
    desk.appliance.stop()
    broker.retained[desk.topic] = Huge(250_000_000)
    broker.behaviour = Behaviour(over_limit=True)
    desk.appliance.start()
    desk.appliance.until(lambda: broker.retained.get(desk.topic) == own, 60)
    desk.verify()
    assert peak(desk.appliance) < 130 << 20


def test_what_may_not_be_delivered_leaves_nothing_verified_for_long(
    desk: Desk, broker: CrookedBroker
) -> None:
    """An honest broker drops what is larger than the client takes, in silence; a look finds that."""
    desk.appliance.start()
    desk.verify()
    own = desk.kept()
    broker.retained[desk.topic] = Huge(2_000_000)
    desk.appliance.json("backup")  # a look that somebody asks for; by itself it comes within 15 minutes
    desk.appliance.until(lambda: broker.retained.get(desk.topic) == own, 60)
    desk.verify()


def test_fifty_thousand_properties_stall_nothing(desk: Desk, broker: CrookedBroker) -> None:
    broker.behaviour = Behaviour(properties=50_000)
    desk.appliance.start()
    desk.verify()


@pytest.mark.long
def test_endless_live_messages_lead_to_few_reads_and_to_no_falsehood(
    desk: Desk, broker: CrookedBroker
) -> None:
    desk.appliance.start()
    desk.verify()
    desk.appliance.stop()
    broker.behaviour = Behaviour(endless=desk.topic)
    before = broker.subscribed.count(desk.topic)
    desk.appliance.start()
    desk.says("unverified", "another message came")
    assert broker.subscribed.count(desk.topic) - before < 6
    broker.behaviour = Behaviour()
    broker.cut()
    desk.verify()


def test_a_size_that_ends_the_connection_is_named(desk: Desk, broker: CrookedBroker) -> None:
    """rumqttd ends the connection at 20 kB, without a word."""
    broker.behaviour = Behaviour(ends_at=20_000)
    desk.appliance.start()
    desk.appliance.until(lambda: "bytes" in (desk.appliance.backup()["error"] or ""), 40)
    broker.behaviour = Behaviour()
    assert desk.appliance.json("backup")["state"] == "verified"


def test_a_broker_of_quality_of_service_0_is_verified(desk: Desk, broker: CrookedBroker) -> None:
    broker.behaviour = Behaviour(maximum_qos=0)
    desk.appliance.start()
    desk.verify()


def test_a_wrong_password_that_was_mended_is_tried_by_a_command_at_once(
    tmp_path: Path, desk: Desk, broker: CrookedBroker
) -> None:
    broker.behaviour = Behaviour(password="right")
    password = desk.appliance.secret_file("mqtt", "wrong")
    desk.appliance.set(
        mqtt={
            "host": "127.0.0.1",
            "port": broker.port,
            "tls": {"enabled": False},
            "username": "desk",
            "password_file": password,
        }
    )
    desk.appliance.start()
    desk.says("offline", "wrong user name or password")
    broker.behaviour = replace(broker.behaviour, password="wrong")  # mended at the broker
    assert desk.appliance.json("backup")["state"] == "verified"


def peak(appliance: Appliance) -> int:
    """Return the most memory that a daemon had, in bytes."""
    assert appliance.daemon is not None
    text = Path(f"/proc/{appliance.daemon.pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) << 10
