"""What a command does at the broker by itself, with a connection of its own: back up once, look for backups.

The decisions are those of the daemon: the same pure backup, driven here until it comes to rest.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from appliance import app
from appliance.adapters.broker import MqttBroker
from appliance.adapters.clock import SystemClock
from appliance.adapters.store import StateFolder
from appliance.answer import answer
from appliance.core import past
from appliance.core.backup import BackupEvent, deadline, step
from appliance.core.cycle import Backup
from appliance.core.effects import Change, Check, Effect, Fetch, OpenVault, Publish, Remember
from appliance.core.events import (
    Acknowledged,
    Connected,
    Event,
    Lost,
    Received,
    Subscribed,
    Woke,
)
from appliance.core.silence import CLUSTER_SECONDS
from appliance.core.state import REFS
from appliance.errors import ApplianceError, BrokerFailed, ConfigurationInvalid
from appliance.keeper import Keeper
from appliance.ports import Device
from appliance.settings import Settings
from appliance.vault.document import SLOTS_OF_HISTORY

CONNECT_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 2.0
"""After the last retained message of a wildcard; a broker sends them in one go."""
LIST_SECONDS: Final = 15.0
BACKUP_SECONDS: Final = 60.0 + CLUSTER_SECONDS
_BACKUP: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(otp-[0-9a-f]{8})/(backup|history/[0-6])"
)
_FIRST_REF: Final = 1000
"""Of the backup's effects; below are the visit's own."""
_FINAL: Final = frozenset(
    {"verified", "unverified", "rejected", "conflict", "too_large", "passphrase_changed"}
)


@dataclass(frozen=True, slots=True)
class Message:
    """A retained backup at the broker, not yet opened."""

    vault: str
    device: str
    kind: str
    """`backup`, or `history/0` to `history/6`."""
    payload: bytes = field(repr=False)


class Visit:
    """A command's own connection to the broker; use it in a `with` block."""

    def __init__(self, settings: Settings, device: Device) -> None:
        # Never the daemon's own client id: that would throw the daemon off the broker.
        broker = app.new_broker(settings, f"{device.id}-cli-{os.urandom(4).hex()}")
        if broker is None:
            raise ConfigurationInvalid(
                "can't reach a broker",
                "none is configured",
                "set mqtt.host, or use a file: restore --from FILE",
            )
        self.broker: MqttBroker = broker
        self.prefix = settings.mqtt.topic_prefix
        self.inbox: SimpleQueue[Event] = SimpleQueue()
        self.connected = Connected(None, retain=True)
        self._name = f"{settings.mqtt.host}:{settings.mqtt.port}"
        self._ref = 0

    def __enter__(self) -> "Visit":
        self.broker.start(self.inbox.put)
        try:
            self.connected = self._arrive()
        except BaseException:
            self.broker.stop()
            raise
        return self

    def _arrive(self) -> Connected:
        event = self.until(lambda event: isinstance(event, Connected | Lost), CONNECT_SECONDS)
        if isinstance(event, Connected):
            return event
        if isinstance(event, Lost):
            raise BrokerFailed(event.problem.what, event.problem.why, event.problem.hint)
        raise self._silent()

    def __exit__(self, *_: object) -> None:
        self.broker.stop()

    def until(self, wanted: Callable[[Event], bool], seconds: float) -> Event | None:
        """Return the first event that is wanted; None after `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                event = self.inbox.get(timeout=left)
            except Empty:
                return None
            if wanted(event):
                return event
        return None

    def messages(self, pattern: str) -> tuple[Message, ...]:
        """Return the retained backups under `PREFIX/pattern`; a broker may cut a long list without saying so."""
        self._ref += 1
        ref = self._ref
        self.broker.fetch(ref, f"{self.prefix}/{pattern}")
        if (problem := self._refusal(ref)) is not None:
            raise BrokerFailed(f"can't read {self.prefix}/{pattern}", problem, "look at the broker's ACL")
        found: dict[str, Message] = {}
        end = time.monotonic() + LIST_SECONDS
        while time.monotonic() < end:
            event = self.until(lambda event: isinstance(event, Received | Lost), QUIET_SECONDS)
            if isinstance(event, Lost):
                raise self._silent()  # what had not come yet must not count as absent
            if not isinstance(event, Received):
                break
            match = _BACKUP.fullmatch(event.topic.removeprefix(f"{self.prefix}/"))
            if event.ref == ref and event.retained and event.payload and match:
                found[event.topic] = Message(match[1], match[2], match[3], event.payload)
        return tuple(found[topic] for topic in sorted(found))

    def clear(self, vault: str, device: str) -> None:
        """Delete the backup and the history of a device, and check that they are gone. Raises BrokerFailed."""
        place = f"{vault}/{device}"
        self._delete(place, ("backup", *(f"history/{slot}" for slot in range(SLOTS_OF_HISTORY))))
        if self.messages(f"{place}/backup") or self.messages(f"{place}/history/+"):
            raise self._left(place, "it is still there")

    def clear_older(self, vault: str, device: str, epoch: int) -> int:
        """Delete the history of a device under master keys of lower epochs, check that it is gone, return how many.

        Only while no daemon publishes for this device, and once its backup under the present key is verified. What
        can't be read stays. Raises BrokerFailed.
        """
        place = f"{vault}/{device}"
        older = self._older(place, epoch)
        self._delete(place, older)
        if older and self._older(place, epoch):
            raise self._left(place, "older backups are still there")
        return len(older)

    def _older(self, place: str, epoch: int) -> tuple[str, ...]:
        history = self.messages(f"{place}/history/+")
        return tuple(message.kind for message in history if past.age(message.payload, epoch) == "older")

    def _delete(self, place: str, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            self._ref += 1
            self.broker.publish(self._ref, f"{self.prefix}/{place}/{kind}", b"")
            if (problem := self._refusal(self._ref)) is not None:
                raise self._left(place, problem)

    def _refusal(self, ref: int) -> str | None:
        """Wait for the broker's answer, and return why it refuses what was asked; None: it does not."""
        event = self.until(
            lambda event: (
                isinstance(event, Lost) or (isinstance(event, Acknowledged | Subscribed) and event.ref == ref)
            ),
            CONNECT_SECONDS,
        )
        if isinstance(event, Acknowledged | Subscribed):
            return event.problem
        raise self._silent()

    def _left(self, place: str, why: str) -> BrokerFailed:
        return BrokerFailed(
            f"can't delete {self.prefix}/{place}", why, "delete it with the broker's own tools"
        )

    def _silent(self) -> BrokerFailed:
        return BrokerFailed(
            f"can't use the broker {self._name}", "it does not answer", "look at the broker's log"
        )


