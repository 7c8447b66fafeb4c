"""What `status` answers: the keys are a contract with scripts (README, "Status")."""

from typing import assert_never

from appliance.core.care import light
from appliance.core.cycle import Backup
from appliance.core.gestures import stuck
from appliance.core.instant import Instant
from appliance.core.state import Closed, Fault, Json, Locked, NoVault, Open, Starting, State
from appliance.core.upkeep import secrets_status
from appliance.errors import VaultLocked


def status(state: State, now: Instant) -> Json:
    """Return the state of the running appliance as JSON; no names of accounts, no secrets."""
    vault = state.vault
    return {
        "running": True,
        "state": _phase(state),
        "error": _error(state),
        "name": vault.name if vault else state.options.name,
        "device": vault.device if vault else state.options.device,
        "vault": vault.id if vault else None,
        "generation": vault.generation if vault else None,
        "accounts": len(vault.records) if vault else None,
        "clock": clock_status(now),
        "display": _display(state, now),
        "buttons": _buttons(state),
        "broker": _broker(state),
        "backup": backup_status(state.backup),
        "card": _card(state),
        "secrets": secrets_status(state.upkeep.tried_at, now),
        "peers": [],
    }


def _error(state: State) -> str | None:
    match state.phase:
        case Locked(problem):
            return problem.why
        case Closed(kind):
            return VaultLocked(kind).why
        case _:
            return None


def clock_status(now: Instant) -> Json:
    """Return what is known of the clock."""
    return {
        "state": now.trust,
        "trusted": now.trusted,
        "jumped": now.jumped,
        "seconds": int(now.mono - now.since),
    }


def _display(state: State, now: Instant) -> Json:
    fault = state.panel_fault
    return {
        "driver": state.options.driver,
        "ok": fault is None,
        "error": _words(fault),
        "light": light(state, now),
    }


def _buttons(state: State) -> Json:
    return {
        "backend": state.options.backend,
        "ok": state.buttons_fault is None,
        "error": _words(state.buttons_fault),
        "stuck": list(stuck(state.buttons)),
    }


def _card(state: State) -> Json:
    upkeep = state.upkeep
    fault = upkeep.card_fault
    return {"ok": fault is None, "checked_at": upkeep.checked_at, "error": _words(fault)}


def _words(fault: Fault | None) -> str | None:
    return None if fault is None else f"{fault.problem.what}: {fault.problem.why}"


def backup_status(backup: Backup) -> Json:
    """Return what is known of a backup."""
    return {
        "state": backup.condition,
        "generation": backup.verified_generation,
        "verified_at": int(backup.verified_at) if backup.verified_at is not None else None,
        "error": backup.error,
    }


def _broker(state: State) -> Json | None:
    if state.options.prefix is None:
        return None
    link = state.backup.link
    return {
        "connected": link is not None,
        "host": state.options.host,
        "error": None if link else state.backup.error or "connecting",
        "protocol": link.version if link else None,
    }


def _phase(state: State) -> str:
    match state.phase:
        case Starting():
            return "starting"
        case NoVault():
            return "no-vault"
        case Locked() | Closed():
            return "locked"
        case Open():
            return "open"
        case _:
            assert_never(state.phase)
