"""Microsoft Authenticator: the database `PhoneFactor` of a rooted Android phone. The app has no export.

Table `accounts`: `account_type` 0 is a TOTP account with its secret in base32 (6 digits), 1 a personal Microsoft
account with its secret in base64 (8 digits), 2 an account of work or school that is asked by push and has no secret.
`name` is the issuer, `username` the account; hash and period are always SHA1 and 30 s. Newer releases leave
`oath_secret_key` empty and fill `encrypted_oath_secret_key`, whose key stays in the phone. No official specification:
the rules are those that other readers of the file agree on.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.database import Database
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import cannot_read, damaged

NAME: Final = "microsoft"
TITLE: Final = "Microsoft Authenticator"
_TABLE: Final = "accounts"
_PLAIN: Final = "oath_secret_key"
_SEALED: Final = "encrypted_oath_secret_key"
_COLUMNS: Final = ("name", "username", "account_type", _PLAIN, _SEALED)
_ELSEWHERE: Final = "its secret is encrypted with a key that never leaves the phone"


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a database with the table of the app."""
    database = content.database
    return database is not None and any(
        database.has(_TABLE, "account_type", column) for column in (_PLAIN, _SEALED)
    )


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts whose secret is in the file. Raises CannotRead if all secrets are encrypted."""
    return joined(_read(content.database, means) for content in files)


def _read(database: Database | None, means: Means) -> Reading:
    if database is None:
        raise damaged(TITLE, "its database is broken")
    rows = list(database.rows(TITLE, _TABLE, _COLUMNS))
    if any(row.get(_SEALED) for row in rows) and not any(row.get(_PLAIN) for row in rows):
        raise cannot_read(
            TITLE,
            "its secrets are encrypted with a key that never leaves the phone",
            "set up each account anew: on the website, remove the authenticator app and add this appliance",
        )
    return entry.collect(
        NAME,
        TITLE,
        rows,
        lambda row: _account(Fields(row), means),
        lambda row: _called(Fields(row)),
        warnings=database.warnings(),
    )


def _account(row: Fields, means: Means) -> Found:
    kind = row.whole("account_type")
    if kind not in {0, 1}:
        raise Unusable("it is an account of work or school, which is asked by push and has no secret")
    secret = row.text(_PLAIN)
    if not secret and row.raw.get(_SEALED):
        raise Unusable(_ELSEWHERE)
    return entry.found(
        means,
        kind="totp",
        issuer=row.text("name"),
        name=row.text("username"),
        secret=_decoded(secret) if kind == 1 else secret,
        digits=8 if kind == 1 else 6,
    )


def _called(row: Fields) -> str:
    return row.text("username") or row.text("name")


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Unusable("the secret of a Microsoft account is not base64") from None
