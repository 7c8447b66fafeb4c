"""2FAS's backup files (.2fas), plain or encrypted with a password.

A JSON object of `schemaVersion` (1 to 4), `services` and `groups`; each service has a `name`, a `secret` and the
details in `otp`. Encrypted, `services` is empty, and `servicesEncrypted` has them: see `twofas_seal`. No official
specification; source: the apps for Android and iOS, which differ in what they leave out.

Rules: the secret is that of the service, never that of `otp.link`, which iOS blanks out. The issuer is `otp.issuer`, or
else the service's name; the name is what a person edited (`otp.account`), or else that of the label, or else that of the
link. A TOTP account of five digits whose issuer is "Steam" is one of Steam's own codes, as OTPClient writes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.formats import twofas_seal
from appliance.transfer.formats.twofas_seal import TITLE
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import damaged, too_new
from appliance.vault.model import STEAM_DIGITS, base32_encode

__all__ = ["NAME", "TITLE", "hold", "read", "recognises", "write", "write_plain"]

NAME: Final = "2fas"
_SCHEMA: Final = 4
_DIGITS: Final = range(5, 9)
_PERIODS: Final = (10, 30, 60, 90)
"""Seconds; the app for iOS takes any other for 30 and shows wrong codes."""
_LINK: Final = 4_000
"""Letters of a link that are looked at; decoding takes a hundred times their memory."""
_SECRET_BYTES: Final = range(2, 321)
"""The app for iOS drops accounts with less than 4 or more than 512 letters of base32."""
_ICON: Final = {
    "selected": "IconCollection",
    "iconCollection": {"id": "a5b3fb65-4ec5-43e6-8ec1-49e24ca9e7ad"},
}
"""The one that stands for none; the app for iOS refuses a file without."""


def recognises(content: Content, _means: Means) -> bool:
    """Whether the file has services and the number of a schema."""
    return "schemaVersion" in content.keys and not content.keys.isdisjoint({"services", "servicesEncrypted"})


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files, with the groups that they are in."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    try:
        file = Fields(content.json)
        schema = file.whole("schemaVersion") or 0
        if schema > _SCHEMA:
            raise too_new(TITLE, "schema version", schema, f"up to {_SCHEMA}")
        groups = _group_names(file.items("groups"))
        services = file.items("services")
        encrypted = bool(file.text("servicesEncrypted") or (file.text("reference") and not services))
        if encrypted:
            services = _unsealed(file, means)
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    return entry.collect(
        NAME,
        TITLE,
        services,
        lambda raw: _account(Fields(raw), groups, means),
        _called,
        encrypted=encrypted,
    )


def _group_names(groups: Sequence[Any]) -> Mapping[str, str]:
    pairs = ((group.get("id"), group.get("name")) for group in groups if isinstance(group, dict))
    return {id_: name for id_, name in pairs if isinstance(id_, str) and isinstance(name, str)}


def _account(fields: Fields, groups: Mapping[str, str], means: Means) -> Found:
    otp = fields.inner("otp")
    group = groups.get(fields.text("groupId"))
    name = _name(otp)
    return entry.found(
        means,
        kind=_kind(otp),
        issuer=_issuer(fields, otp, name),
        name=name,
        secret=fields.text("secret"),
        algorithm=otp.text("algorithm"),
        digits=otp.whole("digits"),
        period=otp.whole("period"),
        counter=otp.whole("counter"),
        groups=[group] if group else [],
    )


def _kind(otp: Fields) -> str:
    kind = otp.text("tokenType")
    named = otp.text("issuer").strip().casefold() == "steam" and otp.whole("digits") == STEAM_DIGITS
    return "steam" if named and kind.strip().lower() in {"", "totp"} else kind


def _called(raw: object) -> str:
    fields = Fields(raw)
    return ":".join(filter(None, (fields.text("name"), fields.inner("otp").text("account"))))


def _name(otp: Fields) -> str:
    """Return the account's name: an edited one first, then that of the label, then that of the link's label."""
    if account := otp.text("account").strip():
        return account
    label = otp.text("label")
    if not label.strip():
        _, _, path = otp.text("link")[:_LINK].partition("://")
        label = unquote(path.partition("/")[2].partition("?")[0])
    return entry.split_label(label)[1]


def _issuer(fields: Fields, otp: Fields, name: str) -> str:
    issuer, service = otp.text("issuer"), fields.text("name")
    # A service must be called something: without an issuer `write` calls it as the account, and means no more by it.
    unnamed = otp.raw.get("issuer") == "" and service == name
    return issuer if issuer.strip() or unnamed else service


def _unsealed(file: Fields, means: Means) -> list[Any]:
    services = Content(twofas_seal.unsealed(file, means)).json
    if not isinstance(services, list):
        raise Unusable("its services are no list")
    return services


def hold(found: Found) -> Found:
    """Return the account with the first of its groups, and without note and favourite mark.

    Raises Unusable for what an app of 2FAS would drop, or show wrong codes of.
    """
    account = found.account
    if account.digits not in _DIGITS:
        raise Unusable(f"2FAS knows codes of {_DIGITS[0]} to {_DIGITS[-1]} digits only")
    if account.period not in _PERIODS:
        raise Unusable("2FAS knows periods of 10, 30, 60 and 90 seconds only")
    if len(account.secret) not in _SECRET_BYTES:
        raise Unusable(f"2FAS knows secrets of {_SECRET_BYTES[0]} to {_SECRET_BYTES[-1]} bytes only")
    groups = {name: name for name in found.group_names}
    means = Means(None, 0, new_uuid=lambda: account.uuid)
    held = _account(Fields(_service(found, 0, groups, 0)), groups, means)
    if held.account.type != account.type:
        raise Unusable('five digits and the issuer "Steam" would be taken for a Steam code')
    return held


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return an encrypted backup."""
    groups = _new_groups(accounts, means)
    services = _json(_services(accounts, groups, means))
    return (_json({"services": [], **twofas_seal.sealed(services, means), **_around(groups, means)}),)


