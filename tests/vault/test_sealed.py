import dataclasses
import importlib
import pkgutil
from dataclasses import replace
from typing import Any, Final, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import appliance.vault
from appliance.errors import ApplianceError, VaultDamaged, VaultTooNew
from appliance.keeper import Kept
from appliance.vault import canonical, keys, sealed
from appliance.vault.edit import Moment
from appliance.vault.model import Account, Record, Vault
from appliance.vault.otp import code_at
from tests.vault.builder import (
    DEVICE_SECRET,
    LAW,
    MEMORY,
    PASSPHRASE,
    made,
    master_key,
    opened,
    places,
    random_bytes,
    recovery_key,
    slots,
    small_vault,
)
from tests.vault.strategies import json_values, vaults

GOOD: Final = made(small_vault(), with_device=True)


@LAW
@given(vaults(), st.integers(1, 2**53 - 1), st.booleans())
def test_what_was_sealed_opens_the_same(vault: Vault, epoch: int, with_device: bool) -> None:  # noqa: FBT001
    one = made(vault, epoch=epoch, with_device=with_device)
    envelope = sealed.read(one.raw)
    assert envelope == one.envelope
    assert sealed.write(envelope) == one.raw
    assert sealed.unseal(envelope, one.master) == vault


def test_sealed_with_the_full_cost_it_opens_with_passphrase_recovery_key_and_device_secret() -> None:
    master, draw = master_key(), random_bytes(1)
    pair = (
        keys.new_slot(master, PASSPHRASE, uuid="p", random_bytes=draw, memory_limit=MEMORY),
        keys.new_slot(master, recovery_key(), uuid="r", random_bytes=draw, memory_limit=MEMORY),
    )
    vault = small_vault()
    wrap = keys.new_device_wrap(master, DEVICE_SECRET, device=vault.device, random_bytes=draw)
    envelope = sealed.read(sealed.write(sealed.seal(vault, master, pair, 3, wrap, draw)))
    assert envelope.epoch == 3
    assert [slot.n for slot in envelope.slots] == [2**16, 2**16]
    for entered in (PASSPHRASE, recovery_key().lower()):
        assert keys.unwrap_any(envelope.slots, entered, memory_limit=MEMORY) == master
    assert envelope.device is not None
    assert keys.unwrap_device(envelope.device, DEVICE_SECRET, device=vault.device) == master
    assert sealed.unseal(envelope, master) == vault


def test_each_sealing_draws_a_nonce_of_its_own() -> None:
    draw = random_bytes(5)
    nonces = {
        sealed.seal(GOOD.vault, GOOD.master, GOOD.envelope.slots, 1, None, draw).nonce for _ in range(3)
    }
    assert len(nonces) == 3


def test_what_is_published_is_the_file_without_what_unlocks_this_device() -> None:
    published = sealed.write(GOOD.envelope.published)
    assert published == made(small_vault()).raw
    assert b"x-device" in GOOD.raw
    assert b"x-device" not in published
    assert opened(published) == GOOD.vault
    assert sealed.read(published).head == GOOD.envelope.head


def test_the_head_covers_both_slots_and_the_epoch() -> None:
    other = made(small_vault(), seed=2).envelope
    heads = {
        GOOD.envelope.head,
        replace(GOOD.envelope, epoch=2).head,
        replace(GOOD.envelope, slots=(other.slots[0], GOOD.envelope.slots[1])).head,
        replace(GOOD.envelope, slots=(GOOD.envelope.slots[0], other.slots[1])).head,
        replace(GOOD.envelope, slots=GOOD.envelope.slots[::-1]).head,
    }
    assert len(heads) == 5


def test_the_size_of_the_file_says_little() -> None:
    sizes = {len(made(replace(small_vault(), name="x" * length)).raw) for length in range(0, 5000, 500)}
    assert len(sizes) == 1


def test_the_device_wrap_of_another_device_opens_nothing() -> None:
    other = made(replace(small_vault(), device="d0000000-0000-4000-8000-000000000002"), with_device=True)
    wrap = sealed.read(replace_device(GOOD.raw, other.raw)).device
    assert wrap is not None
    assert keys.unwrap_device(wrap, DEVICE_SECRET, device=GOOD.vault.device) is None


def replace_device(raw: bytes, source: bytes) -> bytes:
    return canonical.dump({**canonical.load(raw), "x-device": canonical.load(source)["x-device"]})


