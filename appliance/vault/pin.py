"""The PIN: what a person enters with the buttons. Together with the device secret it opens this device's file, and
nothing else: it never opens a backup.

A PIN is short, so wrong ones cost time (`delay`); who takes the card can try without waiting, and `worth` says how
long that takes. It is digits, since a wheel of ten is what buttons can turn.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import UsageError
from appliance.vault import keys
from appliance.vault.keys import DeviceWrap, RandomBytes

MINIMUM: Final = 6
MOST: Final = 32
FREE_TRIES: Final = 3
DELAYS: Final = (30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds after the third wrong PIN, the fourth, and so on; the last one for all that follow."""
UNCOUNTED_SECONDS: Final = 60.0
"""After each try while the card does not take the counter."""

_HOURS_OF_SIX: Final = 49
"""One core of a PC, through all PINs of six digits, at the cost of `keys.SCRYPT_N`."""


def checked(text: str) -> str:
    """Return a new PIN if it is long enough. Raises UsageError."""
    if not (text.isascii() and text.isdigit()):
        raise UsageError("can't use this PIN", "it is not made of digits alone", "use the digits 0 to 9")
    if len(text) < MINIMUM:
        raise UsageError(
            "can't use this PIN",
            f"it has {len(text)} digits, at least {MINIMUM} are needed",
            f"who takes the card tries {MINIMUM} digits in {worth(MINIMUM)}, 8 in {worth(8)}",
        )
    if len(text) > MOST:
        raise UsageError("can't use this PIN", f"it has more than {MOST} digits", "use a passphrase for more")
    return text


def worth(digits: int) -> str:
    """Return how long it takes to try all PINs of so many digits with the card in hand, on one core of a PC."""
    hours = _HOURS_OF_SIX * 10.0 ** (digits - 6)
    if hours < 1000:
        return f"{hours:,.0f} hours"
    years = hours / (24 * 365)
    return f"{hours / 24:,.0f} days" if years < 10 else f"{years:,.0f} years"


def delay(tries: int) -> float:
    """Return the seconds to wait after so many wrong PINs in a row."""
    return 0.0 if tries < FREE_TRIES else DELAYS[min(tries - FREE_TRIES, len(DELAYS) - 1)]


def tries_left(tries: int) -> int | None:
    """Return how many more tries are free of waiting; None: none is any more."""
    return FREE_TRIES - tries if tries < FREE_TRIES else None


def new_wrap(
    master: bytes, secret: bytes, pin: str, *, device: str, random_bytes: RandomBytes, memory_limit: int
) -> DeviceWrap:
    """Return a wrap that device secret and PIN open together. Takes one derivation."""
    salt, nonce, n = random_bytes(keys.SALT_BYTES), random_bytes(keys.NONCE_BYTES), keys.SCRYPT_N
    kek = _kek(secret, pin, salt, n, memory_limit)
    key, tag = keys.encrypt(kek, nonce, master, keys.device_data(device, "pin", salt, n))
    return DeviceWrap("pin", salt, n, nonce, tag, key)


def unwrap(wrap: DeviceWrap, secret: bytes, pin: str, *, device: str, memory_limit: int) -> bytes | None:
    """Return the master key, or None if secret, PIN or device are others. Takes one derivation."""
    kek = _kek(secret, pin, wrap.salt, wrap.n, memory_limit)
    data = keys.device_data(device, wrap.mode, wrap.salt, wrap.n)
    return keys.decrypt(kek, wrap.nonce, wrap.key, wrap.tag, data)


def _kek(secret: bytes, pin: str, salt: bytes, n: int, memory_limit: int) -> bytes:
    derived = keys.scrypt(pin.encode("ascii", "replace"), salt, n=n, p=1, memory_limit=memory_limit)
    return HKDF(SHA256(), keys.KEY_BYTES, salt, b"otp-appliance pin v1").derive(secret + derived)
