"""Proton Pass: the archive and its bare content, trash, extra fields, and the encrypted export."""

from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.onepassword import LINK, archive
from tests.transfer.samples.protonpass import MEMBER, item, plain


def test_an_item_keeps_its_pin_and_not_its_note_which_is_private() -> None:
    first, second = read(plain(Personal=[item(SECRET, pinned=True), item(LINK)])).found
    assert (first.account.note, first.account.favorite) == ("", True)
    assert (second.account.issuer, second.account.name, second.account.favorite) == ("Acme", "bob", False)


def test_vaults_are_groups_only_if_there_are_several() -> None:
    assert read(plain(Personal=[item(SECRET)])).found[0].group_names == ()
    several = read(plain(Personal=[item(SECRET)], Work=[item(SECRET)]))
    assert [found.group_names for found in several.found] == [("Personal",), ("Work",)]


def test_the_address_is_the_name_if_there_is_no_user() -> None:
    mail = item(SECRET)
    mail["data"]["content"]["itemUsername"] = ""
    older = item(SECRET)
    older["data"]["content"] = {"username": "carol", "totpUri": SECRET}
    assert [found.account.name for found in read(plain(Personal=[mail, older])).found] == ["a@b", "carol"]


def test_what_is_in_the_trash_is_counted_if_it_has_codes() -> None:
    trash = [item(SECRET, ("x", LINK), state=2), item(state=2), item("", ("x", LINK), state=2)]
    reading = read(plain(Personal=[item(SECRET), *trash]))
    assert len(reading.found) == 1
    assert reading.skipped == ()
    assert reading.warnings == ("2 trashed items with codes left out",)


def test_codes_in_extra_fields_are_named_and_not_taken() -> None:
    reading = read(plain(Personal=[item(SECRET, ("work", LINK), ("empty", "")), item("", ("", OTHER))]))
    reason = "it is in an extra field, and only the item's own code is read; copy its secret from Proton Pass"
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (Skipped("Example: work", reason), Skipped("Example: extra field", reason))


@pytest.mark.parametrize(
    ("bad", "skipped"),
    [
        (7, Skipped("entry 1", "it is not an object")),
        (item("0189"), Skipped("Example", "the secret is not base32 (letters A-Z and digits 2-7)")),
        (item([]), Skipped("Example", "its totpUri is not a text")),
        (item(SECRET, data=7), Skipped("entry 1", "it is not an object")),
        (item(SECRET, name={}), Skipped("entry 1", "its name is not a text")),
    ],
)
def test_one_bad_item_does_not_cost_the_others(bad: Any, skipped: Skipped) -> None:
    reading = read(plain(Personal=[bad, item(SECRET)]))
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (skipped,)


def test_an_archive_that_was_packed_again_is_recognised() -> None:
    packed = archive(plain(Personal=[item(SECRET)]), f"Downloads/{MEMBER}")
    assert read(packed).format == "proton-pass"


def test_an_encrypted_export_is_refused_with_what_to_do_instead() -> None:
    file = archive(b"-----BEGIN PGP MESSAGE-----", "Proton Pass/data.pgp")
    with pytest.raises(CannotRead, match="the Proton Pass file: it is encrypted with OpenPGP") as caught:
        read(file, password="any")
    assert "gpg --decrypt" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "holds no vaults"),
        (b"{}", "holds no vaults"),
        (b'{"vaults": []}', "holds no vaults"),
        (b'{"vaults": {', "no valid JSON"),
        (b'{"vaults": {"a": 7}}', "not a list"),
        (b'{"vaults": {"a": {"items": {}}}}', "not a list"),
    ],
)
def test_a_broken_tree_is_damage(data: bytes, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(archive(data, MEMBER))


@pytest.mark.parametrize(
    "other", [b'{"vaults": {}}', b'{"vaults": [], "version": "1"}', archive(plain(), "data.json")]
)
def test_what_only_looks_like_it_is_not_taken_for_it(other: bytes) -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(other)
