"""The picture of a state: `render(state, now) -> frame`, pure, so that a test can compare pixels.

A code is drawn only from an open vault and, unless the owner switched the gate off, only while the clock is trusted;
a HOTP code needs no clock.
"""

from dataclasses import replace
from math import ceil
from typing import Final, assert_never

from PIL.Image import Image

from appliance.core.events import Problem
from appliance.core.instant import Instant
from appliance.core.layout.code_screen import CodeView, code_frame, issuer_overflow
from appliance.core.layout.frame import blank_frame
from appliance.core.layout.header import Sign
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.starting_screen import starting_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame
from appliance.core.state import Locked, NoVault, Open, Spending, Spent, Starting, State
from appliance.vault.model import Record
from appliance.vault.otp import code_at, code_for

SCROLL_SECONDS: Final = 1 / 8
SCROLL_REST: Final = 1.5
"""Seconds at either end of a long issuer's way."""
SCROLL_STEPS: Final = 48
UPCOMING_SECONDS: Final = 5


def render(state: State, now: Instant) -> Image:
    """Return the 128x64 frame of mode "1" that the display should show."""
    if state.panel.blank:
        return blank_frame()
    if state.panel.message is not None:
        return _problem(state.panel.message.problem)
    match state.phase:
        case Starting():
            return starting_frame()
        case NoVault():
            return welcome_frame(WelcomeView(state.options.address))
        case Locked(problem):
            return _problem(problem)
        case Open():
            return _open(state, now)
        case _:
            assert_never(state.phase)


def _problem(problem: Problem) -> Image:
    return message_frame(MessageView(problem.what, (problem.why, problem.hint), problem.short))


def scrolling(state: State, now: Instant) -> bool:
    """Return whether a long issuer is on its way across the header."""
    elapsed = now.mono - state.panel.since
    shown = state.shown
    if shown is None or state.panel.blank or elapsed > 2 * SCROLL_REST + SCROLL_STEPS * SCROLL_SECONDS:
        return False
    return issuer_overflow(_heading(state, shown, now)) > 0


def _open(state: State, now: Instant) -> Image:
    shown = state.shown
    if shown is None:
        return message_frame(MessageView("No accounts yet", ("sudo appliance add", "otpauth://..."), ""))
    if shown[0].account.type != "hotp" and not _believed(state, now):
        return message_frame(
            MessageView(
                "Clock not set", ("codes would be wrong;", "waiting for network time"), "", sign="problem"
            )
        )
    return code_frame(_view(state, shown, now))


def _believed(state: State, now: Instant) -> bool:
    return now.trusted or not state.options.require_trusted


def _view(state: State, shown: tuple[Record, int, int], now: Instant) -> CodeView:
    record, _, _ = shown
    view = _heading(state, shown, now)
    view = _hotp(view, state, record) if record.account.type == "hotp" else _totp(view, record, now)
    return replace(view, scroll=_scroll(issuer_overflow(view), now.mono - state.panel.since))


def _heading(state: State, shown: tuple[Record, int, int], now: Instant) -> CodeView:
    """Return the view without its code: which account it is, and the signs beside it."""
    record, place, count = shown
    return CodeView(
        issuer=record.account.issuer,
        name=record.account.name,
        position=place,
        count=count,
        code=None,
        sign=_sign(state),
        clock_sign=not _believed(state, now),
    )


def _totp(view: CodeView, record: Record, now: Instant) -> CodeView:
    code = code_at(record.account, now.unix)
    period = record.account.period
    left = code_end - now.unix if (code_end := code.valid_until) is not None else 0.0
    seconds = max(1, ceil(left))
    upcoming = code_at(record.account, now.unix + period).text if seconds <= UPCOMING_SECONDS else None
    # The bar moves once a second, with the figure, so that the loop need not wake more often.
    return replace(
        view, code=code.text, upcoming=upcoming, seconds_left=seconds, fraction=min(1.0, seconds / period)
    )


def _hotp(view: CodeView, state: State, record: Record) -> CodeView:
    match state.panel.hotp:
        case Spent(uuid, counter) if uuid == record.account.uuid:
            return replace(view, code=code_for(record.account, counter).text, counter=counter)
        case Spending(uuid) if uuid == record.account.uuid:
            return replace(view, prompt="saving the counter", counter=record.counter)
        case _:
            return replace(view, prompt="press OK for a code", counter=record.counter)


def _sign(state: State) -> Sign:
    match state.backup.condition:
        case "verified":
            return "verified"
        case "pending" | "acknowledged":
            return "pending"
        case "never" if state.backup.prefix is None:
            return ""
        case _:
            return "problem"


def _scroll(overflow: int, elapsed: float) -> int:
    """Return the columns that a long issuer has moved: once across and back to rest."""
    steps = int((elapsed - SCROLL_REST) / SCROLL_SECONDS)
    if overflow == 0 or steps <= 0:
        return 0
    stride = ceil(overflow / SCROLL_STEPS)
    arrived = ceil(overflow / stride)
    if steps > arrived + SCROLL_REST / SCROLL_SECONDS:
        return 0
    return min(overflow, steps * stride)
