"""Fakes that mirror the ports: they act like the physical thing, and have the controls that it lacks.

No threads, no clocks, no chance: whatever happens, happens inside the call that causes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final, Literal

from appliance.core.events import (
    Acknowledged,
    Connected,
    Event,
    Lost,
    Problem,
    Received,
    Subscribed,
)
from appliance.ports import Post

CUT: Final = Problem("lost the link to the broker", "it closed the connection", short="E5")
DOWN: Final = Problem("can't reach the broker", "connection refused", short="E5")
DENIED: Final = "not authorized"


def matches(asked: str, topic: str) -> bool:
    """Tell whether a topic fits a topic filter (MQTT 5, section 4.7)."""
    wanted, given = asked.split("/"), topic.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(given) or level not in {"+", given[at]}:
            return False
    return len(wanted) == len(given)


@dataclass(frozen=True, slots=True)
class Denial:
    """What a broker's access list refuses."""

    asked: str
    """Topic filter."""
    silently: bool
    """As with MQTT 3.1.1 or mosquitto's read lists: the answer says yes, and nothing is kept or delivered."""


class FakeBroker:
    """An MQTT broker in memory, with several clients.

    fake = FakeBroker()
    desk, hall = fake.client(), fake.client()
    desk.start(inbox.put)
    fake.wipe()
    """

    def __init__(
        self,
        *,
        payload_limit: int | None = None,
        retain: bool = True,
        version: Literal["5", "3.1.1"] = "5",
    ) -> None:
        self.retained: dict[str, bytes] = {}
        """What it keeps; a test may change it directly: nobody is told."""
        self.history: dict[str, list[bytes]] = {}
        """Everything that was ever kept for a topic, oldest first; b"" where it was cleared."""
        self.clients: list[FakeLink] = []
        self.running = True
        self.denied_writes: list[Denial] = []
        self.denied_reads: list[Denial] = []
        self.held: list[tuple[FakeLink, Event]] | None = None
        """Deliveries on their way, while `hold` lasts; a test may reorder them."""
        self._greeting = Connected(payload_limit, retain, version)
        self._drops: list[type[Event]] = []
        self._repeats: list[type[Event]] = []

    def client(self) -> "FakeLink":
        """Return one more client, not started."""
        link = FakeLink(self)
        self.clients.append(link)
        return link

    # --- controls

    def down(self) -> None:
        """Stop: everybody loses the link; what is retained stays."""
        self.running = False
        for link in self.clients:
            self.cut(link)

    def up(self) -> None:
        """Run again, and let everybody in who is started."""
        self.running = True
        for link in self.clients:
            self.mend(link)

    def cut(self, link: "FakeLink", problem: Problem = CUT) -> None:
        """Cut one link; what was on its way to the client is gone."""
        if not link.up:
            return
        link.up, link.half_open = False, False
        link.subscriptions.clear()
        if self.held is not None:
            self.held = [(other, event) for other, event in self.held if other is not link]
        link.post(Lost(problem))

    def mend(self, link: "FakeLink") -> None:
        """Let a started client in again."""
        if link.started and not link.up:
            link.up = self.running
            link.post(self._greeting if self.running else Lost(DOWN))

    def wipe(self) -> None:
        """Forget everything retained, as a broker without persistence does at a restart. Nobody is told."""
        self.retained.clear()

    def replay(self, topic: str, back: int = 1) -> None:
        """Keep the message that was kept `back` messages ago, as a restored broker does. Nobody is told."""
        self.keep(topic, self.history[topic][-1 - back])

    def keep(self, topic: str, payload: bytes) -> None:
        """Retain a message without telling anybody."""
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)

    def deny_write(self, asked: str, *, silently: bool = False) -> None:
        """Refuse publications; silently: acknowledge and forget them."""
        self.denied_writes.append(Denial(asked, silently))

    def deny_read(self, asked: str, *, silently: bool = True) -> None:
        """Refuse subscriptions; silently: grant them and deliver nothing."""
        self.denied_reads.append(Denial(asked, silently))

    def allow(self) -> None:
        """Refuse nothing any more."""
        self.denied_writes.clear()
        self.denied_reads.clear()

    def drop(self, kind: type[Event], times: int = 1) -> None:
        """Lose the next deliveries of this kind of event."""
        self._drops += [kind] * times

    def repeat(self, kind: type[Event], times: int = 1) -> None:
        """Deliver the next events of this kind twice."""
        self._repeats += [kind] * times

    def hold(self) -> None:
        """Delay everything from now on, until `release`."""
        if self.held is None:
            self.held = []

    def release(self) -> None:
        """Deliver what was held, in the order of `held`, and delay no more."""
        held, self.held = self.held or [], None
        for link, event in held:
            if link.up:
                link.post(event)

    # --- what the clients do

    def take(self, sender: "FakeLink", ref: int, topic: str, payload: bytes) -> None:
        """Take a publication in."""
        denial = _denial(self.denied_writes, topic)
        if denial is None:
            self.keep(topic, payload)
            self.history.setdefault(topic, []).append(payload)
            for link in self.clients:
                if any(matches(asked, topic) for asked in link.subscriptions) and self._readable(topic):
                    self._deliver(link, Received(None, topic, payload, retained=False))
        loud = denial is not None and not denial.silently
        self._deliver(sender, Acknowledged(ref, DENIED if loud else None))

    def answer(self, sender: "FakeLink", ref: int, asked: str) -> None:
        """Take a subscription in."""
        denial = _denial(self.denied_reads, asked)
        if denial is not None and not denial.silently:
            self._deliver(sender, Subscribed(ref, DENIED))
            return
        sender.subscriptions.add(asked)
        self._deliver(sender, Subscribed(ref))
        for topic, payload in list(self.retained.items()):
            if matches(asked, topic) and self._readable(topic):
                self._deliver(sender, Received(ref, topic, payload, retained=True))

    def _readable(self, topic: str) -> bool:
        return _denial(self.denied_reads, topic) is None

    def _deliver(self, link: "FakeLink", event: Event) -> None:
        if not link.up or link.half_open:
            return
        kind = type(event)
        if kind in self._drops:
            self._drops.remove(kind)
            return
        times = 1
        if kind in self._repeats:
            self._repeats.remove(kind)
            times = 2
        for _ in range(times):
            if self.held is None:
                link.post(event)
            else:
                self.held.append((link, event))


