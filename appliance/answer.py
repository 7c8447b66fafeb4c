"""What the keeper makes of a piece of work: effects of the core in, events out; foreseen trouble becomes data."""

import contextlib
from dataclasses import replace
from typing import Literal, assert_never

from appliance.core.effects import Change, Check, Inspect, Merge, OpenVault, Spend, Unlock
from appliance.core.events import (
    Checked,
    Event,
    Failed,
    Inspected,
    Missing,
    Opened,
    Problem,
    Refused,
    Saved,
    Shut,
)
from appliance.errors import ApplianceError, MustWait, NothingFound, VaultLocked, WrongPassphrase, WrongPin
from appliance.keeper import Keeper, Kept
from appliance.vault import edit
from appliance.vault.merge import counters_only

Work = OpenVault | Unlock | Change | Check | Inspect
"""What a keeper does."""


def answer(keeper: Keeper, work: Work) -> Event:
    """Do a piece of work with the keeper, and return the event that tells of it; blocks."""
    try:
        return _done(keeper, work)
    except VaultLocked as error:
        if isinstance(work, OpenVault):
            return _shut(keeper, work.ref, error.kind)
        return Failed(work.ref, problem(error))
    except NothingFound as error:
        if isinstance(work, OpenVault):
            return Missing(work.ref)
        return Failed(work.ref, problem(error))
    except ApplianceError as error:
        if isinstance(work, Inspect):
            return Inspected(work.ref, problem(error))
        return Failed(work.ref, problem(error))


def _done(keeper: Keeper, work: Work) -> Event:
    match work:
        case OpenVault(ref):
            return _opened(keeper, ref, keeper.open())
        case Unlock(ref, entered):
            return _unlocked(keeper, ref, entered)
        case Change(ref, change):
            before = keeper.open()
            return _saved(ref, before, _changed(keeper, change))
        case Check(ref, payload):
            return Checked(ref, keeper.check(payload))
        case Inspect(ref):
            keeper.inspect()
            return Inspected(ref)
        case _:
            assert_never(work)


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


def _shut(keeper: Keeper, ref: int, kind: Literal["pin", "passphrase"]) -> Shut:
    shut = Shut(ref, kind)
    with contextlib.suppress(ApplianceError):  # a count that can't be read is told to who tries a PIN
        shut = replace(shut, wait=keeper.wait(), tries_left=keeper.tries_left())
    with contextlib.suppress(ApplianceError):  # whoever unlocks it is told what is wrong with the file
        kept = keeper.shut()
        shut = replace(shut, sealed=kept.published, proof=kept.proof, vault=kept.vault, device=kept.device)
    return shut


def _unlocked(keeper: Keeper, ref: int, entered: str) -> Event:
    try:
        return _opened(keeper, ref, keeper.unlock(entered))
    except WrongPin as error:
        return Refused(ref, error.why, error.wait, error.left)
    except MustWait as error:
        return Refused(ref, error.why, error.wait, keeper.tries_left())
    except WrongPassphrase as error:
        return Refused(ref, error.why, keeper.wait(), keeper.tries_left())


def _opened(keeper: Keeper, ref: int, kept: Kept) -> Opened:
    vault, epoch = kept.vault, kept.envelope.epoch
    tried_at = keeper.tried_at()
    proof = kept.envelope.proof
    return Opened(
        ref, vault.generation, kept.published, vault, kept.warning, kept.mode, proof, epoch, tried_at
    )


def _saved(ref: int, before: Kept, after: Kept) -> Saved:
    only = counters_only(before.vault, after.vault)
    proof, epoch = after.envelope.proof, after.envelope.epoch
    return Saved(ref, after.vault.generation, after.published, after.vault, only, proof, epoch)
