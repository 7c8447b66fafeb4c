"""Google Authenticator's own export: pictures of QR codes, each with up to ten accounts, that a phone takes over.

Such pictures are read by `links`, like all that carry links. Rules: an account that the app can't compute is refused
and not bent; a page says which of how many it is, as the app itself tells its user.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer import migration, qr
from appliance.transfer.found import Found, WriteMeans

TITLE: Final = "Google Authenticator"
_QUIET_ZONES: Final = (2, 1)
"""Modules in a terminal: four are asked for, phones do with two, and mostly with one, which is all that 24 rows leave."""

hold = migration.hold


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return the pictures (PNG), in the order in which they are to be scanned; any other order will do as well."""
    return tuple(map(qr.png, migration.pages(accounts, means)))


def terminal_pages(
    accounts: Sequence[Found], columns: int, rows: int, means: WriteMeans
) -> tuple[tuple[str, int], ...]:
    """Return the links to be shown in a terminal, each with its number of accounts; each was returned by `hold`.

    A row of text shows two rows of modules. As many accounts are on a page as let all codes fit with a quiet zone of
    two modules; only if not even single accounts do, with one. None are returned if that terminal is too small.
    """
    for quiet_zone in _QUIET_ZONES:
        room = min(columns, 2 * rows) - 2 * quiet_zone
        for most in range(migration.PAGE_LIMIT, 0, -1):
            links = migration.pages(accounts, means, most=most)
            if all(qr.modules(link) <= room for link in links):
                parts = (accounts[at : at + most] for at in range(0, len(accounts), most))
                return tuple((link, len(part)) for link, part in zip(links, parts, strict=True))
    return ()
