"""A proof says whose file it is to who can't open it: what holds, what does not, and what one proof is to another.

The opponent may write any file, holds old keys, or is another device of the vault. What he can't make is a chain that
passes through a key that he does not hold and goes on from there.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import canonical, proof, sealed
from appliance.vault.proof import Key, Proof, Standing
from tests.vault.builder import LAW, Made, made, master_key, places, rekeyed_chain, signed, small_vault
from tests.vault.strategies import json_values, vaults

VAULT: Final = small_vault()
LAST: Final = master_key(9003)
"""The key that comes after two others."""
CHAIN: Final = rekeyed_chain(VAULT, 3, LAST)
THIEF: Final = b"a key of nobody in the household"
FILE: Final[dict[str, Any]] = {"version": 2, "x-epoch": 3, "what": ["only a later release knows"]}
GOOD: Final = signed(made(VAULT, with_device=True))


def claim(chain: tuple[Key, ...] = CHAIN, file: dict[str, Any] | None = None, **claims: Any) -> Proof:
    """An unsigned proof of the vault's own."""
    unsigned = Proof(VAULT.id, VAULT.device, VAULT.generation, proof.digest(file or FILE), chain)
    return replace(unsigned, **claims)


def by_last(chain: tuple[Key, ...] = CHAIN, file: dict[str, Any] | None = None, **claims: Any) -> Proof:
    return proof.sign(claim(chain, file, **claims), LAST)


def raw_of(signed_proof: Proof, file: dict[str, Any] | None = None) -> bytes:
    return canonical.dump({**(file or FILE), "x-proof": proof.dump(signed_proof)})


OWN: Final = by_last()
VALUE: Final = proof.dump(OWN)


# --- keys and chains


def test_a_chain_begins_with_one_key_that_nobody_vouches_for() -> None:
    (key,) = proof.begin(LAST, VAULT.id, 7)
    assert key == Key(7, proof.public_key(LAST, VAULT.id), "")


def test_each_vault_and_each_master_key_has_a_signing_key_of_its_own() -> None:
    public = {
        proof.public_key(master, vault) for master in (LAST, THIEF) for vault in (VAULT.id, "other", "")
    }
    assert len(public) == 6
    assert all(len(bytes.fromhex(one)) == 32 for one in public)


def test_a_chain_is_vouched_for_key_by_key() -> None:
    assert [key.epoch for key in CHAIN] == [1, 2, 3]
    assert CHAIN[0].by == ""
    for before, after in pairwise(CHAIN):
        link = {
            "vault": VAULT.id,
            "epoch": after.epoch,
            "previous": before.public,
            "public": after.public,
        }
        message = b"otp-appliance key v1\0" + canonical.dump(link)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(before.public)).verify(
            bytes.fromhex(after.by), message
        )


@pytest.mark.parametrize("length", [62, 63, 64, 65, 66, 130])
def test_a_chain_holds_64_keys_and_drops_the_oldest(length: int) -> None:
    chain = rekeyed_chain(VAULT, length, LAST)
    assert len(chain) == min(length, proof.KEYS)
    assert chain[0].by == ""
    assert [key.epoch for key in chain] == list(range(max(1, length - 63), length + 1))
    assert all(key.by for key in chain[1:])
    held = proof.load(proof.dump(by_last(chain)))
    assert held.keys == chain
    assert len(canonical.dump(proof.dump(held))) < proof.BYTES


def test_the_greatest_proof_of_usual_ids_takes_less_than_its_bound() -> None:
    chain = tuple(replace(key, epoch=2**53 - 1) for key in rekeyed_chain(VAULT, proof.KEYS, LAST))
    greatest = replace(by_last(chain), vault="v" * 36, device="d" * 36, generation=2**53 - 1)
    assert proof.BYTES == 32_768
    assert proof.BYTES // 2 < len(canonical.dump(proof.dump(greatest))) + 2_000 < proof.BYTES


# --- what holds


def test_what_was_signed_holds_and_is_written_again_byte_for_byte() -> None:
    found = proof.load(VALUE)
    assert found == OWN
    assert proof.dump(found) == VALUE
    assert found.public == CHAIN[-1].public == proof.public_key(LAST, VAULT.id)


