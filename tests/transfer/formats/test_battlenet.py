"""Battle.net: one account a file, under a mask that is public."""

import pytest

from tests.transfer.android import settings_file
from tests.transfer.reading import essences, read
from tests.transfer.samples import SECRET, totp
from tests.transfer.samples.battlenet import HEX, NEW, OLD, SERIAL, masked


def test_the_serial_may_be_missing() -> None:
    reading = read(settings_file({f"{NEW}DEVICE_SECRET": masked(HEX)}))
    assert essences(reading) == (totp("Battle.net", "", SECRET, digits=8),)
    assert not reading.encrypted


def test_each_file_is_an_account() -> None:
    one, other = (settings_file({OLD: masked(HEX + serial)}) for serial in (SERIAL, "US-1"))
    assert [found.account.name for found in read(one, other).found] == [SERIAL, "US-1"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("xyz", "it is not hex"),
        (HEX, "there is no secret under the app's mask"),
        ("ab" * 58, "it is longer than the app's mask"),
        ("", "the secret is empty"),
    ],
)
def test_a_secret_that_cannot_be_read_is_skipped(text: str, why: str) -> None:
    (skipped,) = read(settings_file({f"{NEW}DEVICE_SECRET": text})).skipped
    assert (skipped.name, skipped.reason) == ("Battle.net", why)
