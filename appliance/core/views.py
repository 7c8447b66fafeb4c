"""What each screen says: `view_of(state, now)`; how it looks is the layout's affair."""

from math import ceil
from typing import Final, Literal, assert_never

from appliance.core import choice
from appliance.core.account_view import account_view, backup_sign, label
from appliance.core.care import shift
from appliance.core.duration import duration
from appliance.core.events import Problem
from appliance.core.instant import Instant
from appliance.core.layout.clock_screen import ClockView
from appliance.core.layout.confirm_screen import ConfirmView
from appliance.core.layout.list_screen import ListView
from appliance.core.layout.locked_screen import LockedView
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.qr_screen import QrView
from appliance.core.layout.restoring_screen import RestoringView
from appliance.core.layout.screen import BlankView, View
from appliance.core.layout.starting_screen import StartingView
from appliance.core.layout.status_screen import StatusView
from appliance.core.layout.welcome_screen import WelcomeView
from appliance.core.pages import local_time, pages
from appliance.core.screen import (
    Accounts,
    Brightness,
    Code,
    Item,
    Menu,
    Pages,
    Qr,
    Question,
    Walk,
)
from appliance.core.state import Closed, Locked, NoVault, Open, Starting, State

_CHECKING: Final = {"pin": "checking the PIN", "passphrase": "checking ..."}
_ITEMS: Final[dict[Item, str]] = {
    "reveal": "Show a code",
    "clock": "Confirm the time",
    "list": "Accounts",
    "lock": "Lock",
    "status": "Status",
    "qr": "QR code of this account",
    "backup": "Back up now",
    "brightness": "Brightness",
    "about": "About",
    "back": "Back",
}
_BACK: Final = _ITEMS["back"]


def view_of(state: State, now: Instant) -> View:  # noqa: C901, PLR0911 - one case for each screen
    """Return what is to be seen."""
    panel = state.panel
    if panel.blank:
        return BlankView()
    if panel.message is not None:
        return _problem(panel.message.problem, now)
    screen = panel.screen
    match screen:
        case Code():
            return _base(state, now)
        case Walk(_, fast):
            return _accounts(state, panel.selected, fast=fast, now=now)
        case Accounts(cursor, fast_until):
            return _accounts(state, cursor, fast=now.mono < fast_until, now=now)
        case Menu(item):
            rows = choice.items(state, now)
            chosen = rows.index(item) if item in rows else 0
            names = tuple(_ITEMS[one] for one in rows)
            return ListView("Menu", names, chosen, sign=backup_sign(state), shift=shift(now))
        case Brightness(level):
            levels = choice.levels()
            names = tuple(_BACK if one is None else one.capitalize() for one in levels)
            return ListView("Brightness", names, levels.index(level), shift=shift(now))
        case Pages(topic, page):
            known = pages(state, topic, now)
            page = min(page, len(known) - 1)
            title = "Status" if topic == "status" else "About"
            return StatusView(
                page + 1, len(known), known[page], backup_sign(state), shift=shift(now), title=title
            )
        case Question():
            return _question(state, screen, now)
        case Qr(modules, caption):
            return QrView(modules, caption)
        case _:
            assert_never(screen)


def _problem(problem: Problem, now: Instant) -> MessageView:
    return MessageView(problem.what, (problem.why, problem.hint), problem.short, shift=shift(now))


def _base(state: State, now: Instant) -> View:
    if state.restoring is not None:
        restoring = state.restoring
        return RestoringView(restoring.step, restoring.done, restoring.total, shift(now))
    match state.phase:
        case Starting():
            return StartingView(shift(now))
        case NoVault():
            return WelcomeView(state.host.address or state.options.address, shift(now))
        case Locked(problem):
            return _problem(problem, now)
        case Closed():
            return _closed(state.phase, now)
        case Open():
            return _open(state, now)
        case _:
            assert_never(state.phase)


def _closed(closed: Closed, now: Instant) -> LockedView:
    wait = ceil(closed.wait_until - now.mono)
    if closed.checking:
        return LockedView(closed.kind, message=_CHECKING[closed.kind], shift=shift(now))
    return LockedView(
        closed.kind,
        len(closed.entered),
        closed.choice if closed.kind == "pin" else None,
        wait if wait > 0 else None,
        closed.tries_left,
        closed.message,
        shift(now),
    )


def _open(state: State, now: Instant) -> View:
    shown = state.shown
    if shown is None:
        return MessageView("No accounts yet", ("sudo appliance add", "asks for the link"), shift=shift(now))
    if shown[0].account.type != "hotp" and not state.believes(now):
        return _clock(now)
    return account_view(state, shown, now)


def _clock(now: Instant) -> ClockView:
    reason = "It jumped." if now.jumped else "No network time yet."
    hint = "right? press OK"
    if now.early:
        reason, hint = "That time has passed:", "waiting for network time"
    return ClockView(reason, duration(now.mono - now.since), _spoken(now), hint, shift(now))


def _spoken(now: Instant) -> str:
    """Return the owner's time, to be compared with a watch."""
    return f"{local_time(now):%Y-%m-%d %H:%M:%S}" + ("" if now.zone else " UTC")


def _accounts(state: State, cursor: str | None, *, fast: bool, now: Instant) -> ListView:
    records = state.records
    uuids = choice.accounts(state)
    return ListView(
        "Accounts",
        (*(label(record) for record in records), _BACK),
        uuids.index(cursor) if cursor in uuids else 0,
        tuple(record.account.favorite for record in records),
        choice.initial(state, cursor) if fast else "",
        backup_sign(state),
        shift(now),
    )


def _question(state: State, question: Question, now: Instant) -> ConfirmView:
    chosen: Literal["yes", "no"] = "yes" if question.yes else "no"
    match question.about:
        case "clock":
            return ConfirmView(f"Is this right?\n{_spoken(now)}", "Yes", "No", chosen, shift(now))
        case "qr":
            name = label(state.shown[0]) if state.shown is not None else ""
            text = f"Show the secret?\nWho films it has your codes: {name}"
            return ConfirmView(text, "Show", "No", chosen, shift(now))
        case _:
            assert_never(question.about)
