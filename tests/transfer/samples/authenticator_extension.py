"""Backups of the browser extension "Authenticator"."""

import base64
import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp
from tests.transfer.samples.otpauth_ios import sealed

PASSWORD: Final = "pässword"
KEY: Final = "6f1f3c5e-0000-4000-8000-00000000c0de"
_SALT: Final = b"saltsalt"
KEY_SALT: Final = "c2FsdCBvZiBhIGtleQ"


def account(**fields: Any) -> dict[str, Any]:
    """Return an account as the extension stores it, but for `fields`."""
    return {
        "encrypted": False,
        "hash": "h",
        "index": 0,
        "type": "totp",
        "secret": SECRET,
        "issuer": "Example",
        "account": "alice",
        "dataType": "OTPStorage",
        **fields,
    }


def cryptojs(text: str, passphrase: str) -> str:
    """Return what CryptoJS.AES.encrypt(text, passphrase) gives."""
    made = b""
    block = b""
    while len(made) < 48:
        block = hashlib.md5(block + passphrase.encode() + _SALT).digest()
        made += block
    return base64.b64encode(b"Salted__" + _SALT + sealed(made[:32], made[32:48], text.encode())).decode()


def derived(password: str = PASSWORD) -> str:
    """Return the passphrase of the key of version 3."""
    argon2 = Argon2id(salt=KEY_SALT.encode(), length=32, iterations=2, lanes=1, memory_cost=19_456)
    return base64.b64encode(argon2.derive(password.encode())).decode().rstrip("=")


def hashed(text: str, kib: int = 64) -> str:
    """Return the encoded hash of a text, cheaper than the extension makes it."""
    salt = b"another salt"
    derivation = Argon2id(salt=salt, length=32, iterations=1, lanes=1, memory_cost=kib).derive(text.encode())
    first, second = (base64.b64encode(part).decode().rstrip("=") for part in (salt, derivation))
    return f"$argon2id$v=19$m={kib},t=1,p=1${first}${second}"


def backup(*records: Any, **others: Any) -> bytes:
    """Return a backup of these records, and of others with a number of their own."""
    return json.dumps({f"n{number}": each for number, each in enumerate(records)} | others).encode()


def locked(raw: dict[str, Any], passphrase: str) -> dict[str, Any]:
    """Return an account whose secret is sealed."""
    return raw | {"encrypted": True, "secret": cryptojs(raw["secret"], passphrase)}


def stored(raw: dict[str, Any], passphrase: str) -> dict[str, Any]:
    """Return an account that is sealed as a whole."""
    data = cryptojs(json.dumps(raw), passphrase)
    return {"dataType": "EncOTPStorage", "keyId": KEY, "index": raw["index"], "data": data}


KEYS: Final = {"dataType": "Key", "id": KEY, "salt": KEY_SALT, "hash": hashed(derived()), "version": 3}
_RANDOM: Final = b"\x01\x02 a random key"
OLD_KEY: Final = {
    # Sealed bytes that are also text, to keep `cryptojs` simple.
    "enc": cryptojs(_RANDOM.decode(), PASSWORD),
    "hash": hashed(_RANDOM.hex()),
}
_ACCOUNTS: Final = (
    account(),
    account(type="hotp", issuer="Acme::acme.example", account="bob", secret=OTHER, counter=5, index=1),
    account(
        type="hex", account="carol", secret="48656c6c6f21deadbeef", digits=8, algorithm="SHA256", index=2
    ),
    account(type="steam", issuer="Steam", secret=OTHER, index=3),
    account(type="battle", issuer="Battle.net", secret=OTHER, index=4),
)
_FOUND: Final = (
    totp("Example", "alice"),
    hotp("Acme", "bob", OTHER, counter=5),
    totp("Example", "carol", OTHER, "SHA256", 8),
    steam("Steam", "alice", OTHER),
    totp("Battle.net", "alice", OTHER, digits=8),
)


def _sample(name: str, file: bytes, *, skipped: int = 0, password: str | None = PASSWORD) -> Sample:
    return Sample(
        name,
        "authenticator-extension",
        (file,),
        _FOUND,
        password,
        skipped=skipped,
        encrypted=password is not None,
    )


SAMPLES: Final = (
    _sample(
        "the Authenticator extension",
        backup(
            *_ACCOUNTS, account(type="totp", algorithm="GOST3411_2012_256"), UserSettings={"theme": "dark"}
        ),
        skipped=1,
        password=None,
    ),
    _sample("the extension's version 1", backup(*(locked(each, PASSWORD) for each in _ACCOUNTS))),
    _sample(
        "the extension's version 2", backup(*(locked(each, _RANDOM.hex()) for each in _ACCOUNTS), key=OLD_KEY)
    ),
    _sample(
        "the extension's version 3", backup(*(stored(each, derived()) for each in _ACCOUNTS), **{KEY: KEYS})
    ),
)
