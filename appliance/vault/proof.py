"""What a holder of an older key can check about a file without opening it: `x-proof`.

A newer epoch or a newer version is a claim that stops a device from writing, so it must be proven, also to a device
that is locked, and by releases that can't read the file. As TUF rotates its root keys, each epoch has a signing key
(Ed25519, RFC 8032) that is derived from the master key; the key before vouches for the key after, and the last one
signs what the file is. FORMAT.md, "x-proof", is the specification; its form never changes.

Rules: nothing is believed because of a number. One proof is newer than another when its chain passes through the
very key that the other one ends with. A chain that branches off earlier proves nothing: whoever once knew an old
passphrase can make one.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.vault import canonical

NAME: Final = "x-proof"
DEVICE: Final = "x-device"
WHITE: Final = b" \t\r\n"
"""What may stand around a file."""
KEYS: Final = 64
"""The most that a chain holds; the oldest go first."""
BYTES: Final = 32 * 1024
"""More than a chain of that length takes."""
_VERSION: Final = 1
_FILE: Final = b"otp-appliance file v1\0"
_KEY: Final = b"otp-appliance key v1\0"
_SEED: Final = b"otp-appliance sign v1"
_PUBLIC_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64

Standing = Literal["newer key", "newer", "same", "other", "older", "older key", "unproven"]
"""Of one proof, as seen by another one.

newer key  keys follow the one that the other ends with: the passphrase was changed
newer      the same key, a higher generation
same       the same key, generation and file
other      the same key and generation, another file
older      the same key, a lower generation
older key  it ends with a key that the other's chain has left behind
unproven   nothing connects the two
"""


@dataclass(frozen=True, slots=True)
class Key:
    """The signing key of one epoch."""

    epoch: int
    public: str
    """Hex of the 32 bytes."""
    by: str = ""
    """Hex of the signature by the key before; empty for the first of a chain."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose file it is, and that a holder of its last key made it."""

    vault: str
    device: str
    generation: int
    file: str
    """Hex SHA-256 of the file without `x-device` and `x-proof`."""
    keys: tuple[Key, ...]
    """Oldest first; the last one is the file's."""
    signature: str = field(default="", repr=False)

    @property
    def public(self) -> str:
        """Of the key that signed it."""
        return self.keys[-1].public


def begin(master: bytes, vault: str, epoch: int) -> tuple[Key, ...]:
    """Return the chain of a vault whose earlier keys nobody vouches for."""
    return (Key(epoch, public_key(master, vault)),)


def extend(keys: tuple[Key, ...], before: bytes, master: bytes, vault: str, epoch: int) -> tuple[Key, ...]:
    """Return a chain with the key of the next master key, vouched for by that of the master key `before`."""
    public = public_key(master, vault)
    by = _signing_key(before, vault).sign(_KEY + _link(vault, epoch, keys[-1].public, public))
    chain = (*keys, Key(epoch, public, by.hex()))[-KEYS:]
    return (replace(chain[0], by=""), *chain[1:])


def sign(proof: Proof, master: bytes) -> Proof:
    """Return a proof, signed by the key of a master key, which must be the last of its chain."""
    signature = _signing_key(master, proof.vault).sign(_FILE + canonical.dump(_signed(proof)))
    return replace(proof, signature=signature.hex())


def public_key(master: bytes, vault: str) -> str:
    """Return the hex of the public half of a master key's signing key."""
    return _signing_key(master, vault).public_key().public_bytes_raw().hex()


