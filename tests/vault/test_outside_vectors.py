"""Vectors that others published, through our own functions: NIST's for AES-GCM, of RFC 7914 for scrypt, for Ed25519.

Only those of our sizes fit: keys of 256 bits, nonces of 96, tags of 128, r = 8.
"""

from collections.abc import Sequence
from typing import Any, Final

import pytest
from cryptography.exceptions import InvalidSignature

from appliance.vault import keys, proof
from tests.conftest import Figure
from tests.vault.builder import MEMORY

outside: Final[Any] = pytest.importorskip(
    "cryptography_vectors", reason="the vectors of NIST and RFC 7914: cryptography-vectors is not installed"
)

Vector = dict[str, str]


def vectors(path: str) -> Sequence[Vector]:
    """The blocks of a vector file, each the names and values behind a count."""
    found: list[Vector] = []
    with outside.open_vector_file(path, "r") as lines:
        for line in lines:
            name, _, value = (part.strip() for part in line.partition("="))
            if name in {"Count", "COUNT"}:
                found.append({})
            elif found and name and not name.startswith(("#", "[")):
                assert name not in found[-1]
                found[-1][name] = value
    return found


def of_gcm(name: str, *, tag_bits: range) -> tuple[Sequence[Vector], int]:
    """The vectors of a file with our nonces and such tags, and how many others it has."""
    every = vectors(f"ciphers/AES/GCM/{name}")
    assert all(len(vector["Key"]) * 4 == 256 for vector in every)
    fitting = [
        vector for vector in every if len(vector["IV"]) * 4 == 96 and len(vector["Tag"]) * 4 in tag_bits
    ]
    return fitting, len(every) - len(fitting)


def fields(vector: Vector, *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(vector[name]) for name in names)


def test_decryption_agrees_with_nist(figure: Figure) -> None:
    fitting, others = of_gcm("gcmDecrypt256.rsp", tag_bits=range(128, 129))
    opened = {True: 0, False: 0}
    for vector in fitting:
        plain = keys.decrypt(*fields(vector, "Key", "IV", "CT", "Tag", "AAD"))
        assert plain == (None if "FAIL" in vector else bytes.fromhex(vector["PT"]))
        opened["FAIL" not in vector] += 1
    figure(
        f"NIST AES-256-GCM: {opened[True]} vectors decrypted, {opened[False]} forged ones refused "
        f"({others:,} of other sizes not run)"
    )
    assert min(opened.values()) > 100


def test_encryption_agrees_with_nist(figure: Figure) -> None:
    fitting, others = of_gcm("gcmEncryptExtIV256.rsp", tag_bits=range(128, 129))
    for vector in fitting:
        sealed, tag = keys.encrypt(*fields(vector, "Key", "IV", "PT", "AAD"))
        assert (sealed.hex(), tag.hex()) == (vector["CT"], vector["Tag"])
    figure(f"NIST AES-256-GCM: {len(fitting)} vectors encrypted ({others:,} of other sizes not run)")
    assert len(fitting) > 100


def test_a_tag_that_was_cut_short_opens_nothing_although_nist_allows_it(figure: Figure) -> None:
    """With a tag of 32 bits, one guess in four billion would be right."""
    fitting, _ = of_gcm("gcmDecrypt256.rsp", tag_bits=range(32, 128))
    valid = [vector for vector in fitting if "FAIL" not in vector]
    for vector in valid:
        assert keys.decrypt(*fields(vector, "Key", "IV", "CT", "Tag", "AAD")) is None
    figure(f"NIST AES-256-GCM: {len(valid):,} vectors with shorter tags refused")
    assert len(valid) > 1_000


def check_scrypt(vector: Vector) -> None:
    derived = keys.scrypt(
        vector["PASSWORD"].encode(),
        vector["SALT"].encode(),
        n=int(vector["N"]),
        p=int(vector["p"]),
        memory_limit=MEMORY,
    )
    # One block of PBKDF2 is 32 bytes, so that a shorter result is the longer one's beginning.
    assert derived.hex() == vector["DERIVED_KEY"][:64]


def of_scrypt() -> dict[str, Vector]:
    return {vector["N"]: vector for vector in vectors("KDF/scrypt.txt") if vector["r"] == "8"}


@pytest.mark.parametrize("n", ["1024", "16384"])
def test_scrypt_agrees_with_rfc_7914(n: str, figure: Figure) -> None:
    check_scrypt(of_scrypt()[n])
    figure(f"RFC 7914 scrypt: the vector of N = {n} (of four, one has another r than ours)")


@pytest.mark.long
def test_scrypt_agrees_with_rfc_7914_at_a_cost_of_1_gib(figure: Figure) -> None:
    check_scrypt(of_scrypt()["1048576"])
    figure("RFC 7914 scrypt: the vector of N = 1048576")


def test_signatures_agree_with_those_of_ed25519_s_authors(figure: Figure) -> None:
    """Among them are those of RFC 8032, 7.1. A line has seed and public key, public key, message, signature and message."""
    held = 0
    with outside.open_vector_file("asymmetric/Ed25519/sign.input", "r") as lines:
        for line in lines:
            _, public, message, signature = (part.strip() for part in line.split(":")[:4])
            proof._verify(public, signature[:128], bytes.fromhex(message))
            with pytest.raises(InvalidSignature):
                proof._verify(public, signature[:128], bytes.fromhex(message) + b"\0")
            held += 1
    figure(f"Ed25519: {held:,} signatures verified, as many of other messages refused")
    assert held == 1024
