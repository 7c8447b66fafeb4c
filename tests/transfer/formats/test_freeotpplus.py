"""FreeOTP+: which JSON it is, and that a bad token costs itself only."""

import json

import pytest

from appliance.errors import NothingFound
from appliance.transfer.formats import freeotpplus
from tests.transfer.reading import contents, means, read
from tests.transfer.samples.freeotp import token


@pytest.mark.parametrize(
    ("document", "recognised"),
    [
        ({"tokens": [], "tokenOrder": []}, True),
        ({"tokens": [token()]}, True),
        ({"tokens": [token(secret="MZXW6YTB")]}, False),
        ({"tokens": {}, "tokenOrder": []}, False),
        ({"tokens": [1]}, False),
        ({"tokenOrder": []}, False),
        ([token()], False),
    ],
)
def test_it_is_recognised_by_its_tokens(document: object, *, recognised: bool) -> None:
    assert freeotpplus.recognises(contents(json.dumps(document))[0], means()) is recognised


def test_a_bad_token_is_skipped_with_its_name_or_place() -> None:
    reading = read(
        json.dumps({"tokenOrder": [], "tokens": [1, token(), token(digits=0), token(label=["x"])]})
    )
    assert [found.account.name for found in reading.found] == ["alice"]
    assert [(each.name, each.reason) for each in reading.skipped] == [
        ("entry 1", "it is not an object"),
        ("Example:alice", "the number of digits is not between 4 and 10"),
        ("entry 4", "its label is not a text"),
    ]


def test_a_backup_without_tokens_holds_nothing() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        read(b'{"tokens": [], "tokenOrder": []}')
