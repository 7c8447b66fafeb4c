"""A vault that opens with a PIN: what opens it, what is counted when, and what a reboot changes."""

from collections.abc import Iterator
from contextlib import _GeneratorContextManager
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

import pytest

from appliance.core.events import Outdated
from appliance.errors import (
    LockBusy,
    MemoryShort,
    MustWait,
    StorageFailed,
    VaultDamaged,
    VaultLocked,
    WrongPassphrase,
    WrongPin,
)
from appliance.keeper import BY_ITSELF, Door, Keeper
from appliance.ports import Device
from appliance.vault import keys, sealed
from tests.stores import FakeClock, FakeStore, full_card

pytestmark = pytest.mark.usefixtures("cheap_scrypt")

PIN = "493817"
WORDS = "correct horse battery staple"
RECOVERY = keys.new_recovery_key(lambda size: b"\x55" * size)
DESK = Device("otp-0a1b2c3d", None, "desk")
PIN_DOOR = Door("pin", PIN)


@dataclass
class Desk:
    store: FakeStore = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=FakeClock)
    boot: str = "first boot"
    draws: Iterator[int] = field(default_factory=count)

    def keeper(self, entered: str | None = None) -> Keeper:
        return Keeper(self.store, self.clock, self.random, lambda: 1 << 30, entered, lambda: self.boot)

    def random(self, size: int) -> bytes:
        return next(self.draws).to_bytes(size, "big")

    def uuid(self) -> str:
        return str(UUID(bytes=self.random(16), version=4))

    def tries(self) -> int:
        return self.store.attempts().tries

    def wrong(self) -> WrongPin:
        with pytest.raises(WrongPin) as raised:
            self.keeper().unlock("000000")
        return raised.value


@pytest.fixture
def made_before() -> FakeStore:
    desk = Desk()
    desk.store.card.device = DESK
    desk.keeper().create("vault", WORDS, RECOVERY, desk.uuid, PIN_DOOR)
    return desk.store


@pytest.fixture
def desk(made_before: FakeStore) -> Desk:
    made = Desk()
    made.store.card.device, made.store.card.secret = made_before.card.device, made_before.card.secret
    made.store.files.update(made_before.files)
    return made


def test_it_says_that_it_needs_the_pin(desk: Desk) -> None:
    with pytest.raises(VaultLocked, match="it needs the PIN") as raised:
        desk.keeper().open()
    assert raised.value.kind == "pin"
    assert desk.tries() == 0


def test_pin_passphrase_and_recovery_key_open_it(desk: Desk) -> None:
    for entered in (PIN, WORDS, RECOVERY):
        assert desk.keeper().unlock(entered).mode == "pin"
    keeper = desk.keeper()
    keeper.unlock(PIN)
    assert keeper.open().mode == "pin"
    keeper.forget()
    with pytest.raises(VaultLocked):
        keeper.open()


def test_a_wrong_pin_is_counted_and_the_right_one_forgets_the_count(desk: Desk) -> None:
    assert (desk.wrong().left, desk.tries()) == (2, 1)
    assert (desk.wrong().left, desk.tries()) == (1, 2)
    desk.keeper().unlock(PIN)
    assert desk.tries() == 0


def test_a_wrong_passphrase_is_not_counted(desk: Desk) -> None:
    with pytest.raises(WrongPassphrase):
        desk.keeper().unlock("wrong horse battery staple")
    assert desk.tries() == 0


def test_after_three_wrong_ones_even_the_right_one_waits_and_a_reboot_starts_the_wait_anew(
    desk: Desk,
) -> None:
    waits = [desk.wrong().wait for _ in range(3)]
    assert waits == [0, 0, 30]
    with pytest.raises(MustWait) as raised:
        desk.keeper().unlock(PIN)
    assert raised.value.wait == 30
    assert desk.tries() == 3
    desk.boot, desk.clock.mono = "second boot", 4.0
    assert desk.keeper().wait() == 26
    desk.clock.advance(26)
    assert desk.keeper().unlock(PIN).mode == "pin"


def test_each_further_wrong_one_costs_more(desk: Desk) -> None:
    waits = []
    for _ in range(8):
        waits.append(desk.wrong().wait)
        desk.clock.advance(waits[-1])
    assert waits == [0, 0, 30, 60, 300, 900, 3600, 3600]


def test_a_try_that_is_cut_off_by_the_plug_was_counted_before(desk: Desk) -> None:
    class Unplugged(BaseException):
        pass

    keeper = desk.keeper()

    def cut() -> object:
        assert desk.tries() == 1
        desk.store.full = full_card()  # nothing is written any more
        raise Unplugged

    with pytest.raises(Unplugged):
        keeper._keys.with_pin(PIN, cut)
    assert desk.tries() == 1


