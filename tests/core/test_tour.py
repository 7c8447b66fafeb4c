"""A walk through the appliance: every screen as the core really fills it, as golden frames."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

import pytest

from appliance.core.effects import Measure, Unlock
from appliance.core.events import Asked, Connected, Measured, Missing, Mode, Refused, Shut
from appliance.core.gestures import Gestured, Moved
from appliance.core.layout.locked_screen import WHEEL
from appliance.core.state import Closed, Options
from tests.conftest import GoldenFrame
from tests.core.desk import OPTIONS, Desk, account, every

NAMES: Final = (
    "GitHub", "GitLab", "Google", "Proton Mail", "Nextcloud", "Hetzner", "Bitwarden", "Amazon", "PayPal", "Steam",
    "Банк", "Ελλάδα", "日本銀行", "Zulip", "Mastodon", "Discord", "Dropbox",
)  # fmt: skip
ACCOUNTS: Final = tuple(
    account(
        f"u{place}",
        "hotp" if name == "PayPal" else "totp",
        name,
        favorite=name in {"Proton Mail", "Nextcloud"},
    )
    for place, name in enumerate(NAMES)
)
TOUR: Final = replace(OPTIONS, version="1.0.0", driver="ssd1306")
BACK: Final = Gestured("back")
OK: Final = Gestured("ok")
NEXT: Final = Gestured("next")
PREVIOUS: Final = Gestured("previous")
MENU: Final = Gestured("menu")


def desk_with(mode: Mode = "credential", **options: Any) -> Desk:
    changed: Options = replace(TOUR, **options)
    desk = Desk(changed)
    desk.open(*ACCOUNTS, generation=41, mode=mode)
    desk.tell(Connected(None, retain=True))
    return desk


def at(*gestures: Gestured, **options: Any) -> Desk:
    desk = desk_with(**options)
    for gesture in gestures:
        desk.tell(gesture)
    return desk


def held(repeats: int) -> Desk:
    return at(NEXT, *(Gestured("next", repeat) for repeat in range(1, repeats + 1)))


def in_doubt(*gestures: Gestured, height: int = 64, **instant: Any) -> Desk:
    desk = desk_with(height=height)
    desk.now = replace(desk.now, trust="not-set", **instant)
    desk.later(240.0)
    for gesture in gestures:
        desk.tell(gesture)
    return desk


def locked(
    entered: str, refused: Refused | None = None, kind: Literal["pin", "passphrase"] = "pin", **options: Any
) -> Desk:
    desk = Desk(replace(TOUR, **options))
    desk.tell(Shut(1, kind, 0.0, 3))
    for digit in entered or "0":
        while kind == "pin" and WHEEL[closed(desk).choice] != digit:
            desk.tell(NEXT)
        desk.tell(OK)
    if refused is not None:
        for effect in every(desk.tell(BACK), Unlock):
            desk.tell(replace(refused, ref=effect.ref))
    return desk


def closed(desk: Desk) -> Closed:
    assert isinstance(desk.state.phase, Closed)
    return desk.state.phase


def measured(page: int) -> Desk:
    desk = at(MENU, NEXT, OK)
    for effect in every(desk.later(1.0), Measure):
        desk.tell(Measured(effect.ref, "192.168.178.42", 48.2))
    for _ in range(page - 1):
        desk.tell(NEXT)
    return desk


def stuck() -> Desk:
    desk = desk_with()
    desk.tell(Moved("ok", True, desk.now.mono))
    desk.later(61.0)
    return desk


def welcome() -> Desk:
    desk = Desk(TOUR)
    desk.tell(Missing(1))
    for effect in every(desk.later(1.0), Measure):
        desk.tell(Measured(effect.ref, "192.168.178.42", 48.2))
    return desk


def restoring() -> Desk:
    desk = welcome()
    desk.tell(Asked(1, "restoring", {"step": "opening the backup", "done": 1, "total": 3}))
    return desk


def brightness(*gestures: Gestured) -> Desk:
    return at(MENU, PREVIOUS, PREVIOUS, PREVIOUS, OK, *gestures)


QR: Final = (MENU, NEXT, NEXT, OK)
LOW: Final = {"height": 32}

SCREENS: Final[dict[str, Callable[[], Desk]]] = {
    "code": desk_with,
    "code-hidden": lambda: at(reveal_on_press=True),
    "code-revealed": lambda: at(OK, reveal_on_press=True),
    "walk": lambda: held(4),
    "walk-fast": lambda: held(15),
    "list": lambda: at(Gestured("list")),
    "list-back": lambda: at(Gestured("list"), PREVIOUS),
    "menu": lambda: at(MENU),
    "menu-back": lambda: at(MENU, PREVIOUS),
    "menu-one-button": lambda: at(Gestured("select"), layout="one", reveal_on_press=True),
    "menu-clock": lambda: in_doubt(MENU),
    "status-1": lambda: measured(1),
    "status-2": lambda: measured(2),
    "status-no-broker": lambda: at(MENU, NEXT, OK, prefix=None),
    "about": lambda: at(MENU, PREVIOUS, PREVIOUS, OK),
    "brightness": brightness,
    "brightness-low": lambda: brightness(NEXT, NEXT),
    "qr-off": lambda: at(*QR),
    "qr-question": lambda: at(*QR, allow_qr=True),
    "qr": lambda: at(*QR, NEXT, OK, allow_qr=True),
    "not-locked": lambda: at(Gestured("lock")),
    "locked": lambda: locked("493"),
    "locked-wrong": lambda: locked("", Refused(1, "wrong PIN", 0.0, 2)),
    "locked-wait": lambda: locked("", Refused(1, "wrong PIN", 30.0, None)),
    "locked-passphrase": lambda: locked("", kind="passphrase"),
    "low-clock-question": lambda: in_doubt(OK, NEXT, jumped=True, height=32),
    "low-locked": lambda: locked("493", height=32),
    "low-locked-wait": lambda: locked("", Refused(1, "wrong PIN", 30.0, None), height=32),
    "low-locked-passphrase": lambda: locked("", kind="passphrase", height=32),
    "menu-lock": lambda: at(MENU, NEXT, mode="pin"),
    "button-stuck": stuck,
    "clock-unset": in_doubt,
    "clock-jumped": lambda: in_doubt(jumped=True, zone=3600),
    "clock-early": lambda: in_doubt(early=True),
    "clock-early-ok": lambda: in_doubt(OK, early=True),
    "clock-question": lambda: in_doubt(OK, jumped=True),
    "clock-question-yes": lambda: in_doubt(OK, NEXT, jumped=True),
    "welcome": welcome,
    "restoring": restoring,
    "low-menu": lambda: at(MENU, **LOW),
    "low-list": lambda: at(Gestured("list"), **LOW),
    "low-status": lambda: at(MENU, NEXT, OK, **LOW),
    "low-qr-off": lambda: at(*QR, **LOW),
    "low-qr-question": lambda: at(*QR, NEXT, allow_qr=True, **LOW),
    "low-qr": lambda: at(*QR, NEXT, OK, allow_qr=True, **LOW),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_as_it_was_when_somebody_looked_at_it(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(f"tour-{name}", SCREENS[name]().frame())
