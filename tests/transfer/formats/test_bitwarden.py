"""Bitwarden: which items count, what seals an export, and what its import can hold."""

import contextlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import (
    ApplianceError,
    CannotRead,
    FileDamaged,
    NothingFound,
    PasswordMissing,
    WrongPassphrase,
)
from appliance.transfer import registry
from appliance.transfer.entry import Unusable
from appliance.transfer.export import plan
from appliance.transfer.formats import bitwarden
from appliance.transfer.found import Found, Means
from appliance.vault.model import Account
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, read, write_means
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.bitwarden import ARGON2, LINK, PASSWORD, PBKDF2, PERSONAL, export, item, sealed

TARGET = registry.TARGETS["bitwarden"]
ACCOUNT = Account("u", "totp", "Example", "alice", b"12345678901234567890")


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (b'{"items": [], "folders": []}', True),
        (b'{"items": [], "encrypted": true}', True),
        (b'{"items": [], "collections": null}', True),
        (b'{"items": []}', False),
        (b'{"items": {}, "folders": []}', False),
        (b'{"folders": []}', False),
        (b'{"encrypted": true, "passwordProtected": true, "salt": "", "data": ""}', True),
        (b'{"version": 1, "salt": "", "data": ""}', False),
        (b"type,name,login_totp\n", True),
        (b"Display_Name,Login_TOTP\n", False),
        (b"name,login_totp\n", False),
        (b"[]", False),
        (b"\0", False),
    ],
)
def test_an_export_is_recognised_by_its_keys(content: bytes, *, recognised: bool) -> None:
    assert bitwarden.recognises(contents(content)[0], means()) is recognised


def test_folders_and_favourites_are_kept_and_notes_and_passwords_are_not() -> None:
    reading = read(PERSONAL)
    assert [found.group_names for found in reading.found] == [("Work",), ("Home",), ()]
    assert [found.account.favorite for found in reading.found] == [True, False, False]
    assert {found.account.note for found in reading.found} == {""}
    assert "hunter2" not in repr(reading)


def test_collections_are_groups_and_unknown_ones_cost_nothing() -> None:
    collections = [
        {"id": "1", "name": "Servers"},
        {"id": "2", "name": "Shared"},
        {"id": "3"},
        {"name": "x"},
        7,
    ]
    file = export(item("Acme", OTHER, collectionIds=["2", "1", "3", "4", [], None]), collections=collections)
    assert read(file).found[0].group_names == ("Shared", "Servers")


def test_deleted_items_with_a_code_are_left_out_and_counted() -> None:
    gone = "2026-01-01T00:00:00.000Z"
    file = export(item("A", OTHER), item("B", OTHER, deletedDate=gone), item("C", None, deletedDate=gone))
    reading = read(file)
    assert [found.account.issuer for found in reading.found] == ["A"]
    assert reading.warnings == ("deleted items that are left out: 1",)


def test_an_archived_item_is_kept() -> None:
    assert len(read(export(item("A", OTHER, archivedDate="2026-01-01T00:00:00.000Z"))).found) == 1


def test_names_of_a_link_win_and_those_of_the_item_fill_in() -> None:
    file = export(
        item("Title", f"otpauth://totp/alice?secret={SECRET}", "user"),
        item("Title", f"otpauth://totp/?secret={SECRET}&issuer=I", "user"),
        item("Title", f"OTPAUTH://totp/:?secret={SECRET}", "user"),
    )
    assert essences(read(file)) == (totp("", "alice"), totp("I", "user"), totp("Title", "user"))


@pytest.mark.parametrize(
    "broken",
    [
        7,
        None,
        [],
        item("Broken", "0189"),
        item("Broken", "\ud800"),
        item("Broken", "otpauth://yaotp/a?secret=MZXW6YTB"),
        item("Broken", OTHER, collectionIds={}),
        {"name": "Broken", "login": []},
        {"name": ["Broken"], "login": {"totp": OTHER}},
        {"name": "Broken", "login": {"totp": True}},
        {"name": "Broken", "login": {"totp": OTHER, "username": 1.5}},
    ],
)
def test_a_broken_item_costs_only_itself(broken: Any) -> None:
    reading = read(export(item("A", OTHER), broken, item("B", OTHER)))
    assert [found.account.issuer for found in reading.found] == ["A", "B"]
    assert [skipped.name for skipped in reading.skipped] in (["Broken"], ["entry 2"])


def test_names_that_are_no_text_in_unicode_do_no_harm() -> None:
    reading = read(
        export(item("A\ud800\u202e", OTHER, "b\udfff\n"), folders=[{"id": "\ud800", "name": "\ud800"}])
    )
    assert essences(reading) == (totp("A", "b", OTHER),)


