"""Steam Guard: Steam Desktop Authenticator, steamguard-cli and Steam's mobile app."""

import base64
import json
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.padding import PKCS7

from appliance.transfer import cipher
from tests.transfer.samples import SECRET, Sample, steam

SHARED: Final = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
"""Base64 of the secret of the RFCs."""
SALT: Final = bytes(range(8))
IV: Final = bytes(range(16))


def account(name: str, **more: Any) -> dict[str, Any]:
    """Return what Steam Desktop Authenticator keeps of an account."""
    return {
        "shared_secret": SHARED,
        "serial_number": "1234567890",
        "revocation_code": "R00000",
        "uri": f"otpauth://totp/Steam:{name}?secret=MFRGGZA&issuer=Steam",
        "account_name": name,
        "identity_secret": "bmV2ZXIgcmVhZCBpdA==",
        "device_id": "android:00000000-0000-0000-0000-000000000000",
        "fully_enrolled": True,
        "Session": {"SteamID": 1234},
        **more,
    }


def sealed(content: bytes, key: bytes, iv: bytes = IV) -> bytes:
    """Return an encrypted .maFile."""
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(content) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize())


def old_key(password: str, salt: bytes = SALT) -> bytes:
    """Return the key that Steam Desktop Authenticator derives."""
    return cipher.pbkdf2("test", "sha1", password.encode(), salt, 50_000)


def old_entry(salt: bytes = SALT, iv: bytes = IV, name: str = "1234.maFile") -> dict[str, Any]:
    """Return an entry of Steam Desktop Authenticator's manifest."""
    return {"encryption_iv": text(iv), "encryption_salt": text(salt), "filename": name, "steamid": 1234}


def new_entry(scheme: str, salt: bytes = SALT, iv: bytes = IV) -> dict[str, Any]:
    """Return an entry of steamguard-cli's manifest."""
    encryption = {"scheme": scheme, "iv": text(iv), "salt": text(salt)}
    return {"filename": "1.maFile", "steam_id": 1, "account_name": "alice", "encryption": encryption}


def manifest(*entries: dict[str, Any], **more: Any) -> bytes:
    """Return manifest.json."""
    return json.dumps({"entries": entries, **more}).encode()


def text(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


PLAIN: Final = json.dumps(account("alice")).encode()
_ARGON2: Final = Argon2id(salt=SALT * 2, length=32, iterations=3, lanes=4, memory_cost=62_500)
OLD: Final = (manifest(old_entry(), encrypted=True), sealed(PLAIN, old_key("pass")))

SAMPLES: Final = (
    Sample("Steam, a file of its desktop authenticator", "steam", (PLAIN,), (steam("Steam", "alice"),)),
    Sample(
        "Steam, two files and their manifest",
        "steam",
        (PLAIN, manifest(old_entry(), old_entry()), json.dumps(account("bob")).encode()),
        (steam("Steam", "alice"), steam("Steam", "bob")),
    ),
    Sample(
        "Steam, the mobile app's file of several",
        "steam",
        (json.dumps({"accounts": {"1": account("alice"), "2": account("bob", shared_secret="?")}}).encode(),),
        (steam("Steam", "alice"),),
        skipped=1,
    ),
    Sample("Steam, encrypted", "steam", OLD, (steam("Steam", "alice"),), "pass", encrypted=True),
    Sample(
        "Steam, encrypted by steamguard-cli",
        "steam",
        (
            sealed(PLAIN, _ARGON2.derive(b"pass")),
            manifest(new_entry("Argon2idAes256", SALT * 2), version=1),
        ),
        (steam("Steam", "alice", SECRET),),
        "pass",
        encrypted=True,
    ),
)
