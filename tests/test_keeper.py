"""The keeper: who opens the vault, what a change saves, and what happens when the card or the keys are damaged."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import _GeneratorContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance.adapters.store import StateFolder
from appliance.core.events import Authentic, Foreign, Outdated, Superseded
from appliance.errors import (
    ApplianceError,
    LockBusy,
    MemoryShort,
    NothingFound,
    StorageFailed,
    UsageError,
    VaultDamaged,
    VaultExists,
    VaultTooNew,
    WrongPassphrase,
    WrongPin,
)
from appliance.keeper import BY_ITSELF, Door, Keeper, Kept
from appliance.ports import Device
from appliance.vault import canonical, document, edit, keys, proof, sealed
from appliance.vault.edit import Moment
from appliance.vault.merge import merge
from appliance.vault.model import Account, Vault
from tests.stores import Card, Dice, FakeClock, FakeStore, full_card

PASSPHRASE = "correct horse battery staple"
RECOVERY = "0000-0000-0000-0000-0000-0000-0000"
VAULT_ID = "11111111-1111-4111-8111-111111111111"
DESK = Device("otp-00000001", None, "desk")
SEED = b"12345678901234567890"


pytestmark = pytest.mark.usefixtures("cheap_scrypt")


@dataclass(eq=False)
class Desk:
    """One device: its card, its clock, and keepers as commands and the daemon make them."""

    store: FakeStore = field(default_factory=lambda: FakeStore(Card(device=DESK)))
    clock: FakeClock = field(default_factory=FakeClock)
    dice: Dice = field(default_factory=Dice)

    def keeper(self, entered: str | None = None) -> Keeper:
        return Keeper(self.store, self.clock, self.dice, lambda: 1 << 30, entered)

    def create(self) -> Kept:
        return self.keeper().create(VAULT_ID, PASSPHRASE, keys.new_recovery_key(self.dice), self.dice.uuid)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def made() -> Desk:
    desk = Desk()
    desk.create()
    return desk


def account(name: str, *, hotp: bool = False, secret: bytes = SEED) -> Account:
    uuid = str(UUID(bytes=name.encode().rjust(16, b"_"), version=4))
    return Account(uuid, "hotp" if hotp else "totp", "Example", name, secret)


def adding(name: str, *, hotp: bool = False) -> Callable[[Vault, Moment], Vault]:
    return lambda vault, moment: edit.add(vault, account(name, hotp=hotp), 0, moment)


def names(kept: Kept) -> list[str]:
    return [record.account.name for record in kept.vault.ordered]


def damaged(raw: bytes) -> bytes:
    """Return the file with one bit of its ciphertext turned, canonical as before."""
    envelope = sealed.read(raw)
    return sealed.write(replace(envelope, db=bytes([envelope.db[0] ^ 1]) + envelope.db[1:]))


# --- create


def test_a_new_vault_is_empty_and_opens_with_device_secret_passphrase_and_recovery_key(desk: Desk) -> None:
    recovery = keys.new_recovery_key(desk.dice)
    kept = desk.keeper().create(VAULT_ID, PASSPHRASE, recovery, desk.dice.uuid)
    assert (kept.vault.id, kept.vault.device, kept.vault.name) == (VAULT_ID, DESK.id, DESK.name)
    assert kept.vault.generation == 1
    assert kept.envelope.epoch == 1
    for entered in (None, PASSPHRASE, recovery, recovery.lower().replace("-", " ")):
        assert desk.keeper(entered).open().vault == kept.vault
    assert desk.store.device() == replace(DESK, vault=VAULT_ID)


def test_a_vault_that_is_there_is_never_made_anew(made: Desk) -> None:
    before, secret = dict(made.store.files), made.store.secret()
    with pytest.raises(VaultExists):
        made.create()
    assert (made.store.files, made.store.secret()) == (before, secret)


@pytest.mark.parametrize("left", ["vault.json", "vault.json.2"])
def test_neither_is_one_of_which_only_a_damaged_or_older_file_is_left(made: Desk, left: str) -> None:
    made.store.files.clear()
    made.store.files[left] = b"broken"
    with pytest.raises(VaultExists):
        made.create()


def test_a_device_that_nobody_named_makes_no_vault(desk: Desk) -> None:
    desk.store.card.device = None
    with pytest.raises(NothingFound):
        desk.create()


def test_no_secret_is_in_a_representation(made: Desk) -> None:
    kept = made.keeper(PASSPHRASE).change(adding("anna"))
    text = repr(kept) + repr(kept.vault) + repr(kept.envelope)
    for secret in (SEED, made.store.secret() or b"", PASSPHRASE.encode()):
        assert repr(secret)[2:-1] not in text
        assert secret.hex() not in text


# --- open


def test_without_a_vault_there_is_nothing_to_open(desk: Desk) -> None:
    with pytest.raises(NothingFound) as told:
        desk.keeper().open()
    assert "appliance init" in told.value.hint
    assert not desk.keeper().exists()


def test_a_wrong_passphrase_opens_nothing_and_never_an_older_file(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    before = dict(made.store.files)
    with pytest.raises(WrongPassphrase) as told:
        made.keeper("wrong horse battery staple").open()
    assert told.value.exit_code == 3
    assert made.store.files == before
    with pytest.raises(WrongPassphrase):
        made.keeper("wrong horse battery staple").change(adding("ben"))
    assert made.store.files == before


def test_a_wrong_passphrase_is_not_hidden_by_an_older_file_that_it_opens(made: Desk) -> None:
    old = made.store.files["vault.json"]
    other = Desk()
    other.keeper().create(VAULT_ID, "another passphrase", RECOVERY, other.dice.uuid)
    made.store.files["vault.json"] = other.store.files["vault.json"]
    made.store.files["vault.json.1"] = old
    with pytest.raises(WrongPassphrase):
        made.keeper(PASSPHRASE).open()
    assert made.store.files["vault.json.1"] == old


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda raw: b"",
        lambda raw: raw[:-1],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"\0" * len(raw),
        damaged,
        lambda raw: raw.replace(b'"version":1', b'"version": 1'),
        lambda raw: raw.replace(b'"x-epoch":1', b'"x-epoch":2'),
        lambda raw: raw.replace(b'"is_backup":false', b'"is_backup":true'),
    ],
    ids=["empty", "cut", "half", "zeros", "bit", "spelling", "epoch", "slot"],
)
def test_a_damaged_newest_file_is_set_aside_and_the_older_one_used(
    made: Desk, spoiled: Callable[[bytes], bytes]
) -> None:
    made.keeper().change(adding("anna"))
    made.keeper().change(adding("ben"))
    bad = spoiled(made.store.files["vault.json"])
    made.store.files["vault.json"] = bad
    kept = made.keeper().open()
    assert names(kept) == ["anna"]
    assert kept.warning is not None
    assert kept.warning.short == "E4"
    assert "vault.bad-1800000000" in kept.warning.why
    assert made.store.files["vault.bad-1800000000"] == bad
    assert names(made.keeper().change(adding("carl"))) == ["anna", "carl"]
    assert made.keeper().open().warning is None


def test_a_damaged_newest_file_is_set_aside_for_a_passphrase_too(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.store.files["vault.json"] = damaged(made.store.files["vault.json"])
    kept = made.keeper(PASSPHRASE).open()
    assert names(kept) == []
    assert kept.warning is not None


def test_a_change_that_finds_a_damaged_file_says_so(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.store.files["vault.json"] = damaged(made.store.files["vault.json"])
    kept = made.keeper().change(adding("ben"))
    assert names(kept) == ["ben"]
    assert kept.warning is not None


def test_several_damaged_files_lead_to_the_first_good_one(made: Desk) -> None:
    for name in ("anna", "ben", "carl"):
        made.keeper().change(adding(name))
    for name in ("vault.json", "vault.json.1"):
        made.store.files[name] = damaged(made.store.files[name])
    assert names(made.keeper().open()) == ["anna"]


def test_when_all_files_are_damaged_nothing_is_renamed(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.store.files.update({name: damaged(raw) for name, raw in made.store.files.items()})
    before = dict(made.store.files)
    with pytest.raises(VaultDamaged) as told:
        made.keeper().open()
    assert told.value.exit_code == 4
    assert made.store.files == before


def test_a_missing_newest_file_leads_to_the_older_one(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.keeper().change(adding("ben"))
    del made.store.files["vault.json"]
    assert names(made.keeper().open()) == ["anna"]
    kept = made.keeper().change(adding("carl"))
    assert names(kept) == ["anna", "carl"]
    assert names(made.keeper().open()) == ["anna", "carl"]


def test_a_change_passes_by_an_older_file_with_an_exchanged_header(made: Desk) -> None:
    for name in ("anna", "ben"):
        made.keeper().change(adding(name))
    del made.store.files["vault.json"]
    older = made.store.files["vault.json.1"]
    made.store.files["vault.json.1"] = older.replace(b'"x-epoch":1', b'"x-epoch":2')
    assert names(made.keeper().change(adding("carl"))) == ["carl"]


@pytest.mark.parametrize("trouble", ["read", "card"])
def test_trouble_with_the_card_is_not_damage(made: Desk, trouble: str) -> None:
    made.keeper().change(adding("anna"))
    before = dict(made.store.files)
    if trouble == "read":
        made.store.broken = StorageFailed("can't read vault.json", "input/output error")
        with pytest.raises(StorageFailed):
            made.keeper().open()
    else:
        made.store.files["vault.json"] = damaged(made.store.files["vault.json"])
        before = dict(made.store.files)
        made.store.full = StorageFailed("can't set it aside", "read-only file system")
        with pytest.raises(StorageFailed):
            made.keeper().open()
    assert made.store.files == before


def test_a_vault_of_a_newer_release_is_not_taken_for_damage(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    newer = {**canonical.load(made.store.files["vault.json"]), "version": 2}
    made.store.files["vault.json"] = canonical.dump(newer)
    before = dict(made.store.files)
    with pytest.raises(VaultTooNew) as told:
        made.keeper().open()
    assert told.value.exit_code == 4
    assert made.store.files == before


def test_too_little_memory_is_not_taken_for_damage(made: Desk) -> None:
    keeper = Keeper(made.store, made.clock, made.dice, lambda: 1 << 19, PASSPHRASE)
    before = dict(made.store.files)
    with pytest.raises(MemoryShort):
        keeper.open()
    assert made.store.files == before


def test_no_key_is_derived_while_the_lock_is_held(made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, held = keys.scrypt, list[bool]()

    def watched(*args: bytes, n: int, p: int, memory_limit: int) -> bytes:
        held.append(made.store.card.locked)
        return real(*args, n=n, p=p, memory_limit=memory_limit)

    monkeypatch.setattr(keys, "scrypt", watched)
    made.keeper(PASSPHRASE).change(adding("anna"))
    made.store.files["vault.json"] = damaged(made.store.files["vault.json"])
    made.keeper(PASSPHRASE).open()
    made.store.card.secret = None
    made.keeper(PASSPHRASE).open()
    assert held
    assert not any(held)


# --- the device secret


def test_a_lost_device_secret_is_told_with_what_opens_the_vault_and_nothing_is_renamed(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.store.card.secret = None
    before = dict(made.store.files)
    with pytest.raises(VaultDamaged) as told:
        made.keeper().open()
    assert told.value.exit_code == 4
    assert "--passphrase-file" in told.value.hint
    assert made.store.files == before


@pytest.mark.parametrize("device", [None, Device("otp-99999999", VAULT_ID, "other")])
def test_a_lost_or_exchanged_device_file_is_told_likewise(made: Desk, device: Device | None) -> None:
    made.store.card.device = device
    before = dict(made.store.files)
    with pytest.raises(VaultDamaged):
        made.keeper().open()
    assert made.store.files == before


@pytest.mark.parametrize("lost", ["secret", "other secret", "device", "both"])
def test_a_passphrase_brings_the_device_secret_and_device_file_back(made: Desk, lost: str) -> None:
    made.keeper().change(adding("anna"))
    before = made.keeper().open()
    if lost in {"secret", "both"}:
        made.store.card.secret = None
    if lost == "other secret":
        made.store.card.secret = b"x" * 32
    if lost in {"device", "both"}:
        made.store.card.device = None
    opened = made.keeper(PASSPHRASE).open()
    assert opened.vault == before.vault
    after = made.keeper().open()
    assert after.vault == before.vault
    assert made.store.device() == replace(DESK, vault=VAULT_ID)
    assert after.published == before.published, "the contents stay byte for byte"


def test_a_wrong_passphrase_brings_nothing_back(made: Desk) -> None:
    made.store.card.secret = None
    before = dict(made.store.files)
    with pytest.raises(WrongPassphrase):
        made.keeper("wrong horse battery staple").open()
    assert made.store.secret() is None
    assert made.store.files == before


def test_a_passphrase_writes_nothing_while_the_device_secret_is_good(made: Desk) -> None:
    saves = made.store.saves
    made.keeper(PASSPHRASE).open()
    assert made.store.saves == saves


def test_a_damaged_device_wrap_is_damage_while_an_older_file_has_a_good_one(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    envelope = sealed.read(made.store.files["vault.json"])
    assert envelope.device is not None
    wrap = replace(envelope.device, tag=b"\0" * 16)
    made.store.files["vault.json"] = sealed.write(replace(envelope, device=wrap))
    kept = made.keeper().open()
    assert names(kept) == []
    assert kept.warning is not None


def test_forgotten_keys_open_nothing_and_the_card_is_asked_again(made: Desk) -> None:
    keeper = made.keeper()
    keeper.open()
    made.store.card.secret = None
    keeper.open()
    keeper.forget()
    with pytest.raises(VaultDamaged):
        keeper.open()


def test_a_forgotten_passphrase_is_gone_too(made: Desk) -> None:
    keeper = made.keeper(PASSPHRASE)
    keeper.open()
    keeper.forget()
    made.store.card.secret = None
    with pytest.raises(VaultDamaged):
        keeper.open()


# --- change


@dataclass(eq=False, slots=True)
class Racing(FakeStore):
    """A card that changes under our hands once, right before we get its lock."""

    race: Callable[[bytes], bytes] | None = None

    def lock(self) -> _GeneratorContextManager[None]:
        if self.race is not None:
            race, self.race = self.race, None
            self.files["vault.json"] = race(self.files["vault.json"])
        return FakeStore.lock(self)


def test_a_change_is_saved_with_the_next_generation_and_the_time(made: Desk) -> None:
    made.clock.advance(100)
    kept = made.keeper().change(adding("anna"))
    assert kept.vault.generation == 2
    assert kept.vault.saved_at == int(made.clock.unix)
    assert made.keeper().open() == kept


def test_what_is_published_lacks_the_device_wrap_and_nothing_else(made: Desk) -> None:
    kept = made.keeper().change(adding("anna"))
    own, published = canonical.load(made.store.files["vault.json"]), canonical.load(kept.published)
    assert own.pop("x-device")
    assert own == published


def test_a_change_of_nothing_saves_nothing(made: Desk) -> None:
    before, saves = made.keeper().open(), made.store.saves
    assert made.keeper().change(lambda vault, _moment: vault) == before
    seen = made.keeper().change(lambda vault, _moment: replace(vault, seen={"otp-00000002": 9}))
    assert seen == before
    assert made.store.saves == saves


def test_what_was_seen_goes_out_with_the_next_save(made: Desk) -> None:
    made.keeper().change(
        lambda vault, moment: adding("anna")(replace(vault, seen={"otp-00000002": 9}), moment)
    )
    assert made.keeper().open().vault.seen == {"otp-00000002": 9}


def test_a_change_that_raises_saves_nothing_and_frees_the_lock(made: Desk) -> None:
    def refuse(_vault: Vault, _moment: Moment) -> Vault:
        raise UsageError("can't", "no")

    before = dict(made.store.files)
    with pytest.raises(UsageError):
        made.keeper().change(refuse)
    assert made.store.files == before
    assert not made.store.card.locked


def test_a_save_that_fails_is_told_and_leaves_the_old_vault(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    made.store.full = full_card()
    with pytest.raises(StorageFailed):
        made.keeper().change(adding("ben"))
    made.store.full = None
    assert names(made.keeper().open()) == ["anna"]


@pytest.mark.parametrize(
    "spoil",
    [lambda raw: b"", lambda raw: raw[:-1], damaged, lambda raw: raw + b"\n"],
    ids=["nothing", "cut", "bit", "longer"],
)
def test_a_card_that_keeps_something_else_is_told_and_the_old_vault_stays(
    made: Desk, spoil: Callable[[bytes], bytes]
) -> None:
    made.keeper().change(adding("anna"))
    made.store.spoil = spoil
    with pytest.raises(StorageFailed) as told:
        made.keeper().change(adding("ben"))
    assert told.value.hint == "replace the card"
    assert names(made.keeper().open()) == ["anna"]


def test_a_busy_lock_is_told(made: Desk) -> None:
    with made.store.lock(), pytest.raises(LockBusy):
        made.keeper().change(adding("anna"))


def test_a_change_is_applied_to_what_another_process_saved_meanwhile(made: Desk) -> None:
    daemon, command = made.keeper(), made.keeper(PASSPHRASE)
    daemon.open()
    command.change(adding("anna"))
    assert names(daemon.change(adding("ben"))) == ["anna", "ben"]
    assert names(command.open()) == ["anna", "ben"]


def test_a_vault_that_was_exchanged_between_opening_and_locking_is_opened_anew(made: Desk) -> None:
    """Another process re-keyed it: the key must be found outside the lock, and the change must not be lost."""
    other = Desk()
    other.create()
    made.store = Racing(made.store.card, race=lambda _raw: other.store.files["vault.json"])
    kept = made.keeper(PASSPHRASE).change(adding("anna"))
    assert names(kept) == ["anna"]
    assert kept.envelope.slots == sealed.read(other.store.files["vault.json"]).slots


def test_a_vault_that_is_damaged_between_opening_and_locking_does_not_become_an_older_generation(
    made: Desk,
) -> None:
    made.keeper().change(adding("anna"))
    made.store = Racing(made.store.card, race=damaged)
    kept = made.keeper().change(adding("ben"))
    assert names(kept) == ["ben"]
    assert kept.warning is not None
    assert sorted(made.store.files) == ["vault.bad-1800000000", "vault.json", "vault.json.2"]
    del made.store.files["vault.json"]
    assert names(made.keeper().open()) == [], "what is left as older is good"


def test_an_untrusted_clock_moves_no_stamp_and_dates_nothing(made: Desk) -> None:
    first = made.keeper().change(adding("anna")).vault
    made.clock.advance(86_400 * 400)
    made.clock.trust = "not-set"
    kept = made.keeper().change(adding("ben"))
    stamp = kept.vault.records[account("ben").uuid].stamp
    assert stamp.ms == first.latest.ms
    assert stamp > first.latest
    assert kept.vault.saved_at == 0
    assert kept.vault.day == first.day


def test_each_day_has_a_topic_of_the_history_in_turn(made: Desk) -> None:
    slots = []
    for number in range(9):
        made.keeper().change(adding(f"a{number}"))
        slots.append(made.keeper().change(adding(f"b{number}")).vault.day[1])
        made.clock.advance(86_400)
    assert slots == [(slots[0] + number) % 7 for number in range(9)]


def test_a_change_is_stamped_with_the_millisecond_of_the_clock(made: Desk) -> None:
    made.clock.unix += 0.25
    kept = made.keeper().change(adding("anna"))
    stamp = kept.vault.records[account("anna").uuid].stamp
    assert (stamp.ms, stamp.counter, stamp.device) == (int(made.clock.unix * 1000), 0, DESK.id)


@pytest.mark.parametrize(("unix", "day"), [(86_400 * 20_000 - 1, 19_999), (86_400 * 20_000, 20_000)])
def test_a_day_begins_at_midnight_utc(made: Desk, unix: float, day: int) -> None:
    made.clock.unix = unix
    assert made.keeper().change(adding("anna")).vault.day[0] == day


def test_older_generations_are_the_files_that_still_open_the_newest_first(made: Desk) -> None:
    for name in ("anna", "ben", "carl"):
        made.keeper().change(adding(name))
    assert [len(vault.records) for vault in made.keeper().older()] == [2, 1, 0]
    made.store.files["vault.json.2"] = damaged(made.store.files["vault.json.2"])
    assert [len(vault.records) for vault in made.keeper().older()] == [2, 0]


def test_how_a_vault_opens_is_not_told_of_one_that_is_not_there_or_damaged(made: Desk, desk: Desk) -> None:
    with pytest.raises(NothingFound):
        desk.keeper().mode()
    made.store.files["vault.json.1"] = made.store.files["vault.json"]
    made.store.files["vault.json"] = b"broken"
    assert made.keeper().mode() == "credential"
    made.store.files["vault.json.1"] = b"broken too"
    with pytest.raises(VaultDamaged):
        made.keeper().mode()


def test_a_hotp_counter_that_is_spent_is_on_the_card(made: Desk) -> None:
    made.keeper().change(adding("anna", hotp=True))
    uuid = account("anna").uuid
    for number in range(1, 4):
        made.keeper().change(lambda vault, _moment: edit.spend(vault, uuid))
        assert made.keeper().open().vault.records[uuid].counter == number


@pytest.mark.parametrize("merges", [False, True])
def test_what_was_re_keyed_meanwhile_is_opened_anew_and_not_under_the_lock(
    made: Desk, monkeypatch: pytest.MonkeyPatch, *, merges: bool
) -> None:
    newer = published_by(made, replace(made.keeper().open().vault, generation=9))
    other = Desk(FakeStore(replace(made.store.card, files=dict(made.store.files))), made.clock, made.dice)
    other.keeper().rekey(PASSPHRASE, RECOVERY, made.dice.uuid, BY_ITSELF)
    racing = made.store = Racing(made.store.card, race=lambda _raw: other.store.files["vault.json"])
    real, held = keys.scrypt, list[bool]()

    def watched(*args: bytes, n: int, p: int, memory_limit: int) -> bytes:
        held.append(racing.card.locked)
        return real(*args, n=n, p=p, memory_limit=memory_limit)

    monkeypatch.setattr(keys, "scrypt", watched)
    keeper = made.keeper(PASSPHRASE)
    kept = keeper.merged(newer) if merges else keeper.change(adding("anna"))
    assert kept.envelope.epoch == 2
    assert len(held) >= 2
    assert not any(held)


def test_what_did_not_open_is_tried_again_when_its_secret_is_back(made: Desk) -> None:
    keeper, secret = made.keeper(), made.store.card.secret
    made.store.card.secret = None
    with pytest.raises(VaultDamaged):
        keeper.open()
    made.store.card.secret = secret
    assert keeper.open().warning is None


# --- generations


def test_the_next_generation_is_above_what_any_peer_saw_of_this_device(made: Desk) -> None:
    own = made.keeper().change(adding("anna")).vault
    peer = replace(own, device="otp-00000002", name="hall", generation=3, seen={DESK.id: 40})
    kept = made.keeper().merge_vault(merge(peer, replace(own, records={})))
    assert kept.vault.generation == 41
    assert kept.vault.seen == {"otp-00000002": 3}
    assert made.keeper().merge_vault(peer).vault.generation == 41, "and comes to rest"


def test_the_next_generation_is_above_an_own_message_that_the_broker_kept(made: Desk) -> None:
    own = made.keeper().open().vault
    kept = made.keeper().merge_vault(replace(own, generation=17))
    assert kept.vault.generation == 18
    assert made.keeper().merge_vault(replace(own, generation=17)).vault.generation == 18


def test_a_merge_of_the_same_saves_nothing(made: Desk) -> None:
    own = made.keeper().change(adding("anna")).vault
    saves = made.store.saves
    made.keeper().merge_vault(own)
    made.keeper().merge_vault(replace(own, device="otp-00000002", generation=7))
    assert made.store.saves == saves


def test_a_merge_takes_over_what_is_new_and_keeps_what_is_own(made: Desk) -> None:
    base = made.keeper().open().vault
    peer = edit.add(replace(base, device="otp-00000002", name="hall"), account("ben"), 0, Moment(1, "x"))
    made.keeper().change(adding("anna"))
    kept = made.keeper().merge_vault(peer)
    assert sorted(names(kept)) == ["anna", "ben"]
    assert (kept.vault.device, kept.vault.name) == (DESK.id, "desk")


# --- messages


def master_of(desk: Desk) -> bytes:
    """Return the present master key of a device that opens by itself."""
    envelope = sealed.read(desk.store.files["vault.json"])
    assert envelope.device is not None
    master = keys.unwrap_device(envelope.device, desk.store.secret() or b"", device=DESK.id)
    assert master is not None
    return master


def published_by(desk: Desk, vault: Vault, *, signed: bool = True) -> bytes:
    """Return what a device with the same keys would publish; without a proof, as a release before 0.2 did."""
    own, master = sealed.read(desk.store.files["vault.json"]), master_of(desk)
    envelope = sealed.seal(vault, master, own.slots, own.epoch, None, desk.dice)
    if signed:
        envelope = sealed.sign(replace(envelope, proof=own.proof), vault, master)
    return sealed.write(envelope)


def without_proof(message: bytes) -> bytes:
    return sealed.write(replace(sealed.read(message), proof=None))


def copy_of(desk: Desk) -> Desk:
    """Return another device with a copy of the card as it is now."""
    card = replace(desk.store.card, files=dict(desk.store.files))
    return Desk(FakeStore(card), replace(desk.clock), Dice(desk.dice.thrown + 10_000))


def test_the_own_message_is_authentic_and_holds_nothing_new(made: Desk) -> None:
    kept = made.keeper().change(adding("anna"))
    assert made.keeper().check(kept.published) == Authentic(2, novel=False)


def test_an_older_own_message_is_authentic(made: Desk) -> None:
    old = made.keeper().open().published
    made.keeper().change(adding("anna"))
    assert made.keeper().check(old) == Authentic(1, novel=False)


@pytest.mark.parametrize("signed", [True, False])
def test_a_newer_own_message_that_lacks_nothing_is_taken_over_byte_for_byte(
    made: Desk, *, signed: bool
) -> None:
    own = made.keeper().open()
    newer = published_by(
        made, replace(adding("ben")(own.vault, Moment(5, DESK.id)), generation=9), signed=signed
    )
    assert made.keeper().check(newer) == Authentic(9, novel=True, signed=signed)
    kept = made.keeper().merged(newer)
    assert names(kept) == ["ben"]
    assert kept.vault.generation == 9
    assert kept.envelope.proof is not None
    assert signed == (kept.published == newer)
    assert sealed.write(replace(kept.envelope.published, proof=None)) == without_proof(newer)
    assert made.store.files["vault.json.1"] == sealed.write(own.envelope)
    assert made.keeper().open() == kept, "its own secret opens it as before"


def test_a_newer_own_message_that_lacks_something_is_merged_and_makes_a_generation(made: Desk) -> None:
    own = made.keeper().open().vault
    newer = published_by(made, replace(adding("ben")(own, Moment(5, DESK.id)), generation=9))
    made.keeper().change(adding("anna"))
    assert made.keeper().check(newer) == Authentic(9, novel=True)
    kept = made.keeper().merged(newer)
    assert sorted(names(kept)) == ["anna", "ben"]
    assert kept.vault.generation == 10


@pytest.mark.parametrize("field_", ["id", "device"])
def test_a_message_of_another_vault_or_device_is_foreign(made: Desk, field_: str) -> None:
    own = made.keeper().open().vault
    other = replace(own, id="other") if field_ == "id" else replace(own, device="other")
    assert isinstance(made.keeper().check(published_by(made, other)), Foreign)


@pytest.mark.parametrize("payload", [b"", b"{}", b"hello", b"\xff" * 99, b"[" * 100_000])
def test_rubbish_is_foreign(made: Desk, payload: bytes) -> None:
    assert isinstance(made.keeper().check(payload), Foreign)
    with pytest.raises(VaultDamaged):
        made.keeper().merged(payload)


@pytest.mark.parametrize("signed", [True, False])
def test_a_message_under_the_right_header_that_does_not_open_is_foreign(made: Desk, *, signed: bool) -> None:
    own = made.keeper().open().published
    message = damaged(own if signed else without_proof(own))
    assert isinstance(made.keeper().check(message), Foreign)
    with pytest.raises(VaultDamaged):
        made.keeper().open_own(message)


def test_a_message_with_other_slots_is_foreign_at_the_same_epoch(made: Desk) -> None:
    other = Desk(dice=Dice(1000))
    other.create()
    message = other.keeper().open().published
    assert isinstance(made.keeper().check(message), Foreign)
    with pytest.raises(VaultDamaged):
        made.keeper().merged(message)


@pytest.mark.parametrize("epoch", [2, 7, 2**53 - 1])
def test_a_higher_epoch_that_nothing_proves_is_nobodys(made: Desk, epoch: int) -> None:
    own = made.keeper().open()
    for message in (own.envelope.published, replace(own.envelope.published, proof=None)):
        assert isinstance(made.keeper().check(sealed.write(replace(message, epoch=epoch))), Foreign)


def test_a_new_passphrase_supersedes_the_key_before_and_outdates_what_that_sealed(made: Desk) -> None:
    before, old = made.keeper().open(), copy_of(made)
    after = made.keeper().rekey("another passphrase", RECOVERY, made.dice.uuid, BY_ITSELF)
    assert after.envelope.proof is not None
    assert old.keeper().check(after.published) == Superseded(after.envelope.proof.public)
    assert made.keeper().check(before.published) == Outdated()


def version_2(raw: bytes) -> dict[str, Any]:
    """Return a file of which this release understands no more than its proof."""
    return {"version": 2, "x-epoch": canonical.load(raw)["x-epoch"], "what it holds": [1, 2]}


def test_a_message_of_a_newer_release_supersedes_if_its_proof_holds(made: Desk) -> None:
    own = made.keeper().open()
    newer = version_2(own.published)
    assert own.envelope.proof is not None
    for forged in (newer, {"version": 2}, {**canonical.load(own.published), "version": 2}):
        assert isinstance(made.keeper().check(canonical.dump(forged)), Foreign)
    claimed = replace(own.envelope.proof, generation=2, file=proof.digest(newer))
    signed = {**newer, "x-proof": proof.dump(proof.sign(claimed, master_of(made)))}
    assert made.keeper().check(canonical.dump(signed)) == Superseded()


def test_checking_saves_nothing(made: Desk) -> None:
    saves = made.store.saves
    made.keeper().check(published_by(made, replace(made.keeper().open().vault, generation=50)))
    assert made.store.saves == saves


# --- what this release does not know


def with_need(desk: Desk) -> Vault:
    vault = replace(desk.keeper().open().vault, need=frozenset({"passkeys"}))
    envelope = sealed.read(desk.store.files["vault.json"])
    message = sealed.read(published_by(desk, vault))
    desk.store.files["vault.json"] = sealed.write(replace(message, device=envelope.device))
    return vault


def test_a_vault_that_needs_a_newer_release_is_readable_and_not_writable(made: Desk) -> None:
    made.keeper().change(adding("anna"))
    with_need(made)
    before = dict(made.store.files)
    assert names(made.keeper().open()) == ["anna"]
    with pytest.raises(VaultTooNew) as told:
        made.keeper().change(lambda _vault, _moment: pytest.fail("it was changed"))
    assert "upgrade" in told.value.hint
    with pytest.raises(VaultTooNew):
        made.keeper().rekey("another passphrase", RECOVERY, made.dice.uuid, BY_ITSELF)
    assert made.store.files == before


def test_a_message_that_needs_a_newer_release_is_not_merged(made: Desk) -> None:
    peer = replace(
        made.keeper().open().vault, device="otp-00000002", generation=5, need=frozenset({"passkeys"})
    )
    with pytest.raises(VaultTooNew):
        made.keeper().merge_vault(adding("ben")(peer, Moment(5, "x")))
    assert names(made.keeper().change(adding("anna"))) == ["anna"]


def test_a_backup_that_needs_a_newer_release_is_not_adopted(made: Desk, desk: Desk) -> None:
    with_need(made)
    payload = made.keeper().open().published
    keeper = desk.keeper(PASSPHRASE)
    vault, envelope, master = keeper.open_foreign(payload)
    with pytest.raises(VaultTooNew):
        keeper.adopt(vault, envelope, master)
    assert not desk.keeper().exists()


def test_unknown_fields_survive_a_change(made: Desk) -> None:
    own = made.keeper().change(adding("anna")).vault
    record = replace(own.records[account("anna").uuid], extra={"new": [1, {"a": None}]})
    rich = replace(own, extra={"later": 1}, root_extra={"aegis": "x"}, records={record.account.uuid: record})
    made.keeper().change(lambda _vault, _moment: rich)
    kept = made.keeper().change(adding("ben"))
    assert kept.vault.extra == {"later": 1}
    assert kept.vault.root_extra == {"aegis": "x"}
    assert kept.vault.records[record.account.uuid].extra == {"new": [1, {"a": None}]}


# --- restore


def restored(payload: bytes, desk: Desk, entered: str = PASSPHRASE) -> Kept:
    keeper = desk.keeper(entered)
    return keeper.adopt(*keeper.open_foreign(payload))


def test_a_backup_makes_the_vault_of_another_device(made: Desk) -> None:
    hall = Desk(FakeStore(Card(device=Device("otp-00000002", None, "hall"))), dice=Dice(500))
    payload = made.keeper().change(adding("anna")).published
    kept = restored(payload, hall)
    assert names(kept) == ["anna"]
    assert (kept.vault.id, kept.vault.device, kept.vault.name) == (VAULT_ID, "otp-00000002", "hall")
    assert kept.vault.seen == {DESK.id: 2}
    assert kept.vault.generation == 1
    assert hall.keeper().open().vault == kept.vault, "its own secret opens it from now on"
    assert hall.keeper(PASSPHRASE).open().vault == kept.vault
    assert hall.store.secret() != made.store.secret()
    assert hall.store.device() == Device("otp-00000002", VAULT_ID, "hall")


def test_a_backup_of_the_same_device_goes_on_counting(made: Desk) -> None:
    for name in ("anna", "ben"):
        made.keeper().change(adding(name))
    payload = made.keeper().open().published
    fresh = Desk(dice=Dice(500))
    assert restored(payload, fresh).vault.generation == 4


def test_a_restored_device_counts_on_from_what_its_peers_saw_of_it(made: Desk) -> None:
    own = made.keeper().open().vault
    payload = published_by(made, replace(own, device="otp-00000002", seen={DESK.id: 30}))
    fresh = Desk(dice=Dice(500))
    kept = restored(payload, fresh)
    assert kept.vault.generation == 31
    assert DESK.id not in kept.vault.seen


def test_a_backup_is_not_adopted_over_a_vault(made: Desk) -> None:
    payload = made.keeper().open().published
    before = dict(made.store.files)
    with pytest.raises(VaultExists):
        restored(payload, made)
    assert made.store.files == before


def test_a_wrong_passphrase_opens_no_backup(made: Desk, desk: Desk) -> None:
    payload = made.keeper().open().published
    with pytest.raises(WrongPassphrase):
        restored(payload, desk, "wrong horse battery staple")
    with pytest.raises(WrongPassphrase):
        desk.keeper().open_foreign(payload)
    assert not desk.keeper().exists()


def test_a_damaged_backup_is_damaged_and_not_a_wrong_passphrase(made: Desk, desk: Desk) -> None:
    payload = damaged(made.keeper().open().published)
    with pytest.raises(VaultDamaged):
        desk.keeper(PASSPHRASE).open_foreign(payload)


def test_a_header_is_derived_once_for_many_backups(
    made: Desk, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = [made.keeper().change(adding(name)).published for name in ("anna", "ben", "carl")]
    real, count = keys.unwrap_any, list[int]()

    def counted(slots: object, entered: str, *, memory_limit: int) -> bytes:
        count.append(1)
        return real(slots, entered, memory_limit=memory_limit)  # type: ignore[arg-type]

    monkeypatch.setattr(keys, "unwrap_any", counted)
    keeper = desk.keeper(PASSPHRASE)
    for payload in payloads:
        keeper.open_foreign(payload)
    assert len(count) == 1


def test_all_errors_of_the_keeper_are_told_without_the_passphrase(made: Desk) -> None:
    told: list[ApplianceError] = []
    for entered in ("wrong horse battery staple", "WRONG"):
        with pytest.raises(WrongPassphrase) as error:
            made.keeper(entered).open()
        told.append(error.value)
    for each in told:
        assert "wrong horse" not in f"{each.what} {each.why} {each.hint}"
        assert "WRONG" not in f"{each.what} {each.why} {each.hint}"


# --- on a real card, at the same time


def test_threads_that_change_at_once_lose_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    folder = StateFolder(state)
    folder.save_device(DESK)
    dice = Dice()
    Keeper(folder, FakeClock(), dice, lambda: 1 << 30).create(VAULT_ID, PASSPHRASE, RECOVERY, dice.uuid)
    trouble: list[BaseException] = []
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        keeper = Keeper(StateFolder(state), FakeClock(), Dice(worker * 10_000), lambda: 1 << 30)
        start.wait()
        try:
            for number in range(8):
                keeper.change(adding(f"{worker}-{number}"))
        except BaseException as error:  # noqa: BLE001 - the test tells of it
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble
    kept = Keeper(StateFolder(state), FakeClock(), dice, lambda: 1 << 30).open()
    assert len(kept.vault.records) == 32
    assert kept.vault.generation == 33


PROCESS = """
import os, sys
from pathlib import Path
from typing import Any
from uuid import UUID
from appliance.adapters.store import StateFolder
from appliance.keeper import Keeper
from appliance.vault import edit
from tests.stores import Dice, FakeClock
keeper = Keeper(StateFolder(Path(sys.argv[1])), FakeClock(), os.urandom, lambda: 1 << 30)
uuid = sys.argv[2]
for _ in range(12):
    kept = keeper.change(lambda vault, _moment: edit.spend(vault, uuid))
    print(kept.vault.records[uuid].counter, flush=True)
