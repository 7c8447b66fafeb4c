"""From the arguments to an exit code."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from appliance import __version__, logs
from appliance.adapters import secrecy
from appliance.cli import terminal
from appliance.errors import ApplianceError, UsageError
from appliance.settings import Settings, load

BUG: int = 70
INTERRUPTED: int = 130


@dataclass(frozen=True, slots=True)
class Context:
    """What every command gets beside its arguments."""

    settings: Settings
    person: terminal.Person


Command = Callable[[argparse.Namespace, Context], int]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors look like all others."""

    def __init__(self, **options: Any) -> None:
        # Else `--secret X` would be short for `--secret-file X`, and name a secret as a missing file.
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of printing the whole usage."""
        _, unknown, words = message.partition("unrecognized arguments: ")
        if unknown:
            # What follows an option that does not exist may be a secret.
            options = [word.partition("=")[0] for word in words.split() if word.startswith("--")]
            message = f"there is no {', '.join(options)}" if options else "there are too many arguments"
        elif "://" in message:
            message = "a link stands where none is taken"  # it may hold a secret
        raise UsageError("can't understand the command line", message, f"{self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name, and return its exit code."""
    try:
        return _run(arguments)
    except ApplianceError as error:
        terminal.tell_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 1  # whoever read the answer has enough
    except Exception:  # noqa: BLE001 - the last frame: whatever arrives here is a bug
        traceback.print_exc()
        terminal.note("appliance: error: this is a bug: please report the lines above")
        return BUG


def _run(arguments: Sequence[str] | None) -> int:
    secrecy.no_dump()  # before a file with a secret is read
    args = parser().parse_args(arguments)
    command: Command = args.command
    logs.configure(args.verbose, os.environ)
    # Python has no stdin where it was closed, as some schedulers do.
    person = terminal.Person(asked=not args.no_input and sys.stdin is not None and sys.stdin.isatty())
    outputs = [value for value in vars(args).values() if isinstance(value, terminal.Output)]
    if getattr(args, "json", False) and any(output.standard for output in outputs):
        raise UsageError(
            "can't answer with JSON", "standard output takes the file", "name a file, or leave out --json"
        )
    try:
        for output in outputs:
            output.open()
        return command(args, Context(load(args.config, os.environ), person))
    finally:
        for value in vars(args).values():
            if isinstance(value, terminal.Output):
                value.discard()


def parser() -> Parser:
    """Return the whole command line."""
    from appliance.cli import (
        accounts,
        adding,
        daemon,
        demo,
        editing,
        exporting,
        foreign,
        household,
        importing,
        locking,
        paper,
        rekeying,
    )

    top = Parser(
        prog="appliance",
        description="Example:\n  sudo appliance add\n  appliance status",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Every command explains itself: appliance COMMAND --help",
    )
    top.add_argument("--version", action="version", version=f"otp-appliance {__version__}")
    top.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="default: $APPLIANCE_CONFIG, then /etc/otp-appliance/config.yaml",
    )
    top.add_argument("--no-input", action="store_true", help="never ask; fail where an answer is needed")
    top.add_argument("-v", "--verbose", action="store_true", help="log every step to stderr")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for family in (
        household,
        accounts,
        adding,
        editing,
        foreign,
        importing,
        exporting,
        locking,
        rekeying,
        paper,
        daemon,
        demo,
    ):
        family.register(commands)
    return top
