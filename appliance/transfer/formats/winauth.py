"""WinAuth (Windows): its export as text, and the zip archive of it, by password.

The text has an otpauth:// link a line. Battle.net's accounts are ordinary ones of eight digits. A link to a Steam
account has `data=`, Steam's own JSON, whose `shared_secret` (base64) is the secret: what stands in `secret=` need not
be. The archive holds this one text and nothing else. No official specification: the rules are those of the program's
source (WinAuthAuthenticator.ToUrl). Texts without Steam accounts can't be told from other lists of links, and
need not be.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote_plus

from appliance.errors import FileDamaged
from appliance.transfer.content import Content
from appliance.transfer.formats import links
from appliance.transfer.found import Means, Reading, joined
from appliance.transfer.trouble import damaged
from appliance.vault.model import base32_encode
from appliance.vault.otpauth import begins_like_link

NAME: Final = "winauth"
TITLE: Final = "WinAuth"


def recognises(content: Content, means: Means) -> bool:
    """Whether it is a list of links with Steam's data in one of them, or an archive of one text."""
    archive, member = content.archive, _member(content)
    if archive is None or member is None:
        return any(_shared_secret(line) for _, line in content.lines if begins_like_link(line))
    if archive.encrypted(member):
        return True
    try:
        return links.recognises(Content(archive.read(member, TITLE)), means)
    except FileDamaged:
        return False


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    encrypted = False
    archive, member = content.archive, _member(content)
    if archive is not None and member is not None:
        encrypted = archive.encrypted(member)
        content = Content(archive.read(member, TITLE, means.password))
    if content.lines and not links.recognises(content, means):
        raise damaged(TITLE, "there are no otpauth:// links in it")
    reading = links.read([_with_shared_secrets(content)], means)
    return replace(reading, format=NAME, encrypted=encrypted)


def _member(content: Content) -> str | None:
    names = content.archive.names if content.archive is not None else ()
    return names[0] if len(names) == 1 and names[0].lower().endswith(".txt") else None


def _with_shared_secrets(content: Content) -> Content:
    """Return the list with each link in its old line, as the lines that can't be read are told by number."""
    lines = [""] * max((number for number, _ in content.lines), default=0)
    for number, line in content.lines:
        lines[number - 1] = _with_shared_secret(line)
    return Content("\n".join(lines).encode(errors="replace"))


def _with_shared_secret(line: str) -> str:
    """Return a link whose first `secret` is that of Steam's data, if it has any: the first of each parameter counts."""
    secret = _shared_secret(line)
    if not secret:
        return line
    label, _, query = line.partition("?")
    return f"{label}?secret={base32_encode(secret)}&encoder=steam&{query}"


def _shared_secret(line: str) -> bytes:
    parameters = (parameter.partition("=") for parameter in line.partition("?")[2].split("&"))
    steam_data = next((unquote_plus(value) for name, _, value in parameters if name.lower() == "data"), "")
    fields = Content(steam_data.encode(errors="replace")).json
    shared = fields.get("shared_secret") if isinstance(fields, dict) else None
    try:
        return base64.b64decode(shared, validate=True) if isinstance(shared, str) else b""
    except ValueError:
        return b""
