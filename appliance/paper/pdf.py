"""From what the sheets hold to the bytes of a PDF, whose every code was read back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.errors import ApplianceError, UsageError
from appliance.paper import account_sheet, parts, recovery_sheet
from appliance.paper.facts import Sheets
from appliance.paper.pen import Pen, Size
from appliance.paper.square import Square, reads_back

PAGE_LIMIT: Final = 40
"""Of a recovery sheet: more than anybody would photograph again."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF, and what is on it."""

    pdf: bytes = field(repr=False)
    account_pages: int
    recovery_pages: int
    codes: int
    """QR codes on all pages."""


def print_out(sheets: Sheets, size: Size) -> Paper:
    """Return the sheets as a PDF.

    Raises UsageError if the vault needs more pages than `PAGE_LIMIT`, ApplianceError if reportlab is missing or a
    code does not read back.
    """
    refuse_too_many(sheets)
    pen = Pen(size, "otp-appliance")
    account_squares: tuple[Square, ...] = ()
    recovery_squares: tuple[Square, ...] = ()
    account_pages = recovery_pages = 0
    if sheets.entries is not None:
        account_squares, account_pages = account_sheet.draw(pen, sheets.entries, sheets)
    if sheets.recovery is not None:
        recovery_squares, recovery_pages = recovery_sheet.draw(pen, sheets.recovery, sheets)
        _prove(recovery_squares, sheets.recovery.backup)
    _read_back(account_squares)
    codes = len(account_squares) + len(recovery_squares)
    return Paper(pen.finished(), account_pages, recovery_pages, codes)


def refuse_too_many(sheets: Sheets) -> None:
    """Raise UsageError if the recovery sheet would have more pages than `PAGE_LIMIT`."""
    if sheets.recovery is None:
        return
    pages = recovery_sheet.pages_of(len(parts.cut(sheets.recovery.backup)))
    if pages > PAGE_LIMIT:
        raise UsageError(
            "can't print the recovery sheet",
            f"the vault takes {pages} pages of QR codes, and more than {PAGE_LIMIT} are not sensible",
            "appliance backup save FILE, onto a USB stick; paper --accounts prints the accounts alone",
        )


def _prove(squares: Sequence[Square], backup: bytes) -> None:
    _read_back(squares)
    if parts.gathered(square.text for square in squares).backups != (backup,):
        raise _unreadable("the codes do not give the vault again")


def _read_back(squares: Sequence[Square]) -> None:
    for square in squares:
        if not reads_back(square):
            raise _unreadable("a QR code does not read back")


def _unreadable(why: str) -> ApplianceError:
    return ApplianceError("can't print the sheets", why, "nothing was written; please report this")
