"""Every field of the format, one fault a file: missing, of each other kind, out of bounds, twice, in another spelling.

FORMAT.md's tables are written out here once more, as what a reader insists on. The faults that need a thought of their
own are in test_vectors.py.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import canonical, document, sealed
from appliance.vault.model import COUNTERS
from tests.conftest import Figure
from tests.vault import test_vectors as written_out
from tests.vault.builder import inner, sealed_plain
from tests.vault.readers import OURS, WITHOUT_HEAD, WITHOUT_INNER_SPELLING, WITHOUT_SPELLING, Reader
from tests.vault.test_vectors import BANK, GONE, GOOD

Path = tuple[str | int, ...]
Faults = dict[str, bytes]
"""Files by what is wrong with them."""

KINDS: Final[Mapping[str, object]] = {
    "text": "x",
    "whole number": 7,
    "fraction": 7.5,
    "true": True,
    "null": None,
    "array": [],
    "object": {},
}
"""A value of each kind that JSON has."""
WORDS: Final[Mapping[str, str]] = {
    "hex": "text",
    "base32": "text",
    "word": "text",
    "flag": "true",
    "constant": "true",
    "version": "whole number",
}
"""Kinds of ours, by the kind of JSON that they are."""

SLOT: Final = {
    "type": "whole number",
    "uuid": "text",
    "key": "hex",
    "key_params": "object",
    "key_params nonce": "hex",
    "key_params tag": "hex",
    "n": "whole number",
    "r": "whole number",
    "p": "whole number",
    "salt": "hex",
    "repaired": "constant",
    "is_backup": "constant",
}
ENTRY: Final = {
    "type": "word",
    "uuid": "text",
    "name": "text",
    "issuer": "text",
    "note": "text",
    "favorite": "flag",
    "icon": "null",
    "groups": "array",
    "info": "object",
    "info secret": "base32",
    "info algo": "word",
    "info digits": "whole number",
}
META: Final = {
    "stamp": "array",
    "stamp 0": "whole number",
    "stamp 1": "whole number",
    "stamp 2": "text",
    "position": "text",
    "position_stamp": "array",
    "position_stamp 0": "whole number",
    "position_stamp 1": "whole number",
    "position_stamp 2": "text",
    "counter": "whole number",
    "history": "array",
}


def under(path: Path, fields: Mapping[str, str]) -> dict[Path, str]:
    steps = {name: tuple(int(step) if step.isdigit() else step for step in name.split()) for name in fields}
    return {(*path, *steps[name]): kind for name, kind in fields.items()}


OURS_IN: Final = ("x-appliance",)
OUTSIDE: Final[Mapping[Path, str]] = {
    **under(
        (),
        {
            "db": "text",
            "header": "object",
            "header params": "object",
            "header params nonce": "hex",
            "header params tag": "hex",
            "header slots": "array",
            "version": "version",
            "x-epoch": "whole number",
            "x-device": "object",
            "x-device v": "version",
            "x-device mode": "word",
            "x-device salt": "hex",
            "x-device n": "whole number",
            "x-device wrap": "object",
            "x-device wrap key": "hex",
            "x-device wrap nonce": "hex",
            "x-device wrap tag": "hex",
        },
    ),
    **under(("header", "slots", 0), SLOT),
    **under(("header", "slots", 1), SLOT),
}
INSIDE: Final[Mapping[Path, str]] = {
    **under(
        (),
        {
            "version": "version",
            "entries": "array",
            "groups": "array",
            "icons_optimized": "constant",
            "x-appliance": "object",
            "x-pad": "text",
        },
    ),
    **under(("entries", 0), {**ENTRY, "info period": "whole number", "groups 0": "text"}),
    **under(("entries", 1), {**ENTRY, "info counter": "whole number"}),
    **under(("entries", 2), {**ENTRY, "info period": "whole number"}),
    **under(("groups", 0), {"uuid": "text", "name": "text"}),
    **under(
        OURS_IN,
        {
            "v": "version",
            "vault": "text",
            "device": "text",
            "name": "text",
            "gen": "whole number",
            "saved": "whole number",
            "head": "hex",
            "day": "array",
            "day 0": "whole number",
            "day 1": "whole number",
            "seen": "object",
            "removed": "array",
            "removed 0": "text",
            "need": "array",
            "meta": "object",
            "trash": "object",
            "tombstones": "object",
            "group_stamps": "object",
        },
    ),
    **under((*OURS_IN, "meta", BANK), META),
    **under(
        (*OURS_IN, "meta", BANK, "history", 0),
        {"secret": "base32", "stamp": "array", "counter": "whole number"},
    ),
    **under((*OURS_IN, "trash", GONE), {**META, "entry": "object"}),
    **under((*OURS_IN, "trash", GONE, "entry"), {**ENTRY, "info period": "whole number"}),
    **under((*OURS_IN, "tombstones"), {GONE: "array"}),
}
MAY_BE_MISSING: Final[tuple[Path, ...]] = (
    ("x-device",),
    ("entries", 0, "groups", 0),
    (*OURS_IN, "removed", 0),
)
NAMES_ARE_OPEN: Final = tuple(
    (*path, name)
    for path, name in (
        (OURS_IN, "seen"),
        (OURS_IN, "meta"),
        (OURS_IN, "trash"),
        (OURS_IN, "tombstones"),
        (OURS_IN, "group_stamps"),
    )
)
"""Objects whose names are ids."""


# One fault in one field


def wrong_values(kind: str, value: Any) -> Iterator[tuple[str, object]]:
    """Values that this field must not have."""
    for other, sample in KINDS.items():
        if other != WORDS.get(kind, kind):
            yield f"is {other}", sample
    if kind == "constant":
        yield "is the other one", not value
    if kind == "whole number":
        yield "is 2^53", 2**53
    if kind in {"whole number", "version"}:
        yield "is negative", -1
        yield "equals, but has a fraction", float(value)
        yield "is the same as text", str(value)
    if kind in {"constant", "flag"}:
        yield "is the same as text", str(value).lower()
        yield "is the same as a number", int(value)
    if kind in {"hex", "word", "base32"}:
        yield "is empty", ""
        yield "has a space", value + " "
        yield "has another letter", "\u00e4" + value[1:]
        yield "has its first letter changed", "!" + value[1:]
    if kind == "hex":
        yield "is a byte shorter", value[2:]
        yield "is a byte longer", value + "00"
        yield "is half a byte shorter", value[1:]
        yield "is in upper case", re.sub("[0-9]", "a", value).upper()


def inside(root: Any, path: Path) -> Any:
    for step in path:
        root = root[step]
    return root


def with_faults(make: Callable[[], Any], path: Path, kind: str) -> Iterator[tuple[str, Any]]:
    for what, wrong in wrong_values(kind, inside(make(), path)):
        root = make()
        inside(root, path[:-1])[path[-1]] = wrong
        yield what, root
    if path not in MAY_BE_MISSING:
        root = make()
        del inside(root, path[:-1])[path[-1]]
        yield "is missing", root


def envelope() -> Any:
    return canonical.load(GOOD.raw)


def plain() -> Any:
    return inner(GOOD.vault, GOOD.envelope.head)


def filled(text: bytes) -> bytes:
    """The text of a document, filled as the format says, whatever else is wrong with it."""
    empty = re.sub(rb'"x-pad":"\.*"', b'"x-pad":""', text)
    room = -len(empty) % document.BLOCK
    return empty.replace(b'"x-pad":""', b'"x-pad":"%s"' % (b"." * room))


def outer_faults(path: Path) -> Faults:
    return {what: canonical.dump(root) for what, root in with_faults(envelope, path, OUTSIDE[path])}


def inner_faults(path: Path) -> Faults:
    faults = with_faults(plain, path, INSIDE[path])
    return {what: sealed_plain(GOOD, filled(canonical.dump(root))) for what, root in faults}


# One fault in the names of one object


def objects(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all objects in a JSON value."""
    if isinstance(value, dict):
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in steps:
        yield from objects(held, (*path, key))


