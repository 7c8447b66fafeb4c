"""KeePass databases: keys, limits, what of them is taken, and what is said when they do not open."""

import base64
import hashlib
import struct
import sys
from dataclasses import replace
from typing import Literal

import pytest
from argon2.low_level import Type, hash_secret_raw

from appliance.errors import CannotRead, FileDamaged, PasswordMissing, WrongPassphrase
from appliance.transfer import cipher
from appliance.transfer.formats import keepass
from appliance.transfer.found import Reading
from tests.transfer import databases
from tests.transfer.databases import (
    ARGON2D,
    ARGON2ID,
    SALT,
    SIGNATURE,
    TWOFISH_CIPHER,
    aes_kdf,
    aes_transformed,
    argon2,
    composite,
    document,
    entry,
    group,
    header4,
    kdbx3,
    kdbx4,
)
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import SECRET, totp
from tests.transfer.samples.keepass import ACCOUNTS, PLAIN, WITH_PASSWORD

ENTRY = entry({"Title": "Example", "UserName": "alice", "otp": SECRET})
ONE = document(group("Root", ENTRY))
OPENED = (totp("Example", "alice"),)


def sealed(xml: bytes, key: bytes = composite("pass")) -> bytes:
    """Return a database of KDBX 4 with the cheapest derivation."""
    return kdbx4(xml, aes_transformed(key, 10), aes_kdf())


def opened(content: str, password: str = "pass") -> Reading:
    return read(sealed(document(group("Root", content))), password=password)


def header_only(derivation: bytes) -> bytes:
    """Return a file that is whole, as far as its header goes."""
    header = header4(derivation)
    return header + hashlib.sha256(header).digest() + bytes(32 + 36)


def test_groups_are_named_with_those_they_are_in_but_for_the_outermost() -> None:
    reading = read(WITH_PASSWORD, password="pass")
    assert [found.group_names for found in reading.found] == [(), (), ("Work/Mail",), ("Work/Mail",)]


def test_history_recycle_bin_notes_and_icons_are_left_and_told() -> None:
    reading = read(WITH_PASSWORD, password="pass")
    assert essences(reading) == ACCOUNTS
    assert [found.account.note for found in reading.found] == [""] * 4
    assert reading.warnings == (
        "2 entries in the recycle bin are left out",
        "the notes of 1 entries are not kept, as a password manager's notes are private",
        "1 icons are not kept",
    )


def test_a_database_without_a_recycle_bin_loses_nothing() -> None:
    reading = opened(ENTRY + group("Recycle Bin", ENTRY, "R2"))
    assert len(reading.found) == 2
    assert reading.warnings == ()


def test_a_name_of_a_group_that_is_endless_is_cut() -> None:
    reading = opened(group("n" * 5000, group("m", ENTRY)))
    assert reading.found[0].group_names == ("n" * 200,)


def test_strange_structure_costs_only_what_is_strange() -> None:
    strange = "<Entry/><Entry><String/><String><Key>otp</Key></String></Entry><Group/><Group><Name/></Group>"
    assert essences(opened(strange + ENTRY)) == OPENED


KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("key_file", "key"),
    [
        (KEY, KEY),
        (KEY.hex().encode(), KEY),
        (b"z" * 64, hashlib.sha256(b"z" * 64).digest()),
        (b"anything", hashlib.sha256(b"anything").digest()),
        (b"<other/>", hashlib.sha256(b"<other/>").digest()),
        (
            b"<KeyFile><Meta><Version>1.00</Version></Meta><Key><Data>%s</Data></Key></KeyFile>"
            % base64.b64encode(KEY),
            KEY,
        ),
        (
            b"<?xml version='1.0' encoding='utf-8'?>\n<KeyFile><Meta><Version>2.0</Version></Meta><Key>"
            b"<Data Hash='%s'>\n %s\n %s\n</Data></Key></KeyFile>"
            % (
                hashlib.sha256(KEY).hexdigest()[:8].upper().encode(),
                KEY[:16].hex(" ").encode(),
                KEY[16:].hex().upper().encode(),
            ),
            KEY,
        ),
    ],
)
def test_a_key_file_of_each_kind_opens_a_database_alone_or_with_a_password(
    key_file: bytes, key: bytes
) -> None:
    alone = sealed(ONE, composite(None, key))
    both = sealed(ONE, composite("pass", key))
    assert essences(read(alone, key_file=key_file)) == OPENED
    assert essences(read(alone, key_file=key_file, password="")) == OPENED
    assert essences(read(both, key_file=key_file, password="pass")) == OPENED


