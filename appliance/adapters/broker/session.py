"""One connection to the broker, from CONNECT to its end. Everything here but `take` runs in the supervisor's thread."""

import select
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Event as Flag
from typing import Any, Final

from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import LogLevel
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from appliance.adapters.broker import trouble
from appliance.adapters.broker.client import (
    ANSWER_SECONDS,
    CONTENT_TYPE,
    Version,
    client_for,
    connect,
    properties,
)
from appliance.adapters.broker.delivery import Deliveries
from appliance.adapters.broker.fetch import Fetches
from appliance.adapters.broker.framing import Farewell
from appliance.adapters.broker.link import Link
from appliance.adapters.broker.order import Bell, Publication, Subscription
from appliance.adapters.broker.pause import Kind
from appliance.adapters.broker.trouble import STOPPED, Ending
from appliance.core.events import Acknowledged, Connected, Oversized, Problem, Received, Subscribed
from appliance.errors import ApplianceError
from appliance.ports import Post

KEEPALIVE_SECONDS: Final = 20
TICK_SECONDS: Final = 0.5
READS: Final = 100
"""Packets that are read before anything else has its turn."""
PATIENCE_SECONDS: Final = 60.0
"""A broker that answers pings but acknowledges nothing for so long is left when there is more to publish."""
HEADER_BYTES: Final = 128
"""More than the fixed header, packet identifier and properties of any publication of ours."""


