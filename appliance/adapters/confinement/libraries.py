"""What a reader needs, imported before its doors shut: after that no file is opened, not even one of Python.

A library that few files need and that is slow to import is named by the parent, who may look at the first bytes.
"""

import contextlib
import importlib
from collections.abc import Iterable
from typing import Final

_KEEPASS: Final = b"\x03\xd9\xa2\x9a"
_PDF: Final = b"%PDF-"
_MARK: Final = b"\xef\xbb\xbf"
_BOX: Final = b"ftyp"

LARGE: Final = ("pykeepass", "pypdfium2", "pillow_heif")
"""Some 50, 20 and 10 ms of a computer's time; on a small Pi a second together."""


def of_files(files: Iterable[bytes]) -> tuple[str, ...]:
    """Return which of `LARGE` the files need, by the marks at their beginnings."""
    return tuple(sorted(set(filter(None, map(_of_file, files)))))


def load(large: Iterable[str]) -> None:
    """Import all that any format may ask for, and `large`; what is not installed is told when it is asked for."""
    for name in (*_ALWAYS, *(each for each in large if each in LARGE)):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _of_file(file: bytes) -> str | None:
    if file.startswith(_KEEPASS):
        return "pykeepass"
    if file.removeprefix(_MARK).startswith(_PDF):
        return "pypdfium2"
    return "pillow_heif" if file[4:8] == _BOX else None


_ALWAYS: Final = (
    "_strptime",
    "Cryptodome.Cipher._mode_cbc",
    "Cryptodome.Cipher._mode_ctr",
    "Cryptodome.Cipher._mode_ecb",
    "PIL.AvifImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "appliance.transfer.picture",
    "appliance.transfer.registry",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.argon2",
    "cryptography.hazmat.primitives.padding",
    "defusedxml.ElementTree",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.cp437",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_8_sig",
    "nacl.bindings",
    "pyzipper",
    "xml.etree.ElementTree",
    "zxingcpp",
)
