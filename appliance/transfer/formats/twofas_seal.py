"""2FAS's encryption: three parts in base64 between colons, namely AES-256-GCM ciphertext and tag, salt, and nonce.

The key is PBKDF2-HMAC-SHA256 of the password in 10,000 rounds. Two fields are encrypted, with the same salt: the
services, and `reference`, a text that is always the same. Source: the apps for Android and iOS.

Rule: if the reference opens and the services do not, the password is right, and the file is damaged.
"""

import base64
from typing import Final

from appliance.transfer import cipher
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Means, WriteMeans
from appliance.transfer.trouble import wrong_password

TITLE: Final = "2FAS"
_ROUNDS: Final = 10_000
_REFERENCE: Final = (
    b"tRViSsLKzd86Hprh4ceC2OP7xazn4rrt4xhfEUbOjxLX8Rc3mkISXE0lWbmnWfggogbBJhtYgpK6fMl1D6mtsy92R3HkdGfwuXbz"
    b"LebqVFJsR7IZ2w58t938iymwG4824igYy1wi6n2WDpO1Q1P69zwJGs2F5a1qP4MyIiDSD7NCV2OvidXQCBnDlGfmz0f1BQySRkkt"
    b"4ryiJeCjD2o4QsveJ9uDBUn8ELyOrESv5R5DMDkD4iAF8TXU7KyoJujd"
)


def unsealed(file: Fields, means: Means) -> bytes:
    """Return the services of an encrypted file.

    Raises Unusable for a file that is not what it should be, and the errors of a missing and a wrong password.
    """
    sealed, salt, nonce = _parts(file, "servicesEncrypted")
    password = means.password_of(TITLE)
    try:
        return cipher.open_gcm(_key(password, salt), nonce, sealed)
    except cipher.Mismatch:
        if _opens_reference(file, password):
            raise Unusable("the password is right, but the services were changed or cut off") from None
        raise wrong_password(TITLE) from None


def _opens_reference(file: Fields, password: str) -> bool:
    """Whether it is the right password. Raises WrongPassphrase, which names both causes, if that can't be told."""
    try:
        sealed, salt, nonce = _parts(file, "reference")
    except Unusable:
        raise wrong_password(TITLE, or_damaged=True) from None
    try:
        return cipher.open_gcm(_key(password, salt), nonce, sealed) == _REFERENCE
    except cipher.Mismatch:
        return False


def _parts(file: Fields, name: str) -> tuple[bytes, bytes, bytes]:
    try:
        sealed, salt, nonce = (base64.b64decode(part, validate=True) for part in file.text(name).split(":"))
    except ValueError:
        raise Unusable(f"its {name} does not have three parts in base64") from None
    return sealed, salt, nonce


def _key(password: str, salt: bytes) -> bytes:
    return cipher.pbkdf2(TITLE, "sha256", password.encode(), salt, _ROUNDS)


def sealed(services: bytes, means: WriteMeans) -> dict[str, str]:
    """Return the two encrypted fields."""
    salt = means.random(256)
    key = _key(means.password, salt)
    fields = {"servicesEncrypted": services, "reference": _REFERENCE}
    return {name: _joined(key, salt, means.random(12), plain) for name, plain in fields.items()}


def _joined(key: bytes, salt: bytes, nonce: bytes, plain: bytes) -> str:
    parts = cipher.seal_gcm(key, nonce, plain), salt, nonce
    return ":".join(base64.b64encode(part).decode() for part in parts)
