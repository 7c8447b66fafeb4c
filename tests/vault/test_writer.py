"""What every file that is written keeps to, for the sake of the programs of others that read it.

The files are those that a household's two devices save while accounts come, change, go and return, and while the
devices merge. What is in them is looked at without our own reader, as Aegis would.
"""

import base64
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, cast
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance import app
from appliance.core.instant import Trust
from appliance.errors import NothingFound, UsageError
from appliance.keeper import Door, Keeper, Kept
from appliance.ports import Device
from appliance.vault import document, edit, keys, sealed
from appliance.vault.edit import Changes, Moment, Place
from appliance.vault.model import ALGORITHMS, TYPES, Account, Group, Vault
from tests.conftest import Figure
from tests.stores import Card, FakeClock, FakeStore
from tests.vault.builder import MEMORY, PASSPHRASE, inner, made, padded, small_vault

SEED: Final = 20_260_802
BLOCK: Final = 16_384

FILE: Final = {"db", "header", "version", "x-epoch", "x-proof"}
PROOF: Final = {"v", "vault", "device", "gen", "file", "keys", "sig"}
SLOT: Final = {"type", "uuid", "key", "key_params", "n", "r", "p", "salt", "repaired", "is_backup"}
DOCUMENT: Final = {"version", "entries", "groups", "icons_optimized", "x-appliance", "x-pad"}
ENTRY: Final = {"type", "uuid", "name", "issuer", "note", "favorite", "icon", "groups", "info"}
INFO: Final = {"secret", "algo", "digits"}
TRUST: Final[tuple[Trust, ...]] = ("synchronised", "held-over", "not-set")
NEW: Final = "new "
"""How names begin that a newer release wrote; they are kept beside the known ones."""

NAMES: Final = (
    "alice@example.org", "Bank", "", "\u00dcbersee", "\N{GRINNING FACE}", "\u05e9\u05dc\u05d5\u05dd", 'a"\\/b',
    "a:b", "\x7f\x01", "\u2028",
)  # fmt: skip


# The rules


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def known(names: Mapping[str, object]) -> set[str]:
    return {name for name in names if not name.startswith(NEW)}


def is_hex(text: str, size: int) -> bool:
    return re.fullmatch("[0-9a-f]*", text) is not None and len(text) == 2 * size


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text and UUID(text).version == 4


def check_file(raw: bytes) -> None:
    """The rules for what lies around the document."""
    root = json.loads(raw)
    assert canonical(root) == raw
    assert root.keys() - {"x-device"} == FILE
    assert root["version"] == 1
    assert root["header"].keys() == {"params", "slots"}
    check_params(root["header"]["params"])
    assert len(root["header"]["slots"]) == 2
    for slot in root["header"]["slots"]:
        check_slot(slot)
    assert root["header"]["slots"][0]["uuid"] != root["header"]["slots"][1]["uuid"]
    assert base64.b64encode(base64.b64decode(root["db"], validate=True)).decode() == root["db"]
    assert len(base64.b64decode(root["db"])) % BLOCK == 0
    check_proof(root)


def check_proof(root: Mapping[str, Any]) -> None:
    """Verified without our own reader."""
    proof = root["x-proof"]
    rest = {name: value for name, value in root.items() if name not in {"x-device", "x-proof"}}
    assert proof.keys() == PROOF
    assert proof["v"] == 1
    assert proof["file"] == hashlib.sha256(canonical(rest)).hexdigest()
    assert len(proof["keys"]) in range(1, 65)
    assert len({key["public"] for key in proof["keys"]}) == len(proof["keys"])
    assert proof["keys"][0]["by"] == ""
    assert proof["keys"][-1]["epoch"] == root["x-epoch"]
    for before, after in pairwise(proof["keys"]):
        assert after["epoch"] > before["epoch"]
        link = {
            "vault": proof["vault"],
            "epoch": after["epoch"],
            "previous": before["public"],
            "public": after["public"],
        }
        verify(before["public"], after["by"], b"otp-appliance key v1\0" + canonical(link))
    unsigned = {name: value for name, value in proof.items() if name != "sig"}
    verify(proof["keys"][-1]["public"], proof["sig"], b"otp-appliance file v1\0" + canonical(unsigned))


