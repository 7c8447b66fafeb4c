"""Vaults for property tests: `vaults()` are rich, `crowded_vaults()` are copies of one vault that collide everywhere.

Both keep what every writer keeps: a history is older than its record and holds each secret once, what is in the
trash has a later tombstone, accounts name existing groups in sorted order, a group has a stamp, extras are JSON.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from appliance.vault.model import (
    ALGORITHMS,
    COUNTERS,
    DIGITS,
    HISTORY,
    PERIODS,
    STEAM_DIGITS,
    TYPES,
    Account,
    Group,
    Record,
    Replaced,
    Stamp,
    Vault,
)


@dataclass(frozen=True)
class Palette:
    """What vaults are made of."""

    ids: st.SearchStrategy[str]
    devices: st.SearchStrategy[str]
    uuids: st.SearchStrategy[str]
    group_uuids: st.SearchStrategy[str]
    stamps: st.SearchStrategy[Stamp]
    secrets: st.SearchStrategy[bytes]
    texts: st.SearchStrategy[str]
    extras: st.SearchStrategy[dict[str, Any]]
    positions: st.SearchStrategy[str]
    counters: st.SearchStrategy[int]
    digits: st.SearchStrategy[int]
    periods: st.SearchStrategy[int]
    size: int
    """The most accounts, groups and other devices of a vault."""
    least: int
    """The fewest accounts and groups, the dead ones counted."""


def uuids() -> st.SearchStrategy[str]:
    """Version 4, lower case, as every writer of the file makes them."""
    return st.uuids(version=4).map(str)


def texts() -> st.SearchStrategy[str]:
    """Anything UTF-8 can carry."""
    return st.text(st.characters(codec="utf-8"), max_size=24)


def json_values() -> st.SearchStrategy[Any]:
    """JSON that survives every parser: no fractions, integers within 2^53."""
    whole = st.integers(-(2**53), 2**53)
    return st.recursive(
        st.none() | st.booleans() | whole | texts(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=6,
    )


def extras() -> st.SearchStrategy[dict[str, Any]]:
    """Fields that no release has known so far."""
    return st.dictionaries(texts().map("new {}".format), json_values(), max_size=2)


RICH = Palette(
    ids=uuids(),
    devices=uuids(),
    uuids=uuids(),
    group_uuids=uuids(),
    stamps=st.builds(Stamp, st.integers(0, 2**45), st.integers(0, 2**20), uuids()),
    secrets=st.binary(min_size=1, max_size=80),
    texts=texts(),
    extras=extras(),
    positions=st.text("abcxyz059", min_size=1, max_size=8),
    counters=st.integers(0, COUNTERS[-1]),
    digits=st.sampled_from(DIGITS),
    periods=st.integers(PERIODS[0], PERIODS[-1]),
    size=4,
    least=0,
)

CROWDED = Palette(
    ids=st.just("vault"),
    devices=st.sampled_from("ABC"),
    uuids=st.sampled_from(["u1", "u2"]),
    group_uuids=st.sampled_from(["g1", "g2"]),
    stamps=st.sampled_from([Stamp(1, 0, "A"), Stamp(1, 0, "B"), Stamp(1, 1, "A"), Stamp(2, 0, "A")]),
    secrets=st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"]),
    texts=st.sampled_from(["", "x"]),
    # Python holds the last two for equal.
    extras=st.sampled_from([{}, {}, {"new": [1]}, {"new": [True]}]),
    positions=st.sampled_from(["m", "n"]),
    counters=st.integers(0, 3),
    digits=st.just(6),
    periods=st.just(30),
    size=2,
    least=1,
)


@st.composite
def accounts(draw: st.DrawFn, palette: Palette, uuid: str, secret: bytes, groups: Iterable[str]) -> Account:
    kind = draw(st.sampled_from(TYPES))
    return Account(
        uuid=uuid,
        type=kind,
        issuer=draw(palette.texts),
        name=draw(palette.texts),
        secret=secret,
        algorithm="SHA1" if kind == "steam" else draw(st.sampled_from(ALGORITHMS)),
        digits=STEAM_DIGITS if kind == "steam" else draw(palette.digits),
        period=draw(palette.periods) if kind == "totp" else 30,
        note=draw(palette.texts),
        favorite=draw(st.booleans()),
        groups=tuple(group for group in sorted(groups) if draw(st.booleans())),
        extra=draw(palette.extras),
        info_extra=draw(palette.extras),
    )


@st.composite
def records(draw: st.DrawFn, palette: Palette, uuid: str, groups: Iterable[str]) -> Record:
    secrets = draw(st.lists(palette.secrets, min_size=1, max_size=HISTORY + 1, unique=True))
    newest, *older = sorted(((draw(palette.stamps), secret) for secret in secrets), reverse=True)
    return Record(
        account=draw(accounts(palette, uuid, newest[1], groups)),
        stamp=newest[0],
        position=draw(palette.positions),
        position_stamp=draw(palette.stamps),
        # Not only for HOTP: an account that was HOTP keeps the counter of its secret.
        counter=draw(palette.counters),
        history=tuple(
            Replaced(secret, stamp, draw(palette.counters), draw(palette.extras)) for stamp, secret in older
        ),
        extra=draw(palette.extras),
    )


@st.composite
def _vaults(draw: st.DrawFn, palette: Palette) -> Vault:
    named = draw(st.lists(palette.group_uuids, min_size=palette.least, max_size=palette.size, unique=True))
    groups = {
        uuid: Group(uuid, draw(palette.texts), draw(palette.extras))
        for uuid in named
        if draw(st.integers(0, 3))
    }
    living: dict[str, Record] = {}
    trash: dict[str, Record] = {}
    tombstones: dict[str, Stamp] = {}
    for uuid in draw(st.lists(palette.uuids, min_size=palette.least, max_size=palette.size, unique=True)):
        record = draw(records(palette, uuid, groups))
        deleted = draw(st.none() | palette.stamps)
        if deleted is None or deleted <= record.stamp:
            living[uuid] = record
            continue
        tombstones[uuid] = deleted
        if draw(st.integers(0, 3)):  # else it has expired
            trash[uuid] = record
    device = draw(palette.devices)
    others = st.lists(palette.devices, max_size=palette.size, unique=True)
    return Vault(
        id=draw(palette.ids),
        device=device,
        name=draw(palette.texts),
        generation=draw(st.integers(0, 9)),
        saved_at=draw(st.integers(0, 2**32)),
        records=living,
        trash=trash,
        tombstones=tombstones,
        groups=groups,
        group_stamps={uuid: draw(palette.stamps) for uuid in named},
        seen={other: draw(st.integers(0, 9)) for other in draw(others) if other != device},
        removed=frozenset(draw(others)) - {device},
        need=frozenset(draw(st.sets(palette.texts, max_size=2))),
        day=(draw(st.integers(0, 40_000)), draw(st.integers(0, 6))),
        extra=draw(palette.extras),
        root_extra=draw(palette.extras),
    )


def vaults() -> st.SearchStrategy[Vault]:
    """Vaults with everything that a file can hold."""
    return _vaults(RICH)


def crowded_vaults() -> st.SearchStrategy[Vault]:
    """States of the one vault `vault`: few accounts, secrets, stamps and devices, so that nearly all of it collides.

    Not for the file format, whose uuids and ids are longer.
    """
    return _vaults(CROWDED)
