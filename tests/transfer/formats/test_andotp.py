"""andOTP: files without a mark are guessed with care, and both encryptions open."""

import gzip
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import CannotRead, FileDamaged, NothingFound, WrongPassphrase
from appliance.transfer import registry
from appliance.transfer.export import plan
from appliance.transfer.formats import andotp
from appliance.transfer.found import Found, Reading
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import SECRET, hotp, totp
from tests.transfer.samples.andotp import EARLY, ENTRIES, EXPECTED, PASSWORD, item, plain, sealed, sealed_old

PGP = (
    b"\x85\x01\x0c\x03" + bytes(range(100)),  # to an RSA key, as gpg writes it
    b"\x84\x5e\x03" + bytes(range(100)),  # to an elliptic curve's
    b"\xc1\xc0\x4c\x03" + bytes(range(100)),
    b"\xc1\x5e\x03" + bytes(range(100)),
    b"\x8c\x0d\x04\x09" + bytes(range(100)),  # under a password
    b"\xc3\x0d\x04\x09" + bytes(range(100)),
    b"-----BEGIN PGP MESSAGE-----\n\nhF4D\n",
)


def entries(*raw: object, password: str | None = None) -> Reading:
    return andotp.read(contents(plain(list(raw))), means(password))


@pytest.mark.parametrize(
    ("content", "password", "recognised"),
    [
        (plain(ENTRIES), None, True),
        (plain(["broken", ENTRIES[0]]), None, True),
        (plain([]), None, False),
        (plain([{"secret": SECRET, "account": "a", "kind": "TOTP"}]), None, False),
        (plain({"secret": SECRET, "label": "a"}), None, False),
        (sealed(plain(ENTRIES)), None, False),
        (sealed(plain(ENTRIES)), "any", True),
        (sealed_old(plain(ENTRIES)), None, False),
        (sealed_old(plain(ENTRIES)), "any", True),
        (bytes(29), "any", False),
        (bytes(30), "any", True),
        (b"words of a text that is nothing else, on one line and more\r\n\t\f" * 9, "any", False),
        ("Wörter in einer alten Kodierung".encode("latin-1") * 9, "any", False),
        ("words of a text".encode("utf-16") * 9, "any", False),
        (b"%PDF-1.7\n" + bytes(100), "any", False),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "any", False),
        (b"PK\x03\x04" + bytes(100), "any", False),
        (gzip.compress(bytes(range(256))), "any", False),
    ],
)
def test_what_has_no_mark_is_taken_only_with_a_password(
    content: bytes, password: str | None, *, recognised: bool
) -> None:
    assert andotp.recognises(contents(content)[0], means(password)) is recognised


def test_the_guess_comes_last() -> None:
    assert registry.FORMATS[-1] is andotp
    links = b"otpauth://totp/a?secret=MZXW6YTB\n\x01\n"
    assert read(links, password=PASSWORD).format == "uri-list"


@pytest.mark.parametrize("content", PGP)
def test_openpgp_is_refused_with_advice(content: bytes) -> None:
    for password in (None, PASSWORD):
        with pytest.raises(CannotRead, match="encrypted with OpenPGP") as caught:
            read(content, password=password)
        assert caught.value.hint == "gpg --decrypt it, and import what comes out"


def test_tags_become_groups() -> None:
    odd = entries(item("a", issuer="b", tags=["Work", 7, None, "", "Work", "Home"]))
    assert odd.found[0].group_names == ("Work", "Home")
    assert entries(item("a", issuer="b", tags=None)).found[0].group_names == ()


@pytest.mark.parametrize(
    ("label", "issuer", "name"),
    [
        ("Example - alice", "Example", "alice"),
        ("Example - a - b:c", "Example", "a - b:c"),
        ("Example:alice", "Example", "alice"),
        ("Example-alice", "", "Example-alice"),
        ("alice", "", "alice"),
        ("", "", ""),
    ],
)
def test_an_early_label_holds_the_issuer_too(label: str, issuer: str, name: str) -> None:
    assert essences(entries(item(label))) == (totp(issuer, name),)
    assert essences(entries(item(label, issuer=None))) == (totp(issuer, name),)
    assert essences(entries(item(label, issuer=""))) == (totp("", label),)


def test_a_bad_entry_costs_only_itself() -> None:
    reading = entries(
        item("a", issuer="b", secret="1"), 7, item("c", issuer="d", type="HOTP"), item("e", tags=7)
    )
    assert essences(reading) == (hotp("d", "c"),)
    assert [each.name for each in reading.skipped] == ["b:a", "entry 2", "e"]


@pytest.mark.parametrize("seal", [sealed, sealed_old])
def test_an_encrypted_backup_opens_with_its_password_only(seal: Any) -> None:
    file = seal(plain(ENTRIES))
    reading = read(file, password=PASSWORD)
    assert reading.encrypted
    assert essences(reading) == EXPECTED
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
        read(file, password=PASSWORD + "x")
    with pytest.raises(NothingFound) as caught:
        read(file)
    assert "--password-file" in caught.value.hint


def test_an_early_file_that_begins_like_a_number_of_rounds_opens() -> None:
    nonces = (sealed_old(plain(EARLY)) for _ in range(1_000_000))
    file = next(file for file in nonces if file[0] == 0)
    assert len(read(file, password=PASSWORD).found) == 3


@pytest.mark.parametrize("seal", [sealed, sealed_old])
@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"no json", b"\0\0", b"[" * 100_000])
def test_an_encrypted_backup_of_something_else_is_damaged(seal: Any, content: bytes) -> None:
    with pytest.raises(FileDamaged, match="no list of entries"):
        andotp.read(contents(seal(content)), means(PASSWORD))


@pytest.mark.parametrize("rounds", [0, 2_000_001, 2**32 - 1])
def test_a_number_of_rounds_that_would_take_long_is_not_tried(rounds: int) -> None:
    with pytest.raises(WrongPassphrase):
        read(rounds.to_bytes(4, "big") + random.Random(0).randbytes(200), password=PASSWORD)


def test_an_account_without_note_is_held_whole() -> None:
    found = entries(item("a", issuer="b", tags=["Work", "Home"])).found[0]
    assert plan(registry.TARGETS["andotp"], [found]).complete


@given(st.lists(founds(), min_size=1, max_size=4))
def test_accounts_come_back(accounts: list[Found]) -> None:
    comes_back(registry.TARGETS["andotp"], accounts)


@given(founds())
def test_all_but_note_and_favourite_is_held(found: Found) -> None:
    made = plan(registry.TARGETS["andotp"], [found])
    assert not made.left_out
    reasons = {part for each in made.lost for part in each.reason.split(", ")}
    assert reasons <= {"its note", "that it is a favourite"}