def test_an_empty_password_with_a_key_file_may_also_be_one() -> None:
    assert essences(read(sealed(ONE, composite("", KEY)), key_file=KEY, password="")) == OPENED


@pytest.mark.parametrize("data", ["<Data>?</Data>", "<Data Hash='00000000'>00</Data>", "<Data/>", ""])
def test_a_damaged_key_file_is_told_from_a_wrong_one(data: str) -> None:
    key_file = f"<KeyFile><Meta><Version>2.0</Version></Meta><Key>{data}</Key></KeyFile>".encode()
    with pytest.raises(FileDamaged, match="KeePass key file"):
        read(sealed(ONE), key_file=key_file, password="pass")


def test_what_is_missing_or_wrong_is_told() -> None:
    both = sealed(ONE, composite("pass", KEY))
    with pytest.raises(PasswordMissing):
        read(both)
    with pytest.raises(PasswordMissing):
        read(both, key_file=KEY)
    with pytest.raises(WrongPassphrase, match="wrong password, or its key file is missing"):
        read(both, password="pass")
    with pytest.raises(WrongPassphrase, match="wrong password or key file"):
        read(both, password="pass", key_file=b"other")


def test_only_kdbx_3_cannot_tell_a_wrong_password_from_damage() -> None:
    with pytest.raises(WrongPassphrase) as caught:
        read(sealed(ONE), password="other")
    assert "damaged" not in str(caught.value)
    with pytest.raises(WrongPassphrase, match="or the file is damaged"):
        read(kdbx3(ONE, "pass"), password="other")


@pytest.mark.parametrize(
    "derivation",
    [
        argon2(memory=256 << 20),
        argon2(memory=128 << 20, passes=25),
        argon2(passes=1 << 63),
        argon2(passes=0),
        argon2(lanes=2**32 - 1),
        argon2(memory=64 << 20, lanes=65),
        argon2(version=1),
        aes_kdf(cipher.AES_ROUNDS + 1),
    ],
)
def test_a_derivation_that_asks_for_too_much_is_refused_before_it_begins(derivation: bytes) -> None:
    with pytest.raises(CannotRead, match="its encryption asks for"):
        read(header_only(derivation), password="pass")


def test_the_refusal_names_the_numbers() -> None:
    with pytest.raises(CannotRead, match="256 MiB in 1 passes, and at most 128 MiB"):
        read(header_only(argon2(memory=256 << 20)), password="pass")
    with pytest.raises(CannotRead, match="3200 MiB of work in 25 passes, and at most 3072 MiB"):
        read(header_only(argon2(memory=128 << 20, passes=25)), password="pass")


def test_the_memory_for_a_key_is_asked_for_before_it_is_taken() -> None:
    asked: list[int] = []
    limited = replace(means("pass"), memory_limit=0, more_memory=asked.append)
    for memory in (64 << 20, 1 << 40):
        with pytest.raises(CannotRead):
            keepass.read(contents(header_only(argon2(memory=memory))), limited)
    assert asked == [64 << 20, cipher.ARGON2_LIMIT]


def test_memory_that_is_not_there_is_not_taken() -> None:
    with pytest.raises(CannotRead, match="needs 64 MiB of memory"):
        read(header_only(argon2(memory=64 << 20)), password="pass", memory_limit=1 << 20)


@pytest.mark.parametrize("rounds", [0, 1, 4095, 4096, 4097, 10_000])
def test_the_older_derivation_is_that_of_one_round_after_the_other(rounds: int) -> None:
    derived = cipher.aes_rounds("test", SALT, KEY, rounds)
    assert hashlib.sha256(derived).digest() == aes_transformed(KEY, rounds)


@pytest.mark.parametrize(("kind", "version"), [("d", 0x13), ("id", 0x13), ("d", 0x10)])
def test_argon2_is_that_of_the_reference_implementation(kind: Literal["d", "id"], version: int) -> None:
    lengths = {"passes": 2, "kib": 64, "lanes": 8}  # more lanes than threads
    derived = cipher.argon2_of_keepass("test", kind, version, b"key", SALT, **lengths, memory_limit=1 << 20)
    type_ = Type.D if kind == "d" else Type.ID
    assert derived == hash_secret_raw(b"key", SALT, 2, 64, 8, 32, type_, version)


