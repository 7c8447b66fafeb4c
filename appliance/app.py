"""The composition root: settings in, parts joined. It alone knows which adapter fills which port."""

import logging
import os
import re
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Any, Final, assert_never
from uuid import UUID

from appliance import logs
from appliance.adapters import control
from appliance.adapters.broker import Backoff, Link, MqttBroker, Tls
from appliance.adapters.clock import SystemClock
from appliance.adapters.control import ControlSocket
from appliance.adapters.memory import derivation_limit
from appliance.adapters.panel import NoPanel
from appliance.adapters.store import StateFolder
from appliance.core.effects import Change, Check, Merge, OpenVault, Spend
from appliance.core.events import Checked, Event, Failed, Missing, Opened, Problem, Saved, Stopping
from appliance.core.state import Options
from appliance.errors import ApplianceError, ConfigurationInvalid, NothingFound, VaultExists
from appliance.keeper import Keeper, Kept
from appliance.loop import Inbox, Shell, Work, Worker, run
from appliance.ports import Device, Source
from appliance.settings import Settings
from appliance.vault import edit
from appliance.vault.merge import counters_only

NAME_LIMIT: Final = 32
_log = logging.getLogger("appliance")


def new_uuid() -> str:
    """Return a random (version 4) uuid."""
    return str(UUID(bytes=os.urandom(16), version=4))


def state_folder(settings: Settings) -> StateFolder:
    """Return the state folder that the settings name."""
    return StateFolder(settings.state_dir)


def new_keeper(settings: Settings, entered: str | None = None) -> Keeper:
    """Return the keeper of this device's vault; `entered` is a passphrase or recovery key that somebody gave."""
    return Keeper(state_folder(settings), SystemClock(), os.urandom, derivation_limit, entered)


def identify(settings: Settings) -> Device:
    """Return who this device is, deciding it at the first start; never anew beside a vault."""
    store = state_folder(settings)
    store.prepare()
    device = store.device()
    if device is not None:
        return device
    with store.lock():
        device = store.device()
        if device is None:
            if new_keeper(settings).exists():
                raise ApplianceError(
                    "can't tell who this device is",
                    "device.json is missing, and there is a vault beside it",
                    "appliance list --passphrase-file FILE puts it back",
                )
            device = Device(f"otp-{os.urandom(4).hex()}", None, settings.name or _host_name())
            store.save_device(device)
    return device


def _host_name() -> str:
    name = re.sub(r"[^\x20-\x7e]", "", socket.gethostname().partition(".")[0])
    return name[:NAME_LIMIT] or "appliance"


def vault_exists(settings: Settings, what: str) -> VaultExists:
    """Return the error for a vault that would be overwritten."""
    return VaultExists(
        f"{what} in {settings.state_dir}", "there is a vault already", "appliance status; or restore --merge"
    )


def link(settings: Settings, client_id: str) -> Link | None:
    """Return where the broker is; None if none is configured."""
    mqtt = settings.mqtt
    if mqtt.host is None:
        return None
    tls = Tls(mqtt.tls.ca_file, mqtt.tls.cert_file, mqtt.tls.key_file) if mqtt.tls.enabled else None
    return Link(mqtt.host, mqtt.port, client_id, mqtt.username, mqtt.password_file, tls)


def new_broker(settings: Settings, client_id: str) -> MqttBroker | None:
    """Return the link to the configured broker, not yet started; None if none is configured."""
    where = link(settings, client_id)
    return None if where is None else MqttBroker(where, pauses=Backoff(SystemRandom().uniform))


def ask(settings: Settings, method: str, **params: Any) -> Any:
    """Ask the running daemon. Raises NotRunning, or ApplianceError if it refuses."""
    return control.call(socket_path(settings), method, params)


def socket_path(settings: Settings) -> Path:
    """Return where the daemon listens."""
    return settings.runtime_dir / "control.sock"