def write_plain(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return a backup without encryption."""
    groups = _new_groups(accounts, means)
    return (_json({"services": _services(accounts, groups, means), **_around(groups, means)}),)


def _around(groups: Mapping[str, str], means: WriteMeans) -> dict[str, Any]:
    return {
        "groups": [
            {"id": id_, "name": name, "isExpanded": True, "updatedAt": means.now * 1000}
            for name, id_ in groups.items()
        ],
        "updatedAt": means.now * 1000,
        "schemaVersion": _SCHEMA,
        "appVersionCode": 5_000_000,
        "appVersionName": "5.0.0",
        "appOrigin": "android",
    }


def _new_groups(accounts: Sequence[Found], means: WriteMeans) -> Mapping[str, str]:
    names = dict.fromkeys(name for found in accounts for name in found.group_names)
    return {name: means.new_uuid() for name in names}


def _services(
    accounts: Sequence[Found], groups: Mapping[str, str], means: WriteMeans
) -> Sequence[Mapping[str, Any]]:
    return [_service(found, position, groups, means.now) for position, found in enumerate(accounts)]


def _service(found: Found, position: int, groups: Mapping[str, str], now: int) -> Mapping[str, Any]:
    account = found.account
    otp: dict[str, Any] = {
        "label": account.name,
        "account": account.name,
        "issuer": account.issuer,
        "digits": account.digits,
        "period": account.period,
        "algorithm": account.algorithm,
        "counter": found.counter,
        "tokenType": account.type.upper(),
        "source": "Manual",
    }
    group = found.group_names[:1]
    return {
        "name": account.issuer or account.name,
        "secret": base32_encode(account.secret),
        "updatedAt": now * 1000,
        "otp": otp,
        "order": {"position": position},
        "icon": _ICON,
        **({"groupId": groups[group[0]]} if group else {}),
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
