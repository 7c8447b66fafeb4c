"""Small files of every format, made here: each module has `SAMPLES`, and the tests of all formats run over them all."""

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Final

Essence = tuple[str, str, str, str, str, int, int | None, int | None]
"""Type, issuer, name, secret (base32), algorithm, digits, period (None: HOTP), counter (None: not HOTP)."""

SECRET: Final = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""Base32 of `12345678901234567890`, of RFC 4226 and RFC 6238."""
OTHER: Final = "JBSWY3DPEHPK3PXP"


@dataclass(frozen=True, slots=True)
class Sample:
    """The files of one export, and what is in them."""

    name: str
    format: str
    """The NAME of the format."""
    files: tuple[bytes, ...] = field(repr=False)
    accounts: tuple[Essence, ...]
    password: str | None = None
    key_file: bytes | None = None
    skipped: int = 0
    encrypted: bool = False


def totp(
    issuer: str, name: str, secret: str = SECRET, algorithm: str = "SHA1", digits: int = 6, period: int = 30
) -> Essence:
    """Return what is expected of a TOTP account."""
    return ("totp", issuer, name, secret, algorithm, digits, period, None)


def hotp(
    issuer: str, name: str, secret: str = SECRET, algorithm: str = "SHA1", digits: int = 6, counter: int = 0
) -> Essence:
    """Return what is expected of a HOTP account."""
    return ("hotp", issuer, name, secret, algorithm, digits, None, counter)


def steam(issuer: str, name: str, secret: str = SECRET) -> Essence:
    """Return what is expected of a Steam account."""
    return ("steam", issuer, name, secret, "SHA1", 5, 30, None)


def all_samples() -> tuple[Sample, ...]:
    """Return the samples of all modules of this folder."""
    modules: list[Any] = [
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    ]
    return tuple(sample for module in modules for sample in module.SAMPLES)
