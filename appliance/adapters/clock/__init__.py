"""The clocks of the operating system, and what vouches for them.

Rules: nothing here decides whether to believe the time, `core.instant` does. Nothing is ever set. Whatever the system
refuses to say counts as not said, and no trouble with a source or the proof's file reaches whoever asks for the time.

source  what Linux says: clocks, the kernel's own estimate, timesyncd's file, a battery-backed clock, the time zone
proof   what this boot already knows, kept for the processes that follow
system  the port: readings, verdict after verdict
"""

from appliance.adapters.clock.source import MAXERROR_LIMIT_US, Sources, boot_id, boottime
from appliance.adapters.clock.system import SystemClock

__all__ = ["MAXERROR_LIMIT_US", "Sources", "SystemClock", "boot_id", "boottime"]
