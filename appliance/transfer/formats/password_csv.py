"""The CSV files of password managers: logins in a table, some with a one-time code.

Read by one rule for all, as each program names its columns in its own way and changes them: the header has a column
for the codes, and others for title, user, tags and favourites. Covers 1Password 8
(`Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes`), Apple Passwords and Safari (`Title,URL,Username,
Password,Notes,OTPAuth`; also in the zip archive that Safari makes), Proton Pass (`…,totp`), LastPass
(`url,username,password,totp,extra,name,grouping,fav`), Dashlane (`otpUrl`, `otpSecret`; also zipped), Myki
(`twofaSecret`), Synology C2 (`Login_TOTP`), NordPass and Enpass where they have one, and what extract_otp_secrets
writes for KeePass (`TimeOtp-Secret-Base32`, `HmacOtp-Secret-Base32`). No official specifications.

Rules: a code is a link or a bare secret. Passwords and notes are never looked at: they belong to the login and not to
its code. Rows without a code are passed over. Archived items are kept. A table that has passwords and no column for
codes is recognised as well, in order to say so.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final

from appliance.errors import ApplianceError
from appliance.transfer import entry, row
from appliance.transfer.content import Content, Table
from appliance.transfer.found import Found, Means, Reading
from appliance.transfer.row import Row
from appliance.transfer.trouble import nothing_in

NAME: Final = "csv"
TITLE: Final = "password manager CSV"

_CODES: Final = (
    "otpauth",
    "otpurl",
    "otpsecret",
    "totp",
    "logintotp",
    "otp",
    "2fa",
    "twofasecret",
    "timeotpsecretbase32",
)
_COUNTED: Final = "hmacotpsecretbase32"
_TITLES: Final = ("title", "name", "service", "displayname", "nickname")
_USERS: Final = ("username", "login", "loginusername", "email")
_GROUPS: Final = ("grouping", "folder", "category")
_PASSWORDS: Final = ("password", "loginpassword")
_MEMBERS: Final = 8
"""CSV files of one archive; Dashlane's has six."""
_NO_CODE: Final = frozenset({"yes", "no", "true", "false", "none", "null"})
"""Whether there is a code, in a column that is named like one: such words would pass for base32."""


def recognises(content: Content, _means: Means) -> bool:
    """Whether a table, or one in an archive, has a password manager's header."""
    return any(_is_known(row.columns(table)) for table in _tables(content))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all rows that have a code. Raises NothingFound if no table has a column for codes."""
    return entry.collect(NAME, TITLE, _rows(files), partial(_account, means=means), _name)


def _rows(files: Sequence[Content]) -> Iterable[Row]:
    without_codes = True
    for table in chain.from_iterable(map(_tables, files)):
        columns = row.columns(table)
        if _is_known(columns) and _has_codes(columns):
            without_codes = False
            yield from row.rows(table)
    if without_codes:
        raise nothing_in(
            TITLE,
            "it has passwords, but no column for one-time codes",
            "export it in another format of that program, or from the authenticator that shows the codes",
        )


def _account(each: Row, *, means: Means) -> Found | None:
    if counted := each.text(_COUNTED):
        return entry.found(
            means,
            kind="hotp",
            issuer=each.text(*_TITLES),
            name=each.text(*_USERS),
            secret=counted,
            counter=entry.whole(each.text("hmacotpcounter"), "counter"),
        )
    code = each.text(*_CODES)
    if not code or code.lower() in _NO_CODE:
        return None
    return entry.from_login(
        means,
        code,
        title=each.text(*_TITLES) or _host(each.text("url", "website")),
        user=each.text(*_USERS),
        groups=_groups(each),
        favorite=each.flag("favorite", "favourite", "fav"),
    )


def _name(each: Row) -> str:
    return each.text(*_TITLES, *_USERS)


def _groups(each: Row) -> Iterable[str]:
    tags = each.text("tags").replace(";", ",")
    return (each.text(*_GROUPS), *tags.split(","))


def _host(url: str) -> str:
    """Return the host of a URL: its path and its query may be private."""
    rest = url.partition("://")[2] or url
    return rest.partition("/")[0].rpartition("@")[2].removeprefix("www.")


def _tables(content: Content) -> Iterable[Table]:
    """Yield the table of a CSV file, or those of an archive; what can't be unpacked is no password manager's."""
    if content.table is not None:
        yield content.table
    archive = content.archive
    if archive is None:
        return
    for name in [name for name in archive.names if name.lower().endswith(".csv")][:_MEMBERS]:
        try:
            table = Content(archive.read(name, TITLE)).table
        except ApplianceError:
            continue
        if table is not None:
            yield table


def _has_codes(columns: Mapping[str, int]) -> bool:
    return any(name in columns for name in (*_CODES, _COUNTED))


def _is_known(columns: Mapping[str, int]) -> bool:
    """Whether there are titles or users, and beside them codes or passwords."""
    named = any(name in columns for name in (*_TITLES, *_USERS))
    return named and (_has_codes(columns) or any(name in columns for name in _PASSWORDS))
