"""The backup on the broker: saved -> published -> acknowledged -> fetched back -> checked -> verified.

Rules: only what was fetched back, is equal byte for byte and opens is called verified. On each connection the own
topic is read before anything is published, so that an old card never overwrites a newer backup. One cycle at a
time, its bytes fixed at its start; newer saves wait, and the latest wins. Every stage that waits has an `until`,
so a lost event is a time-out; a time-out leads to another fetch, never to a publication. Late and duplicate events
carry the ref of a stage that is over, and are ignored.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core.cycle import (
    Backup,
    Checking,
    Condition,
    Merging,
    Publishing,
    Reading,
    Resting,
    history_topic,
)
from appliance.core.effects import Change, Check, Effect, Fetch, Log, Merge, Publish
from appliance.core.events import (
    Acknowledged,
    Authentic,
    Checked,
    Connected,
    Failed,
    Foreign,
    Lost,
    Opened,
    Outdated,
    Received,
    Saved,
    Subscribed,
    Superseded,
    Undecided,
    Woke,
)
from appliance.core.instant import Instant
from appliance.vault.model import Vault

ACKNOWLEDGE_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
KEEPER_SECONDS: Final = 60.0
"""For a check or a merge by the worker: a slow card may take long, a lost answer must not hang the backup."""
RECHECK_SECONDS: Final = 6 * 3600.0
COUNTER_SECONDS: Final = 60.0
"""Saves that only move HOTP counters are collected for so long."""
RETRY_SECONDS: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Between publications that did not end in a verified backup."""
OVERWRITE_SECONDS: Final = 600.0
"""Between publications over messages that are not ours: no write war."""
QUARANTINE_DROPS: Final = 3
QUARANTINE_SECONDS: Final = 100.0
DAY_SECONDS: Final = 86_400.0
HEALED_LIMIT: Final = 3
"""Losses of the backup in a day that the owner should hear of."""
PAYLOAD_LIMIT: Final = 1_000_000
PACKET_ROOM: Final = 1024
"""Of a broker's packet limit, for topic and properties."""

_PAUSED: Final = frozenset({"passphrase_changed", "rejected"})
"""A new save is no reason to write over what was found: it is read again, and that decides."""
BackupEvent = (
    Opened | Saved | Connected | Lost | Acknowledged | Subscribed | Received | Checked | Failed | Woke
)
Step = tuple[Backup, tuple[Effect, ...]]


def deadline(backup: Backup) -> float | None:
    """Return the monotonic time at which `step` wants a `Woke`; None: not by itself."""
    return backup.stage.until


def step(  # noqa: C901, PLR0911 - one case for each event
    backup: Backup, event: BackupEvent, now: Instant, ref: int
) -> Step:
    """Return what an event makes of the backup; `ref` and `ref + 1` are fresh numbers for its effects."""
    match event:
        case Opened() | Saved():
            return _taken(backup, event, now, ref)
        case Connected():
            return _connected(replace(backup, link=event), now, ref)
        case Lost(problem):
            return _lost(backup, problem.why, now)
        case Woke():
            return _woken(backup, now, ref)
        case Received():
            return _received(backup, event, now, ref)
        case Subscribed():
            return _subscribed(backup, event, now, ref)
        case Acknowledged():
            return _acknowledged(backup, event, now, ref)
        case Checked():
            return _checked(backup, event, now, ref)
        case Failed():
            return _failed(backup, event, now)
        case _:
            assert_never(event)


def request(backup: Backup, now: Instant, ref: int) -> Step:
    """Return the backup with a cycle begun because somebody asked for one."""
    if backup.link is None or not backup.latest or not backup.settled:
        return backup, ()
    return _read(replace(backup, not_before=0.0, overwrote_at=None), now, ref)


