"""Aegis's exports and vault files, plain or encrypted with a password.

A JSON object of `version` (1), `header` and `db`. Plain: `db` is the database itself. Encrypted: see `aegis_seal`. The
database has a `version` (1 to 3), `entries` and, since 3, `groups`; before that each entry has the name of its `group`.
Source: Aegis's docs/vault.md and source.

Rules: an entry's uuid is not taken over, as some programs repeat them. This appliance's own vault file and its backups
have this form too: their passphrase and recovery key are passwords here, and what Aegis would ignore in them is ignored.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.formats import aegis_seal
from appliance.transfer.formats.aegis_seal import TITLE
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import damaged, too_new
from appliance.vault.model import base32_encode

__all__ = ["NAME", "TITLE", "hold", "read", "recognises", "write", "write_plain"]

NAME: Final = "aegis"
_VERSION: Final = 1
_DATABASE_VERSION: Final = 3


def recognises(content: Content, _means: Means) -> bool:
    """Whether the file has the three parts of a vault."""
    return content.keys >= {"version", "header", "db"}


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files, with their groups, notes and favourites."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    try:
        file = Fields(content.json)
        _check_age(file, "format version", _VERSION)
        plain = file.raw["db"]
        encrypted = isinstance(plain, str)
        database = Fields(Content(aegis_seal.unsealed(file, means)).json if encrypted else plain)
        _check_age(database, "database version", _DATABASE_VERSION)
        entries, groups = database.items("entries"), _group_names(database.items("groups"))
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    icons = sum(1 for raw in entries if isinstance(raw, dict) and raw.get("icon"))
    return entry.collect(
        NAME,
        TITLE,
        entries,
        lambda raw: _account(Fields(raw), groups, means),
        _called,
        encrypted=encrypted,
        warnings=[f"{icons} icon{'s are' if icons > 1 else ' is'} not kept"] if icons else [],
    )


def _check_age(versioned: Fields, what: str, known: int) -> None:
    number = versioned.raw.get("version")
    if not isinstance(number, int) or number < 1:
        raise Unusable(f"it has no {what}")
    if number > known:
        raise too_new(TITLE, what, number, f"up to {known}")


def _group_names(groups: Sequence[Any]) -> Mapping[str, str]:
    pairs = ((group.get("uuid"), group.get("name")) for group in groups if isinstance(group, dict))
    return {uuid: name for uuid, name in pairs if isinstance(uuid, str) and isinstance(name, str)}


def _account(fields: Fields, groups: Mapping[str, str], means: Means) -> Found:
    info = fields.inner("info")
    uuids = filter(groups.get, (uuid for uuid in fields.items("groups") if isinstance(uuid, str)))
    return entry.found(
        means,
        kind=fields.text("type"),
        issuer=fields.text("issuer"),
        name=fields.text("name"),
        secret=info.text("secret"),
        algorithm=info.text("algo"),
        digits=info.whole("digits"),
        period=info.whole("period"),
        counter=info.whole("counter"),
        # `group` until version 3: the name of the only one.
        groups=[fields.text("group"), *(groups[uuid] for uuid in uuids)],
        note=fields.text("note"),
        favorite=fields.flag("favorite"),
    )


def _called(raw: object) -> str:
    fields = Fields(raw)
    return ":".join(filter(None, (fields.text("issuer"), fields.text("name"))))


def hold(found: Found) -> Found:
    """Return the account as it is: Aegis has a place for all of it."""
    groups = {name: name for name in found.group_names}
    return _account(
        Fields(_entry(found, "", groups)), groups, Means(None, 0, new_uuid=lambda: found.account.uuid)
    )


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return an encrypted export."""
    header, db = aegis_seal.sealed(_json(_database(accounts, means)), means)
    return (_json({"version": _VERSION, "header": header, "db": db}),)


def write_plain(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return an export without encryption."""
    header = {"slots": None, "params": None}
    return (_json({"version": _VERSION, "header": header, "db": _database(accounts, means)}),)


def _database(accounts: Sequence[Found], means: WriteMeans) -> Mapping[str, Any]:
    names = dict.fromkeys(name for found in accounts for name in found.group_names)
    groups = {name: means.new_uuid() for name in names}
    return {
        "version": _DATABASE_VERSION,
        "entries": [_entry(found, means.new_uuid(), groups) for found in accounts],
        "groups": [{"uuid": uuid, "name": name} for name, uuid in groups.items()],
        "icons_optimized": True,
    }


def _entry(found: Found, uuid: str, groups: Mapping[str, str]) -> Mapping[str, Any]:
    account = found.account
    timing = {"counter": found.counter} if account.type == "hotp" else {"period": account.period}
    return {
        "type": account.type,
        "uuid": uuid,
        "name": account.name,
        "issuer": account.issuer,
        "note": account.note,
        "favorite": account.favorite,
        "icon": None,
        "info": {
            # Canonical: Aegis refuses a base32 text of a length that no bytes have.
            "secret": base32_encode(account.secret),
            "algo": account.algorithm,
            "digits": account.digits,
            **timing,
        },
        "groups": [groups[name] for name in found.group_names],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
