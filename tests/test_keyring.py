"""A vault that opens with a PIN: what opens it, what is counted when, and what a reboot changes."""

from collections.abc import Callable, Iterator
from contextlib import _GeneratorContextManager
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

import pytest

from appliance.answer import answer
from appliance.core.effects import OpenVault, Unlock
from appliance.core.events import Failed, Opened, Outdated, Shut
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
from appliance.ports import Attempts, Device
from appliance.vault import keys, sealed
from tests.stores import Card, FakeClock, FakeStore, full_card

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
    made = Desk(draws=count(1000))  # not what the one before drew
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


def test_a_wait_is_over_when_it_is_over_and_not_before(desk: Desk) -> None:
    for _ in range(3):
        desk.wrong()
    desk.clock.advance(29.5)
    with pytest.raises(MustWait):
        desk.keeper().unlock(PIN)
    desk.clock.advance(0.5)
    assert desk.keeper().wait() == 0
    assert desk.keeper().unlock(PIN).mode == "pin"


def test_nothing_waits_at_the_first_moment_after_the_power_came(desk: Desk) -> None:
    desk.clock.mono = 0.0
    assert desk.keeper().wait() == 0
    assert desk.keeper().tries_left() == 3
    desk.wrong()
    assert desk.keeper().tries_left() == 2
    for _ in range(2):
        desk.wrong()
    assert desk.keeper().tries_left() is None


def test_a_try_without_a_verdict_takes_nothing_from_those_before(desk: Desk) -> None:
    for _ in range(2):
        desk.wrong()
    secret, desk.store.card.secret = desk.store.card.secret, None
    with pytest.raises(VaultDamaged):
        desk.keeper().unlock(PIN)
    assert desk.tries() == 2
    desk.store.card.secret = secret
    desk.keeper().unlock(PIN)
    assert desk.store.card.attempts is None


def test_a_new_vault_begins_without_wrong_pins(desk: Desk) -> None:
    for _ in range(3):
        desk.wrong()
    desk.store.files.clear()
    desk.keeper().create("vault", WORDS, RECOVERY, desk.uuid, PIN_DOOR)
    assert desk.tries() == 0


def test_a_passphrase_is_not_kept_beyond_its_try_either(desk: Desk) -> None:
    keeper, other = desk.keeper(), desk.keeper()
    keeper.unlock(WORDS)
    other.unlock(PIN)
    other.rekey(WORDS, RECOVERY, desk.uuid, PIN_DOOR)
    with pytest.raises(VaultLocked):
        keeper.open()


def test_a_pin_is_not_kept_beyond_its_try(desk: Desk) -> None:
    """It would open what somebody re-keyed under the same PIN since."""
    keeper, other = desk.keeper(), desk.keeper()
    keeper.unlock(PIN)
    other.unlock(PIN)
    other.rekey("another passphrase entirely", RECOVERY, desk.uuid, PIN_DOOR)
    with pytest.raises(VaultLocked):
        keeper.open()


def test_the_device_secret_is_as_long_as_the_format_says(desk: Desk) -> None:
    secret = desk.store.secret()
    assert secret is not None
    assert len(secret) == 32
    keeper = desk.keeper()
    desk.store.card.secret = None
    keeper.unlock(WORDS)
    keeper.rehang(BY_ITSELF)
    assert len(desk.store.secret() or b"") == 32


def test_neither_a_pin_nor_a_master_key_is_in_a_representation(desk: Desk) -> None:
    assert PIN not in repr(PIN_DOOR)
    keeper = desk.keeper()
    master = keeper._keys.held(keeper.unlock(PIN).envelope)
    assert repr(master) not in repr(keeper._keys._key)


# --- a PIN and damage


DAMAGES: dict[str, Callable[[FakeStore], object]] = {
    "cut": lambda store: store.files.update({"vault.json": store.files["vault.json"][:-1]}),
    "gone": lambda store: store.files.pop("vault.json"),
}


@pytest.mark.parametrize("how", list(DAMAGES))
def test_a_pin_opens_the_older_file_when_the_newest_is_damaged_and_says_so(desk: Desk, how: str) -> None:
    keeper = desk.keeper()
    before = keeper.unlock(PIN)
    keeper.change(lambda vault, _moment: replace(vault, name="new name"))
    DAMAGES[how](desk.store)
    assert desk.keeper().mode() == "pin"
    kept = desk.keeper().unlock(PIN)
    assert kept.vault == before.vault
    assert (kept.warning is not None) == (how == "cut")
    assert desk.tries() == 0
    assert desk.keeper().unlock(PIN).vault == before.vault, (
        "and once more, when the damaged one was set aside"
    )


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


class Unwilling(FakeStore):
    """A card that takes everything but a vault."""

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        raise full_card()


def test_a_pin_whose_secret_is_lost_counts_no_tries_though_the_card_was_full(desk: Desk) -> None:
    desk.store.card.secret = None
    store = desk.store
    desk.store = Unwilling(store.card)
    with pytest.raises(StorageFailed):
        desk.keeper(WORDS).open()
    desk.store = store
    with pytest.raises(VaultDamaged, match="device secret"):  # and not WrongPin: it is no wrong one
        desk.keeper().enter_pin(PIN)
    assert desk.store.attempts().tries == 0