def _taken(backup: Backup, event: Opened | Saved, now: Instant, ref: int) -> Step:
    topic = _topic(backup, event.vault)
    # The card fell back to an older file: what the broker has may be newer, and is read first, as at a start.
    fell_back = isinstance(event, Opened) and event.generation < backup.generation
    unread = topic != backup.topic or fell_back
    merged = isinstance(event, Saved) and isinstance(backup.stage, Merging) and backup.stage.ref == event.ref
    if fresh := unread or event.generation > backup.generation:
        backup = replace(
            backup,
            topic=topic,
            latest=event.sealed,
            generation=event.generation,
            epoch=event.epoch,
            day_slot=event.vault.day[1],
            attempts=0,
            not_before=0.0,
            drops=0,
        )
    if backup.prefix is None:
        return backup, ()
    if merged:
        return _publish(backup, now, ref)
    if backup.link is None:
        return replace(backup, condition="offline"), ()
    if not fresh:
        return backup, ()
    if unread:
        return _read(replace(backup, condition="pending", error=None, published=b""), now, ref)
    return _begin(backup, event, now, ref)


def _begin(backup: Backup, event: Opened | Saved, now: Instant, ref: int) -> Step:
    paused = backup.condition in _PAUSED
    if not paused and backup.condition != "conflict":
        backup = replace(backup, condition="pending", error=None)
    if not isinstance(backup.stage, Resting):
        return backup, ()  # the cycle under way notices at its end that there is something newer
    if paused:
        return _read(backup, now, ref)
    if isinstance(event, Saved) and event.counters_only:
        until = now.mono + COUNTER_SECONDS
        return replace(backup, stage=Resting(min(backup.stage.until or until, until))), ()
    return _publish(backup, now, ref)


def _topic(backup: Backup, vault: Vault) -> str:
    return f"{backup.prefix}/{vault.id}/{vault.device}/backup"


def _connected(backup: Backup, now: Instant, ref: int) -> Step:
    backup = replace(backup, published=b"", attempts=0, stage=Resting())
    if backup.drops < QUARANTINE_DROPS:
        backup = replace(backup, not_before=0.0)
    log = Log(20, "broker connected", (("mqtt", backup.link.version if backup.link else ""),))
    if not backup.latest:
        return replace(backup, error=None), (log,)
    backup, effects = _read(replace(backup, condition="pending", error=None), now, ref)
    return backup, (log, *effects)


def _lost(backup: Backup, why: str, now: Instant) -> Step:
    drops = backup.drops + isinstance(backup.stage, Publishing)
    not_before = backup.not_before
    if drops >= QUARANTINE_DROPS and drops > backup.drops:
        not_before = now.mono + QUARANTINE_SECONDS
    condition: Condition = "offline" if backup.latest else "never"
    known = backup.link is None and backup.error == why
    log = Log(10 if known else 30, "broker lost", (("why", why),))
    backup = replace(
        backup, link=None, stage=Resting(), condition=condition, error=why, drops=drops, not_before=not_before
    )
    return backup, (log,)


def _read(backup: Backup, now: Instant, ref: int) -> Step:
    stage = Reading(ref, now.mono + READ_SECONDS, backup.latest)
    return replace(backup, stage=stage, disturbed=False), (Fetch(ref, backup.topic),)


def _publish(backup: Backup, now: Instant, ref: int) -> Step:
    """Publish the latest, if the broker can take it and its turn has come."""
    if backup.link is None:
        return replace(backup, stage=Resting(), condition="offline"), ()
    if not backup.link.retain:
        return _rest(
            backup, "unverified", "the broker keeps no retained messages", now.mono + RECHECK_SECONDS
        )
    limit = PAYLOAD_LIMIT
    if backup.link.payload_limit is not None:
        limit = min(limit, backup.link.payload_limit - PACKET_ROOM)
    if (size := len(backup.latest)) > limit:
        return _rest(backup, "too_large", f"{size} bytes, the limit is {limit}", now.mono + RECHECK_SECONDS)
    if now.mono < backup.not_before:
        return _rest(backup, backup.condition, backup.error, backup.not_before)
    pause = RETRY_SECONDS[min(backup.attempts, len(RETRY_SECONDS) - 1)]
    backup = replace(
        backup,
        stage=Publishing(ref, now.mono + ACKNOWLEDGE_SECONDS, backup.latest),
        published=backup.latest,
        attempts=backup.attempts + 1,
        not_before=now.mono + pause,
    )
    return backup, (Publish(ref, backup.topic, backup.latest),)


