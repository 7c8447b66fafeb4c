"""The account sheet: for each account its QR code, its secret to be typed, and what else a program must be told.

A place is never divided between two pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.paper.facts import Entry, Sheets
from appliance.paper.heading import Head, counted, foot
from appliance.paper.lettering import Printed, cut_to, in_fours, printed, width, wrapped
from appliance.paper.pen import BLACK, BOLD, FIXED_BOLD, GREY, MARGIN, MM, PALE, PLAIN, SLANTED, Pen
from appliance.paper.square import Square, link_square
from appliance.vault import otpauth
from appliance.vault.model import Account, base32_encode

_SQUARE: Final = 30 * MM
"""A side of the QR code of an ordinary account; a longer link gets a larger one."""
_COLUMN: Final = 32 * MM
"""Kept free for the code, whatever its size."""
_MODULE: Final = 0.45 * MM
"""The least that is read from any print."""
_LARGEST: Final = 70 * MM
_GAP: Final = 8 * MM
"""Right of a code."""
_ABOVE: Final = 3.9 * MM
"""From the line above a place to its code, and from its end to the next line."""
_SECRET: Final = 11.5
_SECRET_LIMIT: Final = 512
"""Characters that are printed to be typed; nobody would type more."""
_NOTE_LIMIT: Final = 600
_ADVICE: Final = (
    "These are the secrets themselves: whoever holds this paper can make your codes. Keep it where you keep money. "
    "Scan a QR code with any authenticator, or type the secret: it is of the letters A to Z and the digits 2 to 7, "
    "so there is no zero, one, eight or nine in it."
)
_TRANSLITERATED: Final = "in Latin letters, as far as they go"
_TRUE_NAME: Final = "; the QR code has the real name"
_NAMELESS: Final = "(an account without a name)"
_NO_SQUARE: Final = "This link is too long for a QR code: type the account in by hand."
_TOO_LONG: Final = (
    "The secret is too long to be typed: a backup file has it, and the QR code if there is one."
)
_STALE: Final = (
    "Its codes go by a counter. Each one that is used moves it on, so this paper goes stale: if a service refuses a "
    "code, try the next ones, or set the counter higher."
)
_WRITE_HERE: Final = "Remarks"


@dataclass(frozen=True, slots=True)
class _Words:
    text: str = field(repr=False)
    font: str
    size: float
    advance: float
    """From the baseline before, or from the top, to this one."""
    grey: float = BLACK


@dataclass(frozen=True, slots=True)
class _Place:
    """An account laid out."""

    square: Square | None
    module: float
    words: tuple[_Words, ...]

    @property
    def side(self) -> float:
        return self.module * self.square.size if self.square is not None else 0.0

    @property
    def column(self) -> float:
        """Where its words begin; the same for all but those with a larger code."""
        return max(self.side, _COLUMN) + _GAP

    @property
    def height(self) -> float:
        """With the line to write on, and the space around."""
        return 2 * _ABOVE + max(self.side, sum(words.advance for words in self.words) + 6.5 * MM)


def draw(pen: Pen, entries: Sequence[Entry], sheets: Sheets) -> tuple[tuple[Square, ...], int]:
    """Draw the sheet; return its QR codes and the number of its pages."""
    places = [_place(entry, pen.room, sheets.origin.made_on) for entry in entries]
    which = f" of the group {printed(sheets.group).text}" if sheets.group is not None else ""
    accounts = cut_to(counted(len(entries), "account") + which, PLAIN, 10.5, 60 * MM)
    head = Head("Account sheet", sheets.origin, accounts, _ADVICE)
    pages = list(_pages(places, pen.bottom - head.bottom(pen), pen.bottom - MARGIN))
    at_foot = foot(sheets.origin, "Accounts", len(pages))
    for number, page in enumerate(pages, 1):
        if number == 1:
            head.draw(pen)
        y = head.bottom(pen) if number == 1 else MARGIN
        for place in page:
            _draw(pen, y, place)
            y += place.height
            if place is not page[-1]:
                pen.line(MARGIN, y, pen.width - MARGIN)
        pen.end_page(at_foot, number)
    return tuple(place.square for place in places if place.square is not None), len(pages)


def _pages(places: Sequence[_Place], first: float, other: float) -> Iterator[list[_Place]]:
    page: list[_Place] = []
    left = first
    for place in places:
        if page and place.height > left:
            yield page
            page, left = [], other
        page.append(place)
        left -= place.height
    yield page


def _place(entry: Entry, room: float, made_on: str) -> _Place:
    account = entry.account
    square = link_square(otpauth.write(account, entry.counter))
    module = 0.0
    if square is not None:
        module = max(_SQUARE / square.size, _MODULE)
        if module * square.size > _LARGEST:
            square = None
    beside = room - _Place(square, module, ()).column
    words = [
        *_names(account, beside, has_square=square is not None),
        *_secret(account, beside),
        _Words(_parameters(entry, made_on), PLAIN, 9.5, 5.4 * MM),
        *_remarks(entry, beside, lacks_square=square is None),
    ]
    return _Place(square, module, tuple(words))


def _names(account: Account, room: float, *, has_square: bool) -> Iterator[_Words]:
    issuer, name = printed(account.issuer), printed(account.name)
    first, second = (issuer, name) if account.issuer else (name, Printed("", true=True))
    for number, line in enumerate(wrapped(first.text or _NAMELESS, BOLD, 13, room, 2)):
        yield _Words(line, BOLD, 13, 5.4 * MM if number else 4.4 * MM)
    for number, line in enumerate(wrapped(second.text, PLAIN, 10.5, room, 2) if second.text else ()):
        yield _Words(line, PLAIN, 10.5, 4.6 * MM if number else 5 * MM)
    if not (issuer.true and name.true):
        words = _TRANSLITERATED + (_TRUE_NAME if has_square else "")
        yield _Words(words, SLANTED, 7.5, 3.6 * MM, GREY)


def _secret(account: Account, room: float) -> Iterator[_Words]:
    secret = base32_encode(account.secret)
    if len(secret) > _SECRET_LIMIT:
        yield _Words(_TOO_LONG, SLANTED, 9.5, 6.4 * MM)
        return
    groups = in_fours(secret)
    a_line = max(1, int((room + width(" ", FIXED_BOLD, _SECRET)) / width("AAAA ", FIXED_BOLD, _SECRET)))
    for at in range(0, len(groups), a_line):
        advance = 5 * MM if at else 7 * MM
        yield _Words(" ".join(groups[at : at + a_line]), FIXED_BOLD, _SECRET, advance)


def _parameters(entry: Entry, made_on: str) -> str:
    account = entry.account
    every = f"a new code every {account.period} s"
    if account.type == "steam":
        return f"Steam Guard \u00b7 {account.digits} letters and digits \u00b7 {every}"
    if account.type == "hotp":
        every = f"counter {entry.counter} on {made_on}"
    return f"{account.type.upper()} \u00b7 {account.algorithm} \u00b7 {account.digits} digits \u00b7 {every}"


def _remarks(entry: Entry, room: float, *, lacks_square: bool) -> Iterator[_Words]:
    small: list[tuple[str, int]] = []
    if lacks_square:
        small.append((_NO_SQUARE, 2))
    if entry.account.type == "hotp":
        small.append((_STALE, 3))
    if entry.groups:
        small.append((f"Groups: {printed(', '.join(entry.groups)).text}", 2))
    if note := printed(entry.account.note[:_NOTE_LIMIT]).text if entry.account.note.strip() else "":
        small.append((f"Note: {note}", 4))
    for text, most in small:
        for number, line in enumerate(wrapped(text, PLAIN, 8.5, room, most)):
            yield _Words(line, PLAIN, 8.5, 3.7 * MM if number else 4.4 * MM, GREY)


def _draw(pen: Pen, top: float, place: _Place) -> None:
    x, y = MARGIN, top + _ABOVE
    if place.square is not None:
        pen.square(x, y, place.square, place.module)
    x += place.column
    for words in place.words:
        y += words.advance
        pen.text(x, y, words.text, words.font, words.size, words.grey)
    # To write by hand: when it was set up, where else it is, what the service calls it.
    at = top + place.height - _ABOVE
    end = pen.text(x, at, _WRITE_HERE, PLAIN, 7.5, GREY)
    pen.line(end + 2 * MM, at, pen.width - MARGIN, PALE)