def test_reading_through_waits_for_nobody_to_tidy_up(desk: Desk) -> None:
    before = dict(desk.store.files)
    keeper = desk.keeper(WORDS)
    keeper.rekey("eleven winds over the bay", RECOVERY, desk.uuid, PIN_DOOR)
    desk.store.files["vault.json.1"] = before["vault.json"]
    with desk.store.lock():
        keeper.inspect()
    assert len(desk.store.files) == 2


@pytest.mark.parametrize("new_keys", [False, True])
def test_a_lost_device_secret_is_made_anew_with_the_door(desk: Desk, *, new_keys: bool) -> None:
    keeper = desk.keeper()
    keeper.unlock(PIN)
    desk.store.card.secret = None
    keeper.rekey(WORDS, RECOVERY, desk.uuid, BY_ITSELF) if new_keys else keeper.rehang(BY_ITSELF)
    assert desk.keeper().open().mode == "credential"


@dataclass(eq=False, slots=True)
class Racing(FakeStore):
    """A card that changes under our hands once, right before we get its lock."""

    race: Callable[[], object] | None = None

    def lock(self) -> _GeneratorContextManager[None]:
        if self.race is not None:
            race, self.race = self.race, None
            race()
        return FakeStore.lock(self)


@pytest.mark.parametrize("new_keys", [False, True])
@pytest.mark.parametrize("what", ["re-keyed", "damaged"])
def test_a_door_is_not_changed_on_a_file_that_became_another_one_meanwhile(
    desk: Desk, what: str, *, new_keys: bool
) -> None:
    other = desk.keeper()
    other.unlock(PIN)
    other.change(lambda vault, _moment: replace(vault, name="new name"))

    def race() -> None:
        if what == "re-keyed":
            other.rekey("somebody else's passphrase", RECOVERY, desk.uuid, PIN_DOOR)
        else:
            DAMAGES["cut"](desk.store)
        files.update(desk.store.files)

    files: dict[str, bytes] = {}
    keeper = Keeper(Racing(desk.store.card, race=race), desk.clock, desk.random, lambda: 1 << 30, WORDS)
    with pytest.raises(LockBusy, match="changed meanwhile"):
        keeper.rekey("mine", RECOVERY, desk.uuid, BY_ITSELF) if new_keys else keeper.rehang(BY_ITSELF)
    assert desk.store.files == files


@dataclass(eq=False, slots=True)
class Dying(FakeStore):
    """A card that takes some writes more, and then none."""

    writes: int = 1_000

    def _writable(self) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise StorageFailed("can't write", "input/output error")


@pytest.mark.parametrize("writes", range(3))
@pytest.mark.parametrize("new_keys", [False, True])
def test_another_way_to_open_counts_if_and_only_if_nothing_was_raised(
    made_before: FakeStore, writes: int, *, new_keys: bool
) -> None:
    """Who is told of a failure goes on with the old passphrase and throws the new recovery key away."""
    desk = Desk(
        Dying(
            Card({**made_before.files, "vault.json.1": b"older"}, made_before.device(), made_before.secret())
        ),
        draws=count(1000),
    )
    keeper = desk.keeper()
    keeper.unlock(PIN)
    new = "another passphrase entirely"
    desk.store = Dying(desk.store.card, writes=writes)
    keeper = desk.keeper()
    keeper.unlock(WORDS)
    if writes < 2:
        with pytest.raises(StorageFailed):
            keeper.rekey(new, RECOVERY, desk.uuid, PIN_DOOR) if new_keys else keeper.rehang(BY_ITSELF)
        desk.store = FakeStore(desk.store.card)
        assert desk.keeper().unlock(WORDS).mode == "pin"
        assert desk.keeper().unlock(PIN).mode == "pin"
        return
    kept = keeper.rekey(new, RECOVERY, desk.uuid, PIN_DOOR) if new_keys else keeper.rehang(BY_ITSELF)
    assert kept.warning is not None
    assert "input/output error" in kept.warning.why
    desk.store = FakeStore(desk.store.card)
    assert desk.keeper(new if new_keys else None).open().vault == kept.vault


def test_a_count_that_can_not_be_read_keeps_the_passphrase_from_nothing(desk: Desk) -> None:
    class Unreadable(FakeStore):
        def attempts(self) -> Attempts:
            raise full_card()

    desk.store = Unreadable(desk.store.card)
    keeper = desk.keeper()
    shut = answer(keeper, OpenVault(1))
    assert isinstance(shut, Shut)
    assert (shut.ref, shut.kind, shut.wait, shut.tries_left) == (1, "pin", 0, None)
    assert (shut.sealed, shut.vault) == (desk.keeper(WORDS).open().published, "vault")
    assert isinstance(answer(keeper, Unlock(2, PIN)), Failed)
    assert isinstance(answer(keeper, Unlock(3, WORDS)), Opened)
