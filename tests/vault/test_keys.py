import hashlib
import hmac
import json
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import MemoryShort, UsageError, WrongPassphrase
from appliance.vault import keys
from tests.vault.builder import (
    DEVICE_SECRET,
    MEMORY,
    PASSPHRASE,
    master_key,
    random_bytes,
    recovery_key,
    slot,
    slots,
)

MASTER = master_key()
DEVICE = "d0000000-0000-4000-8000-000000000001"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def scripted(*drawn: bytes) -> Callable[[int], bytes]:
    """Randomness from a list; each draw must have the size that is asked for."""
    left = list(drawn)

    def draw(size: int) -> bytes:
        value = left.pop(0)
        assert len(value) == size
        return value

    return draw


class TestPrimitives:
    def test_scrypt_says_before_any_work_that_memory_is_short(self) -> None:
        with pytest.raises(MemoryShort, match="it needs 256 MiB of memory, and 255 MiB may be used"):
            keys.scrypt(b"", b"", n=2**18, p=1, memory_limit=2**28 - 1)

    def test_scrypt_may_use_exactly_its_limit(self) -> None:
        assert len(keys.scrypt(b"", b"", n=2**10, p=1, memory_limit=2**20)) == 32


class TestSlots:
    def test_a_new_slot_is_as_strong_as_the_specification_says(self) -> None:
        made = keys.new_slot(
            MASTER, PASSPHRASE, uuid="u", random_bytes=scripted(b"s" * 32, b"n" * 12), memory_limit=MEMORY
        )
        assert (made.uuid, made.n, made.p, made.salt, made.nonce) == ("u", 2**16, 1, b"s" * 32, b"n" * 12)
        assert keys.unwrap(made, PASSPHRASE, memory_limit=MEMORY) == MASTER
        # Aegis: hashlib here is OpenSSL's scrypt without the package's own function around it.
        derived = hashlib.scrypt(
            PASSPHRASE.encode(), salt=b"s" * 32, n=2**16, r=8, p=1, maxmem=2**27, dklen=32
        )
        assert AESGCM(derived).encrypt(b"n" * 12, MASTER, None) == made.key + made.tag

    def test_making_a_slot_obeys_the_memory_limit(self) -> None:
        with pytest.raises(MemoryShort):
            keys.new_slot(MASTER, "x", uuid="u", random_bytes=random_bytes(1), memory_limit=2**26 - 1)

    def test_opening_a_slot_obeys_the_memory_limit(self) -> None:
        with pytest.raises(MemoryShort):
            keys.unwrap_any(slots(MASTER), PASSPHRASE, memory_limit=2**20 - 1)

    @pytest.mark.parametrize("p", [1, 2, 4])
    def test_cost_and_parallelism_are_those_of_the_slot(self, p: int) -> None:
        made = slot(MASTER, "x", "u", 5, n=2**11, p=p)
        assert keys.unwrap(made, "x", memory_limit=MEMORY) == MASTER
        assert keys.unwrap(replace(made, n=2**10), "x", memory_limit=MEMORY) is None
        assert keys.unwrap(replace(made, p=p + 1), "x", memory_limit=MEMORY) is None

    def test_another_password_does_not_open_a_slot(self) -> None:
        for wrong in (PASSPHRASE.upper(), PASSPHRASE + " ", PASSPHRASE[:-1], ""):
            assert keys.unwrap(slots(MASTER)[0], wrong, memory_limit=MEMORY) is None

    def test_passphrase_and_recovery_key_open_a_vault(self) -> None:
        for entered in (PASSPHRASE, recovery_key(), recovery_key().lower().replace("-", "")):
            assert keys.unwrap_any(slots(MASTER), entered, memory_limit=MEMORY) == MASTER

    def test_a_passphrase_that_looks_like_a_recovery_key_opens_its_own_slot(self) -> None:
        other = recovery_key(77).lower()
        assert keys.unwrap_any(slots(MASTER, other, 3), other, memory_limit=MEMORY) == MASTER

    @pytest.mark.parametrize("entered", ["", "swordfish", "\ud800", "\udcff half a pair", recovery_key(2)])
    def test_anything_else_is_a_wrong_passphrase(self, entered: str) -> None:
        with pytest.raises(WrongPassphrase) as caught:
            keys.unwrap_any(slots(MASTER), entered, memory_limit=MEMORY)
        assert entered == "" or entered not in f"{caught.value!r} {caught.value.hint}"


