"""The daemon: settings in, every part joined, the loop run until somebody says stop."""

import contextlib
import logging
import os
import signal
import sys
from functools import partial
from queue import Empty
from typing import Literal, assert_never

from appliance import __version__, app, hardware, logs
from appliance.adapters import host, secrecy
from appliance.adapters.buttons import GpioButtons
from appliance.adapters.clock import boottime
from appliance.adapters.control import ControlSocket
from appliance.adapters.gpio import rpi_gpio
from appliance.adapters.oled import OledPanel
from appliance.adapters.panel import NoPanel
from appliance.adapters.simulation import Simulation
from appliance.adapters.store import StateFolder
from appliance.answer import answer, problem
from appliance.core.effects import Change, Check, Inspect, Measure, OpenVault, Remember, Unlock
from appliance.core.events import ButtonsFailed, Event, Measured, Stopping
from appliance.core.state import Options
from appliance.errors import ApplianceError, HardwareFailed
from appliance.keeper import Keeper
from appliance.loop import Inbox, Shell, Work, Worker, run
from appliance.ports import Device, Display, Source
from appliance.settings import Settings

_log = logging.getLogger("appliance")


def serve(settings: Settings, *, simulated: bool = False) -> None:
    """Run the daemon until it is told to stop. Raises ApplianceError, or what a thread crashed of.

    Panel or buttons that do not work never end it. `simulated`: they are made of software, and so is the clock.
    """
    if not secrecy.no_swap():
        _log.warning(logs.line("memory may be swapped", hint="LimitMEMLOCK=infinity in the unit"))
    device = app.identify(settings)
    inbox: Inbox = Inbox()
    keeper = app.new_keeper(settings)
    store = app.state_folder(settings)
    worker = Worker(lambda work: _done(keeper, store, work), inbox)
    doorway = ControlSocket(app.socket_path(settings))
    broker = app.new_broker(settings, device.id)
    simulation = Simulation(boottime) if simulated else None
    clock = app.new_clock(settings, keep=True, altered=simulation.reading if simulation else None)
    sources: list[Source] = [doorway, *([broker] if broker is not None else [])]
    keys = simulation or _buttons(settings)
    shell = Shell(
        clock,
        _display(settings, simulation),
        doorway,
        broker,
        worker,
        logs.line,
        clock.vouch,
        simulation.act if simulation else None,
    )
    _stop_on_signals(inbox)
    _log.info(logs.line("starting", device=device.id, name=device.name, python=sys.version.split()[0]))
    ended: Literal["end", "renew"] = "end"
    try:
        for source in sources:
            source.start(inbox.put)
        _start(keys, inbox)
        worker.start()
        ended = run(_options(settings, device, store), shell, inbox)
        if ended == "renew" and _told_to_stop(inbox):
            ended = "end"
    finally:
        if ended != "renew":  # the locked picture stays until the new process draws it again
            shell.display.off()
        keys.stop()
        for source in sources:
            source.stop()
        shell.display.stop()
        worker.stop()
        keeper.forget()
    if ended == "renew":
        _renew()


def _told_to_stop(inbox: Inbox) -> bool:
    """Return whether somebody said stop while it locked; from now on a signal ends the process at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(Empty):
        while True:
            if isinstance(inbox.get_nowait(), Stopping):
                return True
    return False


def _renew() -> None:
    """Become a new process, whose memory holds nothing of this one's: the only way in CPython (measured)."""
    sys.stderr.flush()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves, as we were started


def _display(settings: Settings, simulation: Simulation | None) -> Display:
    wiring = hardware.wiring(settings)
    if wiring is None:
        return NoPanel()
    return OledPanel(wiring, open_serial=simulation.bus.open if simulation else app.bus_of(settings))


def _buttons(settings: Settings) -> GpioButtons:
    return GpioButtons(hardware.pins(settings), gpio=partial(rpi_gpio, settings.runtime_dir), mono=boottime)


def _start(keys: Source, inbox: Inbox) -> None:
    try:
        keys.start(inbox.put)
    except HardwareFailed as error:
        inbox.put(ButtonsFailed(problem(error)))


def _done(keeper: Keeper, store: StateFolder, work: Work) -> Event | None:
    match work:
        case OpenVault() | Unlock() | Change() | Check() | Inspect():
            return answer(keeper, work)
        case Measure(ref):
            return Measured(ref, host.address(), host.celsius())
        case Remember(key, value):
            _remember(store, key, value)
            return None
        case _:
            assert_never(work)


def _remember(store: StateFolder, key: str, value: float) -> None:
    try:
        store.remember(key, value)
    except ApplianceError as error:
        _log.warning(logs.line("not remembered", what=key, why=error.why))


def _options(settings: Settings, device: Device, store: StateFolder) -> Options:
    mqtt, display = settings.mqtt, settings.display
    wiring = hardware.wiring(settings)
    return Options(
        device=device.id,
        name=device.name,
        prefix=mqtt.topic_prefix if mqtt.host is not None else None,
        require_trusted=settings.clock.require_trusted,
        blank_after=float(display.blank_after_seconds),
        dim_after=float(display.dim_after_seconds),
        night=display.night,
        reveal_on_press=display.reveal == "on_press",
        allow_qr=display.allow_qr,
        relock_after=float(settings.vault.relock_after_seconds),
        layout=hardware.layout(settings),
        height=64 if wiring is None else wiring.seen_size[1],
        brightness=int(store.remembered().get("brightness", display.brightness)),
        driver=hardware.driver(settings),
        backend=settings.buttons.backend,
        host=f"{mqtt.host}:{mqtt.port}" if mqtt.host is not None else "",
        address=f"{app.host_name()}.local",
        version=__version__,
        session=os.urandom(8).hex(),
        known=app.known_of(store),
    )


def _stop_on_signals(inbox: Inbox) -> None:
    # SimpleQueue.put is re-entrant, so a handler may call it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inbox.put(Stopping()))
