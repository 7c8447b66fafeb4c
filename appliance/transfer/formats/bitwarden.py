"""The exports of Bitwarden and of Bitwarden Authenticator.

JSON: `folders` or `collections` (of an organisation), and `items`, whose `login.totp` is an otpauth:// or steam:// link
or a bare secret; old exports have no `encrypted`. Password-protected JSON: see `bitwarden_sealed`. CSV: a table with
`login_totp`; each row of the Authenticator's has three values more than its header, and none of them is quoted. No
official specification; from the clients' source (bitwarden/clients, bitwarden/android, bitwarden/sdk-internal).

Rules: items without a code are passed over, deleted ones left out and counted. Folders and collections become groups.
Passwords and notes are never looked at: they belong to the login and not to its code.

Written as JSON for its import. The clients take an HOTP link for a TOTP one, and their codes of ten digits are wrong
(they are cut to 32 bits first). An item has one folder.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from appliance.transfer import entry, row
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.export import bare
from appliance.transfer.formats import bitwarden_sealed as sealed
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.row import Row
from appliance.transfer.trouble import cannot_read, damaged
from appliance.vault import otpauth
from appliance.vault.model import base32_encode

NAME: Final = "bitwarden"
TITLE: Final = "Bitwarden"

_TABLE: Final = frozenset({"type", "name", "logintotp"})
_AUTHENTICATOR: Final = ("folder", "favorite", "type", "name", "login_uri", "login_totp")
_LINK_LIMIT: Final = 687
"""Bytes; encrypted, they are the 1000 characters that the server takes, and one longer fails the whole import."""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a JSON object or a table with Bitwarden's keys."""
    keys = content.keys
    if "items" in keys:
        return isinstance(content.json["items"], list) and bool(
            keys & {"folders", "collections", "encrypted"}
        )
    return keys >= sealed.MARKS or row.columns(content.table).keys() >= _TABLE


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all items that have a code."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    if content.table is not None:
        return _read_table(content, means)
    outer = content.json
    if not outer.get("encrypted"):
        return _read_items(outer, means, encrypted=False)
    if not outer.get("passwordProtected"):
        raise cannot_read(
            TITLE,
            "it is encrypted with the key of a Bitwarden account, which only Bitwarden has",
            'export it again as ".json (Encrypted)" with the export type "Password protected"',
        )
    inner = Content(sealed.opened(TITLE, outer, means))
    if not isinstance(inner.json, dict) or not isinstance(inner.json.get("items"), list):
        raise damaged(TITLE, inner.json_problem or "what it encrypts is no list of items")
    return _read_items(inner.json, means, encrypted=True)


def _read_items(export: Mapping[str, Any], means: Means, *, encrypted: bool) -> Reading:
    groups = dict(_named(export.get("folders"))) | dict(_named(export.get("collections")))
    items = export.get("items")
    if not isinstance(items, list):
        raise damaged(TITLE, "it has no list of items")
    kept = [item for item in items if not _is_deleted(item)]
    deleted = sum(map(_has_code, items)) - sum(map(_has_code, kept))
    return entry.collect(
        NAME,
        TITLE,
        kept,
        partial(_account, means=means, groups=groups),
        lambda item: Fields(item).text("name"),
        encrypted=encrypted,
        warnings=[f"deleted items that are left out: {deleted}"] if deleted else [],
    )


def _named(folders: object) -> Iterable[tuple[str, str]]:
    """Yield ids and names; a folder without them costs its name only."""
    for folder in folders if isinstance(folders, list) else []:
        if isinstance(folder, dict):
            id_, name = folder.get("id"), folder.get("name")
            if isinstance(id_, str) and isinstance(name, str):
                yield id_, name


def _is_deleted(item: object) -> bool:
    return isinstance(item, dict) and bool(item.get("deletedDate"))


def _has_code(item: object) -> bool:
    login = item.get("login") if isinstance(item, dict) else None
    return isinstance(login, dict) and bool(login.get("totp"))