class TestDeviceWraps:
    wrap = keys.new_device_wrap(MASTER, DEVICE_SECRET, device=DEVICE, random_bytes=random_bytes(4))

    def test_the_device_opens_its_wrap(self) -> None:
        assert keys.unwrap_device(self.wrap, DEVICE_SECRET, device=DEVICE) == MASTER

    def test_it_is_made_as_the_specification_says(self) -> None:
        wrap = keys.new_device_wrap(
            MASTER, DEVICE_SECRET, device=DEVICE, random_bytes=scripted(b"s" * 32, b"n" * 12)
        )
        # RFC 5869, with one block: extract, then expand.
        salt = "73" * 32
        extracted = hmac.digest(b"s" * 32, DEVICE_SECRET, "sha256")
        kek = hmac.digest(extracted, b"otp-appliance device v1\x01", "sha256")
        data = f'{{"device":"{DEVICE}","mode":"credential","n":0,"salt":"{salt}","v":1}}'
        assert (wrap.mode, wrap.n, wrap.salt, wrap.nonce) == ("credential", 0, b"s" * 32, b"n" * 12)
        assert AESGCM(kek).encrypt(b"n" * 12, MASTER, data.encode()) == wrap.key + wrap.tag

    @pytest.mark.parametrize("name", ["salt", "nonce", "tag", "key"])
    def test_a_changed_field_opens_nothing(self, name: str) -> None:
        value = getattr(self.wrap, name)
        changes: dict[str, Any] = {name: bytes([value[0] ^ 1]) + value[1:]}
        assert keys.unwrap_device(replace(self.wrap, **changes), DEVICE_SECRET, device=DEVICE) is None

    def test_another_mode_cost_device_or_secret_opens_nothing(self) -> None:
        assert keys.unwrap_device(replace(self.wrap, mode="pin"), DEVICE_SECRET, device=DEVICE) is None
        assert keys.unwrap_device(replace(self.wrap, n=2**16), DEVICE_SECRET, device=DEVICE) is None
        assert keys.unwrap_device(self.wrap, DEVICE_SECRET, device=DEVICE[:-1] + "2") is None
        assert keys.unwrap_device(self.wrap, DEVICE_SECRET[::-1], device=DEVICE) is None


