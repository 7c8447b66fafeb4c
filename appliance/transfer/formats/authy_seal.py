"""How Authy encrypts a secret: each entry alone, under a key of the backup password and its own salt.

Key: PBKDF2-HMAC-SHA1(password, salt as text, iterations), 32 bytes. Seal: base64 of AES-256-CBC with PKCS#7 padding, IV
of zeros or the entry's own in hex. Inside: base32, or hex as text. Iterations: 1000 on Android and where an answer does
not say, 100,000 for newer entries. Source: Twilio's "How the Authy Two-Factor Backups Work", and tools that open them.

Rules: there is no MAC, so an entry counts as opened only if it holds base32 or hex. A password is wrong if it opens none
of the first few, not if it misses one: entries that were saved under an older password stay so. The work of a whole file
is limited before it begins: 200 accounts of 100,000 iterations take some seconds on a desktop computer.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.transfer import entry
from appliance.transfer.cipher import PBKDF2_LIMIT, Mismatch, open_cbc, pbkdf2
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Means
from appliance.transfer.trouble import cannot_read, wrong_password

PLAIN: Final = ("decryptedSecret", "decrypted_seed")
SEALED: Final = ("encryptedSecret", "encrypted_seed")
NATIVE: Final = ("secretSeed", "secret_seed")
ITERATIONS: Final = 1000
REQUESTED_ITERATIONS: Final = 100_000
"""Of the CSV, which has no column for them."""
WORK_LIMIT: Final = 20_000_000
"""Iterations of all entries together."""
_HEX: Final = re.compile(r"([0-9a-fA-F]{2}){8,}")
_PATIENCE: Final = 800_000
"""Iterations, of eight new entries, that a wrong password costs before it is called so."""


def is_sealed(raw: object) -> bool:
    """Whether an entry has its secret only in encrypted form."""
    return isinstance(raw, dict) and any(map(raw.get, SEALED)) and not any(map(raw.get, (*PLAIN, *NATIVE)))


def first_of(fields: Fields, names: Iterable[str]) -> str:
    """Return the first text of these names that is not blank. Raises Unusable."""
    return next(filter(None, map(fields.text, names)), "")


def secret_of(text: str) -> str | bytes:
    """Return a secret as `entry.found` takes it: base32, or the bytes of hex. Raises Unusable."""
    try:
        entry.secret_of(text)
    except Unusable:
        if not text.strip():
            raise
        return bytes_of(text)
    return text


def bytes_of(text: str) -> bytes:
    """Return the bytes of hex. Raises Unusable."""
    # Shorter than any secret it is mistyped base32: the digits 0, 1, 8 and 9 come easily.
    if _HEX.fullmatch(text.strip()) is None:
        raise Unusable("its secret is neither base32 nor hex")
    return bytes.fromhex(text.strip())


class Opener:
    """Opens the secrets of one file with its password, and knows whether that ever worked."""

    def __init__(self, title: str, raws: Sequence[object], means: Means) -> None:
        """Raises PasswordMissing, and CannotRead if the file asks for too much work."""
        self._title = title
        self._password = means.password_of(title).encode()
        self._opened = False
        self._failed = 0
        if sum(map(_work, raws)) > WORK_LIMIT:
            raise cannot_read(
                title,
                f"opening it takes more than {WORK_LIMIT} iterations",
                "give fewer accounts at a time: 200 entries are possible",
            )

    def secret(self, fields: Fields) -> str | bytes:
        """Return the secret of an entry. Raises Unusable, and WrongPassphrase once it is clear that nothing opens."""
        seal = _seal(fields)
        key = pbkdf2(self._title, "sha1", self._password, seal.salt, seal.iterations)
        try:
            secret = secret_of(open_cbc(key, seal.iv, seal.sealed).decode("ascii"))
        except (Mismatch, UnicodeDecodeError, Unusable):
            self._failed += seal.iterations
            if self._failed >= _PATIENCE:
                self.conclude()
            raise Unusable(
                "the password does not open it: it is damaged, or Authy keeps it under an older one"
            ) from None
        self._opened = True
        return secret

    def conclude(self) -> None:
        """Raise WrongPassphrase if entries were tried and none opened."""
        if self._failed and not self._opened:
            raise wrong_password(self._title, or_damaged=True)


@dataclass(frozen=True, slots=True)
class _Seal:
    sealed: bytes
    salt: bytes
    iterations: int
    iv: bytes


def _seal(fields: Fields) -> _Seal:
    iterations = _iterations(fields)
    sealed = first_of(fields, SEALED)
    iv = first_of(fields, ("unique_iv", "iv"))
    try:
        data = base64.b64decode(sealed.strip(), validate=True)
        iv_bytes = bytes.fromhex(iv) if iv.strip() else bytes(16)
    except ValueError:
        raise Unusable("its encrypted secret is not base64, or its IV is not hex") from None
    if not data or len(data) % 16 or len(iv_bytes) != 16:
        raise Unusable("its encrypted secret or its IV is cut off")
    return _Seal(data, fields.text("salt").encode(errors="replace"), iterations, iv_bytes)


def _iterations(fields: Fields) -> int:
    iterations = fields.whole("key_derivation_iterations")
    if iterations is None:
        return ITERATIONS
    if not 1 <= iterations <= PBKDF2_LIMIT:
        raise Unusable(f"its number of iterations is not between 1 and {PBKDF2_LIMIT}")
    return iterations


def _work(raw: object) -> int:
    try:
        return _iterations(Fields(raw)) if is_sealed(raw) else 0
    except Unusable:
        return 0
