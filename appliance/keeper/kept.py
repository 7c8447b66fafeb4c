"""A vault as it lies on the card, and how it opens after a start."""

from dataclasses import dataclass, field
from typing import Final

from appliance.core.events import Mode, Problem
from appliance.vault import sealed
from appliance.vault.model import Vault
from appliance.vault.proof import Proof
from appliance.vault.sealed import Envelope


@dataclass(frozen=True, slots=True)
class Kept:
    """A vault as it lies on the card."""

    vault: Vault = field(repr=False)
    envelope: Envelope
    warning: Problem | None = None

    @property
    def mode(self) -> Mode:
        """How it opens after a start."""
        return mode_of(self.envelope)

    @property
    def published(self) -> bytes:
        """What goes to the broker."""
        return sealed.write(self.envelope.published)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A vault as far as a device knows it while it is locked."""

    published: bytes = field(repr=False)
    """What goes to the broker."""
    proof: Proof | None
    """None: a release before 0.2 saved it."""
    vault: str | None
    """Id of the vault, as `device.json` has it."""
    device: str


@dataclass(frozen=True, slots=True)
class Door:
    """How a vault is to open after a start."""

    mode: Mode
    pin: str | None = field(default=None, repr=False)
    """In mode `pin`."""


BY_ITSELF: Final = Door("credential")


def mode_of(envelope: Envelope) -> Mode:
    """Return how a file opens after a start."""
    return "passphrase" if envelope.device is None else envelope.device.mode
