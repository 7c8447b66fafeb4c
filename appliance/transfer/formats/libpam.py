"""The file ~/.google_authenticator of google-authenticator-libpam, which asks for codes at a Linux login.

    GEZDGNBVGY3TQOJQGEZDGNBVGY      the secret (base32)
    " TOTP_AUTH                     or: " HOTP_COUNTER n, the counter of the code that is accepted next
    " STEP_SIZE n                   the period, if it is not 30
    " RATE_LIMIT 3 30               and other options of the server
    12345678                        scratch codes: each replaces a code once

Source: the file FILEFORMAT of google-authenticator-libpam. Rules: a counter wins over TOTP_AUTH, as in the program; codes
are of SHA1 and six digits. The file names nobody, so the issuer is "PAM". Scratch codes are not kept.
"""

import re
from collections.abc import Sequence
from typing import Final

from appliance.transfer.content import Content
from appliance.transfer.entry import Unusable, collect, found, whole
from appliance.transfer.found import Found, Means, Reading, joined

NAME: Final = "google-authenticator-libpam"
TITLE: Final = "google-authenticator-libpam"
_SIZE_LIMIT: Final = 64 << 10
"""Bytes; FILEFORMAT says 1 kB."""
_ISSUER: Final = "PAM"
_SECRET: Final = re.compile(r"[A-Za-z2-7 -]+=*")
_OPTION: Final = re.compile(r'" ([A-Z]+(?:_[A-Z]+)+)(?: (.*))?')
_SCRATCH: Final = re.compile(r"[0-9]{8}")
_UNNAMED: Final = (
    f'the file has no names: its account is called "{_ISSUER}"; give it the name of the computer'
)


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is small, its first line may be a secret, and a later one is an option."""
    lines = [line.strip() for _, line in content.lines] if len(content.data) <= _SIZE_LIMIT else []
    return len(lines) > 1 and _SECRET.fullmatch(lines[0]) is not None and bool(_options(lines[1:]))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the account of each file."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    lines = [line.strip() for _, line in content.lines]
    scratch = sum(1 for line in lines[1:] if _SCRATCH.fullmatch(line))
    warnings = [_UNNAMED, *([f"{scratch} scratch codes are not kept"] if scratch else [])]
    return collect(
        NAME, TITLE, [lines], lambda each: _account(each, means), lambda _: _ISSUER, warnings=warnings
    )


def _account(lines: Sequence[str], means: Means) -> Found:
    options = _options(lines[1:])
    counter = whole(options["HOTP_COUNTER"], "HOTP_COUNTER") if "HOTP_COUNTER" in options else None
    if counter is None and "TOTP_AUTH" not in options:
        raise Unusable("it has neither TOTP_AUTH nor a HOTP_COUNTER, so the computer takes no codes of it")
    return found(
        means,
        kind="totp" if counter is None else "hotp",
        issuer=_ISSUER,
        name="",
        secret=lines[0],
        period=whole(options.get("STEP_SIZE"), "STEP_SIZE"),
        counter=counter,
    )


def _options(lines: Sequence[str]) -> dict[str, str]:
    matches = filter(None, map(_OPTION.fullmatch, lines))
    return {match[1]: match[2] or "" for match in matches}
