"""The password-protected JSON of Bitwarden: another export inside, sealed with a key from the file's own password.

`salt` is used as it is written, without decoding its base64. Key: PBKDF2-HMAC-SHA256 (`kdfType` 0), or Argon2id with
the SHA-256 of the salt (1, `kdfMemory` in MiB); HKDF-Expand makes one key to encrypt and one to authenticate.
`2.iv|ciphertext|mac`, all in base64: AES-256-CBC, and HMAC-SHA256 of the first two. `encKeyValidation_DO_NOT_EDIT` is
sealed like `data` and holds nothing of use: it tells a wrong password from a damaged file.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.transfer import cipher
from appliance.transfer.cipher import Mismatch
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Means
from appliance.transfer.trouble import damaged, too_new, wrong_password

MARKS: Final = frozenset({"encrypted", "passwordProtected", "salt", "data"})


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A text that Bitwarden encrypted."""

    iv: bytes
    ciphertext: bytes = field(repr=False)
    mac: bytes


def opened(title: str, export: Mapping[str, Any], means: Means) -> bytes:
    """Return what the export encrypts. Raises PasswordMissing, WrongPassphrase, FileDamaged and CannotRead."""
    password = means.password_of(title).encode(errors="surrogatepass")
    fields = Fields(export)
    try:
        data, check = _sealed(fields.text("data")), _sealed(fields.text("encKeyValidation_DO_NOT_EDIT"))
        key = _key(title, fields, password, means)
    except Unusable as problem:
        raise damaged(title, str(problem)) from None
    try:
        return _open(key, data)
    except Mismatch:
        pass
    try:
        _open(key, check)
    except Mismatch:
        raise wrong_password(title) from None
    raise damaged(title, "the password is right, but what it encrypts was changed or cut off")


def _key(title: str, fields: Fields, password: bytes, means: Means) -> bytes:
    salt = fields.text("salt").encode(errors="surrogatepass")
    match _number(fields, "kdfType"):
        case 0:
            iterations = _number(fields, "kdfIterations")
            return cipher.pbkdf2(title, "sha256", password, salt, iterations)
        case 1:
            kib = _number(fields, "kdfMemory") * 1024
            means.more_memory(min(max(kib, 0) * 1024, cipher.ARGON2_LIMIT))
            return cipher.argon2id(
                title,
                password,
                hashlib.sha256(salt).digest(),
                passes=_number(fields, "kdfIterations"),
                kib=kib,
                lanes=_number(fields, "kdfParallelism"),
                memory_limit=means.memory_limit,
            )
        case other:
            raise too_new(title, "kind of key derivation", other, "0 (PBKDF2) and 1 (Argon2id)")


def _number(fields: Fields, name: str) -> int:
    number = fields.whole(name)
    if number is None:
        raise Unusable(f"its {name} is missing")
    if number.bit_length() > 63:
        raise Unusable(f"its {name} is no possible number")
    return number


def _sealed(text: str) -> _Sealed:
    kind, _, rest = text.partition(".")
    try:
        iv, ciphertext, mac = (base64.b64decode(part, validate=True) for part in rest.split("|"))
    except (ValueError, binascii.Error):
        raise Unusable("its encrypted part is cut off or changed") from None
    if kind != "2" or len(iv) != 16:
        raise Unusable("its encrypted part is cut off or changed")
    return _Sealed(iv, ciphertext, mac)


def _open(key: bytes, sealed: _Sealed) -> bytes:
    # HKDF-Expand (RFC 5869) of one block.
    encrypting, authenticating = (hmac.digest(key, use + b"\x01", "sha256") for use in (b"enc", b"mac"))
    cipher.check_hmac(authenticating, sealed.iv + sealed.ciphertext, sealed.mac)
    return cipher.open_cbc(encrypting, sealed.iv, sealed.ciphertext)
