"""Authenticator Plus: its database with encrypted pages, which only its password tells from noise."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appliance.errors import FileDamaged, NotRecognised, WrongPassphrase
from appliance.transfer.found import Reading, Skipped
from appliance.transfer.sqlcipher import PAGE
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, hotp, totp
from tests.transfer.samples.phones import LINKS, Row, database
from tests.transfer.zips import aes_zip

COLUMNS = (
    "_id INTEGER PRIMARY KEY, email TEXT, secret TEXT, counter INTEGER, type INTEGER, issuer TEXT, "
    "original_name TEXT, category TEXT"
)
SALT = bytes(range(16))
_RESERVE = 48


def empty() -> bytes:
    """Return a database of one page whose pages leave room for an IV and a code, which SQLite can't be asked for."""
    header = bytearray(PAGE)
    header[:24] = b"SQLite format 3\0" + PAGE.to_bytes(2, "big") + bytes((1, 1, _RESERVE, 64, 32, 32))
    header[28:32] = header[92:96] = (1).to_bytes(4, "big")
    header[44:48] = (4).to_bytes(4, "big")
    header[56:60] = (1).to_bytes(4, "big")
    header[100] = 0x0D
    header[105:107] = (PAGE - _RESERVE).to_bytes(2, "big")
    return bytes(header)


def sealed(plain: bytes, password: str) -> bytes:
    """Return a database as SQLCipher 3 encrypts it."""
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), SALT, 64_000, 32)
    mac_key = hashlib.pbkdf2_hmac("sha1", key, bytes(byte ^ 0x3A for byte in SALT), 2, 32)
    pages = [SALT]
    for number, start in enumerate(range(0, len(plain), PAGE), 1):
        page = plain[start : start + PAGE - _RESERVE][16 if number == 1 else 0 :]
        iv = hashlib.md5(bytes([number]), usedforsecurity=False).digest()
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        body = encryptor.update(page) + iv
        pages += [body, hmac.digest(mac_key, body + number.to_bytes(4, "little"), "sha1"), bytes(12)]
    return b"".join(pages)


def of_rows(*rows: Row) -> bytes:
    return sealed(database(COLUMNS, rows, empty=empty()), "pass")


def opened(*rows: Row) -> Reading:
    return read(of_rows(*rows), password="pass")


def row(email: str, **more: object) -> Row:
    return {"email": email, "secret": SECRET, "type": 0, "category": "All Accounts", **more}


def test_the_encrypted_database_is_read_with_its_categories() -> None:
    reading = opened(
        row("alice", issuer="Example", category="Work"),
        row("bob", secret=OTHER, type=1, counter=5),
        row("carol", original_name="Acme:c"),
        row("", original_name="Acme:dave"),
        row("erin", secret="68656c6c6f", type=2),
        row("frank", secret="68656c6c6f", type=2, issuer="Blizzard"),
    )
    assert reading.encrypted
    assert essences(reading) == (
        totp("Example", "alice"),
        hotp("", "bob", OTHER, counter=5),
        totp("Acme", "carol"),
        totp("Acme", "dave"),
        totp("Battle.net", "erin", "NBSWY3DP", digits=8),
        totp("Blizzard", "frank", "NBSWY3DP", digits=8),
    )
    assert [found.group_names for found in reading.found] == [("Work",), (), (), (), (), ()]


def test_rows_that_cannot_be_taken_say_why() -> None:
    assert opened(row("a", type=3), row("b", type=2, secret="xyz")).skipped == (
        Skipped("a", "its type is none of TOTP, HOTP and Battle.net"),
        Skipped("b", "its secret has other than hexadecimal digits"),
    )


def test_without_its_password_the_database_is_noise() -> None:
    file = of_rows(row("alice"))
    for password in (None, "other"):
        with pytest.raises((NotRecognised, WrongPassphrase)):  # the second by a format that needs no mark
            read(file, password=password)
    with pytest.raises((NotRecognised, WrongPassphrase)):
        read(file[:-1], password="pass")


def test_a_damaged_page_is_told() -> None:
    file = bytearray(of_rows(row("a" * 300)))
    file[2 * PAGE - _RESERVE - 200] ^= 1  # inside the name, so that only the code of the page tells
    with pytest.raises(FileDamaged):
        read(bytes(file), password="pass")


def test_the_database_of_another_app_is_told() -> None:
    plain = database("a TEXT", (), empty=empty())
    with pytest.raises(FileDamaged, match="another app"):
        read(sealed(plain, "pass"), password="pass")


def test_an_archive_with_something_else_inside_is_damaged() -> None:
    with pytest.raises(FileDamaged, match="no otpauth:// links"):
        read(aes_zip("Accounts.txt", b"hello", "pass"), password="pass")
    assert read(aes_zip("x/accounts.txt", LINKS, "pass"), password="pass").format == "authenticator-plus"
