"""Reading a foreign file in a test: predictable uuids, and what is found as plain tuples."""

from hashlib import shake_128
from itertools import count

from appliance.transfer import registry
from appliance.transfer.content import Content
from appliance.transfer.found import Found, Means, Reading, WriteMeans
from tests.transfer.samples import Essence, Sample

MEMORY: int = 2**28


def means(password: str | None = None, *, memory_limit: int = MEMORY, key_file: bytes | None = None) -> Means:
    """Return means whose uuids are `uuid-1`, `uuid-2` and so on."""
    numbers = count(1)
    return Means(password, memory_limit, lambda: f"uuid-{next(numbers)}", key_file)


def write_means(password: str = "") -> WriteMeans:
    """Return means whose randomness is another at each call, and the same in each test."""
    numbers = count(1)
    return WriteMeans(password, lambda size: shake_128(b"%d" % next(numbers)).digest(size), 1_800_000_000)


def contents(*files: str | bytes) -> list[Content]:
    """Return files as formats get them."""
    return [Content(file.encode() if isinstance(file, str) else file) for file in files]


def read(
    *files: str | bytes,
    password: str | None = None,
    memory_limit: int = MEMORY,
    key_file: bytes | None = None,
) -> Reading:
    """Read files as the confined reader does, whatever their format."""
    numbers = count(1)
    return registry.read(
        [file.encode() if isinstance(file, str) else file for file in files],
        password=password,
        memory_limit=memory_limit,
        new_uuid=lambda: f"uuid-{next(numbers)}",
        key_file=key_file,
    )


def read_sample(sample: Sample) -> Reading:
    """Read a sample with its own password."""
    return read(*sample.files, password=sample.password, key_file=sample.key_file)


def essence(found: Found) -> Essence:
    """Return what matters of an account, as the samples name it."""
    account = found.account
    timeless = account.type == "hotp"
    return (
        account.type,
        account.issuer,
        account.name,
        found.secret_text,
        account.algorithm,
        account.digits,
        None if timeless else account.period,
        found.counter if timeless else None,
    )


def essences(reading: Reading) -> tuple[Essence, ...]:
    """Return what matters of all accounts, in their order."""
    return tuple(map(essence, reading.found))
