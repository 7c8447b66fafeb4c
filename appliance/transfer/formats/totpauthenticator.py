"""TOTP Authenticator (com.authenticator.authservice2): its backup (.bin), and its settings file from a rooted phone.

The backup is base64 of AES-256-CBC with an IV of zeros and SHA-256 of the password as its key; a user who chose none
has the password of the app, which is public. It holds a JSON object whose only *key* is the text of a JSON array, the
same that the settings file has as `STATIC_TOTP_CODES_LIST`:

    [{"key", "base": 16 | 32 | 64, "issuer", "name", "digits": "6", "period": "30", "accountHeaderLabel", "isFavorite", …}]

Rules: blank digits and periods are 6 and 30; the label is a group. A backup has no magic: without a password it is
recognised only if the app's own opens it, with one by its shape alone, so this format stands last. A file that the
app's own password opens does not count as encrypted. No official specification.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from appliance.errors import WrongPassphrase
from appliance.transfer import entry
from appliance.transfer.cipher import Mismatch, open_cbc
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.formats import steam
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.shared_prefs import json_of, strings
from appliance.transfer.trouble import damaged, password_missing, wrong_password

NAME: Final = "totpauthenticator"
TITLE: Final = "TOTP Authenticator"
_SETTING: Final = "STATIC_TOTP_CODES_LIST"
_OWN_PASSWORD: Final = "TotpAuthenticator"  # noqa: S105 - it is public, and the same for everybody
_START: Final = b'{"['
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")


def recognises(content: Content, means: Means) -> bool:
    """Whether it is the settings file, or a backup that the app's password opens or that has a backup's shape."""
    if _SETTING in strings(content):
        return True
    sealed = _sealed(content)
    return bool(sealed) and (means.password is not None or _opened(sealed, _OWN_PASSWORD) is not None)


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    setting = strings(content).get(_SETTING)
    if setting is None:
        setting, encrypted = _backup(content, means)
    else:
        encrypted = False
    entries = json_of(setting)
    if not isinstance(entries, list):
        raise damaged(TITLE, "it has no list of accounts")
    return entry.collect(
        NAME,
        TITLE,
        entries,
        lambda raw: _account(means, raw),
        lambda raw: Fields(raw).text("name"),
        encrypted=encrypted,
    )


def _backup(content: Content, means: Means) -> tuple[str, bool]:
    """Return the text of the list in a backup, and whether a password was needed for it."""
    sealed = _sealed(content)
    passwords = [_OWN_PASSWORD] if means.password is None else [means.password, _OWN_PASSWORD]
    for password in passwords:
        plain = _opened(sealed, password)
        if plain is not None:
            value = Content(plain).json
            if not isinstance(value, dict):
                raise damaged(TITLE, "its content is broken")
            return next(iter(value)), password != _OWN_PASSWORD
    if means.password is None:
        raise password_missing(TITLE)
    raise _closed(content)


def _closed(content: Content) -> WrongPassphrase:
    """Return the error for a file that no password opens: its base64 may be that of another program as well."""
    if not steam.looks_sealed(content):
        return wrong_password(TITLE, or_damaged=True)
    return WrongPassphrase(
        "can't open the file",
        f"wrong password, or the file is damaged, if it is a backup of {TITLE};"
        " if it is an encrypted .maFile of Steam, its manifest.json is missing",
        "check the password; for a .maFile give both, from the same folder: manifest.json and every .maFile",
    )


def _sealed(content: Content) -> bytes:
    """Return the blocks of a backup; none for anything that is not base64 of whole blocks."""
    text = "".join((content.text or "").split())
    if _BASE64.fullmatch(text) is None:
        return b""
    try:
        sealed = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return b"" if len(sealed) % 16 else sealed


def _opened(sealed: bytes, password: str) -> bytes | None:
    """Return the content of a backup; None if it is not the password, as far as the first bytes tell."""
    try:
        plain = open_cbc(hashlib.sha256(password.encode()).digest(), bytes(16), sealed)
    except Mismatch:
        return None
    return plain if plain.startswith(_START) else None


def _account(means: Means, raw: Any) -> Found:
    fields = Fields(raw)
    return entry.found(
        means,
        kind="totp",
        issuer=fields.text("issuer"),
        name=fields.text("name"),
        secret=_secret(fields.text("key"), fields.whole("base")),
        digits=fields.whole("digits"),
        period=fields.whole("period"),
        groups=(fields.text("accountHeaderLabel"),),
        favorite=fields.flag("isFavorite"),
    )


def _secret(text: str, base: int | None) -> str | bytes:
    if base == 32:
        return text
    if base not in {16, 64}:
        raise Unusable("its secret is in none of base 16, 32 and 64")
    try:
        padded = text + "=" * (-len(text) % 4)
        return bytes.fromhex(text) if base == 16 else base64.b64decode(padded, validate=True)
    except ValueError:
        raise Unusable(f"its secret is not in base {base}, as the file says") from None
