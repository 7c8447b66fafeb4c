import json
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import canonical, document
from appliance.vault.model import Group, Stamp, Vault
from tests.vault.builder import LAW, inner, padded, places, small_vault
from tests.vault.strategies import vaults

HEAD = "ab" * 32
EMPTY = Vault("v", "d", "", 0, 0)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(st.text(), held, max_size=3),
    max_leaves=5,
)


@LAW
@given(vaults())
def test_what_was_dumped_loads_the_same(vault: Vault) -> None:
    plain = document.dump(vault, HEAD)
    loaded = document.load(plain, HEAD)
    assert loaded == vault
    assert document.dump(loaded, HEAD) == plain  # which tells 1 from true, as equality does not


@LAW
@given(vaults())
def test_the_plaintext_is_canonical_and_fills_whole_blocks(vault: Vault) -> None:
    plain = document.dump(vault, HEAD)
    value = canonical.load(plain)
    assert canonical.dump(value) == plain
    assert len(plain) % (16 * 1024) == 0
    assert set(value["x-pad"]) <= {"."}
    assert len(value["x-pad"]) < 16 * 1024


@pytest.mark.parametrize(("over", "blocks"), [(-1, 1), (0, 1), (1, 2)])
def test_a_block_more_is_begun_only_when_it_is_needed(over: int, blocks: int) -> None:
    room = len(canonical.load(document.dump(replace(EMPTY, name=""), HEAD))["x-pad"])
    plain = document.dump(replace(EMPTY, name="x" * (room + over)), HEAD)
    assert len(plain) == blocks * document.BLOCK


def check_aegis(value: dict[str, Any]) -> None:
    """What Aegis and the readers like it need, or they refuse or lose something."""
    assert value["version"] == 3
    groups = [group["uuid"] for group in value["groups"]]
    assert all(type(group["name"]) is str for group in value["groups"])
    living = [entry["uuid"] for entry in value["entries"]]
    for known in (living, groups):
        assert len(set(known)) == len(known)
        assert all(UUID(uuid).version == 4 and str(UUID(uuid)) == uuid for uuid in known)
    for entry in value["entries"]:
        assert entry.keys() >= {
            "type",
            "uuid",
            "name",
            "issuer",
            "note",
            "favorite",
            "icon",
            "groups",
            "info",
        }
        assert entry["icon"] is None
        assert set(entry["groups"]) <= set(groups)
        assert all(type(entry[name]) is str for name in ("uuid", "name", "issuer", "note"))
        assert type(entry["favorite"]) is bool
        check_info(entry["type"], entry["info"])


def check_info(kind: str, info: dict[str, Any]) -> None:
    assert re.fullmatch("[A-Z2-7]+", info["secret"])
    assert len(info["secret"]) % 8 in {0, 2, 4, 5, 7}
    assert info["algo"] in {"SHA1", "SHA256", "SHA512"}
    match kind:
        case "hotp":
            assert type(info["counter"]) is int
            assert 0 <= info["counter"] < 2**31
            assert 4 <= info["digits"] <= 10
        case "totp":
            assert 1 <= info["period"] <= 86_400
            assert 4 <= info["digits"] <= 10
        case _:
            assert (kind, info["digits"], info["period"]) == ("steam", 5, 30)


@LAW
@given(vaults())
def test_the_document_is_one_that_aegis_takes(vault: Vault) -> None:
    check_aegis(canonical.load(document.dump(vault, HEAD)))


def test_entries_stand_in_the_order_in_which_they_are_shown() -> None:
    vault = small_vault()
    first = next(iter(vault.records))
    moved = replace(vault.records[first], position="1")
    names = [
        entry["name"] for entry in inner(replace(vault, records={**vault.records, first: moved}))["entries"]
    ]
    assert names == ["door", "al", "alice@example.org"]


def test_unknown_names_survive_everywhere_and_never_displace_known_ones() -> None:
    vault = small_vault()
    group = Group("90000000-0000-4000-8000-000000000001", "Work", {"name": "displaced", "new": 1})
    written = inner(replace(vault, groups={group.uuid: group}, extra={"v": 99}, root_extra={"version": 99}))
    assert written["groups"] == [{"uuid": group.uuid, "name": "Work", "new": 1}]
    assert (written["version"], written["x-appliance"]["v"]) == (3, 1)
    written = inner(vault)
    assert written["new beside entries"] == 2
    assert written["x-appliance"]["new in x-appliance"] == 1
    bank = written["entries"][0]
    assert (bank["new in entry"], bank["info"]["new in info"]) == ([1, None], {"a": True})


def test_another_head_is_damage() -> None:
    with pytest.raises(VaultDamaged, match="its header was exchanged"):
        document.load(document.dump(small_vault(), HEAD), "cd" * 32)


def test_a_newer_document_is_told_even_under_another_head() -> None:
    newer = {**inner(small_vault(), HEAD), "version": 4}
    with pytest.raises(VaultTooNew):
        document.load(padded(newer), "cd" * 32)


def test_counters_are_not_part_of_what_a_stamp_covers() -> None:
    account = small_vault().records["a0000000-0000-4000-8000-000000000002"].account
    covered = json.loads(document.entry_bytes(account))
    assert (covered["name"], covered["info"]["counter"]) == ("door", 0)
    assert document.entry_bytes(account) != document.entry_bytes(replace(account, note="changed"))
    assert document.entry_bytes(account) != document.entry_bytes(replace(account, extra={"new": True}))
    assert document.entry_bytes(replace(account, extra={"new": 1})) != document.entry_bytes(
        replace(account, extra={"new": True})
    )


def test_a_group_has_canonical_bytes() -> None:
    assert document.group_bytes(Group("u", "n", {"a": 1})) == b'{"a":1,"name":"n","uuid":"u"}'


@pytest.mark.parametrize("value", [1.0, True, None, [1], 0, 8, "1"])
def test_what_merely_equals_an_allowed_number_is_not_allowed(value: object) -> None:
    with pytest.raises(ValueError, match="out of range"):
        document.one_of(range(1, 8), value)


@pytest.mark.parametrize("value", [-1, 2**53, True, 1.0, "1", None])
def test_a_number_is_whole_and_within_what_every_reader_holds(value: object) -> None:
    with pytest.raises(ValueError, match=r"out of range|wrong type"):
        document.natural(value)
    assert document.natural(2**53 - 1) == 2**53 - 1


def loaded_or_refused(plain: bytes) -> None:
    try:
        vault = document.load(plain, HEAD)
    except (VaultDamaged, VaultTooNew):
        return
    assert document.dump(vault, HEAD) == plain
    assert vault.latest >= Stamp(0, 0, "")


@LAW
@given(st.binary(max_size=200) | anything.map(canonical.dump))
def test_any_plaintext_is_a_vault_or_refused(plain: bytes) -> None:
    loaded_or_refused(plain)


@settings(LAW, max_examples=200)
@given(vaults() | st.just(small_vault()), st.data())
def test_any_change_of_a_document_gives_a_vault_or_is_refused(vault: Vault, data: st.DataObject) -> None:
    root = deepcopy(inner(vault, HEAD))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(root)))
        match data.draw(st.sampled_from(["put", "delete", "copy"])):
            case "put":
                container[key] = data.draw(anything)
            case "delete":
                del container[key]
            case _:
                other, from_key = data.draw(st.sampled_from(places(root)))
                container[key] = deepcopy(other[from_key])
        if not places(root):
            break
    loaded_or_refused(padded(root))
