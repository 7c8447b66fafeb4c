"""Real appliances as a household has them: commands and daemons as processes, each with its own folder and settings."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from appliance.adapters import control
from appliance.errors import NotRunning

START_SECONDS: Final = 20.0
_ENVIRONMENT: Final = {
    key: value for key, value in os.environ.items() if not key.startswith(("APPLIANCE_", "COV_", "COVERAGE_"))
}


class Appliance:
    """One simulated Pi: no panel, no buttons, the machine's clock, and a broker on loopback if there is one."""

    def __init__(self, folder: Path, name: str, port: int | None, **mqtt: object) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.config = self.folder / "config.yaml"
        self.log = self.folder / "log"
        broker = {"host": "127.0.0.1", "port": port, "tls": {"enabled": False}, **mqtt} if port else {}
        settings = {
            "name": name,
            "state_dir": str(self.state),
            "runtime_dir": str(self.folder / "run"),
            "display": {"driver": "none"},
            "buttons": {"backend": "none"},
            "clock": {"require_trusted": False},
            "mqtt": broker,
        }
        self.config.write_text(json.dumps(settings))
        self.daemon: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "appliance", "--config", str(self.config), "--no-input", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env=_ENVIRONMENT,
        )

    def does(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed, and return what it answers."""
        done = self.command(*arguments, stdin=stdin)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with --json that must succeed, and return its answer."""
        return json.loads(self.does(*arguments, "--json", stdin=stdin))

    def secret_file(self, name: str, text: str) -> str:
        """Write a secret for a command, and return the file's name."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def set(self, **settings: object) -> None:
        """Change what the configuration says; a daemon that runs does not see it."""
        self.config.write_text(json.dumps(json.loads(self.config.read_text()) | settings))

    def start(self, *options: str) -> None:
        """Start the daemon, and wait until it answers."""
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "appliance", "--config", str(self.config), "-v", "run", *options],
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=_ENVIRONMENT,
            )
        self.until(lambda: self.ask("status")["state"] != "starting", START_SECONDS)

    def stop(self, *, kill: bool = False) -> int:
        """End the daemon, and return its exit code."""
        if self.daemon is None:
            return 0
        self.daemon.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        code = self.daemon.wait(20)
        self.daemon = None
        return code

    def ask(self, method: str, **params: Any) -> Any:
        """Ask the daemon."""
        return control.call(self.folder / "run" / "control.sock", method, params)

    def backup(self) -> Any:
        """Return the backup's part of the status."""
        return self.ask("status")["backup"]

    def until(self, true: Callable[[], bool], seconds: float) -> None:
        """Poll the daemon, which posts no events to us, until something is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(NotRunning):
                if true():
                    return
            time.sleep(0.05)
        log = self.log.read_text() if self.log.exists() else ""
        raise AssertionError(f"not within {seconds} s; {log[-3000:]}")

    def until_verified(self, generation: int, seconds: float = 30.0) -> None:
        """Wait for a verified backup of at least a generation."""
        self.until(
            lambda: self.backup()["state"] == "verified" and self.backup()["generation"] >= generation,
            seconds,
        )


@contextlib.contextmanager
def household(folder: Path, port: int | None, *names: str) -> Iterator[tuple[Appliance, ...]]:
    """Make appliances, and end what was started of them."""
    appliances = tuple(Appliance(folder, name, port) for name in names)
    try:
        yield appliances
    finally:
        for appliance in appliances:
            appliance.stop(kill=True)
