"""The code screen's view of the chosen account: its code, if it may be seen, and the signs beside it.

A code by time is drawn only while the clock is believed; a HOTP code needs no clock, but a counter that was saved.
"""

from dataclasses import replace
from math import ceil
from typing import Final

from appliance.core import pacing
from appliance.core.care import bar_end, shift
from appliance.core.instant import Instant
from appliance.core.layout.code_screen import CodeView, issuer_overflow
from appliance.core.layout.header import Sign
from appliance.core.state import Spending, Spent, State
from appliance.vault.model import Record
from appliance.vault.otp import code_at, code_for

SCROLL_SECONDS: Final = 1 / 8
SCROLL_REST: Final = 1.5
"""Seconds at either end of a long issuer's way."""
SCROLL_STEPS: Final = 48
UPCOMING_SECONDS: Final = 5
DRIFT_SECONDS: Final = 86_400.0
"""Since the last network time; a Pi's clock goes wrong by some seconds in a day."""

Shown = tuple[Record, int, int]
"""The record, its place from 1, and how many there are."""


def account_view(state: State, shown: Shown, now: Instant) -> CodeView:
    """Return what is seen of an account; a code by time only if the clock is believed."""
    record = shown[0]
    view = heading(state, shown, now)
    view = (
        _hotp(view, state, record, now) if record.account.type == "hotp" else _totp(view, state, record, now)
    )
    return replace(view, scroll=_scroll(issuer_overflow(view), now.mono - state.panel.since))


def heading(state: State, shown: Shown, now: Instant) -> CodeView:
    """Return the view without its code: which account it is, and the signs beside it."""
    record, place, count = shown
    return CodeView(
        issuer=record.account.issuer,
        name=record.account.name,
        position=place,
        count=count,
        code=None,
        sign=backup_sign(state),
        clock_sign=_clock_sign(state, now),
        shift=shift(now),
    )


def label(record: Record) -> str:
    """Return an account in one line."""
    issuer, name = record.account.issuer.strip(), record.account.name.strip()
    return f"{issuer} · {name}" if issuer and name else issuer or name


def backup_sign(state: State) -> Sign:
    """Return how the backup is."""
    match state.backup.condition:
        case "verified":
            return "verified"
        case "pending" | "acknowledged":
            return "pending"
        case "never" if state.backup.prefix is None:
            return ""
        case _:
            return "problem"


def _clock_sign(state: State, now: Instant) -> bool:
    if not now.trusted:
        return state.options.require_trusted
    return now.trust == "held-over" and now.mono - now.since > DRIFT_SECONDS


def _totp(view: CodeView, state: State, record: Record, now: Instant) -> CodeView:
    code = code_at(record.account, now.unix)
    period = record.account.period
    left = code_end - now.unix if (code_end := code.valid_until) is not None else 0.0
    seconds = max(1, ceil(left))
    upcoming = code_at(record.account, now.unix + period).text if seconds <= UPCOMING_SECONDS else None
    # The bar moves once a second, with the figure, so that the loop need not wake more often.
    return replace(
        view,
        code=code.text,
        upcoming=upcoming,
        seconds_left=seconds,
        fraction=min(1.0, seconds / period),
        bar_from=bar_end(period, now),
        hidden=_hidden(state, now),
    )


def _hotp(view: CodeView, state: State, record: Record, now: Instant) -> CodeView:
    match state.panel.hotp:
        case Spent(uuid, counter) if uuid == record.account.uuid and not _hidden(state, now):
            view = replace(view, code=code_for(record.account, counter).text, counter=counter)
            made = pacing.fresh(state.made, record, now.mono)
            if made is None:
                return view
            left = made.at + pacing.STAYS_SECONDS - now.mono
            return replace(
                view, seconds_left=ceil(left), fraction=min(1.0, ceil(left) / pacing.STAYS_SECONDS)
            )
        case Spending(uuid) if uuid == record.account.uuid:
            return replace(view, prompt="saving the counter", counter=record.counter)
        case _:
            return replace(view, prompt="press OK for a code", counter=record.counter)


def _hidden(state: State, now: Instant) -> bool:
    return state.options.reveal_on_press and now.mono >= state.panel.revealed_until


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
