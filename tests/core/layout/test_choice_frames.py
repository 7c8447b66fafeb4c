"""Screens on which something is chosen or entered, as golden frames."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest
from PIL import Image

from appliance.core.layout.confirm_screen import ConfirmView, confirm_frame
from appliance.core.layout.list_screen import ListView, list_frame
from appliance.core.layout.locked_screen import LockedView, locked_frame

GoldenFrame = Callable[[str, Image.Image], None]

ACCOUNTS: Final = ListView(
    "Accounts",
    ("GitHub", "Hetzner", "Proton", "Amazon Web Services", "Example Bank", "Nextcloud", "Steam", "Back"),
    0,
    (True, True),
    sign="verified",
)
MENU: Final = ListView(
    "Menu", ("Lock", "Status", "QR code of this account", "Back up now", "Brightness", "About", "Back"), 2
)
MANY: Final = ListView("Accounts", (*(f"Account {number}" for number in range(1, 300)), "Back"), 0)
LONG: Final = ListView(
    "Accounts",
    (
        "Österreichische Post AG, Unternehmenszentrale",
        "anna.katharina.lang@example.org",
        "ÀÉÎÕÜ jpgqy",
        "Ąçģ",
    ),
    0,
    (False, True),
)
CYRILLIC: Final = ListView(
    "Облікові записи", ("Пошта Україна", "Яндекс", "Ψηφιακό Μέλλον", "日本の銀行", "назад"), 1
)

LISTS: Final[Mapping[str, ListView]] = {
    "list-first": ACCOUNTS,
    "list-middle": replace(ACCOUNTS, chosen=3),
    "list-last": replace(ACCOUNTS, chosen=7),
    "list-favourite-chosen": replace(ACCOUNTS, chosen=1),
    "list-letter": replace(ACCOUNTS, chosen=4, letter="E"),
    "list-letter-cyrillic": replace(CYRILLIC, chosen=1, letter="Я"),
    "list-letter-accent": replace(LONG, chosen=0, letter="Ö"),
    "list-letter-wide": replace(MANY, chosen=120, letter="W"),
    "list-one-row": ListView("Accounts", ("Back",), 0),
    "list-four-rows": ListView("Favourites", ("GitHub", "Proton", "Steam", "Back"), 3, (True, True, True)),
    "list-empty": ListView("Accounts", (), 0),
    "list-menu": MENU,
    "list-menu-last": replace(MENU, chosen=6),
    "list-300-first": MANY,
    "list-300-middle": replace(MANY, chosen=150),
    "list-300-last": replace(MANY, chosen=299),
    "list-long-names": LONG,
    "list-long-name-starred": replace(LONG, chosen=1),
    "list-accents-chosen": replace(LONG, chosen=2),
    "list-cyrillic": CYRILLIC,
    "list-shift-down-right": replace(ACCOUNTS, chosen=7, shift=(2, 2)),
    "list-shift-up-left": replace(ACCOUNTS, chosen=0, shift=(-2, -2)),
}

QUESTIONS: Final[Mapping[str, ConfirmView]] = {
    "confirm-no": ConfirmView("Lock the vault?", "Lock", "Back", "no"),
    "confirm-yes": ConfirmView("Lock the vault?", "Lock", "Back", "yes"),
    "confirm-two-lines": ConfirmView(
        "Show the QR code?\nWhoever sees it can copy this account", "Show it", "Back", "no"
    ),
    "confirm-wrapped": ConfirmView("Is the time 2026-11-24 04:05 UTC right?", "Yes", "No", "yes"),
    "confirm-long": ConfirmView("one two three four " * 9, "yes, by all means", "no, never ever", "yes"),
    "confirm-cyrillic": ConfirmView("Заблокувати?\nПотрібен буде PIN", "так", "ні", "no"),  # noqa: RUF001
}

PIN: Final = LockedView("pin", 0, 0)

LOCKED: Final[Mapping[str, LockedView]] = {
    "locked-pin-start": PIN,
    "locked-pin-some": replace(PIN, entered=3, digit=7),
    "locked-pin-nine": replace(PIN, entered=5, digit=9),
    "locked-pin-del": replace(PIN, entered=3, digit=10),
    "locked-pin-ok": replace(PIN, entered=6, digit=11),
    "locked-pin-six": replace(PIN, entered=6, digit=4),
    "locked-pin-many": replace(PIN, entered=17, digit=1),
    "locked-pin-wrong": replace(PIN, tries_left=2, message="wrong PIN"),
    "locked-pin-last-try": replace(PIN, entered=2, digit=5, tries_left=1),
    "locked-pin-checking": LockedView("pin", 6, None, message="checking the PIN"),
    "locked-wait-30s": LockedView("pin", wait=30, message="wrong PIN"),
    "locked-wait-9s": LockedView("pin", wait=9),
    "locked-wait-15min": LockedView("pin", wait=900, message="wrong PIN"),
    "locked-wait-14min": LockedView("pin", wait=899),
    "locked-wait-1h": LockedView("pin", wait=3600, message="wrong PIN"),
    "locked-wait-long": LockedView("pin", wait=12 * 3600 + 34 * 60 + 56),
    "locked-wait-absurd": LockedView("pin", wait=10**15),
    "locked-passphrase": LockedView("passphrase"),
    "locked-passphrase-message": LockedView("passphrase", message="wrong passphrase"),
    "locked-passphrase-wait": LockedView("passphrase", wait=30),
}


@pytest.mark.parametrize("name", LISTS)
def test_the_list_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, list_frame(LISTS[name]))


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_confirm_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, confirm_frame(QUESTIONS[name]))


@pytest.mark.parametrize("name", LOCKED)
def test_the_locked_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, locked_frame(LOCKED[name]))
