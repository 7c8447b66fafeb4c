"""From an entry of a foreign file to an account: strict about types, lenient about spellings.

Rules: whatever is wrong with an entry raises `Unusable`, and costs that entry only (`collect`). Blank and null values
are defaults. Names lose what can't be seen (`otpauth.printable`). Steam codes have one hash, length and period, whatever the
file says of them.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.transfer.found import Found, Listed, Means, Reading, Skipped
from appliance.transfer.trouble import damaged
from appliance.vault import otpauth
from appliance.vault.model import (
    COUNTERS,
    DIGITS,
    PERIODS,
    STEAM_DIGITS,
    Account,
    Type,
    base32_encode,
)

ENTRY_LIMIT: Final = 50_000
"""Entries of one file; a person has hundreds."""
_NAME_LIMIT: Final = 4_000
"""Characters."""
Item = TypeVar("Item")


class Unusable(ValueError):
    """An entry that can't be taken; the message says why, for people and without its secret."""


class Uncomputable(Unusable):
    """An account of a kind whose codes can't be made here."""

    def __init__(self, reason: str, listed: Listed) -> None:
        super().__init__(reason)
        self.listed = listed


class Fields:
    """The fields of an entry; asking for one checks its type."""

    def __init__(self, raw: object) -> None:
        if not isinstance(raw, dict):
            raise Unusable("it is not an object")
        self.raw: Mapping[Any, Any] = raw

    def text(self, name: str, default: str = "") -> str:
        """Return a text; the default if it is missing or null. A number is taken as its digits."""
        value = self.raw.get(name)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise Unusable(f"its {name} is not a text")

    def whole(self, name: str) -> int | None:
        """Return a whole number, also from a text of digits; None if it is missing, null or blank."""
        return whole(self.raw.get(name), name)

    def binary(self, name: str) -> bytes:
        """Return the bytes of a base64 text, with its padding; none if it is missing or null."""
        text = self.text(name)
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            raise Unusable(f"its {name} is not base64") from None

    def flag(self, name: str) -> bool:
        """Return whether a flag is set, also if it is written as a text or a number."""
        value = self.raw.get(name)
        return value.strip().lower() in {"true", "1"} if isinstance(value, str) else bool(value)

    def inner(self, name: str) -> "Fields":
        """Return the fields of an inner object; none if it is missing or null."""
        value = self.raw.get(name)
        return Fields({} if value is None else value)

    def items(self, name: str) -> list[Any]:
        """Return a list; an empty one if it is missing or null."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise Unusable(f"its {name} is not a list")
        return value


def whole(value: object, name: str) -> int | None:
    """Return a whole number, also from a text of digits; None for null and blank. Raises Unusable for anything else."""
    if value is None or (isinstance(value, str) and value.strip().lower() in {"", "null"}):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    raise Unusable(f"its {name} is not a whole number")


def found(
    means: Means,
    *,
    kind: str,
    issuer: str,
    name: str,
    secret: str | bytes,
    algorithm: str = "",
    digits: int | None = None,
    period: int | None = None,
    counter: int | None = None,
    groups: Iterable[str] = (),
    note: str = "",
    favorite: bool = False,
) -> Found:
    """Return the account that a file describes. Raises Unusable.

    `kind` and `algorithm` may have any spelling; "" is TOTP and SHA1. `secret` is base32 text, or the bytes. None is
    the default of digits, period and counter; a period or digits of 0 or out of range are refused.
    """
    if (foreign := _FOREIGN.get(kind.strip().lower())) is not None:
        raise _uncomputable(foreign, issuer, name, secret)
    type_ = type_named(kind)
    secret_bytes, secret_text = secret_of(secret)
    # JSON can hold half a surrogate pair, and neither a vault nor a terminal can.
    common: dict[str, Any] = {"note": note.encode(errors="replace").decode(), "favorite": favorite}
    if max(len(issuer), len(name)) > _NAME_LIMIT:
        raise Unusable(f"its name has more than {_NAME_LIMIT} characters")
    issuer, name = otpauth.printable(issuer), otpauth.printable(name)
    group_names = tuple(dict.fromkeys(filter(None, map(otpauth.printable, groups))))
    if type_ == "steam":
        steam = Account(means.new_uuid(), "steam", issuer, name, secret_bytes, digits=STEAM_DIGITS, **common)
        return Found(steam, 0, secret_text, group_names)
    account = Account(
        means.new_uuid(),
        type_,
        issuer,
        name,
        secret_bytes,
        _algorithm(algorithm),
        _within(digits, DIGITS, 6, "number of digits"),
        30 if type_ == "hotp" else _within(period, PERIODS, 30, "period in seconds"),
        **common,
    )
    reached = _within(counter, COUNTERS, 0, "counter") if type_ == "hotp" else 0
    return Found(account, reached, secret_text, group_names)


def from_login(
    means: Means,
    text: str,
    *,
    title: str,
    user: str,
    groups: Iterable[str] = (),
    note: str = "",
    favorite: bool = False,
) -> Found:
    """Return the account of what password managers keep: an otpauth:// or steam:// link, or a bare secret.

    A bare secret, and a link that names neither, gets its issuer and name from the item's title and user. Raises
    Unusable.
    """
    if not otpauth.begins_like_link(text):
        return found(
            means,
            kind="totp",
            issuer=title,
            name=user,
            secret=text,
            groups=groups,
            note=note,
            favorite=favorite,
        )
    parsed = from_link(means, text)
    account = parsed.account
    bare = text.strip().lower().startswith("steam://")
    return found(
        means,
        kind=account.type,
        issuer=title if bare else account.issuer or ("" if account.name else title),
        name=user if bare else account.name or user,
        secret=parsed.secret_text,
        algorithm=account.algorithm,
        digits=account.digits,
        period=account.period,
        counter=parsed.counter,
        groups=groups,
        note=note,
        favorite=favorite,
    )


def from_link(means: Means, text: str) -> Found:
    """Return the account of an otpauth:// or steam:// link. Raises Unusable."""
    try:
        parsed = otpauth.parse(text, uuid=means.new_uuid())
    except otpauth.NotOtpauth as error:
        raise Unusable(str(error)) from None
    return Found(parsed.account, parsed.counter, parsed.secret_text)


