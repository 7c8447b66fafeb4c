"""The command import: a preview, all or nothing, and a way back."""

import pytest

from tests.cli.conftest import HOTP, PASSPHRASE, SEED, TOTP, Shell

OTHER = "JBSWY3DPEHPK3PXP"
GIT = f"otpauth://totp/GitHub:anna?secret={OTHER}&issuer=GitHub"


def labels(desk: Shell) -> list[str]:
    return [f"{one['issuer']}:{one['name']}" for one in desk.does("list", "--json").json]


def test_accounts_come_into_the_vault_after_a_preview(desk: Shell) -> None:
    done = desk.does("import", desk.file("list.txt", f"{GIT}\n{TOTP}\nnonsense\n"))
    assert done.out.splitlines() == [
        "link list: 2 accounts (1 new, 1 duplicate)",
        "  new        GitHub  anna  TOTP SHA1 6 digits 30 s",
        "  duplicate  Bank    anna  TOTP SHA1 8 digits 30 s    it is there already",
        "skipped line 3: this is not an otpauth:// link",
        "imported 1 account; appliance undo takes it back",
        "compare some codes with the old authenticator before you delete anything there",
    ]
    assert OTHER not in done.out + done.err
    assert labels(desk) == ["Bank:anna", "Wiki:ben", "GitHub:anna"]


def test_a_second_import_of_the_same_file_changes_nothing(desk: Shell) -> None:
    file = desk.file("list.txt", GIT)
    desk.does("import", file)
    before = (desk.state / "vault.json").read_bytes()
    assert "nothing to import: all of it is there already" in desk.does("import", file).out
    assert (desk.state / "vault.json").read_bytes() == before


def test_duplicates_are_kept_on_demand(desk: Shell) -> None:
    desk.does("import", desk.file("list.txt", TOTP), "--on-duplicate", "keep")
    assert labels(desk) == ["Bank:anna", "Wiki:ben", "Bank:anna"]


def test_another_secret_under_a_known_name_is_told_and_both_stay(desk: Shell) -> None:
    done = desk.does("import", desk.file("list.txt", TOTP.replace(SEED, OTHER)))
    assert "changed" in done.out
    assert "one of this name is there with another secret; both stay" in done.out
    assert labels(desk).count("Bank:anna") == 2


def test_a_dry_run_only_shows(desk: Shell) -> None:
    before = (desk.state / "vault.json").read_bytes()
    done = desk.does("import", desk.file("list.txt", GIT), "--dry-run")
    assert "GitHub" in done.out
    assert "nothing was changed: this was a dry run" in done.out
    assert (desk.state / "vault.json").read_bytes() == before


def test_an_import_is_one_change_that_undo_takes_back(desk: Shell) -> None:
    desk.does("import", desk.file("list.txt", f"{GIT}\n{GIT.replace('anna', 'ben').replace(OTHER, SEED)}"))
    assert len(labels(desk)) == 4
    generation = next(word for word in desk.run("undo", "--dry-run").out.split() if word.isdigit())
    desk.does("undo", "--confirm", generation)
    assert labels(desk) == ["Bank:anna", "Wiki:ben"]


def test_scripts_get_every_account_with_its_verdict(desk: Shell) -> None:
    done = desk.does("import", "-", "--json", stdin=f"{GIT}\n{HOTP.replace('counter=0', 'counter=5')}\nx\n")
    assert [(one["issuer"], one["verdict"]) for one in done.json["accounts"]] == [
        ("GitHub", "new"),
        ("Wiki", "counter"),
    ]
    assert done.json["imported"] == 2
    assert done.json["dry_run"] is False
    assert len(done.json["skipped"]) == 1
    listed = {one["issuer"]: one for one in desk.does("list", "--json").json}
    assert listed["Wiki"]["counter"] == 5
    assert listed["GitHub"]["uuid"] == done.json["accounts"][0]["uuid"]
    assert OTHER not in done.out


def test_at_a_terminal_a_person_agrees_first(desk: Shell) -> None:
    file = desk.file("list.txt", GIT)
    assert "it was not agreed to" in desk.typed([], "import", file, lines="no\n").error
    assert "it was not agreed to" in desk.typed([], "import", file, lines="\n").error
    assert labels(desk) == ["Bank:anna", "Wiki:ben"]
    assert desk.typed([], "import", file, lines="yes\n").code == 0
    assert len(labels(desk)) == 3
    again = desk.file("more.txt", GIT.replace("anna", "eve"))
    assert desk.typed([], "import", again, "--yes").code == 0


def test_a_file_with_nothing_to_use_changes_nothing_and_tells_the_reasons(desk: Shell) -> None:
    done = desk.run("import", desk.file("list.txt", "motp://x:y?secret=aa"))
    assert done.code == 6
    assert "mOTP codes are not supported" in done.out
    assert labels(desk) == ["Bank:anna", "Wiki:ben"]


def test_a_vault_that_is_not_there_is_said_to_be_missing(shell: Shell) -> None:
    assert shell.run("import", shell.file("list.txt", GIT)).code == 6


def test_a_long_preview_is_cut_and_counted(desk: Shell) -> None:
    many = "\n".join(f"otpauth://totp/Site{i}:anna?secret={SEED}&issuer=Site{i}" for i in range(100))
    done = desk.does("import", desk.file("list.txt", f"{GIT}\n{many}"))
    assert len(done.out.splitlines()) == 64
    assert "and 41 renamed, 0 new more" not in done.out
    assert "more" in done.out.splitlines()[61]
    assert len(labels(desk)) == 103


def test_what_the_broker_would_not_take_is_warned_of(desk: Shell) -> None:
    many = "\n".join(f"otpauth://totp/Site{i}:anna?secret={SEED}&issuer=Site{i}" for i in range(1_950))
    done = desk.does("import", desk.file("list.txt", many), "--dry-run")
    assert "the vault will have 1952 accounts" in done.err
    assert "too large for the broker" in done.err


def test_a_vault_that_waits_for_its_passphrase_takes_it_from_a_file(shell: Shell) -> None:
    shell.configure(vault={"unlock": "passphrase"})
    phrase = shell.file("passphrase", PASSPHRASE)
    shell.does("init", "--passphrase-file", phrase)
    file = shell.file("list.txt", GIT)
    assert shell.run("import", file).code == 3
    shell.does("import", file, "--passphrase-file", phrase)
    assert len(shell.does("list", "--json", "--passphrase-file", phrase).json) == 1


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_more_than_a_vault_file_can_hold_is_refused_whole(desk: Shell, arguments: tuple[str, ...]) -> None:
    name = "x" * 900
    many = "\n".join(f"otpauth://totp/{name}{i}?secret={SEED}" for i in range(6_000))
    refused = desk.run("import", desk.file("list.txt", many), *arguments)
    assert refused.code == 2
    assert "with 6002 accounts it would be larger than 8 MiB" in refused.error
    assert labels(desk) == ["Bank:anna", "Wiki:ben"]
