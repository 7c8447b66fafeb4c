"""Enpass's JSON export: a password manager's items, some with one-time codes.

    {"folders": [{"uuid", "title"}], "items": [{"uuid", "title", "category", "template_type", "favorite", "trashed",
      "folders": [uuid], "fields": [{"type": "username" | "email" | "totp" | …, "value", "deleted"}]}]}

A field of the type `totp` holds an otpauth:// link or a bare secret; an item may have several. No official
specification; source: what other programs' importers of it look for.

Rules: items without a code are passed over, those in the trash left out and counted, archived ones kept. Folders
become groups. Passwords and notes are never looked at: they belong to the login and not to its code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means, Reading, joined

NAME: Final = "enpass"
TITLE: Final = "Enpass"
_USERS: Final = ("username", "email")


@dataclass(frozen=True, slots=True)
class _Code:
    """A code of an item; or an item that can't be looked at, as `problem` says."""

    title: str
    value: str = field(default="", repr=False)
    user: str = ""
    groups: tuple[str, ...] = ()
    favorite: bool = False
    problem: str = ""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a JSON object of items that have a template or category, and no `login` as Bitwarden's."""
    items = content.json["items"] if "items" in content.keys else None
    return isinstance(items, list) and any(map(_is_item, items))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all items that have a code."""
    return joined(_read(content, means) for content in files)


def _is_item(raw: object) -> bool:
    return isinstance(raw, dict) and {"title", "fields"} <= raw.keys() and not {"login", "id"} & raw.keys()


def _read(content: Content, means: Means) -> Reading:
    items: list[Any] = content.json["items"]
    groups = dict(_named(content.json.get("folders")))
    kept = [raw for raw in items if not _is_trashed(raw)]
    trashed = sum(1 for raw in items if _is_trashed(raw) and any(_codes(raw, groups)))
    return entry.collect(
        NAME,
        TITLE,
        (code for raw in kept for code in _codes(raw, groups)),
        partial(_account, means=means),
        lambda code: code.title,
        warnings=[f"items of the trash that are left out: {trashed}"] if trashed else [],
    )


def _named(folders: object) -> Iterator[tuple[str, str]]:
    """Yield uuids and titles; a folder without them costs its name only."""
    for folder in folders if isinstance(folders, list) else []:
        if isinstance(folder, dict):
            uuid, title = folder.get("uuid"), folder.get("title")
            if isinstance(uuid, str) and isinstance(title, str):
                yield uuid, title


def _is_trashed(raw: object) -> bool:
    return isinstance(raw, dict) and bool(raw.get("trashed"))


def _codes(raw: object, groups: Mapping[str, str]) -> Iterator[_Code]:
    try:
        item = Fields(raw)
        title = item.text("title")
        fields = [each for each in map(Fields, item.items("fields")) if not each.flag("deleted")]
        values = [each.text("value").strip() for each in fields if each.text("type").lower() == "totp"]
        uuids = [each for each in item.items("folders") if isinstance(each, str)]
        names = tuple(groups[uuid] for uuid in uuids if uuid in groups)
        user = next(filter(None, (_first(fields, kind) for kind in _USERS)), "")
        favorite = item.flag("favorite")
    except Unusable as problem:
        yield _Code("", problem=str(problem))
        return
    for value in filter(None, values):
        yield _Code(title, value, user, names, favorite)


def _first(fields: Sequence[Fields], kind: str) -> str:
    values = (each.text("value").strip() for each in fields if each.text("type").lower() == kind)
    return next(filter(None, values), "")


def _account(code: _Code, *, means: Means) -> Found:
    if code.problem:
        raise Unusable(code.problem)
    return entry.from_login(
        means, code.value, title=code.title, user=code.user, groups=code.groups, favorite=code.favorite
    )
