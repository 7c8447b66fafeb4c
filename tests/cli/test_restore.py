"""What restore, backup list and a new passphrase find at a broker, decided without one: a fake in its place."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from appliance import app, errands
from appliance.adapters.clock import SystemClock
from appliance.adapters.store import StateFolder
from appliance.core.cycle import Backup
from appliance.keeper import Keeper
from appliance.vault import sealed
from appliance.vault.retained import Message
from tests.cli.conftest import HOTP, PASSPHRASE, TOTP, Done, Shell
from tests.fakes import FakeBroker, FakeLink
from tests.vault.builder import PASSPHRASE as WORDS
from tests.vault.epochs import DESK, HALL, STRANGER, Epoch, first, vault_of

NEW: Final = "eleven winds over the bay"


class ExactOnly(FakeBroker):
    """Serves retained messages for exact topics only, as RabbitMQ does, and names no subscription."""

    def answer(self, sender: FakeLink, ref: int, asked: str) -> None:
        kept = self.retained
        self.retained = {topic: payload for topic, payload in kept.items() if topic == asked}
        try:
            super().answer(sender, ref, asked)
        finally:
            self.retained = kept


class House:
    """Devices that share a broker, each with a folder of its own and this process as its command line."""

    def __init__(self, shell: Shell, broker: FakeBroker) -> None:
        self.shell = shell
        self.broker = broker
        shell.configure(
            mqtt={"host": "127.0.0.1", "port": 1, "tls": {"enabled": False}}, clock={"require_trusted": False}
        )

        def link(_settings: object, _client: str) -> FakeLink:
            return broker.client()

        def back_up(_settings: object, keeper: Keeper, _visit: object) -> Backup:
            kept = keeper.open()
            broker.keep(f"otp-appliance/{kept.vault.id}/{kept.vault.device}/backup", kept.published)
            return Backup("otp-appliance", condition="verified")

        # What a backup takes to be verified has its own tests, and its own seconds.
        shell.monkeypatch.setattr(errands, "back_up", back_up)
        shell.monkeypatch.setattr(app, "new_broker", link)
        shell.monkeypatch.setattr(errands, "QUIET_SECONDS", 0.01)

    def at(self, name: str) -> Shell:
        """Return the shell, moved to a device."""
        self.shell.configure(name=name, state_dir=os.fspath(self.shell.folder / f"state-{name}"))
        return self.shell

    @property
    def state(self) -> Path:
        """Of the device where the shell is."""
        return Path(self.shell.settings["state_dir"])

    def file(self, words: str = PASSPHRASE) -> tuple[str, str]:
        return "--passphrase-file", self.shell.file("entered", words + "\n")

    def begin(self, name: str, *links: str) -> Any:
        made = self.at(name).does("init", *self.file(), "--json").json
        for link in links:
            self.shell.does("add", "-", stdin=link)
        self.published(name)
        return made

    def published(self, name: str, kind: str = "backup") -> int:
        """Let the broker have what a device holds, and return its generation."""
        self.at(name)
        envelope = sealed.read((self.state / "vault.json").read_bytes()).published
        assert envelope.proof is not None
        self.broker.keep(self.topic(envelope.proof.vault, name, kind), sealed.write(envelope))
        return envelope.proof.generation

    def put(self, *messages: Message) -> None:
        """Let the broker have messages that were made for a test."""
        for one in messages:
            self.broker.keep(f"otp-appliance/{one.vault}/{one.device}/{one.kind}", one.payload)

    def names(self) -> list[str]:
        """Return the names of the accounts where the shell is."""
        return [one["name"] for one in self.shell.does("list", "--json").json]

    @property
    def trusted(self) -> bool:
        """This machine's clock is synchronised."""
        return SystemClock().now().trusted

    def join(self, name: str, *arguments: str) -> Any:
        return self.at(name).does("restore", *self.file(), "--json", *arguments).json

    def id(self, name: str) -> str:
        device = StateFolder(self.shell.folder / f"state-{name}").device()
        assert device is not None
        return device.id

    def topic(self, vault: str, name: str, kind: str = "backup") -> str:
        return f"otp-appliance/{vault}/{self.id(name)}/{kind}"


@pytest.fixture
def house(shell: Shell) -> House:
    return House(shell, FakeBroker())


@pytest.fixture
def rabbits(shell: Shell) -> House:
    return House(shell, ExactOnly())


# --- where it looks


