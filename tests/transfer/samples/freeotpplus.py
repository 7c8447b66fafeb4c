"""FreeOTP+."""

import json
from typing import Final

from tests.transfer.samples import SECRET, Sample, hotp, steam, totp
from tests.transfer.samples.freeotp import token

SAMPLES: Final = (
    Sample(
        "FreeOTP+",
        "freeotpplus",
        (
            json.dumps(
                {
                    "tokenOrder": ["Example:alice"],
                    "tokens": [
                        token(),
                        token(issuerExt="Acme", label="bob", algo="SHA256", digits=8, period=60),
                        token(issuerExt="Steam", label="carol", digits=6),
                        token(issuerExt="", label="dave", type="HOTP", counter=9),
                        token(label="erin", algo="MD5"),
                    ],
                }
            ).encode(),
        ),
        (
            totp("Example", "alice"),
            totp("Acme", "bob", SECRET, "SHA256", 8, 60),
            steam("Steam", "carol"),
            hotp("", "dave", counter=9),
        ),
        skipped=1,
    ),
)
