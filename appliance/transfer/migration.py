"""Links that carry several accounts from one phone to another: the QR codes of Google's and LastPass' authenticators.

otpauth-migration://offline?data=… holds a protobuf message with up to ten accounts, its place in the batch (from 0; some programs count from 1) and
the batch's size; lpaauth-migration://offline?data=… a gzipped JSON with another gzipped JSON in it. There is no official
specification; sources: the protobuf description that was found in Google Authenticator, and files of both.

Rules: a link that is broken as a whole is one `Unusable`; an account in it that can't be taken costs that one only.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from appliance.transfer import protobuf
from appliance.transfer.batch import Entry, Page
from appliance.transfer.entry import Fields, Unusable, found
from appliance.transfer.found import Found, Means, WriteMeans
from appliance.vault import otpauth

PAGE_LIMIT: Final = 10
"""Accounts that Google Authenticator puts on a page."""
_GOOGLE: Final = "otpauth-migration"
_LASTPASS: Final = "lpaauth-migration"
_BATCH_LIMIT: Final = 5_000
_UNPACKED_LIMIT: Final = 4 << 20
_WRAPPING: Final = " \t\r\n\u00a0\ufeff\"'`\u2018\u2019\u201c\u201d"
_TRUNCATED: Final = "its data is cut off, or is not that of an export"


def begins_like_migration(text: str) -> bool:
    """Whether a text claims to be such a link; `page` may still refuse it."""
    return _scheme(text) in {_GOOGLE, _LASTPASS}


def page(link: str) -> Page:
    """Return what a link holds. Raises Unusable."""
    scheme, data = _scheme(link), _data(link)
    try:
        return _google(data, link) if scheme == _GOOGLE else _lastpass(data, link)
    except Unusable:
        raise
    except (ValueError, RecursionError):
        raise Unusable(_TRUNCATED) from None


def hold(found_: Found) -> Found:
    """Return what Google Authenticator can hold of an account, as reading gives it back. Raises Unusable."""
    account = found_.account
    if account.type == "steam":
        raise Unusable("Google Authenticator has no Steam codes")
    if account.digits not in _DIGITS:
        raise Unusable("Google Authenticator has codes of 6 and 8 digits only")
    if account.type == "totp" and account.period != 30:
        raise Unusable("Google Authenticator has codes for 30 seconds only")
    return _google_account(protobuf.Message(_parameters(found_)), Means(None, 0, lambda: account.uuid))


def pages(accounts: Sequence[Found], means: WriteMeans, *, most: int = PAGE_LIMIT) -> list[str]:
    """Return the links of accounts, each of which `hold` returned; `most` on a page, and 10 at most."""
    most = max(1, min(most, PAGE_LIMIT))
    parts = [accounts[at : at + most] for at in range(0, len(accounts), most)]
    batch = int.from_bytes(means.random(4)) >> 1 or 1
    return [
        _link({1: [_parameters(each) for each in part], 2: 1, 3: len(parts), 4: index, 5: batch})
        for index, part in enumerate(parts)
    ]


def _scheme(link: str) -> str:
    return link.strip(_WRAPPING).partition("://")[0].lower()


def _data(link: str) -> bytes:
    host, _, query = link.strip(_WRAPPING).partition("://")[2].partition("?")
    if host.strip("/").lower() != "offline":
        raise Unusable("it is a link of another kind than those of an export")
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name.lower() == "data":
            return _base64(value)
    raise Unusable("the link has no data")


def _base64(text: str) -> bytes:
    # Not a form's value: a `+` means itself, and some programs leave it, `/` and `=` as they are, or out.
    plain = unquote(text).strip().replace(" ", "+").translate(_FROM_URL_ALPHABET).rstrip("=")
    if not plain:
        raise Unusable("the link has no data")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise Unusable(_TRUNCATED) from None


def _link(fields: dict[int, int | bytes | list[bytes]]) -> str:
    return f"{_GOOGLE}://offline?data={quote(b64encode(protobuf.encoded(fields)).decode(), safe='')}"


def _google(data: bytes, link: str) -> Page:
    message = protobuf.Message(data)
    if not any(number in message for number in range(1, 6)):
        raise Unusable(_TRUNCATED)
    size, index = _int32(message.whole(3)), _int32(message.whole(4))
    entries = tuple(_google_entry(entry) for entry in message.messages(1))
    return _page(entries, size, index, str(_int32(message.whole(5)) or ""), link)


def _int32(value: int) -> int:
    # Negative ids are written as if they had 64 bits.
    return (value & 0xFFFFFFFF) - ((value & 0x80000000) << 1)


def _page(entries: tuple[Entry, ...], size: int, index: int, batch: str, link: str) -> Page:
    size = max(size, 1)
    if size > _BATCH_LIMIT or not 0 <= index <= size:
        raise Unusable("its place among the QR codes of the export makes no sense")
    return Page(entries, size, index, batch, _scheme(link), unquote(link).strip(_WRAPPING))


def _google_entry(data: bytes) -> Entry:
    try:
        message = protobuf.Message(data)
        name = message.text(2) or message.text(3)
    except protobuf.Broken:
        return Entry("", _unreadable)
    return Entry(name, lambda means: _google_account(message, means))


def _unreadable(_means: Means) -> Found:
    raise Unusable("its data is broken")


def _google_account(message: protobuf.Message, means: Means) -> Found:
    try:
        issuer, name = _split(message.text(3).strip(), message.text(2).strip())
        kind, digits, algorithm = message.whole(6), message.whole(5), message.whole(4)
        if algorithm not in range(len(_ALGORITHMS)):
            raise Unusable("the algorithm is none of SHA1, SHA256 and SHA512")
        if digits not in range(len(_DIGITS)):
            raise Unusable("the number of digits is neither 6 nor 8")
        return found(
            means,
            kind=_KINDS[kind] if kind in range(len(_KINDS)) else "unknown",
            issuer=issuer,
            name=name,
            secret=message.octets(1),
            algorithm=_ALGORITHMS[algorithm],
            digits=_DIGITS[digits],
            counter=message.whole(7),
        )
    except protobuf.Broken:
        return _unreadable(means)


def _split(issuer: str, label: str) -> tuple[str, str]:
    """Return issuer and name: the issuer is mostly in front of the name once more."""
    if not issuer:
        prefix, colon, rest = label.partition(":")
        return (prefix, rest.strip()) if colon else ("", label)
    front, rest = label[: len(issuer)], label[len(issuer) :]
    return issuer, rest[1:].strip() if rest[:1] == ":" and front.casefold() == issuer.casefold() else label


def _parameters(found_: Found) -> bytes:
    account = found_.account
    issuer, name = otpauth.printable(account.issuer), otpauth.printable(account.name)
    fields: dict[int, int | bytes | list[bytes]] = {
        1: account.secret,
        2: (f"{issuer}:{name}" if issuer else name).encode(),
        3: issuer.encode(),
        4: _ALGORITHMS.index(account.algorithm, 1),
        5: _DIGITS.index(account.digits, 1),
        6: _KINDS.index(account.type, 1),
    }
    if account.type == "hotp":
        fields[7] = found_.counter
    return protobuf.encoded(fields)


def _lastpass(data: bytes, link: str) -> Page:
    outer = Fields(_unpacked(data))
    content = Fields(_unpacked(_base64(outer.text("content"))))
    entries = tuple(_lastpass_entry(entry) for entry in content.items("a"))
    size, index = outer.whole("batchSize") or 1, outer.whole("batchIndex") or 0
    return _page(entries, size, index, outer.text("batchId"), link)


def _unpacked(data: bytes) -> Any:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = inflater.decompress(data, _UNPACKED_LIMIT)
    except zlib.error:
        raise Unusable(_TRUNCATED) from None
    if not inflater.eof:
        raise Unusable(_TRUNCATED)
    return json.loads(plain)


def _lastpass_entry(raw: object) -> Entry:
    def name_of(fields: Fields, *names: str) -> str:
        return next(filter(None, map(fields.text, names)), "")

    def read(means: Means) -> Found:
        fields = Fields(raw)
        return found(
            means,
            kind="totp",
            issuer=name_of(fields, "iN", "oIN"),
            name=name_of(fields, "uN", "oUN"),
            secret=fields.text("s"),
            algorithm=fields.text("a"),
            digits=fields.whole("d"),
            period=fields.whole("tS"),
            favorite=fields.flag("iF"),
        )

    try:
        return Entry(name_of(Fields(raw), "iN", "oIN", "uN", "oUN"), read)
    except Unusable:
        return Entry("", read)


_FROM_URL_ALPHABET: Final = str.maketrans("-_", "+/")
_KINDS: Final = ("totp", "hotp", "totp")
_ALGORITHMS: Final = ("SHA1", "SHA1", "SHA256", "SHA512", "MD5")
_DIGITS: Final = (6, 6, 8)
"""By their numbers in the message; 0 is that nothing was said."""
