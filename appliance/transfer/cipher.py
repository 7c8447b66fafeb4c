"""The ciphers and key derivations that other programs' files use, through `cryptography`, with limits on what a file asks.

Rules: parameters come from the file, so each is checked before anything is derived (`CannotRead`); a hostile file
costs less than two seconds and 200 MB. `Mismatch` says that a key does not open something; the format knows whether
that is a wrong password.
"""

import hashlib
import hmac
from collections.abc import Callable
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
_KEEPASS_PRODUCT: Final = 3 << 30
"""KeePass tunes the passes to a second of the computer that made the file."""
AES_ROUNDS: Final = 50_000_000
"""KeePass's older derivation: a second and a half; KeePass takes 60,000, and up to some millions if asked for a second."""
_ARGON2_THREADS: Final = 4
"""At once, whatever the lanes: each thread's stack counts as memory."""
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
    more_memory: Callable[[int], None] = lambda _: None,
) -> bytes:
    """Return the key of Argon2id 1.3 (RFC 9106), 32 bytes; `most` bytes of memory, if there are `memory_limit`.

    `more_memory` is called with the bytes that it takes, once they are checked. Raises CannotRead.
    """
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    product = ARGON2_PASSES if most > ARGON2_LIMIT else _PRODUCT
    _check_argon2(title, salt, passes, kib, lanes, memory_limit, most, product)
    more_memory(kib << 10)
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=kib).derive(password)


def argon2_of_keepass(
    title: str,
    kind: Literal["d", "id"],
    version: int,
    password: bytes,
    salt: bytes,
    *,
    passes: int,
    kib: int,
    lanes: int,
    memory_limit: int,
) -> bytes:
    """Return the key of Argon2d or Argon2id in version 1.0 or 1.3, 32 bytes, through argon2-cffi (of `pykeepass`).

    `cryptography` has Argon2d only since its release 47. Raises CannotRead.
    """
    from argon2.low_level import Type, core, error_to_str, ffi

    _check_argon2(title, salt, passes, kib, lanes, memory_limit, ARGON2_LIMIT, _KEEPASS_PRODUCT)
    if version not in {0x10, 0x13}:
        raise _excessive(title, "an unknown version of Argon2", "1.3")
    key, secret, salted = ffi.new("uint8_t[32]"), ffi.from_buffer(password), ffi.from_buffer(salt)
    context = ffi.new("argon2_context *", {"out": key, "outlen": 32, "version": version, "flags": 0})
    context.pwd, context.pwdlen, context.salt, context.saltlen = secret, len(password), salted, len(salt)
    context.t_cost, context.m_cost, context.lanes = passes, kib, lanes
    context.threads = min(lanes, _ARGON2_THREADS)
    if error := core(context, (Type.D if kind == "d" else Type.ID).value):
        raise _excessive(title, f"Argon2 that fails here ({error_to_str(error)})", "what this computer has")
    return bytes(key)


def aes_rounds(title: str, key: bytes, block: bytes, rounds: int) -> bytes:
    """Return 32 bytes, each half encrypted over and over again with AES: the derivation of KeePass 2. Raises CannotRead."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if rounds > AES_ROUNDS:
        raise _excessive(title, f"{rounds} rounds of AES", f"{AES_ROUNDS}")
    halves = []
    zeros, sealed = bytes(1 << 16), bytearray((1 << 16) + 15)
    for half in (block[:16], block[16:]):
        # CBC over zeros encrypts the block before it, so that each round is one more block, without a loop in Python.
        encryptor = Cipher(algorithms.AES(key), modes.CBC(half)).encryptor()
        for _ in range(rounds >> 12):
            encryptor.update_into(zeros, sealed)
        rest = (rounds & 0xFFF) << 4
        if rest:
            encryptor.update_into(zeros[:rest], sealed)
        end = rest or (1 << 16)
        halves.append(bytes(sealed[end - 16 : end]) if rounds else half)
    return b"".join(halves)


def _check_argon2(
    title: str, salt: bytes, passes: int, kib: int, lanes: int, memory_limit: int, most: int, product: int
) -> None:
    if passes < 1 or lanes < 1 or kib < 8 * lanes or len(salt) < 8:
        raise _excessive(title, "Argon2 with impossible parameters", "those of RFC 9106")
    memory = kib << 10
    if lanes > 64:
        raise _excessive(title, f"{lanes} lanes", "64")
    if memory > most:
        raise _excessive(title, f"{memory >> 20} MiB in {passes} passes", f"{most >> 20} MiB")
    if memory * passes > product:
        work = memory * passes >> 20
        raise _excessive(title, f"{work} MiB of work in {passes} passes", f"{product >> 20} MiB")
    if memory > memory_limit:
        raise _short(title, memory)


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


def open_cbc(key: bytes, iv: bytes, sealed: bytes, *, padded: bool = True) -> bytes:
    """Return what AES-CBC with PKCS#7 padding holds; without a MAC, so a wrong key may give nonsense. Raises Mismatch.

    Databases have whole pages, which are not `padded`.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        opened = decryptor.update(sealed) + decryptor.finalize()
        if not padded:
            return opened
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(opened) + unpadder.finalize()
    except ValueError:
        raise Mismatch from None


def open_secretstream(key: bytes, header: bytes, sealed: bytes) -> bytes:
    """Return the first message of a libsodium secretstream (XChaCha20-Poly1305), whatever its tag. Raises Mismatch.

    Files of Ente occur with the tags FINAL and MESSAGE.
    """
    from nacl import bindings
    from nacl.exceptions import CryptoError

    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    try:
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
        plain, _ = bindings.crypto_secretstream_xchacha20poly1305_pull(state, sealed)
    except CryptoError:
        raise Mismatch from None
    return plain


def seal_secretstream(key: bytes, header: bytes, plain: bytes) -> bytes:
    """Return a secretstream of one message; `header` are 24 random bytes."""
    from nacl import bindings

    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    # A writer's state is that of a reader of the same header; libsodium's writer would choose the header itself.
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    final = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
    return bindings.crypto_secretstream_xchacha20poly1305_push(state, plain, tag=final)


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
