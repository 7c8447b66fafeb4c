"""What is looked after while time passes: what is seen is measured, a time that is certain remembered, the card read
through, and the owner reminded to try the secrets.

A card that decays is found while its older files and the broker still have everything; a passphrase that nobody
remembers, and a paper that nobody finds, while the vault is still open.
"""

from dataclasses import replace
from typing import Final

from appliance.core.effects import SECRETS_TRIED, Effect, Inspect, Log, Measure, OpenVault, Remember
from appliance.core.events import Inspected, Measured, Problem
from appliance.core.instant import Instant
from appliance.core.screen import Pages
from appliance.core.state import Fault, Host, Json, NoVault, Open, State, told

MEASURE_SECONDS: Final = 10.0
"""While somebody looks at it."""
GOOD_TIME_SECONDS: Final = 3600.0
"""Between two times that are remembered on the card."""
CARD_SECONDS: Final = 86_400.0
"""Between two readings of all generations."""
SETTLE_SECONDS: Final = 600.0
"""After the start, which has enough to read."""
TRY_SECONDS: Final = 183 * 86_400.0
"""After which passphrase and recovery key should be tried again."""
REMINDER: Final = Problem("Still known?", "try the passphrase:", "appliance passphrase --check", short="")
_DAY_SECONDS: Final = 86_400.0

Step = tuple[State, tuple[Effect, ...]]


def elapsed(state: State, now: Instant, ref: int) -> Step:
    """Do what is due; `ref` and `ref + 1` are fresh numbers."""
    state, effects = _measuring(state, now, ref + 1)
    if now.trust == "synchronised" and now.mono >= state.good_time_due:
        state = replace(state, good_time_due=now.mono + GOOD_TIME_SECONDS)
        effects = (*effects, Remember("good_time", now.unix))
    if not isinstance(state.phase, Open):
        return state, effects
    upkeep = state.upkeep
    if upkeep.card_due == 0.0:
        upkeep = replace(upkeep, card_due=now.mono + SETTLE_SECONDS)
    elif now.mono >= upkeep.card_due:
        upkeep = replace(upkeep, card_due=now.mono + CARD_SECONDS, ref=ref)
        effects = (*effects, Inspect(ref))
    if upkeep.tried_at is None and now.trust == "synchronised":
        # Made or restored just now, or by a release that did not count: either way six months begin.
        upkeep = replace(upkeep, tried_at=now.unix)
        effects = (*effects, Remember(SECRETS_TRIED, now.unix))
    return replace(state, upkeep=upkeep), effects


def _measuring(state: State, now: Instant, ref: int) -> Step:
    seen = isinstance(state.phase, NoVault) or isinstance(state.panel.screen, Pages)
    if not seen or state.panel.blank or now.mono < state.host.due:
        return state, ()
    return replace(state, host=replace(state.host, ref=ref, due=now.mono + MEASURE_SECONDS)), (Measure(ref),)


def measured(state: State, event: Measured) -> State:
    """Take over what was measured; a late answer is ignored."""
    if event.ref != state.host.ref:
        return state
    return replace(state, host=Host(event.address, event.celsius, 0, state.host.due))


def deadline(state: State) -> float | None:
    """Return the monotonic time at which something here is due; None: not by itself."""
    return (state.upkeep.card_due or None) if isinstance(state.phase, Open) else None


def inspected(state: State, event: Inspected, now: Instant, ref: int) -> Step:
    """Take over what the card turned out to be like; what is damaged is dealt with as when it is opened."""
    if event.ref != state.upkeep.ref:
        return state, ()
    upkeep = replace(state.upkeep, ref=0, checked_at=now.unix, card_fault=None)
    if event.problem is None:
        return replace(state, upkeep=upkeep), (Log(10, "card read through"),)
    fault = Fault(event.problem, now.mono)
    state = replace(state, upkeep=replace(upkeep, card_fault=fault), opening=ref)
    log = Log(40, "card failing", (("what", event.problem.what), ("why", event.problem.why)))
    return told(state, event.problem, now), (log, OpenVault(ref))


def tries_due(tried_at: float | None, now: Instant) -> bool:
    """Return whether it is time to try passphrase and recovery key; never by a clock that nobody vouches for."""
    return now.trusted and tried_at is not None and now.unix - tried_at >= TRY_SECONDS


def reminded(state: State, now: Instant) -> State:
    """Remind whoever has just woken the display, once a day."""
    today = int(now.unix // _DAY_SECONDS)
    if (
        not isinstance(state.phase, Open)
        or not tries_due(state.upkeep.tried_at, now)
        or state.upkeep.reminded_on == today
    ):
        return state
    return told(replace(state, upkeep=replace(state.upkeep, reminded_on=today)), REMINDER, now)


def secrets_status(tried_at: float | None, now: Instant) -> Json:
    """Return when passphrase or recovery key were tried last, in Unix seconds, and whether they should be again."""
    return {"tried_at": tried_at, "due": tries_due(tried_at, now)}