def test_on_a_broker_without_wildcards_a_restore_needs_both_ids_and_says_where_they_are(
    rabbits: House,
) -> None:
    made = rabbits.begin("desk", TOTP)
    refused = rabbits.at("shelf").run("restore", *rabbits.file())
    assert refused.code == 6
    assert "exact topics only" in refused.error
    assert "--vault ID --device ID: init printed them" in refused.hint
    found = rabbits.join("shelf", "--vault", made["vault"], "--device", made["device"])
    assert (found["accounts"], found["backup"]) == (1, "verified")


def test_what_init_and_status_print_restores(rabbits: House) -> None:
    shell = rabbits.at("desk")
    out = shell.does("init", *rabbits.file()).out
    line = next(line for line in out.splitlines() if "restore --vault" in line)
    shell.does("backup")
    assert line.strip().removeprefix("sudo ") in shell.does("status").out
    command = line.split("appliance ")[1].split()
    assert rabbits.at("shelf").does(*command, *rabbits.file(), "--json").json["backup"] == "verified"


def test_with_the_index_of_devices_the_vault_is_enough_where_there_are_no_wildcards(rabbits: House) -> None:
    made = rabbits.begin("desk", TOTP)
    assert rabbits.at("shelf").run("restore", *rabbits.file(), "--vault", made["vault"]).code == 6
    rabbits.broker.keep(
        f"otp-appliance/{made['vault']}/devices", b'["otp-00000000","%s"]' % made["device"].encode()
    )
    assert rabbits.join("shelf", "--vault", made["vault"])["accounts"] == 1
    listed = rabbits.at("desk").does("backup", "list", "--json").json
    assert [one["device"] for one in listed] == [made["device"]]


def test_a_list_is_by_exact_topics_where_ids_are_given(rabbits: House) -> None:
    made = rabbits.begin("desk", TOTP)
    shell = rabbits.at("shelf")
    assert shell.does("backup", "list", "--json").json == []
    assert "some brokers list nothing" in shell.does("backup", "list").err
    both = ("--vault", made["vault"], "--device", made["device"])
    assert [one["device"] for one in shell.does("backup", "list", "--json", *both).json] == [made["device"]]


@pytest.mark.parametrize("flag", [("--vault", "+"), ("--device", "#"), ("--device", "a/b")])
@pytest.mark.parametrize("command", [("restore",), ("backup", "list")])
def test_what_is_no_id_never_becomes_part_of_a_topic(
    house: House, command: tuple[str, ...], flag: tuple[str, str]
) -> None:
    refused = house.at("shelf").run(*command, *house.file(), *flag)
    assert refused.code == 2
    assert f"'{flag[1]}' is no id of a" in refused.error
    assert not house.broker.clients


