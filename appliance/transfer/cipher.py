"""The ciphers and key derivations that other programs' files use, through `cryptography`, with limits on what a file asks.

Rules: parameters come from the file, so each is checked before anything is derived (`CannotRead`); a hostile file
costs less than two seconds and 200 MB. `Mismatch` says that a key does not open something; the format knows whether
that is a wrong password.
"""

import hashlib
import hmac
from typing import Final, Literal

from appliance.errors import CannotRead

PBKDF2_LIMIT: Final = 2_000_000
"""Iterations; Bitwarden offers no more, and it is the highest of all."""
SCRYPT_LIMIT: Final = 128 << 20
"""Bytes; Aegis takes 32 MiB."""
ARGON2_LIMIT: Final = 128 << 20
"""Bytes; Bitwarden and Stratum take 64 MiB. Ente takes 1 GiB and says so to `argon2id`."""
ARGON2_PASSES: Final = 4 << 30
"""Bytes times passes: Ente's own 1 GiB four times, some seconds."""
_PRODUCT: Final = 1 << 30
"""For others than Ente: half a second."""
Hash = Literal["sha1", "sha256", "sha512"]


class Mismatch(Exception):
    """The key is not the one, or the bytes are not those that it sealed."""


def pbkdf2(title: str, hash_: Hash, password: bytes, salt: bytes, iterations: int, length: int = 32) -> bytes:
    """Return the key of PBKDF2-HMAC (RFC 8018). Raises CannotRead."""
    if not 1 <= iterations <= PBKDF2_LIMIT:
        raise _excessive(title, f"{iterations} iterations", f"{PBKDF2_LIMIT}")
    return hashlib.pbkdf2_hmac(hash_, password, salt, iterations, length)


def scrypt(title: str, password: bytes, salt: bytes, n: int, r: int, p: int, memory_limit: int) -> bytes:
    """Return the key of scrypt (RFC 7914), 32 bytes. Raises CannotRead."""
    if n < 2 or n & (n - 1) or r < 1 or p < 1:
        raise _excessive(title, "scrypt with impossible parameters", "those of RFC 7914")
    memory = 128 * n * r
    if memory * p > SCRYPT_LIMIT:
        raise _excessive(title, f"{memory * p >> 20} MiB of work", f"{SCRYPT_LIMIT >> 20} MiB")
    if memory > memory_limit:
        raise _short(title, memory)
    try:
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory + (1 << 20), dklen=32)
    except ValueError:
        # OpenSSL knows more bounds: n under 2^16 for an r of 1, and memory for p as well.
        raise _excessive(title, "scrypt with impossible parameters", "those of RFC 7914") from None


def argon2id(
    title: str,
    password: bytes,
    salt: bytes,
    *,
    passes: int,
    kib: int,
    lanes: int,
    memory_limit: int,
    most: int = ARGON2_LIMIT,
) -> bytes:
    """Return the key of Argon2id 1.3 (RFC 9106), 32 bytes; `most` bytes of memory, if there are `memory_limit`.

    Raises CannotRead.
    """
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    if passes < 1 or lanes < 1 or kib < 8 * lanes or len(salt) < 8:
        raise _excessive(title, "Argon2 with impossible parameters", "those of RFC 9106")
    memory = kib << 10
    product = ARGON2_PASSES if most > ARGON2_LIMIT else _PRODUCT
    if memory > most or memory * passes > product or lanes > 64:
        raise _excessive(title, f"{memory >> 20} MiB in {passes} passes", f"{most >> 20} MiB")
    if memory > memory_limit:
        raise _short(title, memory)
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=kib).derive(password)


def open_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes | None = None) -> bytes:
    """Return what AES-GCM sealed (`ciphertext || tag of 16`). Raises Mismatch."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError):
        raise Mismatch from None


def seal_gcm(key: bytes, nonce: bytes, plain: bytes, associated: bytes | None = None) -> bytes:
    """Return `ciphertext || tag of 16` of AES-GCM."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, plain, associated)


def open_cbc(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """Return what AES-CBC with PKCS#7 padding holds; without a MAC, so a wrong key may give nonsense. Raises Mismatch."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise Mismatch from None


def check_hmac(key: bytes, message: bytes, tag: bytes, hash_: Hash = "sha256") -> None:
    """Raise Mismatch unless `tag` is the HMAC of the message."""
    if not hmac.compare_digest(hmac.digest(key, message, hash_), tag):
        raise Mismatch


def _excessive(title: str, asked: str, most: str) -> CannotRead:
    return CannotRead(
        f"can't open the {title} file",
        f"its encryption asks for {asked}, and at most {most} is allowed here",
        "export it unencrypted, or with smaller parameters, and delete that file afterwards",
    )


def _short(title: str, memory: int) -> CannotRead:
    return CannotRead(
        f"can't open the {title} file",
        f"deriving its key needs {memory >> 20} MiB of memory, more than is free here",
        "import it on a computer with more memory, or export it unencrypted and delete that file afterwards",
    )