def test_a_card_that_takes_no_count_makes_each_try_cost_a_minute(desk: Desk) -> None:
    desk.store.full = full_card()
    keeper = desk.keeper()
    with pytest.raises(WrongPin) as raised:
        keeper.unlock("000000")
    assert raised.value.wait == 60
    with pytest.raises(MustWait):
        keeper.unlock(PIN)
    desk.clock.advance(60)
    assert keeper.unlock(PIN).mode == "pin"


def test_too_little_memory_is_no_wrong_pin(desk: Desk) -> None:
    keeper = Keeper(desk.store, desk.clock, desk.random, lambda: 1 << 19, None, lambda: desk.boot)
    with pytest.raises(MemoryShort):
        keeper.unlock(PIN)
    assert desk.tries() == 0


def test_a_lost_device_secret_is_damage_and_a_passphrase_makes_it_a_passphrase_vault(desk: Desk) -> None:
    desk.store.card.secret = None
    with pytest.raises(VaultDamaged):
        desk.keeper().open()
    assert desk.keeper(WORDS).open().mode == "passphrase"
    with pytest.raises(VaultLocked) as raised:
        desk.keeper().open()
    assert raised.value.kind == "passphrase"


# --- other doors


def test_another_door_leaves_the_rest_of_the_file_byte_for_byte_and_no_older_file(desk: Desk) -> None:
    desk.store.files["vault.json.1"] = b"older"
    keeper = desk.keeper()
    before = keeper.unlock(PIN)
    after = keeper.rehang(BY_ITSELF)
    assert after.published == before.published
    assert set(desk.store.files) == {"vault.json"}
    assert desk.keeper().open().mode == "credential"
    keeper = desk.keeper()
    keeper.rehang(Door("passphrase"))
    with pytest.raises(VaultLocked, match="it needs the passphrase"):
        desk.keeper().open()


def test_a_new_passphrase_voids_the_old_one_the_old_key_and_every_older_file(desk: Desk) -> None:
    keeper = desk.keeper()
    before = keeper.unlock(PIN)
    fresh = keys.new_recovery_key(desk.random)
    after = keeper.rekey("another passphrase entirely", fresh, desk.uuid, Door("pin", "271828"))
    assert after.envelope.epoch == before.envelope.epoch + 1
    assert after.vault.generation == before.vault.generation + 1
    assert set(desk.store.files) == {"vault.json"}
    for void in (WORDS, RECOVERY):
        with pytest.raises(WrongPassphrase):
            desk.keeper().unlock(void)
    with pytest.raises(WrongPin):
        desk.keeper().unlock(PIN)
    for entered in ("another passphrase entirely", fresh, "271828"):
        assert desk.keeper().unlock(entered).vault == after.vault


def test_a_passphrase_that_can_not_be_saved_leaves_the_old_one(desk: Desk) -> None:
    keeper = desk.keeper()
    keeper.unlock(PIN)
    desk.store.full = full_card()
    with pytest.raises(StorageFailed):
        keeper.rekey("another passphrase entirely", keys.new_recovery_key(desk.random), desk.uuid, PIN_DOOR)
    desk.store.full = None
    assert keeper.open().envelope.epoch == 1
    assert desk.keeper().unlock(WORDS).envelope.epoch == 1


def test_the_old_passphrase_opens_nothing_that_is_left_and_nothing_grafted(desk: Desk) -> None:
    """Not the file, nor an older one put back, nor a retained message, nor the old slot in the new file."""
    before = desk.keeper(WORDS).open()
    kept = desk.keeper(WORDS).rekey("eleven winds over the bay", RECOVERY, desk.uuid, PIN_DOOR)
    assert [name for name in desk.store.files if name != "vault.json"] == []
    verdict = desk.keeper("eleven winds over the bay").check(before.published)
    assert isinstance(verdict, Outdated)
    with pytest.raises(VaultDamaged, match="sealed under another key"):
        desk.keeper("eleven winds over the bay").open_own(before.published)
    for slots in (before.envelope.slots, (before.envelope.slots[0], kept.envelope.slots[1])):
        grafted = replace(kept.envelope, slots=slots)
        for epoch in (before.envelope.epoch, kept.envelope.epoch):
            desk.store.files["vault.json"] = sealed.write(replace(grafted, epoch=epoch))
            for entered in (WORDS, "eleven winds over the bay"):
                with pytest.raises((VaultDamaged, WrongPassphrase)):
                    desk.keeper(entered).open()


def test_a_wrong_passphrase_never_falls_back_to_an_older_file_that_it_opens(desk: Desk) -> None:
    before = desk.store.files["vault.json"]
    desk.keeper(WORDS).rekey("eleven winds over the bay", RECOVERY, desk.uuid, PIN_DOOR)
    desk.store.files["vault.json.1"] = before
    with pytest.raises(WrongPassphrase):
        desk.keeper(WORDS).open()
    assert sorted(desk.store.files) == ["vault.json", "vault.json.1"]


