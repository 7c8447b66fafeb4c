"""Java's serialised maps: every text that Java can write comes back, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer import java_map
from appliance.transfer.java_map import Malformed
from tests.transfer.android import java_map as java_map_of_parts
from tests.transfer.android import java_map_of, java_text

ANY = st.text(st.characters(codec="utf-8") | st.sampled_from("\0\x7f\u07ff\uffff\U00010000🔑"))


@given(st.dictionaries(ANY, ANY, max_size=5), st.sampled_from([0, 1, 2]))
def test_any_map_comes_back_in_its_order(texts: dict[str, str], fields: int) -> None:
    assert list(java_map.texts(java_map_of(texts, fields), 5).items()) == list(texts.items())


def test_a_text_over_64_kib_is_written_in_another_way() -> None:
    texts = {"long": "ä" * 40_000}
    assert java_map.texts(java_map_of(texts), 1) == texts


def test_a_text_that_was_there_before_may_be_referred_to() -> None:
    data = java_map_of_parts([java_text("a"), java_text("b"), java_text("c"), b"\x71\x00\x7e\x00\x03"], 2)
    assert java_map.texts(data, 2) == {"a": "b", "c": "b"}


@pytest.mark.parametrize("handle", [b"\x00\x7e\x00\x01", b"\x00\x7e\x00\x03", b"\xff\xff\xff\xff"])
def test_a_reference_to_anything_else_is_refused(handle: bytes) -> None:
    with pytest.raises(Malformed, match="refers to a text that is not there"):
        java_map.texts(java_map_of_parts([java_text("a"), b"\x71" + handle], 1), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        java_map.MAGIC,
        java_map_of({}).replace(b"\x07\xda", b"\x07\xdb"),
        java_map_of({}).replace(b"F\x00\nload", b"D\x00\nload"),
        java_map_of({}).replace(b"\x03\x00\x02F", b"\x03\x00\x03F"),
        java_map_of({}).replace(b"w\x08", b"w\x09"),
        java_map_of_parts([java_text("a"), b"\x70"], 1),
        java_map_of_parts([java_text("a"), b"sr\x00\x11java.lang.Integer"], 1),
        java_map_of_parts([java_text("a"), b"\x7c" + b"\xff" * 8], 1),
        java_map_of_parts([java_text("a")] * 2, 0),
        java_map_of_parts([], 2),
    ],
)
def test_anything_but_a_map_of_texts_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        java_map.texts(data, 5)


def test_a_map_that_is_cut_off_anywhere_is_refused() -> None:
    data = java_map_of({"a": "b", "c": "d"})
    for length in range(len(data)):
        with pytest.raises(Malformed):
            java_map.texts(data[:length], 5)


def test_what_follows_the_map_is_not_passed_over() -> None:
    with pytest.raises(Malformed, match="something follows its end"):
        java_map.texts(java_map_of({"a": "b"}) + b"x", 5)


def test_more_entries_than_asked_for_are_refused_before_they_are_read() -> None:
    with pytest.raises(Malformed, match="more than 5 entries"):
        java_map.texts(java_map_of_parts([], 2**31 - 1), 5)
    with pytest.raises(Malformed, match="more than 5 entries"):
        java_map.texts(java_map_of_parts([], -1), 5)


def test_a_broken_letter_costs_itself_only() -> None:
    broken = b"\x74\x00\x03a\xffc"
    lone = b"\x74\x00\x05a\xed\xa0\x80c"
    assert java_map.texts(java_map_of_parts([broken, lone], 1), 1) == {"a\ufffdc": "a\ufffdc"}