def _account(raw: object, *, means: Means, groups: Mapping[str, str]) -> Found | None:
    item = Fields(raw)
    login = item.inner("login")
    code = login.text("totp").strip()
    if not code:
        return None
    ids = [item.raw.get("folderId"), *item.items("collectionIds")]
    return entry.from_login(
        means,
        code,
        title=item.text("name"),
        user=login.text("username"),
        groups=[groups[id_] for id_ in ids if isinstance(id_, str) and id_ in groups],
        favorite=item.flag("favorite"),
    )


def _read_table(content: Content, means: Means) -> Reading:
    header = content.table.header if content.table else ()
    account: Callable[[Row], Found | None]
    account = partial(_by_position if header == _AUTHENTICATOR else _by_name, means=means)
    return entry.collect(NAME, TITLE, row.rows(content.table), account, lambda each: each.text("name"))


def _by_name(each: Row, *, means: Means) -> Found | None:
    code = each.text("logintotp")
    if not code:
        return None
    return entry.from_login(
        means,
        code,
        title=each.text("name"),
        user=each.text("loginusername"),
        groups=[each.text("folder"), *each.text("collections").split(",")],
        favorite=each.flag("favorite"),
    )


def _by_position(each: Row, *, means: Means) -> Found | None:
    """Read a row of Bitwarden Authenticator: a comma of the issuer has moved the code, but a link has none."""
    cells, usual = each.cells, len(_AUTHENTICATOR) - 1
    further = range(usual, len(cells))
    position = next((at for at in further if otpauth.begins_like_link(cells[at])), usual)
    title = ",".join(cells[3 : position - 1])
    moved = Row(each.columns, (*cells[:3], title, "", *cells[position:]))
    return _by_name(moved, means=means)


def hold(found: Found) -> Found:
    """Return the account without note and with one group only."""
    account = found.account
    if account.type == "hotp":
        raise Unusable("Bitwarden has no counter-based codes (HOTP)")
    if account.type == "totp" and account.digits == 10:
        raise Unusable("Bitwarden does not compute codes of 10 digits correctly")
    kept = replace(bare(found, favorite=True), group_names=found.group_names[:1])
    folders = {name: name for name in kept.group_names}
    held = _account(_item(kept, folders), means=Means(None, 0, lambda: account.uuid), groups=folders)
    if held is None or held.account.type != account.type:
        raise Unusable('five digits and the issuer "Steam" would be taken for a Steam code')
    return held


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return an unencrypted JSON export of one personal vault."""
    names = dict.fromkeys(name for each in accounts for name in each.group_names)
    folders = {name: _uuid(means.random(16)) for name in names}
    export = {
        "encrypted": False,
        "folders": [{"id": id_, "name": name} for name, id_ in folders.items()],
        "items": [_item(each, folders) for each in accounts],
    }
    return (json.dumps(export, ensure_ascii=False, indent=2).encode(),)


def _item(found: Found, folders: Mapping[str, str]) -> dict[str, Any]:
    account = found.account
    title, link = account.issuer or account.name, otpauth.write(account, 0)
    if account.type == "steam":
        # The only spelling that it knows; it has no names, so the item's count.
        title, link = account.issuer, f"steam://{base32_encode(account.secret)}"
    elif len(link) > _LINK_LIMIT:
        title, link = account.issuer, otpauth.write(replace(account, issuer="", name=""), 0)
    return {
        "id": account.uuid,
        "organizationId": None,
        "folderId": next((folders[name] for name in found.group_names), None),
        "type": 1,
        "reprompt": 0,
        "name": title,
        "notes": None,
        "favorite": account.favorite,
        "login": {"uris": [], "username": account.name, "password": None, "totp": link},
        "collectionIds": None,
    }


def _uuid(random: bytes) -> str:
    """Return a version 4 uuid (RFC 9562)."""
    digits = bytes(
        (*random[:6], random[6] & 0x0F | 0x40, random[7], random[8] & 0x3F | 0x80, *random[9:])
    ).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
