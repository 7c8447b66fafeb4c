"""What may lie at a broker, and how much of it is kept: topics, the index of devices, a reading's bounds."""

import pytest

from appliance.vault import retained
from appliance.vault.retained import Message, Place, Reading

VAULT = "70000000-0000-4000-8000-000000000001"
OTHER = "70000000-0000-4000-8000-000000000002"


def device(number: int) -> str:
    return f"otp-{number:08x}"


def topic(number: int, kind: str = "backup") -> str:
    return f"{VAULT}/{device(number)}/{kind}"


@pytest.mark.parametrize("kind", ["backup", "history/0", "history/6", "late/0123abcd"])
def test_backups_lie_in_these_places(kind: str) -> None:
    assert retained.placed(topic(1, kind)) == (VAULT, device(1), kind)


@pytest.mark.parametrize(
    "found",
    [
        "",
        VAULT,
        f"{VAULT}/devices",
        f"{VAULT}/{device(1)}",
        topic(1, "history/7"),
        topic(1, "late/0123ABCD"),
        topic(1, "late/0123abcd0"),
        topic(1, "backup/more"),
        topic(1, "probe"),
        f"A{VAULT[1:]}/{device(1)}/backup",
        f"{VAULT}/otp-123/backup",
        f"+/{device(1)}/backup",
        f"{VAULT}/{device(1)}/cmd/backup",
    ],
)
def test_nothing_else_is_a_place_of_backups(found: str) -> None:
    assert retained.placed(found) is None


def test_exact_topics_are_asked_for_before_wildcards() -> None:
    assert retained.patterns(VAULT, device(1)) == (topic(1), topic(1, "late/+"))
    named = retained.patterns(VAULT, None, named=(device(1), device(2)), history=True)
    assert named[:2] == (topic(1), topic(1, "history/0"))
    assert topic(2, "history/6") in named
    assert named[-3:] == (f"{VAULT}/+/backup", f"{VAULT}/+/late/+", f"{VAULT}/+/history/+")
    assert retained.patterns(None, None, named=(device(1),)) == ("+/+/backup", "+/+/late/+")
    assert retained.patterns(None, device(1)) == (f"+/{device(1)}/backup", f"+/{device(1)}/late/+")


def test_a_pattern_fits_what_a_broker_would_deliver_for_it() -> None:
    assert retained.fits("+/+/backup", topic(1))
    assert retained.fits(topic(1), topic(1))
    assert not retained.fits("+/+/backup", topic(1, "history/0"))
    assert not retained.fits(f"{OTHER}/+/backup", topic(1))


def test_ids_are_what_topics_have() -> None:
    assert retained.is_vault(VAULT)
    assert retained.is_device(device(1))
    assert not retained.is_vault(device(1))
    assert not retained.is_device("+")
    assert retained.index_topic(VAULT) == f"{VAULT}/devices"


# --- the index


def test_an_index_names_devices() -> None:
    named = ",".join(f'"{device(number)}"' for number in range(retained.INDEX_DEVICES))
    assert retained.read_index(f"[{named}]".encode()) == tuple(map(device, range(retained.INDEX_DEVICES)))
    assert retained.read_index(b"[]") == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"null",
        b"[",
        b'"otp-00000001"',
        b'["otp-00000001", "otp-00000002"]',
        b'["otp-00000001","otp-00000001"]',
        b'["otp-00000001",7]',
        b'["otp-00000001","+"]',
        b'["otp-00000001","otp-0000000g"]',
        b'["otp-00000001","../otp-00000002"]',
        b'["otp-00000001",["otp-00000002"]]',
        b"[" * 500 + b"]" * 500,
        b"[" + b",".join(b'"otp-%08x"' % number for number in range(retained.INDEX_DEVICES + 1)) + b"]",
        b"[" + b",".join(b"%d" % number for number in range(65)) + b"]",
        b"[" + b",".join(b"%d" % number for number in range(600)) + b"]",
    ],
)
def test_an_index_that_is_anything_else_names_nobody(payload: bytes) -> None:
    assert retained.read_index(payload) == ()


# --- the bounds of a reading


def test_a_reading_keeps_the_last_message_of_each_topic() -> None:
    reading = Reading()
    for place, payload in ((topic(2), b"old"), (topic(1), b"one"), (topic(2), b"newer")):
        reading.take(place, payload)
    assert reading.messages == (
        Message(VAULT, device(1), "backup", b"one"),
        Message(VAULT, device(2), "backup", b"newer"),
    )
    assert reading.places[1] == Place(VAULT, device(2), "backup", 5)
    assert not reading.cut
    assert "newer" not in repr(reading)


def test_what_is_no_backup_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "MESSAGES", 2)
    reading = Reading()
    reading.take(f"{VAULT}/devices", b"[]")
    reading.take(topic(1), b"")
    reading.take(topic(2), b"x" * (retained.MESSAGE_BYTES + 1))
    for number in range(3, 9):
        reading.refuse(topic(number))
    reading.refuse("anything/else")
    assert reading.messages == ()
    assert reading.oversized == {topic(2), topic(3)}


def test_a_reading_is_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "MESSAGES", 3)
    reading = Reading()
    for number in range(3):
        reading.take(topic(number), b"x")
    assert not reading.cut
    reading.take(topic(3), b"x")
    reading.take(topic(0), b"again")
    assert [one.device for one in reading.messages] == [device(0), device(1), device(2)]
    assert reading.messages[0].payload == b"again"
    assert reading.cut


def test_a_reading_is_bounded_in_bytes_and_a_preferred_device_has_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retained, "BYTES", 10)
    reading = Reading(frozenset({device(9)}))
    for number in range(3):
        reading.take(topic(number), b"xxx")
    reading.take(topic(3), b"xx")
    assert reading.cut
    reading.take(topic(9), b"yyyyyyy")
    assert [one.device for one in reading.messages] == [device(0), device(9)]
    assert [place.device for place in reading.places] == [device(0), device(9)]
    reading.take(topic(9, "late/00000000"), b"z" * 11)
    assert [(one.device, one.kind) for one in reading.messages] == [(device(9), "backup")]


def test_a_listing_keeps_no_payload_and_a_bounded_number_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "PLACES", 2)
    listing = Reading(keep=False)
    for number in range(3):
        listing.take(topic(number), b"xxx")
    listing.take(topic(1), b"longer")
    assert listing.messages == ()
    assert [(place.device, place.size) for place in listing.places] == [(device(0), 3), (device(1), 6)]
    assert listing.cut


def test_a_flood_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "FLOOD_BYTES", 10)
    reading = Reading()
    reading.take("anything/else", b"x" * 10)
    assert not reading.flooded
    reading.take("anything/else", b"x")
    assert reading.flooded
