"""One fault a file, made from a good one, each with the class of failure that it must end in.

The faults of the envelope must be noticed by `read`, before any key is derived; those of the document by `unseal`.
"""

import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from appliance.errors import ApplianceError, VaultDamaged, VaultTooNew, WrongPassphrase
from appliance.vault import canonical, document, keys, proof, sealed
from appliance.vault.model import HISTORY, Replaced, Stamp, Vault
from tests.vault.builder import (
    MEMORY,
    PASSPHRASE,
    Made,
    inner,
    made,
    opened,
    padded,
    random_bytes,
    recovery_key,
    rekeyed_chain,
    sealed_plain,
    signed,
    slot,
    slots,
    small_vault,
)

Json = dict[str, Any]
Fault = Callable[[Json], object]

GOOD: Final = made(small_vault(), with_device=True)
SIGNED: Final = signed(
    made(small_vault(), epoch=3, with_device=True), rekeyed_chain(small_vault(), 3, GOOD.master)
)
BANK, DOOR, GAMES, GONE = (f"a0000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))


def put(*path: str | int) -> Callable[[object], Fault]:
    """Return a fault that puts a value in a place: `put("header", "slots", 0, "n")(3)`."""

    def with_value(value: object) -> Fault:
        def fault(root: Json) -> None:
            place: Any = root
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value

        return fault

    return with_value


def without(*path: str | int) -> Fault:
    def fault(root: Json) -> None:
        place: Any = root
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return fault


def changed(*path: str | int, by: Callable[[Any], object]) -> Fault:
    def fault(root: Json) -> None:
        place: Any = root
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = by(place[path[-1]])

    return fault


def only(**fields: object) -> Fault:
    def fault(root: Json) -> None:
        root.clear()
        root.update(fields)

    return fault


SLOT = ("header", "slots", 0)
UNREADABLE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "white space only": b" \n",
    "not JSON": b"otpauth://totp/a?secret=AA",
    "null": b"null",
    "a number": b"1",
    "a text": b'"db"',
    "an array": b"[]",
    "an empty object": b"{}",
    "not ASCII": GOOD.raw.replace(b'"version"', '"vërsion"'.encode()),
    "a byte order mark in front": b"\xef\xbb\xbf" + GOOD.raw,
    "a zero byte behind": GOOD.raw + b"\0",
    "a form feed behind": GOOD.raw + b"\f",
    "the file twice": GOOD.raw * 2,
    "white space inside": GOOD.raw.replace(b'"version":1', b'"version": 1'),
    "a duplicate key": GOOD.raw.replace(b'"version":1', b'"version":1,"version":1'),
    "keys in another order": b'{"version":1,' + GOOD.raw[1:].replace(b'"version":1,', b""),
    "NaN": GOOD.raw.replace(b'"version":1', b'"version":NaN'),
    "a lone surrogate": GOOD.raw.replace(b'"uuid":"11111111', b'"uuid":"\\ud8001111'),
    "a lone surrogate in upper case": GOOD.raw.replace(b'"uuid":"11111111', b'"uuid":"\\uD8001111'),
    "a needless escape": GOOD.raw.replace(b'"mode"', b'"\\u006dode"'),
    "deep nesting": b'{"db":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an integer of 5,000 digits": GOOD.raw.replace(b'"version":1', b'"version":' + b"1" * 5000),
    "8 MiB and one byte": GOOD.raw + b" " * (8 * 2**20 + 1 - len(GOOD.raw)),
}

