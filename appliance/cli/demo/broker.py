"""The demo's broker: mosquitto where it is installed, else amqtt, on a free loopback port."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.cli.demo.process import Process, end
from appliance.errors import ApplianceError

HOST: Final = "127.0.0.1"
LISTEN_SECONDS: Final = 15.0
_ADMIN_PATHS: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
"""Where Debian and others put mosquitto, which is not in everybody's PATH."""


@dataclass(frozen=True, slots=True)
class Program:
    """A broker that can be started."""

    name: str
    path: str
    """Of mosquitto; of the Python that runs amqtt."""
    version: int
    """The newest MQTT it speaks: 5, or 4 for 3.1.1."""


def installed(wanted: str | None = None) -> Program:
    """Return the broker to use; `wanted` is a name if only that one will do. Raises ApplianceError."""
    search = os.environ.get("PATH", os.defpath) + os.pathsep + _ADMIN_PATHS
    mosquitto = shutil.which("mosquitto", path=search)
    if mosquitto is not None and wanted in {None, "mosquitto"}:
        return Program("mosquitto", mosquitto, 5)
    if importlib.util.find_spec("amqtt") is not None and wanted in {None, "amqtt"}:
        return Program("amqtt", sys.executable, 4)
    raise ApplianceError(
        "can't start the demo",
        f"there is no MQTT broker: {wanted or 'neither mosquitto nor amqtt'} is installed",
        "sudo apt install mosquitto; or: pip install 'otp-appliance[demo]'",
    )


class Broker:
    """A broker that can be stopped and started again on the same port."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.port = _free_port()
        self._folder = folder
        self._process: Process | None = None
        self._guard = threading.Lock()
        self._ended = False

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def label(self) -> str:
        """What it is and where."""
        return f"{self.program.name} at {HOST}:{self.port}"

    def start(self) -> None:
        """Run it; returns when it accepts connections. Raises ApplianceError with what it said if it does not."""
        self._folder.mkdir(exist_ok=True)
        log = self._folder / "broker.log"
        with self._guard, log.open("ab") as output:
            if self._ended:
                raise ApplianceError("can't go on with the demo", "it is over")
            # amqtt's process ends when this pipe does, even if the demo is killed.
            self._process = subprocess.Popen(  # noqa: S603 - its own program, no shell
                self._arguments(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        until = time.monotonic() + LISTEN_SECONDS
        while time.monotonic() < until and self.running:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1.0):
                return
            time.sleep(0.02)  # that it listens shows in nothing but a connection
        said = log.read_text(errors="replace").strip().splitlines()
        raise ApplianceError(
            f"can't start {self.program.name}",
            said[-1] if said else "it does not listen",
            "start the demo again",
        )

    def stop(self) -> None:
        """End it; mosquitto keeps its retained messages in its folder, amqtt forgets them."""
        process, self._process = self._process, None
        if process is not None:
            end(process)

    def close(self) -> None:
        """End it for good: whoever wants to start it now fails."""
        with self._guard:
            self._ended = True
        self.stop()

    def _arguments(self) -> list[str]:
        if self.program.name == "amqtt":
            return [self.program.path, "-m", "appliance.cli.demo.amqtt_broker", str(self.port)]
        config = self._folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {HOST}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self._folder}/",
        ]
        if os.geteuid() == 0:
            lines.insert(0, "user root")  # else it becomes a user who can't write to the folder
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [self.program.path, "-c", str(config)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
