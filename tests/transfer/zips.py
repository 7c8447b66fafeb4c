"""Zip archives with a password, as other programs write them: WinZip's AES, and the older ZipCrypto, which is broken."""

import io
import struct
import zipfile
import zlib

import pyzipper


def plain_zip(**members: bytes) -> bytes:
    """Return an archive without a password; `__` in a name stands for a full stop."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


def aes_zip(name: str, content: bytes, password: str) -> bytes:
    """Return an archive of one file, encrypted with AES-256."""
    packed = io.BytesIO()
    with pyzipper.AESZipFile(
        packed, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password.encode())
        archive.writestr(name, content)
    return packed.getvalue()


def old_zip(name: str, content: bytes, password: str) -> bytes:
    """Return an archive of one file, encrypted with ZipCrypto (PKWARE's APPNOTE, 6.1), which Python only reads."""
    crc = zlib.crc32(content)
    cipher = _ZipCrypto(password.encode())
    sealed = cipher.sealed(bytes(range(11)) + bytes([crc >> 24]) + content)
    common = struct.pack("<HHHHHIIIHH", 20, 1, 0, 0, 0x21, crc, len(sealed), len(content), len(name), 0)
    local = b"PK\x03\x04" + common + name.encode() + sealed
    central = b"PK\x01\x02\x14\0" + common + bytes(14) + name.encode()
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + b"PK\x05\x06" + end


class _ZipCrypto:
    def __init__(self, password: bytes) -> None:
        self._keys = (0x12345678, 0x23456789, 0x34567890)
        for byte in password:
            self._update(byte)

    def _update(self, byte: int) -> None:
        first, second, third = self._keys
        first = _crc(byte, first)
        second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        self._keys = (first, second, _crc(second >> 24, third))

    def sealed(self, plain: bytes) -> bytes:
        result = bytearray()
        for byte in plain:
            mixed = (self._keys[2] | 2) & 0xFFFF
            result.append(byte ^ (mixed * (mixed ^ 1) >> 8 & 0xFF))
            self._update(byte)
        return bytes(result)


def _crc(byte: int, crc: int) -> int:
    # zlib inverts before and after; the cipher does not.
    return zlib.crc32(bytes([byte]), crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