def test_signing_changes_nothing_but_the_signature_and_gives_the_same_each_time() -> None:
    assert replace(OWN, signature="") == claim()
    assert by_last() == OWN
    assert OWN.signature not in repr(OWN)


@pytest.mark.parametrize("version", [0, 1, 2, 7, "1", None, [], True])
def test_the_proof_of_a_file_of_any_version_is_read(version: object) -> None:
    file = {"version": version, "x-epoch": 3}
    assert proof.read(raw_of(by_last(file=file), file)) == by_last(file=file)


def test_white_space_around_a_file_and_its_door_are_not_covered() -> None:
    assert proof.read(b" \t\r\n" + GOOD.raw + b"\n") == GOOD.envelope.proof
    assert proof.read(sealed.write(GOOD.envelope.published)) == GOOD.envelope.proof
    file = canonical.load(GOOD.raw)
    assert proof.digest(file) == proof.digest({**file, "x-device": 1, "x-proof": 2})
    assert proof.digest(file) != proof.digest({**file, "x-new": 1})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"1",
        b'"x-proof"',
        b"{}",
        b'{"version":2}',
        b"[" * 100_000,
        b'{"x-proof":null}',
        canonical.dump(FILE),
        raw_of(OWN) + b"}",
        raw_of(OWN) + b"?",
        b"\f" + raw_of(OWN),
        raw_of(OWN).replace(b'"version":2', b'"version": 2'),
        raw_of(OWN).replace(b'"version":2', b'"version":2,"version":2'),
        raw_of(OWN).replace(b'"what"', b'"\\u0077hat"'),
        raw_of(OWN).replace(b'"version":2', b'"version":3'),
        raw_of(OWN).replace(b'"x-epoch":3', b'"x-epoch":4'),
        raw_of(OWN).replace(b'"version":2', b'"version":2,"x-any":1'),
        canonical.dump({"version": 2, "x-proof": VALUE}),
        raw_of(by_last(file={**FILE, "x-epoch": 4}), {**FILE, "x-epoch": 4}),
        raw_of(by_last(file={**FILE, "x-epoch": "3"}), {**FILE, "x-epoch": "3"}),
        raw_of(by_last(file={"version": 2}), {"version": 2}),
    ],
)
def test_a_file_without_a_proof_that_holds_has_none(raw: bytes) -> None:
    assert proof.read(raw) is None


@LAW
@given(vaults(), st.integers(1, 2**53 - 1))
def test_every_signed_file_has_its_own_proof(vault: Any, epoch: int) -> None:
    one = signed(made(vault, epoch=epoch))
    found = proof.read(one.raw)
    assert found is not None
    assert (found.vault, found.device, found.generation) == (vault.id, vault.device, vault.generation)
    assert found == one.envelope.proof == sealed.read(one.raw).proof
    assert sealed.unseal(sealed.read(one.raw), one.master) == vault


# --- what does not hold


def forged(chain: tuple[Key, ...], by: bytes = LAST, **claims: Any) -> dict[str, Any]:
    """A proof that is signed by some key, whatever its chain says."""
    return proof.dump(proof.sign(claim(chain, **claims), by))


def linked(before: bytes, after: bytes, epoch: int) -> Key:
    """A key that follows another one."""
    return proof.extend(proof.begin(before, VAULT.id, 0), before, after, VAULT.id, epoch)[-1]


def with_field(**fields: object) -> dict[str, Any]:
    return {**VALUE, **fields}


def with_key(at: int, **fields: object) -> dict[str, Any]:
    keys = [dict(key) for key in VALUE["keys"]]
    keys[at].update(fields)
    return {**VALUE, "keys": keys}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in VALUE.items() if key != name}


