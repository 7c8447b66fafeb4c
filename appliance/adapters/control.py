"""The control socket: newline-delimited JSON-RPC 2.0 on a Unix socket, and its client.

Its authority is the file mode: 0660 in a 0750 folder that nobody else can write to. Each client has a thread of its own,
which asks one question at a time and waits for the answer; what is asked is decided by the core. The owner of the vault
and root have places of their own, which no other user of the group can take.

The client looks at who answers before it says anything, since it may send a passphrase.
"""

import contextlib
import itertools
import json
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import NoneType
from typing import Any, Final

from appliance.core.events import Asked
from appliance.errors import ApplianceError, NotOwner, NotRunning
from appliance.ports import Post

LINE_LIMIT: Final = 64 * 1024
CLIENTS: Final = 16
"""Of the owner and root at once, and as many of all others."""
ROOM_SECONDS: Final = 1.0
"""For one client more: the threads of those that just left have yet to notice."""
QUEUE: Final = 4
"""Clients that wait for room; further ones are sent away at once."""
IDLE_SECONDS: Final = 30.0
"""For a whole question, and for taking its answer; however slowly it trickles."""
ANSWER_SECONDS: Final = 90.0

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_REFUSED: Final = -32000

_Answer = tuple[Any, str | None]
_CREDENTIALS: Final = struct.Struct("=iII")
"""`struct ucred` of unix(7): pid, uid, gid."""


def peer_uid(connected: socket.socket) -> int:
    """Return the user at the other end of a Unix socket, as the kernel says: when it connected, or began to listen."""
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


class _Room:
    """Places for the clients of one kind."""

    def __init__(self) -> None:
        self.places = threading.Semaphore(CLIENTS)
        self.queue = threading.Semaphore(CLIENTS + QUEUE)


class ControlSocket:
    """The port `Control` on a Unix socket."""

    def __init__(self, path: Path, peer: Callable[[socket.socket], int] = peer_uid) -> None:
        self._path = path
        self._peer = peer
        self._owners = frozenset({0, os.geteuid()})
        self._asks = itertools.count(1)
        self._waiting: dict[int, SimpleQueue[_Answer]] = {}
        self._clients: set[socket.socket] = set()
        self._rooms = {True: _Room(), False: _Room()}
        """For the owner and root, and for all others."""
        self._guard = threading.Lock()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def start(self, post: Post) -> None:
        """Listen; raises ApplianceError if another daemon does, or if the folder can't be used."""
        self._listener = _listen(self._path)
        thread = threading.Thread(
            target=self._accept, args=(self._listener, post), name="control", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Close the socket and all clients, and remove the file."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with self._guard:
            # Nothing more is asked; what was answered is still on its way out.
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RD)
            for waiting in self._waiting.values():
                waiting.put((None, "stopping"))
        # accept() in another thread ends when the socket is shut down, not when it is closed.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2.0)
        listener.close()
        self._path.unlink(missing_ok=True)

    def reply(self, ask: int, result: object) -> None:
        """Answer a question."""
        self._answer(ask, (result, None))

    def refuse(self, ask: int, problem: str) -> None:
        """Answer a question with an error."""
        self._answer(ask, (None, problem))

    def _answer(self, ask: int, answer: _Answer) -> None:
        with self._guard:
            waiting = self._waiting.get(ask)
        if waiting is not None:
            waiting.put(answer)

    def _accept(self, listener: socket.socket, post: Post) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            owner = self._peer(client) in self._owners
            if not self._rooms[owner].queue.acquire(blocking=False):
                client.close()
                continue
            with self._guard:
                self._clients.add(client)
            thread = threading.Thread(
                target=self._serve, args=(client, post, owner), name="control client", daemon=True
            )
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

    def _serve(self, client: socket.socket, post: Post, owner: bool) -> None:  # noqa: FBT001 - of a thread
        room = self._rooms[owner]
        try:
            with client:
                # Waited for here and not where clients are accepted, so that none waits for one of another kind.
                if room.places.acquire(timeout=ROOM_SECONDS):
                    try:
                        self._answer_all(client, post, owner=owner)
                    finally:
                        room.places.release()
        except OSError:
            pass  # the client has gone, or says nothing
        finally:
            with self._guard:
                self._clients.discard(client)
            room.queue.release()

    def _answer_all(self, client: socket.socket, post: Post, *, owner: bool) -> None:
        rest = bytearray()
        while line := _line(client, rest):
            too_long = len(line) > LINE_LIMIT
            answer = (
                _error(None, _PARSE_ERROR, "too long") if too_long else self._ask(line, post, owner=owner)
            )
            client.settimeout(IDLE_SECONDS)
            client.sendall(json.dumps(answer).encode() + b"\n")
            if too_long:
                return  # the rest of the line is no question of its own

    def _ask(self, line: bytes, post: Post, *, owner: bool) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return _error(None, _PARSE_ERROR, "not JSON")
        if not _valid(request):
            return _error(None, _INVALID_REQUEST, "not a JSON-RPC 2.0 request")
        ask, waiting = next(self._asks), SimpleQueue[_Answer]()
        with self._guard:
            self._waiting[ask] = waiting
        try:
            post(Asked(ask, request["method"], request.get("params", {}), owner))
            result, problem = waiting.get(timeout=ANSWER_SECONDS)
        except Empty:
            result, problem = None, "no answer"
        finally:
            with self._guard:
                del self._waiting[ask]
        if problem is not None:
            return _error(request.get("id"), _REFUSED, problem)
        return {"jsonrpc": "2.0", "id": request.get("id"), "result": result}


