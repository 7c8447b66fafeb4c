"""The QR screen: one account for a phone's camera.

Rules: modules are dark on a lit square, as readers expect. The square fills the height of the panel and is not
shifted: the quiet zone is wider than the margin, and the screen is seen for half a minute only.
"""

from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from appliance.core.layout.frame import HEADER_ROW, LIT, MARGIN, SIZE, blank_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.paragraph import draw_lines, lines
from appliance.core.layout.typeface import picture

Modules = tuple[str, ...]
"""As many equally long rows of `#` (dark) and `.`, without the quiet zone."""

_SIDE: Final = SIZE[1]
_MOST_VERSION: Final = 9
_MOST_MODULES: Final = 17 + 4 * _MOST_VERSION
"""53: five modules are left for the quiet zone, and four are asked for (ISO/IEC 18004)."""
_MOST_LINES: Final = 5
_GAP: Final = 4
_TOO_LARGE: Final = ("This one is too long for a QR code of this size.",)


@dataclass(frozen=True, slots=True)
class QrView:
    """A code to be photographed."""

    modules: Modules | None = field(repr=False)
    """None: the text is too long for the panel, and the screen says so."""
    caption: str
    """What it is the code of."""


def qr_modules(text: str) -> Modules:
    """Return the smallest QR code of `text` (UTF-8, error correction L or better), at most version 9.

    Raises ValueError if the text needs a larger one: version 9 holds 230 bytes. What UTF-8 can't encode becomes `?`;
    Python's own error would carry the text, which is a secret.
    """
    import segno

    matrix = segno.make_qr(text.encode("utf-8", "replace"), error="l").matrix
    if len(matrix) > _MOST_MODULES:
        raise ValueError("too long for a QR code on the display")
    return tuple("".join("#" if module else "." for module in row) for row in matrix)


def qr_frame(view: QrView) -> Image.Image:
    """Return the QR screen, or a message if there is no code that fits."""
    if not view.modules or len(view.modules) > _MOST_MODULES:
        return message_frame(MessageView(view.caption, _TOO_LARGE))
    frame = blank_frame()
    left = SIZE[0] - _SIDE
    frame.paste(LIT, (left, 0, SIZE[0], _SIDE))
    code = _light_modules(view.modules)
    start = (_SIDE - code.width) // 2
    frame.paste(code, (left + start, start))
    draw_lines(frame, lines(view.caption, _MOST_LINES, left - _GAP - MARGIN), HEADER_ROW)
    return frame


def _light_modules(modules: Modules) -> Image.Image:
    code = picture(tuple(row.translate(_INVERSE) for row in modules))
    scale = 2 if 2 * len(modules) < _SIDE else 1
    return code.resize((code.width * scale, code.height * scale), Image.Resampling.NEAREST)


_INVERSE: Final = str.maketrans("#.", ".#")
