"""FreeOTP: the settings file `tokens.xml` of version 1 (and of FreeOTP+), and the backup of version 2.

Version 1: Android's settings file, in which each text but `tokenOrder` is a token, or in the oldest files a link;
`tokenOrder` has their names in the user's order. Version 2: see `freeotp_v2`. Sources: `TokenPersistence.java` of both
versions; no official specification.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer import entry, java_map, shared_prefs
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields
from appliance.transfer.formats import freeotp_token, freeotp_v2
from appliance.transfer.found import Found, Means, Reading, joined
from appliance.vault import otpauth

NAME: Final = "freeotp"
TITLE: Final = freeotp_v2.TITLE
_ORDER: Final = "tokenOrder"


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a serialised map, or a settings file with tokens."""
    if content.data.startswith(java_map.MAGIC):
        return True
    texts = shared_prefs.strings(content)
    return _ORDER in texts or any(text.startswith("{") and '"secret"' in text for text in texts.values())


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files; those of version 1 in the user's order."""
    return joined(_read(content, means) for content in files)


def _read(content: Content, means: Means) -> Reading:
    if content.data.startswith(java_map.MAGIC):
        tokens = freeotp_v2.opened(content.data, means)
        return entry.collect(
            NAME, TITLE, tokens, lambda each: each.account(means), lambda each: each.label, encrypted=True
        )
    return entry.collect(
        NAME, TITLE, _ordered(content), lambda pair: _account(means, pair[1]), lambda pair: pair[0]
    )


def _ordered(content: Content) -> list[tuple[str, str]]:
    texts = shared_prefs.strings(content)
    order = shared_prefs.json_of(texts.pop(_ORDER, ""))
    names = [name for name in order if isinstance(name, str)] if isinstance(order, list) else []
    places = {name: place for place, name in enumerate(names)}
    return sorted(texts.items(), key=lambda pair: places.get(pair[0], len(places)))


def _account(means: Means, text: str) -> Found:
    if otpauth.begins_like_link(text):
        return entry.from_link(means, text)
    token = Fields(shared_prefs.json_of(text))
    return freeotp_token.account(means, token, freeotp_token.secret_of(token))
