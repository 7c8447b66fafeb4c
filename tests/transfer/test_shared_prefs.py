"""Settings files of Android's apps: which texts they hold."""

import pytest

from appliance.transfer.shared_prefs import json_of, strings
from tests.transfer.android import settings_file
from tests.transfer.reading import contents


def test_only_named_texts_are_taken() -> None:
    file = settings_file(
        {"a": "<&>\"'", "b": [1], "c": ""},
        others='<int name="d" value="1"/><string>e</string><set name="f"><string name="g">h</string></set>',
    )
    assert strings(contents(file)[0]) == {"a": "<&>\"'", "b": "[1]", "c": ""}


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"{}",
        b"<map",
        b"<plist><string name='a'>b</string></plist>",
        b"<!DOCTYPE map [<!ENTITY a 'b'>]><map><string name='a'>&a;</string></map>",
    ],
)
def test_anything_else_has_no_texts(file: bytes) -> None:
    assert strings(contents(file)[0]) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": 1}', {"a": 1}), ("", None), ("a", None), ("[" * 9000, None), ('["\ud800"]', ["?"])],
)
def test_a_json_text_is_its_value_and_anything_else_is_none(text: str, value: object) -> None:
    assert json_of(text) == value
