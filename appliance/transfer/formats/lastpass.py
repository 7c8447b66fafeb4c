"""LastPass Authenticator's export: a JSON object, never encrypted.

    {"deviceId", "localDeviceId", "deviceName", "version": 3 (Android) | 1 (iOS), "accounts": [...], "folders": [...]}
    account: {"issuerName", "originalIssuerName", "userName", "originalUserName", "secret" (base32), "timeStep", "digits",
              "algorithm", "pushNotification", "isFavorite", "folderData": {"folderId"}}
    folder:  {"id", "name"}; 0 is "Other accounts" and 1 is "Favorites"

No official specification; from exports of both apps and from the programs that read them. Rules: all accounts are TOTP.
A name that is missing is the one from before the owner changed it. An account that only answers push messages has no
secret and is skipped. The two built-in folders are no groups: one means "none", the other is the mark of a favourite.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable, collect, found, whole
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged, too_new

NAME: Final = "lastpass"
TITLE: Final = "LastPass Authenticator"
_NEWEST: Final = 3
_BUILT_IN: Final = frozenset({0, 1})


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a JSON object with accounts, a version and a device."""
    keys = content.keys
    return {"accounts", "version"} <= keys and not keys.isdisjoint(
        {"deviceId", "localDeviceId", "deviceName"}
    )


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts in their order."""
    return joined(_read(content.json, means) for content in files)


def _read(root: Mapping[str, Any], means: Means) -> Reading:
    version, accounts = root["version"], root["accounts"]
    if not isinstance(version, int) or not 1 <= version <= _NEWEST:
        raise too_new(TITLE, "version", version, f"1 to {_NEWEST}")
    if not isinstance(accounts, list):
        raise damaged(TITLE, "its accounts are not a list")
    folders = _folders(root.get("folders"))
    return collect(NAME, TITLE, accounts, lambda raw: _account(Fields(raw), folders, means), _name)


def _account(fields: Fields, folders: Mapping[int, str], means: Means) -> Found:
    secret = fields.text("secret")
    if not secret.strip() and fields.flag("pushNotification"):
        raise Unusable("it is approved by push messages and has no codes")
    folder = fields.inner("folderData").whole("folderId")
    return found(
        means,
        kind="totp",
        issuer=_either(fields, "issuerName", "originalIssuerName"),
        name=_either(fields, "userName", "originalUserName"),
        secret=secret,
        algorithm=fields.text("algorithm"),
        digits=fields.whole("digits"),
        period=fields.whole("timeStep"),
        groups=[folders.get(folder, "")] if folder is not None else (),
        favorite=fields.flag("isFavorite"),
    )


def _name(raw: object) -> str:
    fields = Fields(raw)
    names = (
        _either(fields, "issuerName", "originalIssuerName"),
        _either(fields, "userName", "originalUserName"),
    )
    return ":".join(filter(None, names))


def _either(fields: Fields, name: str, original: str) -> str:
    return fields.text(name) or fields.text(original)


def _folders(listed: object) -> dict[int, str]:
    """Return the names of the owner's folders by number; one that has no number or name is nobody's folder."""
    names: dict[int, str] = {}
    for raw in listed if isinstance(listed, list) else ():
        try:
            fields = Fields(raw)
            number = whole(fields.raw.get("id"), "id")
            if number is not None and number not in _BUILT_IN:
                names[number] = fields.text("name")
        except Unusable:
            continue
    return names