def test_older_files_that_a_pulled_plug_left_after_a_re_key_go_when_the_card_is_read_through(
    desk: Desk,
) -> None:
    before = dict(desk.store.files)
    keeper = desk.keeper(WORDS)
    keeper.rekey("eleven winds over the bay", RECOVERY, desk.uuid, PIN_DOOR)
    desk.store.files["vault.json.1"] = before["vault.json"]
    keeper.inspect()
    assert list(desk.store.files) == ["vault.json"]


def test_older_files_that_open_without_the_pin_go_when_the_card_is_read_through(desk: Desk) -> None:
    keeper = desk.keeper(WORDS)
    keeper.rehang(BY_ITSELF)
    by_itself = desk.store.files["vault.json"]
    keeper.rehang(PIN_DOOR)
    desk.store.files["vault.json.1"] = by_itself
    keeper.inspect()
    assert list(desk.store.files) == ["vault.json"]


def test_older_files_of_the_same_door_stay(desk: Desk) -> None:
    keeper = desk.keeper(WORDS)
    keeper.rehang(BY_ITSELF)
    by_itself = desk.store.files["vault.json"]
    for files in ({"vault.json.1": by_itself}, {}):
        desk.store.files.update(files)
        keeper.inspect()
        assert sorted(desk.store.files) == sorted({"vault.json", *files})
        desk.store.files.pop("vault.json.1", None)


class Sticky(FakeStore):
    """A card that takes a new vault and does not let go of the old ones."""

    def forget_older(self) -> None:
        raise full_card()


def test_older_files_that_stay_are_a_warning_since_the_new_passphrase_is_valid_already(desk: Desk) -> None:
    desk.store = Sticky(desk.store.card)
    keeper = desk.keeper()
    keeper.unlock(PIN)
    fresh = keys.new_recovery_key(desk.random)
    kept = keeper.rekey("another passphrase entirely", fresh, desk.uuid, PIN_DOOR)
    assert kept.warning is not None
    assert "may still open the old way" in kept.warning.hint
    assert desk.keeper().unlock(fresh).envelope.epoch == 2
    warning = keeper.rehang(BY_ITSELF).warning
    assert warning is not None
    assert desk.keeper().open().warning is None


def test_where_the_kernel_tells_no_boot_the_waiting_counts_from_the_last_try(desk: Desk) -> None:
    desk.clock.mono = 90_000.0
    keeper = Keeper(desk.store, desk.clock, desk.random, lambda: 1 << 30, None, lambda: None)
    for _ in range(3):
        with pytest.raises(WrongPin):
            keeper.unlock("000000")
    assert keeper.wait() == 30
    desk.clock.mono = 5.0
    assert keeper.wait() == 25


def test_two_at_once_are_counted_one_after_the_other(desk: Desk) -> None:
    with desk.store.lock(), pytest.raises(LockBusy):
        desk.keeper().unlock("000000")
    assert desk.tries() == 0


class ReadOnly(FakeStore):
    """A card that turned read-only."""

    def lock(self) -> _GeneratorContextManager[None]:
        raise full_card()


def test_on_a_read_only_card_the_right_pin_opens_and_each_wrong_one_costs_a_minute(desk: Desk) -> None:
    desk.store = ReadOnly(desk.store.card, full_card())
    keeper = desk.keeper()
    assert keeper.enter_pin(PIN).mode == "pin"
    keeper.forget()
    desk.clock.advance(60)
    with pytest.raises(WrongPin) as raised:
        keeper.enter_pin("000000")
    assert raised.value.wait == 60
    desk.clock.advance(60)
    assert keeper.enter_pin(PIN).mode == "pin"


def test_no_verdict_leaves_the_count_and_the_waiting_as_they_were(desk: Desk) -> None:
    for _ in range(3):
        desk.wrong()
    before = desk.store.attempts()
    desk.clock.advance(31)
    short = Keeper(desk.store, desk.clock, desk.random, lambda: 1 << 19, None, lambda: desk.boot)
    with pytest.raises(MemoryShort):
        short.enter_pin(PIN)
    assert desk.store.attempts() == before


def test_a_lost_secret_takes_the_pin_with_it_and_that_is_said(desk: Desk) -> None:
    desk.store.card.secret = None
    warning = desk.keeper(WORDS).open().warning
    assert warning is not None
    assert warning.what == "the PIN opens nothing any more"
    assert desk.keeper(WORDS).open().warning is None


def test_reading_through_waits_for_nobody_to_tidy_up(desk: Desk) -> None:
    before = dict(desk.store.files)
    keeper = desk.keeper(WORDS)
    keeper.rekey("eleven winds over the bay", RECOVERY, desk.uuid, PIN_DOOR)
    desk.store.files["vault.json.1"] = before["vault.json"]
    with desk.store.lock():
        keeper.inspect()
    assert len(desk.store.files) == 2