def test_argon2_that_fails_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argon2.low_level.core", lambda *_: -22)
    with pytest.raises(CannotRead, match="Argon2 that fails here"):
        read(header_only(argon2()), password="pass")


@pytest.mark.parametrize(
    "derivation",
    [
        b"",
        databases.parameters((0x42, "S", SALT)),
        databases.parameters((0x42, "$UUID", ARGON2D), (0x42, "S", SALT)),
        databases.parameters((0x42, "$UUID", ARGON2D), (0x42, "S", SALT), (0x04, "M", b"\0")),
        aes_kdf(seed=b"short"),
        argon2()[:-30],
    ],
)
def test_a_header_that_does_not_say_how_to_derive_is_damaged(derivation: bytes) -> None:
    with pytest.raises(FileDamaged):
        read(header_only(derivation), password="pass")


@pytest.mark.parametrize(
    "derivation",
    [
        databases.parameters((0x42, "$UUID", bytes(16)), (0x42, "S", SALT)),
        databases.parameters((0x42, "$UUID", ARGON2ID), (0x42, "S", SALT), (0x42, "K", b"pepper")),
    ],
)
def test_a_derivation_that_is_not_known_is_told(derivation: bytes) -> None:
    with pytest.raises(CannotRead, match="in a way that is not known"):
        read(header_only(derivation), password="pass")


def test_a_changed_header_is_damage_before_any_derivation() -> None:
    file = bytearray(header_only(argon2(memory=1 << 40)))
    file[40] ^= 1
    with pytest.raises(FileDamaged, match="not as it was written"):
        read(bytes(file), password="pass")


def test_a_file_that_is_cut_off_is_damaged_whatever_the_password() -> None:
    whole = sealed(PLAIN)
    for length in (20, len(whole) // 2, len(whole) - 1):
        with pytest.raises(FileDamaged):
            read(whole[:length], password="other")


def test_blocks_and_fields_without_an_end_are_damage() -> None:
    header = header4(aes_kdf())
    blocks = (bytes(32) + struct.pack("<I", 1) + b"x") * 2000
    with pytest.raises(FileDamaged, match="too many blocks"):
        read(header + hashlib.sha256(header).digest() + bytes(32) + blocks, password="pass")
    with pytest.raises(FileDamaged, match="too many fields"):
        read(SIGNATURE + struct.pack("<HH", 1, 3) + b"\x09\0\0" * 500, password="pass")
    with pytest.raises(FileDamaged, match="its header is broken"):
        read(SIGNATURE + struct.pack("<HH", 1, 3) + b"\0\0\0", password="pass")


def test_content_that_is_no_database_is_damage() -> None:
    for xml in (b"", b"<KeePassFile>", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"):
        with pytest.raises(FileDamaged):
            read(sealed(xml), password="pass")


def test_other_versions_are_told() -> None:
    with pytest.raises(CannotRead, match="its version is 5, and KDBX 3 and 4 can be read"):
        read(SIGNATURE + struct.pack("<HH", 0, 5) + bytes(100), password="pass")
    with pytest.raises(CannotRead, match="KeePass 1"):
        read(bytes.fromhex("03d9a29a65fb4bb5") + bytes(100), password="pass")


def test_a_large_database_of_the_slow_cipher_is_refused() -> None:
    header = header4(aes_kdf(), TWOFISH_CIPHER)
    body = (bytes(32) + struct.pack("<I", 1 << 20) + bytes(1 << 20)) + bytes(36)
    with pytest.raises(CannotRead, match="Twofish"):
        read(header + hashlib.sha256(header).digest() + bytes(32) + body, password="pass")


def test_without_the_library_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pykeepass", None)
    with pytest.raises(CannotRead) as caught:
        read(sealed(ONE), password="pass")
    assert "otp-appliance[kdbx]" in str(caught.value.hint)
    assert "CSV" in str(caught.value.hint)


def test_too_little_memory_is_not_taken_for_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_args: object, **_more: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pykeepass.PyKeePass", run_out)
    with pytest.raises(MemoryError):
        read(sealed(ONE), password="pass")
