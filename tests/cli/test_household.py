"""Commands for the vault as a whole, without a broker or with one that does not answer."""

import re
from pathlib import Path
from uuid import UUID

import pytest

from appliance.adapters.store import StateFolder
from appliance.adapters.words import eff_long
from appliance.vault import keys
from tests.brokers import free_port
from tests.cli.conftest import PASSPHRASE, Shell

RECOVERY = r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){6}"


def unreachable(shell: Shell) -> int:
    """Configure a broker at a port where nobody listens."""
    port = free_port()
    shell.configure(mqtt={"host": "127.0.0.1", "port": port, "tls": {"enabled": False}})
    return port


# --- init


def test_init_makes_a_vault_and_tells_passphrase_and_recovery_key_once(shell: Shell) -> None:
    out = shell.does("--no-input", "init").out
    passphrase = re.search(r"^passphrase:    (.+)$", out, re.MULTILINE)
    recovery = re.search(rf"^recovery key:  ({RECOVERY})$", out, re.MULTILINE)
    assert passphrase
    assert recovery
    assert set(passphrase[1].split(" ")) <= set(eff_long())
    assert len(passphrase[1].split(" ")) == 6
    assert f"made the vault of 'desk' in {shell.state}" in out
    for number, secret in enumerate((passphrase[1], recovery[1], recovery[1].lower().replace("-", ""))):
        (shell.state / "device-secret").unlink()
        shell.does("list", "--passphrase-file", shell.file(f"secret{number}", secret))
    assert passphrase[1] not in shell.does("status").out


def test_init_answers_scripts(shell: Shell) -> None:
    found = shell.does("init", "--json").json
    assert set(found) == {"vault", "device", "passphrase", "recovery_key"}
    assert UUID(found["vault"]).version == 4
    assert re.fullmatch(r"otp-[0-9a-f]{8}", found["device"])
    assert re.fullmatch(RECOVERY, found["recovery_key"])


def test_an_own_passphrase_is_not_repeated(shell: Shell) -> None:
    passphrase = shell.file("passphrase", PASSPHRASE + "\n")
    done = shell.does("init", "--json", "--passphrase-file", passphrase)
    assert set(done.json) == {"vault", "device", "recovery_key"}
    assert PASSPHRASE not in done.out + done.err


@pytest.mark.parametrize(
    "text", ["short", "", "elevenchars", "correct horse b\u00e4ttery", "correct\thorse battery"]
)
def test_a_weak_passphrase_makes_no_vault(shell: Shell, text: str) -> None:
    done = shell.run("init", "--passphrase-file", shell.file("passphrase", text))
    assert done.code == 2
    assert done.error.startswith("can't use this passphrase: ")
    assert not (shell.state / "vault.json").exists()
    if text:
        assert text not in done.err


def test_a_vault_is_never_made_over_another(desk: Shell) -> None:
    before = (desk.state / "vault.json").read_bytes()
    done = desk.run("init")
    assert done.code == 1
    assert done.error == f"can't make a vault in {desk.state}: there is a vault already"
    assert (desk.state / "vault.json").read_bytes() == before


def test_not_even_over_a_damaged_one(desk: Shell) -> None:
    (desk.state / "vault.json").write_bytes(b"")
    for path in desk.state.glob("vault.json.*"):
        path.unlink()
    assert desk.run("init").code == 1
    (desk.state / "vault.json").unlink()
    (desk.state / "vault.json.2").touch(0o600)
    assert desk.run("init").code == 1


def test_a_lost_device_file_is_never_decided_anew_beside_a_vault(desk: Shell) -> None:
    before = StateFolder(desk.state).device()
    (desk.state / "device.json").unlink()
    unreachable(desk)
    done = desk.run("backup", "list")
    assert done.code == 1
    assert "device.json is missing" in done.error
    assert desk.run("list").code == 4
    desk.does("list", "--passphrase-file", desk.file("p", PASSPHRASE))
    assert StateFolder(desk.state).device() == before


def test_the_name_of_the_device_is_the_configured_one_or_the_hosts(shell: Shell) -> None:
    shell.configure(name=None)
    shell.does("init")
    found = StateFolder(shell.state).device()
    assert found is not None
    assert found.name
    assert found.name.isascii()
    assert len(found.name) <= 32


