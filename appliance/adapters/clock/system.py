"""The port `Clock` on Linux: reading after reading, judged by the core."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.adapters.clock.proof import Proof
from appliance.adapters.clock.source import Rtc, Sources, moment
from appliance.core.instant import Instant, Reading, judge, vouched


class SystemClock:
    """The port `Clock`; any thread may ask it.

    `proof` is a file of the runtime folder in which the processes of one boot hand on what they know; None: this one
    starts from nothing. One process at a time may keep it: a command that only reads has `keep` false. `floor` is the
    last known good time, Unix seconds; synchronised time replaces it. `altered` returns what a simulation makes of a
    reading.
    """

    def __init__(
        self,
        *,
        proof: Path | None = None,
        floor: float = 0.0,
        keep: bool = True,
        sources: Sources | None = None,
        altered: Callable[[Reading], Reading] | None = None,
    ) -> None:
        self._path = proof
        self._floor = floor
        self._keep = keep
        self._sources = sources or Sources()
        self._altered = altered
        self._rtc = Rtc(self._sources.rtc)
        self._lock = threading.Lock()
        self._started = False
        self._proof: Proof | None = None
        self._last: Instant | None = None

    def now(self) -> Instant:
        """Return the moment and whether it is to be trusted; never raises.

        A few system calls, microseconds. While nothing vouches for the time, a battery-backed clock is asked too: that
        may take milliseconds, once in ten seconds.
        """
        with self._lock:
            return self._keeping(self._judged())

    def vouch(self) -> None:
        """Take the owner's word for the present time; without effect where the time has certainly passed."""
        with self._lock:
            self._keeping(vouched(self._judged()))

    def _judged(self) -> Instant:
        if not self._started:
            self._started = True
            self._last = self._known_before()
        reading = self._reading()
        found = self._verdict(reading)
        if found.trusted:
            return found
        return self._verdict(replace(reading, rtc=self._rtc.at(reading.mono)))

    def _verdict(self, reading: Reading) -> Instant:
        return judge(self._last, reading if self._altered is None else self._altered(reading))

    def _reading(self) -> Reading:
        """Return what the system says, but for a battery-backed clock."""
        # Asked on both sides: a step in between would otherwise be taken for synchronised time, and from the next
        # reading on it would be held over.
        synchronised = self._sources.synchronised()
        unix, mono = moment(self._sources)
        synchronised = synchronised and self._sources.synchronised()
        return Reading(
            unix,
            mono,
            synchronised,
            once=self._last is None and self._sources.once(),
            floor=self._floor,
            zone=self._sources.zone(unix),
        )

    def _known_before(self) -> Instant | None:
        boot = None if self._path is None else self._sources.boot_id()
        if self._path is None or boot is None:
            return None
        self._proof = Proof(self._path, boot)
        return self._proof.read(self._sources.boot())

    def _keeping(self, instant: Instant) -> Instant:
        self._last = instant
        if instant.trust == "synchronised":
            self._floor = instant.unix
        if self._keep and self._proof is not None:
            self._proof.write(instant)
        return instant