@dataclass(eq=False, slots=True)
class FakeLink:
    """One client of a `FakeBroker`; fills the port `Broker`."""

    broker: FakeBroker = field(repr=False)
    started: bool = False
    up: bool = False
    half_open: bool = False
    """What either side sends vanishes, and neither notices; `cut` ends it."""
    subscriptions: set[str] = field(default_factory=set)
    sent: list[tuple[str, bytes]] = field(default_factory=list, repr=False)
    """What it published while the link was up."""
    _post: Post | None = field(default=None, repr=False)

    def start(self, post: Post) -> None:
        """Connect, if the broker runs."""
        self._post, self.started = post, True
        self.broker.mend(self)

    def stop(self) -> None:
        """Leave without a word."""
        self._post, self.started, self.up = None, False, False
        self.subscriptions.clear()

    def publish(self, ref: int, topic: str, payload: bytes) -> None:
        """Publish retained -> Acknowledged(ref)."""
        if not self.up:
            return
        self.sent.append((topic, payload))
        if not self.half_open:
            self.broker.take(self, ref, topic, payload)

    def fetch(self, ref: int, topic: str) -> None:
        """Subscribe anew -> Subscribed(ref), Received(ref)."""
        if self.up and not self.half_open:
            self.broker.answer(self, ref, topic)

    def hurry(self) -> None:
        """Try again at once, if the link is down."""
        if self.started and not self.up:
            self.broker.mend(self)

    def post(self, event: Event) -> None:
        """Hand an event to whoever started this client."""
        if self._post is not None:
            self._post(event)


@dataclass(eq=False)
class Doorway:
    """The port `Control`: answers arrive in `answers`."""

    answers: SimpleQueue[tuple[int, Any]] = field(default_factory=SimpleQueue)

    def start(self, post: Post) -> None:
        """Nobody knocks by himself."""

    def stop(self) -> None:
        """There is nothing to close."""

    def reply(self, ask: int, result: object) -> None:
        """Keep an answer."""
        self.answers.put((ask, result))

    def refuse(self, ask: int, problem: str) -> None:
        """Keep a refusal."""
        self.answers.put((ask, f"refused: {problem}"))


def _denial(denials: Iterable[Denial], topic: str) -> Denial | None:
    return next((denial for denial in denials if matches(denial.asked, topic)), None)
