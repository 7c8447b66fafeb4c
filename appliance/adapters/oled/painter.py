"""The pictures of one panel, for as long as its bus works.

Every method raises what the bus raises; after that, what the glass shows is unknown and the painter is of no use.
"""

from typing import Any, Protocol

from PIL.Image import Image

from appliance.adapters.oled import controller as controllers
from appliance.adapters.oled.controller import (
    COLUMN_WINDOW,
    DIM_PART,
    FLUSH,
    HIGH_COLUMN,
    PAGE,
    PAGE_WINDOW,
    Command,
    Controller,
)
from appliance.adapters.oled.patch import Patch, changes, stacked, whole
from appliance.adapters.oled.picture import Pages, fitted, pages
from appliance.adapters.oled.wiring import Glow, Wiring


class Painter(Protocol):
    """What the panel needs of the chip."""

    def wake(self, frame: Image, glow: Glow) -> None:
        """Send what the chip must know after power came, and the whole frame; both blocks for one transfer."""
        ...

    def refresh(self, frame: Image, glow: Glow) -> None:
        """Send the same again to a chip that most likely has it all."""
        ...

    def paint(self, frame: Image) -> None:
        """Send what changed since the last frame, in the dark as well."""
        ...

    def light(self, glow: Glow) -> None:
        """Make the panel as bright as this."""
        ...

    def probe(self) -> None:
        """Find out whether the chip still answers, without changing anything."""
        ...


def painter_for(wiring: Wiring, serial: Any) -> Painter:
    """Return the painter for a chip; no I/O. Raises luma's Error if the chip has no such size."""
    if controllers.partial(wiring):
        return PagePainter(wiring, serial, controllers.controller_for(wiring))
    return WholePainter(wiring, serial)


class PagePainter:
    """Sends only what changed: to the SSD1306 and SSD1309 as windows, to the SH1106 as runs within a page."""

    def __init__(self, wiring: Wiring, serial: Any, controller: Controller) -> None:
        self._wiring = wiring
        self._serial = serial
        self._controller = controller
        self._sent: Pages = ()
        self._columns: Command = ()
        self._pages: Command = ()

    def wake(self, frame: Image, glow: Glow) -> None:
        """Send it all, and turn the display on last, so that nobody sees the noise in a fresh memory."""
        for command in (FLUSH, *self._controller.waking):
            self._serial.command(*command)
        self._send_whole(frame)
        self._serial.command(*self._controller.light(glow))

    def refresh(self, frame: Image, glow: Glow) -> None:
        """Send it all without turning the display off, which a panel that is well would show as a flicker."""
        (_off, *first), *others = self._controller.waking
        for command in (first, *others, self._controller.light(glow)):
            self._serial.command(*command)
        self._send_whole(frame)

    def paint(self, frame: Image) -> None:
        """Send what changed since the last frame."""
        picture = pages(frame, self._wiring)
        patches = changes(self._sent, picture)
        for patch in stacked(patches) if self._controller.model.windows else patches:
            self._send(patch, picture)
        self._sent = picture

    def light(self, glow: Glow) -> None:
        """Set contrast and pre-charge, and VCOMH where the chip bears it, or turn the display off."""
        self._serial.command(*self._controller.light(glow))

    def probe(self) -> None:
        """Send commands that do nothing; on SPI nobody answers, and the refresh alone helps."""
        self._serial.command(*FLUSH)

    def _send_whole(self, frame: Image) -> None:
        picture = pages(frame, self._wiring)
        self._columns, self._pages = (), ()
        patch = whole(picture)
        if self._controller.model.windows:
            self._send(patch, picture)
        else:
            for page in range(patch.bottom):
                self._send(Patch(0, patch.right, page, page + 1), picture)
        self._sent = picture

    def _send(self, patch: Patch, picture: Pages) -> None:
        left = patch.left + self._controller.offset
        if self._controller.model.windows:
            self._open_window(left, patch)
        else:
            self._serial.command(PAGE | patch.top, left & 0x0F, HIGH_COLUMN | left >> 4)
        self._serial.data(patch.data(picture))

    def _open_window(self, left: int, patch: Patch) -> None:
        # A window that was filled is at its beginning again, so the half of it that stays need not be sent.
        columns = (COLUMN_WINDOW, left, left + patch.right - patch.left - 1)
        rows = (PAGE_WINDOW, patch.top, patch.bottom - 1)
        command = (columns if columns != self._columns else ()) + (rows if rows != self._pages else ())
        self._columns, self._pages = columns, rows
        if command:
            self._serial.command(*command)


class WholePainter:
    """Sends whole frames through the device of luma's, whatever chip it drives."""

    def __init__(self, wiring: Wiring, serial: Any) -> None:
        self._wiring = wiring
        self._serial = serial
        self._device: Any = None
        self._sent = b""

    def wake(self, frame: Image, glow: Glow) -> None:
        """Have luma initialise the chip, with this frame in the place of its empty one."""
        picture = fitted(frame, self._wiring.seen_size)
        self._device = controllers.make(self._wiring, self._serial, picture)
        self._sent = picture.tobytes()
        self.light(glow)

    def refresh(self, frame: Image, glow: Glow) -> None:
        """Do it again; the panel may flicker."""
        self.wake(frame, glow)

    def paint(self, frame: Image) -> None:
        """Send the whole frame if it is another one."""
        picture = fitted(frame, self._wiring.seen_size)
        if picture.tobytes() != self._sent:
            self._device.display(picture)
            self._sent = picture.tobytes()

    def light(self, glow: Glow) -> None:
        """Set the contrast, or turn the display off."""
        if glow.light == "dark":
            self._device.hide()
            return
        self._device.contrast(glow.contrast // DIM_PART if glow.light == "dim" else glow.contrast)
        self._device.show()

    def probe(self) -> None:
        """Nothing is known that every chip takes and none obeys."""
