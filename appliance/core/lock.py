"""Locked, and how a person opens it: digits turned on a wheel, or what a command sends.

Rules: the PIN is in the state while it is entered and checked, and no longer. A try is counted by the keeper before
it is made. Locking ends in a new process, since nothing else takes the secrets out of the memory of this one.
"""

from dataclasses import replace
from typing import Final, Literal

from appliance.core.effects import Effect, Log, Reexec, Unlock
from appliance.core.events import Problem, Refused, Shut
from appliance.core.gestures import Action
from appliance.core.instant import Instant
from appliance.core.layout.locked_screen import WHEEL
from appliance.core.screen import Code
from appliance.core.state import Closed, Open, Panel, State, told
from appliance.vault import pin

ENTRY_SECONDS: Final = 20.0
"""Without a press, until what was entered is forgotten."""
CHECK_SECONDS: Final = 60.0

NOTHING_TO_LOCK: Final = Problem("Not lockable", "set a PIN first:", "appliance pin set", short="")

Step = tuple[State, tuple[Effect, ...]]


def lockable(state: State) -> bool:
    """Return whether there is anything to lock with."""
    return isinstance(state.phase, Open) and state.phase.mode != "credential"


def locked(state: State) -> Step:
    """Lock an open vault; only while it is `lockable`."""
    phase = state.phase
    assert isinstance(phase, Open) and phase.mode != "credential"  # noqa: S101, PT018 - the caller asked
    return _ended(state, phase.mode)


def _ended(state: State, kind: Literal["pin", "passphrase"]) -> Step:
    panel = Panel(
        pressed_at=state.panel.pressed_at, blank=state.panel.blank, brightness=state.panel.brightness
    )
    return replace(state, phase=Closed(kind), panel=panel, made=()), (Log(20, "locked"), Reexec())


def relock_at(state: State) -> float | None:
    """Return the monotonic time at which an open vault is locked; None: never."""
    after = state.options.relock_after
    return state.panel.pressed_at + after if after and lockable(state) else None


def idled(state: State, now: Instant) -> Step:
    """Lock an open vault that nobody has looked at for long."""
    due = relock_at(state)
    return locked(state) if due is not None and now.mono >= due else (state, ())


def shut(state: State, event: Shut, now: Instant) -> Step:
    """Return the state after the vault turned out to need a person; what was being entered stays.

    A vault that was open, and was given another key since, leaves its secrets in memory: that ends the process too.
    """
    before = state.phase
    if isinstance(before, Open):
        return _ended(state, event.kind)
    closed = before if isinstance(before, Closed) and before.kind == event.kind else Closed(event.kind)
    return replace(state, phase=_waiting(closed, event, now)), ()


def tried(state: State, entered: str, now: Instant, ref: int) -> Step:
    """Try what somebody entered; only while it is locked and no try is under way."""
    closed = state.phase
    assert isinstance(closed, Closed)  # noqa: S101 - the caller asked
    closed = replace(closed, entered="", choice=0, checking=ref, until=now.mono + CHECK_SECONDS, message="")
    return replace(state, phase=closed), (Unlock(ref, entered),)


def counted(state: State, now: Instant) -> State:
    """Count a try of somebody who can't read the file, and so can't try without us: it waits as PINs do.

    Who can read it, the owner and root, is never made to wait for a passphrase: nobody in the group locks them out.
    """
    closed = state.phase
    assert isinstance(closed, Closed)  # noqa: S101 - the caller asked
    tries = closed.others_tries + 1
    return replace(state, phase=replace(closed, others_tries=tries, others_until=now.mono + pin.delay(tries)))


def refused(state: State, event: Refused, now: Instant) -> State:
    """Return the state after a try that did not open the vault."""
    closed = state.phase
    if not isinstance(closed, Closed) or closed.checking != event.ref:
        return state
    return replace(state, phase=replace(_waiting(closed, event, now), checking=0, message=event.why))


def _waiting(closed: Closed, event: Shut | Refused, now: Instant) -> Closed:
    """Take over until when no PIN is taken; only PINs are counted."""
    tries_left = event.tries_left if closed.kind == "pin" else None
    return replace(closed, wait_until=now.mono + event.wait, tries_left=tries_left)


def failed(state: State, problem: Problem, now: Instant) -> State:
    """Return the state after a try that came to no verdict."""
    closed = state.phase
    assert isinstance(closed, Closed)  # noqa: S101 - the caller asked
    return told(replace(state, phase=replace(closed, checking=0)), problem, now)


def rested(state: State, now: Instant) -> State:
    """Forget what was entered and not tried, and a try whose answer never came."""
    closed = state.phase
    if not isinstance(closed, Closed):
        return state
    if closed.checking and now.mono >= closed.until:
        closed = replace(closed, checking=0, message="it took too long")
    if closed.entered and now.mono >= state.panel.pressed_at + ENTRY_SECONDS:
        closed = replace(closed, entered="", choice=0)
    return replace(state, phase=closed)


def deadlines(state: State) -> list[float]:
    """Return the monotonic times at which something here is due."""
    times: list[float] = []
    if isinstance(state.phase, Closed):
        if state.phase.checking:
            times.append(state.phase.until)
        if state.phase.entered:
            times.append(state.panel.pressed_at + ENTRY_SECONDS)
    relock = relock_at(state)
    return times if relock is None else [*times, relock]


def takes(state: State, now: Instant) -> bool:
    """Return whether the buttons turn the wheel now."""
    closed = state.phase
    return (
        isinstance(closed, Closed)
        and closed.kind == "pin"
        and isinstance(state.panel.screen, Code)
        and not closed.checking
        and now.mono >= closed.wait_until
    )


def turned(state: State, action: Action, now: Instant, ref: int) -> Step:
    """Return what a gesture makes of the wheel; only while it `takes`."""
    closed = state.phase
    assert isinstance(closed, Closed)  # noqa: S101 - the caller asked `takes`
    match action:
        case "previous" | "next":
            step = -1 if action == "previous" else 1
            return _with(state, replace(closed, choice=(closed.choice + step) % len(WHEEL), message="")), ()
        case "back":
            return tried(state, closed.entered, now, ref) if closed.entered else (state, ())
        case _:  # ok, and select where there is but one button
            return _accepted(state, closed, now, ref)


def _accepted(state: State, closed: Closed, now: Instant, ref: int) -> Step:
    chosen = WHEEL[closed.choice]
    if chosen == "OK":
        return tried(state, closed.entered, now, ref) if closed.entered else (state, ())
    entered = closed.entered[:-1] if chosen == "DEL" else closed.entered + chosen
    return _with(state, replace(closed, entered=entered[: pin.MOST], message="")), ()


def _with(state: State, closed: Closed) -> State:
    return replace(state, phase=closed)
