"""An appliance, its broker, and a bad network between them; and a card that was put back to an older state.

Time is simulated, the broker is the fake one, the card is in memory; the whole core runs. Whatever happened, after a
while of quiet the broker holds the latest bytes and the appliance says so, and at no time did it say so wrongly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.cycle import READ_SECONDS, RECHECK_SECONDS, Known
from appliance.core.effects import Change, Check, Effect, Fetch, OpenVault, Publish, Reconnect, Remember
from appliance.core.events import Acknowledged, Asked, Event, Received, Subscribed, Woke
from appliance.core.gestures import Gestured
from appliance.core.pacing import STAYS_SECONDS
from appliance.core.step import deadline
from appliance.core.verdict import OVERWRITE_SECONDS
from appliance.vault.merge import merge, same_content
from appliance.vault.model import Account, Record, Stamp, Vault
from tests.core.desk import OPTIONS, TOPIC, Card, Desk, account, vault_of
from tests.fakes import FakeBroker, FakeLink

QUIET_SECONDS: Final = 120.0
FIRST_SECONDS: Final = 4 * READ_SECONDS
"""For a backup where nothing was there: two readings of it, and one of the probe."""
COIN: Final = account("c", "hotp")


@dataclass
class Appliance:
    """A desk with a card and a link; effects are done, and their events told, in order."""

    broker: FakeBroker
    card: Card
    mono: float = 1000.0
    desk: Desk = field(init=False)
    link: FakeLink = field(init=False)
    heard: list[Event] = field(default_factory=list)
    """Everything that the network ever delivered, for late duplicates."""
    known: Known = field(default_factory=lambda: Known(published=False))
    """What is remembered on the card for the next start."""
    starts: int = 0
    _inbox: list[Event] = field(default_factory=list)
    _kept: dict[int, bytes | None] = field(default_factory=dict)
    """What the broker held when it answered a fetch, by ref."""
    _source: int | None = None
    """Ref of the fetch whose delivery is being checked."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.starts += 1
        options = replace(OPTIONS, blank_after=1.0, session=f"{self.starts:08x}", known=self.known)
        self.desk = Desk(options, mono=self.mono)
        # A process that has just started has a new connection and counts its refs anew: nothing old reaches it.
        self._inbox.clear()
        self.heard.clear()
        self.link = self.broker.client()
        self.link.start(self._hear)
        self._do(self.desk.first)
        self.settle()

    def stop(self) -> None:
        """Pull the plug."""
        self.link.stop()
        self.mono = self.desk.now.mono

    def _hear(self, event: Event) -> None:
        self._inbox.append(event)
        self.heard.append(event)

    def settle(self) -> None:
        """Deal with all that has happened."""
        while self._inbox:
            self.tell(self._inbox.pop(0))

    def tell(self, event: Event) -> None:
        before = self.desk.state.backup
        effects = self.desk.tell(event)
        after = self.desk.state.backup
        if isinstance(event, Received) and any(isinstance(effect, Check) for effect in effects):
            self._source = event.ref
        if after.condition == "verified" and before.verified_at != after.verified_at:
            assert self._source is not None
            assert self._kept[self._source] == after.latest == self.card.sealed, (
                "verified, but it is not there"
            )
        if after.condition == "verified":
            assert after.link is not None
        self._do(effects)

    def _do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case OpenVault() | Change() | Check():
                    self._inbox.append(self.card.work(effect))
                case Publish(ref, topic, payload):
                    if topic == TOPIC:
                        self._check_overwriting(payload)
                    self.link.publish(ref, topic, payload)
                case Fetch(ref, topic):
                    self._kept[ref] = self.broker.retained.get(topic)
                    self.link.fetch(ref, topic)
                case Reconnect():
                    self.link.hurry()
                case Remember(key, value):
                    self.known = remembered(self.known, key, value)
                case _:
                    pass

    def _check_overwriting(self, payload: bytes) -> None:
        """Nothing of ours goes over a message of ours that it lacks something of."""
        theirs = self.card.books.get(self.broker.retained.get(TOPIC, b""))
        if theirs is None:
            return
        own = self.card.books[payload]
        assert theirs.generation <= own.generation, "an older backup was put over a newer one"
        assert same_content(merge(own, theirs), own), "what was not merged was overwritten"

    def later(self, seconds: float) -> None:
        end = self.desk.now.mono + seconds
        self.settle()
        while (due := deadline(self.desk.state, self.desk.now)) <= end:
            self.desk.move(due - self.desk.now.mono)
            self.tell(Woke())
            self.settle()
        self.desk.move(end - self.desk.now.mono)

    def add(self, one: Account) -> None:
        """Add an account, as a command does: the card, then a word to the daemon."""
        vault = self.vault
        stamp = Stamp(vault.latest.ms + 1, 0, vault.device)
        record = Record(one, stamp, f"m{len(vault.records):03}", stamp)
        self.card.edit(replace(vault, records={**vault.records, one.uuid: record}))
        self.tell(Asked(1, "reload"))
        self.settle()

    @property
    def vault(self) -> Vault:
        assert self.card.vault is not None
        return self.card.vault

    @property
    def condition(self) -> str:
        return self.desk.state.backup.condition

    def healed(self) -> bool:
        return self.condition == "verified" and self.broker.retained.get(TOPIC) == self.card.sealed


