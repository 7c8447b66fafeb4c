"""What the own history at the broker still holds under older master keys: cleared, and checked to be gone.

After a re-key the old passphrase must open nothing that is ours to clear. Rules: once on each connection, when the
backup under the present key is verified; one slot after the other, and only what is readable and of a lower epoch.
A slot is clean when it was read again and nothing of that kind came. Every stage that waits has an `until`; late and
duplicate events carry the ref of a stage that is over, and are ignored.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal, assert_never

from appliance.core.backup import BackupEvent
from appliance.core.cycle import ACKNOWLEDGE_SECONDS, READ_SECONDS, Backup, history_topic
from appliance.core.effects import Effect, Fetch, Log, Publish
from appliance.core.events import Acknowledged, Connected, Lost, Received, Subscribed, Woke
from appliance.core.instant import Instant
from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import sealed
from appliance.vault.document import SLOTS_OF_HISTORY

PAUSE_SECONDS: Final = (5.0, 20.0)
"""Between tries for one slot; after the last it is left for the next connection."""

Age = Literal["older", "present", "unreadable"]


@dataclass(frozen=True, slots=True)
class Looking:
    """The retained message of a slot was asked for."""

    ref: int
    until: float
    again: bool = False
    """It was cleared just before: nothing older may come."""
    subscribed: bool = False


@dataclass(frozen=True, slots=True)
class Clearing:
    """The broker was given the empty message that deletes a retained one."""

    ref: int
    until: float


@dataclass(frozen=True, slots=True)
class Pausing:
    """The slot is tried again at `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class Run:
    """Going through the slots once."""

    backup: str
    """Topic of the backup, to which the history belongs."""
    epoch: int
    stage: Looking | Clearing | Pausing
    slot: int = 0
    emptied: bool = False
    """This slot had something older."""
    tries: int = 0
    """That failed, for this slot."""
    cleared: int = 0
    left: tuple[int, ...] = ()
    """Slots given up."""
    unreadable: tuple[int, ...] = ()
    why: str = ""
    """The last slot was given up."""

    @property
    def topic(self) -> str:
        """Of the slot."""
        return history_topic(self.backup, self.slot)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of older backups, and what is being done about them."""

    run: Run | None = None
    done: tuple[str, int] | None = None
    """Topic and epoch of the last run on this connection."""
    warned: frozenset[int] = frozenset()
    """Slots that the owner was told are unreadable."""


Step = tuple[Past, tuple[Effect, ...]]


def age(payload: bytes, epoch: int) -> Age:
    """Return what a retained message is to a vault of this epoch; "older": a master key of before opens it.

    "present" is a later epoch, too: it is not ours to judge, as little as what is "unreadable".
    """
    try:
        return "older" if sealed.read(payload).epoch < epoch else "present"
    except (VaultDamaged, VaultTooNew):
        return "unreadable"


def deadline(past: Past) -> float | None:
    """Return the monotonic time at which `step` wants a `Woke`; None: not by itself."""
    return None if past.run is None else past.run.stage.until


def step(
    past: Past, event: BackupEvent, backup: Backup, sent: tuple[Effect, ...], now: Instant, ref: int
) -> Step:
    """Return what an event makes of the past; `ref` is a fresh number for its effect.

    `backup` is what the same event made of the backup, and `sent` are the effects of that: they are done first.
    """
    if isinstance(event, Connected | Lost):
        return Past(warned=past.warned), () if past.run is None else _cleared(past.run)
    if past.run is None:
        return _begun(past, backup, now, ref)
    if past.run.epoch != backup.epoch:
        # Another key since: what was present a moment ago is older now, in the slots that were passed, too.
        begun, effects = _begun(replace(past, run=None), backup, now, ref)
        return begun, (*_cleared(past.run), *effects)
    overtaken = any(isinstance(one, Publish) and one.topic == past.run.topic for one in sent)
    if overtaken and isinstance(past.run.stage, Looking):
        # What is on its way here is from before: to clear the slot for it would delete what was just published.
        return _look(past, past.run, now, ref)
    return _continued(past, past.run, event, now, ref)


def _continued(past: Past, run: Run, event: BackupEvent, now: Instant, ref: int) -> Step:
    match event:
        case Subscribed():
            return _subscribed(past, run, event, now, ref)
        case Received():
            return _received(past, run, event, now, ref)
        case Acknowledged():
            return _acknowledged(past, run, event, now, ref)
        case Woke():
            return _woken(past, run, now, ref)
        case _:
            return past, ()


def _begun(past: Past, backup: Backup, now: Instant, ref: int) -> Step:
    # Nothing is older than the first epoch.
    if backup.epoch == 1 or backup.condition != "verified" or past.done == (backup.topic, backup.epoch):
        return past, ()
    return _look(past, Run(backup.topic, backup.epoch, Pausing(now.mono)), now, ref)


def _look(past: Past, run: Run, now: Instant, ref: int, *, again: bool = False) -> Step:
    stage = Looking(ref, now.mono + READ_SECONDS, again)
    return replace(past, run=replace(run, stage=stage)), (Fetch(ref, run.topic),)


def _subscribed(past: Past, run: Run, event: Subscribed, now: Instant, ref: int) -> Step:
    stage = run.stage
    if not isinstance(stage, Looking) or stage.ref != event.ref or stage.subscribed:
        return past, ()
    if event.problem is not None:
        return _failed(past, run, event.problem, now, ref)
    stage = replace(stage, subscribed=True, until=now.mono + READ_SECONDS)
    return replace(past, run=replace(run, stage=stage)), ()


def _received(past: Past, run: Run, event: Received, now: Instant, ref: int) -> Step:
    stage = run.stage
    if not isinstance(stage, Looking) or stage.ref != event.ref:
        return past, ()
    if event.topic != run.topic or not event.retained:
        return past, ()
    found = age(event.payload, run.epoch)
    match found:
        case "present":
            return _clean(past, run, now, ref)
        case "unreadable":
            return _clean(past, replace(run, unreadable=(*run.unreadable, run.slot)), now, ref)
        case "older" if stage.again:
            return _failed(past, run, "the broker keeps them", now, ref)
        case "older":
            clearing = Clearing(ref, now.mono + ACKNOWLEDGE_SECONDS)
            run = replace(run, stage=clearing, emptied=True)
            return replace(past, run=run), (Publish(ref, run.topic, b""),)
        case _:
            assert_never(found)


def _acknowledged(past: Past, run: Run, event: Acknowledged, now: Instant, ref: int) -> Step:
    if not isinstance(run.stage, Clearing) or run.stage.ref != event.ref:
        return past, ()
    if event.problem is not None:
        return _failed(past, run, event.problem, now, ref)
    return _look(past, run, now, ref, again=True)


def _woken(past: Past, run: Run, now: Instant, ref: int) -> Step:
    stage = run.stage
    if now.mono < stage.until:
        return past, ()
    match stage:
        case Looking(subscribed=True):
            return _clean(past, run, now, ref)
        case Looking():
            return _failed(past, run, "the broker does not answer", now, ref)
        case Clearing():
            return _look(past, run, now, ref, again=True)
        case Pausing():
            # Some time has passed, and the slot may hold a newer message: read again before anything is cleared.
            return _look(past, run, now, ref)
        case _:
            assert_never(stage)


def _failed(past: Past, run: Run, why: str, now: Instant, ref: int) -> Step:
    """Try the slot again a little later, and at last leave it for the next connection."""
    if run.tries == len(PAUSE_SECONDS):
        return _passed(past, replace(run, left=(*run.left, run.slot), why=why), now, ref)
    stage = Pausing(now.mono + PAUSE_SECONDS[run.tries])
    return replace(past, run=replace(run, stage=stage, tries=run.tries + 1)), ()


def _clean(past: Past, run: Run, now: Instant, ref: int) -> Step:
    return _passed(past, replace(run, cleared=run.cleared + run.emptied), now, ref)


def _passed(past: Past, run: Run, now: Instant, ref: int) -> Step:
    """Go on to the next slot, or end the run and tell of it."""
    if run.slot + 1 < SLOTS_OF_HISTORY:
        return _look(past, replace(run, slot=run.slot + 1, emptied=False, tries=0), now, ref)
    logs = _cleared(run)
    if run.left:
        logs = (*logs, Log(30, "older backups not cleared", (("slots", _listed(run.left)), ("why", run.why))))
    if not past.warned.issuperset(run.unreadable):
        logs = (*logs, Log(30, "history not readable", (("slots", _listed(run.unreadable)),)))
    return Past(done=(run.backup, run.epoch), warned=past.warned.union(run.unreadable)), logs


def _cleared(run: Run) -> tuple[Log, ...]:
    return (Log(20, "older backups cleared", (("count", run.cleared),)),) if run.cleared else ()


def _listed(slots: tuple[int, ...]) -> str:
    return ",".join(map(str, slots))
