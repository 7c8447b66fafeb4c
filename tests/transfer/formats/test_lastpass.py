"""LastPass Authenticator: missing names, push-only accounts, built-in folders, and what its version may be."""

import json
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound
from appliance.transfer.found import Reading, Skipped
from tests.transfer.reading import read
from tests.transfer.samples import SECRET
from tests.transfer.samples.lastpass import account, export


def names(reading: Reading) -> list[tuple[str, str]]:
    return [(found.account.issuer, found.account.name) for found in reading.found]


@pytest.mark.parametrize("missing", [None, ""])
def test_a_name_that_is_missing_is_the_original_one(missing: str | None) -> None:
    renamed = account(issuerName="Mine", userName="me")
    blank = account(issuerName=missing, userName=missing)
    bare = {name: value for name, value in account().items() if name not in {"issuerName", "userName"}}
    assert names(read(export(renamed, blank, bare))) == [
        ("Mine", "me"),
        ("Example", "alice"),
        ("Example", "alice"),
    ]


def test_an_account_without_issuer_keeps_none() -> None:
    assert names(read(export(account(issuerName="", originalIssuerName="")))) == [("", "alice")]


def test_an_account_that_only_answers_push_messages_is_skipped_with_that_reason() -> None:
    reading = read(
        export(
            account(secret="", pushNotification=True),
            account(secret=None, pushNotification=True),
            account(secret=""),
            account(pushNotification=True),
        )
    )
    assert reading.skipped == (
        Skipped("Example:alice", "it is approved by push messages and has no codes"),
        Skipped("Example:alice", "it is approved by push messages and has no codes"),
        Skipped("Example:alice", "the secret is empty"),
    )
    assert len(reading.found) == 1


@pytest.mark.parametrize(
    ("folder", "groups"), [(0, ()), (1, ()), (2, ("Work",)), (9, ()), ("2", ("Work",)), (None, ())]
)
def test_a_folder_of_the_owner_is_a_group_and_a_built_in_one_is_none(
    folder: Any, groups: tuple[str, ...]
) -> None:
    assert read(export(account(folderData={"folderId": folder}))).found[0].group_names == groups


def test_a_favourite_stays_one() -> None:
    reading = read(export(account(isFavorite=True), account(folderData=None)))
    assert [found.account.favorite for found in reading.found] == [True, False]


@pytest.mark.parametrize(
    "folders", [None, 7, {}, [7], [{"id": [], "name": "x"}], [{"id": 2, "name": {}}], [{}]]
)
def test_broken_folders_cost_no_account(folders: Any) -> None:
    reading = read(export(account(folderData={"folderId": 2}), folders=folders))
    assert [found.group_names for found in reading.found] == [()]


def test_one_bad_entry_does_not_cost_the_others() -> None:
    bad = [
        7,
        account(secret="0189"),
        account(digits=0),
        account(timeStep=[]),
        account(algorithm="MD5"),
        account(issuerName=[]),
    ]
    reading = read(export(account(), *bad, account()))
    assert len(reading.found) == 2
    assert [skipped.name for skipped in reading.skipped] == [
        "entry 2",
        "Example:alice",
        "Example:alice",
        "Example:alice",
        "Example:alice",
        "entry 7",
    ]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_versions_up_to_3_are_read(version: int) -> None:
    assert len(read(export(account(), version=version)).found) == 1


@pytest.mark.parametrize("version", [4, 0, "3", None, 3.5])
def test_another_version_is_refused_with_its_number(version: Any) -> None:
    with pytest.raises(CannotRead, match=r"version is (4|0|unknown), and 1 to 3 can be read"):
        read(export(account(), version=version))


def test_accounts_that_are_no_list_are_damage() -> None:
    with pytest.raises(FileDamaged, match="accounts are not a list"):
        read(export(accounts={"a": account()}))


def test_other_json_with_accounts_is_not_taken_for_it() -> None:
    others: list[dict[str, Any]] = [
        {"accounts": []},
        {"accounts": {}, "version": 3},
        {"deviceName": "x", "version": 3},
    ]
    for other in others:
        with pytest.raises(NothingFound, match="not recognised"):
            read(json.dumps(other))


def test_half_a_surrogate_pair_in_a_name_is_dropped() -> None:
    reading = read(export(account(issuerName="Ex\ud800ample"), account(userName="\udfff", secret="0")))
    assert names(reading)[0] == ("Example", "alice")
    assert reading.skipped[0].name == "Example:"
    assert SECRET not in repr(reading)
