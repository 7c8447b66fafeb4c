"""The encrypted vault as numbered lines of text: what cameras, apps and people do to them, and what is told of it."""

import base64
import hashlib
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ApplianceError, FileDamaged, NothingFound, VaultTooNew
from appliance.paper import parts
from tests.vault.builder import made, small_vault

BACKUP = made(small_vault()).raw
PARTS = parts.cut(BACKUP)
OTHER = made(small_vault(generation=5), nonce_seed=10).raw
QR_ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_the_specification_describes_what_is_written() -> None:
    """By code of its own, from the module's docstring alone."""
    data = ""
    for number, line in enumerate(PARTS, 1):
        kind, backup, own, total, text, check = line.split("-")
        assert (kind, int(own), int(total)) == ("OTPVAULT1", number, len(PARTS))
        assert backup == base64.b32encode(hashlib.sha256(BACKUP).digest()[:5]).decode()
        assert check == base64.b32encode(hashlib.sha256(line[:-9].encode()).digest()[:5]).decode()
        assert number == len(PARTS) or len(text) % 8 == 0
        data += text
    import zlib

    assert zlib.decompress(base64.b32decode(data + "=" * (-len(data) % 8))) == BACKUP


def test_the_docstring_shows_a_line_of_this_form() -> None:
    (shown,) = re.findall(r"OTPVAULT1-\S+", parts.__doc__.partition("|")[0] if parts.__doc__ else "")
    assert len(shown.split("-")) == len(PARTS[0].split("-"))


def test_parts_are_about_equal_and_of_characters_that_qr_codes_pack_best() -> None:
    sizes = [len(line) for line in PARTS[:-1]]
    assert max(sizes) - min(sizes) <= 1  # the digits of the number
    assert all(QR_ALPHANUMERIC.issuperset(line) for line in PARTS)
    assert max(sizes) <= 1248


@given(st.binary(max_size=5_000), st.randoms(use_true_random=False))
def test_any_bytes_come_back_in_any_order_case_and_company(backup: bytes, chance: random.Random) -> None:
    lines = list(parts.cut(backup))
    lines += chance.choices(lines, k=2)
    chance.shuffle(lines)
    text = "\n".join(chance.choice((str, str.lower))(f'2026-11-24;"{line}",QR_CODE') for line in lines)
    assert parts.gathered([text]) == parts.Gathered((backup,))
    assert parts.gathered(lines) == parts.Gathered((backup,))


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ([3], "part 3 of {n} is missing"),
        ([3, 7], "parts 3 and 7 of {n} are missing"),
        ([1, 2, 3, 9, 12], "parts 1 to 3, 9 and 12 of {n} are missing"),
        ([4, 5], "parts 4 and 5 of {n} are missing"),
    ],
)
def test_missing_parts_are_named(missing: list[int], words: str) -> None:
    left = [line for number, line in enumerate(PARTS, 1) if number not in missing]
    with pytest.raises(FileDamaged) as caught:
        parts.gathered(left)
    assert caught.value.why == words.format(n=len(PARTS))
    assert "again" in caught.value.hint


def test_a_misread_part_is_told_from_a_missing_one() -> None:
    spoiled = PARTS[4][:50] + ("A" if PARTS[4][50] != "A" else "B") + PARTS[4][51:]
    with pytest.raises(FileDamaged) as caught:
        parts.gathered([*PARTS[:4], spoiled, *PARTS[5:]])
    assert caught.value.why == f"part 5 of {len(PARTS)} is missing; 1 code was misread or cut off"


def test_a_part_that_is_read_well_elsewhere_may_be_misread() -> None:
    assert parts.gathered([PARTS[0][:-1], *PARTS]).backups == (BACKUP,)


