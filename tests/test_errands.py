"""What a command clears at the broker by itself: what must be gone is gone, or it is an error."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from appliance import app, errands
from appliance.core.events import Received, Subscribed
from appliance.errands import Visit
from appliance.errors import BrokerFailed
from appliance.settings import Settings, load
from tests.core.desk import DEVICE, VAULT_ID, account, vault_of
from tests.fakes import FakeBroker, FakeLink
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


def test_a_device_that_is_cleared_leaves_nothing(visitor: Visitor, fake: FakeBroker) -> None:
    visitor().clear(VAULT_ID, DEVICE)
    assert not fake.retained
    fake.keep(f"{PLACE}/history/5", b"garbage")
    fake.deny_write(f"{PLACE}/history/5", silently=True)
    with pytest.raises(BrokerFailed, match="still there"):
        visitor().clear(VAULT_ID, DEVICE)
