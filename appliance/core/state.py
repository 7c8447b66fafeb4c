"""What the appliance knows at a moment, as one value.

Secrets of accounts are in here while the vault is open, and sealed bytes; keys never are.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from appliance.core.cycle import Backup, Known
from appliance.core.device_index import Index
from appliance.core.events import Mode, Problem
from appliance.core.gestures import Buttons, Layout
from appliance.core.instant import Instant
from appliance.core.pacing import Made
from appliance.core.past import Past
from appliance.core.screen import Code, Screen
from appliance.vault.model import Record, Vault

REFS: Final = 4
"""Fresh numbers that each step may give to its effects."""
MESSAGE_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says, as far as decisions depend on it."""

    prefix: str | None
    """Of topics; None: no broker."""
    require_trusted: bool = True
    blank_after: float = 300.0
    """Seconds without a press; 0: never."""
    dim_after: float = 30.0
    """Seconds without a press; 0: never."""
    night: tuple[int, int] | None = None
    """Minutes after local midnight from which and until which the panel goes dark soon; None: no night."""
    reveal_on_press: bool = False
    """A code is hidden until somebody asks for it."""
    allow_qr: bool = False
    relock_after: float = 0.0
    """Seconds without a press until an open vault is locked, where it can be; 0: never."""
    layout: Layout = "three"
    height: int = 64
    """Rows of the panel, 64 or 32."""
    brightness: int = 255
    """Contrast of the panel when it is bright, 1 to 255."""
    backend: str = "none"
    """Of the buttons, for `status`."""
    session: str = "00000000"
    """Random hex digits of this process."""
    known: Known = field(default_factory=Known)
    """What earlier processes left behind of the backup."""
    version: str = ""
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
class Closed:
    """There is a vault, and somebody must enter what opens it."""

    kind: Literal["pin", "passphrase"]
    entered: str = field(default="", repr=False)
    """Digits accepted so far."""
    choice: int = field(default=0, repr=False)
    """Place on the wheel: a digit, or what comes after them (`WHEEL`)."""
    wait_until: float = 0.0
    """Monotonic; no PIN is taken before."""
    tries_left: int | None = None
    checking: int = 0
    """Ref of the attempt under way; 0: none is."""
    until: float = 0.0
    """Monotonic; then the attempt has taken too long."""
    message: str = ""
    others_tries: int = 0
    """Over the control socket, by others than the owner and root."""
    others_until: float = 0.0
    """Monotonic; nothing is taken from them before."""


@dataclass(frozen=True, slots=True)
class Open:
    """The vault is open."""

    vault: Vault = field(repr=False)
    generation: int
    mode: Mode = "credential"
    records: tuple[Record, ...] = field(init=False, repr=False, compare=False)
    """In the order of the display; sorted once, since it is asked for several times a second."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", listed(self.vault))


Phase = Starting | NoVault | Locked | Closed | Open


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

    screen: Screen = field(default_factory=Code)
    selected: str | None = None
    """Uuid of the account shown; never its index, which moves."""
    since: float = 0.0
    """Monotonic time at which it came on the display: a long issuer scrolls from then."""
    pressed_at: float = 0.0
    """Monotonic time of the last press; blanking counts from it."""
    blank: bool = False
    hotp: Spending | Spent | None = None
    revealed_until: float = 0.0
    """Monotonic; a code that is hidden is seen until then."""
    message: Message | None = None
    brightness: int = 255
    """Contrast when bright, 1 to 255."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Hardware that does not work."""

    problem: Problem
    since: float
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What is looked after over days and months."""

    card_due: float = 0.0
    """Monotonic; then all generations are read from the card. 0: not planned yet."""
    ref: int = 0
    """Of the reading under way; 0: none is."""
    checked_at: float | None = None
    """Unix seconds of the last reading."""
    card_fault: Fault | None = None
    tried_at: float | None = None
    """Unix seconds at which passphrase or recovery key were last tried."""
    reminded_on: int = -1
    """Day since 1970 of the last reminder."""


@dataclass(frozen=True, slots=True)
class Restoring:
    """A command brings a vault back."""

    step: str
    """What is done now."""
    done: int
    total: int
    """0: nobody knows."""
    until: float
    """Monotonic; a command that was killed tells nothing any more."""


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of this Pi."""

    address: str = ""
    """In its network; empty: not known, or there is none."""
    celsius: float | None = None
    ref: int = 0
    """Of the measurement that is under way; 0: none is."""
    due: float = 0.0
    """Monotonic; not measured again before."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client of the control socket that will be answered when something is done."""

    ask: int
    goal: Literal["backup", "reload", "unlock"]
    until: float
    ref: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything."""

    options: Options
    phase: Phase
    backup: Backup
    panel: Panel = Panel()
    made: tuple[Made, ...] = ()
    """HOTP codes of the last seconds, oldest first."""
    past: Past = field(default_factory=Past)
    index: Index = field(default_factory=Index)
    buttons: Buttons = field(default_factory=Buttons)
    panel_fault: Fault | None = None
    buttons_fault: Fault | None = None
    host: Host = Host()
    restoring: Restoring | None = None
    upkeep: Upkeep = Upkeep()
    good_time_due: float = 0.0
    """Monotonic; then the time, if it is good, is remembered again."""
    waiting: tuple[Waiting, ...] = ()
    opening: int = 0
    """Ref of the latest `OpenVault`; 0 once it is answered."""
    ref: int = 0
    """The last number given away."""

    def believes(self, now: Instant) -> bool:
        """Return whether codes that depend on the time may be shown."""
        return now.trusted or not self.options.require_trusted

    @property
    def vault(self) -> Vault | None:
        """The vault while it is open."""
        return self.phase.vault if isinstance(self.phase, Open) else None

    @property
    def shown(self) -> tuple[Record, int, int] | None:
        """The selected record, its place from 1, and how many there are; None if there is nothing to show."""
        for place, record in enumerate(self.records, 1):
            if record.account.uuid == self.panel.selected:
                return record, place, len(self.records)
        return None

    @property
    def records(self) -> tuple[Record, ...]:
        """The records in the order of the display; none while the vault is not open."""
        return self.phase.records if isinstance(self.phase, Open) else ()


def listed(vault: Vault) -> tuple[Record, ...]:
    """Return the records as the display walks through them: favourites first."""
    return tuple(sorted(vault.ordered, key=lambda record: not record.account.favorite))


def selected(state: State, uuid: str | None, now: Instant) -> State:
    """Return the state with this account chosen; the codes of the last one are covered."""
    if uuid == state.panel.selected:
        return state
    hotp = state.panel.hotp if isinstance(state.panel.hotp, Spending) else None
    panel = replace(state.panel, selected=uuid, since=now.mono, hotp=hotp, revealed_until=0.0)
    return replace(state, panel=panel)


def told(state: State, problem: Problem, now: Instant) -> State:
    """Return the state with something to tell on the display."""
    panel = replace(state.panel, message=Message(problem, now.mono + MESSAGE_SECONDS))
    return replace(state, panel=panel)


Json = dict[str, Any]
