"""What a hand does: gestures, screen by screen.

Rules: a press in the dark only wakes, and one under a message only takes it away. A screen remembers an account's
uuid, never its index. OK held is `back` everywhere, and the menu where there is nothing to go back to.
"""

from dataclasses import replace
from typing import Final, assert_never

from appliance.core import backup as backups
from appliance.core import choice, lock, pacing
from appliance.core.care import darkened
from appliance.core.effects import Change, Effect, Log, Remember, Spend, Vouch
from appliance.core.events import Problem
from appliance.core.gestures import Gestured
from appliance.core.instant import Instant
from appliance.core.layout.qr_screen import Modules, qr_modules
from appliance.core.pages import count
from appliance.core.screen import (
    LEVELS,
    Accounts,
    Brightness,
    Code,
    Item,
    Level,
    Menu,
    Pages,
    Qr,
    Question,
    Screen,
    Walk,
)
from appliance.core.state import MESSAGE_SECONDS, Closed, Spending, Spent, State, selected, told
from appliance.vault import otpauth
from appliance.vault.model import Record

SAVE_SECONDS: Final = 20.0
"""For a HOTP counter; then the display says that it was not saved."""
REVEAL_SECONDS: Final = 30.0
QR_SECONDS: Final = 30.0
WALK_SECONDS: Final = 1.0
"""After the last account that passed by, until its code is shown."""
FAST_SECONDS: Final = 1.0

QR_OFF: Final = Problem("QR codes are off", "to allow them:", "display.allow_qr", short="")
TOO_SOON: Final = Problem("One at a time", "3 seconds between codes:", "press OK once more", short="")
TOO_EARLY: Final = Problem(
    "Clock is wrong", "it is later than it says;", "set it: sudo date -s ...", short=""
)

Step = tuple[State, tuple[Effect, ...]]


def woken(state: State, now: Instant) -> State:
    """Return the state with the panel lit; what was told in the dark nobody has seen yet."""
    panel = state.panel
    message = replace(panel.message, until=now.mono + MESSAGE_SECONDS) if panel.message else None
    panel = replace(panel, blank=False, pressed_at=now.mono, since=now.mono, message=message)
    return replace(state, panel=panel)


def gestured(  # noqa: C901, PLR0911, PLR0912 - one case for each action
    state: State, event: Gestured, now: Instant, ref: int
) -> Step:
    """Return what a gesture makes of the state; `ref` and `ref + 1` are fresh numbers for its effects."""
    if state.panel.blank:
        return woken(state, now), ()
    state = _on_panel(state, pressed_at=now.mono)
    if event.action == "blank":
        return replace(state, panel=darkened(state.panel)), ()
    if state.panel.message is not None:
        # A hand that still holds on has not read it.
        return (_on_panel(state, message=None) if event.repeat == 0 else state), ()
    if lock.takes(state, now) and event.action not in {"list", "menu", "lock"}:
        return lock.turned(state, event.action, now, ref)
    match event.action:
        case "previous" | "next":
            return _moved(state, -1 if event.action == "previous" else 1, event.repeat, now), ()
        case "ok":
            return _chosen(state, now, ref)
        case "select":
            if isinstance(state.panel.screen, Code):
                return _menu(state, now), ()
            return _chosen(state, now, ref)
        case "back":
            return _back(state, now), ()
        case "list":
            return _toggled(state, _list(state), now), ()
        case "menu":
            return _toggled(state, _menu(state, now), now), ()
        case "lock":
            return _lock(state, now)
        case _:
            assert_never(event.action)


def _lock(state: State, now: Instant) -> Step:
    if lock.lockable(state):
        return lock.locked(state)
    if isinstance(state.phase, Closed):
        return state, ()
    return told(state, lock.NOTHING_TO_LOCK, now), ()


def _on_panel(state: State, **changes: object) -> State:
    return replace(state, panel=replace(state.panel, **changes))  # type: ignore[arg-type]  # names of its fields


