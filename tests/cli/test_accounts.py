"""Commands for accounts, as people and scripts type them."""

import os
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance import app
from appliance.cli import terminal
from appliance.vault import keys, sealed
from tests.cli.conftest import HOTP, PASSPHRASE, SEED, TOTP, Shell
from tests.stores import FakeClock

RFC_4226 = ["755224", "287082", "359152", "969429", "338314"]


# --- add


def test_adding_a_link_prints_the_code_to_compare_with(desk: Shell) -> None:
    done = desk.does("add", "-", stdin=f"otpauth://totp/GitHub:anna?secret={SEED}&issuer=GitHub")
    assert re.fullmatch(
        r"added GitHub:anna\nits code is now \d{3} \d{3}: compare it with the service's page\n", done.out
    )


def test_adding_a_hotp_link_names_the_next_counter_and_spends_nothing(desk: Shell) -> None:
    done = desk.does("add", "-", stdin=HOTP.replace("ben", "carl").replace("counter=0", "counter=7") + "\n")
    assert "the next code is number 7" in done.out
    listed = {one["name"]: one["counter"] for one in desk.does("list", "--json").json}
    assert listed == {"anna": None, "ben": 0, "carl": 7}


def test_what_a_link_leaves_open_is_a_warning_beside_the_answer(desk: Shell) -> None:
    done = desk.does("add", "-", stdin=f"otpauth://hotp/X:y?secret={SEED}&issuer=X")
    assert done.err == "appliance: warning: the link has no counter; 0 was taken\n"
    assert "the next code is number 0" in done.out


def test_adding_answers_scripts_with_the_account(desk: Shell) -> None:
    found = desk.does("add", "-", "--json", stdin=f"otpauth://totp/X:y?secret={SEED}&issuer=X").json
    assert str(UUID(found["uuid"])) == found["uuid"]
    assert (found["issuer"], found["name"], found["type"]) == ("X", "y", "totp")
    assert SEED not in str(found)


def test_adding_by_flags_takes_the_secret_from_a_file(desk: Shell) -> None:
    secret = desk.file("secret", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n")
    arguments = ["--type", "hotp", "--digits", "8", "--algorithm", "SHA256", "--counter", "3"]
    desk.does("add", "--issuer", "Shop", "--name", "eve", "--secret-file", secret, *arguments)
    found = next(one for one in desk.does("list", "--json").json if one["issuer"] == "Shop")
    assert (found["type"], found["digits"], found["algorithm"], found["counter"]) == ("hotp", 8, "SHA256", 3)


def test_adding_steam_by_flags_has_its_five_signs(desk: Shell) -> None:
    secret = desk.file("secret", SEED)
    desk.does(
        "add",
        "--name",
        "gamer",
        "--type",
        "steam",
        "--digits",
        "8",
        "--period",
        "60",
        "--secret-file",
        secret,
    )
    assert len(desk.does("code", "gamer").out) == 6
    assert "gamer  Steam\n" in desk.does("list").out


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("not a link!", "not base32"),
        ("gopher://x", "this is not an otpauth:// link"),
        ("otpauth://totp/A:b?issuer=A", "the link has no secret"),
        ("otpauth://totp/A:b?secret=1nv4l1d&issuer=A", "not base32"),
        (f"otpauth://totp/A:b?secret={SEED}&digits=99", "number of digits"),
        (SEED, "nothing says what to call it"),
        (f"otpauth://totp/?secret={SEED}", "nothing says what to call it"),
        ("ABC", "3 letters are no whole base32"),
    ],
)
def test_what_cannot_be_added_is_a_usage_error(desk: Shell, given: str, why: str) -> None:
    done = desk.run("--no-input", "add", "-", stdin=given)
    assert done.code == 2
    assert why in done.error
    assert given not in done.err
    assert len(desk.does("list", "--json").json) == 2


