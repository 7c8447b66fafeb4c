"""Whatever bytes come, outside or sealed with the right key inside, the reader opens them or says in our words why not.

What opens is written again byte for byte, and can be used: listed, merged, and asked for codes. How deep the inputs get
is told by how many of the reader's reasons to refuse they meet.
"""

import inspect
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from appliance.errors import ApplianceError
from appliance.vault import canonical, document, keys, model, otp, proof, sealed
from appliance.vault.merge import merge
from tests.conftest import Figure
from tests.vault.builder import (
    inner,
    made,
    padded,
    places,
    rekeyed_chain,
    sealed_plain,
    signed,
    small_vault,
)
from tests.vault.readers import OURS, WITHOUT_CARE, Reader
from tests.vault.strategies import json_values

SEED: Final = 20_260_803
GOOD: Final = made(small_vault(), with_device=True)
PUBLISHED: Final = sealed.write(GOOD.envelope.published)
DOCUMENT: Final = {**inner(GOOD.vault, GOOD.envelope.head), "x-pad": ""}
TEXT: Final = canonical.dump(DOCUMENT)
FILE: Final[dict[str, Any]] = canonical.load(GOOD.raw)
EMPTY: Final = {**FILE, "db": "AAAA"}
"""Quicker to read."""
SIGNED: Final = signed(made(small_vault(), epoch=3), rekeyed_chain(small_vault(), 3, GOOD.master))
PROVEN: Final[dict[str, Any]] = canonical.load(SIGNED.raw)

TOKENS: Final = (
    b"null", b"true", b"{}", b"[]", b"[", b"]", b"{", b"}", b'"', b":", b",", b"\\", b"\\ud800", b"\\u0000", b"1e999",
    b"-1", b"1.0", b"-0", b"NaN", b"Infinity", b"\xff", b"\x00", b"\xef\xbb\xbf", b" ", b"\n", b"0", b"9" * 400,
    b'"x-appliance"', b'"need":["icons"]', b"[" * 70, b'{"a":' * 70, b"[" * 70 + b"]" * 70,
)  # fmt: skip
VALUES: Final[Sequence[Any]] = (
    None, True, False, 0, 1, -1, 2, 3, 4, 7, 1.0, 1.5, 1e300, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**64, 10**30, "", "a",
    "totp", "hotp", "steam", "SHA1", "MZXW6", "pin", "credential", "\u20ac", "\x00", "\U0001f600", "=", "A" * 9, "a" * 64,
    "A0", [], [1], [1, 0, "d"], [[]], {}, {"": None}, {"v": 1}, {"v": 2}, "a0000000-0000-4000-8000-000000000001",
)  # fmt: skip
"""Small, and at the edges of something."""


# Inputs


def scrambled_bytes(dice: random.Random, raw: bytes) -> bytes:
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at, size = dice.randrange(len(raw) + 1), dice.choice((0, 1, 1, 2, 5, 40))
        piece = raw[at : at + size]
        other = dice.choice(
            (
                b"",
                piece * 2,
                dice.choice(TOKENS),
                dice.randbytes(len(piece)),
                bytes(byte ^ 1 for byte in piece),
            )
        )
        raw = raw[:at] + other + raw[at + size :]
    return raw


def scrambled_value(dice: random.Random, root: Any) -> Any:
    root = deepcopy(root)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        found = places(root)
        if not found:
            break
        container, key = dice.choice(found)
        dice.choice(CHANGES)(dice, container, key, found)
    return root


def put(dice: random.Random, container: Any, key: Any, _found: Any) -> None:
    container[key] = deepcopy(dice.choice(VALUES))


def put_beside(dice: random.Random, container: Any, key: Any, _found: Any) -> None:
    """Something of the same kind."""
    held = container[key]
    if isinstance(held, bool):
        container[key] = not held
    elif isinstance(held, int):
        container[key] = held + dice.choice((-1, 1, 2**31, -held, 10**6))
    elif isinstance(held, str):
        at = dice.randrange(len(held) + 1)
        container[key] = held[:at] + dice.choice(("", "a", "A", "=", "0", " ", "\u00df")) + held[at + 1 :]
    elif isinstance(held, list):
        container[key] = dice.choice((held * 2, held[:-1], held[::-1], [*held, None], [*held, *held[:1] * 3]))
    elif isinstance(held, dict):
        container[key] = {**held, dice.choice(("x", "", "entry", "secret", "v")): dice.choice(VALUES)}


