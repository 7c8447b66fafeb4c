"""The command export: only with the passphrase, proven before it is called done, and honest about what is lost."""

from pathlib import Path

import pytest

from appliance.transfer import registry
from tests.cli.conftest import PASSPHRASE, SEED, Shell


@pytest.fixture
def phrase(desk: Shell) -> tuple[str, str]:
    return "--passphrase-file", desk.file("phrase", PASSPHRASE)


def test_an_export_comes_back_by_import(desk: Shell, phrase: tuple[str, str]) -> None:
    file = desk.folder / "out.txt"
    done = desk.does("export", "--to", "uris", "-o", str(file), *phrase)
    assert done.out == f"wrote 2 accounts (link list) to {file}, and read them back\n"
    assert "not encrypted" in done.err
    assert SEED not in done.out + done.err
    assert file.stat().st_mode & 0o777 == 0o600
    found = desk.does("inspect", str(file), "--json", "--secrets").json["accounts"]
    assert {one["secret"] for one in found} == {SEED}
    assert desk.does("import", str(file)).out.count("duplicate") == 3


@pytest.mark.parametrize("target", [*registry.TARGETS])
def test_every_target_writes_what_our_own_reader_takes(
    desk: Shell, phrase: tuple[str, str], target: str
) -> None:
    desk.does("add", "-", stdin=f"otpauth://totp/GitHub:carl?secret={SEED}&issuer=GitHub")
    file = desk.folder / f"out{registry.TARGETS[target].suffix}"
    encrypted = registry.TARGETS[target].encrypted
    password = ("--password-file", desk.file("password", "of the file")) if encrypted else ()
    done = desk.does("export", "--to", target, "-o", str(file), "--partial", *phrase, *password, "--json")
    assert done.json["files"] == [str(file)]
    assert done.json["accounts"] + len(done.json["left_out"]) == 3
    found = desk.does("inspect", str(file), "--json", "--secrets", *password).json
    assert len(found["accounts"]) == done.json["accounts"]
    assert {one["secret"] for one in found["accounts"]} == {SEED}
    assert found["encrypted"] == encrypted


@pytest.mark.parametrize("target", [name for name, one in registry.TARGETS.items() if not one.encrypted])
def test_a_password_is_never_taken_for_a_file_in_clear(
    desk: Shell, phrase: tuple[str, str], target: str
) -> None:
    file = desk.folder / "out"
    password = ("--password-file", desk.file("password", "of the file"))
    done = desk.run("export", "--to", target, "-o", str(file), "--partial", *phrase, *password)
    assert done.code == 2
    assert done.error == f"can't export: the target '{target}' is not encrypted, so it has no password"
    assert not file.exists()
    assert desk.run("export", "--qr", "Bank", "-o", str(file), *phrase, *password).code == 2


