"""Base32 as people have it, stamps, and the two orders of a vault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.model import (
    DIGITS,
    ZERO,
    Account,
    Record,
    Replaced,
    Stamp,
    Vault,
    base32_decode,
    base32_encode,
)

stamps = st.builds(Stamp, st.integers(0, 2**50), st.integers(0, 100), st.text("abc", max_size=2))


def account(uuid: str, issuer: str = "Example", name: str = "alice") -> Account:
    return Account(uuid, "totp", issuer, name, b"\xaa\xbb\xcc secret")


def record(uuid: str, *, position: str = "m", stamp: Stamp = ZERO, moved: Stamp = ZERO) -> Record:
    return Record(account(uuid), stamp, position, moved)


@given(st.binary(min_size=1, max_size=100))
def test_base32_that_we_write_reads_back_and_is_canonical(secret: bytes) -> None:
    text = base32_encode(secret)
    assert base32_decode(text) == secret
    assert len(text) % 8 not in {1, 3, 6}
    assert text == text.upper()
    assert "=" not in text


@pytest.mark.parametrize(
    "text",
    [
        "MZXW6YTBOI======",  # RFC 4648 section 10: "foobar"
        "MZXW6YTBOI",
        "mzxw6ytboi",
        "mzxw 6ytb oi",
        " MZXW-6YTB_OI\t\r\n",
        "MZXW\u00a06YTBOI=",
    ],
)
def test_base32_is_read_in_any_dress(text: str) -> None:
    assert base32_decode(text) == b"foobar"


@pytest.mark.parametrize(
    ("text", "secret"),
    [("MZX", b"f"), ("MZXW6Y", b"foo"), ("MZXW6YTBM", b"fooba"), ("MZ", b"f")],
)
def test_lengths_that_no_whole_bytes_have_lose_only_their_dangling_bits(text: str, secret: bytes) -> None:
    assert base32_decode(text) == secret


@pytest.mark.parametrize("text", ["", " ", "====", "- _"])
def test_an_empty_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        base32_decode(text)


def test_a_secret_of_no_whole_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        base32_decode("A")


@pytest.mark.parametrize("text", ["MZXW0YTB", "MZXW1YTB", "MZXW8", "MZXW6YTBOI!", "MZ=XW\u00fc", "MZXW6Y.TB"])
def test_another_character_is_refused_without_repeating_the_secret(text: str) -> None:
    with pytest.raises(ValueError, match="not base32") as caught:
        base32_decode(text)
    assert "MZXW" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_secret_or_is_refused(text: str) -> None:
    try:
        secret = base32_decode(text)
    except ValueError:
        return
    assert base32_decode(base32_encode(secret)) == secret


def test_a_later_time_starts_a_new_count() -> None:
    assert Stamp(100, 7, "a").after(ms=101, device="b") == Stamp(101, 0, "b")


@pytest.mark.parametrize("ms", [None, 100, 99, 0])
def test_time_that_stands_still_goes_back_or_is_not_trusted_moves_the_count(ms: int | None) -> None:
    assert Stamp(100, 7, "z").after(ms=ms, device="a") == Stamp(100, 8, "a")


@given(stamp=stamps, ms=st.none() | st.integers(0, 2**50), device=st.text("abc", max_size=2))
def test_the_next_stamp_is_greater_whatever_the_clock_says(stamp: Stamp, ms: int | None, device: str) -> None:
    following = stamp.after(ms=ms, device=device)
    assert following > stamp
    assert following.device == device


def test_stamps_are_ordered_by_time_then_count_then_device() -> None:
    assert ZERO < Stamp(1, 0, "a") < Stamp(1, 0, "b") < Stamp(1, 1, "a") < Stamp(2, 0, "a")


def test_records_are_shown_by_position_and_then_by_uuid() -> None:
    records = (record("3", position="b"), record("2", position="a"), record("1", position="b"))
    vault = Vault("v", "d", "desk", 1, 0, {each.account.uuid: each for each in records})
    assert [each.account.uuid for each in vault.ordered] == ["2", "1", "3"]


def test_an_empty_vault_has_the_least_stamp() -> None:
    assert Vault("v", "d", "desk", 0, 0).latest == ZERO


@pytest.mark.parametrize(
    "vault",
    [
        Vault("v", "d", "desk", 1, 0, records={"1": record("1"), "2": record("2", stamp=Stamp(9, 1, "a"))}),
        Vault(
            "v", "d", "desk", 1, 0, records={"1": record("1", stamp=Stamp(3, 0, "a"), moved=Stamp(9, 1, "a"))}
        ),
        Vault("v", "d", "desk", 1, 0, trash={"1": record("1", stamp=Stamp(9, 1, "a"))}),
        Vault("v", "d", "desk", 1, 0, trash={"1": record("1", moved=Stamp(9, 1, "a"))}),
        Vault("v", "d", "desk", 1, 0, tombstones={"1": Stamp(9, 1, "a"), "2": Stamp(9, 0, "z")}),
        Vault("v", "d", "desk", 1, 0, group_stamps={"1": Stamp(9, 1, "a")}),
    ],
)
def test_the_latest_stamp_is_found_wherever_it_stands(vault: Vault) -> None:
    assert vault.latest == Stamp(9, 1, "a")


@pytest.mark.parametrize(
    ("issuer", "name", "label"),
    [("GitHub", "bob", "GitHub:bob"), ("GitHub", "", "GitHub"), ("", "bob", "bob"), ("", "", "")],
)
def test_a_label_has_no_colon_without_both_parts(issuer: str, name: str, label: str) -> None:
    assert account("1", issuer, name).label == label


def test_no_representation_shows_a_secret() -> None:
    shown = repr(record("1")) + repr(Replaced(b"old secret", ZERO))
    assert "secret" not in shown
    assert "\\xaa" not in shown


def test_an_account_begins_with_the_counter_zero() -> None:
    assert (record("1").counter, Replaced(b"old", ZERO).counter) == (0, 0)


def test_codes_of_four_to_ten_digits_can_be_kept() -> None:
    assert (DIGITS[0], DIGITS[-1]) == (4, 10)
