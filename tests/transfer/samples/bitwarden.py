"""Exports of Bitwarden and of Bitwarden Authenticator."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.transfer.samples import OTHER, SECRET, Sample, steam, totp

PASSWORD: Final = "pässword of Bitwarden"
SALT: Final = "c2FsdCBvZiBhIHNhbXBsZQ=="
PBKDF2: Final = {"kdfType": 0, "kdfIterations": 1_000, "kdfMemory": None, "kdfParallelism": None}
ARGON2: Final = {"kdfType": 1, "kdfIterations": 2, "kdfMemory": 1, "kdfParallelism": 1}


def item(name: str, code: str | None, user: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an item, of which only the login matters here."""
    login = {"uris": [{"match": None, "uri": "https://example.com"}], "username": user, "password": "hunter2"}
    common = {"id": name, "type": 1, "name": name, "notes": "private", "favorite": False, "folderId": None}
    return common | {"login": login | {"totp": code}} | more


def export(*items: object, **more: Any) -> bytes:
    """Return an unencrypted export."""
    return json.dumps({"encrypted": False, "folders": [], "items": items} | more, indent=2).encode()


def sealed(plain: bytes, kdf: dict[str, Any] = PBKDF2, **more: Any) -> bytes:
    """Return a password-protected export."""
    if kdf["kdfType"] == 0:
        key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT.encode(), kdf["kdfIterations"])
    else:
        key = Argon2id(
            salt=hashlib.sha256(SALT.encode()).digest(),
            length=32,
            iterations=kdf["kdfIterations"],
            lanes=kdf["kdfParallelism"],
            memory_cost=kdf["kdfMemory"] * 1024,
        ).derive(PASSWORD.encode())
    outer = {
        "encrypted": True,
        "passwordProtected": True,
        "salt": SALT,
        **kdf,
        "encKeyValidation_DO_NOT_EDIT": _text(key, b"of no use"),
        "data": _text(key, plain),
    }
    return json.dumps(outer | more).encode()


def _text(key: bytes, plain: bytes) -> str:
    iv = hashlib.md5(plain, usedforsecurity=False).digest()
    padding = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(hmac.digest(key, b"enc\x01", "sha256")), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    mac = hmac.digest(hmac.digest(key, b"mac\x01", "sha256"), iv + ciphertext, "sha256")
    return "2." + "|".join(base64.b64encode(part).decode() for part in (iv, ciphertext, mac))


LINK: Final = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example&digits=8&period=60"
PERSONAL: Final = export(
    item("A login without a code", None, "alice"),
    item("Example login", LINK, "alice@example.com", folderId="1", favorite=True),
    item("Acme", "jbsw y3dp ehpk 3pxp", "bob", folderId="2"),
    item("Games", f"steam://{SECRET}", "gabe"),
    item("Deleted", LINK, deletedDate="2026-01-01T00:00:00.000Z"),
    item("Broken", "0189"),
    {"id": "note", "type": 2, "name": "A note", "secureNote": {"type": 0}},
    folders=[{"id": "1", "name": "Work"}, {"id": "2", "name": "Home"}],
)
FOUND: Final = (
    totp("Example", "alice", digits=8, period=60),
    totp("Acme", "bob", OTHER),
    steam("Games", "gabe"),
)
SAMPLES: Final = (
    Sample("Bitwarden JSON", "bitwarden", (PERSONAL,), FOUND, skipped=1),
    Sample(
        "Bitwarden JSON of an old release",
        "bitwarden",
        (json.dumps({"folders": [], "items": [item("Acme", OTHER, "bob")]}).encode(),),
        (totp("Acme", "bob", OTHER),),
    ),
    Sample(
        "Bitwarden JSON of an organisation",
        "bitwarden",
        (
            json.dumps(
                {
                    "encrypted": False,
                    "collections": [
                        {"id": "c", "organizationId": "o", "name": "Servers", "externalId": None}
                    ],
                    "items": [item("Acme", OTHER, "bob", collectionIds=["c"])],
                }
            ).encode(),
        ),
        (totp("Acme", "bob", OTHER),),
    ),
    Sample(
        "Bitwarden JSON with a password",
        "bitwarden",
        (sealed(PERSONAL),),
        FOUND,
        PASSWORD,
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "Bitwarden JSON with a password and Argon2",
        "bitwarden",
        (sealed(PERSONAL, ARGON2),),
        FOUND,
        PASSWORD,
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "Bitwarden CSV",
        "bitwarden",
        (
            "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\r\n"
            ',,note,A note,"many\nlines, ""quoted""",,0,,,,\r\n'
            f'Work,1,login,Acme,"more\nlines",,0,"https://a.example,https://b.example",bob,"p,""w",{OTHER}\r\n'
            f",,login,Example login,,,0,,alice,hunter2,{LINK}\r\n".encode(),
        ),
        (totp("Acme", "bob", OTHER), FOUND[0]),
    ),
    Sample(
        "Bitwarden CSV of an organisation",
        "bitwarden",
        (
            "collections,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n"
            f'"Servers,Shared",login,Acme,,,0,,bob,hunter2,{OTHER}\n'.encode(),
        ),
        (totp("Acme", "bob", OTHER),),
    ),
    Sample(
        "Bitwarden Authenticator JSON",
        "bitwarden",
        (json.dumps({"encrypted": False, "items": [item("Example", LINK)]}).encode(),),
        FOUND[:1],
    ),
    Sample(
        "Bitwarden Authenticator CSV",
        "bitwarden",
        (
            "folder,favorite,type,name,login_uri,login_totp\n"
            f",,1,Example,,{LINK},Example,60,8\n"
            f",,1,Acme, Inc,,otpauth://totp/Acme%2C%20Inc%3Abob?secret={OTHER}&issuer=Acme%2C%20Inc,Acme, Inc,30,6\n"
            f",,1,Games, and more,,steam://{SECRET},Games, and more,30,5".encode(),
        ),
        (FOUND[0], totp("Acme, Inc", "bob", OTHER), steam("Games, and more", "")),
    ),
)
