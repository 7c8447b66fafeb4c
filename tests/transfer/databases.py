"""KeePass databases as KeePass writes them, in KDBX 3.1 and 4, with key derivations that cost nothing.

Written from KeePass's description of its format, and not with the library that reads them.
"""

import base64
import gzip
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, unescape

from Cryptodome.Cipher import AES, ChaCha20, Salsa20

SIGNATURE: Final = bytes.fromhex("03d9a29a67fb4bb5")
AES_CIPHER: Final = bytes.fromhex("31c1f2e6bf714350be5805216afc5aff")
CHACHA_CIPHER: Final = bytes.fromhex("d6038a2b8b6f4cb5a524339a31dbb59a")
TWOFISH_CIPHER: Final = bytes.fromhex("ad68f29f576f4bb9a36ad47af965346c")
AES_KDF: Final = bytes.fromhex("c9d9f39a628a4460bf740d08c18a4fea")
ARGON2D: Final = bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c")
ARGON2ID: Final = bytes.fromhex("9e298b1956db4773b23dfc3ec6f0a1e6")
SEED: Final = bytes(range(32))
SALT: Final = bytes(range(32, 64))
_STREAM_KEY: Final = bytes(range(64, 96))
_IV: Final = bytes(range(100, 116))
_START: Final = bytes(range(200, 232))
Fields = Mapping[str, str]


def entry(fields: Fields, *, protected: Iterable[str] = (), icon: bool = False, old: str = "") -> str:
    """Return an entry; the values of `protected` fields are encrypted with the database; `old` is its history."""
    marks = ("", ' Protected="True"')
    strings = "".join(
        f"<String><Key>{escape(key)}</Key><Value{marks[key in protected]}>{escape(value)}</Value></String>"
        for key, value in fields.items()
    )
    own_icon = "<CustomIconUUID>AAAA</CustomIconUUID>" if icon else ""
    history = f"<History>{old}</History>" if old else ""
    return f"<Entry><UUID>AAAA</UUID>{own_icon}{strings}{history}</Entry>"


def group(name: str, content: str, uuid: str = "R1") -> str:
    """Return a group; the recycle bin is the one with the `uuid` "BIN"."""
    return f"<Group><UUID>{uuid}</UUID><Name>{escape(name)}</Name>{content}</Group>"


def document(content: str) -> bytes:
    """Return the XML of a database with that outermost group."""
    meta = "<Meta><Generator>test</Generator><RecycleBinUUID>BIN</RecycleBinUUID></Meta>"
    return f"<?xml version='1.0' encoding='utf-8'?><KeePassFile>{meta}<Root>{content}</Root></KeePassFile>".encode()


def composite(password: str | None, key: bytes = b"") -> bytes:
    """Return the key of a password, of the key in a key file, or of both."""
    hashed = b"" if password is None else hashlib.sha256(password.encode()).digest()
    return hashlib.sha256(hashed + key).digest()


def argon2(
    kind: bytes = ARGON2D, *, passes: int = 1, memory: int = 64 << 10, lanes: int = 2, version: int = 0x13
) -> bytes:
    """Return parameters of Argon2 for a header of KDBX 4."""
    return parameters(
        (0x42, "$UUID", kind),
        (0x42, "S", SALT),
        (0x05, "I", struct.pack("<Q", passes)),
        (0x05, "M", struct.pack("<Q", memory)),
        (0x04, "P", struct.pack("<I", lanes)),
        (0x04, "V", struct.pack("<I", version)),
    )


def aes_kdf(rounds: int = 10, seed: bytes = SALT) -> bytes:
    """Return parameters of the older derivation for a header of KDBX 4."""
    return parameters((0x42, "$UUID", AES_KDF), (0x42, "S", seed), (0x05, "R", struct.pack("<Q", rounds)))


def parameters(*items: tuple[int, str, bytes]) -> bytes:
    """Return a variant dictionary."""
    return b"\0\1" + b"".join(_item(*item) for item in items) + b"\0"


