"""KeePass and KeePassXC: databases of KDBX 3.1 and 4, through the optional library `pykeepass`.

Its own part here is to derive the key within limits (`kdbx`), and what a database has of one-time codes
(`keepass_fields`); the library decrypts and unpacks. Rules: entries without codes are passed over, so are the history
of entries and the recycle bin; a group is named with the groups that it is in (`Work/Mail`), but for the outermost;
notes stay where they are, as those of a password manager are private. With a key file, a password of "" means none.
Sources: KeePass's help pages, and the source of KeePassXC.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.transfer import entry, keepass_fields
from appliance.transfer.content import Content
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.kdbx import MAGIC, OLD_MAGIC, Header, composite_key, header_of, transformed_key
from appliance.transfer.trouble import cannot_read, damaged, password_missing, wrong_keys

NAME: Final = "kdbx"
TITLE: Final = "KeePass"
_TWOFISH_LIMIT: Final = 1 << 20
"""Bytes; the library decrypts this cipher with 800 kB in a second on a computer of 2020."""
_NAME_LIMIT: Final = 200
"""Letters of a group's name with those that it is in; each entry of it has a copy."""
_FIELDS: Final = frozenset({"Title", "UserName", "Notes"}) | keepass_fields.NAMES


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is looked at of an entry."""

    fields: Mapping[str, str] = field(repr=False)
    group: str
    trashed: bool
    has_icon: bool


class _Mismatch(Exception):
    """The key does not open the database."""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a database of KeePass 1 or 2."""
    return content.data.startswith((MAGIC, OLD_MAGIC))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all databases; all have one password and key file."""
    return joined(_read(content.data, means) for content in files)


def _read(data: bytes, means: Means) -> Reading:
    if data.startswith(OLD_MAGIC):
        raise cannot_read(
            TITLE,
            "it is a database of KeePass 1",
            "open it in KeePassXC or KeePass 2, save it as .kdbx, and give that file",
        )
    header = header_of(TITLE, data)
    if header.twofish and len(data) > _TWOFISH_LIMIT:
        raise cannot_read(
            TITLE,
            f"it is encrypted with Twofish, and larger than {_TWOFISH_LIMIT >> 20} MiB",
            "in KeePassXC, choose AES or ChaCha20 in the security settings of the database, and save it",
        )
    entries = [one for one in _entries(_opened(data, header, means)) if keepass_fields.has_secret(one.fields)]
    kept = [one for one in entries if not one.trashed]
    return entry.collect(
        NAME,
        TITLE,
        kept,
        lambda one: _account(one, means),
        lambda one: one.fields.get("Title", ""),
        encrypted=True,
        warnings=_warnings(kept, len(entries) - len(kept)),
    )


def _account(one: _Entry, means: Means) -> Found | None:
    return keepass_fields.account_of(
        one.fields,
        means,
        title=one.fields.get("Title", ""),
        user=one.fields.get("UserName", ""),
        groups=(one.group,),
    )


def _warnings(kept: Iterable[_Entry], trashed: int) -> Iterator[str]:
    notes = sum(bool(one.fields.get("Notes", "").strip()) for one in kept)
    icons = sum(one.has_icon for one in kept)
    if trashed:
        yield f"{trashed} entries in the recycle bin are left out"
    if notes:
        yield f"the notes of {notes} entries are not kept, as a password manager's notes are private"
    if icons:
        yield f"{icons} icons are not kept"


def _opened(data: bytes, header: Header, means: Means) -> Any:
    """Return the root element of a database. Raises what reading may raise."""
    _check_library()
    if means.key_file is None:
        passwords: tuple[str | None, ...] = (means.password_of(TITLE),)
    else:
        passwords = (None, "") if means.password == "" else (means.password,)
    for password in passwords:
        key = transformed_key(TITLE, header, composite_key(TITLE, password, means.key_file), means)
        try:
            return _unpacked(data, key)
        except _Mismatch:
            continue
    if means.password is None:
        raise password_missing(TITLE)
    raise wrong_keys(TITLE, key_file=means.key_file is not None, or_damaged=header.version == 3)


def _check_library() -> None:
    try:
        import pykeepass  # noqa: F401
    except ImportError:
        raise cannot_read(
            TITLE,
            "the library pykeepass is not installed",
            "pip install 'otp-appliance[kdbx]', or in KeePassXC choose Database, Export, CSV file, and give that",
        ) from None


def _unpacked(data: bytes, key: bytes) -> Any:
    from pykeepass import PyKeePass
    from pykeepass.exceptions import CredentialsError

    try:
        return PyKeePass(io.BytesIO(data), transformed_key=key).tree.getroot()
    except CredentialsError:
        raise _Mismatch from None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - its parsers raise dozens of kinds, for nothing but broken bytes
        raise damaged(TITLE, "it is cut off or changed") from None


def _entries(root: Any) -> Iterator[_Entry]:
    bin_ = root.findtext("Meta/RecycleBinUUID")
    # Not recursive; the last of the list is next, so that entries come in the order of the file.
    groups = [(group, "", False) for group in reversed(root.findall("Root/Group"))]
    while groups:
        group, path, trashed = groups.pop()
        for element in group.iterfind("Entry"):
            yield _Entry(_fields_of(element), path, trashed, element.find("CustomIconUUID") is not None)
        for inner in reversed(group.findall("Group")):
            name = inner.findtext("Name") or ""
            inner_path = (f"{path}/{name}" if path else name)[:_NAME_LIMIT]
            groups.append((inner, inner_path, trashed or inner.findtext("UUID") == bin_))


def _fields_of(element: Any) -> Mapping[str, str]:
    pairs = ((string.findtext("Key"), string.findtext("Value")) for string in element.iterfind("String"))
    return {key: value or "" for key, value in pairs if key in _FIELDS}
