"""What a command does at the broker by itself, with a connection of its own: back up once, look for backups.

The decisions are those of the daemon: the same pure backup, driven here until it comes to rest.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
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
    Oversized,
    Received,
    Subscribed,
    Truncated,
    Woke,
)
from appliance.core.silence import CLUSTER_SECONDS
from appliance.core.state import REFS
from appliance.errors import ApplianceError, BrokerFailed, ConfigurationInvalid
from appliance.keeper import Keeper
from appliance.ports import Device
from appliance.settings import Settings
from appliance.vault import retained
from appliance.vault.document import SLOTS_OF_HISTORY
from appliance.vault.retained import Message, Reading

CONNECT_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 1.0
"""Without a message, until the broker is asked whether that was all."""
LIST_SECONDS: Final = 60.0
"""For one reading, however slowly it comes in; an answer usually ends it after a second."""
BACKUP_SECONDS: Final = 60.0 + CLUSTER_SECONDS
_FIRST_REF: Final = 1000
"""Of the backup's effects; below are the visit's own."""
_FINAL: Final = frozenset(
    {"verified", "unverified", "rejected", "conflict", "too_large", "passphrase_changed"}
)


class _Refused(BrokerFailed):
    """The broker does not let anything be read of what was asked for."""


class _Question:
    """Subscriptions, and what comes in answer to them."""

    def __init__(self, prefix: str, asked: Mapping[int, str], take: Callable[[str, bytes], None]) -> None:
        """`asked` are the patterns by ref, without the prefix."""
        self._start = f"{prefix}/"
        self._asked = asked
        self._take = take
        self.waiting = set(asked)
        """Refs that the broker has not granted or refused yet."""
        self._refusals: list[str] = []
        self._mark: int | None = None
        """Ref of the topic that was asked for to find out whether that was all."""
        self._came = False
        """Something came since."""

    @property
    def idle(self) -> bool:
        """No answer is due: only messages can come."""
        return not self.waiting and self._mark is None

    def ask_for_the_end(self, ref: int) -> None:
        """The broker was asked for something else, and answers when it has sent what it had."""
        self._mark, self._came = ref, False

    def concerns(self, event: Event) -> bool:
        """Return whether an event belongs here; what is live or was asked for earlier does not.

        A broker may leave out which subscription a retained message answers: then its topic tells.
        """
        match event:
            case Lost():
                return True
            case Subscribed(ref):
                return ref in self._asked or ref == self._mark
            case Received(ref, topic, _, kept) | Oversized(ref, topic, _, kept):
                return kept and (ref is None or ref in self._asked) and self._fits(topic)
            case Truncated(ref):
                return ref in self._asked
            case _:
                return False

    def _fits(self, topic: str) -> bool:
        place = topic.removeprefix(self._start)
        return any(retained.fits(pattern, place) for pattern in self._asked.values())

    def answered(self, event: Event, reading: Reading) -> bool:
        """Take in what came, and return whether that was all. Raises _Refused if nothing may be read."""
        self._came = self._came or not isinstance(event, Subscribed)
        match event:
            case Subscribed():
                return self._subscribed(event)
            case Received(_, topic, payload):
                self._take(topic.removeprefix(self._start), payload)
            case Oversized(_, topic):
                reading.refuse(topic.removeprefix(self._start))
            case _:
                reading.cut = True
        return False

    def _subscribed(self, event: Subscribed) -> bool:
        if event.ref == self._mark:
            self._mark = None
            return not self._came
        self.waiting.discard(event.ref)
        if event.problem is not None:
            self._refusals.append(event.problem)
        if len(self._refusals) == len(self._asked):
            pattern = next(iter(self._asked.values()))
            raise _Refused(
                f"can't read {self._start}{pattern}", event.problem or "", "look at the broker's ACL"
            )
        return False


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
        # Of our own, so that any ACL lets it be asked for; nothing is ever there.
        self._end = f"{self.prefix}/{device.id}/end"
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

    def messages(self, *wanted: str) -> tuple[Message, ...]:
        """Return all retained backups under `PREFIX/pattern` for each pattern.

        Raises BrokerFailed as `read` does, and if there are more, or larger ones, than anybody's backups can be.
        """
        reading = self.read(wanted)
        if reading.incomplete or reading.oversized:
            why = "there is more, or larger, than backups can be"
            raise BrokerFailed(f"can't read {self.prefix}/{wanted[0]}", why, "look at what is at the broker")
        return reading.messages

    def read(self, wanted: Sequence[str], prefer: frozenset[str] = frozenset()) -> Reading:
        """Read the retained backups under `PREFIX/pattern` for each pattern.

        Raises BrokerFailed if the broker refuses all of them, or the link is lost: what had not come yet must not
        count as absent.
        """
        return self._filled(Reading(prefer), wanted)

    def list(self, wanted: Sequence[str]) -> Reading:
        """Find out where retained backups lie, and keep none of them. Raises BrokerFailed as `read` does."""
        return self._filled(Reading(keep=False), wanted)

    def _filled(self, reading: Reading, wanted: Sequence[str]) -> Reading:
        if not self._gather(wanted, reading.take, reading):
            reading.cut = True
        return reading

    def devices(self, vault: str) -> tuple[str, ...]:
        """Return the devices that the index of a vault names, for what it is worth. Raises BrokerFailed."""
        topic, found = retained.index_topic(vault), dict[str, bytes]()
        with contextlib.suppress(_Refused):
            self._gather((topic,), found.__setitem__, Reading())
        return retained.read_index(found.get(topic, b""))

    def _gather(self, wanted: Sequence[str], take: Callable[[str, bytes], None], reading: Reading) -> bool:
        """Hand on what is retained under each pattern, and return whether that was all.

        The end is an answer and not silence: when nothing has come for a while, the broker is asked for a topic of our
        own. If nothing comes before its answer, nothing more was on its way; the while is for brokers that look for
        retained messages beside the conversation.
        """
        question = _Question(self.prefix, {self._fetch(f"{self.prefix}/{one}"): one for one in wanted}, take)
        end = time.monotonic() + LIST_SECONDS
        while (left := end - time.monotonic()) > 0 and not reading.flooded:
            event = self.until(question.concerns, min(left, QUIET_SECONDS) if question.idle else left)
            if isinstance(event, Lost):
                raise self._silent()  # what had not come yet must not count as absent
            if event is None:
                question.ask_for_the_end(self._fetch(self._end))
            elif question.answered(event, reading):
                return True
        if question.waiting and not reading.flooded:
            raise self._silent()
        return False

    def _fetch(self, topic: str) -> int:
        self._ref += 1
        self.broker.fetch(self._ref, topic)
        return self._ref

    def clear(self, vault: str, device: str) -> None:
        """Delete all backups of a device, and check that they are gone. Raises BrokerFailed."""
        place = f"{vault}/{device}"
        late = {one.kind for one in self.messages(f"{place}/late/+")}
        self._delete(
            place, ("backup", *(f"history/{slot}" for slot in range(SLOTS_OF_HISTORY)), *sorted(late))
        )
        if self.messages(f"{place}/backup", f"{place}/history/+", f"{place}/late/+"):
            raise self._left(place, "it is still there")

    def clear_older(self, vault: str, device: str, epoch: int) -> int:
        """Delete what lies beside a device's backup and has a lower epoch, check that it is gone, return how many.

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
        history = self.messages(f"{place}/history/+", f"{place}/late/+")
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


def read_vault(
    visit: Visit, vault: str, device: str | None, *, history: bool, prefer: frozenset[str]
) -> Reading:
    """Read the backups of a vault, or of one device of it; what `prefer` names is read and kept first.

    By exact topics as far as devices are known, since some brokers serve nothing else, and by wildcards but for a
    device that is named. Raises BrokerFailed.
    """
    named = () if device is not None else (*sorted(prefer), *visit.devices(vault))
    return visit.read(retained.patterns(vault, device, named=named, history=history), prefer)