class Session:
    """One client of paho and what it was asked to do. `run` once, then throw away."""

    def __init__(
        self,
        link: Link,
        version: Version,
        *,
        keepalive: int,
        bell: Bell,
        stopped: Flag,
        monotonic: Callable[[], float],
        post: Post,
        on_up: Callable[["Session"], None],
    ) -> None:
        """`on_up` is called just before Connected is posted: orders are taken from then on."""
        self._link = link
        self._version = version
        self._bell = bell
        self._stopped = stopped
        self._monotonic = monotonic
        self._post = post
        self._on_up = on_up
        self._client = client_for(link, version, monotonic)
        self._deliveries = Deliveries(post, monotonic)
        self._orders: deque[Publication | Subscription] = deque()
        self._heard: deque[Callable[[], None]] = deque()
        self._complaints: deque[tuple[int, str]] = deque(maxlen=8)
        self._publications: dict[
            int, tuple[int, float]
        ] = {}  # packet identifier -> ref, when; the oldest first
        self._sizes: dict[
            int, int
        ] = {}  # packet identifier -> bytes of the payload, of the same publications
        self._fetches = Fetches()
        self._packet_limit: int | None = None
        self._retain = True
        self._quality = 1
        self._in_flight = 20
        self._up_at: float | None = None
        self._answered = False
        self._ending: Ending | None = None
        self.keepalive = keepalive
        """Seconds; what the broker wants, if that is less than what it was offered."""

    def take(self, order: Publication | Subscription) -> None:
        """Leave an order, from any thread; dropped in silence if the connection ends first."""
        self._orders.append(order)
        self._bell.ring()

    def run(self) -> Ending:
        """Connect and stay until the connection ends or the supervisor is stopped; returns how it ended."""
        self._listen()
        try:
            connect(self._client, self._link, self.keepalive)
        except ApplianceError as error:
            return Ending("ordinary", trouble.told(error))
        except (OSError, ValueError) as error:
            return Ending("ordinary", trouble.of_connecting(error, self._link))
        try:
            return self._converse()
        finally:
            sock = self._client.socket()
            if sock is not None:
                sock.close()

    # --- the wire

    def _listen(self) -> None:
        # One append each: what raises in a callback is lost in paho's depths.
        heard, client = self._heard, self._client
        client.on_connect = lambda _c, _u, _f, code, terms: heard.append(partial(self._greeted, code, terms))
        client.on_disconnect = lambda _c, _u, flags, code, _p: heard.append(
            partial(self._dismissed, code, by_broker=flags.is_disconnect_packet_from_server)
        )
        client.on_publish = lambda _c, _u, mid, code, _p: heard.append(partial(self._acknowledged, mid, code))
        client.on_subscribe = lambda _c, _u, mid, codes, _p: heard.append(
            partial(self._subscribed, mid, codes)
        )
        client.on_message = lambda _c, _u, message: heard.append(partial(self._received, message))
        client.on_log = lambda _c, _u, level, text: self._complaints.append((level, text))

    def _converse(self) -> Ending:
        until = self._monotonic() + ANSWER_SECONDS
        while self._ending is None:
            if self._stopped.is_set():
                self._client.disconnect()
                return STOPPED
            if not self._answered and self._monotonic() >= until:
                return self._end("speechless", trouble.of_mute(self._link))
            self._exchange()
            while self._heard:
                self._heard.popleft()()
            self._deliveries.tend()
            self._obey()
        return self._ending

    def _exchange(self) -> None:
        """Wait for something to happen on the wire or to the bell, and let paho read and write."""
        client = self._client
        sock = client.socket()
        if sock is None:
            self._dismissed(None, by_broker=False)
            return
        buffered = client.pending or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0)
        readers: list[Any] = [sock, self._bell]
        writers: list[Any] = [sock] if client.want_write() else []
        patience = 0 if buffered or self._heard else TICK_SECONDS
        readable, writable, _ = select.select(readers, writers, [], patience)
        if self._bell in readable:
            self._bell.hush()
        try:
            if buffered or sock in readable:
                self._read()
            if sock in writable:
                client.loop_write()
            client.loop_misc()
        except Exception:  # noqa: BLE001 - paho's parser raises whatever bytes make it raise: struct.error, KeyError, ...
            self._ending = self._garbled()

    def _read(self) -> None:
        """Let paho read a packet, and those that came with it, so that a stream does not cost a `select` for each."""
        for _ in range(READS):
            self._client.loop_read()
            if not self._client.framer.ready or self._client.socket() is None:
                return

    def _obey(self) -> None:
        while self._orders and self._ending is None and self._client.socket() is not None:
            order = self._orders[0]
            # The broker says how many unacknowledged publications it bears; one more, and it hangs up.
            if isinstance(order, Publication) and len(self._publications) >= self._in_flight:
                self._be_patient()
                return
            self._orders.popleft()
            if isinstance(order, Publication):
                self._publish(order)
            else:
                self._subscribe(order)

    def _publish(self, order: Publication) -> None:
        refusal = self._refusal(order)
        if refusal is not None:
            self._post(Acknowledged(order.ref, refusal))
            return
        extra = None
        if self._version == "5" and order.payload:
            extra = properties(PacketTypes.PUBLISH, ContentType=CONTENT_TYPE)
        sent = self._client.publish(
            order.topic, order.payload, qos=self._quality, retain=True, properties=extra
        )
        # With QoS 0 paho says that it was acknowledged when it was handed to the socket.
        self._publications[sent.mid] = (order.ref, self._monotonic())
        self._sizes[sent.mid] = len(order.payload)

    def _be_patient(self) -> None:
        # Without an end to it, what the core tries again and again would pile up here.
        _, oldest = next(iter(self._publications.values()))
        if self._monotonic() - oldest > PATIENCE_SECONDS:
            why = "it no longer acknowledges publications"
            self._ending = self._end("ordinary", trouble.broken(self._link, why, "restart the broker"))

    def _refusal(self, order: Publication) -> str | None:
        """Why this can't be sent: the broker would hang up on it, again and again."""
        if not self._retain:
            return "the broker keeps no retained messages"
        size = len(order.payload) + len(order.topic.encode()) + HEADER_BYTES
        if self._packet_limit is not None and size > self._packet_limit:
            return f"larger than the {self._packet_limit} bytes that the broker takes"
        return None

    def _subscribe(self, order: Subscription) -> None:
        extra = None
        if self._fetches.identified:
            identifier = self._fetches.identify(order.ref)
            extra = properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=identifier)
        _, mid = self._client.subscribe(order.topic, qos=self._quality, properties=extra)
        if mid is not None:
            self._deliveries.expect(order.ref)
            self._fetches.ask(mid, order.ref, order.topic)

    # --- what the broker said

    def _greeted(self, code: ReasonCode, terms: Properties) -> None:
        if self._answered:
            return  # a second CONNACK means nothing
        self._answered = True
        if code.is_failure:
            self._ending = self._end(*trouble.of_refusal(code, self._link))
            return
        self._up_at = self._monotonic()
        self._packet_limit = getattr(terms, "MaximumPacketSize", None)
        self._retain = bool(getattr(terms, "RetainAvailable", 1))
        maximum = getattr(terms, "MaximumQoS", 2)
        self._quality = min(1, maximum)
        self._in_flight = max(1, getattr(terms, "ReceiveMaximum", 20))
        self._fetches.identified = self._version == "5" and bool(
            getattr(terms, "SubscriptionIdentifierAvailable", 1)
        )
        # paho 2.1 overlooks the broker's keepalive: the next connection offers no more than that.
        wanted = getattr(terms, "ServerKeepAlive", 0) or self.keepalive
        self.keepalive = min(self.keepalive, wanted)
        self._on_up(self)
        self._post(Connected(self._packet_limit, self._retain, self._version, maximum))

    def _dismissed(self, code: ReasonCode | None, *, by_broker: bool) -> None:
        if self._ending is not None:
            return
        if self._client.unbearable:
            self._ending = self._end("ordinary", self._fallen(self._client.unbearable))
        elif by_broker or self._client.framer.farewell is not None:
            self._ending = self._sent_away()
        elif self._client.malformed or (code is not None and code.value == 130):
            self._ending = self._garbled()
        elif self._up_at is None:
            self._ending = self._end("speechless", trouble.of_silence(self._link, self._complaint()))
        elif code is not None and code.value == 141:
            self._ending = self._end(
                "ordinary",
                trouble.broken(self._link, "it no longer answers", "check the broker and the network"),
            )
        else:
            # While something large is being published there is a better guess than a quarrel about the id.
            self._ending = self._end("ordinary" if self._sizes else "closed", self._fallen(self._closed()))

    def _closed(self) -> str:
        why = self._complaint() or "it closed the connection"
        if not self._sizes:
            return why
        # rumqttd hangs up on what is larger than it takes, and says nothing.
        return f"{why} while {max(self._sizes.values())} bytes were being published"

    def _acknowledged(self, mid: int, code: ReasonCode) -> None:
        if mid in self._publications:
            ref, _ = self._publications.pop(mid)
            del self._sizes[mid]
            self._post(Acknowledged(ref, trouble.words(code) if code.is_failure else None))

    def _subscribed(self, mid: int, codes: list[ReasonCode]) -> None:
        failure = next((code for code in codes if code.is_failure), None)
        ref = self._fetches.answer(mid, granted=failure is None)
        if ref is not None:
            self._post(Subscribed(ref, None if failure is None else trouble.words(failure)))

    def _received(self, message: MQTTMessage) -> None:
        size = self._client.framer.sizes.popleft()
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        ref = None
        if message.retain:
            ref = self._fetches.ref_of(topic, getattr(message.properties, "SubscriptionIdentifier", ()))
        if size is None:
            self._deliveries.tell(Received(ref, topic, bytes(message.payload), message.retain))
        else:
            self._deliveries.tell(Oversized(ref, topic, size, message.retain))

    # --- how it ended

    def _fallen(self, why: str) -> Problem:
        told = trouble.broken if self._up_at is not None else trouble.unreachable
        return told(self._link, why, "see the broker's log")

    def _sent_away(self) -> Ending:
        farewell = self._client.framer.farewell or Farewell(0, "")
        if farewell.reason == 142:
            return self._end(
                "taken over",
                trouble.broken(
                    self._link, "another connection took over this id", "see that no other device uses it"
                ),
            )
        said = trouble.words_of(farewell) if farewell.reason else "it ended the connection"
        return self._end("speechless" if self._up_at is None else "ordinary", self._fallen(said))

    def _garbled(self) -> Ending:
        if self._up_at is None:
            problem = trouble.unreachable(
                self._link, "it sent something that is not MQTT", "check mqtt.port, and whether it speaks TLS"
            )
            return self._end("speechless", problem)
        # mosquitto answers what is over its message_size_limit with a PUBACK of 0x95, which MQTT 5 does not allow and
        # paho does not survive. So garbage while an answer is due counts as that answer, or it would be tried for ever.
        for ref, _ in self._publications.values():
            self._post(Acknowledged(ref, "no proper answer; it may be larger than the broker takes"))
        why, hint = "it sent something that is not MQTT", "see the broker's log"
        return self._end("ordinary", trouble.broken(self._link, why, hint))

    def _complaint(self) -> str:
        errors = [text for level, text in self._complaints if level == LogLevel.MQTT_LOG_ERR]
        # "failed to receive on socket: [Errno 104] Connection reset by peer" or "... [SSL: X] x (_ssl.c:99)"
        return errors[-1].partition("] ")[2].partition(" (_ssl")[0].lower() if errors else ""

    def _end(self, kind: Kind, problem: Problem) -> Ending:
        lasted = 0.0 if self._up_at is None else self._monotonic() - self._up_at
        return Ending(kind, problem, lasted, self._answered)
