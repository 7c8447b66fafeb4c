"""Mutants that no test can tell from the original, each with the reason; `tests/test_mutation.py` finds stale ones."""

from collections.abc import Mapping
from typing import Final

_OF_AN_ENVELOPE = "of this one only slots, epoch and door are used; sealing makes the rest"
_ANY_WILL_DO = "both sides get the same"
_LEFT_OUT = "stamps are left out of an entry"
_SAVE_SETS_IT = "the save sets it"
_OWN = "a vault's own generation and time are not merged"

EQUIVALENT: Final[Mapping[str, str]] = {
    "_merged_seen: seen.get(device, 0) -> seen.get(device, -1)": "at least one side knows the device, from 0 on",
    "_content: (0, 0) -> (0, -1)": _ANY_WILL_DO,
    "_content: (0, 0) -> (0, 1)": _ANY_WILL_DO,
    "_content: (0, 0) -> (-1, 0)": _ANY_WILL_DO,
    "_content: (0, 0) -> (1, 0)": _ANY_WILL_DO,
    "_content: generation=0 -> generation=1": _ANY_WILL_DO,
    "_content: generation=0 -> generation=-1": _ANY_WILL_DO,
    "_content: saved_at=0 -> saved_at=1": _ANY_WILL_DO,
    "_content: saved_at=0 -> saved_at=-1": _ANY_WILL_DO,
    "_uncounted_records: counter=0 -> counter=1": _ANY_WILL_DO,
    "_uncounted_records: counter=0 -> counter=-1": _ANY_WILL_DO,
    "entry_bytes: Stamp(0, 0, '') -> Stamp(1, 0, '')": _LEFT_OUT,
    "entry_bytes: Stamp(0, 0, '') -> Stamp(-1, 0, '')": _LEFT_OUT,
    "entry_bytes: Stamp(0, 0, '') -> Stamp(0, 1, '')": _LEFT_OUT,
    "entry_bytes: Stamp(0, 0, '') -> Stamp(0, -1, '')": _LEFT_OUT,
    "_put: Vault(vault.id, vault.device, vault.name, 0, 0, later) -> "
    "Vault(vault.id, vault.device, vault.name, 1, 0, later)": _OWN,
    "_put: Vault(vault.id, vault.device, vault.name, 0, 0, later) -> "
    "Vault(vault.id, vault.device, vault.name, -1, 0, later)": _OWN,
    "_put: Vault(vault.id, vault.device, vault.name, 0, 0, later) -> "
    "Vault(vault.id, vault.device, vault.name, 0, 1, later)": _OWN,
    "_put: Vault(vault.id, vault.device, vault.name, 0, 0, later) -> "
    "Vault(vault.id, vault.device, vault.name, 0, -1, later)": _OWN,
    "grouped: {6, 9} -> {5, 9}": "five are returned before, and half of six is three",
    "worth: hours < 1000 -> hours <= 1000": "49 times a power of ten is never 1000",
    "worth: hours < 1000 -> hours < 999": "49 times a power of ten is never 999",
    "worth: hours < 1000 -> hours < 1001": "49 times a power of ten is never 1000",
    "worth: years < 10 -> years < 11": "no length of a PIN is worth 10 years",
    "worth: years < 10 -> years < 9": "no length of a PIN is worth 9 years",
    "worth: years < 10 -> years <= 10": "no length of a PIN is worth 10 years",
    "adopt: seen.pop(device.id, 0) -> seen.pop(device.id, -1)": "the greater of it and a generation is taken",
    "create: Vault(vault_id, device.id, device.name, 0, 0) -> "
    "Vault(vault_id, device.id, device.name, 0, -1)": _SAVE_SETS_IT,
    "create: Vault(vault_id, device.id, device.name, 0, 0) -> "
    "Vault(vault_id, device.id, device.name, 0, 1)": _SAVE_SETS_IT,
    "create: Envelope(slots, 1, b'', b'', b'') -> Envelope(slots, 1, b'?', b'', b'')": _OF_AN_ENVELOPE,
    "create: Envelope(slots, 1, b'', b'', b'') -> Envelope(slots, 1, b'', b'?', b'')": _OF_AN_ENVELOPE,
    "create: Envelope(slots, 1, b'', b'', b'') -> Envelope(slots, 1, b'', b'', b'?')": _OF_AN_ENVELOPE,
    "rekey: Envelope(slots, epoch, b'', b'', b'', wrap, extra=now.envelope.extra) -> "
    "Envelope(slots, epoch, b'?', b'', b'', wrap, extra=now.envelope.extra)": _OF_AN_ENVELOPE,
    "rekey: Envelope(slots, epoch, b'', b'', b'', wrap, extra=now.envelope.extra) -> "
    "Envelope(slots, epoch, b'', b'?', b'', wrap, extra=now.envelope.extra)": _OF_AN_ENVELOPE,
    "rekey: Envelope(slots, epoch, b'', b'', b'', wrap, extra=now.envelope.extra) -> "
    "Envelope(slots, epoch, b'', b'', b'?', wrap, extra=now.envelope.extra)": _OF_AN_ENVELOPE,
    "apply: other.seen.get(own.device, 0) -> other.seen.get(own.device, 1)": "an own generation is at least one",
    "apply: other.seen.get(own.device, 0) -> other.seen.get(own.device, -1)": "an own generation is at least one",
    "between: max(len(low), len(high)) + 2 -> max(len(low), len(high)) + 3": "one digit more is room enough, or none is",
    "Kept: repr=False -> repr=True": "a vault's own representation holds no secret either",
    "fits: return False -> return None": "both are false, and nobody sees more of it",
    "_among_equals: found.generation > own.generation -> found.generation >= own.generation": "they differ there",
    "_readable: return False -> return None": "both are false",
    "_judge: own is not None and found is not None -> own is not None or found is not None": "neither is None there",
    "forget: self._pin = None -> pass": "a PIN is dropped at the end of its try already",
    "__init__: self._uncounted_until = 0.0 -> self._uncounted_until = -1.0": "both are over at the start",
}
"""By `function: before -> after`."""
