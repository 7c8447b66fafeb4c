"""The backup of "Authenticator", an extension of Chrome, Firefox and Edge: a JSON object of records by their number.

    account: {"type": "totp" | "hotp" | "steam" | "battle" | "hex" | "hhex", "issuer", "account", "secret", "counter",
              "period", "digits", "algorithm", "pinned", "index", "hash", "encrypted"}; whatever is a default is left out
    version 1: "encrypted": true, and "secret" is sealed with the password
    version 2: so too, with a key: {"key": {"enc", "hash"}} holds it, sealed with the password; its hex text seals
    version 3: {"dataType": "EncOTPStorage", "keyId", "data"}, where the data is an account, sealed with the text of the
               key {"dataType": "Key", "id", "salt", "hash"}: base64 of Argon2id(password, salt, 2 passes, 19 MiB)

Sealed is what CryptoJS makes of a text and a passphrase: base64 of `Salted__ | salt 8 | AES-256-CBC`, with key and IV by
OpenSSL's EVP_BytesToKey of MD5. A key's `hash` is the Argon2id hash of its text. Source: the program's own code. Rules:
`hex` and `hhex` are TOTP and HOTP with a secret in hexadecimal, `battle` (Battle.net) is TOTP of eight digits; a prefix of
the secret (`stm-`, `blz-`) says the type too. What stands behind `::` in an issuer is a host and no part of its name. The
text export is a list of links.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.transfer import cipher
from appliance.transfer.content import Content
from appliance.transfer.entry import ENTRY_LIMIT, Fields, Unusable, collect, found
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged, wrong_password

NAME: Final = "authenticator-extension"
TITLE: Final = "Authenticator extension"
_PASSES: Final = 2
_KIB: Final = 19_456
_HASH_LIMIT: Final = 64 << 20
"""Bytes that checking a key may take; the program's own take 16 and 19 MiB."""
_KEYS: Final = 3
"""Keys of one file; the program has one, and two while it changes it."""
_SEALED: Final = b"Salted__"
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,4}),p=([0-9]{1,3})\$([A-Za-z0-9+/]{11,90})\$([A-Za-z0-9+/]{43})"
)
_KEYLESS: Final = "the file does not hold its key"
_BASE32: Final = re.compile(r"[A-Za-z2-7]+=*")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_PREFIXED: Final = re.compile(r"(stm|blz|bliz)-(.*)")
_NUMBERED: Final = {"1": "totp", "2": "hotp", "3": "battle", "4": "steam", "5": "hex", "6": "hhex"}
_HASHES: Final = {"1": "SHA1", "2": "SHA256", "3": "SHA512"}


@dataclass(frozen=True, slots=True)
class _Record:
    """An account as it was opened, or the reason why it could not be."""

    raw: Mapping[str, Any] = field(repr=False)
    problem: str = ""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a JSON object with a record of the extension."""
    return isinstance(content.json, dict) and any(map(_is_account, content.json.values()))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts in the order in which the extension shows them."""
    return joined(_read(content.json, means) for content in files)


def _read(root: Mapping[str, Any], means: Means) -> Reading:
    records = [raw for raw in root.values() if _is_account(raw)]
    if len(records) > ENTRY_LIMIT:
        raise damaged(TITLE, f"it has more than {ENTRY_LIMIT} entries")
    encrypted = any(map(_is_sealed, records))
    records.sort(key=_index)
    opened = _opened(records, root, means) if encrypted else [_Record(raw) for raw in records]
    return collect(
        NAME,
        TITLE,
        opened,
        lambda each: _account(each, means),
        lambda each: _name(each.raw),
        encrypted=encrypted,
    )


def _is_account(raw: object) -> bool:
    if not isinstance(raw, dict):
        return False
    if raw.get("dataType") == "EncOTPStorage":
        return isinstance(raw.get("data"), str)
    return raw.get("dataType") == "OTPStorage" or {"secret", "hash", "index", "type"} <= raw.keys()


def _is_sealed(raw: Mapping[str, Any]) -> bool:
    return raw.get("dataType") == "EncOTPStorage" or raw.get("encrypted") is True


def _key_id(raw: Mapping[str, Any]) -> str:
    id_ = raw.get("keyId")
    return id_ if isinstance(id_, str) and id_ else "?"


def _index(raw: Mapping[str, Any]) -> int:
    index = raw.get("index")
    return index if isinstance(index, int) else 0


def _opened(records: Sequence[Mapping[str, Any]], root: Mapping[str, Any], means: Means) -> list[_Record]:
    password = means.password_of(TITLE)
    texts = _key_texts(records, root, password, means.memory_limit)
    opened = [_unsealed(raw, texts) if _is_sealed(raw) else _Record(raw) for raw in records]
    problems = {each.problem for each, raw in zip(opened, records, strict=True) if _is_sealed(raw)}
    if problems == {_KEYLESS}:
        raise damaged(TITLE, "it does not hold the key of its entries")
    if "" not in problems:
        # Only some keys have a hash that tells a wrong password at once.
        raise wrong_password(TITLE, or_damaged=True)
    return opened


