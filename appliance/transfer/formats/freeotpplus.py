"""FreeOTP+: its JSON backup, `{"tokenOrder": [name, …], "tokens": [token, …]}`, in the user's order.

For the tokens see `freeotp_token`; its settings file is read by `freeotp`. Source: `SavedTokens.kt` of the program; no
official specification.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields
from appliance.transfer.formats import freeotp_token
from appliance.transfer.found import Found, Means, Reading, joined

NAME: Final = "freeotpplus"
TITLE: Final = "FreeOTP+"


def recognises(content: Content, _means: Means) -> bool:
    """Whether it has a list of tokens, and their order or a first one like FreeOTP's."""
    if "tokens" not in content.keys or not isinstance(content.json["tokens"], list):
        return False
    first = next(iter(content.json["tokens"]), None)
    return "tokenOrder" in content.keys or (isinstance(first, dict) and isinstance(first.get("secret"), list))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all tokens."""
    return joined(
        entry.collect(
            NAME,
            TITLE,
            content.json["tokens"],
            lambda raw: _account(means, raw),
            lambda raw: freeotp_token.label(Fields(raw)),
        )
        for content in files
    )


def _account(means: Means, raw: object) -> Found:
    token = Fields(raw)
    return freeotp_token.account(means, token, freeotp_token.secret_of(token))
