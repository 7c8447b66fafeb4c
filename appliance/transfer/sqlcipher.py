"""SQLCipher 3: a SQLite database in which each page is encrypted and has a code of its own.

The first 16 bytes are a salt, everything else looks random: only a password that fits tells what the file is. Source:
SQLCipher's page "Design". Key: PBKDF2-HMAC-SHA1 of the password, 64,000 times; pages of 1024 bytes, each with AES-256-CBC,
and HMAC-SHA1 over what is encrypted, the IV and the page's number, with a key of two more rounds.
"""

import hmac
from typing import Final

from appliance.transfer import cipher
from appliance.transfer.database import MAGIC

PAGE: Final = 1024
_SALT: Final = 16
_RESERVE: Final = 48
"""At the end of each page: IV of 16 bytes, HMAC of 20, and padding to whole AES blocks."""
_ROUNDS: Final = 64_000


def opened(title: str, data: bytes, password: str) -> bytes | None:
    """Return the bytes of the SQLite database; None if this is none, by this password. It stays open to be damaged.

    A page that is damaged counts as zeros, which SQLite tells when it comes there.
    """
    if len(data) % PAGE or len(data) < 2 * PAGE:
        return None
    salt = data[:_SALT]
    key = cipher.pbkdf2(title, "sha1", password.encode(), salt, _ROUNDS)
    mac_key = cipher.pbkdf2(title, "sha1", key, bytes(byte ^ 0x3A for byte in salt), 2)
    pages = [data[_SALT:PAGE], *(data[start : start + PAGE] for start in range(PAGE, len(data), PAGE))]
    if not _is_whole(mac_key, pages[0], 1):
        return None
    return MAGIC + b"".join(
        _page(key, page) if _is_whole(mac_key, page, number) else bytes(PAGE)
        for number, page in enumerate(pages, 1)
    )


def _is_whole(mac_key: bytes, page: bytes, number: int) -> bool:
    message = page[:-_RESERVE] + page[-_RESERVE : -_RESERVE + 16] + number.to_bytes(4, "little")
    return hmac.compare_digest(hmac.digest(mac_key, message, "sha1"), page[-_RESERVE + 16 : -_RESERVE + 36])


def _page(key: bytes, page: bytes) -> bytes:
    iv = page[-_RESERVE : -_RESERVE + 16]
    return cipher.open_cbc(key, iv, page[:-_RESERVE], padded=False) + bytes(_RESERVE)
