"""What clients of the control socket ask: each question ends in one answer, at once or when something is done."""

from dataclasses import replace
from typing import Final

from appliance.core import backup as backups
from appliance.core import lock
from appliance.core.effects import Effect, OpenVault, Reply, ReplyFrame, Simulate
from appliance.core.events import Asked, Refused
from appliance.core.gestures import Gestured
from appliance.core.hand import gestured, woken
from appliance.core.instant import Instant
from appliance.core.screen import Qr
from appliance.core.state import Closed, Locked, Restoring, State, Waiting
from appliance.core.status import backup_status, status

ASK_SECONDS: Final = 60.0
"""For a backup or a reload that somebody waits for."""

RESTORING_SECONDS: Final = 90.0
"""For one step of a restore; deriving a key takes longest."""

PRESSED: Final = {
    "previous": Gestured("previous"),
    "next": Gestured("next"),
    "ok": Gestured("ok"),
    "list": Gestured("list"),
    "menu": Gestured("menu"),
    "blank": Gestured("blank"),
}
"""The buttons that can be pressed from afar, and what that means."""
_HELD: Final = {
    "previous": Gestured("previous", 1),
    "next": Gestured("next", 1),
    "ok": Gestured("back"),
}

_TOO_OFTEN: Final = {"why": "too many tries by others than the owner", "tries_left": None, "others": True}

Step = tuple[State, tuple[Effect, ...]]


def asked(  # noqa: C901, PLR0911 - one case for each method
    state: State, event: Asked, now: Instant, ref: int
) -> Step:
    """Return what a question makes of the state; `ref` and `ref + 1` are fresh numbers for its effects."""
    match event.method:
        case "status":
            return state, (Reply(event.ask, status(state, now)),)
        case "frame":
            return state, (ReplyFrame(event.ask, _hidden(state)),)
        case "press":
            return _pressed(state, event, now, ref)
        case "reload":
            wait = Waiting(event.ask, "reload", now.mono + ASK_SECONDS, ref)
            return replace(state, waiting=(*state.waiting, wait), opening=ref), (OpenVault(ref),)
        case "backup":
            after, effects = backups.request(state.backup, now, ref)
            wait = Waiting(event.ask, "backup", now.mono + ASK_SECONDS)
            return replace(state, backup=after, waiting=(*state.waiting, wait)), effects
        case "restoring":
            return _restoring(state, event, now)
        case "simulate":
            return state, (Simulate(event.ask, event.params),)
        case "lock":
            return _locked(state, event)
        case "unlock":
            return _unlocked(state, event, now, ref)
        case _:
            return state, (Reply(event.ask, problem="unknown method"),)


def _hidden(state: State) -> bool:
    """Return whether what is on the display is for those in front of it alone: a secret, or a PIN being turned."""
    closed = state.phase
    entering = isinstance(closed, Closed) and (closed.choice != 0 or closed.entered != "")
    return entering or isinstance(state.panel.screen, Qr)


def _pressed(state: State, event: Asked, now: Instant, ref: int) -> Step:
    # A client may send a list for a button, which no dictionary can look up.
    gesture = (_HELD if event.params.get("hold") else PRESSED).get(str(event.params.get("button")))
    if gesture is None:
        return state, (Reply(event.ask, problem="no such button"),)
    state, effects = gestured(state, gesture, now, ref)
    return state, (*effects, Reply(event.ask, {}))


def _locked(state: State, event: Asked) -> Step:
    if not lock.lockable(state):
        problem = "it is locked" if isinstance(state.phase, Closed) else "set a PIN first: appliance pin set"
        return state, (Reply(event.ask, problem=problem),)
    state, effects = lock.locked(state)
    return state, (Reply(event.ask, {}), *effects)


def _unlocked(state: State, event: Asked, now: Instant, ref: int) -> Step:
    entered, closed = event.params.get("entered"), state.phase
    if isinstance(closed, Locked):
        why = (
            f"{closed.problem.what}: {closed.problem.why}; appliance list --passphrase-file FILE may open it"
        )
        return state, (Reply(event.ask, problem=why),)
    if not isinstance(closed, Closed):
        return state, (Reply(event.ask, problem="it is not locked"),)
    if not isinstance(entered, str) or closed.checking:
        problem = "a try is under way" if closed.checking else "nothing was entered"
        return state, (Reply(event.ask, problem=problem),)
    if not event.owner:
        if (left := closed.others_until - now.mono) > 0:
            return state, (Reply(event.ask, _TOO_OFTEN | {"wait": left}),)
        state = lock.counted(state, now)
    state, effects = lock.tried(state, entered, now, ref)
    wait = Waiting(event.ask, "unlock", now.mono + ASK_SECONDS, ref)
    return replace(state, waiting=(*state.waiting, wait)), effects


def _restoring(state: State, event: Asked, now: Instant) -> Step:
    """A command tells how far it is, and without a step that it gave up; whoever waits for it wants to see it."""
    match dict(event.params):
        case {"step": str(step), "done": int(done), "total": int(total)}:
            restoring = Restoring(step, done, total, now.mono + RESTORING_SECONDS) if step else None
            return replace(woken(state, now), restoring=restoring), (Reply(event.ask, {}),)
        case _:
            return state, (Reply(event.ask, problem="no such progress"),)


def done(state: State, ref: int, problem: str | None = None) -> tuple[State, tuple[Reply, ...]]:
    """Answer who waits for the reload or the unlocking `ref`."""
    done = tuple(one for one in state.waiting if one.goal != "backup" and one.ref == ref)
    state = replace(state, waiting=tuple(one for one in state.waiting if one not in done))
    return state, tuple(Reply(one.ask, None if problem else {}, problem) for one in done)


def refused(state: State, event: Refused) -> Step:
    """Answer who waits for an unlocking that did not succeed."""
    why = {"why": event.why, "wait": event.wait, "tries_left": event.tries_left}
    state, answers = done(state, event.ref)
    return state, tuple(Reply(one.ask, why) for one in answers)


def answered(state: State, now: Instant) -> Step:
    """Answer who waits for the backup to come to rest, and whoever has waited too long."""
    rest: list[Waiting] = []
    answers: list[Effect] = []
    for one in state.waiting:
        if one.goal == "backup" and (state.backup.settled or now.mono >= one.until):
            answers.append(Reply(one.ask, backup_status(state.backup)))
        elif now.mono >= one.until:
            answers.append(Reply(one.ask, problem="it takes too long"))
        else:
            rest.append(one)
    return replace(state, waiting=tuple(rest)), tuple(answers)
