"""1Password's unencrypted export (.1pux): a zip archive whose member `export.data` is a JSON object.

    {"accounts": [{"vaults": [{"attrs": {"name"}, "items": [...]}]}]}
    item: {"state": "active" | "archived", "favIndex", "overview": {"title", "tags"}, "details": {"loginFields":
           [{"designation": "username", "value"}], "notesPlain", "sections": [{"fields": [{"value": {"totp"}}]}]}}

Source: 1Password's page "About the 1Password Unencrypted Export format"; early files have each item inside an object
`item`. Rules: an item may have several codes, each of which is an account: a link or a bare secret. Tags are groups, and
so are the vaults if there are several. Archived items are skipped. Passwords, notes and attached files are not looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.transfer.archive import Archive
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable, collect, from_login
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged

NAME: Final = "1pux"
TITLE: Final = "1Password"
_MEMBER: Final = "export.data"


@dataclass(frozen=True, slots=True)
class _Code:
    """One code of an item, or what is wrong with the item."""

    item: Fields
    text: str = field(repr=False)
    vault: str
    problem: str = ""


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a zip archive with 1Password's member."""
    return content.archive is not None and _MEMBER in content.archive.names


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the codes of all items, in the order of their vaults."""
    return joined(_read(content.archive, means) for content in files if content.archive is not None)


def _read(archive: Archive, means: Means) -> Reading:
    data = Content(archive.read(_MEMBER, TITLE, means.password))
    if not isinstance(data.json, dict) or "accounts" not in data.keys:
        raise damaged(TITLE, data.json_problem or f"its {_MEMBER} holds no accounts")
    codes: list[_Code] = []
    archived = 0
    for raw, vault in _items(data.json):
        of_item = list(_codes(raw, vault))
        if of_item and of_item[0].item.raw.get("state") == "archived":
            archived += 1
        else:
            codes += of_item
    return collect(
        NAME,
        TITLE,
        codes,
        lambda code: _account(code, means),
        lambda code: code.item.inner("overview").text("title"),
        warnings=[f"{archived} archived item{'s' * (archived > 1)} with codes left out"] if archived else (),
    )


def _items(root: dict[str, Any]) -> Iterator[tuple[object, str]]:
    vaults = [vault for account in _list(root, "accounts") for vault in _list(account, "vaults")]
    for vault in vaults:
        name = None
        if len(vaults) > 1 and isinstance(vault.get("attrs"), dict):
            name = vault["attrs"].get("name")
        for item in _list(vault, "items"):
            yield item, name if isinstance(name, str) else ""


def _list(raw: Any, key: str) -> list[Any]:
    value = raw.get(key) if isinstance(raw, dict) else False
    if not isinstance(value, list | None):
        raise damaged(TITLE, f"its {key} are not a list")
    return value or []


def _codes(raw: object, vault: str) -> Iterator[_Code]:
    item = Fields({})
    try:
        item = Fields(raw)
        if "item" in item.raw:
            item = item.inner("item")
        for section in item.inner("details").items("sections"):
            for each in Fields(section).items("fields"):
                value = Fields(each).raw.get("value")
                text = Fields(value).text("totp") if isinstance(value, dict) else ""
                if text.strip():
                    yield _Code(item, text, vault)
    except Unusable as problem:
        yield _Code(item, "", vault, str(problem))


def _account(code: _Code, means: Means) -> Found:
    if code.problem:
        raise Unusable(code.problem)
    overview, details = code.item.inner("overview"), code.item.inner("details")
    tags = [tag for tag in overview.items("tags") if isinstance(tag, str)]
    return from_login(
        means,
        code.text,
        title=overview.text("title"),
        user=_user(details),
        groups=[code.vault, *tags],
        favorite=(code.item.whole("favIndex") or 0) > 0,
    )


def _user(details: Fields) -> str:
    for raw in details.items("loginFields"):
        login = Fields(raw)
        if login.text("designation") == "username":
            return login.text("value")
    return ""