@pytest.mark.parametrize(
    "file", [export(), export(item("A", None)), export(item("A", " ")), b"type,name,login_totp\nlogin,A,\n"]
)
def test_an_export_without_codes_is_nothing_found(file: bytes) -> None:
    with pytest.raises(NothingFound, match="Bitwarden file: there are none"):
        read(file)


def test_an_export_bound_to_the_account_says_how_to_export() -> None:
    locked = {"encrypted": True, "encKeyValidation_DO_NOT_EDIT": "2.a|b|c", "items": [], "folders": []}
    for more in ({}, {"passwordProtected": False}):
        with pytest.raises(CannotRead, match="key of a Bitwarden account") as caught:
            read(json.dumps(locked | more), password=PASSWORD)
        assert "Password protected" in caught.value.hint


def test_a_missing_a_wrong_and_a_right_password_are_told_apart() -> None:
    file = sealed(PERSONAL)
    with pytest.raises(PasswordMissing):
        read(file)
    for password in ("", PASSWORD + " ", PASSWORD.upper()):
        with pytest.raises(WrongPassphrase, match=r"wrong password$"):
            read(file, password=password)
    assert len(read(file, password=PASSWORD).found) == 3


def test_what_was_changed_inside_is_damage_and_no_wrong_password() -> None:
    outer = json.loads(sealed(PERSONAL))
    changed = outer["data"][:60] + ("A" if outer["data"][60] != "A" else "B") + outer["data"][61:]
    with pytest.raises(FileDamaged, match="the password is right"):
        read(json.dumps(outer | {"data": changed}), password=PASSWORD)


@pytest.mark.parametrize("plain", [b"", b"[]", b"{", b"{}", b'{"items": 7}', b"hello", b"\0"])
def test_a_sealed_text_that_is_no_export_is_damage(plain: bytes) -> None:
    with pytest.raises(FileDamaged):
        read(sealed(plain), password=PASSWORD)


@pytest.mark.parametrize("field", ["data", "encKeyValidation_DO_NOT_EDIT"])
@pytest.mark.parametrize(
    "text", ["", None, 7, "2.", "2.||", "2.a|b|c", "0.AAAA|AAAA|AAAA", "2.AAAA|AAAA|AAAA", "2.é|é|é", "|" * 9]
)
def test_a_sealed_text_of_another_form_is_damage(field: str, text: Any) -> None:
    with pytest.raises(FileDamaged):
        read(sealed(PERSONAL, **{field: text}), password=PASSWORD)


ODD: list[Any] = [-1, 1.5, 2**31, 10**18, 10**3000, True, "x", "7", [], {}, None]


@pytest.mark.parametrize("kdf", [PBKDF2, ARGON2])
@pytest.mark.parametrize("field", ["kdfType", "kdfIterations", "kdfMemory", "kdfParallelism"])
@pytest.mark.parametrize("value", ODD)
def test_no_parameter_of_the_key_derivation_does_harm(kdf: dict[str, Any], field: str, value: Any) -> None:
    try:
        read(sealed(PERSONAL, kdf, **{field: value}), password=PASSWORD)
    except (CannotRead, FileDamaged, WrongPassphrase):
        pass
    else:
        assert kdf is PBKDF2
        assert field in {"kdfMemory", "kdfParallelism"}


def test_a_number_of_thousands_of_digits_is_not_quoted() -> None:
    with pytest.raises(FileDamaged, match="its kdfIterations is no possible number"):
        read(sealed(PERSONAL, kdfIterations=10**4000), password=PASSWORD)


def test_argon2_of_1_gib_is_refused_before_it_is_tried() -> None:
    asked: list[int] = []
    for mib, limit, why in ((1024, 2**34, "at most 128 MiB"), (64, 2**25, "needs 64 MiB of memory")):
        content = contents(sealed(PERSONAL, ARGON2, kdfMemory=mib))
        with pytest.raises(CannotRead, match=why):
            bitwarden.read(content, Means(PASSWORD, limit, str, None, asked.append))
    assert asked == [128 << 20, 64 << 20]


def test_argon2_asks_for_the_memory_it_takes() -> None:
    asked: list[int] = []
    bitwarden.read(contents(sealed(PERSONAL, ARGON2)), Means(PASSWORD, 2**20, str, None, asked.append))
    assert asked == [1 << 20]


def test_a_csv_has_folders_collections_and_favourites() -> None:
    head = "folder,favorite,type,name,login_username,login_totp"
    reading = read(f"{head}\nWork,1,login,A,u,{OTHER}\n,,login,B,u,{OTHER}\n,0,login,C\n")
    assert [(found.group_names, found.account.favorite) for found in reading.found] == [
        (("Work",), True),
        ((), False),
    ]
    reading = read(f'collections,type,name,login_totp\n"Servers,Shared",login,A,{OTHER}\n')
    assert reading.found[0].group_names == ("Servers", "Shared")


