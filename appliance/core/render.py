"""The picture of a state: `render(state, now) -> frame`, pure, so that a test can compare pixels."""

from PIL.Image import Image

from appliance.core.account_view import SCROLL_REST, SCROLL_SECONDS, SCROLL_STEPS, heading
from appliance.core.instant import Instant
from appliance.core.layout.code_screen import issuer_overflow
from appliance.core.layout.compact import SIZE_32
from appliance.core.layout.screen import frame_32, frame_64
from appliance.core.screen import Code
from appliance.core.state import State
from appliance.core.views import view_of


def render(state: State, now: Instant) -> Image:
    """Return the frame of mode "1" that the display should show: 128x64, or 128x32 on a panel of 32 rows."""
    view = view_of(state, now)
    return frame_32(view) if state.options.height == SIZE_32[1] else frame_64(view)


def scrolling(state: State, now: Instant) -> bool:
    """Return whether a long issuer is on its way across the header."""
    elapsed = now.mono - state.panel.since
    shown = state.shown
    if shown is None or state.panel.blank or not isinstance(state.panel.screen, Code):
        return False
    if elapsed > 2 * SCROLL_REST + SCROLL_STEPS * SCROLL_SECONDS:
        return False
    return issuer_overflow(heading(state, shown, now)) > 0