def verify(public: str, signature: str, message: bytes) -> None:
    assert is_hex(public, 32)
    assert is_hex(signature, 64)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except InvalidSignature:
        raise AssertionError("a signature does not hold") from None


def check_params(params: Mapping[str, str]) -> None:
    assert params.keys() == {"nonce", "tag"}
    assert is_hex(params["nonce"], 12)
    assert is_hex(params["tag"], 16)


def check_slot(slot: Mapping[str, Any]) -> None:
    assert slot.keys() == SLOT
    assert (slot["type"], slot["repaired"], slot["is_backup"]) == (1, True, False)
    assert (slot["n"], slot["r"], slot["p"]) == (65_536, 8, 1)
    assert is_uuid(slot["uuid"])
    assert is_hex(slot["key"], 32)
    assert is_hex(slot["salt"], 32)
    check_params(slot["key_params"])


def check_published(raw: bytes, published: bytes) -> None:
    """What leaves the device is the file without what opens it on this device."""
    root = json.loads(raw)
    root.pop("x-device", None)
    assert canonical(root) == published
    assert b"x-device" not in published


def check_document(plain: bytes, header: Mapping[str, Any]) -> None:
    """The rules for what is inside."""
    value = json.loads(plain)
    assert canonical(value) == plain
    assert len(plain) % BLOCK == 0
    assert set(value["x-pad"]) <= {"."}
    assert len(value["x-pad"]) < BLOCK
    assert known(value) == DOCUMENT
    assert (value["version"], value["icons_optimized"]) == (3, True)
    assert value["x-appliance"]["head"] == hashlib.sha256(canonical(header)).hexdigest()
    groups = [group["uuid"] for group in value["groups"]]
    uuids = [entry["uuid"] for entry in value["entries"]] + groups
    assert len(set(uuids)) == len(uuids)
    assert all(is_uuid(uuid) for uuid in uuids)
    assert all(known(group) == {"uuid", "name"} for group in value["groups"])
    for entry in value["entries"]:
        check_entry(entry, set(groups))
        assert entry["info"].get("counter", 0) in {0, value["x-appliance"]["meta"][entry["uuid"]]["counter"]}
    assert (
        document.dump(document.load(plain, value["x-appliance"]["head"]), value["x-appliance"]["head"])
        == plain
    )


def check_entry(entry: Mapping[str, Any], groups: set[str]) -> None:
    assert known(entry) == ENTRY
    assert entry["icon"] is None
    assert set(entry["groups"]) <= groups
    assert entry["groups"] == sorted(set(entry["groups"]))
    assert type(entry["favorite"]) is bool
    assert all(type(entry[name]) is str for name in ("name", "issuer", "note"))
    check_info(entry["type"], entry["info"])


def check_info(kind: str, info: Mapping[str, Any]) -> None:
    assert kind in {"totp", "hotp", "steam"}
    assert known(info) == {*INFO, "counter" if kind == "hotp" else "period"}
    assert re.fullmatch("[A-Z2-7]+", info["secret"])
    assert base64.b32decode(info["secret"] + "=" * (-len(info["secret"]) % 8))
    assert info["algo"] in {"SHA1", "SHA256", "SHA512"}
    assert info["digits"] in range(4, 11)
    assert kind != "steam" or (info["algo"], info["digits"], info["period"]) == ("SHA1", 5, 30)
    assert info.get("counter", 0) in range(2**31)
    assert info.get("period", 30) in range(1, 86_401)


# A household


@dataclass(frozen=True, slots=True)
class Desk:
    """One device."""

    store: FakeStore
    clock: FakeClock
    keeper: Keeper


