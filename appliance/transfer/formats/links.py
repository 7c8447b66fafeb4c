"""Links to accounts: in lists, one a line, and in QR codes on pictures, as many programs export them; one of either will do.

Reads otpauth://, apple-otpauth:// and steam:// links, and the links of several accounts that Google's and LastPass'
authenticators show as QR codes (`transfer.migration`). They may be in texts, pictures, PDFs, and web pages that hold
pictures (Aegis' and Stratum's HTML exports), all of them parts of one export. Rules: blank lines and lines that begin
with `#` do not count; a line or code that cannot be read is skipped with its place and its reason; byte order marks,
quotes around a link and any kind of line end are taken. Source: see `vault.otpauth` and `transfer.migration`.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from html.parser import HTMLParser
from typing import Final

from appliance.errors import ApplianceError, NothingFound
from appliance.transfer import migration, picture
from appliance.transfer.batch import Batches
from appliance.transfer.content import Content
from appliance.transfer.entry import Unusable, collect
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans
from appliance.transfer.trouble import damaged
from appliance.vault import otpauth

NAME: Final = "uri-list"
TITLE: Final = "link list"
_EMBEDDED_LIMIT: Final = 2_000
"""Pictures of a web page."""
_FROM_ONE: Final = "QR codes of this export count from 1 instead of 0; check that no account is missing"
_PAGE_LIMIT: Final = 2_000
"""Links of several accounts; each is compared with the others."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An account, or what stands where one should be."""

    name: str
    read: Callable[[], Found] = field(repr=False)


@dataclass(slots=True)
class _Export:
    """What is read of all files together."""

    means: Means
    batches: Batches = field(default_factory=Batches)
    warnings: list[str] = field(default_factory=list)


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a picture or a web page with some, or any line of the text claims to be a link."""
    if picture.begins_like_picture(content.data) or _is_web_page(content):
        return True
    return not content.begins_like_json and any(
        otpauth.begins_like_link(line) or migration.begins_like_migration(line) for _, line in content.lines
    )


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all links, in the order of the files and what is in them.

    Raises NothingFound if the only file shows no QR code, and FileDamaged and CannotRead for a picture.
    """
    export = _Export(means)
    reading = collect(
        NAME,
        TITLE,
        (item for text in _texts(files) for item in _items(text, export)),
        lambda item: item.read(),
        lambda item: item.name,
        warnings=export.warnings,
    )
    if export.batches.from_one:
        export.warnings.append(_FROM_ONE)
    return replace(reading, warnings=tuple(export.warnings), missing=export.batches.missing)


def hold(found: Found) -> Found:
    """Return the account without note, groups and favourite mark, and as a link brings its names back. Raises Unusable."""
    held = bare(found)
    try:
        parsed = otpauth.parse(otpauth.write(held.account, held.counter), uuid=held.account.uuid)
    except otpauth.NotOtpauth as error:
        raise Unusable(str(error)) from None
    if parsed.account.type != found.account.type:
        raise Unusable("with five digits and the issuer Steam, readers take it for one of Steam's own codes")
    return Found(parsed.account, parsed.counter, parsed.secret_text)


def write(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return a text with one link a line."""
    return ("".join(f"{otpauth.write(each.account, each.counter)}\n" for each in accounts).encode(),)


@dataclass(frozen=True, slots=True)
class _Text:
    """A line, or what a QR code holds."""

    where: str
    text: str = field(repr=False)
    shown: bool = False
    """Whether it is a QR code's, which may hold anything; "" is that of a picture without one."""


def _texts(files: Sequence[Content]) -> Iterator[_Text]:
    for index, content in enumerate(files, 1):
        place = "" if len(files) == 1 else f"file {index}"
        if picture.begins_like_picture(content.data):
            yield from _of_picture(content.data, place)
        elif _is_web_page(content):
            yield from _numbered(_embedded_codes(content.text or ""), place)
        else:
            for number, line in content.lines:
                yield _Text(_joined(place, f"line {number}"), line)


def _of_picture(data: bytes, place: str) -> Iterator[_Text]:
    try:
        texts = picture.codes(data)
    except ApplianceError as error:
        raise type(error)(_joined(error.what, place), error.why, error.hint) from None
    if not texts and not place:
        raise NothingFound(
            "can't find a QR code",
            "none can be read in the picture",
            "take it once more: straight, closer and in good light, with the whole code and its white edge",
        )
    yield from _numbered(texts, place) if texts else (_Text(place, "", shown=True),)


def _numbered(texts: Sequence[str], place: str) -> Iterator[_Text]:
    for number, text in enumerate(texts, 1):
        yield _Text(_joined(place, f"QR code {number}"), text, shown=True)


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))


