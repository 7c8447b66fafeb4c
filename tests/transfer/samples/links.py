"""Lists of links."""

from typing import Final

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, steam, totp

SAMPLES: Final = (
    Sample(
        "a list of links",
        "uri-list",
        (
            f"# mine\notpauth://totp/Example:alice?secret={SECRET}&issuer=Example\r\n"
            f"otpauth://hotp/bob?secret={OTHER}&counter=5\n"
            f"otpauth://totp/Acme:carol?secret={OTHER}&algorithm=SHA256&digits=8&period=60\n"
            f"steam://{SECRET}\nmotp://x:y?secret=aa\n".encode(),
        ),
        (
            totp("Example", "alice"),
            hotp("", "bob", OTHER, counter=5),
            totp("Acme", "carol", OTHER, "SHA256", 8, 60),
            steam("Steam", ""),
        ),
        skipped=1,
    ),
)
