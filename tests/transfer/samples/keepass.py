"""KeePass: small databases of both versions, with all ways to keep codes in entries."""

import hashlib
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from tests.transfer.databases import (
    AES_CIPHER,
    ARGON2ID,
    SALT,
    aes_kdf,
    aes_transformed,
    argon2,
    composite,
    document,
    entry,
    group,
    kdbx3,
    kdbx4,
)
from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

KEY_FILE: Final = b"any bytes may be a key file, and this one is\n" * 3


def content() -> bytes:
    """Return a database with entries in groups, a recycle bin, a history, notes, icons, and an entry without codes."""
    old = entry({"Title": "Example", "UserName": "old", "otp": OTHER}, protected={"otp"})
    link = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example"
    mail = group(
        "Mail",
        entry(
            {"Title": "Acme", "UserName": "bob", "TimeOtp-Secret-Base32": OTHER, "TimeOtp-Length": "8"},
            protected={"TimeOtp-Secret-Base32"},
        )
        + entry({"Title": "Steam", "UserName": "carol", "TOTP Seed": SECRET, "TOTP Settings": "30;S"}),
    )
    bin_ = group(
        "Recycle Bin",
        entry({"Title": "Gone", "otp": OTHER}) + group("Inner", entry({"Title": "Gone", "otp": OTHER})),
        "BIN",
    )
    entries = (
        entry(
            {"Title": "Example", "UserName": "alice", "Password": "pw", "Notes": "mine", "otp": link},
            protected={"Password", "otp"},
            icon=True,
            old=old,
        ),
        entry({"Title": "No codes", "UserName": "erin", "Notes": "mine"}),
        entry({"Title": "Bad", "UserName": "frank", "otp": "0189"}),
        entry(
            {
                "Title": "Counted",
                "UserName": "dave",
                "HmacOtp-Secret-Hex": "68656c6c6f",
                "HmacOtp-Counter": "7",
            }
        ),
    )
    return document(group("Root", "".join(entries) + group("Work", mail) + bin_))


ACCOUNTS: Final = (
    totp("Example", "alice"),
    hotp("Counted", "dave", "NBSWY3DP", counter=7),
    totp("Acme", "bob", OTHER, digits=8),
    steam("Steam", "carol"),
)


def _argon2_key(key: bytes, kind: Type) -> bytes:
    return hash_secret_raw(key, SALT, 1, 64, 2, 32, kind)


PLAIN: Final = content()
WITH_PASSWORD: Final = kdbx4(PLAIN, _argon2_key(composite("pass"), Type.D), argon2())

SAMPLES: Final = tuple(
    Sample(name, "kdbx", (file,), ACCOUNTS, "pass", key_file, skipped=1, encrypted=True)
    for name, file, key_file in (
        ("KDBX 4 with ChaCha20 and Argon2d", WITH_PASSWORD, None),
        (
            "KDBX 4 with AES and Argon2id",
            kdbx4(PLAIN, _argon2_key(composite("pass"), Type.ID), argon2(ARGON2ID), AES_CIPHER),
            None,
        ),
        (
            "KDBX 4 with the older derivation and a key file",
            kdbx4(
                PLAIN,
                aes_transformed(composite("pass", hashlib.sha256(KEY_FILE).digest()), 10),
                aes_kdf(),
            ),
            KEY_FILE,
        ),
        ("KDBX 3.1", kdbx3(PLAIN, "pass"), None),
    )
)
