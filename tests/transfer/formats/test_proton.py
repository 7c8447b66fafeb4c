"""Proton Authenticator: where names come from, both spellings of Steam's secret, and what it cannot hold."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.entry import Unusable
from appliance.transfer.formats import proton
from appliance.transfer.found import Found, Reading
from appliance.transfer.registry import TARGETS
from appliance.vault.model import Account
from tests.transfer import reading as through_registry
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, write_means
from tests.transfer.samples import OTHER, SECRET, steam, totp
from tests.transfer.samples.proton import ACCOUNTS, PASSWORD, PLAIN, entry, plain, sealed

LINK = f"otpauth://totp/alice?secret={SECRET}&issuer=Example&algorithm=SHA1&digits=6&period=30"
ONE = Found(Account("uuid", "totp", "Example", "alice", b"12345678901234567890"), 0, SECRET)


def read(file: bytes, password: str | None = None) -> Reading:
    return proton.read(contents(file), means(password))


def altered(**changes: object) -> Found:
    return replace(ONE, account=replace(ONE.account, **changes))  # type: ignore[arg-type]


def test_the_note_is_kept() -> None:
    assert [found.account.note for found in read(PLAIN).found] == ["two\nlines", "", "", ""]


def test_a_broken_entry_is_skipped_by_its_name() -> None:
    reading = read(
        plain(entry("hello", name="x"), entry(None, name="y"), entry(LINK), "z", {"content": 1}, {})
    )
    assert essences(reading) == (totp("Example", "alice"),)
    assert [(skipped.name, skipped.reason) for skipped in reading.skipped] == [
        ("x", "it has no otpauth:// link"),
        ("y", "it has no otpauth:// link"),
        ("entry 4", "it is not an object"),
        ("entry 5", "it is not an object"),
        ("entry 6", "it has no otpauth:// link"),
    ]


def test_a_name_beside_the_link_is_not_taken_where_the_link_has_one() -> None:
    reading = read(
        plain(entry(LINK, name="other"), entry(f"otpauth://totp/?secret={OTHER}&issuer=A", name="A"))
    )
    assert essences(reading) == (totp("Example", "alice"), totp("A", "", OTHER))


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (SECRET, SECRET),
        (SECRET.lower(), SECRET),
        ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", SECRET),
        ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", SECRET),
        ("/%2Bw=", "77WA"),
    ],
)
def test_the_secret_of_steam_is_base32_or_else_base64(secret: str, expected: str) -> None:
    reading = read(plain(entry(f"steam://{secret}", "Steam", "gabe")))
    assert essences(reading) == (steam("Steam", "gabe", expected),)


@pytest.mark.parametrize("secret", ["", "!", "a", "%ff", "é", "===="])
def test_a_secret_of_steam_that_is_neither_is_skipped(secret: str) -> None:
    reading = read(plain(entry(f"steam://{secret}", "Steam", "gabe")))
    assert reading.found == ()
    assert [skipped.name for skipped in reading.skipped] == ["gabe"]


def test_half_a_letter_in_a_note_does_no_harm() -> None:
    (found,) = read(plain(entry(LINK, note="a\ud800b"))).found
    assert found.account.note == "a?b"


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        ('{"version": 1, "entries": []}', True),
        ('{"version": 1, "entries": [1, {"content": 2}]}', True),
        ('{"version": 1, "entries": [1]}', False),
        ('{"version": 1, "entries": {}}', False),
        ('{"entries": [{"content": 2}]}', False),
        ('{"version": 1, "salt": 2, "content": 3}', True),
        ('{"version": 1, "salt": 2}', False),
        ("[]", False),
        ("1", False),
    ],
)
def test_a_file_is_recognised_by_its_keys(text: str, *, recognised: bool) -> None:
    assert proton.recognises(contents(text)[0], means()) is recognised


def test_a_file_without_entries_holds_nothing() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        through_registry.read(plain())


@pytest.mark.parametrize("version", [2, 0, None, -1])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(CannotRead, match="version 1 can be read"):
        read(plain(entry(LINK), version=version))


def test_a_version_that_is_no_number_is_damage() -> None:
    with pytest.raises(FileDamaged, match="its version is not a whole number"):
        read(plain(entry(LINK), version="one"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"salt": "AAAA"}, "another length"),
        ({"salt": "AAA"}, "its salt is not base64"),
        ({"salt": None}, "another length"),
        ({"content": "AAAA"}, "another length"),
        ({"content": []}, "its content is not a text"),
    ],
)
def test_an_encrypted_file_with_broken_fields_is_damaged(changes: dict[str, object], why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(sealed(PLAIN, **changes), PASSWORD)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"\x00", "is not JSON"),
        (b"[]", "is not JSON"),
        (b'{"entries": 1}', "its entries is not a list"),
    ],
)
def test_an_encrypted_file_that_opens_to_something_else_is_damaged(content: bytes, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(sealed(content), PASSWORD)


def test_a_missing_and_a_wrong_password_are_told_apart() -> None:
    with pytest.raises(PasswordMissing):
        read(sealed(PLAIN))
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        read(sealed(PLAIN), "\ud800")
    assert essences(read(sealed(PLAIN), PASSWORD)) == ACCOUNTS


def test_little_memory_is_told_before_the_key_is_derived() -> None:
    with pytest.raises(CannotRead, match="19 MiB"):
        proton.read(contents(sealed(PLAIN)), means(PASSWORD, memory_limit=2**20))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (altered(type="hotp"), "it has no codes with a counter"),
        (altered(digits=10), "it shows at most 9 digits"),
        (altered(period=65_536), "it has no periods above 65535 seconds"),
        (altered(issuer="Steam", digits=5), "taken for Steam's own codes"),
    ],
)
def test_what_it_cannot_compute_is_left_out(found: Found, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        proton.hold(found)


def test_what_it_has_no_place_for_is_dropped() -> None:
    held = proton.hold(replace(altered(favorite=True, note="n", digits=9, period=65_535), group_names=("g",)))
    assert (held.account.favorite, held.account.note, held.group_names) == (False, "n", ())
    assert proton.hold(altered(type="steam", digits=5, issuer="Valve")).account.issuer == "Steam"


def test_a_colon_in_a_name_is_written_as_a_dash() -> None:
    # Proton shows only what follows the last one, even of an encoded one; in the issuer it does not matter.
    held = proton.hold(altered(issuer="a:b", name="@me:matrix.org"))
    assert (held.account.issuer, held.account.name) == ("a:b", "@me-matrix.org")


def test_a_written_entry_is_as_the_program_writes_it() -> None:
    games = altered(type="steam", digits=5, issuer="Steam", name="gabe", note="n")
    (file,) = proton.write_plain([proton.hold(found) for found in (ONE, games)], write_means())
    assert json.loads(file) == {
        "version": 1,
        "entries": [
            {
                "id": "uuid",
                "content": {
                    "uri": f"otpauth://totp/alice?secret={SECRET}&issuer=Example&algorithm=SHA1&digits=6&period=30",
                    "entry_type": "Totp",
                    "name": "alice",
                },
                "note": None,
            },
            {
                "id": "uuid",
                "content": {"uri": f"steam://{SECRET}", "entry_type": "Steam", "name": "gabe"},
                "note": "n",
            },
        ],
    }


@given(st.lists(founds(), max_size=5))
@example([altered(issuer="", name=""), altered(name=""), altered(issuer=""), altered(issuer="Null", name="")])
def test_everything_it_can_hold_comes_back_from_a_plain_file(accounts: list[Found]) -> None:
    comes_back(TARGETS["proton-plain"], accounts)


@settings(max_examples=5, deadline=None)
@given(st.lists(founds(), min_size=1, max_size=5))
@example([ONE])
def test_everything_it_can_hold_comes_back_from_an_encrypted_file(accounts: list[Found]) -> None:
    comes_back(TARGETS["proton"], accounts)


@pytest.mark.long
@settings(max_examples=3_000, deadline=None)
@given(st.lists(founds(), max_size=5))
def test_very_many_accounts_come_back_from_a_plain_file(accounts: list[Found]) -> None:
    comes_back(TARGETS["proton-plain"], accounts)
