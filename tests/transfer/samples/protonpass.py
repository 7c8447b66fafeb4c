"""Exports of Proton Pass."""

import json
from typing import Any, Final

from tests.transfer.samples import OTHER, SECRET, Sample, totp
from tests.transfer.samples.onepassword import LINK, archive

MEMBER: Final = "Proton Pass/data.json"


def item(
    totp_uri: Any = "", *extra: tuple[str, str], name: Any = "Example", state: int = 1, **fields: Any
) -> Any:
    """Return a login, with the names and links of its extra fields."""
    return {
        "state": state,
        "pinned": False,
        "data": {
            "type": "login",
            "metadata": {"name": name, "note": "a note"},
            "content": {
                "itemUsername": "alice",
                "itemEmail": "a@b",
                "password": "hunter2",
                "totpUri": totp_uri,
            },
            "extraFields": [
                {"fieldName": "hint", "type": "text", "data": {"content": "x"}},
                *({"fieldName": field, "type": "totp", "data": {"totpUri": uri}} for field, uri in extra),
            ],
        },
        **fields,
    }


def plain(**vaults: Any) -> bytes:
    """Return the JSON of an export; vaults by their name."""
    listed = {f"id of {name}": {"name": name, "items": items} for name, items in vaults.items()}
    return json.dumps({"version": "1.30.0", "userId": "u", "encrypted": False, "vaults": listed}).encode()


_EXPORT: Final = plain(
    Personal=[item(SECRET), item(LINK, ("work code", LINK)), item(SECRET, state=2), item(), item("0189")]
)
_ACCOUNTS: Final = (totp("Example", "alice"), totp("Acme", "bob", OTHER, "SHA256", 8, 60))

SAMPLES: Final = (
    Sample("Proton Pass", "proton-pass", (archive(_EXPORT, MEMBER),), _ACCOUNTS, skipped=2),
    Sample("Proton Pass, unpacked", "proton-pass", (_EXPORT,), _ACCOUNTS, skipped=2),
)
