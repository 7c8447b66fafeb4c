"""The file of google-authenticator-libpam: which codes it means, what is not kept, and what is no such file."""

import pytest

from appliance.errors import NothingFound
from appliance.transfer.found import Skipped
from tests.transfer.reading import essences, read
from tests.transfer.samples import SECRET, hotp, totp
from tests.transfer.samples.libpam import COUNTED, TIMED

UNNAMED = 'the file has no names: its account is called "PAM"; give it the name of the computer'


def test_scratch_codes_are_counted_and_not_kept() -> None:
    assert read(TIMED).warnings == (UNNAMED, "2 scratch codes are not kept")
    assert read(COUNTED).warnings == (UNNAMED,)
    assert "12345678" not in repr(read(TIMED))


def test_a_step_size_is_the_period() -> None:
    assert essences(read(f'{SECRET}\n" TOTP_AUTH\n" STEP_SIZE 60\n')) == (totp("PAM", "", period=60),)


def test_a_counter_wins_over_time_as_in_the_program() -> None:
    text = f'{SECRET}\n" TOTP_AUTH\n" HOTP_COUNTER 7\n" STEP_SIZE 60\n'
    assert essences(read(text)) == (hotp("PAM", "", counter=7),)


def test_line_ends_of_windows_and_a_byte_order_mark_do_no_harm() -> None:
    assert essences(read(TIMED.replace("\n", "\r\n").encode("utf-8-sig"))) == (totp("PAM", ""),)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            '" RATE_LIMIT 3 30',
            "it has neither TOTP_AUTH nor a HOTP_COUNTER, so the computer takes no codes of it",
        ),
        (
            '" HOTP_COUNTER',
            "it has neither TOTP_AUTH nor a HOTP_COUNTER, so the computer takes no codes of it",
        ),
        ('" HOTP_COUNTER x', "its HOTP_COUNTER is not a whole number"),
        ('" HOTP_COUNTER -1', "the counter is not between 0 and 2147483647"),
        ('" TOTP_AUTH\n" STEP_SIZE 0', "the period in seconds is not between 1 and 86400"),
        ('" TOTP_AUTH\n" STEP_SIZE 99999999999999999999', "its STEP_SIZE is not a whole number"),
    ],
)
def test_options_that_give_no_codes_are_a_reason(options: str, reason: str) -> None:
    assert read(f"{SECRET}\n{options}\n").skipped == (Skipped("PAM", reason),)


def test_files_of_several_people_are_one_reading() -> None:
    assert essences(read(TIMED, COUNTED)) == (totp("PAM", ""), hotp("PAM", "", counter=7))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"{SECRET}\n12345678\n",
        f'{SECRET}\n"TOTP_AUTH\n',
        f'{SECRET}\n" TOTPAUTH\n',
        f'{SECRET}\n" totp_auth\n',
        f'not a secret!\n{SECRET}\n" TOTP_AUTH\n',
        '" TOTP_AUTH\n',
    ],
)
def test_a_text_without_a_secret_in_front_or_without_options_is_not_taken_for_it(text: str) -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(text)


def test_a_file_larger_than_the_program_takes_is_not_taken_for_it() -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(TIMED + "12345678\n" * 8000)
