"""Exports of LastPass Authenticator."""

import json
from typing import Any, Final

from tests.transfer.samples import OTHER, SECRET, Sample, totp


def account(**fields: Any) -> dict[str, Any]:
    """Return an account as the Android app writes it, but for `fields`."""
    return {
        "accountID": "9b2f7a4e",
        "issuerName": "Example",
        "originalIssuerName": "Example",
        "userName": "alice",
        "originalUserName": "alice",
        "pushNotification": False,
        "secret": SECRET,
        "timeStep": 30,
        "digits": 6,
        "creationTimestamp": 1_700_000_000_000,
        "isFavorite": False,
        "algorithm": "SHA1",
        "folderData": {"folderId": 0, "position": 0},
        **fields,
    }


def export(*accounts: Any, version: Any = 3, **fields: Any) -> bytes:
    """Return an export with the two built-in folders and one of the owner."""
    folders = [
        {"id": 1, "name": "Favorites", "isOpened": True},
        {"id": 2, "name": "Work", "isOpened": True},
        {"id": 0, "name": "Other accounts", "isOpened": True},
    ]
    root = {
        "deviceId": "",
        "localDeviceId": "81b5",
        "version": version,
        "accounts": accounts,
        "folders": folders,
    }
    return json.dumps(root | fields).encode()


_IPHONE: Final = {
    "deviceName": "iPhone",
    "version": 1,
    "accounts": [
        {"originalIssuerName": "Example", "originalUserName": "alice", "secret": SECRET, "algorithm": "SHA1"}
    ],
}

SAMPLES: Final = (
    Sample(
        "LastPass of an Android phone",
        "lastpass",
        (
            export(
                account(),
                account(
                    issuerName="Acme", userName="bob", secret=OTHER, timeStep=60, digits=8, algorithm="SHA256"
                ),
                account(issuerName="Push", secret="", pushNotification=True),
            ),
        ),
        (totp("Example", "alice"), totp("Acme", "bob", OTHER, "SHA256", 8, 60)),
        skipped=1,
    ),
    Sample(
        "LastPass of an iPhone",
        "lastpass",
        (json.dumps(_IPHONE).encode(),),
        (totp("Example", "alice"),),
    ),
)
