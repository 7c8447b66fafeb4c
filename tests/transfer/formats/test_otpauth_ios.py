"""OTP Auth of iOS: its two kinds of files in two versions each, its passwords, and what is broken inside."""

import hashlib
import hmac
import random
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.formats import otpauth_ios
from appliance.transfer.found import Reading, Skipped
from tests.transfer import reading as reader
from tests.transfer.reading import essences
from tests.transfer.samples import SECRET, hotp, totp
from tests.transfer.samples.otpauth_ios import (
    PASSWORD,
    account,
    archived,
    backup,
    folder,
    old,
    rncryptor,
    single,
    wrapped,
)


def read(file: bytes, password: str | None = PASSWORD) -> Reading:
    return reader.read(file, password=password)


def holding(data: bytes, version: float = 1.1) -> bytes:
    """Return a backup whose inner bytes are given."""
    return wrapped({"Version": version, "IV": "iv", "Salt": "salt", "WrappedData": data})


def test_folders_are_groups_only_if_there_are_several() -> None:
    one = read(backup(folder("All", account())))
    two = read(backup(folder("Work", account()), folder(None, account())))
    assert [found.group_names for found in one.found] == [()]
    assert [found.group_names for found in two.found] == [("Work",), ()]


def test_the_raw_bytes_of_a_secret_are_taken() -> None:
    assert read(backup(folder("All", account(secret=b"\0\xff")))).found[0].account.secret == b"\0\xff"


def test_an_account_may_lack_all_but_its_secret_and_type() -> None:
    bare = {"$": "ACOTPAccount", "secret": b"12345678901234567890", "type": 1}
    assert essences(read(backup(folder("All", bare)))) == (hotp("", ""),)


def test_an_unknown_type_algorithm_or_secret_costs_only_its_entry() -> None:
    bad = [
        account(type=0),
        account(algorithm=4),
        account(algorithm=9),
        account(secret=None),
        account(secret="GEZDGNBV"),
        account(secret=b""),
        account(digits=0),
        account(period=30.5),
        account(issuer=None, label=[]),
    ]
    reading = read(backup(folder("All", account(), *bad)))
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (
        Skipped("Example", "its type is none of TOTP, HOTP and Steam"),
        Skipped("Example", "codes made with MD5 are not supported"),
        Skipped("Example", "the algorithm is none of SHA1, SHA256 and SHA512"),
        Skipped("Example", "it has no secret"),
        Skipped("Example", "it has no secret"),
        Skipped("Example", "the secret is empty"),
        Skipped("Example", "the number of digits is not between 4 and 10"),
        Skipped("Example", "its period is not a whole number"),
        Skipped("entry 10", "its label is not a text"),
    )


@pytest.mark.parametrize(
    "file",
    [
        backup(folder("All", account())),
        backup(folder("All", account()), version=1.0, seal=old),
        single(account()),
        single(account(), version=1.1, seal=old),
    ],
)
def test_the_password_is_asked_for_and_checked(file: bytes) -> None:
    with pytest.raises(PasswordMissing):
        read(file, None)
    for wrong in ("", "password", PASSWORD + " "):
        with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged"):
            read(file, wrong)


@pytest.mark.parametrize("version", [0.9, 1.2, 2, 10**18, float("inf")])
def test_another_version_is_refused_before_the_password_is_asked_for(version: float) -> None:
    with pytest.raises(CannotRead, match=r"1\.0 and 1\.1 can be read"):
        read(backup(folder("All", account()), version=version), None)
    with pytest.raises(CannotRead, match=r"1\.1 and 1\.2 can be read"):
        read(single(account(), version=1.0), None)


@pytest.mark.parametrize(
    "header", [{}, {"Version": "1.1", "WrappedData": b"x"}, {"Version": 1.1, "Data": b"x"}, ["x"]]
)
def test_a_header_that_lacks_something_is_damage(header: Any) -> None:
    with pytest.raises(FileDamaged, match="its header is broken"):
        read(wrapped(header))


def test_an_old_header_without_its_salt_is_damage() -> None:
    with pytest.raises(FileDamaged, match="its header is broken"):
        read(wrapped({"Version": 1.0, "IV": "iv", "WrappedData": old(archived({}))}))


@pytest.mark.parametrize(
    "data", [b"", b"\x03\x01", b"\x02\x01" + bytes(200), b"\x03\x00" + bytes(200), rncryptor(b"")[:60]]
)
def test_an_encryption_of_another_form_is_damage(data: bytes) -> None:
    with pytest.raises(FileDamaged, match="unknown form"):
        read(holding(data))


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (b"", "what it holds is broken"),
        (b"bplist00", "what it holds is broken"),
        (archived({"Folders": [folder("All", account())]})[:-5], "what it holds is broken"),
        (archived({"Folders": 7}), "not where they belong"),
        (archived({"Folders": [7]}), "not where they belong"),
        (archived({"Folders": [{"$": "ACOTPFolder", "accounts": 7}]}), "not where they belong"),
        (archived([]), "not where they belong"),
    ],
)
def test_what_is_broken_inside_is_damage(inner: bytes, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(holding(rncryptor(inner)))


def test_a_changed_byte_of_the_sealed_part_is_never_taken() -> None:
    sealed = bytearray(rncryptor(archived({"Folders": [folder("All", account())]})))
    dice = random.Random(1)
    for place in dice.sample(range(2, len(sealed)), 12):
        sealed[place] ^= 1
        with pytest.raises(WrongPassphrase):
            read(holding(bytes(sealed)))
        sealed[place] ^= 1


def test_a_right_tag_over_broken_padding_is_damage() -> None:
    body = b"\x03\x01" + bytes(32) + bytes(16)
    key = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), bytes(8), 10_000, 32)
    with pytest.raises(FileDamaged, match="its encryption is broken"):
        read(holding(body + hmac.digest(key, body, "sha256")))


def test_an_account_that_is_no_object_costs_only_itself() -> None:
    reading = read(backup(folder("All", 7, account())))
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (Skipped("entry 1", "it is not an object"),)


def test_a_file_that_was_not_recognised_is_damage_and_not_a_crash() -> None:
    with pytest.raises(FileDamaged, match="outer encryption"):
        otpauth_ios.read(reader.contents(b"x"), reader.means(PASSWORD))


def test_an_empty_backup_has_nothing_in_it() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        read(backup(folder("All")))


def test_bytes_that_neither_fixed_key_opens_are_not_taken_for_it() -> None:
    file = backup(folder("All", account()))
    for other in (file[:-1], file[16:], wrapped({}, "Another"), bytes(64), b"x" * 64):
        with pytest.raises(NothingFound, match=r"not recognised|the file is empty"):
            read(other, password=None)
    assert SECRET not in repr(read(file))
