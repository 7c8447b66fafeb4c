"""Commands that change accounts and take changes back, as people and scripts type them."""

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import app
from appliance.cli.main import main
from appliance.keeper import Keeper
from appliance.vault import edit
from appliance.vault.edit import TRASH_SECONDS
from appliance.vault.model import base32_encode
from tests.cli.conftest import HOTP, PASSPHRASE, SEED, TOTP, Done, Shell
from tests.household import Appliance, household
from tests.stores import START, FakeClock

OTHER_SEED = base32_encode(b"quite another secret")
SHOP = f"otpauth://totp/Shop:carl?secret={SEED}&issuer=Shop"
PUBLIC = {"uuid", "type", "issuer", "name", "algorithm", "digits", "period", "counter", "groups", "favorite"}


class Terminal(io.StringIO):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def typed(desk: Shell, answer: str, *arguments: str) -> Done:
    """Run a command at a terminal, and answer its question."""
    with desk.monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", Terminal(answer + "\n"))
        desk.capsys.readouterr()
        code = main(["--config", str(desk.config), *arguments])
    caught = desk.capsys.readouterr()
    return Done(code, caught.out, caught.err)


def listed(desk: Shell) -> list[str]:
    return [one["issuer"] for one in desk.does("list", "--json").json]


def account(desk: Shell, name: str) -> Any:
    return next(one for one in desk.does("list", "--json").json if name in {one["name"], one["issuer"]})


def generation(desk: Shell) -> int:
    return keeper(desk).open().vault.generation


