"""Backups of one vault under one master key after another, and what an opponent makes of them.

To be used with `cheap_scrypt`: files say that they cost what ours cost, and derive at the least that the format allows.
"""

from dataclasses import dataclass, replace
from typing import Final

from appliance.vault import keys, proof
from appliance.vault import sealed as sealing
from appliance.vault.model import Account, Record, Stamp, Vault
from appliance.vault.proof import Key
from appliance.vault.retained import Message
from appliance.vault.sealed import Envelope
from tests.vault.builder import PASSPHRASE, N, master_key, random_bytes, recovery_key
from tests.vault.builder import slot as made_slot

VAULT: Final = "70000000-0000-4000-8000-000000000001"
DESK, HALL, SHED = "otp-00000001", "otp-00000002", "otp-00000003"
DAY_MS: Final = 24 * 3600 * 1000
NOW_MS: Final = 1_700_000_000_000
STRANGER: Final = "what another household enters"


def vault_of(device: str, *names: str, generation: int = 1, ms: int = NOW_MS, **more: object) -> Vault:
    """A device's state with accounts of these names."""
    at = Stamp(ms, 0, device)
    records = {
        name: Record(Account(name, "totp", name, "anna", name.encode()), at, f"{place:04}", at)
        for place, name in enumerate(names)
    }
    named = {DESK: "desk", HALL: "hall", SHED: "shed"}.get(device, "other")
    vault = Vault(VAULT, device, named, generation, 1_700_000_000 + generation, records)
    return replace(vault, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Epoch:
    """A master key with its slots, and the chain of signing keys that leads to it."""

    seed: int
    number: int = 1
    chain: tuple[Key, ...] | None = None
    """None: no proofs are made, as before release 0.2."""
    passphrase: str = PASSPHRASE
    cost: tuple[int, int] = (keys.SCRYPT_N, 1)

    @property
    def master(self) -> bytes:
        return master_key(self.seed)

    def next(self, seed: int, **more: object) -> "Epoch":
        """The epoch after a new passphrase or recovery key."""
        chain = self.chain
        if chain is not None:
            chain = proof.extend(chain, self.master, master_key(seed), VAULT, self.number + 1)
        return replace(self, seed=seed, number=self.number + 1, chain=chain, **more)  # type: ignore[arg-type]

    def envelope(self, vault: Vault) -> Envelope:
        n, p = self.cost
        both = (
            made_slot(self.master, self.passphrase, "1", self.seed, min(n, N), p),
            made_slot(self.master, recovery_key(self.seed), "2", self.seed + 1, min(n, N), p),
        )
        # Made at little cost, and said to be of the full one: the fixture lets that derive the same.
        dear = tuple(replace(one, n=n) for one in both)
        envelope = sealing.seal(vault, self.master, (dear[0], dear[1]), self.number, None, random_bytes(9))
        return envelope if self.chain is None else sealing.sign(envelope, vault, self.master, self.chain)

    def message(self, vault: Vault, kind: str = "backup", device: str | None = None) -> Message:
        return Message(VAULT, device or vault.device, kind, sealing.write(self.envelope(vault)))


def first(seed: int = 1, **more: object) -> Epoch:
    chain = proof.begin(master_key(seed), VAULT, 1)
    return replace(Epoch(seed, 1, chain), **more)  # type: ignore[arg-type]


def forged(device: str, seed: int, *, n: int = keys.SCRYPT_N, p: int = 1, number: int = 99) -> Message:
    """A file of the right form that the passphrase of today does not open."""
    epoch = replace(first(seed, passphrase=STRANGER, cost=(n, p)), number=number, chain=None)
    return epoch.message(vault_of(device, "forged"))
