"""Arguments that several commands share, and how a command gets at the vault."""

import argparse
import contextlib

from appliance import app
from appliance.cli import terminal
from appliance.cli.main import Command, Context
from appliance.cli.owner import become_owner
from appliance.core.events import Mode
from appliance.errors import ApplianceError, NothingFound, NotRunning, UsageError
from appliance.keeper import Keeper, Kept


def command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    does: Command,
    about: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command; its help starts with an example."""
    parser = commands.add_parser(
        name,
        help=about,
        description=f"Example:\n  {example}",
        epilog=f"{about[0].upper()}{about[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Behind the command too, where scripts append it; silent there, so that it does not undo the one in front.
    parser.add_argument("--no-input", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(command=does)
    return parser


def json_flag(parser: argparse.ArgumentParser, *, inherited: bool = False) -> None:
    """Add `--json`; inherited: to an action, whose silence leaves what its command was given."""
    default = argparse.SUPPRESS if inherited else False
    parser.add_argument("--json", action="store_true", default=default, help="answer with JSON")


def passphrase_flag(
    parser: argparse.ArgumentParser,
    about: str = "passphrase or recovery key; '-' reads standard input",
    *,
    inherited: bool = False,
) -> None:
    """Add `--passphrase-file`; inherited: as for `json_flag`."""
    default = argparse.SUPPRESS if inherited else None
    parser.add_argument("--passphrase-file", type=terminal.Input, metavar="FILE", default=default, help=about)


def force_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--force`, for what `Output.keep_off_terminal` refuses."""
    parser.add_argument("--force", action="store_true", help="let '-o -' show secrets in a terminal")


def keeper(args: argparse.Namespace, context: Context) -> Keeper:
    """Become the owner of the state folder, and return the keeper of its vault.

    Where the vault does not open by itself, what opens it is taken from a file or asked for. Raises WrongPassphrase.
    """
    own(args, context)
    given: terminal.Input | None = args.passphrase_file
    pin: terminal.Input | None = getattr(args, "pin_file", None)
    found = app.new_keeper(context.settings, given.line() if given else None)
    if given is None and pin is not None:
        if found.mode() != "pin":
            raise UsageError("can't use a PIN", "this vault has none", "appliance pin set")
        found.enter_pin(pin.line())
    elif given is None and (mode := _mode(found)) != "credential":
        words = "PIN, passphrase or recovery key" if mode == "pin" else "passphrase or recovery key"
        found.unlock(context.person.secret(words, instead="--passphrase-file FILE"))
    return found


def proven_keeper(args: argparse.Namespace, context: Context) -> Keeper:
    """Become the owner, and return a keeper whom somebody has proven that they know passphrase or recovery key.

    Also where the vault opens by itself, for what takes its secrets out of it. Raises WrongPassphrase.
    """
    own(args, context)
    given: terminal.Input | None = args.passphrase_file
    entered = (
        given.line()
        if given
        else context.person.secret("passphrase or recovery key", instead="--passphrase-file FILE")
    )
    found = app.new_keeper(context.settings, entered)
    found.recognised(entered)
    return found


def own(args: argparse.Namespace, context: Context) -> None:
    """Become the owner of the state folder; for now only, if the command still has files to make."""
    values = vars(args).values()
    returning = any(isinstance(value, terminal.Output) and not value.standard for value in values)
    become_owner(context.settings.state_dir, returning=returning)


def _mode(found: Keeper) -> Mode:
    try:
        return found.mode()
    except NothingFound:
        return "credential"  # nothing is asked for a vault that is not there; the command meets that itself


def told(kept: Kept) -> Kept:
    """Return what was opened, after a warning if the newest file was damaged."""
    if kept.warning is not None:
        terminal.warn(f"{kept.warning.what}: {kept.warning.why}; {kept.warning.hint}")
    return kept


def poke(context: Context) -> None:
    """Let a running daemon take over what was changed; it is no trouble if none runs."""
    with contextlib.suppress(NotRunning):
        try:
            app.ask(context.settings, "reload")
        except NotRunning:
            raise
        except ApplianceError as error:
            terminal.warn(f"{error.what}: {error.why}")


def daemon_publishes(context: Context) -> bool:
    """Return whether a daemon has the vault open and so sees to the backup; a locked one does not."""
    try:
        return bool(app.ask(context.settings, "status")["state"] == "open")
    except NotRunning:
        return False
