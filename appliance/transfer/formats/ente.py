"""Ente Auth: a list of links that carry what the program adds to them, plain or encrypted with a password.

Plain: a text with one otpauth:// link a line. The parameter `codeDisplay` is a JSON object with `pinned`, `trashed`,
`tags`, `note`, `position` and statistics; only it tells the list from those of other programs. Commas are always
encoded, once more than the rest of that parameter if the program wrote them.

Encrypted: `{"version": 1, "kdfParams": {"memLimit", "opsLimit", "salt"}, "encryptedData", "encryptionNonce"}`. The key
is Argon2id of the password with `memLimit` bytes; `encryptionNonce` is the header of a libsodium secretstream, whose
one message is the plain list. A phone takes 1 GiB of memory for it.

Rules: what is in the trash is left out and counted. A `codeDisplay` that can't be read costs what it adds, not the
account. No official specification; source: the program's `code.dart`, `code_display.dart`, and its import and export.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from appliance.transfer import cipher, entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import damaged, too_new, wrong_password
from appliance.vault import otpauth

NAME: Final = "ente"
TITLE: Final = "Ente Auth"


def recognises(content: Content, _means: Means) -> bool:
    """Whether this is the encrypted object, or any link of a list has the program's own parameter."""
    if content.begins_like_json:
        return content.keys >= {"kdfParams", "encryptedData", "encryptionNonce"}
    return any(_DISPLAY.search(line) and otpauth.begins_like_link(line) for _, line in content.lines)


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files, in the order of their lines."""
    return joined(_reading(content, means) for content in files)


def hold(found: Found) -> Found:
    """Return the account as a link brings it back, with its note, mark and groups, or without a note of a book's length.

    Raises Unusable for a type that changes.
    """
    account = found.account
    back = otpauth.parse(otpauth.write(account, found.counter), uuid=account.uuid)
    if back.account.type != account.type:
        raise Unusable("five digits with the issuer Steam are taken for Steam's own codes")
    held = replace(
        found,
        account=replace(back.account, note=account.note, favorite=account.favorite),
        secret_text=back.secret_text,
    )
    # What is too long for the reader would cost the mark as well.
    return held if _display(_link(held, entry.ENTRY_LIMIT)) else bare(held, favorite=True)


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return the encrypted list; with 64 MiB of memory, for the reader takes what the file says."""
    salt, header = means.random(_SALT), means.random(_HEADER)
    key = cipher.argon2id(
        TITLE,
        _typed(means.password),
        salt,
        passes=_PASSES,
        kib=_MEMORY >> 10,
        lanes=1,
        memory_limit=_MEMORY,
    )
    sealed = cipher.seal_secretstream(key, header, _listed(accounts))
    return (
        json.dumps(
            {
                "version": _VERSION,
                "kdfParams": {"memLimit": _MEMORY, "opsLimit": _PASSES, "salt": _base64(salt)},
                "encryptedData": _base64(sealed),
                "encryptionNonce": _base64(header),
            }
        ).encode(),
    )


def write_plain(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return the list; its importer wants a link at the very beginning, and takes any comma for the end of one."""
    return (_listed(accounts),)


def _reading(content: Content, means: Means) -> Reading:
    encrypted = content.begins_like_json
    lines = (_opened(content, means) if encrypted else content).lines
    trash: list[int] = []

    def one(numbered: tuple[int, str]) -> Found | None:
        number, line = numbered
        display = _display(line)
        if display.get("trashed") is True:
            trash.append(number)
            return None
        return _account(line, display, means)

    reading = entry.collect(NAME, TITLE, lines, one, lambda item: f"line {item[0]}", encrypted=encrypted)
    return replace(reading, warnings=_of_trash(len(trash)))


def _account(line: str, display: Mapping[str, Any], means: Means) -> Found:
    if not otpauth.begins_like_link(line):
        raise Unusable("this is not an otpauth:// link")
    tags, note = display.get("tags"), display.get("note")
    return entry.from_login(
        means,
        line,
        title="",
        user="",
        groups=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else (),
        note=note if isinstance(note, str) else "",
        favorite=display.get("pinned") is True,
    )


def _display(line: str) -> Mapping[str, Any]:
    found = _DISPLAY.search(line)
    if found is None or len(found[1]) > _DISPLAY_LIMIT:
        return {}
    try:
        display = json.loads(unquote_plus(found[1]).replace("%2C", ","))
    except (ValueError, RecursionError):
        return {}
    return display if isinstance(display, dict) else {}


def _of_trash(count: int) -> tuple[str, ...]:
    match count:
        case 0:
            return ()
        case 1:
            return ("1 account in the trash is left out",)
        case _:
            return (f"{count} accounts in the trash are left out",)


def _opened(content: Content, means: Means) -> Content:
    """Return the plain list of an encrypted file."""
    fields = Fields(content.json)
    try:
        version = fields.whole("version")
        parameters = fields.inner("kdfParams")
        memory, passes = parameters.whole("memLimit") or 0, parameters.whole("opsLimit") or 0
        salt = parameters.binary("salt")
        header, sealed = fields.binary("encryptionNonce"), fields.binary("encryptedData")
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    if version != _VERSION:
        raise too_new(TITLE, "version", version, f"version {_VERSION}")
    if len(salt) != _SALT or len(header) != _HEADER or len(sealed) < _OVERHEAD:
        raise damaged(TITLE, "its salt, nonce or content has another length than it must have")
    key = _key(means, salt, memory=memory, passes=passes)
    try:
        return Content(cipher.open_secretstream(key, header, sealed))
    except cipher.Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None


def _key(means: Means, salt: bytes, *, memory: int, passes: int) -> bytes:
    return cipher.argon2id(
        TITLE,
        _typed(means.password_of(TITLE)),
        salt,
        passes=passes,
        kib=memory >> 10,
        lanes=1,
        memory_limit=means.memory_limit,
        most=_MEMORY_LIMIT,
        more_memory=means.more_memory,
    )


def _typed(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _listed(accounts: Sequence[Found]) -> bytes:
    return "".join(f"{_link(found, position)}\n" for position, found in enumerate(accounts)).encode()


def _link(found: Found, position: int) -> str:
    account = found.account
    display = {
        "pinned": account.favorite,
        "trashed": False,
        "tags": list(found.group_names),
        "note": account.note,
        "position": position,
    }
    # It decodes `%2C` once more than it should; so no text may hold a percent sign as it is.
    text = json.dumps(display, separators=(",", ":")).replace("%", "\\u0025")
    # Without any issuer it takes the account's name for one.
    issuer = "" if account.issuer else "&issuer="
    return f"{otpauth.write(account, found.counter)}{issuer}&codeDisplay={quote(text, safe='')}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_DISPLAY: Final = re.compile(r"[?&]codeDisplay=([^&]*)")
_DISPLAY_LIMIT: Final = 100_000
"""Characters; an escaped note of some thousand words."""
_VERSION: Final = 1
_SALT: Final = 16
_HEADER: Final = 24
_OVERHEAD: Final = 17
"""Bytes that sealing adds: a tag for the kind of message, and the authenticator."""
_MEMORY_LIMIT: Final = 1 << 30
_MEMORY: Final = 64 << 20
_PASSES: Final = 3