def spelled(root: Any, path: Path, twist: Callable[[list[str]], list[str]]) -> bytes:
    """A JSON value of which one object's members are spelled in another way."""
    members = [
        f"{json.dumps(name)}:{canonical.dump(held).decode()}"
        for name, held in sorted(inside(root, path).items())
    ]
    text = "{" + ",".join(twist(members)) + "}"
    if not path:
        return text.encode()
    changed = canonical.load(canonical.dump(root))
    inside(changed, path[:-1])[path[-1]] = "TWISTED"
    return canonical.dump(changed).replace(b'"TWISTED"', text.encode())


TWISTS: Final[Mapping[str, Callable[[list[str]], list[str]]]] = {
    "its first name is there twice": lambda members: [members[0], *members],
    "its first name is there twice, once as null": lambda members: [
        members[0].split(":")[0] + ":null",
        *members,
    ],
    "its first name stands behind its second": lambda members: [members[1], members[0], *members[2:]],
    "white space follows its first colon": lambda members: [members[0].replace(":", ": ", 1), *members[1:]],
    "a line ends in it": lambda members: [*members[:-2], members[-2] + "\r\n", members[-1]],
    "a name is escaped": lambda members: [f'"\\u{ord(members[0][1]):04x}{members[0][2:]}', *members[1:]],
    "NaN is in it": lambda members: sorted([*members, '"new":NaN']),
    "infinity is in it": lambda members: sorted([*members, '"new":-Infinity']),
    "a number too large is in it": lambda members: sorted([*members, '"new":1e999']),
    "half a surrogate pair is in it": lambda members: sorted([*members, '"new":"\\ud83d"']),
    "a name is half a surrogate pair": lambda members: sorted([*members, '"\\udc00":1']),
    "65 levels are in it": lambda members: sorted([*members, '"new":' + "[" * 65 + "]" * 65]),
}


