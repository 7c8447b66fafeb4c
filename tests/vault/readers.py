"""Readers of sealed files: ours, and ours without one of its checks. What none of the latter trips over proves nothing."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from appliance.errors import VaultDamaged
from appliance.vault import canonical, document, keys, sealed
from appliance.vault.model import Stamp, Vault, base32_decode
from appliance.vault.sealed import Envelope


@dataclass(frozen=True, slots=True)
class Reader:
    """The two steps from the bytes of a file to the vault inside."""

    read: Callable[[bytes], Envelope]
    unseal: Callable[[Envelope, bytes], Vault]


OURS: Final = Reader(sealed.read, sealed.unseal)


def _as_spelled_by_us(raw: bytes) -> Envelope:
    """Read JSON in any spelling; of a name that stands there twice, the last one counts."""
    return sealed.read(canonical.dump(json.loads(raw)))


def _as_it_stands_there(raw: bytes) -> Envelope:
    value = json.loads(raw)
    for params in (value["header"]["params"], *(slot["key_params"] for slot in value["header"]["slots"])):
        bytes.fromhex(params["nonce"])
    base64.b64decode(value["db"], validate=True)
    if "x-proof" in value:
        signatures = [value["x-proof"]["sig"], *(key["by"] for key in value["x-proof"]["keys"])]
        assert all(len(bytes.fromhex(signature)) in {0, 64} for signature in signatures)
    return sealed.read(raw)


def _leniently(raw: bytes) -> Envelope:
    try:
        return _as_spelled_by_us(raw)
    except (ValueError, RecursionError):
        raise document.damaged("it is no JSON") from None


def _under_any_header(envelope: Envelope, master: bytes) -> Vault:
    plain = keys.decrypt(master, envelope.nonce, envelope.db, envelope.tag)
    if plain is None:
        raise document.damaged("its contents were changed")
    return document.load(plain, _head_inside(plain))


def _as_it_comes(envelope: Envelope, master: bytes) -> Vault:
    plain = keys.decrypt(master, envelope.nonce, envelope.db, envelope.tag) or b""
    value = canonical.load(plain)
    for entry in value["entries"]:
        base32_decode(entry["info"]["secret"])
    for meta in value["x-appliance"]["meta"].values():
        Stamp(*meta["stamp"])
    return document.load(plain, value["x-appliance"]["head"])


def _head_inside(plain: bytes) -> str:
    try:
        value: Any = canonical.load(plain)
        return str(value["x-appliance"]["head"])
    except (ValueError, KeyError, TypeError):
        raise document.damaged("it has no head") from None


def _under_any_tag(envelope: Envelope, master: bytes) -> Vault:
    """GCM encrypts in counter mode, from 2 on (NIST SP 800-38D, 7.1); the tag alone tells what was changed."""
    counter = CTR(envelope.nonce + (2).to_bytes(4, "big"))
    decryptor = Cipher(AES(master), counter).decryptor()
    return document.load(decryptor.update(envelope.db) + decryptor.finalize(), envelope.head)


def _dropping_unknown_parts(envelope: Envelope, master: bytes) -> Vault:
    """Forgiving towards the document as well: what is not written as we write it is taken for what it nearly is."""
    plain = keys.decrypt(master, envelope.nonce, envelope.db, envelope.tag)
    try:
        value: Any = json.loads(plain or b"")
        value = {**value, "x-pad": ""}
        value["x-pad"] = "." * (-len(canonical.dump(value)) % document.BLOCK)
        return document.load(canonical.dump(value), envelope.head)
    except (ValueError, TypeError, RecursionError):
        raise VaultDamaged("can't read the vault", "it is no JSON") from None


def _whatever_it_proves(raw: bytes) -> Envelope:
    try:
        file = canonical.load(raw.strip())
        return sealed.read(canonical.dump({name: value for name, value in file.items() if name != "x-proof"}))
    except (ValueError, AttributeError):
        raise document.damaged("it is no JSON") from None


WITHOUT_HEAD: Final = replace(OURS, unseal=_under_any_header)
WITHOUT_TAG: Final = replace(OURS, unseal=_under_any_tag)
WITHOUT_SPELLING: Final = replace(OURS, read=_leniently)
WITHOUT_INNER_SPELLING: Final = replace(OURS, unseal=_dropping_unknown_parts)
WITHOUT_PROOF: Final = replace(OURS, read=_whatever_it_proves)
WITHOUT_CARE: Final = Reader(_as_it_stands_there, _as_it_comes)
"""Python's own exceptions come out."""