def test_a_row_of_the_authenticator_is_read_by_position() -> None:
    head = "folder,favorite,type,name,login_uri,login_totp\n"
    reading = read(
        f"{head},,1,A,,{OTHER},A,30,6\n,,1,B, C,,{LINK},B, C,60,8\n,,1,D\n,,1,E,,0189,E,30,6\n,,1,F,steam://run\n"
    )
    assert essences(reading) == (totp("A", "", OTHER), totp("Example", "alice", digits=8, period=60))
    assert [skipped.name for skipped in reading.skipped] == ["E"]


@settings(deadline=None)
@given(st.lists(founds(), max_size=4))
def test_what_is_written_comes_back(accounts: list[Found]) -> None:
    comes_back(TARGET, accounts)


def written(*accounts: Account, groups: tuple[str, ...] = ()) -> dict[str, Any]:
    held = plan(TARGET, [Found(account, group_names=groups) for account in accounts]).kept
    export: dict[str, Any] = json.loads(TARGET.write(held, write_means())[0])
    return export


def test_an_export_is_what_the_import_of_bitwarden_takes() -> None:
    document = written(ACCOUNT, groups=("Work", "Home"))
    (folder,) = document["folders"]
    assert folder["name"] == "Work"
    assert UUID(folder["id"]).version == 4
    assert document["items"] == [
        {
            "id": "u",
            "organizationId": None,
            "folderId": folder["id"],
            "type": 1,
            "reprompt": 0,
            "name": "Example",
            "notes": None,
            "favorite": False,
            "login": {
                "uris": [],
                "username": "alice",
                "password": None,
                "totp": f"otpauth://totp/Example:alice?secret={SECRET}&algorithm=SHA1&digits=6&period=30&issuer=Example",
            },
            "collectionIds": None,
        }
    ]


def test_steam_is_written_in_the_only_spelling_that_is_known_there() -> None:
    account = Account("u", "steam", "Steam", "gabe", b"12345678901234567890", digits=5)
    (entry,) = written(account)["items"]
    assert (entry["name"], entry["login"]["username"]) == ("Steam", "gabe")
    assert entry["login"]["totp"] == f"steam://{SECRET}"


def test_nothing_but_note_and_further_groups_is_lost() -> None:
    favorite = Account("u", "totp", "Example", "alice", b"1234567890", "SHA512", 9, 15, favorite=True)
    nameless = Account("u", "steam", "", "gabe", b"1234567890", digits=5)
    assert plan(TARGET, [Found(favorite, group_names=("Work",)), Found(nameless)]).complete
    noted = Found(Account("u", "totp", "A", "b", b"1234567890", note="n"), group_names=("Work", "Home"))
    assert plan(TARGET, [noted]).lost[0].reason == "its note, all groups but one"


def test_an_account_without_issuer_gets_a_title() -> None:
    (entry,) = written(Account("u", "totp", "", "alice", b"1234567890"))["items"]
    assert (entry["name"], entry["login"]["username"]) == ("alice", "alice")


def test_a_link_that_the_server_would_refuse_is_written_without_names() -> None:
    account = Account("u", "totp", "你" * 40, "好" * 40, b"1234567890")
    (entry,) = written(account)["items"]
    assert len(entry["login"]["totp"]) < 200
    assert (entry["name"], entry["login"]["username"]) == (account.issuer, account.name)
    comes_back(TARGET, [Found(account)])


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account("u", "hotp", "A", "b", b"1234567890"), "HOTP"),
        (Account("u", "totp", "A", "b", b"1234567890", digits=10), "10 digits"),
        (Account("u", "totp", "Steam", "b", b"1234567890", digits=5), "Steam code"),
    ],
)
def test_codes_that_would_be_wrong_there_are_left_out(account: Account, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        bitwarden.hold(Found(account))


@pytest.mark.long
@settings(deadline=None)
@given(st.data())
def test_any_json_in_place_of_values_is_a_reading_or_a_foreseen_error(data: st.DataObject) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    document = json.loads(sealed(PERSONAL)) | json.loads(PERSONAL)
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(values)
    document["items"] = document["items"] if isinstance(document["items"], list) else []
    for each in document["items"]:
        each[data.draw(st.sampled_from(["login", "name", "folderId", "favorite", "deletedDate"]))] = (
            data.draw(values)
        )
    with contextlib.suppress(ApplianceError):
        read(json.dumps(document), password=PASSWORD)