def twisted(make: Callable[[], Any], path: Path) -> Iterator[tuple[str, bytes]]:
    alone = len(inside(make(), path)) < 2
    for what, twist in TWISTS.items():
        if not (alone and what in {"its first name stands behind its second", "a line ends in it"}):
            yield what, spelled(make(), path, twist)


def outer_names(path: Path) -> Faults:
    unknown = spelled(envelope(), path, lambda members: sorted([*members, '"x-new":1']))
    return {**dict(twisted(envelope, path)), "an unknown name is in it": unknown}


def inner_names(path: Path) -> Faults:
    return {what: sealed_plain(GOOD, filled(text)) for what, text in twisted(plain, path)}


FIELDS: Final[Mapping[str, tuple[Callable[[Path], Faults], Sequence[Path]]]] = {
    "outside": (outer_faults, tuple(OUTSIDE)),
    "inside": (inner_faults, tuple(INSIDE)),
    "names outside": (outer_names, tuple(objects(envelope()))),
    "names inside": (
        inner_names,
        tuple(path for path in objects(plain()) if inside(plain(), path) and "new in info" not in path),
    ),
}
CASES: Final = [(where, path) for where, (_, paths) in FIELDS.items() for path in paths]


def label(case: tuple[str, Path]) -> str:
    where, path = case
    return f"{where}: {'.'.join(map(str, path)) or 'the whole'}"


def all_faults() -> Iterator[tuple[str, bytes]]:
    """Every vector with one fault, those that are written out as well."""
    for case in CASES:
        make = FIELDS[case[0]][0]
        yield from ((f"{label(case)} {what}", raw) for what, raw in make(case[1]).items())
    yield from written_out.UNREADABLE.items()
    yield from ((name, written_out.envelope_with(fault)) for name, (fault, _) in written_out.ENVELOPE.items())
    yield from ((name, written_out.document_with(fault)) for name, (fault, _) in written_out.DOCUMENT.items())
    yield from ((name, sealed_plain(GOOD, text)) for name, text in written_out.PLAIN.items())


@pytest.fixture(scope="module")
def vectors() -> Mapping[bytes, str]:
    """All of them, each file once."""
    return {raw: name for name, raw in all_faults()}


def accepts(reader: Reader, raw: bytes) -> bool:
    try:
        reader.unseal(reader.read(raw), GOOD.master)
    except (VaultDamaged, VaultTooNew):
        return False
    return True


def test_the_tables_name_every_field_of_the_files() -> None:
    for make, table in ((envelope, OUTSIDE), (plain, INSIDE)):
        known = {path[-1] for path in table}
        for path in objects(make()):
            if path in NAMES_ARE_OPEN or "new" in str(path):
                continue
            names = {name for name in inside(make(), path) if not name.startswith("new ")}
            assert names <= known, path


@pytest.mark.parametrize("case", CASES, ids=map(label, CASES))
def test_a_field_with_a_fault_is_damage(case: tuple[str, Path]) -> None:
    where, path = case
    faults = FIELDS[where][0](path)
    assert faults
    for what, raw in faults.items():
        assert raw != GOOD.raw, what
        if "outside" in where:
            with pytest.raises(VaultDamaged):
                sealed.read(raw)
            continue
        opened = sealed.read(raw)
        with pytest.raises(VaultDamaged) as caught:
            sealed.unseal(opened, GOOD.master)
        assert caught.value.why != "it is damaged (its contents were changed)"


def test_there_are_many_different_vectors_and_none_is_accepted(
    vectors: Mapping[bytes, str], figure: Figure
) -> None:
    accepted = [name for raw, name in vectors.items() if accepts(OURS, raw)]
    figure(
        f"vectors: {len(vectors):,} different files with one fault each, {len(accepted)} accepted; "
        f"{len(written_out.VALID)} valid ones"
    )
    assert not accepted
    assert len(vectors) > 1_000


