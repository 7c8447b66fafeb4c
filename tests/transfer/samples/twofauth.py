"""Exports of 2FAuth."""

import json
from typing import Any, Final

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp


def account(**fields: Any) -> dict[str, Any]:
    """Return an account as 2FAuth writes it, but for `fields`."""
    return {
        "otp_type": "totp",
        "account": "alice",
        "service": "Example",
        "icon": None,
        "icon_mime": None,
        "icon_file": None,
        "secret": SECRET,
        "digits": 6,
        "algorithm": "sha1",
        "period": 30,
        "counter": None,
        "legacy_uri": "otpauth://totp/x?secret=GEZDGNBV",
        **fields,
    }


def export(*accounts: Any, **fields: Any) -> bytes:
    """Return an export of these accounts."""
    root = {"app": "2fauth_v5.4.0", "schema": 1, "datetime": "2025-01-01T00:00:00Z", "data": accounts}
    return json.dumps(root | fields).encode()


SAMPLES: Final = (
    Sample(
        "2FAuth",
        "2fauth",
        (
            export(
                account(),
                account(otp_type="hotp", account="bob", counter=5, period=None, algorithm="sha256", digits=8),
                account(otp_type="steamtotp", service="Steam", secret=OTHER, digits=5),
                account(otp_type="motp"),
            ),
        ),
        (
            totp("Example", "alice"),
            hotp("Example", "bob", SECRET, "SHA256", 8, 5),
            steam("Steam", "alice", OTHER),
        ),
        skipped=1,
    ),
)
