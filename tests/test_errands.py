"""What a command clears at the broker by itself: what must be gone is gone, or it is an error."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from appliance import app, errands
from appliance.core.events import Oversized, Received, Subscribed, Truncated
from appliance.errands import Visit
from appliance.errors import BrokerFailed
from appliance.settings import Settings, load
from appliance.vault import retained
from appliance.vault.retained import Reading
from tests.core.desk import DEVICE, VAULT_ID, account, vault_of
from tests.fakes import FakeBroker, FakeLink, matches
from tests.vault.builder import made

PLACE: Final = f"otp-appliance/{VAULT_ID}/{DEVICE}"


def under(epoch: int) -> bytes:
    """Return a backup under the master key of an epoch."""
    return made(vault_of(account("a")), seed=epoch, epoch=epoch).raw


def configured(folder: Path, port: int) -> Settings:
    config = folder / "config.yaml"
    broker = {"host": "127.0.0.1", "port": port, "tls": {"enabled": False}}
    config.write_text(json.dumps({"name": "desk", "state_dir": str(folder / "state"), "mqtt": broker}))
    return load(config, {})


@pytest.fixture
def fake() -> FakeBroker:
    fake = FakeBroker()
    for slot, payload in enumerate((under(1), under(3), b"garbage", under(2), under(4))):
        fake.keep(f"{PLACE}/history/{slot}", payload)
    fake.keep(f"{PLACE}/backup", under(1))
    return fake


Visitor = Callable[..., Visit]


@pytest.fixture
def visitor(fake: FakeBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """Make a visit to the fake broker, by a link of its own kind; its messages come at once or never."""
    monkeypatch.setattr(errands, "QUIET_SECONDS", 0.05)
    visits: list[Visit] = []

    def visit(link: type[FakeLink] = FakeLink) -> Visit:
        settings = configured(tmp_path, 1)
        made = Visit(settings, app.identify(settings))
        made.broker = cast("Any", link(fake))
        fake.clients.append(cast("Any", made.broker))
        visits.append(made.__enter__())
        return made

    yield visit
    for one in visits:
        one.__exit__()


def test_history_under_older_keys_is_deleted_and_counted_and_nothing_else(
    visitor: Visitor, fake: FakeBroker
) -> None:
    before = dict(fake.retained)
    assert visitor().clear_older(VAULT_ID, DEVICE, 3) == 2
    gone = before.keys() - fake.retained.keys()
    assert gone == {f"{PLACE}/history/0", f"{PLACE}/history/3"}
    assert fake.retained.items() <= before.items()
    assert visitor().clear_older(VAULT_ID, DEVICE, 3) == 0


def test_a_broker_that_keeps_it_or_forbids_it_is_an_error(visitor: Visitor, fake: FakeBroker) -> None:
    fake.deny_write("#", silently=True)
    with pytest.raises(BrokerFailed, match="still there"):
        visitor().clear_older(VAULT_ID, DEVICE, 3)
    fake.allow()
    fake.deny_write("#")
    with pytest.raises(BrokerFailed, match="not authorized"):
        visitor().clear_older(VAULT_ID, DEVICE, 3)
    fake.deny_read("#", silently=False)
    with pytest.raises(BrokerFailed, match="can't read"):
        visitor().clear_older(VAULT_ID, DEVICE, 3)


class Falling(FakeLink):
    """Loses the link as soon as its second fetch is granted."""

    def fetch(self, ref: int, topic: str) -> None:
        if ref > 2:
            self.post(Subscribed(ref))
            self.broker.cut(self)
        else:
            super().fetch(ref, topic)


def test_a_link_that_is_lost_while_it_is_checked_proves_nothing(visitor: Visitor) -> None:
    with pytest.raises(BrokerFailed, match="does not answer"):
        visitor(Falling).clear_older(VAULT_ID, DEVICE, 3)


class Stammering(FakeLink):
    """Delivers what an earlier fetch asked for once more, after a later one was granted."""

    def fetch(self, ref: int, topic: str) -> None:
        super().fetch(ref, topic)
        self.post(Received(99, f"{PLACE}/backup", under(1), retained=True))


def test_what_an_earlier_fetch_asked_for_is_not_taken_for_history(visitor: Visitor, fake: FakeBroker) -> None:
    assert visitor(Stammering).clear_older(VAULT_ID, DEVICE, 3) == 2
    assert f"{PLACE}/backup" in fake.retained


class Echoing(FakeLink):
    """Delivers what an earlier fetch of the same topics asked for, once more and late."""

    def fetch(self, ref: int, topic: str) -> None:
        super().fetch(ref, topic)
        if topic.endswith("history/+"):
            self.post(Received(ref - 1, f"{PLACE}/history/0", under(1), retained=True))


def test_what_was_asked_for_earlier_is_not_what_is_there_now(visitor: Visitor, fake: FakeBroker) -> None:
    assert visitor(Echoing).clear_older(VAULT_ID, DEVICE, 3) == 2


def test_a_device_that_is_cleared_leaves_nothing(visitor: Visitor, fake: FakeBroker) -> None:
    visitor().clear(VAULT_ID, DEVICE)
    assert not fake.retained
    fake.keep(f"{PLACE}/history/5", b"garbage")
    fake.deny_write(f"{PLACE}/history/5", silently=True)
    with pytest.raises(BrokerFailed, match="still there"):
        visitor().clear(VAULT_ID, DEVICE)


# --- the end of a reading


def device(number: int) -> str:
    return f"otp-{number:08x}"


def place(number: int) -> str:
    return f"otp-appliance/{VAULT_ID}/{device(number)}/backup"


def found(reading: Reading) -> list[str]:
    return [one.device for one in reading.messages]


class Slow(FakeLink):
    """Delivers one retained message before each answer about another topic, as a broker that is busy."""

    def fetch(self, ref: int, topic: str) -> None:
        if topic.endswith("/end"):
            left = sorted(one for one in self.broker.retained if one not in self.given)
            if left:
                self.given.add(left[0])
                payload = self.broker.retained[left[0]]
                self.post(Received(None, left[0], payload, retained=True))
        self.post(Subscribed(ref))

    @property
    def given(self) -> set[str]:
        return self.subscriptions


def test_silence_is_no_end_while_messages_still_come_before_an_answer(
    visitor: Visitor, fake: FakeBroker
) -> None:
    fake.retained = {place(number): b"x" for number in range(5)}
    reading = visitor(Slow).read(("+/+/backup",))
    assert found(reading) == list(map(device, range(5)))
    assert not reading.cut


class Unidentified(FakeLink):
    """Does not say which subscription a retained message answers, and sends it before the answer to that."""

    def fetch(self, ref: int, topic: str) -> None:
        for name, payload in self.broker.retained.items():
            if matches(topic, name):
                self.post(Received(None, name, payload, retained=True))
        self.post(Subscribed(ref))


def test_a_retained_message_counts_by_its_topic_where_the_broker_does_not_say_what_it_answers(
    visitor: Visitor, fake: FakeBroker
) -> None:
    fake.retained = {place(1): b"x"}
    assert found(visitor(Unidentified).read(("+/+/backup", "+/+/late/+"))) == [device(1)]


class Chatting(FakeLink):
    """Passes on live messages without end, under the topics that were asked for."""

    def fetch(self, ref: int, topic: str) -> None:
        for number in range(50):
            self.post(Received(None, place(number), b"live", retained=False))
        super().fetch(ref, topic)


def test_live_messages_are_no_backups_and_put_off_no_end(visitor: Visitor, fake: FakeBroker) -> None:
    fake.retained = {place(7): b"x"}
    reading = visitor(Chatting).read(("+/+/backup",))
    assert (found(reading), reading.cut) == ([device(7)], False)


class Mute(FakeLink):
    """Grants what was asked for, and says nothing more."""

    def fetch(self, ref: int, topic: str) -> None:
        if not topic.endswith("/end"):
            super().fetch(ref, topic)


def test_a_broker_that_never_comes_to_an_end_gives_a_list_that_is_cut(
    visitor: Visitor, fake: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "LIST_SECONDS", 0.3)
    fake.retained = {place(7): b"x"}
    reading = visitor(Mute).read(("+/+/backup",))
    assert (found(reading), reading.cut) == ([device(7)], True)
    with pytest.raises(BrokerFailed, match="there is more"):
        visitor(Mute).messages("+/+/backup")


class Deaf(FakeLink):
    """Answers nothing."""

    def fetch(self, ref: int, topic: str) -> None:
        pass


def test_a_broker_that_does_not_answer_proves_no_absence(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "LIST_SECONDS", 0.2)
    with pytest.raises(BrokerFailed, match="does not answer"):
        visitor(Deaf).read(("+/+/backup",))


def test_a_flood_ends_a_reading(visitor: Visitor, fake: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "FLOOD_BYTES", 10)
    fake.retained = {place(number): b"xxxx" for number in range(9)}
    reading = visitor().read(("+/+/backup",))
    assert (found(reading), reading.cut) == ([device(0), device(1), device(2)], True)


class Bounded(FakeLink):
    """An adapter that bounds what it takes in."""

    def fetch(self, ref: int, topic: str) -> None:
        super().fetch(ref, topic)
        if not topic.endswith("/end"):
            self.post(Oversized(ref, place(3), 2_000_000, retained=True))
            self.post(Oversized(None, place(4), 2_000_000, retained=False))
            self.post(Truncated(ref))


def test_what_the_adapter_left_out_is_known(visitor: Visitor, fake: FakeBroker) -> None:
    fake.retained = {place(7): b"x"}
    reading = visitor(Bounded).read(("+/+/backup",))
    assert reading.oversized == {place(3).removeprefix("otp-appliance/")}
    assert reading.cut
    assert found(reading) == [device(7)]


def test_one_of_several_subscriptions_may_be_refused(visitor: Visitor, fake: FakeBroker) -> None:
    fake.retained = {place(7): b"x"}
    fake.deny_read("otp-appliance/+/+/late/+", silently=False)
    visit = visitor()
    assert found(visit.read(("+/+/backup", "+/+/late/+"))) == [device(7)]
    with pytest.raises(BrokerFailed, match="can't read otp-appliance"):
        visit.read(("+/+/late/+",))


def test_an_index_that_may_not_be_read_names_nobody(visitor: Visitor, fake: FakeBroker) -> None:
    topic = f"otp-appliance/{VAULT_ID}/devices"
    fake.keep(topic, b'["otp-00000007"]')
    assert visitor().devices(VAULT_ID) == ("otp-00000007",)
    fake.deny_read(topic, silently=False)
    assert visitor().devices(VAULT_ID) == ()


def test_late_messages_of_older_keys_are_cleared_with_the_history(visitor: Visitor, fake: FakeBroker) -> None:
    fake.keep(f"{PLACE}/late/00000001", under(1))
    fake.keep(f"{PLACE}/late/00000002", under(3))
    assert visitor().clear_older(VAULT_ID, DEVICE, 3) == 3
    assert f"{PLACE}/late/00000001" not in fake.retained
    assert f"{PLACE}/late/00000002" in fake.retained
    visitor().clear(VAULT_ID, DEVICE)
    assert not fake.retained
