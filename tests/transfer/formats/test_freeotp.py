"""FreeOTP: its tokens, the order of a settings file, and what the layers of a backup's encryption may say."""

import json
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, PasswordMissing, WrongPassphrase
from appliance.transfer.found import Found, Reading
from tests.transfer.android import java_map_of, settings_file
from tests.transfer.reading import essence, read
from tests.transfer.samples import OTHER, SECRET, hotp, steam, totp
from tests.transfer.samples.freeotp import (
    KEY,
    MASTER,
    PASSWORD,
    TOKENS,
    UUIDS,
    backup_texts,
    master,
    sealed,
    token,
)


def one(**fields: Any) -> Found:
    """Return the account of a token in a settings file."""
    (found,) = read(settings_file({"x": token(**fields)})).found
    return found


def reason(**fields: Any) -> str:
    (skipped,) = read(settings_file({"x": token(**fields), "tokenOrder": []})).skipped
    assert skipped.name == "x"
    return skipped.reason


def opened(texts: dict[str, str], password: str | None = PASSWORD) -> Reading:
    return read(java_map_of(texts), password=password)


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"algo": None, "digits": None, "period": None}, totp("Example", "alice")),
        ({"algo": "sha256", "type": "totp"}, totp("Example", "alice", SECRET, "SHA256")),
        ({"issuerAlt": "Mine", "labelAlt": "me"}, totp("Mine", "me")),
        ({"issuerExt": "", "issuerInt": "Inside"}, totp("Inside", "alice")),
        ({"issuerExt": None, "label": None}, totp("", "")),
        ({"label": "a:b"}, totp("Example", "a:b")),
        ({"secret": [72, 101, 108, 108, 111, 33, 222, -83, -66, 239]}, totp("Example", "alice", OTHER)),
        ({"type": "HOTP", "counter": 9}, hotp("Example", "alice", counter=9)),
        ({"type": "HOTP", "counter": None}, hotp("Example", "alice")),
        ({"issuerExt": "Steam", "digits": 6}, steam("Steam", "alice")),
        ({"issuerExt": "Steam", "issuerAlt": "Valve"}, steam("Valve", "alice")),
        ({"issuerExt": "Steam", "type": "HOTP", "counter": 1}, hotp("Steam", "alice", counter=1)),
        ({"issuerInt": "Steam"}, totp("Example", "alice")),
    ],
)
def test_a_token_is_read_as_the_app_shows_it(fields: dict[str, Any], account: Any) -> None:
    assert essence(one(**fields)) == account


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"secret": None}, "the secret is empty"),
        ({"secret": []}, "the secret is empty"),
        ({"secret": "MZXW6YTB"}, "its secret is not a list"),
        ({"secret": [256]}, "its secret is not a list of bytes"),
        ({"secret": [-129]}, "its secret is not a list of bytes"),
        ({"secret": [True]}, "its secret is not a list of bytes"),
        ({"secret": [1.0]}, "its secret is not a list of bytes"),
        ({"type": "MOTP"}, "mOTP codes are not supported"),
        ({"algo": "SHA384"}, "the algorithm is none of SHA1, SHA256 and SHA512"),
        ({"algo": 1.5}, "its algo is not a text"),
        ({"period": 0}, "the period in seconds is not between 1 and 86400"),
        ({"digits": "six"}, "its digits is not a whole number"),
    ],
)
def test_a_token_that_cannot_be_used_is_skipped_with_its_name(fields: dict[str, Any], why: str) -> None:
    assert reason(**fields) == why


def test_tokens_come_in_the_user_s_order_and_forgotten_ones_last() -> None:
    texts = {name: token(label=name) for name in ("a", "b", "c", "d")}
    reading = read(settings_file({**texts, "tokenOrder": ["d", 7, "gone", "b"]}))
    assert [found.account.name for found in reading.found] == ["d", "b", "a", "c"]


@pytest.mark.parametrize("order", ["", "{}", "[1, [2]]", "broken"])
def test_an_order_that_is_none_does_not_matter(order: str) -> None:
    reading = read(settings_file({"b": token(label="b"), "a": token(label="a"), "tokenOrder": order}))
    assert [found.account.name for found in reading.found] == ["b", "a"]


def test_a_setting_that_is_no_token_is_skipped_with_its_name() -> None:
    reading = read(settings_file({"x": token(), "theme": "dark"}))
    assert [(each.name, each.reason) for each in reading.skipped] == [("theme", "it is not an object")]