def test_a_link_without_a_name_is_called_what_the_command_line_says(desk: Shell) -> None:
    done = desk.does("add", "-", "--issuer", "Bare", stdin=f"otpauth://totp/?secret={SEED}")
    assert "neither a name" not in done.err
    assert {"Bare"} <= {one["issuer"] for one in desk.does("list", "--json").json}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--digits", "11"], "--digits 11 is not in 4 to 10"),
        (["--period", "0"], "--period 0 is not in 1 to 86400"),
        (["--counter", "-1"], "--counter -1 is not in 0 to 2147483647"),
    ],
)
def test_a_number_that_no_account_has_is_a_usage_error(desk: Shell, arguments: list[str], why: str) -> None:
    done = desk.run("--no-input", "add", "--issuer", "A", *arguments)
    assert done.code == 2
    assert why in done.error


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", TOTP.replace("Bank", "New")],
        ["add", SEED],
        ["add", TOTP, "--issuer", "A"],
        ["add", "-", "--secret-file", TOTP],
        ["add", "--secret-file", TOTP],
        ["add", "--image", TOTP],
        ["import", TOTP],
        ["inspect", TOTP],
        [TOTP],
    ],
    ids=lambda arguments: " ".join(arguments).replace(SEED, "SECRET")[:40],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(desk: Shell, arguments: list[str]) -> None:
    done = desk.run(*arguments, stdin=TOTP.replace("Bank", "Other"))
    assert done.code == 2
    assert SEED not in done.out + done.err
    assert len(desk.does("list", "--json").json) == 2


def test_a_refused_link_is_told_the_ways_round(desk: Shell) -> None:
    done = desk.run("add", TOTP)
    assert done.error == (
        "can't add the account: a secret on the command line is seen by every user and kept in logs"
    )
    assert done.hint == "appliance add, and paste it; or 'add -', --image FILE, --camera"


def test_a_link_is_pasted_at_a_prompt_that_shows_nothing(desk: Shell) -> None:
    done = desk.typed([f"  otpauth://totp/GitHub:anna?secret={SEED}&issuer=GitHub "], "add")
    assert done.code == 0
    assert done.out.startswith("added GitHub:anna\n")
    assert SEED not in done.out + done.err


def test_a_bare_secret_is_asked_what_it_is_called(desk: Shell) -> None:
    done = desk.typed([SEED], "add", "--digits", "8", lines="Shop\neve\n")
    assert done.code == 0
    assert done.out.startswith("added Shop:eve\n")
    assert desk.does("add", "-", "--name", "ulf", stdin=SEED[:16]).out.startswith("added ulf\n")


def test_what_is_wrong_with_a_secret_is_told_before_anything_else_is_asked(desk: Shell) -> None:
    assert "not base32" in desk.typed(["0189"], "add").error


def test_issuer_and_name_of_the_command_line_go_before_those_of_a_link(desk: Shell) -> None:
    done = desk.does("add", "-", "--issuer", "Work", stdin=f"otpauth://totp/GitHub:carl?secret={SEED}")
    assert done.out.startswith("added Work:carl\n")


def test_a_secret_that_nobody_can_be_asked_for_is_exit_3(desk: Shell) -> None:
    done = desk.run("--no-input", "add", "--issuer", "A")
    assert done.code == 3
    assert "--secret-file" in done.hint


def test_an_empty_standard_input_adds_nothing(desk: Shell) -> None:
    assert desk.run("add", "-").code == 2


def test_the_same_account_is_not_added_twice(desk: Shell) -> None:
    done = desk.run("add", "-", stdin=TOTP)
    assert done.code == 2
    assert "Bank:anna is there already, with the same secret" in done.error
    assert done.hint.startswith("appliance code ")


@pytest.mark.parametrize("secret", [SEED[:-1] + "1", "JBSWY3DPEHPK3PXP!"])
def test_a_refused_link_is_never_repeated(desk: Shell, secret: str) -> None:
    done = desk.run("add", "-", stdin=f"otpauth://totp/A:b?secret={secret}")
    assert done.code == 2
    assert secret not in done.out + done.err


@pytest.mark.parametrize("arguments", [["--secret", SEED], [f"--secret={SEED}"], ["-s", SEED], [TOTP, SEED]])
def test_a_secret_after_an_option_that_does_not_exist_is_not_repeated(
    desk: Shell, arguments: list[str]
) -> None:
    done = desk.run("add", "--issuer", "A", *arguments)
    assert done.code == 2
    assert done.error.startswith("can't understand the command line: ")
    assert SEED not in done.out + done.err


def test_names_with_signs_that_disturb_a_terminal_are_cleaned(desk: Shell) -> None:
    secret = desk.file("secret", SEED)
    desk.does("add", "--issuer", "A\x1b[31m\u202eB\udcff", "--name", "n\nm", "--secret-file", secret)
    out = desk.does("list").out
    assert "A[31mB" in out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3


# --- list


def test_the_list_is_for_people(desk: Shell) -> None:
    assert desk.does("list").out == ("Bank  anna  TOTP SHA1 8 digits 30 s\nWiki  ben   HOTP SHA1 6 digits\n")


