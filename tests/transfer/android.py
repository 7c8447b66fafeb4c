"""What Android's apps write, made independently of the readers: settings files, serialised maps, AES-CBC."""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7


def settings_file(texts: Mapping[str, Any], *, others: str = '<int name="version" value="3" />') -> bytes:
    """Return a settings file with these texts; what is no text becomes JSON."""
    lines = (
        f"    <string name={quoteattr(name)}>{escape(text if isinstance(text, str) else json.dumps(text))}</string>\n"
        for name, text in texts.items()
    )
    head = "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map>\n"
    return f"{head}    {others}\n{''.join(lines)}</map>\n".encode()


def java_text(text: str) -> bytes:
    """Return a text as ObjectOutputStream writes it, in modified UTF-8."""
    units = struct.unpack(f">{len(text.encode('utf-16-be')) // 2}H", text.encode("utf-16-be"))
    raw = b"".join(b"\xc0\x80" if unit == 0 else chr(unit).encode(errors="surrogatepass") for unit in units)
    if len(raw) > 0xFFFF:
        return b"\x7c" + struct.pack(">Q", len(raw)) + raw
    return b"\x74" + struct.pack(">H", len(raw)) + raw


def java_map(parts: Iterable[bytes], size: int, fields: int = 2) -> bytes:
    """Return a serialised HashMap of parts that each are a text; Android 6 writes one field, others two."""
    described = [b"F\x00\nloadFactor", b"I\x00\tthreshold"][:fields]
    values = [struct.pack(">f", 0.75), struct.pack(">i", 12)][:fields]
    head = b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03"
    return b"".join(
        (
            head,
            struct.pack(">H", fields),
            *described,
            b"xp",
            *values,
            b"w\x08" + struct.pack(">ii", 16, size),
            *parts,
            b"x",
        )
    )


def java_map_of(texts: Mapping[str, str], fields: int = 2) -> bytes:
    """Return a serialised HashMap of these texts."""
    parts = [java_text(text) for pair in texts.items() for text in pair]
    return java_map(parts, len(texts), fields)


def signed(raw: bytes) -> list[int]:
    """Return bytes as Java has them."""
    return list(struct.unpack(f"{len(raw)}b", raw))


def sealed_cbc(key: bytes, iv: bytes, plain: bytes) -> bytes:
    """Return AES-CBC with PKCS#7 padding."""
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
