"""Files of OTP Auth for iOS, made here from the description of the format; the program itself did not write any of them."""

import hashlib
import hmac
import plistlib
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.transfer.samples import OTHER, SECRET, Sample, hotp, totp

PASSWORD: Final = "pässword"
_SALT: Final = b"12345678"
_OTHER_SALT: Final = b"abcdefgh"
_IV: Final = bytes(range(16))


class Archiver:
    """Makes an archive as NSKeyedArchiver does: every object by its number."""

    def __init__(self) -> None:
        self.objects: list[Any] = ["$null"]

    def add(self, value: Any) -> plistlib.UID:
        """Return the reference of a value, of what JSON knows and bytes."""
        if value is None:
            return plistlib.UID(0)
        place = len(self.objects)
        self.objects.append(None)
        self.objects[place] = self._made(value)
        return plistlib.UID(place)

    def _made(self, value: Any) -> Any:
        match value:
            case bytes():
                return {"NS.data": value, "$class": self._class("NSMutableData")}
            case list():
                return {"NS.objects": [self.add(each) for each in value], "$class": self._class("NSArray")}
            case dict() if "$" in value:
                whole = {name: each for name, each in value.items() if isinstance(each, int | float)}
                held = {name: self.add(each) for name, each in value.items() if name not in {*whole, "$"}}
                return {**whole, **held, "$class": self._class(value["$"])}
            case dict():
                return {
                    "NS.keys": [self.add(key) for key in value],
                    "NS.objects": [self.add(each) for each in value.values()],
                    "$class": self._class("NSDictionary"),
                }
            case _:
                return value

    def _class(self, name: str) -> plistlib.UID:
        self.objects.append({"$classname": name, "$classes": [name, "NSObject"]})
        return plistlib.UID(len(self.objects) - 1)


def archived(root: Any) -> bytes:
    """Return the archive of a value; a dictionary with a class in "$" is an object of that class."""
    archiver = Archiver()
    top = {"root": archiver.add(root)}
    lists = {
        "$version": 100_000,
        "$archiver": "NSKeyedArchiver",
        "$top": top,
        "$objects": archiver.objects,
    }
    return plistlib.dumps(lists, fmt=plistlib.FMT_BINARY)


def sealed(key: bytes, iv: bytes, plain: bytes) -> bytes:
    """Return AES-CBC with PKCS#7 padding."""
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()


def rncryptor(plain: bytes, password: str = PASSWORD) -> bytes:
    """Return what RNCryptor 3 makes of it."""
    key, tag_key = (
        hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 10_000, 32) for salt in (_SALT, _OTHER_SALT)
    )
    body = b"\x03\x01" + _SALT + _OTHER_SALT + _IV + sealed(key, _IV, plain)
    return body + hmac.digest(tag_key, body, "sha256")


def old(plain: bytes, password: str = PASSWORD) -> bytes:
    """Return the encryption before RNCryptor, for the IV "iv" and the salt "salt"."""
    key = hashlib.sha256(f"salt-{password}".encode()).digest()
    return sealed(key, hashlib.sha1(b"iv").digest()[:16], plain)


def wrapped(header: Any, phrase: str = "Authenticator") -> bytes:
    """Return the outer encryption, whose key is in the program."""
    return sealed(hashlib.sha256(phrase.encode()).digest(), bytes(16), archived(header))


def account(**fields: Any) -> dict[str, Any]:
    """Return an account, but for `fields`."""
    return {
        "$": "ACOTPAccount",
        "label": "alice",
        "issuer": "Example",
        "secret": b"12345678901234567890",
        "type": 2,
        "algorithm": 0,
        "digits": 6,
        "period": 30,
        "counter": 0,
        **fields,
    }


def folder(name: str | None, *accounts: Any) -> dict[str, Any]:
    """Return a folder of accounts."""
    return {"$": "ACOTPFolder", "name": name, "accounts": list(accounts)}


def backup(*folders: Any, version: Any = 1.1, seal: Callable[[bytes], bytes] = rncryptor) -> bytes:
    """Return a backup (.otpauthdb)."""
    data = seal(archived({"Folders": list(folders)}))
    return wrapped({"Version": version, "IV": "iv", "Salt": "salt", "WrappedData": data})


def single(fields: Any, *, version: Any = 1.2, seal: Callable[[bytes], bytes] = rncryptor) -> bytes:
    """Return an exported account (.otpauth)."""
    plain = {name: value for name, value in fields.items() if name != "$"}
    data = seal(archived(plain))
    return wrapped({"Version": version, "IV": b"iv", "Salt": "salt", "Data": data}, "OTPAuth")


def _sample(name: str, file: bytes, *, skipped: int = 0, several: bool = True) -> Sample:
    more = (
        totp("Acme", "bob", OTHER, "SHA256", 8, 60),
        hotp("", "carol", SECRET, "SHA512", counter=9),
    )
    return Sample(
        name,
        "otpauth-ios",
        (file,),
        (totp("Example", "alice"), *(more if several else ())),
        PASSWORD,
        skipped=skipped,
        encrypted=True,
    )


_FOLDERS: Final = (
    folder("Work", account(), account(label="mallory", algorithm=4)),
    folder(
        "Home",
        account(
            issuer="Acme",
            label="bob",
            secret=b"Hello!\xde\xad\xbe\xef",
            algorithm=2,
            digits=8,
            period=60.0,
        ),
        account(issuer=None, label="carol", type=1, algorithm=3, counter=9),
    ),
)

SAMPLES: Final = (
    _sample("OTP Auth's backup", backup(*_FOLDERS), skipped=1),
    _sample("OTP Auth's old backup", backup(*_FOLDERS, version=1.0, seal=old), skipped=1),
    _sample("an account of OTP Auth", single(account()), several=False),
    _sample("an old account of OTP Auth", single(account(), version=1.1, seal=old), several=False),
)
