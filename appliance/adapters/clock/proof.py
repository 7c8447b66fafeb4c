"""What this boot already knows about its clock, in a file of the runtime folder, for the processes that follow.

A process that is executed anew must know that the time was synchronised once, and that it jumped since: else it would
withhold codes that are right, or take timesyncd's word for a time that has been changed.

Rules: a file of another boot, or one that is not exactly what was written here, says nothing. It need not survive a
power cut (the folder does not either), so it is not flushed. Failing to keep it never stops anything: the `anchor` of an
older file still shows a jump.
"""

import contextlib
import json
import logging
import math
import os
from pathlib import Path
from typing import Any, Final, get_args

from appliance.core.instant import Instant, Trust

LIMIT: Final = 4096
ANCHOR_SECONDS: Final = 1.0
"""How far the anchor must have moved to be worth writing."""
RETRY_SECONDS: Final = 10.0

_KEYS: Final = {"boot", "trust", "since", "anchor", "jumped"}
_log = logging.getLogger("appliance")


class Proof:
    """The file at `path`, as far as it speaks of the boot named `boot`."""

    def __init__(self, path: Path, boot: str) -> None:
        self.path = path
        self._boot = boot
        self._kept: Instant | None = None
        self._retry_at = -math.inf
        self._complained = False

    def read(self, mono: float) -> Instant | None:
        """Return what was known before `mono`, the present; None: nothing. Its clocks are those of the proof."""
        self._kept = self._parse(self._load(), mono)
        return self._kept

    def write(self, instant: Instant) -> None:
        """Keep what is known now, if it differs from what is kept; if it can't, try again some seconds later."""
        if not self._worth_keeping(instant) or instant.mono < self._retry_at:
            return
        known = {
            "boot": self._boot,
            "trust": instant.trust,
            "since": instant.since,
            "anchor": instant.anchor,
            "jumped": instant.jumped,
        }
        try:
            self._replace(json.dumps(known).encode() + b"\n")
        except OSError as error:
            self._retry_at = instant.mono + RETRY_SECONDS
            self._complain(error)
        else:
            self._kept = instant

    def _worth_keeping(self, instant: Instant) -> bool:
        kept = self._kept
        if kept is None:
            # To know nothing is what a process without a file starts from.
            return instant.trusted or instant.jumped
        # `jumped` changes with the trust only.
        return kept.trust != instant.trust or abs(kept.anchor - instant.anchor) > ANCHOR_SECONDS

    def _replace(self, data: bytes) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o640), "wb") as file:
            file.write(data)
        new.rename(self.path)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.debug('clock-proof-not-kept path="%s" why="%s"', self.path, error.strerror or error)

    def _load(self) -> bytes:
        with contextlib.suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            with os.fdopen(os.open(self.path, flags), "rb") as file:
                return file.read(LIMIT + 1)
        return b""

    def _parse(self, raw: bytes, mono: float) -> Instant | None:
        if len(raw) > LIMIT:
            return None
        try:
            known = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        if not isinstance(known, dict) or known.keys() != _KEYS or known["boot"] != self._boot:
            return None
        return _remembered(known, mono)


def _remembered(known: dict[str, Any], mono: float) -> Instant | None:
    trust: Trust = known["trust"]
    jumped, since, anchor = known["jumped"], known["since"], known["anchor"]
    if trust not in get_args(Trust) or not isinstance(jumped, bool):
        return None
    if not _finite(since) or not _finite(anchor) or not 0 <= since <= mono:
        return None
    if jumped is (trust != "not-set"):
        return None  # such a moment is never judged
    return Instant(anchor + since, since, trust, since, anchor=anchor, jumped=jumped)


def _finite(value: object) -> bool:
    return type(value) is float and math.isfinite(value)
