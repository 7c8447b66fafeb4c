"""Raivo: texts for numbers, and archives that are something else inside."""

import json

import pytest

from appliance.errors import FileDamaged, NotRecognised
from appliance.transfer.formats import raivo
from tests.transfer.reading import essences, means, read
from tests.transfer.samples import OTHER, SECRET, steam, totp
from tests.transfer.samples.raivo import ENTRIES, LIST, MEMBER
from tests.transfer.zips import aes_zip, plain_zip


def entry(**fields: object) -> dict[str, object]:
    return {"kind": "TOTP", "account": "a", "secret": SECRET, "timer": "30", **fields}


def packed(*entries: object) -> bytes:
    return json.dumps(entries).encode()


def test_numbers_may_be_texts_or_numbers_or_missing() -> None:
    file = packed(
        entry(digits="8", timer="60"), entry(digits=7, timer=10), entry(timer=None), entry(kind="STEAM")
    )
    assert essences(read(file)) == (
        totp("", "a", digits=8, period=60),
        totp("", "a", digits=7, period=10),
        totp("", "a"),
        steam("", "a"),
    )


def test_pinned_accounts_are_favourites_and_icons_are_told() -> None:
    reading = read(LIST)
    assert [found.account.favorite for found in reading.found] == [True, False]
    assert reading.warnings == ("1 icons are not kept",)
    assert read(packed(entry())).warnings == ()


def test_an_entry_of_another_type_costs_only_itself() -> None:
    reading = read(packed(7, entry(), entry(account=["x"], issuer="A", digits="99")))
    assert len(reading.found) == 1
    assert [skipped.name for skipped in reading.skipped] == ["entry 1", "entry 3"]


def test_the_file_may_lie_in_a_folder_of_the_archive() -> None:
    assert len(read(aes_zip(f"export/{MEMBER}", LIST, "pass"), password="pass").found) == 2


@pytest.mark.parametrize("inside", [b"{}", b"[", b"otpauth://"])
def test_an_archive_with_something_else_inside_is_damaged(inside: bytes) -> None:
    with pytest.raises(FileDamaged, match="Raivo"):
        read(aes_zip(MEMBER, inside, "pass"), password="pass")


def test_other_lists_and_archives_are_not_recognised() -> None:
    for other in (packed({**ENTRIES[0], "timer": "30"} | {}), packed(entry())):
        assert read(other).format == raivo.NAME
    for foreign in (
        packed({"secret": OTHER, "name": "a"}),
        packed(),
        plain_zip(a__json=LIST),
    ):
        with pytest.raises(NotRecognised):
            read(foreign, password=means().password)
