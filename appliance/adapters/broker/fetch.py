"""Which fetch a delivery answers.

With MQTT 5 the broker says so: each fetch subscribes with an identifier of its own. Without (3.1.1, a broker that has
no identifiers, or RabbitMQ 4, which claims to have them and delivers retained messages without) a delivery counts for
the latest fetch that it fits, once that one's SUBACK is there: before it, it may still answer the fetch before.
"""

from collections.abc import Iterable

from paho.mqtt.client import topic_matches_sub


class Fetches:
    """The fetches of one connection."""

    def __init__(self) -> None:
        self.identified = False
        """The broker repeats subscription identifiers."""
        self._refs: list[int] = []  # by subscription identifier, which starts at 1
        self._waiting: dict[int, tuple[int, str]] = {}  # packet identifier -> ref, topic
        self._latest: dict[
            str, int | None
        ] = {}  # topic -> ref, None before its SUBACK; the latest comes last

    def identify(self, ref: int) -> int:
        """Return the subscription identifier for a fetch."""
        self._refs.append(ref)
        return len(self._refs)

    def ask(self, mid: int, ref: int, topic: str) -> None:
        """The SUBSCRIBE with packet identifier `mid` is on its way."""
        self._waiting[mid] = (ref, topic)
        self._latest.pop(topic, None)
        self._latest[topic] = None

    def answer(self, mid: int, *, granted: bool) -> int | None:
        """The SUBACK came; return the ref, or None if nobody asked."""
        if mid not in self._waiting:
            return None
        ref, topic = self._waiting.pop(mid)
        if all(topic != other for _, other in self._waiting.values()):
            if granted:
                self._latest[topic] = ref
            else:
                del self._latest[topic]
        return ref

    def ref_of(self, topic: str, identifiers: Iterable[int]) -> int | None:
        """Return the ref of the fetch that a retained delivery answers."""
        if self.identified and (given := tuple(identifiers)):
            known = [number for number in given if 1 <= number <= len(self._refs)]
            return self._refs[max(known) - 1] if known else None
        for asked in reversed(self._latest):
            if topic_matches_sub(asked, topic):
                return self._latest[asked]
        return None
