"""Attempt after attempt, until stopped: the adapter that fills the port `Broker`."""

import threading
import time
from collections.abc import Callable
from typing import Final

from appliance.adapters.broker import link as links
from appliance.adapters.broker import trouble
from appliance.adapters.broker.client import Version
from appliance.adapters.broker.link import Link
from appliance.adapters.broker.order import Bell, Publication, Subscription
from appliance.adapters.broker.pause import Backoff
from appliance.adapters.broker.session import KEEPALIVE_SECONDS, Session
from appliance.adapters.broker.trouble import Ending
from appliance.core.events import Event, Lost, Problem
from appliance.ports import Post

STOP_SECONDS: Final = 1.0
CLOCK_STEP_SECONDS: Final = 60.0
"""A step of the wall clock that ends a pause: a certificate may have become valid by it."""


class MqttBroker:
    """A link to an MQTT broker that is made again and again. May be started once.

    `stop` returns within about a second: while the operating system is connecting, the thread can't be interrupted
    and is left behind, silent, to end by itself (at most 10 s for each address of the host, and 10 s for TLS).
    """

    def __init__(
        self,
        link: Link,
        *,
        pauses: Backoff,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._pauses = pauses
        self._monotonic = monotonic
        self._wall = wall
        self._version: Version = "5"
        self._speechless = 0
        self._keepalive = KEEPALIVE_SECONDS
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._session: Session | None = None
        self._bell: Bell | None = None
        self._thread: threading.Thread | None = None

    def start(self, post: Post) -> None:
        """Begin to post; returns at once."""
        bell = Bell()
        self._bell = bell
        self._thread = threading.Thread(target=self._run, args=(post, bell), name="broker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Post no more, and let go of the link in good order."""
        self._stopped.set()
        self._hurried.set()
        if self._bell is not None:
            self._bell.ring()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS)

    def publish(self, ref: int, topic: str, payload: bytes) -> None:
        """Publish retained, QoS 1 -> Acknowledged(ref). Dropped in silence while there is no link."""
        session = self._session
        if session is not None:
            session.take(Publication(ref, topic, payload))

    def fetch(self, ref: int, topic: str) -> None:
        """Subscribe anew, QoS 1 -> Subscribed(ref), then Received(ref). Dropped without a link.

        `topic` may hold wildcards: then any number of Received follow. Only retained deliveries carry the ref. With
        MQTT 3.1.1 they carry that of the latest fetch that they fit, and none until its SUBACK is there.
        """
        session = self._session
        if session is not None:
            session.take(Subscription(ref, topic))

    def hurry(self) -> None:
        """End the pause between two attempts, however long it is; never blocks. Without one it does nothing."""
        self._hurried.set()

    def _run(self, post: Post, bell: Bell) -> None:
        def tell(event: Event) -> None:
            if not self._stopped.is_set():
                post(event)

        try:
            while not self._stopped.is_set():
                self._hurried.clear()
                # Before the attempt: what changes meanwhile was perhaps not seen by it.
                shown = links.shown(self._link)
                ending = self._attempt(tell, bell)
                seconds = self._pauses.pause(ending.kind, self._monotonic(), ending.lasted)
                contested = self._pauses.contested and ending.kind == "taken over"
                tell(Lost(self._problem(ending), contested, self._pauses.puzzling))
                self._rest(seconds, shown)
        finally:
            self._session = None
            bell.close()

    def _attempt(self, post: Post, bell: Bell) -> Ending:
        """Connect in the version that the broker speaks, and return how that ended.

        A broker of 3.1.1 only may refuse MQTT 5 in words, hang up, or wait for more (amqtt reads on beyond the
        CONNECT). Words are believed and remembered; silence has other causes too (a restart, a full house), and is
        remembered only when it happened twice while 3.1.1 was answered. A 3.1.1 that meets silence is forgotten: the
        broker has changed.
        """
        ending = self._session_in(self._version, post, bell)
        if ending.kind not in {"unsupported", "speechless"}:
            return ending
        if self._version == "3.1.1":
            self._version, self._speechless = "5", 0
            return ending
        older = self._session_in("3.1.1", post, bell)
        if not older.answered:
            # Words of the newer version are no news when the older one, that was wanted, meets silence.
            return older if ending.kind == "unsupported" else ending
        self._speechless += 1
        if ending.kind == "unsupported" or self._speechless == 2:
            self._version = "3.1.1"
        return older

    def _session_in(self, version: Version, post: Post, bell: Bell) -> Ending:
        session = Session(
            self._link,
            version,
            keepalive=self._keepalive,
            bell=bell,
            stopped=self._stopped,
            monotonic=self._monotonic,
            post=post,
            on_up=self._take_orders,
        )
        try:
            return session.run()
        finally:
            self._session = None
            self._keepalive = session.keepalive

    def _take_orders(self, session: Session) -> None:
        self._session = session

    def _problem(self, ending: Ending) -> Problem:
        if self._pauses.contested and ending.kind == "taken over":
            return trouble.contested(self._link)
        return trouble.puzzling(self._link) if self._pauses.puzzling else ending.problem

    def _rest(self, seconds: float, shown: tuple[object, ...]) -> None:
        until = self._monotonic() + seconds
        offset = self._wall() - self._monotonic()
        while not self._stopped.is_set() and (left := until - self._monotonic()) > 0:
            if self._hurried.wait(min(left, 1.0)) or links.shown(self._link) != shown:
                self._pauses.forgive()
                return
            if abs(self._wall() - self._monotonic() - offset) > CLOCK_STEP_SECONDS:
                return
