"""Duo Mobile: `files/duokit/accounts.json` of the Android app, from a rooted phone; there is no other export.

    [{"name", "accountType": "OtpAccount", "otpGenerator": {"otpSecret": base32, "counter"?}, "logoUri", …}, …]

With a counter it is HOTP, of the next code; without, TOTP of 30 s; always 6 digits and SHA1. Accounts that have no
generator approve by push only and are skipped. The name is not split: Duo has no issuer. No official specification.
"""

from collections.abc import Sequence
from typing import Final

from appliance.transfer import entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means, Reading, joined

NAME: Final = "duo"
TITLE: Final = "Duo Mobile"


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is a list in which something looks like an account of Duo."""
    return isinstance(content.json, list) and any(
        isinstance(each, dict) and ("otpGenerator" in each or {"accountType", "pkey"} <= each.keys())
        for each in content.json
    )


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts that have a generator."""
    return joined(
        entry.collect(
            NAME, TITLE, content.json, lambda raw: _account(means, raw), lambda raw: Fields(raw).text("name")
        )
        for content in files
    )


def _account(means: Means, raw: object) -> Found:
    fields = Fields(raw)
    generator = fields.inner("otpGenerator")
    if not generator.raw:
        raise Unusable("it is approved by push, without a one-time code")
    counter = generator.whole("counter")
    return entry.found(
        means,
        kind="totp" if counter is None else "hotp",
        issuer="",
        name=fields.text("name"),
        secret=generator.text("otpSecret"),
        counter=counter,
    )
