"""Transitions: `step(state, event, now) -> (state, effects)`, and `deadline(state, now)`.

Rules: everything that changes the state is here or in what this file calls: `hand.py` (gestures), `care.py` (what
time does to the display), `question.py` (the control socket), `lock.py`, `upkeep.py`, `backup.py`, `past.py`. Nothing
reads a clock, a file or a random source; no event is counted, only compared by its ref, so that late and duplicate ones are harmless. A
deadline that has passed moves: after a `Woke` the next one lies in the future.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core import backup as backups
from appliance.core import care, device_index, gestures, lock, past, question, upkeep
from appliance.core.account_view import SCROLL_SECONDS
from appliance.core.cycle import Backup
from appliance.core.effects import Effect, Exit, Log, OpenVault
from appliance.core.events import (
    Acknowledged,
    Asked,
    ButtonsFailed,
    Checked,
    Connected,
    Event,
    Failed,
    Inspected,
    Lost,
    Measured,
    Missing,
    Mode,
    Opened,
    Oversized,
    PanelBack,
    PanelFailed,
    Problem,
    Received,
    Refused,
    Saved,
    Shut,
    Stopping,
    Subscribed,
    Truncated,
    Woke,
)
from appliance.core.gestures import Gestured, Moved
from appliance.core.hand import REVEAL_SECONDS, gestured, woken
from appliance.core.instant import Instant
from appliance.core.pacing import Made, noted
from appliance.core.render import scrolling
from appliance.core.state import (
    REFS,
    Closed,
    Fault,
    Locked,
    NoVault,
    Open,
    Options,
    Panel,
    Spending,
    Spent,
    Starting,
    State,
    selected,
    told,
)
from appliance.vault.model import Vault

RETRY_SECONDS: Final = 60.0
"""Between attempts to open a vault that does not open."""
IDLE_SECONDS: Final = 60.0
"""The longest time without a look at the clock and the panel."""

Step = tuple[State, tuple[Effect, ...]]


def start(options: Options, now: Instant) -> Step:
    """Return the first state, and what to do first."""
    panel = Panel(pressed_at=now.mono, brightness=options.brightness)
    state = State(options, Starting(), _unread(options), panel, opening=1, ref=1)
    return state, (OpenVault(1),)


def _unread(options: Options) -> Backup:
    """Return the backup as earlier processes of this card knew it."""
    known = options.known
    offline = options.prefix is not None and known.generation is not None
    return Backup(
        options.prefix,
        options.session,
        known,
        condition="offline" if offline else "never",
        verified_at=known.verified_at,
        verified_generation=known.generation,
    )


def step(state: State, event: Event, now: Instant) -> Step:
    """Return what an event makes of the state, and what is to be done about it."""
    state, ref = _numbered(state)
    state, effects = _step(state, event, now, ref)
    state, answers = question.answered(state, now)
    return state, (*effects, *answers)


def _numbered(state: State) -> tuple[State, int]:
    """Return the state with `REFS` numbers given away, and the first of them."""
    return replace(state, ref=state.ref + REFS), state.ref + 1


def _step(  # noqa: C901, PLR0911, PLR0912 - one case for each event
    state: State, event: Event, now: Instant, ref: int
) -> Step:
    match event:
        case Woke():
            return _woken(state, event, now, ref)
        case Moved():
            return _touched(state, *gestures.moved(state.buttons, event, state.options.layout), now, ref)
        case Gestured():
            return gestured(state, event, now, ref)
        case PanelFailed() | PanelBack() | ButtonsFailed():
            return _hardware(state, event, now)
        case Opened():
            return _opened(state, event, now, ref)
        case Shut():
            return _shut(state, event, now, ref)
        case Refused():
            return _refused(state, event, now)
        case Inspected():
            return upkeep.inspected(state, event, now, ref)
        case Missing():
            return _missing(state, event)
        case Saved():
            return _saved(state, event, now, ref)
        case Failed():
            return _failed(state, event, now, ref)
        case Connected() | Lost() | Acknowledged() | Subscribed() | Checked():
            return _backed(state, event, now, ref)
        case Received() | Oversized() | Truncated():
            return _backed(state, event, now, ref)
        case Measured():
            return upkeep.measured(state, event), ()
        case Asked():
            return question.asked(state, event, now, ref)
        case Stopping():
            return state, (Log(20, "stopping"), Exit())
        case _:
            assert_never(event)


def deadline(state: State, now: Instant) -> float:
    """Return the monotonic time of the next `Woke`: something is due then, or the picture changes."""
    panel = state.panel
    times = [now.mono + IDLE_SECONDS, *care.deadlines(state, now)]
    times += [waiting.until for waiting in state.waiting]
    dues = (
        backups.deadline(state.backup),
        past.deadline(state.past),
        device_index.deadline(state.index),
        gestures.deadline(state.buttons),
        upkeep.deadline(state),
    )
    times += [due for due in dues if due is not None]
    times += lock.deadlines(state)
    if isinstance(state.phase, Locked):
        times.append(state.phase.until)
    if isinstance(panel.hotp, Spending):
        times.append(panel.hotp.until)
    if not panel.blank:
        times.append(_next_picture(state, now))
    return max(now.mono, min(times))


def _next_picture(state: State, now: Instant) -> float:
    second = now.mono + 1.0 - now.unix % 1.0
    return min(second, now.mono + SCROLL_SECONDS) if scrolling(state, now) else second


def _woken(state: State, event: Woke, now: Instant, ref: int) -> Step:
    state, effects = _touched(
        state, *gestures.elapsed(state.buttons, now.mono, state.options.layout), now, ref
    )
    state, ref = _numbered(state)
    hotp = state.panel.hotp
    if isinstance(hotp, Spending) and now.mono >= hotp.until:
        late = Problem("the counter was not saved", "the card does not answer", "try again", "E2")
        state = told(replace(state, panel=replace(state.panel, hotp=None)), late, now)
    state = care.rested(lock.rested(state, now), now)
    if isinstance(state.phase, Locked) and now.mono >= state.phase.until:
        state = replace(state, phase=replace(state.phase, until=now.mono + RETRY_SECONDS), opening=ref + 2)
        effects = (*effects, OpenVault(ref + 2))
    state, fresh = _numbered(state)
    state, looks = upkeep.elapsed(state, now, fresh)
    state, more = _backed(state, event, now, ref)
    state, end = lock.idled(state, now)
    return state, (*effects, *looks, *more, *end)


# --- hands


def _touched(
    state: State, buttons: gestures.Buttons, acted: tuple[Gestured, ...], now: Instant, ref: int
) -> Step:
    """Take over what is known of the buttons, and do what they mean."""
    before, state = state.buttons, replace(state, buttons=buttons)
    state, effects = _stuck(state, before, now)
    if state.panel.blank and gestures.went_down(before, buttons):
        # At once, not when it is let go; and whatever else the hand does until then is the waking.
        state = upkeep.reminded(woken(state, now), now)
        return replace(state, buttons=gestures.used_up(buttons)), effects
    for one in acted:
        state, more = gestured(state, one, now, ref)
        effects = (*effects, *more)
        state, ref = _numbered(state)
    return state, effects


def _stuck(state: State, before: gestures.Buttons, now: Instant) -> Step:
    effects: tuple[Effect, ...] = ()
    known = gestures.stuck(before)
    for key in gestures.stuck(state.buttons):
        if key in known:
            continue
        state = told(
            state, Problem("Button stuck", f"{key} is down for a minute;", "it is ignored now", "E7"), now
        )
        effects = (*effects, Log(30, "button stuck", (("button", key),)))
    return state, effects


def _hardware(state: State, event: PanelFailed | PanelBack | ButtonsFailed, now: Instant) -> Step:
    match event:
        case PanelFailed(problem):
            return replace(state, panel_fault=Fault(problem, now.mono)), (_log(problem),)
        case PanelBack():
            return replace(state, panel_fault=None), (Log(20, "panel back"),)
        case ButtonsFailed(problem):
            return replace(state, buttons_fault=Fault(problem, now.mono)), (_log(problem),)
        case _:
            assert_never(event)


# --- the vault


def _held(state: State, vault: Vault, generation: int, mode: Mode, now: Instant) -> State:
    """Take over a vault; keep the account on the display if it is still there."""
    shown = state.shown
    state = replace(state, phase=Open(vault, generation, mode))
    records = state.records
    if not records:
        return selected(state, None, now)
    place = shown[1] - 1 if shown else 0
    kept = vault.records.get(state.panel.selected or "")
    if kept is None:
        return selected(state, records[min(place, len(records) - 1)].account.uuid, now)
    if isinstance(state.panel.hotp, Spent) and shown and shown[0].account != kept.account:
        # Its counter was spent with what the account was before.
        return replace(state, panel=replace(state.panel, hotp=None))
    return state


def _opened(state: State, event: Opened, now: Instant, ref: int) -> Step:
    first = not isinstance(state.phase, Open)
    if isinstance(state.phase, Closed):
        state = woken(state, now)  # whoever unlocked it from afar sees it, and it is not locked again at once
    if event.ref == state.opening:
        state = replace(state, opening=0)
    elif isinstance(state.phase, Open) and event.generation <= state.phase.generation:
        return question.done(state, event.ref)  # late, or a duplicate: what was saved since stays
    state = _held(state, event.vault, event.generation, event.mode, now)
    state = replace(state, restoring=None, upkeep=replace(state.upkeep, tried_at=event.tried_at))
    effects: tuple[Effect, ...] = ()
    if first:
        fields = (("generation", event.generation), ("accounts", len(event.vault.records)))
        effects = (Log(20, "vault open", fields),)
    if event.warning is not None:
        state = told(state, event.warning, now)
        effects = (*effects, Log(40, "vault damaged", (("what", event.warning.why),)))
    state, more = _backed(state, event, now, ref)
    state, answers = question.done(state, event.ref)
    return state, (*effects, *more, *answers)


def _shut(state: State, event: Shut, now: Instant, ref: int) -> Step:
    log = () if isinstance(state.phase, Closed) else (Log(20, "vault locked", (("needs", event.kind),)),)
    state, answers = question.done(state, event.ref)
    if event.ref != state.opening:
        return state, answers
    state, end = lock.shut(replace(state, opening=0), event, now)
    if end:
        return state, (*log, *answers, *end)
    state, more = _backed(state, event, now, ref)
    return state, (*log, *answers, *more)


def _refused(state: State, event: Refused, now: Instant) -> Step:
    state, answers = question.refused(lock.refused(state, event, now), event)
    return state, (Log(30, "not unlocked", (("why", event.why),)), *answers)


def _missing(state: State, event: Missing) -> Step:
    state, answers = question.done(state, event.ref)
    if event.ref != state.opening:
        return state, answers
    log = () if isinstance(state.phase, NoVault) else (Log(20, "no vault yet"),)
    phase = state.phase if isinstance(state.phase, Open) else NoVault()
    return replace(state, phase=phase, opening=0), (*log, *answers)


def _saved(state: State, event: Saved, now: Instant, ref: int) -> Step:
    if isinstance(state.phase, Open) and event.generation >= state.phase.generation:
        state = _held(state, event.vault, event.generation, state.phase.mode, now)
    hotp = state.panel.hotp
    if isinstance(hotp, Spending) and hotp.ref == event.ref:
        # Shown only while its account is still selected: the press was for what was seen then.
        record = event.vault.records.get(hotp.uuid)
        kept = record is not None and state.panel.selected == hotp.uuid
        spent = Spent(hotp.uuid, record.counter - 1) if record is not None and kept else None
        panel = replace(state.panel, hotp=spent, revealed_until=now.mono + REVEAL_SECONDS)
        state = replace(state, panel=panel)
        if record is not None:
            new = Made(record.account, record.counter - 1, now.mono)
            state = replace(state, made=noted(state.made, new))
    return _backed(state, event, now, ref)


def _failed(state: State, event: Failed, now: Instant, ref: int) -> Step:
    problem = event.problem
    if isinstance(state.panel.hotp, Spending) and state.panel.hotp.ref == event.ref:
        state = told(replace(state, panel=replace(state.panel, hotp=None)), problem, now)
        return state, (_log(problem),)
    state, refusals = question.done(state, event.ref, f"{problem.what}: {problem.why}")
    if isinstance(state.phase, Closed) and state.phase.checking == event.ref:
        return lock.failed(state, problem, now), (_log(problem), *refusals)
    if event.ref == state.opening:
        return _unopened(state, problem, now), (_log(problem), *refusals)
    state, effects = _backed(state, event, now, ref)
    return state, (*effects, *refusals)


def _unopened(state: State, problem: Problem, now: Instant) -> State:
    """Opening failed: an open vault stays open and serves codes from memory."""
    state = replace(state, opening=0)
    if isinstance(state.phase, Open):
        return told(state, problem, now)
    return replace(state, phase=Locked(problem, now.mono + RETRY_SECONDS))


def _log(problem: Problem) -> Log:
    hint = (("hint", problem.hint),) if problem.hint else ()
    return Log(40, "failed", (("what", problem.what), ("why", problem.why), *hint))


def _backed(state: State, event: backups.BackupEvent, now: Instant, ref: int) -> Step:
    before = state.backup
    after, effects = backups.step(before, event, now, ref)
    state = replace(state, backup=after)
    if len(before.lost_at) < backups.HEALED_LIMIT <= len(after.lost_at):
        lost = Problem("backup lost 3 times today", "the broker forgets it", "look at the broker", "E5")
        state = told(state, lost, now)
    state, mine = _numbered(state)
    cleared, more = past.step(state.past, event, after, effects, now, mine)
    index, looks = device_index.step(state.index, event, after, now, mine + 1)
    return replace(state, past=cleared, index=index), (*effects, *more, *looks)
