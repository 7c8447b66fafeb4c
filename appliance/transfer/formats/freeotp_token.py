"""A FreeOTP token: the JSON object that all versions of FreeOTP and FreeOTP+ keep an account as.

    {"algo": "SHA1", "counter", "digits", "issuerExt", "issuerInt", "issuerAlt", "label", "labelAlt", "period",
     "secret": [signed bytes], "type": "TOTP" | "HOTP"}

Any but the type may be absent. `…Alt` is what the user renamed it to, `issuerExt` came from the label of the QR code and
`issuerInt` from its parameter. An `issuerExt` of "Steam" makes Steam's kind of code, whatever the digits. The counter
is that of the next code, though the app's own links say one more. Source: `Token.java` of both programs; no official
specification.
"""

from typing import Any

from appliance.transfer import entry
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means


def account(means: Means, token: Fields, secret: bytes) -> Found:
    """Return the account of a token whose secret is known. Raises Unusable."""
    steam = token.text("type").upper() == "TOTP" and token.text("issuerExt") == "Steam"
    return entry.found(
        means,
        kind="steam" if steam else token.text("type"),
        issuer=_first(token, "issuerAlt", "issuerExt", "issuerInt"),
        name=_first(token, "labelAlt", "label"),
        secret=secret,
        algorithm=token.text("algo"),
        digits=token.whole("digits"),
        period=token.whole("period"),
        counter=token.whole("counter"),
    )


def secret_of(token: Fields) -> bytes:
    """Return the secret inside a token; empty if there is none. Raises Unusable."""
    return signed(token.items("secret"), "secret")


def signed(values: list[Any], name: str) -> bytes:
    """Return the bytes of a list of Java's signed ones. Raises Unusable."""
    if not all(type(value) is int and -128 <= value <= 255 for value in values):
        raise Unusable(f"its {name} is not a list of bytes")
    return bytes(value & 0xFF for value in values)


def label(token: Fields) -> str:
    """Return what a person knows a token by, if its names are texts. Raises Unusable."""
    parts = (_first(token, "issuerAlt", "issuerExt", "issuerInt"), _first(token, "labelAlt", "label"))
    return ":".join(filter(None, parts))


def _first(token: Fields, *names: str) -> str:
    return next(filter(None, map(token.text, names)), "")