def drop(_dice: random.Random, container: Any, key: Any, _found: Any) -> None:
    del container[key]


def copy(dice: random.Random, container: Any, key: Any, found: Any) -> None:
    source, from_key = dice.choice(found)
    container[key] = deepcopy(source[from_key])


def rename(dice: random.Random, container: Any, key: Any, _found: Any) -> None:
    if isinstance(container, dict):
        name = dice.choice((*container, "new", key.upper(), ""))
        container[name] = container.pop(key)


CHANGES: Final = (put, put_beside, put_beside, drop, copy, rename)


def refilled(text: bytes) -> bytes:
    """A document's text with as much padding as it should have."""
    return text.replace(b'"x-pad":""', b'"x-pad":"%s"' % (b"." * (-len(text) % document.BLOCK)))


def with_proof(dice: random.Random) -> bytes:
    """A signed file whose proof, or a name beside it, is another; sometimes as its key's holder would sign it."""
    file = dict(PROVEN)
    if dice.random() < 0.3:
        name = dice.choice(("x-a", "x-new", "x-epoch", "version", "new"))
        file[name] = dice.choice(VALUES)
        if dice.random() < 0.5:
            claimed = replace(SIGNED.proof, file=proof.digest(file))
            file["x-proof"] = proof.dump(proof.sign(claimed, SIGNED.master))
            return canonical.dump(file)
    return canonical.dump({**file, "x-proof": scrambled_value(dice, PROVEN["x-proof"])})


def fits_header(dice: random.Random, root: Any) -> bytes:
    return padded(root) if isinstance(root, dict) else canonical.dump(root)


CAMPAIGN: Final = {
    "a file's bytes": 20_000,
    "a file's values": 30_000,
    "a proof's values": 30_000,
    "a document's bytes": 40_000,
    "a document's values": 70_000,
    "a heap of tokens": 10_000,
}
"""How many inputs; the more, the deeper they get."""
INPUTS: Final[Mapping[str, Callable[[random.Random], bytes]]] = {
    "a file's bytes": lambda dice: scrambled_bytes(dice, dice.choice((GOOD.raw, PUBLISHED, SIGNED.raw))),
    "a file's values": lambda dice: canonical.dump(scrambled_value(dice, dice.choice((FILE, EMPTY)))),
    "a proof's values": with_proof,
    "a document's bytes": lambda dice: sealed_plain(GOOD, refilled(scrambled_bytes(dice, TEXT))),
    "a document's values": lambda dice: sealed_plain(
        dice.choice((GOOD, GOOD, SIGNED)), fits_header(dice, scrambled_value(dice, DOCUMENT))
    ),
    "a heap of tokens": lambda dice: sealed_plain(
        GOOD, b"".join(dice.choices(TOKENS, k=dice.randint(1, 30)))
    ),
}


# What comes of them


@dataclass(eq=False)
class Seen:
    """What came of many inputs."""

    opened: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        return self.opened + self.reasons.total() + len(self.foreign)

    def __str__(self) -> str:
        met = sum(reason in self.reasons for reason in REASONS)
        return (
            f"{self.inputs:,} inputs, {self.opened:,} opened, {self.reasons.total():,} refused for {met} of "
            f"{len(REASONS)} reasons, {len(self.foreign)} foreign exceptions (seed {SEED})"
        )


def reasons_of(*modules: ModuleType) -> frozenset[str]:
    """Every reason to refuse that stands in the text of the reader."""
    text = "".join(inspect.getsource(module) for module in modules)
    return frozenset(re.findall(r'(?:ValueError|damaged)\(\s*"([^"]+)"\s*\)', text))


REASONS: Final = reasons_of(document, sealed, proof, canonical, model) - {
    "duplicate key",  # canonical's own, all told as one
    "not a number",
    "the secret is not base32",
}