def keeper(desk: Shell) -> Keeper:
    from appliance.settings import load

    return app.new_keeper(load(desk.config, {}))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of all commands, trusted."""
    made = FakeClock()
    monkeypatch.setattr(app, "SystemClock", lambda **_: made)
    return made


@pytest.fixture
def three(desk: Shell) -> Shell:
    """A shell with a third account, Shop:carl."""
    desk.does("add", "-", stdin=SHOP)
    return desk


# --- edit


def test_an_edit_shows_what_the_account_is_now(desk: Shell) -> None:
    done = desk.does("edit", "Bank", "--issuer", "My Bank", "--name", "Ann")
    assert done.out == "changed My Bank:Ann\nMy Bank  Ann  TOTP SHA1 8 digits 30 s\n"
    assert listed(desk) == ["My Bank", "Wiki"]


def test_an_edit_answers_scripts_with_the_account(desk: Shell) -> None:
    done = desk.does("edit", "Bank", "--note", "ask for\nMr Smith\x1b", "--group", "Work", "--json")
    assert done.json.keys() == PUBLIC | {"note", "changed", "secret_replaced"}
    assert (done.json["note"], done.json["groups"]) == ("ask for\nMr Smith", ["Work"])
    assert (done.json["changed"], done.json["secret_replaced"]) == (True, False)
    assert SEED not in done.out


def test_a_note_is_shown_to_whoever_changed_it(desk: Shell) -> None:
    assert desk.does("edit", "Bank", "--note", "call first").out.endswith("note: call first\n")
    assert desk.does("edit", "Bank", "--note", "").out.endswith("note: none\n")


def test_only_what_is_given_changes(desk: Shell) -> None:
    before = account(desk, "anna")
    desk.does("edit", "Bank", "--name", "bea", "--group", "Work")
    assert account(desk, "bea") == {**before, "name": "bea", "groups": ["Work"]}


def test_what_is_as_it_was_saves_nothing(desk: Shell) -> None:
    before = generation(desk)
    assert desk.does("edit", "Bank", "--name", "anna").out.startswith("nothing is different\n")
    assert desk.does("edit", "Bank", "--name", "anna", "--json").json["changed"] is False
    assert generation(desk) == before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "nothing to change is given"),
        (["--confirm", "Bank:anna"], "nothing to change is given"),
        (["--digits", "11"], "--digits 11 is not in 4 to 10"),
        (["--period", "0"], "--period 0 is not in 1 to 86400"),
        (["--counter", "-1"], "--counter -1 is not in 0 to 2147483647"),
        (["--counter", "5"], "a TOTP account has none that could be changed"),
        (["--group", " "], "a group needs a name"),
        (["--issuer", "", "--name", "\x1b"], "neither an issuer nor a name would be left"),
        (["--algorithm", "MD5"], "invalid choice: 'MD5'"),
    ],
)
def test_what_cannot_be_changed_is_a_usage_error(desk: Shell, arguments: list[str], why: str) -> None:
    before = generation(desk)
    done = desk.run("edit", "Bank", *arguments)
    assert (done.code, done.out) == (2, "")
    assert why in done.error
    assert generation(desk) == before


def test_other_parameters_print_the_code_to_compare_with(desk: Shell) -> None:
    done = desk.does("edit", "Bank", "--digits", "6", "--period", "60", "--algorithm", "SHA256")
    assert re.fullmatch(
        r"changed Bank:anna\nBank  anna  TOTP SHA256 6 digits 60 s\n"
        r"its code is now \d{3} \d{3}: compare it with the service's page\n",
        done.out,
    )


def test_a_counter_goes_up_and_never_down(desk: Shell) -> None:
    assert "the next code is number 7" in desk.does("edit", "Wiki", "--counter", "7").out
    done = desk.run("edit", "Wiki", "--counter", "6")
    assert done.code == 2
    assert done.error.endswith("the next code is number 7, and a counter never falls")
    assert done.hint == "--counter 7 or higher"
    assert account(desk, "Wiki")["counter"] == 7


def test_a_new_secret_needs_a_confirmation(desk: Shell) -> None:
    secret = desk.file("secret", OTHER_SEED)
    done = desk.run("--no-input", "edit", "Bank", "--secret-file", secret)
    assert (done.code, done.out) == (2, "")
    assert done.hint == "--confirm 'Bank:anna'"
    assert desk.run("edit", "Bank", "--secret-file", secret, "--confirm", "Wiki").code == 2
    assert typed(desk, "anna", "edit", "Bank", "--secret-file", secret).code == 2
    assert desk.does("code", "Bank", "--at", "59").out == "94287082\n"


@pytest.mark.parametrize("answer", ["--confirm", "typed"])
def test_a_confirmed_secret_replaces_the_former_one_which_the_account_keeps(desk: Shell, answer: str) -> None:
    arguments = ["edit", "Bank", "--secret-file", desk.file("secret", OTHER_SEED.lower() + "\n")]
    if answer == "typed":
        done = typed(desk, "Bank:anna", *arguments)
        assert "replace the secret of Bank:anna? type its name to confirm:" in done.err
    else:
        done = desk.does(*arguments, "--confirm", "Bank:anna")
    assert done.code == 0
    assert "the former secret is in the account's history" in done.out
    assert "its code is now" in done.out
    assert desk.does("code", "Bank", "--at", "59").out != "94287082\n"
    (record,) = [one for one in keeper(desk).open().vault.ordered if one.account.issuer == "Bank"]
    assert [base32_encode(old.secret) for old in record.history] == [SEED]
    assert OTHER_SEED not in done.out + done.err


def test_a_replaced_secret_is_told_to_scripts(desk: Shell) -> None:
    secret = desk.file("secret", OTHER_SEED)
    done = desk.does("edit", "Bank", "--secret-file", secret, "--confirm", "Bank:anna", "--json")
    assert (done.json["changed"], done.json["secret_replaced"]) == (True, True)
    assert OTHER_SEED not in done.out + done.err


def test_the_secret_that_is_there_already_needs_no_confirmation(desk: Shell) -> None:
    done = desk.does("edit", "Bank", "--secret-file", desk.file("secret", SEED))
    assert done.out.startswith("nothing is different\n")


@pytest.mark.parametrize("text", ["1nv4l1d!", ""])
def test_a_secret_that_is_none_changes_nothing_and_is_not_repeated(desk: Shell, text: str) -> None:
    done = desk.run("edit", "Bank", "--secret-file", desk.file("secret", text), "--confirm", "Bank:anna")
    assert done.code == 2
    assert not text or text not in done.err


def test_groups_are_joined_and_left(desk: Shell) -> None:
    desk.does("edit", "Bank", "--group", "Work", "--group", "Money")
    desk.does("edit", "Wiki", "--group", "work")
    assert (account(desk, "Bank")["groups"], account(desk, "Wiki")["groups"]) == (["Money", "Work"], ["Work"])
    desk.does("edit", "Bank", "--no-group", "Work", "--no-group", "MONEY", "--group", "Home")
    assert account(desk, "Bank")["groups"] == ["Home"]


def test_a_group_that_the_account_is_not_in_is_exit_6(desk: Shell) -> None:
    done = desk.run("edit", "Bank", "--no-group", "Work")
    assert done.code == 6
    assert done.error == "can't take Bank:anna out of the group 'Work': it is not in it; its groups: none"


# --- move, favorite


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        (["Shop", "--first"], ["Shop", "Bank", "Wiki"]),
        (["Bank", "--last"], ["Wiki", "Shop", "Bank"]),
        (["Shop", "--before", "ben"], ["Bank", "Shop", "Wiki"]),
        (["Bank", "--after", "Wiki:ben"], ["Wiki", "Bank", "Shop"]),
    ],
)
def test_an_account_is_moved(three: Shell, arguments: list[str], order: list[str]) -> None:
    done = three.does("move", *arguments)
    assert (
        done.out == f"moved {account(three, arguments[0])['issuer']}:{account(three, arguments[0])['name']}\n"
    )
    assert done.err == ""
    assert listed(three) == order


def test_a_move_answers_scripts_with_the_account(three: Shell) -> None:
    assert three.does("move", "Shop", "--first", "--json").json == account(three, "Shop")


def test_what_stands_there_already_is_told_and_saves_nothing(three: Shell) -> None:
    before = generation(three)
    assert three.does("move", "Bank", "--before", "Wiki").out == "it stands there already: Bank:anna\n"
    assert generation(three) == before


@pytest.mark.parametrize("arguments", [[], ["--first", "--last"], ["--first", "--after", "Wiki"]])
def test_a_move_has_exactly_one_place(three: Shell, arguments: list[str]) -> None:
    assert three.run("move", "Bank", *arguments).code == 2


def test_a_neighbour_that_is_not_there_or_the_account_itself_is_refused(three: Shell) -> None:
    assert three.run("move", "Bank", "--after", "nobody").code == 6
    done = three.run("move", "Bank", "--after", "anna")
    assert done.code == 2
    assert "it can't stand after itself" in done.error


@pytest.mark.parametrize(
    ("favourite", "arguments", "noted"),
    [
        ("Shop", ["Bank", "--first"], True),
        ("Shop", ["Wiki", "--first"], True),
        ("Bank", ["Bank", "--last"], True),
        ("Bank", ["Bank", "--first"], False),
        ("Bank", ["Wiki", "--last"], False),
        ("Shop", ["Wiki", "--after", "Shop"], True),
        ("Bank", ["Shop", "--after", "Bank"], False),
        ("Shop", ["Bank", "--before", "Shop"], True),
        ("Bank", ["Shop", "--before", "Wiki"], False),
    ],
)
def test_a_move_that_favourites_hide_is_noted(
    three: Shell,
    favourite: str,
    arguments: list[str],
    noted: bool,  # noqa: FBT001
) -> None:
    three.does("favorite", favourite)
    assert ("favourites come before all others" in three.does("move", *arguments).err) is noted


def test_a_favourite_is_shown_first_until_it_is_none_any_more(three: Shell) -> None:
    done = three.does("favorite", "Shop")
    assert done.out == "Shop:carl is a favourite now: it is shown before the others\n"
    assert listed(three) == ["Shop", "Bank", "Wiki"]
    assert three.does("favorite", "Shop", "--off", "--json").json == account(three, "Shop")
    assert listed(three) == ["Bank", "Wiki", "Shop"]
    assert three.does("favorite", "Shop", "--off").out == "Shop:carl is no favourite now\n"


# --- remove, trash


def test_removing_needs_a_confirmation(desk: Shell) -> None:
    done = desk.run("--no-input", "remove", "Bank")
    assert done.code == 2
    assert done.hint == "--confirm 'Bank:anna'"
    assert len(listed(desk)) == 2


def test_a_wrong_confirmation_removes_nothing(desk: Shell) -> None:
    assert desk.run("remove", "Bank", "--confirm", "Wiki:ben").code == 2
    assert typed(desk, "", "remove", "Bank").code == 2
    assert len(listed(desk)) == 2


def test_a_confirmed_account_goes_to_the_trash(desk: Shell) -> None:
    done = desk.does("remove", "Bank", "--confirm", "Bank:anna")
    assert done.out == "removed Bank:anna; it stays in the trash for 30 days: appliance trash\n"
    assert listed(desk) == ["Wiki"]
    assert typed(desk, "Wiki:ben", "remove", "Wiki").code == 0
    assert listed(desk) == []


def test_a_removal_answers_scripts_with_the_account(desk: Shell) -> None:
    bank = account(desk, "Bank")
    assert desk.does("remove", "Bank", "--confirm", "Bank:anna", "--json").json == bank


def test_an_account_that_another_process_removed_meanwhile_is_exit_6(
    desk: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = edit.remove

    def twice(vault: Any, uuid: str, moment: Any) -> Any:
        return real(real(vault, uuid, moment), uuid, moment)

    monkeypatch.setattr(edit, "remove", twice)
    done = desk.run("remove", "Bank", "--confirm", "Bank:anna")
    assert done.code == 6
    assert "not there any more" in done.error


def test_the_trash_lists_what_was_removed_newest_first_and_until_when_it_stays(
    three: Shell, clock: FakeClock
) -> None:
    for name in ("Bank:anna", "Shop:carl"):
        three.does("remove", name, "--confirm", name)
        clock.advance(86_400)
    shop, bank = three.does("trash", "--json").json
    assert bank.keys() == PUBLIC | {"until"}
    assert (shop["issuer"], shop["until"]) == ("Shop", int(START) + 31 * 86_400)
    assert (bank["issuer"], bank["until"]) == ("Bank", int(START) + 30 * 86_400)
    lines = three.does("trash").out.splitlines()
    assert re.fullmatch(r"Shop  carl  TOTP SHA1 6 digits 30 s +until 2027-02-1\d \d\d:\d\d", lines[0])
    assert lines[1].startswith("Bank  anna  TOTP SHA1 8 digits 30 s ")


def test_the_date_of_a_removal_by_an_untrusted_clock_is_not_made_up(desk: Shell, clock: FakeClock) -> None:
    clock.trust = "not-set"
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    assert desk.does("trash", "--json").json[0]["until"] is None
    assert desk.does("trash").out.endswith("for at least 30 days\n")


def test_an_empty_trash_is_told_beside_the_answer(desk: Shell) -> None:
    done = desk.does("trash")
    assert (done.out, done.err) == ("", "the trash is empty\n")
    assert desk.does("trash", "--json").json == []


def test_after_thirty_days_the_next_save_empties_the_trash(three: Shell, clock: FakeClock) -> None:
    three.does("remove", "Bank", "--confirm", "Bank:anna")
    clock.advance(TRASH_SECONDS)
    before = generation(three)
    three.does("favorite", "Wiki", "--off")
    assert generation(three) == before, "nothing was changed, and what expired is no reason to save"
    assert len(three.does("trash", "--json").json) == 1
    clock.trust = "not-set"
    three.does("favorite", "Wiki")
    assert len(three.does("trash", "--json").json) == 1, "an untrusted clock ends nothing"
    clock.trust = "synchronised"
    three.does("code", "Wiki")
    assert three.does("trash", "--json").json == []
    assert three.run("trash", "restore", "Bank").code == 6


def test_an_own_older_backup_with_an_expired_account_holds_nothing_new(desk: Shell, clock: FakeClock) -> None:
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    payload = keeper(desk).open().published
    clock.advance(TRASH_SECONDS)
    desk.does("favorite", "Wiki")
    verdict: Any = keeper(desk).check(payload)
    assert verdict.novel is False
    before = generation(desk)
    keeper(desk).merged(payload)
    assert generation(desk) == before


def test_an_account_comes_back_from_the_trash(desk: Shell) -> None:
    bank = account(desk, "Bank")
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    done = desk.does("trash", "restore", "anna")
    assert done.out == "Bank:anna is back from the trash\n"
    assert account(desk, "Bank") == bank
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    assert desk.does("trash", "restore", "Bank", "--json").json == bank
    assert desk.does("trash", "--json").json == []


def test_what_is_not_in_the_trash_is_exit_6(desk: Shell) -> None:
    done = desk.run("trash", "restore", "Bank")
    assert done.code == 6
    assert done.hint == "appliance trash"


# --- undo


def undone(desk: Shell) -> Done:
    return desk.does("undo", "--confirm", str(desk.does("undo", "--dry-run", "--json").json["generation"]))


def test_undo_says_what_it_takes_back_and_takes_it_back(desk: Shell) -> None:
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    lines = undone(desk).out.splitlines()
    assert re.fullmatch(r"goes back to generation 3(, saved \d{4}-\d\d-\d\d \d\d:\d\d)?", lines[0])
    assert lines[1:] == [
        "removed: Bank:anna comes back",
        "done; appliance undo once more takes this back as well",
    ]
    assert listed(desk) == ["Bank", "Wiki"]
    assert desk.does("trash", "--json").json == []


def test_an_account_that_was_added_goes_to_the_trash(three: Shell) -> None:
    assert "added: Shop:carl goes to the trash\n" in undone(three).out
    assert listed(three) == ["Bank", "Wiki"]
    assert [one["name"] for one in three.does("trash", "--json").json] == ["carl"]


def test_a_change_is_told_by_its_fields_and_the_former_name(desk: Shell) -> None:
    desk.does("edit", "Bank", "--name", "bea", "--note", "x", "--group", "Work")
    assert "changed: Bank:bea gets back what it had (Bank:anna): name, note, groups\n" in undone(desk).out
    assert (account(desk, "anna")["groups"], account(desk, "anna")["issuer"]) == ([], "Bank")


def test_a_replaced_secret_comes_back(desk: Shell) -> None:
    secret = desk.file("secret", OTHER_SEED)
    desk.does("edit", "Bank", "--secret-file", secret, "--confirm", "Bank:anna")
    done = undone(desk)
    assert "changed: Bank:anna gets back what it had: secret\n" in done.out
    assert SEED not in done.out + done.err
    assert desk.does("code", "Bank", "--at", "59").out == "94287082\n"


def test_a_favourite_and_an_order_come_back(three: Shell) -> None:
    three.does("favorite", "Shop")
    assert "changed: Shop:carl gets back what it had: favourite mark\n" in undone(three).out
    three.does("move", "Shop", "--first")
    assert "moved: the former order comes back\n" in undone(three).out
    assert listed(three) == ["Bank", "Wiki", "Shop"]


def test_undo_twice_brings_the_change_again(desk: Shell) -> None:
    desk.does("edit", "Bank", "--name", "bea")
    undone(desk)
    assert account(desk, "Bank")["name"] == "anna"
    undone(desk)
    assert account(desk, "Bank")["name"] == "bea"


def test_spent_codes_are_passed_by_and_stay_spent(desk: Shell) -> None:
    desk.does("edit", "Wiki", "--name", "bob")
    for _ in range(2):
        desk.does("code", "Wiki")
    assert "changed: Wiki:bob gets back what it had (Wiki:ben): name\n" in undone(desk).out
    assert (account(desk, "Wiki")["name"], account(desk, "Wiki")["counter"]) == ("ben", 2)


def test_nothing_to_undo_is_exit_6(shell: Shell) -> None:
    shell.does("init")
    done = shell.run("undo")
    assert done.code == 6
    assert "nothing to undo" in done.error


@pytest.mark.parametrize("arguments", [[], ["--dry-run"], ["--json"], ["--confirm", "3"]])
def test_changes_older_than_the_kept_generations_cannot_be_undone(desk: Shell, arguments: list[str]) -> None:
    for _ in range(3):
        desk.does("code", "Wiki")
    done = desk.run("undo", *arguments)
    assert (done.code, done.out) == (6, "")


def test_a_dry_run_changes_nothing_and_answers_scripts(three: Shell, clock: FakeClock) -> None:
    three.does("edit", "Bank", "--name", "bea")
    three.does("edit", "Bank", "--name", "anna")  # back by hand: what differs now is one generation further
    before = generation(three)
    assert "would go back to generation 5, saved 2027-01-15" in three.does("undo", "--dry-run").out
    done = three.does("undo", "--dry-run", "--json")
    bank = {"uuid": account(three, "Bank")["uuid"], "issuer": "Bank", "name": "bea"}
    assert done.json == {
        "dry_run": True,
        "generation": 5,
        "saved_at": int(START),
        "revived": [],
        "removed": [],
        "changed": [{**bank, "fields": ["name"]}],
        "moved": False,
    }
    assert generation(three) == before


def test_an_undo_answers_scripts_and_says_in_words_beside_the_answer_what_it_does(three: Shell) -> None:
    shop = account(three, "Shop")
    done = three.does("undo", "--confirm", "3", "--json")
    assert done.json["dry_run"] is False
    assert done.json["removed"] == [{key: shop[key] for key in ("uuid", "issuer", "name")}]
    assert "added: Shop:carl goes to the trash\n" in done.err
    assert listed(three) == ["Bank", "Wiki"]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("YES", 0), ("n", 2), ("", 2), ("maybe", 2)])
def test_undo_asks_and_takes_only_yes_for_it(three: Shell, answer: str, code: int) -> None:
    done = typed(three, answer, "undo")
    assert done.code == code
    assert "take this back? [y/N]" in done.err
    assert done.out.startswith("goes back to generation 3")
    assert listed(three) == ["Bank", "Wiki"] if code == 0 else ["Bank", "Wiki", "Shop"]


def test_undo_without_anybody_to_ask_says_how_to_confirm_it(three: Shell) -> None:
    done = three.run("--no-input", "undo")
    assert done.code == 2
    assert done.hint == "--confirm 3"
    done = three.run("undo", "--confirm", "2")
    assert done.code == 2
    assert done.error == "can't undo: it would go back to generation 3, not 2"
    assert len(listed(three)) == 3


def test_what_another_process_changed_meanwhile_is_not_taken_back_unseen(three: Shell) -> None:
    before = Keeper.change

    def changed(self: Keeper, apply: Any) -> Any:
        with three.monkeypatch.context() as patched:
            patched.setattr(Keeper, "change", before)
            uuid = account(three, "Bank")["uuid"]
            keeper(three).change(
                lambda vault, moment: edit.alter(vault, uuid, edit.Changes(name="x"), moment)
            )
        return before(self, apply)

    with three.monkeypatch.context() as patched:
        patched.setattr(Keeper, "change", changed)
        done = three.run("undo", "--confirm", "3")
    assert done.code == 1
    assert done.error == "can't undo: the accounts were changed meanwhile"
    assert (len(listed(three)), account(three, "Bank")["name"]) == (3, "x")


def test_older_files_that_are_damaged_or_of_another_key_are_passed_by(three: Shell) -> None:
    three.does("edit", "Bank", "--name", "bea")
    older = three.state / "vault.json.1"
    older.write_bytes(older.read_bytes()[:-100])
    (three.folder / "else").mkdir()
    other = Shell(three.folder / "else", three.capsys, three.monkeypatch)
    other.configure(**three.settings | {"state_dir": str(other.state)})
    other.does("init")
    (three.state / "vault.json.2").write_bytes((other.state / "vault.json").read_bytes())
    assert len(keeper(three).older()) == 1
    assert three.does("undo", "--dry-run", "--json").json["generation"] == 2


# --- all of them

COMMANDS = [
    ["edit", "Bank", "--name", "x"],
    ["move", "Bank", "--last"],
    ["favorite", "Bank"],
    ["remove", "Bank", "--confirm", "Bank:anna"],
    ["trash"],
    ["trash", "restore", "Bank"],
    ["undo", "--confirm", "2"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_wrong_passphrase_is_exit_3(desk: Shell, command: list[str]) -> None:
    done = desk.run(*command, "--passphrase-file", desk.file("wrong", "wrong horse battery staple\n"))
    assert (done.code, done.out) == (3, "")
    assert done.error == "can't open the vault: wrong passphrase"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_vault_that_is_not_there_is_exit_6(shell: Shell, command: list[str]) -> None:
    done = shell.run(*command)
    assert done.code == 6
    assert done.hint == "appliance init, or appliance restore"


def test_the_passphrase_opens_the_vault_for_an_action_of_the_trash(desk: Shell) -> None:
    desk.does("remove", "Bank", "--confirm", "Bank:anna")
    (desk.state / "device-secret").unlink()
    passphrase = desk.file("passphrase", PASSPHRASE)
    desk.does("trash", "restore", "Bank", "--passphrase-file", passphrase)
    assert listed(desk) == ["Bank", "Wiki"]


@pytest.mark.parametrize("command", [one for one in COMMANDS if one[0] not in {"trash", "undo"}])
def test_several_matches_are_exit_6_and_listed(desk: Shell, command: list[str]) -> None:
    desk.does("add", "-", stdin=TOTP.replace("anna", "bea"))
    before = generation(desk)
    done = desk.run(*command)
    assert done.code == 6
    assert "Bank:anna (" in done.error
    assert "Bank:bea (" in done.error
    assert generation(desk) == before


@pytest.mark.parametrize("command", COMMANDS[:4], ids=lambda command: command[0])
def test_an_account_that_is_not_there_is_exit_6(desk: Shell, command: list[str]) -> None:
    done = desk.run(command[0], "nobody", *command[2:])
    assert done.code == 6
    assert done.hint == "appliance list"


@pytest.mark.parametrize(
    "command",
    [*COMMANDS[:4], ["undo", "--confirm", "3"]],
    ids=lambda command: command[0],
)
def test_a_damaged_newest_vault_is_set_aside_with_a_warning(three: Shell, command: list[str]) -> None:
    three.does("move", "Shop", "--first")
    newest = three.state / "vault.json"
    newest.write_bytes(newest.read_bytes()[:-100])
    assert "the newest vault file was damaged" in three.does(*command).err


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    """A running one that shows the first of its accounts, which is HOTP."""
    with household(tmp_path, None, "desk") as (made,):
        made.does("init")
        for uri in (HOTP, TOTP, SHOP, SHOP.replace("Shop", "Gone")):
            made.does("add", "-", stdin=uri)
        made.start()
        yield made


def begun(appliance: Appliance, *commands: list[str]) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "appliance", "--config", str(appliance.config), "--no-input", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in commands
    ]


def test_commands_and_daemon_at_once_lose_no_edit_of_each_other(appliance: Appliance) -> None:
    before = appliance.ask("status")["generation"]
    wiki, bank, shop, gone = (one["uuid"] for one in appliance.json("list"))
    processes = begun(
        appliance,
        ["edit", bank, "--note", "call first"],
        ["edit", bank, "--issuer", "Money", "--group", "Work"],
        ["edit", shop, "--group", "Work"],
        ["move", shop, "--before", bank],
        ["favorite", wiki],
        ["code", wiki],
        ["remove", gone, "--confirm", gone],
        ["add", "--issuer", "New", "--name", "dora", "--secret-file", appliance.secret_file("new", SEED)],
    )
    appliance.ask("press", button="ok")  # the daemon spends a code meanwhile
    said = [process.communicate(timeout=90) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    appliance.until(lambda: appliance.ask("status")["generation"] == before + len(processes) + 1, 20)
    found = {one["uuid"]: one for one in appliance.json("list")}
    assert list(found)[:3] == [wiki, shop, bank]
    assert (found[wiki]["favorite"], found[wiki]["counter"]) == (True, 2)
    assert (found[bank]["issuer"], found[bank]["groups"]) == ("Money", ["Work"])
    assert found[shop]["groups"] == ["Work"]
    assert "New" in {one["issuer"] for one in found.values()}
    assert [one["uuid"] for one in appliance.json("trash")] == [gone]
    assert appliance.json("edit", bank, "--note", "call first")["changed"] is False
    assert appliance.ask("status")["accounts"] == 4