"""


def test_processes_that_spend_at_once_never_get_the_same_counter(tmp_path: Path) -> None:
    state = tmp_path / "state"
    folder = StateFolder(state)
    folder.save_device(DESK)
    dice = Dice()
    keeper = Keeper(folder, FakeClock(), dice, lambda: 1 << 30)
    keeper.create(VAULT_ID, PASSPHRASE, RECOVERY, dice.uuid)
    keeper.change(adding("anna", hotp=True))
    command = [sys.executable, "-c", PROCESS, str(state), account("anna").uuid]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        for _ in range(3)
    ]
    counters = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(counters) == list(range(1, 37))
    assert keeper.open().vault.records[account("anna").uuid].counter == 36


@pytest.mark.parametrize("impossible", [{"digits": 99}, {"groups": ("gone",)}, {"extra": {"new": (1, 2)}}])
def test_a_document_that_would_not_read_back_is_never_saved(made: Desk, impossible: dict[str, Any]) -> None:
    """An account with what the file can't hold is a mistake of this program, and must not replace a good vault."""
    wrong = replace(account("anna"), **impossible)
    before = dict(made.store.files)
    with pytest.raises(ApplianceError):
        made.keeper().change(lambda vault, moment: edit.add(vault, wrong, 0, moment))
    assert made.store.files == before
    assert document.unknown_needs(made.keeper().open().vault) == frozenset()


