"""Exports of Enpass."""

import json
from typing import Any, Final

from tests.transfer.samples import OTHER, SECRET, Sample, totp

LINK: Final = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example&digits=8&period=60"


def field(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    """Return a field of an item."""
    return {"deleted": 0, "label": kind, "order": 1, "sensitive": 0, "type": kind, "value": value} | more


def item(title: Any, *fields: object, **more: Any) -> dict[str, Any]:
    """Return an item as the program for computers writes it."""
    return {
        "archived": 0,
        "auto_submit": 1,
        "category": "login",
        "createdAt": 1_700_000_000,
        "favorite": 0,
        "fields": list(fields),
        "icon": {"fav": "", "image": {"file": "misc/login"}, "type": 1, "uuid": ""},
        "note": "private",
        "subtitle": "",
        "template_type": "login.default",
        "title": title,
        "trashed": 0,
        "updated_at": 1_700_000_000,
        "uuid": "00000000-0000-4000-8000-000000000000",
    } | more


def export(*items: object, **more: Any) -> bytes:
    """Return an export with two folders."""
    folders = [
        {"uuid": "f1", "title": "Work", "icon": "1", "parent_uuid": ""},
        {"uuid": "f2", "title": "Home"},
    ]
    return json.dumps({"folders": folders, "items": items} | more).encode()


SAMPLES: Final = (
    Sample(
        "Enpass JSON",
        "enpass",
        (
            export(
                item("A login without a code", field("username", "alice"), field("password", "hunter2")),
                item(
                    "Example login",
                    field("username", "alice@example.com"),
                    field("password", "hunter2"),
                    field("totp", LINK),
                    folders=["f1", "f2", "gone"],
                    favorite=1,
                ),
                item(
                    "Acme", field("username", ""), field("email", "bob"), field("totp", "jbsw y3dp ehpk 3pxp")
                ),
                item("Broken", field("totp", "0189")),
                item("Deleted", field("totp", OTHER), trashed=1),
                {"title": "A note", "category": "note", "template_type": "note.default", "uuid": "n"},
            ),
        ),
        (totp("Example", "alice", digits=8, period=60), totp("Acme", "bob", OTHER)),
        skipped=1,
    ),
)