ENVELOPE: Final[dict[str, tuple[Fault, type[ApplianceError]]]] = {
    "version 0": (put("version")(0), VaultDamaged),
    "version 2": (put("version")(2), VaultTooNew),
    "version 2, and nothing else": (only(version=2), VaultTooNew),
    "a version with a fraction": (put("version")(1.0), VaultDamaged),
    "a greater version with a fraction": (put("version")(2.0), VaultDamaged),
    "a version that is true": (put("version")(True), VaultDamaged),
    "a version that is text": (put("version")("2"), VaultDamaged),
    "no version": (without("version"), VaultDamaged),
    "no db": (without("db"), VaultDamaged),
    "a db that is null": (put("db")(None), VaultDamaged),
    "a db that is an array": (put("db")([]), VaultDamaged),
    "a db that is not base64": (put("db")("!!!!"), VaultDamaged),
    "a db of two lines": (changed("db", by=lambda db: db[:76] + "\n" + db[76:]), VaultDamaged),
    "a db without its padding": (changed("db", by=lambda db: db.rstrip("=") + "A"), VaultDamaged),
    "a db in base64url": (changed("db", by=lambda db: db.replace("/", "_")), VaultDamaged),
    "a db with dangling bits": (put("db")("AB=="), VaultDamaged),
    "no header": (without("header"), VaultDamaged),
    "a header that is null": (put("header")(None), VaultDamaged),
    "a header that is an array": (put("header")([]), VaultDamaged),
    "an unencrypted Aegis file": (put("header")({"slots": None, "params": None}), VaultDamaged),
    "an unknown field of the header": (put("header", "x")(1), VaultDamaged),
    "an unknown field of the file": (put("x-new")(1), VaultDamaged),
    "no nonce": (without("header", "params", "nonce"), VaultDamaged),
    "a short nonce": (changed("header", "params", "nonce", by=lambda text: text[2:]), VaultDamaged),
    "a long nonce": (changed("header", "params", "nonce", by=lambda text: text + "00"), VaultDamaged),
    "a nonce in upper case": (changed("header", "params", "nonce", by=str.upper), VaultDamaged),
    "a nonce with spaces": (changed("header", "params", "nonce", by=lambda text: "  " + text), VaultDamaged),
    "a nonce that is not hexadecimal": (
        changed("header", "params", "nonce", by=lambda t: "g" + t[1:]),
        VaultDamaged,
    ),
    "a nonce that is a number": (put("header", "params", "nonce")(1), VaultDamaged),
    "a short tag": (changed("header", "params", "tag", by=lambda text: text[:8]), VaultDamaged),
    "an empty tag": (put("header", "params", "tag")(""), VaultDamaged),
    "no slots": (put("header", "slots")([]), VaultDamaged),
    "slots that are null": (put("header", "slots")(None), VaultDamaged),
    "slots that are text": (put("header", "slots")("ab"), VaultDamaged),
    "slots that are an object": (put("header", "slots")({"a": {}, "b": {}}), VaultDamaged),
    "one slot": (changed("header", "slots", by=lambda slots: slots[:1]), VaultDamaged),
    "three slots": (changed("header", "slots", by=lambda slots: [*slots, slots[0]]), VaultDamaged),
    "nine slots": (changed("header", "slots", by=lambda slots: slots[:1] * 9), VaultDamaged),
    "a slot that is null": (put(*SLOT)(None), VaultDamaged),
    "a slot of another type": (put(*SLOT, "type")(2), VaultDamaged),
    "a slot that is a backup": (put(*SLOT, "is_backup")(True), VaultDamaged),
    "a slot that needs repair": (put(*SLOT, "repaired")(False), VaultDamaged),
    "a slot with an unknown field": (put(*SLOT, "x")(1), VaultDamaged),
    "a slot without an id": (without(*SLOT, "uuid"), VaultDamaged),
    "a slot whose id is a number": (put(*SLOT, "uuid")(1), VaultDamaged),
    "N that is not a power of two": (put(*SLOT, "n")(1025), VaultDamaged),
    "N of 512": (put(*SLOT, "n")(2**9), VaultDamaged),
    "N of 2^19": (put(*SLOT, "n")(2**19), VaultDamaged),
    "N of 2^62": (put(*SLOT, "n")(2**62), VaultDamaged),
    "N that is negative": (put(*SLOT, "n")(-1024), VaultDamaged),
    "N that is zero": (put(*SLOT, "n")(0), VaultDamaged),
    "N with a fraction": (put(*SLOT, "n")(1024.0), VaultDamaged),
    "N that is text": (put(*SLOT, "n")("1024"), VaultDamaged),
    "N that is null": (put(*SLOT, "n")(None), VaultDamaged),
    "N that is an array": (put(*SLOT, "n")([1024]), VaultDamaged),
    "p of 0": (put(*SLOT, "p")(0), VaultDamaged),
    "p of 5": (put(*SLOT, "p")(5), VaultDamaged),
    "p that is true": (put(*SLOT, "p")(True), VaultDamaged),
    "p with a fraction": (put(*SLOT, "p")(1.0), VaultDamaged),
    "r of 1": (put(*SLOT, "r")(1), VaultDamaged),
    "r of 16": (put(*SLOT, "r")(16), VaultDamaged),
    "r with a fraction": (put(*SLOT, "r")(8.0), VaultDamaged),
    "a short salt": (changed(*SLOT, "salt", by=lambda text: text[2:]), VaultDamaged),
    "a long key": (changed(*SLOT, "key", by=lambda text: text + "00"), VaultDamaged),
    "a key nonce of 16 bytes": (put(*SLOT, "key_params", "nonce")("00" * 16), VaultDamaged),
    "no key parameters": (without(*SLOT, "key_params"), VaultDamaged),
    "epoch 0": (put("x-epoch")(0), VaultDamaged),
    "a negative epoch": (put("x-epoch")(-1), VaultDamaged),
    "an epoch that is true": (put("x-epoch")(True), VaultDamaged),
    "an epoch with a fraction": (put("x-epoch")(1.0), VaultDamaged),
    "an epoch of 2^53": (put("x-epoch")(2**53), VaultDamaged),
    "no epoch": (without("x-epoch"), VaultDamaged),
    "a device wrap that is null": (put("x-device")(None), VaultDamaged),
    "a device wrap of version 2": (put("x-device", "v")(2), VaultTooNew),
    "a device wrap of version 0": (put("x-device", "v")(0), VaultDamaged),
    "a device wrap of version true": (put("x-device", "v")(True), VaultDamaged),
    "a device wrap without a version": (without("x-device", "v"), VaultDamaged),
    "a device wrap of an unknown mode": (put("x-device", "mode")("tpm"), VaultDamaged),
    "a device wrap without a mode": (without("x-device", "mode"), VaultDamaged),
    "a credential with a cost": (put("x-device", "n")(2**16), VaultDamaged),
    "a PIN without a cost": (put("x-device", "mode")("pin"), VaultDamaged),
    "a device wrap with an unknown field": (put("x-device", "x")(1), VaultDamaged),
    "a device salt of 31 bytes": (changed("x-device", "salt", by=lambda text: text[2:]), VaultDamaged),
    "a device key of 31 bytes": (changed("x-device", "wrap", "key", by=lambda text: text[2:]), VaultDamaged),
}

