"""Sealed files changed in every way that one can think of without a key, for the campaign in test_tampering.py.

A manipulation is a function, so that a sample of them costs no more than the sample. None needs to make sense: who
makes them has the files of several vaults, devices and epochs to take pieces from, but no passphrase.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import combinations, permutations
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.vault import canonical, keys, proof, sealed
from appliance.vault.keys import DeviceWrap
from tests.vault.builder import (
    DEVICE_SECRET,
    MEMORY,
    Made,
    N,
    made,
    master_key,
    places,
    random_bytes,
    signed,
    slots,
    small_vault,
)

Manipulated = Callable[[], bytes]
Path = tuple[str | int, ...]
Pairs = list[tuple[str, str]]
"""Names and values of an object, as they are spelled."""

PIN: Final = "271828"
HALL: Final = "d0000000-0000-4000-8000-000000000002"
OLD_PASSPHRASE: Final = "the passphrase of last year"
WHITE: Final = b" \t\r\n"


def _pin_wrap(master: bytes, device: str) -> DeviceWrap:
    """What `pin.new_wrap` makes, with little key derivation."""
    draw = random_bytes(77)
    salt, nonce = draw(keys.SALT_BYTES), draw(keys.NONCE_BYTES)
    derived = keys.scrypt(PIN.encode(), salt, n=N, p=1, memory_limit=MEMORY)
    kek = HKDF(SHA256(), keys.KEY_BYTES, salt, b"otp-appliance pin v1").derive(DEVICE_SECRET + derived)
    key, tag = keys.encrypt(kek, nonce, master, keys.device_data(device, "pin", salt, N))
    return DeviceWrap("pin", salt, N, nonce, tag, key)


def _with_pin(one: Made) -> Made:
    envelope = replace(one.envelope, device=_pin_wrap(one.master, one.vault.device))
    return replace(one, envelope=envelope, raw=sealed.write(envelope))


def _under_other_slots() -> Made:
    """What a change of the passphrase must not be: the same master key, and so the same epoch, in other slots."""
    vault, master = small_vault(generation=3), master_key()
    pair = slots(master, OLD_PASSPHRASE, 40)
    envelope = sealed.seal(vault, master, pair, 1, None, random_bytes(13))
    return Made(vault, master, envelope, sealed.write(envelope))


_UNSIGNED: Final[Mapping[str, Made]] = {
    "the vault": made(small_vault(), with_device=True),
    "with a PIN": _with_pin(made(small_vault())),
    "a later generation": made(small_vault(generation=5), with_device=True, nonce_seed=10),
    "of another device": made(replace(small_vault(), device=HALL), with_device=True, nonce_seed=14),
    "re-keyed": made(small_vault(generation=5), seed=2, epoch=2, with_device=True, nonce_seed=11),
    "another vault": made(replace(small_vault(), id="other"), seed=3, with_device=True, nonce_seed=12),
    "under other slots": _under_other_slots(),
}


def _after_a_new_passphrase(one: Made) -> Made:
    chain = proof.begin(master_key(), one.vault.id, 1)
    return signed(one, proof.extend(chain, master_key(), one.master, one.vault.id, 2))


FILES: Final[Mapping[str, Made]] = {
    **_UNSIGNED,
    "signed": signed(_UNSIGNED["the vault"]),
    "signed, of another device": signed(_UNSIGNED["of another device"]),
    "signed, re-keyed": _after_a_new_passphrase(_UNSIGNED["re-keyed"]),
    "signed, another vault": signed(_UNSIGNED["another vault"]),
}
"""Each signed one has its twin without a proof: to take a proof away makes a file that a release before 0.2 wrote."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to change a file."""

    name: str
    all: Callable[[], Iterator[Manipulated]] = field(repr=False)
    share: float
    """How much of it is enough for a quick look; there are many alike."""


# Bytes

BYTES: Final[Sequence[Callable[[int], int]]] = (
    *(partial(int.__xor__, 1 << bit) for bit in range(8)),
    lambda byte: (byte + 1) % 256,
    lambda _byte: 0,
    lambda _byte: ord("0"),
    lambda _byte: ord(" "),
)


def _changed_bytes(raw: bytes, at: range) -> Iterator[Manipulated]:
    for place in at:
        for other in sorted({change(raw[place]) for change in BYTES} - {raw[place]}):
            yield partial(_spliced, raw, place, place + 1, bytes([other]))


def _spliced(raw: bytes, begin: int, end: int, middle: bytes) -> bytes:
    return raw[:begin] + middle + raw[end:]


def _truncations(raw: bytes) -> Iterator[Manipulated]:
    for length in range(len(raw)):
        yield partial(_spliced, raw, length, len(raw), b"")
        yield partial(_spliced, raw, 0, len(raw) - length, b"")


def _deletions_and_insertions(raw: bytes) -> Iterator[Manipulated]:
    for place in range(len(raw)):
        yield partial(_spliced, raw, place, place + 1, b"")
        yield partial(_spliced, raw, place, place, raw[place : place + 1])
        yield partial(_spliced, raw, place, place, b'0 "A,'[place % 5 :][:1])


