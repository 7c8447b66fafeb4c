"""The panel on the desk, through luma's drivers.

Rules:

1. Trouble on the bus is no exception but a state: the panel is away, what its glass shows is unknown, and the next
   attempt is due at some time. Nothing of it ever reaches the loop but one call of `failed` and one of `back`.
2. What was written is not what is seen: a power blip, of which the bus knows nothing, leaves a dark panel that takes
   every write. So all of it is sent anew every few minutes.
3. Only what changed is sent: a whole frame takes 93 ms of a bus at 100 kHz, one step of the bar 1 ms.
4. luma is imported when a panel is opened: on a slow card it takes seconds.

wiring      what the board and the settings say
serial      luma's I2C and SPI, opened and let go of
picture     a frame as the panel's own pages
patch       what changed between two pictures
controller  what a chip is told: when waking, before pixels, for its light
painter     the pictures of one panel, for as long as its bus works
trouble     what went wrong, in words
panel       the port that the shell sees: attempt after attempt, until stopped
"""

from appliance.adapters.oled.panel import OledPanel, blank
from appliance.adapters.oled.wiring import Wiring

__all__ = ["OledPanel", "Wiring", "blank"]
