"""The demo: two appliances and a broker on this machine, real ones, in a temporary folder.

Rules: everything is started by the demo itself and ended by its handle, whatever ends the demo. The appliances are
`appliance run` and are spoken to as anybody would, with commands and over their control sockets; so the demo shows
the product and tests it. Only their panels, keys and clocks are made of software (`run --simulate`). Textual is
imported by `screen`, `panel` and `ledger` alone.
"""

import argparse
import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from appliance.board import BOARDS
from appliance.cli.arguments import command
from appliance.cli.main import Context
from appliance.errors import ApplianceError, UsageError

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WHAT: Final = "can't show the demo"


def register(commands: Any) -> None:
    """Add the command."""
    demo = command(
        commands, "demo", _demo, "show two appliances and a broker in this terminal", "appliance demo"
    )
    demo.add_argument(
        "--once", action="store_true", help="play the story without a keyboard; 0 if all of it came true"
    )
    demo.add_argument(
        "--board", choices=tuple(BOARDS), default="generic", help="the board of the appliance on the desk"
    )
    # For tests: which broker is taken is otherwise decided by what is installed.
    demo.add_argument("--broker", choices=("mosquitto", "amqtt"), help=argparse.SUPPRESS)


def _demo(args: argparse.Namespace, _context: Context) -> int:
    from appliance.cli.demo.stage import Stage
    from appliance.cli.demo.story import play

    if not args.once:
        _check_terminal()
    with _ended_by_signals(), Stage(args.broker, args.board) as set_up:
        if args.once:
            play(set_up)
            return os.EX_OK
        from appliance.cli.demo.screen import show

        return show(set_up)


def _check_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(_WHAT, "this is no terminal", "appliance demo --once")
    if importlib.util.find_spec("textual") is None:
        raise ApplianceError(
            _WHAT,
            "textual is not installed",
            "pip install 'otp-appliance[demo]'; or: appliance demo --once",
        )


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let the first signal unwind the stack, so that all that was started is ended; further ones are ignored."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        for one in _ENDINGS:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before = {number: signal.signal(number, unwind) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