@pytest.mark.parametrize(
    ("reader", "lacking"),
    [
        (WITHOUT_HEAD, "the head"),
        (WITHOUT_SPELLING, "the spelling of the file"),
        (WITHOUT_INNER_SPELLING, "the spelling of the document"),
    ],
    ids=["head", "spelling", "inner spelling"],
)
def test_a_reader_that_lacks_a_check_accepts_some_of_them(
    reader: Reader, lacking: str, vectors: Mapping[bytes, str], figure: Figure
) -> None:
    accepted = [name for raw, name in vectors.items() if accepts(reader, raw)]
    figure(f"vectors: {len(accepted)} accepted by a reader that does not check {lacking}")
    assert accepted


# Bounds, from both sides


BOUNDS: Final[Mapping[tuple[Path, ...], tuple[int, int]]] = {
    (("entries", 0, "info", "digits"),): (4, 10),
    (("entries", 0, "info", "period"),): (1, 86_400),
    ((*OURS_IN, "meta", BANK, "counter"),): (0, COUNTERS[-1]),
    ((*OURS_IN, "day", 1),): (0, 6),
    ((*OURS_IN, "day", 0),): (0, 2**53 - 1),
    ((*OURS_IN, "gen"),): (0, 2**53 - 1),
    ((*OURS_IN, "saved"),): (0, 2**53 - 1),
    ((*OURS_IN, "meta", BANK, "stamp", 0),): (0, 2**53 - 1),
    ((*OURS_IN, "meta", BANK, "stamp", 1),): (0, 2**53 - 1),
    (
        ("entries", 1, "info", "counter"),
        (*OURS_IN, "meta", "a0000000-0000-4000-8000-000000000002", "counter"),
    ): (0, COUNTERS[-1]),
}


@pytest.mark.parametrize("paths", BOUNDS, ids=lambda paths: ".".join(map(str, paths[0])))
def test_a_number_is_accepted_up_to_its_bounds_and_no_further(paths: tuple[Path, ...]) -> None:
    least, most = BOUNDS[paths]
    for number, fits in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        root = plain()
        for path in paths:
            inside(root, path[:-1])[path[-1]] = number
        assert accepts(OURS, sealed_plain(GOOD, filled(canonical.dump(root)))) == fits


@pytest.mark.parametrize("place", [0, 1])
def test_a_cost_is_accepted_up_to_its_bounds_and_no_further(place: int) -> None:
    """By `read`; a slot whose cost was changed opens nothing."""
    for name, fitting, others in (
        ("n", [2**power for power in range(10, 19)], [0, 1, 2**9, 2**10 + 1, 2**18 - 1, 2**19, 2**31, 2**63]),
        ("p", [1, 2, 3, 4], [0, 5, 2**30]),
        ("r", [8], [0, 1, 7, 9, 16, 2**30]),
    ):
        for number in (*fitting, *others):
            root = envelope()
            root["header"]["slots"][place][name] = number
            raw = canonical.dump(root)
            if number in fitting:
                assert sealed.write(sealed.read(raw)) == raw
            else:
                with pytest.raises(VaultDamaged):
                    sealed.read(raw)


@pytest.mark.parametrize("number", [2, 3, 7, 2**31, 2**53 - 1])
def test_a_greater_version_anywhere_is_too_new_and_not_damage(number: int) -> None:
    for make, path in (
        (envelope, ("version",)),
        (envelope, ("x-device", "v")),
        (plain, ("version",)),
        (plain, (*OURS_IN, "v")),
    ):
        root = make()
        inside(root, path[:-1])[path[-1]] = number + 2 * (make is plain)
        raw = canonical.dump(root)
        with pytest.raises(VaultTooNew):
            sealed.unseal(
                sealed.read(raw if make is envelope else sealed_plain(GOOD, filled(raw))), GOOD.master
            )


# Names that a newer release may have written


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("entries", 0),
        ("entries", 1, "info"),
        ("groups", 0),
        OURS_IN,
        (*OURS_IN, "meta", BANK),
        (*OURS_IN, "meta", BANK, "history", 0),
        (*OURS_IN, "trash", GONE),
        (*OURS_IN, "trash", GONE, "entry"),
        (*OURS_IN, "trash", GONE, "entry", "info"),
    ],
    ids=lambda path: ".".join(map(str, path)) or "the whole",
)
def test_an_unknown_name_in_the_document_is_kept_byte_for_byte(path: Path) -> None:
    like = GOOD.envelope
    for name, value in (("aaa", {"b": [1, None, 2.5, "\u20ac"]}), ("zzz", []), ("\U0001f600", "")):
        root = plain()
        inside(root, path)[name] = value
        raw = sealed_plain(GOOD, filled(canonical.dump(root)))
        vault = sealed.unseal(sealed.read(raw), GOOD.master)
        again = sealed.seal(vault, GOOD.master, like.slots, like.epoch, like.device, lambda _size: like.nonce)
        assert sealed.write(again) == raw
