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
    if issuer:
        parameters["issuer"] = issuer
    if steam:
        # Aegis, Ente and andOTP know Steam by the type in front, KeePassXC by the encoder; Stratum and pyotp know
        # neither and refuse the link. The other spelling, `totp` with an issuer of "Steam", is worse where it is
        # not understood: Aegis and Ente take it, and show five digits that are never right.
        parameters["encoder"] = "steam"
    query = urlencode(parameters, quote_via=quote, safe="")  # a space is %20: many readers keep a `+`
    return f"otpauth://{account.type}/{_label(issuer, printable(account.name))}?{query}"


def printable(text: str) -> str:
    """Return a name without outer spaces and without what could forge or disturb a line of text.

    Control characters, line separators, lone surrogates and the marks that turn the direction of writing go; the
    joiners inside emoji and Indic words stay.
    """
    return "".join(
        each for each in text if each not in _BIDI and unicodedata.category(each) not in _UNPRINTED
    ).strip()


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
    if not label and not issuer:
        raise NotOtpauth("the link has neither a name nor an issuer")
    secret, secret_text = _secret(values.get("secret", ""))
    digits = _number(values.get("digits", ""), DIGITS, 6, "number of digits")
    algorithm = algorithm_named(values.get("algorithm", ""))
    if _is_steam(type_, issuer, values):
        # A Steam code has one hash, period and length, whatever the parameters say.
        return Parsed(Account(uuid, "steam", issuer, name, secret, digits=STEAM_DIGITS), 0, secret_text)
    if type_ == "hotp":
        # Required, yet Stratum and FreeOTP leave it out and mean 0.
        counter = _number(values.get("counter", ""), COUNTERS, 0, "counter")
        warnings = () if values.get("counter") else ("the link has no counter; 0 was taken",)
        return Parsed(
            Account(uuid, "hotp", issuer, name, secret, algorithm, digits), counter, secret_text, warnings
        )
    period = _number(values.get("period", ""), PERIODS, 30, "period in seconds")
    return Parsed(Account(uuid, "totp", issuer, name, secret, algorithm, digits, period), 0, secret_text)


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
    if issuer or ":" in name or not name:
        # A colon in front says that there is no issuer, and keeps a colon of the name from being taken for its end.
        return f"{quote(issuer, safe='')}:{quote(name, safe='')}"
    return quote(name, safe="")


def _secret(text: str) -> tuple[bytes, str]:
    if not text:
        raise NotOtpauth("the link has no secret")
    try:
        secret = base32_decode(text)
    except ValueError as error:
        raise NotOtpauth(str(error)) from None
    return secret, re.sub(r"[^A-Z2-7]", "", text.upper())


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
_LENGTH_LIMIT: Final = 200_000
"""Characters; a link of ten million can have more parameters than there is memory."""
_COLON: Final = re.compile(r":|%3[Aa]")
_WRAPPING: Final = " \t\r\n\u00a0\ufeff\"'`\u2018\u2019\u201c\u201d"
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_UNPRINTED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
