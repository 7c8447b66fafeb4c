"""The index of a vault's devices at the broker, for brokers that serve retained messages for exact topics only.

`<prefix>/<vault>/devices` is a retained list of device ids, to which each device adds itself again at every look.
Rules: it is never trusted, since everybody writes it; whoever restores reads the topics that it names, and believes
what is proven there. Every stage that waits has an `until`; late and duplicate events are ignored.
"""

from dataclasses import dataclass
from typing import Final

from appliance.core.backup import BackupEvent
from appliance.core.cycle import READ_SECONDS, Backup
from appliance.core.effects import Effect, Fetch, Publish
from appliance.core.events import Lost, Received, Subscribed, Woke
from appliance.core.instant import Instant
from appliance.vault import canonical
from appliance.vault.retained import INDEX_DEVICES, is_device

MOST: Final = INDEX_DEVICES
"""Ids that are kept; more than any household has, and little enough for any broker."""
_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Index:
    """Where adding this device stands."""

    topic: str = ""
    """That is being read; empty: none is."""
    ref: int = 0
    until: float = 0.0
    subscribed: bool = False
    looked_at: float | None = None
    """Unix seconds of the verification that the last look belongs to."""


Step = tuple[Index, tuple[Effect, ...]]


def index_topic(backup: str) -> str:
    """Return the topic of the index that belongs to the topic of a backup."""
    return backup.rsplit("/", 2)[0] + "/devices"


def read(payload: bytes) -> tuple[str, ...]:
    """Return the ids that an index names: at most `MOST`, each once; none if it is of no use."""
    if len(payload) > _BYTES:
        return ()
    try:
        found = canonical.load(payload)
    except ValueError:
        return ()
    if not isinstance(found, list):
        return ()
    ids = [one for one in found if isinstance(one, str) and is_device(one)]
    return tuple(dict.fromkeys(ids))[:MOST]


def deadline(index: Index) -> float | None:
    """Return the monotonic time at which `step` wants a `Woke`; None: not by itself."""
    return index.until if index.topic else None


def step(index: Index, event: BackupEvent, backup: Backup, now: Instant, ref: int) -> Step:
    """Return what an event makes of the index; `backup` is what the same event made of the backup."""
    if isinstance(event, Lost):
        return Index(), ()
    if not index.topic:
        return _begin(index, backup, now, ref)
    match event:
        case Received() if event.ref == index.ref and event.retained and event.topic == index.topic:
            return _add(index, read(event.payload), backup, ref)
        case Subscribed(_, None) if event.ref == index.ref:
            return Index(index.topic, index.ref, now.mono + READ_SECONDS, True, index.looked_at), ()
        case Subscribed() if event.ref == index.ref:
            return Index(looked_at=index.looked_at), ()
        case Woke() if now.mono >= index.until:
            return (
                _add(index, (), backup, ref) if index.subscribed else (Index(looked_at=index.looked_at), ())
            )
        case _:
            return index, ()


def _begin(index: Index, backup: Backup, now: Instant, ref: int) -> Step:
    if backup.link is None or backup.condition != "verified" or backup.verified_at == index.looked_at:
        return index, ()
    topic = index_topic(backup.topic)
    return Index(topic, ref, now.mono + READ_SECONDS, False, backup.verified_at), (Fetch(ref, topic),)


def _add(index: Index, found: tuple[str, ...], backup: Backup, ref: int) -> Step:
    done = Index(looked_at=index.looked_at)
    own = backup.topic.rsplit("/", 2)[1]
    if own in found:
        return done, ()
    # The own id goes first: junk that fills the list must not keep it out.
    ids = sorted((own, *found[: MOST - 1]))
    return done, (Publish(ref, index.topic, canonical.dump(ids)),)
