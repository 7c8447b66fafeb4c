"""Proton Authenticator: a JSON file of links, plain or encrypted with a password.

Plain: `{"version": 1, "entries": [{"id", "content": {"uri", "entry_type": "Totp" | "Steam", "name"}, "note"}]}`. The
label of an otpauth:// link is the account alone, with the issuer in its parameter; a Steam account is a steam:// link,
whose only name is `name`, and whose secret is base32, or else base64.

Encrypted: `{"version": 1, "salt", "content"}`: Argon2id with 2 passes of 19 MiB, then AES-256-GCM; `content` is
`nonce 12 || ciphertext || tag 16`, and the plaintext is the plain file.

No official specification; source: the program's library, `proton-authenticator` in `proton-pass-common`.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from appliance.transfer import cipher, entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import damaged, too_new, wrong_password
from appliance.vault import otpauth
from appliance.vault.model import Account, base32_decode, base32_encode

NAME: Final = "proton"
TITLE: Final = "Proton Authenticator"


def recognises(content: Content, _means: Means) -> bool:
    """Whether this is the encrypted object, or one with a version and entries that have a `content`."""
    if content.keys >= {"version", "salt", "content"}:
        return True
    entries = content.json.get("entries") if "version" in content.keys else None
    return isinstance(entries, list) and (
        not entries or any(isinstance(each, dict) and "content" in each for each in entries)
    )


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_reading(content, means) for content in files)


def hold(found: Found) -> Found:
    """Return the account without groups and mark, as its link brings it back; all Steam accounts have the issuer "Steam".

    Raises Unusable for counters, for ten digits, for periods above 65535 seconds, and for a type that changes.
    """
    account = found.account
    if account.type == "hotp":
        raise Unusable("it has no codes with a counter")
    if account.digits not in _DIGITS:
        raise Unusable(f"it shows at most {_DIGITS[-1]} digits")
    if account.period not in _PERIODS:
        raise Unusable(f"it has no periods above {_PERIODS[-1]} seconds")
    held = bare(found, note=True)
    if account.type == "steam":
        return replace(held, account=replace(held.account, issuer="Steam"))
    back = otpauth.parse(_link(account), uuid=account.uuid).account
    if back.type != account.type:
        raise Unusable("five digits with the issuer Steam are taken for Steam's own codes")
    return replace(held, account=replace(back, note=account.note))


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return the encrypted file."""
    salt, nonce = means.random(_SALT), means.random(_NONCE)
    key = _key(means.password, salt, memory_limit=_KIB << 10)
    sealed = nonce + cipher.seal_gcm(key, nonce, _plain(accounts), _ASSOCIATED)
    return (
        json.dumps(
            {
                "version": _VERSION,
                "salt": base64.b64encode(salt).decode(),
                "content": base64.b64encode(sealed).decode(),
            }
        ).encode(),
    )


def write_plain(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return the plain file."""
    return (_plain(accounts),)


def _reading(content: Content, means: Means) -> Reading:
    top = Fields(content.json)
    encrypted = "entries" not in top.raw
    _check_version(top)
    if encrypted:
        top = _opened(top, means)
    try:
        entries = top.items("entries")
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    return entry.collect(
        NAME, TITLE, entries, lambda raw: _account(Fields(raw), means), _name, encrypted=encrypted
    )


def _check_version(top: Fields) -> None:
    try:
        version = top.whole("version")
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    if version != _VERSION:
        raise too_new(TITLE, "version", version, f"version {_VERSION}")


def _opened(top: Fields, means: Means) -> Fields:
    """Return the plain object of an encrypted one."""
    try:
        salt, sealed = top.binary("salt"), top.binary("content")
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    if len(salt) != _SALT or len(sealed) < _NONCE + _TAG:
        raise damaged(TITLE, "its salt or content has another length than it must have")
    key = _key(means.password_of(TITLE), salt, memory_limit=means.memory_limit)
    try:
        plain = Content(cipher.open_gcm(key, sealed[:_NONCE], sealed[_NONCE:], _ASSOCIATED)).json
    except cipher.Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None
    if not isinstance(plain, dict):
        raise damaged(TITLE, "what is encrypted in it is not JSON")
    return Fields(plain)


def _key(password: str, salt: bytes, *, memory_limit: int) -> bytes:
    typed = password.encode("utf-8", "surrogatepass")
    return cipher.argon2id(TITLE, typed, salt, passes=2, kib=_KIB, lanes=1, memory_limit=memory_limit)


def _account(fields: Fields, means: Means) -> Found:
    content = fields.inner("content")
    link, name, note = content.text("uri"), content.text("name"), fields.text("note")
    if link.lower().startswith(_STEAM):
        secret = _steam_secret(unquote(link[len(_STEAM) :]))
        return entry.found(means, kind="steam", issuer="Steam", name=name, secret=secret, note=note)
    if not otpauth.begins_like_link(link):
        raise Unusable("it has no otpauth:// link")
    # The name is that of the link, or the issuer where the link has none.
    return entry.from_login(means, link, title="", user="", note=note)


def _name(raw: Any) -> str:
    return Fields(raw).inner("content").text("name")


def _steam_secret(text: str) -> str | bytes:
    """Return the secret as the program takes it: base32 if it can be, else the base64 that Steam itself shows."""
    try:
        base32_decode(text)
    except ValueError:
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            return text
    return text


def _plain(accounts: Sequence[Found]) -> bytes:
    return json.dumps({"version": _VERSION, "entries": [_entry(each.account) for each in accounts]}).encode()


def _entry(account: Account) -> dict[str, Any]:
    steam = account.type == "steam"
    return {
        "id": account.uuid,
        "content": {
            "uri": f"{_STEAM}{base32_encode(account.secret)}" if steam else _link(account),
            "entry_type": "Steam" if steam else "Totp",
            "name": account.name or ("" if steam else account.issuer),
        },
        "note": account.note or None,
    }


def _link(account: Account) -> str:
    # Its label is the account alone, of which the program takes what follows the last colon, encoded or not.
    name = otpauth.printable(account.name).replace(":", "-")
    issuer = otpauth.printable(account.issuer)
    parameters = {
        "secret": base32_encode(account.secret),
        **({"issuer": issuer} if issuer else {}),
        "algorithm": account.algorithm,
        "digits": str(account.digits),
        "period": str(account.period),
    }
    # A link must have either, and an issuer that spells null counts as none.
    label = quote(name, safe="") if name or issuer.lower() not in {"", "null"} else ":"
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote, safe='')}"


_VERSION: Final = 1
_DIGITS: Final = range(1, 10)
_PERIODS: Final = range(1, 65_536)
_STEAM: Final = "steam://"
_SALT: Final = 16
_NONCE: Final = 12
_TAG: Final = 16
_KIB: Final = 19 * 1024
_ASSOCIATED: Final = b"proton.authenticator.export.v1"