def type_named(text: str) -> Type:
    """Return the type that `text` means in any spelling; "" is TOTP. Raises Unusable."""
    match text.strip().lower():
        case "" | "totp" | "time" | "timebased":
            return "totp"
        case "hotp" | "counter" | "counterbased":
            return "hotp"
        case "steam" | "steamtotp":
            return "steam"
        case _:
            raise Unusable("its type is none of TOTP, HOTP and Steam")


def secret_of(secret: str | bytes) -> tuple[bytes, str]:
    """Return a secret's bytes, and its base32 as it was read. Raises Unusable for an empty one and for no base32."""
    if isinstance(secret, bytes):
        if not secret:
            raise Unusable("the secret is empty")
        return secret, base32_encode(secret)
    try:
        return otpauth.secret_of(secret)
    except otpauth.NotOtpauth as error:
        raise Unusable(str(error)) from None


def split_label(label: str, issuer: str = "") -> tuple[str, str]:
    """Return issuer and name of a label `issuer:name`; a given issuer wins, and its prefix goes from the name.

    As Google Authenticator and others write it: the issuer is in its own field and once more in front of the name.
    """
    prefix, colon, rest = (part.strip() for part in label.partition(":"))
    if not colon:
        return issuer, label
    if issuer and prefix.casefold() != issuer.strip().casefold():
        return issuer, label
    return issuer or prefix, rest


def collect(
    format_: str,
    title: str,
    entries: Iterable[Item],
    read: Callable[[Item], Found | None],
    name_of: Callable[[Item], str],
    *,
    encrypted: bool = False,
    warnings: Iterable[str] = (),
) -> Reading:
    """Return the reading of all entries: each that raises Unusable is skipped, each that gives None passed over.

    `name_of` may raise Unusable or return "": the entry's number is its name then. Raises FileDamaged above
    `ENTRY_LIMIT`.
    """
    taken: list[Found] = []
    skipped: list[Skipped] = []
    for number, item in enumerate(entries, 1):
        if number > ENTRY_LIMIT:
            raise damaged(title, f"it has more than {ENTRY_LIMIT} entries")
        try:
            one = read(item)
        except Unusable as problem:
            listed = problem.listed if isinstance(problem, Uncomputable) else None
            skipped.append(Skipped(_called(item, name_of) or f"entry {number}", str(problem), listed))
        else:
            if one is not None:
                taken.append(one)
    return Reading(
        format_,
        encrypted=encrypted,
        found=tuple(taken),
        skipped=tuple(skipped),
        warnings=tuple(warnings),
    )


def _called(item: Item, name_of: Callable[[Item], str]) -> str:
    try:
        return otpauth.printable(name_of(item)[:_NAME_LIMIT])
    except Unusable:
        return ""


def _uncomputable(foreign: "_Foreign", issuer: str, name: str, secret: str | bytes) -> Unusable:
    reason = f"{foreign.title} codes are not supported"
    try:
        _, text = secret_of(secret)
    except Unusable:
        return Unusable(reason)
    issuer, name = otpauth.printable(issuer), otpauth.printable(name)
    return Uncomputable(
        reason, Listed(foreign.type, issuer, name, text, foreign.algorithm, foreign.digits, foreign.period)
    )


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A kind of code that is not made here; its parameters are the same for all accounts."""

    type: str
    title: str
    algorithm: str
    digits: int
    period: int


_MOTP: Final = _Foreign("motp", "mOTP", "MD5", 6, 10)
_YANDEX: Final = _Foreign("yandex", "Yandex", "SHA256", 8, 30)
_FOREIGN: Final = {"motp": _MOTP, "yandex": _YANDEX, "yaotp": _YANDEX}


def _algorithm(text: str) -> Any:
    try:
        return otpauth.algorithm_named(text)
    except otpauth.NotOtpauth as error:
        raise Unusable(str(error)) from None


def _within(value: int | None, allowed: range, default: int, what: str) -> int:
    if value is None:
        return default
    if value not in allowed:
        raise Unusable(f"the {what} is not between {allowed[0]} and {allowed[-1]}")
    return value
