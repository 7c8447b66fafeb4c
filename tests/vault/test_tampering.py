"""Who has files but no key, and changes them in any way, gets nothing opened but exactly what was sealed.

Exactly what was sealed means: the same vault, and a file that is byte for byte one that was sealed, but for white space
around the whole and for `x-device`, which stands outside the head since it changes without a save. It has a tag of its
own: a changed one opens nothing, and the passphrase goes on to open the file. Everything else is to be refused in the
words of our own errors.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

import pytest

from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import keys, pin, proof, sealed
from appliance.vault.keys import DeviceWrap, Slot
from appliance.vault.model import Vault
from appliance.vault.sealed import Envelope
from tests.conftest import Figure
from tests.vault.builder import DEVICE_SECRET, MEMORY, PASSPHRASE, recovery_key
from tests.vault.manipulation import FILES, HALL, OLD_PASSPHRASE, PIN, WHITE, Kind, Manipulated, kinds
from tests.vault.readers import (
    OURS,
    WITHOUT_CARE,
    WITHOUT_HEAD,
    WITHOUT_PROOF,
    WITHOUT_SPELLING,
    WITHOUT_TAG,
    Reader,
)

SEED: Final = 20_260_801
DAMAGED: Final = (VaultDamaged, VaultTooNew)
RAW: Final = frozenset(one.raw for one in FILES.values())
MASTERS: Final = tuple(dict.fromkeys(one.master for one in FILES.values()))
SLOTS: Final = frozenset(slot for one in FILES.values() for slot in one.envelope.slots)
PROOFS: Final = {proof.bare(one.raw): one.envelope.proof for one in FILES.values()}
WRAPS: Final = frozenset(one.envelope.device for one in FILES.values())
DEVICES: Final = (FILES["the vault"].vault.device, HALL)

Outcome = Literal["refused", "as sealed", "accepted", "foreign exception"]


@cache
def by_slot(slot: Slot) -> tuple[bytes, ...]:
    """The master keys that the owner's passphrase and recovery key find in a slot."""
    found = (
        keys.unwrap(slot, entered, memory_limit=MEMORY)
        for entered in (PASSPHRASE, OLD_PASSPHRASE, recovery_key())
    )
    return tuple(key for key in found if key is not None)


@cache
def by_device(wrap: DeviceWrap) -> tuple[bytes, ...]:
    """The master keys that the owner's devices find in a wrap."""
    found = [keys.unwrap_device(wrap, DEVICE_SECRET, device=device) for device in DEVICES]
    if wrap.mode == "pin":
        found += [
            pin.unwrap(wrap, DEVICE_SECRET, PIN, device=device, memory_limit=MEMORY) for device in DEVICES
        ]
    return tuple(key for key in found if key is not None)


def opened(envelope: Envelope, reader: Reader) -> Iterator[Vault]:
    """What is inside for anyone who has all keys of all files, and whatever the doors of this file give."""
    changed = (slot for slot in envelope.slots if slot not in SLOTS)
    doors = {key for slot in changed for key in by_slot(slot)}
    for master in {*MASTERS, *doors}:
        try:
            yield reader.unseal(envelope, master)
        except DAMAGED:
            continue


def as_sealed(raw: bytes, envelope: Envelope, vault: Vault) -> bool:
    return any(
        vault == one.vault and raw.strip(WHITE) == sealed.write(replace(one.envelope, device=envelope.device))
        for one in FILES.values()
    )


