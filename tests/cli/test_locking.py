"""Start modes, the PIN, and re-keying, as people and scripts type it."""

from pathlib import Path
from typing import Any

import pytest

from appliance.cli import rekeying
from tests.brokers import free_port
from tests.cli.conftest import PASSPHRASE, TOTP, Shell

PIN = "493817"
OTHER_PIN = "73920164"
NEW = "eleven winds over the bay"


@pytest.fixture
def pin_desk(shell: Shell) -> Shell:
    """A shell with a vault that a PIN opens, and a TOTP account."""
    shell.configure(vault={"unlock": "pin"})
    shell.file("pin", PIN)
    shell.does("init", *phrase(shell), "--pin-file", shell.file("pin", PIN))
    shell.does("add", "-", *phrase(shell), stdin=TOTP)
    return shell


def phrase(shell: Shell, words: str = PASSPHRASE) -> tuple[str, str]:
    return "--passphrase-file", shell.file("passphrase", words + "\n")


def pin(shell: Shell, digits: str = PIN) -> tuple[str, str]:
    return "--pin-file", shell.file("pin", digits)


def new_pin(shell: Shell, digits: str = OTHER_PIN) -> tuple[str, str]:
    return "--new-pin-file", shell.file("new-pin", digits)


def opens(shell: Shell, *secret: str) -> bool:
    done = shell.run("list", "--json", *secret)
    assert done.code in {0, 3}, done
    return done.code == 0


def older(shell: Shell) -> list[Path]:
    return [*shell.state.glob("vault.json.*"), *shell.state.glob("vault.bad-*")]


# --- how it opens after a start


def test_a_vault_with_a_pin_opens_by_passphrase_or_pin_and_not_by_itself(pin_desk: Shell) -> None:
    refused = pin_desk.run("list")
    assert refused.code == 3
    assert "can't ask for the PIN, passphrase or recovery key" in refused.error
    assert opens(pin_desk, *phrase(pin_desk))
    assert pin_desk.typed([PIN], "list").code == 0
    assert pin_desk.typed([PASSPHRASE], "list").code == 0


def test_a_vault_without_a_start_by_itself_asks_for_the_passphrase(shell: Shell) -> None:
    shell.configure(vault={"unlock": "passphrase"})
    made = shell.does("init", *phrase(shell))
    assert "After each start it waits for the passphrase: appliance unlock" in made.out
    assert not opens(shell)
    assert shell.typed([PASSPHRASE], "list").code == 0


@pytest.mark.parametrize(("digits", "why"), [("12345", "it has 5 digits"), ("12345a", "not made of digits")])
def test_a_weak_pin_makes_no_vault(shell: Shell, digits: str, why: str) -> None:
    shell.configure(vault={"unlock": "pin"})
    refused = shell.run("init", *phrase(shell), *pin(shell, digits))
    assert refused.code == 2
    assert why in refused.error
    assert not (shell.state / "vault.json").exists()


def test_a_pin_that_nobody_can_be_asked_for_makes_no_vault(shell: Shell) -> None:
    shell.configure(vault={"unlock": "pin"})
    assert "there is no terminal to ask at" in shell.run("init", *phrase(shell)).error
    shell.configure(vault={"unlock": "credential"})
    assert "vault.unlock is credential" in shell.run("init", *phrase(shell), *pin(shell)).error
    assert not (shell.state / "vault.json").exists()


def test_the_pin_is_asked_for_twice(shell: Shell) -> None:
    shell.configure(vault={"unlock": "pin"})
    differing = shell.typed([PIN, OTHER_PIN], "init", *phrase(shell))
    assert "can't use this PIN: the two differ" in differing.error
    assert shell.typed([PIN, PIN], "init", *phrase(shell)).code == 0


def test_a_restored_vault_opens_as_this_device_s_settings_say(pin_desk: Shell) -> None:
    backup = pin_desk.file("backup", (pin_desk.state / "vault.json").read_bytes())
    pin_desk.configure(state_dir=str(pin_desk.folder / "second"))
    done = pin_desk.run("restore", "--from", backup, *phrase(pin_desk), *pin(pin_desk, OTHER_PIN))
    assert done.code == 0, done
    assert pin_desk.typed([OTHER_PIN], "list").code == 0
    assert pin_desk.typed([PIN], "list").code == 3


def test_status_without_a_daemon_asks_for_nothing(pin_desk: Shell) -> None:
    found = pin_desk.does("status", "--json").json
    assert (found["state"], found["error"], found["accounts"]) == ("locked", "it needs the PIN", None)
    assert "not known while it is locked" in pin_desk.does("status").out
    assert pin_desk.does("status", "--json", *phrase(pin_desk)).json["accounts"] == 1


# --- the PIN


def test_a_pin_is_set_on_a_vault_that_opened_by_itself_and_older_files_go(desk: Shell) -> None:
    assert older(desk)
    done = desk.does("pin", "set", *new_pin(desk))
    assert "the vault opens with the new PIN after a start" in done.out
    assert "all PINs of 8 digits in 204 days" in done.out
    assert "flash of a card may keep copies" in done.out
    assert older(desk) == []
    assert not opens(desk)
    assert desk.typed([OTHER_PIN], "list").code == 0
    assert "there is one already" in desk.run("pin", "set", *phrase(desk), *new_pin(desk)).error


