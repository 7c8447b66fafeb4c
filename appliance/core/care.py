"""What time alone does to the display: it dims, goes dark, moves by a pixel, and returns to the code.

An OLED on a Pi is burnt in by a static header within months. Moving the picture helps little (a pixel of the header is
still lit for 0.80 of the time), the dark protects: so the panel is dark but for the minutes after a press.
"""

from dataclasses import replace
from typing import Final, Literal

from appliance.core.instant import Instant
from appliance.core.layout.bar import End
from appliance.core.layout.frame import Shift
from appliance.core.screen import LEVELS, Accounts, Brightness, Code, Qr, Walk
from appliance.core.state import Panel, Spending, State

RETURN_SECONDS: Final = 20.0
"""Without a press, until the code is seen again."""
NIGHT_SECONDS: Final = 60.0
"""Without a press, until the panel is dark at night."""
SHIFT_SECONDS: Final = 60.0
_STEPS: Final = range(-2, 3)
_PATH: Final[tuple[Shift, ...]] = tuple(
    (across, down) for down in _STEPS for across in (_STEPS if down % 2 == 0 else reversed(_STEPS))
)
"""Over all of 5x5, a pixel at a time; it is walked there and back."""

Light = Literal["bright", "dim", "dark"]


def light(state: State, now: Instant) -> Light:
    """Return how bright the panel should be."""
    panel = state.panel
    if panel.blank:
        return "dark"
    dim_at = _after(panel, state.options.dim_after)
    if dim_at is None or now.mono < dim_at or isinstance(panel.screen, Qr):  # a camera needs the light
        return "bright"
    return "dim"


def contrast(state: State) -> int:
    """Return how bright bright is, 1 to 255; what the brightness list tries out comes first."""
    screen = state.panel.screen
    if isinstance(screen, Brightness) and screen.level is not None:
        return LEVELS[screen.level]
    return state.panel.brightness


def shift(now: Instant) -> Shift:
    """Return where the picture stands, in columns and rows: another place each minute.

    It moves with the wall clock's minute, when most codes change anyway: that costs the bus least.
    """
    place = int(now.unix // SHIFT_SECONDS) % (2 * len(_PATH))
    return _PATH[place] if place < len(_PATH) else _PATH[2 * len(_PATH) - 1 - place]


def bar_end(period: float, now: Instant) -> End:
    """Return the end of the bar that stays: they take turns, else one would be lit twice as long."""
    return "left" if int(now.unix // period) % 2 == 0 else "right"


def rested(state: State, now: Instant) -> State:
    """Return the state with all done that was due by time alone."""
    if state.restoring is not None and now.mono >= state.restoring.until:
        state = replace(state, restoring=None)
    panel = state.panel
    if panel.blank:
        return state
    if panel.message is not None and now.mono >= panel.message.until:
        panel = replace(panel, message=None)
    screen_until = _screen_until(panel)
    if screen_until is not None and now.mono >= screen_until:
        panel = replace(panel, screen=Code(), since=now.mono)
    blank_at = _blank_at(state, now)
    if blank_at is not None and now.mono >= blank_at:
        panel = darkened(panel)
    return replace(state, panel=panel)


def darkened(panel: Panel) -> Panel:
    """Return the panel dark: what somebody asked to see is covered for good, what was told waits to be seen."""
    hotp = panel.hotp if isinstance(panel.hotp, Spending) else None
    return replace(panel, blank=True, screen=Code(), hotp=hotp, revealed_until=0.0)


def deadlines(state: State, now: Instant) -> list[float]:
    """Return the monotonic times at which the display changes by itself, but for what ticks each second."""
    panel = state.panel
    if panel.blank:
        return []
    times = [
        state.restoring.until if state.restoring is not None else None,
        _blank_at(state, now),
        _screen_until(panel),
    ]
    if panel.message is not None:
        times.append(panel.message.until)
    # These change the picture and not the state, so they are due only once.
    passing = [_after(panel, state.options.dim_after), panel.revealed_until]
    if isinstance(panel.screen, Accounts):
        passing.append(panel.screen.fast_until)
    times += [time for time in passing if time is not None and time > now.mono]
    return [time for time in times if time is not None]


def _screen_until(panel: Panel) -> float | None:
    match panel.screen:
        case Code():
            return None
        case Walk(until) | Qr(until=until):
            return until
        case _:
            return panel.pressed_at + RETURN_SECONDS


def _blank_at(state: State, now: Instant) -> float | None:
    seconds = state.options.blank_after
    if is_night(state, now):
        seconds = min(seconds or NIGHT_SECONDS, NIGHT_SECONDS)
    return _after(state.panel, seconds)


def is_night(state: State, now: Instant) -> bool:
    """Return whether the night hours are now, as far as the clock is to be believed."""
    night = state.options.night
    if night is None or not state.believes(now):
        return False
    begin, end = night
    minute = int((now.unix + now.zone) // 60) % (24 * 60)
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def _after(panel: Panel, seconds: float) -> float | None:
    return panel.pressed_at + seconds if seconds else None
