"""The command inspect: what is in a foreign file, without any vault."""

import json

import pytest

from tests.cli.conftest import HOTP, SEED, TOTP, Shell

LIST = f"{TOTP}\n{HOTP}\n"
ACCOUNT_KEYS = {"type", "issuer", "name", "algorithm", "digits", "period", "counter", "groups", "note"}


def test_a_file_is_shown_without_its_secrets_and_without_a_vault(shell: Shell) -> None:
    done = shell.does("inspect", shell.file("uris.txt", LIST))
    assert done.out.splitlines()[0].endswith(": 2 accounts")
    assert "Bank" in done.out
    assert "code number 0 is next" in done.out
    assert SEED not in done.out + done.err
    assert not shell.state.exists()


def test_secrets_are_shown_only_on_demand(shell: Shell) -> None:
    assert shell.does("inspect", "--secrets", shell.file("uris.txt", LIST)).out.count(SEED) == 2


def test_the_answer_for_scripts_has_the_keys_of_the_contract(shell: Shell) -> None:
    done = shell.does("inspect", shell.file("uris.txt", LIST), "--json")
    assert set(done.json) == {"format", "encrypted", "accounts", "skipped", "warnings"}
    totp, hotp = done.json["accounts"]
    assert set(totp) == set(hotp) == ACCOUNT_KEYS
    assert (totp["issuer"], totp["digits"], totp["period"], totp["counter"]) == ("Bank", 8, 30, None)
    assert (hotp["issuer"], hotp["digits"], hotp["period"], hotp["counter"]) == ("Wiki", 6, None, 0)
    assert done.json["encrypted"] is False
    assert (done.json["skipped"], done.json["warnings"]) == ([], [])
    assert SEED not in done.out


def test_secrets_are_one_more_key(shell: Shell) -> None:
    found = shell.does("inspect", shell.file("uris.txt", TOTP), "--json", "--secrets").json
    assert set(found["accounts"][0]) == ACCOUNT_KEYS | {"secret"}
    assert found["accounts"][0]["secret"] == SEED


def test_standard_input_is_a_file_too(shell: Shell) -> None:
    assert len(shell.does("inspect", "-", "--json", stdin=LIST).json["accounts"]) == 2


def test_several_files_are_one_export(shell: Shell) -> None:
    one, two = shell.file("one", TOTP), shell.file("two", HOTP)
    assert len(shell.does("inspect", one, two, "--json").json["accounts"]) == 2


def test_skipped_entries_are_counted_and_not_an_error(shell: Shell) -> None:
    file = shell.file("uris.txt", f"{TOTP}\notpauth://totp/Bad:x?secret=1&issuer=Bad\n")
    done = shell.does("inspect", file, "--json")
    assert len(done.json["accounts"]) == 1
    assert len(done.json["skipped"]) == 1
    assert set(done.json["skipped"][0]) == {"name", "reason"}
    assert "skipped" in shell.does("inspect", file).out


def test_a_file_with_nothing_but_skipped_entries_is_exit_6(shell: Shell) -> None:
    done = shell.run("inspect", shell.file("uris.txt", "otpauth://totp/Bad:x?secret=1&issuer=Bad\n"))
    assert done.code == 6
    assert "none of its 1 entries can be used" in done.error


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"hello\n", bytes(range(256)), b"{}", b"<xml/>"], ids=repr
)
def test_a_file_with_nothing_in_it_is_exit_6(shell: Shell, content: bytes) -> None:
    done = shell.run("inspect", shell.file("what", content))
    assert done.code == 6
    assert done.out == ""
    assert done.error


def test_a_file_that_is_not_there_is_exit_2(shell: Shell) -> None:
    done = shell.run("inspect", str(shell.folder / "none"))
    assert done.code == 2
    assert done.error.endswith("no such file or directory")
    assert shell.run("inspect").code == 2


def test_the_formats_that_can_be_read_are_listed(shell: Shell) -> None:
    listed = shell.does("inspect", "--formats", "--json").json
    assert {"name": "uri-list", "title": "link list"} in listed
    assert "uri-list" in shell.does("inspect", "--formats").out


def test_an_account_that_cannot_be_computed_is_listed_once(shell: Shell) -> None:
    entry = {"type": "yandex", "name": "eve", "issuer": "Ya", "info": {"secret": SEED, "pin": "1234"}}
    usual = {"type": "totp", "name": "a", "issuer": "Bank", "info": {"secret": SEED}}
    vault = {"version": 1, "header": {}, "db": {"version": 3, "entries": [entry, usual]}}
    told = shell.does("inspect", shell.file("aegis.json", json.dumps(vault)), "--json").json
    assert [each["type"] for each in told["accounts"]] == ["totp", "yandex"]
    assert told["accounts"][1]["reason"] == "Yandex codes are not supported"
    assert told["skipped"] == []
