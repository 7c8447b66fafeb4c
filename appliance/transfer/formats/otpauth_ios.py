"""OTP Auth's backup (.otpauthdb) and exported account (.otpauth), of iOS.

    file:      AES-256-CBC with a zero IV and the key SHA-256("Authenticator"), or SHA-256("OTPAuth") of a single account
    inside:    an archive of NSKeyedArchiver {"Version", "WrappedData" | "Data" of a single account, "IV", "Salt"}
    new data   (version 1.1; 1.2 of a single account): RNCryptor 3, which is `3 | 1 | salt 8 | salt 8 | iv 16 | ciphertext |
               tag 32`; the keys of cipher and tag are PBKDF2-SHA1(password, salt, 10,000); the tag is HMAC-SHA256
    old data   (1.0; 1.1): AES-256-CBC with the key SHA-256(Salt "-" password) and the IV SHA-1(IV), without a tag
    inside:    an archive of NSKeyedArchiver {"Folders": [{name, accounts: [account]}]}, or of the account's fields
    account:   label, issuer, secret (bytes), type (1 HOTP, 2 TOTP), algorithm (0 and 1 SHA1, 2 SHA256, 3 SHA512, 4 MD5),
               digits, period, counter

No official specification; the program's author published a decryptor (decrypt-otpauth-files). Rules: a folder is a group
if there are several.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.transfer import cipher, keyed
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable, collect, found
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged, too_new, wrong_password

NAME: Final = "otpauth-ios"
TITLE: Final = "OTP Auth"
_ITERATIONS: Final = 10_000
_BLOCK: Final = 16
_TAG: Final = 32
_HEADER: Final = 34
"""Bytes of RNCryptor before its ciphertext."""
_ALGORITHMS: Final = {0: "", 1: "SHA1", 2: "SHA256", 3: "SHA512", 4: "MD5"}
_FIELDS: Final = ("label", "issuer", "secret", "type", "algorithm", "digits", "period", "counter")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A backup or a single account."""

    key: bytes
    data: str
    old: int
    """The version without a tag, in tenths; the next one is RNCryptor's."""


_KINDS: Final = (
    _Kind(hashlib.sha256(b"Authenticator").digest(), "WrappedData", 10),
    _Kind(hashlib.sha256(b"OTPAuth").digest(), "Data", 11),
)


def recognises(content: Content, _means: Means) -> bool:
    """Whether one of the program's two fixed keys opens it."""
    return _unwrapped(content.data) is not None


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts in the order of their folders."""
    return joined(_read(content.data, means) for content in files)


def _unwrapped(data: bytes) -> tuple[_Kind, bytes] | None:
    if not data or len(data) % _BLOCK or len(data) > 2 * keyed.SIZE_LIMIT:
        return None
    for kind in _KINDS:
        try:
            inner = cipher.open_cbc(kind.key, bytes(_BLOCK), data)
        except cipher.Mismatch:
            continue
        if inner.startswith(keyed.MAGIC):
            return kind, inner
    return None


def _read(data: bytes, means: Means) -> Reading:
    unwrapped = _unwrapped(data)
    if unwrapped is None:
        raise damaged(TITLE, "its outer encryption is broken")
    archive = _opened(*unwrapped, means)
    try:
        return collect(
            NAME,
            TITLE,
            _entries(archive),
            lambda entry: _account(Fields(entry[0]), entry[1], means),
            lambda entry: Fields(entry[0]).text("issuer") or Fields(entry[0]).text("label"),
            encrypted=True,
        )
    except keyed.NotKeyed:
        raise damaged(TITLE, "its accounts are not where they belong") from None


def _opened(kind: _Kind, inner: bytes, means: Means) -> keyed.Keyed:
    outer = keyed.parse(inner)
    try:
        header = outer.root() if outer is not None else {}
    except keyed.NotKeyed:
        header = {}
    version, sealed = header.get("Version"), header.get(kind.data)
    if not isinstance(version, int | float) or not isinstance(sealed, bytes):
        raise damaged(TITLE, "its header is broken")
    if version not in {kind.old / 10, (kind.old + 1) / 10}:
        raise too_new(TITLE, "version", None, f"{kind.old / 10} and {(kind.old + 1) / 10}")
    password = means.password_of(TITLE).encode()
    tagless = version == kind.old / 10
    plain = _old(header, sealed, password) if tagless else _rncryptor(sealed, password)
    archive = keyed.parse(plain)
    if archive is None:
        # Without a tag, a wrong password may give nonsense.
        raise wrong_password(TITLE, or_damaged=True) if tagless else damaged(TITLE, "what it holds is broken")
    return archive


def _rncryptor(sealed: bytes, password: bytes) -> bytes:
    if len(sealed) < _HEADER + _BLOCK + _TAG or not sealed.startswith(b"\x03\x01"):
        raise damaged(TITLE, "its encryption has an unknown form")
    body, tag = sealed[:-_TAG], sealed[-_TAG:]
    key, tag_key = (
        cipher.pbkdf2(TITLE, "sha1", password, salt, _ITERATIONS) for salt in (sealed[2:10], sealed[10:18])
    )
    try:
        cipher.check_hmac(tag_key, body, tag)
    except cipher.Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None
    try:
        return cipher.open_cbc(key, sealed[18:_HEADER], body[_HEADER:])
    except cipher.Mismatch:
        raise damaged(TITLE, "its encryption is broken") from None


def _old(header: dict[str, Any], sealed: bytes, password: bytes) -> bytes:
    iv, salt = (
        text.encode() if isinstance(text, str) else text for text in (header.get("IV"), header.get("Salt"))
    )
    if not isinstance(iv, bytes) or not isinstance(salt, bytes):
        raise damaged(TITLE, "its header is broken")
    key = hashlib.sha256(salt + b"-" + password).digest()
    try:
        return cipher.open_cbc(key, hashlib.sha1(iv, usedforsecurity=False).digest()[:_BLOCK], sealed)
    except cipher.Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None


def _entries(archive: keyed.Keyed) -> Iterator[tuple[object, str]]:
    """Return each account's fields, and the name of its folder if there are several."""
    root = archive.root()
    if "Folders" not in root:
        yield root, ""
        return
    folders = [archive.value(each) for each in archive.elements(root["Folders"])]
    for folder in folders:
        if not isinstance(folder, dict):
            raise keyed.NotKeyed
        name = archive.value(folder.get("name")) if len(folders) > 1 else ""
        for each in archive.elements(folder.get("accounts")):
            yield _fields(archive, archive.value(each)), name if isinstance(name, str) else ""


def _fields(archive: keyed.Keyed, account: object) -> object:
    if not isinstance(account, dict):
        return account
    return {name: archive.value(account.get(name)) for name in _FIELDS}


def _account(fields: Fields, folder: str, means: Means) -> Found:
    secret = fields.raw.get("secret")
    if not isinstance(secret, bytes):
        raise Unusable("it has no secret")
    algorithm = fields.whole("algorithm") or 0
    return found(
        means,
        kind={1: "hotp", 2: "totp"}.get(fields.whole("type") or 0, "unknown"),
        issuer=fields.text("issuer"),
        name=fields.text("label"),
        secret=secret,
        algorithm=_ALGORITHMS.get(algorithm, "unknown"),
        digits=fields.whole("digits"),
        period=fields.whole("period"),
        counter=fields.whole("counter"),
        groups=[folder],
    )
