"""One appliance of the demo: a folder, a configuration, a running `appliance run`, and commands for it."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from PIL.Image import Image

from appliance.adapters import control
from appliance.board import Board
from appliance.cli.demo.broker import HOST
from appliance.cli.demo.fingers import PAUSE_SECONDS, TAP_SECONDS
from appliance.cli.demo.process import Process, end
from appliance.cli.drawing import picture
from appliance.cli.terminal import Json
from appliance.core.gestures import Key
from appliance.errors import ApplianceError

T = TypeVar("T")

COMMAND_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    code: int
    text: str
    complaint: str
    """Its standard error."""


class Device:
    """An appliance on simulated hardware; everything that it does is done by processes of its own."""

    def __init__(self, folder: Path, name: str, port: int, board: Board) -> None:
        self.name = name
        self.board = board
        self.plugged = True
        """Its display is."""
        self.clock_right = True
        """Its clock is."""
        self._log = folder / "log"
        self._folder = folder
        self._port = port
        self._guard = threading.Lock()
        self._commands: set[Process] = set()
        self._daemon: Process | None = None
        self._ended = False

    def start(self) -> None:
        """Run the daemon; its vault is not open yet when this returns."""
        self._folder.mkdir(exist_ok=True)
        settings = {
            "name": self.name,
            "state_dir": str(self._folder / "state"),
            "runtime_dir": str(self._folder / "run"),
            # All the rest is as in the product, so that the display dims and goes dark as there.
            "display": {"board": self.board.name},
            "mqtt": {"host": HOST, "port": self._port, "tls": {"enabled": False}},
        }
        self._config.write_text(json.dumps(settings), encoding="utf-8")
        _undisturbed(self._begin_daemon)

    def _begin_daemon(self) -> None:
        with self._guard, self._log.open("ab") as log:
            if self._ended:
                raise _over()
            self.plugged = self.clock_right = True
            self._daemon = subprocess.Popen(  # noqa: S603 - this very program, no shell
                [*self._appliance, "run", "--simulate"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
            )

    def renew(self) -> None:
        """End the daemon, forget everything that was kept, and start again."""
        if self._daemon is not None:
            end(self._daemon)
        shutil.rmtree(self._folder / "state")
        self.start()

    def check(self) -> None:
        """Raise ApplianceError with the last line of its log if the daemon has ended by itself."""
        if self._daemon is not None and self._daemon.poll() is not None:
            raise ApplianceError(
                f"the appliance {self.name} has ended", (self.log_lines or ["it said nothing"])[-1]
            )

    @property
    def log_lines(self) -> list[str]:
        """What the daemon logged."""
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    def stop(self) -> None:
        """End the daemon and whatever command is under way; no further one is begun."""
        with self._guard:
            self._ended = True
            processes = [*self._commands, *([self._daemon] if self._daemon is not None else [])]
        for process in processes:
            end(process)

    def ask(self, method: str, **params: Any) -> Any:
        """Ask the daemon. Raises NotRunning, or ApplianceError if it refuses."""
        return control.call(self._folder / "run" / "control.sock", method, params)

    def status(self) -> Json:
        """Return what the daemon says of itself. Raises NotRunning."""
        found: Json = self.ask("status")
        return found

    def frame(self) -> Image:
        """Return what the display shows. Raises NotRunning."""
        return picture(self.ask("frame"))

    def press(self, button: str) -> None:
        """Press a button from afar; what it changes shows in the next frame. Raises NotRunning."""
        self.ask("press", button=button, hold=False)

    def touch(self, key: Key, *, down: bool) -> None:
        """Move a key of the board. Raises NotRunning."""
        self.ask("simulate", key=key, down=down)

    def tap(self, key: Key) -> None:
        """Press a key of the board and let it go; blocks for as long as a finger takes. Raises NotRunning."""
        self.touch(key, down=True)
        time.sleep(TAP_SECONDS)
        self.touch(key, down=False)
        time.sleep(PAUSE_SECONDS)

    def plug(self, *, plugged: bool) -> None:
        """Plug the display in, or pull it out. Raises NotRunning."""
        self.ask("simulate", panel="plugged" if plugged else "unplugged")
        self.plugged = plugged

    def set_clock(self, *, right: bool) -> None:
        """Break the clock, or mend it. Raises NotRunning."""
        self.ask("simulate", clock="right" if right else "broken")
        self.clock_right = right

    def _begin_command(self, arguments: tuple[str, ...]) -> Process:
        with self._guard:
            if self._ended:
                raise _over()
            process = subprocess.Popen(  # noqa: S603 - this very program, no shell
                [*self._appliance, "--no-input", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                encoding="utf-8",
            )
            self._commands.add(process)
        return process

    def try_command(self, *arguments: str, given: str = "") -> Answer:
        """Run a command to its end with `given` as standard input, and return what it said; it may have failed.

        Raises ApplianceError if the demo is over.
        """
        process = _undisturbed(lambda: self._begin_command(arguments))
        try:
            text, complaint = process.communicate(given, COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            raise ApplianceError(
                f"can't do 'appliance {arguments[0]}' on {self.name}", "it takes too long"
            ) from None
        finally:
            end(process)
            with self._guard:
                self._commands.discard(process)
        return Answer(process.returncode, text, complaint)

    def command(self, *arguments: str, given: str = "") -> str:
        """Run a command and return what it answers. Raises ApplianceError with its own reason if it fails."""
        answer = self.try_command(*arguments, given=given)
        if answer.code != os.EX_OK:
            raise ApplianceError(
                f"can't do 'appliance {arguments[0]}' on {self.name}", reason(answer.complaint)
            )
        return answer.text

    @property
    def _config(self) -> Path:
        return self._folder / "config.json"

    @property
    def _appliance(self) -> list[str]:
        return [sys.executable, "-m", "appliance", "--config", str(self._config)]


def _over() -> ApplianceError:
    return ApplianceError("can't go on with the demo", "it is over")


def reason(complaint: str) -> str:
    """Return why a command failed, out of its standard error."""
    lines = complaint.strip().splitlines()
    errors = [line for line in lines if line.startswith("appliance: error: ")]
    return errors[-1].removeprefix("appliance: error: ") if errors else lines[-1] if lines else "no reason"


def _environment() -> dict[str, str]:
    """Return the environment without settings of a true appliance on this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    kept.pop("JOURNAL_STREAM", None)
    return kept | {"PYTHONUTF8": "1"}


def _undisturbed(begin: Callable[[], T]) -> T:
    """Begin a process in a thread of its own, where no signal can cut in between its start and our noting it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(begin).result()