OURS = ("x-appliance",)
META = (*OURS, "meta", BANK)
TRASH = (*OURS, "trash", GONE)
DOCUMENT: Final[dict[str, tuple[Fault, type[ApplianceError]]]] = {
    "database version 4": (put("version")(4), VaultTooNew),
    "database version 4, and nothing else": (
        only(version=4),
        VaultTooNew,
    ),
    "database version 2": (put("version")(2), VaultDamaged),
    "a database version with a fraction": (put("version")(4.0), VaultDamaged),
    "metadata of version 2": (put(*OURS, "v")(2), VaultTooNew),
    "metadata of version 2, and nothing else": (put(*OURS)({"v": 2}), VaultTooNew),
    "metadata of version 0": (put(*OURS, "v")(0), VaultDamaged),
    "metadata of version true": (put(*OURS, "v")(True), VaultDamaged),
    "no metadata, as Aegis writes it": (without(*OURS), VaultDamaged),
    "metadata that is null": (put(*OURS)(None), VaultDamaged),
    "another head": (put(*OURS, "head")("0" * 64), VaultDamaged),
    "no head": (without(*OURS, "head"), VaultDamaged),
    "a head that is null": (put(*OURS, "head")(None), VaultDamaged),
    "no entries": (without("entries"), VaultDamaged),
    "entries that are an object": (put("entries")({}), VaultDamaged),
    "entries out of order": (changed("entries", by=lambda entries: entries[::-1]), VaultDamaged),
    "an entry twice": (changed("entries", by=lambda entries: [entries[0], *entries]), VaultDamaged),
    "an entry without metadata": (without(*META), VaultDamaged),
    "metadata without an entry": (changed("entries", by=lambda entries: entries[1:]), VaultDamaged),
    "an entry that is null": (put("entries", 0)(None), VaultDamaged),
    "an entry of an unknown type": (put("entries", 0, "type")("motp"), VaultDamaged),
    "an entry whose type is null": (put("entries", 0, "type")(None), VaultDamaged),
    "an entry without a type": (without("entries", 0, "type"), VaultDamaged),
    "an entry with an icon": (put("entries", 0, "icon")("AA=="), VaultDamaged),
    "an entry without an icon field": (without("entries", 0, "icon"), VaultDamaged),
    "an entry whose name is null": (put("entries", 0, "name")(None), VaultDamaged),
    "an entry without an issuer": (without("entries", 0, "issuer"), VaultDamaged),
    "an entry whose favorite is 1": (put("entries", 0, "favorite")(1), VaultDamaged),
    "an entry whose note is a number": (put("entries", 0, "note")(1), VaultDamaged),
    "an entry in a group that is not there": (put("entries", 0, "groups")(["nowhere"]), VaultDamaged),
    "an entry in the group null": (put("entries", 0, "groups")([None]), VaultDamaged),
    "an entry without its info": (without("entries", 0, "info"), VaultDamaged),
    "a secret that is empty": (put("entries", 0, "info", "secret")(""), VaultDamaged),
    "a secret in lower case": (changed("entries", 0, "info", "secret", by=str.lower), VaultDamaged),
    "a secret with padding": (put("entries", 0, "info", "secret")("MZXW6YTBOI======"), VaultDamaged),
    "a secret with dangling bits": (put("entries", 0, "info", "secret")("MZ7"), VaultDamaged),
    "a secret that is not base32": (put("entries", 0, "info", "secret")("01890189"), VaultDamaged),
    "a secret that is null": (put("entries", 0, "info", "secret")(None), VaultDamaged),
    "an unknown hash": (put("entries", 0, "info", "algo")("MD5"), VaultDamaged),
    "a hash in lower case": (put("entries", 0, "info", "algo")("sha1"), VaultDamaged),
    "3 digits": (put("entries", 0, "info", "digits")(3), VaultDamaged),
    "11 digits": (put("entries", 0, "info", "digits")(11), VaultDamaged),
    "digits with a fraction": (put("entries", 0, "info", "digits")(6.0), VaultDamaged),
    "digits that are text": (put("entries", 0, "info", "digits")("6"), VaultDamaged),
    "6 digits of Steam": (put("entries", 2, "info", "digits")(6), VaultDamaged),
    "a period of 0": (put("entries", 0, "info", "period")(0), VaultDamaged),
    "a period of more than a day": (put("entries", 0, "info", "period")(86_401), VaultDamaged),
    "a period that is true": (put("entries", 0, "info", "period")(True), VaultDamaged),
    "no period": (without("entries", 0, "info", "period"), VaultDamaged),
    "a HOTP entry without a counter": (without("entries", 1, "info", "counter"), VaultDamaged),
    "a counter that differs from its metadata": (put("entries", 1, "info", "counter")(40), VaultDamaged),
    "a counter of 2^31": (put(*OURS, "meta", BANK, "counter")(2**31), VaultDamaged),
    "a negative counter": (put(*META, "counter")(-1), VaultDamaged),
    "a counter that is true": (put(*META, "counter")(True), VaultDamaged),
    "a position in upper case": (put(*META, "position")("0001A"), VaultDamaged),
    "a position that is a number": (put(*META, "position")(1), VaultDamaged),
    "no position": (without(*META, "position"), VaultDamaged),
    "a stamp of two parts": (put(*META, "stamp")([1, 2]), VaultDamaged),
    "a stamp of four parts": (put(*META, "stamp")([1, 2, "d", 3]), VaultDamaged),
    "a stamp that is text": (put(*META, "stamp")("abc"), VaultDamaged),
    "a stamp before 1970": (put(*META, "stamp")([-1, 0, "d"]), VaultDamaged),
    "a stamp of 2^53 ms": (put(*META, "stamp")([2**53, 0, "d"]), VaultDamaged),
    "a stamp with a fraction": (put(*META, "position_stamp")([1.5, 0, "d"]), VaultDamaged),
    "a stamp of no device": (put(*META, "stamp")([1, 0, None]), VaultDamaged),
    "no stamp": (without(*META, "stamp"), VaultDamaged),
    "a history that is too long": (
        changed(*META, "history", by=lambda old: old * (HISTORY + 1)),
        VaultDamaged,
    ),
    "a history that is null": (put(*META, "history")(None), VaultDamaged),
    "an old secret in lower case": (changed(*META, "history", 0, "secret", by=str.lower), VaultDamaged),
    "an old secret without a counter": (without(*META, "history", 0, "counter"), VaultDamaged),
    "an entry in the trash under another id": (put(*OURS, "trash", GONE, "entry", "uuid")("u"), VaultDamaged),
    "trash without an entry": (without(*TRASH, "entry"), VaultDamaged),
    "trash without a tombstone": (without(*OURS, "tombstones", GONE), VaultDamaged),
    "an account that is alive and in the trash": (
        lambda root: (
            put(*OURS, "trash", BANK)(
                {**root["x-appliance"]["meta"][BANK], "entry": root["entries"][0]},
            )(root),
            put(*OURS, "tombstones", BANK)([1, 1, "d"])(root),
        ),
        VaultDamaged,
    ),
    "tombstones that are an array": (put(*OURS, "tombstones")([]), VaultDamaged),
    "a group twice": (changed("groups", by=lambda groups: groups * 2), VaultDamaged),
    "a group without a name": (without("groups", 0, "name"), VaultDamaged),
    "a group that is text": (put("groups", 0)("Work"), VaultDamaged),
    "a generation that is negative": (put(*OURS, "gen")(-1), VaultDamaged),
    "a generation that is true": (put(*OURS, "gen")(True), VaultDamaged),
    "a date with a fraction": (put(*OURS, "saved")(1.5), VaultDamaged),
    "a day of one part": (put(*OURS, "day")([1]), VaultDamaged),
    "a day of three parts": (put(*OURS, "day")([1, 2, 3]), VaultDamaged),
    "the eighth history topic": (put(*OURS, "day")([1, 7]), VaultDamaged),
    "a history topic that is true": (put(*OURS, "day")([1, True]), VaultDamaged),
    "a seen generation that is text": (put(*OURS, "seen")({"d": "1"}), VaultDamaged),
    "removed devices out of order": (put(*OURS, "removed")(["b", "a"]), VaultDamaged),
    "a removed device twice": (put(*OURS, "removed")(["a", "a"]), VaultDamaged),
    "a need that is a number": (put(*OURS, "need")([1]), VaultDamaged),
    "no needs": (without(*OURS, "need"), VaultDamaged),
    "no vault id": (without(*OURS, "vault"), VaultDamaged),
    "icons that are not optimised": (put("icons_optimized")(False), VaultDamaged),
    "an infinite number": (put("new")("INFINITE"), VaultDamaged),
}

