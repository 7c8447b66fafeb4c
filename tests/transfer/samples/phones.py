"""Databases of rooted phones: Microsoft Authenticator, old Google Authenticator, Authenticator Plus (and its archive)."""

import base64
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, totp
from tests.transfer.zips import aes_zip, plain_zip

Row = Mapping[str, object]
MICROSOFT: Final = (
    "_id INTEGER PRIMARY KEY AUTOINCREMENT, group_key TEXT, name TEXT NOT NULL, username TEXT NOT NULL, "
    "oath_secret_key TEXT NOT NULL, account_type INTEGER NOT NULL, encrypted_oath_secret_key TEXT NOT NULL"
)
GOOGLE: Final = (
    "_id INTEGER PRIMARY KEY, email TEXT NOT NULL, secret TEXT NOT NULL, counter INTEGER DEFAULT 0, "
    "type INTEGER, provider INTEGER DEFAULT 0, issuer TEXT DEFAULT NULL, original_name TEXT DEFAULT NULL"
)
RAW: Final = b"12345678901234567890"


def database(columns: str, rows: Sequence[Row], *statements: str, empty: bytes = b"") -> bytes:
    """Return a database with a table `accounts`; `empty` is one to begin with, `statements` are run in the end."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if empty:
            connection.deserialize(empty)
        connection.execute(f"CREATE TABLE accounts ({columns})")
        for row in rows:
            marks = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO accounts ({', '.join(row)}) VALUES ({marks})", tuple(row.values())
            )
        for statement in statements:
            connection.execute(statement)
        return bytes(connection.serialize())


def microsoft_row(kind: int, name: str, username: str, secret: str, sealed: str = "") -> Row:
    """Return a row of Microsoft's table."""
    return {
        "name": name,
        "username": username,
        "account_type": kind,
        "oath_secret_key": secret,
        "encrypted_oath_secret_key": sealed,
    }


MICROSOFT_ROWS: Final = (
    microsoft_row(0, "Example", "alice", SECRET.lower()),
    microsoft_row(1, "Microsoft", "bob@example.org", base64.b64encode(RAW).decode()),
    microsoft_row(2, "Contoso", "carol@contoso.example", ""),
    microsoft_row(0, "Acme", "dave", "", "c2VhbGVk"),
)
GOOGLE_ROWS: Final[tuple[Row, ...]] = (
    {"email": "Example:alice", "secret": SECRET, "type": 0, "issuer": "Example"},
    {"email": "bob", "secret": OTHER, "type": 1, "counter": 42},
    {"email": "Acme:carol", "secret": OTHER, "type": 0},
    {"email": "odd", "secret": OTHER, "type": 9},
)
LINKS: Final = (
    f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example\n"
    f"otpauth://hotp/bob?secret={OTHER}&counter=3\n"
).encode()
_LINK_ACCOUNTS: Final = (totp("Example", "alice"), hotp("", "bob", OTHER, counter=3))
_WRITE_AHEAD: Final = database(MICROSOFT, MICROSOFT_ROWS[:1])

SAMPLES: Final = (
    Sample(
        "Microsoft's database",
        "microsoft",
        (database(MICROSOFT, MICROSOFT_ROWS),),
        (totp("Example", "alice"), totp("Microsoft", "bob@example.org", digits=8)),
        skipped=2,
    ),
    Sample(
        "Microsoft's database with a second file for changes",
        "microsoft",
        (_WRITE_AHEAD[:18] + b"\2\2" + _WRITE_AHEAD[20:],),
        (totp("Example", "alice"),),
    ),
    Sample(
        "Google's database",
        "google-sqlite",
        (database(GOOGLE, GOOGLE_ROWS),),
        (totp("Example", "alice"), hotp("", "bob", OTHER, counter=42), totp("Acme", "carol", OTHER)),
        skipped=1,
    ),
    Sample(
        "Authenticator Plus's archive",
        "authenticator-plus",
        (aes_zip("Accounts.txt", LINKS, "pass"),),
        _LINK_ACCOUNTS,
        "pass",
        encrypted=True,
    ),
    Sample(
        "Authenticator Plus's archive without a password",
        "authenticator-plus",
        (plain_zip(Accounts__txt=LINKS),),
        _LINK_ACCOUNTS,
    ),
)
