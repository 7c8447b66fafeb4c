"""Stratum (Authenticator Pro): plain, strongly encrypted and legacy backups."""

import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

PASSWORD: Final = "a päss of Stratum"


def authenticator(issuer: object, username: object = None, secret: object = SECRET, **more: object) -> Any:
    """Return an entry of the backup."""
    fields = {
        "Type": 2,
        "Icon": "default",
        "Issuer": issuer,
        "Username": username,
        "Secret": secret,
        "Pin": None,
        "Algorithm": 0,
        "Digits": 6,
        "Period": 30,
        "Counter": 0,
        "CopyCount": 4,
        "Ranking": 0,
    }
    return {**fields, **more}


def plain(*authenticators: object, **lists: object) -> bytes:
    """Return a plain backup."""
    empty: dict[str, object] = {"Categories": [], "AuthenticatorCategories": [], "CustomIcons": []}
    return json.dumps({"Authenticators": authenticators, **empty, **lists}).encode()


def strong(content: bytes) -> bytes:
    """Return an encrypted backup as the program makes it now."""
    salt, iv = bytes(range(16)), bytes(range(12))
    kdf = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65_536)
    sealed = AESGCM(kdf.derive(PASSWORD.encode())).encrypt(iv, content, None)
    return b"AUTHENTICATORPRO" + salt + iv + sealed


def legacy(content: bytes) -> bytes:
    """Return an encrypted backup as the program made it once."""
    salt, iv = bytes(range(20)), bytes(range(16))
    key = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt, 64_000, 32)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    short = 16 - len(content) % 16
    sealed = encryptor.update(content + bytes([short]) * short) + encryptor.finalize()
    return b"AuthenticatorPro" + salt + iv + sealed


PLAIN: Final = plain(
    authenticator("Example", "alice"),
    authenticator("Sha", "bob", OTHER.lower(), Algorithm=2, Digits=8, Period=60),
    authenticator("Counter", None, "MZXW6YTBOI", Type=1, Counter=9, Period=30),
    authenticator("Steam", "gabe", "MZXW6YTB", Type=4, Digits=5),
    authenticator("Company VPN", "carol", "e3152afee62599c8", Type=3),
    authenticator("Yandex", "dan", "AAAAAAAAAAAAAAAAAAAAAAAAAA", Type=5, Digits=8),
    Categories=[{"Id": "00040bab", "Name": "Work", "Ranking": 0}, {"Id": "1", "Name": "Money", "Ranking": 1}],
    AuthenticatorCategories=[
        {"CategoryId": "00040bab", "AuthenticatorSecret": SECRET, "Ranking": 0},
        {"CategoryId": "1", "AuthenticatorSecret": SECRET, "Ranking": 0},
        {"CategoryId": "1", "AuthenticatorSecret": OTHER.lower(), "Ranking": 0},
        {"CategoryId": "gone", "AuthenticatorSecret": OTHER.lower(), "Ranking": 0},
    ],
    CustomIcons=[{"Id": "5aec08af", "Data": "iVBORw0KGgo="}, {"Id": "5aec08b0", "Data": "iVBORw0KGgo="}],
)
ACCOUNTS: Final = (
    totp("Example", "alice"),
    totp("Sha", "bob", OTHER, "SHA512", 8, 60),
    hotp("Counter", "", "MZXW6YTBOI", counter=9),
    steam("Steam", "gabe", "MZXW6YTB"),
)
SMALL: Final = json.dumps(
    {"Authenticators": [{"Issuer": "Example", "Username": "alice", "Secret": SECRET}], "Categories": []}
).encode()
"""So that the tests which cut it off everywhere derive its key no more than some hundred times."""
SAMPLES: Final = (
    Sample("a plain backup of Stratum", "stratum", (PLAIN,), ACCOUNTS, skipped=2),
    Sample(
        "a backup of Stratum",
        "stratum",
        (strong(SMALL),),
        ACCOUNTS[:1],
        password=PASSWORD,
        encrypted=True,
    ),
    Sample(
        "a legacy backup of Stratum",
        "stratum",
        (legacy(PLAIN),),
        ACCOUNTS,
        password=PASSWORD,
        skipped=2,
        encrypted=True,
    ),
)