def _items(text: _Text, export: _Export) -> Iterator[_Item]:
    if not migration.begins_like_migration(text.text):
        yield _Item(text.where, partial(_account, text, export))
        return
    try:
        page = migration.page(text.text)
    except Unusable as problem:
        yield _Item(text.where, partial(_refuse, str(problem)))
        return
    if not export.batches.add(page):
        return
    if export.batches.read > _PAGE_LIMIT:
        raise damaged(TITLE, f"it has more than {_PAGE_LIMIT} links of several accounts")
    for number, entry in enumerate(page.entries, 1):
        name = entry.name or _joined(text.where, f"account {number}")
        yield _Item(name, partial(entry.read, export.means))


def _refuse(reason: str) -> Found:
    raise Unusable(reason)


def _account(text: _Text, export: _Export) -> Found:
    if text.shown and not otpauth.begins_like_link(text.text):
        raise Unusable(_description(text.text))
    try:
        parsed = otpauth.parse(text.text, uuid=export.means.new_uuid())
    except otpauth.NotOtpauth as error:
        raise Unusable(str(error)) from None
    export.warnings.extend(f"{text.where}: {warning}" for warning in parsed.warnings)
    return Found(parsed.account, parsed.counter, parsed.secret_text)


def _description(text: str) -> str:
    """Return what a QR code without a link to accounts is, without its text, which may be as secret."""
    if not text:
        return "no QR code can be read in it"
    start = text.lstrip().lower()
    known = next((what for scheme, what in _OTHERS.items() if start.startswith(scheme)), None)
    return f"it is {known}, and no link to an account" if known else "it is no link to an account"


def _is_web_page(content: Content) -> bool:
    text = content.text
    return text is not None and text.lstrip()[:1] == "<" and _EMBEDDED.search(text) is not None


def _embedded_codes(text: str) -> tuple[str, ...]:
    """Return the texts of the codes in a page's pictures; there are others, such as icons, without any."""
    found: dict[str, None] = {}
    for data in _Pictures(text).found:
        try:
            found.update(dict.fromkeys(picture.codes(data, thorough=False)))
        except ApplianceError:
            continue
    if not found:
        raise NothingFound(
            "can't find a QR code",
            "none can be read in the web page's pictures",
            "export it in another format",
        )
    return tuple(found)


class _Pictures(HTMLParser):
    """The pictures that a web page holds in itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[bytes] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the picture of an element."""
        source = dict(attrs).get("src") or ""
        start = _EMBEDDED.match(source)
        if tag == "img" and start is not None and len(self.found) < _EMBEDDED_LIMIT:
            try:
                self.found.append(b64decode(re.sub(r"\s", "", source[start.end() :])))
            except ValueError:
                return


_EMBEDDED: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp|bmp);base64,")
_OTHERS: Final = {
    "http://": "a web address",
    "https://": "a web address",
    "wifi:": "the access to a Wi-Fi network",
    "begin:vcard": "a contact",
    "mecard:": "a contact",
    "phonefactor://": "for logins that Microsoft Authenticator confirms without a code",
    "duo://": "for logins that Duo confirms without a code",
    "oktaverify://": "for logins that Okta Verify confirms without a code",
    "mailto:": "a mail address",
    "tel:": "a telephone number",
}
