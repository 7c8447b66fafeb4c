"""andOTP's backups, plain or encrypted with a password; GNOME Authenticator's and OTPClient's lists are the same.

Plain: a JSON array of entries. Encrypted: 4 bytes with the number of rounds (big endian), salt of 12, nonce of 12, and
the array under AES-256-GCM; the key is PBKDF2-HMAC-SHA1 of the password. Early releases wrote nonce and ciphertext only,
under SHA-256 of the password. No official specification; source: andOTP's source code, archived in 2022.

Rules: neither encrypted form has a mark. So binary content is taken for one only if a password was given, and this
format stands last; a wrong password and a damaged or foreign file can't be told apart. OpenPGP is refused with advice.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.errors import WrongPassphrase
from appliance.transfer import cipher, entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import cannot_read, damaged, wrong_password
from appliance.vault.model import base32_encode

NAME: Final = "andotp"
TITLE: Final = "andOTP"
_ROUNDS_BYTES: Final = 4
_SALT: Final = 12
_NONCE: Final = 12
_SHORTEST: Final = _NONCE + len("[]") + 16
_ARMOUR: Final = "-----BEGIN PGP MESSAGE-----"
_CONTROLS: Final = bytes({*range(32), 127} - set(b"\t\n\v\f\r"))
"""No text has them; a short ciphertext has one with near certainty."""
_SESSION_KEYS: Final = ((0x84, 2, 3), (0x85, 3, 3), (0xC1, 2, 3), (0xC1, 3, 3), (0x8C, 2, 4), (0xC3, 2, 4))
"""How encrypted OpenPGP messages begin: the first byte, where the version stands, and which (RFC 4880, section 5)."""
_KNOWN: Final = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"PK",
    b"\x1f\x8b",
    b"SQLite format 3",
    b"\x03\xd9\xa2\x9a",  # KeePass
    b"\xac\xed\x00\x05",  # Java
    b"\xff\xfe",  # UTF-16
    b"\xfe\xff",
)
"""How files begin that are something else, and that no other format recognised for being damaged."""


def recognises(content: Content, means: Means) -> bool:
    """Whether the file is an array of entries, or OpenPGP, or if a password was given perhaps an encrypted backup."""
    if isinstance(content.json, list):
        return any(isinstance(raw, dict) and raw.keys() >= {"secret", "label"} for raw in content.json)
    return _is_pgp(content) or (means.password is not None and _may_be_sealed(content.data))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files, with their tags as groups."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    if _is_pgp(content):
        raise cannot_read(
            "OpenPGP", "it is encrypted with OpenPGP", "gpg --decrypt it, and import what comes out"
        )
    encrypted = not isinstance(content.json, list)
    entries = Content(_unsealed(content.data, means.password_of(TITLE))).json if encrypted else content.json
    if not isinstance(entries, list):
        raise damaged(TITLE, "what is encrypted in it is no list of entries")
    return entry.collect(
        NAME, TITLE, entries, lambda raw: _account(Fields(raw), means), _called, encrypted=encrypted
    )


def _account(fields: Fields, means: Means) -> Found:
    if fields.text("type").upper() == "MOTP":
        # Its secret is hexadecimal; read as base32 it would be shown as another one.
        raise entry.Unusable("mOTP codes are not supported")
    issuer, name = _names(fields)
    return entry.found(
        means,
        kind=fields.text("type"),
        issuer=issuer,
        name=name,
        secret=fields.text("secret"),
        algorithm=fields.text("algorithm") or fields.text("algo"),  # the latter is OTPClient's word
        digits=fields.whole("digits"),
        period=fields.whole("period"),
        counter=fields.whole("counter"),
        groups=[tag for tag in fields.items("tags") if isinstance(tag, str)],
    )


def _names(fields: Fields) -> tuple[str, str]:
    label = fields.text("label")
    if fields.raw.get("issuer") is not None:
        return fields.text("issuer"), label
    # Early releases had one field for both.
    issuer, dash, name = label.partition(" - ")
    return (issuer, name) if dash else entry.split_label(label)


def _called(raw: object) -> str:
    return ":".join(filter(None, _names(Fields(raw))))


def _unsealed(data: bytes, password: str) -> bytes:
    rounds = int.from_bytes(data[:_ROUNDS_BYTES], "big")
    salt, sealed = data[_ROUNDS_BYTES : _ROUNDS_BYTES + _SALT], data[_ROUNDS_BYTES + _SALT :]
    try:
        return _opened(hashlib.sha256(password.encode()).digest(), data)
    except cipher.Mismatch:
        if not 1 <= rounds <= cipher.PBKDF2_LIMIT:
            raise _not_opened() from None
    try:
        return _opened(cipher.pbkdf2(TITLE, "sha1", password.encode(), salt, rounds), sealed)
    except cipher.Mismatch:
        raise _not_opened() from None


def _opened(key: bytes, sealed: bytes) -> bytes:
    return cipher.open_gcm(key, sealed[:_NONCE], sealed[_NONCE:])


def _not_opened() -> WrongPassphrase:
    return wrong_password(TITLE, or_damaged=True)


def _may_be_sealed(data: bytes) -> bool:
    if len(data) < _SHORTEST or data.startswith(_KNOWN):
        return False
    return len(data.translate(None, _CONTROLS)) < len(data)


def _is_pgp(content: Content) -> bool:
    """Whether the file begins as messages to somebody's key or under a password do."""
    start = content.data[:4]
    return len(start) == 4 and (
        any(start[0] == packet and start[at] == version for packet, at, version in _SESSION_KEYS)
        or (content.text or "").lstrip().startswith(_ARMOUR)
    )


def hold(found: Found) -> Found:
    """Return the account without note and favourite mark."""
    held = bare(found, groups=True)
    return _account(Fields(_entry(held)), Means(None, 0, new_uuid=lambda: found.account.uuid))


def write(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return a plain backup."""
    return (json.dumps([_entry(found) for found in accounts], separators=(",", ":")).encode(),)


def _entry(found: Found) -> Mapping[str, Any]:
    account = found.account
    timing = {"counter": found.counter} if account.type == "hotp" else {"period": account.period}
    return {
        "secret": base32_encode(account.secret),
        "issuer": account.issuer,
        "label": account.name,
        "digits": account.digits,
        "type": account.type.upper(),
        "algorithm": account.algorithm,
        "thumbnail": "Default",
        "last_used": 0,
        "used_frequency": 0,
        **timing,
        "tags": list(found.group_names),
    }
