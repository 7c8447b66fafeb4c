"""Backups of andOTP in its three forms, and lists of programs that took over the plain one."""

import hashlib
import json
import random
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

PASSWORD: Final = "grüner Roboter"
_dice = random.Random(3)


def item(label: str, secret: str = SECRET, **more: Any) -> dict[str, Any]:
    return {"secret": secret, "label": label, "thumbnail": "Default", "last_used": 1_700_000_000_000, **more}


def plain(entries: object) -> bytes:
    return json.dumps(entries).encode()


def sealed(content: bytes, password: str = PASSWORD, rounds: int = 1_000) -> bytes:
    salt, nonce = _dice.randbytes(12), _dice.randbytes(12)
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, rounds, 32)
    return rounds.to_bytes(4, "big") + salt + nonce + AESGCM(key).encrypt(nonce, content, None)


def sealed_old(content: bytes, password: str = PASSWORD) -> bytes:
    nonce = _dice.randbytes(12)
    return nonce + AESGCM(hashlib.sha256(password.encode()).digest()).encrypt(nonce, content, None)


ENTRIES: Final = [
    item("alice", f"{SECRET}====", issuer="Example", digits=6, type="TOTP", algorithm="SHA1", period=60)
    | {"tags": ["Work", "Home"]},
    item("bob", OTHER, issuer="Wiki", digits=8, type="HOTP", algorithm="SHA256", counter=7, tags=[]),
    item("carol", issuer="Steam", digits=5, type="STEAM", algorithm="SHA1", period=30),
    item("dave", issuer="Old", digits=6, type="MOTP", algorithm="SHA1"),
]
EXPECTED: Final = (
    totp("Example", "alice", period=60),
    hotp("Wiki", "bob", OTHER, "SHA256", 8, 7),
    steam("Steam", "carol"),
)
EARLY: Final = [
    item("Example - alice - work", type="TOTP", period=30),
    item("Acme:bob", OTHER, period=30),
    item("carol"),
]
EXPECTED_EARLY: Final = (totp("Example", "alice - work"), totp("Acme", "bob", OTHER), totp("", "carol"))

SAMPLES: Final = (
    Sample("andOTP", "andotp", (plain(ENTRIES),), EXPECTED, skipped=1),
    Sample("andOTP, early", "andotp", (plain(EARLY),), EXPECTED_EARLY),
    Sample(
        "OTPClient",
        "andotp",
        (
            plain(
                [
                    {
                        "type": "TOTP",
                        "label": "a",
                        "issuer": "B",
                        "secret": SECRET,
                        "digits": 6,
                        "algo": "SHA512",
                    }
                ]
            ),
        ),
        (totp("B", "a", algorithm="SHA512"),),
    ),
    Sample(
        "andOTP, encrypted",
        "andotp",
        (sealed(plain(ENTRIES)),),
        EXPECTED,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "andOTP, encrypted early",
        "andotp",
        (sealed_old(plain(EARLY)),),
        EXPECTED_EARLY,
        password=PASSWORD,
        encrypted=True,
    ),
)