# --- older generations and the trash


def test_older_generations_are_given_newest_first_as_far_as_the_present_key_opens_them(desk: Desk) -> None:
    desk.create()
    for name in ("one", "two", "three", "four"):
        desk.keeper().change(adding(name))
    assert [vault.generation for vault in desk.keeper().older()] == [4, 3, 2]
    desk.store.files["vault.json.2"] = b"damaged"
    assert [vault.generation for vault in desk.keeper().older()] == [4, 2]


def test_what_lay_in_the_trash_for_30_days_goes_with_the_next_change_of_a_trusted_clock(desk: Desk) -> None:
    desk.create()
    keeper = desk.keeper()
    uuid = next(iter(keeper.change(adding("old")).vault.records))
    desk.clock.advance(1)
    keeper.change(lambda vault, moment: edit.remove(vault, uuid, moment))
    desk.clock.advance(edit.TRASH_SECONDS + 1)
    desk.clock.trust = "not-set"
    assert uuid in keeper.change(adding("one")).vault.trash
    desk.clock.trust = "synchronised"
    assert uuid in keeper.open().vault.trash, "reading changes nothing"
    after = keeper.change(adding("two")).vault
    assert (uuid in after.trash, uuid in after.tombstones) == (False, True)


def test_a_backup_that_still_has_what_expired_here_holds_nothing_new(desk: Desk) -> None:
    desk.create()
    keeper = desk.keeper()
    uuid = next(iter(keeper.change(adding("old")).vault.records))
    desk.clock.advance(1)
    published = keeper.change(lambda vault, moment: edit.remove(vault, uuid, moment)).published
    desk.clock.advance(edit.TRASH_SECONDS + 1)
    keeper.change(adding("one"))
    verdict = keeper.check(published)
    assert isinstance(verdict, Authentic)
    assert not verdict.novel


