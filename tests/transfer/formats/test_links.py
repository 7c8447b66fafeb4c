"""Lists of links: what counts as a line, and that a bad one does not cost the others."""

import pytest

from appliance.transfer.formats import links
from appliance.transfer.found import Means, Reading, Skipped
from tests.transfer.reading import contents, means

ONE = "otpauth://totp/Example:alice?secret=MZXW6YTBOI"
TWO = "otpauth://totp/Example:bob?secret=MZXW6YTB"


def read(*files: str | bytes) -> Reading:
    return links.read(contents(*files), means())


def names(reading: Reading) -> list[str]:
    return [found.account.name for found in reading.found]


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE}\r\n{TWO}\r\n",
        f"{ONE}\r{TWO}",
        f"\ufeff{ONE}\n{TWO}",
        f"\n\n  {ONE}  \n\n\t\n{TWO}\n\n",
        f"# my accounts\n{ONE}\n  # otpauth://totp/old?secret=MZXW6YTB\n{TWO}",
        f"\"{ONE}\"\n'{TWO}'\n",
    ],
)
def test_a_list_is_read_in_order_in_any_dress(text: str) -> None:
    reading = read(text)
    assert names(reading) == ["alice", "bob"]
    assert reading.skipped == ()
    assert reading.format == "uri-list"
    assert not reading.encrypted


def test_a_list_that_windows_saved_as_unicode_is_read() -> None:
    content = f"{ONE}\r\n{TWO}\r\n".encode("utf-16")
    assert links.recognises(contents(content)[0], means())
    assert names(read(content)) == ["alice", "bob"]


def test_a_letter_that_is_not_utf_8_costs_only_itself() -> None:
    assert names(read(b"otpauth://totp/Z\xfcrich:zo\xeb?secret=MZXW6YTB\n" + TWO.encode())) == [
        "zo\ufffd",
        "bob",
    ]


def test_a_separator_inside_a_label_does_not_end_the_line() -> None:
    assert names(read("otpauth://totp/a\u2028b\x0cc?secret=MZXW6YTB")) == ["abc"]


def test_a_bad_line_is_skipped_with_its_number_and_reason() -> None:
    reading = read(f"# list\n{ONE}\n\notpauth://totp/x?secret=0189\nhello\n{TWO}")
    assert names(reading) == ["alice", "bob"]
    assert reading.skipped == (
        Skipped("line 4", "the secret is not base32 (letters A-Z and digits 2-7)"),
        Skipped("line 5", "this is not an otpauth:// link"),
    )


def test_several_files_are_one_list_and_say_which_file_a_line_is_in() -> None:
    reading = read(f"{ONE}\nmotp://x", f"\notpauth://hotp/carol?secret=MZXW6YTB\n{TWO}\n")
    assert names(reading) == ["alice", "carol", "bob"]
    assert [skipped.name for skipped in reading.skipped] == ["file 1, line 2"]
    assert reading.warnings == ("file 2, line 2: the link has no counter; 0 was taken",)


def test_accounts_get_fresh_uuids_and_keep_counter_and_text_of_the_secret() -> None:
    first, second = read(f"otpauth://hotp/a?secret=mzxw6yt&counter=9\n{ONE}").found
    assert first.account.uuid != second.account.uuid
    assert (first.counter, first.secret_text, first.group_names) == (9, "MZXW6YT", ())


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (ONE.encode(), True),
        (b"hello\n" + ONE.encode(), True),
        (b"steam://x", True),
        (b"motp://x", True),
        (b"", False),
        (b"# otpauth://totp/a", False),
        (b"hello otpauth://totp/a", False),
        (b"\x00\n" + ONE.encode(), False),
    ],
)
def test_a_list_is_recognised_by_a_line_that_begins_like_a_link(content: bytes, *, recognised: bool) -> None:
    assert links.recognises(contents(content)[0], means()) is recognised


def test_no_representation_shows_a_secret_or_password() -> None:
    shown = repr(read(ONE)) + repr(Means("pass word", 0, str, b"key file"))
    assert "MZXW" not in shown
    assert "foobar" not in shown
    assert "pass word" not in shown
    assert "key file" not in shown
