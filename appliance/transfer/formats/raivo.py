"""Raivo OTP (iOS): the zip archive of its export, by password, and the JSON inside of it.

The archive (WinZip's AES, or ZipCrypto) holds `raivo-otp-export.json`: a list of objects whose values are texts, numbers
too: `kind` TOTP or HOTP, `issuer`, `account`, `secret` (base32), `algorithm`, `digits`, `timer` (the period), `counter`,
`pinned`, and `iconType` and `iconValue`, which name a picture in the app. No official specification; seen in files of
the app.
"""

from collections.abc import Sequence
from typing import Any, Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.transfer.trouble import damaged

NAME: Final = "raivo"
TITLE: Final = "Raivo"
_MEMBER: Final = "raivo-otp-export.json"


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is an archive with the app's file in it, or the list of that file."""
    return _member(content) is not None or _is_list(content.json)


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    encrypted = False
    archive, member = content.archive, _member(content)
    if archive is not None and member is not None:
        encrypted = archive.encrypted(member)
        content = Content(archive.read(member, TITLE, means.password))
    entries = content.json
    if not isinstance(entries, list):
        raise damaged(TITLE, content.json_problem or "it holds no list of accounts")
    icons = sum(isinstance(each, dict) and bool(each.get("iconValue")) for each in entries)
    return entry.collect(
        NAME,
        TITLE,
        entries,
        lambda one: _account(Fields(one), means),
        lambda one: Fields(one).text("account") or Fields(one).text("issuer"),
        encrypted=encrypted,
        warnings=(f"{icons} icons are not kept",) if icons else (),
    )


def _account(one: Fields, means: Means) -> Found:
    return entry.found(
        means,
        kind=one.text("kind"),
        issuer=one.text("issuer"),
        name=one.text("account"),
        secret=one.text("secret"),
        algorithm=one.text("algorithm"),
        digits=one.whole("digits"),
        period=one.whole("timer"),
        counter=one.whole("counter"),
        favorite=one.flag("pinned"),
    )


def _member(content: Content) -> str | None:
    names = content.archive.names if content.archive is not None else ()
    return next((name for name in names if name.rpartition("/")[2] == _MEMBER), None)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and {"kind", "account", "secret", "timer"} <= each.keys() for each in value
    )
