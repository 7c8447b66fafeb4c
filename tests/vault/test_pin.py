"""The PIN: what it must be, what it is worth, what wrong ones cost, and that it opens one device's file alone."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import UsageError
from appliance.vault import keys, pin
from tests.vault.builder import DEVICE_SECRET, MEMORY, master_key, random_bytes

DEVICE = "otp-0a1b2c3d"
GIVEN = "493817"
WRAP = pin.new_wrap(
    master_key(), DEVICE_SECRET, GIVEN, device=DEVICE, random_bytes=random_bytes(5), memory_limit=MEMORY
)


def unwrapped(
    wrap: keys.DeviceWrap = WRAP, secret: bytes = DEVICE_SECRET, entered: str = GIVEN
) -> bytes | None:
    return pin.unwrap(wrap, secret, entered, device=DEVICE, memory_limit=MEMORY)


def test_pin_and_device_secret_open_it_together() -> None:
    assert unwrapped() == master_key()
    assert unwrapped(entered="493818") is None
    assert unwrapped(entered="٤٩٣٨١٧") is None
    assert unwrapped(secret=DEVICE_SECRET[::-1]) is None
    assert pin.unwrap(WRAP, DEVICE_SECRET, GIVEN, device="otp-00000000", memory_limit=MEMORY) is None


def test_the_device_secret_alone_opens_nothing() -> None:
    assert keys.unwrap_device(WRAP, DEVICE_SECRET, device=DEVICE) is None
    assert keys.unwrap_device(replace(WRAP, mode="credential", n=0), DEVICE_SECRET, device=DEVICE) is None


def test_the_key_is_made_as_the_specification_says() -> None:
    derived = hashlib.scrypt(GIVEN.encode(), salt=WRAP.salt, n=2**16, r=8, p=1, maxmem=2**28, dklen=32)
    kek = HKDF(SHA256(), 32, WRAP.salt, b"otp-appliance pin v1").derive(DEVICE_SECRET + derived)
    data = keys.device_data(DEVICE, "pin", WRAP.salt, 2**16)
    assert keys.decrypt(kek, WRAP.nonce, WRAP.key, WRAP.tag, data) == master_key()


@pytest.mark.parametrize("text", ["000000", "12345678", "0" * 32])
def test_six_digits_and_more_are_a_pin(text: str) -> None:
    assert pin.checked(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not made of digits"),
        ("12345a", "not made of digits"),
        ("١٢٣٤٥٦", "not made of digits"),
        ("12345", "it has 5 digits, at least 6"),
        ("0" * 33, "more than 32"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as raised:
        pin.checked(text)
    assert not text or text not in str(raised.value) + raised.value.hint


def test_it_is_told_what_each_length_is_worth() -> None:
    assert [pin.worth(digits) for digits in (6, 7, 8, 12)] == [
        "49 hours",
        "490 hours",
        "204 days",
        "5,594 years",
    ]


def test_three_tries_are_free_and_then_each_costs_more() -> None:
    assert [pin.delay(tries) for tries in range(10)] == [0, 0, 0, 30, 60, 300, 900, 3600, 3600, 3600]
    assert [pin.tries_left(tries) for tries in range(5)] == [3, 2, 1, None, None]
