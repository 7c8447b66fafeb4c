"""Exports of 1Password (.1pux)."""

import io
import json
import zipfile
from typing import Any, Final

from tests.transfer.samples import OTHER, SECRET, Sample, totp

LINK: Final = f"otpauth://totp/Acme:bob?secret={OTHER}&issuer=Acme&algorithm=SHA256&digits=8&period=60"


def archive(data: bytes, name: str = "export.data") -> bytes:
    """Return a zip archive with that member, and one that does not matter."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("export.attributes", '{"version": 3}')
        zipped.writestr(name, data)
    return made.getvalue()


def item(
    *codes: Any, title: Any = "Example", user: str = "alice", state: str = "active", **fields: Any
) -> Any:
    """Return an item with these codes, and with fields beside them."""
    listed = [{"title": "phone", "value": {"phone": "555"}}, *({"value": {"totp": code}} for code in codes)]
    return {
        "state": state,
        "favIndex": 0,
        "overview": {"title": title, "tags": ["web"]},
        "details": {
            "loginFields": [
                {"designation": "password", "value": "hunter2"},
                {"designation": "username", "value": user},
            ],
            "notesPlain": "a note",
            "sections": [{"title": "empty"}, {"title": "", "fields": listed}],
        },
        **fields,
    }


def vault(*items: Any, name: str = "Personal") -> Any:
    """Return a vault with these items."""
    return {"attrs": {"name": name}, "items": items}


def export(*vaults: Any) -> bytes:
    """Return an export of one account with these vaults."""
    return archive(json.dumps({"accounts": [{"attrs": {"name": "Home"}, "vaults": vaults}]}).encode())


SAMPLES: Final = (
    Sample(
        "1Password with several codes in an item",
        "1pux",
        (export(vault(item(SECRET, LINK), item(), item(SECRET, state="archived"), item("0189"))),),
        (totp("Example", "alice"), totp("Acme", "bob", OTHER, "SHA256", 8, 60)),
        skipped=1,
    ),
)
