"""What is still at the broker under older master keys, through the whole core: time is simulated, the broker a fake.

The seals are real, since their epoch is read from them; keys derive from a seed, and nothing else of them is used.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from appliance.core import past
from appliance.core.cycle import ACKNOWLEDGE_SECONDS, READ_SECONDS, RECHECK_SECONDS, Backup
from appliance.core.effects import Change, Check, Effect, Fetch, Inspect, Log, OpenVault, Publish
from appliance.core.events import (
    Acknowledged,
    Asked,
    Event,
    Opened,
    Received,
    Saved,
    Subscribed,
    Woke,
)
from appliance.core.past import PAUSE_SECONDS, Past, age
from appliance.core.verdict import OVERWRITE_SECONDS
from appliance.vault.model import Vault
from tests.core.desk import TOPIC, Card, account, every, only, vault_of
from tests.core.test_two_appliances import (
    ANYTHING,
    QUIET_SECONDS,
    Appliance,
    Trouble,
    end_all_trouble,
    publish_garbage,
    stories,
)
from tests.fakes import FakeBroker
from tests.vault.builder import made

SLOTS: Final = range(7)
HISTORY: Final = TOPIC.removesuffix("backup") + "history"
RUN_SECONDS: Final = len(SLOTS) * (2 * READ_SECONDS + 1)
"""More than a run takes that meets no trouble."""


@dataclass
class SealedCard(Card):
    """A card whose sealed bytes are real, under the master key of its epoch."""

    epoch: int = 1

    def seal(self, vault: Vault) -> bytes:
        for sealed, known in self.books.items():
            if known == vault:
                return sealed
        made_now = made(vault, seed=self.epoch, epoch=self.epoch, nonce_seed=len(self.books))
        self.books[made_now.raw] = vault
        return made_now.raw

    def rekey(self) -> None:
        """Change the passphrase, as a command does."""
        assert self.vault is not None
        self.outdated |= set(self.books)
        self.epoch += 1
        self.edit(self.vault)

    def work(self, effect: OpenVault | Change | Check | Inspect) -> Event:
        event = super().work(effect)
        return replace(event, epoch=self.epoch) if isinstance(event, Opened | Saved) else event


@dataclass
class Desktop(Appliance):
    """An appliance whose owner reads the log."""

    logs: list[Log] = field(default_factory=list)
    started: int = 0
    """Fetches from the history."""

    def _do(self, effects: tuple[Effect, ...]) -> None:
        self.logs += every(effects, Log)
        self.started += sum(one.topic.startswith(HISTORY) for one in every(effects, Fetch))
        super()._do(effects)

    @property
    def rekeyed_card(self) -> SealedCard:
        assert isinstance(self.card, SealedCard)
        return self.card

    def rekey(self) -> None:
        self.rekeyed_card.rekey()
        self.tell(Asked(9, "reload"))
        self.settle()

    def log(self, event: str) -> list[dict[str, object]]:
        """Return what the lines of a kind say."""
        return [dict(line.fields) for line in self.logs if line.event == event]

    def reconnect(self) -> None:
        self.broker.cut(self.link)
        self.broker.mend(self.link)
        self.settle()


def topic(slot: int) -> str:
    return f"{HISTORY}/{slot}"


def under(epoch: int, generation: int = 1) -> bytes:
    """Return a backup under the master key of an epoch."""
    return made(vault_of(account("a"), generation=generation), seed=epoch, epoch=epoch).raw


def a_desktop(epoch: int = 1, **retained: bytes) -> Desktop:
    """Return an appliance and its broker, which has these slots: `slot3=...`."""
    broker = FakeBroker()
    for name, payload in retained.items():
        broker.keep(topic(int(name.removeprefix("slot"))), payload)
    return Desktop(broker, SealedCard(vault_of(account("a")), epoch=epoch))


def left(desktop: Desktop) -> dict[int, past.Age]:
    """Return what the broker has in each slot, from where the card is now."""
    found = {slot: desktop.broker.retained.get(topic(slot)) for slot in SLOTS}
    return {slot: age(raw, desktop.rekeyed_card.epoch) for slot, raw in found.items() if raw is not None}


def cleared(desktop: Desktop) -> list[str]:
    """Return the topics that the appliance gave an empty message, in this order."""
    return [topic for topic, payload in desktop.link.sent if not payload]


# --- what a message is


def test_only_what_is_readable_and_of_a_lower_epoch_is_older() -> None:
    assert [age(under(epoch), 2) for epoch in (1, 2, 3)] == ["older", "present", "present"]
    assert age(b"garbage", 2) == "unreadable"
    assert age(under(1).replace(b'"version":1', b'"version":2'), 2) == "unreadable"


# --- a run


def test_all_slots_of_lower_epochs_are_cleared_and_what_is_present_stays() -> None:
    later = under(3, 9)
    desktop = a_desktop(3, slot1=under(1), slot2=under(2), slot4=later, slot6=under(1, 2))
    desktop.later(RUN_SECONDS)
    assert left(desktop) == {0: "present", 4: "present"}
    assert desktop.broker.retained[topic(4)] == later
    assert desktop.healed()
    assert cleared(desktop) == [topic(1), topic(2), topic(6)]
    assert desktop.log("older backups cleared") == [{"count": 3}]
    assert not desktop.log("older backups not cleared")
    assert desktop.desk.state.past.run is None


def test_the_first_epoch_has_nothing_older_and_reads_nothing() -> None:
    desktop = a_desktop(1, slot1=under(1))
    desktop.later(RUN_SECONDS)
    assert desktop.healed()
    assert desktop.started == 0


def test_nothing_is_read_or_cleared_before_the_backup_is_verified() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.broker.deny_write(TOPIC, silently=True)
    desktop.later(300.0)
    assert desktop.condition == "unverified"
    assert desktop.started == 0
    desktop.broker.allow()
    desktop.later(QUIET_SECONDS)
    assert left(desktop) == {0: "present"}


def test_it_is_done_once_on_a_connection_however_often_the_backup_is_verified() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.later(RUN_SECONDS)
    once = desktop.started
    assert once == len(SLOTS) + 1  # one was read again after it had been cleared
    desktop.add(account("b"))
    desktop.later(RECHECK_SECONDS + 60.0)
    assert desktop.healed()
    assert desktop.started == once
    desktop.reconnect()
    desktop.later(RUN_SECONDS)
    assert desktop.started == once + len(SLOTS)
    assert desktop.log("older backups cleared") == [{"count": 1}]


def test_a_change_of_the_passphrase_while_connected_clears_what_was_published_before_it() -> None:
    desktop = a_desktop(1)
    desktop.later(10.0)
    for _ in range(3):
        tomorrow(desktop)
    assert set(left(desktop)) == {0, 1, 2, 3}
    for _ in range(2):
        desktop.rekey()
        desktop.later(RUN_SECONDS)
        assert left(desktop) == {3: "present"}
        assert desktop.healed()
    assert desktop.log("older backups cleared") == [{"count": 3}]


def test_a_change_of_the_passphrase_during_a_run_makes_another_run() -> None:
    desktop = a_desktop(2, slot1=under(2), slot3=under(1))
    desktop.later(2 * READ_SECONDS + 3.0)
    assert desktop.desk.state.past.run is not None
    desktop.rekey()
    desktop.later(2 * RUN_SECONDS)
    assert left(desktop) == {0: "present"}


def test_a_peers_new_key_that_a_merge_brought_counts_as_well() -> None:
    desktop = a_desktop(1, slot1=under(1))
    desktop.later(10.0)
    card = desktop.rekeyed_card
    card.rekey()
    assert card.vault is not None
    desktop.tell(Saved(77, card.vault.generation, card.sealed, card.vault, epoch=2))
    desktop.settle()
    desktop.later(RUN_SECONDS)
    assert left(desktop) == {0: "present"}


# --- what is not ours to judge


def test_what_can_not_be_read_is_left_alone_and_told_once() -> None:
    desktop = a_desktop(2, slot2=b"garbage", slot5=b"{}")
    desktop.later(RUN_SECONDS)
    desktop.reconnect()
    desktop.later(RUN_SECONDS)
    assert desktop.log("history not readable") == [{"slots": "2,5"}]
    assert desktop.broker.retained[topic(2)] == b"garbage"
    assert cleared(desktop) == []
    desktop.broker.keep(topic(3), b"more garbage")
    desktop.reconnect()
    desktop.later(RUN_SECONDS)
    assert desktop.log("history not readable")[1:] == [{"slots": "2,3,5"}]


# --- a broker that does not do it


def test_a_broker_that_keeps_them_is_asked_three_times_and_told_of_then_comes_the_next_connection() -> None:
    desktop = a_desktop(2, slot1=under(1), slot2=under(1))
    desktop.broker.deny_write(topic(1), silently=True)
    desktop.later(RUN_SECONDS + sum(PAUSE_SECONDS))
    assert cleared(desktop) == [topic(1)] * (1 + len(PAUSE_SECONDS)) + [topic(2)]
    assert desktop.log("older backups not cleared") == [{"slots": "1", "why": "the broker keeps them"}]
    assert desktop.log("older backups cleared") == [{"count": 1}]
    assert [line.level for line in desktop.logs if line.event == "older backups not cleared"] == [30]
    sent = len(desktop.link.sent)
    desktop.later(3600.0)
    assert len(desktop.link.sent) == sent
    desktop.broker.allow()
    desktop.reconnect()
    desktop.later(RUN_SECONDS)
    assert left(desktop) == {0: "present"}


def test_a_broker_that_forbids_it_is_told_of_with_its_own_words() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.broker.deny_write(f"{HISTORY}/#")
    desktop.later(RUN_SECONDS + sum(PAUSE_SECONDS))
    assert desktop.log("older backups not cleared") == [{"slots": "1", "why": "not authorized"}]
    assert left(desktop) == {1: "older"}


def test_a_broker_that_forbids_reading_is_told_of_and_nothing_is_cleared_blindly() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.broker.deny_read(topic(1), silently=False)
    desktop.later(RUN_SECONDS + sum(PAUSE_SECONDS))
    assert desktop.log("older backups not cleared") == [{"slots": "1", "why": "not authorized"}]
    assert cleared(desktop) == []


def test_a_broker_that_does_not_answer_is_told_of() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.later(2 * READ_SECONDS + 2.0)
    desktop.link.half_open = True
    desktop.later(300.0)
    assert desktop.log("older backups not cleared")[0]["why"] == "the broker does not answer"


def test_one_that_went_only_at_the_second_try_is_counted() -> None:
    desktop = a_desktop(2, slot1=under(1))
    desktop.broker.deny_write(topic(1), silently=True)
    desktop.later(READ_SECONDS + 2.0)
    desktop.broker.allow()
    desktop.later(RUN_SECONDS + sum(PAUSE_SECONDS))
    assert left(desktop) == {0: "present"}
    assert desktop.log("older backups cleared") == [{"count": 1}]


def test_an_acknowledgement_that_is_lost_costs_a_time_out_and_the_reading_decides() -> None:
    desktop = a_desktop(2, slot1=under(1))
    run_to(desktop, slot=1)
    desktop.broker.drop(Acknowledged)
    desktop.broker.release()
    desktop.settle()
    assert left(desktop) == {0: "present"}
    assert isinstance(stage(desktop), past.Clearing)
    desktop.later(ACKNOWLEDGE_SECONDS)
    assert isinstance(stage(desktop), past.Looking)
    desktop.later(RUN_SECONDS)
    assert desktop.log("older backups cleared") == [{"count": 1}]


# --- the link, and events that are late


def stage(desktop: Desktop) -> object:
    assert desktop.desk.state.past.run is not None
    return desktop.desk.state.past.run.stage


def run_to(desktop: Desktop, slot: int) -> None:
    """Go on until a slot was asked for, its answer held back."""
    broker = desktop.broker
    broker.hold()
    for _ in range(1000):
        run = desktop.desk.state.past.run
        if run is not None and run.slot == slot:
            return
        if broker.held:
            desktop.tell(broker.held.pop(0)[1])
            desktop.settle()
        else:
            desktop.later(0.25)
    raise AssertionError("it never came to this slot")


def test_a_lost_link_ends_the_run_and_what_was_cleared_is_told() -> None:
    desktop = a_desktop(2, slot1=under(1), slot4=under(1))
    run_to(desktop, slot=3)
    desktop.broker.held = None
    desktop.broker.cut(desktop.link)
    desktop.settle()
    assert desktop.desk.state.past == Past()
    assert desktop.log("older backups cleared") == [{"count": 1}]
    desktop.later(60.0)
    desktop.broker.mend(desktop.link)
    desktop.later(RUN_SECONDS)
    assert left(desktop) == {0: "present"}
    assert desktop.log("older backups cleared") == [{"count": 1}, {"count": 1}]


def test_what_is_late_double_live_or_of_another_topic_changes_nothing() -> None:
    desktop = a_desktop(2)
    run_to(desktop, slot=2)
    before = desktop.desk.state.past
    assert before.run is not None
    looking = stage(desktop)
    assert isinstance(looking, past.Looking)
    old = under(1)
    for event in (
        Subscribed(looking.ref - 1),
        Received(looking.ref - 1, topic(2), old, retained=True),
        Received(looking.ref, topic(2), old, retained=False),
        Received(looking.ref, topic(3), old, retained=True),
        Received(None, topic(2), old, retained=True),
        Acknowledged(looking.ref),
        Woke(),
    ):
        assert not every(desktop.desk.tell(event), Publish)
        assert desktop.desk.state.past == before, event
    desktop.desk.tell(Subscribed(looking.ref))
    subscribed = desktop.desk.state.past
    desktop.desk.move(1.0)
    desktop.desk.tell(Subscribed(looking.ref))
    assert desktop.desk.state.past == subscribed, "its time must not grow by a duplicate"
    clearing = only(desktop.desk.tell(Received(looking.ref, topic(2), old, retained=True)), Publish)
    emptied = desktop.desk.state.past
    for event in (
        Acknowledged(clearing.ref - 1),
        Subscribed(clearing.ref),
        Received(clearing.ref, topic(2), old, retained=True),
    ):
        assert not desktop.desk.tell(event)
        assert desktop.desk.state.past == emptied, event


def test_neither_takes_the_answers_of_the_others() -> None:
    """A cycle of the backup goes on in the middle of a run, and both come to their ends."""
    desktop = a_desktop(2, slot1=under(1), slot3=under(1))
    run_to(desktop, slot=2)
    desktop.broker.release()
    desktop.settle()
    for number in range(4):
        desktop.add(account(f"new {number}"))
        desktop.later(2.5)
        assert desktop.healed()
    desktop.later(RUN_SECONDS)
    assert left(desktop) == {0: "present"}
    assert desktop.log("older backups cleared") == [{"count": 2}]


def test_what_is_published_to_a_slot_while_it_is_read_is_not_deleted_for_what_was_there_before() -> None:
    desktop = a_desktop(2, slot3=under(1))
    assert desktop.card.vault is not None
    run_to(desktop, slot=3)
    broker = desktop.broker
    assert broker.held is not None
    stale = [event for _, event in broker.held]
    assert any(isinstance(event, Received) for event in stale)
    broker.held = None
    desktop.card.vault = replace(desktop.card.vault, day=(1, 3))
    desktop.add(account("b"))  # verified, and so the history of the day is published
    kept = desktop.card.sealed
    assert broker.retained[topic(3)] == kept
    for event in stale:
        desktop.tell(event)
        desktop.settle()
    desktop.later(RUN_SECONDS)
    assert broker.retained[topic(3)] == kept
    assert cleared(desktop) == []


def test_another_vault_on_the_card_is_looked_after_as_well() -> None:
    first = Past(done=(TOPIC, 2))
    topic = TOPIC.replace("01/", "02/")
    backup = Backup("otp-appliance", topic=topic, epoch=2, condition="verified")
    desktop = a_desktop()
    after, effects = past.step(first, Woke(), backup, (), desktop.desk.now, 70)
    assert after.run is not None
    assert effects == (Fetch(70, backup.topic.replace("backup", "history/0")),)


# --- everything at once


def rekey(appliance: Appliance) -> None:
    assert isinstance(appliance, Desktop)
    if appliance.rekeyed_card.epoch == 1:
        appliance.rekey()


def tomorrow(appliance: Appliance) -> None:
    assert appliance.card.vault is not None
    day = appliance.card.vault.day[0] + 1
    appliance.card.edit(replace(appliance.card.vault, day=(day, day % len(SLOTS))))
    appliance.tell(Asked(1, "reload"))
    appliance.settle()


def publish_an_old_history(appliance: Appliance) -> None:
    appliance.broker.keep(topic(5), under(1, 3))


MORE: Final[tuple[Trouble, ...]] = (rekey, tomorrow, publish_an_old_history)


def live_through_a_new_passphrase(story: list[tuple[Trouble, float]]) -> None:
    desktop = a_desktop(1)
    for trouble, seconds in story:
        trouble(desktop)
        desktop.later(seconds)
    troubles = {trouble for trouble, _ in story}
    end_all_trouble(desktop, troubles)
    rekey(desktop)
    desktop.later(QUIET_SECONDS + (OVERWRITE_SECONDS[-1] if publish_garbage in troubles else 0.0))
    desktop.reconnect()
    desktop.later(RUN_SECONDS + QUIET_SECONDS)
    assert desktop.healed(), desktop.desk.state.backup
    assert set(left(desktop).values()) <= {"present"}, left(desktop)
    assert desktop.desk.state.past.run is None
    for slot in SLOTS:
        history = desktop.broker.history.get(topic(slot), [])
        for before, payload in pairwise(history):
            assert payload or not before or age(before, 2) == "older", "a present backup was deleted"


QUICK: Final = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@QUICK
@given(stories((*ANYTHING, *MORE * 3)))
def test_whatever_happened_nothing_older_is_left_after_a_quiet_connection(
    story: list[tuple[Trouble, float]],
) -> None:
    live_through_a_new_passphrase(story)


@pytest.mark.long
@settings(QUICK, max_examples=2000)
@given(stories((*ANYTHING, *MORE * 3)))
def test_whatever_happened_nothing_older_is_left_at_length(story: list[tuple[Trouble, float]]) -> None:
    live_through_a_new_passphrase(story)
