"""Commands around the daemon: without one, and with one that runs in a thread of this process."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance import app, daemon
from appliance.adapters.control import ControlSocket
from appliance.core.events import Stopping
from appliance.loop import Inbox
from appliance.settings import load
from tests.cli.conftest import SEED, TOTP, Shell

STATUS = {
    "running", "state", "name", "device", "vault", "generation", "accounts", "clock", "display", "broker",
    "backup", "peers",
}  # fmt: skip


@pytest.fixture
def running(desk: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The shell with its daemon, which opens the vault before this returns."""
    yield from served(desk, monkeypatch)


def served(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    inboxes: list[Inbox] = []
    monkeypatch.setattr(daemon, "_stop_on_signals", inboxes.append)  # only the main thread may have handlers
    ended: list[int] = []
    real, ready = ControlSocket.start, threading.Event()

    def start(self: Any, post: Any) -> None:
        real(self, post)
        ready.set()

    monkeypatch.setattr(ControlSocket, "start", start)
    settings = load(shell.config, {})

    def serve() -> None:
        daemon.serve(settings)
        ended.append(0)

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(20)
    while app.ask(settings, "status")["state"] == "starting":
        pass
    yield shell
    inboxes[0].put(Stopping())
    thread.join(20)
    assert ended == [0]


# --- without a daemon


@pytest.mark.parametrize("command", [["press", "ok"], ["press", "next", "--hold"], ["frame"]])
def test_what_needs_the_daemon_is_exit_1_without_it(desk: Shell, command: list[str]) -> None:
    done = desk.run(*command)
    assert done.code == 1
    assert done.error.endswith("it does not run")
    assert done.hint == "systemctl start otp-appliance"


def test_the_status_at_rest_comes_from_the_files(desk: Shell) -> None:
    found = desk.does("status", "--json").json
    assert set(found) >= STATUS
    assert found["running"] is False
    assert found["state"] == "open"
    assert (found["name"], found["accounts"], found["generation"]) == ("desk", 2, 3)
    assert set(found["clock"]) >= {"state", "trusted"}
    assert found["clock"]["state"] in {"synchronised", "held-over", "not-set"}
    assert set(found["display"]) >= {"driver", "ok"}
    assert set(found["backup"]) == {"state", "generation", "verified_at", "error"}
    assert found["broker"] is None
    assert found["peers"] == []


def test_the_status_before_init_is_no_error(shell: Shell) -> None:
    found = shell.does("status", "--json").json
    assert (found["running"], found["state"], found["vault"], found["accounts"]) == (
        False,
        "no-vault",
        None,
        None,
    )
    assert "accounts  none" in shell.does("status").out
    assert not shell.state.exists()


def test_the_status_with_a_broker_names_it(desk: Shell) -> None:
    desk.configure(mqtt={"host": "broker.local"})
    found = desk.does("status", "--json").json
    assert set(found["broker"]) >= {"connected", "host", "error"}
    assert found["broker"]["host"] == "broker.local:8883"
    assert found["broker"]["connected"] is False


def test_the_status_of_a_vault_that_does_not_open_is_its_error(desk: Shell) -> None:
    (desk.state / "device-secret").unlink()
    assert desk.run("status").code == 4


# --- with one


def test_the_status_of_a_daemon_has_the_same_keys(running: Shell) -> None:
    found = running.does("status", "--json").json
    assert set(found) >= STATUS
    assert (found["running"], found["state"], found["accounts"]) == (True, "open", 2)
    assert SEED not in str(found)
    assert "Bank" not in str(found)
    words = running.does("status").out
    assert "daemon    running" in words
    assert "broker    none configured" in words


def test_the_frame_is_printed_in_half_blocks(running: Shell) -> None:
    lines = running.does("frame").out.splitlines()
    assert len(lines) == 32
    assert max(map(len, lines)) <= 128
    assert set("".join(lines)) <= set(" ▀▄█")


def test_the_frame_is_written_as_a_picture_and_never_over_another(running: Shell) -> None:
    target = running.folder / "frame.png"
    assert running.does("frame", "--png", str(target)).out == ""
    with Image.open(io.BytesIO(target.read_bytes())) as picture:
        assert (picture.size, picture.format) == ((128, 64), "PNG")
    before = target.read_bytes()
    done = running.run("frame", "--png", str(target))
    assert done.code == 2
    assert target.read_bytes() == before


def test_no_picture_is_left_without_a_daemon(desk: Shell) -> None:
    target = desk.folder / "frame.png"
    assert desk.run("frame", "--png", str(target)).code == 1
    assert not target.exists()


def test_a_press_moves_the_display_and_prints_nothing(running: Shell) -> None:
    before = running.does("frame").out
    done = running.does("press", "next")
    assert (done.out, done.err) == ("", "")
    assert running.does("frame").out != before


def test_a_change_by_a_command_reaches_the_daemon(running: Shell) -> None:
    running.does("add", "-", stdin=f"otpauth://totp/New:x?secret={SEED}&issuer=New")
    found = running.does("status", "--json").json
    assert (found["accounts"], found["generation"]) == (3, 4)
    running.does("remove", "New", "--confirm", "New:x")
    assert running.does("status", "--json").json["accounts"] == 2
    running.does("code", "Wiki")
    assert running.does("status", "--json").json["generation"] == 6


def test_a_backup_without_a_broker_is_an_error_of_the_daemon_too(running: Shell) -> None:
    done = running.run("backup")
    assert done.code == 5
    assert done.error.startswith("the backup is not verified: ")


def test_a_second_daemon_is_refused(running: Shell) -> None:
    done = running.run("run")
    assert done.code == 1
    assert done.error.endswith("another daemon does")
    assert running.does("status", "--json").json["running"] is True


def test_init_is_noticed_by_a_daemon_that_waits_for_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for waiting in served(shell, monkeypatch):
        assert waiting.does("status", "--json").json["state"] == "no-vault"
        waiting.does("init")
        waiting.does("add", "-", stdin=TOTP)
        found = waiting.does("status", "--json").json
        assert (found["state"], found["accounts"]) == ("open", 1)


def test_a_daemon_that_can_make_no_folder_for_its_socket_is_told(
    desk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_stop_on_signals", lambda _inbox: None)  # they are pytest's
    (tmp_path / "file").write_bytes(b"")
    desk.configure(runtime_dir=str(tmp_path / "file" / "run"))
    done = desk.run("run")
    assert done.code == 1
    assert "runtime_dir" in done.hint
