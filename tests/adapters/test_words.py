"""The word list that passphrases are made of."""

import math
import re
from random import Random

import pytest

from appliance.adapters import words
from appliance.adapters.words import COUNT, eff_long
from appliance.vault import keys


def test_there_are_7776_different_words() -> None:
    assert len(eff_long()) == len(set(eff_long())) == COUNT == 6**5


def test_words_are_lower_case_and_have_no_spaces() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)?", word) for word in eff_long())


def test_the_list_is_the_eff_long_one() -> None:
    assert (eff_long()[0], eff_long()[-1]) == ("abacus", "zoom")
    assert eff_long()[6**4] == "coping", "so 2-1-1-1-1 with dice"


def test_six_of_them_are_worth_77_bits_and_can_be_typed_anywhere() -> None:
    assert math.log2(COUNT) * keys.PASSPHRASE_WORDS > 77
    passphrase = keys.new_passphrase(eff_long(), lambda count: bytes(count - 1) + b"\x05")
    assert passphrase == " ".join([eff_long()[5]] * 6)
    dice = Random(1)
    for _ in range(50):
        passphrase = keys.new_passphrase(eff_long(), dice.randbytes)
        assert keys.checked_passphrase(passphrase) == passphrase


def test_another_list_in_its_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "COUNT", COUNT + 1)
    eff_long.cache_clear()
    try:
        with pytest.raises(RuntimeError):
            eff_long()
    finally:
        eff_long.cache_clear()
