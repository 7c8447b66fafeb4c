"""1Password's .1pux: several codes of an item, what becomes a group, and what is left out."""

import json
from typing import Any

import pytest

from appliance.errors import FileDamaged, NothingFound
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, steam, totp
from tests.transfer.samples.onepassword import LINK, archive, export, item, vault


def test_each_code_of_an_item_is_an_account_without_the_item_s_note_which_is_private() -> None:
    reading = read(export(vault(item(SECRET, OTHER.lower()))))
    assert essences(reading) == (totp("Example", "alice"), totp("Example", "alice", OTHER))
    assert {found.account.note for found in reading.found} == {""}


def test_a_link_keeps_its_own_names_and_a_bare_one_takes_those_of_the_item() -> None:
    nameless = f"otpauth://totp/?secret={SECRET}&issuer=Acme"
    reading = read(export(vault(item(LINK, f"steam://{SECRET}", nameless))))
    assert essences(reading) == (
        totp("Acme", "bob", OTHER, "SHA256", 8, 60),
        steam("Example", "alice"),
        totp("Acme", "alice"),
    )


def test_vaults_are_groups_only_if_there_are_several() -> None:
    one = read(export(vault(item(SECRET))))
    two = read(export(vault(item(SECRET)), vault(item(SECRET), name="Work")))
    assert [found.group_names for found in one.found] == [("web",)]
    assert [found.group_names for found in two.found] == [("Personal", "web"), ("Work", "web")]


def test_a_favourite_stays_one() -> None:
    reading = read(export(vault(item(SECRET, favIndex=2), item(SECRET, favIndex=None))))
    assert [found.account.favorite for found in reading.found] == [True, False]


def test_archived_items_are_counted_if_they_have_codes() -> None:
    archived = [item(SECRET, LINK, state="archived"), item(state="archived"), item(SECRET, state="archived")]
    reading = read(export(vault(item(SECRET), *archived)))
    assert len(reading.found) == 1
    assert reading.skipped == ()
    assert reading.warnings == ("2 archived items with codes left out",)


def test_an_early_file_has_each_item_in_an_object() -> None:
    reading = read(
        export(vault({"item": item(SECRET), "file": {}}, {"item": item(SECRET, state="archived")}))
    )
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.warnings == ("1 archived item with codes left out",)


@pytest.mark.parametrize(
    ("bad", "skipped"),
    [
        (7, Skipped("entry 1", "it is not an object")),
        ({"item": 7}, Skipped("entry 1", "it is not an object")),
        (item("0189"), Skipped("Example", "the secret is not base32 (letters A-Z and digits 2-7)")),
        (item("motp://x"), Skipped("Example", "mOTP codes are not supported")),
        (item({}), Skipped("Example", "its totp is not a text")),
        (item(SECRET, title=[]), Skipped("entry 1", "its title is not a text")),
        (item(SECRET, details={"sections": {}}), Skipped("Example", "its sections is not a list")),
        (item(SECRET, details={"sections": [7]}), Skipped("Example", "it is not an object")),
        (item(SECRET, overview=7), Skipped("entry 1", "it is not an object")),
    ],
)
def test_one_bad_item_does_not_cost_the_others(bad: Any, skipped: Skipped) -> None:
    reading = read(export(vault(bad, item(SECRET))))
    assert essences(reading) == (totp("Example", "alice"),)
    assert reading.skipped == (skipped,)


def test_a_login_without_a_name_of_its_user_has_none() -> None:
    bare = item(SECRET)
    bare["details"]["loginFields"] = [{"designation": "password", "value": "hunter2"}]
    reading = read(export(vault(bare, item())))
    assert essences(reading) == (totp("Example", ""),)
    assert "hunter2" not in repr(reading)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "holds no accounts"),
        (b"[]", "holds no accounts"),
        (b'{"accounts": [}', "no valid JSON"),
        (b'{"accounts": ' + b"[" * 100_000, "nested too deeply|no valid JSON"),
        (b'{"accounts": 7}', "accounts are not a list"),
        (b'{"accounts": [7]}', "vaults are not a list"),
        (b'{"accounts": [{"vaults": 7}]}', "vaults are not a list"),
        (b'{"accounts": [{"vaults": [{"items": 7}]}]}', "items are not a list"),
    ],
)
def test_a_broken_tree_is_damage(data: bytes, why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(archive(data))


def test_an_archive_without_codes_has_nothing_in_it() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        read(archive(json.dumps({"accounts": []}).encode()))
