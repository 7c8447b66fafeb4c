"""The extension "Authenticator": its types and spellings of a secret, and the three ways it sealed its backups."""

import json
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, Essence, hotp, steam, totp
from tests.transfer.samples.authenticator_extension import (
    KEY,
    KEYS,
    OLD_KEY,
    PASSWORD,
    account,
    backup,
    cryptojs,
    derived,
    hashed,
    locked,
    stored,
)

SEALED = stored(account(), derived())
NOT_DECRYPTED = "it can't be decrypted"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, totp("Example", "alice")),
        ({"type": "hotp", "counter": 3}, hotp("Example", "alice", counter=3)),
        ({"type": "steam", "secret": OTHER}, steam("Example", "alice", OTHER)),
        ({"type": "battle", "digits": 6}, totp("Example", "alice", digits=8)),
        ({"type": "hex", "secret": "48656c6c6f21deadbeef"}, totp("Example", "alice", OTHER)),
        (
            {"type": "hhex", "secret": "48656C6C6F21DEADBEEF", "counter": 3},
            hotp("Example", "alice", OTHER, counter=3),
        ),
        ({"secret": "48656c6c6f21deadbeef"}, totp("Example", "alice", OTHER)),
        ({"type": "hotp", "secret": "48656c6c6f21deadbeef"}, hotp("Example", "alice", OTHER)),
        ({"type": "hex", "secret": "486"}, totp("Example", "alice", "JBQA")),
        ({"type": "hex", "secret": "480"}, totp("Example", "alice", "JA")),
        ({"type": "hex", "secret": "AB"}, totp("Example", "alice", "VM")),
        ({"secret": f"stm-{OTHER}"}, steam("Example", "alice", OTHER)),
        ({"secret": f"blz-{OTHER}"}, totp("Example", "alice", OTHER, digits=8)),
        ({"secret": f"bliz-{OTHER}"}, totp("Example", "alice", OTHER, digits=8)),
        ({"secret": "JBSW Y3DP ehpk 3pxp"}, totp("Example", "alice", OTHER)),
        ({"type": 1, "algorithm": 2}, totp("Example", "alice", algorithm="SHA256")),
        ({"type": "6", "secret": "486"}, hotp("Example", "alice", "JBQA")),
        (
            {"period": 60, "digits": 7, "algorithm": "SHA512"},
            totp("Example", "alice", SECRET, "SHA512", 7, 60),
        ),
        ({"issuer": "Acme::acme.example", "account": None}, totp("Acme", "")),
    ],
)
def test_types_and_secrets_are_read_as_the_extension_does(fields: dict[str, Any], expected: Essence) -> None:
    assert essences(read(backup(account(**fields)))) == (expected,)


def test_a_pinned_account_is_a_favourite() -> None:
    reading = read(backup(account(pinned=True), account()))
    assert [found.account.favorite for found in reading.found] == [True, False]


def test_accounts_come_in_the_order_that_the_extension_shows() -> None:
    names = [(3, "c"), (1, "a"), (None, "first"), (2, "b")]
    reading = read(backup(*(account(index=index, account=name) for index, name in names)))
    assert [found.account.name for found in reading.found] == ["first", "a", "b", "c"]


def test_one_bad_entry_does_not_cost_the_others() -> None:
    bad = [
        account(type="hex", secret="xyz"),
        account(algorithm="GOST3411_2012_256"),
        account(secret=""),
        account(secret=[]),
        account(type="other"),
        account(issuer=[], secret=""),
    ]
    reading = read(backup(account(), *bad))
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (
        Skipped("Example:alice", "the secret is not hexadecimal"),
        Skipped("Example:alice", "the algorithm is none of SHA1, SHA256 and SHA512"),
        Skipped("Example:alice", "the secret is empty"),
        Skipped("Example:alice", "its secret is not a text"),
        Skipped("Example:alice", "its type is none of TOTP, HOTP and Steam"),
        Skipped("entry 7", "its issuer is not a text"),
    )


def test_records_that_are_no_accounts_are_passed_over() -> None:
    others: dict[str, Any] = {"UserSettings": {"theme": "x"}, "LocalStorage": 7, KEY: KEYS, "list": []}
    reading = read(backup(account(), **others))
    assert (len(reading.found), reading.skipped, reading.encrypted) == (1, (), False)


def test_an_old_record_is_known_without_a_mark() -> None:
    old = account()
    del old["dataType"]
    assert essences(read(backup(old))) == (totp("Example", "alice"),)