def test_an_empty_list_says_what_to_do_beside_the_answer(shell: Shell) -> None:
    shell.does("init")
    done = shell.does("list")
    assert done.out == ""
    assert "appliance add" in done.err
    assert shell.does("list", "--json").json == []


def test_the_list_for_scripts_has_the_keys_of_the_contract_and_no_secrets(desk: Shell) -> None:
    done = desk.does("list", "--json")
    totp, hotp = done.json
    keys = {
        "uuid",
        "type",
        "issuer",
        "name",
        "algorithm",
        "digits",
        "period",
        "counter",
        "groups",
        "favorite",
    }
    assert set(totp) == set(hotp) == keys
    assert (totp["period"], totp["counter"], totp["groups"], totp["favorite"]) == (30, None, [], False)
    assert (hotp["period"], hotp["counter"]) == (None, 0)
    assert SEED not in done.out


def test_the_list_stands_in_the_order_of_the_display_with_favourites_and_groups(desk: Shell) -> None:
    desk.does("favorite", "Wiki")
    desk.does("edit", "Wiki", "--group", "Work", "--group", "Home")
    assert desk.does("list").out == (
        "Wiki  ben   HOTP SHA1 6 digits       favourite  Home, Work\nBank  anna  TOTP SHA1 8 digits 30 s\n"
    )
    wiki, bank = desk.does("list", "--json").json
    assert (wiki["groups"], wiki["favorite"]) == (["Home", "Work"], True)
    assert (bank["groups"], bank["favorite"]) == ([], False)


def test_the_list_of_a_group_has_only_its_accounts(desk: Shell) -> None:
    desk.does("edit", "Wiki", "--group", "Work")
    for name in ("Work", "work"):
        assert desk.does("list", "--group", name).out == "Wiki  ben  HOTP SHA1 6 digits    Work\n"
        assert [one["name"] for one in desk.does("list", "--group", name, "--json").json] == ["ben"]


@pytest.mark.parametrize("answer", [[], ["--json"]])
def test_a_group_that_is_not_there_is_exit_6_and_says_which_are(desk: Shell, answer: list[str]) -> None:
    done = desk.run("list", "--group", "Work", *answer)
    assert (done.code, done.out) == (6, "")
    assert done.error == "can't find the group 'Work': no account is in a group"
    assert done.hint == "appliance edit NAME --group 'Work' puts an account into it"
    desk.does("edit", "Wiki", "--group", "Play")
    desk.does("edit", "Bank", "--group", "Home")
    assert "there are: Home, Play" in desk.run("list", "--group", "Work", *answer).error


def test_a_group_that_nobody_is_in_any_more_is_not_there(desk: Shell) -> None:
    desk.does("edit", "Wiki", "--group", "Work")
    desk.does("edit", "Wiki", "--no-group", "Work")
    assert "no account is in a group" in desk.run("list", "--group", "Work").error


# --- code


def test_a_code_is_printed_and_nothing_else(desk: Shell) -> None:
    assert re.fullmatch(r"\d{8}\n", desk.does("code", "Bank").out)


@pytest.mark.parametrize(
    ("at", "code"), [("59", "94287082"), ("1111111109", "07081804"), ("20000000000.9", "65353130")]
)
def test_the_code_of_another_moment_is_that_of_rfc_6238(desk: Shell, at: str, code: str) -> None:
    done = desk.does("code", "Bank", "--at", at)
    assert done.out == f"{code}\n"
    assert done.err == "", "another moment needs no clock"


@pytest.mark.parametrize("at", ["nan", "inf", "-inf", "-1", "1e300", "noon", ""])
def test_what_is_no_moment_is_a_usage_error(desk: Shell, at: str) -> None:
    done = desk.run("code", "Bank", f"--at={at}")
    assert done.code == 2
    assert "expected Unix seconds" in done.error


def test_the_code_for_scripts_has_the_keys_of_the_contract(desk: Shell) -> None:
    assert desk.does("code", "Bank", "--at", "59", "--json").json == {
        "issuer": "Bank",
        "name": "anna",
        "code": "94287082",
        "valid_from": 30,
        "valid_until": 60,
        "next": "37359152",
    }
    assert desk.does("code", "Wiki", "--json").json == {
        "issuer": "Wiki",
        "name": "ben",
        "code": "755224",
        "valid_from": None,
        "valid_until": None,
        "next": None,
    }


