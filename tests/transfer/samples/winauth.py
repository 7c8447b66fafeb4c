"""WinAuth: its text with Steam's data, and its archive."""

import json
from typing import Final
from urllib.parse import quote_plus

from tests.transfer.samples import OTHER, SECRET, Sample, steam, totp
from tests.transfer.zips import aes_zip, old_zip, plain_zip

STEAM_DATA: Final = quote_plus(
    json.dumps({"shared_secret": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "identity_secret": "never+read/it="})
)
TEXT: Final = (
    f"otpauth://totp/Example:alice?secret={SECRET}&digits=6&issuer=Example&icon=WinAuth\r\n"
    f"otpauth://totp/BattleNet:EU-1234?secret={OTHER}&digits=8&issuer=BattleNet&serial=EU1234\r\n"
    f"otpauth://totp/Steam:bob?secret=MFRGGZA&digits=5&issuer=Steam&deviceid=android%3a1&data={STEAM_DATA}\r\n"
).encode()
ACCOUNTS: Final = (
    totp("Example", "alice"),
    totp("BattleNet", "EU-1234", OTHER, digits=8),
    steam("Steam", "bob"),
)

SAMPLES: Final = (
    Sample("WinAuth's text", "winauth", (TEXT,), ACCOUNTS),
    Sample("WinAuth's archive", "winauth", (plain_zip(winauth__txt=TEXT),), ACCOUNTS),
    Sample(
        "WinAuth's archive by password",
        "winauth",
        (aes_zip("winauth-2024-01-01.txt", TEXT, "pass"),),
        ACCOUNTS,
        "pass",
        encrypted=True,
    ),
    Sample(
        "WinAuth's archive by password of old",
        "winauth",
        (old_zip("mine.txt", TEXT, "pass"),),
        ACCOUNTS,
        "pass",
        encrypted=True,
    ),
)