def test_a_dash_is_standard_output_and_never_a_file(
    desk: Shell, phrase: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    done = desk.does("export", "--to", "uris", "-o", "-", *phrase)
    assert done.out.splitlines() == [one for one in done.out.splitlines() if one.startswith("otpauth://")]
    assert len(done.out.splitlines()) == 2
    assert "wrote 2 accounts (link list) to standard output" in done.err
    assert not Path("-").exists()
    assert desk.does("list").out != "", "and the next answer goes there again"
    refused = desk.run("export", "--to", "uris", "-o", "-", "--json", *phrase)
    assert (refused.code, refused.out) == (2, "")
    assert "standard output takes the file" in refused.error


@pytest.mark.parametrize("what", [("export", "--to", "uris"), ("export", "--qr", "Bank"), ("paper",)])
def test_a_terminal_is_shown_secrets_by_force_only(
    desk: Shell, phrase: tuple[str, str], monkeypatch: pytest.MonkeyPatch, what: tuple[str, ...]
) -> None:
    import sys

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    refused = desk.run(*what, "-o", "-", *phrase)
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.hint
    if what[:2] == ("export", "--to"):
        assert SEED in desk.does(*what, "-o", "-", "--force", *phrase).out
        monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
        assert SEED in desk.does(*what, "-o", "-", *phrase).out


def test_several_pictures_do_not_fit_standard_output(desk: Shell, phrase: tuple[str, str]) -> None:
    many = "\n".join(f"otpauth://totp/S{i}:anna?secret={SEED}{'A' * 8}&issuer=S{i}" for i in range(12))
    desk.does("import", desk.file("many.txt", many))
    refused = desk.run("export", "--to", "google", "-o", "-", "--partial", *phrase)
    assert (refused.code, refused.out) == (2, "")
    assert "it takes one file" in refused.error


@pytest.mark.parametrize("arguments", [("--to", "uris", "-o", "{new}"), ("--qr", "Bank")])
def test_without_the_passphrase_nothing_comes_out(desk: Shell, arguments: tuple[str, ...]) -> None:
    new = desk.folder / "out.txt"
    named = [argument.format(new=new) for argument in arguments]
    assert desk.run("export", *named).code == 3
    refused = desk.run("export", *named, "--passphrase-file", desk.file("wrong", "wrong horse"))
    assert refused.code == 3
    assert refused.out == ""
    assert not new.exists()


def test_a_file_that_is_there_is_never_overwritten(desk: Shell, phrase: tuple[str, str]) -> None:
    file = desk.file("out.txt", "mine")
    assert desk.run("export", "--to", "uris", "-o", file, *phrase).code == 2
    assert Path(file).read_text() == "mine"


def test_a_target_that_needs_a_file_says_so(desk: Shell, phrase: tuple[str, str]) -> None:
    refused = desk.run("export", "--to", "uris", *phrase)
    assert refused.code == 2
    assert refused.hint == "-o accounts.txt"


def test_what_is_lost_is_listed_and_makes_the_exit_code(desk: Shell, phrase: tuple[str, str]) -> None:
    desk.does("edit", "Bank", "--note", "my note", "--group", "Money")
    desk.does("favorite", "Wiki")
    done = desk.run("export", "--to", "uris", "-o", str(desk.folder / "one"), *phrase)
    assert done.code == 1
    assert "not kept of Bank:anna: its note, its groups" in done.out
    assert "not kept of Wiki:ben: that it is a favourite" in done.out
    assert "the export is incomplete" in done.error
    assert (desk.folder / "one").read_text().count("otpauth://") == 2
    done = desk.does("export", "--to", "uris", "-o", str(desk.folder / "two"), "--partial", "--json", *phrase)
    assert done.json["complete"] is False
    assert {one["name"] for one in done.json["lost"]} == {"Bank:anna", "Wiki:ben"}


def test_only_the_accounts_of_a_group_go_on_demand(desk: Shell, phrase: tuple[str, str]) -> None:
    desk.does("edit", "Bank", "--group", "Money")
    file = desk.folder / "out.txt"
    desk.does("export", "--to", "uris", "-o", str(file), "--group", "money", "--partial", *phrase)
    assert "Bank" in file.read_text()
    assert "Wiki" not in file.read_text()


def test_an_empty_vault_has_nothing_to_export(shell: Shell) -> None:
    phrase = shell.file("phrase", PASSPHRASE)
    shell.does("init", "--passphrase-file", phrase)
    done = shell.run("export", "--to", "uris", "-o", str(shell.folder / "out"), "--passphrase-file", phrase)
    assert done.code == 6
    assert not (shell.folder / "out").exists()


def test_one_account_is_shown_as_a_qr_code(desk: Shell, phrase: tuple[str, str]) -> None:
    done = desk.does("export", "--qr", "Bank", *phrase)
    lines = done.out.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert set(done.out) <= set(" ▀▄█\n")
    assert (
        desk.does("export", "--qr", "Bank", "--json", *phrase)
        .json["uri"]
        .startswith("otpauth://totp/Bank:anna")
    )
    assert "counters drift apart" in desk.does("export", "--qr", "Wiki", *phrase).err
    picture = desk.folder / "bank.png"
    desk.does("export", "--qr", "Bank", "-o", str(picture), *phrase)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_terminal_that_is_too_small_for_a_code_says_how_large_it_must_be(
    desk: Shell, phrase: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("LINES", "10")
    done = desk.run("export", "--qr", "Bank", *phrase)
    assert done.code == 2
    assert "it needs a terminal of" in done.error
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "60")
    assert "\x1b[38;5;16;48;5;231m" in desk.does("export", "--qr", "Bank", *phrase).out


def test_an_encrypted_target_asks_for_its_password_twice(desk: Shell, phrase: tuple[str, str]) -> None:
    encrypted = [name for name, target in registry.TARGETS.items() if target.encrypted]
    if not encrypted:
        pytest.skip("no target is encrypted")
    arguments = ("export", "--to", encrypted[0], "--partial", *phrase)
    refused = desk.typed(["one", "two"], *arguments, "-o", str(desk.folder / "a"))
    assert "the two differ" in refused.error
    assert "it is empty" in desk.typed(["", ""], *arguments, "-o", str(desk.folder / "b")).error
    assert desk.typed(["one", "one"], *arguments, "-o", str(desk.folder / "c")).code == 0
    assert desk.run(*arguments, "-o", str(desk.folder / "d")).code == 3
    assert (desk.folder / "c").exists()
    assert not any((desk.folder / name).exists() for name in "abd")