FIRST, SECOND, THIRD = CHAIN
LONG: Final = tuple(
    Key(epoch, proof.public_key(master_key(900 + epoch), VAULT.id), "00" * 64 if epoch else "")
    for epoch in range(65)
)
SIGNATURES: Final = "a signature that does not hold"
REFUSED: Final[dict[str, tuple[object, str]]] = {
    "null": (None, "does not hold"),
    "text": ("proof", "does not hold"),
    "a number": (1, "does not hold"),
    "an array": ([], "does not hold"),
    "nothing in it": ({}, "does not hold"),
    **{f"no {name}": (without(name), "does not hold") for name in VALUE if name != "v"},
    "no v": (without("v"), "not spelled"),
    "a later form": (with_field(v=2), "not spelled"),
    "a form that is true": (with_field(v=True), "not spelled"),
    "a form with a fraction": (with_field(v=1.0), "not spelled"),
    "a name that nobody knows": (with_field(new=1), "not spelled"),
    "a key with a name that nobody knows": (with_key(1, new=1), "not spelled"),
    "keys in an object": (with_field(keys={"a": 1}), "does not hold"),
    "keys in a text": (with_field(keys="abc"), "does not hold"),
    "keys that are a number": (with_field(keys=3), "does not hold"),
    "a key that is null": (with_field(keys=[None]), "does not hold"),
    "no keys": (with_field(keys=[]), "too many keys, or none"),
    "65 keys": (forged(LONG, master_key(964)), "too many keys, or none"),
    "an id that is a number": (with_field(vault=1), "is no text"),
    "a device that is null": (with_field(device=None), "is no text"),
    "a generation that is true": (with_field(gen=True), "is none"),
    "a generation with a fraction": (with_field(gen=4.0), "is none"),
    "a generation below zero": (with_field(gen=-1), "is none"),
    "a generation of 2^53": (with_field(gen=2**53), "is none"),
    "a generation that is text": (with_field(gen="4"), "is none"),
    "an epoch that is true": (with_key(0, epoch=True), "is none"),
    "an epoch that is null": (with_key(0, epoch=None), "is none"),
    "a file in upper case": (with_field(file=OWN.file.upper()), "not hexadecimal"),
    "a file cut short": (with_field(file=OWN.file[2:]), "not hexadecimal"),
    "a file that is a number": (with_field(file=0), "is no text"),
    "a signature in upper case": (with_field(sig=OWN.signature.upper()), "not hexadecimal"),
    "a signature cut short": (with_field(sig=OWN.signature[:-2]), "not hexadecimal"),
    "a signature cut by half a byte": (with_field(sig=OWN.signature[:-1]), "not hexadecimal"),
    "an empty signature": (with_field(sig=""), "not hexadecimal"),
    "a signature of other digits": (with_field(sig="\u0661" * 128), "not hexadecimal"),
    "a signature with spaces": (with_field(sig=" " + OWN.signature[1:]), "not hexadecimal"),
    "a public key in upper case": (with_key(2, public=THIRD.public.upper()), "not hexadecimal"),
    "a public key cut short": (with_key(2, public=THIRD.public[2:]), "not hexadecimal"),
    "a first key that is vouched for": (with_key(0, by=SECOND.by), "not hexadecimal"),
    "a second key that is not": (with_key(1, by=""), "not hexadecimal"),
    "a link in upper case": (with_key(1, by=SECOND.by.upper()), "not hexadecimal"),
    "a key twice": (forged((FIRST, SECOND, replace(THIRD, public=FIRST.public))), "has a key twice"),
    "the last key twice": (forged((*CHAIN, replace(THIRD, epoch=4))), "has a key twice"),
    "an epoch that stays": (forged((FIRST, SECOND, replace(THIRD, epoch=2))), "epochs do not rise"),
    "an epoch that falls": (forged((replace(FIRST, epoch=9), SECOND, THIRD)), "epochs do not rise"),
    **{
        f"{SIGNATURES}: {name}": (value, "does not hold")
        for name, value in {
            "of the file": with_field(sig="00" * 64),
            "by another key": forged(CHAIN, THIEF),
            "by the key before": forged(CHAIN, master_key(102)),
            "of the key's holder, with another generation": with_field(gen=VAULT.generation + 1),
            "with another device": with_field(device="other"),
            "with another vault": with_field(vault="other"),
            "with another file": with_field(file="00" * 32),
            "another epoch of the last key": with_key(2, epoch=4),
            "another epoch of the first key": with_key(0, epoch=0),
            "a chain without its first key": with_field(
                keys=[{**VALUE["keys"][1], "by": ""}, VALUE["keys"][2]]
            ),
            "a chain without its middle": forged((FIRST, THIRD)),
            "a link by a key of somebody else": forged((FIRST, SECOND, linked(THIEF, LAST, 3))),
            "a link by the key before the last": forged((FIRST, SECOND, linked(master_key(101), LAST, 3))),
            "a link of another epoch": forged((FIRST, SECOND, replace(THIRD, epoch=4))),
            "a link to another key": forged(
                (FIRST, SECOND, replace(THIRD, public=proof.public_key(THIEF, VAULT.id))), THIEF
            ),
            "links exchanged": forged((FIRST, replace(SECOND, by=THIRD.by), replace(THIRD, by=SECOND.by))),
            "a link of another vault": forged(
                (FIRST, *rekeyed_chain(replace(VAULT, id="other"), 3, LAST)[1:])
            ),
        }.items()
    },
}


