"""otpauth:// links: the form in which programs and services hand over one account.

Rules: reading forgives whatever real programs write and refuses what cannot be computed; writing is strict, so
that every reader looked at takes it. No message quotes the link, its secret or a part of either: messages are
printed and logged, and a broken link may have its secret anywhere. Sources: Google Authenticator's wiki page
"Key Uri Format", and the drafts draft-linuxgemini-otpauth-uri and draft-andesco-otpauth-uri.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, unquote_plus, urlencode

from appliance.vault.model import (
    ALGORITHMS,
    COUNTERS,
    DIGITS,
    PERIODS,
    STEAM_DIGITS,
    TYPES,
    Account,
    Algorithm,
    Type,
    base32_decode,
    base32_encode,
)

NAMELESS: Final = "the link has neither a name nor an issuer; give the account a name"
"""The warning of `parse` for such a link; the account's `label` is "" then."""


class NotOtpauth(ValueError):
    """The text is no link to an account that can be computed here; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An account as a link describes it."""

    account: Account
    counter: int
    """HOTP: the counter of the next code; 0 for other types."""
    secret_text: str = field(repr=False)
    """The secret as it was read: upper case, without separators and padding, of any length."""
    warnings: tuple[str, ...] = ()
    """What was assumed."""


def begins_like_link(text: str) -> bool:
    """Whether `text` claims to be a link to accounts; `parse` may still refuse it."""
    scheme, separator, _ = _trimmed(text).partition("://")
    return bool(separator) and scheme.lower() in _SCHEMES


def parse(uri: str, *, uuid: str) -> Parsed:
    """Return the account of a link; it gets `uuid`.

    Takes `otpauth://`, `apple-otpauth://` and `steam://SECRET`, with spaces, quotes or a byte order mark around it.
    Raises NotOtpauth for anything else, and for parameters outside the ranges of `model`.
    """
    if len(uri) > _LENGTH_LIMIT:
        raise NotOtpauth("the link is too long")
    scheme, _, body = _trimmed(uri).partition("://")
    match scheme.lower():
        case "otpauth" | "apple-otpauth":
            return _parsed(body, uuid)
        case "steam":
            # Bitwarden and Proton; the link is the secret and nothing else.
            secret, text = _secret(unquote(body.partition("?")[0]).strip("/"))
            return Parsed(Account(uuid, "steam", "Steam", "", secret, digits=STEAM_DIGITS), 0, text)
        case "otpauth-migration":
            raise NotOtpauth("the link is an export of Google Authenticator, not a single account")
        case "motp":
            raise NotOtpauth("mOTP codes are not supported")
        case _:
            raise NotOtpauth("this is not an otpauth:// link")


def write(account: Account, counter: int) -> str:
    """Return the link of an account; `counter` is the HOTP counter of its next code.

    `parse` gives the same account back, but for what a link has no place for (note, groups, favorite, unknown
    fields), for control characters and outer spaces of names, for a colon in the issuer, and for a TOTP account
    of five digits whose issuer is "Steam", which all readers take for Steam's own kind.
    """
    # Readers decode the label before they split it, so that even an encoded colon would cut the issuer.
    issuer = printable(account.issuer).replace(":", "-")
    steam = account.type == "steam"
    parameters = {
        "secret": base32_encode(account.secret),
        "algorithm": "SHA1" if steam else account.algorithm,
        "digits": str(STEAM_DIGITS if steam else account.digits),
    }
    if account.type == "hotp":
        parameters["counter"] = str(counter)
    else:
        parameters["period"] = str(30 if steam else account.period)
    name = printable(account.name)
    if issuer:
        # In front it says to `parse` that the label is the issuer, for want of a name; others read them in any order.
        parameters = parameters | {"issuer": issuer} if name else {"issuer": issuer} | parameters
    if steam:
        # Aegis, Ente and andOTP know Steam by the type in front, KeePassXC by the encoder; Stratum and pyotp know
        # neither and refuse the link. The other spelling, `totp` with an issuer of "Steam", is worse where it is
        # not understood: Aegis and Ente take it, and show five digits that are never right.
        parameters["encoder"] = "steam"
    query = urlencode(parameters, quote_via=quote, safe="")  # a space is %20: many readers keep a `+`
    return f"otpauth://{account.type}/{_label(issuer, name)}?{query}"