def remembered(known: Known, key: str, value: float) -> Known:
    """Return what the next start knows."""
    match key:
        case "published":
            return replace(known, published=True)
        case "verified_generation":
            return replace(known, generation=int(value))
        case "verified_at":
            return replace(known, verified_at=value)
        case "late":
            return replace(known, late="" if value < 0 else f"{int(value):08x}")
        case _:
            return known


def an_appliance(*accounts: Account) -> Appliance:
    return Appliance(FakeBroker(), Card(vault_of(*(accounts or (COIN, account("a"))))))


# --- one thing at a time


def test_in_good_weather_the_backup_is_verified_at_once_after_the_first_reading() -> None:
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()
    assert appliance.broker.retained[TOPIC.replace("/backup", "/history/0")] == appliance.card.sealed


def test_each_save_is_verified_at_once() -> None:
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    for number in range(5):
        appliance.add(account(f"new {number}"))
        assert appliance.healed()


def test_counters_are_verified_after_a_minute() -> None:
    appliance = an_appliance()
    appliance.later(4.0)
    appliance.tell(Gestured("next"))  # wakes
    appliance.tell(Gestured("ok"))
    appliance.later(1.0)
    assert appliance.vault.records["c"].counter == 1
    appliance.later(70.0)
    assert appliance.healed()


def test_a_restored_older_card_takes_over_what_the_broker_has_and_continues_above_it() -> None:
    appliance = an_appliance()
    older = appliance.vault
    appliance.add(account("b"))
    appliance.later(FIRST_SECONDS)
    newest = appliance.vault
    assert appliance.healed()
    appliance.stop()
    appliance.card.vault = replace(older)
    appliance.start()
    kept = len(appliance.broker.history[TOPIC])
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()
    assert appliance.vault == newest
    assert len(appliance.broker.history[TOPIC]) == kept, "what lacks nothing needs no generation of its own"
    appliance.add(account("d"))
    assert appliance.healed()
    assert appliance.vault.generation > newest.generation


def test_a_restored_older_card_that_was_edited_loses_neither_side() -> None:
    appliance = an_appliance()
    older = appliance.vault
    for name in ("b", "d", "e"):
        appliance.add(account(name))
    appliance.later(FIRST_SECONDS)
    appliance.stop()
    appliance.broker.down()
    appliance.card.vault = older
    appliance.start()
    appliance.add(account("f"))
    appliance.broker.up()
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()
    assert set(appliance.vault.records) == {"a", "b", "c", "d", "e", "f"}


def test_a_restored_older_card_never_lowers_a_counter() -> None:
    appliance = an_appliance(COIN)
    older = appliance.vault
    for _ in range(3):
        for _ in range(2):  # the first may only wake
            appliance.tell(Gestured("ok"))
            appliance.settle()
        appliance.later(STAYS_SECONDS + 1.0)
    appliance.later(80.0)
    assert appliance.healed()
    assert appliance.vault.records["c"].counter == 3
    appliance.stop()
    appliance.card.vault = older
    appliance.start()
    appliance.later(80.0)
    assert appliance.healed()
    assert appliance.vault.records["c"].counter == 3


def test_a_full_card_can_not_merge_so_the_newer_backup_stays() -> None:
    appliance = an_appliance()
    older = appliance.vault
    appliance.add(account("b"))
    appliance.later(FIRST_SECONDS)
    newest = appliance.broker.retained[TOPIC]
    appliance.stop()
    appliance.card.vault, appliance.card.full = older, True
    appliance.start()
    appliance.later(300.0)
    assert appliance.condition == "unverified"
    assert appliance.broker.retained[TOPIC] == newest
    appliance.card.full = False
    appliance.later(QUIET_SECONDS)
    assert appliance.healed()
    assert "b" in appliance.vault.records


def test_killed_before_it_was_verified_it_is_verified_after_the_next_start() -> None:
    appliance = an_appliance()
    appliance.broker.hold()
    appliance.add(account("b"))
    appliance.later(20.0)
    assert appliance.condition != "verified"
    appliance.stop()
    appliance.broker.release()
    appliance.start()
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()