PLAIN: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no JSON": b"\x00" * 64,
    "null": b"null",
    "an array": b"[]",
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "65 levels in an unknown field": padded({**inner(GOOD.vault, GOOD.envelope.head), "new": "DEEP"}).replace(
        b'"DEEP"', b"[" * 64 + b"]" * 64
    ),
    "no padding": canonical.dump({**inner(GOOD.vault, GOOD.envelope.head), "x-pad": ""}),
    "padding of other characters": padded(inner(GOOD.vault, GOOD.envelope.head)).replace(b"...", b"   "),
    "padding of one block more": padded(inner(GOOD.vault, GOOD.envelope.head)).replace(
        b'"x-pad":"', b'"x-pad":"' + b"." * document.BLOCK
    ),
    "a duplicate key": padded(inner(GOOD.vault, GOOD.envelope.head)).replace(b'"gen":4', b'"gen":4,"gen":4'),
}


def envelope_with(fault: Fault) -> bytes:
    root: Json = canonical.load(GOOD.raw)
    fault(root)
    return canonical.dump(root)


def document_with(fault: Fault) -> bytes:
    root = inner(GOOD.vault, GOOD.envelope.head)
    fault(root)
    return sealed_plain(GOOD, padded(root).replace(b'"INFINITE"', b"1e999"))