@dataclass(eq=False)
class Household:
    """Two devices of one vault, and what happens to them."""

    seed: int
    dice: random.Random = field(init=False)
    recovery: str = field(init=False)
    desks: tuple[Desk, Desk] = field(init=False)
    older: list[Vault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.recovery = keys.new_recovery_key(self.dice.randbytes)
        first = self.desk("desk")
        kept = first.keeper.create(self.uuid(), PASSPHRASE, self.recovery, self.uuid)
        second = self.desk("hall", PASSPHRASE)
        second.keeper.adopt(*second.keeper.open_foreign(kept.published))
        self.desks = (first, second)

    def desk(self, name: str, entered: str | None = None) -> Desk:
        store, clock = FakeStore(Card(device=Device(f"otp-{name}", None, name))), FakeClock()
        return Desk(store, clock, Keeper(store, clock, self.dice.randbytes, lambda: MEMORY, entered))

    def uuid(self) -> str:
        return str(UUID(bytes=self.dice.randbytes(16), version=4))

    def one_of(self, vault: Vault) -> str:
        return self.dice.choice([*vault.records, "none"])

    def extra(self) -> dict[str, Any]:
        return {f"{NEW}{self.dice.choice(NAMES)}": [1, None, "\u20ac"]} if self.dice.random() < 0.1 else {}

    def add(self, vault: Vault, moment: Moment) -> Vault:
        if len(vault.records) > 25:
            return self.remove(vault, moment)
        dice = self.dice
        kind = dice.choice(TYPES)
        steam = kind == "steam"
        account = Account(
            self.uuid(),
            kind,
            dice.choice(NAMES),
            dice.choice(NAMES),
            dice.randbytes(dice.randint(1, 70)),
            "SHA1" if steam else dice.choice(ALGORITHMS),
            5 if steam else dice.randint(4, 10),
            dice.choice((1, 30, 60, 86_400)) if kind == "totp" else 30,
            dice.choice(NAMES),
            dice.random() < 0.2,
            extra=self.extra(),
            info_extra=self.extra(),
        )
        counter = dice.choice((0, 7, 2**31 - 2, 2**31 - 1)) if kind == "hotp" else 0
        return edit.add(vault, account, counter, moment)

    def alter(self, vault: Vault, moment: Moment) -> Vault:
        dice, group = self.dice, Group(self.uuid(), self.dice.choice(NAMES[:5]), self.extra())
        wanted: dict[str, Any] = {
            "issuer": dice.choice(NAMES),
            "note": dice.choice(NAMES),
            "favorite": dice.random() < 0.5,
            "secret": dice.randbytes(dice.randint(1, 70)),
            "digits": dice.randint(4, 10),
            "period": dice.randint(1, 86_400),
            "counter": dice.randrange(2**31),
            "join": (group,),
            "leave": (dice.choice(NAMES[:5]),),
        }
        chosen = dice.sample(sorted(wanted), dice.randint(1, 2))
        return edit.alter(
            vault, self.one_of(vault), Changes(**{name: wanted[name] for name in chosen}), moment
        )

    def move(self, vault: Vault, moment: Moment) -> Vault:
        side = cast("Any", self.dice.choice(("first", "last", "before", "after")))
        return edit.move(vault, self.one_of(vault), Place(side, self.one_of(vault)), moment)

    def remove(self, vault: Vault, moment: Moment) -> Vault:
        return edit.remove(vault, self.one_of(vault), moment)

    def revive(self, vault: Vault, moment: Moment) -> Vault:
        return edit.revive(vault, self.dice.choice([*vault.trash, "none"]), moment)

    def spend(self, vault: Vault, _moment: Moment) -> Vault:
        hotp = [uuid for uuid, record in vault.records.items() if record.account.type == "hotp"]
        return edit.spend(vault, self.dice.choice([*hotp, "none"]))

    def take_over(self, vault: Vault, moment: Moment) -> Vault:
        older = self.dice.choice([*self.older[-20:], vault])
        return edit.take_over(vault, older, moment, exact=self.dice.random() < 0.2)

    @property
    def edits(self) -> Sequence[Callable[[Vault, Moment], Vault]]:
        return (
            self.add, self.alter, self.alter, self.move, self.remove, self.revive, self.spend, self.take_over,
        )  # fmt: skip

    def happens(self) -> Iterator[tuple[Desk, Kept]]:
        """Whatever happens next; yields what was saved."""
        desk, other = self.dice.sample(self.desks, 2)
        passed = self.dice.choice((0, 0.001, 60, 86_400 * 20))
        for each in self.desks:  # clocks that differ by more than a day are refused
            each.clock.advance(passed)
        desk.clock.trust = self.dice.choice(TRUST)
        saves = desk.store.saves
        if self.dice.random() < 0.1:
            kept = desk.keeper.merge_vault(other.keeper.open().vault)
        else:
            with suppress(NothingFound, UsageError):
                kept = desk.keeper.change(self.dice.choice(self.edits))
        if desk.store.saves > saves:
            self.older.append(kept.vault)
            yield desk, kept


@dataclass(eq=False)
class Looked:
    """What was looked at."""

    files: int = 0
    entries: int = 0
    longest_chain: int = 0
    nonces: set[bytes] = field(default_factory=set)


def look_at(desk: Desk, kept: Kept, master: bytes, looked: Looked) -> None:
    raw = desk.store.files["vault.json"]
    check_file(raw)
    check_published(raw, kept.published)
    root = json.loads(raw)
    params = {name: bytes.fromhex(text) for name, text in root["header"]["params"].items()}
    plain = keys.decrypt(master, params["nonce"], base64.b64decode(root["db"]), params["tag"])
    assert plain is not None
    check_document(plain, header_of(root))
    ours = json.loads(plain)["x-appliance"]
    claimed = root["x-proof"]
    assert (claimed["vault"], claimed["device"], claimed["gen"]) == (
        ours["vault"],
        ours["device"],
        ours["gen"],
    )
    assert params["nonce"] not in looked.nonces
    looked.nonces.add(params["nonce"])
    looked.files += 1
    looked.longest_chain = max(looked.longest_chain, len(claimed["keys"]))
    looked.entries += len(json.loads(plain)["entries"])


def header_of(root: Mapping[str, Any]) -> dict[str, Any]:
    return {"slots": root["header"]["slots"], "version": root["version"], "x-epoch": root["x-epoch"]}


def doors(kept: Kept, recovery: str) -> bytes:
    """The master key, after both slots were found to be what their places say."""
    first, second = kept.envelope.slots
    masters = [
        keys.unwrap(slot, entered, memory_limit=MEMORY)
        for slot, entered in ((first, PASSPHRASE), (second, recovery))
    ]
    assert masters[0] is not None
    assert masters[0] == masters[1]
    return masters[0]


def campaign(files: int) -> Looked:
    """Look at so many files, the last quarter of them after the first device was re-keyed."""
    house, looked = Household(SEED), Looked()
    kept = house.desks[0].keeper.open()
    masters = dict.fromkeys(house.desks, doors(kept, house.recovery))
    before = kept.envelope
    while looked.files < files:
        for desk, saved in house.happens():
            look_at(desk, saved, masters[desk], looked)
        if looked.files == files * 3 // 4 and before.epoch == house.desks[0].keeper.open().envelope.epoch:
            recovery = keys.new_recovery_key(house.dice.randbytes)
            kept = house.desks[0].keeper.rekey(PASSPHRASE, recovery, house.uuid, Door("credential"))
            masters[house.desks[0]] = doors(kept, recovery)
            look_at(house.desks[0], kept, masters[house.desks[0]], looked)
            assert not {slot.salt for slot in kept.envelope.slots} & {slot.salt for slot in before.slots}
    assert len(set(masters.values())) == 2
    return looked


def told(looked: Looked) -> str:
    return f"writer rules: {looked.files:,} files, {looked.entries:,} entries, all kept (seed {SEED})"


def test_every_file_that_is_saved_keeps_the_rules(figure: Figure) -> None:
    looked = campaign(300)
    figure(told(looked))
    assert looked.entries > 1_000
    assert looked.longest_chain == 2


@pytest.mark.long
def test_every_file_that_is_saved_in_a_long_time_keeps_the_rules(figure: Figure) -> None:
    looked = campaign(6_000)
    figure(told(looked))
    assert looked.files >= 6_000


def test_uuids_that_the_program_draws_are_of_version_4_and_never_the_same() -> None:
    drawn = [app.new_uuid() for _ in range(1_000)]
    assert all(map(is_uuid, drawn))
    assert len(set(drawn)) == 1_000


# The rules can be broken

GOOD: Final = made(small_vault(), with_device=True)
HEADER: Final = header_of(json.loads(GOOD.raw))


def broken(change: Callable[[Any], object]) -> bytes:
    root = inner(GOOD.vault, GOOD.envelope.head)
    change(root)
    return padded(root)


def entry(**fields: object) -> Callable[[Any], object]:
    return lambda root: root["entries"][1].update(fields)


def info(**fields: object) -> Callable[[Any], object]:
    return lambda root: root["entries"][1]["info"].update(fields)


def test_the_rules_let_a_good_document_pass() -> None:
    check_document(broken(lambda _root: None), HEADER)


@pytest.mark.parametrize(
    "plain",
    [
        broken(entry(icon="AA==")),
        broken(entry(type="motp")),
        broken(entry(uuid="A0000000-0000-4000-8000-000000000002")),
        broken(entry(uuid="a0000000-0000-1000-8000-000000000002")),
        broken(entry(uuid=GOOD.vault.ordered[0].account.uuid)),
        broken(entry(groups=["90000000-0000-4000-8000-000000000002"])),
        broken(entry(icon_mime=None)),
        broken(lambda root: root["entries"][1].pop("note")),
        broken(info(counter=2**31)),
        broken(info(counter=3)),
        broken(info(period=30)),
        broken(info(secret="MZXW6===")),
        broken(info(secret="mzxw6")),
        broken(info(secret="MZX W6")),
        broken(info(digits=11)),
        broken(lambda root: root.update({"icons_optimized": False})),
        broken(lambda root: root["x-appliance"].update(head="0" * 64)),
        broken(lambda _root: None)[:-20] + b'"}',
        broken(lambda _root: None).replace(b'"x-pad":"', b'"x-pad": "').replace(b"..", b".", 1),
    ],
)
def test_a_document_that_breaks_a_rule_is_noticed(plain: bytes) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_document(plain, HEADER)


def slot_with(**fields: object) -> dict[str, Any]:
    slot = json.loads(GOOD.raw)["header"]["slots"][0]
    return {**slot, "n": 65_536, **fields}


def test_the_rules_let_a_good_slot_pass() -> None:
    check_slot(slot_with())


@pytest.mark.parametrize(
    "fields",
    [{"n": 2**15}, {"r": 1}, {"p": 2}, {"salt": "00" * 31}, {"uuid": "u" * 36}, {"key": "AB" * 32}, {"x": 1}],
)
def test_a_slot_that_breaks_a_rule_is_noticed(fields: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_slot(slot_with(**fields))


DEAR: Final = sealed.sign(
    replace(GOOD.envelope, slots=cast("Any", tuple(replace(slot, n=65_536) for slot in GOOD.envelope.slots))),
    GOOD.vault,
    GOOD.master,
)
"""With the cost that every writer gives its slots; nothing derives here."""


def file_with(change: Callable[[Any], object]) -> bytes:
    root = json.loads(sealed.write(DEAR))
    change(root)
    return canonical(root)


def test_the_rules_let_a_good_file_pass() -> None:
    check_file(file_with(lambda _root: None))
    check_published(sealed.write(DEAR), sealed.write(DEAR.published))


@pytest.mark.parametrize(
    "raw",
    [
        b" " + sealed.write(DEAR),
        file_with(lambda root: root.update({"x-new": 1})),
        file_with(lambda root: root.update(version=2)),
        file_with(lambda root: root["header"].update(new=1)),
        file_with(lambda root: root["header"]["slots"].pop()),
        file_with(lambda root: root["header"]["slots"].append(root["header"]["slots"][0])),
        file_with(lambda root: root["header"].update(slots=root["header"]["slots"][:1] * 2)),
        file_with(lambda root: root["header"]["params"].update(nonce="00" * 16)),
        file_with(lambda root: root.update(db=root["db"][:-4])),
        file_with(lambda root: root.update(db=root["db"] + "====")),
        file_with(lambda root: root.pop("x-proof")),
        file_with(lambda root: root["x-proof"].update(gen=5)),
        file_with(lambda root: root["x-proof"].update(v=2)),
        file_with(lambda root: root["x-proof"]["keys"][0].update(by="00" * 64)),
        file_with(lambda root: root["header"]["params"].update(tag="00" * 16)),
    ],
)
def test_a_file_that_breaks_a_rule_is_noticed(raw: bytes) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_file(raw)


def test_a_publication_of_what_opens_the_file_on_one_device_is_noticed() -> None:
    for published in (GOOD.raw, sealed.write(GOOD.envelope.published) + b" "):
        with pytest.raises(AssertionError):
            check_published(GOOD.raw, published)
