"""What happens in the demo, in the order in which it happens: messages at the broker, and notes."""

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from appliance.cli.terminal import Json

LENGTH: Final = 400


@dataclass(frozen=True, slots=True)
class Message:
    """A message that passed through the broker."""

    at: float
    """Unix seconds."""
    topic: str
    size: int
    """Bytes of the payload."""
    retained: bool | None
    """None: MQTT 3.1.1 does not pass it on."""
    verdict: str = ""
    """What the device that wrote it says of its backup since; empty until it was asked."""

    @property
    def device(self) -> str:
        """The id of the device that wrote it: otp-appliance/VAULT/DEVICE/backup."""
        levels = self.topic.split("/")
        return levels[2] if len(levels) > 3 else ""

    @property
    def backup(self) -> bool:
        """Whether it is a backup that its device will judge."""
        return self.topic.endswith("/backup") and self.size > 0


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the demo did, or that an appliance said."""

    at: float
    text: str
    who: str = ""
    """The appliance or the broker; empty: the demo itself."""
    grave: bool = False


Entry = Message | Note


class Journal:
    """The latest entries; from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=LENGTH)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, the oldest first."""
        with self._guard:
            return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Write an entry."""
        with self._guard:
            self._entries.append(entry)

    def note(self, text: str, who: str = "", *, grave: bool = False) -> None:
        """Write a note of this moment."""
        self.add(Note(time.time(), text, who, grave))

    def judge(self, status: Json, asked_at: float) -> None:
        """Let the newest backup of a device carry what the device says of it.

        Only what was asked after the message passed counts: the device says `pending` before it publishes, so
        whatever it says later is about this message or a newer one.
        """
        with self._guard:
            for place in range(len(self._entries) - 1, -1, -1):
                entry = self._entries[place]
                if isinstance(entry, Message) and entry.backup and entry.device == status["device"]:
                    if entry.at < asked_at:
                        self._entries[place] = replace(entry, verdict=status["backup"]["state"])
                    return