def check_told(error: ApplianceError) -> None:
    """The words are ours, not Python's, and hold nothing of the contents."""
    told = "".join((*traceback.format_exception(error), error.what, error.why, error.hint, repr(error)))
    for foreign in ("unpack", "fromhex", "argument", "NoneType", "object", "base-16", "characters ("):
        assert foreign not in f"{error.what} {error.why} {error.hint}"
    assert not any(secret in told for secret in secrets_of(GOOD))


def secrets_of(one: Made) -> tuple[str, ...]:
    held = [*one.vault.records.values(), *one.vault.trash.values()]
    seeds = [record.account.secret for record in held]
    seeds += [old.secret for record in held for old in record.history]
    seeds += [one.master, *(slot.key for slot in one.envelope.slots)]
    shown = [form for seed in seeds for form in (seed.hex(), repr(seed)[2:-1], seed.decode("latin-1"))]
    entries = inner(one.vault)["entries"]
    return (*shown, *(entry["info"]["secret"] for entry in entries), "Mr Smith", PASSPHRASE, recovery_key())


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_file_of_ours_is_damaged(raw: bytes) -> None:
    with pytest.raises(VaultDamaged) as caught:
        sealed.read(raw)
    check_told(caught.value)


@pytest.mark.parametrize(("fault", "failure"), ENVELOPE.values(), ids=ENVELOPE.keys())
def test_a_fault_of_the_envelope_is_noticed_before_a_key_is_derived(
    fault: Fault, failure: type[ApplianceError]
) -> None:
    raw = envelope_with(fault)
    assert raw != GOOD.raw
    with pytest.raises(failure) as caught:
        sealed.read(raw)
    assert type(caught.value) is failure
    check_told(caught.value)


