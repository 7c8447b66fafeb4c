"""A text with one link a line, as many programs export it; a single pasted link is one too.

Rules: blank lines and lines that begin with `#` do not count; a line that cannot be read is skipped with its
number and its reason. Byte order marks, quotes around a link and any kind of line end are taken.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Final

from appliance.transfer.found import Found, Means, Reading, Skipped
from appliance.vault import otpauth

NAME: Final = "uri-list"


def recognises(content: bytes, _means: Means) -> bool:
    """Whether any line of the text claims to be a link."""
    return any(otpauth.begins_like_link(line) for _, line in _lines(content))


def read(files: Sequence[bytes], means: Means) -> Reading:
    """Return the accounts of all links, in the order of the files and their lines."""
    found: list[Found] = []
    skipped: list[Skipped] = []
    warnings: list[str] = []
    for index, content in enumerate(files, 1):
        for number, line in _lines(content):
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


def empty(content: bytes) -> bool:
    """Whether this is a text of nothing but blank lines and comments."""
    return _text(content) is not None and not _lines(content)


def _lines(content: bytes) -> list[tuple[int, str]]:
    """Return the lines that count, with their numbers from 1; none if this is no text."""
    # Not splitlines(): it also splits at characters that a raw label may hold, such as U+2028.
    lines = enumerate(re.split(r"\r\n|\r|\n", _text(content) or ""), 1)
    return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]


def _text(content: bytes) -> str | None:
    """Return the text; None for binary content. A byte that is not UTF-8 costs one letter and not the account."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    return None if b"\0" in content else content.decode("utf-8-sig", errors="replace")
