"""What the status and about pages say: labels and values."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal, assert_never

from appliance.core.duration import duration
from appliance.core.instant import Instant
from appliance.core.layout.compact import LINES_32, SIZE_32
from appliance.core.layout.paragraph import LINES
from appliance.core.layout.status_screen import Row, status_pages
from appliance.core.state import Closed, Locked, NoVault, Open, Starting, State

Topic = Literal["status", "about"]

LATEST: Final = 253_402_300_799.0
"""The last second that has a date here: 9999-12-31."""


def pages(state: State, topic: Topic, now: Instant) -> tuple[tuple[Row, ...], ...]:
    """Return the rows, page by page; there is at least one."""
    lines = LINES_32 if state.options.height == SIZE_32[1] else LINES
    match topic:
        case "status":
            return status_pages((*_backup(state, now), *_host(state, now), *_hardware(state)), lines)
        case "about":
            return status_pages(_about(state), lines)
        case _:
            assert_never(topic)


def count(state: State, topic: Topic, now: Instant) -> int:
    """Return how many pages there are."""
    return len(pages(state, topic, now))


def local_time(now: Instant) -> datetime:
    """Return the owner's date and time; one that has no date is the nearest that has."""
    moment = datetime.fromtimestamp(max(0.0, min(now.unix, LATEST - 86_400.0)), UTC)
    return moment.replace(tzinfo=None) + timedelta(seconds=now.zone)


def _backup(state: State, now: Instant) -> tuple[Row, ...]:
    if state.options.prefix is None:
        return (("Backup", "no broker"), *_generation(state))
    backup = state.backup
    rows: tuple[Row, ...] = (("Backup", backup.condition.replace("_", " ")),)
    if backup.verified_at is not None:
        age = f"{duration(now.unix - backup.verified_at)} ago" if state.believes(now) else "before"
        rows += (("Verified", age),)
    rows += _generation(state)
    return (*rows, ("Broker", state.options.host if backup.link else "not connected"))


def _generation(state: State) -> tuple[Row, ...]:
    return (("Generation", str(state.phase.generation)),) if isinstance(state.phase, Open) else ()


def _host(state: State, now: Instant) -> tuple[Row, ...]:
    clock = now.trust.replace("-", " ")
    if now.trust != "synchronised":
        clock += f" {duration(now.mono - now.since)}"
    rows: tuple[Row, ...] = (
        ("Address", state.host.address or "no network"),
        ("Clock", clock),
        ("Time", f"{local_time(now):%H:%M:%S}"),
    )
    celsius = state.host.celsius
    return rows if celsius is None else (*rows, ("Temperature", f"{celsius:.0f} °C"))


def _hardware(state: State) -> tuple[Row, ...]:
    fault = state.buttons_fault
    return (("Buttons", fault.problem.why),) if fault is not None else ()


def _about(state: State) -> tuple[Row, ...]:
    vault = state.vault
    rows: tuple[Row, ...] = (
        ("otp-appliance", state.options.version),
        ("Name", vault.name if vault else state.options.name),
        ("Device", vault.device if vault else state.options.device),
    )
    match state.phase:
        case Open():
            return (*rows, ("Accounts", str(len(state.phase.vault.records))))
        case Starting():
            return (*rows, ("Vault", "opening"))
        case NoVault():
            return (*rows, ("Vault", "none yet"))
        case Locked() | Closed():
            return (*rows, ("Vault", "locked"))
        case _:
            assert_never(state.phase)
