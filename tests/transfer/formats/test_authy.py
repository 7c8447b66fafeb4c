"""Authy: the kinds of files, their names, and what a password without a checksum may be said to be."""

import json
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, PasswordMissing, WrongPassphrase
from appliance.transfer.formats import authy
from appliance.transfer.found import Reading
from tests.transfer.android import settings_file
from tests.transfer.reading import contents, essence, essences, means, read
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.authy import APPS, HEX, IV, PASSWORD, TOKENS, android, captured, row, sealed


def plain(name: str = "", **fields: Any) -> Any:
    """Return what is found of an entry of the settings file."""
    (found,) = read(settings_file({TOKENS: [android(name, decryptedSecret=SECRET, **fields)]})).found
    return essence(found)


def answer(*tokens: Any, password: str | None = PASSWORD) -> Reading:
    return read(json.dumps({"authenticator_tokens": tokens}), password=password)


def reasons(reading: Reading) -> list[str]:
    return [each.reason for each in reading.skipped]


@pytest.mark.parametrize(
    ("name", "fields", "issuer", "account"),
    [
        ("Deno: Mason", {"originalIssuer": "Deno", "originalName": "Deno:Mason"}, "Deno", "Mason"),
        ("deno: Mason", {"originalIssuer": "Deno"}, "Deno", "Mason"),
        ("Work: Mason", {"originalIssuer": "Deno"}, "Deno", "Work: Mason"),
        ("Deno: Mason", {"originalIssuer": None}, "Deno", "Mason"),
        ("my own name", {"originalName": "Deno:Mason"}, "Deno", "my own name"),
        ("", {"originalName": "Deno:Mason"}, "Deno", "Mason"),
        ("Mason", {"originalName": "Mason"}, "", "Mason"),
        ("Matrix: @m:matrix.org", {}, "Matrix", "@m:matrix.org"),
        ("Mason", {"issuer": "Deno", "original_name": "x"}, "Deno", "Mason"),
    ],
)
def test_issuer_and_name_are_told_apart(name: str, fields: dict[str, Any], issuer: str, account: str) -> None:
    assert plain(name, **fields) == totp(issuer, account)


@pytest.mark.parametrize(
    ("document", "account"),
    [
        ([android("a: b", decryptedSecret=SECRET)], totp("a", "b")),
        ([{"name": "App", "secretSeed": HEX}], totp("App", "", SECRET, digits=7, period=10)),
        (
            {"apps": [{"name": "App", "secret_seed": HEX, "digits": 8}]},
            totp("App", "", SECRET, digits=8, period=10),
        ),
        ({"authenticator_tokens": [{"name": "b", "issuer": "a", "decrypted_seed": SECRET}]}, totp("a", "b")),
        ({"decrypted_authenticator_tokens": [{"name": "b", "decrypted_seed": HEX}]}, totp("", "b")),
    ],
)
def test_lists_of_all_origins_are_read(document: object, account: Any) -> None:
    assert essences(read(json.dumps(document))) == (account,)


def test_one_settings_file_may_have_both_lists_and_one_answer_too() -> None:
    app = {"name": "App", "secretSeed": HEX}
    both = settings_file({APPS: [app], TOKENS: [android("alice", decryptedSecret=SECRET)]})
    assert [found.account.label for found in read(both).found] == ["alice", "App"]
    merged = {"apps": [{"name": "App", "secret_seed": HEX}], "authenticator_tokens": [captured("alice")]}
    labels = [found.account.label for found in read(json.dumps(merged), password=PASSWORD).found]
    assert labels == ["alice", "App"]


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b"[1]",
        b'[{"name": "a"}]',
        b'{"apps": []}',
        b'{"apps": [{"name": "a"}]}',
        b'{"apps": 1}',
        b"<map/>",
    ],
)
def test_other_files_are_not_taken_for_it(document: bytes) -> None:
    assert not authy.recognises(contents(document)[0], means("x"))


@pytest.mark.parametrize(
    "file",
    [
        settings_file({TOKENS: "no list"}),
        settings_file({APPS: "{}"}),
        b'{"authenticator_tokens": {"a": 1}}',
        b'{"authenticator_tokens": null}',
    ],
)
def test_a_file_without_its_list_is_damaged(file: bytes) -> None:
    with pytest.raises(FileDamaged, match="no list of tokens"):
        read(file)


def test_one_encrypted_entry_makes_the_file_encrypted() -> None:
    tokens = [captured("a"), {"name": "b", "decrypted_seed": OTHER}]
    with pytest.raises(PasswordMissing):
        answer(*tokens, password=None)
    assert answer(*tokens).encrypted
    assert not answer(tokens[1]).encrypted


def test_a_secret_that_is_there_in_both_forms_needs_no_password() -> None:
    reading = answer(captured("a", decrypted_seed=SECRET), captured("b", secret_seed=HEX), password=None)
    assert [found.account.label for found in reading.found] == ["a", "b"]
    assert not reading.encrypted


def test_a_password_that_misses_some_entries_only_is_not_wrong() -> None:
    old = captured("old", encrypted_seed=sealed(OTHER, "salt of old", 200, password="an older one"))
    reading = answer(old, captured("a"), old)
    assert [found.account.name for found in reading.found] == ["a"]
    assert (
        reasons(reading)
        == ["the password does not open it: it is damaged, or Authy keeps it under an older one"] * 2
    )