class TestPassphrases:
    words = tuple(f"w{number}" for number in range(7776))

    def test_six_words_are_drawn_evenly(self) -> None:
        # 2^32 = 552,336 * 7776 + 2,560: what is drawn above the last full round is drawn again.
        last_full = 552_336 * 7776
        drawn = [last_full, 2**32 - 1, last_full - 1, 0, 7775, 7776, 1, last_full + 2_559, 2]
        script = scripted(*(number.to_bytes(4, "big") for number in drawn))
        assert keys.new_passphrase(self.words, script) == "w7775 w0 w7775 w0 w1 w2"

    def test_a_list_whose_length_divides_all_draws_rejects_none(self) -> None:
        script = scripted(*[(2**32 - 1).to_bytes(4, "big")] * 6)
        assert keys.new_passphrase(("a", "b"), script) == "b b b b b b"

    def test_a_generated_passphrase_is_good_enough(self) -> None:
        assert keys.checked_passphrase(keys.new_passphrase(self.words, random_bytes(1)))

    @pytest.mark.parametrize(
        "text",
        [
            "a sentence, with: (signs) ~!",
            "kaj8Fh2!lPqx",
            "correct horse battery staple",
            "vut ~ 29 Hasen am See",
            "quince lorry tidal " * 10,
        ],
    )
    def test_an_own_passphrase_is_taken_as_it_is(self, text: str) -> None:
        assert keys.checked_passphrase(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            "aaaaaaaaaaaa",
            "x" * 80,
            "abcabcabcabc",
            "123456789012",
            "qwertyuiop[]",
            "asdfghjklasdfghjkl",
            "Password1234!",
            "P4ssw0rdP4ssw0rd!",
            "iloveyou2you",
            "anna29031984",
            "my otp appliance",
            "raspberry pi otp",
        ],
    )
    def test_an_own_passphrase_that_is_soon_guessed_is_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            keys.checked_passphrase(text)
        assert "a program that guesses finds it within" in caught.value.why
        assert text not in str(caught.value) + caught.value.hint

    def test_nearly_all_passphrases_of_twelve_random_characters_are_taken(self) -> None:
        dice, signs = Random(1), string.ascii_letters + string.digits
        made = ["".join(dice.choices(signs, k=12)) for _ in range(100)]
        assert sum(keys._guesses(one) >= keys.PASSPHRASE_GUESSES for one in made) >= 95

    def test_a_passphrase_of_an_earlier_release_goes_on_opening_its_vault(self) -> None:
        slot = keys.new_slot(
            MASTER, "aaaaaaaaaaaa", uuid="u", random_bytes=random_bytes(2), memory_limit=2**30
        )
        assert keys.unwrap(slot, "aaaaaaaaaaaa", memory_limit=2**30) == MASTER

    @pytest.mark.parametrize("text", ["", "x" * 11, "ü" * 12, "x" * 12 + "\n", "x\ty" * 6, "x" * 12 + "\x7f"])
    def test_a_short_passphrase_or_one_that_not_every_keyboard_has_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            keys.checked_passphrase(text)
        assert len(text) < 3 or text not in str(caught.value)


def number_of(printed: str) -> int:
    total = 0
    for character in printed.replace("-", "")[:26]:
        total = total * 32 + CROCKFORD.index(character)
    return total


class TestRecoveryKeys:
    printed = recovery_key()

    @given(st.binary(min_size=17, max_size=17))
    def test_all_130_bits_and_no_more_are_used(self, drawn: bytes) -> None:
        assert number_of(keys.new_recovery_key(scripted(drawn))) == int.from_bytes(drawn, "big") >> 6

    def test_it_is_printed_in_seven_groups_of_four(self) -> None:
        assert [len(group) for group in self.printed.split("-")] == [4] * 7
        assert set(self.printed) <= {*CROCKFORD, "-"}

    def test_its_check_characters_are_those_of_the_specification(self) -> None:
        remainder = number_of(self.printed) % 1021
        assert self.printed[-2:] == CROCKFORD[remainder // 32] + CROCKFORD[remainder % 32]
        assert keys.new_recovery_key(scripted(b"\xff" * 17)) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZ" + (
            CROCKFORD[(2**130 - 1) % 1021 // 32] + CROCKFORD[(2**130 - 1) % 1021 % 32]
        )

    @given(st.binary(min_size=17, max_size=17), st.data())
    def test_it_is_read_in_any_case_and_spacing_and_with_letters_for_look_alikes(
        self, drawn: bytes, data: st.DataObject
    ) -> None:
        printed = keys.new_recovery_key(scripted(drawn))
        alike = {"0": "0oO", "1": "1iIlL"}
        typed = ""
        for character in printed.replace("-", ""):
            typed += data.draw(st.sampled_from(alike.get(character, character + character.lower())))
            typed += data.draw(
                st.sampled_from(["", "", "-", " ", "\t", "\n", "\r\n", "\u00a0", "\u2011", " - "])
            )
        assert keys.recovery_form(typed) == printed

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_every_single_wrong_character_is_noticed(self, seed: int) -> None:
        joined = recovery_key(seed).replace("-", "")
        for at in range(28):
            for wrong in CROCKFORD.replace(joined[at], ""):
                assert keys.recovery_form(joined[:at] + wrong + joined[at + 1 :]) is None

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_every_swap_of_two_different_characters_is_noticed(self, seed: int) -> None:
        joined = recovery_key(seed).replace("-", "")
        for one, other in combinations(range(28), 2):
            swapped = list(joined)
            swapped[one], swapped[other] = joined[other], joined[one]
            if joined[one] != joined[other]:
                assert keys.recovery_form("".join(swapped)) is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "-",
            PASSPHRASE,
            printed[:-1],
            printed + "0",
            printed[:-2],
            printed.replace("-", "")[1:],
            printed[:-1] + "U",
            printed[:-1] + "*",
            printed[:-1] + "\u00df",
        ],
    )
    def test_what_is_none_is_told(self, text: str) -> None:
        assert keys.recovery_form(text) is None

    @pytest.mark.parametrize(("letter", "sign"), [("S", "\u017f"), ("1", "\u0131"), ("SS", "\u00df")])
    def test_signs_that_upper_case_makes_letters_of_are_none(self, letter: str, sign: str) -> None:
        of_that_letter = next(key for key in map(recovery_key, range(10_000)) if letter in key)
        assert keys.recovery_form(of_that_letter.replace(letter, letter.lower())) == of_that_letter
        assert keys.recovery_form(of_that_letter.replace(letter, sign)) is None