def _show(state: State, screen: Screen) -> State:
    return _on_panel(state, screen=screen)


def _code(state: State, now: Instant) -> State:
    """Return to the code; a long issuer scrolls again."""
    return _on_panel(state, screen=Code(), since=now.mono)


def _menu(state: State, now: Instant, item: Item | None = None) -> State:
    rows = choice.items(state, now)
    return _show(state, Menu(item if item in rows else rows[0]))


def _list(state: State) -> State:
    if state.shown is None:
        return state
    return _show(state, Accounts(state.panel.selected))


def _toggled(state: State, opened: State, now: Instant) -> State:
    """A key that opens a screen closes it too."""
    same = type(state.panel.screen) is type(opened.panel.screen)
    return _code(state, now) if same else opened


def _back(state: State, now: Instant) -> State:
    match state.panel.screen:
        case Code():
            return _menu(state, now)
        case Walk() | Accounts() | Menu() | Qr():
            return _code(state, now)
        case Question():
            return _declined(state, now)
        case Pages(topic):
            return _menu(state, now, topic)
        case Brightness():
            return _menu(state, now, "brightness")
        case _:
            assert_never(state.panel.screen)


# --- previous and next


def _moved(state: State, step: int, repeat: int, now: Instant) -> State:
    screen = state.panel.screen
    match screen:
        case Code() | Walk():
            return _walked(state, step, repeat, now)
        case Accounts(cursor):
            fast = _is_fast(state, repeat)
            cursor = _along_accounts(state, cursor, step, repeat)
            until = now.mono + FAST_SECONDS if fast else 0.0
            return _show(state, Accounts(cursor, until))
        case Menu(item):
            return _show(state, Menu(choice.moved(choice.items(state, now), item, step, around=repeat == 0)))
        case Brightness(level):
            return _show(state, Brightness(choice.moved(choice.levels(), level, step, around=repeat == 0)))
        case Pages(topic, page):
            return _show(state, Pages(topic, (page + step) % count(state, topic, now)))
        case Question():
            return _show(state, replace(screen, yes=not screen.yes))
        case Qr():
            return _code(state, now)
        case _:
            assert_never(screen)


def _walked(state: State, step: int, repeat: int, now: Instant) -> State:
    """Go to another account; while a button is held, its code is not shown before the hand lets go."""
    if state.shown is None:
        return state
    if repeat == 0:
        rows = choice.accounts(state)[:-1]
        return selected(
            _show(state, Code()), choice.moved(rows, state.panel.selected, step, around=True), now
        )
    uuid = _along_accounts(state, state.panel.selected, step, repeat)
    state = _show(state, Walk(now.mono + WALK_SECONDS, fast=_is_fast(state, repeat)))
    return state if uuid is None else selected(state, uuid, now)


def _is_fast(state: State, repeat: int) -> bool:
    return repeat >= choice.FAST_AFTER and len(choice.accounts(state)) > choice.LONG


def _along_accounts(state: State, uuid: str | None, step: int, repeat: int) -> str | None:
    rows = choice.accounts(state)
    if not _is_fast(state, repeat):
        return choice.moved(rows, uuid, step, around=repeat == 0)
    if repeat % choice.FAST_EVERY:
        return uuid
    return choice.leapt(rows, tuple(choice.initial(state, one) for one in rows), uuid, step)


# --- OK


def _chosen(state: State, now: Instant, ref: int) -> Step:
    screen = state.panel.screen
    match screen:
        case Code():
            return _asked_for_code(state, now, ref)
        case Walk() | Qr():
            return _code(state, now), ()
        case Accounts(cursor):
            # One that was removed meanwhile is no row any more: what is marked then is the first.
            cursor = choice.moved(choice.accounts(state), cursor, 0, around=False)
            state = _code(state, now)
            return (state if cursor is None else selected(state, cursor, now)), ()
        case Menu(item):
            return _picked(state, item, now, ref)
        case Brightness(level):
            return _dimmed(state, level, now)
        case Pages(topic, page):
            after = (page + 1) % count(state, topic, now)
            return (_show(state, Pages(topic, after)) if after else _back(state, now)), ()
        case Question(yes=yes):
            return _agreed(state, screen, now) if yes else (_declined(state, now), ())
        case _:
            assert_never(screen)


