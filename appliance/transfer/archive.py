"""Zip archives, as exports come in them: no paths are followed, nothing is written, sizes are limited while reading."""

import io
import zipfile
from typing import Final, cast

from appliance.transfer.trouble import damaged, password_missing, wrong_password

MEMBER_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of one unpacked file."""
_MEMBERS: Final = 5_000
_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED: Final = 0x1
_AES: Final = 99
"""The method number that stands for WinZip's AES."""


class Archive:
    """A zip archive in memory."""

    def __init__(self, data: bytes, names: tuple[str, ...]) -> None:
        self._data = data
        self.names = names

    def encrypted(self, name: str) -> bool:
        """Return whether a member needs a password."""
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            return bool(archive.getinfo(name).flag_bits & _ENCRYPTED)

    def read(self, name: str, title: str, password: str | None = None) -> bytes:
        """Return a member of the archive that the program `title` made; with ZipCrypto or AES by its password.

        Raises PasswordMissing, WrongPassphrase, and FileDamaged, also for a member above `MEMBER_LIMIT`.
        """
        locked = self.encrypted(name)
        if locked and password is None:
            raise password_missing(title)
        try:
            with (
                _zipfile(self._data) as archive,
                archive.open(name, pwd=(password or "").encode() or None) as member,
            ):
                unpacked = member.read(MEMBER_LIMIT + 1)  # ZipFile.read() would unpack all of a bomb
        except RuntimeError as error:
            # "Bad password for file"; also an unknown method, which is NotImplementedError.
            if isinstance(error, NotImplementedError) or not locked:
                raise damaged(title, "its archive is compressed in an unknown way") from None
            raise wrong_password(title) from None
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - pyzipper has exceptions of its own, and a short file is an IndexError
            if locked:
                # ZipCrypto checks one byte of the password; the checksum finds what slips through.
                raise wrong_password(title, or_damaged=True) from None
            raise damaged(title, "its archive is broken") from None
        if len(unpacked) > MEMBER_LIMIT:
            raise damaged(title, f"a file in it is larger than {MEMBER_LIMIT >> 20} MiB")
        return unpacked


def opened(data: bytes) -> Archive | None:
    """Return the archive; None for anything else, for a broken directory, and for an absurd number of members."""
    if not data.startswith(_MAGIC) or data.count(b"PK\x01\x02") > _MEMBERS:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return Archive(data, tuple(archive.namelist()))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def _zipfile(data: bytes) -> zipfile.ZipFile:
    with zipfile.ZipFile(io.BytesIO(data)) as plain:
        if all(member.compress_type != _AES for member in plain.infolist()):
            return zipfile.ZipFile(io.BytesIO(data))
    import pyzipper

    return cast("zipfile.ZipFile", pyzipper.AESZipFile(io.BytesIO(data)))
