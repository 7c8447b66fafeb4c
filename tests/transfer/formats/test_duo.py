"""Duo Mobile: which accounts have codes, and of which kind."""

import json
from typing import Any

import pytest

from appliance.transfer.formats import duo
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import SECRET, hotp, totp


def account(**generator: Any) -> dict[str, Any]:
    return {
        "name": "Example: alice",
        "accountType": "OtpAccount",
        "otpGenerator": {"otpSecret": SECRET, **generator},
    }


def test_a_counter_makes_the_kind_and_the_name_stays_whole() -> None:
    reading = read(json.dumps([account(), account(counter=0), account(counter=None)]))
    plain = totp("", "Example: alice")
    assert essences(reading) == (plain, hotp("", "Example: alice"), plain)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        ({"name": "Corp", "pkey": "x"}, "it is approved by push, without a one-time code"),
        ({"name": "Corp", "otpGenerator": None}, "it is approved by push, without a one-time code"),
        ({"name": "Corp", "otpGenerator": []}, "it is not an object"),
        ({"name": "Corp", "otpGenerator": {"counter": 1}}, "the secret is empty"),
        (
            {"name": "Corp", "otpGenerator": {"otpSecret": SECRET, "counter": -1}},
            "the counter is not between 0 and 2147483647",
        ),
    ],
)
def test_an_account_without_a_usable_code_is_skipped(one: object, why: str) -> None:
    reading = read(json.dumps([one, account()]))
    assert len(reading.found) == 1
    assert [(each.name, each.reason) for each in reading.skipped] == [("Corp", why)]


@pytest.mark.parametrize(
    ("document", "recognised"),
    [
        ([account()], True),
        ([1, account()], True),
        ([{"accountType": "DuoAccount", "pkey": "x"}], True),
        ([{"accountType": "x"}], False),
        ([], False),
        (account(), False),
    ],
)
def test_it_is_recognised_by_its_generators(document: object, *, recognised: bool) -> None:
    assert duo.recognises(contents(json.dumps(document))[0], means()) is recognised
