"""Codes, against the tables of the RFCs and against an implementation that shares nothing with ours."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.model import DIGITS, PERIODS, Account, Algorithm, base32_decode
from appliance.vault.otp import Code, code_at, code_for, grouped

SEED = b"12345678901234567890"
# RFC 6238 prints one seed; erratum 2866 says that the table was made with seeds as long as the hash.
SEEDS: dict[Algorithm, bytes] = {"SHA1": SEED, "SHA256": (SEED * 2)[:32], "SHA512": (SEED * 4)[:64]}
ALGORITHMS: list[Algorithm] = ["SHA1", "SHA256", "SHA512"]

HOTP = Account("u", "hotp", "Example", "alice", SEED)
TOTP = Account("u", "totp", "Example", "alice", SEED)
STEAM = Account("u", "steam", "Steam", "alice", SEED, digits=5)


def truncated(secret: bytes, counter: int, algorithm: str) -> int:
    """RFC 4226 section 5.3, on the hexadecimal text instead of bytes; RFC 2104's HMAC by hand."""
    hash_ = getattr(hashlib, algorithm.lower())
    block = hash_().block_size
    key = (hash_(secret).digest() if len(secret) > block else secret).ljust(block, b"\0")
    inner = hash_(bytes(b ^ 0x36 for b in key) + counter.to_bytes(8, "big")).digest()
    text = hash_(bytes(b ^ 0x5C for b in key) + inner).hexdigest()
    at = int(text[-1], 16) * 2
    return int(text[at : at + 8], 16) % 2**31


def decimal(secret: bytes, counter: int, algorithm: str, digits: int) -> str:
    return f"{truncated(secret, counter, algorithm) % 10**digits:0{digits}d}"


def steam(secret: bytes, counter: int) -> str:
    left, letters = truncated(secret, counter, "SHA1"), ""
    while len(letters) < 5:
        left, index = divmod(left, 26)
        letters += "23456789BCDFGHJKMNPQRTVWXY"[index]
    return letters


RFC_4226 = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"


@pytest.mark.parametrize(
    ("counter", "code"),
    list(enumerate(RFC_4226.split())),
)
def test_hotp_gives_the_codes_of_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert code_for(HOTP, counter) == Code(code, None, None)


RFC_6238 = """
         59 94287082 46119246 90693936
 1111111109 07081804 68084774 25091201
 1111111111 14050471 67062674 99943326
 1234567890 89005924 91819424 93441116
 2000000000 69279037 90698825 38618901
20000000000 65353130 77737706 47863826
"""


@pytest.mark.parametrize("row", RFC_6238.split("\n")[1:-1])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_totp_gives_the_codes_of_rfc_6238_appendix_b(row: str, column: int) -> None:
    unix, *codes = row.split()
    algorithm = ALGORITHMS[column]
    account = replace(TOTP, secret=SEEDS[algorithm], algorithm=algorithm, digits=8)
    assert code_at(account, int(unix)).text == codes[column]


@pytest.mark.parametrize(
    ("secret", "unix", "code"),
    [
        ("63BEDWCQZKTQWPESARIERL5DTTQFCJTK", 1511200518, "FR8RV"),  # KeePassXC's tests
        ("63BEDWCQZKTQWPESARIERL5DTTQFCJTK", 1511200714, "9P3VP"),
        ("BASE32SECRET3232", 0, "2TC8B"),  # pyotp's tests
    ],
)
def test_steam_gives_published_codes(secret: str, unix: int, code: str) -> None:
    assert code_at(replace(STEAM, secret=base32_decode(secret)), unix) == Code(
        code, unix // 30 * 30, unix // 30 * 30 + 30
    )


@given(secret=st.binary(min_size=1, max_size=200), unix=st.integers(0, 2**40))
def test_steam_gives_the_codes_of_an_independent_implementation(secret: bytes, unix: int) -> None:
    assert code_at(replace(STEAM, secret=secret), unix).text == steam(secret, unix // 30)


@given(
    secret=st.binary(min_size=1, max_size=200),  # 80 bits and fewer, and more than a block (64 or 128 bytes)
    unix=st.integers(0, 2**40),
    algorithm=st.sampled_from(ALGORITHMS),
    digits=st.sampled_from(DIGITS),
    period=st.sampled_from(PERIODS),
)
def test_totp_gives_the_codes_of_an_independent_implementation(
    secret: bytes, unix: int, algorithm: Algorithm, digits: int, period: int
) -> None:
    account = replace(TOTP, secret=secret, algorithm=algorithm, digits=digits, period=period)
    code = code_at(account, unix)
    assert code.text == decimal(secret, unix // period, algorithm, digits)
    assert code.valid_from is not None
    assert code.valid_until is not None
    assert code.valid_from <= unix < code.valid_until
    assert code.valid_until - code.valid_from == period
    assert code.valid_from % period == 0


@given(
    secret=st.binary(min_size=1, max_size=200), counter=st.integers(0, 2**63), digits=st.sampled_from(DIGITS)
)
def test_hotp_gives_the_codes_of_an_independent_implementation(
    secret: bytes, counter: int, digits: int
) -> None:
    account = replace(HOTP, secret=secret, digits=digits)
    assert code_for(account, counter).text == decimal(secret, counter, "SHA1", digits)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_hmac_of_the_tests_is_that_of_the_standard_library(algorithm: str) -> None:
    # The independent implementation is only worth something if it is right itself.
    for size in (1, 10, 64, 65, 128, 129):
        digest = hmac.digest(b"k" * size, (7).to_bytes(8, "big"), algorithm.lower())
        at = digest[-1] % 16
        assert truncated(b"k" * size, 7, algorithm) == int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF


@pytest.mark.parametrize("digits", DIGITS)
def test_codes_have_four_to_ten_digits_and_keep_their_leading_zeros(digits: int) -> None:
    codes = {code_for(replace(HOTP, digits=digits), counter).text for counter in range(200)}
    assert {len(code) for code in codes} == {digits}
    assert any(code.startswith("0") for code in codes)


def test_a_code_changes_exactly_at_its_end() -> None:
    before, after = code_at(TOTP, 59.999), code_at(TOTP, 60.0)
    assert (before.valid_from, before.valid_until) == (30, 60)
    assert (after.valid_from, after.valid_until) == (60, 90)
    assert before.text != after.text
    assert before == code_at(TOTP, 30)


def test_a_time_before_1970_counts_as_1970() -> None:
    assert code_at(TOTP, -86_400.5) == code_at(TOTP, 0)


@pytest.mark.parametrize("unix", [2**31 - 1, 2**31, 2**32, 2**32 + 30])
def test_codes_go_on_after_2038_and_2106(unix: int) -> None:
    assert code_at(TOTP, unix).text == decimal(SEED, unix // 30, "SHA1", 6)


def test_a_hotp_account_has_no_code_of_a_time() -> None:
    with pytest.raises(ValueError, match="no time"):
        code_at(HOTP, 0)


def test_a_code_is_not_shown_in_a_representation() -> None:
    code = code_at(TOTP, 59)
    assert code.text not in repr(code)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1234", "1234"),
        ("12345", "12345"),
        ("FR8RV", "FR8RV"),
        ("482913", "482 913"),
        ("4829137", "4829 137"),
        ("48291374", "4829 1374"),
        ("482913105", "482 913 105"),
        ("4829131056", "48291 31056"),
    ],
)
def test_a_code_is_grouped_as_people_read_it(code: str, shown: str) -> None:
    assert grouped(code) == shown