def _key_texts(
    records: Sequence[Mapping[str, Any]], root: Mapping[str, Any], password: str, memory_limit: int
) -> dict[str, str]:
    """Return the passphrases by the key's id; "" for the records without one. Raises WrongPassphrase."""
    texts = {"": password}
    old = root.get("key")
    if isinstance(old, dict) and isinstance(old.get("enc"), str):
        text = _decrypted(old["enc"], password)
        if not text:
            raise wrong_password(TITLE, or_damaged=True)
        texts[""] = text.hex()
        _check(texts[""], old.get("hash"), memory_limit)
    ids = dict.fromkeys(_key_id(raw) for raw in records if raw.get("dataType") == "EncOTPStorage")
    if len(ids) > _KEYS:
        raise damaged(TITLE, f"it has more than {_KEYS} keys")
    for id_ in ids:
        key = root.get(id_)
        if not isinstance(key, dict) or not isinstance(key.get("salt"), str):
            continue
        salt = key["salt"].encode(errors="replace")
        derived = cipher.argon2id(
            TITLE, password.encode(), salt, passes=_PASSES, kib=_KIB, lanes=1, memory_limit=memory_limit
        )
        texts[id_] = base64.b64encode(derived).decode().rstrip("=")
        _check(texts[id_], key.get("hash"), memory_limit)
    return texts


def _check(text: str, hash_: object, memory_limit: int) -> None:
    """Raise WrongPassphrase if `hash_` is that of another text; a hash of another kind proves nothing."""
    match = _PHC.fullmatch(hash_) if isinstance(hash_, str) else None
    if match is None:
        return
    kib, passes, lanes = (int(number) for number in match.groups()[:3])
    salt, expected = (_base64(part + "=" * (-len(part) % 4)) for part in match.groups()[3:])
    derived = cipher.argon2id(
        TITLE,
        text.encode(),
        salt,
        passes=passes,
        kib=kib,
        lanes=lanes,
        memory_limit=memory_limit,
        most=_HASH_LIMIT,
    )
    if not hmac.compare_digest(derived, expected):
        raise wrong_password(TITLE)


def _unsealed(raw: Mapping[str, Any], texts: Mapping[str, str]) -> _Record:
    if raw.get("dataType") != "EncOTPStorage":
        secret = _decrypted(raw.get("secret"), texts[""]).decode(errors="replace")
        usable = _BASE32.fullmatch(secret) or _HEX.fullmatch(secret) or _PREFIXED.fullmatch(secret)
        return _Record({**raw, "secret": secret}) if usable else _Record(raw, "it can't be decrypted")
    text = texts.get(_key_id(raw))
    if not text:
        return _Record(raw, _KEYLESS)
    inner = Content(_decrypted(raw["data"], text)).json
    return _Record(inner) if isinstance(inner, dict) else _Record(raw, "it can't be decrypted")


def _decrypted(text: object, passphrase: str) -> bytes:
    """Return what CryptoJS sealed; nothing if the passphrase does not open it."""
    sealed = _base64(text) if isinstance(text, str) else b""
    salt, block, made = sealed[8:16], b"", b""
    while len(made) < 48:
        block = hashlib.md5(block + passphrase.encode() + salt, usedforsecurity=False).digest()
        made += block
    try:
        return cipher.open_cbc(made[:32], made[32:48], sealed[16:]) if sealed.startswith(_SEALED) else b""
    except cipher.Mismatch:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _account(record: _Record, means: Means) -> Found:
    if record.problem:
        raise Unusable(record.problem)
    fields = Fields(record.raw)
    kind = fields.text("type").strip().lower()
    kind, secret = _secret(_NUMBERED.get(kind, kind), "".join(fields.text("secret").split()))
    algorithm = fields.text("algorithm")
    return found(
        means,
        kind="totp" if kind == "battle" else kind,
        issuer=fields.text("issuer").partition("::")[0],
        name=fields.text("account"),
        secret=secret,
        algorithm=_HASHES.get(algorithm, algorithm),
        digits=8 if kind == "battle" else fields.whole("digits"),
        period=fields.whole("period"),
        counter=fields.whole("counter"),
        favorite=fields.flag("pinned"),
    )


def _secret(kind: str, text: str) -> tuple[str, str | bytes]:
    """Return type and secret, as the extension understands both."""
    if prefixed := _PREFIXED.fullmatch(text):
        return ("steam" if prefixed[1] == "stm" else "battle"), prefixed[2]
    guessed = kind in {"", "totp", "hotp"} and not _BASE32.fullmatch(text)
    if kind not in {"hex", "hhex"} and not (guessed and _HEX.fullmatch(text)):
        return kind, text
    if not _HEX.fullmatch(text):
        raise Unusable("the secret is not hexadecimal")
    if len(text) % 2:
        # Half a byte: the extension drops a zero and fills up anything else.
        text = text[:-1] if text.endswith("0") else f"{text}0"
    return ("hotp" if kind in {"hotp", "hhex"} else "totp"), bytes.fromhex(text)


def _name(raw: Mapping[str, Any]) -> str:
    fields = Fields(raw)
    return ":".join(filter(None, (fields.text("issuer").partition("::")[0], fields.text("account"))))
