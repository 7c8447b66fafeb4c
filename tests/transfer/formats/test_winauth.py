"""WinAuth: whose secret counts in a Steam line, and which archives and lists are its own."""

import json
from urllib.parse import quote_plus

import pytest

from appliance.errors import FileDamaged, NotRecognised
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, steam, totp
from tests.transfer.samples.steamguard import SHARED
from tests.transfer.samples.winauth import TEXT
from tests.transfer.zips import aes_zip, plain_zip

LINK = f"otpauth://totp/Example:alice?secret={SECRET}"


def line(data: object, secret: str = "MFRGGZA") -> str:
    return (
        f"otpauth://totp/Steam:bob?secret={secret}&digits=5&issuer=Steam&data={quote_plus(json.dumps(data))}"
    )


def test_the_secret_of_a_steam_line_is_that_of_steams_own_data() -> None:
    assert essences(read(line({"shared_secret": SHARED}))) == (steam("Steam", "bob"),)
    assert essences(read(line({"shared_secret": SHARED}, secret="018"))) == (steam("Steam", "bob"),)


def test_a_steam_line_without_usable_data_has_the_secret_of_the_link() -> None:
    text = "\n".join(
        (
            line({"shared_secret": SHARED}),
            line({"shared_secret": "?"}, OTHER),
            line({"shared_secret": 7}, OTHER),
            line([], OTHER),
            line({}, OTHER),
        )
    )
    assert essences(read(text)) == (steam("Steam", "bob"), *(steam("Steam", "bob", OTHER),) * 4)


def test_a_line_with_steams_data_is_steams_whatever_its_issuer() -> None:
    text = line({"shared_secret": SHARED}).replace("Steam:bob", "Games:bob").replace("&issuer=Steam", "")
    assert essences(read(text)) == (steam("Games", "bob"),)


def test_what_else_is_in_steams_data_is_not_kept() -> None:
    assert "never" not in repr(read(TEXT))


def test_lines_that_cannot_be_read_are_told_by_their_number() -> None:
    reading = read(f"# mine\n\n{line({'shared_secret': SHARED})}\nhello\n{LINK}\n")
    assert reading.skipped == (Skipped("line 4", "this is not an otpauth:// link"),)
    assert essences(reading) == (steam("Steam", "bob"), totp("Example", "alice"))


def test_a_list_without_steams_data_is_an_ordinary_one() -> None:
    assert read(f"{LINK}\n").format == "uri-list"
    assert read(f"{LINK}&data=x\n").format == "uri-list"
    assert read(line({"account_name": "x"})).format == "uri-list"


def test_an_archive_of_one_list_of_links_is_taken_whatever_its_name() -> None:
    assert read(plain_zip(mine__TXT=LINK.encode())).format == "winauth"


@pytest.mark.parametrize(
    "archive",
    [
        plain_zip(),
        plain_zip(a__txt=b"hello"),
        plain_zip(a__csv=LINK.encode()),
        plain_zip(a__txt=LINK.encode(), b__txt=LINK.encode()),
        plain_zip(a__txt=LINK.encode()).replace(b"PK\x03\x04", b"PK\x03\x05") + b"PK\x03\x04",
    ],
)
def test_other_archives_are_not_recognised(archive: bytes) -> None:
    with pytest.raises(NotRecognised):
        read(archive)


def test_a_broken_archive_without_a_password_is_not_recognised() -> None:
    whole = plain_zip(a__txt=LINK.encode() * 3)
    with pytest.raises(NotRecognised):
        read(whole[:40] + bytes(4) + whole[44:])


def test_an_archive_by_password_with_something_else_inside_is_damaged() -> None:
    with pytest.raises(FileDamaged, match="no otpauth:// links"):
        read(aes_zip("a.txt", b"hello", "pass"), password="pass")
