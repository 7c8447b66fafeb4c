"""What people have of Authy."""

import base64
import hashlib
import json
from typing import Any, Final

from tests.transfer.android import sealed_cbc, settings_file
from tests.transfer.samples import OTHER, SECRET, Sample, totp

PASSWORD: Final = "backup pässword"
TOKENS: Final = "com.authy.storage.tokens.authenticator.key"
APPS: Final = "com.authy.storage.tokens.authy.key"
HEX: Final = "3132333435363738393031323334353637383930"
"""Of `SECRET`."""
IV: Final = bytes(range(16))


def sealed(plain: str, salt: str, iterations: int, iv: bytes = bytes(16), password: str = PASSWORD) -> str:
    """Return a secret as Authy encrypts it."""
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), iterations, 32)
    return base64.b64encode(sealed_cbc(key, iv, plain.encode())).decode()


def android(name: str, **fields: Any) -> dict[str, Any]:
    """Return an entry of the app's settings file."""
    return {"accountType": "authenticator", "digits": 6, "logo": "x", "hidden": False, "name": name, **fields}


def captured(name: str, plain: str = SECRET, *, iv: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """Return an entry of the server's answer."""
    return {
        "account_type": "authenticator",
        "digits": 6,
        "encrypted_seed": sealed(plain, f"salt of {name}", 200, iv or bytes(16)),
        "issuer": None,
        "key_derivation_iterations": 200,
        "name": name,
        "original_name": name,
        "salt": f"salt of {name}",
        "unique_iv": None if iv is None else iv.hex(),
        **fields,
    }


def row(name: str, plain: str, delimiter: str = ",") -> str:
    """Return a line of the CSV; its 100,000 iterations are fixed."""
    return delimiter.join((name, sealed(plain, "salt/+=", 100_000, IV), "salt/+=", IV.hex()))


PLAIN: Final = settings_file(
    {
        TOKENS: [
            android("Example: alice", decryptedSecret=SECRET.lower(), originalIssuer="Example"),
            android("mine", decryptedSecret=OTHER, originalName="Acme:bob", digits=8),
            android("broken", decryptedSecret="0189"),
        ]
    }
)
NATIVE: Final = settings_file({APPS: [{"name": "Cloudflare", "secretSeed": HEX, "digits": 7}]})
_APP: Final = totp("Cloudflare", "", SECRET, "SHA1", 7, 10)
_ANSWER: Final = {
    "authenticator_tokens": [
        captured("Example: alice"),
        captured("bob", HEX, iv=IV, issuer="Acme", digits=8),
    ],
    "success": True,
}
_TWO: Final = (totp("Example", "alice"), totp("Acme", "bob", SECRET, digits=8))

SAMPLES: Final = (
    Sample(
        "Authy's settings files",
        "authy",
        (PLAIN, NATIVE),
        (totp("Example", "alice"), totp("Acme", "mine", OTHER, digits=8), _APP),
        skipped=1,
    ),
    Sample(
        "Authy's encrypted settings file",
        "authy",
        (
            settings_file(
                {
                    TOKENS: [
                        android("Example: alice", encryptedSecret=sealed(SECRET, "a", 1000), salt="a"),
                        android("bob", encryptedSecret=sealed(OTHER, "b", 1000), salt="b", digits=8),
                    ]
                }
            ),
        ),
        (totp("Example", "alice"), totp("", "bob", OTHER, digits=8)),
        password=PASSWORD,
        encrypted=True,
    ),
    Sample(
        "Authy's captured answers",
        "authy",
        (
            json.dumps(_ANSWER).encode(),
            json.dumps({"apps": [{"name": "Cloudflare", "digits": 7, "secret_seed": HEX}]}).encode(),
        ),
        (*_TWO, _APP),
        password=PASSWORD,
        encrypted=True,
    ),
    Sample(
        "Authy's tokens that a script decrypted",
        "authy",
        (
            json.dumps(
                {
                    "message": "success",
                    "decrypted_authenticator_tokens": [
                        {"name": "Example: alice", "issuer": None, "decrypted_seed": SECRET, "digits": 6},
                        {"name": "bob", "issuer": "Acme", "decrypted_seed": SECRET, "digits": 8},
                        {
                            "name": "carol",
                            "issuer": "",
                            "decrypted_seed": "Decryption failed: x",
                            "digits": 6,
                        },
                    ],
                }
            ).encode(),
        ),
        _TWO,
        skipped=1,
    ),
    Sample(
        "Authy's data request",
        "authy",
        (f"name,encrypted_seed,salt,iv\r\n{row('Example: alice', SECRET)}\r\n".encode(),),
        (totp("Example", "alice"),),
        password=PASSWORD,
        encrypted=True,
    ),
    Sample(
        "Authy's data request with semicolons and quotes",
        "authy",
        (f'"Name;Encrypted_seed;Salt;IV\n{row("bob", HEX, ";")}"\n'.encode(),),
        (totp("", "bob"),),
        password=PASSWORD,
        encrypted=True,
    ),
)