def test_a_settings_file_of_another_app_is_not_recognised() -> None:
    with pytest.raises(Exception, match="not recognised"):
        read(settings_file({"theme": "dark", "json": "{}"}))


def test_both_versions_are_one_export() -> None:
    reading = read(settings_file({"x": token()}), java_map_of(backup_texts(TOKENS[:1])), password=PASSWORD)
    assert [found.account.name for found in reading.found] == ["alice", "älice 🔑"]
    assert reading.encrypted


def test_a_wrong_password_is_told_from_a_missing_one() -> None:
    with pytest.raises(PasswordMissing):
        opened(backup_texts(TOKENS), None)
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        opened(backup_texts(TOKENS), PASSWORD + " ")


def test_an_entry_of_which_a_half_is_missing_is_skipped_with_what_is_known_of_it() -> None:
    texts = backup_texts(TOKENS[:3])
    del texts[UUIDS[0]], texts[f"{UUIDS[1]}-token"]
    reading = opened(texts)
    assert [found.account.name for found in reading.found] == ["carol"]
    assert [(each.name, each.reason) for each in reading.skipped] == [
        ("Example:älice 🔑", "its secret is not in the backup"),
        ("entry 2", "only its secret is in the backup, without its name and kind"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not an object"),
        ('{"key": [1]}', "its key is not a text"),
        ('{"key": "{}"}', "it is encrypted in an unknown way"),
        (
            json.dumps({"key": json.dumps(sealed(MASTER, KEY, "A") | {"mToken": "B"})}),
            "its secret is damaged",
        ),
        (json.dumps({"key": json.dumps(sealed(MASTER, b"", "A"))}), "the secret is empty"),
        (
            json.dumps({"key": json.dumps(sealed(MASTER, KEY, "A") | {"mCipher": "AES/CTR"})}),
            "it is encrypted in an unknown way",
        ),
        (
            json.dumps({"key": json.dumps(sealed(MASTER, KEY, "A", b"nonce of 13 b"))}),
            "it is encrypted in an unknown way",
        ),
    ],
)
def test_an_entry_that_does_not_open_costs_itself_only(text: str, why: str) -> None:
    reading = opened(backup_texts(TOKENS[:3]) | {UUIDS[1]: text})
    assert [found.account.name for found in reading.found] == ["älice 🔑", "carol"]
    assert [(each.name, each.reason) for each in reading.skipped] == [("Acme:bob", why)]


def test_other_settings_of_the_app_are_passed_over() -> None:
    reading = opened(backup_texts(TOKENS[:1]) | {"theme": "dark"})
    assert len(reading.found) == 1
    assert not reading.skipped


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps(master(mSalt="text")),
        json.dumps(master(mIterations=[])),
        json.dumps(master(mEncryptedKey=1)),
        json.dumps(master(mEncryptedKey=sealed(MASTER, KEY, "A") | {"mParameters": [48]})),
    ],
)
def test_a_backup_whose_master_key_cannot_be_read_is_damaged(text: str) -> None:
    with pytest.raises(FileDamaged, match="master key can't be read"):
        opened(backup_texts(TOKENS) | {"masterKey": text})


@pytest.mark.parametrize("iterations", [0, -1, 2_000_001, 2**31 - 1, 10**17, True, "1e9"])
def test_iterations_out_of_range_are_refused_at_once(iterations: object) -> None:
    with pytest.raises((CannotRead, FileDamaged)):
        opened(backup_texts(TOKENS, mIterations=iterations))


def test_an_unknown_derivation_is_said_to_be_one() -> None:
    with pytest.raises(CannotRead, match="derived in an unknown way"):
        opened(backup_texts(TOKENS, mAlgorithm="scrypt"))


def test_a_backup_that_is_cut_off_is_damaged_without_its_password_too() -> None:
    with pytest.raises(FileDamaged, match="cut off"):
        read(java_map_of(backup_texts(TOKENS))[:-100])


def test_the_parameters_of_android_6_are_the_nonce_alone() -> None:
    assert len(opened(backup_texts(TOKENS, bare=True)).found) == 3
    for odd in (b"\x04\x0bnonce of 11b", b"\x04\x0cnonce of 12b\x02\x01\x10"):
        parameters = sealed(MASTER, KEY, "AES") | {"mParameters": list(odd)}
        with pytest.raises(FileDamaged, match="encrypted in an unknown way"):
            opened(backup_texts(TOKENS, mEncryptedKey=parameters))
