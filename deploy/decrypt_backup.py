#!/usr/bin/env python3
"""Open a vault or backup of otp-appliance, without otp-appliance.

For the day when the appliance is broken or its project is gone, and there is only a file (`vault.json`, or the
retained message `.../backup` of the broker, saved as it is) and its passphrase or recovery key. This page needs
Python 3.11 or newer and the package `cryptography`, nothing else of the project:

    pip install cryptography
    python decrypt_backup.py vault.json             # one otpauth:// link for each account
    python decrypt_backup.py --json vault.json      # all that is in the file
    python decrypt_backup.py parts.txt              # the same from the QR codes of a recovery sheet, one a line

What it prints are the secrets themselves: mind the screen, the shell's history and where you redirect it. Any
authenticator takes the links; as a QR code, a phone scans them (`qrencode -t ansiutf8 'otpauth://...'`).

The file is also an Aegis vault: Aegis on a phone imports it with the same passphrase. What this page does:

1. The file is JSON. `header.slots` holds the master key twice, once for the passphrase and once for the recovery key.
   scrypt (RFC 7914) makes a key of the passphrase, that key decrypts the slot's `key` by AES-256-GCM.
2. The master key decrypts `db` (base64) by AES-256-GCM. That is JSON again; its `entries` are the accounts.
3. `x-proof`, if the file has one, says on which device it was saved, and when the passphrase was changed: a chain of
   Ed25519 keys, the last of which comes from the master key and signs the file. If it does not hold, that is a warning.

A QR code of a recovery sheet says `OTPVAULT1-BACKUP-NUMBER-TOTAL-DATA-CHECK`. The DATA of all in a row is base32 of the
file, compressed by zlib; CHECK is base32 of five bytes of the SHA-256 of all before its hyphen.

Exit codes: 0 done, 1 the file can't be read, 2 usage, 3 wrong passphrase, 4 damaged or no such file format.
"""

import argparse
import base64
import getpass
import hashlib
import json
import re
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

Json = dict[str, Any]
PART = re.compile(rb"(OTPVAULT1-([A-Z2-7]{8})-(\d{1,5})-(\d{1,5})-([A-Z2-7]+))-([A-Z2-7]{8})")
FILE_LIMIT = 8 * 1024 * 1024


class Failure(Exception):
    """What went wrong, for people, and the exit code that says so."""

    def __init__(self, why: str, exit_code: int) -> None:
        super().__init__(why)
        self.exit_code = exit_code


def opened(raw: bytes, entered: str) -> Json:
    """Return the decrypted document of a file. Raises Failure, or what a wrong part makes Python raise."""
    file = json.loads(joined(raw))
    header, sealed = file["header"], base64.b64decode(file["db"], validate=True)
    master = unwrapped([slot for slot in header["slots"] if slot["type"] == 1], entered)
    try:
        document = json.loads(decrypted(master, header["params"], sealed))
    except InvalidTag:
        raise Failure("the key fits, but the contents were changed or cut: the file is damaged", 4) from None
    if document.get("x-appliance", {}).get("head", head(file)) != head(file):
        # Somebody who could write the file may have grafted an old key slot onto it; the contents are authentic.
        print("warning: the file's header is not the one it was saved with", file=sys.stderr)
    if "x-proof" in file and (doubt := doubted(file, document, master)):
        print(f"warning: {doubt}; the contents are what was sealed under this key", file=sys.stderr)
    return dict(document)


def doubted(file: Json, document: Json, master: bytes) -> str:
    """Return what is wrong with the proof of whose file it is; empty: nothing."""
    try:
        proof = file["x-proof"]
        check_proof(file, proof)
        seed = HKDF(SHA256(), 32, proof["vault"].encode(), b"otp-appliance sign v1")
        signing = Ed25519PrivateKey.from_private_bytes(seed.derive(master)).public_key().public_bytes_raw()
        if proof["keys"][-1]["public"] != signing.hex():
            return "the file's proof was made with another key than the one that opens it"
        inside = document["x-appliance"]
        if [proof[name] for name in ("vault", "device", "gen")] != [
            inside[name] for name in ("vault", "device", "gen")
        ]:
            return "the file's proof is another file's"
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "the file's proof does not hold"
    return ""


def check_proof(file: Json, proof: Json) -> None:
    """Raise InvalidSignature or ValueError if a signature of a proof does not hold, or it is another file's."""
    rest = {name: value for name, value in file.items() if name not in {"x-device", "x-proof"}}
    last = proof["keys"][-1]
    if proof["file"] != hashlib.sha256(spelled(rest)).hexdigest() or last["epoch"] != file["x-epoch"]:
        raise ValueError
    for before, after in pairwise(proof["keys"]):
        link = {
            "vault": proof["vault"],
            "epoch": after["epoch"],
            "previous": before["public"],
            "public": after["public"],
        }
        check_signature(before["public"], after["by"], b"otp-appliance key v1\0" + spelled(link))
    unsigned = {name: value for name, value in proof.items() if name != "sig"}
    check_signature(last["public"], proof["sig"], b"otp-appliance file v1\0" + spelled(unsigned))


def check_signature(public: str, signature: str, message: bytes) -> None:
    """Raise InvalidSignature if a signature by an Ed25519 key does not hold."""
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)