def signed_with(fault: Fault) -> bytes:
    """A file with a fault that its key's holder signs all the same."""
    root: Json = canonical.load(SIGNED.raw)
    fault(root)
    if "x-proof" in root:
        claimed = replace(SIGNED.proof, file=proof.digest(root))
        root["x-proof"] = proof.dump(proof.sign(claimed, SIGNED.master))
    return canonical.dump(root)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [known for name, known in ENVELOPE.items() if name != "an unknown field of the file"],
    ids=[name for name in ENVELOPE if name != "an unknown field of the file"],
)
def test_a_fault_of_the_envelope_is_noticed_whoever_signs_it(
    fault: Fault, failure: type[ApplianceError]
) -> None:
    raw = signed_with(fault)
    assert raw != SIGNED.raw
    with pytest.raises(failure) as caught:
        sealed.read(raw)
    assert type(caught.value) is failure
    check_told(caught.value)


def test_an_unknown_field_beside_the_proof_that_covers_it_is_no_fault() -> None:
    raw = signed_with(put("x-new")(1))
    assert sealed.read(raw).extra == {"x-new": 1}
    assert opened(raw) == SIGNED.vault
    assert signed_with(lambda root: None) == SIGNED.raw


@pytest.mark.parametrize(("fault", "failure"), DOCUMENT.values(), ids=DOCUMENT.keys())
def test_a_fault_of_the_document_is_noticed(fault: Fault, failure: type[ApplianceError]) -> None:
    with pytest.raises(failure) as caught:
        opened(document_with(fault))
    assert type(caught.value) is failure
    check_told(caught.value)


@pytest.mark.parametrize(
    ("name", "why"),
    {
        "another head": "its header was exchanged",
        "an entry without metadata": "an entry has no metadata",
        "metadata without an entry": "a part is missing or of another kind",
        "an entry with an icon": "an entry has an icon",
        "a counter that differs from its metadata": "a counter stands there twice and differs",
        "a stamp of four parts": "a stamp does not have three parts",
        "a day of three parts": "a day does not have two parts",
        "entries out of order": "it is not spelled as this program spells it",
    }.items(),
)
def test_damage_of_the_document_is_explained(name: str, why: str) -> None:
    with pytest.raises(VaultDamaged) as caught:
        opened(document_with(DOCUMENT[name][0]))
    assert caught.value.why == f"it is damaged ({why})"


@pytest.mark.parametrize(
    ("name", "why"),
    {
        "three slots": "it does not have two key slots",
        "a slot whose id is a number": "a slot has no id",
        "a nonce that is not hexadecimal": "a field has the wrong length or is not hexadecimal",
        "a db that is not base64": "its contents are not base64",
        "epoch 0": "its epoch is less than one",
        "r of 16": "it is not spelled as this program spells it",
        "no db": "a part is missing or of another kind",
    }.items(),
)
def test_damage_of_the_envelope_is_explained(name: str, why: str) -> None:
    with pytest.raises(VaultDamaged) as caught:
        sealed.read(envelope_with(ENVELOPE[name][0]))
    assert caught.value.why == f"it is damaged ({why})"


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN.keys())
def test_a_plaintext_that_is_no_document_is_damaged(plain: bytes) -> None:
    with pytest.raises(VaultDamaged) as caught:
        opened(sealed_plain(GOOD, plain))
    check_told(caught.value)