def test_no_single_wrong_character_passes() -> None:
    chance = random.Random(1)
    line = PARTS[0]
    for _ in range(500):
        at = chance.randrange(10, len(line))
        wrong = chance.choice([each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-" if each != line[at]])
        with pytest.raises(FileDamaged):
            parts.gathered([line[:at] + wrong + line[at + 1 :], *PARTS[1:]])


def test_parts_of_another_backup_are_left_aside_and_told() -> None:
    others = parts.cut(OTHER)[:2]
    found = parts.gathered([*PARTS, *others])
    assert found.backups == (BACKUP,)
    assert len(found.warnings) == 1
    assert parts.name_of(OTHER) in found.warnings[0]
    assert "left aside" in found.warnings[0]


def test_parts_of_two_backups_do_not_make_one() -> None:
    mixed = [*PARTS[:5], *parts.cut(OTHER)[5:]]
    with pytest.raises(FileDamaged) as caught:
        parts.gathered(mixed)
    assert parts.name_of(BACKUP) in caught.value.why
    assert parts.name_of(OTHER) in caught.value.why


def test_two_whole_backups_are_both_found() -> None:
    assert set(parts.gathered([*PARTS, *parts.cut(OTHER)]).backups) == {BACKUP, OTHER}


def renamed(lines: tuple[str, ...], name: str) -> list[str]:
    """The parts under another backup's name, their checks right."""
    changed = [line.replace(parts.name_of(BACKUP), name)[:-9] for line in lines]
    return [
        f"{line}-{base64.b32encode(hashlib.sha256(line.encode()).digest()[:5]).decode()}" for line in changed
    ]


def test_forged_parts_that_make_no_backup_are_told() -> None:
    with pytest.raises(FileDamaged, match=r"do not make a backup"):
        parts.gathered(renamed(PARTS, "AAAAAAAA"))


def test_a_bomb_does_not_go_off() -> None:
    import zlib

    packed = zlib.compress(bytes(200_000_000), 9)
    data = base64.b32encode(packed).decode().rstrip("=")
    line = f"OTPVAULT1-AAAAAAAA-1-1-{data}"
    check = base64.b32encode(hashlib.sha256(line.encode()).digest()[:5]).decode()
    with pytest.raises(FileDamaged):
        parts.gathered([f"{line}-{check}"])


@pytest.mark.parametrize("texts", [[], [""], ["hello", "otpauth://totp/x?secret=A"]])
def test_where_no_part_is_it_is_said(texts: list[str]) -> None:
    with pytest.raises(NothingFound):
        parts.gathered(texts)


def test_paper_of_a_newer_release_is_told() -> None:
    with pytest.raises(VaultTooNew):
        parts.gathered([*PARTS, "OTPVAULT2-WHATEVER"])


@pytest.mark.parametrize("line", ["OTPVAULT1-", "OTPVAULT0-AAAAAAAA-1-1-AA-AAAAAAAA", "otpvault1-x"])
def test_what_only_begins_like_a_part_counts_as_misread(line: str) -> None:
    assert parts.mentioned(line)
    with pytest.raises(FileDamaged, match=r"1 code was misread"):
        parts.gathered([line])


def test_a_vault_file_is_no_text_of_parts() -> None:
    assert not parts.mentioned(BACKUP.decode())


@pytest.mark.long
def test_whatever_happens_to_a_text_of_parts_it_is_the_backup_or_an_error(figure: object) -> None:
    chance = random.Random()
    text = "\n".join(PARTS)
    whole = 0
    for _ in range(5_000):
        letters = list(text)
        for _ in range(chance.choice((1, 1, 3, 50))):
            at = chance.randrange(len(letters))
            letters[at : at + chance.randrange(3)] = chance.choices(
                "A7-1\n \u0130\u00df\ud800", k=chance.randrange(3)
            )
        try:
            found = parts.gathered(["".join(letters)])
        except ApplianceError:
            continue
        whole += 1
        assert found.backups == (BACKUP,)
    assert callable(figure)
    figure(f"mutated texts of parts: 5,000, of which {whole} still gave the backup and none another")
