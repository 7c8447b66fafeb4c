"""Authenticator Plus (Android): the archive that it exports, and its database `authplus.db`, both by password.

The zip archive (WinZip's AES) holds `Accounts.txt`, a list of otpauth:// links. The database is one of SQLCipher 3,
without any mark: it is recognised only together with its password. Table `accounts`: `email`, `issuer`,
`original_name` (`issuer:name`), `secret`, `counter`, `category`, and `type` 0 TOTP, 1 HOTP, 2 Battle.net (a secret in
hexadecimal digits, 8 digits); hash and period are always SHA1 and 30 s. No official specification: the rules are those
that other readers of the files agree on.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from appliance.transfer import database, entry, sqlcipher
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.formats import links
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged

NAME: Final = "authenticator-plus"
TITLE: Final = "Authenticator Plus"
_MEMBER: Final = "accounts.txt"
_TABLE: Final = "accounts"
_COLUMNS: Final = ("email", "secret", "counter", "type", "issuer", "original_name", "category")
_EVERYTHING: Final = "All Accounts"
"""The category of accounts that are in none."""
_KINDS: Final = {0: ("totp", 6), 1: ("hotp", 6), 2: ("totp", 8)}
_BATTLE_NET: Final = 2


def recognises(content: Content, means: Means) -> bool:
    """Whether it is an archive with the app's file in it, or a database that the given password opens."""
    if _member(content) is not None:
        return True
    return content.text is None and _opened(content, means) is not None


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    archive, member = content.archive, _member(content)
    if archive is None or member is None:
        return _of_database(content, means)
    text = Content(archive.read(member, TITLE, means.password))
    if text.lines and not links.recognises(text, means):
        raise damaged(TITLE, "there are no otpauth:// links in it")
    return replace(links.read([text], means), format=NAME, encrypted=archive.encrypted(member))


def _of_database(content: Content, means: Means) -> Reading:
    plain = database.opened(_opened(content, means) or b"")
    if plain is None or not plain.has(_TABLE, "secret", "type"):
        raise damaged(TITLE, "its database is broken, or is of another app")
    return entry.collect(
        NAME,
        TITLE,
        plain.rows(TITLE, _TABLE, _COLUMNS),
        lambda row: _account(Fields(row), means),
        lambda row: Fields(row).text("email"),
        encrypted=True,
    )


def _account(row: Fields, means: Means) -> Found:
    number = row.whole("type") or 0
    if number not in _KINDS:
        raise Unusable("its type is none of TOTP, HOTP and Battle.net")
    kind, digits = _KINDS[number]
    prefix, name = entry.split_label(row.text("original_name"))
    category = row.text("category")
    return entry.found(
        means,
        kind=kind,
        issuer=row.text("issuer") or prefix or ("Battle.net" if number == _BATTLE_NET else ""),
        name=row.text("email") or name,
        secret=_hexadecimal(row.text("secret")) if number == _BATTLE_NET else row.text("secret"),
        digits=digits,
        counter=row.whole("counter"),
        groups=() if category == _EVERYTHING else (category,),
    )


def _hexadecimal(secret: str) -> bytes:
    try:
        return bytes.fromhex(secret)
    except ValueError:
        raise Unusable("its secret has other than hexadecimal digits") from None


def _opened(content: Content, means: Means) -> bytes | None:
    return None if means.password is None else sqlcipher.opened(TITLE, content.data, means.password)


def _member(content: Content) -> str | None:
    names = content.archive.names if content.archive is not None else ()
    return next((name for name in names if name.rpartition("/")[2].lower() == _MEMBER), None)
