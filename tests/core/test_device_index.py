"""The list of a vault's devices at the broker: each adds itself, nobody trusts it."""

from dataclasses import replace
from typing import Final

import pytest

from appliance.core import device_index
from appliance.core.cycle import READ_SECONDS, RECHECK_SECONDS, Backup
from appliance.core.device_index import MOST, Index, index_topic, read
from appliance.core.effects import Fetch, Publish
from appliance.core.events import Acknowledged, Connected, Lost, Problem, Received, Subscribed, Woke
from appliance.core.instant import Instant
from appliance.vault import canonical
from tests.core.desk import DEVICE, TOPIC, UNIX, VAULT_ID
from tests.core.test_two_appliances import FIRST_SECONDS, an_appliance

DEVICES: Final = f"otp-appliance/{VAULT_ID}/devices"
NOW: Final = Instant(UNIX, 1000.0, "synchronised", 1000.0)
VERIFIED: Final = Backup(
    "otp-appliance",
    topic=TOPIC,
    link=Connected(None, retain=True),
    condition="verified",
    verified_at=UNIX,
)
OTHERS: Final = tuple(f"otp-{number:08x}" for number in range(100, 100 + MOST))


def later(seconds: float) -> Instant:
    return replace(NOW, mono=NOW.mono + seconds)


def begun() -> Index:
    index, effects = device_index.step(Index(), Woke(), VERIFIED, NOW, 7)
    assert effects == (Fetch(7, DEVICES),)
    return index


def there(*ids: str) -> Received:
    return Received(7, DEVICES, canonical.dump(list(ids)), retained=True)


def added(index: Index, event: Received) -> tuple[str, ...] | None:
    """Return what is published after a delivery; None: nothing is."""
    after, effects = device_index.step(index, event, VERIFIED, NOW, 9)
    assert not after.topic
    match effects:
        case (Publish(9, topic, payload),):
            assert topic == DEVICES
            return read(payload)
        case _:
            assert not effects
            return None


def test_the_list_lies_beside_the_devices() -> None:
    assert index_topic(TOPIC) == DEVICES


@pytest.mark.parametrize(
    "backup",
    [
        replace(VERIFIED, link=None),
        replace(VERIFIED, condition="pending"),
        replace(VERIFIED, condition="conflict"),
    ],
)
def test_it_is_read_only_after_a_verification_on_a_link(backup: Backup) -> None:
    assert device_index.step(Index(), Woke(), backup, NOW, 7) == (Index(), ())


def test_it_is_read_once_for_each_verification() -> None:
    looked = Index(looked_at=UNIX)
    assert device_index.step(looked, Woke(), VERIFIED, NOW, 7) == (looked, ())
    again = replace(VERIFIED, verified_at=UNIX + 1)
    assert device_index.step(looked, Woke(), again, NOW, 7)[1] == (Fetch(7, DEVICES),)


def test_a_device_adds_itself_and_keeps_the_others() -> None:
    assert added(begun(), there("otp-00000002", "otp-00000000")) == (
        "otp-00000000",
        DEVICE,
        "otp-00000002",
    )


def test_a_device_that_is_in_the_list_writes_nothing() -> None:
    assert added(begun(), there("otp-00000002", DEVICE)) is None


def test_a_full_list_never_keeps_a_device_out() -> None:
    found = added(begun(), there(*OTHERS))
    assert found is not None
    assert len(found) == MOST
    assert found[0] == DEVICE
    assert set(found[1:]) == set(OTHERS[: MOST - 1])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"junk",
        b"{}",
        b"7",
        b'"otp-00000002"',
        b'[7,null,["otp-00000002"],"otp-0000000G","otp-000000022","OTP-00000002"]',
        b'["otp-00000002"' + b" " * 4096 + b"]",
    ],
)
def test_junk_is_no_list(payload: bytes) -> None:
    assert read(payload) == ()
    assert added(begun(), Received(7, DEVICES, payload, retained=True)) == (DEVICE,)


def test_each_id_counts_once_and_no_more_than_64_do() -> None:
    assert read(canonical.dump([*OTHERS, *OTHERS])) == OTHERS
    assert read(canonical.dump([*OTHERS, DEVICE])) == OTHERS


@pytest.mark.parametrize(
    "event",
    [
        Received(6, DEVICES, b"[]", retained=True),
        Received(7, DEVICES, b"[]", retained=False),
        Received(7, TOPIC, b"[]", retained=True),
        Subscribed(6),
        Subscribed(6, "not authorized"),
        Acknowledged(7),
        Woke(),
    ],
)
def test_what_is_late_live_or_from_elsewhere_changes_nothing(
    event: Received | Subscribed | Acknowledged | Woke,
) -> None:
    index = begun()
    assert device_index.step(index, event, VERIFIED, later(READ_SECONDS - 0.1), 9) == (index, ())


def test_silence_after_the_answer_is_an_empty_list() -> None:
    index, effects = device_index.step(begun(), Subscribed(7), VERIFIED, later(2.0), 9)
    assert not effects
    assert device_index.deadline(index) == later(2.0 + READ_SECONDS).mono
    assert device_index.step(index, Woke(), VERIFIED, later(READ_SECONDS), 9) == (index, ())
    after, effects = device_index.step(index, Woke(), VERIFIED, later(2.0 + READ_SECONDS), 9)
    assert effects == (Publish(9, DEVICES, canonical.dump([DEVICE])),)
    assert device_index.deadline(after) is None


@pytest.mark.parametrize("event", [Subscribed(7, "not authorized"), Woke()])
def test_a_broker_that_denies_it_or_says_nothing_is_left_until_the_next_look(
    event: Subscribed | Woke,
) -> None:
    after, effects = device_index.step(begun(), event, VERIFIED, later(READ_SECONDS), 9)
    assert (after, effects) == (Index(looked_at=UNIX), ())


def test_a_lost_link_ends_it() -> None:
    lost = Lost(Problem("lost the broker", "it closed the connection"))
    assert device_index.step(begun(), lost, VERIFIED, NOW, 9) == (Index(), ())


def test_an_appliance_adds_itself_again_after_somebody_wrote_junk() -> None:
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    assert read(appliance.broker.retained[DEVICES]) == (DEVICE,)
    appliance.broker.keep(DEVICES, canonical.dump(["otp-00000002"]))
    appliance.later(RECHECK_SECONDS + FIRST_SECONDS)
    assert read(appliance.broker.retained[DEVICES]) == (DEVICE, "otp-00000002")