@pytest.mark.parametrize(
    "file",
    [
        backup(locked(account(), PASSWORD)),
        backup(locked(account(), "00"), key=OLD_KEY),
        backup(SEALED, **{KEY: KEYS}),
        backup(account(), SEALED, **{KEY: KEYS}),
    ],
)
def test_the_password_is_asked_for_and_checked(file: bytes) -> None:
    with pytest.raises(PasswordMissing):
        read(file)
    with pytest.raises(WrongPassphrase):
        read(file, password="password")


def test_a_key_with_its_hash_tells_a_wrong_password_from_damage() -> None:
    with pytest.raises(WrongPassphrase) as caught:
        read(backup(SEALED, **{KEY: KEYS}), password="password")
    assert caught.value.why == "wrong password"
    with pytest.raises(WrongPassphrase) as caught:
        read(backup(SEALED, **{KEY: {**KEYS, "hash": "$argon2i$v=19$old"}}), password="password")
    assert caught.value.why == "wrong password, or the file is damaged"


def test_a_hash_of_another_kind_does_not_stand_in_the_way() -> None:
    for odd in (None, 7, "", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAA$short"):
        reading = read(backup(SEALED, **{KEY: {**KEYS, "hash": odd}}), password=PASSWORD)
        assert essences(reading) == (totp("Example", "alice"),)
        assert reading.encrypted


def test_an_entry_that_can_not_be_decrypted_costs_only_itself() -> None:
    bad = [
        {**SEALED, "data": cryptojs("[]", derived())},
        {**SEALED, "data": cryptojs(json.dumps(account()), "other")},
        {**SEALED, "data": "%"},
        {**SEALED, "keyId": None},
        {**SEALED, "keyId": "another"},
        {**account(), "encrypted": True, "secret": 7},
    ]
    reading = read(backup(SEALED, *bad, **{KEY: KEYS}), password=PASSWORD)
    assert essences(reading) == (totp("Example", "alice"),)
    assert [skipped.reason for skipped in reading.skipped] == [
        *(NOT_DECRYPTED,) * 3,
        "the file does not hold its key",
        "the file does not hold its key",
        NOT_DECRYPTED,
    ]


def test_a_file_without_its_key_is_damaged() -> None:
    with pytest.raises(FileDamaged, match="does not hold the key"):
        read(backup(SEALED), password=PASSWORD)


def test_a_file_with_many_keys_is_refused_before_any_is_derived() -> None:
    records = [{**SEALED, "keyId": str(number)} for number in range(4)]
    with pytest.raises(FileDamaged, match="more than 3 keys"):
        read(backup(*records), password=PASSWORD)


@pytest.mark.parametrize(
    "asked", ["m=99999999,t=1,p=1", "m=65536,t=9999,p=1", "m=8,t=0,p=1", "m=8,t=1,p=999"]
)
def test_a_hash_that_costs_too_much_is_refused(asked: str) -> None:
    hash_ = hashed(derived()).replace("m=64,t=1,p=1", asked)
    with pytest.raises(CannotRead, match="its encryption asks for"):
        read(backup(SEALED, **{KEY: {**KEYS, "hash": hash_}}), password=PASSWORD)


def test_checking_a_hash_takes_no_more_than_64_mib() -> None:
    hash_ = hashed(derived()).replace("m=64,", "m=65537,")
    with pytest.raises(CannotRead, match="at most 64 MiB is allowed"):
        read(backup(SEALED, **{KEY: {**KEYS, "hash": hash_}}), password=PASSWORD)


def test_more_entries_than_a_person_has_are_refused_before_any_is_decrypted() -> None:
    with pytest.raises(FileDamaged, match="more than 50000 entries"):
        read(backup(*[{"dataType": "EncOTPStorage", "data": ""}] * 50_001), password=PASSWORD)


def test_a_key_is_not_derived_without_the_memory_for_it() -> None:
    with pytest.raises(CannotRead, match="needs 19 MiB of memory"):
        read(backup(SEALED, **{KEY: KEYS}), password=PASSWORD, memory_limit=2**20)


@pytest.mark.parametrize("salt", [None, 7, ""])
def test_a_key_with_a_broken_salt_is_refused(salt: Any) -> None:
    with pytest.raises((FileDamaged, CannotRead)):
        read(backup(SEALED, **{KEY: {**KEYS, "salt": salt}}), password=PASSWORD)


@pytest.mark.parametrize(
    "other", [{}, {"a": 7}, {"a": {"secret": SECRET}}, {"a": {"dataType": "Key"}}, {"a": {"dataType": []}}]
)
def test_other_json_is_not_taken_for_it(other: Any) -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(json.dumps(other))


def test_nothing_shows_a_secret_or_the_password() -> None:
    reading = read(backup(locked(account(), PASSWORD), account(secret="0189")), password=PASSWORD)
    assert not any(hidden in repr(reading) for hidden in (SECRET, PASSWORD, "0189"))
