"""The sealed file: what lies on the card and, without `x-device`, on the broker.

It is an Aegis vault: a header with key slots, and the encrypted document. Aegis does not authenticate its header;
ours is, by the `head` inside the document. FORMAT.md is the specification.

Outside, where a device without the key can look, `x-proof` says whose file it is (`proof.py`). `read` checks the
bounds, the spelling and the proof before anything is derived or decrypted.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from appliance.errors import VaultTooNew
from appliance.vault import canonical, document, keys, proof
from appliance.vault.keys import NONCE_BYTES, TAG_BYTES, DeviceWrap, Mode, RandomBytes, Slot
from appliance.vault.model import Extra, Vault
from appliance.vault.proof import Key, Proof

FILE_LIMIT: Final = 8 * 1024 * 1024
VERSION: Final = 1
DEVICE_VERSION: Final = 1
"""Of `x-device`."""
_N: Final = tuple(2**power for power in range(10, 19))
_P: Final = range(1, 5)
_MODES: Final[tuple[Mode, ...]] = ("credential", "pin")
_NAMES: Final = frozenset({"db", "header", "version", "x-epoch", proof.DEVICE, proof.NAME})
_LATER: Final = "x-"
"""How names begin that a later release may add beside these; the proof covers them."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed vault, its parts told apart and not yet opened."""

    slots: tuple[Slot, Slot]
    """Passphrase, recovery key."""
    epoch: int
    """Number of the master key."""
    nonce: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    db: bytes = field(repr=False)
    device: DeviceWrap | None = None
    proof: Proof | None = None
    """None: a release before 0.2 wrote it."""
    extra: Extra = field(default_factory=dict, repr=False)
    """Unknown outer names of a later release."""

    @property
    def head(self) -> str:
        """Hex SHA-256 of what the document authenticates of the header."""
        return _head(self.slots, self.epoch)

    @property
    def published(self) -> "Envelope":
        """The same without what unlocks one device only."""
        return replace(self, device=None)


def seal(
    vault: Vault,
    master: bytes,
    slots: tuple[Slot, Slot],
    epoch: int,
    device: DeviceWrap | None,
    random_bytes: RandomBytes,
) -> Envelope:
    """Return a vault encrypted under its master key, with a fresh nonce."""
    nonce = random_bytes(NONCE_BYTES)
    plain = document.dump(vault, _head(slots, epoch))
    db, tag = keys.encrypt(master, nonce, plain)
    return Envelope(slots=slots, epoch=epoch, nonce=nonce, tag=tag, db=db, device=device)


def sign(envelope: Envelope, vault: Vault, master: bytes, chain: tuple[Key, ...] = ()) -> Envelope:
    """Return a sealed vault with the proof of whose it is.

    `chain` are the signing keys up to that of `master`; without any, those of the proof that is there go on, or a new
    chain begins. All else stays byte for byte.
    """
    if not chain:
        chain = envelope.proof.keys if envelope.proof else proof.begin(master, vault.id, envelope.epoch)
    unsigned = Proof(vault.id, vault.device, vault.generation, proof.digest(_file(envelope)), chain)
    return replace(envelope, proof=proof.sign(unsigned, master))


def unseal(envelope: Envelope, master: bytes) -> Vault:
    """Return the vault inside. Raises VaultDamaged, also for another vault's key, and VaultTooNew."""
    plain = keys.decrypt(master, envelope.nonce, envelope.db, envelope.tag)
    if plain is None:
        raise document.damaged("its contents were changed")
    vault = document.load(plain, envelope.head)
    if envelope.proof is not None and not _proves(envelope.proof, vault, master):
        raise document.damaged("its proof is another file's")
    return vault


def _proves(claimed: Proof, vault: Vault, master: bytes) -> bool:
    ids = (claimed.vault, claimed.device, claimed.generation)
    return ids == (vault.id, vault.device, vault.generation) and hmac.compare_digest(
        claimed.public, proof.public_key(master, vault.id)
    )


def write(envelope: Envelope) -> bytes:
    """Return the bytes of the file."""
    return canonical.dump(_file(envelope))


def _file(envelope: Envelope) -> dict[str, Any]:
    sealed: dict[str, Any] = {
        **envelope.extra,
        "db": base64.b64encode(envelope.db).decode("ascii"),
        "header": {
            "params": {"nonce": envelope.nonce.hex(), "tag": envelope.tag.hex()},
            "slots": [_slot(slot) for slot in envelope.slots],
        },
        "version": VERSION,
        "x-epoch": envelope.epoch,
    }
    if envelope.device is not None:
        sealed[proof.DEVICE] = _device(envelope.device)
    if envelope.proof is not None:
        sealed[proof.NAME] = proof.dump(envelope.proof)
    return sealed