def _at_random(seed: int, count: int) -> Iterator[Manipulated]:
    yield from (partial(_scrambled, random.Random(f"{seed} {number}")) for number in range(count))


def _scrambled(dice: random.Random) -> bytes:
    """A few pieces cut, doubled, exchanged, overwritten, or taken from the same place of another file."""
    raw, *others = dice.sample([one.raw for one in FILES.values()], 3)
    for _ in range(dice.randint(1, 4)):
        begin = dice.randrange(len(raw))
        end = min(len(raw), begin + int(dice.paretovariate(0.5)) % 4000)
        piece = raw[begin:end]
        source = dice.choice(others)
        raw = _spliced(
            raw,
            begin,
            end,
            dice.choice(
                [
                    b"",
                    piece * 2,
                    piece[::-1],
                    bytes(len(piece)),
                    dice.randbytes(len(piece)),
                    source[begin:end],
                ]
            ),
        )
    return raw


# Fields


@cache
def _values() -> Sequence[str]:
    """Every value of every file, as it is spelled, each once."""
    found = [
        canonical.dump(container[key])
        for one in FILES.values()
        for container, key in places(canonical.load(one.raw))
    ]
    return [value.decode() for value in dict.fromkeys(found)]


def _values_elsewhere() -> Iterator[Manipulated]:
    for one in FILES.values():
        for number in range(len(places(canonical.load(one.raw)))):
            yield from (partial(_with_value, one.raw, number, value) for value in _values())


def _with_value(raw: bytes, number: int, value: str) -> bytes:
    root = canonical.load(raw)
    container, key = places(root)[number]
    container[key] = json.loads(value)
    return canonical.dump(root)


PARTS: Final[Mapping[str, Path]] = {
    "db": ("db",),
    "nonce": ("header", "params", "nonce"),
    "tag": ("header", "params", "tag"),
    "passphrase slot": ("header", "slots", 0),
    "recovery slot": ("header", "slots", 1),
    "epoch": ("x-epoch",),
    "device wrap": ("x-device",),
    "proof": ("x-proof",),
}


def _mixtures() -> Iterator[Manipulated]:
    """Every choice of parts, the others from a second file."""
    for target, source in permutations(FILES.values(), 2):
        for size in range(1, len(PARTS)):
            for chosen in combinations(PARTS.values(), size):
                yield partial(_mixed, target.raw, source.raw, chosen)


def _mixed(target: bytes, source: bytes, chosen: Sequence[Path]) -> bytes:
    root, other = canonical.load(target), canonical.load(source)
    for path in chosen:
        inside, place = root, other
        for step in path[:-1]:
            inside, place = inside[step], place[step]
        if isinstance(place, dict) and path[-1] not in place:
            inside.pop(path[-1], None)
        else:
            inside[path[-1]] = place[path[-1]]
    return canonical.dump(root)


# Names and spelling


def _names(one: str, another: str, under: Path = ()) -> Iterator[Manipulated]:
    """Names twice, in another order, missing, unknown, or spelled in another way; in every object of two files."""
    root, other = (canonical.load(FILES[name].raw) for name in (one, another))
    for path in _objects(_inside(root, under), under):
        pairs = _pairs(_inside(root, path))
        for twisted in _twisted(pairs, _pairs(_inside(other, path))):
            yield partial(_spelled, root, path, twisted)


def _names_beside(name: str) -> Iterator[Manipulated]:
    """What a later release may write there, but did not."""
    file = canonical.load(FILES[name].raw)
    for unknown in ("x-", "x-a", "x-new", "x-proofs", "x-zz", "y", "X-A"):
        values: tuple[Any, ...] = (None, 1, "a", [], {}, file["x-proof"], file["x-epoch"])
        for value in values:
            yield partial(canonical.dump, {**file, unknown: value})