def test_a_pin_is_changed_by_who_knows_it_or_the_passphrase(pin_desk: Shell) -> None:
    done = pin_desk.does("pin", "change", *pin(pin_desk), *new_pin(pin_desk), "--json")
    assert done.json == {"mode": "pin"}
    assert pin_desk.typed([PIN], "list").code == 3
    pin_desk.does("pin", "change", *phrase(pin_desk), *new_pin(pin_desk, PIN))
    assert pin_desk.typed([PIN], "list").code == 0


@pytest.mark.parametrize("action", ["change", "remove"])
def test_a_wrong_pin_changes_nothing_and_is_counted(pin_desk: Shell, action: str) -> None:
    before = (pin_desk.state / "vault.json").read_bytes()
    more = new_pin(pin_desk) if action == "change" else ()
    refused = pin_desk.run("pin", action, *pin(pin_desk, "000000"), *more)
    assert (refused.code, refused.error) == (3, "can't open the vault: wrong PIN")
    assert "2 more before waiting begins" in refused.hint
    assert (pin_desk.state / "pin-attempts").exists()
    assert (pin_desk.state / "vault.json").read_bytes() == before


@pytest.mark.parametrize(("to", "by_itself"), [((), True), (("--to", "passphrase"), False)])
def test_a_pin_is_removed(pin_desk: Shell, to: tuple[str, ...], by_itself: bool) -> None:  # noqa: FBT001
    pin_desk.does("pin", "remove", *pin(pin_desk), *to)
    assert opens(pin_desk) is by_itself
    assert opens(pin_desk, *phrase(pin_desk))
    assert older(pin_desk) == []


@pytest.mark.parametrize("action", ["change", "remove"])
def test_there_is_no_pin_to_change_where_there_is_none(desk: Shell, action: str) -> None:
    assert f"can't {action} the PIN: there is none" in desk.run("pin", action).error


def test_pin_alone_says_what_is_missing(desk: Shell) -> None:
    assert desk.run("pin").code == 2


def test_setting_a_pin_needs_somebody_who_gives_it(desk: Shell) -> None:
    refused = desk.run("pin", "set")
    assert (refused.code, refused.hint) == (2, "--new-pin-file FILE")


@pytest.mark.parametrize("command", ["lock", "unlock"])
def test_without_a_daemon_there_is_nothing_to_lock_or_unlock(pin_desk: Shell, command: str) -> None:
    for more in ((), pin(pin_desk)) if command == "unlock" else ((),):
        refused = pin_desk.run(command, *more)
        assert (refused.code, refused.hint) == (1, "systemctl start otp-appliance")


# --- re-keying


def rekeyed(shell: Shell, *arguments: str) -> Any:
    done = shell.does("passphrase", "--json", "--new-passphrase-file", shell.file("new", NEW), *arguments)
    return done.json


def test_after_a_new_passphrase_neither_the_old_one_nor_the_old_paper_opens_anything(shell: Shell) -> None:
    recovery = shell.does("init", "--json", *phrase(shell)).json["recovery_key"]
    shell.does("add", "-", stdin=TOTP)
    made = rekeyed(shell)
    assert (made["epoch"], made["mode"], made["backup"], made["cleared"]) == (2, "credential", None, None)
    assert "passphrase" not in made
    assert older(shell) == []
    for words in (PASSPHRASE, recovery):
        assert shell.run("list", *phrase(shell, words)).code == 3
    for words in (NEW, made["recovery_key"], made["recovery_key"].lower().replace("-", " ")):
        assert opens(shell, *phrase(shell, words))
    assert opens(shell)
    assert "Bank" in shell.does("list").out


def test_a_passphrase_is_made_where_none_is_given(desk: Shell) -> None:
    done = desk.does("passphrase")
    words = next(line for line in done.out.splitlines() if line.startswith("passphrase:")).split()[1:]
    assert len(words) == 6
    assert "stays readable with the old ones" in done.out
    assert done.out.index("recovery key:") < done.out.index("the vault has a new key"), (
        "seen before it counts"
    )
    assert opens(desk, *phrase(desk, " ".join(words)))


def test_a_new_passphrase_is_typed_twice_and_a_weak_one_refused(desk: Shell) -> None:
    assert "the two differ" in desk.typed([NEW, PASSPHRASE], "passphrase").error
    assert "at least 12 are needed" in desk.typed(["short"], "passphrase").error
    assert opens(desk, *phrase(desk))
    assert desk.typed([NEW, NEW], "passphrase").code == 0
    assert opens(desk, *phrase(desk, NEW))


def test_a_pin_stays_if_it_is_given_and_opens_nothing_if_not(pin_desk: Shell) -> None:
    assert rekeyed(pin_desk, *pin(pin_desk))["mode"] == "pin"
    assert pin_desk.typed([PIN], "list").code == 0
    assert rekeyed(pin_desk, *phrase(pin_desk, NEW), *pin(pin_desk))["mode"] == "pin"
    assert rekeyed(pin_desk, *phrase(pin_desk, NEW))["mode"] == "passphrase"
    assert pin_desk.typed([NEW], "list").code == 0
    assert not opens(pin_desk)