def test_the_file_without_a_fault_opens() -> None:
    """Otherwise the faults above would prove nothing."""
    assert opened(envelope_with(lambda root: None)) == GOOD.vault
    assert opened(document_with(lambda root: None)) == GOOD.vault
    assert opened(sealed_plain(GOOD, padded(inner(GOOD.vault, GOOD.envelope.head)))) == GOOD.vault


def extremes() -> Vault:
    """Every parameter at an end of what it may be."""
    vault = small_vault()
    bank, door, games = vault.ordered
    stamp = Stamp(2**53 - 1, 2**53 - 1, "\U0001f600")
    texts: Json = {"issuer": '\x00\x7f\u2028"\\/', "name": "\U0001f600" * 200, "note": "\r\n\t" * 500}
    history = tuple(Replaced(bytes([at]), Stamp(0, at, ""), 2**31 - 1) for at in range(HISTORY, 0, -1))
    return replace(
        vault,
        generation=2**53 - 1,
        saved_at=2**53 - 1,
        day=(2**53 - 1, 6),
        seen={"": 2**53 - 1},
        records={
            BANK: replace(
                bank,
                account=replace(
                    bank.account, secret=bytes(300), algorithm="SHA512", digits=10, period=86_400, **texts
                ),
                stamp=stamp,
                history=history,
                position="",
            ),
            DOOR: replace(
                door,
                account=replace(door.account, secret=b"\xff", digits=4),
                counter=2**31 - 1,
                position="z" * 50,
            ),
            GAMES: replace(games, account=replace(games.account, issuer="", name="")),
        },
    )


def many() -> Vault:
    """As many accounts as hardly anybody has."""
    vault, record = small_vault(), small_vault().records[BANK]
    uuids = [f"a0000000-0000-4000-8000-{number:012x}" for number in range(1000)]
    accounts = {uuid: replace(record.account, uuid=uuid, name=uuid) for uuid in uuids}
    return replace(
        vault,
        records={uuid: replace(record, account=account) for uuid, account in accounts.items()},
        trash={},
        tombstones={},
    )


def with_other_costs() -> Made:
    """Slots whose costs are others than those of every writer so far."""
    pair = (
        slot(GOOD.master, PASSPHRASE, "11111111-0000-4000-8000-0000000000aa", 50, n=2**12, p=4),
        slot(GOOD.master, recovery_key(), "22222222-0000-4000-8000-0000000000aa", 51, n=2**11, p=2),
    )
    envelope = sealed.seal(GOOD.vault, GOOD.master, pair, 1, None, random_bytes(52))
    return replace(GOOD, envelope=envelope, raw=sealed.write(envelope))


def with_later_names() -> Made:
    """As a release after this one may write it."""
    later = {"x-": None, "x-new": {"b": [1, 2.5], "a": "\u20ac"}, "x-zz": "z"}
    return signed(replace(GOOD, envelope=replace(GOOD.envelope, extra=later)))


VALID: Final[dict[str, Made]] = {
    "signed": signed(GOOD),
    "signed and published": signed(made(small_vault())),
    "signed under the third key": SIGNED,
    "signed under the 64th key": signed(
        made(small_vault(), epoch=64), rekeyed_chain(small_vault(), 64, GOOD.master)
    ),
    "signed under the 200th key": signed(
        made(small_vault(), epoch=200), rekeyed_chain(small_vault(), 200, GOOD.master)
    ),
    "signed, with unknown names beside the proof": with_later_names(),
    "signed, all at its ends": signed(made(extremes(), epoch=2**53 - 1)),
    "signed, with ids of any text": signed(made(replace(small_vault(), id='\u20ac\0"', device="\U0001f600"))),
    "extremes": made(extremes()),
    "1000 accounts": made(many()),
    "other costs": with_other_costs(),
    "small": GOOD,
    "published": made(small_vault()),
    "empty": made(Vault("v", "d", "", 0, 0)),
    "the highest epoch": made(small_vault(), epoch=2**53 - 1),
    "needs what is not known": made(replace(small_vault(), need=frozenset({"icons"}))),
    "two blocks": made(replace(small_vault(), root_extra={"new": "x" * document.BLOCK})),
    "the deepest nesting": made(
        replace(small_vault(), root_extra={"new": canonical.load(b"[" * 63 + b"]" * 63)})
    ),
    "every N and p": replace(
        GOOD,
        raw=sealed.write(
            replace(
                GOOD.envelope,
                slots=(
                    replace(GOOD.envelope.slots[0], n=2**18, p=4),
                    replace(GOOD.envelope.slots[1], n=2**10),
                ),
            )
        ),
    ),
    "a PIN": replace(
        GOOD,
        raw=sealed.write(
            replace(
                GOOD.envelope,
                device=keys.DeviceWrap("pin", bytes(32), 2**16, bytes(12), bytes(16), bytes(32)),
            )
        ),
    ),
}


