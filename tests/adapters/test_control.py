"""The control socket on a real Unix socket, with a core that is a function."""

import contextlib
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from appliance.adapters import control as control_module
from appliance.adapters.control import CLIENTS, LINE_LIMIT, QUEUE, ControlSocket, call
from appliance.core.events import Asked, Event
from appliance.errors import ApplianceError, NotOwner, NotRunning


class Core:
    """Answers what is asked, at once and in the thread that asks, unless a test holds it."""

    def __init__(self, socket_: ControlSocket) -> None:
        self.asked: SimpleQueue[Asked] = SimpleQueue()
        self.silent = False
        self._socket = socket_

    def post(self, event: Event) -> None:
        assert isinstance(event, Asked)
        self.asked.put(event)
        if self.silent:
            return
        match event.method:
            case "echo":
                self._socket.reply(event.ask, dict(event.params))
            case _:
                self._socket.refuse(event.ask, "unknown method")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


@pytest.fixture
def core(path: Path) -> Iterator[Core]:
    doorway = ControlSocket(path)
    core = Core(doorway)
    doorway.start(core.post)
    try:
        yield core
    finally:
        doorway.stop()


@contextlib.contextmanager
def client(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
        connected.settimeout(10)
        connected.connect(os.fspath(path))
        yield connected


def answers(connected: socket.socket, sent: bytes) -> list[Any]:
    """Send bytes and no more, and return all answers until the socket closes."""
    connected.sendall(sent)
    connected.shutdown(socket.SHUT_WR)
    with connected.makefile("rb") as lines:
        return [json.loads(line) for line in lines]


def request(number: object = 1, method: object = "echo", **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def test_a_question_is_answered(core: Core, path: Path) -> None:
    assert call(path, "echo", {"button": "next", "text": "ümläut"}) == {"button": "next", "text": "ümläut"}
    assert call(path, "echo") == {}


def test_a_refusal_is_an_error_with_the_daemons_words(core: Core, path: Path) -> None:
    with pytest.raises(ApplianceError) as told:
        call(path, "dance")
    assert told.value.why == "unknown method"
    assert told.value.exit_code == 1
    assert not isinstance(told.value, NotRunning)


def test_the_socket_is_for_owner_and_group_and_so_is_its_folder(core: Core, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


def test_the_mask_of_the_process_is_as_before(path: Path) -> None:
    before = os.umask(0o022)
    try:
        doorway = ControlSocket(path)
        doorway.start(Core(doorway).post)
        doorway.stop()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_one_connection_may_ask_again_and_again(core: Core, path: Path) -> None:
    with client(path) as connected:
        found = answers(connected, request(1, a=1) + request("two", a=2) + request(None, a=3))
    assert [(one["id"], one["result"]) for one in found] == [
        (1, {"a": 1}),
        ("two", {"a": 2}),
        (None, {"a": 3}),
    ]
    assert all(one["jsonrpc"] == "2.0" for one in found)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"{\n",
        b"[" * 10_000 + b"\n",
        b'{"a":' * 10_000 + b"\n",
        b"9" * 10_000 + b"\n",
        b"GET / HTTP/1.1\n",
    ],
    ids=["empty", "text", "bytes", "brace", "deep", "deep objects", "number", "http"],
)
def test_what_is_not_json_is_a_parse_error_and_the_next_line_is_answered(
    core: Core, path: Path, line: bytes
) -> None:
    with client(path) as connected:
        found = answers(connected, line + request(7))
    assert [one.get("error", {}).get("code") for one in found] == [-32700, None]
    assert found[1]["id"] == 7


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        [json.loads(request())],
        "status",
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "echo"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": [1]},
        {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": None},
        {"jsonrpc": "2.0", "id": [1], "method": "echo"},
        {"jsonrpc": "2.0", "id": {"a": 1}, "method": "echo"},
        {"jsonrpc": "2.0", "id": True, "method": "echo"},
    ],
    ids=json.dumps,
)
def test_what_is_no_request_is_refused_and_never_reaches_the_core(
    core: Core, path: Path, document: object
) -> None:
    with client(path) as connected:
        found = answers(connected, json.dumps(document).encode() + b"\n" + request(7))
    assert found[0]["error"]["code"] == -32600
    assert found[1]["id"] == 7
    assert core.asked.qsize() == 1


