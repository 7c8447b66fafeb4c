"""FORMAT.md says what the code does, and the stand-alone decryptor opens what the code writes."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault import canonical, document, keys, merge, otpauth, proof, sealed
from appliance.vault.model import Vault
from appliance.vault.proof import Proof
from tests.vault.builder import (
    LAW,
    PASSPHRASE,
    Made,
    inner,
    made,
    padded,
    recovery_key,
    rekeyed_chain,
    sealed_plain,
    signed,
    small_vault,
)
from tests.vault.strategies import vaults
from tests.vault.test_vectors import DOCUMENT, ENVELOPE, UNREADABLE, VALID, document_with, envelope_with

ROOT: Final = Path(__file__).parents[2]
DECRYPTOR: Final = ROOT / "deploy" / "decrypt_backup.py"
PAGE: Final = (ROOT / "appliance" / "vault" / "FORMAT.md").read_text("utf-8")
GOOD: Final = made(small_vault(), with_device=True)
SIGNED: Final = signed(
    made(small_vault(), epoch=3, with_device=True), rekeyed_chain(small_vault(), 3, GOOD.master)
)


# The page


def names(value: Any) -> set[str]:
    """Every name in a JSON value that is one of the format's own: no uuids, no unknown ones."""
    if isinstance(value, list):
        return {name for held in value for name in names(held)}
    if isinstance(value, dict):
        own = {key for key in value if not re.search(r"[-0-9a-f]{12}", key) and not key.startswith("new ")}
        return own | {name for held in value.values() for name in names(held)}
    return set()


def test_the_page_explains_every_name_in_a_file() -> None:
    found = names(canonical.load(SIGNED.raw)) | names(inner(GOOD.vault)) - {"a"}
    assert found >= {"x-proof", "public", "by", "sig"}
    assert len(found) > 50
    assert not {name for name in found if f"`{name}`" not in PAGE}


def test_the_page_states_the_bounds_of_the_code() -> None:
    for said, value in {
        "at most 8 MiB": sealed.FILE_LIMIT == 8 * 2**20,
        "a whole multiple of 16,384 bytes": document.BLOCK == 16_384,
        "Not more than 64 arrays and objects": canonical.DEPTH == 64,
        "the cost: 65536, 8, 1": (keys.SCRYPT_N, keys.SCRYPT_R, keys.SCRYPT_P) == (65_536, 8, 1),
        "modulo 1021": keys._CHECK_PRIME == 1021,
        "0 to 2^53 - 1": range(2**53) == document.NATURALS,
        "array of 1 to 64 keys, oldest first": proof.KEYS == 64,
        "more than 24 hours ahead": merge.AHEAD_MS == 24 * 3_600_000,
    }.items():
        assert said in PAGE
        assert value, said
    assert "Aegis-compatible" in PAGE
    assert "not affiliated with" in PAGE


def test_the_links_of_the_page_lead_to_its_headings() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert not set(re.findall(r"\(#([^)]+)\)", PAGE)) - headings


def test_the_examples_of_the_page_are_what_the_code_gives() -> None:
    assert f"\n    {keys.new_recovery_key(lambda size: bytes(range(size)))}\n" in PAGE
    draws = iter((bytes(range(32, 64)), bytes(range(12))))
    secret = bytes(range(32))
    wrap = keys.new_device_wrap(bytes(32), secret, device="desk", random_bytes=lambda _size: next(draws))
    kek = HKDF(SHA256(), 32, wrap.salt, b"otp-appliance device v1").derive(secret)
    data = f'{{"device":"desk","mode":"credential","n":0,"salt":"{wrap.salt.hex()}","v":1}}'
    for shown in (kek.hex(), data, wrap.key.hex(), wrap.tag.hex()):
        assert f" `{shown}` |" in PAGE


