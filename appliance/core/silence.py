"""What it means that the broker delivers nothing: silence is not absence.

A broker that grants a subscription and may not deliver, one that forgets subscription identifiers, or a node of a
cluster that was restarted a moment ago, all look like a broker that has no backup; and an old card that believes them
overwrites the newest one. So "nothing is there" needs a proof that this broker, with these rights, delivers what is
there: the probe, a small retained message beside the backup, is read, written, and read back by a new subscription.

Rules: the probe is read before it is written. It carries the newest proof that is known, so that a card that is older
than what was once backed up learns so even if the backup itself was deleted. It tells of its own topic's rights only.
Where nothing can be read back, the backup's topic is written by a process that has seen it there, or for a vault that
was never published; everything else goes to a topic of its own under `late/`.
"""

from dataclasses import replace
from typing import Final, Literal

from appliance.core.cycle import (
    ACKNOWLEDGE_SECONDS,
    READ_SECONDS,
    Backup,
    Probing,
    Step,
    late_topic,
    obstacle,
    probe_topic,
    recheck_at,
    rest,
)
from appliance.core.effects import Effect, Fetch, Publish, Remember
from appliance.core.events import Acknowledged, Received, Subscribed
from appliance.core.instant import Instant
from appliance.vault import canonical, proof
from appliance.vault.proof import Proof

FIND_SECONDS: Final = 2.0
"""For a probe of before, once its subscription is granted: brokers send what they keep right behind that."""
TRIES: Final = 3
"""For a probe in whose place another session's is found."""
CLUSTER_SECONDS: Final = 180.0
"""Restarted nodes of a cluster were seen to serve old messages for up to 155 s."""
BUSY_SECONDS: Final = 60.0
BLIND: Final = "this broker, or its ACL, does not let it be read back"
PROBE_BYTES: Final = 40 * 1024
LATE_DIGITS: Final = 8

Plan = Literal["again", "wait", "hold", "write", "late", "rest"]
"""What to do about a backup's topic on which nothing was delivered.

again  read it once more: a slow delivery must not count as none
wait   read it again later: the broker may serve an old state
hold   leave it: the card is older than what was backed up once
write  publish
late   publish under `late/`
rest   nothing; it was done
"""


def begin(backup: Backup, now: Instant, ref: int) -> Step:
    """Begin to find out whether this broker delivers what is there."""
    stage = Probing(ref, now.mono + READ_SECONDS, "find")
    return replace(backup, stage=stage, delivers=None), (Fetch(ref, probe_topic(backup.topic)),)


def probe(backup: Backup) -> bytes:
    """Return the probe of this session, with the newest proof that is known."""
    newest = backup.ahead or backup.proof
    return canonical.dump({"nonce": backup.session, "proof": None if newest is None else proof.dump(newest)})


def find(payload: bytes) -> tuple[str, Proof | None]:
    """Return nonce and proof of what lies on a probe's topic; an empty nonce, or None, for what is of no use."""
    if len(payload) > PROBE_BYTES:
        return "", None
    try:
        found = canonical.load(payload)
        nonce, claimed = found["nonce"], found["proof"]
    except (ValueError, KeyError, TypeError):
        return "", None
    try:
        return str(nonce), proof.load(claimed)
    except ValueError:
        return str(nonce), None


def step(
    backup: Backup, stage: Probing, event: Subscribed | Received | Acknowledged, now: Instant, ref: int
) -> Step:
    """Return what an answer of the broker makes of the probing; `delivers` is set when it is over."""
    match event:
        case Subscribed(_, None) if event.ref == stage.ref and stage.step != "write":
            seconds = FIND_SECONDS if stage.step == "find" else READ_SECONDS
            stage = replace(stage, subscribed=True, until=now.mono + seconds)
            return replace(backup, stage=stage), ()
        case Subscribed() if event.ref == stage.ref and stage.step != "write":
            return end(backup, delivers=False), ()
        case Received() if event.ref == stage.ref and event.retained and stage.step == "find":
            return _write(_learn(backup, find(event.payload)[1]), stage, now, ref)
        case Received() if event.ref == stage.ref and event.retained and stage.step == "read back":
            return _compare(backup, stage, event.payload, now, ref)
        case Acknowledged(_, None) if event.ref == stage.ref and stage.step == "write":
            stage = replace(stage, ref=ref, until=now.mono + READ_SECONDS, step="read back", subscribed=False)
            return replace(backup, stage=stage), (Fetch(ref, probe_topic(backup.topic)),)
        case Acknowledged() if event.ref == stage.ref and stage.step == "write":
            return _refused(backup, event.problem or "", now)
        case _:
            return backup, ()


