"""Files of google-authenticator-libpam."""

from typing import Final

from tests.transfer.samples import SECRET, Sample, hotp, totp

TIMED: Final = (
    f'{SECRET}\n" RATE_LIMIT 3 30\n" WINDOW_SIZE 17\n" DISALLOW_REUSE\n" TOTP_AUTH\n12345678\n87654321\n'
)
COUNTED: Final = f'{SECRET}\n" HOTP_COUNTER 7\n" RATE_LIMIT 3 30 1700000000\n'

SAMPLES: Final = (
    Sample("a Linux login by time", "google-authenticator-libpam", (TIMED.encode(),), (totp("PAM", ""),)),
    Sample(
        "a Linux login by counter",
        "google-authenticator-libpam",
        (COUNTED.encode(),),
        (hotp("PAM", "", counter=7),),
    ),
)
