"""What the tests of all screens measure frames with, and what they are told."""

from hypothesis import strategies as st
from PIL import Image, ImageChops

from appliance.core.layout.header import Sign

ANY_TEXT = st.text(st.characters(), max_size=60)
SHIFTS = st.tuples(st.integers(-2, 2), st.integers(-2, 2))
SIGNS: st.SearchStrategy[Sign] = st.sampled_from(["verified", "pending", "problem", ""])


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of what differs; right and bottom exclusive."""
    return ImageChops.difference(before.convert("L"), after.convert("L")).getbbox()


def inside_margin(frame: Image.Image) -> bool:
    """Return whether nothing is lit where the pixel shift would cut it off."""
    box = frame.getbbox()
    return box is None or (box[0] >= 2 and box[1] >= 2 and box[2] <= 126 and box[3] <= 62)