def outcome(raw: bytes, reader: Reader) -> Outcome:
    """What comes of a file."""
    try:
        found = proof.read(raw)
        if found is not None and found != PROOFS.get(proof.bare(raw)):
            return "accepted"
        envelope = reader.read(raw)
        wrap = envelope.device
        if wrap is not None and wrap not in WRAPS and by_device(wrap):
            return "accepted"
        vaults = list(opened(envelope, reader))
    except DAMAGED:
        return "refused"
    except Exception:  # noqa: BLE001 - which is what this looks for
        return "foreign exception"
    if not vaults:
        return "refused"
    return "as sealed" if all(as_sealed(raw, envelope, vault) for vault in vaults) else "accepted"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of many files."""

    outcomes: Counter[Outcome]
    bad: tuple[str, ...]
    """The first that went wrong."""


def manipulations(chosen: tuple[Kind, ...], *, whole: bool) -> Iterator[tuple[str, Manipulated]]:
    dice = random.Random(SEED)
    for kind in chosen:
        for number, manipulated in enumerate(kind.all()):
            if whole or dice.random() < kind.share:
                yield f"{kind.name}, number {number}", manipulated


def tried(chosen: tuple[Kind, ...], reader: Reader, *, whole: bool) -> Tried:
    outcomes = Counter[Outcome]()
    bad: list[str] = []
    for name, manipulated in manipulations(chosen, whole=whole):
        raw = manipulated()
        if raw in RAW:
            continue  # whoever puts a whole file in the place of another has not changed it
        came = outcome(raw, reader)
        outcomes[came] += 1
        if came in {"accepted", "foreign exception"} and len(bad) < 5:
            bad.append(f"{name}: {came}")
    return Tried(outcomes, tuple(bad))


def told(result: Tried, what: str) -> str:
    outcomes = result.outcomes
    return (
        f"{what}: {outcomes.total():,} manipulations, {outcomes['accepted']} accepted, "
        f"{outcomes['foreign exception']} foreign exceptions, {outcomes['refused']:,} refused, "
        f"{outcomes['as sealed']:,} opened exactly as sealed (seed {SEED})"
    )


ALL: Final = tuple(kinds(SEED))


def test_the_files_that_are_manipulated_open_by_all_their_doors() -> None:
    """Otherwise nothing would be proven by their not opening."""
    for one in FILES.values():
        assert outcome(b"\n" + one.raw, OURS) == "as sealed"
        assert by_slot(one.envelope.slots[0]) == (one.master,)
        assert one.envelope.device is None or by_device(one.envelope.device) == (one.master,)
    assert by_slot(FILES["the vault"].envelope.slots[1]) == (FILES["the vault"].master,)


def test_no_manipulated_file_of_a_sample_is_accepted(figure: Figure) -> None:
    result = tried(ALL, OURS, whole=False)
    figure(told(result, "tampering, a sample"))
    assert result.bad == ()
    assert result.outcomes["refused"] > 4_000


@pytest.mark.long
def test_no_manipulated_file_of_a_whole_campaign_is_accepted(figure: Figure) -> None:
    result = tried(ALL, OURS, whole=True)
    figure(told(result, "tampering"))
    assert result.bad == ()
    assert result.outcomes["refused"] > 75_000
    assert result.outcomes["as sealed"] > 1_000


def named(*names: str) -> tuple[Kind, ...]:
    return tuple(kind for kind in ALL if kind.name in names)


@pytest.mark.parametrize(
    ("reader", "chosen", "expected"),
    [
        (WITHOUT_HEAD, named("bytes of the rest", "mixtures of files"), "accepted"),
        (WITHOUT_TAG, named("bytes of db"), "accepted"),
        (WITHOUT_SPELLING, named("names", "spellings"), "accepted"),
        (WITHOUT_CARE, named("truncations"), "foreign exception"),
        (WITHOUT_PROOF, named("bytes of a proof", "names of a proof", "mixtures of files"), "accepted"),
    ],
    ids=["no head", "no tag", "no spelling", "no care", "no proof"],
)
def test_a_reader_without_one_of_its_checks_is_caught(
    reader: Reader,
    chosen: tuple[Kind, ...],
    expected: Outcome,
    figure: Figure,
    request: pytest.FixtureRequest,
) -> None:
    assert chosen
    result = tried(chosen, reader, whole=False)
    figure(told(result, f"tampering, {request.node.callspec.id}"))
    assert result.outcomes[expected] > 5