def _line(client: socket.socket, rest: bytearray) -> bytes:
    """Return the next line, or what is too long to be one; empty: the client says no more.

    `rest` is what came after the last one. Raises TimeoutError if it takes too long, however often a byte comes.
    """
    end = time.monotonic() + IDLE_SECONDS
    while b"\n" not in rest and len(rest) <= LINE_LIMIT:
        client.settimeout(max(0.001, end - time.monotonic()))
        came = client.recv(LINE_LIMIT)
        if not came:
            break
        rest += came
        if time.monotonic() >= end:
            raise TimeoutError
    size = min(rest.find(b"\n") + 1 or len(rest), LINE_LIMIT + 1)
    line = bytes(rest[:size])
    del rest[:size]
    return line


def call(
    path: Path, method: str, params: Mapping[str, Any] | None = None, owners: Collection[int] = ()
) -> Any:
    """Ask a running daemon and return its answer.

    Nothing is said to a program of another user than root, ourselves and `owners`. Raises NotRunning if none answers,
    NotOwner if another user's does, ApplianceError if it refuses.
    """
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(ANSWER_SECONDS + 5.0)
            client.connect(os.fspath(path))
            _refuse_stranger(client, path, {0, os.geteuid(), *owners})
            client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as lines:
                answer = json.loads(lines.readline())
        problem = answer["error"]["message"] if "error" in answer else None
        result = None if problem is not None else answer["result"]
    except PermissionError:
        raise NotRunning(
            f"can't ask the daemon at {path}",
            "permission denied",
            "sudo appliance ..., or join the group otp-appliance",
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise NotRunning(
            f"can't ask the daemon at {path}", "it does not run", "systemctl start otp-appliance"
        ) from None
    if problem is not None:
        raise ApplianceError(f"the daemon refuses '{method}'", str(problem), "appliance status")
    return result


def _refuse_stranger(client: socket.socket, path: Path, trusted: Collection[int]) -> None:
    uid = peer_uid(client)
    if uid not in trusted:
        raise NotOwner(
            f"can't ask the daemon at {path}",
            f"what answers there belongs to user {uid}, not to the owner of the vault",
            "set runtime_dir to a folder that only the owner of the vault can write to",
        )


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _refuse_folder_of_others(path)
        _claim(path)
        # The mode is right from the first moment on: the mask applies at bind.
        before = os.umask(0o117)
        try:
            listener.bind(os.fspath(path))
        finally:
            os.umask(before)
        listener.listen(CLIENTS)
    except OSError as error:
        listener.close()
        why = (error.strerror or str(error)).lower()
        raise ApplianceError(
            f"can't listen at {path}", why, "set runtime_dir to a folder of your own"
        ) from None
    except ApplianceError:
        listener.close()
        raise
    return listener


def _refuse_folder_of_others(path: Path) -> None:
    """Raise ApplianceError where another user could put a socket of his own in our place."""
    folder = path.parent.stat()
    if folder.st_uid != os.geteuid():
        why = "its folder belongs to another user"
    elif folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = "other users can write to its folder"
    else:
        return
    raise ApplianceError(f"can't listen at {path}", why, "set runtime_dir to a folder of your own")


def _claim(path: Path) -> None:
    """Remove what a killed daemon left, unless a living one answers there."""
    if path.is_socket() and _answers(path):
        raise ApplianceError(f"can't listen at {path}", "another daemon does", "appliance status")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def _valid(request: object) -> bool:
    return (
        isinstance(request, dict)
        and request.get("jsonrpc") == "2.0"
        and isinstance(request.get("method"), str)
        and isinstance(request.get("params", {}), dict)
        # As the standard has it; anything else might be nested too deeply to be repeated in the answer.
        and type(request.get("id")) in (str, int, float, NoneType)
    )


def _error(number: object, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
