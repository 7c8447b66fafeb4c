"""Duo Mobile's accounts."""

import json
from typing import Final

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, totp

SAMPLES: Final = (
    Sample(
        "Duo's accounts",
        "duo",
        (
            json.dumps(
                [
                    {"accountType": "OtpAccount", "name": "Example", "otpGenerator": {"otpSecret": SECRET}},
                    {
                        "name": "Acme",
                        "otpGenerator": {"otpSecret": OTHER, "counter": 3},
                        "logoUri": "file:///x",
                    },
                    {"accountType": "DuoAccount", "name": "Corp", "pkey": "x"},
                ]
            ).encode(),
        ),
        (totp("", "Example"), hotp("", "Acme", OTHER, counter=3)),
        skipped=1,
    ),
)
