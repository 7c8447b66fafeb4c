"""The code of an account at a moment: HOTP (RFC 4226), TOTP (RFC 6238) and Steam, through pyotp."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

import pyotp
from pyotp.contrib import Steam

from appliance.vault.model import Account


@dataclass(frozen=True, slots=True)
class Code:
    """A code and the time it is good for."""

    text: str = field(repr=False)
    valid_from: int | None
    """Unix seconds; None for HOTP."""
    valid_until: int | None
    """Unix seconds, exclusive; None for HOTP."""


def code_at(account: Account, unix: float) -> Code:
    """Return the code of a TOTP or Steam account at `unix` seconds; before 1970 counts as 1970.

    Raises ValueError for a HOTP account, whose code depends on no time.
    """
    if account.type == "hotp":
        raise ValueError("a HOTP code has no time")
    step = max(0, int(unix)) // account.period
    start = step * account.period
    return Code(_text(account, step), start, start + account.period)


def code_for(account: Account, counter: int) -> Code:
    """Return the code of a HOTP account for `counter`."""
    return Code(_text(account, counter), None, None)


def grouped(code: str) -> str:
    """Return the code as people read it: `482 913`, `4829 1374`, `482 913 105`; Steam and short ones whole."""
    if len(code) < 6:
        return code
    size = 3 if len(code) in {6, 9} else (len(code) + 1) // 2
    return " ".join(code[at : at + size] for at in range(0, len(code), size))


def _text(account: Account, counter: int) -> str:
    if account.type == "steam":
        return _Steam(account).generate_otp(counter)
    return _Hotp(account).generate_otp(counter)


_DIGESTS: Final = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


# pyotp from 2.12 on refuses secrets under 112 bits and fewer than 6 digits, while most services issue 80 bits:
# so the secret comes from `byte_secret`, and the digits are set after construction.
class _Hotp(pyotp.HOTP):
    def __init__(self, account: Account) -> None:
        self._account = account
        super().__init__("", digest=_DIGESTS[account.algorithm])
        self.digits = account.digits

    def byte_secret(self) -> bytes:
        return self._account.secret


class _Steam(Steam):
    def __init__(self, account: Account) -> None:
        self._account = account
        super().__init__("")

    def byte_secret(self) -> bytes:
        return self._account.secret