def test_a_change_of_the_passphrase_elsewhere_is_not_overwritten() -> None:
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    appliance.card.superseded.add(b"under a newer key")
    appliance.broker.client().start(lambda _: None)
    appliance.broker.clients[-1].publish(1, TOPIC, b"under a newer key")
    appliance.later(FIRST_SECONDS)
    appliance.add(account("b"))
    appliance.later(3600.0)
    assert appliance.condition == "passphrase_changed"
    assert appliance.broker.retained[TOPIC] == b"under a newer key"


def test_two_writers_of_garbage_make_no_write_war() -> None:
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    other = appliance.broker.client()
    other.start(lambda _: None)
    before = len(appliance.link.sent)
    for number in range(60):
        other.publish(number, TOPIC, b"garbage %d" % number)
        appliance.later(60.0)
    backups = [topic for topic, _ in appliance.link.sent[before:] if topic == TOPIC]
    assert len(backups) <= 3600.0 / OVERWRITE_SECONDS[-1] + len(OVERWRITE_SECONDS)


# --- two cards with one id


def test_two_cards_with_one_id_come_to_a_standstill() -> None:
    first = an_appliance()
    first.later(FIRST_SECONDS)
    second = Appliance(first.broker, Card(first.vault, first.card.books), known=first.known, starts=40)
    first.add(account("b"))
    second.add(account("d"))
    for _ in range(1200):
        first.later(1.0)
        second.later(1.0)
    generations = (first.vault.generation, second.vault.generation)
    sent = len(first.link.sent) + len(second.link.sent)
    for _ in range(3600):
        first.later(1.0)
        second.later(1.0)
    assert (first.vault.generation, second.vault.generation) == generations
    assert max(generations) <= 8
    assert len(first.link.sent) + len(second.link.sent) <= sent + 2 * 4 * 3
    assert set(first.vault.records) == set(second.vault.records) == {"a", "b", "c", "d"}


# --- everything at once


def drop_acknowledged(appliance: Appliance) -> None:
    appliance.broker.drop(Acknowledged)


def drop_subscribed(appliance: Appliance) -> None:
    appliance.broker.drop(Subscribed)


def drop_received(appliance: Appliance) -> None:
    appliance.broker.drop(Received)


def duplicate(appliance: Appliance) -> None:
    for kind in (Acknowledged, Subscribed, Received):
        appliance.broker.repeat(kind)


def delay(appliance: Appliance) -> None:
    appliance.broker.hold()


def deliver(appliance: Appliance) -> None:
    appliance.broker.release()


def deliver_backwards(appliance: Appliance) -> None:
    if appliance.broker.held is not None:
        appliance.broker.held.reverse()
    appliance.broker.release()


def deliver_old_ones_again(appliance: Appliance) -> None:
    for event in appliance.heard[-8:-1]:
        if isinstance(event, Acknowledged | Subscribed | Received):
            appliance.tell(event)


def disconnect(appliance: Appliance) -> None:
    appliance.broker.cut(appliance.link)


def connect(appliance: Appliance) -> None:
    appliance.broker.mend(appliance.link)


def freeze(appliance: Appliance) -> None:
    appliance.link.half_open = appliance.link.up


def restart_the_broker_empty(appliance: Appliance) -> None:
    appliance.broker.down()
    appliance.broker.wipe()
    appliance.broker.up()


def restart_the_broker_from_its_own_backup(appliance: Appliance) -> None:
    appliance.broker.down()
    if len(appliance.broker.history.get(TOPIC, ())) > 1:
        appliance.broker.replay(TOPIC)
    appliance.broker.up()


def publish_as_somebody_else(appliance: Appliance, payload: bytes) -> None:
    other = appliance.broker.client()
    other.start(lambda _: None)
    other.publish(1, TOPIC, payload)
    appliance.broker.clients.remove(other)


def publish_garbage(appliance: Appliance) -> None:
    publish_as_somebody_else(appliance, b"garbage")


def publish_an_old_one(appliance: Appliance) -> None:
    if history := appliance.broker.history.get(TOPIC):
        publish_as_somebody_else(appliance, history[0])


def delete(appliance: Appliance) -> None:
    publish_as_somebody_else(appliance, b"")


def deny_writing(appliance: Appliance) -> None:
    appliance.broker.deny_write("#")


def lose_what_is_written(appliance: Appliance) -> None:
    appliance.broker.deny_write("#", silently=True)


def deny_reading(appliance: Appliance) -> None:
    appliance.broker.deny_read("#", silently=False)


def deliver_nothing(appliance: Appliance) -> None:
    appliance.broker.deny_read("#")


def allow(appliance: Appliance) -> None:
    appliance.broker.allow()


