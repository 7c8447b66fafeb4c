"""Enpass: that it is not taken for Bitwarden, and what its items may look like."""

import json

import pytest

from appliance.errors import NothingFound
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import OTHER, SECRET, bitwarden, totp
from tests.transfer.samples.enpass import export, field, item


def test_neither_program_is_taken_for_the_other() -> None:
    assert read(export(item("A", field("totp", OTHER)))).format == "enpass"
    assert read(bitwarden.export(bitwarden.item("A", OTHER, fields=[]))).format == "bitwarden"


def test_an_item_gives_an_account_for_each_of_its_codes() -> None:
    codes = [field("totp", OTHER), field("totp", ""), field("totp", None), field("totp", SECRET, label="2")]
    assert essences(read(export(item("A", *codes, field("username", "b"))))) == (
        totp("A", "b", OTHER),
        totp("A", "b", SECRET),
    )


def test_a_field_that_was_deleted_does_not_count() -> None:
    deleted = field("totp", SECRET, deleted=1)
    assert essences(read(export(item("A", deleted, field("totp", OTHER))))) == (totp("A", "", OTHER),)


def test_folders_are_groups_and_favourites_stay() -> None:
    (found,) = read(export(item("A", field("totp", OTHER), folders=["f2", 7, "gone"], favorite=1))).found
    assert (found.group_names, found.account.favorite, found.account.note) == (("Home",), True, "")


@pytest.mark.parametrize("folders", [None, 7, [7], [{}], [{"uuid": 1, "title": "x"}], [{"uuid": "f1"}]])
def test_odd_folders_cost_no_account(folders: object) -> None:
    (found,) = read(export(item("A", field("totp", OTHER), folders=["f1"]), folders=folders)).found
    assert found.group_names == ()


def test_the_trash_is_left_out_and_its_codes_are_counted() -> None:
    reading = read(
        export(
            item("A", field("totp", OTHER), archived=1),
            item("B", field("totp", OTHER), trashed=1),
            item("C", field("password", "hunter2"), trashed=1),
        )
    )
    assert essences(reading) == (totp("A", "", OTHER),)
    assert reading.warnings == ("items of the trash that are left out: 1",)


@pytest.mark.parametrize(
    ("odd", "name", "reason"),
    [
        (7, "entry 2", "it is not an object"),
        (item("B", 7), "entry 2", "it is not an object"),
        (item(["x"], field("totp", OTHER)), "entry 2", "its title is not a text"),
        (item("B", field("totp", [])), "entry 2", "its value is not a text"),
        (item("B", fields={}), "entry 2", "its fields is not a list"),
        (item("B", field("totp", "0189")), "B", "the secret is not base32 (letters A-Z and digits 2-7)"),
    ],
)
def test_an_item_that_cannot_be_used_costs_only_itself(odd: object, name: str, reason: str) -> None:
    reading = read(export(item("A", field("totp", OTHER)), odd))
    assert essences(reading) == (totp("A", "", OTHER),)
    assert reading.skipped == (Skipped(name, reason),)


def test_an_export_without_codes_says_so() -> None:
    with pytest.raises(NothingFound, match="Enpass"):
        read(export(item("A", field("password", "hunter2"))))
    assert "hunter2" not in json.dumps([repr(read(export(item("A", field("totp", OTHER)))))])
