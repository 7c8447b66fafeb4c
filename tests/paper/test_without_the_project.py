"""The recovery sheet opens without this project: by the script in `deploy`, and by the lines printed on it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from appliance.paper import parts, print_out
from appliance.paper.recovery_sheet import BY_HAND
from tests.paper.sheets import BACKUP, RECOVERY, sheets, texts
from tests.vault.builder import PASSPHRASE

DECRYPTOR: Final = Path(__file__).parents[2] / "deploy" / "decrypt_backup.py"
PARTS: Final = parts.cut(BACKUP)


def decrypted(folder: Path, text: str | bytes) -> subprocess.CompletedProcess[str]:
    (folder / "parts.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "passphrase").write_text(PASSPHRASE)
    return subprocess.run(
        [sys.executable, "-I", DECRYPTOR, "parts.txt", "--passphrase-file", "passphrase", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(reversed(PARTS)),
        "\r\n".join(f'2026-11-24 10:00,"{line.lower()}",QR' for line in (*PARTS, PARTS[0])),
        "\n".join(PARTS).encode("utf-16"),
    ],
    ids=["any order", "an app's list", "a file of Windows"],
)
def test_the_script_opens_a_text_of_the_codes(tmp_path: Path, text: str | bytes) -> None:
    ran = decrypted(tmp_path, text)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(json.loads(ran.stdout)["entries"]) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "\n".join((*PARTS[:2], PARTS[2].replace("-3-", "-4-"), *PARTS[3:6], *PARTS[7:])),
            "missing or misread, of 23: 3, 7",
        ),
        ("\n".join((*PARTS, *parts.cut(BACKUP + b" "))), "several backups"),
        (PARTS[0][:-1], "all are misread"),
    ],
)
def test_the_script_tells_what_is_wrong_with_a_text(tmp_path: Path, text: str, words: str) -> None:
    ran = decrypted(tmp_path, text)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_lines_on_the_sheet_make_the_file(tmp_path: Path) -> None:
    page = texts(print_out(sheets(None, RECOVERY), "letter").pdf)[0]
    printed = [line.strip() for line in page.splitlines()]
    assert all(line in printed for line in BY_HAND)
    (tmp_path / "parts.txt").write_text("\n".join((*reversed(PARTS), *PARTS[:3])).lower())
    subprocess.run([sys.executable, "-I", "-c", "\n".join(BY_HAND)], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "vault.json").read_bytes() == BACKUP