def back_up(settings: Settings, keeper: Keeper, visit: Visit, *, mine: bool = False) -> Backup:
    """Publish the vault and wait for the verdict, without the daemon; at most some four minutes.

    `mine`: the owner says that this card counts, whatever is at the broker. Raises ApplianceError if the vault won't
    open.
    """
    keeper.open()
    clock, store = SystemClock(), app.state_folder(settings)
    backup = Backup(
        settings.mqtt.topic_prefix, os.urandom(8).hex(), app.known_of(store), mine=mine, link=visit.connected
    )
    visit.inbox.put(answer(keeper, OpenVault(0)))
    end = clock.now().mono + BACKUP_SECONDS
    ref = _FIRST_REF
    beside: frozenset[int] = frozenset()
    while (now := clock.now()).mono < end:
        due = min(end, deadline(backup) or end)
        event = visit.until(lambda event: isinstance(event, BackupEvent), max(0.0, due - now.mono)) or Woke()
        if isinstance(event, Acknowledged):
            beside -= {event.ref}
        ref += REFS
        if isinstance(event, BackupEvent):
            backup, effects = step(backup, event, clock.now(), ref)
            beside |= _act(effects, visit, keeper, store, backup)
        if backup.settled and backup.condition in _FINAL and not beside and not _waits(backup):
            break
    return backup


def _waits(backup: Backup) -> bool:
    """Return whether the broker is given time, since it may be serving an old state."""
    return backup.waited and backup.delivers is None and backup.link is not None


def _act(
    effects: tuple[Effect, ...], visit: Visit, keeper: Keeper, store: StateFolder, backup: Backup
) -> frozenset[int]:
    """Do what the backup wants; return the refs of what is published beside it, which is waited for as well."""
    beside: frozenset[int] = frozenset()
    for effect in effects:
        match effect:
            case Publish(ref, topic, payload):
                visit.broker.publish(ref, topic, payload)
                beside |= {ref} if topic != backup.topic else frozenset()
            case Fetch(ref, topic):
                visit.broker.fetch(ref, topic)
            case Check() | Change():
                visit.inbox.put(answer(keeper, effect))
            case Remember(key, value):
                with contextlib.suppress(ApplianceError):  # a card that takes no number is told of elsewhere
                    store.remember(key, value)
            case _:
                pass
    return beside


def by_vault(messages: tuple[Message, ...]) -> Mapping[str, tuple[Message, ...]]:
    """Return the messages sorted by the vault they belong to."""
    vaults = sorted({message.vault for message in messages})
    return {vault: tuple(one for one in messages if one.vault == vault) for vault in vaults}
