"""New secrets: a passphrase, a PIN, and how the vault is to open after a start."""

import argparse
import os
from typing import Final

from appliance.adapters.words import eff_long
from appliance.cli import terminal
from appliance.cli.main import Context
from appliance.errors import UsageError
from appliance.keeper import Door
from appliance.vault import keys, pin

_PIN_FLAG: Final = "--pin-file FILE"


def new_passphrase(given: terminal.Input | None, context: Context, instead: str) -> tuple[str, bool]:
    """Return a passphrase, and whether it was made here: from a file, from a person, or six words.

    Raises UsageError if a person's own is too weak, or not typed the same twice.
    """
    if given is not None:
        return keys.checked_passphrase(given.line()), False
    if context.person.asked:
        first = context.person.secret("new passphrase (Enter: have one made)", instead=instead)
        if first:
            return _again(context, keys.checked_passphrase(first), "passphrase", instead), False
    return keys.new_passphrase(eff_long(), os.urandom), True


def new_pin(given: terminal.Input | None, context: Context, instead: str = _PIN_FLAG) -> str:
    """Return a PIN, from a file or from a person. Raises UsageError if it is too short, or nobody can be asked."""
    if given is not None:
        return pin.checked(given.line())
    if not context.person.asked:
        raise UsageError("can't set a PIN", "there is no terminal to ask at", instead)
    chosen = pin.checked(context.person.secret("new PIN, at least 6 digits", instead=instead))
    return _again(context, chosen, "PIN", instead)


def first_door(args: argparse.Namespace, context: Context) -> Door:
    """Return how the settings want a new vault to open after a start; asks for a PIN if it takes one."""
    mode = context.settings.vault.unlock
    given: terminal.Input | None = args.pin_file
    if mode == "pin":
        return Door("pin", new_pin(given, context))
    if given is not None:
        raise UsageError(
            "can't use a PIN", f"vault.unlock is {mode}", "set vault.unlock to pin, or give no PIN"
        )
    return Door(mode)


def pin_flag(
    parser: argparse.ArgumentParser, name: str = "--pin-file", *others: str, about: str = "the PIN"
) -> None:
    """Add a flag for a file with a PIN."""
    parser.add_argument(
        name, *others, type=terminal.Input, metavar="FILE", help=f"{about}; '-' reads standard input"
    )


def new_recovery_key() -> str:
    """Return a recovery key."""
    return keys.new_recovery_key(os.urandom)


def tell_secrets(passphrase: str | None, recovery_key: str) -> None:
    """Show once what has just been made; a passphrase only if it was made here."""
    terminal.tell()
    if passphrase is not None:
        terminal.tell(f"passphrase:    {passphrase}")
    terminal.tell(f"recovery key:  {recovery_key}")
    terminal.tell()
    terminal.tell(
        "Write them down now and keep the paper safe: either opens the vault and every backup, and they"
    )
    terminal.tell("are not shown again.")


def tell_door(door: Door) -> None:
    """Say what it means that the vault opens like this after a start."""
    for line in _meaning(door):
        terminal.tell(line)


def _meaning(door: Door) -> tuple[str, ...]:
    if door.mode == "credential":
        return ("The device starts unattended: anyone who takes its card can read the codes.",)
    if door.mode == "passphrase":
        return ("After each start it waits for the passphrase: appliance unlock",)
    digits = len(door.pin or "")
    return (
        "After each start it waits for the PIN: turned with the buttons, or by: appliance unlock",
        f"Who takes the card can try all PINs of {digits} digits in {pin.worth(digits)} on one core of a PC,",
        f"all of 8 digits in {pin.worth(8)}, of 12 in {pin.worth(12)}.",
    )


def _again(context: Context, chosen: str, what: str, instead: str) -> str:
    if context.person.secret("the same again", instead=instead) != chosen:
        raise UsageError(f"can't use this {what}", "the two differ", "type it again")
    return chosen