@pytest.mark.parametrize(("value", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_hold_is_refused_with_a_reason_of_ours(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        proof.load(value)
    assert type(caught.value) is ValueError
    assert proof.read(canonical.dump({**FILE, "x-proof": value})) is None
    with pytest.raises((VaultDamaged, VaultTooNew)):
        sealed.read(canonical.dump({**canonical.load(GOOD.raw), "x-proof": value}))


def test_the_one_without_a_fault_holds() -> None:
    """Otherwise the faults above would prove nothing."""
    assert proof.load(with_field()) == proof.load(with_key(0)) == OWN
    assert proof.load(forged(CHAIN)) == OWN
    assert proof.load(forged((FIRST, SECOND, linked(master_key(102), LAST, 3)))) == OWN
    assert proof.load(forged(rekeyed_chain(VAULT, 64, LAST))).keys[0].by == ""


def test_every_changed_bit_of_a_proof_is_noticed() -> None:
    raw = canonical.dump(VALUE)
    for place in range(len(raw)):
        for bit in range(8):
            changed = raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
            try:
                value = canonical.load(changed)
            except ValueError:
                continue
            with pytest.raises(ValueError, match="proof"):
                proof.load(value)


@LAW
@given(st.data())
def test_any_other_json_in_any_place_of_a_proof_is_refused_in_our_words(data: st.DataObject) -> None:
    value = canonical.load(canonical.dump(VALUE))
    container, key = data.draw(st.sampled_from(places(value)))
    before, container[key] = container[key], data.draw(json_values() | st.floats(allow_nan=False))
    if container[key] == before and type(container[key]) is type(before):
        return
    with pytest.raises(ValueError):  # noqa: PT011 - infinite numbers are refused by the JSON's own reader
        proof.load(value)


# --- small orders

IDENTITY: Final = (1).to_bytes(32, "little")
"""The neutral element as a public key: y = 1."""
SMALL: Final[dict[str, bytes]] = {
    "order 1": IDENTITY,
    "order 1, not canonical": (2**255 - 19 + 1).to_bytes(32, "little"),
    "order 2": (2**255 - 19 - 1).to_bytes(32, "little"),
    "order 4, all zero": bytes(32),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
}
"""RFC 8032 leaves it to the verifier whether they are refused; OpenSSL takes them."""


def universal(public: bytes) -> list[bytes]:
    """Signatures that hold for a great part of all messages under a key of small order: S = 0, and R of small order."""
    return [point + bytes(32) for point in (public, *SMALL.values())]


def forge_link(small: bytes, after: bytes, epoch: int) -> Key | None:
    """A link that a key of small order seems to sign, made by nobody; None: no message was found for which it holds."""
    for number in range(64):
        public = proof.public_key(after, VAULT.id)
        link = proof._KEY + proof._link(VAULT.id, epoch + number, small.hex(), public)
        for signature in universal(small):
            try:
                proof._verify(small.hex(), signature.hex(), link)
            except Exception:  # noqa: BLE001 - it is searched for
                continue
            return Key(epoch + number, public, signature.hex())
    return None


def test_a_key_of_small_order_vouches_for_anything_which_gives_nobody_anything() -> None:
    """A chain counts where it passes through the own key, and what follows that must be signed by it."""
    forgeable = 0
    thiefs = proof.public_key(THIEF, VAULT.id)
    for small in SMALL.values():
        link = forge_link(small, THIEF, 4)
        if link is None:
            continue
        forgeable += 1
        loose = by_thief((Key(1, small.hex()), link))
        assert proof.load(proof.dump(loose)).public == thiefs, "it is a chain, of keys that nobody here has"
        assert proof.compare(OWN, loose) == "unproven"
        assert not proof.outranks(loose, OWN)
        to_ours = forge_link(small, LAST, 4)
        if to_ours is not None:  # ours as the last key: what it signs must be signed by it
            ours_last = claim((Key(1, small.hex()), to_ours), generation=1_000)
            for signature in universal(small):
                with pytest.raises(ValueError, match="does not hold"):
                    proof.load(proof.dump(replace(ours_last, signature=signature.hex())))
            for by in universal(small):  # ours in the middle: what follows it must be signed by it
                through = (Key(1, small.hex()), to_ours, replace(link, epoch=to_ours.epoch + 1, by=by.hex()))
                with pytest.raises(ValueError, match="does not hold"):
                    proof.load(proof.dump(by_thief(through)))
        for by in universal(small):  # and a key of small order after ours as well
            with pytest.raises(ValueError, match="does not hold"):
                proof.load(
                    proof.dump(by_thief((*CHAIN, Key(4, small.hex(), by.hex()), replace(link, epoch=9))))
                )
    assert forgeable >= 2, "otherwise nothing was shown"


def by_thief(chain: tuple[Key, ...], **claims: Any) -> Proof:
    return proof.sign(claim(chain, **claims), THIEF)


# --- one proof and another


def after_own(*masters: bytes) -> tuple[Key, ...]:
    chain = CHAIN
    for before, master in pairwise((LAST, *masters)):
        chain = proof.extend(chain, before, master, VAULT.id, chain[-1].epoch + 1)
    return chain


NEXT: Final = master_key(9004)
OVERNEXT: Final = master_key(9005)
STANDINGS: Final[dict[str, tuple[Proof | None, Standing]]] = {
    "no proof": (None, "unproven"),
    "itself": (OWN, "same"),
    "itself with another chain before it": (by_last(proof.begin(LAST, VAULT.id, 3)), "same"),
    "the same key and generation, another file": (by_last(file={"x-epoch": 3}), "other"),
    "the next generation": (by_last(generation=5), "newer"),
    "a generation much later": (by_last(generation=2**53 - 1), "newer"),
    "the generation before": (by_last(generation=3), "older"),
    "the key after": (proof.sign(claim(after_own(NEXT)), NEXT), "newer key"),
    "the key after, a generation from before": (
        proof.sign(claim(after_own(NEXT), generation=0), NEXT),
        "newer key",
    ),
    "two keys after": (proof.sign(claim(after_own(NEXT, OVERNEXT)), OVERNEXT), "newer key"),
    "the key after, and no key before ours": (
        proof.sign(
            claim(proof.extend(proof.begin(LAST, VAULT.id, 3), LAST, NEXT, VAULT.id, 4), generation=9), NEXT
        ),
        "newer key",
    ),
    "the key before": (proof.sign(claim(CHAIN[:2], generation=99), master_key(102)), "older key"),
    "the first key": (proof.sign(claim(CHAIN[:1], generation=99), master_key(101)), "older key"),
    "a branch from the key before": (
        by_thief(proof.extend(CHAIN[:2], master_key(102), THIEF, VAULT.id, 99), generation=99),
        "unproven",
    ),
    "a branch from the first key": (
        by_thief(proof.extend(CHAIN[:1], master_key(101), THIEF, VAULT.id, 99), generation=99),
        "unproven",
    ),
    "a chain of somebody else": (by_thief(proof.begin(THIEF, VAULT.id, 99), generation=99), "unproven"),
    "another device": (by_last(device="other", generation=99), "unproven"),
    "the key after, of another device": (
        proof.sign(claim(after_own(NEXT), device="other"), NEXT),
        "unproven",
    ),
    "another vault": (replace(OWN, vault="other", generation=99), "unproven"),
}


@pytest.mark.parametrize(("found", "standing"), STANDINGS.values(), ids=STANDINGS.keys())
def test_what_a_proof_is_to_the_own_one(found: Proof | None, standing: Standing) -> None:
    if found is not None and found.vault == VAULT.id:
        assert proof.load(proof.dump(found)) == found, "its signatures hold"
    assert proof.compare(OWN, found) == standing
    assert proof.compare(None, found) == "unproven"


@pytest.mark.parametrize(("found", "standing"), STANDINGS.values(), ids=STANDINGS.keys())
def test_the_other_one_sees_it_the_other_way_round(found: Proof | None, standing: Standing) -> None:
    mirrored: dict[Standing, Standing] = {
        "newer": "older",
        "older": "newer",
        "newer key": "older key",
        "older key": "newer key",
    }
    assert proof.compare(found, OWN) == mirrored.get(standing, standing)


def test_the_key_that_follows_the_own_one_is_told() -> None:
    for found in (proof.sign(claim(after_own(NEXT)), NEXT), STANDINGS["two keys after"][0]):
        assert found is not None
        assert proof.successor(OWN, found) == proof.public_key(NEXT, VAULT.id)
    with pytest.raises(IndexError):
        proof.successor(OWN, OWN)


def test_a_later_key_outranks_an_earlier_one_whichever_device_holds_it() -> None:
    theirs = proof.sign(claim(after_own(NEXT), device="other"), NEXT)
    assert proof.outranks(theirs, OWN)
    assert not proof.outranks(OWN, theirs)
    assert not proof.outranks(OWN, OWN)
    assert not proof.outranks(by_last(device="other", generation=99), OWN)
    assert not proof.outranks(replace(theirs, vault="other"), OWN)
    branch = by_thief(proof.extend(CHAIN[:2], master_key(102), THIEF, VAULT.id, 99))
    assert not proof.outranks(branch, OWN)
    assert not proof.outranks(OWN, branch)


# --- a message without what nothing covers


def test_a_message_loses_what_no_proof_covers_and_nothing_else() -> None:
    published = sealed.write(GOOD.envelope.published)
    assert proof.bare(published) == published
    assert proof.bare(GOOD.raw) == published
    devices: list[object] = [None, 1, {"v": 2}, []]
    for device in devices:
        dressed = canonical.dump({**canonical.load(published), "x-device": device})
        assert proof.bare(b"\n" + dressed + b"\t ") == published


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"1",
        b'{"x-device": 1}',
        b'{"x-device":1,"x-device":1}',
        b'{"a":1}',
        b'["x-device"]',
        b'{"a":"x-device"}',
        b'"x-device"',
        b"x-device",
        b"[" * 100,
    ],
)
def test_what_has_no_door_or_is_spelled_in_another_way_stays_as_it_is(raw: bytes) -> None:
    assert proof.bare(raw) == raw


# --- in a sealed file


def resigned(one: Made, **claims: Any) -> bytes:
    """A file that its key's holder signs with other claims than its document makes."""
    assert one.envelope.proof is not None
    wrong = proof.sign(replace(one.envelope.proof, **claims), one.master)
    return sealed.write(replace(one.envelope, proof=wrong))


@pytest.mark.parametrize("claims", [{"generation": 5}, {"device": "other"}], ids=["generation", "device"])
def test_a_proof_that_says_something_else_than_its_document_is_damage_on_opening(
    claims: dict[str, Any],
) -> None:
    raw = resigned(GOOD, **claims)
    envelope = sealed.read(raw)
    assert envelope.proof == proof.read(raw) is not None
    with pytest.raises(VaultDamaged, match="its proof is another file's"):
        sealed.unseal(envelope, GOOD.master)


def test_a_proof_for_another_vault_or_by_another_key_is_damage_on_opening() -> None:
    for vault, master in ((replace(VAULT, id="other"), GOOD.master), (VAULT, THIEF)):
        wrong = sealed.sign(replace(GOOD.envelope, proof=None), vault, master)
        envelope = sealed.read(sealed.write(wrong))
        with pytest.raises(VaultDamaged, match="its proof is another file's"):
            sealed.unseal(envelope, GOOD.master)


def test_a_proof_of_another_file_or_epoch_is_damage_before_a_key_is_derived() -> None:
    other = signed(made(VAULT, with_device=True, nonce_seed=77))
    grafted = sealed.write(replace(GOOD.envelope, proof=other.envelope.proof))
    with pytest.raises(VaultDamaged, match="its proof is another file's"):
        sealed.read(grafted)
    late = sealed.sign(GOOD.envelope, VAULT, GOOD.master, proof.begin(GOOD.master, VAULT.id, 2))
    with pytest.raises(VaultDamaged, match="its proof is of another epoch"):
        sealed.read(sealed.write(late))


def test_signing_a_sealed_file_changes_nothing_but_the_proof() -> None:
    plain = made(VAULT, with_device=True)
    assert replace(GOOD.envelope, proof=None) == plain.envelope
    assert GOOD.envelope.head == plain.envelope.head
    file = canonical.load(GOOD.raw)
    del file["x-proof"]
    assert canonical.dump(file) == plain.raw


def test_signing_goes_on_with_the_chain_that_is_there_or_with_the_one_that_is_given() -> None:
    chain = rekeyed_chain(VAULT, 3, GOOD.master)
    third = signed(made(VAULT, epoch=3), chain)
    assert third.envelope.proof is not None
    assert third.envelope.proof.keys == chain
    again = signed(replace(third, vault=replace(VAULT, generation=9)))
    assert again.envelope.proof is not None
    assert again.envelope.proof.keys == chain
    assert again.envelope.proof.generation == 9
    begun = GOOD.envelope.proof
    assert begun is not None
    assert begun.keys == proof.begin(GOOD.master, VAULT.id, 1)


@pytest.mark.parametrize("later", [{"x-": 1}, {"x-a": None}, {"x-new": {"a": [1.5]}, "x-zz": "z"}])
def test_unknown_outer_names_are_kept_with_a_proof_and_are_damage_without(later: dict[str, Any]) -> None:
    envelope = replace(GOOD.envelope, proof=None, extra=later)
    with pytest.raises(VaultDamaged, match="not spelled"):
        sealed.read(sealed.write(envelope))
    kept = sealed.sign(envelope, VAULT, GOOD.master)
    raw = sealed.write(kept)
    assert sealed.read(raw) == kept
    assert sealed.read(raw).extra == later
    assert sealed.write(sealed.read(raw)) == raw
    assert sealed.unseal(sealed.read(raw), GOOD.master) == VAULT
    for name, value in later.items():
        without_it = {key: held for key, held in canonical.load(raw).items() if key != name}
        changed = {**canonical.load(raw), name: [value]}
        for file in (without_it, changed, {**canonical.load(raw), "x-other": 1}):
            with pytest.raises(VaultDamaged, match="its proof is another file's"):
                sealed.read(canonical.dump(file))


@pytest.mark.parametrize("name", ["new", "X-new", "y-new", "x_new", ""])
def test_other_unknown_outer_names_are_damage_also_with_a_proof(name: str) -> None:
    file = {**canonical.load(GOOD.raw), name: 1}
    unsigned = {key: value for key, value in file.items() if key != "x-proof"}
    assert GOOD.envelope.proof is not None
    holds = proof.sign(replace(GOOD.envelope.proof, file=proof.digest(unsigned)), GOOD.master)
    raw = canonical.dump({**unsigned, "x-proof": proof.dump(holds)})
    assert proof.read(raw) == holds
    with pytest.raises(VaultDamaged, match="not spelled"):
        sealed.read(raw)
