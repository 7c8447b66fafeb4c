"""Ente Auth: plain and encrypted lists."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from nacl import bindings

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

FINAL: Final[int] = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
PASSWORD: Final = "a päss of Ente"


def link(rest: str, **display: object) -> str:
    """Return a link as the program writes it: spaces as `+`, and its own parameter at the end."""
    return f"otpauth://{rest}&codeDisplay={quote_plus(json.dumps(display))}"


def sealed(plain: str, /, tag: int = FINAL, **changes: object) -> bytes:
    """Return an encrypted file, through libsodium alone; `changes` are to the object or to its parameters."""
    salt = bytes(range(16))
    parameters: Mapping[str, Any] = {
        "memLimit": 10_240,
        "opsLimit": 1,
        "salt": base64.b64encode(salt).decode(),
    }
    algorithm = bindings.crypto_pwhash_ALG_ARGON2ID13
    key = bindings.crypto_pwhash_alg(32, PASSWORD.encode(), salt, 1, 10_240, algorithm)
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    header = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    data = bindings.crypto_secretstream_xchacha20poly1305_push(state, plain.encode(), tag=tag)
    file = {
        "version": 1,
        "encryptedData": base64.b64encode(data).decode(),
        "encryptionNonce": base64.b64encode(header).decode(),
    }
    own = {name: changes.pop(name, value) for name, value in parameters.items()}
    return json.dumps({**file, "kdfParams": own, **changes}).encode()


LINES: Final = (
    link(
        f"totp/Example%3Aalice?secret={SECRET}&issuer=Example",
        pinned=True,
        trashed=False,
        lastUsedAt=1_700_000_000,
        tapCount=3,
        tags=["Work", "Money, and more"],
        note="ask 10% & more,\nthen go",
    ),
    link(f"hotp/Counter:bob?secret={OTHER}&issuer=Counter&counter=7", pinned=False, tags=[], note=""),
    link(f"steam/Steam:gabe?secret={SECRET}&issuer=Steam&digits=5", pinned=False),
    link(f"totp/Old:eve?secret={OTHER}&issuer=Old", trashed=True),
    f"otpauth://totp/Long:dave?algorithm=sha256&digits=8&issuer=Long&period=60&secret={OTHER}",
    link("totp/Broken:?secret=0189&issuer=Broken", pinned=False),
)
LIST: Final = "\n".join(LINES) + "\n"
ACCOUNTS: Final = (
    totp("Example", "alice"),
    hotp("Counter", "bob", OTHER, counter=7),
    steam("Steam", "gabe"),
    totp("Long", "dave", OTHER, "SHA256", 8, 60),
)
SAMPLES: Final = (
    Sample("a plain list of Ente Auth", "ente", (LIST.encode(),), ACCOUNTS, skipped=1),
    Sample(
        "an encrypted file of Ente Auth",
        "ente",
        (sealed(LIST),),
        ACCOUNTS,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
)
