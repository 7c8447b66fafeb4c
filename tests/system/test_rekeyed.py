"""A new passphrase, and a real broker that still has what the old one opens: daemon and command clear it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import pytest

from appliance import app
from appliance.adapters.broker import MqttBroker
from appliance.answer import answer
from appliance.core.effects import Change, Merge, OpenVault
from appliance.core.events import Acknowledged, Connected, Event, Opened, Received, Saved, Subscribed
from appliance.errands import Visit
from appliance.errors import VaultDamaged, WrongPassphrase
from appliance.keeper import BY_ITSELF, Keeper
from appliance.settings import Settings, load
from appliance.vault import keys, sealed
from tests.brokers import MOSQUITTO, Mosquitto, await_event, mosquitto
from tests.household import Appliance, household

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

FOREIGN: Final = b"not a backup"


class Witness:
    """The test's own client: puts messages there, and sees what the broker has."""

    def __init__(self, settings: Settings) -> None:
        broker = app.new_broker(settings, f"witness-{os.urandom(4).hex()}")
        assert broker is not None
        self.broker: MqttBroker = broker
        self.inbox: SimpleQueue[Event] = SimpleQueue()
        self.refs = 0
        self.broker.start(self.inbox.put)
        await_event(self.inbox, Connected)

    def publish(self, topic: str, payload: bytes) -> None:
        self.refs += 1
        self.broker.publish(self.refs, topic, payload)
        await_event(self.inbox, Acknowledged)

    def retained(self, place: str) -> dict[str, bytes]:
        """Return what the broker has below a topic.

        A message of our own marks the end: the broker sends it after what it had.
        """
        self.refs += 1
        self.broker.fetch(self.refs, f"{place}/#")
        await_event(self.inbox, Subscribed)
        self.broker.publish(self.refs + 1, f"{place}/end", b"")
        self.refs += 1
        found: dict[str, bytes] = {}
        while (event := await_event(self.inbox, Received)).topic != f"{place}/end":
            found[event.topic.removeprefix(f"{place}/")] = event.payload
        return {kind: payload for kind, payload in found.items() if payload}

    def until_cleared(self, topic: str) -> None:
        """Wait until somebody clears a topic that was asked for."""
        while (event := await_event(self.inbox, Received, 15.0)).topic != topic or event.payload:
            pass

    def until_anything_is_cleared(self) -> None:
        """Wait until somebody clears a topic below one that was asked for."""
        while await_event(self.inbox, Received, 40.0).payload:
            pass


@dataclass(frozen=True)
class Rekeyed:
    """A desk whose passphrase was changed, with a broker that knows the new backup and an older history."""

    desk: Appliance
    settings: Settings
    keeper: Keeper
    witness: Witness
    place: str
    kept: dict[str, bytes]
    """What must stay."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def rekeyed(cheap_scrypt: None, tmp_path: Path, broker: Mosquitto) -> Iterator[Rekeyed]:
    with household(tmp_path, broker.port, "desk") as (desk,):
        settings = load(desk.config, {})
        device, keeper = app.identify(settings), app.new_keeper(settings)
        made = keeper.create(
            app.new_uuid(), "correct horse battery staple", keys.new_recovery_key(os.urandom), app.new_uuid
        )
        fresh = keeper.rekey(
            "another passphrase entirely", keys.new_recovery_key(os.urandom), app.new_uuid, BY_ITSELF
        )
        kept = {"backup": fresh.published, "history/5": FOREIGN, "history/2": fresh.published}
        witness = Witness(settings)
        place = f"{settings.mqtt.topic_prefix}/{made.vault.id}/{device.id}"
        for kind, payload in {**kept, "history/0": made.published, "history/1": made.published}.items():
            witness.publish(f"{place}/{kind}", payload)
        yield Rekeyed(desk, settings, keeper, witness, place, kept)
        witness.broker.stop()


def test_whatever_tells_of_a_vault_tells_under_which_key_it_is(rekeyed: Rekeyed) -> None:
    keeper = rekeyed.keeper
    opened, saved = answer(keeper, OpenVault(1)), answer(keeper, Change(2, Merge(keeper.open().published)))
    assert isinstance(opened, Opened)
    assert isinstance(saved, Saved)
    assert (opened.epoch, saved.epoch) == (2, 2)


def test_the_daemon_clears_what_the_old_passphrase_opens(rekeyed: Rekeyed) -> None:
    assert len(rekeyed.witness.retained(rekeyed.place)) == 5
    rekeyed.desk.start()
    rekeyed.witness.until_cleared(f"{rekeyed.place}/history/0")
    rekeyed.witness.until_cleared(f"{rekeyed.place}/history/1")
    kept = rekeyed.witness.retained(rekeyed.place)
    assert {topic: kept[topic] for topic in kept if topic != "probe"} == rekeyed.kept
    assert rekeyed.desk.backup()["state"] == "verified"


def test_a_command_clears_what_the_old_passphrase_opens_without_the_daemon(rekeyed: Rekeyed) -> None:
    kept = rekeyed.keeper.open()
    with Visit(rekeyed.settings, app.identify(rekeyed.settings)) as visit:
        assert visit.clear_older(kept.vault.id, kept.vault.device, kept.envelope.epoch) == 2
    assert rekeyed.witness.retained(rekeyed.place) == rekeyed.kept


@pytest.mark.parametrize("daemon", [False, True], ids=["without a daemon", "with a daemon"])
def test_after_the_command_the_old_passphrase_opens_no_message_that_is_left(
    rekeyed: Rekeyed,
    daemon: bool,  # noqa: FBT001
) -> None:
    desk = rekeyed.desk
    if daemon:
        desk.start()
        desk.until_verified(1)
    new = desk.secret_file("new", "eleven winds over the bay")
    made = desk.json("passphrase", "--new-passphrase-file", new)
    assert (made["epoch"], made["backup"]) == (3, "verified")
    # Of the three older ones one gave way to today's.
    assert made["cleared"] == (None if daemon else 2)
    left = rekeyed.witness.retained(rekeyed.place)
    while daemon and any(opens_by_old(payload) for payload in left.values()):
        rekeyed.witness.until_anything_is_cleared()
        left = rekeyed.witness.retained(rekeyed.place)
    assert not any(opens_by_old(payload) for payload in left.values())
    assert {"backup", "history/5"} <= set(left)
    assert desk.json("backup", "verify", "--passphrase-file", new)["generation"] == made["generation"]
    old = desk.secret_file("old", "another passphrase entirely")
    assert desk.command("list", "--passphrase-file", old).returncode == 3


def opens_by_old(payload: bytes) -> bool:
    """Return whether the passphrase so far opens a message."""
    try:
        keys.unwrap_any(sealed.read(payload).slots, "another passphrase entirely", memory_limit=1 << 30)
    except (VaultDamaged, WrongPassphrase):
        return False
    return True