def digest(file: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 that a proof has of a file, whatever the file's version."""
    rest = {name: value for name, value in file.items() if name not in {NAME, DEVICE}}
    return hashlib.sha256(canonical.dump(rest)).hexdigest()


def dump(proof: Proof) -> dict[str, Any]:
    """Return the JSON of a proof."""
    return {**_signed(proof), "sig": proof.signature}


def load(value: object) -> Proof:
    """Return the proof that a JSON value spells, with all of its signatures checked; its file is not at hand.

    Raises ValueError for anything else. Ids and numbers are claims of the last key's holder.
    """
    try:
        proof = _parsed(value)
        _check_chain(proof)
        _verify(proof.public, proof.signature, _FILE + canonical.dump(_signed(proof)))
    except (KeyError, TypeError, AttributeError, InvalidSignature) as error:
        raise ValueError("its proof does not hold") from error
    return proof


def read(raw: bytes) -> Proof | None:
    """Return the proof of a file of any version; None if it has none that holds, or is not spelled canonically."""
    raw = raw.strip(WHITE)
    try:
        file = canonical.load(raw)
        if not isinstance(file, dict) or NAME not in file:
            return None
        proof = load(file[NAME])
        fits = proof.file == digest(file) and proof.keys[-1].epoch == file.get("x-epoch")
        spelled = canonical.dump(file) == raw  # else anybody could make one that this release can't read
    except ValueError:
        return None
    return proof if fits and spelled else None


def bare(raw: bytes) -> bytes:
    """Return a message without what no proof covers: `x-device`, which none should have, and white space around it.

    Otherwise who adds an `x-device` of a later version makes a true message one that this release can't read.
    What is spelled in another way stays as it is, and is damaged.
    """
    raw = raw.strip(WHITE)
    if DEVICE.encode() not in raw:  # as it stands in every file that is spelled canonically
        return raw
    try:
        file = canonical.load(raw)
        if isinstance(file, dict) and DEVICE in file and canonical.dump(file) == raw:
            return canonical.dump({name: value for name, value in file.items() if name != DEVICE})
    except ValueError:
        pass
    return raw


def compare(own: Proof | None, found: Proof | None) -> Standing:
    """Return what a proof found somewhere is to the own one, both of them with signatures that hold."""
    if own is None or found is None or (own.vault, own.device) != (found.vault, found.device):
        return "unproven"
    if found.public == own.public:
        return _among_equals(own, found)
    if own.public in {key.public for key in found.keys}:
        return "newer key"
    if found.public in {key.public for key in own.keys}:
        return "older key"
    return "unproven"


def _among_equals(own: Proof, found: Proof) -> Standing:
    if found.generation != own.generation:
        return "newer" if found.generation > own.generation else "older"
    return "same" if found.file == own.file else "other"


def outranks(one: Proof, other: Proof) -> bool:
    """Return whether the key of a proof comes after that of another one, whichever devices made them."""
    return one.vault == other.vault and other.public in {key.public for key in one.keys[:-1]}


def successor(own: Proof, found: Proof) -> str:
    """Return the public key that comes after the own one in a chain that passes through it."""
    publics = [key.public for key in found.keys]
    return publics[publics.index(own.public) + 1]


def _signing_key(master: bytes, vault: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(HKDF(SHA256(), 32, vault.encode(), _SEED).derive(master))


def _link(vault: str, epoch: int, previous: str, public: str) -> bytes:
    return canonical.dump({"vault": vault, "epoch": epoch, "previous": previous, "public": public})


def _signed(proof: Proof) -> dict[str, Any]:
    return {
        "v": _VERSION,
        "vault": proof.vault,
        "device": proof.device,
        "gen": proof.generation,
        "file": proof.file,
        "keys": [{"epoch": key.epoch, "public": key.public, "by": key.by} for key in proof.keys],
    }


def _parsed(value: Any) -> Proof:
    if len(value["keys"]) not in range(1, KEYS + 1):
        raise ValueError("its proof has too many keys, or none")
    proof = Proof(
        vault=_text(value["vault"]),
        device=_text(value["device"]),
        generation=_natural(value["gen"]),
        file=_hex(value["file"], 32),
        keys=tuple(_parsed_key(key, first=not place) for place, key in enumerate(value["keys"])),
        signature=_hex(value["sig"], _SIGNATURE_BYTES),
    )
    # Python holds 1 and True for equal, and an unknown name would be covered by no signature.
    if canonical.dump(dump(proof)) != canonical.dump(value):
        raise ValueError("its proof is not spelled as it should be")
    return proof


def _parsed_key(value: Any, *, first: bool) -> Key:
    by = _hex(value["by"], 0 if first else _SIGNATURE_BYTES)
    return Key(_natural(value["epoch"]), _hex(value["public"], _PUBLIC_BYTES), by)


def _check_chain(proof: Proof) -> None:
    keys = proof.keys
    if len({key.public for key in keys}) != len(keys):
        raise ValueError("its proof has a key twice")
    for before, after in itertools.pairwise(keys):
        if after.epoch <= before.epoch:
            raise ValueError("its proof's epochs do not rise")
        _verify(before.public, after.by, _KEY + _link(proof.vault, after.epoch, before.public, after.public))


def _verify(public: str, signature: str, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an id in its proof is no text")  # noqa: TRY004 - all damage is one error here
    return value


def _natural(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError("a number in its proof is none")
    return value


def _hex(value: object, size: int) -> str:
    text = _text(value)
    if len(text) != 2 * size or not set(text) <= set("0123456789abcdef"):
        raise ValueError("a field of its proof has the wrong length or is not hexadecimal")
    return text
