"""The backup on the broker: saved -> published -> acknowledged -> fetched back -> checked -> verified.

Rules: only what was fetched back, is equal byte for byte and opens is called verified, and never for longer than a
quarter of an hour without being fetched again. On each connection the own topic is read before anything is published,
so that an old card never overwrites a newer backup; that nothing is there is believed only of a broker that was proven
to deliver (`silence.py`). One cycle at a time, its bytes fixed at its start; newer saves wait, and the latest wins.
Every stage that waits has an `until`, so a lost event is a time-out; a time-out leads to another fetch, never to a
publication. Late and duplicate events carry the ref of a stage that is over, and are ignored.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core import silence, verdict
from appliance.core.cycle import (
    READ_SECONDS,
    VERIFIED_SECONDS,
    Backup,
    Checking,
    Condition,
    Connecting,
    Known,
    Merging,
    Probing,
    Publishing,
    Reading,
    Resting,
    Step,
    check,
    drop,
    publish,
    read,
    recheck_at,
    release,
    rest,
)
from appliance.core.effects import Effect, Fetch, Log, Reconnect, Remember
from appliance.core.events import (
    Acknowledged,
    Checked,
    Connected,
    Failed,
    Lost,
    Opened,
    Oversized,
    Received,
    Saved,
    Shut,
    Subscribed,
    Truncated,
    Woke,
)
from appliance.core.instant import Instant
from appliance.core.verdict import DISTURBED_SECONDS, OVERHEARD, TWIN, TWIN_SECONDS
from appliance.vault.model import Vault

COUNTER_SECONDS: Final = 60.0
"""Saves that only move HOTP counters are collected for so long."""
CONNECT_SECONDS: Final = 20.0
"""For an attempt to reach the broker that somebody waits for."""
HEALED_LIMIT: Final = 3
"""Losses of the backup in a day that the owner should hear of."""
REFUSED_SIZES: Final = ("packet too large", "quota exceeded", "message too large")
"""How brokers say no to a size, in the words of MQTT 5."""

_PAUSED: Final = frozenset({"passphrase_changed", "rejected"})
"""A new save is no reason to write over what was found: it is read again, and that decides."""
BackupEvent = (
    Opened
    | Shut
    | Saved
    | Connected
    | Lost
    | Acknowledged
    | Subscribed
    | Received
    | Oversized
    | Truncated
    | Checked
    | Failed
    | Woke
)


def deadline(backup: Backup) -> float | None:
    """Return the monotonic time at which `step` wants a `Woke`; None: not by itself."""
    until = backup.stage.until
    if backup.condition != "verified":
        return until
    expires = backup.fetched_at + VERIFIED_SECONDS
    return expires if until is None else min(until, expires)


def step(  # noqa: C901, PLR0911, PLR0912 - one case for each event
    backup: Backup, event: BackupEvent, now: Instant, ref: int
) -> Step:
    """Return what an event makes of the backup; `ref` to `ref + 3` are fresh numbers for its effects."""
    match event:
        case Opened() | Saved():
            return _take(backup, event, now, ref)
        case Shut():
            return _shelve(backup, event, now, ref)
        case Connected():
            return _connect(replace(backup, link=event), now, ref)
        case Lost():
            return _lose(backup, event, now)
        case Woke():
            return _wake(_expire(backup, now), now, ref)
        case Received():
            return _receive(backup, event, now, ref)
        case Oversized():
            return _meet_oversized(backup, event, now, ref)
        case Truncated():
            return backup, ()  # of one topic, where a broker keeps one message
        case Subscribed():
            return _subscribed(backup, event, now, ref)
        case Acknowledged():
            return _acknowledged(backup, event, now, ref)
        case Checked():
            return _checked(backup, event, now, ref)
        case Failed():
            return verdict.fail(backup, event, now)
        case _:
            assert_never(event)


def request(backup: Backup, now: Instant, ref: int) -> Step:
    """Return the backup with a cycle begun because somebody asked for one; without a link, with an attempt to get one."""
    if backup.prefix is None or not backup.latest or not backup.settled:
        return backup, ()
    backup = replace(backup, not_before=0.0, overwrites=0, drops=0, dropped_size=0)
    if backup.link is None:
        return replace(backup, stage=Connecting(now.mono + CONNECT_SECONDS)), (Reconnect(),)
    return read(backup, now, ref)


# --- the card


def _take(backup: Backup, event: Opened | Saved, now: Instant, ref: int) -> Step:
    topic = _topic(backup, event.vault)
    if backup.topic and topic != backup.topic:
        backup = _elsewhere(backup)
    # The card fell back to an older file: what the broker has may be newer, and is read first, as at a start.
    fell_back = isinstance(event, Opened) and event.generation < backup.generation
    unread = topic != backup.topic or fell_back or backup.locked
    merging = backup.stage if isinstance(backup.stage, Merging) else None
    merged = merging is not None and merging.ref == event.ref
    newer = event.generation > backup.generation
    # The first opening by this release adds a proof, and is no save.
    signed = event.generation == backup.generation and event.sealed != backup.latest
    if fresh := unread or newer or signed:
        backup = replace(
            backup,
            topic=topic,
            latest=event.sealed,
            proof=event.proof,
            generation=event.generation,
            epoch=event.epoch,
            locked=False,
            day_slot=event.vault.day[1],
            seen=backup.seen and not unread,
        )
        backup = release(backup)
    if backup.prefix is None:
        return backup, ()
    if merged and merging is not None:
        backup = replace(backup, seen=True)
        return read(backup, now, ref) if merging.payload == backup.latest else publish(backup, now, ref)
    if backup.link is None:
        return replace(backup, condition="offline"), ()
    if not fresh:
        return backup, ()
    if unread:
        return read(replace(backup, condition="pending", error=None, published=b""), now, ref)
    return _begin(backup, event, now, ref)


def _elsewhere(backup: Backup) -> Backup:
    """Forget what is known of a topic: the vault or the device has another id, and nothing holds for the new one."""
    return replace(
        backup,
        known=Known(),
        held=False,
        delivers=None,
        ahead=None,
        current=False,
        waited=False,
        announced="",
        late=b"",
        successor="",
        doubted=False,
    )


def _begin(backup: Backup, event: Opened | Saved, now: Instant, ref: int) -> Step:
    paused = backup.condition in _PAUSED
    if not paused and backup.condition != "conflict":
        backup = replace(backup, condition="pending", error=None)
    if not isinstance(backup.stage, Resting):
        return backup, ()  # the cycle under way notices at its end that there is something newer
    if paused or not backup.seen:
        return read(backup, now, ref)
    if isinstance(event, Saved) and event.counters_only:
        until = now.mono + COUNTER_SECONDS
        return replace(backup, stage=Resting(min(backup.stage.until or until, until))), ()
    return publish(backup, now, ref)


def _shelve(backup: Backup, event: Shut, now: Instant, ref: int) -> Step:
    """Take over what is known of a vault that is locked: enough to see whether its backup is there."""
    if event.vault is None or not event.sealed or backup.prefix is None:
        return backup, ()
    backup = replace(
        backup,
        topic=f"{backup.prefix}/{event.vault}/{event.device}/backup",
        latest=event.sealed,
        proof=event.proof,
        generation=0 if event.proof is None else event.proof.generation,
        locked=True,
    )
    if backup.link is None:
        return replace(backup, condition="offline"), ()
    return read(replace(backup, condition="pending"), now, ref)


def _topic(backup: Backup, vault: Vault) -> str:
    return f"{backup.prefix}/{vault.id}/{vault.device}/backup"


# --- the link


def _connect(backup: Backup, now: Instant, ref: int) -> Step:
    # What ended an earlier connection stays told until something better is known; what kept it from being made is over.
    backup = backup if backup.drops else replace(backup, error=None)
    backup = release(
        replace(backup, published=b"", delivers=None, waited=False, blinks=0, announced="", stage=Resting())
    )
    log = Log(20, "broker connected", (("mqtt", backup.link.version if backup.link else ""),))
    if not backup.latest:
        return replace(backup, error=None), (log,)
    backup, effects = read(replace(backup, condition="pending"), now, ref)
    return backup, (log, *effects)


def _lose(backup: Backup, event: Lost, now: Instant) -> Step:
    why = event.problem.why
    publishing = isinstance(backup.stage, Publishing)
    if isinstance(backup.stage, Publishing):
        size = len(backup.stage.payload)
        backup = drop(backup, size, why, now)
        why = f"the connection ended while {size} bytes were published: {why}"
    condition: Condition = "offline" if backup.latest else "never"
    if event.contested and not publishing:
        backup = replace(backup, contested_until=now.mono + TWIN_SECONDS)
        condition, why = "conflict", TWIN
    # Closings have other reasons as well; a probe that another session wrote meanwhile tells.
    backup = replace(backup, puzzled=backup.puzzled or (event.puzzling and not publishing), twin_ref=0)
    known = backup.link is None and backup.error == why
    log = Log(10 if known else 30, "broker lost", (("why", why),))
    return replace(backup, link=None, stage=Resting(), condition=condition, error=why), (log,)


# --- the topic


def _expire(backup: Backup, now: Instant) -> Backup:
    """Call nothing verified that was fetched long ago: the look at it takes its time, or the machine slept."""
    if backup.condition == "verified" and now.mono >= backup.fetched_at + VERIFIED_SECONDS:
        return replace(backup, condition="unverified", error="the last look at it is too long ago")
    return backup


def _wake(backup: Backup, now: Instant, ref: int) -> Step:  # noqa: C901, PLR0911 - one case for each stage
    stage = backup.stage
    if stage.until is None or now.mono < stage.until:
        return backup, ()
    if backup.link is None:  # nobody answered in time who waits for a link
        return replace(backup, stage=Resting(), condition="offline"), ()
    match stage:
        case Resting() | Connecting():
            # It counts as the look that a passing message leads to: those that come next wait for their turn.
            return read(replace(backup, disturbed_at=now.mono), now, ref)
        case Reading(other=bytes(other)):
            return check(backup, other, stage.expected, now, ref)
        case Reading(subscribed=True):
            return _hear_nothing(backup, now, ref)
        case Reading():
            return read(replace(backup, condition="unverified", error="the broker does not answer"), now, ref)
        case Probing():
            return _probed(*silence.elapse(backup, stage, now, ref), now, ref)
        case Checking() | Merging():
            return read(backup, now, ref)
        case Publishing():
            return read(replace(backup, error="the broker does not acknowledge"), now, ref)
        case _:
            assert_never(stage)


def _receive(backup: Backup, event: Received, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if backup.link is None:
        return backup, ()
    if event.retained and event.ref == backup.twin_ref:
        return verdict.recognise(backup, event.payload, now, ref)
    if isinstance(stage, Probing):
        backup, effects = _probed(*silence.step(backup, stage, event, now, ref), now, ref)
        if effects or event.topic != backup.topic:
            return backup, effects
    if event.topic != backup.topic:
        return backup, ()
    return _receive_backup(backup, event, now, ref)


def _receive_backup(backup: Backup, event: Received, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if not event.retained:
        return _disturb(backup, event.payload, now, ref)
    if not isinstance(stage, Reading) or stage.ref != event.ref:
        return backup, ()
    if event.payload == stage.expected:
        return check(backup, event.payload, stage.expected, now, ref)
    return replace(backup, stage=replace(stage, other=event.payload)), ()


def _meet_oversized(backup: Backup, event: Oversized, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if event.topic != backup.topic or backup.link is None:
        return backup, ()
    if not event.retained:
        return _disturb(backup, None, now, ref)
    if not isinstance(stage, Reading) or stage.ref != event.ref:
        return backup, ()
    return verdict.reject(backup, f"it has {event.size} bytes, more than a backup may have", now, ref)


def _disturb(backup: Backup, payload: bytes | None, now: Instant, ref: int) -> Step:
    """Look after a live message, which proves nothing: the own echo, or somebody else's write.

    However many come, they lead to one read in ten seconds.
    """
    if payload == backup.latest and backup.condition in {"verified", "pending", "acknowledged"}:
        return backup, ()
    backup = backup if payload == backup.latest else replace(backup, overheard=True)
    if not isinstance(backup.stage, Resting):
        return (backup if payload == backup.latest else replace(backup, disturbed=True)), ()
    if payload != backup.latest and backup.condition == "verified":
        backup = replace(backup, condition="unverified", error=OVERHEARD)
    again = backup.disturbed_at + DISTURBED_SECONDS
    if now.mono < again:
        until = again if backup.stage.until is None else min(backup.stage.until, again)
        return replace(backup, stage=Resting(until)), ()
    return read(replace(backup, disturbed_at=now.mono), now, ref)


def _subscribed(backup: Backup, event: Subscribed, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if isinstance(stage, Probing):
        return _probed(*silence.step(backup, stage, event, now, ref), now, ref)
    if not isinstance(stage, Reading) or stage.ref != event.ref:
        return backup, ()
    if event.problem is None:
        return replace(backup, stage=replace(stage, subscribed=True)), ()
    return _absent(replace(backup, delivers=False), now, ref, f"{silence.BLIND}: {event.problem}")


def _hear_nothing(backup: Backup, now: Instant, ref: int) -> Step:
    if backup.link is not None and not backup.link.retain:
        return publish(backup, now, ref)  # which says why it can't
    if not backup.delivers:
        return silence.begin(backup, now, ref)
    return _absent(backup, now, ref)


def _probed(backup: Backup, effects: tuple[Effect, ...], now: Instant, ref: int) -> Step:
    """Go on with the backup's own topic once it is known whether the broker delivers."""
    if backup.delivers is None or not isinstance(backup.stage, Probing):
        return backup, effects
    return _absent(backup, now, ref)


