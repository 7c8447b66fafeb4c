"""Backups of 2FAS, as the apps for Android and iOS write them, plain and encrypted."""

import base64
import hashlib
import json
import random
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

PASSWORD: Final = "zwei Fächer"
GROUP: Final = "0F1E2D3C-4B5A-4697-8899-AABBCCDDEEFF"
REFERENCE: Final = (
    "tRViSsLKzd86Hprh4ceC2OP7xazn4rrt4xhfEUbOjxLX8Rc3mkISXE0lWbmnWfggogbBJhtYgpK6fMl1D6mtsy92R3HkdGfwuXbz"
    "LebqVFJsR7IZ2w58t938iymwG4824igYy1wi6n2WDpO1Q1P69zwJGs2F5a1qP4MyIiDSD7NCV2OvidXQCBnDlGfmz0f1BQySRkkt"
    "4ryiJeCjD2o4QsveJ9uDBUn8ELyOrESv5R5DMDkD4iAF8TXU7KyoJujd"
)
_dice = random.Random(2)


def service(name: str, secret: str = SECRET, group: str | None = None, **otp: Any) -> dict[str, Any]:
    """Return a service with only what is given."""
    made = {
        "name": name,
        "secret": secret,
        "updatedAt": 1_700_000_000_000,
        "otp": otp,
        "order": {"position": 0},
    }
    return made if group is None else made | {"groupId": group}


def file(services: object, schema: int = 4, **more: Any) -> bytes:
    return json.dumps(
        {
            "services": services,
            "groups": [{"id": GROUP, "name": "Work", "isExpanded": True}],
            "updatedAt": 1_700_000_000_000,
            "schemaVersion": schema,
            "appVersionCode": 5_000_030,
            "appOrigin": "android",
            **more,
        }
    ).encode()


def parts(content: str, password: str = PASSWORD, salt: bytes | None = None) -> str:
    """Return an encrypted field."""
    salt = _dice.randbytes(256) if salt is None else salt
    nonce = _dice.randbytes(12)
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10_000, 32)
    sealed = AESGCM(key).encrypt(nonce, content.encode(), None)
    return ":".join(base64.b64encode(part).decode() for part in (sealed, salt, nonce))


ANDROID: Final = [
    service(
        "Example",
        group=GROUP,
        link=f"otpauth://totp/Example%3Aalice?secret={SECRET}&issuer=Example",
        label="Example:alice",
        account="alice",
        issuer="Example",
        digits=6,
        period=30,
        algorithm="SHA1",
        tokenType="TOTP",
        source="Link",
    ),
    service(
        "Wiki", OTHER, account="bob", digits=8, algorithm="SHA256", counter=7, tokenType="HOTP", period=0
    ),
    service("Steam", label="carol", digits=5, period=30, tokenType="STEAM"),
    service("Old", account="dave", algorithm="SHA224", tokenType="TOTP"),
]
EXPECTED: Final = (
    totp("Example", "alice"),
    hotp("Wiki", "bob", OTHER, "SHA256", 8, 7),
    steam("Steam", "carol"),
)
IOS: Final = [
    service(
        "Example", account="alice", link="otpauth://totp/Example:alice?secret=[hidden]", digits=7, period=60
    ),
    service("Own name", OTHER, issuer="Acme", link="otpauth://totp/Acme%3Abob%40home?secret=[hidden]"),
    service("Bare") | {"otp": None},
]
EXPECTED_IOS: Final = (
    totp("Example", "alice", digits=7, period=60),
    totp("Acme", "bob@home", OTHER),
    totp("Bare", ""),
)
SALT: Final = _dice.randbytes(256)

SAMPLES: Final = (
    Sample("2FAS, Android", "2fas", (file(ANDROID),), EXPECTED, skipped=1),
    Sample("2FAS, iOS", "2fas", (file(IOS, appOrigin="ios"),), EXPECTED_IOS),
    *(Sample(f"2FAS, schema {schema}", "2fas", (file(IOS, schema),), EXPECTED_IOS) for schema in (1, 2, 3)),
    Sample(
        "2FAS, encrypted",
        "2fas",
        (
            file(
                [],
                servicesEncrypted=parts(json.dumps(ANDROID), salt=SALT),
                reference=parts(REFERENCE, salt=SALT),
            ),
        ),
        EXPECTED,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
)
