"""Draws on the pages of a PDF, in points from the top left corner; black and two greys on white.

Rules: text is printed where the caller measured it; the pen adds nothing but the foot of each page. A QR code is one
path of rectangles: sharp at any resolution, and without light seams between its modules.
"""

import io
from dataclasses import dataclass
from typing import Any, Final, Literal

from appliance.errors import ApplianceError
from appliance.paper.lettering import cut_to, width
from appliance.paper.square import Square

MM: Final = 72 / 25.4
Size = Literal["a4", "letter"]
SIZES: Final[dict[Size, tuple[float, float]]] = {"a4": (210 * MM, 297 * MM), "letter": (8.5 * 72, 11 * 72)}
"""Width and height."""

PLAIN: Final = "Helvetica"
BOLD: Final = "Helvetica-Bold"
SLANTED: Final = "Helvetica-Oblique"
FIXED: Final = "Courier"
FIXED_BOLD: Final = "Courier-Bold"

BLACK: Final = 0.0
GREY: Final = 0.35
"""Of words that explain."""
PALE: Final = 0.7
"""Of lines."""

MARGIN: Final = 16 * MM
"""Left, right and top; no printer's own margin reaches that far."""
FOOT: Final = 10 * MM
"""Height of the baseline of a page's foot above the edge of the paper."""


@dataclass(frozen=True, slots=True)
class Foot:
    """What stands at the foot of the pages of one sheet."""

    left: str
    right: str
    """Before "page 1 of 7"."""
    pages: int


class Pen:
    """A PDF in the making. Raises ApplianceError if reportlab is not installed."""

    def __init__(self, size: Size, title: str) -> None:
        try:
            from reportlab.pdfgen.canvas import Canvas
        except ImportError:
            raise ApplianceError(
                "can't make a PDF", "reportlab is not installed", "pip install 'otp-appliance[paper]'"
            ) from None
        self.width, self.height = SIZES[size]
        self._bytes = io.BytesIO()
        # Invariant: without the time and a random id, so that the same sheets are the same bytes.
        self._canvas: Any = Canvas(self._bytes, pagesize=SIZES[size], invariant=True, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setCreator("otp-appliance")

    @property
    def room(self) -> float:
        """The width between the margins."""
        return self.width - 2 * MARGIN

    @property
    def bottom(self) -> float:
        """How far down a page may be drawn on, above its foot."""
        return self.height - FOOT - 6 * MM

    def text(
        self, x: float, y: float, text: str, font: str = PLAIN, size: float = 9.5, grey: float = BLACK
    ) -> float:
        """Print a line with its baseline at `y`, and return where it ends."""
        self._canvas.setFillGray(grey)
        self._canvas.setFont(font, size)
        self._canvas.drawString(x, self.height - y, text)
        return x + width(text, font, size)

    def text_to(
        self, x: float, y: float, text: str, font: str = PLAIN, size: float = 9.5, grey: float = BLACK
    ) -> None:
        """Print a line that ends at `x`."""
        self.text(x - width(text, font, size), y, text, font, size, grey)

    def line(self, x: float, y: float, end: float, grey: float = PALE, thickness: float = 0.5) -> None:
        """Draw a level line."""
        self._canvas.setStrokeGray(grey)
        self._canvas.setLineWidth(thickness)
        self._canvas.line(x, self.height - y, end, self.height - y)

    def frame(self, x: float, y: float, wide: float, high: float, grey: float = BLACK) -> None:
        """Draw the outline of a box."""
        self._canvas.setStrokeGray(grey)
        self._canvas.setLineWidth(0.7)
        self._canvas.rect(x, self.height - y - high, wide, high, stroke=1, fill=0)

    def square(self, x: float, y: float, square: Square, module: float) -> None:
        """Draw a QR code with its top left module at (x, y), each module `module` points wide."""
        self._canvas.setFillGray(BLACK)
        path = self._canvas.beginPath()
        top = self.height - y
        for column, row, length in square.runs():
            path.rect(x + column * module, top - (row + 1) * module, length * module, module)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def end_page(self, foot: Foot, number: int) -> None:
        """Print the foot of a page, and turn to a new one."""
        y, size = self.height - FOOT, 8
        right = f"{foot.right} \u00b7 page {number} of {foot.pages}"
        self.text_to(self.width - MARGIN, y, right, BOLD, size, GREY)
        left = cut_to(foot.left, PLAIN, size, self.room - width(right, BOLD, size) - 5 * MM)
        self.text(MARGIN, y, left, PLAIN, size, GREY)
        self._canvas.showPage()

    def finished(self) -> bytes:
        """Return the PDF; nothing can be drawn after that."""
        self._canvas.save()
        return self._bytes.getvalue()
