"""Links to accounts, one a line, as many programs export them; a single pasted link is one too.

Reads otpauth://, apple-otpauth:// and steam:// links. Rules: blank lines and lines that begin with `#` do not count; a
line that cannot be read is skipped with its number and its reason. Byte order marks, quotes around a link and any kind
of line end are taken. Source: see `vault.otpauth`.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer.content import Content
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, Skipped, WriteMeans
from appliance.vault import otpauth

NAME: Final = "uri-list"
TITLE: Final = "link list"


def recognises(content: Content, _means: Means) -> bool:
    """Whether any line of the text claims to be a link."""
    return not content.begins_like_json and any(otpauth.begins_like_link(line) for _, line in content.lines)


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all links, in the order of the files and their lines."""
    found: list[Found] = []
    skipped: list[Skipped] = []
    warnings: list[str] = []
    for index, content in enumerate(files, 1):
        for number, line in content.lines:
            where = f"line {number}" if len(files) == 1 else f"file {index}, line {number}"
            try:
                parsed = otpauth.parse(line, uuid=means.new_uuid())
            except otpauth.NotOtpauth as error:
                skipped.append(Skipped(where, str(error)))
                continue
            found.append(Found(parsed.account, parsed.counter, parsed.secret_text))
            warnings.extend(f"{where}: {warning}" for warning in parsed.warnings)
    return Reading(
        NAME, encrypted=False, found=tuple(found), skipped=tuple(skipped), warnings=tuple(warnings)
    )


def hold(found: Found) -> Found:
    """Return the account without note, groups and favourite mark, and as a link brings its names back."""
    held = bare(found)
    parsed = otpauth.parse(otpauth.write(held.account, held.counter), uuid=held.account.uuid)
    return Found(parsed.account, parsed.counter, parsed.secret_text)


def write(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return a text with one link a line."""
    return ("".join(f"{otpauth.write(each.account, each.counter)}\n" for each in accounts).encode(),)
