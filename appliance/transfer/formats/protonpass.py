"""Proton Pass's export: a zip archive whose member `Proton Pass/data.json` is a JSON object, or that object alone.

    {"version", "userId", "encrypted", "vaults": {id: {"name", "items": [...]}}}
    item: {"state": 1 | 2 (trash), "pinned", "data": {"metadata": {"name", "note"}, "extraFields": [...],
           "content": {"totpUri", "itemUsername", "itemEmail"}}}
    extra field: {"fieldName", "type": "totp", "data": {"totpUri"}}

No official specification; from exports of the program. Rules: `totpUri` is a link or a bare secret. Vaults are groups if
there are several. What is in the trash is skipped, and so are the codes in an item's extra fields, each with its name.
Notes stay behind: they are about the password. The encrypted export is an OpenPGP message, which cannot be opened here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.errors import CannotRead
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable, collect, from_login
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import cannot_read, damaged

NAME: Final = "proton-pass"
TITLE: Final = "Proton Pass"
_PLAIN: Final = "Proton Pass/data.json"
_SEALED: Final = "Proton Pass/data.pgp"
_TRASHED: Final = 2
_EXTRA: Final = (
    "it is in an extra field, and only the item's own code is read; copy its secret from Proton Pass"
)


@dataclass(frozen=True, slots=True)
class _Code:
    """One code of an item, or what is wrong with it."""

    item: Fields
    text: str = field(repr=False)
    vault: str
    label: str = ""
    """Of an extra field."""
    problem: str = ""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a zip archive with Proton Pass's member, or its JSON object."""
    if content.archive is not None:
        return _member(content, _PLAIN) is not None or _member(content, _SEALED) is not None
    if content.begins_like_json:
        named = "vaults" in content.keys and not content.keys.isdisjoint({"userId", "version"})
        return named and isinstance(content.json["vaults"], dict)
    return False


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the codes of all items, in the order of their vaults."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    codes: list[_Code] = []
    trashed = 0
    for raw, vault in _items(_data(content, means)):
        of_item = list(_codes(raw, vault))
        if of_item and of_item[0].item.raw.get("state") == _TRASHED:
            trashed += 1
        else:
            codes += of_item
    return collect(
        NAME,
        TITLE,
        codes,
        lambda code: _account(code, means),
        _name,
        warnings=[f"{trashed} trashed item{'s' * (trashed > 1)} with codes left out"] if trashed else (),
    )


def _data(content: Content, means: Means) -> Any:
    data = content
    if content.archive is not None:
        member = _member(content, _PLAIN)
        if member is None:
            raise _sealed()
        data = Content(content.archive.read(member, TITLE, means.password))
    if not isinstance(data.json, dict) or not isinstance(data.json.get("vaults"), dict):
        raise damaged(TITLE, data.json_problem or "it holds no vaults")
    return data.json


def _sealed() -> CannotRead:
    return cannot_read(
        TITLE,
        "it is encrypted with OpenPGP, which can't be opened here",
        "unpack it, gpg --decrypt it and import what comes out; or export without encryption, and delete that file",
    )


def _member(content: Content, name: str) -> str | None:
    # An archive that was unpacked and packed again has folders in front.
    names = content.archive.names if content.archive is not None else ()
    return next((each for each in names if each == name or each.endswith(f"/{name}")), None)


def _items(root: Any) -> Iterator[tuple[object, str]]:
    vaults = list(root["vaults"].values())
    for vault in vaults:
        items = vault.get("items") if isinstance(vault, dict) else False
        if not isinstance(items, list | None):
            raise damaged(TITLE, "the items of a vault are not a list")
        name = vault.get("name") if len(vaults) > 1 else ""
        for item in items or ():
            yield item, name if isinstance(name, str) else ""


def _codes(raw: object, vault: str) -> Iterator[_Code]:
    item = Fields({})
    try:
        item = Fields(raw)
        data = item.inner("data")
        text = data.inner("content").text("totpUri")
        if text.strip():
            yield _Code(item, text, vault)
        for each in data.items("extraFields"):
            extra = Fields(each)
            if extra.text("type") == "totp" and extra.inner("data").text("totpUri").strip():
                yield _Code(item, "", vault, extra.text("fieldName") or "extra field", _EXTRA)
    except Unusable as problem:
        yield _Code(item, "", vault, problem=str(problem))


def _account(code: _Code, means: Means) -> Found:
    if code.problem:
        raise Unusable(code.problem)
    data = code.item.inner("data")
    metadata, content = data.inner("metadata"), data.inner("content")
    return from_login(
        means,
        code.text,
        title=metadata.text("name"),
        user=content.text("itemUsername") or content.text("itemEmail") or content.text("username"),
        groups=[code.vault],
        favorite=code.item.flag("pinned"),
    )


def _name(code: _Code) -> str:
    return ": ".join(filter(None, (code.item.inner("data").inner("metadata").text("name"), code.label)))
