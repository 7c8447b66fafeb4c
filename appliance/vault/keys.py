"""Keys: who can unwrap the master key, and how.

A slot lets a passphrase or the recovery key unwrap the vault's master key (scrypt, RFC 7914, then AES-256-GCM
without associated data, as Aegis does). A device wrap lets one device do so with its own secret
(HKDF-SHA256, RFC 5869). The master key encrypts the vault and nothing else.

Randomness is an argument, and so is the memory that a derivation may use: both are the caller's to give.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appliance.errors import MemoryShort, UsageError, WrongPassphrase
from appliance.vault import canonical

RandomBytes = Callable[[int], bytes]
Mode = Literal["credential", "pin"]
Secret = Literal["passphrase", "recovery key"]
"""What a person has, in the head or on paper."""

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SALT_BYTES: Final = 32
SCRYPT_N: Final = 2**16
"""64 MiB and about 1.7 s on a Zero 2 W."""
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
PASSPHRASE_WORDS: Final = 6
"""Of the EFF long list: 77 bits."""
PASSPHRASE_MINIMUM: Final = 12
PASSPHRASE_GUESSES: Final = 10**11
"""That an own passphrase must withstand. Whoever reads the broker tries a slot without waiting, at 0.18 s of a PC's core
for each guess (`SCRYPT_N`): 64 cores take nine years for so many. Ten times zxcvbn's own best mark, and still below what
nearly all passphrases of 12 random characters have; three words or more of a sentence are above it."""

_LOOKED_AT: Final = 72
_EXPECTED: Final = (
    "otp",
    "appliance",
    "raspberry",
    "pi",
    "vault",
    "backup",
    "passphrase",
    "broker",
    "mosquitto",
)
"""What comes to mind in front of this program."""

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE: Final = str.maketrans("OIL", "011")
_DASHES: Final = str.maketrans("", "", "-\u2010\u2011\u2012\u2013\u2014\u2212\u00ad")
"""As documents and phones write a hyphen."""
_DASHED: Final = dict.fromkeys(_DASHES, " ")
_RECOVERY_CHARACTERS: Final = 26
_CHECK_PRIME: Final = 1021
"""The greatest prime that two characters of 5 bits can hold: each wrong character changes the remainder, and so does
each swap of two, because 32 has the order 68 in its field and no two places are as far apart."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A master key wrapped for something that a person knows or has on paper."""

    uuid: str
    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    n: int = SCRYPT_N
    p: int = SCRYPT_P


@dataclass(frozen=True, slots=True)
class DeviceWrap:
    """A master key wrapped for one device; it never leaves that device."""

    mode: Mode
    salt: bytes = field(repr=False)
    n: int
    nonce: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    key: bytes = field(repr=False)


def encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes | None = None) -> tuple[bytes, bytes]:
    """Return (ciphertext, 16-byte tag) of AES-256-GCM (NIST SP 800-38D)."""
    joined = AESGCM(key).encrypt(nonce, plain, associated)
    return joined[:-TAG_BYTES], joined[-TAG_BYTES:]


def decrypt(
    key: bytes, nonce: bytes, sealed: bytes, tag: bytes, associated: bytes | None = None
) -> bytes | None:
    """Return the plaintext, or None if the key is another one or a bit was changed."""
    try:
        return AESGCM(key).decrypt(nonce, sealed + tag, associated)
    except InvalidTag:
        return None


def scrypt(password: bytes, salt: bytes, *, n: int, p: int, memory_limit: int) -> bytes:
    """Return 32 bytes of scrypt with r = 8.

    Raises MemoryShort, before any work, if that takes more than `memory_limit` bytes.
    """
    needed = 128 * n * SCRYPT_R
    if needed > memory_limit:
        raise MemoryShort(
            "can't derive the key",
            f"it needs {needed >> 20} MiB of memory, and {memory_limit >> 20} MiB may be used",
            "close other programs, or open it on a machine with more memory",
        )
    return Scrypt(salt=salt, length=KEY_BYTES, n=n, r=SCRYPT_R, p=p).derive(password)


def new_slot(
    master: bytes, password: str, *, uuid: str, random_bytes: RandomBytes, memory_limit: int
) -> Slot:
    """Return a slot in which `password` unwraps `master`."""
    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    derived = scrypt(_password(password), salt, n=SCRYPT_N, p=SCRYPT_P, memory_limit=memory_limit)
    key, tag = encrypt(derived, nonce, master)
    return Slot(uuid=uuid, key=key, nonce=nonce, tag=tag, salt=salt)


def unwrap(slot: Slot, password: str, *, memory_limit: int) -> bytes | None:
    """Return the master key, or None if `password` does not open this slot. Takes about a second."""
    derived = scrypt(_password(password), slot.salt, n=slot.n, p=slot.p, memory_limit=memory_limit)
    return decrypt(derived, slot.nonce, slot.key, slot.tag)


def _password(text: str) -> bytes:
    # A terminal or a JSON string can hand over half a surrogate pair, which opens nothing but is no crash either.
    return text.encode("utf-8", "surrogatepass")


def unwrap_any(slots: Sequence[Slot], entered: str, *, memory_limit: int) -> bytes:
    """Return the master key for what a person entered: the passphrase, or the recovery key in any spelling.

    `slots` are passphrase and recovery key, in this order. Raises WrongPassphrase.
    """
    return recognised(slots, entered, memory_limit=memory_limit)[1]


