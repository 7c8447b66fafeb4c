"""2FAuth: its three types, its icons, and its schema."""

from dataclasses import replace
from typing import Any

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import SECRET, hotp, steam, totp
from tests.transfer.samples.twofauth import account, export


def test_a_steam_account_has_steams_own_parameters_whatever_the_file_says() -> None:
    reading = read(
        export(account(otp_type="steamtotp", service="Steam", algorithm="sha256", digits=5, period=40))
    )
    assert essences(reading) == (steam("Steam", "alice"),)


def test_a_totp_account_is_steams_only_by_its_type() -> None:
    assert essences(read(export(account(service="Steam", digits=5)))) == (totp("Steam", "alice", digits=5),)


def test_fields_may_be_null_or_missing() -> None:
    bare = {"otp_type": "hotp", "secret": SECRET}
    nothing = account(service=None, account=None, digits=None, algorithm=None, period=None)
    assert essences(read(export(bare, nothing))) == (hotp("", ""), totp("", ""))


def test_icons_are_counted_and_not_kept() -> None:
    reading = read(
        export(
            account(icon="a.png", icon_mime="image/png", icon_file="aGk="), account(icon="b.png"), account()
        )
    )
    assert reading.warnings == ("2 icons are not kept",)
    assert read(export(account())).warnings == ()


def test_one_bad_entry_does_not_cost_the_others() -> None:
    bad = [
        None,
        account(otp_type="yandex"),
        account(secret="*indecipherable*"),
        account(period=0),
        account(counter="x"),
    ]
    reading = read(export(account(), *bad, account()))
    assert len(reading.found) == 2
    assert tuple(replace(one, listed=None) for one in reading.skipped) == (
        Skipped("entry 2", "it is not an object"),
        Skipped("Example:alice", "Yandex codes are not supported"),
        Skipped("Example:alice", "the secret is not base32 (letters A-Z and digits 2-7)"),
        Skipped("Example:alice", "the period in seconds is not between 1 and 86400"),
        Skipped("Example:alice", "its counter is not a whole number"),
    )


@pytest.mark.parametrize("schema", [2, "1", [], 0])
def test_another_schema_is_refused(schema: Any) -> None:
    with pytest.raises(CannotRead, match=r"schema is (2|0|unknown), and 1 can be read"):
        read(export(account(), schema=schema))


def test_data_that_is_no_list_is_damage() -> None:
    with pytest.raises(FileDamaged, match="data is not a list"):
        read(export(data={}))


@pytest.mark.parametrize("app", [None, 7, "other_v1", ["2fauth_v1"]])
def test_json_of_another_app_is_not_taken_for_it(app: Any) -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(export(account(), app=app))
