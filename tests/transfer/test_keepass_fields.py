"""What the fields of a KeePass entry mean: every way to keep codes in one, and which counts if there are several."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer.entry import Unusable
from appliance.transfer.found import Found
from appliance.transfer.keepass_fields import NAMES, account_of, has_secret
from tests.transfer.reading import essence, means
from tests.transfer.samples import OTHER, SECRET, Essence, hotp, steam, totp

HELLO = "NBSWY3DP"
"""Base32 of `hello`."""


def read(fields: Mapping[str, str]) -> Found | None:
    return account_of(fields, means(), title="Title", user="user")


def only(fields: Mapping[str, str]) -> Essence:
    found = read(fields)
    assert found is not None
    assert has_secret(fields)
    return essence(found)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"otp": f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example&period=60"},
            totp("Example", "alice", period=60),
        ),
        (
            {"otp": f"otpauth://totp/Title:none?secret={SECRET}&issuer=Title&encoder=steam"},
            steam("Title", "none"),
        ),
        ({"otp": f"otpauth://totp/?secret={SECRET}&issuer=A&key=x"}, totp("A", "user")),
        ({"OTPAuth": f"otpauth://totp/Example:alice?secret={SECRET}"}, totp("Example", "alice")),
        ({"otp": "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"}, totp("Title", "user")),
        (
            {"otp": f"key={OTHER}%3d%3d&step=25&size=8&otpHashMode=Sha256"},
            totp("Title", "user", OTHER, "SHA256", 8, 25),
        ),
        (
            {"otp": f"size=7&type=Hotp&counter=3&key={OTHER}"},
            hotp("Title", "user", OTHER, digits=7, counter=3),
        ),
        ({"otp": "key=68656c6c6f&encoding=Hex"}, totp("Title", "user", HELLO)),
        ({"otp": "key=aGVsbG8%3d&encoding=Base64"}, totp("Title", "user", HELLO)),
        ({"otp": "key=hello&encoding=UTF8"}, totp("Title", "user", HELLO)),
        ({"otp": f"key={OTHER}&encoding=Base32"}, totp("Title", "user", OTHER)),
        ({"TOTP Seed": SECRET}, totp("Title", "user")),
        (
            {"TOTP Seed": "gezd gnbv", "TOTP Settings": "45;8"},
            totp("Title", "user", "GEZDGNBV", "SHA1", 8, 45),
        ),
        ({"TOTP Seed": SECRET, "TOTP Settings": "30;S"}, steam("Title", "user")),
        ({"TOTP Seed": SECRET, "TOTP Settings": "60;6;https://time"}, totp("Title", "user", period=60)),
        ({"TOTP Seed": SECRET, "TOTP Settings": ""}, totp("Title", "user")),
        ({"TimeOtp-Secret": "hello"}, totp("Title", "user", HELLO)),
        ({"TimeOtp-Secret": " hello "}, totp("Title", "user", "EBUGK3DMN4QA")),
        (
            {
                "TimeOtp-Secret-Hex": "68 65 6c 6c 6f",
                "TimeOtp-Length": "8",
                "TimeOtp-Period": "60",
                "TimeOtp-Algorithm": "HMAC-SHA-512",
            },
            totp("Title", "user", HELLO, "SHA512", 8, 60),
        ),
        ({"TimeOtp-Secret-Base32": OTHER.lower(), "TimeOtp-Period": "0"}, totp("Title", "user", OTHER)),
        ({"TimeOtp-Secret-Base64": "aGVsbG8=\n", "TimeOtp-Period": "soon"}, totp("Title", "user", HELLO)),
        ({"HmacOtp-Secret-Base32": OTHER, "HmacOtp-Counter": "42"}, hotp("Title", "user", OTHER, counter=42)),
        ({"HmacOtp-Secret": "hello"}, hotp("Title", "user", HELLO)),
    ],
)
def test_each_way_to_keep_codes_is_read(fields: Mapping[str, str], expected: Essence) -> None:
    assert only(fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"otp": " ", "TOTP Seed": "", "TOTP Settings": "30;8"},
        {"TimeOtp-Secret-Hex": "", "TimeOtp-Length": "8", "HmacOtp-Counter": "7"},
        {"OTP Token": "123456", "{TOTP}": "234567", "OTP": SECRET},
    ],
)
def test_an_entry_without_a_secret_has_no_codes(fields: Mapping[str, str]) -> None:
    assert read(fields) is None
    assert not has_secret(fields)


def test_the_first_way_counts_in_the_order_in_which_programs_look() -> None:
    ways = {
        "otp": f"otpauth://totp/first?secret={SECRET}",
        "OTPAuth": f"otpauth://totp/second?secret={OTHER}",
        "TOTP Seed": "GEZDGNBV",
        "TimeOtp-Secret": "hello",
        "TimeOtp-Secret-Hex": "00",
        "HmacOtp-Secret": "hello",
    }
    secrets = []
    while ways:
        secrets.append(only(ways)[3])
        del ways[next(iter(ways))]
    assert secrets == [SECRET, OTHER, "GEZDGNBV", HELLO, "AA", HELLO]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"otp": "0189"}, "the secret is not base32 (letters A-Z and digits 2-7)"),
        ({"otp": "key=&size=8"}, "the secret is empty"),
        ({"otp": "motp://x"}, "mOTP codes are not supported"),
        (
            {"otp": "key=AAAA&encoding=Base58"},
            "the encoding of its otp is none of Base32, Base64, Hex and UTF8",
        ),
        ({"otp": "key=AAAA" + "&a=1" * 60}, "its otp has too many parts"),
        ({"TOTP Seed": SECRET, "TOTP Settings": "30;x"}, "its TOTP Settings is not a whole number"),
        ({"TOTP Seed": SECRET, "TOTP Settings": "0;6"}, "the period in seconds is not between 1 and 86400"),
        ({"TimeOtp-Secret-Hex": "6"}, "its TimeOtp-Secret-Hex can't be decoded"),
        ({"HmacOtp-Secret-Base64": "?"}, "its HmacOtp-Secret-Base64 can't be decoded"),
        ({"TimeOtp-Secret": "\ud800"}, "its TimeOtp-Secret can't be decoded"),
        ({"TimeOtp-Secret": "hello", "TimeOtp-Length": "3"}, "the number of digits is not between 4 and 10"),
        (
            {"TimeOtp-Secret": "hello", "TimeOtp-Algorithm": "MD5"},
            "codes made with MD5 are not supported",
        ),
    ],
)
def test_codes_that_cannot_be_taken_say_why(fields: Mapping[str, str], reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        read(fields)
    assert str(caught.value) == reason
    assert has_secret(fields)


def test_groups_are_kept_whichever_way() -> None:
    for fields in ({"otp": f"otpauth://totp/a?secret={SECRET}"}, {"TOTP Seed": SECRET}):
        found = account_of(fields, means(), title="", user="", groups=("Work/Mail", ""))
        assert found is not None
        assert found.group_names == ("Work/Mail",)


VALUES = st.one_of(
    st.text(st.sampled_from("Aa07 =&+%;:?/\u00e9\u202e\ud800"), max_size=12),
    st.sampled_from(["", "30;6", "30;S", "key=GEZDGNBV&size=8", "GEZDGNBV", "68656c", "aGVs", "0", "7"]),
)


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), VALUES, max_size=5))
def test_whatever_the_fields_hold_is_an_account_none_or_a_reason(fields: Mapping[str, str]) -> None:
    try:
        found = read(fields)
    except Unusable:
        found = None
        assert has_secret(fields)
    assert found is None or has_secret(fields)
