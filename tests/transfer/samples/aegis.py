"""Exports of Aegis, of each version of its database, plain and encrypted."""

import base64
import hashlib
import json
import random
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

PASSWORD: Final = "Grüße, Aegis"
N: Final = 2**10
"""A cheap cost; Aegis takes 2^15."""
_dice = random.Random(1)
MASTER: Final = _dice.randbytes(32)
GROUPS: Final = ("6b2ad4a5-4e7c-4c7e-9d0c-7a1f6c1f5b01", "6b2ad4a5-4e7c-4c7e-9d0c-7a1f6c1f5b02")
ICON: Final = base64.b64encode(b"\x89PNG picture").decode()


def item(type_: str, issuer: str, name: str, secret: str = SECRET, **info: Any) -> dict[str, Any]:
    """Return an entry with only the fields that none is without."""
    return {
        "type": type_,
        "name": name,
        "issuer": issuer,
        "info": {"secret": secret, "algo": "SHA1", "digits": 6, **info},
    }


def database(version: int, entries: list[Any], **more: Any) -> dict[str, Any]:
    return {"version": version, "entries": entries, **more}


def plain(db: object) -> bytes:
    return json.dumps({"version": 1, "header": {"slots": None, "params": None}, "db": db}, indent=4).encode()


def sealed_parts(key: bytes, content: bytes) -> tuple[bytes, dict[str, str]]:
    nonce = _dice.randbytes(12)
    whole = AESGCM(key).encrypt(nonce, content, None)
    return whole[:-16], {"nonce": nonce.hex(), "tag": whole[-16:].hex()}


def slot(password: str | bytes, n: int = N, r: int = 8, p: int = 1, **more: Any) -> dict[str, Any]:
    """Return a password slot."""
    salt = _dice.randbytes(32)
    typed = password.encode() if isinstance(password, str) else password
    key = hashlib.scrypt(typed, salt=salt, n=n, r=r, p=p, maxmem=2**28, dklen=32)
    wrapped, params = sealed_parts(key, MASTER)
    return {
        "type": 1,
        "uuid": "01234567-89ab-4cde-8123-456789abcdef",
        "key": wrapped.hex(),
        "key_params": params,
        "n": n,
        "r": r,
        "p": p,
        "salt": salt.hex(),
        "repaired": True,
        "is_backup": False,
        **more,
    }


def biometric() -> dict[str, Any]:
    """Return a slot that only the phone opens."""
    return {
        "type": 2,
        "uuid": "01234567-89ab-4cde-8123-456789abcde0",
        "key": _dice.randbytes(32).hex(),
        "key_params": {"nonce": _dice.randbytes(12).hex(), "tag": _dice.randbytes(16).hex()},
    }


def encrypted(db: object, slots: list[Any]) -> bytes:
    ciphertext, params = sealed_parts(MASTER, json.dumps(db).encode())
    header = {"slots": slots, "params": params}
    return json.dumps(
        {"version": 1, "header": header, "db": base64.b64encode(ciphertext).decode()}, indent=4
    ).encode()


NOW: Final = database(
    3,
    [
        item("totp", "Example", "alice", period=30)
        | {"note": "at work", "favorite": True, "groups": [GROUPS[1], GROUPS[0], "gone"]},
        item("hotp", "Wiki", "bob", OTHER, counter=7, algo="SHA256", digits=8)
        | {"icon": ICON, "icon_mime": "image/png"},
        item("steam", "Steam", "carol", digits=5, period=30) | {"icon": None},
        item("motp", "Old", "dave", algo="MD5", period=10, pin="1234"),
        item("yandex", "Ya", "eve", algo="SHA256", digits=8, period=30, pin="1234"),
    ],
    groups=[{"uuid": GROUPS[0], "name": "Home"}, {"uuid": GROUPS[1], "name": "Work"}],
    icons_optimized=True,
)
EXPECTED: Final = (
    totp("Example", "alice"),
    hotp("Wiki", "bob", OTHER, "SHA256", 8, 7),
    steam("Steam", "carol"),
)
FIRST: Final = database(
    1,
    [
        item("totp", "Example", "alice", period=60) | {"group": "Work", "uuid": "same"},
        item("totp", "", "bob", OTHER, period=30) | {"group": None, "uuid": "same"},
    ],
)
EXPECTED_FIRST: Final = (totp("Example", "alice", period=60), totp("", "bob", OTHER))

SAMPLES: Final = (
    Sample("Aegis", "aegis", (plain(NOW),), EXPECTED, skipped=2),
    Sample("Aegis, first database", "aegis", (plain(FIRST),), EXPECTED_FIRST),
    Sample("Aegis, second database", "aegis", (plain(FIRST | {"version": 2}),), EXPECTED_FIRST),
    Sample(
        "Aegis, encrypted",
        "aegis",
        (encrypted(NOW, [slot(PASSWORD)]),),
        EXPECTED,
        password=PASSWORD,
        skipped=2,
        encrypted=True,
    ),
    Sample(
        "Aegis, the whole vault",
        "aegis",
        (encrypted(FIRST, [biometric(), slot("another"), slot(PASSWORD, is_backup=True)]),),
        EXPECTED_FIRST,
        password=PASSWORD,
        encrypted=True,
    ),
)
