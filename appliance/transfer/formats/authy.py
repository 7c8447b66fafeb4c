"""Authy, which has no export: what people hold instead. No official specification.

- Two settings files of the Android app, from a rooted phone: `…tokens.authenticator` and `…tokens.authy`; each has
  one text, a JSON list of `{"name", "originalName", "originalIssuer", "digits"}` with `decryptedSecret`, or
  `encryptedSecret` and `salt`, or `secretSeed`. That list alone is taken too.
- Answers of Authy's server to the iOS app, captured: `{"authenticator_tokens": [{"name", "original_name", "issuer",
  "digits", "encrypted_seed", "salt", "key_derivation_iterations", "unique_iv"}]}` and `{"apps": [{"name", "digits",
  "secret_seed"}]}`; and what scripts make of the first: `decrypted_seed`, under `decrypted_authenticator_tokens`.
- Twilio's answer to a request for one's data: CSV with `name, encrypted_seed, salt, iv`; each line, or all of it, may
  stand in quotes.

A secret is base32 of 30 s, or in the list of apps (`secretSeed`) hex, of 7 digits and 10 s. How it is encrypted:
see `authy_seal`. Rules: the files of one export may come together; a name `Issuer: account` is split; an app has an
issuer and no name.
"""

from collections.abc import Sequence
from typing import Any, Final

from appliance.transfer import entry
from appliance.transfer.content import Content, Table
from appliance.transfer.entry import Fields, split_label
from appliance.transfer.formats.authy_seal import (
    NATIVE,
    PLAIN,
    REQUESTED_ITERATIONS,
    Opener,
    bytes_of,
    first_of,
    is_sealed,
    secret_of,
)
from appliance.transfer.found import Found, Means, Reading
from appliance.transfer.shared_prefs import json_of, strings
from appliance.transfer.trouble import damaged

NAME: Final = "authy"
TITLE: Final = "Authy"
_SETTINGS: Final = ("com.authy.storage.tokens.authenticator.key", "com.authy.storage.tokens.authy.key")
_LISTS: Final = ("authenticator_tokens", "decrypted_authenticator_tokens")
_ANDROID: Final = frozenset({"decryptedSecret", "encryptedSecret", "secretSeed"})
_COLUMNS: Final = frozenset({"name", "encrypted_seed", "salt"})


def recognises(content: Content, _means: Means) -> bool:
    """Whether it has the names of one of the kinds."""
    if not set(_SETTINGS).isdisjoint(strings(content)):
        return True
    if isinstance(content.json, list):
        return _begins_with(content.json, _ANDROID)
    return bool(_lists(content)) or _table(content) is not None


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files together. Raises the errors of `trouble`, among them that for a wrong password."""
    raws = [raw for content in files for raw in _raws(content)]
    opener = Opener(TITLE, raws, means) if any(map(is_sealed, raws)) else None
    reading = entry.collect(
        NAME,
        TITLE,
        raws,
        lambda raw: _account(means, opener, raw),
        lambda raw: Fields(raw).text("name"),
        encrypted=opener is not None,
    )
    if opener is not None:
        opener.conclude()
    return reading


def _raws(content: Content) -> list[Any]:
    if isinstance(content.json, list):
        return content.json
    table = _table(content)
    if table is not None:
        default = {"key_derivation_iterations": REQUESTED_ITERATIONS}
        return [default | dict(zip(table.header, row, strict=False)) for row in table.rows]
    texts = strings(content)
    lists = _lists(content) or [json_of(texts[name]) for name in _SETTINGS if name in texts]
    if not all(isinstance(each, list) for each in lists):
        raise damaged(TITLE, "it has no list of tokens")
    return [raw for each in lists for raw in each]


def _lists(content: Content) -> list[Any]:
    """Return the lists of a captured answer, or of what a script made of it."""
    tokens = [content.json[name] for name in _LISTS if name in content.keys]
    apps = content.json["apps"] if "apps" in content.keys else None
    return [*tokens, apps] if _begins_with(apps, frozenset({"secret_seed"})) else tokens


def _begins_with(items: object, names: frozenset[str]) -> bool:
    first = items[0] if isinstance(items, list) and items else None
    return isinstance(first, dict) and not names.isdisjoint(first)


def _table(content: Content) -> Table | None:
    if content.begins_like_json or "encrypted_seed" not in (content.text or "")[:1000].lower():
        return None
    # A quote around each line, or around all of them, makes one cell of it.
    unquoted = Content((content.text or "").replace('"', "").encode(errors="replace"))
    tables = (each.table for each in (content, unquoted))
    return next((each for each in tables if each is not None and _COLUMNS.issubset(each.header)), None)


def _account(means: Means, opener: Opener | None, raw: object) -> Found:
    fields = Fields(raw)
    digits = fields.whole("digits")
    if native := first_of(fields, NATIVE):
        # The app's own kind, for services that use Authy's server.
        return entry.found(
            means,
            kind="totp",
            issuer=fields.text("name"),
            name="",
            secret=bytes_of(native),
            digits=7 if digits is None else digits,
            period=10,
        )
    issuer, name = _names(fields)
    if opener is not None and is_sealed(raw):
        secret = opener.secret(fields)
    else:
        secret = secret_of(first_of(fields, PLAIN))
    return entry.found(means, kind="totp", issuer=issuer, name=name, secret=secret, digits=digits)


def _names(fields: Fields) -> tuple[str, str]:
    original = first_of(fields, ("originalName", "original_name"))
    issuer = first_of(fields, ("originalIssuer", "issuer")) or split_label(original)[0]
    return split_label(fields.text("name") or original, issuer)
