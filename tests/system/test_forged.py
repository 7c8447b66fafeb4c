"""Opponents who may write to a device's topics, or delete and deny what is there, and cards that are old copies.

Everything is a real process: mosquitto, the daemon, the commands, and the programs of others that write the messages.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.vault import canonical
from tests.brokers import MOSQUITTO, Mosquitto, mosquitto
from tests.household import Appliance, household
from tests.system.test_first_light import deleted, published, retained

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

LINK: Final = "otpauth://totp/GitHub:anna?secret=JBSWY3DPEHPK3PXP&issuer=GitHub\n"
OTHER: Final = "otpauth://totp/Bank:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank\n"
PIN: Final = "31415926"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker", "allow_anonymous true") as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, broker: Mosquitto) -> Iterator[Appliance]:
    with household(tmp_path, broker.port, "desk") as (appliance,):
        yield appliance


class Card:
    """One appliance with a verified backup, and its topics."""

    def __init__(self, desk: Appliance, *, pin: bool = False) -> None:
        self.desk = desk
        self.pin = ("--pin-file", desk.secret_file("pin", PIN)) if pin else ()
        if pin:
            desk.set(vault={"unlock": "pin"})
        made: Any = desk.json("init", *self.pin)
        self.passphrase = ("--passphrase-file", desk.secret_file("passphrase", made["passphrase"]))
        self.place = f"otp-appliance/{made['vault']}/{made['device']}"
        self.topic = f"{self.place}/backup"
        self.add(LINK)
        desk.start()
        self.verify()

    def add(self, link: str) -> None:
        self.desk.does("add", "-", *self.passphrase, stdin=link)

    def verify(self) -> None:
        """Unlock it where that is needed, and wait for the verified backup."""
        # A daemon whose vault was given another key starts anew, and is not there for a moment.
        self.desk.until(lambda: self.desk.ask("status")["state"] in {"open", "locked"}, 20)
        if self.pin and self.desk.ask("status")["state"] == "locked":
            self.desk.does("unlock", *self.pin)
        self.desk.until(lambda: self.desk.ask("status")["state"] == "open", 20)
        self.desk.until_verified(self.desk.ask("status")["generation"])

    def condition(self, condition: str, seconds: float = 40.0) -> str:
        """Wait for a state of the backup, and return its reason."""
        self.desk.until(lambda: self.desk.backup()["state"] == condition, seconds)
        return str(self.desk.backup()["error"])

    def copy(self, name: str) -> Path:
        """Return a copy of the card, as somebody takes who looks after backups."""
        copied = self.desk.folder / name
        shutil.copytree(self.desk.state, copied)
        return copied

    def put_back(self, copied: Path) -> None:
        """Put an old copy in the place of the card."""
        shutil.rmtree(self.desk.state)
        shutil.copytree(copied, self.desk.state)


def proof_at(broker: Mosquitto, card: Card) -> Any:
    """Return the proof that the probe carries."""
    return json.loads(retained(broker, f"{card.place}/probe"))["proof"]


def raised(payload: bytes) -> bytes:
    file = canonical.load(payload)
    return canonical.dump({**file, "x-epoch": file["x-epoch"] + 1})


def unproven(payload: bytes) -> bytes:
    file = canonical.load(payload)
    file.pop("x-proof", None)
    return canonical.dump({**file, "x-epoch": 99})


FORGED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "13 bytes": lambda _: b'{"version":2}',
    "a later version": lambda own: canonical.dump({**canonical.load(own), "version": 2}),
    "a later epoch": raised,
    "a later epoch without a proof": unproven,
    "a later device field": lambda own: canonical.dump({**canonical.load(own), "x-device": {"v": 2}}),
    "garbage": lambda _: b"\x00garbage\xff" * 100,
}


def test_a_forged_message_stops_no_backup(desk: Appliance, broker: Mosquitto) -> None:
    card = Card(desk)
    own = retained(broker, card.topic)
    published(broker, card.topic, FORGED["13 bytes"](own))
    desk.until(lambda: retained(broker, card.topic) == own, 40)
    card.verify()
    card.add(OTHER)
    card.verify()


@pytest.mark.parametrize(
    "names",
    [
        ("a later epoch", "a later device field", "garbage"),
        pytest.param(tuple(FORGED), marks=pytest.mark.long),
    ],
    ids=["some", "all"],
)
def test_forged_messages_stop_no_backup_at_a_start(
    names: tuple[str, ...], desk: Appliance, broker: Mosquitto
) -> None:
    card = Card(desk)
    own = retained(broker, card.topic)
    for name in names:
        desk.stop()
        published(broker, card.topic, FORGED[name](own))
        desk.start()
        desk.until(lambda: retained(broker, card.topic) == own, 40)
        card.verify()


def test_a_forged_message_is_written_over_while_locked(desk: Appliance, broker: Mosquitto) -> None:
    card = Card(desk, pin=True)
    own = retained(broker, card.topic)
    desk.stop()
    published(broker, card.topic, raised(own))
    desk.start()
    assert desk.ask("status")["state"] == "locked"
    desk.until(lambda: retained(broker, card.topic) == own, 40)
    card.condition("verified")
    assert desk.ask("status")["state"] == "locked"


@pytest.mark.parametrize("pin", [False, True], ids=["open", "locked"])
def test_an_old_copy_leaves_a_change_of_the_passphrase_alone(
    pin: bool,  # noqa: FBT001 - a parameter of the test
    desk: Appliance,
    broker: Mosquitto,
) -> None:
    card = Card(desk, pin=pin)
    old = card.copy("old")
    new = ("--new-passphrase-file", desk.secret_file("new", "remover cactus dolphin shading purse"))
    desk.json("passphrase", *card.passphrase, *new, *card.pin)
    card.verify()
    newest = retained(broker, card.topic)
    desk.stop()
    card.put_back(old)
    desk.start()
    assert "passphrase was changed" in card.condition("passphrase_changed")
    if pin:
        desk.does("unlock", *card.pin)
    desk.until(lambda: desk.ask("status")["state"] == "open", 20)
    card.add(OTHER)
    card.condition("passphrase_changed")
    assert retained(broker, card.topic) == newest

    assert desk.json("backup", "--mine", *card.passphrase)["state"] == "verified"
    assert retained(broker, card.topic) != newest
    card.verify()


def test_whoever_knows_an_old_passphrase_stops_no_card_that_was_given_a_new_one(
    desk: Appliance, broker: Mosquitto
) -> None:
    card = Card(desk)
    old = card.copy("old")
    new = ("--new-passphrase-file", desk.secret_file("new", "remover cactus dolphin shading purse"))
    desk.json("passphrase", *card.passphrase, *new)
    card.verify()
    genuine = card.copy("genuine")
    desk.stop()
    # The thief of the old copy makes a successor of his own, with all that the program offers.
    card.put_back(old)
    desk.json("passphrase", *card.passphrase, *new)
    forged = canonical.load((desk.state / "vault.json").read_bytes())
    forged.pop("x-device")
    card.put_back(genuine)
    own = retained(broker, card.topic)
    published(broker, card.topic, canonical.dump(forged))
    desk.start()
    desk.until(lambda: retained(broker, card.topic) == own, 40)
    card.verify()


def test_an_old_card_whose_backup_was_deleted_is_held_back_by_the_probe(
    desk: Appliance, broker: Mosquitto
) -> None:
    card = Card(desk)
    old = card.copy("old")
    card.add(OTHER)
    card.verify()
    newest_known = desk.ask("status")["generation"]
    desk.until(lambda: proof_at(broker, card)["gen"] == newest_known, 10)
    desk.stop()
    newest = retained(broker, card.topic)
    deleted(broker, card.topic)
    card.put_back(old)
    desk.start()
    assert "--mine" in card.condition("conflict")

    published(broker, card.topic, newest)
    card.verify()
    assert len(desk.json("list")) == 2


@pytest.mark.long
def test_an_old_card_writes_over_nothing_where_reading_is_denied(
    tmp_path: Path, desk: Appliance, broker: Mosquitto
) -> None:
    card = Card(desk)
    old = card.copy("old")
    card.add(OTHER)
    card.verify()
    newest = retained(broker, card.topic)
    desk.stop()
    card.put_back(old)
    rules = tmp_path / "acl"
    rules.write_text("topic write otp-appliance/#\n")
    rules.chmod(0o644)
    broker.restart("allow_anonymous true", f"acl_file {rules}", "persistence true")
    published(broker, card.topic, newest)
    desk.start()
    assert "does not let it be read back" in card.condition("unverified")
    card.add("otpauth://totp/Wiki:anna?secret=MFRGGZDFMZTWQ2LK&issuer=Wiki\n")
    desk.stop()
    broker.stop()
    broker.restart("allow_anonymous true", "persistence true")
    # mosquitto kept what it was given: the newest where it was, the old card's beside it.
    assert retained(broker, card.topic) == newest
    assert retained(broker, f"{card.place}/late/+") != newest
    desk.start()
    card.verify()
    assert {one["issuer"] for one in desk.json("list")} == {"GitHub", "Bank", "Wiki"}