def test_each_hotp_code_is_the_next_one_of_rfc_4226(desk: Shell) -> None:
    assert [desk.does("code", "ben").out.strip() for _ in RFC_4226] == RFC_4226


def test_a_hotp_counter_is_saved_before_its_code_is_printed(
    desk: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = terminal.tell

    def tell(text: str = "") -> None:
        with desk.capsys.disabled():
            vault_file = (desk.state / "vault.json").read_bytes()
        seen.append(counter_in(vault_file, desk))
        real(text)

    monkeypatch.setattr(terminal, "tell", tell)
    desk.does("code", "Wiki")
    assert seen == [1]


def counter_in(raw: bytes, desk: Shell) -> int:
    """Return the HOTP counter of a vault file, read without the command line."""
    envelope = sealed.read(raw)
    master = keys.unwrap_any(envelope.slots, PASSPHRASE, memory_limit=1 << 30)
    return max(record.counter for record in sealed.unseal(envelope, master).records.values())


def test_a_hotp_code_whose_counter_cannot_be_saved_is_not_printed(
    desk: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        done = desk.run("code", "Wiki")
    assert done.code == 1
    assert done.out == ""
    assert "no space left on device" in done.error
    assert desk.does("code", "Wiki").out.strip() == RFC_4226[0]


def test_a_counter_at_its_end_is_exit_6(desk: Shell) -> None:
    desk.does("add", "-", stdin=HOTP.replace("ben", "carl").replace("counter=0", "counter=2147483647"))
    done = desk.run("code", "carl")
    assert done.code == 6
    assert "its counter is at its end" in done.error


@pytest.mark.parametrize("trust", ["synchronised", "not-set"])
def test_an_untrusted_clock_is_a_warning_beside_the_code(
    desk: Shell, monkeypatch: pytest.MonkeyPatch, trust: Any
) -> None:
    monkeypatch.setattr(app, "new_clock", lambda _settings: FakeClock(unix=59, trust=trust))
    done = desk.does("code", "Bank")
    assert done.out == "94287082\n"
    assert ("clock is not synchronised" in done.err) == (trust == "not-set")


def test_where_the_owner_vouches_for_the_clock_nothing_is_said_of_it(
    desk: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.configure(clock={"require_trusted": False})
    monkeypatch.setattr(app, "new_clock", lambda _settings: FakeClock(unix=59, trust="not-set"))
    assert "clock" not in desk.does("code", "Bank").err


def test_a_hotp_code_of_a_moment_is_refused_and_spends_nothing(desk: Shell) -> None:
    assert desk.run("code", "Wiki", "--at", "59").code == 2
    assert desk.does("code", "Wiki").out.strip() == RFC_4226[0]


@pytest.mark.parametrize("name", ["Bank", "anna", "Bank:anna", "bank", "ANNA", "bank:ANNA"])
def test_an_account_is_found_by_each_of_its_names(desk: Shell, name: str) -> None:
    assert desk.does("code", name, "--at", "59").out == "94287082\n"


def test_an_account_is_found_by_its_uuid(desk: Shell) -> None:
    uuid = desk.does("list", "--json").json[0]["uuid"]
    assert desk.does("code", uuid, "--at", "59").out == "94287082\n"


@pytest.mark.parametrize("name", ["Ban", "bank anna", "", "-x"])
def test_an_account_that_is_not_there_is_exit_6(desk: Shell, name: str) -> None:
    done = desk.run("code", "--", name)
    assert done.code == 6
    assert "nothing matches" in done.error
    assert done.hint == "appliance list"


def test_several_matches_are_exit_6_and_listed_and_spend_nothing(desk: Shell) -> None:
    desk.does("add", "-", stdin=HOTP.replace("ben", "carl"))
    done = desk.run("code", "Wiki")
    assert done.code == 6
    assert done.out == ""
    assert "Wiki:ben (" in done.error
    assert "Wiki:carl (" in done.error
    assert {one["counter"] for one in desk.does("list", "--json").json} == {None, 0}


def test_case_decides_between_names_that_differ_in_nothing_else(desk: Shell) -> None:
    desk.does("add", "-", stdin=f"otpauth://totp/BANK:x?secret={SEED}&issuer=BANK")
    assert len(desk.does("code", "BANK", "--at", "59").out) == 7
    assert len(desk.does("code", "Bank", "--at", "59").out) == 9
    assert desk.run("code", "bank").code == 6


# --- who opens the vault


@pytest.mark.parametrize(
    "command", [["list"], ["code", "Bank"], ["add", "-"], ["remove", "Bank"], ["status"]]
)
def test_a_wrong_passphrase_is_exit_3_and_told_in_two_lines(desk: Shell, command: list[str]) -> None:
    wrong = desk.file("wrong", "wrong horse battery staple\n")
    done = desk.run(*command, "--passphrase-file", wrong, stdin=TOTP)
    assert done.code == 3
    assert done.out == ""
    assert done.err == (
        "appliance: error: can't open the vault: wrong passphrase\n"
        "appliance: hint: passphrases are case-sensitive; the recovery key works here too\n"
    )


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_passphrase_file_may_end_in_a_newline(desk: Shell, ending: str) -> None:
    (desk.state / "device-secret").unlink()
    desk.does("list", "--passphrase-file", desk.file("right", PASSPHRASE + ending))


def test_a_passphrase_comes_from_standard_input(desk: Shell) -> None:
    (desk.state / "device-secret").unlink()
    assert desk.run("list").code == 4
    desk.does("list", "--passphrase-file", "-", stdin=PASSPHRASE + "\n")
    desk.does("list")


def test_a_passphrase_file_that_is_no_text_or_not_there_is_a_usage_error(desk: Shell) -> None:
    assert desk.run("list", "--passphrase-file", desk.file("bytes", b"\xff\xfe")).code == 2
    done = desk.run("list", "--passphrase-file", str(desk.folder / "none"))
    assert done.code == 2
    assert "no such file or directory" in done.error


def test_a_vault_that_is_not_there_is_exit_6(shell: Shell) -> None:
    for command in (["list"], ["code", "x"], ["add", "-"], ["remove", "x"]):
        done = shell.run(*command, stdin=TOTP)
        assert done.code == 6
        assert done.error == "can't open the vault: there is none yet"
        assert done.hint == "appliance init, or appliance restore"


def damage(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def test_a_damaged_vault_without_an_older_one_is_exit_4(desk: Shell) -> None:
    for path in desk.state.glob("vault.json*"):
        damage(path)
    done = desk.run("list")
    assert done.code == 4
    assert "damaged" in done.error
    assert not list(desk.state.glob("vault.bad-*"))


@pytest.mark.parametrize(
    "command", [["list"], ["code", "Bank"], ["status"], ["remove", "Bank", "--confirm", "Bank:anna"]]
)
def test_a_damaged_newest_vault_is_set_aside_with_a_warning(desk: Shell, command: list[str]) -> None:
    damage(desk.state / "vault.json")
    done = desk.does(*command)
    assert "appliance: warning: the newest vault file was damaged" in done.err
    assert "vault.bad-" in done.err
    assert len(list(desk.state.glob("vault.bad-*"))) == 1
    assert "damaged" not in desk.does("list").err


def test_adding_to_a_damaged_vault_warns_as_well(desk: Shell) -> None:
    damage(desk.state / "vault.json")
    done = desk.does("add", "-", stdin=f"otpauth://totp/X:y?secret={SEED}&issuer=X")
    assert "the newest vault file was damaged" in done.err
    assert [one["name"] for one in desk.does("list", "--json").json] == ["anna", "y"]


def test_a_lost_device_secret_is_exit_4_with_what_helps(desk: Shell) -> None:
    (desk.state / "device-secret").unlink()
    done = desk.run("list")
    assert done.code == 4
    assert "--passphrase-file" in done.hint
    assert not list(desk.state.glob("vault.bad-*"))


def test_a_state_folder_that_others_can_look_into_is_exit_1(desk: Shell) -> None:
    desk.state.chmod(0o755)
    done = desk.run("add", "-", stdin=f"otpauth://totp/X:y?secret={SEED}&issuer=X")
    assert done.code == 1
    assert done.hint == f"sudo chmod 700 {desk.state}"


def test_a_vault_file_that_others_can_read_is_exit_1(desk: Shell) -> None:
    (desk.state / "vault.json").chmod(0o644)
    done = desk.run("list")
    assert done.code == 1
    assert "others can read it" in done.error


@pytest.mark.parametrize("field", ["issuer", "name"])
def test_a_name_in_any_script_is_kept(desk: Shell, field: str) -> None:
    secret = desk.file("secret", SEED)
    desk.does("add", f"--{field}", "Łódź 銀行 🏦", "--secret-file", secret)
    assert desk.does("list", "--json").json[-1][field] == "Łódź 銀行 🏦"
    desk.does("code", "Łódź 銀行 🏦")
