import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault import canonical
from tests.vault.strategies import json_values

NOT_STRICT = {
    "nothing": b"",
    "a duplicate key": b'{"a":1,"a":1}',
    "a duplicate key, spelled differently": b'{"a":1,"\\u0061":1}',
    "a duplicate key deep inside": b'[{"b":[{"a":1,"a":2}]}]',
    "NaN": b"NaN",
    "infinity": b"[Infinity]",
    "negative infinity": b"-Infinity",
    "a number that overflows": b"1e400",
    "a negative number that overflows": b"[-1e999]",
    "a lone high surrogate": b'"\\ud800"',
    "a lone low surrogate": b'"\\udfff"',
    "a lone surrogate in upper case": b'"\\uD83D"',
    "a lone surrogate with half its digits in upper case": b'"\\uDc00"',
    "a lone surrogate in a key": b'{"\\ud800":1}',
    "surrogates in the wrong order": b'"\\ude00\\ud83d"',
    "bytes outside ASCII": '"ü"'.encode(),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a control character": b'"\n"',
    "a trailing comma": b"[1,]",
    "a comment": b"{}//",
    "two values": b"{}{}",
    "an integer of 5,000 digits": b"9" * 5000,
    "65 arrays": b"[" * 65 + b"]" * 65,
    "65 arrays around a number": b"[" * 65 + b"1" + b"]" * 65,
    "65 objects": b'{"a":' * 64 + b"{}" + b"}" * 64,
    "a million arrays": b"[" * 1_000_000 + b"]" * 1_000_000,
    "a million open arrays": b"[" * 1_000_000,
}


@pytest.mark.parametrize("raw", NOT_STRICT.values(), ids=NOT_STRICT.keys())
def test_what_is_not_strict_json_is_refused_without_being_quoted(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"not strict JSON|the JSON is nested too deeply") as caught:
        canonical.load(raw)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("raw", [b"[" * 64 + b"]" * 64, b'{"a":' * 64 + b"1" + b"}" * 64])
def test_64_levels_are_read(raw: bytes) -> None:
    assert canonical.dump(canonical.load(raw)) == raw


def test_what_is_nested_too_deeply_is_told_apart() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical.load(b"[" * 65 + b"]" * 65)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert canonical.load(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_an_escaped_backslash_before_ud_is_no_surrogate() -> None:
    assert canonical.load(b'"\\\\ud800"') == "\\ud800"


def test_the_spelling_is_sorted_ascii_without_white_space() -> None:
    value = {
        "b": [1, None, True],
        "a": 'ü\N{GRINNING FACE}\x7f\x00/"\\\n',
        "Z": {},
        "\uffff": 1,
        "\U00010000": 2,
    }
    assert canonical.dump(value) == (
        b'{"Z":{},"a":"\\u00fc\\ud83d\\ude00\\u007f\\u0000/\\"\\\\\\n","b":[1,null,true],"\\uffff":1,"\\ud800\\udc00":2}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical.dump([number])


@given(json_values())
def test_what_was_written_is_read_and_has_one_spelling(value: Any) -> None:
    raw = canonical.dump(value)
    assert canonical.load(raw) == value
    assert canonical.dump(canonical.load(raw)) == raw
    assert canonical.load(json.dumps(value, indent=1).encode()) == value


@given(
    st.binary(max_size=60) | st.text('[]{}",:\\ud8eE+-.0123456789truefalsn \n', max_size=40).map(str.encode)
)
def test_any_bytes_are_either_refused_or_have_a_spelling_that_reads_the_same(raw: bytes) -> None:
    try:
        value = canonical.load(raw)
    except ValueError:
        return
    spelled = canonical.dump(value)
    assert canonical.dump(canonical.load(spelled)) == spelled