def _absent(backup: Backup, now: Instant, ref: int, blind: str = silence.BLIND) -> Step:
    if backup.condition == "passphrase_changed" and not backup.delivers:
        return rest(backup, backup.condition, backup.error, recheck_at(backup, now))
    plan = silence.plan(backup)
    match plan:
        case "again":
            return read(replace(backup, doubted=True), now, ref)
        case "wait":
            error = "it is missing; the broker may be serving an old state, and is read again in 3 minutes"
            backup = replace(backup, waited=True, delivers=None)
            return rest(backup, "unverified", error, now.mono + silence.CLUSTER_SECONDS)
        case "hold":
            return rest(backup, "conflict", _older(backup), recheck_at(backup, now))
        case "late":
            return silence.put_late(backup, now, ref)
        case "rest":
            return silence.stay_blind(backup, blind, now)
        case "write":
            return _write(backup, now, ref, blind)
        case _:
            assert_never(plan)


def _older(backup: Backup) -> str:
    what = f"generation {backup.ahead.generation}" if backup.ahead else "one under a newer passphrase"
    return (
        f"this card is older than a backup that was made: {what} was known, and is missing; "
        "appliance backup --mine publishes what is here"
    )


def _write(backup: Backup, now: Instant, ref: int, blind: str) -> Step:
    if not backup.delivers:
        effects: tuple[Effect, ...] = ()
        if not backup.known.published:
            effects = (Remember("published", 1.0),)
        # It is this process that writes there from now on.
        backup = replace(
            backup,
            condition="unverified",
            error=blind,
            seen=True,
            known=replace(backup.known, published=True),
        )
        backup, more = publish(backup, now, ref)
        return backup, (*effects, *more)
    if backup.published == backup.latest and not backup.held:
        return publish(replace(backup, condition="unverified", error="the broker did not keep it"), now, ref)
    return publish(verdict.miss(backup, "it was missing", now), now, ref)


def _acknowledged(backup: Backup, event: Acknowledged, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if isinstance(stage, Probing):
        return _probed(*silence.step(backup, stage, event, now, ref), now, ref)
    if not isinstance(stage, Publishing) or stage.ref != event.ref:
        return backup, ()
    if event.problem is not None:
        if event.problem in REFUSED_SIZES:
            backup = drop(backup, len(stage.payload), event.problem, now)
        else:
            backup = replace(
                backup, drops=0, dropped_size=0
            )  # it took the size in, and refuses something else
        return rest(backup, "rejected", event.problem, backup.not_before)
    backup = replace(backup, condition="acknowledged", error=None, drops=0, dropped_size=0, twin=b"")
    reading = Reading(ref, now.mono + READ_SECONDS, stage.payload)
    return replace(backup, stage=reading, disturbed=False), (Fetch(ref, backup.topic),)


def _checked(backup: Backup, event: Checked, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if not isinstance(stage, Checking) or stage.ref != event.ref:
        return backup, ()
    return verdict.judge(backup, stage, event.verdict, now, ref)
