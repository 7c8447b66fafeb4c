"""What holds for every format, over the samples of all: recognised, read, refused for the right reason, never broken."""

import random

import pytest

from appliance.errors import (
    ApplianceError,
    CannotRead,
    FileDamaged,
    NothingFound,
    PasswordMissing,
    UsageError,
    WrongPassphrase,
)
from appliance.transfer import registry
from tests.transfer.reading import essences, read, read_sample
from tests.transfer.samples import Sample, all_samples

SAMPLES = all_samples()
EVERY = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
ENCRYPTED = pytest.mark.parametrize(
    "sample", [sample for sample in SAMPLES if sample.encrypted], ids=lambda sample: sample.name
)
REFUSALS = (FileDamaged, CannotRead, NothingFound, WrongPassphrase, UsageError)


def test_every_format_has_a_sample() -> None:
    assert {sample.format for sample in SAMPLES} == {each.NAME for each in registry.FORMATS}


@EVERY
def test_a_file_is_recognised_and_gives_its_accounts(sample: Sample) -> None:
    reading = read_sample(sample)
    assert reading.format == sample.format
    assert essences(reading) == sample.accounts
    assert len(reading.skipped) == sample.skipped
    assert reading.encrypted == sample.encrypted


@ENCRYPTED
def test_without_its_password_an_encrypted_file_asks_for_it_or_is_not_recognised(sample: Sample) -> None:
    with pytest.raises((PasswordMissing, NothingFound, CannotRead)):
        read(*sample.files, key_file=sample.key_file)


@ENCRYPTED
def test_another_password_is_told_to_be_wrong(sample: Sample) -> None:
    if sample.password is None:
        pytest.skip("its key is a file")
    with pytest.raises(WrongPassphrase) as caught:
        read(*sample.files, password=sample.password + "x", key_file=sample.key_file)
    assert not isinstance(caught.value, PasswordMissing)


@EVERY
def test_no_message_holds_a_secret(sample: Sample) -> None:
    reading = read_sample(sample)
    told = repr(reading) + "".join(skipped.reason for skipped in reading.skipped)
    for account in sample.accounts:
        assert account[3] not in told


def outcome(sample: Sample, file: bytes) -> ApplianceError | None:
    """Read an altered sample; any error must be one of the foreseen ones, and none may hold a secret."""
    try:
        reading = read(file, *sample.files[1:], password=sample.password, key_file=sample.key_file)
    except REFUSALS as error:
        told = f"{error} {error.hint}"
        assert not any(account[3] in told for account in sample.accounts), told
        return error
    assert reading.found or reading.skipped
    return None


@EVERY
def test_a_file_that_is_cut_off_is_a_reading_or_a_foreseen_error(sample: Sample) -> None:
    file = sample.files[0]
    dice = random.Random(sample.name)
    for length in dice.sample(range(len(file)), min(12, len(file))):
        outcome(sample, file[:length])


@EVERY
def test_a_file_with_changed_bytes_is_a_reading_or_a_foreseen_error(sample: Sample) -> None:
    dice = random.Random(sample.name)
    for _ in range(12):
        file = bytearray(sample.files[0])
        for _ in range(dice.randint(1, 8)):
            file[dice.randrange(len(file))] = dice.randrange(256)
        outcome(sample, bytes(file))


@pytest.mark.long
@EVERY
def test_a_file_cut_off_at_every_length_is_a_reading_or_a_foreseen_error(sample: Sample) -> None:
    for length in range(len(sample.files[0])):
        outcome(sample, sample.files[0][:length])
