"""Archives of NSKeyedArchiver: references, circles, and lists that would stand for more than their bytes."""

import plistlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer.keyed import SIZE_LIMIT, Keyed, NotKeyed, parse
from tests.transfer.samples.otpauth_ios import archived

UID = plistlib.UID


def listed(objects: list[Any], root: Any = None, **others: Any) -> bytes:
    """Return a list with these objects, whatever they are."""
    top = {"root": UID(1) if root is None else root}
    return plistlib.dumps({"$objects": objects, "$top": top, **others}, fmt=plistlib.FMT_BINARY)


def archive(data: bytes) -> Keyed:
    parsed = parse(data)
    assert parsed is not None
    return parsed


def test_a_dictionary_gives_its_values() -> None:
    root = archive(archived({"text": "a", "data": b"b", "number": 1, "none": None, "list": ["x"]})).root()
    assert (root["text"], root["data"], root["number"], root["none"]) == ("a", b"b", 1, None)


def test_a_list_gives_references_and_null_is_an_empty_one() -> None:
    keyed = archive(archived({"list": ["x", None], "none": None}))
    root = keyed.root()
    assert [keyed.value(each) for each in keyed.elements(root["list"])] == ["x", None]
    assert keyed.elements(root["none"]) == []


def test_text_in_an_object_of_its_own_is_a_text() -> None:
    assert archive(listed(["$null", {"NS.string": "a"}])).value(UID(1)) == "a"


def test_a_circle_of_references_does_no_harm() -> None:
    circle = {"NS.keys": [UID(2)], "NS.objects": [UID(1)]}
    assert archive(listed(["$null", circle, "name"])).root() == {"name": circle}


@pytest.mark.parametrize(
    "objects",
    [
        ["$null"],
        ["$null", 7],
        ["$null", {"NS.objects": []}],
        ["$null", {"NS.keys": 7, "NS.objects": []}],
        ["$null", {"NS.keys": [UID(9)], "NS.objects": [UID(0)]}],
    ],
)
def test_a_root_that_is_no_dictionary_is_said_to_be_none(objects: list[Any]) -> None:
    with pytest.raises(NotKeyed):
        archive(listed(objects)).root()


@pytest.mark.parametrize("data", [7, "text", {"NS.objects": 7}, {}])
def test_what_is_no_list_has_no_elements(data: Any) -> None:
    with pytest.raises(NotKeyed):
        archive(archived({})).elements(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"bplist00",
        b"bplist00" + bytes(32),
        b"bplist00" + b"\xff" * 40,
        plistlib.dumps({"$objects": [], "$top": {}}),
        plistlib.dumps([], fmt=plistlib.FMT_BINARY),
        plistlib.dumps({"$objects": 7, "$top": {}}, fmt=plistlib.FMT_BINARY),
        plistlib.dumps({"$objects": [], "$top": 7}, fmt=plistlib.FMT_BINARY),
        listed(["$null", bytes(SIZE_LIMIT)]),
    ],
)
def test_what_is_no_archive_is_none(data: bytes) -> None:
    assert parse(data) is None


def raw(body: bytes, offsets: list[int], reference: int = 1) -> bytes:
    """Return a list of these bytes, with objects at these offsets."""
    table = b"".join(struct.pack(">I", 8 + offset) for offset in offsets)
    trailer = struct.pack(">6xBBQQQ", 4, reference, len(offsets), 0, 8 + len(body))
    return b"bplist00" + body + table + trailer


def extended(plain: bytes, extra: bytes, times: int) -> bytes:
    """Return a list with one more object, which nothing refers to and which is in its table that many times."""
    width, reference, count, top, table = struct.unpack(">6xBBQQQ", plain[-32:])
    offsets = [
        int.from_bytes(plain[place : place + width]) for place in range(table, table + count * width, width)
    ]
    made = b"".join(struct.pack(">I", offset) for offset in [*offsets, *[table] * times])
    trailer = struct.pack(">6xBBQQQ", 4, reference, count + times, top, table + len(extra))
    return plain[:table] + extra + made + trailer


PLAIN = archived({"text": "a"})


def test_one_more_object_alone_is_no_reason_to_refuse() -> None:
    for extra in (
        b"\x10\x01",
        b"\x14" + bytes(16),
        b"\x23" + bytes(8),
        b"\x33" + bytes(8),
        b"\x80\x01",
        b"\x43abc",
    ):
        assert archive(extended(PLAIN, extra, 1)).root() == {"text": "a"}


@pytest.mark.parametrize(
    "extra",
    [
        b"\xaf\x11\xea\x60" + bytes(60_000),
        b"\xdf\x11\x75\x30" + bytes(60_000),
        b"\x4f\x12\x00\x00\xea\x60" + bytes(60_000),
        b"\x6f\x11\x75\x30" + bytes(60_000),
    ],
)
def test_objects_that_overlap_are_refused_before_they_are_read(extra: bytes) -> None:
    # A thousand arrays over the same references would be 60 million of them in 64 kB.
    assert parse(extended(PLAIN, extra, 1)) is not None
    assert parse(extended(PLAIN, extra, 1000)) is None


def test_an_object_that_says_it_is_larger_than_the_file_is_refused() -> None:
    for head in (b"\x4f\x13", b"\x5f\x13", b"\x6f\x13", b"\xaf\x13", b"\xdf\x13"):
        assert parse(raw(head + b"\x7f" + b"\xff" * 7, [0])) is None


def test_a_whole_number_of_many_bytes_is_refused() -> None:
    # It could not be turned into text, which Python refuses above 4,300 digits.
    assert parse(extended(PLAIN, b"\x1f" + b"\xff" * (1 << 15), 1)) is None


def test_deep_nesting_is_refused() -> None:
    depth = 5_000
    body = b"".join(b"\xa1" + struct.pack(">H", number + 1) for number in range(depth)) + b"\xa0"
    assert parse(raw(body, [3 * number for number in range(depth + 1)], 2)) is None


@given(st.data())
def test_changed_bytes_give_an_archive_or_none(data: st.DataObject) -> None:
    changed = bytearray(archived({"Folders": [{"$": "ACOTPFolder", "name": "a", "accounts": [{"$": "x"}]}]}))
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    keyed = parse(bytes(changed))
    if keyed is None:
        return
    try:
        for value in keyed.root().values():
            keyed.elements(value)
    except NotKeyed:
        return