def test_a_backup_that_came_late_is_one_more_of_its_device(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.shell.does("add", "-", stdin=HOTP)
    raw = (house.state / "vault.json").read_bytes()
    newest = sealed.write(sealed.read(raw).published)
    house.broker.keep(house.topic(made["vault"], "desk", "late/0123abcd"), newest)
    assert house.join("shelf")["accounts"] == 2


def test_of_several_vaults_one_is_named(house: House) -> None:
    made, other = house.begin("desk", TOTP), house.begin("hall", TOTP, HOTP)
    refused = house.at("shelf").run("restore", *house.file())
    assert (refused.code, refused.hint) == (2, "--vault ID")
    assert made["vault"] in refused.err
    assert house.join("shelf", "--vault", other["vault"], "--dry-run")["accounts"] == 2
    assert house.shell.run("restore", *house.file(), "--device", made["device"], "--dry-run").code == 0


def test_what_is_too_large_is_skipped_and_named(house: House) -> None:
    made = house.begin("desk", TOTP)
    large = f"{made['vault']}/otp-00000000/backup"
    house.broker.keep(f"otp-appliance/{large}", b"x" * (1 << 21))
    done = house.at("shelf").does("restore", *house.file(), "--dry-run")
    assert f"{large} is too large for a backup" in done.err
    assert "would restore 1 accounts" in done.out


# --- whose it takes


def test_a_removed_device_brings_nothing_back_and_only_its_name_overrules_that(house: House) -> None:
    """A device that was stolen and replaced deleted an account at the next restore."""
    made = house.begin("desk", TOTP, HOTP)
    house.join("hall")
    assert (
        "cleared the backup of 'hall'"
        in house.at("shelf").does("restore", *house.file(), "--replace", "hall").err
    )
    assert house.topic(made["vault"], "hall") not in house.broker.retained
    house.at("hall").does("remove", "Wiki", "--confirm", "Wiki:ben")
    house.published("hall")
    done = house.at("shed").does("restore", *house.file(), "--dry-run")
    assert "would restore 2 accounts" in done.out
    assert f"{house.id('hall')} is left aside: 'hall' was removed from the vault" in done.err
    named = house.at("shed").does("restore", *house.file(), "--dry-run", "--device", house.id("hall"))
    assert "would restore 1 accounts" in named.out


def test_a_device_that_was_removed_gets_another_id_before_it_is_restored(house: House) -> None:
    house.begin("desk", TOTP)
    house.join("hall")
    house.at("shelf").does("restore", *house.file(), "--replace", "hall")
    house.at("hall")
    for path in house.state.glob("vault.json*"):
        path.unlink()
    refused = house.shell.run("restore", *house.file())
    assert refused.code == 2
    assert "was removed from the vault" in refused.error
    assert "device.json" in refused.hint
    (house.state / "device.json").unlink()
    assert house.join("hall")["accounts"] == 1


def test_only_the_device_that_is_named_is_restored(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.join("hall")
    house.shell.does("add", "-", stdin=HOTP)
    house.published("hall")
    assert house.join("shelf", "--dry-run")["accounts"] == 2
    assert house.join("shelf", "--dry-run", "--device", made["device"])["accounts"] == 1
    assert house.shell.run("restore", *house.file(), "--device", "otp-00000000").code == 6


def test_stamps_of_tomorrow_are_left_aside(house: House) -> None:
    house.put(first().message(vault_of(DESK, "bank")), first().message(vault_of(HALL, "evil", ms=2**42)))
    done = house.at("shelf").run("restore", *house.file(WORDS), "--dry-run")
    assert (f"{HALL} is left aside: it holds changes that are dated" in done.err) == house.trusted
    assert f"would restore {1 if house.trusted else 2} accounts" in done.out


def test_an_old_slot_on_a_high_epoch_does_not_win(house: House) -> None:
    old = first(1)
    graft = replace(old, number=99, chain=None)
    house.put(
        graft.message(vault_of(HALL, "evil", generation=10**6)),
        old.next(2).message(vault_of(DESK, "bank", "mail")),
    )
    done = house.at("shelf").does("restore", *house.file(WORDS), "--dry-run")
    assert "would restore 2 accounts" in done.out
    assert f"{HALL} is left aside: it is from before" in done.err


def test_keys_that_know_nothing_of_each_other_are_a_person_s_to_decide_about(house: House) -> None:
    house.put(Epoch(1).message(vault_of(DESK, "a")), Epoch(2, 99).message(vault_of(HALL, "b", "c")))
    refused = house.at("shelf").run("restore", *house.file(WORDS), "--dry-run")
    assert (refused.code, refused.hint) == (6, "--device ID")
    assert "under several keys" in refused.error
    for words in (DESK, HALL, "desk", "hall"):
        assert words in refused.err
    entered = house.shell.typed([WORDS], "restore", "--dry-run", lines=f"{HALL}\n")
    assert "would restore 2 accounts" in entered.out
    named = house.shell.does("restore", *house.file(WORDS), "--dry-run", "--device", DESK)
    assert "would restore 1 accounts" in named.out


def test_a_backup_under_a_later_key_is_told_when_an_old_passphrase_is_entered(house: House) -> None:
    old = first(1)
    house.put(old.message(vault_of(DESK, "a")), old.next(2, passphrase=STRANGER).message(vault_of(HALL, "b")))
    done = house.at("shelf").does("restore", *house.file(WORDS), "--dry-run")
    assert f"{HALL}: it is sealed under a later key: the passphrase was changed since" in done.err


# --- into the vault that is here


def test_an_older_generation_comes_back_exactly_or_beside_what_came_since(house: House) -> None:
    made = house.begin("desk", TOTP)
    wanted = house.published("desk", "history/3")
    house.shell.does("add", "-", stdin=HOTP)
    house.shell.does("edit", "Bank", "--name", "berta")
    house.published("desk")
    assert house.at("desk").run("restore", *house.file(), "--generation", "2").code == 1
    generation = ("restore", "--merge", *house.file(), "--generation")
    assert house.shell.run(*generation, "99").code == 6
    house.shell.does(*generation, str(wanted))
    assert house.names() == ["anna", "ben"]
    house.shell.does(*generation, str(wanted), "--exact")
    assert house.names() == ["anna"]
    assert made["device"] == house.id("desk")


def test_what_an_earlier_key_seals_is_merged_only_by_name(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.join("hall")
    house.shell.does("add", "-", stdin=HOTP)
    house.published("hall")
    house.at("desk").does("recovery-key", *house.file())
    del house.broker.retained[house.topic(made["vault"], "desk")]
    merge = ("restore", "--merge", *house.file())
    refused = house.shell.run(*merge)
    assert (refused.code, refused.hint) == (4, f"if you want it all the same: --device {house.id('hall')}")
    assert house.names() == ["anna"]
    assert "because it was named" in house.shell.does(*merge, "--device", house.id("hall")).err
    assert house.names() == ["anna", "ben"]


def test_another_vault_is_never_merged(house: House) -> None:
    house.begin("desk", TOTP)
    other = house.begin("hall", TOTP)
    refused = house.at("desk").run("restore", "--merge", *house.file(), "--vault", other["vault"])
    assert (refused.code, refused.hint) == (2, "restore it into a state_dir of its own")


def test_a_broker_that_fails_after_the_restore_takes_nothing_back(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.broker.deny_write("#")
    done = house.at("shelf").does("restore", *house.file(), "--replace", "desk", "--json")
    assert done.json["backup"] == "unverified"
    assert "can't delete" in done.err
    assert house.topic(made["vault"], "desk") in house.broker.retained
    assert house.names() == ["anna"]


# --- a new passphrase, and what the old one still opens


def changed(house: House, *arguments: str) -> Done:
    new = ("--new-passphrase-file", house.shell.file("new", NEW))
    return house.at("desk").does("passphrase", *new, *arguments)


def test_a_new_passphrase_names_the_backups_that_the_old_one_still_opens(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.join("hall")
    house.published("hall", "history/2")
    house.published("desk", "late/00000000")
    house.published("desk", "history/1")
    done = changed(house, "--no-input", "--json")
    hall = {"device": house.id("hall"), "name": "hall"}
    assert done.json["still_open"] == [hall | {"kind": "backup"}, hall | {"kind": "history/2"}]
    assert done.json["cleared"] == 2
    left = [topic for topic in house.broker.retained if made["device"] in topic]
    assert left == [house.topic(made["vault"], "desk")]


def test_devices_that_must_follow_are_told_and_without_a_person_nothing_is_cleared(house: House) -> None:
    made = house.begin("desk", TOTP)
    house.join("hall")
    done = changed(house, "--no-input")
    assert f"  hall  {house.id('hall')}  backup" in done.out
    assert "These devices must follow: 'hall'" in done.out
    assert house.topic(made["vault"], "hall") in house.broker.retained


def test_the_backups_of_a_device_that_is_gone_are_cleared_where_its_name_is_entered(house: House) -> None:
    made = house.begin("desk", TOTP)
    for name in ("hall", "shed"):
        house.join(name)
        house.published(name, "history/0")
    new = ("--new-passphrase-file", house.shell.file("new", NEW))
    done = house.at("desk").typed([], "passphrase", *new, lines="hall\n\n")
    assert done.code == 0
    assert "cleared the backups of 'hall'" in done.out
    assert "These devices must follow: 'shed'" in done.out
    left = {topic.split("/")[2] for topic in house.broker.retained}
    assert left == {made["device"], house.id("shed")}


def test_a_removed_device_is_said_to_be_removed_and_need_not_follow(house: House) -> None:
    house.begin("desk", TOTP)
    house.join("hall")
    house.at("shelf").does("restore", *house.file(), "--replace", "hall")
    house.published("hall")
    house.at("desk").does("restore", "--merge", *house.file())
    new = ("--new-passphrase-file", house.shell.file("new", NEW))
    done = house.shell.typed([], "passphrase", *new, lines="\n\n")
    assert f"'hall' ({house.id('hall')}) was removed from the vault. Its name" in done.err
    follow = next(line for line in done.out.splitlines() if "must follow" in line)
    assert "'hall'." in follow


def test_where_the_backup_was_not_replaced_it_is_named_as_well(house: House) -> None:
    house.begin("desk", TOTP)
    house.shell.monkeypatch.setattr(errands, "back_up", lambda *_: Backup("p", condition="unverified"))
    (left,) = changed(house, "--json").json["still_open"]
    assert (left["name"], left["kind"]) == ("desk", "backup")


def test_a_broker_that_can_t_be_read_stops_no_new_passphrase(house: House) -> None:
    house.begin("desk", TOTP)
    house.broker.deny_read("#", silently=False)
    done = changed(house, "--json")
    assert done.json["still_open"] == []
    assert "is not known" in done.err
