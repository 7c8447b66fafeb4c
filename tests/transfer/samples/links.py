"""Lists of links, and pictures of QR codes with links."""

import gzip
import io
import json
from base64 import b32decode, b64encode
from typing import Any, Final
from urllib.parse import quote

from PIL import Image

from appliance.transfer import qr
from tests.transfer.samples import OTHER, SECRET, Essence, Sample, hotp, steam, totp

ALICE: Final = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example"
BOB: Final = f"otpauth://hotp/bob?secret={OTHER}&counter=5"


def field(number: int, value: int | bytes) -> bytes:
    """Return a protobuf field with a value below 128, or with fewer bytes than that."""
    if isinstance(value, int):
        return bytes((number << 3, value))
    return bytes((number << 3 | 2, len(value))) + value


def google(*accounts: bytes, size: int = 0, index: int = 0, more: bytes = b"") -> str:
    """Return the link of a page."""
    message = b"".join(field(1, account) for account in accounts) + field(2, 2)
    if size:
        message += field(3, size) + field(4, index)
    return f"otpauth-migration://offline?data={quote(b64encode(message + more).decode(), safe='')}"


def account(name: str, issuer: str = "", secret: str = SECRET, **numbers: int) -> bytes:
    """Return an account of a page; `numbers` are the fields `algorithm`, `digits`, `kind` and `counter`."""
    known = {"algorithm": 4, "digits": 5, "kind": 6, "counter": 7}
    return (
        field(1, _base32(secret))
        + field(2, name.encode())
        + field(3, issuer.encode())
        + b"".join(field(known[what], number) for what, number in numbers.items())
    )


def _base32(secret: str) -> bytes:
    return b32decode(secret + "=" * (-len(secret) % 8))


def lastpass(*accounts: dict[str, Any], size: int = 1, index: int = 0) -> str:
    """Return the link of LastPass' QR code."""
    content = _zipped(
        {"dS": "", "dId": "", "a": list(accounts), "f": [{"iO": True, "i": 1, "n": "Favorites"}]}
    )
    data = _zipped({"version": 3, "batchId": "B", "batchSize": size, "batchIndex": index, "content": content})
    return f"lpaauth-migration://offline?data={quote(data, safe='')}"


def _zipped(value: object) -> str:
    return b64encode(gzip.compress(json.dumps(value).encode(), mtime=0)).decode()


def png(*texts: str) -> bytes:
    """Return a picture with QR codes, one below the other."""
    codes = [Image.open(io.BytesIO(qr.png(text))).convert("L") for text in texts]
    sheet = Image.new("L", (max(code.width for code in codes), sum(code.height for code in codes)), 255)
    for index, code in enumerate(codes):
        sheet.paste(code, (0, sum(other.height for other in codes[:index])))
    sheet = sheet.resize((sheet.width // 3, sheet.height // 3))
    drawn = io.BytesIO()
    sheet.save(drawn, "PNG")
    return drawn.getvalue()


def html(*texts: str) -> bytes:
    """Return a web page with pictures of QR codes, and with one that shows none."""
    icon = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(icon, "PNG")
    pictures = [icon.getvalue(), *map(png, texts)]
    rows = "".join(
        f'<tr><td>x</td><td><img src="data:image/png;base64,{b64encode(picture).decode()}"></td></tr>\n'
        for picture in pictures
    )
    return f"<!DOCTYPE html>\n<html><body><table>{rows}</table><img src='x.png'></body></html>".encode()


_PAGES: Final = (
    google(account("Example:alice", "Example", algorithm=1, digits=1, kind=2), size=2, index=0),
    google(
        account("bob", secret=OTHER, kind=1, counter=5),
        account("Acme:carol", digits=2, algorithm=2),
        size=2,
        index=1,
    ),
)
_PAGES_HOLD: Final[tuple[Essence, ...]] = (
    totp("Example", "alice"),
    hotp("", "bob", OTHER, counter=5),
    totp("Acme", "carol", SECRET, "SHA256", 8),
)
_LASTPASS: Final = {
    "aId": "1",
    "iN": "Example",
    "oIN": "Old",
    "uN": "",
    "oUN": "alice",
    "s": SECRET,
    "a": "SHA1",
}

SAMPLES: Final = (
    Sample(
        "a list of links",
        "uri-list",
        (
            f"# mine\notpauth://totp/Example:alice?secret={SECRET}&issuer=Example\r\n"
            f"otpauth://hotp/bob?secret={OTHER}&counter=5\n"
            f"otpauth://totp/Acme:carol?secret={OTHER}&algorithm=SHA256&digits=8&period=60\n"
            f"steam://{SECRET}\nmotp://x:y?secret=aa\n".encode(),
        ),
        (
            totp("Example", "alice"),
            hotp("", "bob", OTHER, counter=5),
            totp("Acme", "carol", OTHER, "SHA256", 8, 60),
            steam("Steam", ""),
        ),
        skipped=1,
    ),
    Sample("pages of Google Authenticator as links", "uri-list", ("\n".join(_PAGES).encode(),), _PAGES_HOLD),
    Sample("pictures of Google Authenticator", "uri-list", (png(_PAGES[0]), png(_PAGES[1])), _PAGES_HOLD),
    Sample(
        "a picture with several codes",
        "uri-list",
        (png(ALICE, "https://example.org/", BOB),),
        (totp("Example", "alice"), hotp("", "bob", OTHER, counter=5)),
        skipped=1,
    ),
    Sample(
        "a QR code of LastPass Authenticator",
        "uri-list",
        (png(lastpass(_LASTPASS | {"d": 8, "tS": 60}, {"iN": "Bad"})),),
        (totp("Example", "alice", SECRET, "SHA1", 8, 60),),
        skipped=1,
    ),
    Sample(
        "a web page with QR codes",
        "uri-list",
        (html(ALICE, BOB),),
        (totp("Example", "alice"), hotp("", "bob", OTHER, counter=5)),
    ),
)
