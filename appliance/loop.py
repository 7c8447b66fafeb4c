"""The shell: one inbox, one thread that owns the state, one worker for what takes long.

Rules: everything else only posts events. One frame is drawn when nothing newer waits, and an unchanged frame is not
sent. A thread that dies of an exception posts `Crashed`, and the loop raises it again: the panel goes dark, the
process ends, the service manager starts it anew. A silent half-dead daemon is worse than a restart.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Literal, assert_never

from PIL import Image
from PIL.Image import Image as Picture

from appliance.core.care import contrast, light
from appliance.core.effects import (
    Change,
    Check,
    Effect,
    Exit,
    Fetch,
    Inspect,
    Log,
    Measure,
    OpenVault,
    Publish,
    Reconnect,
    Reexec,
    Remember,
    Reply,
    ReplyFrame,
    Simulate,
    Unlock,
    Vouch,
)
from appliance.core.events import Event, PanelBack, PanelFailed, Woke
from appliance.core.render import render
from appliance.core.state import Options, State
from appliance.core.step import deadline, start, step
from appliance.errors import ApplianceError
from appliance.ports import Broker, Clock, Control, Display

Work = OpenVault | Unlock | Change | Check | Inspect | Measure | Remember
Answer = Callable[[Work], Event | None]
"""Does a piece of work and returns the event that tells of it, if there is anything to tell; may block."""
Simulation = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Does something to simulated hardware. Raises ApplianceError if there is no such thing."""

_log = logging.getLogger("appliance")


@dataclass(frozen=True, slots=True)
class Crashed:
    """A thread ended with an exception that nobody expected."""

    error: BaseException


Inbox = SimpleQueue[Event | Crashed]


class Worker:
    """One thread that does one piece of work after the other, in the order in which they came."""

    def __init__(self, answer: Answer, inbox: Inbox) -> None:
        self._answer = answer
        self._inbox = inbox
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def give(self, work: Work) -> None:
        """Queue a piece of work."""
        self._work.put(work)

    def stop(self) -> None:
        """Finish what was given before, so that no save is cut off, and end."""
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(30.0)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            event = self._answer(work)
            if event is not None:
                self._inbox.put(event)


@dataclass(frozen=True, slots=True)
class Shell:
    """What the loop acts on."""

    clock: Clock
    display: Display
    control: Control
    broker: Broker | None
    worker: Worker
    line: Callable[..., str]
    """Formats a line of the log."""
    vouch: Callable[[], None] = lambda: None
    """Trusts the present time from now on: the owner has compared it."""
    simulation: Simulation | None = None
    """None: the hardware is real."""
    beat: Callable[[], None] = lambda: None
    """Tells a watchdog that the loop turns."""


def run(options: Options, shell: Shell, inbox: Inbox) -> Literal["end", "renew"]:
    """Run until `Exit` or `Reexec`; raises what a thread crashed of. The sources are started and stopped by the caller."""
    state, effects = start(options, shell.clock.now())
    shown: Picture | None = None
    shell.display.start(lambda problem: inbox.put(PanelFailed(problem)), lambda: inbox.put(PanelBack()))
    with _watched(inbox):
        while True:
            for effect in effects:
                if isinstance(effect, Exit):
                    return "end"
                if isinstance(effect, Reexec):
                    _draw(shell, state, shown)  # the new process takes a while to draw anything
                    return "renew"
                if isinstance(effect, ReplyFrame):
                    shown = _draw(shell, state, shown)
                    seen = Image.new("1", shown.size) if effect.hidden else shown
                    shell.control.reply(effect.ask, _pixels(seen))
                else:
                    _do(effect, shell)
            if inbox.empty():
                shown = _draw(shell, state, shown)
                shell.display.tend()
            event = _next(inbox, shell.clock, state)
            if not isinstance(event, Woke):
                _log.debug(shell.line("event", kind=type(event).__name__, phase=type(state.phase).__name__))
            state, effects = step(state, event, shell.clock.now())
            shell.beat()


def _next(inbox: Inbox, clock: Clock, state: State) -> Event:
    now = clock.now()
    try:
        event = inbox.get(timeout=max(0.0, deadline(state, now) - now.mono))
    except Empty:
        return Woke()
    if isinstance(event, Crashed):
        raise event.error
    return event


def _do(effect: Effect, shell: Shell) -> None:  # noqa: C901, PLR0912 - one case for each effect
    match effect:
        case OpenVault() | Unlock() | Change() | Check() | Inspect() | Measure() | Remember():
            shell.worker.give(effect)
        case Publish(ref, topic, payload):
            if shell.broker is not None:
                shell.broker.publish(ref, topic, payload)
        case Fetch(ref, topic):
            if shell.broker is not None:
                shell.broker.fetch(ref, topic)
        case Reconnect():
            if shell.broker is not None:
                shell.broker.hurry()
        case Vouch():
            shell.vouch()
        case Simulate(ask, params):
            _simulate(shell, ask, params)
        case Reply(ask, result, None):
            shell.control.reply(ask, result)
        case Reply(ask, _, problem):
            shell.control.refuse(ask, str(problem))
        case Log(level, event, fields):
            _log.log(level, shell.line(event, **dict(fields)))
        case ReplyFrame() | Exit() | Reexec():
            raise AssertionError("the loop itself does these")
        case _:
            assert_never(effect)


def _simulate(shell: Shell, ask: int, params: Mapping[str, Any]) -> None:
    try:
        if shell.simulation is None:
            shell.control.refuse(ask, "the hardware is real")
        else:
            shell.control.reply(ask, shell.simulation(params))
    except ApplianceError as error:
        shell.control.refuse(ask, error.why)


def _draw(shell: Shell, state: State, shown: Picture | None) -> Picture:
    now = shell.clock.now()
    frame = render(state, now)
    if shown is None or frame.tobytes() != shown.tobytes():
        shell.display.show(frame)
    # After the picture: a panel that wakes must not flash up with an old one.
    shell.display.light(light(state, now), contrast(state))
    return frame


def _pixels(frame: Picture) -> dict[str, object]:
    """Return a frame for the control socket: rows of bits, the leftmost first, in hexadecimal."""
    return {"width": frame.width, "height": frame.height, "bits": frame.tobytes().hex()}


@contextlib.contextmanager
def _watched(inbox: Inbox) -> Iterator[None]:
    before = threading.excepthook
    threading.excepthook = lambda args: inbox.put(Crashed(args.exc_value or RuntimeError("a thread died")))
    try:
        yield
    finally:
        threading.excepthook = before
