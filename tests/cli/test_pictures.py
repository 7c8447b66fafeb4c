"""Accounts from pictures of QR codes, and from codes that are held before a camera."""

import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from appliance.transfer import migration, qr
from appliance.transfer.found import Found
from appliance.vault.model import Account
from tests.cli.conftest import PASSPHRASE, SEED, Shell
from tests.transfer.reading import write_means

GIT = f"otpauth://totp/GitHub:anna?secret={SEED}&issuer=GitHub"
MANY = [Found(Account(f"u{i}", "totp", f"Site{i}", "anna", b"secret %d" % i)) for i in range(5)]
PAGES = migration.pages(MANY, write_means(), most=2)


def labels(desk: Shell) -> list[str]:
    return [f"{one['issuer']}:{one['name']}" for one in desk.does("list", "--json").json]


def jpeg(text: str) -> bytes:
    photo = io.BytesIO()
    Image.open(io.BytesIO(qr.png(text))).convert("L").resize((600, 600)).save(photo, "JPEG")
    return photo.getvalue()


def blank() -> bytes:
    photo = io.BytesIO()
    Image.new("L", (320, 240), 128).save(photo, "JPEG")
    return photo.getvalue()


@pytest.fixture
def camera(desk: Shell) -> Path:
    """A folder whose files a program gives as the pictures of a camera, in their order and then all over again."""
    folder = desk.folder / "camera"
    folder.mkdir()
    program = desk.folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable} -S\nimport os, sys, time\nfolder = {os.fspath(folder)!r}\nwhile True:\n"
        "    for name in sorted(os.listdir(folder)):\n"
        "        sys.stdout.buffer.write(open(f'{folder}/{name}', 'rb').read())\n"
        "        sys.stdout.buffer.flush()\n        time.sleep(0.3)\n"
    )
    program.chmod(0o755)
    desk.monkeypatch.setenv("PATH", os.fspath(program.parent))
    return folder


def test_an_account_is_added_from_a_picture_with_its_code_to_compare(desk: Shell) -> None:
    done = desk.does("add", "--image", desk.file("shot.png", qr.png(GIT)))
    assert "added GitHub:anna\nits code is now" in done.out
    assert SEED not in done.out + done.err
    assert labels(desk)[-1] == "GitHub:anna"


def test_a_picture_of_several_accounts_adds_those_that_are_new(desk: Shell) -> None:
    desk.does("add", "--image", desk.file("one.png", qr.png(migration.pages(MANY[:1], write_means())[0])))
    two = qr.png(migration.pages(MANY[:2], write_means())[0])
    found = desk.does("add", "--image", "-", "--json", stdin=two).json
    assert [one["issuer"] for one in found] == ["Site1"]
    refused = desk.run("add", "--image", "-", stdin=two)
    assert refused.code == 2
    assert "Site0:anna is there already" in refused.error


def test_one_page_of_several_is_not_added_alone(desk: Shell) -> None:
    refused = desk.run("add", "--image", desk.file("page.png", qr.png(PAGES[0])))
    assert refused.code == 2
    assert "missing: QR codes 2-3 of 3" in refused.error


def test_pages_are_imported_in_any_order_and_the_missing_ones_named(desk: Shell) -> None:
    files = [desk.file(f"page{index}.png", qr.png(page)) for index, page in enumerate(PAGES)]
    refused = desk.run("import", files[2], files[0])
    assert refused.code == 2
    assert "missing: QR code 2 of 3" in refused.err
    assert len(labels(desk)) == 2
    assert desk.typed([], "import", files[2], files[0], lines="no\n").code == 2
    assert len(labels(desk)) == 2
    desk.does("import", files[2], files[0], "--incomplete")
    assert len(labels(desk)) == 5
    desk.does("import", files[2], files[1], files[0], files[1])
    assert len(labels(desk)) == 7


def test_a_picture_without_a_code_says_what_helps(desk: Shell) -> None:
    refused = desk.run("add", "--image", desk.file("photo.jpg", blank()))
    assert refused.code == 6
    assert refused.hint


def test_codes_before_a_camera_are_read_until_none_is_missing(desk: Shell, camera: Path) -> None:
    for index, picture in enumerate([blank(), jpeg(PAGES[1]), jpeg(PAGES[0]), jpeg(PAGES[2])]):
        (camera / f"{index}.jpg").write_bytes(picture)
    device = desk.file("video0", b"")
    done = desk.does("import", "--camera", device)
    assert "hold the QR code before the camera" in done.err
    assert "missing: QR code" in done.err
    assert "5 accounts read\n" in done.err
    assert len(labels(desk)) == 7


def test_an_account_is_added_by_the_camera(desk: Shell, camera: Path) -> None:
    (camera / "0.jpg").write_bytes(jpeg(GIT))
    assert "added GitHub:anna" in desk.does("add", "--camera", desk.file("video0", b"")).out


def test_without_a_camera_it_is_exit_7_with_what_helps(desk: Shell, camera: Path) -> None:
    refused = desk.run("add", "--camera", os.fspath(desk.folder / "none"))
    assert refused.code == 7
    assert "there is no" in refused.error


def test_googles_pages_are_shown_in_the_terminal_and_come_back_from_pictures(desk: Shell) -> None:
    phrase = ("--passphrase-file", desk.file("phrase", PASSPHRASE))
    pages = [desk.file(f"page{index}.png", qr.png(page)) for index, page in enumerate(PAGES)]
    desk.does("import", *pages)
    codes = desk.folder / "codes.png"
    done = desk.does("export", "--to", "google", "-o", os.fspath(codes), *phrase)
    assert "wrote 7 accounts (Google Authenticator)" in done.out
    assert len(desk.does("inspect", os.fspath(codes), "--json").json["accounts"]) == 7
    desk.monkeypatch.setenv("COLUMNS", "60")
    desk.monkeypatch.setenv("LINES", "34")
    shown = desk.typed([], "export", "--to", "google", *phrase, lines="\n" * 9)
    assert shown.code == 0
    assert set(shown.out) <= set(" ▀▄█\n")
    assert "QR code 1 of" in shown.err
    desk.monkeypatch.setenv("LINES", "12")
    assert "do not fit" in desk.run("export", "--to", "google", *phrase).error
