"""Steam Guard: which files belong together, whose keys they have, and what is never taken."""

import json
from dataclasses import replace
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NotRecognised, PasswordMissing, WrongPassphrase
from appliance.transfer.formats.steam import _Keys, _Lock
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, means, read
from tests.transfer.samples import steam
from tests.transfer.samples.steamguard import (
    IV,
    OLD,
    PLAIN,
    SALT,
    account,
    manifest,
    new_entry,
    old_entry,
    old_key,
    sealed,
)


def packed(**fields: Any) -> bytes:
    return json.dumps(account("alice", **fields)).encode()


def test_nothing_but_name_and_shared_secret_is_taken() -> None:
    reading = read(PLAIN)
    assert essences(reading) == (steam("Steam", "alice"),)
    for private in ("never", "R00000", "1234567890", "00000000"):
        assert private not in repr(reading).replace(reading.found[0].account.uuid, "")
    assert reading.warnings == (
        "revocation codes are not kept; write them down, as they help when Steam Guard is lost",
    )
    assert read(packed(revocation_code=None)).warnings == ()


def test_a_file_without_a_name_has_that_of_its_link() -> None:
    assert essences(read(packed(account_name="", uri="otpauth://totp/Steam:al?secret=MFRGGZA"))) == (
        steam("Steam", "al"),
    )
    assert essences(read(packed(account_name=None, uri="?"))) == (steam("Steam", ""),)


@pytest.mark.parametrize(
    ("shared", "reason"),
    [
        ("?", "its shared_secret is not base64"),
        ("", "the secret is empty"),
        (None, "the secret is empty"),
        ([], "its shared_secret is not a text"),
    ],
)
def test_a_secret_that_is_none_costs_its_account(shared: object, reason: str) -> None:
    assert read(packed(shared_secret=shared)).skipped == (Skipped("alice", reason),)


def test_several_encrypted_files_find_their_entries_in_any_order() -> None:
    salts = [bytes([number]) * 8 for number in range(3)]
    files = [
        sealed(json.dumps(account(f"a{n}")).encode(), old_key("pass", salt)) for n, salt in enumerate(salts)
    ]
    listed = manifest(*map(old_entry, salts))
    reading = read(listed, *reversed(files), password="pass")
    assert [found.account.name for found in reading.found] == ["a2", "a1", "a0"]
    assert reading.missing == ()
    assert read(files[1], listed, password="pass").missing == ("2 of the 3 files that manifest.json lists",)


def test_files_with_and_without_encryption_go_together() -> None:
    reading = read(*OLD, json.dumps(account("bob")).encode(), password="pass")
    assert [found.account.name for found in reading.found] == ["bob", "alice"]
    assert reading.encrypted


def test_steamguard_clis_entries_of_the_old_scheme_are_opened() -> None:
    listed = manifest(new_entry("LegacySdaCompatible"), version=1)
    assert essences(read(listed, OLD[1], password="pass")) == (steam("Steam", "alice"),)


def test_a_file_that_does_not_open_costs_only_itself() -> None:
    other = sealed(PLAIN, bytes(32))
    reading = read(*OLD, other, password="pass")
    assert essences(reading) == (steam("Steam", "alice"),)
    assert reading.skipped == (Skipped("entry 2", "its file does not open with this password"),)


def test_one_without_the_other_says_what_is_needed() -> None:
    with pytest.raises(CannotRead, match=r"manifest\.json only lists"):
        read(OLD[0], password="pass")
    with pytest.raises(CannotRead, match=r"only together with their manifest\.json"):
        read(OLD[1])
    with pytest.raises(PasswordMissing):
        read(*OLD)


def test_an_encrypted_file_without_its_manifest_is_not_only_told_of_a_wrong_password() -> None:
    """With a password, its base64 is a backup of TOTP Authenticator as much as it is one of Steam."""
    with pytest.raises(WrongPassphrase) as caught:
        read(OLD[1], password="pass")
    assert "encrypted .maFile" in caught.value.why
    assert "manifest.json" in caught.value.why
    assert "manifest.json and every .maFile" in caught.value.hint
    assert "TOTP Authenticator" not in caught.value.what


def test_a_wrong_password_is_told() -> None:
    with pytest.raises(WrongPassphrase):
        read(*OLD, password="other")
    # What opens, but is no JSON object, does not count.
    with pytest.raises(WrongPassphrase):
        read(OLD[0], sealed(b"[" + b"1," * 50 + b"1]", old_key("pass")), password="pass")


@pytest.mark.parametrize(
    "entry",
    [
        old_entry(salt=b""),
        old_entry(iv=b"short"),
        {**old_entry(), "encryption_salt": 7, "encryption_iv": "?"},
        new_entry("Another"),
    ],
)
def test_entries_that_do_not_say_how_to_open_do_not_count(entry: dict[str, Any]) -> None:
    with pytest.raises(CannotRead):
        read(manifest(entry), OLD[1], password="pass")


def test_a_manifest_that_asks_for_too_much_is_refused() -> None:
    keys = _Keys(b"pass", means(), budget=1)
    first, other = _Lock("LegacySdaCompatible", SALT, IV), _Lock("LegacySdaCompatible", SALT * 2, IV)
    assert keys.of(first) == keys.of(first) == old_key("pass")
    with pytest.raises(CannotRead, match="too many keys"):
        keys.of(other)
    with pytest.raises(FileDamaged, match="more than 1000 files"):
        read(manifest(*[old_entry()] * 1001), OLD[1], password="pass")


def test_the_memory_for_a_key_is_asked_for_before_it_is_taken() -> None:
    asked: list[int] = []
    lock = _Lock("Argon2idAes256", SALT * 2, IV)
    with pytest.raises(CannotRead):
        _Keys(b"pass", replace(means("pass"), memory_limit=0, more_memory=asked.append)).of(lock)
    assert asked == []
    _Keys(b"pass", replace(means("pass"), more_memory=asked.append)).of(lock)
    assert asked == [62_500 << 10]


def test_too_little_memory_for_a_key_is_told() -> None:
    listed = manifest(new_entry("Argon2idAes256", SALT * 2))
    with pytest.raises(CannotRead, match="needs 61 MiB of memory"):
        read(listed, OLD[1], password="pass", memory_limit=1 << 20)


@pytest.mark.parametrize(
    "file",
    [
        b'{"accounts": []}',
        b'{"accounts": {"a": 1, "b": {}}}',
        b'{"entries": 7}',
        b'{"entries": [{"filename": "x"}, 7]}',
        b"QUJD" * 10,
        b"QUJD" * 50 + b"\n" + b"QUJD" * 50,
        b"QUJD" * 50,
        sealed(bytes(1 << 16), bytes(32), IV),
    ],
)
def test_other_files_are_not_recognised(file: bytes) -> None:
    with pytest.raises(NotRecognised):
        read(file)
