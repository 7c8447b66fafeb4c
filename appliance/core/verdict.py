"""What a message that was found on the backup's topic leads to, once the keeper has judged it.

Rules: what is proven to be newer is never written over; what nothing proves is nobody's, and is written over, in
the long run every ten minutes at most. An authentic message that holds something new is merged first.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core.cycle import (
    KEEPER_SECONDS,
    RETRY_SECONDS,
    Backup,
    Checking,
    Condition,
    Merging,
    Resting,
    Step,
    history_topic,
    late_topic,
    probe_topic,
    publish,
    read,
    recheck_at,
    rest,
)
from appliance.core.effects import Change, Effect, Fetch, Log, Merge, Publish, Remember
from appliance.core.events import Authentic, Failed, Foreign, Outdated, Superseded, Undecided, Verdict
from appliance.core.instant import Instant
from appliance.core.silence import find, probe

OVERWRITE_SECONDS: Final = (30.0, 120.0, 600.0)
"""Between publications over messages that are not ours: soon at first, and no write war."""
PEACE_SECONDS: Final = 3600.0
"""After which the next one is published over at once again."""
DISTURBED_SECONDS: Final = 10.0
"""Between reads that passing messages lead to, however many pass."""
SECOND_LOOK_SECONDS: Final = 30.0
"""After a message that differed passed by and the backup was found all the same: a node of a cluster may lag behind."""
TWIN_SECONDS: Final = 600.0
"""Two messages of another card with this id within this time are no restored old card any more."""
DAY_SECONDS: Final = 86_400.0
OVERHEARD: Final = "another message came"
TWIN: Final = "another device uses this id (cloned card?)"


def judge(backup: Backup, stage: Checking, verdict: Verdict, now: Instant, ref: int) -> Step:
    """Return what a verdict makes of the backup; `ref` to `ref + 3` are fresh numbers."""
    match verdict:
        case Authentic(generation):
            if stage.payload == stage.expected:
                fetched = replace(backup, fetched_at=stage.until - KEEPER_SECONDS)
                return _verified(fetched, stage.payload, generation, now, ref)
            return _other(backup, stage.payload, verdict, now, ref)
        case Outdated():
            return publish(miss(backup, "it was from before the last change", now), now, ref)
        case Superseded(successor):
            return _superseded(backup, successor, now, ref)
        case Undecided(why):
            return _leave(backup, "unverified", why, now, ref)
        case Foreign(why):
            return reject(backup, why, now, ref)
        case _:
            assert_never(verdict)


def _verified(backup: Backup, payload: bytes, generation: int, now: Instant, ref: int) -> Step:
    ours = payload == backup.published
    backup = replace(
        backup,
        verified_at=now.unix,
        verified_generation=generation,
        seen=True,
        held=True,
        ahead=None,
        successor="",
        attempts=0,
        not_before=0.0,
        drops=0,
        dropped_size=0,
    )
    if payload != backup.latest:
        return publish(replace(backup, condition="pending", error=None), now, ref)
    if backup.disturbed and now.mono >= backup.disturbed_at + DISTURBED_SECONDS:
        return read(replace(backup, disturbed_at=now.mono), now, ref)
    backup, effects = _remember(backup, generation, now)
    effects = (Log(20, "backup verified", (("generation", generation),)), *effects)
    if ours:
        effects = (*effects, Publish(ref + 1, history_topic(backup.topic, backup.day_slot), payload))
    backup, more = _look_for_twin(backup, ref + 2) if backup.puzzled else _announce(backup, ref + 2)
    until = now.mono + SECOND_LOOK_SECONDS if backup.overheard else recheck_at(backup, now)
    if backup.disturbed:
        until = backup.disturbed_at + DISTURBED_SECONDS
        backup = replace(backup, condition="unverified", error=OVERHEARD)
    elif now.mono < backup.contested_until:
        backup, until = replace(backup, condition="conflict", error=TWIN), min(until, backup.contested_until)
    else:
        backup = replace(backup, condition="verified", error=None)
    stage = Resting(until)
    return replace(backup, stage=stage, published=b"", disturbed=False, overheard=False, mine=False), (
        *effects,
        *more,
    )


def _remember(backup: Backup, generation: int, now: Instant) -> Step:
    if backup.known.generation == generation and backup.known.published:
        return backup, ()
    known = replace(backup.known, published=True, generation=generation, verified_at=now.unix)
    effects = (
        Remember("published", 1.0),
        Remember("verified_generation", float(generation)),
        Remember("verified_at", now.unix),
    )
    return replace(backup, known=known), effects[bool(backup.known.published) :]


def _look_for_twin(backup: Backup, ref: int) -> Step:
    """Read the probe before it is written again: who else wrote there uses this id."""
    backup = replace(backup, puzzled=False, twin_ref=ref)
    return backup, (Fetch(ref, probe_topic(backup.topic)),)


def recognise(backup: Backup, payload: bytes, now: Instant, ref: int) -> Step:
    """Return what the probe tells of another session of this device."""
    nonce, _ = find(payload)
    backup = replace(backup, twin_ref=0)
    if nonce not in {"", backup.session}:
        backup = replace(backup, contested_until=now.mono + TWIN_SECONDS)
        if backup.condition == "verified":
            backup = replace(backup, condition="conflict", error=TWIN)
    return _announce(backup, ref)


def _announce(backup: Backup, ref: int) -> Step:
    """Let the probe tell old cards of the proof that was verified, and clear what was put aside before."""
    effects: tuple[Effect, ...] = ()
    if backup.proof is not None and backup.announced != backup.proof.signature:
        backup = replace(backup, announced=backup.proof.signature)
        effects = (Publish(ref, probe_topic(backup.topic), probe(backup)),)
    if backup.known.late:
        topic = late_topic(backup.topic, backup.known.late)
        effects = (*effects, Publish(ref + 1, topic, b""), Remember("late", -1.0))
        backup = replace(backup, known=replace(backup.known, late=""), late=b"")
    return backup, effects


def _other(backup: Backup, payload: bytes, verdict: Authentic, now: Instant, ref: int) -> Step:
    """Deal with an authentic message of ours that is not the latest."""
    same = verdict.generation == backup.generation and not verdict.novel
    if same and not verdict.signed:
        # As a release before 0.2 published it: the same content, and its proof was added since.
        backup = replace(backup, condition="pending", error=None)
    elif verdict.generation >= backup.generation:
        backup = _meet_twin(backup, payload, verdict, now)
    elif verdict.generation < (backup.verified_generation or 0):
        backup = miss(backup, f"generation {verdict.generation} had come back", now)
    else:
        backup = replace(backup, condition="pending", error=None)
    log = Log(
        20 if backup.condition == "pending" else 30,
        "backup differs",
        (("state", backup.condition), ("found", verdict.generation), ("own", backup.generation)),
    )
    if verdict.novel:
        stage = Merging(ref, now.mono + KEEPER_SECONDS, payload)
        return replace(backup, stage=stage), (log, Change(ref, Merge(payload)))
    backup, effects = publish(replace(backup, seen=True), now, ref)
    return backup, (log, *effects)


def _meet_twin(backup: Backup, payload: bytes, verdict: Authentic, now: Instant) -> Backup:
    error = (
        "a restored old card, or another device with this id: merged"
        if verdict.novel
        else "a copy of this card"
    )
    if payload != backup.twin and now.mono < backup.twin_at + TWIN_SECONDS:
        backup = replace(backup, contested_until=now.mono + TWIN_SECONDS)
    return replace(backup, condition="conflict", error=error, twin_at=now.mono, twin=payload)


def miss(backup: Backup, error: str, now: Instant) -> Backup:
    """Say that what had been verified is lost, and count it: once, until it is verified again."""
    backup = replace(backup, error=error)
    if backup.held:
        recent = tuple(at for at in backup.lost_at if now.unix - DAY_SECONDS < at <= now.unix)
        backup = replace(backup, held=False, lost_at=(*recent, now.unix))
    return replace(backup, condition="rolled_back") if backup.seen else backup


def _superseded(backup: Backup, successor: str, now: Instant, ref: int) -> Step:
    if successor and backup.successor not in {"", successor}:
        error = "the passphrase was changed twice, and nothing tells which change counts"
        return _leave(backup, "conflict", error, now, ref)
    error = (
        "the passphrase was changed on another copy of this card"
        if successor
        else "a newer release wrote the backup"
    )
    return _leave(replace(backup, successor=successor), "passphrase_changed", error, now, ref)


def _leave(backup: Backup, condition: Condition, error: str, now: Instant, ref: int) -> Step:
    """Leave what was found where it is, unless the owner said that this card counts."""
    if backup.mine:
        return publish(replace(backup, error=error), now, ref)
    # What is there may hold more than the card: whatever was seen before, from now on silence is no leave to write.
    backup = replace(backup, seen=False, known=replace(backup.known, published=True))
    return rest(backup, condition, error, recheck_at(backup, now))


def reject(backup: Backup, why: str, now: Instant, ref: int) -> Step:
    """Publish over a message that is nobody's, unless that was done a moment ago."""
    error = f"the message found is not ours: {why}"
    if backup.locked and backup.proof is None:
        # Without a proof of the own file, a newer one looks like this as well.
        return _leave(backup, "unverified", error, now, ref)
    last = backup.overwrote_at
    again = last + OVERWRITE_SECONDS[min(backup.overwrites, len(OVERWRITE_SECONDS)) - 1]
    if backup.overwrites and now.mono < again:
        return rest(backup, "rejected", error, again)
    overwrites = 1 if now.mono >= last + PEACE_SECONDS else backup.overwrites + 1
    backup = replace(backup, condition="rejected", error=error, overwrote_at=now.mono, overwrites=overwrites)
    backup, effects = publish(backup, now, ref)
    return backup, (Log(40, "backup rejected", (("why", why),)), *effects)


def fail(backup: Backup, event: Failed, now: Instant) -> Step:
    """Come to rest after the keeper could not do what was asked of it."""
    stage = backup.stage
    if not isinstance(stage, Checking | Merging) or stage.ref != event.ref:
        return backup, ()
    return rest(backup, "unverified", event.problem.why, now.mono + RETRY_SECONDS[-1])