def recognised(slots: Sequence[Slot], entered: str, *, memory_limit: int) -> tuple[Secret, bytes]:
    """Return which of the two a person entered, and the master key. As `unwrap_any` otherwise."""
    passphrase, recovery = slots
    printed = recovery_form(entered)
    if printed is not None:
        master = unwrap(recovery, printed, memory_limit=memory_limit)
        if master is not None:
            return "recovery key", master
    master = unwrap(passphrase, entered, memory_limit=memory_limit)
    if master is None:
        slip = miscopied(entered)
        why = "wrong passphrase" if slip is None else f"wrong recovery key: {slip}"
        hint = "passphrases are case-sensitive; the recovery key works here too"
        raise WrongPassphrase("can't open the vault", why, hint)
    return "passphrase", master


def new_device_wrap(master: bytes, secret: bytes, *, device: str, random_bytes: RandomBytes) -> DeviceWrap:
    """Return a wrap that the device's own secret opens without a person (credential mode)."""
    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    key, tag = encrypt(_device_key(secret, salt), nonce, master, device_data(device, "credential", salt, 0))
    return DeviceWrap("credential", salt, 0, nonce, tag, key)


def unwrap_device(wrap: DeviceWrap, secret: bytes, *, device: str) -> bytes | None:
    """Return the master key, or None if this secret and device do not open the wrap."""
    data = device_data(device, wrap.mode, wrap.salt, wrap.n)
    return decrypt(_device_key(secret, wrap.salt), wrap.nonce, wrap.key, wrap.tag, data)


def _device_key(secret: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, b"otp-appliance device v1").derive(secret)


def device_data(device: str, mode: Mode, salt: bytes, n: int) -> bytes:
    """Return what a device wrap authenticates beside the key: whose it is, and how it was made."""
    return canonical.dump({"device": device, "mode": mode, "n": n, "salt": salt.hex(), "v": 1})


def new_passphrase(words: Sequence[str], random_bytes: RandomBytes) -> str:
    """Return six words of the EFF long list, lower case, single spaces."""
    return " ".join(words[_below(len(words), random_bytes)] for _ in range(PASSPHRASE_WORDS))


def _below(bound: int, random_bytes: RandomBytes) -> int:
    # Rejection, so that no word is likelier than another.
    usable = 2**32 - 2**32 % bound
    while True:
        drawn = int.from_bytes(random_bytes(4), "big")
        if drawn < usable:
            return drawn % bound


def checked_passphrase(text: str) -> str:
    """Return a person's own passphrase if it is good enough to protect backups on other machines.

    Raises UsageError.
    """
    if len(text) < PASSPHRASE_MINIMUM:
        raise UsageError(
            "can't use this passphrase",
            f"it has {len(text)} characters, at least {PASSPHRASE_MINIMUM} are needed",
            "press Enter to have six words chosen for you",
        )
    if not (text.isascii() and text.isprintable()):
        raise UsageError(
            "can't use this passphrase",
            "it holds characters that not every keyboard and phone enters alike",
            "use letters, digits, signs and spaces of ASCII",
        )
    guesses = _guesses(text)
    if guesses < PASSPHRASE_GUESSES:
        raise UsageError(
            "can't use this passphrase",
            f"a program that guesses finds it within {guesses:,} tries; {PASSPHRASE_GUESSES:,} are needed",
            "press Enter to have six words chosen for you, or add words that nobody expects there",
        )
    return text


def _guesses(text: str) -> int:
    """Return about how many guesses find a passphrase, for one who knows people's habits and this program."""
    from zxcvbn import zxcvbn  # 2 MB of words, which only a new passphrase needs

    # What goes beyond is not looked at, since the time grows with the square of the length.
    return int(zxcvbn(text[:_LOOKED_AT], user_inputs=_EXPECTED)["guesses"])


def new_recovery_key(random_bytes: RandomBytes) -> str:
    """Return 130 random bits as people print them: 26 Crockford characters and 2 check characters in fours."""
    number = int.from_bytes(random_bytes(17), "big") >> 6
    body = "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5))
    return _in_fours(body + _check(body))


def recovery_form(text: str) -> str | None:
    """Return a recovery key in its printed form, from any case and spacing; None if it is not one."""
    joined = "".join(text.split()).translate(_DASHES)
    if not joined.isascii():  # outside ASCII, upper case can make letters of other signs
        return None
    joined = joined.upper().translate(_ALIKE)
    body, check = joined[:_RECOVERY_CHARACTERS], joined[_RECOVERY_CHARACTERS:]
    if len(check) != 2 or not set(joined) <= set(_CROCKFORD):
        return None
    return _in_fours(joined) if hmac.compare_digest(check, _check(body)) else None


def miscopied(text: str) -> str | None:
    """Return what is wrong about a recovery key that was copied from paper, by its groups.

    None if it is a right one, or does not look like one. The check characters tell that one group is wrong, not which.
    """
    groups = text.translate(_DASHED).upper().split()
    signs = "".join(groups)
    # Passphrases have neither so many digits nor, as a rule, capitals alone; a key may happen to have few digits.
    alike = sum(sign.isdigit() for sign in signs) >= 3 or text.isupper()
    if recovery_form(text) is not None or not alike or len(groups) < 5:
        return None
    for place, group in enumerate(groups, 1):
        if not set(group.translate(_ALIKE)) <= set(_CROCKFORD):
            return f"group {place} holds a sign that recovery keys never have"
        if len(group) != 4:
            return f"group {place} has {len(group)} characters in place of 4"
    if len(groups) != 7:
        return f"it has {len(groups)} groups in place of 7"
    return "one of its characters is another one; compare each group with the paper"


def _check(body: str) -> str:
    remainder = 0
    for character in body:
        remainder = (remainder * 32 + _CROCKFORD.index(character)) % _CHECK_PRIME
    return _CROCKFORD[remainder >> 5] + _CROCKFORD[remainder & 31]


def _in_fours(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
