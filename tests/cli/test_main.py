"""What all commands have in common: exit codes, the two lines of an error, and who may run them."""

import argparse
import contextlib
import grp
import importlib
import json
import os
import pty
import pwd
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import __version__
from appliance.adapters import control
from appliance.cli import owner, terminal
from appliance.cli.main import Context, main, parser
from appliance.cli.owner import become_owner, make_runtime_folder
from appliance.errors import ApplianceError, NotOwner, NotRunning, StorageFailed
from tests.cli.conftest import PASSPHRASE, SEED, TOTP, Shell

ROOT = Path(__file__).parents[2]
MAIN = importlib.import_module("appliance.cli.main")  # the package has a function of this name
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}


def process(shell: Shell, *arguments: str, before: str = "", **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, after a line of shell."""
    command = [sys.executable, "-m", "appliance", "--config", str(shell.config), *arguments]
    script = f'{before}\nexec "$@"'
    options: dict[str, Any] = {
        "text": True,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "cwd": ROOT,
        "env": ENVIRONMENT,
        "timeout": 60,
    }
    return subprocess.run(["sh", "-c", script, "sh", *command], check=False, **{**options, **how})


# --- usage


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["code"], "the following arguments are required: NAME"),
        (["press", "left"], "invalid choice: 'left'"),
        (["list", "--jsn"], "there is no --jsn"),
        (["list", "--js"], "there is no --js"),
        (["list", "--jsn=secret"], "there is no --jsn"),
        (["list", "too", "many"], "there are too many arguments"),
        (["code", "a", "--at"], "expected one argument"),
        (["add", "--digits", "six"], "invalid int value: 'six'"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_exit_2(shell: Shell, arguments: list[str], why: str) -> None:
    done = shell.run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.error.startswith("can't understand the command line: ")
    assert why in done.error
    assert done.hint.startswith("appliance ")
    assert done.hint.endswith(" --help")
    assert not shell.state.exists()


def commands(of: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield (*path, name)
                yield from commands(inner, (*path, name))


@pytest.mark.parametrize("command", list(commands(parser())), ids=" ".join)
def test_the_help_of_every_command_starts_with_an_example(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    example = out.split("\n\n")[1]
    assert example.startswith("Example:\n  ")
    assert f"appliance {command[0]}" in example.replace("\n", " ")


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"otp-appliance {__version__}\n"


# --- configuration


def test_a_misspelt_setting_is_exit_78_with_what_was_meant(shell: Shell) -> None:
    shell.configure(dispaly={"driver": "none"})
    done = shell.run("list")
    assert done.code == 78
    assert "did you mean display?" in done.err
    assert "Traceback" not in done.err


def test_a_misspelt_variable_is_exit_78_with_what_was_meant(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_MQTT__HSOT", "broker")
    done = shell.run("list")
    assert done.code == 78
    assert "did you mean APPLIANCE_MQTT__HOST?" in done.err


def test_a_named_configuration_that_is_not_there_is_exit_78(shell: Shell) -> None:
    shell.config.unlink()
    assert shell.run("list").code == 78


def test_a_configuration_in_a_variable_is_found(
    desk: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APPLIANCE_CONFIG", str(desk.config))
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: PTH123, SIM115 - closed with the process
    assert main(["list"]) == 0
    assert "Bank" in capsys.readouterr().out
    sys.stdin.close()


def test_a_setting_in_the_environment_wins(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(shell.folder / "elsewhere"))
    shell.does("init")
    assert (shell.folder / "elsewhere" / "vault.json").exists()
    assert not shell.state.exists()


# --- trouble of all kinds


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every command end in this error."""

    def command(_args: argparse.Namespace, _context: Context) -> int:
        raise error

    class Parser(argparse.ArgumentParser):
        def parse_args(self, *_: object) -> argparse.Namespace:  # type: ignore[override]
            return argparse.Namespace(command=command, verbose=False, config=None, no_input=True)

    monkeypatch.setattr(MAIN, "parser", Parser)


def test_ctrl_c_is_exit_130_and_silent(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    done = shell.run()
    assert (done.code, done.out, done.err) == (130, "", "")


def test_a_bug_is_exit_70_with_a_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("oh"))
    done = shell.run()
    assert done.code == 70
    assert "ZeroDivisionError: oh" in done.err
    assert done.err.endswith("appliance: error: this is a bug: please report the lines above\n")


@pytest.mark.parametrize("kind", [ApplianceError, *ApplianceError.__subclasses__()])
def test_every_foreseen_error_is_told_in_two_lines_with_its_exit_code(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: type[ApplianceError]
) -> None:
    raising(monkeypatch, kind("can't do it", "it is raining", "take an umbrella"))
    done = shell.run()
    assert done.code == kind.exit_code
    assert done.err == "appliance: error: can't do it: it is raining\nappliance: hint: take an umbrella\n"


def test_whoever_reads_the_answer_may_stop_reading(desk: Shell) -> None:
    read, write = os.pipe()
    os.close(read)
    done = process(desk, "list", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_answer_that_cannot_be_written_is_an_error_and_no_traceback(desk: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        done = process(desk, "list", "--json", stdout=full)
    assert done.returncode == StorageFailed.exit_code
    assert done.stderr.splitlines()[0] == (
        "appliance: error: can't write the answer: no space left on device"
    )
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_closed_stream_is_no_bug(desk: Shell, closed: str) -> None:
    done = process(desk, "list", before=f"exec {closed}", stdin=None)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_standard_input_has_no_secrets(desk: Shell) -> None:
    done = process(desk, "list", "--passphrase-file", "-", before="exec <&-", stdin=None)
    assert done.returncode == 2
    assert "can't read standard input: it is closed" in done.stderr


def test_a_process_behaves_as_the_function_does(desk: Shell) -> None:
    done = process(desk, "code", "Bank", "--at", "59")
    assert (done.returncode, done.stdout, done.stderr) == (0, "94287082\n", "")
    done = process(desk, "code", "nobody")
    assert (done.returncode, done.stdout) == (6, "")


def test_an_output_file_does_not_outlive_a_failure(shell: Shell) -> None:
    shell.configure(nonsense=1)
    png = shell.folder / "frame.png"
    assert shell.run("frame", "--png", str(png)).code == 78
    assert not png.exists()


def test_verbose_logs_go_to_stderr_and_leave_the_answer_alone(desk: Shell) -> None:
    assert desk.does("-v", "code", "Bank", "--at", "59").out == "94287082\n"


# --- a person at a terminal


class Terminal:
    """A process at a pseudo-terminal."""

    def __init__(self, *command: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child becomes the command
            os.chdir(ROOT)
            os.execvpe(command[0], command, {**ENVIRONMENT, "TERM": "dumb"})
        self.seen = ""

    def until(self, text: str, seconds: float = 20) -> None:
        """Read until a text comes."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.descriptor], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {text!r} within {seconds} s: {self.seen!r}"
            try:
                piece = os.read(self.descriptor, 4096)
            except OSError:
                piece = b""
            assert piece, f"it ended without {text!r}: {self.seen!r}"
            self.seen += piece.decode()

    def types(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ends(self) -> int:
        """Read what is left, and return the exit code."""
        try:
            while piece := os.read(self.descriptor, 4096):
                self.seen += piece.decode()
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)


def at_terminal(shell: Shell, *arguments: str) -> Terminal:
    return Terminal(sys.executable, "-m", "appliance", "--config", str(shell.config), *arguments)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_init_asks_twice_for_a_passphrase_and_never_shows_it(shell: Shell) -> None:
    person = at_terminal(shell, "init")
    person.until("New passphrase (Enter: have one made): ")
    person.types(PASSPHRASE + "\n")
    person.until("The same again: ")
    person.types(PASSPHRASE + "\n")
    assert person.ends() == 0
    assert PASSPHRASE not in person.seen
    assert "recovery key: " in person.seen
    assert "passphrase: " not in person.seen.replace("New passphrase", "")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_two_different_passphrases_make_no_vault(shell: Shell) -> None:
    person = at_terminal(shell, "init")
    person.until("made): ")
    person.types(PASSPHRASE + "\n")
    person.until("The same again: ")
    person.types(PASSPHRASE + "?\n")
    assert person.ends() == 2
    assert "the two differ" in person.seen
    assert not (shell.state / "vault.json").exists()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("key", "code"), [("\x04", 3), ("\x03", 130)], ids=["ctrl-d", "ctrl-c"])
def test_who_goes_away_at_a_prompt_is_let_go(shell: Shell, key: str, code: int) -> None:
    person = at_terminal(shell, "init")
    person.until("made): ")
    person.types(key)
    assert person.ends() == code
    assert "Traceback" not in person.seen


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_add_asks_for_the_secret_and_remove_for_the_name(desk: Shell) -> None:
    person = at_terminal(desk, "add", "--issuer", "Shop", "--name", "eve")
    person.until("Link or secret key: ")
    person.types(SEED + "\n")
    assert person.ends() == 0
    assert SEED not in person.seen
    person = at_terminal(desk, "remove", "Shop")
    person.until("remove Shop:eve? type its name to confirm: ")
    person.types("Shop:eve\n")
    assert person.ends() == 0
    assert len(desk.does("list", "--json").json) == 2


def test_no_input_never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApplianceError) as told:
        terminal.Person(asked=False).secret("passphrase", instead="--passphrase-file FILE")
    assert (told.value.exit_code, told.value.hint) == (3, "--passphrase-file FILE")


# --- who runs it


@pytest.fixture
def nobody() -> Iterator[None]:
    """Make this process somebody who owns nothing, for a while."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def reachable(folder: Path) -> None:
    """Let others pass through the folders that pytest makes for their owner alone."""
    for above in (folder, *folder.parents[:3]):
        if "pytest" in str(above):
            above.chmod(above.stat().st_mode | 0o055)


def test_another_user_is_refused_with_exit_1(desk: Shell) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    reachable(desk.folder)
    for command in (["list"], ["code", "Bank"], ["add", "-"], ["status"], ["run"], ["init"]):
        os.seteuid(65534)
        try:
            done = desk.run(*command, stdin=TOTP)
        finally:
            os.seteuid(0)
        assert done.code == 1
        assert done.out == ""
        assert done.error == f"can't use the vault in {desk.state}: it belongs to another user"
        assert done.hint == "sudo appliance ..."


def test_a_folder_that_cannot_even_be_reached_belongs_to_another_user(desk: Shell, nobody: None) -> None:
    with pytest.raises(NotOwner):
        become_owner(desk.state)


def test_a_state_folder_below_a_file_is_told(shell: Shell) -> None:
    (shell.folder / "file").write_bytes(b"")
    shell.configure(state_dir=str(shell.folder / "file" / "state"))
    done = shell.run("init")
    assert done.code == 1
    assert "not a directory" in done.error


OWNER = 12345


def owned(shell: Shell) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, which becomes the owner of the state folder")
    reachable(shell.folder)
    shell.state.mkdir(mode=0o700)
    os.chown(shell.state, OWNER, OWNER)


SCRIPT = """
import codecs, importlib.readers, sys
import appliance.cli.accounts, appliance.cli.household, appliance.cli.daemon, appliance.cli.foreign
from appliance.cli import main
codecs.lookup("ascii")
sys.exit(main(sys.argv[1:]))
"""
"""Whoever became another user may not be able to import any more, where the interpreter lies in root's home."""


def as_root(shell: Shell, *arguments: str, stdin: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--config", str(shell.config), "--no-input", *arguments],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        cwd=ROOT,
        env={**ENVIRONMENT, **environment},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_root_becomes_the_owner_of_the_state_folder(shell: Shell) -> None:
    owned(shell)
    passphrase = shell.file("passphrase", PASSPHRASE)
    Path(passphrase).chmod(0o400)  # root's own: it is read before root is given up
    as_root(shell, "init", "--passphrase-file", passphrase)
    as_root(shell, "add", "-", stdin=TOTP)
    assert "Bank" in as_root(shell, "list")
    made = {path.name: path.stat() for path in shell.state.iterdir()}
    assert {"vault.json", "vault.json.1", "device-secret", "device.json", "lock"} <= made.keys()
    for name, found in made.items():
        assert (found.st_uid, found.st_gid) == (OWNER, OWNER), name
        assert stat.S_IMODE(found.st_mode) in {0o600, 0o400}, name


def test_root_keeps_nothing_when_it_becomes_the_owner(shell: Shell) -> None:
    owned(shell)
    script = (
        "import os, sys; from pathlib import Path; from appliance.cli.owner import become_owner\n"
        "become_owner(Path(sys.argv[1])); print(os.getresuid(), os.getresgid(), os.getgroups())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(shell.state)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == f"({OWNER}, {OWNER}, {OWNER}) ({OWNER}, {OWNER}, {OWNER}) [{OWNER}]\n"


@contextlib.contextmanager
def daemon_of_root(shell: Shell, uid: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the daemon as root, and wait until it answers as this user."""
    with (shell.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "--config", str(shell.config), "run"],
            stderr=log,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
    try:
        end = time.monotonic() + 20
        while True:
            assert process.poll() is None, (shell.folder / "log").read_text()
            assert time.monotonic() < end
            with contextlib.suppress(NotRunning):
                control.call(shell.folder / "run" / "control.sock", "status", owners={uid})
                break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_a_daemon_that_root_starts_keeps_nothing_of_root(shell: Shell) -> None:
    owned(shell)
    as_root(shell, "init", "--passphrase-file", shell.file("passphrase", PASSPHRASE))
    with daemon_of_root(shell, OWNER) as process:
        facts = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert facts["Uid"].split() == facts["Gid"].split() == [str(OWNER)] * 4
        assert facts["Groups"].split() == [str(OWNER)]
        assert [facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == ["0" * 16] * 4
        for path in (shell.folder / "run", shell.folder / "run" / "control.sock"):
            assert (path.stat().st_uid, path.stat().st_gid) == (OWNER, OWNER)
        assert stat.S_IMODE((shell.folder / "run").stat().st_mode) == 0o750
        assert json.loads(as_root(shell, "status", "--json"))["running"] is True
    assert "runs as root" not in (shell.folder / "log").read_text()


def test_a_daemon_of_roots_own_vault_says_how_to_need_no_root(shell: Shell) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    told = shell.does("init", "--passphrase-file", shell.file("passphrase", PASSPHRASE)).err
    advice = f"sudo install -d -o otp-appliance -g otp-appliance -m 0700 {shell.state}"
    assert told.endswith(f"which nothing needs; {advice}\n")
    with daemon_of_root(shell, 0):
        pass
    log = (shell.folder / "log").read_text()
    assert f'hint="sudo chown -R otp-appliance:otp-appliance {shell.state}"' in log


def test_a_runtime_folder_that_root_can_not_make_is_told(shell: Shell) -> None:
    owned(shell)
    (shell.folder / "file").write_bytes(b"")
    with pytest.raises(ApplianceError) as told:
        make_runtime_folder(shell.folder / ("x" * 300), shell.state)
    assert "runtime_dir" in told.value.hint
    make_runtime_folder(shell.folder / "file" / "run", shell.state)  # is refused by whoever uses it


def test_a_user_keeps_the_groups_that_the_buses_need() -> None:
    member = next(
        ((group.gr_gid, name) for group in grp.getgrall() for name in group.gr_mem if known(name)), None
    )
    if member is None:
        pytest.skip("no user here is in a further group")
    gid, name = member
    user = pwd.getpwnam(name)
    assert gid in owner._groups(user.pw_uid, user.pw_gid)


def known(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name).pw_name == name
    return False


def test_an_output_file_belongs_to_whoever_called_sudo(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    monkeypatch.setenv("SUDO_UID", "23456")
    monkeypatch.setenv("SUDO_GID", "23457")
    file = terminal.Output(str(shell.folder / "out")).open()
    file.write(b"x")
    file.discard()
    found = (shell.folder / "out").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (23456, 23457, 0o600)


def test_an_output_file_is_never_overwritten_nor_written_through_a_link(shell: Shell) -> None:
    existing = shell.folder / "old"
    existing.write_bytes(b"precious")
    (shell.folder / "link").symlink_to(existing)
    (shell.folder / "dangling").symlink_to(shell.folder / "nowhere")
    for name in ("old", "link", "dangling"):
        with pytest.raises(ApplianceError) as told:
            terminal.Output(str(shell.folder / name)).open()
        assert told.value.exit_code == 2
    assert existing.read_bytes() == b"precious"
    assert not (shell.folder / "nowhere").exists()


def exchange(folder: Path) -> Path:
    """Put another folder in the place of a folder, with a file `out` of somebody else; return where the first is."""
    moved = folder.rename(folder.with_name("moved"))
    victim = folder.with_name("victim")
    victim.mkdir()
    (victim / "out").write_bytes(b"precious")
    folder.symlink_to(victim)
    return moved


def test_a_folder_exchanged_meanwhile_loses_nothing_to_a_command_that_fails(shell: Shell) -> None:
    folder = shell.folder / "mine"
    folder.mkdir()
    output = terminal.Output(str(folder / "out")).open()
    moved = exchange(folder)
    output.discard()
    assert (shell.folder / "victim" / "out").read_bytes() == b"precious"
    assert list(moved.iterdir()) == []


def test_a_folder_exchanged_meanwhile_gets_no_further_files(shell: Shell) -> None:
    folder = shell.folder / "mine"
    folder.mkdir()
    output = terminal.Output(str(folder / "out.png")).open()
    moved = exchange(folder)
    output.write_all([b"one", b"two"])
    output.discard()
    assert [one.name for one in (shell.folder / "victim").iterdir()] == ["out"]
    assert {one.name: one.read_bytes() for one in moved.iterdir()} == {"out.png": b"one", "out-2.png": b"two"}


def test_another_file_that_took_the_name_of_a_failed_one_stays(shell: Shell) -> None:
    output = terminal.Output(str(shell.folder / "out")).open()
    (shell.folder / "out").rename(shell.folder / "elsewhere")
    (shell.folder / "out").write_bytes(b"precious")
    output.discard()
    assert (shell.folder / "out").read_bytes() == b"precious"


def test_the_files_beside_it_are_removed_with_one_that_fails(shell: Shell) -> None:
    shell.file("out-3", b"there")
    output = terminal.Output(str(shell.folder / "out")).open()
    with pytest.raises(ApplianceError, match="file exists"):
        output.write_all([b"1", b"2", b"3"])
    output.discard()
    assert {one.name for one in shell.folder.glob("out*")} == {"out-3"}


def test_a_command_line_that_makes_no_sense_leaves_no_file(shell: Shell) -> None:
    png = shell.folder / "frame.png"
    assert shell.run("frame", "--png", str(png), "--bogus").code == 2
    assert not png.exists()


def test_an_input_that_is_too_large_or_a_folder_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "INPUT_LIMIT", 10)
    assert terminal.Input(shell.file("ten", b"x" * 10)).data == b"x" * 10
    for name in (shell.file("eleven", b"x" * 11), str(shell.folder)):
        with pytest.raises(ApplianceError) as told:
            terminal.Input(name)
        assert told.value.exit_code == 2


def test_ctrl_c_at_a_command_that_waits_ends_it(shell: Shell) -> None:
    (shell.folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(str(shell.folder / "run" / "control.sock"))
        daemon.listen()
        command = [sys.executable, "-m", "appliance", "--config", str(shell.config), "press", "ok"]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
        ) as waiting:
            client, _ = daemon.accept()
            with client:
                assert re.search(rb'"method": "press"', client.recv(1000))
                waiting.send_signal(signal.SIGINT)
                assert waiting.wait(20) == 130
            assert waiting.stderr is not None
            assert waiting.stderr.read() == ""
