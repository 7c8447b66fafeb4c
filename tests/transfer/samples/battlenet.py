"""Battle.net's settings files."""

from typing import Final

from tests.transfer.android import settings_file
from tests.transfer.samples import SECRET, Sample, totp

MASK: Final = bytes.fromhex(
    "398e27fc50276a656065b0e525f4c06c04c61075286b8e7aeda59da9813b5dd6"
    "c80d2fb38068773fa59ba47c17ca6c6479015c1d5b8b8f6b9a"
)
SERIAL: Final = "EU-1234-5678-9012"
HEX: Final = "3132333435363738393031323334353637383930"
NEW: Final = "com.blizzard.messenger.AUTHENTICATOR_"
OLD: Final = "com.blizzard.bma.AUTH_STORE.HASH"


def masked(text: str) -> str:
    """Return a text as the app keeps it."""
    return bytes(one ^ other for one, other in zip(text.encode("latin-1"), MASK, strict=False)).hex()


_ACCOUNT: Final = totp("Battle.net", SERIAL, SECRET, digits=8)

SAMPLES: Final = (
    Sample(
        "Battle.net's settings file",
        "battlenet",
        (settings_file({f"{NEW}SERIAL": masked(SERIAL), f"{NEW}DEVICE_SECRET": masked(HEX).upper()}),),
        (_ACCOUNT,),
    ),
    Sample(
        "Battle.net's older settings file",
        "battlenet",
        (settings_file({OLD: masked(HEX + SERIAL)}),),
        (_ACCOUNT,),
    ),
)