def add(appliance: Appliance) -> None:
    appliance.add(account(f"new {len(appliance.vault.records)}"))


def spend(appliance: Appliance) -> None:
    appliance.tell(Asked(2, "press", {"button": "ok"}))


def ask_for_a_backup(appliance: Appliance) -> None:
    appliance.tell(Asked(3, "backup"))


def fill_the_card(appliance: Appliance) -> None:
    appliance.card.full = True


def pull_the_plug(appliance: Appliance) -> None:
    appliance.stop()
    appliance.start()


Trouble = Callable[[Appliance], None]
# A retained message that does not come within 5 s of the SUBACK counts as missing: so it is not among these.
NETWORK: Final[tuple[Trouble, ...]] = (
    drop_acknowledged,
    drop_subscribed,
    duplicate,
    delay,
    deliver,
    deliver_backwards,
    deliver_old_ones_again,
    disconnect,
    connect,
    freeze,
    pull_the_plug,
    ask_for_a_backup,
    spend,
    add,
)
ANYTHING: Final[tuple[Trouble, ...]] = (
    *NETWORK,
    drop_received,
    restart_the_broker_empty,
    restart_the_broker_from_its_own_backup,
    publish_garbage,
    publish_an_old_one,
    delete,
    deny_writing,
    lose_what_is_written,
    deny_reading,
    deliver_nothing,
    allow,
    fill_the_card,
)


def stories(troubles: tuple[Trouble, ...]) -> st.SearchStrategy[list[tuple[Trouble, float]]]:
    """What happens, and how many seconds pass after it."""
    pauses = st.sampled_from([0.0, 0.0, 0.25, 1.0, 4.75, 5.0, 5.25, 10.0, 11.0, 61.0])
    return st.lists(st.tuples(st.sampled_from(troubles), pauses), min_size=1, max_size=40)


def end_all_trouble(appliance: Appliance, troubles: set[Trouble]) -> None:
    """Let everything work again. Only a live message that was lost needs a new connection to be noticed."""
    broker = appliance.broker
    broker.allow()
    broker.release()
    broker._drops.clear()
    appliance.card.full = False
    if appliance.link.half_open or drop_received in troubles or deny_reading in troubles:
        broker.cut(appliance.link)
    if deliver_nothing in troubles:
        broker.cut(appliance.link)
    broker.up()


def live_through(story: list[tuple[Trouble, float]]) -> None:
    appliance = an_appliance()
    for trouble, seconds in story:
        trouble(appliance)
        appliance.later(seconds)
    troubles = {trouble for trouble, _ in story}
    end_all_trouble(appliance, troubles)
    # What a broker did not take, or did not let be read, is tried again at the next look.
    appliance.later(RECHECK_SECONDS + QUIET_SECONDS)
    assert appliance.healed(), appliance.desk.state.backup
    assert not appliance.desk.state.waiting


def live_through_with_an_old_card(story: list[tuple[Trouble, float]]) -> None:
    """The broker keeps what it has; only the network is bad. Then nothing at all is lost."""
    appliance = an_appliance()
    older = appliance.vault
    appliance.add(account("b"))
    appliance.later(FIRST_SECONDS)
    newest = appliance.vault
    appliance.stop()
    appliance.card.vault = older
    appliance.start()
    for trouble, seconds in story:
        trouble(appliance)
        appliance.later(seconds)
    end_all_trouble(appliance, {trouble for trouble, _ in story})
    appliance.later(QUIET_SECONDS)
    assert appliance.healed(), appliance.desk.state.backup
    assert same_content(merge(appliance.vault, newest), appliance.vault)
    generations = [appliance.card.books[sealed].generation for sealed in appliance.broker.history[TOPIC]]
    assert generations == sorted(generations), "an older backup was put over a newer one"


QUICK: Final = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
LONG: Final = settings(QUICK, max_examples=3000)


@QUICK
@given(stories(ANYTHING))
def test_whatever_happened_after_two_quiet_minutes_the_backup_is_verified(
    story: list[tuple[Trouble, float]],
) -> None:
    live_through(story)


@QUICK
@given(stories(NETWORK))
def test_an_old_card_loses_nothing_however_bad_the_network_is(story: list[tuple[Trouble, float]]) -> None:
    live_through_with_an_old_card(story)


@pytest.mark.long
@LONG
@given(stories(ANYTHING))
def test_whatever_happened_the_backup_is_verified_at_length(story: list[tuple[Trouble, float]]) -> None:
    live_through(story)


@pytest.mark.long
@LONG
@given(stories(NETWORK))
def test_an_old_card_loses_nothing_at_length(story: list[tuple[Trouble, float]]) -> None:
    live_through_with_an_old_card(story)