# Any bytes


def read_or_refused(raw: bytes) -> None:
    try:
        envelope = sealed.read(raw)
    except (VaultDamaged, VaultTooNew):
        return
    assert sealed.write(envelope) == raw.strip(b" \t\r\n")


@LAW
@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_refused(raw: bytes) -> None:
    read_or_refused(raw)


@LAW
@given(json_values() | st.fixed_dictionaries({"version": json_values(), "header": json_values()}))
def test_any_json_is_an_envelope_or_refused(value: Any) -> None:
    read_or_refused(canonical.dump(value))


SMALL: Final = sealed.write(replace(GOOD.envelope, db=b"a short db"))


@settings(LAW, max_examples=300)
@given(st.data())
def test_any_change_of_the_envelope_is_an_envelope_or_refused(data: st.DataObject) -> None:
    root = canonical.load(SMALL)
    container, key = data.draw(st.sampled_from(places(root)))
    if data.draw(st.booleans()):
        container[key] = data.draw(json_values() | st.floats(allow_nan=False, allow_infinity=False))
    else:
        other, from_key = data.draw(st.sampled_from(places(root)))
        container[key] = canonical.load(canonical.dump(other[from_key]))
    read_or_refused(canonical.dump(root))


# Canary


def test_no_type_of_the_vault_shows_bytes_unknown_fields_or_codes() -> None:
    """Whatever holds secrets is bytes, is a code, or may be among what this release does not know."""
    seen = 0
    for module in pkgutil.iter_modules(appliance.vault.__path__):
        for value in vars(importlib.import_module(f"appliance.vault.{module.name}")).values():
            if not (isinstance(value, type) and dataclasses.is_dataclass(value)):
                continue
            hints = get_type_hints(value)
            for field in dataclasses.fields(value):
                told = f"{hints[field.name]}"
                if (
                    "bytes" in told
                    or "Mapping[str, typing.Any]" in told
                    or field.name in {"text", "secret_text"}
                ):
                    assert not field.repr, f"{value.__name__}.{field.name}"
                    seen += 1
    assert seen > 20


def canaries() -> tuple[str, ...]:
    held = [*GOOD.vault.records.values(), *GOOD.vault.trash.values()]
    seeds = [record.account.secret for record in held]
    seeds += [old.secret for record in held for old in record.history]
    seeds += [GOOD.master, DEVICE_SECRET, GOOD.envelope.db[:20], *(slot.key for slot in GOOD.envelope.slots)]
    return (*(form for seed in seeds for form in (seed.hex(), repr(seed)[2:-1])), "Mr Smith", PASSPHRASE)


def test_no_representation_holds_a_secret() -> None:
    account: Account = next(iter(GOOD.vault.records.values())).account
    code = code_at(account, 0)
    record: Record = next(iter(GOOD.vault.records.values()))
    shown: list[object] = [
        GOOD.vault,
        GOOD.envelope,
        GOOD.envelope.device,
        account,
        record,
        *record.history,
        code,
    ]
    shown += [
        *GOOD.envelope.slots,
        *GOOD.vault.groups.values(),
        Moment(1, "d"),
        Kept(GOOD.vault, GOOD.envelope),
    ]
    text = "\n".join(f"{value!r} {value} {[value]}" for value in shown)
    assert not [canary for canary in canaries() if canary in text]
    assert code.text not in text
    assert "Envelope" in text
    assert "Bank of" in text


def test_no_error_holds_a_secret() -> None:
    told = []
    for raw, entered in (
        (GOOD.raw, "an entered canary"),
        (GOOD.raw, recovery_key(9)),
        (GOOD.raw[:-1], PASSPHRASE),
        (GOOD.raw.replace(b'"x-epoch":1', b'"x-epoch":2'), PASSPHRASE),
    ):
        with pytest.raises(ApplianceError) as caught:
            opened(raw, entered)
        error = caught.value
        told.append(f"{error} {error!r} {error.args} {error.what} {error.why} {error.hint} {error.__cause__}")
    text = "\n".join(told)
    assert not [canary for canary in (*canaries(), "an entered canary", recovery_key(9)) if canary in text]


def test_two_vaults_with_the_same_slots_share_a_head() -> None:
    assert GOOD.envelope.slots == slots(GOOD.master)
    assert made(small_vault(generation=5), nonce_seed=10).envelope.head == GOOD.envelope.head
