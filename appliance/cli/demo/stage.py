"""The stage: a temporary folder, a broker, an onlooker, and two appliances, the second of them empty."""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from appliance.board import BOARDS
from appliance.cli.demo import accounts
from appliance.cli.demo.broker import Broker, installed
from appliance.cli.demo.device import Device
from appliance.cli.demo.journal import Journal
from appliance.cli.demo.traffic import Traffic
from appliance.cli.terminal import Json
from appliance.errors import ApplianceError, NotRunning

DESK: Final = "desk"
SHELF: Final = "shelf"
BROKER: Final = "broker"
SHELF_BOARD: Final = "waveshare-1.3-oled-hat"
WAIT_SECONDS: Final = 40.0
"""For what takes a second or two on any machine that can run this at all."""
_LOOK_SECONDS: Final = 0.05

Thing = TypeVar("Thing")


class Stage:
    """Use it in a `with` block: at its end all processes have ended and the folder is gone.

    Making one starts nothing; raises ApplianceError if there is no broker to start. `board` is the desk's.
    """

    def __init__(self, broker: str | None, board: str) -> None:
        self._program = installed(broker)
        self._board = BOARDS[board]
        self.journal = Journal()

    def __enter__(self) -> "Stage":
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otp-demo-")))
            self._passphrase_file = folder / "passphrase"
            self.broker = Broker(self._program, folder / "broker")
            self.traffic = Traffic(self.broker.port, self._program.version, self.journal)
            self.desk = Device(folder / DESK, DESK, self.broker.port, self._board)
            self.shelf = Device(folder / SHELF, SHELF, self.broker.port, BOARDS[SHELF_BOARD])
            for close in (self.broker.close, self.traffic.stop, self.shelf.stop, self.desk.stop):
                stack.callback(close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def devices(self) -> tuple[Device, Device]:
        """Both appliances."""
        return self.desk, self.shelf

    def open(self) -> None:
        """Start the broker and both appliances; returns when both answer."""
        self.broker.start()
        self.traffic.start()
        self.journal.note("started", BROKER)
        for device in self.devices:
            device.start()
        for device in self.devices:
            await_claim(partial(_answering, device), f"{device.name} answers")

    def furnish(self) -> None:
        """Make a vault on the desk and add the sample accounts. Raises ApplianceError."""
        made: Json = json.loads(self.desk.command("init", "--json"))
        # A file that only its owner reads: a passphrase never stands on a command line.
        with os.fdopen(
            os.open(self._passphrase_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(made["passphrase"])
        self.journal.note("made a vault, with a passphrase of its own", DESK)
        samples = zip(accounts.SAMPLES, accounts.uris(os.urandom), strict=True)
        for (_, issuer, name, _), uri in samples:
            self.desk.command("add", "-", "--json", given=uri)
            self.journal.note(f"added {issuer}:{name}", DESK)

    def restore(self) -> None:
        """Restore the shelf from the broker with the desk's passphrase. Raises ApplianceError."""
        if self.shelf.status()["state"] != "no-vault":
            raise ApplianceError("can't restore", "it has a vault; n gives it an empty card")
        self.journal.note("restores from the broker ...", SHELF)
        answer = self.shelf.command("restore", "--passphrase-file", str(self._passphrase_file), "--json")
        found: Json = json.loads(answer)
        self.journal.note(f"restored {found['accounts']} accounts from the broker", SHELF)

    def renew(self) -> None:
        """Put an empty card into the shelf: its vault is gone, and its daemon starts anew."""
        self.shelf.renew()
        self.journal.note("has an empty card", SHELF)

    def switch_broker(self) -> None:
        """Stop the broker, or start it again. Raises ApplianceError."""
        if self.broker.running:
            self.broker.stop()
            self.journal.note("stopped", BROKER)
        else:
            self.broker.start()
            kept = "kept" if self.broker.program.name == "mosquitto" else "lost"
            self.journal.note(f"started again; it {kept} its retained messages", BROKER)

    def switch_panel(self) -> None:
        """Pull the desk's display out, or plug it in again. Raises NotRunning."""
        plugged = not self.desk.plugged
        self.desk.plug(plugged=plugged)
        self.journal.note(f"its display is {'plugged in' if plugged else 'unplugged'}", DESK)

    def switch_clock(self) -> None:
        """Break the desk's clock, or mend it. Raises NotRunning."""
        right = not self.desk.clock_right
        self.desk.set_clock(right=right)
        self.journal.note(f"its clock {'is right again' if right else 'jumps by three days'}", DESK)


def await_claim(claim: Callable[[], Thing | None], words: str, seconds: float = WAIT_SECONDS) -> Thing:
    """Return what `claim` returns as soon as it is something true.

    Raises ApplianceError that it did not come true within `seconds`.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := claim():
            return found
        time.sleep(_LOOK_SECONDS)
    raise ApplianceError(
        "can't go on with the demo",
        f"within {seconds:.0f} seconds it did not come true that {words}",
        "start it again; a busy machine may be too slow",
    )


def _answering(device: Device) -> bool:
    try:
        return bool(device.status())
    except NotRunning:
        device.check()
        return False