def test_a_card_that_is_read_only_is_told(shell: Shell, tmp_path: Path) -> None:
    shell.configure(state_dir="/proc/otp-appliance")
    done = shell.run("init")
    assert done.code == 1
    assert done.error.startswith("can't use the state folder /proc/otp-appliance: ")


# --- the broker


@pytest.mark.parametrize(
    "command", [["backup"], ["backup", "list"], ["backup", "verify"], ["restore", "--passphrase-file", "-"]]
)
def test_without_a_configured_broker_it_is_exit_78(desk: Shell, command: list[str]) -> None:
    if command[0] == "restore":
        for path in desk.state.glob("vault.json*"):
            path.unlink()
    done = desk.run(*command, stdin=PASSPHRASE)
    assert done.code == 78
    assert done.error == "can't reach a broker: none is configured"


@pytest.mark.parametrize(
    "command", [["backup"], ["backup", "list"], ["backup", "verify"], ["restore", "--passphrase-file", "-"]]
)
def test_a_broker_that_does_not_answer_is_exit_5(desk: Shell, command: list[str]) -> None:
    if command[0] == "restore":
        for path in desk.state.glob("vault.json*"):
            path.unlink()
    port = unreachable(desk)
    done = desk.run(*command, stdin=PASSPHRASE)
    assert done.code == 5
    assert "refused" in done.error
    assert str(port) in done.err


def test_a_backup_file_that_could_not_be_saved_leaves_nothing(desk: Shell) -> None:
    unreachable(desk)
    target = desk.folder / "backup.json"
    assert desk.run("backup", "save", str(target)).code == 5
    assert not target.exists()


def test_a_backup_is_never_saved_over_a_file(desk: Shell) -> None:
    target = desk.file("backup.json", "precious")
    done = desk.run("backup", "save", target)
    assert done.code == 2
    assert "file exists" in done.error
    assert Path(target).read_text() == "precious"


def test_a_wrong_passphrase_is_noticed_before_the_broker_is_asked(desk: Shell) -> None:
    done = desk.run("backup", "verify", "--passphrase-file", desk.file("wrong", "wrong horse battery"))
    assert done.code == 3


# --- restore from a file


def test_a_vault_file_restores_onto_a_fresh_device(
    desk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = desk.file("saved.json", (desk.state / "vault.json").read_bytes())
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("APPLIANCE_NAME", "hall")
    done = desk.does("--no-input", "restore", "--from", saved, "--passphrase-file", "-", stdin=PASSPHRASE)
    assert "restored 2 accounts as 'hall'" in done.out
    assert [one["name"] for one in desk.does("list", "--json").json] == ["anna", "ben"]


def test_a_dry_run_restores_nothing(desk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = desk.file("saved.json", (desk.state / "vault.json").read_bytes())
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path / "other"))
    arguments = ("restore", "--from", saved, "--passphrase-file", desk.file("p", PASSPHRASE), "--dry-run")
    found = desk.does("--no-input", *arguments, "--json").json
    assert (found["accounts"], found["dry_run"], found["backup"]) == (2, True, None)
    assert desk.run("list").code == 6


@pytest.mark.parametrize(
    ("spoil", "passphrase", "code"),
    [("", "wrong horse battery", 3), ("cut", PASSPHRASE, 4), ("text", PASSPHRASE, 4)],
)
def test_a_file_that_does_not_open_restores_nothing(
    desk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str, passphrase: str, code: int
) -> None:
    raw = (desk.state / "vault.json").read_bytes()
    saved = desk.file("saved.json", {"": raw, "cut": raw[:-9], "text": b"hello"}[spoil])
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path / "other"))
    done = desk.run("--no-input", "restore", "--from", saved, "--passphrase-file", "-", stdin=passphrase)
    assert done.code == code
    assert passphrase not in done.err
    assert not (tmp_path / "other" / "vault.json").exists()


def test_a_restore_over_a_vault_is_exit_1(desk: Shell) -> None:
    saved = desk.file("saved.json", (desk.state / "vault.json").read_bytes())
    done = desk.run("--no-input", "restore", "--from", saved, "--passphrase-file", "-", stdin=PASSPHRASE)
    assert done.code == 1
    assert "there is a vault already" in done.error


def test_the_recovery_key_of_the_contract_is_what_people_print() -> None:
    assert re.fullmatch(RECOVERY, keys.new_recovery_key(lambda count: b"\x77" * count))
