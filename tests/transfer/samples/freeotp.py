"""FreeOTP: settings files of version 1, and backups of version 2."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.transfer.android import java_map_of, settings_file, signed
from tests.transfer.samples import SECRET, Sample, hotp, steam, totp

KEY: Final = b"12345678901234567890"
PASSWORD: Final = "backup pässword"
MASTER: Final = bytes(range(32))
UUIDS: Final = [f"0000000{digit}-0000-4000-8000-000000000000" for digit in range(1, 9)]


def token(**fields: Any) -> dict[str, Any]:
    """Return a token with its secret, as version 1 and FreeOTP+ have it; None takes a field away."""
    whole = {
        "algo": "SHA1",
        "counter": 0,
        "digits": 6,
        "issuerExt": "Example",
        "label": "alice",
        "period": 30,
        "secret": signed(KEY),
        "type": "TOTP",
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def sealed(
    key: bytes, plain: bytes, associated: str, nonce: bytes = b"nonce of 12b", *, bare: bool = False
) -> dict[str, Any]:
    """Return what `EncryptedKey` writes; `bare`: with the parameters of Android 6, which are the nonce alone."""
    octets = b"\x04\x0c" + nonce
    return {
        "mCipher": "AES/GCM/NoPadding",
        "mCipherText": signed(AESGCM(key).encrypt(nonce, plain, associated.encode())),
        "mParameters": signed(octets if bare else b"\x30\x11" + octets + b"\x02\x01\x10"),
        "mToken": associated,
    }


def master(
    password: str = PASSWORD,
    hash_: str = "sha512",
    key: bytes = MASTER,
    *,
    bare: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    """Return the master key under a password; 100 iterations, where the app takes 100,000."""
    salt = b"\xfe" * 32
    password_key = hashlib.pbkdf2_hmac(hash_, password.encode(), salt, 100, 32)
    return {
        "mAlgorithm": f"PBKDF2withHmac{hash_.upper()}",
        "mEncryptedKey": sealed(password_key, key, "AES", bare=bare),
        "mIterations": 100,
        "mSalt": signed(salt),
        **fields,
    }


def backup_texts(tokens: Sequence[Mapping[str, Any]], *, bare: bool = False, **fields: Any) -> dict[str, str]:
    """Return the texts of a backup, each token with the same secret."""
    key = {"key": json.dumps(sealed(MASTER, KEY, "HmacSHA1", bare=bare))}
    texts = {"masterKey": json.dumps(master(bare=bare, **fields))}
    for uuid, each in zip(UUIDS, tokens, strict=False):
        texts |= {uuid: json.dumps(key), f"{uuid}-token": json.dumps(each)}
    return texts


TOKENS: Final = (
    {"issuerExt": "Example", "issuerInt": "Example", "label": "älice 🔑", "type": "TOTP"},
    {"algo": "SHA512", "digits": 8, "issuerExt": "Acme", "label": "bob", "period": 60, "type": "TOTP"},
    {"counter": 7, "label": "carol", "type": "HOTP"},
    {"algo": "SHA384", "label": "dave", "type": "TOTP"},
)
_ACCOUNTS: Final = (
    totp("Example", "älice 🔑"),
    totp("Acme", "bob", SECRET, "SHA512", 8, 60),
    hotp("", "carol", counter=7),
)

SAMPLES: Final = (
    Sample(
        "FreeOTP's settings file",
        "freeotp",
        (
            settings_file(
                {
                    "Acme:bob": token(issuerExt="Acme", label="bob", algo="SHA256", digits=8, period=60),
                    "Example:alice": token(),
                    "Steam:carol": token(issuerExt="Steam", label="carol", digits=5),
                    "dave": token(issuerExt="", label="dave", type="HOTP", counter=9),
                    "old": f"otpauth://totp/Old:erin?secret={SECRET}",
                    "broken": token(secret="no list"),
                    "tokenOrder": ["dave", "Example:alice", "Acme:bob", "Steam:carol"],
                }
            ),
        ),
        (
            hotp("", "dave", counter=9),
            totp("Example", "alice"),
            totp("Acme", "bob", SECRET, "SHA256", 8, 60),
            steam("Steam", "carol"),
            totp("Old", "erin"),
        ),
        skipped=1,
    ),
    Sample(
        "FreeOTP's backup",
        "freeotp",
        (java_map_of(backup_texts(TOKENS)),),
        _ACCOUNTS,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "FreeOTP's backup from Android 6",
        "freeotp",
        (java_map_of(backup_texts(TOKENS, hash_="sha1", bare=True), fields=1),),
        _ACCOUNTS,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
)