def test_the_signatures_of_the_page_are_what_the_code_and_ed25519_give() -> None:
    first, second = bytes(32), bytes([1]) * 32
    chain = proof.extend(proof.begin(first, "home", 1), first, second, "home", 2)
    one = proof.sign(Proof("home", "desk", 7, bytes(range(32)).hex(), chain[:1]), first)
    seed = HKDF(SHA256(), 32, b"home", b"otp-appliance sign v1").derive(first)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    unsigned = canonical.dump({name: value for name, value in proof.dump(one).items() if name != "sig"})
    link = canonical.dump(
        {"epoch": 2, "previous": chain[0].public, "public": chain[1].public, "vault": "home"}
    )
    assert key.public_key().public_bytes_raw().hex() == chain[0].public
    assert key.sign(b"otp-appliance file v1\0" + unsigned).hex() == one.signature
    assert key.sign(b"otp-appliance key v1\0" + link).hex() == chain[1].by
    for shown in (
        seed.hex(),
        chain[0].public,
        unsigned.decode(),
        one.signature,
        chain[1].public,
        link.decode(),
        chain[1].by,
    ):
        assert f" `{shown}` |" in PAGE


# The decryptor


def decrypted(
    folder: Path, raw: bytes, entered: str, *options: str, end: str = "\n"
) -> subprocess.CompletedProcess[str]:
    """Run the decryptor on a file, apart from everything that is the project's."""
    (folder / "vault.json").write_bytes(raw)
    (folder / "passphrase").write_bytes(entered.encode() + end.encode())
    return subprocess.run(
        [sys.executable, "-I", DECRYPTOR, "vault.json", "--passphrase-file", "passphrase", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def links(vault: Vault) -> list[str]:
    return [otpauth.write(record.account, record.counter) for record in vault.ordered]


def meant(link: str) -> tuple[otpauth.Parsed, str]:
    parsed = otpauth.parse(link, uuid="u")
    return parsed, parsed.secret_text


def page() -> Any:
    """The decryptor as a module, for what would take a process for each example."""
    spec = importlib.util.spec_from_file_location("decrypt_backup", DECRYPTOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OPENER: Final = page()


def test_the_decryptor_needs_nothing_of_the_project() -> None:
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(ast.parse(DECRYPTOR.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert foreign == {"cryptography"}


@pytest.mark.parametrize("raw", [GOOD.raw, sealed.write(GOOD.envelope.published)], ids=["vault", "backup"])
@pytest.mark.parametrize("entered", [PASSPHRASE, recovery_key(), recovery_key().lower().replace("-", " ")])
def test_the_decryptor_prints_the_links_that_the_package_writes(
    tmp_path: Path, raw: bytes, entered: str
) -> None:
    ran = decrypted(tmp_path, raw, entered)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [meant(line) for line in ran.stdout.splitlines()] == [meant(link) for link in links(GOOD.vault)]


def test_the_decryptor_prints_the_whole_document(tmp_path: Path) -> None:
    ran = decrypted(tmp_path, GOOD.raw, PASSPHRASE, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    whole = inner(GOOD.vault, GOOD.envelope.head)
    del whole["x-pad"]
    assert json.loads(ran.stdout) == whole


@LAW
@given(vaults(), st.booleans(), st.booleans())
def test_the_decryptor_opens_any_vault(vault: Vault, with_device: bool, with_paper: bool) -> None:  # noqa: FBT001
    one = made(vault, with_device=with_device)
    proven = signed(one)
    assert OPENER.doubted(canonical.load(proven.raw), inner(vault), one.master) == ""
    found = OPENER.opened(proven.raw, recovery_key() if with_paper else PASSPHRASE)
    assert OPENER.opened(one.raw, PASSPHRASE) == found
    assert found == inner(vault, one.envelope.head)
    assert [meant(OPENER.link(entry)) for entry in found["entries"]] == [meant(link) for link in links(vault)]


@pytest.mark.parametrize("name", [name for name in VALID if name not in {"every N and p", "a PIN"}])
def test_the_decryptor_opens_every_valid_vector(tmp_path: Path, name: str) -> None:
    valid: Made = VALID[name]
    ran = decrypted(tmp_path, valid.raw, PASSPHRASE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == len(valid.vault.records)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_passphrase_file_loses_one_newline(tmp_path: Path, end: str) -> None:
    assert decrypted(tmp_path, GOOD.raw, PASSPHRASE, end=end).returncode == 0


@pytest.mark.parametrize("entered", ["", "wrong", PASSPHRASE.upper(), recovery_key(2), "\n"])
def test_a_wrong_passphrase_is_told_and_not_shown(tmp_path: Path, entered: str) -> None:
    ran = decrypted(tmp_path, GOOD.raw, entered)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        "can't open vault.json: wrong passphrase or recovery key (a passphrase is case-sensitive)\n"
    )


def test_a_passphrase_file_that_is_not_text_is_a_wrong_passphrase(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xfcber")
    ran = decrypted(tmp_path, GOOD.raw, "", "--passphrase-file", "latin")
    assert ran.returncode == 3


DAMAGED: Final[dict[str, bytes]] = {
    "a changed db": GOOD.raw.replace(b'"db":"7', b'"db":"8').replace(b'"db":"A', b'"db":"B'),
    "a truncated file": GOOD.raw[:-100],
    "nothing": b"",
    "UTF-16": GOOD.raw.decode().encode("utf-16")[:-1],
    "another JSON": b"[]",
    "an unencrypted Aegis file": b'{"db":{},"header":{"params":null,"slots":null},"version":1}',
    "deep nesting": b"[" * 100_000,
    "a plaintext that is no JSON": sealed_plain(GOOD, b"\xff"),
    "a plaintext without entries": sealed_plain(GOOD, b"{}"),
    "an entry that is none": sealed_plain(GOOD, padded({**inner(GOOD.vault), "entries": [1]})),
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_told_without_a_traceback(tmp_path: Path, raw: bytes) -> None:
    assert raw != GOOD.raw
    ran = decrypted(tmp_path, raw, PASSPHRASE)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert re.search(r"^can't open vault\.json: .*damaged$", ran.stderr, re.MULTILINE)
    assert "Traceback" not in ran.stderr


FAULTY: Final = {
    **UNREADABLE,
    **{
        name: envelope_with(fault) for name, (fault, _) in ENVELOPE.items() if name != "N of 2^19"
    },  # takes seconds
    **{name: document_with(fault) for name, (fault, _) in DOCUMENT.items()},
}


@pytest.mark.parametrize("raw", FAULTY.values(), ids=FAULTY.keys())
def test_no_fault_makes_the_decryptor_crash(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is lenient, as a last resort must be: what it can read of a faulty file, it prints."""
    (tmp_path / "vault.json").write_bytes(raw)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    arguments = [str(tmp_path / "vault.json"), "--passphrase-file", str(tmp_path / "passphrase")]
    monkeypatch.setattr(sys, "argv", ["decrypt_backup.py", *arguments])
    exit_code = OPENER.main()
    assert exit_code in {0, 3, 4}
    assert bool(capsys.readouterr().out) == (exit_code == 0)


def test_an_exchanged_header_is_warned_of(tmp_path: Path) -> None:
    ran = decrypted(tmp_path, GOOD.raw.replace(b'"x-epoch":1', b'"x-epoch":2'), PASSPHRASE)
    assert ran.returncode == 0
    assert ran.stderr == "warning: the file's header is not the one it was saved with\n"
    assert len(ran.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "raw", [SIGNED.raw, sealed.write(SIGNED.envelope.published)], ids=["vault", "backup"]
)
def test_a_proof_that_holds_is_no_reason_for_words(tmp_path: Path, raw: bytes) -> None:
    ran = decrypted(tmp_path, raw, PASSPHRASE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 3


def proven_otherwise(master: bytes = SIGNED.master, **claims: Any) -> bytes:
    """The file with what another hand, or another file, makes of its proof."""
    wrong = proof.sign(replace(SIGNED.proof, **claims), master)
    return sealed.write(replace(SIGNED.envelope, proof=wrong))


THIEF: Final = b"a key of nobody in the household"
DOUBTED: Final[dict[str, tuple[bytes, str]]] = {
    name: (canonical.dump({**canonical.load(SIGNED.raw), "x-proof": value}), "does not hold")
    for name, value in {
        "null": None,
        "a number": 1,
        "nothing in it": {},
        "no keys": {**proof.dump(SIGNED.proof), "keys": []},
        "another generation": {**proof.dump(SIGNED.proof), "gen": 9},
        "a new name": {**proof.dump(SIGNED.proof), "new": 9},
        "no signature": {**proof.dump(SIGNED.proof), "sig": ""},
        "a chain cut short": {
            **proof.dump(SIGNED.proof),
            "keys": proof.dump(SIGNED.proof)["keys"][1:],
        },
        "keys that are text": {**proof.dump(SIGNED.proof), "keys": "abc"},
        "a key that is null": {**proof.dump(SIGNED.proof), "keys": [None]},
    }.items()
} | {
    "by another key": (proven_otherwise(THIEF), "does not hold"),
    "of another file": (proven_otherwise(file="00" * 32), "does not hold"),
    "of another epoch": (
        proven_otherwise(keys=proof.begin(SIGNED.master, SIGNED.vault.id, 4)),
        "does not hold",
    ),
    "by a broken chain": (
        proven_otherwise(keys=(*SIGNED.proof.keys[::2],)),
        "does not hold",
    ),
    "by a key that opens nothing": (
        proven_otherwise(THIEF, keys=proof.begin(THIEF, SIGNED.vault.id, 3)),
        "was made with another key than the one that opens it",
    ),
    "of another device": (proven_otherwise(device="other"), "is another file's"),
    "of another generation": (proven_otherwise(generation=9), "is another file's"),
}


@pytest.mark.parametrize(("raw", "why"), DOUBTED.values(), ids=DOUBTED.keys())
def test_a_proof_that_does_not_hold_is_warned_of_and_the_accounts_are_printed(
    raw: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vault.json").write_bytes(raw)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    arguments = [str(tmp_path / "vault.json"), "--passphrase-file", str(tmp_path / "passphrase")]
    monkeypatch.setattr(sys, "argv", ["decrypt_backup.py", *arguments])
    assert OPENER.main() == 0
    printed = capsys.readouterr()
    assert printed.err == (
        f"warning: the file's proof {why}; the contents are what was sealed under this key\n"
    )
    assert len(printed.out.splitlines()) == 3


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = decrypted(tmp_path, GOOD.raw, PASSPHRASE, "--passphrase-file", "nowhere")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "can't read nowhere: No such file or directory\n"


def test_without_a_terminal_the_question_for_the_passphrase_ends_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "vault.json").write_bytes(GOOD.raw)
    ran = subprocess.run(
        [sys.executable, "-I", DECRYPTOR, "vault.json"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr


def test_a_plain_aegis_file_opens_as_well(tmp_path: Path) -> None:
    """Aegis may write other slots, r, orders of names and white space, and has none of our names."""
    file = canonical.load(
        sealed_plain(GOOD, canonical.dump({"version": 3, "entries": inner(GOOD.vault)["entries"]}))
    )
    biometric = {"type": 2, "uuid": "b", "key": "00", "key_params": {"nonce": "00", "tag": "00"}}
    file["header"]["slots"] = [biometric, *file["header"]["slots"][:1]]
    del file["x-epoch"], file["x-device"]
    ran = decrypted(tmp_path, json.dumps(file, indent=4).encode(), PASSPHRASE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 3