def test_a_wrong_pin_makes_no_new_key(pin_desk: Shell) -> None:
    before = (pin_desk.state / "vault.json").read_bytes()
    for arguments in ((), phrase(pin_desk)):
        refused = pin_desk.run("passphrase", *pin(pin_desk, "000000"), *arguments)
        assert (refused.code, refused.error) == (3, "can't open the vault: wrong PIN")
    assert (pin_desk.state / "vault.json").read_bytes() == before


def test_at_a_terminal_the_pin_comes_first_and_enter_does_without_it(pin_desk: Shell) -> None:
    done = pin_desk.typed([PIN, NEW, NEW], "passphrase")
    assert done.code == 0
    done = pin_desk.typed(["", NEW, "", PASSPHRASE, PASSPHRASE], "passphrase")
    assert "for a PIN: appliance pin set" in done.out
    assert pin_desk.typed([PASSPHRASE], "list").code == 0


def test_a_new_recovery_key_leaves_the_passphrase(shell: Shell) -> None:
    recovery = shell.does("init", "--json", *phrase(shell)).json["recovery_key"]
    assert "the passphrase stays" in shell.does("recovery-key", *phrase(shell)).out
    made = shell.does("recovery-key", "--json", *phrase(shell)).json
    assert made["epoch"] == 3
    assert not opens(shell, *phrase(shell, recovery))
    assert opens(shell, *phrase(shell))
    assert opens(shell, *phrase(shell, made["recovery_key"]))


def test_a_new_recovery_key_needs_the_passphrase_itself(shell: Shell) -> None:
    recovery = shell.does("init", "--json", *phrase(shell)).json["recovery_key"]
    refused = shell.run("recovery-key", *phrase(shell, recovery))
    assert (refused.code, refused.hint) == (2, "appliance passphrase sets both anew")
    assert shell.run("recovery-key").code == 3


def test_check_says_which_of_the_two_it_is_and_what_was_copied_wrong(shell: Shell) -> None:
    recovery = shell.does("init", "--json", *phrase(shell)).json["recovery_key"]
    assert shell.does("passphrase", "--check", *phrase(shell)).out.startswith("this is the passphrase")
    found = shell.does("passphrase", "--check", "--json", *phrase(shell, recovery.lower())).json
    assert found == {"opens": "recovery key"}
    refused = shell.run("passphrase", "--check", *phrase(shell, "wrong horse battery staple"))
    assert (refused.code, refused.error) == (3, "can't open the vault: wrong passphrase")
    groups = recovery.split("-")
    short = "-".join([*groups[:2], groups[2][:3], *groups[3:]])
    assert (
        "group 3 has 3 characters in place of 4"
        in shell.run("passphrase", "--check", *phrase(shell, short)).error
    )


def test_what_is_no_pin_is_not_taken_for_one(pin_desk: Shell) -> None:
    """Else the passphrase so far would go on opening this device."""
    before = (pin_desk.state / "vault.json").read_bytes()
    assert "not made of digits" in pin_desk.typed([PASSPHRASE], "passphrase").error
    for arguments in ((), phrase(pin_desk)):
        refused = pin_desk.run("passphrase", *pin(pin_desk, PASSPHRASE), *arguments)
        assert "not made of digits" in refused.error
    assert (pin_desk.state / "vault.json").read_bytes() == before


def test_a_pin_for_a_vault_without_one_is_refused_as_such(desk: Shell) -> None:
    refused = desk.run("passphrase", *pin(desk))
    assert refused.error == "can't use a PIN: this vault has none"


def test_a_broker_that_does_not_answer_keeps_no_secret_from_being_shown(desk: Shell) -> None:
    desk.configure(mqtt={"host": "127.0.0.1", "port": free_port(), "tls": {"enabled": False}})
    done = desk.does("passphrase", "--json")
    assert (done.json["backup"], done.json["cleared"]) == ("unverified", None)
    assert opens(desk, *phrase(desk, done.json["passphrase"]))
    assert "warning: can't reach the broker" in done.err
    assert "still opens with the old ones, until it is replaced" in desk.does("passphrase").out


def test_an_interruption_while_it_is_published_keeps_no_secret_from_being_shown(desk: Shell) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with desk.monkeypatch.context() as patched:
        patched.setattr(rekeying, "poke", interrupted)
        done = desk.run("passphrase", "--json")
    assert done.code == 130
    assert opens(desk, *phrase(desk, done.json["passphrase"]))


def test_a_backup_is_merged_into_a_vault_with_a_pin(pin_desk: Shell) -> None:
    backup = pin_desk.file("backup", (pin_desk.state / "vault.json").read_bytes())
    pin_desk.does("remove", "Bank", "--confirm", "Bank:anna", *phrase(pin_desk))
    done = pin_desk.run("restore", "--from", backup, "--merge", *phrase(pin_desk))
    assert done.code == 0, done