def _rest(backup: Backup, condition: Condition, error: str | None, until: float) -> Step:
    news = (condition, error) != (backup.condition, backup.error)
    backup = replace(backup, stage=Resting(until), condition=condition, error=error)
    level = 20 if condition in {"verified", "pending", "acknowledged"} else 30
    fields = (("state", condition), *((("error", error),) if error else ()))
    return backup, ((Log(level, "backup", fields),) if news else ())


def _woken(backup: Backup, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if stage.until is None or now.mono < stage.until:
        return backup, ()
    match stage:
        case Resting():
            return _read(backup, now, ref)
        case Reading(other=bytes(other)):
            return _check(backup, other, stage.expected, now, ref)
        case Reading(subscribed=True):
            return _absent(backup, stage.expected, now, ref)
        case Reading():
            return _read(
                replace(backup, condition="unverified", error="the broker does not answer"), now, ref
            )
        case Checking() | Merging():
            return _read(backup, now, ref)
        case Publishing():
            return _read(replace(backup, error="the broker does not acknowledge"), now, ref)
        case _:
            assert_never(stage)


def _received(backup: Backup, event: Received, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if event.topic != backup.topic or backup.link is None:
        return backup, ()
    if event.retained:
        if not isinstance(stage, Reading) or stage.ref != event.ref:
            return backup, ()
        if event.payload == stage.expected:
            return _check(backup, event.payload, stage.expected, now, ref)
        return replace(backup, stage=replace(stage, other=event.payload)), ()
    # A live message proves nothing: our own echo, or somebody else's write. The second is looked after at once.
    if event.payload == backup.latest:
        return backup, ()
    if isinstance(stage, Resting):
        return _read(replace(backup, condition="unverified", error="another message came"), now, ref)
    return replace(backup, disturbed=True), ()


def _subscribed(backup: Backup, event: Subscribed, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if not isinstance(stage, Reading) or stage.ref != event.ref:
        return backup, ()
    if event.problem is None:
        return replace(backup, stage=replace(stage, subscribed=True)), ()
    # Not being allowed to read must not keep the only backup from being written, once for each content.
    error = f"the broker does not let it be read back: {event.problem}"
    if backup.condition == "passphrase_changed":
        return _rest(backup, backup.condition, backup.error, now.mono + RECHECK_SECONDS)
    if backup.published == backup.latest:
        return _rest(backup, "unverified", error, now.mono + RETRY_SECONDS[-1])
    return _publish(replace(backup, condition="unverified", error=error), now, ref)


def _absent(backup: Backup, expected: bytes, now: Instant, ref: int) -> Step:
    if backup.verified_at is None and backup.generation > 1 and not backup.doubted:
        # This process has seen no backup yet, and the card may be an old one: a slow delivery must not count as none.
        return _read(replace(backup, doubted=True), now, ref)
    if expected == backup.published and not backup.held:
        error = "the broker did not keep it"
        return _publish(replace(backup, condition="unverified", error=error), now, ref)
    return _publish(_missed(backup, "it was missing", now), now, ref)


def _missed(backup: Backup, error: str, now: Instant) -> Backup:
    """Say that what had been verified is lost, and count it: once, until it is verified again."""
    backup = replace(backup, error=error)
    if backup.held:
        recent = tuple(at for at in backup.lost_at if now.unix - DAY_SECONDS < at <= now.unix)
        backup = replace(backup, held=False, lost_at=(*recent, now.unix))
    return backup if backup.verified_at is None else replace(backup, condition="rolled_back")


def _acknowledged(backup: Backup, event: Acknowledged, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if not isinstance(stage, Publishing) or stage.ref != event.ref:
        return backup, ()
    if event.problem is not None:
        return _rest(replace(backup, drops=0), "rejected", event.problem, backup.not_before)
    backup = replace(backup, condition="acknowledged", error=None, drops=0)
    reading = Reading(ref, now.mono + READ_SECONDS, stage.payload)
    return replace(backup, stage=reading, disturbed=False), (Fetch(ref, backup.topic),)


def _check(backup: Backup, payload: bytes, expected: bytes, now: Instant, ref: int) -> Step:
    stage = Checking(ref, now.mono + KEEPER_SECONDS, payload, expected)
    return replace(backup, stage=stage), (Check(ref, payload),)


def _checked(backup: Backup, event: Checked, now: Instant, ref: int) -> Step:
    stage = backup.stage
    if not isinstance(stage, Checking) or stage.ref != event.ref:
        return backup, ()
    verdict = event.verdict
    match verdict:
        case Authentic(generation):
            if stage.payload == stage.expected:
                return _verified(backup, stage.payload, generation, now, ref)
            return _other(backup, stage.payload, verdict, now, ref)
        case Outdated():
            return _publish(replace(backup, error="it was from before the passphrase was changed"), now, ref)
        case Superseded():
            error = "the passphrase was changed, or a newer release is in use, on another device"
            return _rest(backup, "passphrase_changed", error, now.mono + RECHECK_SECONDS)
        case Undecided(why):
            return _rest(backup, "unverified", why, now.mono + RECHECK_SECONDS)
        case Foreign(why):
            return _foreign(backup, why, now, ref)
        case _:
            assert_never(verdict)


def _verified(backup: Backup, payload: bytes, generation: int, now: Instant, ref: int) -> Step:
    ours = payload == backup.published
    backup = replace(
        backup,
        verified_at=now.unix,
        verified_generation=generation,
        held=True,
        attempts=0,
        not_before=0.0,
    )
    if payload != backup.latest:
        return _publish(replace(backup, condition="pending", error=None), now, ref)
    if backup.disturbed:
        return _read(backup, now, ref)
    effects: tuple[Effect, ...] = (Log(20, "backup verified", (("generation", generation),)),)
    if ours:
        topic = history_topic(backup.topic, backup.day_slot)
        effects = (*effects, Publish(ref + 1, topic, payload))
    stage = Resting(now.mono + RECHECK_SECONDS)
    return replace(backup, stage=stage, condition="verified", error=None, published=b""), effects


def _other(backup: Backup, payload: bytes, verdict: Authentic, now: Instant, ref: int) -> Step:
    """Deal with an authentic message of ours that is not the latest."""
    if verdict.generation >= backup.generation:
        error = (
            "a restored old card, or another device with this id: merged"
            if verdict.novel
            else "a copy of this card"
        )
        backup = replace(backup, condition="conflict", error=error)
    elif verdict.generation < (backup.verified_generation or 0):
        backup = _missed(backup, f"generation {verdict.generation} had come back", now)
    else:
        backup = replace(backup, condition="pending", error=None)
    log = Log(
        20 if backup.condition == "pending" else 30,
        "backup differs",
        (("state", backup.condition), ("found", verdict.generation), ("own", backup.generation)),
    )
    if verdict.novel:
        stage = Merging(ref, now.mono + KEEPER_SECONDS)
        return replace(backup, stage=stage), (log, Change(ref, Merge(payload)))
    backup, effects = _publish(backup, now, ref)
    return backup, (log, *effects)


def _foreign(backup: Backup, why: str, now: Instant, ref: int) -> Step:
    again = None if backup.overwrote_at is None else backup.overwrote_at + OVERWRITE_SECONDS
    error = f"the message found is not ours: {why}"
    if again is not None and now.mono < again:
        return _rest(backup, "rejected", error, again)
    backup = replace(backup, condition="rejected", error=error, overwrote_at=now.mono)
    backup, effects = _publish(backup, now, ref)
    return backup, (Log(40, "backup rejected", (("why", why),)), *effects)


def _failed(backup: Backup, event: Failed, now: Instant) -> Step:
    stage = backup.stage
    if not isinstance(stage, Checking | Merging) or stage.ref != event.ref:
        return backup, ()
    return _rest(backup, "unverified", event.problem.why, now.mono + RETRY_SECONDS[-1])