def answer(keeper: Keeper, work: Work) -> Event:
    """Do a piece of work with the keeper, and return the event that tells of it."""
    try:
        match work:
            case OpenVault(ref):
                return _opened(ref, keeper.open())
            case Change(ref, change):
                before = keeper.open()
                after = _changed(keeper, change)
                return _saved(ref, before, after)
            case Check(ref, payload):
                return Checked(ref, keeper.check(payload))
            case _:
                assert_never(work)
    except NothingFound as error:
        if isinstance(work, OpenVault):
            return Missing(work.ref)
        return Failed(work.ref, problem(error))
    except ApplianceError as error:
        return Failed(work.ref, problem(error))


def problem(error: ApplianceError) -> Problem:
    """Return an error as data for the core."""
    return Problem(error.what, error.why, error.hint, error.short)


def _changed(keeper: Keeper, change: Spend | Merge) -> Kept:
    match change:
        case Spend(uuid):
            return keeper.change(lambda vault, _moment: edit.spend(vault, uuid))
        case Merge(payload):
            return keeper.merged(payload)
        case _:
            assert_never(change)


def _opened(ref: int, kept: Kept) -> Opened:
    return Opened(ref, kept.vault.generation, kept.published, kept.vault, kept.warning)


def _saved(ref: int, before: Kept, after: Kept) -> Saved:
    only = counters_only(before.vault, after.vault)
    return Saved(ref, after.vault.generation, after.published, after.vault, only)


def serve(settings: Settings) -> None:
    """Run the daemon until it is told to stop. Raises ApplianceError, or what a thread crashed of."""
    refuse_unbuilt(settings)
    _warn_of_unbuilt(settings)
    device = identify(settings)
    inbox: Inbox = Inbox()
    keeper = new_keeper(settings)
    worker = Worker(lambda work: answer(keeper, work), inbox)
    doorway = ControlSocket(socket_path(settings))
    broker = new_broker(settings, device.id)
    sources: list[Source] = [doorway, *([broker] if broker is not None else [])]
    shell = Shell(SystemClock(), NoPanel(), doorway, broker, worker, logs.line)
    _stop_on_signals(inbox)
    _log.info(logs.line("starting", device=device.id, name=device.name, python=sys.version.split()[0]))
    try:
        for source in sources:
            source.start(inbox.put)
        worker.start()
        run(_options(settings, device), shell, inbox)
    finally:
        shell.display.off()
        for source in sources:
            source.stop()
        worker.stop()
        keeper.forget()


def _options(settings: Settings, device: Device) -> Options:
    mqtt = settings.mqtt
    return Options(
        device=device.id,
        name=device.name,
        prefix=mqtt.topic_prefix if mqtt.host is not None else None,
        require_trusted=settings.clock.require_trusted,
        blank_after=float(settings.display.blank_after_seconds),
        host=f"{mqtt.host}:{mqtt.port}" if mqtt.host is not None else "",
        address=f"{_host_name()}.local",
    )


def refuse_unbuilt(settings: Settings) -> None:
    """Raise ConfigurationInvalid if the vault is to start in a mode that does not exist yet."""
    if settings.vault.unlock != "credential":
        raise ConfigurationInvalid(
            "can't use the configuration",
            f"vault.unlock: {settings.vault.unlock} is not built yet",
            "set vault.unlock to credential",
        )


def _warn_of_unbuilt(settings: Settings) -> None:
    if settings.display.driver != "none" or settings.buttons.backend != "none":
        _log.warning(
            logs.line(
                "no hardware yet", why="display and buttons act as none; use 'appliance frame' and 'press'"
            )
        )


def _stop_on_signals(inbox: Inbox) -> None:
    # SimpleQueue.put is re-entrant, so a handler may call it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inbox.put(Stopping()))


def rename(device: Device, name: str) -> Device:
    """Return the device under another name, cut to what fits."""
    return replace(device, name=name[:NAME_LIMIT])
