"""Proton Authenticator: plain and encrypted files."""

import base64
import json
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.transfer.samples import OTHER, SECRET, Sample, steam, totp

PASSWORD: Final = "a päss of Proton"


def entry(uri: object, kind: str = "Totp", name: object = None, **more: object) -> dict[str, Any]:
    """Return an entry of the file."""
    return {"id": "b1", "content": {"uri": uri, "entry_type": kind, "name": name}, **more}


def plain(*entries: object, version: object = 1) -> bytes:
    """Return a plain file."""
    return json.dumps({"version": version, "entries": entries}).encode()


def sealed(opened: bytes, **changes: object) -> bytes:
    """Return an encrypted file; `changes` are to the object."""
    salt, nonce = bytes(range(16)), bytes(range(12))
    kdf = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    key = kdf.derive(PASSWORD.encode())
    data = nonce + AESGCM(key).encrypt(nonce, opened, b"proton.authenticator.export.v1")
    file = {
        "version": 1,
        "salt": base64.b64encode(salt).decode(),
        "content": base64.b64encode(data).decode(),
    }
    return json.dumps({**file, **changes}).encode()


PLAIN: Final = plain(
    entry(
        f"otpauth://totp/alice?secret={SECRET}&issuer=Example&algorithm=SHA1&digits=6&period=30",
        name="alice",
        note="two\nlines",
    ),
    entry(f"otpauth://totp/bob?secret={OTHER}&algorithm=SHA512&digits=9&period=60", name="bob", note=None),
    entry(f"otpauth://totp/?secret={OTHER}&issuer=Lonely&digits=null", name="Lonely"),
    entry(f"steam://{SECRET.lower()}", "Steam", "Games", note=""),
    entry("otpauth://totp/broken?secret=", name="broken"),
)
ACCOUNTS: Final = (
    totp("Example", "alice"),
    totp("", "bob", OTHER, "SHA512", 9, 60),
    totp("Lonely", "", OTHER),
    steam("Steam", "Games"),
)
SAMPLES: Final = (
    Sample("a plain file of Proton Authenticator", "proton", (PLAIN,), ACCOUNTS, skipped=1),
    Sample(
        "an encrypted file of Proton Authenticator",
        "proton",
        (sealed(PLAIN),),
        ACCOUNTS,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
)