@pytest.mark.parametrize("depth", [100, 900, 940, 980, 985, 990, 995, 1000])
def test_a_deeply_nested_id_does_not_kill_the_thread(core: Core, path: Path, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    line = b'{"jsonrpc":"2.0","method":"echo","id":' + deep + b"}\n"
    with client(path) as connected:
        found = answers(connected, line + request(7))
    assert found[0]["error"]["code"] in {-32600, -32700}
    assert found[1]["id"] == 7


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_a_line_that_is_too_long_is_refused_once_and_the_connection_closed(
    core: Core, path: Path, ending: bytes
) -> None:
    hidden = request(9)
    line = b" " * LINE_LIMIT + hidden.rstrip() + ending
    with client(path) as connected:
        connected.sendall(line)
        with connected.makefile("rb") as lines:
            first = json.loads(lines.readline())
            with contextlib.suppress(ConnectionResetError):
                assert lines.readline() == b""
    assert first["error"]["code"] == -32700
    assert core.asked.empty()
    assert call(path, "echo", {"a": 1}) == {"a": 1}


def test_the_longest_line_that_is_allowed_is_answered(core: Core, path: Path) -> None:
    short = request(a="")
    line = request(a="x" * (LINE_LIMIT - len(short)))
    assert len(line) == LINE_LIMIT
    with client(path) as connected:
        assert answers(connected, line)[0]["id"] == 1


def test_a_line_without_its_end_is_answered_when_the_client_says_no_more(core: Core, path: Path) -> None:
    with client(path) as connected:
        assert answers(connected, request().rstrip())[0]["result"] == {}


def test_a_client_that_goes_before_its_answer_harms_nobody(core: Core, path: Path) -> None:
    core.silent = True
    with client(path) as connected:
        connected.sendall(request(a=1))
        ask = core.asked.get(timeout=10)
    core._socket.reply(ask.ask, {"late": True})
    core._socket.reply(ask.ask, {"late": True})
    core._socket.refuse(99_999, "nobody asked this")
    core.silent = False
    assert call(path, "echo", {"a": 1}) == {"a": 1}


def test_answers_go_to_whoever_asked_even_in_another_order(core: Core, path: Path) -> None:
    core.silent = True
    with client(path) as one, client(path) as two:
        one.sendall(request("one", who=1))
        first = core.asked.get(timeout=10)
        two.sendall(request("two", who=2))
        second = core.asked.get(timeout=10)
        core._socket.reply(second.ask, {"to": 2})
        core._socket.reply(first.ask, {"to": 1})
        for connected, name, to in ((one, "one", 1), (two, "two", 2)):
            with connected.makefile("rb") as lines:
                assert json.loads(lines.readline()) == {"jsonrpc": "2.0", "id": name, "result": {"to": to}}


def test_many_clients_are_served_at_once(core: Core, path: Path) -> None:
    found: SimpleQueue[object] = SimpleQueue()

    def ask(number: int) -> None:
        for again in range(5):
            found.put(call(path, "echo", {"n": [number, again]})["n"] == [number, again])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS - 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found.get_nowait() for _ in range(5 * len(threads))] == [True] * 5 * len(threads)


def test_more_clients_than_there_is_room_for_are_sent_away_and_room_is_made_again(
    core: Core, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "ROOM_SECONDS", 0.05)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(client(path)) for _ in range(CLIENTS)]
        for number, connected in enumerate(held):  # each is being served
            connected.sendall(request(number))
            assert connected.recv(1000)
        with client(path) as extra:
            assert extra.recv(10) == b""
        with pytest.raises(NotRunning):
            call(path, "echo")
        monkeypatch.setattr(control_module, "ROOM_SECONDS", 10.0)
        held[0].shutdown(socket.SHUT_RDWR)
        assert call(path, "echo", {"a": 1}) == {"a": 1}


