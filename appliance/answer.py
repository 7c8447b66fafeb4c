"""What the keeper makes of a piece of work: effects of the core in, events out; foreseen trouble becomes data."""

from typing import assert_never

from appliance.core.effects import Change, Check, Merge, OpenVault, Spend
from appliance.core.events import Checked, Event, Failed, Missing, Opened, Problem, Saved
from appliance.errors import ApplianceError, NothingFound
from appliance.keeper import Keeper, Kept
from appliance.vault import edit
from appliance.vault.merge import counters_only


def answer(keeper: Keeper, work: OpenVault | Change | Check) -> Event:
    """Do a piece of work with the keeper, and return the event that tells of it; blocks."""
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