def printable(text: str) -> str:
    """Return a name without outer spaces and without what could forge or disturb a line of text.

    Control characters, line separators, lone surrogates, the marks that turn the direction of writing, and what has
    no width or no shape (Unicode's Default_Ignorable_Code_Point, tags among them) go: two names that look the same
    are the same. The joiners and variation selectors inside emoji and of scripts that write with them stay.
    """
    shown = "".join(each for each in text if unicodedata.category(each) not in _UNPRINTED)
    shown = _VARIANT.sub(_variant, _HIDDEN.sub("", shown))
    return _JOINER.sub(_joiner, shown).strip()


def _variant(match: re.Match[str]) -> str:
    """Return the first of some variation selectors if it follows what has variants, such as a symbol."""
    before, after = _around(match)
    keycap = before in _KEYS and after == "\u20e3"
    symbol = before > "\u007f" and unicodedata.category(before) in _SYMBOLS
    ideograph = before >= "\u3400" and unicodedata.category(before) == "Lo"
    return match[0][0] if keycap or symbol or ideograph or before == "\u2139" else ""


def _joiner(match: re.Match[str]) -> str:
    """Return the first of some joiners if it stands between emoji, or letters of a script that has it."""
    before, after = _around(match)
    emoji = match[0][0] == "\u200d" and _is_emoji(before) and _is_emoji(after)
    return match[0][0] if emoji or (_is_joined(before) and _is_joined(after)) else ""


def _around(match: re.Match[str]) -> tuple[str, str]:
    """Return the characters before and after a match; a space where there is none."""
    text, start, end = match.string, match.start(), match.end()
    return text[start - 1] if start else " ", text[end] if end < len(text) else " "


def _is_emoji(sign: str) -> bool:
    # By number too, as each release of Unicode has some that an older table does not know.
    known = sign > "\u00ff" and unicodedata.category(sign) in {"So", "Sk"}
    return known or sign == "\ufe0f" or "\U0001f000" <= sign < "\U0001fb00"


def _is_joined(sign: str) -> bool:
    """Whether it is a letter or mark of Arabic, an Indic script or their neighbours."""
    return "\u0600" <= sign < "\u1b00" and unicodedata.category(sign)[0] in "LM"


def secret_of(text: str) -> tuple[bytes, str]:
    """Return a secret's bytes, and its base32 as it was read: upper case, without separators and padding.

    Longer texts may have a length that no whole bytes have, as some programs show them; of 1, 3 or 6 letters they are
    no secret, but a word or the rest of one. Raises NotOtpauth, without the text.
    """
    try:
        secret = base32_decode(text)
    except ValueError as error:
        raise NotOtpauth(str(error)) from None
    letters = re.sub(r"[^A-Z2-7]", "", text.upper())
    if len(letters) in _NO_LENGTHS:
        raise NotOtpauth(f"the secret is too short: {len(letters)} letters are no whole base32")
    return secret, letters


def algorithm_named(text: str) -> Algorithm:
    """Return the hash that `text` means in any spelling (`sha1`, `HMAC-SHA-256`, `Algorithm.sha512`); "" is SHA1.

    Raises NotOtpauth, without the text, for any other.
    """
    name = re.sub(r"[\s_-]", "", text).upper().removeprefix("ALGORITHM.").removeprefix("HMAC")
    if name == "MD5":
        # RFC 4226 takes four bytes at an offset of up to 15; an MD5 has but 16.
        raise NotOtpauth("codes made with MD5 are not supported")
    for algorithm in ALGORITHMS:
        if name == algorithm:
            return algorithm
    if name:
        raise NotOtpauth("the algorithm is none of SHA1, SHA256 and SHA512")
    return "SHA1"


