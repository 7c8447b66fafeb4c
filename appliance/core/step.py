"""Transitions: `step(state, event, now) -> (state, effects)`, and `deadline(state, now)`.

Rules: everything that changes the state is in this file or in `backup.py`. Nothing here reads a clock, a file or a
random source; no event is counted, only compared by its ref, so that late and duplicate ones are harmless. A
deadline that has passed moves: after a `Woke` the next one lies in the future.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core import backup as backups
from appliance.core.cycle import Backup
from appliance.core.effects import Change, Effect, Exit, Log, OpenVault, Reply, ReplyFrame, Spend
from appliance.core.events import (
    Acknowledged,
    Asked,
    Checked,
    Connected,
    Event,
    Failed,
    Gestured,
    Lost,
    Missing,
    Opened,
    Problem,
    Received,
    Saved,
    Stopping,
    Subscribed,
    Woke,
)
from appliance.core.instant import Instant
from appliance.core.render import SCROLL_SECONDS, scrolling
from appliance.core.state import (
    REFS,
    Locked,
    Message,
    NoVault,
    Open,
    Options,
    Panel,
    Spending,
    Spent,
    Starting,
    State,
    Waiting,
    listed,
)
from appliance.core.status import backup_status, status
from appliance.vault.model import Vault

MESSAGE_SECONDS: Final = 6.0
SAVE_SECONDS: Final = 20.0
"""For a HOTP counter; then the display says that it was not saved."""
RETRY_SECONDS: Final = 60.0
ASK_SECONDS: Final = 60.0
"""For a backup or a reload that somebody waits for."""

Step = tuple[State, tuple[Effect, ...]]


def start(options: Options, now: Instant) -> Step:
    """Return the first state, and what to do first."""
    panel = Panel(pressed_at=now.mono)
    state = State(options, Starting(), Backup(options.prefix), panel, opening=1, ref=1)
    return state, (OpenVault(1),)


def step(state: State, event: Event, now: Instant) -> Step:
    """Return what an event makes of the state, and what is to be done about it."""
    ref = state.ref + 1
    state = replace(state, ref=state.ref + REFS)
    state, effects = _step(state, event, now, ref)
    state, answers = _answered(state, now)
    return state, (*effects, *answers)


def _step(  # noqa: C901, PLR0911 - one case for each event
    state: State, event: Event, now: Instant, ref: int
) -> Step:
    match event:
        case Woke():
            return _woken(state, event, now, ref)
        case Gestured():
            return _gestured(state, event, now, ref)
        case Opened():
            return _opened(state, event, now, ref)
        case Missing():
            return _missing(state, event)
        case Saved():
            return _saved(state, event, now, ref)
        case Failed():
            return _failed(state, event, now, ref)
        case Connected() | Lost() | Acknowledged() | Subscribed() | Received() | Checked():
            return _backed(state, event, now, ref)
        case Asked():
            return _asked(state, event, now, ref)
        case Stopping():
            return state, (Log(20, "stopping"), Exit())
        case _:
            assert_never(event)


def deadline(state: State, now: Instant) -> float:
    """Return the monotonic time of the next `Woke`: something is due then, or the picture changes."""
    panel = state.panel
    times = [waiting.until for waiting in state.waiting]
    if (due := backups.deadline(state.backup)) is not None:
        times.append(due)
    if isinstance(state.phase, Locked):
        times.append(state.phase.until)
    if isinstance(panel.hotp, Spending):
        times.append(panel.hotp.until)
    if not panel.blank:
        times.append(_next_picture(state, now))
        if panel.message is not None:
            times.append(panel.message.until)
        if state.options.blank_after:
            times.append(panel.pressed_at + state.options.blank_after)
    return max(now.mono, min(times, default=now.mono + RETRY_SECONDS))


def _next_picture(state: State, now: Instant) -> float:
    second = now.mono + 1.0 - now.unix % 1.0
    return min(second, now.mono + SCROLL_SECONDS) if scrolling(state, now) else second


def _woken(state: State, event: Woke, now: Instant, ref: int) -> Step:
    effects: tuple[Effect, ...] = ()
    panel = state.panel
    if panel.message is not None and not panel.blank and now.mono >= panel.message.until:
        panel = replace(panel, message=None)
    if state.options.blank_after and now.mono >= panel.pressed_at + state.options.blank_after:
        panel = replace(panel, blank=True, hotp=panel.hotp if isinstance(panel.hotp, Spending) else None)
    state = replace(state, panel=panel)
    if isinstance(panel.hotp, Spending) and now.mono >= panel.hotp.until:
        late = Problem("the counter was not saved", "the card does not answer", "try again", "E2")
        state = _told(replace(state, panel=replace(panel, hotp=None)), late, now)
    if isinstance(state.phase, Locked) and now.mono >= state.phase.until:
        state = replace(state, phase=replace(state.phase, until=now.mono + RETRY_SECONDS), opening=ref + 2)
        effects = (OpenVault(ref + 2),)
    state, more = _backed(state, event, now, ref)
    return state, (*effects, *more)


def _gestured(state: State, event: Gestured, now: Instant, ref: int) -> Step:
    panel = replace(state.panel, pressed_at=now.mono, blank=False)
    if state.panel.blank:
        # A press in the dark only wakes; what was told meanwhile nobody has seen yet.
        message = replace(panel.message, until=now.mono + MESSAGE_SECONDS) if panel.message else None
        return replace(state, panel=replace(panel, since=now.mono, message=message)), ()
    if panel.message is not None:
        return replace(state, panel=replace(panel, message=None)), ()
    state = replace(state, panel=panel)
    shown = state.shown
    if shown is None or state.vault is None:
        return state, ()
    record, place, _ = shown
    if event.button == "ok":
        idle = not isinstance(panel.hotp, Spending)
        if record.account.type == "hotp" and idle and event.gesture == "press":
            spending = Spending(record.account.uuid, ref, now.mono + SAVE_SECONDS)
            return replace(state, panel=replace(panel, hotp=spending)), (
                Change(ref, Spend(record.account.uuid)),
            )
        return state, ()
    records = listed(state.vault)
    place += -2 if event.button == "previous" else 0
    selected = records[place % len(records)].account.uuid
    return _selected(state, selected, now), ()


def _selected(state: State, uuid: str | None, now: Instant) -> State:
    if uuid == state.panel.selected:
        return state
    hotp = state.panel.hotp if isinstance(state.panel.hotp, Spending) else None
    return replace(state, panel=replace(state.panel, selected=uuid, since=now.mono, hotp=hotp))


def _held(state: State, vault: Vault, generation: int, now: Instant) -> State:
    """Take over a vault; keep the account on the display if it is still there."""
    shown = state.shown
    state = replace(state, phase=Open(vault, generation))
    records = listed(vault)
    if not records:
        return _selected(state, None, now)
    place = shown[1] - 1 if shown else 0
    kept = vault.records.get(state.panel.selected or "")
    if kept is None:
        return _selected(state, records[min(place, len(records) - 1)].account.uuid, now)
    if isinstance(state.panel.hotp, Spent) and shown and shown[0].account != kept.account:
        # Its counter was spent with what the account was before.
        return replace(state, panel=replace(state.panel, hotp=None))
    return state


def _opened(state: State, event: Opened, now: Instant, ref: int) -> Step:
    first = not isinstance(state.phase, Open)
    if event.ref == state.opening:
        state = replace(state, opening=0)
    elif isinstance(state.phase, Open) and event.generation <= state.phase.generation:
        return _reloaded(state, event.ref)  # late, or a duplicate: what was saved since must not be undone
    state = _held(state, event.vault, event.generation, now)
    effects: tuple[Effect, ...] = ()
    if first:
        fields = (("generation", event.generation), ("accounts", len(event.vault.records)))
        effects = (Log(20, "vault open", fields),)
    if event.warning is not None:
        state = _told(state, event.warning, now)
        effects = (*effects, Log(40, "vault damaged", (("what", event.warning.why),)))
    state, more = _backed(state, event, now, ref)
    state, answers = _reloaded(state, event.ref)
    return state, (*effects, *more, *answers)


def _missing(state: State, event: Missing) -> Step:
    state, answers = _reloaded(state, event.ref)
    if event.ref != state.opening:
        return state, answers
    log = () if isinstance(state.phase, NoVault) else (Log(20, "no vault yet"),)
    phase = state.phase if isinstance(state.phase, Open) else NoVault()
    return replace(state, phase=phase, opening=0), (*log, *answers)


def _saved(state: State, event: Saved, now: Instant, ref: int) -> Step:
    if isinstance(state.phase, Open) and event.generation >= state.phase.generation:
        state = _held(state, event.vault, event.generation, now)
    hotp = state.panel.hotp
    if isinstance(hotp, Spending) and hotp.ref == event.ref:
        # Shown only while its account is still selected: the press was for what was seen then.
        record = event.vault.records.get(hotp.uuid)
        kept = record is not None and state.panel.selected == hotp.uuid
        spent = Spent(hotp.uuid, record.counter - 1) if record is not None and kept else None
        state = replace(state, panel=replace(state.panel, hotp=spent))
    return _backed(state, event, now, ref)


def _failed(state: State, event: Failed, now: Instant, ref: int) -> Step:
    problem = event.problem
    if isinstance(state.panel.hotp, Spending) and state.panel.hotp.ref == event.ref:
        state = _told(replace(state, panel=replace(state.panel, hotp=None)), problem, now)
        return state, (_log(problem),)
    state, refusals = _reloaded(state, event.ref, f"{problem.what}: {problem.why}")
    if event.ref == state.opening:
        return _unopened(state, problem, now), (_log(problem), *refusals)
    state, effects = _backed(state, event, now, ref)
    return state, (*effects, *refusals)


def _unopened(state: State, problem: Problem, now: Instant) -> State:
    """Opening failed: an open vault stays open and serves codes from memory."""
    state = replace(state, opening=0)
    if isinstance(state.phase, Open):
        return _told(state, problem, now)
    return replace(state, phase=Locked(problem, now.mono + RETRY_SECONDS))


def _log(problem: Problem) -> Log:
    return Log(40, "failed", (("what", problem.what), ("why", problem.why)))


def _told(state: State, problem: Problem, now: Instant) -> State:
    panel = replace(state.panel, message=Message(problem, now.mono + MESSAGE_SECONDS))
    return replace(state, panel=panel)


def _backed(state: State, event: backups.BackupEvent, now: Instant, ref: int) -> Step:
    before = state.backup
    after, effects = backups.step(before, event, now, ref)
    state = replace(state, backup=after)
    if len(before.lost_at) < backups.HEALED_LIMIT <= len(after.lost_at):
        lost = Problem("backup lost 3 times today", "the broker forgets it", "look at the broker", "E5")
        state = _told(state, lost, now)
    return state, effects


def _asked(state: State, event: Asked, now: Instant, ref: int) -> Step:
    match event.method:
        case "status":
            return state, (Reply(event.ask, status(state, now)),)
        case "frame":
            return state, (ReplyFrame(event.ask),)
        case "press":
            return _pressed(state, event, now, ref)
        case "reload":
            wait = Waiting(event.ask, "reload", now.mono + ASK_SECONDS, ref)
            return replace(state, waiting=(*state.waiting, wait), opening=ref), (OpenVault(ref),)
        case "backup":
            after, effects = backups.request(state.backup, now, ref)
            wait = Waiting(event.ask, "backup", now.mono + ASK_SECONDS)
            return replace(state, backup=after, waiting=(*state.waiting, wait)), effects
        case "lock" | "unlock":
            return state, (Reply(event.ask, problem="there is no PIN to lock with"),)
        case _:
            return state, (Reply(event.ask, problem="unknown method"),)


def _pressed(state: State, event: Asked, now: Instant, ref: int) -> Step:
    button = event.params.get("button")
    if button not in ("previous", "next", "ok"):  # a set would want it hashable, and a client may send a list
        return state, (Reply(event.ask, problem="no such button"),)
    gesture = Gestured(button, "hold" if event.params.get("hold") else "press")
    state, effects = _gestured(state, gesture, now, ref)
    return state, (*effects, Reply(event.ask, {}))


def _reloaded(state: State, ref: int, problem: str | None = None) -> Step:
    """Answer who waits for the reload `ref`."""
    done = tuple(one for one in state.waiting if one.goal == "reload" and one.ref == ref)
    state = replace(state, waiting=tuple(one for one in state.waiting if one not in done))
    return state, tuple(Reply(one.ask, None if problem else {}, problem) for one in done)


def _answered(state: State, now: Instant) -> Step:
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