def header4(
    derivation: bytes, cipher: bytes = CHACHA_CIPHER, extra: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    """Return the header of KDBX 4."""
    iv = _IV[:12] if cipher == CHACHA_CIPHER else _IV
    fields = [(2, cipher), (3, b"\1\0\0\0"), (4, SEED), (7, iv), (11, derivation), *extra, (0, b"\r\n\r\n")]
    packed = b"".join(struct.pack("<BI", number, len(value)) + value for number, value in fields)
    return SIGNATURE + struct.pack("<HH", 0, 4) + packed


def kdbx4(xml: bytes, transformed: bytes, derivation: bytes, cipher: bytes = CHACHA_CIPHER) -> bytes:
    """Return a database of KDBX 4; `transformed` is the key that the derivation gives."""
    header = header4(derivation, cipher)
    inner = struct.pack("<BII", 1, 4, 3) + struct.pack("<BI", 2, 32) + _STREAM_KEY + b"\0\0\0\0\0"
    key = hashlib.sha256(SEED + transformed).digest()
    hashed = hashlib.sha512(_STREAM_KEY).digest()
    xml = _protected(xml, ChaCha20.new(key=hashed[:32], nonce=hashed[32:44]))
    plain = gzip.compress(inner + xml, mtime=0)
    if cipher == CHACHA_CIPHER:
        sealed = ChaCha20.new(key=key, nonce=_IV[:12]).encrypt(plain)
    else:
        sealed = AES.new(key, AES.MODE_CBC, _IV).encrypt(_padded(plain))
    mac_key = hashlib.sha512(SEED + transformed + b"\1").digest()
    first = hashlib.sha512(b"\xff" * 8 + mac_key).digest()
    blocks = b"".join(_block4(mac_key, number, data) for number, data in enumerate((sealed, b"")))
    return header + hashlib.sha256(header).digest() + hmac.digest(first, header, "sha256") + blocks


def kdbx3(xml: bytes, password: str, rounds: int = 10) -> bytes:
    """Return a database of KDBX 3.1, which has AES for everything."""
    transformed = aes_transformed(composite(password), rounds)
    fields = (
        *((2, AES_CIPHER), (3, b"\1\0\0\0"), (4, SEED), (5, SALT), (6, struct.pack("<Q", rounds)), (7, _IV)),
        *((8, _STREAM_KEY), (9, _START), (10, b"\2\0\0\0"), (0, b"\r\n\r\n")),
    )
    header = SIGNATURE + struct.pack("<HH", 1, 3)
    header += b"".join(struct.pack("<BH", number, len(value)) + value for number, value in fields)
    stream = Salsa20.new(key=hashlib.sha256(_STREAM_KEY).digest(), nonce=bytes.fromhex("e830094b97205d2a"))
    data = gzip.compress(_protected(xml, stream), mtime=0)
    blocks = struct.pack("<I", 0) + hashlib.sha256(data).digest() + struct.pack("<I", len(data)) + data
    end = struct.pack("<I", 1) + bytes(36)
    key = hashlib.sha256(SEED + transformed).digest()
    return header + AES.new(key, AES.MODE_CBC, _IV).encrypt(_padded(_START + blocks + end))


def aes_transformed(key: bytes, rounds: int, seed: bytes = SALT) -> bytes:
    """Return what the older derivation gives, one round after the other."""
    cipher = AES.new(seed, AES.MODE_ECB)
    for _ in range(rounds):
        key = cipher.encrypt(key)
    return hashlib.sha256(key).digest()


def _protected(xml: bytes, stream: "ChaCha20.ChaCha20Cipher | Salsa20.Salsa20Cipher") -> bytes:
    # One stream for all values, in their order; bytes that are no UTF-8 pass as they are.
    return re.sub(
        b'(?<=<Value Protected="True">)[^<]*',
        lambda value: base64.b64encode(
            stream.encrypt(unescape(value[0].decode("latin-1")).encode("latin-1"))
        ),
        xml,
    )


def _item(kind: int, name: str, value: bytes) -> bytes:
    named = struct.pack("<BI", kind, len(name)) + name.encode()
    return named + struct.pack("<I", len(value)) + value


def _block4(mac_key: bytes, number: int, data: bytes) -> bytes:
    counted = struct.pack("<Q", number)
    key = hashlib.sha512(counted + mac_key).digest()
    size = struct.pack("<I", len(data))
    return hmac.digest(key, counted + size + data, "sha256") + size + data


def _padded(data: bytes) -> bytes:
    missing = 16 - len(data) % 16
    return data + bytes([missing]) * missing
