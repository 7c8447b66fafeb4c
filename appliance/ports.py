"""Every seam between the shell and the world, on one page. `app.py` fills them, `tests/fakes.py` mirrors them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from PIL.Image import Image

from appliance.core.care import Light
from appliance.core.events import Event, Problem
from appliance.core.instant import Instant

Post = Callable[[Event], None]
"""Puts an event into the inbox; from any thread or signal handler, never blocks."""

RandomBytes = Callable[[int], bytes]
"""Returns so many bytes from the operating system's random source."""


class Clock(Protocol):
    """Time."""

    def now(self) -> Instant:
        """Return the moment and whether it is to be trusted."""
        ...


class Source(Protocol):
    """Something that posts events by itself."""

    def start(self, post: Post) -> None:
        """Begin to post; returns at once. Raises ApplianceError if it can't."""
        ...

    def stop(self) -> None:
        """Post no more, and let go of everything; may be called twice, or without `start`."""
        ...


class Display(Protocol):
    """A panel."""

    def start(self, failed: Callable[[Problem], None], back: Callable[[], None]) -> None:
        """Light the panel; blocks for one frame. A panel that is away is no error, but told by these two.

        `failed` is called once for each outage, in the loop's thread, and `back` when a picture is shown after it.
        """
        ...

    def show(self, frame: Image) -> None:
        """Show a frame of mode "1"; may block for one transfer over the bus."""
        ...

    def light(self, light: Light, contrast: int) -> None:
        """Be as bright as this; `contrast` is that of bright, 1 to 255."""
        ...

    def tend(self) -> None:
        """Do what is due by time alone; to be called at every turn of the loop."""
        ...

    def off(self) -> None:
        """Turn the panel dark. Never raises: it runs while dying."""
        ...

    def stop(self) -> None:
        """Let go of the bus; the panel keeps what it shows. May be called twice, or without `start`."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the state folder."""

    newest: bytes | None = field(repr=False)
    """`vault.json`; None: there is none."""
    older: tuple[bytes, ...] = field(default=(), repr=False)
    """`vault.json.1` to `.3`, as far as they exist, newest first."""

    @property
    def every(self) -> tuple[bytes, ...]:
        """All that there are, newest first."""
        return self.older if self.newest is None else (self.newest, *self.older)


@dataclass(frozen=True, slots=True)
class Device:
    """Who this Pi is; kept in clear, since topics and client id need it before the vault is open."""

    id: str
    """`otp-` and eight hex digits."""
    vault: str | None
    """Id of the vault; None until there is one."""
    name: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """Wrong PINs in a row."""

    tries: int
    boot: str | None
    """Random name of the boot in which the last one was; None: not known."""
    mono: float
    """CLOCK_BOOTTIME of the last one, in that boot."""


class MemoryGauge(Protocol):
    """How much memory there is."""

    def __call__(self) -> int:
        """Return the bytes that a key derivation may use."""
        ...


class VaultStore(Protocol):
    """The state folder. Every method raises ApplianceError (StorageFailed, ReadableByOthers, ...)."""

    def lock(self) -> AbstractContextManager[None]:
        """Keep other processes from changing the vault meanwhile; waits at most 5 s, then LockBusy."""
        ...

    def load(self, *, fresh: bool = False) -> Stored:
        """Return what is on the card; `fresh`: of the card itself, not of memory, and no trouble is passed over."""
        ...

    def save(self, sealed: bytes, check: Callable[[bytes], None]) -> None:
        """Replace the vault file atomically; on return it survives a power cut.

        `check` gets the bytes as they were read back from the card, and raises if they are not good: then, as
        after any other failure, the old file is still in place. Call it only inside `lock`.
        """
        ...

    def set_aside(self, unix: float) -> str:
        """Keep the damaged newest file as `vault.bad-<time>` and return that name. Call it only inside `lock`."""
        ...

    def forget_older(self) -> None:
        """Remove everything that an older key opens: `vault.json.1` to `.3`, and what was set aside."""
        ...

    def attempts(self) -> Attempts:
        """Return the wrong PINs so far; a file that says nothing of use counts as very many."""
        ...

    def save_attempts(self, attempts: Attempts | None) -> None:
        """Keep the count; on return it survives a power cut and was read back. None: there are none."""
        ...

    def remembered(self) -> Mapping[str, float]:
        """Return the numbers that were remembered. Never raises: what can't be used counts as none."""
        ...

    def remember(self, key: str, value: float) -> None:
        """Keep a number beside the others; waits for the lock."""
        ...

    def device(self) -> Device | None:
        """Return who this Pi is; None if nobody decided that yet."""
        ...

    def save_device(self, device: Device) -> None:
        """Keep who this Pi is."""
        ...

    def secret(self) -> bytes | None:
        """Return the device secret; None if there is none."""
        ...

    def save_secret(self, secret: bytes) -> None:
        """Keep the device secret, readable by the owner alone."""
        ...


class Broker(Source, Protocol):
    """The link to an MQTT broker: posts Connected, Lost, Acknowledged, Subscribed, Received, Oversized, Truncated.

    Whatever the broker sends, this much is posted and no more: for each fetch at most 32 MiB of Received, then one
    Truncated; of a message above 1 MiB an Oversized; of messages that answer no fetch a burst, then the latest on
    each topic, about eight a second. No packet costs more than a second, or more than a few MiB.
    """

    def publish(self, ref: int, topic: str, payload: bytes) -> None:
        """Publish retained, QoS 1 -> Acknowledged(ref). Dropped in silence while there is no link."""
        ...

    def fetch(self, ref: int, topic: str) -> None:
        """Subscribe anew to one topic, QoS 1 -> Subscribed(ref), then Received(ref). Dropped without a link."""
        ...

    def hurry(self) -> None:
        """End the pause between two attempts, however long it is; never blocks."""
        ...


class Control(Source, Protocol):
    """The control socket: posts Asked, takes answers."""

    def reply(self, ask: int, result: object) -> None:
        """Answer a question; in silence if the client has gone."""
        ...

    def refuse(self, ask: int, problem: str) -> None:
        """Answer a question with an error; in silence if the client has gone."""
        ...
