"""Raivo OTP: the list itself, and the archives that it was exported in over the years."""

import json
from typing import Final

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, totp
from tests.transfer.zips import aes_zip, old_zip

MEMBER: Final = "raivo-otp-export.json"
ENTRIES: Final[tuple[dict[str, str], ...]] = (
    {
        "kind": "TOTP",
        "issuer": "Example",
        "account": "alice",
        "secret": SECRET,
        "algorithm": "SHA1",
        "digits": "6",
        "timer": "30",
        "counter": "0",
        "iconType": "raivo_repository",
        "iconValue": "example/example.png",
        "pinned": "true",
    },
    {
        "kind": "HOTP",
        "issuer": "Acme",
        "account": "bob",
        "secret": OTHER.lower(),
        "algorithm": "SHA512",
        "digits": "8",
        "timer": "30",
        "counter": "7",
        "iconType": "",
        "iconValue": "",
        "pinned": "false",
    },
    {"kind": "TOTP", "issuer": "Bad", "account": "carol", "secret": "", "timer": "30"},
)
LIST: Final = json.dumps(ENTRIES).encode()
ACCOUNTS: Final = (totp("Example", "alice"), hotp("Acme", "bob", OTHER, "SHA512", 8, 7))

SAMPLES: Final = (
    Sample("Raivo's list", "raivo", (LIST,), ACCOUNTS, skipped=1),
    Sample(
        "Raivo's archive with AES",
        "raivo",
        (aes_zip(MEMBER, LIST, "pass word"),),
        ACCOUNTS,
        "pass word",
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "Raivo's archive with ZipCrypto",
        "raivo",
        (old_zip(MEMBER, LIST, "pass"),),
        ACCOUNTS,
        "pass",
        skipped=1,
        encrypted=True,
    ),
)