def _refused(backup: Backup, problem: str, now: Instant) -> Step:
    """Go on after the broker refused the probe: it may take the backup all the same, now or when rights are mended."""
    if backup.seen or unpublished(backup) or backup.mine:
        return end(replace(backup, published=b""), delivers=False), ()
    return rest(backup, "rejected", problem, now.mono + BUSY_SECONDS)


def elapse(backup: Backup, stage: Probing, now: Instant, ref: int) -> Step:
    """Return what it makes of the probing that nothing came in time."""
    if stage.step == "find" and stage.subscribed:
        return _write(backup, stage, now, ref)
    if stage.step == "read back" and stage.subscribed:
        return end(backup, delivers=False), ()
    return rest(backup, "unverified", "the broker does not answer", now.mono + READ_SECONDS)


def end(backup: Backup, *, delivers: bool) -> Backup:
    """Return the backup with the probing over; its caller goes on with the backup's own topic."""
    return replace(backup, delivers=delivers, blinks=0 if delivers else backup.blinks)


def _learn(backup: Backup, found: Proof | None) -> Backup:
    standing = proof.compare(backup.proof, found)
    if standing in {"newer", "newer key"}:
        return replace(backup, ahead=found, current=True)
    verified = backup.known.generation
    current = found is not None and verified is not None and found.generation >= verified
    return replace(backup, current=current and standing != "unproven")


def _write(backup: Backup, stage: Probing, now: Instant, ref: int) -> Step:
    stage = replace(stage, ref=ref, until=now.mono + ACKNOWLEDGE_SECONDS, step="write")
    return replace(backup, stage=stage), (Publish(ref, probe_topic(backup.topic), probe(backup)),)


def _compare(backup: Backup, stage: Probing, payload: bytes, now: Instant, ref: int) -> Step:
    nonce, found = find(payload)
    if nonce == backup.session:
        return end(backup, delivers=True), ()
    # Another session of this device wrote it since: a command, or another card with this id.
    backup = _learn(backup, found)
    if stage.tries + 1 < TRIES:
        return _write(backup, replace(stage, tries=stage.tries + 1), now, ref)
    error = "another session of this device writes there at the same time"
    return rest(backup, "unverified", error, now.mono + BUSY_SECONDS)


def unpublished(backup: Backup) -> bool:
    """Return whether there can be no backup that an earlier process of this card made."""
    known = backup.known.published
    return backup.generation <= 1 if known is None else not known


def plan(backup: Backup) -> Plan:
    """Return what to do about silence on the backup's topic, once it is known whether the broker delivers."""
    never = unpublished(backup)
    if not backup.delivers:
        if backup.latest in {backup.published, backup.late}:
            return "rest"
        return "write" if backup.seen or never or backup.mine else "late"
    if backup.seen or backup.mine:
        return "write"
    if backup.successor or proof.compare(backup.proof, backup.ahead) in {"newer", "newer key"}:
        return "hold"
    if never:
        return "write"
    if not backup.doubted:
        return "again"
    return "write" if backup.current or backup.waited or backup.known.generation is None else "wait"


def put_late(backup: Backup, now: Instant, ref: int) -> Step:
    """Publish where nothing can be overwritten; what an earlier process of this card put there goes."""
    if (rested := obstacle(backup, now)) is not None:
        return rested
    name = backup.session[:LATE_DIGITS]
    effects: tuple[Effect, ...] = (Publish(ref, late_topic(backup.topic, name), backup.latest),)
    if backup.known.late != name:
        effects = (*effects, Remember("late", float(int(name, 16))))
        if backup.known.late:
            effects = (*effects, Publish(ref + 1, late_topic(backup.topic, backup.known.late), b""))
    known = replace(backup.known, late=name)
    backup, logs = stay_blind(replace(backup, late=backup.latest, known=known), BLIND, now)
    return backup, (*effects, *logs)


def stay_blind(backup: Backup, why: str, now: Instant) -> Step:
    """Look again after a minute, and ever more rarely: the broker may deliver by then."""
    until = min(now.mono + BUSY_SECONDS * 2.0**backup.blinks, recheck_at(backup, now))
    return rest(replace(backup, blinks=min(backup.blinks + 1, 10)), "unverified", why, until)