MISCOPIED = {
    "0000-0000-0000-0000-0000-0000-0001": "one of its characters is another one",
    "0000-0000-000-0000-0000-0000-0000": "group 3 has 3 characters in place of 4",
    "0000 0000 0000 0000 0000 00000 0000": "group 6 has 5 characters in place of 4",
    "0000-0000-0000-0000-0000-0000": "it has 6 groups in place of 7",
    "0000-0000-0000-0000-0U00-0000-0000": "group 5 holds a sign that recovery keys never have",
    "0000-00?0-0000-0000-0000-0000-0000": "group 2 holds a sign",
}


@pytest.mark.parametrize("entered", MISCOPIED)
def test_a_recovery_key_that_was_copied_wrong_is_told_by_its_groups(entered: str) -> None:
    assert MISCOPIED[entered] in (keys.miscopied(entered) or "")
    with pytest.raises(WrongPassphrase, match="wrong recovery key: ") as caught:
        keys.unwrap_any(slots(MASTER), entered, memory_limit=MEMORY)
    assert MISCOPIED[entered] in caught.value.why


@pytest.mark.parametrize(
    "entered", ["", "swordfish", "correct horse battery staple two six", "000-1", recovery_key(), "1 2 3 4"]
)
def test_what_looks_like_no_recovery_key_is_not_judged_as_one(entered: str) -> None:
    assert keys.miscopied(entered) is None


def test_which_of_the_two_was_entered_is_known() -> None:
    for entered, kind in ((PASSPHRASE, "passphrase"), (recovery_key().lower(), "recovery key")):
        assert keys.recognised(slots(MASTER), entered, memory_limit=MEMORY) == (kind, MASTER)


def test_nothing_secret_appears_in_a_representation() -> None:
    for value in (*slots(MASTER), TestDeviceWraps.wrap):
        shown = f"{value!r} {value}"
        for secret in secrets_of(value):
            assert secret not in shown


def secrets_of(value: keys.Slot | keys.DeviceWrap) -> Iterator[str]:
    for raw in (value.key, value.nonce, value.tag, value.salt):
        yield raw.hex()
        yield repr(raw)
        yield json.dumps(list(raw))


def test_a_letter_that_no_recovery_key_has_makes_it_none() -> None:
    assert keys.recovery_form("U" * 28) is None
