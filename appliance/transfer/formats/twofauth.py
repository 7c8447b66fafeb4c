"""2FAuth's export: a JSON object, never encrypted.

    {"app": "2fauth_v5.4.0", "schema": 1, "datetime", "data": [...]}
    account: {"otp_type": "totp" | "hotp" | "steamtotp", "service", "account", "secret" (base32), "digits", "algorithm",
              "period", "counter", "icon", "icon_mime", "icon_file" (base64), "legacy_uri"}

No official specification; from the program's own export and its tests. Rules: `legacy_uri` is the same account once
more and is not read. Icons are not kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, collect, found
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged, too_new

NAME: Final = "2fauth"
TITLE: Final = "2FAuth"
_SCHEMA: Final = 1


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a JSON object that names 2FAuth as its maker."""
    app = content.json.get("app") if {"app", "data"} <= content.keys else None
    return isinstance(app, str) and app.lower().startswith("2fauth")


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts in their order."""
    return joined(_read(content.json, means) for content in files)


def _read(root: Mapping[str, Any], means: Means) -> Reading:
    schema, data = root.get("schema"), root["data"]
    if schema is not None and schema != _SCHEMA:
        raise too_new(TITLE, "schema", schema, str(_SCHEMA))
    if not isinstance(data, list):
        raise damaged(TITLE, "its data is not a list")
    icons = sum(1 for raw in data if isinstance(raw, dict) and (raw.get("icon_file") or raw.get("icon")))
    return collect(
        NAME,
        TITLE,
        data,
        lambda raw: _account(Fields(raw), means),
        _name,
        warnings=[f"{icons} icons are not kept"] if icons else (),
    )


def _account(fields: Fields, means: Means) -> Found:
    return found(
        means,
        kind=fields.text("otp_type"),
        issuer=fields.text("service"),
        name=fields.text("account"),
        secret=fields.text("secret"),
        algorithm=fields.text("algorithm"),
        digits=fields.whole("digits"),
        period=fields.whole("period"),
        counter=fields.whole("counter"),
    )


def _name(raw: object) -> str:
    fields = Fields(raw)
    return ":".join(filter(None, (fields.text("service"), fields.text("account"))))