def read(raw: bytes) -> Envelope:
    """Return the parts of a file that `write` wrote; white space around the whole does not matter.

    Raises VaultDamaged, or VaultTooNew if a newer release wrote it.
    """
    if len(raw) > FILE_LIMIT:
        raise document.damaged(f"it is larger than {FILE_LIMIT >> 20} MiB")
    raw = raw.strip(proof.WHITE)
    try:
        envelope = _envelope(canonical.load(raw))
    except (ValueError, KeyError, TypeError) as error:
        raise document.damaged(document.fault(error)) from None
    file = _file(envelope)
    if canonical.dump(file) != raw:
        raise document.damaged("it is not spelled as this program spells it")
    if envelope.proof is not None and envelope.proof.file != proof.digest(file):
        raise document.damaged("its proof is another file's")
    return envelope


def _envelope(sealed: Mapping[str, Any]) -> Envelope:
    _check_age(sealed["version"], VERSION)
    header = sealed["header"]
    if len(header["slots"]) != 2:
        raise ValueError("it does not have two key slots")
    passphrase, recovery = (_read_slot(slot) for slot in header["slots"])
    epoch = document.natural(sealed["x-epoch"])
    if epoch < 1:
        raise ValueError("its epoch is less than one")
    proven = proof.load(sealed[proof.NAME]) if proof.NAME in sealed else None
    if proven is not None and proven.keys[-1].epoch != epoch:
        raise ValueError("its proof is of another epoch")
    later = {name: value for name, value in sealed.items() if name.startswith(_LATER) and name not in _NAMES}
    return Envelope(
        slots=(passphrase, recovery),
        epoch=epoch,
        nonce=_hex(header["params"]["nonce"], NONCE_BYTES),
        tag=_hex(header["params"]["tag"], TAG_BYTES),
        db=_base64(sealed["db"]),
        device=_read_device(sealed[proof.DEVICE]) if proof.DEVICE in sealed else None,
        proof=proven,
        # Without a proof nothing vouches for them, and the file is not spelled as it should be.
        extra=later if proven is not None else {},
    )


def _head(slots: tuple[Slot, Slot], epoch: int) -> str:
    header = {"slots": [_slot(slot) for slot in slots], "version": VERSION, "x-epoch": epoch}
    return hashlib.sha256(canonical.dump(header)).hexdigest()


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "type": 1,
        "uuid": slot.uuid,
        "key": slot.key.hex(),
        "key_params": {"nonce": slot.nonce.hex(), "tag": slot.tag.hex()},
        "n": slot.n,
        "r": keys.SCRYPT_R,
        "p": slot.p,
        "salt": slot.salt.hex(),
        "repaired": True,
        "is_backup": False,
    }


def _read_slot(slot: Mapping[str, Any]) -> Slot:
    if not isinstance(slot["uuid"], str):
        raise ValueError("a slot has no id")  # noqa: TRY004 - all damage is one error here
    return Slot(
        uuid=slot["uuid"],
        key=_hex(slot["key"], keys.KEY_BYTES),
        nonce=_hex(slot["key_params"]["nonce"], NONCE_BYTES),
        tag=_hex(slot["key_params"]["tag"], TAG_BYTES),
        salt=_hex(slot["salt"], keys.SALT_BYTES),
        n=document.one_of(_N, slot["n"]),
        p=document.one_of(_P, slot["p"]),
    )


def _device(wrap: DeviceWrap) -> dict[str, Any]:
    return {
        "v": DEVICE_VERSION,
        "mode": wrap.mode,
        "salt": wrap.salt.hex(),
        "n": wrap.n,
        "wrap": {"nonce": wrap.nonce.hex(), "tag": wrap.tag.hex(), "key": wrap.key.hex()},
    }


def _read_device(wrap: Mapping[str, Any]) -> DeviceWrap:
    _check_age(wrap["v"], DEVICE_VERSION)
    mode = cast("Mode", document.one_of(_MODES, wrap["mode"]))
    return DeviceWrap(
        mode=mode,
        salt=_hex(wrap["salt"], keys.SALT_BYTES),
        n=document.one_of(_N if mode == "pin" else (0,), wrap["n"]),
        nonce=_hex(wrap["wrap"]["nonce"], NONCE_BYTES),
        tag=_hex(wrap["wrap"]["tag"], TAG_BYTES),
        key=_hex(wrap["wrap"]["key"], keys.KEY_BYTES),
    )


def _check_age(version: object, known: int) -> None:
    if document.natural(version) > known:
        raise VaultTooNew("can't read the vault", "a newer release wrote it", "upgrade this device")


def _hex(text: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:  # whose words are Python's own
        value = b""
    if len(value) != size:
        raise ValueError("a field has the wrong length or is not hexadecimal")
    return value


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("its contents are not base64") from None