def used(vault: model.Vault) -> None:
    """Do what a device does with a vault that opens."""
    assert vault.latest >= model.ZERO
    for record in vault.ordered:
        assert document.entry_bytes(record.account)
        hotp = record.account.type == "hotp"
        code = otp.code_for(record.account, 7) if hotp else otp.code_at(record.account, 1_800_000_000)
        assert len(code.text) == record.account.digits
    merged = merge(vault, replace(GOOD.vault, id=vault.id))
    assert document.load(document.dump(merged, ""), "") == merged


def look(reader: Reader, raw: bytes, seen: Seen) -> None:
    try:
        found = proof.read(raw)
        envelope = reader.read(raw)
        if reader is OURS:
            assert envelope.proof == found
        vault = reader.unseal(envelope, GOOD.master)
        if reader is OURS:
            assert sealed.write(envelope) == raw.strip(b" \t\r\n")
            plain = keys.decrypt(GOOD.master, envelope.nonce, envelope.db, envelope.tag)
            assert document.dump(vault, envelope.head) == plain
            used(vault)
    except ApplianceError as error:
        reason = re.search(r"\((.*)\)$", error.why)
        seen.reasons[reason[1] if reason else error.why] += 1
    except Exception as error:  # noqa: BLE001 - which is what this looks for
        seen.foreign.append(f"{type(error).__name__} {error}")
    else:
        seen.opened += 1


def fuzzed(reader: Reader, name: str, count: int) -> Seen:
    dice, seen = random.Random(f"{SEED} {name}"), Seen()
    for _ in range(count):
        look(reader, INPUTS[name](dice), seen)
    return seen


def together(every: Sequence[Seen]) -> Seen:
    seen = Seen()
    for one in every:
        seen.opened += one.opened
        seen.reasons.update(one.reasons)
        seen.foreign += one.foreign
    return seen


@pytest.mark.parametrize("name", INPUTS)
def test_a_few_hundred_inputs_bring_out_nothing_foreign(name: str) -> None:
    seen = fuzzed(OURS, name, 400)
    assert seen.foreign == []
    assert seen.reasons.total() > 200


@pytest.mark.long
def test_a_campaign_of_inputs_brings_out_nothing_foreign(figure: Figure) -> None:
    every = {name: fuzzed(OURS, name, count) for name, count in CAMPAIGN.items()}
    for name, seen in every.items():
        figure(f"fuzzing {name}: {seen}")
    whole = together(list(every.values()))
    figure(f"fuzzing: {whole}")
    assert whole.foreign == []
    assert whole.inputs == 200_000
    assert whole.opened > 5_000
    assert not REASONS - whole.reasons.keys()


@pytest.mark.parametrize("name", INPUTS)
def test_a_reader_that_does_not_mind_python_s_exceptions_is_caught(name: str) -> None:
    assert len(fuzzed(WITHOUT_CARE, name, 200).foreign) > 10


@pytest.mark.long
def test_values_that_hypothesis_draws_bring_out_nothing_foreign(figure: Figure) -> None:
    seen = Seen()

    @seed(SEED)
    @settings(max_examples=5_000, deadline=None, database=None, derandomize=False)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 10**4), json_values() | st.floats(allow_nan=False, allow_infinity=False)
            ),
            min_size=1,
            max_size=3,
        ),
        st.booleans(),
    )
    def draws(edits: list[tuple[int, Any]], outside: bool) -> None:  # noqa: FBT001
        root = deepcopy(EMPTY if outside else DOCUMENT)
        for number, value in edits:
            found = places(root)
            container, key = found[number % len(found)]
            container[key] = value
        look(OURS, canonical.dump(root) if outside else sealed_plain(GOOD, padded(root)), seen)
        assert not seen.foreign

    draws()
    figure(f"fuzzing by hypothesis: {seen}")
    assert seen.inputs >= 5_000


def test_the_same_seed_draws_the_same_inputs() -> None:
    for name, make in INPUTS.items():
        one, other = (random.Random(f"{SEED} {name}") for _ in range(2))
        assert [make(one) for _ in range(20)] == [make(other) for _ in range(20)]
    assert all(a != b for a, b in pairwise(INPUTS["a heap of tokens"](random.Random(n)) for n in range(9)))
