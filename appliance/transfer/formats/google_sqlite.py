"""Google Authenticator: the database `databases` of a rooted Android phone, of releases up to 5.00.

Table `accounts`: `email` is the name, often with the issuer in front (`Example:alice`), `type` 0 is TOTP and 1 HOTP,
`secret` is base32; hash, digits and period are always SHA1, 6 and 30 s. `counter` is taken as it is. Later releases
set `isencrypted` and keep the key in the phone. No official specification: the rules are those that other readers of
the file agree on.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.database import Database
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import cannot_read, damaged

NAME: Final = "google-sqlite"
TITLE: Final = "Google Authenticator database"
_TABLE: Final = "accounts"
_COLUMNS: Final = ("email", "secret", "counter", "type", "issuer", "original_name", "isencrypted")
_KINDS: Final = {0: "totp", 1: "hotp"}


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a database with the table of the app."""
    database = content.database
    return database is not None and database.has(_TABLE, "email", "secret", "type", "counter")


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts. Raises CannotRead if all of their secrets are encrypted."""
    return joined(_read(content.database, means) for content in files)


def _read(database: Database | None, means: Means) -> Reading:
    if database is None:
        raise damaged(TITLE, "its database is broken")
    rows = list(database.rows(TITLE, _TABLE, _COLUMNS))
    if rows and all(row.get("isencrypted") for row in rows):
        raise cannot_read(
            TITLE,
            "its secrets are encrypted with a key that never leaves the phone",
            "in the app, choose Transfer accounts, Export accounts, and give a photo of the QR codes that it shows",
        )
    return entry.collect(
        NAME,
        TITLE,
        rows,
        lambda row: _account(Fields(row), means),
        lambda row: Fields(row).text("email"),
        warnings=database.warnings(),
    )


def _account(row: Fields, means: Means) -> Found:
    if row.raw.get("isencrypted"):
        raise Unusable("its secret is encrypted with a key that never leaves the phone")
    kind = _KINDS.get(row.whole("type") or 0)
    if kind is None:
        raise Unusable("its type is none of TOTP and HOTP")
    issuer, name = entry.split_label(row.text("email") or row.text("original_name"), row.text("issuer"))
    return entry.found(
        means,
        kind=kind,
        issuer=issuer,
        name=name,
        secret=row.text("secret"),
        counter=row.whole("counter"),
    )
