"""The shell: one inbox, one thread that owns the state, one worker for what takes long.

Rules: everything else only posts events. One frame is drawn when nothing newer waits, and an unchanged frame is not
sent. A thread that dies of an exception posts `Crashed`, and the loop raises it again: the panel goes dark, the
process ends, the service manager starts it anew. A silent half-dead daemon is worse than a restart.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, assert_never

from PIL.Image import Image

from appliance.core.effects import (
    Change,
    Check,
    Effect,
    Exit,
    Fetch,
    Log,
    OpenVault,
    Publish,
    Reply,
    ReplyFrame,
)
from appliance.core.events import Event, Woke
from appliance.core.render import render
from appliance.core.state import Options, State
from appliance.core.step import deadline, start, step
from appliance.ports import Broker, Clock, Control, Display

Work = OpenVault | Change | Check
Answer = Callable[[Work], Event]
"""Does a piece of work and returns the event that tells of it; may block."""

LONGEST_WAIT: Final = 3600.0
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
            self._inbox.put(self._answer(work))


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
    beat: Callable[[], None] = lambda: None
    """Tells a watchdog that the loop turns."""


def run(options: Options, shell: Shell, inbox: Inbox) -> None:
    """Run until `Exit`; raises what a thread crashed of. The sources are started and stopped by the caller."""
    state, effects = start(options, shell.clock.now())
    shown: Image | None = None
    with _watched(inbox):
        while True:
            for effect in effects:
                if isinstance(effect, Exit):
                    return
                if isinstance(effect, ReplyFrame):
                    shown = _draw(shell, state, shown)
                    shell.control.reply(effect.ask, _pixels(shown))
                else:
                    _do(effect, shell)
            if inbox.empty():
                shown = _draw(shell, state, shown)
            event = _next(inbox, shell.clock, state)
            if not isinstance(event, Woke):
                _log.debug(shell.line("event", kind=type(event).__name__, phase=type(state.phase).__name__))
            state, effects = step(state, event, shell.clock.now())
            shell.beat()


def _next(inbox: Inbox, clock: Clock, state: State) -> Event:
    now = clock.now()
    try:
        event = inbox.get(timeout=min(LONGEST_WAIT, max(0.0, deadline(state, now) - now.mono)))
    except Empty:
        return Woke()
    if isinstance(event, Crashed):
        raise event.error
    return event


def _do(effect: Effect, shell: Shell) -> None:  # noqa: C901 - one case for each effect
    match effect:
        case OpenVault() | Change() | Check():
            shell.worker.give(effect)
        case Publish(ref, topic, payload):
            if shell.broker is not None:
                shell.broker.publish(ref, topic, payload)
        case Fetch(ref, topic):
            if shell.broker is not None:
                shell.broker.fetch(ref, topic)
        case Reply(ask, result, None):
            shell.control.reply(ask, result)
        case Reply(ask, _, problem):
            shell.control.refuse(ask, str(problem))
        case Log(level, event, fields):
            _log.log(level, shell.line(event, **dict(fields)))
        case ReplyFrame() | Exit():
            raise AssertionError("the loop itself does these")
        case _:
            assert_never(effect)


def _draw(shell: Shell, state: State, shown: Image | None) -> Image:
    frame = render(state, shell.clock.now())
    if shown is None or frame.tobytes() != shown.tobytes():
        shell.display.show(frame)
    return frame


def _pixels(frame: Image) -> dict[str, object]:
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