# --- the card, and what people have in the head


def test_reading_through_finds_every_file_that_is_damaged(desk: Desk) -> None:
    desk.create()
    keeper = desk.keeper()
    for name in ("one", "two"):
        keeper.change(adding(name))
    keeper.inspect()
    for name, words in (
        ("vault.json", "the vault file is damaged"),
        ("vault.json.2", "vault file .2 is damaged"),
    ):
        good = desk.store.files[name]
        desk.store.files[name] = damaged(good)
        with pytest.raises(VaultDamaged, match=words):
            keeper.inspect()
        desk.store.files[name] = good
    del desk.store.files["vault.json"]
    with pytest.raises(StorageFailed, match="the vault file is gone"):
        keeper.inspect()


def test_what_another_key_sealed_is_no_damage(desk: Desk) -> None:
    desk.create()
    keeper = desk.keeper()
    old = keeper.open().published
    keeper.rekey(PASSPHRASE, keys.new_recovery_key(desk.dice), desk.dice.uuid, BY_ITSELF)
    desk.store.files["vault.json.1"] = old
    keeper.inspect()


def test_it_is_remembered_once_a_day_that_a_person_used_passphrase_or_recovery_key(desk: Desk) -> None:
    desk.create()
    made_at = desk.clock.unix
    assert desk.keeper().tried_at() == made_at
    desk.clock.advance(3600)
    desk.keeper().unlock(PASSPHRASE)
    assert desk.keeper().tried_at() == made_at
    desk.clock.advance(90_000)
    assert desk.keeper().recognised(PASSPHRASE) == "passphrase"
    assert desk.keeper().tried_at() == desk.clock.unix
    desk.clock.advance(90_000)
    desk.store.full = full_card()
    assert desk.keeper().unlock(PASSPHRASE).mode == "credential"
    desk.store.full = None
    with pytest.raises(WrongPassphrase):
        desk.keeper().unlock("wrong horse battery staple")
    desk.clock.trust = "not-set"
    desk.keeper().unlock(PASSPHRASE)
    assert desk.keeper().tried_at() == desk.clock.unix - 90_000


def test_a_passphrase_of_digits_is_not_taken_for_a_pin(desk: Desk) -> None:
    digits = "314159265358979"
    desk.keeper().create(
        VAULT_ID, digits, keys.new_recovery_key(desk.dice), desk.dice.uuid, Door("pin", "493817")
    )
    assert desk.keeper().unlock(digits).mode == "pin"
    assert desk.keeper().unlock("493817").mode == "pin"
    with pytest.raises(WrongPin):
        desk.keeper().unlock("314159265358978")
    assert desk.store.attempts().tries == 1


def test_how_it_opens_is_told_by_the_newest_file_that_can_be_read(desk: Desk) -> None:
    desk.keeper().create(
        VAULT_ID, PASSPHRASE, keys.new_recovery_key(desk.dice), desk.dice.uuid, Door("pin", "493817")
    )
    keeper = desk.keeper()
    keeper.unlock("493817")
    keeper.change(adding("one"))
    desk.store.files["vault.json"] = b"damaged"
    assert desk.keeper().mode() == "pin"
    del desk.store.files["vault.json"]
    assert desk.keeper().mode() == "pin"
    desk.store.files.clear()
    with pytest.raises(NothingFound):
        desk.keeper().mode()
