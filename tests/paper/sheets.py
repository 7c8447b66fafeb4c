"""Sheets to be printed, and their pages as pictures."""

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image

from appliance.paper import Broker, Entry, Origin, Recovery, Sheets
from appliance.vault.model import Account
from tests.vault.builder import made, small_vault

BACKUP: Final = made(small_vault()).raw
KEY: Final = "000G-40R4-0M30-E209-185G-R38E-1WNR"
ORIGIN: Final = Origin("desk", "9b2d7c0e-5c0f-4c3b-9d3e-0d6a5d1f2b3c", "otp-1a2b3c4d", 12, 3, "24 Nov 2026")
BROKER: Final = Broker(
    "mqtt.home.example", 8883, "otp-1a2b3c4d", True, True, "AB" * 32, "otp-appliance/vault/device/backup"
)
SEED: Final = b"12345678901234567890"


def entry(issuer: str = "GitHub", name: str = "anna", **fields: Any) -> Entry:
    counter = fields.pop("counter", 0)
    groups = fields.pop("groups", ())
    return Entry(
        Account("u", fields.pop("type", "totp"), issuer, name, fields.pop("secret", SEED), **fields),
        counter,
        groups,
    )


def sheets(
    entries: Sequence[Entry] | None = None, recovery: Recovery | None = None, origin: Origin = ORIGIN
) -> Sheets:
    return Sheets(origin, entries, recovery)


RECOVERY: Final = Recovery(BACKUP, BROKER, None)


def pictures(pdf: bytes, dpi: int = 150) -> list[Image.Image]:
    """The pages as a scanner would give them."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def texts(pdf: bytes) -> list[str]:
    """What is printed on each page, as a viewer copies it."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def as_file(picture: Image.Image, kind: str = "PNG") -> bytes:
    held = io.BytesIO()
    picture.save(held, kind)
    return held.getvalue()
