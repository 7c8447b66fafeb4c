"""Which fields of a KeePass entry describe its one-time codes: four ways, of KeePass itself and of its plug-ins.

The first that is there counts, in the order in which the programs look:
1. `otp` (KeePassXC, KeeWeb, mobile apps) or `OTPAuth`: an otpauth:// link; or `key=...&size=...&step=...&otpHashMode=...`,
   URL-encoded (KeeOtp); or a bare secret.
2. `TOTP Seed` (base32) with `TOTP Settings`, `30;6` or for Steam `30;S` (KeeTrayTOTP, older KeePassXC).
3. `TimeOtp-Secret`, the secret itself as text, or `-Hex`, `-Base32`, `-Base64`; with `TimeOtp-Length`, `-Period` and
   `-Algorithm`, such as `HMAC-SHA-256` (KeePass from 2.47 on).
4. `HmacOtp-Secret` in the same four forms, and `HmacOtp-Counter` (KeePass).
Fields that only show a code (`{TOTP}` and the like) are no secrets. Sources: KeePass's help page "One-Time Passwords",
and the source of KeePassXC and of the two plug-ins.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from appliance.transfer import entry
from appliance.transfer.entry import Unusable, whole
from appliance.transfer.found import Found, Means
from appliance.vault.otpauth import begins_like_link

_FORMS: Final = ("", "-Hex", "-Base32", "-Base64")
_SECRETS: Final = (
    *("otp", "OTPAuth", "TOTP Seed"),
    *(f"{kind}-Secret{form}" for kind in ("TimeOtp", "HmacOtp") for form in _FORMS),
)
NAMES: Final = frozenset(
    {*_SECRETS, "TOTP Settings", "TimeOtp-Length", "TimeOtp-Period", "TimeOtp-Algorithm", "HmacOtp-Counter"}
)
"""All fields that are looked at."""
_KEE_OTP: Final = re.compile(r"(?:^|&)key=")


def has_secret(fields: Mapping[str, str]) -> bool:
    """Whether an entry has codes at all; whether they can be taken is another question."""
    return any(fields.get(name, "").strip() for name in _SECRETS)


def account_of(
    fields: Mapping[str, str], means: Means, *, title: str, user: str, groups: Iterable[str] = ()
) -> Found | None:
    """Return the account of an entry's fields; None if it has no codes. Raises Unusable."""
    common = _Common(means, title, user, tuple(groups))
    if text := fields.get("otp", "").strip() or fields.get("OTPAuth", "").strip():
        return _of_link(text, common)
    if seed := fields.get("TOTP Seed", "").strip():
        return _of_seed(seed, fields.get("TOTP Settings", ""), common)
    if (secret := _secret(fields, "TimeOtp")) is not None:
        return common.found(
            "totp",
            secret,
            algorithm=fields.get("TimeOtp-Algorithm", ""),
            digits=whole(fields.get("TimeOtp-Length"), "TimeOtp-Length"),
            period=_period(fields.get("TimeOtp-Period", "")),
        )
    if (secret := _secret(fields, "HmacOtp")) is not None:
        return common.found("hotp", secret, counter=whole(fields.get("HmacOtp-Counter"), "HmacOtp-Counter"))
    return None


@dataclass(frozen=True, slots=True)
class _Common:
    """What is the same in all four ways."""

    means: Means
    title: str
    user: str
    groups: tuple[str, ...]

    def found(self, kind: str, secret: str | bytes, **settings: Any) -> Found:
        return entry.found(
            self.means,
            kind=kind,
            issuer=self.title,
            name=self.user,
            secret=secret,
            groups=self.groups,
            **settings,
        )


def _of_link(text: str, common: _Common) -> Found:
    if _KEE_OTP.search(text) and not begins_like_link(text):
        return _of_kee_otp(text, common)
    return entry.from_login(common.means, text, title=common.title, user=common.user, groups=common.groups)


def _of_kee_otp(text: str, common: _Common) -> Found:
    try:
        values = dict(parse_qsl(text, max_num_fields=50))
    except ValueError:
        raise Unusable("its otp has too many parts") from None
    form = values.get("encoding", "").strip().lower()
    if form not in _KEE_OTP_FORMS:
        raise Unusable("the encoding of its otp is none of Base32, Base64, Hex and UTF8")
    return common.found(
        values.get("type", ""),
        _decoded(values.get("key", ""), _KEE_OTP_FORMS[form], "key"),
        algorithm=values.get("otpHashMode", ""),
        digits=whole(values.get("size"), "size"),
        period=whole(values.get("step"), "step"),
        counter=whole(values.get("counter"), "counter"),
    )


def _of_seed(seed: str, settings: str, common: _Common) -> Found:
    # A third part, where there is one, is the address of a clock.
    period, length, *_ = (part.strip() for part in f"{settings};;".split(";"))
    if length.upper() == "S":
        return common.found("steam", seed)
    return common.found(
        "totp", seed, period=whole(period, "TOTP Settings"), digits=whole(length, "TOTP Settings")
    )


def _secret(fields: Mapping[str, str], kind: str) -> str | bytes | None:
    for form in _FORMS:
        text = fields.get(f"{kind}-Secret{form}", "")
        if text.strip():
            return _decoded(text, form, f"{kind}-Secret{form}")
    return None


def _decoded(text: str, form: str, name: str) -> str | bytes:
    """Return base32 as it is, and the bytes of every other form; "" is text itself."""
    if form == "-Base32":
        return text
    try:
        match form:
            case "-Hex":
                return bytes.fromhex(text)
            case "-Base64":
                return base64.b64decode(text.strip(), validate=True)
            case _:
                return text.encode()
    except ValueError:  # also what base64 raises
        raise Unusable(f"its {name} can't be decoded") from None


def _period(text: str) -> int | None:
    """Return KeePass's period; 0 and what is no number mean the default there."""
    return int(text) or None if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else None


_KEE_OTP_FORMS: Final = {"": "-Base32", "base32": "-Base32", "base64": "-Base64", "hex": "-Hex", "utf8": ""}
