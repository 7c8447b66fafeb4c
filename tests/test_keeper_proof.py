"""Messages that somebody made who holds no key, an old one, or the key of another device: what the keeper makes of them.

Whoever may write to this device's topic can keep it from nothing: what stops a backup (`Superseded`), or waits for
somebody to unlock the device (`Undecided`), was made with this device's own key, or a key that follows it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from appliance.core.events import Authentic, Foreign, Outdated, Superseded, Undecided, Verdict
from appliance.errors import ApplianceError, VaultLocked, VaultTooNew
from appliance.keeper import BY_ITSELF, Door, Keeper, Kept
from appliance.ports import Device
from appliance.vault import canonical, document, edit, keys, proof, sealed
from appliance.vault.edit import Moment
from appliance.vault.model import Account, Stamp, Vault
from tests.stores import Card, Dice, FakeClock, FakeStore, full_card

pytestmark = pytest.mark.usefixtures("cheap_scrypt")

PASSPHRASE: Final = "correct horse battery staple"
OTHER_PASSPHRASE: Final = "eleven winds over the bay"
PIN: Final = "493817"
RECOVERY: Final = keys.new_recovery_key(lambda size: b"\x55" * size)
VAULT_ID: Final = "11111111-1111-4111-8111-111111111111"
DESK: Final = Device("otp-00000001", None, "desk")
DAY_MS: Final = 86_400_000


@dataclass(eq=False)
class Desk:
    """One card, and the keeper of a daemon that works with it."""

    store: FakeStore = field(default_factory=lambda: FakeStore(Card(device=DESK)))
    clock: FakeClock = field(default_factory=FakeClock)
    dice: Dice = field(default_factory=Dice)
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.keeper = self.new_keeper()

    def new_keeper(self, entered: str | None = None) -> Keeper:
        return Keeper(self.store, self.clock, self.dice, lambda: 1 << 30, entered)

    def create(self, door: Door = BY_ITSELF) -> None:
        self.keeper.create(VAULT_ID, PASSPHRASE, RECOVERY, self.dice.uuid, door)

    def open(self) -> Kept:
        return self.keeper.open()

    def add(self, name: str) -> Kept:
        self.clock.advance(1)
        account = Account(self.dice.uuid(), "totp", "Example", name, b"12345678901234567890")
        return self.keeper.change(lambda vault, moment: edit.add(vault, account, 0, moment))

    def rekey(self, door: Door = BY_ITSELF) -> Kept:
        return self.keeper.rekey(OTHER_PASSPHRASE, RECOVERY, self.dice.uuid, door)

    def master(self) -> bytes:
        return self.keeper._keys.held(self.open().envelope)

    def copied(self) -> "Desk":
        """Another Pi with a copy of this card."""
        store = FakeStore(replace(self.store.card, files=dict(self.store.files)))
        return Desk(store, replace(self.clock), Dice(self.dice.thrown + 10_000))


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.create()
    desk.add("anna")
    return desk


def names(kept: Kept) -> list[str]:
    return sorted(record.account.name for record in kept.vault.ordered)


def signed_by(master: bytes, kept: Kept, file: dict[str, Any], **claims: Any) -> bytes:
    """A file of any form with the proof that a holder of a key can make."""
    own = kept.envelope.proof
    assert own is not None
    claimed = replace(own, file=proof.digest(file), **claims)
    return canonical.dump({**file, "x-proof": proof.dump(proof.sign(claimed, master))})


def of_a_later_release(desk: Desk, **claims: Any) -> bytes:
    """What the release after this one may write on this device: nothing but the proof can be read."""
    kept = desk.open()
    file = {"version": 2, "x-epoch": kept.envelope.epoch, "all new": {"a": [1, 2]}}
    return signed_by(desk.master(), kept, file, **claims)


def with_document(like: Kept, vault: Vault, master: bytes, change: Callable[[Any], object]) -> bytes:
    """A signed file whose document is one that only a later release understands."""
    value = canonical.load(document.dump(vault, like.envelope.head))
    change(value)
    db, tag = keys.encrypt(master, bytes(12), canonical.dump(value))
    envelope = replace(like.envelope.published, nonce=bytes(12), db=db, tag=tag)
    return sealed.write(sealed.sign(envelope, vault, master))


# --- who holds no key


def spaced(raw: bytes) -> bytes:
    return raw.replace(b'"version":1', b'"version": 1')


def with_device(value: object) -> Callable[[bytes], bytes]:
    return lambda raw: canonical.dump({**canonical.load(raw), "x-device": value})


def without_proof(raw: bytes) -> bytes:
    return canonical.dump({name: held for name, held in canonical.load(raw).items() if name != "x-proof"})


def with_epoch(epoch: object) -> Callable[[bytes], bytes]:
    return lambda raw: canonical.dump({**canonical.load(raw), "x-epoch": epoch})


def with_version(version: object) -> Callable[[bytes], bytes]:
    return lambda raw: canonical.dump({**canonical.load(raw), "version": version})


def with_claim(**claims: object) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        file = canonical.load(raw)
        return canonical.dump({**file, "x-proof": {**file["x-proof"], **claims}})

    return change


DRESSES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "a space inside": spaced,
    "white space around it": lambda raw: b"\n" + raw + b" ",
    "another device's door": with_device({"v": 1}),
    "a door of a later release": with_device({"v": 2}),
    "a door that is null": with_device(None),
    "a name escaped": lambda raw: raw.replace(b'"version"', b'"\\u0076ersion"'),
    "a name twice": lambda raw: raw.replace(b'"version":1', b'"version":1,"version":1'),
    "a door, and a space": lambda raw: spaced(with_device({"v": 2})(raw)),
    "no proof": without_proof,
    "another epoch": with_epoch(2),
    "no epoch": with_epoch(None),
    "another version": with_version(2),
    "no sane version": with_version("2"),
    "another generation": with_claim(gen=9),
    "a proof of a later form": with_claim(v=2),
    "a proof with a new name": with_claim(new=1),
    "nothing but the version": lambda raw: b'{"version":2}',
    "nothing but the version and the proof": lambda raw: canonical.dump(
        {"version": 2, "x-proof": canonical.load(raw)["x-proof"]}
    ),
    "nothing": lambda raw: b"",
    "garbage": lambda raw: bytes(range(256)),
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES.keys())
@pytest.mark.parametrize("of", ["the present", "an older"])
@pytest.mark.parametrize(
    "door", [BY_ITSELF, Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode
)
def test_no_dress_of_an_own_message_stops_a_device_that_is_open_or_locked(
    door: Door, of: str, dress: Callable[[bytes], bytes]
) -> None:
    desk = Desk()
    desk.create(door)
    older = desk.open().published
    desk.add("anna")
    message = dress(older if of == "an older" else desk.open().published)
    assert isinstance(desk.keeper.check(message), Authentic | Outdated | Foreign)
    desk.restart()
    if door is not BY_ITSELF:
        with pytest.raises(VaultLocked):
            desk.open()
    assert isinstance(desk.keeper.check(message), Authentic | Outdated | Foreign)


@pytest.mark.parametrize("dress", [with_device({"v": 2}), with_device({"v": 1}), lambda raw: raw + b"\n"])
def test_what_nothing_vouches_for_is_left_out_before_a_message_is_judged_or_merged(
    desk: Desk, dress: Callable[[bytes], bytes]
) -> None:
    twin = desk.copied()
    newer = twin.add("ben").published
    assert desk.keeper.check(dress(newer)) == Authentic(3, novel=True)
    assert desk.keeper.merged(dress(newer)).published == newer
    assert desk.open().envelope.device == sealed.read(desk.store.files["vault.json"]).device is not None
    assert desk.keeper.open_own(dress(newer)) == twin.open().vault
    assert desk.new_keeper(PASSPHRASE).open_foreign(dress(newer))[0] == twin.open().vault


def test_a_message_of_another_device_proves_nothing_here_of_whichever_release(desk: Desk) -> None:
    """Anybody who may write can put what a peer published on this device's topic."""
    own, master = desk.open(), desk.master()
    peer = replace(own.vault, device="otp-00000002", name="hall", generation=50)
    other = replace(own.vault, id="22222222-2222-4222-8222-222222222222", generation=50)
    for vault in (peer, other):
        for change in ({"version": 4}, {"x-appliance": {"v": 2}}):
            message = with_document(own, vault, master, lambda root, change=change: root.update(change))  # type: ignore[misc]
            assert isinstance(desk.keeper.check(message), Foreign)
    theirs = of_a_later_release(desk, device="otp-00000002", generation=50)
    assert isinstance(desk.keeper.check(theirs), Foreign)


