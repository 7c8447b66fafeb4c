"""Battle.net Authenticator: the settings file of the Android app, from a rooted phone; one account.

Two texts, each XOR-ed with the same mask and written in hex: `…AUTHENTICATOR_DEVICE_SECRET`, the secret in hex once more,
and `…AUTHENTICATOR_SERIAL`, such as `EU-1234-5678-9012`. The older app (`com.blizzard.bma`) has both in one text, 40
digits of secret and then the serial. Codes are TOTP of 8 digits, 30 s, SHA1. The mask is the same in every phone, and
public since 2010 (xda-developers, WinAuth); it is no encryption. No official specification.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Unusable
from appliance.transfer.found import Found, Means, Reading
from appliance.transfer.shared_prefs import strings

NAME: Final = "battlenet"
TITLE: Final = "Battle.net Authenticator"
_SECRET: Final = "com.blizzard.messenger.AUTHENTICATOR_DEVICE_SECRET"  # noqa: S105 - the name of a setting
_SERIAL: Final = "com.blizzard.messenger.AUTHENTICATOR_SERIAL"
_BOTH: Final = "com.blizzard.bma.AUTH_STORE.HASH"
_SECRET_DIGITS: Final = 40
_MASK: Final = bytes.fromhex(
    "398e27fc50276a656065b0e525f4c06c04c61075286b8e7aeda59da9813b5dd6"
    "c80d2fb38068773fa59ba47c17ca6c6479015c1d5b8b8f6b9a"
)


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a settings file with the secret of either app."""
    return not {_SECRET, _BOTH}.isdisjoint(strings(content))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the account of each file."""
    texts = map(strings, files)
    return entry.collect(NAME, TITLE, texts, lambda each: _account(means, each), lambda _: "Battle.net")


def _account(means: Means, texts: Mapping[str, str]) -> Found:
    if _SECRET in texts:
        secret, serial = _unmasked(texts[_SECRET]), _unmasked(texts.get(_SERIAL, ""))
    else:
        both = _unmasked(texts[_BOTH])
        secret, serial = both[:_SECRET_DIGITS], both[_SECRET_DIGITS:]
    try:
        secret_bytes = bytes.fromhex(secret)
    except ValueError:
        raise Unusable("there is no secret under the app's mask") from None
    return entry.found(
        means, kind="totp", issuer="Battle.net", name=serial, secret=secret_bytes, digits=8, period=30
    )


def _unmasked(text: str) -> str:
    try:
        masked = bytes.fromhex(text)
    except ValueError:
        raise Unusable("it is not hex") from None
    if len(masked) > len(_MASK):
        raise Unusable("it is longer than the app's mask")
    # Any byte is a letter in latin-1: what is no hex afterwards was none before.
    return bytes(one ^ other for one, other in zip(masked, _MASK, strict=False)).decode("latin-1")
