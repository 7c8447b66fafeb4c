"""Which backups a restore takes: opponents write what they can to the broker, and the right one is restored.

An opponent writes any topic, copies what lies there, knows every old passphrase and master key that a test gives him, and
makes proofs with keys of his own. He does not know the passphrase of today.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from appliance.errors import MemoryShort, NothingFound, VaultDamaged, WrongPassphrase
from appliance.vault import keys, proof, selection
from appliance.vault import sealed as sealing
from appliance.vault.model import Vault
from appliance.vault.proof import Key
from appliance.vault.retained import Message
from appliance.vault.sealed import Envelope
from appliance.vault.selection import DEVICES, EARLIER, LATE, Opened, Openings
from tests.vault.builder import MEMORY, PASSPHRASE, master_key, random_bytes, recovery_key, slots
from tests.vault.epochs import (
    DAY_MS,
    DESK,
    HALL,
    NOW_MS,
    SHED,
    STRANGER,
    VAULT,
    Epoch,
    first,
    forged,
    vault_of,
)

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


@dataclass
class Person:
    """Opens backups with what was entered, and counts what that costs."""

    entered: str = PASSPHRASE
    memory: int = MEMORY
    derived: list[str] = field(default_factory=list)
    """Headers, in the order in which they were tried."""
    _known: dict[str, bytes] = field(default_factory=dict)

    def unlock(self, payload: bytes) -> tuple[Vault, Envelope, bytes]:
        envelope = sealing.read(payload)
        if envelope.head not in self._known:
            self.derived.append(envelope.head)
            if 128 * 8 * envelope.slots[0].n > self.memory:
                raise MemoryShort("can't derive the key", "it needs 256 MiB of memory")
            self._known[envelope.head] = keys.unwrap_any(envelope.slots, self.entered, memory_limit=MEMORY)
        master = self._known[envelope.head]
        return sealing.unseal(envelope, master), envelope, master

    def opens(self, messages: Sequence[Message], *prefer: str) -> Openings:
        recovery = keys.recovery_form(self.entered) is not None
        return selection.open_all(messages, self.unlock, prefer=frozenset(prefer), recovery=recovery)


def winner(openings: Openings) -> tuple[Opened, ...]:
    (group,) = selection.winners(openings.opened, openings.chains)
    return group


def restored(messages: Sequence[Message], *named: str, person: Person | None = None) -> set[str]:
    """The accounts that a restore brings back."""
    group = winner((person or Person()).opens(messages, *named))
    return set(selection.unite(group, frozenset(named), NOW_MS).vault.records)


def why(found: Openings | selection.Restored, device: str) -> str:
    return next(left.why for left in found.left if left.message.device == device)


# --- the usual


def test_all_devices_of_a_vault_are_merged_with_one_derivation() -> None:
    epoch, person = first(), Person()
    messages = [epoch.message(vault_of(DESK, "bank")), epoch.message(vault_of(HALL, "wiki"))]
    late = epoch.message(vault_of(DESK, "mail", generation=2), "late/0123abcd")
    assert restored([*messages, late], person=person) == {"bank", "wiki", "mail"}
    assert len(person.derived) == 1


def test_the_recovery_key_opens_it_too() -> None:
    person = Person(recovery_key(1))
    assert restored([first().message(vault_of(DESK, "bank"))], person=person) == {"bank"}


def test_a_file_needs_no_topic() -> None:
    raw = first().message(vault_of(DESK, "bank")).payload
    message = Message("", "", "backup", raw)
    assert restored([message]) == {"bank"}
    assert (message.label, first().message(vault_of(DESK), "late/00000000").label) == (
        "the file",
        f"{DESK} late/00000000",
    )
    assert len(Person().opens([message] * (DEVICES + 1)).opened) == DEVICES + 1


def test_what_was_restored_goes_on_with_the_file_that_was_saved_last() -> None:
    epoch = first()
    messages = [epoch.message(vault_of(DESK, "a", generation=3)), epoch.message(vault_of(HALL, "b"))]
    found = selection.unite(winner(Person().opens(messages)), frozenset(), None)
    assert (found.newest.vault.device, found.newest.master) == (DESK, epoch.master)
    assert len(found.merged) == 2


# --- what does not open


def test_a_wrong_passphrase_is_told_as_such_with_every_message() -> None:
    openings = Person("not the passphrase").opens([first().message(vault_of(one)) for one in (DESK, HALL)])
    assert isinstance(openings.error, WrongPassphrase)
    assert [left.why for left in openings.left] == ["wrong passphrase"] * 2
    assert selection.winners(openings.opened, openings.chains) == ()


def test_damage_and_newer_releases_are_left_aside_and_told() -> None:
    good = first().message(vault_of(DESK, "bank"))
    garbage = Message(VAULT, HALL, "backup", b"garbage")
    newer = Message(VAULT, SHED, "backup", good.payload.replace(b'"version":1', b'"version":2'))
    openings = Person().opens([garbage, newer, good])
    assert isinstance(openings.error, VaultDamaged)
    assert why(openings, SHED) == "a newer release wrote it"
    assert restored([garbage, newer, good]) == {"bank"}


def test_a_changed_content_costs_no_derivation_of_its_own() -> None:
    good, person = first().message(vault_of(HALL, "bank")), Person()
    envelope = sealing.read(good.payload)
    spoilt = replace(envelope, db=b"x" * len(envelope.db), proof=None)
    messages = [Message(VAULT, DESK, "backup", sealing.write(spoilt)), good]
    assert restored(messages, person=person) == {"bank"}
    assert len(person.derived) == 1


@pytest.mark.parametrize("chain", [None, ()], ids=["without a proof", "with a proof"])
def test_a_backup_on_the_topic_of_another_device_is_left_aside(chain: tuple[Key, ...] | None) -> None:
    epoch, person = Epoch(1) if chain is None else first(), Person()
    copied = epoch.message(vault_of(DESK, "bank"), device=HALL)
    openings = person.opens([copied])
    assert openings.opened == ()
    assert why(openings, HALL) == "it belongs to another vault or device than its topic says"
    assert bool(person.derived) is (chain is None)


# --- what costs too much


def test_what_wants_too_much_memory_is_skipped_and_the_rest_is_restored() -> None:
    person = Person(memory=128 << 20)
    costly = forged(DESK, 50, n=2**18, number=2**40)
    good = first().message(vault_of(HALL, "bank"))
    openings = person.opens([costly, good])
    assert [one.message for one in openings.opened] == [good]
    assert "costs more to open" in why(openings, DESK)
    alone = person.opens([costly])
    assert isinstance(alone.error, MemoryShort)
    named = person.opens([costly, good], DESK)
    assert why(named, DESK) == "it needs 256 MiB of memory"
    assert named.opened


def test_twelve_forged_headers_are_tried_after_what_our_releases_write() -> None:
    costly = [forged(f"otp-0000000{number:x}", 50 + number, p=4) for number in range(12)]
    good, person = first().message(vault_of("otp-ffffffff", "bank")), Person()
    assert restored([*costly, good], person=person) == {"bank"}
    assert len(person.derived) == 1


def test_as_many_forged_headers_as_devices_are_looked_into_hide_nothing() -> None:
    alike = [forged(f"otp-0000000{number:x}", 50 + number) for number in range(DEVICES - 1)]
    good = first().message(vault_of("otp-ffffffff", "bank"))
    assert restored([*alike, good]) == {"bank"}


def test_beyond_the_devices_that_are_looked_into_a_name_is_needed_and_said() -> None:
    alike = [forged(f"otp-000000{number:02x}", 50 + number) for number in range(DEVICES + 3)]
    good = first().message(vault_of("otp-ffffffff", "bank"))
    openings = Person().opens([*alike, good])
    assert not openings.opened
    assert "name it with --device" in why(openings, "otp-ffffffff")
    assert restored([*alike, good], "otp-ffffffff") == {"bank"}


def test_more_devices_than_a_household_has_are_not_opened() -> None:
    epoch, person = first(), Person()
    messages = [epoch.message(vault_of(f"otp-000000{number:02x}")) for number in range(DEVICES + 2)]
    openings = person.opens(messages, "otp-00000011")
    assert len(openings.opened) == DEVICES
    assert {left.message.device for left in openings.left} == {"otp-0000000f", "otp-00000010"}
    assert len(person.derived) == 1


def test_what_is_no_backup_takes_no_device_s_place_but_even_that_is_bounded() -> None:
    garbage = [Message(VAULT, f"otp-000000{number:02x}", "backup", b"{}") for number in range(255)]
    good = first().message(vault_of("otp-ffffffff", "bank"))
    assert restored([*garbage, good]) == {"bank"}
    more = Message(VAULT, "otp-00000100", "backup", b"{}")
    assert not Person().opens([*garbage, more, good]).opened
    assert restored([*garbage, more, good], "otp-ffffffff") == {"bank"}


def test_late_messages_without_end_are_not_all_looked_into() -> None:
    late = [forged(DESK, 50 + number) for number in range(LATE + 2)]
    named = [replace(one, kind=f"late/{number:08x}") for number, one in enumerate(late)]
    person = Person()
    openings = person.opens([first().message(vault_of(DESK, "bank")), *named])
    assert len(openings.opened) == 1
    assert len(person.derived) == 1 + LATE


def test_the_derivations_of_one_restore_are_bounded_whatever_was_forged() -> None:
    headers = [
        replace(forged(f"otp-000000{number:02x}", 50 + number + 100 * more, p=4), kind=f"history/{more}")
        for number in range(DEVICES)
        for more in range(3)
    ]
    person = Person()
    openings = person.opens(headers)
    assert len(person.derived) == selection.BUDGET // (4 * selection.STANDARD)
    assert any("too many others had to be tried" in left.why for left in openings.left)


def test_a_recovery_key_is_tried_at_two_slots_and_that_counts() -> None:
    headers = [
        replace(forged(f"otp-000000{number:02x}", 50 + number), kind="backup") for number in range(DEVICES)
    ]
    person = Person(recovery_key(1))
    person.opens(headers)
    assert len(person.derived) == DEVICES // 2


# --- which key wins


def test_an_old_slot_grafted_onto_a_high_epoch_loses_against_the_genuine_key() -> None:
    """After a new recovery key the passphrase stays, so both open; who has the old master key can write under it."""
    old = first(1)
    genuine = old.next(2)
    for chain in (None, old.chain, (Key(99, proof.public_key(old.master, VAULT)),)):
        graft = replace(old, number=99 if chain != old.chain else 1, chain=chain)
        messages = [
            graft.message(vault_of(HALL, "evil", generation=10**6)),
            genuine.message(vault_of(DESK, "bank")),
        ]
        assert restored(messages) == {"bank"}
        assert restored(messages[::-1]) == {"bank"}


def test_a_proven_earlier_key_is_not_even_derived() -> None:
    old, person = first(1), Person()
    genuine = old.next(2)
    openings = person.opens([old.message(vault_of(DESK, "old")), genuine.message(vault_of(HALL, "bank"))])
    assert person.derived == [sealing.read(genuine.message(vault_of(HALL, "bank")).payload).head]
    assert why(openings, DESK) == EARLIER


def test_a_successor_at_a_higher_cost_wins_over_what_opened_before_it() -> None:
    old, person = first(1), Person()
    dear = old.next(2, cost=(2**17, 1))
    messages = [old.message(vault_of(DESK, "old")), dear.message(vault_of(HALL, "bank"))]
    assert restored(messages, person=person) == {"bank"}
    assert len(person.derived) == 2


def test_a_chain_that_passes_by_the_genuine_key_does_not_stand_before_it() -> None:
    """With an old master key anybody can make a branch of the chain; it does not open, and hides nothing."""
    old = first(1)
    genuine = old.next(2)
    branch = old.next(66, passphrase=STRANGER).next(67).next(68)
    messages = [branch.message(vault_of(HALL, "evil")), genuine.message(vault_of(DESK, "bank"))]
    assert restored(messages) == {"bank"}


def test_a_higher_number_alone_decides_nothing_between_keys_that_know_nothing_of_each_other() -> None:
    one, other = Epoch(1, 1), Epoch(2, 99)
    openings = Person().opens([one.message(vault_of(DESK, "a")), other.message(vault_of(HALL, "b"))])
    groups = selection.winners(openings.opened, openings.chains)
    assert [[each.vault.device for each in group] for group in groups] == [[DESK], [HALL]]
    assert selection.of_device(groups, HALL) == groups[1]
    assert selection.of_device(groups, SHED) is None


def test_a_named_device_with_two_keys_is_known_by_its_own_backup() -> None:
    one, other = Epoch(1), Epoch(2)
    messages = [one.message(vault_of(DESK, "a")), other.message(vault_of(DESK, "b"), "late/00000000")]
    openings = Person().opens(messages)
    groups = selection.winners(openings.opened, openings.chains)
    assert selection.of_device(groups, DESK) == groups[0]
    late = [replace(message, kind=f"late/{at:08x}") for at, message in enumerate(messages)]
    openings = Person().opens(late)
    assert selection.of_device(selection.winners(openings.opened, openings.chains), DESK) is None


def test_a_copied_proof_moves_no_file() -> None:
    genuine = first(2)
    envelope = genuine.envelope(vault_of(DESK, "bank"))
    claim = replace(envelope, slots=slots(master_key(7), STRANGER, 7))
    with pytest.raises(VaultDamaged):
        sealing.read(sealing.write(claim))
    message = Message(VAULT, DESK, "backup", sealing.write(claim))
    assert Person().opens([message]).opened == ()


def test_what_only_a_later_key_opens_is_told() -> None:
    old = first(1)
    later = old.next(2, passphrase=STRANGER)
    openings = Person().opens([old.message(vault_of(DESK, "bank")), later.message(vault_of(HALL, "new"))])
    (told,) = selection.successors(winner(openings), openings)
    assert told.message.device == HALL
    assert "the passphrase was changed since" in told.why


def test_another_header_under_the_winning_key_is_not_believed() -> None:
    """Slots never change within an epoch: somebody who has the master key made it."""
    genuine, person = first(1), Person()
    vault = vault_of(HALL, "evil")
    other = sealing.seal(vault, genuine.master, slots(genuine.master, seed=5), 1, None, random_bytes(9))
    assert genuine.chain is not None
    signed = sealing.sign(other, vault, genuine.master, genuine.chain)
    forgery = Message(VAULT, HALL, "backup", sealing.write(signed))
    openings = person.opens([genuine.message(vault_of(DESK, "bank")), forgery], DESK)
    assert [one.vault.device for one in openings.opened] == [DESK]
    assert len(person.derived) == 1


# --- what is merged


def test_a_device_that_was_removed_brings_nothing_back_whoever_says_so() -> None:
    epoch = first()
    stolen = epoch.message(vault_of(HALL, "evil", ms=NOW_MS + 1000))
    messages = [epoch.message(vault_of(DESK, "bank", removed=frozenset({HALL}))), stolen]
    found = selection.unite(winner(Person().opens(messages)), frozenset(), NOW_MS)
    assert set(found.vault.records) == {"bank"}
    assert found.vault.removed == {HALL}
    assert why(found, HALL) == "'hall' was removed from the vault, says 'desk'"
    third = [epoch.message(vault_of(SHED, removed=frozenset({HALL}))), messages[1]]
    assert restored([*third, epoch.message(vault_of(DESK, "bank"))]) == {"bank"}


def test_what_a_removed_device_says_of_others_counts_and_is_said_to_be_from_it() -> None:
    """Any device may have merged it already, and all must come to the same; a person can name who stays."""
    epoch = first()
    messages = [
        epoch.message(vault_of(DESK, "bank", removed=frozenset({HALL}))),
        epoch.message(vault_of(HALL, "evil", removed=frozenset({SHED}))),
        epoch.message(vault_of(SHED, "mail")),
    ]
    found = selection.unite(winner(Person().opens(messages)), frozenset(), NOW_MS)
    assert set(found.vault.records) == {"bank"}
    assert found.vault.removed == {HALL, SHED}
    assert why(found, SHED) == "'shed' was removed from the vault, says 'hall'"


def test_a_device_that_is_named_is_restored_although_it_was_removed() -> None:
    epoch = first()
    messages = [
        epoch.message(vault_of(DESK, "bank", removed=frozenset({HALL}))),
        epoch.message(vault_of(HALL, "wiki")),
    ]
    assert restored(messages, HALL) == {"bank", "wiki"}


def test_devices_that_remove_each_other_are_a_person_s_to_decide_about() -> None:
    epoch = first()
    messages = [
        epoch.message(vault_of(DESK, "bank", removed=frozenset({HALL}))),
        epoch.message(vault_of(HALL, "evil", removed=frozenset({DESK}))),
    ]
    with pytest.raises(NothingFound, match="was removed"):
        restored(messages)
    assert restored(messages, DESK) == {"bank"}


def test_stamps_of_tomorrow_are_left_aside_while_the_time_is_known() -> None:
    epoch = first()
    messages = [
        epoch.message(vault_of(DESK, "bank")),
        epoch.message(vault_of(HALL, "late", ms=NOW_MS + DAY_MS + 1)),
    ]
    group = winner(Person().opens(messages))
    found = selection.unite(group, frozenset(), NOW_MS)
    assert set(found.vault.records) == {"bank"}
    assert "dated more than a day ahead" in why(found, HALL)
    assert set(selection.unite(group, frozenset(), None).vault.records) == {"bank", "late"}


def test_a_generation_is_found_and_a_missing_one_named_by_those_that_are_there() -> None:
    epoch = first()
    messages = [
        epoch.message(vault_of(DESK, "now", generation=4)),
        epoch.message(vault_of(DESK, "then", generation=3), "history/0"),
        epoch.message(vault_of(HALL, "other", generation=3)),
    ]
    group = winner(Person().opens(messages))
    assert set(selection.of_generation(group, 3, frozenset()).records) == {"then"}
    assert set(selection.of_generation(group, 3, frozenset({HALL})).records) == {"other"}
    with pytest.raises(NothingFound) as missing:
        selection.of_generation(group, 7, frozenset())
    assert (missing.value.why, missing.value.hint) == ("there is no generation 7", "there are 3, 4")


# --- what an old key still opens


def test_what_a_key_opens_is_named_and_devices_that_are_gone_are_told_apart() -> None:
    old = first(1)
    messages = [
        old.message(vault_of(DESK), "history/3"),
        old.message(vault_of(HALL)),
        old.message(vault_of(HALL), "late/00000000", device=SHED),
        old.next(2, passphrase=STRANGER).message(vault_of(SHED)),
        Message(VAULT, SHED, "history/0", b"garbage"),
    ]

    def unseal(payload: bytes) -> Vault:
        envelope = sealing.read(payload)
        return sealing.unseal(envelope, old.master)

    found = selection.exposed(messages, unseal, vault_of(DESK, removed=frozenset({HALL})))
    assert [(one.device, one.name, one.kind, one.gone) for one in found] == [
        (DESK, "desk", "history/3", False),
        (HALL, "hall", "backup", True),
        (SHED, SHED, "late/00000000", False),
    ]