def test_a_proof_grafted_from_another_file_vault_or_device_proves_nothing(desk: Desk) -> None:
    twin = desk.copied()
    newer = canonical.load(twin.add("ben").published)
    file = {**canonical.load(desk.open().published), "x-proof": newer["x-proof"]}
    for grafted in (file, {**file, "x-epoch": 2}, {"version": 2, "x-epoch": 1, "x-proof": newer["x-proof"]}):
        assert isinstance(desk.keeper.check(canonical.dump(grafted)), Foreign)


# --- who holds an old key


def branch(desk: Desk, *, length: int = 1) -> bytes:
    """What a holder of this device's key can make: keys of his own after it, and any number as the generation."""
    own, master = desk.open(), desk.master()
    assert own.envelope.proof is not None
    chain, before = own.envelope.proof.keys, master
    for step in range(1, length + 1):
        after = bytes([step]) * 32
        chain = proof.extend(chain, before, after, VAULT_ID, chain[-1].epoch + 1)
        before = after
    slots = (own.envelope.slots[0], own.envelope.slots[0])
    envelope = replace(own.envelope.published, slots=slots, epoch=chain[-1].epoch, proof=None)
    return sealed.write(sealed.sign(envelope, replace(own.vault, generation=1_000), before, chain))


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize(
    "door", [BY_ITSELF, Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode
)
def test_whoever_knew_an_old_passphrase_stops_no_re_keyed_device(door: Door, length: int) -> None:
    desk = Desk()
    desk.create(door)
    forged = branch(desk, length=length)
    with_old_key = of_a_later_release(desk, generation=1_000)
    assert isinstance(desk.keeper.check(forged), Superseded), "the limit: a card that is still on that key"
    desk.rekey(door)
    for _ in range(2):
        assert isinstance(desk.keeper.check(forged), Foreign)
        assert desk.keeper.check(with_old_key) == Outdated()
        desk.restart()  # locked now, but for one that opens by itself


# --- who holds the present key, or the next one


@pytest.mark.parametrize(
    "door", [BY_ITSELF, Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode
)
@pytest.mark.parametrize("times", [1, 3, 63])
def test_an_old_copy_of_a_card_knows_that_it_was_re_keyed_also_while_locked(door: Door, times: int) -> None:
    desk = Desk()
    desk.create(door)
    old = desk.copied()
    first = desk.rekey(door)
    for _ in range(times - 1):
        desk.rekey(door)
    message = desk.open().published
    assert first.envelope.proof is not None
    superseded = Superseded(first.envelope.proof.public)
    if door is not BY_ITSELF:
        with pytest.raises(VaultLocked):
            old.open()
    assert old.keeper.check(message) == superseded
    old.keeper.unlock(PASSPHRASE)
    assert old.keeper.check(message) == superseded
    old.add("ben")
    assert old.keeper.check(message) == superseded, "its own changes make it no newer"


def test_a_copy_that_is_64_keys_behind_knows_nothing_any_more(desk: Desk) -> None:
    old = desk.copied()
    for _ in range(64):
        desk.rekey()
    message = desk.open()
    assert message.envelope.proof is not None
    assert len(message.envelope.proof.keys) == proof.KEYS
    assert isinstance(old.keeper.check(message.published), Foreign)


@pytest.mark.parametrize(
    "door", [BY_ITSELF, Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode
)
@pytest.mark.parametrize("changes", [0, 1, 5], ids=lambda n: f"{n} own changes")
def test_an_old_copy_of_a_card_knows_that_it_was_upgraded_also_while_locked(door: Door, changes: int) -> None:
    """However much was changed on the copy meanwhile: no release before wrote what this one can't read."""
    desk = Desk()
    desk.create(door)
    old = desk.copied()
    message = of_a_later_release(desk, generation=desk.open().vault.generation + 1)
    old.keeper.unlock(PASSPHRASE)
    for number in range(changes):
        old.add(f"account {number}")
    assert old.keeper.check(message) == Superseded()
    old.restart()
    verdict = old.keeper.check(message)
    assert verdict == Superseded() if door is BY_ITSELF else isinstance(verdict, Undecided)


def test_a_document_of_a_later_release_by_this_device_supersedes(desk: Desk) -> None:
    own, master = desk.open(), desk.master()
    for generation in (1, 2, 3):
        vault = replace(own.vault, generation=generation)
        message = with_document(own, vault, master, lambda root: root.update(version=4))
        assert desk.keeper.check(message) == Superseded()
        assert isinstance(desk.keeper.check(without_proof(message)), Foreign)


def locked_verdicts(desk: Desk) -> dict[str, Verdict]:
    """What a locked device says to a message of each kind."""
    twin = desk.copied()
    twin.keeper.unlock(PASSPHRASE)
    older = desk.open().published
    desk.keeper.unlock(PASSPHRASE)
    desk.add("anna")
    messages = {"older": older, "own": desk.open().published}
    desk.restart()
    messages["of a twin at the same generation"] = twin.add("ben").published
    messages["newer"] = twin.add("carl").published
    return {name: desk.keeper.check(message) for name, message in messages.items()}


@pytest.mark.parametrize("door", [Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode)
def test_while_locked_numbers_are_believed_that_the_own_key_signed(door: Door) -> None:
    desk = Desk()
    desk.create(door)
    verdicts = locked_verdicts(desk)
    assert verdicts["own"] == Authentic(2, novel=False)
    assert verdicts["older"] == Outdated()
    assert isinstance(verdicts["of a twin at the same generation"], Undecided)
    assert isinstance(verdicts["newer"], Undecided)


# --- cards without a proof


def unsigned(desk: Desk) -> None:
    """As a release before 0.2 left it."""
    name = "vault.json"
    desk.store.files[name] = without_proof(desk.store.files[name])
    desk.restart()


def test_a_card_that_can_not_be_written_knows_all_the_same_that_it_was_re_keyed(desk: Desk) -> None:
    unsigned(desk)
    old = desk.copied()
    old.store.full = full_card()
    after = desk.rekey()
    assert after.envelope.proof is not None
    assert old.keeper.check(after.published) == Superseded(after.envelope.proof.public)
    assert old.open().envelope.proof is None


@pytest.mark.parametrize("door", [Door("passphrase"), Door("pin", PIN)], ids=lambda door: door.mode)
def test_a_locked_card_without_a_proof_leaves_everything_alone_but_its_own(door: Door) -> None:
    desk = Desk()
    desk.create(door)
    own = without_proof(desk.open().published)
    newer = desk.copied()
    unsigned(desk)
    newer.keeper.unlock(PASSPHRASE)
    for message in (b"garbage", b'{"version":2}', newer.add("ben").published):
        assert isinstance(desk.keeper.check(message), Undecided)
    assert desk.keeper.check(own) == Authentic(0, novel=False)


def test_the_first_opening_adds_the_proof_and_leaves_all_else_and_only_once(desk: Desk) -> None:
    before = desk.store.files["vault.json"]
    unsigned(desk)
    saves = desk.store.saves
    kept = desk.open()
    assert desk.store.files["vault.json"] == before, "an Ed25519 signature is the same each time"
    assert desk.store.files["vault.json.1"] == without_proof(before)
    for _ in range(3):
        assert desk.open() == kept
        assert desk.new_keeper(PASSPHRASE).open() == kept
    assert desk.store.saves == saves + 1


def test_a_card_that_is_full_or_busy_opens_without_a_proof_and_gets_it_later(desk: Desk) -> None:
    unsigned(desk)
    before = dict(desk.store.files)
    desk.store.full = full_card()
    assert names(desk.open()) == ["anna"]
    desk.store.full = None
    with desk.store.lock():
        assert names(desk.open()) == ["anna"]
    assert desk.store.files == before
    assert desk.open().envelope.proof is not None


def test_a_vault_that_needs_a_newer_release_gets_no_proof(desk: Desk) -> None:
    own, master = desk.open(), desk.master()
    vault = replace(own.vault, need=frozenset({"passkeys"}))
    envelope = own.envelope
    plain = sealed.seal(vault, master, envelope.slots, envelope.epoch, envelope.device, desk.dice)
    desk.store.files["vault.json"] = sealed.write(plain)
    desk.restart()
    before = dict(desk.store.files)
    assert desk.open().envelope.proof is None
    with pytest.raises(VaultTooNew):
        desk.add("ben")
    assert desk.store.files == before


# --- names of a later release beside ours


def test_outer_names_that_a_later_release_wrote_are_kept_by_every_save_and_restore(desk: Desk) -> None:
    own, master = desk.open(), desk.master()
    later = {"x-new": {"a": [1, None]}, "x-epochs": 3}
    envelope = sealed.sign(replace(own.envelope, extra=later), own.vault, master)
    desk.store.files["vault.json"] = sealed.write(envelope)
    desk.restart()
    assert desk.open().envelope.extra == later
    assert desk.add("ben").envelope.extra == later
    assert desk.keeper.rehang(Door("pin", PIN)).envelope.extra == later
    rekeyed = desk.rekey()
    assert rekeyed.envelope.extra == later
    hall = Desk(FakeStore(Card(device=Device("otp-00000002", None, "hall"))), dice=Dice(5_000))
    keeper = hall.new_keeper(OTHER_PASSPHRASE)
    restored = keeper.adopt(*keeper.open_foreign(rekeyed.published))
    assert restored.envelope.extra == later
    assert restored.envelope.proof is not None
    assert rekeyed.envelope.proof is not None
    assert restored.envelope.proof.keys == rekeyed.envelope.proof.keys, "and the chain goes on"


# --- clones


def exchanged(one: Desk, other: Desk, rounds: int) -> list[int]:
    """Let two cards with one id merge each other's messages in turn; return the generations after each round."""
    generations = []
    for _ in range(rounds):
        for here, there in ((one, other), (other, one)):
            message = there.open().published
            verdict = here.keeper.check(message)
            assert isinstance(verdict, Authentic)
            if verdict.novel:
                here.keeper.merged(message)
        generations.append(max(one.open().vault.generation, other.open().vault.generation))
    return generations


@pytest.mark.parametrize("ours", [1, 2, 5])
@pytest.mark.parametrize("theirs", [0, 1, 2, 5])
def test_two_cards_with_one_id_come_to_rest_when_they_merge_each_other(
    desk: Desk, ours: int, theirs: int
) -> None:
    twin = desk.copied()
    for number in range(ours):
        desk.add(f"ours {number}")
    for number in range(theirs):
        twin.add(f"theirs {number}")
    generations = exchanged(desk, twin, 6)
    assert names(desk.open()) == names(twin.open())
    assert len(names(desk.open())) == 1 + ours + theirs
    assert generations[1:] == generations[:1] * 5, "no generation grows by merging alone"
    assert desk.open().published == twin.open().published


def test_two_cards_that_merged_at_the_same_time_make_no_more_generations(desk: Desk) -> None:
    twin = desk.copied()
    messages = twin.add("theirs").published, desk.add("ours").published
    desk.keeper.merged(messages[0])
    twin.keeper.merged(messages[1])
    generations = [desk.open().vault.generation, *exchanged(desk, twin, 5)]
    assert len(set(generations)) == 1


def test_a_card_that_expires_its_trash_and_one_that_may_not_come_to_rest(desk: Desk) -> None:
    uuid = next(iter(desk.open().vault.records))
    desk.clock.advance(1)
    desk.keeper.change(lambda vault, moment: edit.remove(vault, uuid, moment))
    twin = desk.copied()
    twin.clock.trust = "not-set"
    for each in (desk, twin):
        each.clock.advance(edit.TRASH_SECONDS + 1)
        each.add("one more")
    generations = exchanged(desk, twin, 8)
    assert len(set(generations[2:])) == 1


# --- stamps of tomorrow


def dated(desk: Desk, ms: int, device: str = DESK.id) -> Vault:
    """A state of this vault with a change of a certain time."""
    account = Account(desk.dice.uuid(), "totp", "Example", "tomorrow", b"12345678901234567890")
    own = replace(desk.open().vault, device=device, generation=9)
    return edit.add(own, account, 0, Moment(ms, device))


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("ahead", [1, 0])
@pytest.mark.parametrize("device", [DESK.id, "otp-00000002"])
def test_a_state_that_is_dated_more_than_a_day_ahead_is_refused_while_the_time_is_known(
    desk: Desk, device: str, ahead: int, *, trusted: bool
) -> None:
    desk.clock.trust = "synchronised" if trusted else "not-set"
    theirs = dated(desk, int(desk.clock.unix * 1000) + DAY_MS + ahead, device)
    master, own = desk.master(), desk.open().envelope
    sealed_by_them = sealed.seal(theirs, master, own.slots, own.epoch, None, desk.dice)
    message = sealed.write(sealed.sign(sealed_by_them, theirs, master))
    before = dict(desk.store.files)
    acts: list[Callable[[], Kept]] = [
        lambda: desk.keeper.merge_vault(theirs),
        lambda: desk.keeper.merged(message),
    ]
    for act in acts if trusted and ahead else acts[1:]:
        if trusted and ahead:
            with pytest.raises(ApplianceError, match="a day ahead"):
                act()
            assert desk.store.files == before
        else:
            assert names(act()) == ["anna", "tomorrow"]


def test_what_comes_first_among_the_stamps_of_a_state_is_any_of_its_changes(desk: Desk) -> None:
    ahead = Stamp(int(desk.clock.unix * 1000) + 2 * DAY_MS, 0, "otp-00000002")
    own = replace(desk.open().vault, device="otp-00000002")
    uuid, record = next(iter(own.records.items()))
    for theirs in (
        replace(own, records={uuid: replace(record, position_stamp=ahead)}),
        replace(own, tombstones={"gone": ahead}),
        replace(own, group_stamps={"gone": ahead}),
    ):
        with pytest.raises(ApplianceError, match="a day ahead"):
            desk.keeper.merge_vault(theirs)


def test_a_copy_that_lost_its_proof_on_the_way_takes_no_chain_from_the_card(desk: Desk) -> None:
    """Otherwise whoever may write to the topic makes older copies of the card forget that it was re-keyed."""
    old = desk.copied()
    desk.rekey()
    twin = desk.copied()
    newer = twin.add("ben").published
    assert desk.keeper.merged(without_proof(newer)).published == newer
    assert isinstance(old.keeper.check(desk.open().published), Superseded)


def test_of_two_chains_to_the_same_key_the_longer_one_is_kept(desk: Desk) -> None:
    desk.rekey()
    twin = desk.copied()
    long = desk.open().envelope.proof
    assert long is not None
    short = proof.begin(desk.master(), VAULT_ID, 2)
    for one, other in ((desk, twin), (twin, desk)):
        newer = one.add("one more")
        cut = sealed.write(sealed.sign(newer.envelope.published, newer.vault, one.master(), short))
        kept = other.keeper.merged(cut)
        assert kept.published == newer.published
        assert kept.envelope.proof is not None
        assert kept.envelope.proof.keys == long.keys


def test_a_copy_that_needs_a_newer_release_is_not_taken_over(desk: Desk) -> None:
    own, master = desk.open(), desk.master()
    vault = replace(own.vault, generation=9, need=frozenset({"passkeys"}))
    envelope = sealed.seal(vault, master, own.envelope.slots, own.envelope.epoch, None, desk.dice)
    message = sealed.write(sealed.sign(envelope, vault, master))
    before = dict(desk.store.files)
    with pytest.raises(VaultTooNew):
        desk.keeper.merged(message)
    assert desk.store.files == before


@pytest.mark.parametrize(
    ("device", "generation", "expected"),
    [(DESK.id, 3, 3), (DESK.id, 2, 3), (DESK.id, 1, 3), ("otp-00000002", 50, 3)],
    ids=["a later one", "the same generation", "an earlier one", "of another device"],
)
def test_only_a_later_generation_of_this_device_is_taken_over(
    desk: Desk, device: str, generation: int, expected: int
) -> None:
    """All of them lack nothing, and hold an account more."""
    theirs = replace(dated(desk, int(desk.clock.unix * 1000), device), generation=generation, name="theirs")
    master, own = desk.master(), desk.open().envelope
    envelope = sealed.seal(theirs, master, own.slots, own.epoch, None, desk.dice)
    kept = desk.keeper.merged(sealed.write(sealed.sign(envelope, theirs, master)))
    assert names(kept) == ["anna", "tomorrow"]
    assert (kept.vault.device, kept.vault.generation) == (DESK.id, expected)
    assert kept.vault.name == ("theirs" if (device, generation) == (DESK.id, 3) else DESK.name)


@pytest.mark.parametrize("adds", [False, True])
def test_two_cards_with_one_id_and_two_names_come_to_rest(desk: Desk, *, adds: bool) -> None:
    twin = desk.copied()
    twin.keeper.change(lambda vault, _moment: replace(vault, name="twin"))
    if adds:
        desk.add("ours")
    generations = exchanged(desk, twin, 6)
    assert len(set(generations[1:])) == 1
    assert names(desk.open()) == names(twin.open())
    assert desk.open().published == twin.open().published