def test_a_client_that_says_nothing_loses_its_place(
    core: Core, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "IDLE_SECONDS", 0.2)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(client(path)) for _ in range(CLIENTS)]
        assert [connected.recv(10) for connected in held] == [b""] * CLIENTS
        assert call(path, "echo", {"a": 1}) == {"a": 1}


def trickled(connected: socket.socket) -> int:
    """Send a space every fiftieth of a second until the other end has enough of it, and return how many."""
    for sent in range(500):
        try:
            connected.sendall(b" ")
            if connected.recv(1) == b"":
                return sent
        except TimeoutError:
            continue
        except OSError:
            return sent
    return 500


def test_a_question_that_trickles_is_not_waited_for(
    core: Core, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "IDLE_SECONDS", 0.3)
    with client(path) as connected:
        connected.settimeout(0.02)
        assert trickled(connected) < 500


def test_a_client_that_asks_in_time_keeps_its_place(
    core: Core, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "IDLE_SECONDS", 1.0)
    core.silent = True
    with client(path) as connected:
        connected.sendall(request(1))
        ask = core.asked.get(timeout=10)
        monkeypatch.setattr(control_module, "IDLE_SECONDS", 0.01)  # the answer may take longer
        core._socket.reply(ask.ask, {"late": True})
        assert json.loads(connected.recv(1000))["result"] == {"late": True}


def test_others_of_the_group_can_not_take_the_places_of_the_owner(path: Path) -> None:
    uids = {True: os.geteuid(), False: os.geteuid() + 1}
    owner = False
    doorway = ControlSocket(path, lambda _client: uids[owner])
    core = Core(doorway)
    doorway.start(core.post)
    try:
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(client(path)) for _ in range(CLIENTS)]
            for number, connected in enumerate(held):  # each is being served
                connected.sendall(request(number))
                assert connected.recv(1000)
            queued = [stack.enter_context(client(path)) for _ in range(QUEUE)]
            with client(path) as extra:
                assert extra.recv(10) == b""
            owner = True
            assert call(path, "echo", {"a": 1}) == {"a": 1}
            assert [core.asked.get(timeout=10).owner for _ in range(CLIENTS + 1)] == [False] * CLIENTS + [
                True
            ]
            assert len(queued) == QUEUE
    finally:
        doorway.stop()


@pytest.mark.parametrize("mode", [0o770, 0o757, 0o777])
def test_a_folder_that_others_can_write_to_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    with pytest.raises(ApplianceError) as told:
        ControlSocket(path).start(lambda _event: None)
    assert told.value.why == "other users can write to its folder"
    assert not path.exists()


def test_a_core_that_never_answers_is_told_to_the_client(
    core: Core, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "ANSWER_SECONDS", 0.05)
    core.silent = True
    with pytest.raises(ApplianceError) as told:
        call(path, "echo")
    assert told.value.why == "no answer"


def test_stopping_answers_nobody_for_ever_and_removes_the_socket(path: Path) -> None:
    doorway = ControlSocket(path)
    core = Core(doorway)
    core.silent = True
    doorway.start(core.post)
    with client(path) as connected:
        connected.sendall(request())
        core.asked.get(timeout=10)
        doorway.stop()
        with connected.makefile("rb") as lines:
            assert lines.readline() in {
                b"",
                b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "stopping"}}\n',
            }
    assert not path.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("control")]
    doorway.stop()


def test_a_socket_that_never_started_can_be_stopped(path: Path) -> None:
    ControlSocket(path).stop()
    assert not path.exists()


def test_the_socket_that_a_killed_daemon_left_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(os.fspath(path))
    with pytest.raises(NotRunning):
        call(path, "echo")
    doorway = ControlSocket(path)
    doorway.start(Core(doorway).post)
    try:
        assert call(path, "echo", {"a": 1}) == {"a": 1}
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    finally:
        doorway.stop()


def test_a_living_daemon_is_not_pushed_aside(core: Core, path: Path) -> None:
    second = ControlSocket(path)
    with pytest.raises(ApplianceError) as told:
        second.start(core.post)
    assert told.value.why == "another daemon does"
    second.stop()
    assert call(path, "echo", {"a": 1}) == {"a": 1}, "and the first goes on"