def _parsed(body: str, uuid: str) -> Parsed:
    # Not urlsplit: a raw `#` belongs to the label (Microsoft writes user#EXT#@tenant), and so does a raw space.
    path, _, query = body.partition("?")
    kind, _, label = path.partition("/")
    if kind.lower() == "yaotp":
        raise NotOtpauth("Yandex codes are not supported")
    type_ = _TYPES.get(kind.lower())
    if type_ is None:
        raise NotOtpauth("the type of the link is none of totp, hotp and steam")
    values = _values(query)
    prefix, name = _parts(label)
    issuer = printable(values.get("issuer", "")) or prefix
    if next(iter(values), "") == "issuer" and name == issuer and not _COLON.search(label):
        name = ""  # as `write` puts an issuer without a name
    named = () if issuer or name else (NAMELESS,)
    secret, secret_text = _secret(values.get("secret", ""))
    digits = _number(values.get("digits", ""), DIGITS, 6, "number of digits")
    algorithm = algorithm_named(values.get("algorithm", ""))
    if _is_steam(type_, issuer, values):
        # A Steam code has one hash, period and length, whatever the parameters say.
        return Parsed(
            Account(uuid, "steam", issuer, name, secret, digits=STEAM_DIGITS), 0, secret_text, named
        )
    if type_ == "hotp":
        # Required, yet Stratum and FreeOTP leave it out and mean 0.
        counter = _number(values.get("counter", ""), COUNTERS, 0, "counter")
        warnings = () if values.get("counter") else ("the link has no counter; 0 was taken",)
        return Parsed(
            Account(uuid, "hotp", issuer, name, secret, algorithm, digits),
            counter,
            secret_text,
            warnings + named,
        )
    period = _number(values.get("period", ""), PERIODS, 30, "period in seconds")
    return Parsed(
        Account(uuid, "totp", issuer, name, secret, algorithm, digits, period), 0, secret_text, named
    )


def _values(query: str) -> Mapping[str, str]:
    """Return the parameters by lower-case name, the first of each; a value of `null` is a blank one.

    Proton writes `digits=null`, others leave blanks. No secret is lost: NULL is not canonical base32.
    """
    values: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = (unquote_plus(part).strip() for part in parameter.partition("="))
        values.setdefault(name.lower(), "" if value.lower() == "null" else value)
    return values


def _parts(label: str) -> tuple[str, str]:
    """Return issuer and name of a raw label: decoded after the split, as an account may hold a colon too."""
    match [printable(unquote(part)) for part in _COLON.split(label, maxsplit=1)]:
        case [issuer, name]:
            return issuer, name
        case parts:
            return "", "".join(parts)


def _label(issuer: str, name: str) -> str:
    if issuer and not name:
        # Without a name, an issuer and its colon are the name to Aegis and Google Authenticator, and FreeOTP and
        # Google Authenticator refuse an empty label. No reader takes this for anything worse than the issuer twice.
        return quote(issuer, safe="")
    if issuer or ":" in name or not name:
        # A colon in front says that there is no issuer, and keeps a colon of the name from being taken for its end.
        return f"{quote(issuer, safe='')}:{quote(name, safe='')}"
    return quote(name, safe="")


def _secret(text: str) -> tuple[bytes, str]:
    if not text:
        raise NotOtpauth("the link has no secret")
    return secret_of(text)


def _number(text: str, allowed: range, default: int, what: str) -> int:
    if not text:
        return default
    # Not int() alone: it takes signs, underscores and the digits of other scripts, and quotes what it refuses.
    if re.fullmatch(r"[0-9]{1,18}", text) is None or int(text) not in allowed:
        raise NotOtpauth(f"the {what} is not between {allowed[0]} and {allowed[-1]}")
    return int(text)


def _is_steam(type_: Type, issuer: str, values: Mapping[str, str]) -> bool:
    """Whether this is Steam's own kind of code; programs have four ways to say so beside `steam://`."""
    if type_ != "totp":
        return type_ == "steam"
    marked = values.get("encoder", "").lower() == "steam" or "steam" in values
    # Stratum, FreeOTP+ and 2FAuth go by the issuer. With 6 or 8 digits it is an ordinary account of that name.
    return marked or (issuer == "Steam" and values.get("digits", "") in {"", str(STEAM_DIGITS)})


def _trimmed(text: str) -> str:
    return text.strip(_WRAPPING)


_TYPES: Final[Mapping[str, Type]] = {name: name for name in TYPES}
_SCHEMES: Final = frozenset({"otpauth", "apple-otpauth", "otpauth-migration", "steam", "motp"})
_NO_LENGTHS: Final = frozenset({1, 3, 6})
"""Letters of base32 below a group of eight that no whole bytes have (RFC 4648 section 6)."""
_LENGTH_LIMIT: Final = 200_000
"""Characters; a link of ten million can have more parameters than there is memory."""
_COLON: Final = re.compile(r":|%3[Aa]")
_WRAPPING: Final = " \t\r\n\u00a0\ufeff\"'`\u2018\u2019\u201c\u201d"
_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_VARIANT: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_JOINER: Final = re.compile("[\u200c\u200d]+")
_KEYS: Final = frozenset("0123456789#*")
_SYMBOLS: Final = frozenset({"So", "Sm", "Po", "Pd"})
_UNPRINTED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
