"""The sample accounts: one of each kind that a display has to cope with. Their secrets are new at every start."""

import base64
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

SAMPLES: Final = (
    ("totp", "GitHub", "anna", ""),
    ("totp", "Müller & Söhne Österreich", "büro@müller.example", "&digits=8&algorithm=SHA256"),
    ("totp", "Яндекс", "Анна", "&digits=10&algorithm=SHA512"),
    ("steam", "Steam", "anna_plays", ""),
    ("hotp", "Garage", "door in the yard", "&counter=0"),
    ("totp", "Amalgamated Lighthouse Keepers", "No. 17", "&period=60"),
)
"""Type, issuer, name and what else the URI says."""
COUNTED: Final = next(place for place, sample in enumerate(SAMPLES) if sample[0] == "hotp")
"""The place of the HOTP account, from 0."""


def uris(randomness: Callable[[int], bytes]) -> tuple[str, ...]:
    """Return an otpauth URI for each sample, with a secret of 20 random bytes."""
    return tuple(
        f"otpauth://{kind}/{quote(issuer)}:{quote(name)}"
        f"?secret={base64.b32encode(randomness(20)).decode()}&issuer={quote(issuer)}{more}"
        for kind, issuer, name, more in SAMPLES
    )
