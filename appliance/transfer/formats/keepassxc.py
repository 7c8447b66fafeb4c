"""The CSV file of KeePassXC: one entry a row, its code as a link.

Header `Group,Title,Username,Password,URL,Notes,TOTP,Icon,Last Modified,Created` (since 2.7; earlier ones had no TOTP).
No official specification; from the program's exporter and its import dialogue.

Rules: KeePassXC makes the link at export, from title and user name, and puts "none" and "KeePassXC" where these are
empty: so the columns are believed before the link. A group is a path that begins with the root group, whatever that is
called ("Root", "Passwords"): what all rows begin with is left off. Entries of the group "Recycle Bin" are left out and
counted. Passwords and notes are never looked at: they belong to the login and not to its code.

Written for its import dialogue, which finds the columns by these names. It has no HOTP, and its codes of ten digits are
wrong (they are cut to 32 bits first). An account has one group; a slash in its name makes groups in groups there.
Releases before 2.7.5 cut a period to 60 seconds, and no release takes off an apostrophe that keeps a spreadsheet from
computing a cell, so names stay as they are: both are named as a loss (`risks`).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from appliance.transfer import entry, row
from appliance.transfer.content import Content
from appliance.transfer.entry import Unusable
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.row import Row
from appliance.vault import otpauth

NAME: Final = "keepassxc-csv"
TITLE: Final = "KeePassXC CSV"

_COLUMNS: Final = (
    "Group",
    "Title",
    "Username",
    "Password",
    "URL",
    "Notes",
    "TOTP",
    "Icon",
    "Last Modified",
    "Created",
)
_MARKS: Final = frozenset({"group", "title", "username", "password", "url", "notes", "totp"})
_ROOT: Final = "Root"
_TRASH: Final = "Recycle Bin"
_OLD_PERIOD: Final = 60
"""Seconds."""
_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a formula of a cell (OWASP, "CSV Injection"); the last four are the wide letters of the first."""


def recognises(content: Content, _means: Means) -> bool:
    """Whether a table has the header of KeePassXC's."""
    return row.columns(content.table).keys() >= _MARKS


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all entries that have a code."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    entries = list(row.rows(content.table))
    firsts = {each.text("group").partition("/")[0] for each in entries}
    root = firsts.pop() if len(firsts) == 1 else _ROOT
    kept = [each for each in entries if not _in_trash(_group(each, root))]
    trashed = sum(1 for each in entries if each.text("totp")) - sum(1 for each in kept if each.text("totp"))
    return entry.collect(
        NAME,
        TITLE,
        kept,
        partial(_account, means=means, root=root),
        lambda each: each.text("title", "username"),
        warnings=[f"entries of the recycle bin that are left out: {trashed}"] if trashed else [],
    )


def _account(each: Row, *, means: Means, root: str) -> Found | None:
    code = each.text("totp")
    if not code:
        return None
    title, user = each.text("title"), each.text("username")
    found = entry.from_login(means, code, title=title, user=user, groups=[_group(each, root)])
    account = found.account
    # Of a link that we wrote, a missing issuer is meant; the title is the name then, as an entry needs one.
    issuer = title if account.issuer or not account.name else ""
    name = user or ("" if account.name == "none" else account.name)
    return replace(
        found,
        account=replace(account, issuer=otpauth.printable(issuer), name=otpauth.printable(name)),
    )


def _group(each: Row, root: str) -> str:
    first, _, rest = (path := each.text("group")).partition("/")
    return rest if first == root else path


def _in_trash(group: str) -> bool:
    return group == _TRASH or group.startswith(f"{_TRASH}/")


def hold(found: Found) -> Found:
    """Return the account without note and favourite mark, and with one group only."""
    account = found.account
    if account.type == "hotp":
        raise Unusable("KeePassXC has no counter-based codes (HOTP)")
    if account.type == "totp" and account.digits == 10:
        raise Unusable("KeePassXC does not compute codes of 10 digits correctly")
    groups = [name for name in found.group_names if not _in_trash(name)]
    each = Row(_POSITIONS, _row(replace(bare(found), group_names=tuple(groups[:1]))))
    held = _account(each, means=Means(None, 0, lambda: account.uuid), root=_ROOT)
    if held is None or held.account.type != account.type:
        raise Unusable('five digits and the issuer "Steam" would be taken for a Steam code')
    return held


def risks(found: Found) -> tuple[str, ...]:
    """Return what of an account that `hold` returned older releases cut, and what a spreadsheet would do with it."""
    lost = []
    if found.account.period > _OLD_PERIOD:
        lost.append(f"its period in KeePassXC before 2.7.5, which takes {_OLD_PERIOD} seconds for it")
    if any(cell.startswith(_COMPUTED) for cell in _row(found)):
        lost.append(
            "that its name is a text: a spreadsheet would run it, so open the file with KeePassXC only"
        )
    return tuple(lost)


def write(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return the table; what has no value, such as the password, is empty."""
    text = io.StringIO()
    # All quoted, as KeePassXC writes it: its reader takes a line that begins with `#` for a comment.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(_COLUMNS)
    # A name that begins with `=` or `@` is a name to KeePassXC; made harmless for spreadsheets, it would be another.
    # `risks` tells of it.
    writer.writerows(map(_row, accounts))
    return (text.getvalue().encode(),)


def _row(found: Found) -> tuple[str, ...]:
    account = found.account
    return (
        "/".join((_ROOT, *found.group_names)),
        account.issuer or account.name,
        account.name,
        "",
        "",
        "",
        otpauth.write(account, found.counter),
        "",
        "",
        "",
    )


_POSITIONS: Final = {name.lower(): position for position, name in enumerate(_COLUMNS)}