def spelled(value: Json) -> bytes:
    """Return the one spelling of a JSON object that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def joined(raw: bytes) -> bytes:
    """Return the file that the QR codes in a text make; a file without any as it is. Raises Failure if some are missing."""
    text = raw.replace(b"\0", b"").upper()  # Windows may have put a zero after each letter
    if b"OTPVAULT1-" not in text:
        return raw
    backups: dict[tuple[bytes, int], dict[int, bytes]] = {}
    for line, backup, number, total, data, check in PART.findall(text):
        if base64.b32encode(hashlib.sha256(line).digest()[:5]) == check:
            backups.setdefault((backup, int(total)), {})[int(number)] = data
    if len(backups) != 1:
        raise Failure("its QR codes are of several backups, or all are misread: keep those of one sheet", 4)
    ((_, count), found), *_ = backups.items()
    missing = [str(number) for number in range(1, count + 1) if number not in found]
    if missing:
        raise Failure(f"QR codes are missing or misread, of {count}: {', '.join(missing)}", 4)
    packed = b"".join(found[number] for number in range(1, count + 1))
    try:
        return zlib.decompressobj().decompress(
            base64.b32decode(packed + b"=" * (-len(packed) % 8)), FILE_LIMIT
        )
    except zlib.error:
        raise Failure("its QR codes do not make a file", 4) from None


def unwrapped(slots: list[Json], entered: str) -> bytes:
    """Return the master key from the first slot that opens. Raises Failure if none does."""
    for slot in slots:
        n, r, p = slot["n"], slot["r"], slot["p"]
        if not (n in {2**power for power in range(10, 21)} and r in range(1, 17) and p in range(1, 17)):
            raise ValueError  # a changed file must not take all memory, or hours
        for password in dict.fromkeys((entered, as_printed(entered))):
            scrypt = Scrypt(salt=bytes.fromhex(slot["salt"]), length=32, n=n, r=r, p=p)
            derived = scrypt.derive(password.encode("utf-8", "surrogatepass"))
            try:
                return decrypted(derived, slot["key_params"], bytes.fromhex(slot["key"]))
            except InvalidTag:
                continue
    raise Failure("wrong passphrase or recovery key (a passphrase is case-sensitive)", 3)


def as_printed(recovery_key: str) -> str:
    """Return a recovery key as it is printed: upper case, O as 0, I and L as 1, in groups of four with dashes."""
    joined = "".join(recovery_key.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    return "-".join(joined[at : at + 4] for at in range(0, len(joined), 4))


def decrypted(key: bytes, params: Json, sealed: bytes) -> bytes:
    """Return the plaintext of AES-256-GCM. Raises InvalidTag if key or bytes are not the right ones."""
    return AESGCM(key).decrypt(bytes.fromhex(params["nonce"]), sealed + bytes.fromhex(params["tag"]), None)


def head(file: Json) -> str:
    """Return the digest of the header that the document carries inside."""
    signed = {"slots": file["header"]["slots"], "version": file["version"], "x-epoch": file.get("x-epoch")}
    return hashlib.sha256(spelled(signed)).hexdigest()


def link(entry: Json) -> str:
    """Return the otpauth:// link of one entry."""
    info = entry["info"]
    issuer = entry["issuer"].replace(":", "-")  # a colon divides issuer and name
    parameters = {"secret": info["secret"], "algorithm": info["algo"], "digits": info["digits"]}
    parameters |= {name: info[name] for name in ("period", "counter") if name in info}
    parameters |= {"issuer": issuer} if issuer else {}
    parameters |= {"encoder": "steam"} if entry["type"] == "steam" else {}
    label = quote(entry["name"], safe="")
    if issuer or ":" in entry["name"] or not label:
        label = f"{quote(issuer, safe='')}:{label}"
    return f"otpauth://{quote(entry['type'])}/{label}?{urlencode(parameters, quote_via=quote, safe='')}"


def links(entries: object) -> list[str]:
    """Return the links of all entries. Raises ValueError if it is no list, so that nothing never looks like all."""
    if not isinstance(entries, list):
        raise ValueError  # noqa: TRY004 - all damage is one error here
    return [link(entry) for entry in entries]


def asked(arguments: argparse.Namespace) -> str:
    """Return what the person gives; a file loses one newline at its end."""
    if arguments.passphrase_file is None:
        return getpass.getpass("Passphrase or recovery key: ")
    text = Path(arguments.passphrase_file).read_bytes().decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")


def told(problem: str, exit_code: int) -> int:
    """Print what went wrong and return the exit code."""
    print(problem, file=sys.stderr)
    return exit_code


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Print the accounts of an otp-appliance vault or backup.")
    parser.add_argument("file", help="vault.json, a backup as the broker had it, or the text of QR codes")
    parser.add_argument("--passphrase-file", metavar="FILE", help="passphrase or recovery key (default: ask)")
    parser.add_argument("--json", action="store_true", help="print everything in the file, not only links")
    arguments = parser.parse_args()
    try:
        document = opened(Path(arguments.file).read_bytes(), asked(arguments))
        document.pop("x-pad", None)
        lines = [json.dumps(document, indent=2)] if arguments.json else links(document["entries"])
        print("".join(f"{line}\n" for line in lines), end="")
    except Failure as failure:
        return told(f"can't open {arguments.file}: {failure}", failure.exit_code)
    except OSError as error:
        return told(f"can't read {error.filename}: {error.strerror}", 1)
    except (EOFError, MemoryError, KeyboardInterrupt) as error:
        return told(f"stopped: {type(error).__name__}", 1)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return told(f"can't open {arguments.file}: it is not an encrypted vault, or it is damaged", 4)
    return 0


if __name__ == "__main__":
    sys.exit(main())
