"""Stratum: its three backups, categories by secret, and the names and digits that it can hold."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.entry import Unusable
from appliance.transfer.formats import stratum
from appliance.transfer.found import Found, Reading
from appliance.transfer.registry import TARGETS
from appliance.vault.model import Account
from tests.transfer import reading as through_registry
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, write_means
from tests.transfer.samples import SECRET, totp
from tests.transfer.samples.stratum import (
    ACCOUNTS,
    PASSWORD,
    PLAIN,
    SMALL,
    authenticator,
    legacy,
    plain,
    strong,
)

ONE = Found(Account("uuid", "totp", "Example", "alice", b"12345678901234567890"), 0, SECRET)


def read(file: bytes, password: str | None = None) -> Reading:
    return stratum.read(contents(file), means(password))


def altered(*groups: str, **changes: object) -> Found:
    return replace(ONE, account=replace(ONE.account, **changes), group_names=groups)  # type: ignore[arg-type]


def test_categories_are_groups() -> None:
    assert [found.group_names for found in read(PLAIN).found] == [("Work", "Money"), ("Money",), (), ()]


def test_very_many_categories_of_very_many_equal_secrets_are_read_in_no_time() -> None:
    many = 3_000
    reading = read(
        plain(
            *[authenticator("Example", f"{number}") for number in range(many)],
            Categories=[{"Id": str(number), "Name": f"{number}"} for number in range(many)],
            AuthenticatorCategories=[
                {"CategoryId": str(number), "AuthenticatorSecret": SECRET} for number in range(many)
            ],
        )
    )
    assert len(reading.found) == sum(len(found.group_names) for found in reading.found) == many


def test_icons_are_counted() -> None:
    assert read(PLAIN).warnings == ("2 icons are not kept",)
    assert read(plain(authenticator("a"), CustomIcons=[{}])).warnings == ("1 icon is not kept",)


def test_what_cannot_be_used_is_skipped_by_its_name_with_the_reason() -> None:
    bad = (
        authenticator("Type", Type=6),
        authenticator("Hash", "me", Algorithm=3),
        authenticator("Digits", Digits=3),
        authenticator("Period", Period=0),
        authenticator("Counter", Type=1, Counter=-1),
        authenticator("Secret", secret=None),
        authenticator(["issuer"]),
        "text",
    )
    reading = read(plain(authenticator("Good"), *bad))
    assert essences(reading) == (totp("Good", ""),)
    assert [(skipped.name, skipped.reason) for skipped in reading.skipped] == [
        ("Type", "its type is none of TOTP, HOTP and Steam"),
        ("Hash:me", "the algorithm is none of SHA1, SHA256 and SHA512"),
        ("Digits", "the number of digits is not between 4 and 10"),
        ("Period", "the period in seconds is not between 1 and 86400"),
        ("Counter", "the counter is not between 0 and 2147483647"),
        ("Secret", "the secret is empty"),
        ("entry 8", "its Issuer is not a text"),
        ("entry 9", "it is not an object"),
    ]
    assert {skipped.reason for skipped in read(PLAIN).skipped} == {
        "mOTP codes are not supported",
        "Yandex codes are not supported",
    }


def test_missing_fields_are_defaults() -> None:
    assert essences(read(SMALL)) == (totp("Example", "alice"),)


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (b'{"Authenticators": 1, "Categories": 1}', True),
        (b'{"Authenticators": []}', False),
        (b'{"authenticators": [], "categories": []}', False),
        (b"AUTHENTICATORPRO", True),
        (b"AuthenticatorPro\x00", True),
        (b"authenticatorpro", False),
        (b"AUTHENTICATORPR", False),
    ],
)
def test_a_backup_is_recognised_by_its_first_bytes_or_its_keys(content: bytes, *, recognised: bool) -> None:
    assert stratum.recognises(contents(content)[0], means()) is recognised


def test_a_backup_without_entries_holds_nothing() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        through_registry.read(plain())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"Authenticators": 1, "Categories": []}', "its Authenticators is not a list"),
        (b'{"Authenticators": [], "Categories": {}}', "its Categories is not a list"),
        (b'{"Authenticators": [], "Categories": [1]}', "it is not an object"),
        (b'{"Authenticators": [], "Categories": [], "CustomIcons": 1}', "its CustomIcons is not a list"),
        (plain(AuthenticatorCategories=[{"CategoryId": []}]), "its CategoryId is not a text"),
    ],
)
def test_a_backup_with_broken_lists_is_damaged(content: bytes, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        strong(b"")[:-1],
        strong(SMALL)[:59],
        b"AUTHENTICATORPRO",
        legacy(SMALL)[:-1],
        b"AuthenticatorPro\x00",
        legacy(b"")[:-16],
    ],
)
def test_a_backup_that_is_cut_off_where_that_can_be_seen_is_damaged(content: bytes) -> None:
    with pytest.raises(FileDamaged, match="it is cut off"):
        read(content, PASSWORD)


@pytest.mark.parametrize(
    "content", [strong(b"hello"), strong(b'{"Authenticators'), legacy(b'{"Authenticators": [')]
)
def test_a_backup_that_opens_to_something_else_is_damaged(content: bytes) -> None:
    with pytest.raises(FileDamaged, match="not JSON"):
        read(content, PASSWORD)


def test_a_backup_that_opens_to_other_json_is_damaged() -> None:
    with pytest.raises(FileDamaged, match="it is not an object"):
        read(strong(b"[]"), PASSWORD)


def test_a_valid_padding_alone_does_not_make_the_password_right() -> None:
    # One wrong key in 256 leaves one; what it opens to is nonsense.
    with pytest.raises(WrongPassphrase):
        read(legacy(b"nonsense"), PASSWORD)


@pytest.mark.parametrize("sealed", [strong, legacy])
def test_a_missing_and_a_wrong_password_are_told_apart(sealed: object) -> None:
    file = sealed(PLAIN)  # type: ignore[operator]
    with pytest.raises(PasswordMissing):
        read(file)
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        read(file, "\ud800")
    assert essences(read(file, PASSWORD)) == ACCOUNTS


def test_little_memory_is_told_before_the_key_is_derived() -> None:
    with pytest.raises(CannotRead, match="64 MiB"):
        stratum.read(contents(strong(SMALL)), means(PASSWORD, memory_limit=2**25))


@pytest.mark.parametrize(
    ("type_", "digits", "why"),
    [
        ("totp", 5, "6 to 10 digits of TOTP codes"),
        ("hotp", 5, "6 to 8 digits of HOTP codes"),
        ("hotp", 9, "6 to 8 digits of HOTP codes"),
    ],
)
def test_numbers_of_digits_that_it_does_not_show_are_left_out(type_: str, digits: int, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        stratum.hold(altered(type=type_, digits=digits))


@pytest.mark.parametrize(
    ("issuer", "name", "held_issuer", "held_name"),
    [
        ("i" * 33, "n" * 41, "i" * 32, "n" * 40),
        ("i" * 31 + "🔑", "n" * 39 + " n", "i" * 31, "n" * 39),
        ("é" * 32, "n" * 38 + "🔑", "é" * 32, "n" * 38 + "🔑"),
        ("", "alice", "alice", ""),
        ("", "", "unnamed", ""),
    ],
)
def test_names_are_cut_and_an_issuer_is_always_there(
    issuer: str, name: str, held_issuer: str, held_name: str
) -> None:
    held = stratum.hold(altered(issuer=issuer, name=name)).account
    assert (held.issuer, held.name) == (held_issuer, held_name)


def test_two_accounts_of_one_secret_stay_two_with_groups_of_their_own() -> None:
    # The program takes the text of a secret for the identity of an account, and padding does not change its bytes.
    accounts = [altered("Work"), altered("Money", name="bob"), altered(name="carol")]
    (file,) = stratum.write_plain(accounts, write_means())
    secrets = [each["Secret"] for each in json.loads(file)["Authenticators"]]
    assert secrets == [SECRET, f"{SECRET}=", f"{SECRET}=="]
    comes_back(TARGETS["stratum-plain"], accounts)


def test_a_written_backup_is_as_the_program_writes_it() -> None:
    (file,) = stratum.write_plain([stratum.hold(altered("Work", note="n", favorite=True))], write_means())
    assert json.loads(file) == {
        "Authenticators": [authenticator("Example", "alice", Icon=None, CopyCount=0)],
        "Categories": [{"Id": "00040bab", "Name": "Work", "Ranking": 0}],
        "AuthenticatorCategories": [{"CategoryId": "00040bab", "AuthenticatorSecret": SECRET, "Ranking": 0}],
        "CustomIcons": [],
    }


@given(st.lists(founds(), max_size=5))
def test_everything_it_can_hold_comes_back_from_a_plain_backup(accounts: list[Found]) -> None:
    comes_back(TARGETS["stratum-plain"], accounts)


@settings(max_examples=2, deadline=None)
@given(st.lists(founds(), min_size=1, max_size=5))
@example([ONE])
def test_everything_it_can_hold_comes_back_from_an_encrypted_backup(accounts: list[Found]) -> None:
    comes_back(TARGETS["stratum"], accounts)


@pytest.mark.long
@settings(max_examples=3_000, deadline=None)
@given(st.lists(founds(), max_size=5))
def test_very_many_accounts_come_back_from_a_plain_backup(accounts: list[Found]) -> None:
    comes_back(TARGETS["stratum-plain"], accounts)