def test_a_password_that_opens_no_entry_is_wrong() -> None:
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        answer(captured("a"), {"name": "b", "decrypted_seed": OTHER}, password="wrong")


def test_a_wrong_password_is_not_tried_on_hundreds_of_entries() -> None:
    # 100 entries of 200,000 iterations would take seconds.
    slow = captured("a", key_derivation_iterations=200_000)
    with pytest.raises(WrongPassphrase):
        answer(*[slow] * 100, password="wrong")


def test_new_entries_of_an_older_password_may_be_many_only_after_one_that_opens() -> None:
    old = captured("old", key_derivation_iterations=100_000)
    assert len(answer(captured("a"), *[old] * 9, captured("b")).found) == 2
    with pytest.raises(WrongPassphrase):
        answer(*[old] * 8, captured("b"))
    assert len(answer(*[old] * 7, captured("b")).found) == 1


@pytest.mark.parametrize("inside", ["", " ", "no secret!", "0189", "\u00e4" * 16, "A"])
def test_an_entry_counts_as_opened_only_if_it_holds_base32_or_hex(inside: str) -> None:
    with pytest.raises(WrongPassphrase):
        answer(captured("a", inside))


@pytest.mark.parametrize(
    ("inside", "secret"),
    [
        (SECRET.lower(), SECRET),
        (f" {OTHER}==\n", OTHER),
        (HEX, SECRET),
        (HEX.upper(), SECRET),
        (f"\n{HEX} ", SECRET),
    ],
)
def test_base32_and_hex_come_in_any_dress(inside: str, secret: str) -> None:
    assert essences(answer(captured("a", inside))) == (totp("", "a", secret),)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"encrypted_seed": "%%%"}, "its encrypted secret is not base64, or its IV is not hex"),
        ({"encrypted_seed": "ää"}, "its encrypted secret is not base64, or its IV is not hex"),
        ({"unique_iv": "xyz"}, "its encrypted secret is not base64, or its IV is not hex"),
        ({"encrypted_seed": "MZXW"}, "its encrypted secret or its IV is cut off"),
        ({"unique_iv": "00"}, "its encrypted secret or its IV is cut off"),
        ({"key_derivation_iterations": 0}, "its number of iterations is not between 1 and 2000000"),
        ({"key_derivation_iterations": 10**15}, "its number of iterations is not between 1 and 2000000"),
        ({"key_derivation_iterations": True}, "its key_derivation_iterations is not a whole number"),
        ({"salt": ["x"]}, "its salt is not a text"),
        ({"encrypted_seed": ["x"]}, "its encrypted_seed is not a text"),
        ({"encrypted_seed": None}, "the secret is empty"),
    ],
)
def test_a_broken_entry_costs_itself_only(fields: dict[str, Any], why: str) -> None:
    reading = answer(captured("a"), captured("b") | fields)
    assert [found.account.name for found in reading.found] == ["a"]
    assert [(each.name, each.reason) for each in reading.skipped] == [("b", why)]


def test_a_file_that_asks_for_too_much_work_is_refused_at_once() -> None:
    with pytest.raises(CannotRead, match="more than 20000000 iterations"):
        answer(*[captured("a", key_derivation_iterations=100_000)] * 201)


def test_an_answer_that_does_not_say_has_1000_iterations() -> None:
    token = captured("a", encrypted_seed=sealed(SECRET, "salt of a", 1000), key_derivation_iterations=None)
    assert essences(answer(token)) == (totp("", "a"),)


@pytest.mark.parametrize(
    "text",
    [
        "name,encrypted_seed,salt,iv\n{}\n",
        "\ufeffName , Encrypted_Seed, Salt, IV\r\n{}\r\n",
        '"name,encrypted_seed,salt,iv\n{}"',
        '"name,encrypted_seed,salt,iv"\n"{}"\n',
        "name,encrypted_seed,salt,iv,digits\n{},6\n",
    ],
)
def test_a_data_request_comes_in_several_dresses(text: str) -> None:
    assert essences(read(text.format(row("a: b", SECRET)), password=PASSWORD)) == (totp("a", "b"),)


def test_a_short_row_of_a_data_request_is_skipped() -> None:
    text = f"name,encrypted_seed,salt,iv\n{row('a', SECRET)}\nb\n"
    reading = read(text, password=PASSWORD)
    assert [(each.name, each.reason) for each in reading.skipped] == [("b", "the secret is empty")]


def test_a_table_of_something_else_is_not_taken_for_a_data_request() -> None:
    assert not authy.recognises(contents("name,encrypted_seed\na,b\n")[0], means("x"))
    assert not authy.recognises(contents("encrypted_seed")[0], means("x"))


def test_a_space_of_another_kind_around_hex_does_no_harm() -> None:
    reading = read(json.dumps([{"name": "App", "secretSeed": f"\u00a0{HEX}\u00a0"}]))
    assert essences(reading) == (totp("App", "", SECRET, digits=7, period=10),)


def test_no_name_is_needed() -> None:
    reading = read(settings_file({TOKENS: [{"decryptedSecret": SECRET}, {"decryptedSecret": "1"}, 7]}))
    assert essences(reading) == (totp("", ""),)
    assert [each.name for each in reading.skipped] == ["entry 2", "entry 3"]


def test_the_own_iv_of_an_entry_is_used() -> None:
    assert essences(answer(captured("a", iv=IV))) == (totp("", "a"),)
