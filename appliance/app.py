"""The composition root: settings in, parts joined. It alone knows which adapter fills which port."""

import logging
import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Any, Final
from uuid import UUID

from appliance import hardware
from appliance.adapters import control, oled
from appliance.adapters.broker import Backoff, Link, MqttBroker, Tls
from appliance.adapters.clock import SystemClock, boot_id
from appliance.adapters.gpio import rpi_gpio
from appliance.adapters.memory import derivation_limit
from appliance.adapters.oled.serial import OpenSerial, open_serial
from appliance.adapters.store import StateFolder
from appliance.core.cycle import Known
from appliance.core.instant import Reading
from appliance.errors import ApplianceError, VaultExists
from appliance.keeper import Keeper
from appliance.ports import Device, VaultStore
from appliance.settings import Settings

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
    return Keeper(state_folder(settings), SystemClock(), os.urandom, derivation_limit, entered, boot_id)


def new_clock(
    settings: Settings, *, keep: bool = False, altered: Callable[[Reading], Reading] | None = None
) -> SystemClock:
    """Return the clock of this machine, which knows what earlier processes of this boot found out.

    `keep`: it hands that on itself, which one process at a time may do. `altered` returns what a simulation makes of a
    reading.
    """
    floor = state_folder(settings).remembered().get("good_time", 0.0)
    return SystemClock(proof=settings.runtime_dir / "clock.json", floor=floor, keep=keep, altered=altered)


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
            device = Device(f"otp-{os.urandom(4).hex()}", None, settings.name or host_name())
            store.save_device(device)
    return device


def host_name() -> str:
    """Return what this machine is called, as far as it can be a name on a display."""
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


def known_of(store: VaultStore) -> Known:
    """Return what earlier processes of this card left behind of its backup."""
    numbers = store.remembered()
    published, generation = numbers.get("published"), numbers.get("verified_generation")
    if published == 0:
        return Known(published=False)
    late = numbers.get("late", -1.0)
    return Known(
        published=None if published is None else True,
        generation=None if generation is None else int(generation),
        verified_at=numbers.get("verified_at"),
        late=f"{int(late):08x}" if 0 <= late < 2**32 else "",
    )


def bus_of(settings: Settings) -> OpenSerial:
    """Return what opens the panel's bus."""

    def opened(wiring: oled.Wiring) -> Any:
        if wiring.bus == "spi":
            rpi_gpio(settings.runtime_dir)  # before luma imports it, wherever we are
        return open_serial(wiring)

    return opened


def blank(settings: Settings) -> None:
    """Turn the panel dark, as after a daemon that was killed. Raises HardwareFailed."""
    wiring = hardware.wiring(settings)
    if wiring is not None:
        oled.blank(wiring, bus_of(settings))


def ask(settings: Settings, method: str, **params: Any) -> Any:
    """Ask the running daemon.

    Raises NotRunning, NotOwner if what answers is not the vault's, or ApplianceError if it refuses.
    """
    try:
        owners = {settings.state_dir.stat().st_uid}
    except OSError:
        owners = set()
    return control.call(socket_path(settings), method, params, owners)


def socket_path(settings: Settings) -> Path:
    """Return where the daemon listens."""
    return settings.runtime_dir / "control.sock"


def rename(device: Device, name: str) -> Device:
    """Return the device under another name, cut to what fits."""
    return replace(device, name=name[:NAME_LIMIT])