def _asked_for_code(state: State, now: Instant, ref: int) -> Step:
    shown = state.shown
    if shown is None:
        return state, ()
    account = shown[0].account
    if account.type != "hotp":
        if not state.believes(now):
            return _doubted(state, now), ()
        until = now.mono + REVEAL_SECONDS if state.options.reveal_on_press else 0.0
        return _on_panel(state, revealed_until=until), ()
    if isinstance(state.panel.hotp, Spending):
        return state, ()
    return _counted(state, shown[0], now, ref)


def _counted(state: State, record: Record, now: Instant, ref: int) -> Step:
    """Make the next HOTP code, or show again the one that stays."""
    uuid, made = record.account.uuid, pacing.fresh(state.made, record, now.mono)
    if made is not None:
        spent = Spent(uuid, made.counter)
        return _on_panel(state, hotp=spent, revealed_until=now.mono + REVEAL_SECONDS), ()
    if pacing.too_soon(state.made, now.mono):
        return told(state, TOO_SOON, now), ()
    spending = Spending(uuid, ref, now.mono + SAVE_SECONDS)
    return _on_panel(state, hotp=spending), (Change(ref, Spend(uuid)),)


def _doubted(state: State, now: Instant) -> State:
    """The owner may vouch for a time that can be right."""
    return told(state, TOO_EARLY, now) if now.early else _show(state, Question("clock"))


def _picked(state: State, item: Item, now: Instant, ref: int) -> Step:  # noqa: C901, PLR0911 - one case a row
    match item:
        case "back":
            return _code(state, now), ()
        case "reveal":
            return _asked_for_code(_code(state, now), now, ref)
        case "clock":
            return _doubted(state, now), ()
        case "list":
            return _list(state), ()
        case "lock":
            return _lock(state, now)
        case "status" | "about":
            return _show(state, Pages(item)), ()
        case "qr":
            return (_show(state, Question("qr")) if state.options.allow_qr else told(state, QR_OFF, now)), ()
        case "backup":
            after, effects = backups.request(state.backup, now, ref)
            return _show(replace(state, backup=after), Pages("status")), effects
        case "brightness":
            level = min(LEVELS, key=lambda one: abs(LEVELS[one] - state.panel.brightness))
            return _show(state, Brightness(level)), ()
        case _:
            assert_never(item)


def _dimmed(state: State, level: Level | None, now: Instant) -> Step:
    state = _menu(state, now, "brightness")
    if level is None:
        return state, ()
    return _on_panel(state, brightness=LEVELS[level]), (Remember("brightness", LEVELS[level]),)


def _declined(state: State, now: Instant) -> State:
    """Return to where the question came from."""
    question = state.panel.screen
    from_menu = isinstance(question, Question) and question.about == "qr"
    return _menu(state, now, "qr") if from_menu else _code(state, now)


def _agreed(state: State, question: Question, now: Instant) -> Step:
    state = _code(state, now)
    shown = state.shown
    match question.about:
        case "clock":
            if now.early or state.believes(now):
                return state, ()
            return state, (Vouch(), Log(30, "clock confirmed", (("by", "the owner"),)))
        case "qr":
            if shown is None or not state.options.allow_qr:
                return state, ()
            record = shown[0]
            caption = record.account.issuer or record.account.name
            qr = Qr(_modules(record), caption, now.mono + QR_SECONDS)
            return _show(state, qr), (Log(30, "secret shown", (("as", "a QR code"),)),)
        case _:
            assert_never(question.about)


def _modules(record: Record) -> Modules | None:
    try:
        return qr_modules(otpauth.write(record.account, record.counter))
    except ValueError:
        return None
