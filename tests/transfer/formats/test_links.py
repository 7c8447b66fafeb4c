"""Links in lists and pictures: what counts as a line, and that a bad one does not cost the others."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from appliance.errors import FileDamaged, NothingFound
from appliance.transfer.entry import Unusable
from appliance.transfer.formats import links
from appliance.transfer.found import Found, Means, Reading, Skipped
from appliance.vault.model import Account
from tests.transfer.reading import contents, means
from tests.transfer.samples.links import account, google, html, png

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


def test_pictures_and_texts_are_one_export_in_any_order() -> None:
    first, second, third = (google(account(f"a{n}"), size=3, index=n) for n in range(3))
    reading = read(png(third), f"{ONE}\n{first}", html(second), png(third))
    assert names(reading) == ["a2", "alice", "a0", "a1"]
    assert (reading.skipped, reading.missing) == ((), ())


def test_a_missing_page_is_named() -> None:
    reading = read(png(google(account("a"), size=3, index=0)))
    assert names(reading) == ["a"]
    assert reading.missing == ("QR codes 2-3 of 3",)


def test_a_page_that_is_read_twice_counts_once() -> None:
    page = google(account("a"))
    assert names(read(f"{page}\n{page}", png(page))) == ["a"]


def test_a_broken_page_and_a_bad_account_are_skipped_with_their_place() -> None:
    reading = read(
        f"{ONE}\notpauth-migration://offline?data=XXXX\n{google(account('b', algorithm=4), account(''), b'')}"
    )
    assert names(reading) == ["alice", ""]
    assert [(skipped.name, skipped.reason) for skipped in reading.skipped] == [
        ("line 2", "its data is cut off, or is not that of an export"),
        ("b", "codes made with MD5 are not supported"),
        ("line 3, account 3", "the secret is empty"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://example.org/MZXW6", "it is a web address, and no link to an account"),
        ("WIFI:T:WPA;S:home;P:MZXW6;;", "it is the access to a Wi-Fi network, and no link to an account"),
        (
            "phonefactor://activate?code=MZXW6",
            "it is for logins that Microsoft Authenticator confirms without a code, and no link to an account",
        ),
        ("MZXW6", "it is no link to an account"),
        ("motp://x", "mOTP codes are not supported"),
    ],
)
def test_a_code_of_something_else_is_skipped_without_its_text(text: str, reason: str) -> None:
    reading = read(png(ONE, text))
    assert names(reading) == ["alice"]
    assert reading.skipped == (Skipped("QR code 2", reason),)


def test_a_picture_without_a_code_is_nothing_found_with_advice() -> None:
    with pytest.raises(NothingFound, match="none can be read in the picture") as caught:
        read(blank())
    assert "straight" in caught.value.hint
    with pytest.raises(NothingFound, match="web page"):
        read(html())


def test_a_picture_without_a_code_among_others_is_skipped() -> None:
    reading = read(png(ONE), blank())
    assert names(reading) == ["alice"]
    assert reading.skipped == (Skipped("file 2", "no QR code can be read in it"),)


def test_a_broken_picture_is_named() -> None:
    with pytest.raises(FileDamaged) as caught:
        read(png(ONE)[:60])
    assert caught.value.what == "can't read the picture"
    with pytest.raises(FileDamaged) as caught:
        read(ONE, png(ONE)[:60])
    assert caught.value.what == "can't read the picture, file 2"


def test_a_web_page_may_hold_what_cannot_be_read_beside_its_codes() -> None:
    page = html(ONE, "https://example.org").replace(
        b"</table>",
        b"<img src='data:image/png;base64,!\xc3\xa4'><img src=data:image/png;base64,AAAA><img></table><b",
    )
    assert links.recognises(contents(page)[0], means())
    reading = read(page)
    assert names(reading) == ["alice"]
    assert len(reading.skipped) == 1


@pytest.mark.parametrize(
    "page", [b"<html><img src='x.png'></html>", b"<a href='otpauth:x'>", b"x data:image/png;base64,"]
)
def test_a_web_page_without_pictures_in_it_is_none_of_these(page: bytes) -> None:
    assert not links.recognises(contents(page)[0], means())


def test_a_flood_of_pages_is_refused() -> None:
    pages = "\n".join(google(account(f"{n}"), size=2, index=n % 2) for n in range(2_001))
    with pytest.raises(FileDamaged, match="2000"):
        read(pages)


def blank() -> bytes:
    written = io.BytesIO()
    Image.new("L", (300, 200), 255).save(written, "PNG")
    return written.getvalue()


def test_an_account_that_every_reader_would_take_for_another_kind_is_not_written() -> None:
    account = Account("u", "totp", "Steam", "anna", b"secret", digits=5)
    with pytest.raises(Unusable, match="Steam"):
        links.hold(Found(account))
    assert links.hold(Found(replace(account, digits=6))).account.type == "totp"
    with pytest.raises(Unusable, match="too long"):
        links.hold(Found(replace(account, name="x" * 200_000)))
