"""TOTP Authenticator."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from tests.transfer.android import sealed_cbc, settings_file
from tests.transfer.samples import OTHER, SECRET, Sample, totp

PASSWORD: Final = "pässword"
OWN: Final = "TotpAuthenticator"


def entry(
    key: str = "3132333435363738393031323334353637383930", base: Any = 16, **fields: Any
) -> dict[str, Any]:
    """Return an entry as the app has it."""
    return {
        "accountHeaderLabel": "",
        "base": base,
        "digits": "",
        "isFavorite": False,
        "issuer": "Example",
        "key": key,
        "name": "alice",
        "period": "",
        "totpCode": "",
        **fields,
    }


def backup(entries: Sequence[Any], password: str = PASSWORD) -> bytes:
    """Return a backup."""
    return sealed(json.dumps({json.dumps(entries, separators=(",", ":")): "1677872756"}), password)


def sealed(plain: str, password: str = PASSWORD) -> bytes:
    """Return a backup of any content."""
    key = hashlib.sha256(password.encode()).digest()
    return base64.b64encode(sealed_cbc(key, bytes(16), plain.encode()))


_ENTRIES: Final = (
    entry(),
    entry(OTHER, 32, issuer="Acme", name="bob", digits="8", period="60"),
    entry(base64.b64encode(b"12345678901234567890").decode(), 64, issuer="", name="carol"),
    entry(base=10, name="dave"),
)
_ACCOUNTS: Final = (
    totp("Example", "alice"),
    totp("Acme", "bob", OTHER, digits=8, period=60),
    totp("", "carol", SECRET),
)

SAMPLES: Final = (
    Sample(
        "TOTP Authenticator's backup",
        "totpauthenticator",
        (backup(_ENTRIES),),
        _ACCOUNTS,
        password=PASSWORD,
        skipped=1,
        encrypted=True,
    ),
    Sample(
        "TOTP Authenticator's backup without a password of its own",
        "totpauthenticator",
        (backup(_ENTRIES, OWN) + b"\n",),
        _ACCOUNTS,
        skipped=1,
    ),
    Sample(
        "TOTP Authenticator's settings file",
        "totpauthenticator",
        (settings_file({"SORT_ACCOUNT_BY": "CUSTOM", "STATIC_TOTP_CODES_LIST": list(_ENTRIES)}),),
        _ACCOUNTS,
        skipped=1,
    ),
)