@pytest.mark.parametrize("valid", VALID.values(), ids=VALID.keys())
@pytest.mark.parametrize("around", [(b"", b""), (b"\xc2\xa0"[:0], b"\n"), (b" \t\r\n", b"\r\n \t")])
def test_a_valid_file_is_read_and_written_byte_for_byte(valid: Made, around: tuple[bytes, bytes]) -> None:
    before, behind = around
    assert sealed.write(sealed.read(before + valid.raw + behind)) == valid.raw


@pytest.mark.parametrize("name", [name for name in VALID if name != "every N and p"])
def test_a_valid_file_opens_and_is_sealed_again_byte_for_byte(name: str) -> None:
    valid = VALID[name]
    envelope = sealed.read(valid.raw)
    vault = opened(valid.raw)
    assert vault == valid.vault
    again = sealed.seal(
        vault, valid.master, envelope.slots, envelope.epoch, envelope.device, lambda _size: envelope.nonce
    )
    if envelope.proof is not None:
        again = sealed.sign(replace(again, extra=envelope.extra), vault, valid.master, envelope.proof.keys)
    assert sealed.write(again) == valid.raw
    assert proof.read(valid.raw) == envelope.proof


def test_8_mib_are_read() -> None:
    raw = GOOD.raw + b" " * (8 * 2**20 - len(GOOD.raw))
    assert sealed.read(raw) == GOOD.envelope


def test_an_unknown_need_can_be_shown_and_is_told_to_writers() -> None:
    assert document.unknown_needs(opened(VALID["needs what is not known"].raw)) == {"icons"}
    assert not document.unknown_needs(GOOD.vault)


def test_a_wrong_passphrase_is_not_damage_and_not_told() -> None:
    for entered in ("a wrong one, never told", recovery_key(55)):
        with pytest.raises(WrongPassphrase) as caught:
            opened(GOOD.raw, entered)
        check_told(caught.value)
        assert entered not in "".join(traceback.format_exception(caught.value))


def test_a_slot_with_another_cost_is_a_wrong_passphrase_for_it_and_damage_for_the_other() -> None:
    raw = envelope_with(put(*SLOT, "n")(2**11))
    with pytest.raises(WrongPassphrase):
        opened(raw)
    with pytest.raises(VaultDamaged):
        opened(raw, recovery_key())


def test_an_old_slot_of_the_same_master_key_grafted_onto_a_file_does_not_open_it() -> None:
    old = slots(GOOD.master, "the passphrase of last year", 40)
    raw = sealed.write(replace(GOOD.envelope, slots=old))
    assert (
        keys.unwrap_any(sealed.read(raw).slots, "the passphrase of last year", memory_limit=MEMORY)
        == GOOD.master
    )
    with pytest.raises(VaultDamaged, match="its header was exchanged"):
        opened(raw, "the passphrase of last year")


def test_slots_in_another_order_are_damage() -> None:
    raw = envelope_with(changed("header", "slots", by=lambda slots: slots[::-1]))
    with pytest.raises(VaultDamaged, match="its header was exchanged"):
        sealed.unseal(sealed.read(raw), GOOD.master)


def test_the_key_of_another_vault_is_damage() -> None:
    with pytest.raises(VaultDamaged, match="its contents were changed"):
        sealed.unseal(GOOD.envelope, random_bytes(99)(32))