def _inside(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _objects(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        yield path
    for key, held in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(held, dict | list):
            yield from _objects(held, (*path, key))


def _pairs(value: Mapping[str, Any]) -> Pairs:
    return [(json.dumps(name), canonical.dump(held).decode()) for name, held in sorted(value.items())]


def _twisted(pairs: Pairs, others: Pairs) -> Iterator[Pairs]:
    for at, (name, value) in enumerate(pairs):
        for twin in (value, others[at][1], "null"):
            yield from ([*pairs[:to], (name, twin), *pairs[to:]] for to in range(len(pairs) + 1))
        without = [*pairs[:at], *pairs[at + 1 :]]
        yield without
        for spelled in (name.upper(), name.title(), f'" {name[1:]}', f'"\\u{ord(name[1]):04x}{name[2:]}'):
            yield sorted([*without, (spelled, value)])
            yield [*pairs[:at], (spelled, value), *pairs[at + 1 :]]
    for one, two in combinations(range(len(pairs)), 2):
        order = list(pairs)
        order[one], order[two] = order[two], order[one]
        yield order
        exchanged = list(pairs)
        exchanged[one], exchanged[two] = (
            (pairs[one][0], pairs[two][1]),
            (pairs[two][0], pairs[one][1]),
        )
        yield exchanged
    for unknown in ('"a"', '"x-new"', '"zz"', '""', '"__proto__"'):
        yield sorted([*pairs, (unknown, "1")])
    yield pairs[::-1]
    yield []


def _spelled(root: Any, path: Path, pairs: Pairs) -> bytes:
    twisted = "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
    if not path:
        return twisted.encode()
    changed = canonical.load(canonical.dump(root))
    _inside(changed, path[:-1])[path[-1]] = "TWISTED"
    return canonical.dump(changed).replace(b'"TWISTED"', twisted.encode())


_TOKEN: Final = re.compile(rb'"[^"]{0,99}"|[0-9]+|true|false|[\[\]{}:,]')
_OF_NUMBERS: Final = (b"%s.0", b"%se0", b"%sE+0", b"0%s", b"-%s", b"+%s", b'"%s"', b"%s0", b"[%s]", b"%s,%s")
_OF_WORDS: Final = (b"1", b"0", b"null", b'"true"', b"True", b"[]")
_OF_SIGNS: Final = (b"%s ", b" %s", b"%s\n", b"\r\n%s", b"\t%s", b"%s\xc2\xa0", b"%s/**/", b"%s%s", b"")


def _spellings(raw: bytes, begin: int = 0) -> Iterator[Manipulated]:
    for token in _TOKEN.finditer(raw, begin):
        text = token.group()
        for other in _other_spellings(text):
            yield partial(_spliced, raw, *token.span(), other)


def _other_spellings(text: bytes) -> Iterator[bytes]:
    if text[:1] == b'"':
        for at in range(1, len(text) - 1):
            yield text[:at] + b"\\u%04x" % text[at] + text[at + 1 :]
            yield text[:at] + b"\\u%04X" % text[at] + text[at + 1 :]
            yield text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        yield from (text[:1] + b" " + text[1:], text[:-1] + b' "', text.upper(), text.title(), text[1:-1])
        yield from (b"'" + text[1:-1] + b"'", text[:-1] + b'\\ud800"', text[:-1] + b'\\n"')
        return
    wholes = _OF_NUMBERS if text.isdigit() else _OF_WORDS if text.isalpha() else _OF_SIGNS
    yield from (whole.replace(b"%s", text) for whole in wholes)


def _surroundings(raw: bytes) -> Iterator[Manipulated]:
    signs = [bytes([code]) for code in range(256)]
    signs += [
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc2\xa0",
        b"\xe2\x80\xa8",
        b"null",
        b"{}",
        b" \t\r\n",
        b"\r\n" * 9,
    ]
    for sign in signs:
        yield partial(_spliced, raw, 0, 0, sign)
        yield partial(_spliced, raw, len(raw), len(raw), sign)
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"):
        yield partial(raw.decode("ascii").encode, encoding)


def kinds(seed: int) -> Sequence[Kind]:
    """Return all kinds; `seed` is for those that are drawn."""
    raw, other = FILES["the vault"].raw, FILES["with a PIN"].raw
    db_ends = raw.index(b'","header"')
    proven = FILES["signed, re-keyed"].raw
    proof_begins = proven.index(b',"x-proof"')
    return (
        Kind("bytes of db", lambda: _changed_bytes(raw, range(db_ends)), 0.002),
        Kind("bytes of the rest", lambda: _changed_bytes(raw, range(db_ends, len(raw))), 0.03),
        Kind(
            "bytes of a PIN's wrap",
            lambda: _changed_bytes(other, range(other.index(b'"x-device"'), other.rindex(b',"x-epoch"'))),
            0.05,
        ),
        Kind("bytes of a signed db", lambda: _changed_bytes(proven, range(db_ends)), 0.001),
        Kind("bytes of a proof", lambda: _changed_bytes(proven, range(db_ends, len(proven))), 0.03),
        Kind("truncations", lambda: _truncations(raw), 0.02),
        Kind("truncations of a signed file", lambda: _truncations(proven), 0.01),
        Kind("deletions and insertions", lambda: _deletions_and_insertions(raw), 0.01),
        Kind("values elsewhere", _values_elsewhere, 0.01),
        Kind("mixtures of files", _mixtures, 0.1),
        Kind("names", lambda: _names("the vault", "another vault"), 0.2),
        Kind("names of a proof", lambda: _names("signed", "signed, another vault", ("x-proof",)), 0.2),
        Kind("names beside a proof", lambda: _names_beside("signed"), 1.0),
        Kind("spellings", lambda: _spellings(raw), 0.1),
        Kind("spellings of a proof", lambda: _spellings(proven, proof_begins), 0.05),
        Kind("surroundings", lambda: _surroundings(raw), 1.0),
        Kind("pieces at random", lambda: _at_random(seed, 20_000), 0.02),
    )
