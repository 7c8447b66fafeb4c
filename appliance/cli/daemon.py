"""Commands around the daemon: run, status, press, frame."""

import argparse
import io
import logging
import os
from datetime import UTC, datetime
from typing import Any, Final

from appliance import app, daemon, hardware, logs
from appliance.adapters import secrecy
from appliance.cli import terminal
from appliance.cli.arguments import command, json_flag, passphrase_flag, told
from appliance.cli.drawing import half_blocks, picture
from appliance.cli.main import Context
from appliance.cli.owner import become_owner, make_runtime_folder, root_advice
from appliance.core.duration import duration
from appliance.core.question import PRESSED
from appliance.core.status import clock_status
from appliance.core.upkeep import secrets_status
from appliance.errors import NotRunning, VaultLocked
from appliance.vault.model import Vault

_AT_REST: Final = "the daemon does not run"
_log = logging.getLogger("appliance")


def register(commands: Any) -> None:
    """Add the commands of this family."""
    run = command(commands, "run", _run, "run the daemon", "appliance run")
    run.add_argument(
        "--simulate",
        action="store_true",
        help="with a panel, buttons and a clock made of software (the demo's)",
    )
    command(commands, "blank", _blank, "turn a panel dark that no daemon uses", "appliance blank")

    status = command(commands, "status", _status, "say how the appliance is", "appliance status --json")
    passphrase_flag(status)
    json_flag(status)

    press = command(commands, "press", _press, "press a button from afar", "appliance press next")
    press.add_argument("button", choices=tuple(PRESSED))
    press.add_argument("--hold", action="store_true", help="keep it pressed")

    frame = command(commands, "frame", _frame, "show the display's present picture", "appliance frame")
    frame.add_argument(
        "--png", type=terminal.Output, metavar="FILE", help="write it there in place of printing it"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    _give_up_root(context)
    daemon.serve(context.settings, simulated=args.simulate)
    return os.EX_OK


def _give_up_root(context: Context) -> None:
    """Become the owner of the state folder for good, with the groups of that user, before anything else is done.

    A folder that is root's own is warned of and served: who upgrades is to see codes, and chown is one command.
    """
    state_dir, runtime_dir = context.settings.state_dir, context.settings.runtime_dir
    if os.geteuid() == 0:
        secrecy.lift_limit()
        make_runtime_folder(runtime_dir, state_dir)
    become_owner(state_dir)
    if (advice := root_advice(state_dir)) is not None:
        _log.warning(logs.line("runs as root", why="nothing here needs it", hint=advice))


def _blank(_args: argparse.Namespace, context: Context) -> int:
    app.blank(context.settings)
    return os.EX_OK


def _press(args: argparse.Namespace, context: Context) -> int:
    app.ask(context.settings, "press", button=args.button, hold=args.hold)
    return os.EX_OK


def _frame(args: argparse.Namespace, context: Context) -> int:
    frame = picture(app.ask(context.settings, "frame"))
    if args.png is not None:
        file = io.BytesIO()
        frame.save(file, "PNG")
        args.png.write(file.getvalue())
    else:
        for line in half_blocks(frame):
            terminal.tell(line)
    return os.EX_OK


def _status(args: argparse.Namespace, context: Context) -> int:
    try:
        found: terminal.Json = app.ask(context.settings, "status")
    except NotRunning as error:
        if os.access(app.socket_path(context.settings), os.F_OK) and error.why == "permission denied":
            raise
        found = _at_rest(args, context)
    if args.json:
        terminal.tell_json(found)
        return os.EX_OK
    for line in terminal.table(_rows(found)):
        terminal.tell(line)
    return os.EX_OK


def _vault_at_rest(args: argparse.Namespace, context: Context) -> tuple[Vault | None, str | None]:
    """Return the vault, and what is missing to open it: nobody is asked for a secret only to see the status."""
    become_owner(context.settings.state_dir)
    given: terminal.Input | None = args.passphrase_file
    vault_keeper = app.new_keeper(context.settings, given.line() if given else None)
    if not vault_keeper.exists():
        return None, None
    try:
        return told(vault_keeper.open()).vault, None
    except VaultLocked as error:
        return None, error.why


def _at_rest(args: argparse.Namespace, context: Context) -> terminal.Json:
    """Return the status of an appliance whose daemon does not run, from the files."""
    vault, missing = _vault_at_rest(args, context)
    now = app.new_clock(context.settings).now()
    mqtt = context.settings.mqtt
    device = app.state_folder(context.settings).device()
    return {
        "running": False,
        "state": "locked" if missing else "no-vault" if vault is None else "open",
        "error": missing,
        "name": vault.name if vault else device.name if device else None,
        "device": device.id if device else None,
        "vault": vault.id if vault else None,
        "generation": vault.generation if vault else None,
        "accounts": len(vault.records) if vault else None,
        "clock": clock_status(now),
        "display": {
            "driver": hardware.driver(context.settings),
            "ok": False,
            "error": _AT_REST,
            "light": "dark",
        },
        "buttons": {
            "backend": context.settings.buttons.backend,
            "ok": False,
            "error": _AT_REST,
            "stuck": [],
        },
        "broker": None
        if mqtt.host is None
        else {
            "connected": False,
            "host": f"{mqtt.host}:{mqtt.port}",
            "error": _AT_REST,
            "protocol": None,
        },
        "backup": {
            "state": "never" if mqtt.host is None else "offline",
            "generation": None,
            "verified_at": None,
            "error": None,
        },
        "card": {"ok": True, "checked_at": None, "error": None},
        "secrets": secrets_status(app.new_keeper(context.settings).tried_at(), now),
        "peers": [],
    }


def _rows(found: terminal.Json) -> list[tuple[str, ...]]:
    backup, broker, clock = found["backup"], found["broker"], found["clock"]
    rows: list[tuple[str, ...]] = [
        ("daemon", "running" if found["running"] else "not running: systemctl start otp-appliance"),
        ("vault", found["state"] + (f" ({found['error']})" if found["error"] else "")),
        ("device", f"{found['name']} ({found['device']})"),
        ("accounts", _accounts_words(found)),
        ("clock", _clock_words(clock)),
        ("display", _hardware_words(found["display"], "driver")),
        ("buttons", _hardware_words(found["buttons"], "backend")),
    ]
    if broker is None:
        rows.append(("broker", "none configured: set mqtt.host"))
    else:
        state = (
            f"connected, MQTT {broker['protocol']}"
            if broker["connected"]
            else f"not connected: {broker['error']}"
        )
        rows.append(("broker", f"{broker['host']} {state}"))
    rows.append(("backup", _backup_words(backup)))
    if broker is not None and found["vault"]:
        rows.append(("restore", f"appliance restore --vault {found['vault']} --device {found['device']}"))
    if not found["card"]["ok"]:
        rows.append(("card", f"failing: {found['card']['error']}"))
    if found["secrets"]["due"]:
        rows.append(("secrets", "not tried for half a year: appliance passphrase --check"))
    return rows


def _accounts_words(found: terminal.Json) -> str:
    if found["state"] == "locked":
        return "not known while it is locked"
    return f"{found['accounts']}, generation {found['generation']}" if found["vault"] else "none"


def _clock_words(clock: terminal.Json) -> str:
    words = str(clock["state"])
    if words != "synchronised":
        words += f" for {duration(clock['seconds'])}"
    if clock["jumped"]:
        words += ": it jumped"
    return words if clock["trusted"] else f"{words}; codes may be wrong: timedatectl"


def _hardware_words(found: terminal.Json, kind: str) -> str:
    name = str(found[kind])
    if name == "none" or found["error"] is None:
        light = found.get("light", "")
        words = f"{name}, {light}" if light and name != "none" else name
    else:
        words = f"{name}: {found['error']}"
    stuck = found.get("stuck")
    return f"{words}; stuck: {', '.join(stuck)}" if stuck else words


def _backup_words(backup: terminal.Json) -> str:
    words = str(backup["state"]).replace("_", " ")
    if backup["verified_at"] is not None:
        at = datetime.fromtimestamp(backup["verified_at"], UTC).astimezone()
        words += f"{'' if backup['state'] == 'verified' else '; last verified'} {at:%Y-%m-%d %H:%M:%S}, generation {backup['generation']}"
    return words + (f" ({backup['error']})" if backup["error"] else "")
