"""What the appliance knows at a moment, as one value.

Secrets of accounts are in here while the vault is open, and sealed bytes; keys never are.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from appliance.core.cycle import Backup
from appliance.core.events import Problem
from appliance.vault.model import Record, Vault

REFS: Final = 4
"""Fresh numbers that each step may give to its effects."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says, as far as decisions depend on it."""

    prefix: str | None
    """Of topics; None: no broker."""
    require_trusted: bool = True
    blank_after: float = 300.0
    """Seconds without a press; 0: never."""
    device: str = ""
    """This device's id, known before the vault is open."""
    name: str = ""
    driver: str = "none"
    host: str = ""
    """The broker's, for `status`."""
    address: str = ""
    """This Pi's, for the screen that says what to type."""


@dataclass(frozen=True, slots=True)
class Starting:
    """The vault is being opened for the first time."""


@dataclass(frozen=True, slots=True)
class NoVault:
    """There is none on the card."""


@dataclass(frozen=True, slots=True)
class Locked:
    """There is a vault, and it can't be opened."""

    problem: Problem
    until: float
    """Monotonic; then it is tried again."""


@dataclass(frozen=True, slots=True)
class Open:
    """The vault is open."""

    vault: Vault = field(repr=False)
    generation: int


Phase = Starting | NoVault | Locked | Open


@dataclass(frozen=True, slots=True)
class Spent:
    """A HOTP code on the display; its counter was saved before."""

    uuid: str
    counter: int
    """That made the code."""


@dataclass(frozen=True, slots=True)
class Spending:
    """A HOTP counter is being saved."""

    uuid: str
    ref: int
    until: float


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell on the display."""

    problem: Problem
    until: float


@dataclass(frozen=True, slots=True)
class Panel:
    """What people see and do."""

    selected: str | None = None
    """Uuid of the account shown; never its index, which moves."""
    since: float = 0.0
    """Monotonic time at which it came on the display: a long issuer scrolls from then."""
    pressed_at: float = 0.0
    """Monotonic time of the last press; blanking counts from it."""
    blank: bool = False
    hotp: Spending | Spent | None = None
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client of the control socket that will be answered when something is done."""

    ask: int
    goal: Literal["backup", "reload"]
    until: float
    ref: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything."""

    options: Options
    phase: Phase
    backup: Backup
    panel: Panel = Panel()
    waiting: tuple[Waiting, ...] = ()
    opening: int = 0
    """Ref of the latest `OpenVault`; 0 once it is answered."""
    ref: int = 0
    """The last number given away."""

    @property
    def vault(self) -> Vault | None:
        """The vault while it is open."""
        return self.phase.vault if isinstance(self.phase, Open) else None

    @property
    def shown(self) -> tuple[Record, int, int] | None:
        """The selected record, its place from 1, and how many there are; None if there is nothing to show."""
        vault = self.vault
        if vault is None:
            return None
        records = listed(vault)
        for place, record in enumerate(records, 1):
            if record.account.uuid == self.panel.selected:
                return record, place, len(records)
        return None


def listed(vault: Vault) -> tuple[Record, ...]:
    """Return the records as the display walks through them: favourites first."""
    return tuple(sorted(vault.ordered, key=lambda record: not record.account.favorite))


Json = dict[str, Any]