@pytest.mark.parametrize("obstacle", ["file", "folder", "long"])
def test_a_place_that_cannot_be_used_is_told(tmp_path: Path, obstacle: str) -> None:
    place = tmp_path / "x" / "control.sock"
    match obstacle:
        case "file":
            (tmp_path / "x").write_bytes(b"")
        case "folder":
            place.mkdir(parents=True)
            (place / "full").write_bytes(b"")
        case _:
            place = tmp_path / ("x" * 120) / "control.sock"
    doorway = ControlSocket(place)
    with pytest.raises(ApplianceError) as told:
        doorway.start(lambda _event: None)
    assert "runtime_dir" in told.value.hint
    doorway.stop()
    with pytest.raises(NotRunning):
        call(place, "echo")


def test_without_a_daemon_the_hint_says_how_to_start_one(path: Path) -> None:
    with pytest.raises(NotRunning) as told:
        call(path, "status")
    assert told.value.hint == "systemctl start otp-appliance"


@pytest.mark.parametrize(
    "answer", [b"", b"\n", b"hello\n", b"[]\n", b'{"jsonrpc":"2.0"}\n', b'{"error":5}\n']
)
def test_something_else_that_answers_there_is_no_daemon(path: Path, answer: bytes) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.fspath(path))
        listener.listen()

        def serve() -> None:
            connected, _ = listener.accept()
            with connected:
                connected.recv(1000)
                connected.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NotRunning):
            call(path, "status")
        thread.join()


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


@pytest.fixture
def closed(path: Path) -> Iterator[Path]:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen()
        yield path


def test_no_permission_is_told_with_what_helps(closed: Path, nobody: None) -> None:
    with pytest.raises(NotRunning) as told:
        call(closed, "status")
    assert told.value.why == "permission denied"
    assert told.value.hint == "sudo appliance ..., or join the group otp-appliance"


def open_to_all(folder: Path) -> None:
    """Let others pass through the folders that pytest makes for their owner alone, and write to this one."""
    folder.mkdir()
    folder.chmod(0o777)
    for above in folder.parents[:4]:
        if "pytest" in str(above):
            above.chmod(above.stat().st_mode | 0o055)


def test_a_folder_of_another_user_is_refused(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a folder of somebody else")
    path.parent.mkdir()
    os.chown(path.parent, 65534, 65534)
    with pytest.raises(ApplianceError) as told:
        ControlSocket(path).start(lambda _event: None)
    assert told.value.why == "its folder belongs to another user"
    assert "runtime_dir" in told.value.hint
    assert not path.exists()


def test_nothing_is_said_to_a_socket_of_another_user(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    open_to_all(path.parent)
    heard: SimpleQueue[bytes] = SimpleQueue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        os.seteuid(65534)
        try:
            listener.bind(os.fspath(path))
            listener.listen()
        finally:
            os.seteuid(0)

        def serve() -> None:
            for _ in range(2):
                connected, _ = listener.accept()
                with connected:
                    heard.put(connected.recv(1000))
                    with contextlib.suppress(OSError):
                        connected.sendall(b'{"jsonrpc":"2.0","id":1,"result":{}}\n')

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NotOwner) as told:
            call(path, "unlock", {"entered": "my passphrase"})
        assert told.value.why == "what answers there belongs to user 65534, not to the owner of the vault"
        assert heard.get(timeout=10) == b""
        assert call(path, "status", owners={65534}) == {}, "unless that is the owner"
        thread.join()


def test_the_kernel_says_who_asks(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    doorway = ControlSocket(path)
    core = Core(doorway)
    doorway.start(core.post)
    try:
        for above in path.parents[:4]:
            if "pytest" in str(above):
                above.chmod(above.stat().st_mode | 0o055)
        path.chmod(0o666)
        assert call(path, "echo", {"a": 1}) == {"a": 1}
        with client(path) as asking:
            os.seteuid(65534)
            try:
                with client(path) as other:
                    other.sendall(request(a=2))
                    assert other.recv(1000)
            finally:
                os.seteuid(0)
            asking.sendall(request(a=3))
            assert asking.recv(1000)
        assert [core.asked.get(timeout=10).owner for _ in range(3)] == [True, False, True]
    finally:
        doorway.stop()
