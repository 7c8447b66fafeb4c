"""Sealed vaults for tests, made by the package's own functions: with little key derivation, and the same on each run."""

import random
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import settings

from appliance.vault import canonical, document, keys, proof, sealed
from appliance.vault.keys import DeviceWrap, RandomBytes, Slot
from appliance.vault.model import Account, Group, Record, Replaced, Stamp, Vault
from appliance.vault.proof import Key, Proof
from appliance.vault.sealed import Envelope

LAW = settings(max_examples=60, derandomize=True, deadline=None)
"""For properties over whole vaults: the same examples on every run, however slow the machine."""
N = 2**10
"""The least that the format allows: 3 ms."""
MEMORY = 2**30
PASSPHRASE = "canary sextant lukewarm driftwood obelisk parsnip"
DEVICE_SECRET = bytes(range(200, 232))


def random_bytes(seed: int) -> RandomBytes:
    """Randomness that repeats."""
    return random.Random(seed).randbytes


@cache
def recovery_key(seed: int = 1) -> str:
    return keys.new_recovery_key(random_bytes(seed + 1000))


@cache
def slot(master: bytes, password: str, uuid: str, seed: int, n: int = N, p: int = 1) -> Slot:
    """What `keys.new_slot` makes, with another cost."""
    draw = random_bytes(seed)
    salt, nonce = draw(keys.SALT_BYTES), draw(keys.NONCE_BYTES)
    key, tag = keys.encrypt(
        keys.scrypt(password.encode(), salt, n=n, p=p, memory_limit=MEMORY), nonce, master
    )
    return Slot(uuid, key, nonce, tag, salt, n, p)


@cache
def slots(master: bytes, passphrase: str = PASSPHRASE, seed: int = 1) -> tuple[Slot, Slot]:
    return (
        slot(master, passphrase, f"11111111-0000-4000-8000-{seed:012x}", seed),
        slot(master, recovery_key(seed), f"22222222-0000-4000-8000-{seed:012x}", seed + 1),
    )


def master_key(seed: int = 1) -> bytes:
    return random_bytes(seed + 2000)(keys.KEY_BYTES)


@dataclass(frozen=True)
class Made:
    """A sealed vault and all that went into it."""

    vault: Vault
    master: bytes
    envelope: Envelope
    raw: bytes

    @property
    def proof(self) -> Proof:
        """Of a signed one."""
        assert self.envelope.proof is not None
        return self.envelope.proof


def made(
    vault: Vault, *, seed: int = 1, epoch: int = 1, with_device: bool = False, nonce_seed: int = 9
) -> Made:
    """Seal a vault; `seed` stands for master key, passphrase slot and recovery key."""
    master = master_key(seed)
    wrap: DeviceWrap | None = None
    if with_device:
        wrap = keys.new_device_wrap(
            master, DEVICE_SECRET, device=vault.device, random_bytes=random_bytes(seed + 3000)
        )
    envelope = sealed.seal(vault, master, slots(master, seed=seed), epoch, wrap, random_bytes(nonce_seed))
    return Made(vault, master, envelope, sealed.write(envelope))


def signed(one: Made, chain: tuple[Key, ...] = ()) -> Made:
    """The same with the proof of whose it is, as each release since 0.2 writes it."""
    envelope = sealed.sign(one.envelope, one.vault, one.master, chain)
    return replace(one, envelope=envelope, raw=sealed.write(envelope))


def rekeyed_chain(vault: Vault, length: int, last: bytes) -> tuple[Key, ...]:
    """The signing keys of a vault whose passphrase was changed so often; epochs 1 to `length`."""
    masters = [*(master_key(100 + step) for step in range(1, length)), last]
    chain = proof.begin(masters[0], vault.id, 1)
    for epoch, (before, after) in enumerate(pairwise(masters), 2):
        chain = proof.extend(chain, before, after, vault.id, epoch)
    return chain


def small_vault(generation: int = 4) -> Vault:
    """One account of each type, one in the trash, a group, history, and unknown fields everywhere."""
    desk, hall = "d0000000-0000-4000-8000-000000000001", "d0000000-0000-4000-8000-000000000002"
    group = Group("90000000-0000-4000-8000-000000000001", "Work", {"new colour": 3})
    bank = Account(
        uuid="a0000000-0000-4000-8000-000000000001",
        type="totp",
        issuer="Bank of Übersee",
        name="alice@example.org",
        secret=b"the seed of the bank",
        algorithm="SHA256",
        digits=8,
        period=60,
        note="ask for Mr Smith",
        favorite=True,
        groups=(group.uuid,),
        extra={"new in entry": [1, None]},
        info_extra={"new in info": {"a": True}},
    )
    door = Account("a0000000-0000-4000-8000-000000000002", "hotp", "", "door", b"the seed of the door")
    games = Account(
        "a0000000-0000-4000-8000-000000000003", "steam", "Steam", "al", b"seed of the game", digits=5
    )
    gone = Account("a0000000-0000-4000-8000-000000000004", "totp", "Gone", "al", b"seed of what went")
    history = (Replaced(b"the old seed", Stamp(5, 0, hall), 3, {"new in history": "x"}),)
    at = Stamp(1_700_000_000_000, 2, desk)
    return Vault(
        id="70000000-0000-4000-8000-000000000001",
        device=desk,
        name="desk",
        generation=generation,
        saved_at=1_700_000_100,
        records={
            bank.uuid: Record(bank, at, "0001", at, 0, history, {"new in meta": 1}),
            door.uuid: Record(door, at, "0002", at, 41),
            games.uuid: Record(games, at, "0003", at),
        },
        trash={gone.uuid: Record(gone, at, "0004", at)},
        tombstones={gone.uuid: Stamp(1_700_000_050_000, 0, desk)},
        groups={group.uuid: group},
        group_stamps={group.uuid: at},
        seen={hall: 7},
        removed=frozenset({"d0000000-0000-4000-8000-000000000003"}),
        day=(19_675, 2),
        extra={"new in x-appliance": 1},
        root_extra={"new beside entries": 2},
    )


def inner(vault: Vault, head: str = "") -> dict[str, Any]:
    """The document of a vault as JSON values."""
    found: dict[str, Any] = canonical.load(document.dump(vault, head))
    return found


def padded(value: dict[str, Any]) -> bytes:
    """The plaintext of a document, filled as the format says."""
    filled = {**value, "x-pad": ""}
    filled["x-pad"] = "." * (-len(canonical.dump(filled)) % document.BLOCK)
    return canonical.dump(filled)


def sealed_plain(like: Made, plain: bytes) -> bytes:
    """A file like another one, with any plaintext; signed again if that one is."""
    db, tag = keys.encrypt(like.master, like.envelope.nonce, plain)
    envelope = replace(like.envelope, db=db, tag=tag)
    return sealed.write(sealed.sign(envelope, like.vault, like.master) if envelope.proof else envelope)


def opened(raw: bytes, entered: str = PASSPHRASE) -> Vault:
    """Open a file as the appliance does, from its bytes and what a person entered."""
    envelope = sealed.read(raw)
    return sealed.unseal(envelope, keys.unwrap_any(envelope.slots, entered, memory_limit=MEMORY))


def places(value: Any) -> list[tuple[Any, str | int]]:
    """Every place in a JSON value, as its container and the key there."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, held in steps for place in ((value, key), *places(held))]
