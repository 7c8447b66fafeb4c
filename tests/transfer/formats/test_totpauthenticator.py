"""TOTP Authenticator: when its backups are recognised, by whose password, and how secrets are written."""

import base64
from typing import Any

import pytest

from appliance.errors import FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.formats import totpauthenticator
from tests.transfer.android import settings_file
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.totpauthenticator import OWN, PASSWORD, backup, entry, sealed


def recognised(file: bytes, password: str | None) -> bool:
    return totpauthenticator.recognises(contents(file)[0], means(password))


def test_a_backup_is_recognised_by_the_app_s_password_or_together_with_any() -> None:
    assert recognised(backup([entry()], OWN), None)
    assert not recognised(backup([entry()]), None)
    assert recognised(backup([entry()]), PASSWORD)
    assert recognised(backup([entry()]), "another")


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"MZXW6YTB",
        base64.b64encode(bytes(16)),
        base64.b64encode(bytes(33)),
        b"A" * 65,
        b"A" * 62 + b"=A",
        b"{" + b"A" * 63,
        bytes(64),
        f"otpauth://totp/a?secret={SECRET}".encode(),
        settings_file({"theme": "dark"}),
    ],
)
def test_other_files_are_not_taken_for_a_backup_even_with_a_password(file: bytes) -> None:
    assert not recognised(file, "another")


@pytest.mark.parametrize("file", [b"A" * 10_000_000 + b"!", b"A" * 64 + b" " * 10_000_000 + b"!"])
def test_a_large_file_that_is_none_is_told_at_once(file: bytes) -> None:
    assert not recognised(file, "another")


def test_a_backup_without_a_password_of_its_own_opens_whatever_was_given() -> None:
    file = backup([entry()], OWN)
    assert not read(file).encrypted
    assert not read(file, password=OWN).encrypted
    assert essences(read(file, password="another")) == (totp("Example", "alice"),)


def test_two_backups_are_one_export() -> None:
    reading = read(backup([entry()], OWN), backup([entry(name="bob")]), password=PASSWORD)
    assert [found.account.name for found in reading.found] == ["alice", "bob"]
    assert reading.encrypted


def test_a_wrong_password_is_told_to_be_wrong_or_missing() -> None:
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        read(backup([entry()]), password="another")
    with pytest.raises(PasswordMissing):
        totpauthenticator.read(contents(backup([entry()])), means())


def test_what_opens_to_something_else_was_opened_by_chance() -> None:
    # One wrong password in 256 leaves a padding that looks right.
    with pytest.raises(WrongPassphrase):
        read(sealed('{"a": 1}' + " " * 32), password=PASSWORD)


def test_base64_in_lines_is_read() -> None:
    assert essences(read(base64.encodebytes(base64.b64decode(backup([entry()]))), password=PASSWORD))


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ('{"[', "its content is broken"),
        ('{"[]', "its content is broken"),
        ('{"[1}": "2"}', "it has no list of accounts"),
    ],
)
def test_a_backup_that_opens_but_is_broken_is_damaged(plain: str, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(sealed(plain + " " * 32 if plain.endswith("}") else plain + "x" * 32), password=PASSWORD)


def test_a_settings_file_without_its_list_is_damaged() -> None:
    with pytest.raises(FileDamaged, match="no list of accounts"):
        read(settings_file({"STATIC_TOTP_CODES_LIST": "{}"}))


def test_an_empty_backup_holds_nothing() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        read(backup([]), password=PASSWORD)


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"key": "48656C6C6F21DEADBEEF", "base": 16}, totp("Example", "alice", OTHER)),
        ({"key": "48656c6c6f21deadbeef", "base": "16"}, totp("Example", "alice", OTHER)),
        ({"key": OTHER.lower(), "base": 32}, totp("Example", "alice", OTHER)),
        ({"key": "SGVsbG8h3q2+7w==", "base": 64}, totp("Example", "alice", OTHER)),
        ({"key": "SGVsbG8h3q2+7w", "base": 64}, totp("Example", "alice", OTHER)),
        ({"digits": "8", "period": "60"}, totp("Example", "alice", SECRET, digits=8, period=60)),
        ({"digits": 8, "period": None}, totp("Example", "alice", SECRET, digits=8)),
    ],
)
def test_secrets_come_in_three_bases(fields: dict[str, Any], account: Any) -> None:
    assert essences(read(backup([entry(**fields)]), password=PASSWORD)) == (account,)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"base": None}, "its secret is in none of base 16, 32 and 64"),
        ({"base": 10}, "its secret is in none of base 16, 32 and 64"),
        ({"key": "xyz"}, "its secret is not in base 16, as the file says"),
        ({"key": "%", "base": 64}, "its secret is not in base 64, as the file says"),
        ({"key": "0189", "base": 32}, "the secret is not base32 (letters A-Z and digits 2-7)"),
        ({"key": ""}, "the secret is empty"),
        ({"digits": "0"}, "the number of digits is not between 4 and 10"),
    ],
)
def test_an_entry_that_cannot_be_used_costs_itself_only(fields: dict[str, Any], why: str) -> None:
    reading = read(backup([entry(name="bob", **fields), entry()]), password=PASSWORD)
    assert [found.account.name for found in reading.found] == ["alice"]
    assert [(each.name, each.reason) for each in reading.skipped] == [("bob", why)]


def test_labels_are_groups_and_favourites_stay() -> None:
    (found,) = read(backup([entry(accountHeaderLabel="personal", isFavorite=True)], OWN)).found
    assert found.group_names == ("personal",)
    assert found.account.favorite
    (found,) = read(backup([entry()], OWN)).found
    assert found.group_names == ()
    assert not found.account.favorite
