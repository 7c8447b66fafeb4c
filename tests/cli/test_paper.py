"""The command paper, and restore from pictures of what it made: no vault of the first device is left but the paper."""

import json
import re
import stat
from pathlib import Path

import pytest
from PIL import Image

from appliance.adapters import confinement
from appliance.adapters.confinement.wire import codes_of
from appliance.errors import CannotRead
from appliance.paper import parts
from appliance.transfer import picture
from tests.cli.conftest import PASSPHRASE, SEED, Done, Shell
from tests.paper.sheets import as_file, pictures, texts


@pytest.fixture
def inside(desk: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The desk, with the user in its folder."""
    monkeypatch.chdir(desk.folder)
    desk.file("p", PASSPHRASE)
    return desk


def printed(shell: Shell, *arguments: str, name: str = "out.pdf") -> bytes:
    shell.does("--no-input", "paper", "-o", name, "--passphrase-file", "p", *arguments)
    return (shell.folder / name).read_bytes()


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on the shell is on a fresh device."""
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(folder / "other"))
    monkeypatch.setenv("APPLIANCE_NAME", "hall")


def restored(shell: Shell, *files: str) -> Done:
    return shell.run("--no-input", "restore", "--from", *files, "--passphrase-file", "p", "--json")


def with_key(shell: Shell) -> str:
    """Give the vault a recovery key that the test knows, and return the name of its file."""
    done = shell.does("--no-input", "recovery-key", "--passphrase-file", "p", "--json")
    return shell.file("key", done.json["recovery_key"] + "\n")


# --- paper


def test_both_sheets_are_made_for_the_owner_alone_and_the_next_steps_told(inside: Shell) -> None:
    done = inside.does("--no-input", "paper", "-o", "out.pdf", "--passphrase-file", "p")
    file = inside.folder / "out.pdf"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "wrote out.pdf: 4 pages" in done.out
    assert "shred -u out.pdf" in done.out
    assert SEED not in done.out + done.err
    pages = texts(file.read_bytes())
    assert ["Account sheet" in pages[0], "Recovery sheet" in pages[1]] == [True, True]


def test_without_a_name_it_takes_a_new_one_each_time(inside: Shell) -> None:
    for _ in range(2):
        inside.does("--no-input", "paper", "--passphrase-file", "p", "--accounts")
    names = sorted(file.name for file in inside.folder.glob("*.pdf"))
    assert len(names) == 2
    assert all(re.fullmatch(r"appliance-paper-\d{4}-\d\d-\d\d(-2)?\.pdf", name) for name in names)


def test_one_sheet_alone(inside: Shell) -> None:
    assert not any("Recovery sheet" in page for page in texts(printed(inside, "--accounts")))
    only = texts(printed(inside, "--recovery", name="r.pdf"))
    assert not any("Account sheet" in page for page in only)
    assert SEED[:4] not in "".join(only)


def test_the_answer_for_scripts(inside: Shell) -> None:
    found = inside.does("--no-input", "paper", "-o", "o.pdf", "--passphrase-file", "p", "--json").json
    facts = {"file": "o.pdf", "pages": 4, "account_pages": 1, "recovery_pages": 3, "accounts": 2}
    assert {name: found[name] for name in facts} == facts
    assert set(found) == {*facts, "codes", "generation"}


def test_the_passphrase_is_asked_for_though_the_vault_opens_by_itself(inside: Shell) -> None:
    assert inside.does("list").code == 0
    done = inside.run("--no-input", "paper", "-o", "o.pdf")
    assert (done.code, done.hint) == (3, "--passphrase-file FILE")
    done = inside.run(
        "--no-input", "paper", "-o", "o.pdf", "--passphrase-file", "-", stdin="wrong horse battery"
    )
    assert done.code == 3
    assert not (inside.folder / "o.pdf").exists()


def test_nothing_is_written_over(inside: Shell) -> None:
    there = inside.file("there.pdf", "old")
    assert inside.run("--no-input", "paper", "-o", there, "--passphrase-file", "p").code == 2
    assert Path(there).read_text() == "old"


def test_the_recovery_key_is_printed_only_if_it_opens_the_vault(inside: Shell) -> None:
    right = with_key(inside)
    key = Path(right).read_text().strip()
    slip = key[:-1] + ("0" if key[-1] != "0" else "1")
    for wrong in (slip, "000G-40R4-0M30-E209-185G-R38E-1WNR", PASSPHRASE):
        done = inside.run(
            *("--no-input", "paper", "-o", "o.pdf", "--passphrase-file", "p"),
            *("--recovery-key-file", inside.file("wrong", wrong)),
        )
        assert done.code == 3
        assert wrong not in done.err
        assert not (inside.folder / "o.pdf").exists()
    assert key in texts(printed(inside, "--recovery", "--recovery-key-file", right))[0]
    typed = inside.file("typed", key.lower().replace("-", " "))
    assert key in texts(printed(inside, "--recovery", "--recovery-key-file", typed, name="2.pdf"))[0]
    assert key not in texts(printed(inside, "--recovery", name="3.pdf"))[0]


def test_a_passphrase_that_looks_like_a_recovery_key_is_not_printed_as_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    old = shell.file("p", "000G-40R4-0M30-E209-185G-R38E-1WNR")
    shell.does("init", "--passphrase-file", old)
    done = shell.run(
        "--no-input", "paper", "--recovery", "--recovery-key-file", old, "--passphrase-file", old
    )
    assert (done.code, "this is not its recovery key" in done.error) == (3, True)


def test_who_gives_the_recovery_key_as_passphrase_is_not_asked_for_it_again(inside: Shell) -> None:
    right = with_key(inside)
    inside.does(
        "--no-input", "paper", "-o", "o.pdf", "--recovery", "--recovery-key", "--passphrase-file", right
    )
    assert Path(right).read_text().strip() in texts((inside.folder / "o.pdf").read_bytes())[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--accounts", "--recovery"),
        ("--accounts", "--recovery-key"),
        ("--recovery", "--group", "Work"),
        ("--size", "a5"),
    ],
    ids=" ".join,
)
def test_what_contradicts_itself_is_exit_2_and_leaves_no_file(
    inside: Shell, arguments: tuple[str, ...]
) -> None:
    assert inside.run("--no-input", "paper", *arguments, "--passphrase-file", "p").code == 2
    assert not list(inside.folder.glob("*.pdf"))


def test_a_group_alone(inside: Shell) -> None:
    inside.does("edit", "Bank", "--group", "Money")
    pages = texts(printed(inside, "--accounts", "--group", "money"))
    assert "1 account of the group money" in pages[0]
    assert ("anna" in pages[0], "Wiki" in pages[0]) == (True, False)
    done = inside.run("--no-input", "paper", "-o", "x.pdf", "--group", "none", "--passphrase-file", "p")
    assert done.code == 6


def test_the_broker_is_on_the_sheet_with_its_authority(inside: Shell) -> None:
    from tests.paper.authority import certificate, fingerprint

    ca = inside.file("ca.crt", certificate())
    inside.configure(mqtt={"host": "broker.home", "username": "otp-1", "tls": {"ca_file": ca}})
    page = texts(printed(inside, "--recovery"))[0]
    assert "broker.home, 8883 with TLS" in page
    assert fingerprint(certificate()) in "".join(page.split())
    inside.file("ca.crt", "no certificate")
    done = inside.does("--no-input", "paper", "-o", "2.pdf", "--recovery", "--passphrase-file", "p")
    assert "can't be read" in done.err
    assert "could not be read" in texts((inside.folder / "2.pdf").read_bytes())[0]


# --- restore


def test_pictures_of_the_recovery_sheet_restore_the_vault(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = pictures(printed(inside, "--recovery"))
    names = [inside.file(f"{number}.png", as_file(page)) for number, page in enumerate(reversed(pages))]
    before = inside.does("list", "--json").json
    elsewhere(monkeypatch, inside.folder)
    done = restored(inside, *names)
    assert (done.code, json.loads(done.out)["accounts"]) == (0, 2), done
    assert inside.does("list", "--json").json == before
    assert "12 of the vault's QR codes" in done.err


def test_so_does_the_pdf_itself_with_account_sheets_in_it(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(inside)
    elsewhere(monkeypatch, inside.folder)
    assert restored(inside, "out.pdf").json["accounts"] == 2


def test_so_does_a_text_of_the_codes(inside: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in picture.codes(printed(inside)) if line.startswith("OTPVAULT")]
    half = len(lines) // 2
    one, two = inside.file("1.txt", "\n".join(lines[:half])), inside.file("2.txt", "\n".join(lines[half:]))
    elsewhere(monkeypatch, inside.folder)
    assert restored(inside, one, two).json["accounts"] == 2


def test_a_missing_page_is_told_by_its_codes_and_restores_nothing(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = pictures(printed(inside, "--recovery"))
    elsewhere(monkeypatch, inside.folder)
    done = restored(inside, inside.file("2.png", as_file(pages[1])))
    assert done.code == 4
    assert re.search(r"parts 13 to \d+ of \d+ are missing", done.error)
    assert not (inside.folder / "other" / "vault.json").exists()


def test_an_account_sheet_is_not_taken_for_the_recovery_sheet(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(inside, "--accounts")
    elsewhere(monkeypatch, inside.folder)
    done = restored(inside, "out.pdf")
    assert (done.code, "appliance import out.pdf" in done.hint) == (6, True)
    assert SEED not in done.err


def test_account_sheets_among_the_pictures_are_left_aside(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(inside, "--accounts")
    sheets = printed(inside, "--recovery", name="r.pdf")
    assert sheets
    elsewhere(monkeypatch, inside.folder)
    done = restored(inside, "out.pdf", "r.pdf")
    assert done.code == 0
    assert "out.pdf is left aside: it shows accounts" in done.err
    assert SEED not in done.err


def test_a_picture_without_codes_and_a_broken_one_are_told(
    inside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pictures(printed(inside, "--recovery"))[0]
    elsewhere(monkeypatch, inside.folder)
    done = restored(inside, inside.file("1.png", as_file(page)))
    assert (done.code, "there is no QR code of an encrypted vault" in done.error) == (6, True)
    assert restored(inside, inside.file("1.png", as_file(page)[:2_000])).code == 4


def test_paper_of_two_days_restores_the_newer_vault(inside: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    printed(inside, "--recovery", name="old.pdf")
    inside.does("edit", "Bank", "--issuer", "Sparkasse")
    printed(inside, "--recovery", name="new.pdf")
    elsewhere(monkeypatch, inside.folder)
    restored(inside, "old.pdf", "new.pdf")
    assert [one["issuer"] for one in inside.does("list", "--json").json] == ["Sparkasse", "Wiki"]


def test_what_is_on_paper_is_what_the_broker_gets(inside: Shell) -> None:
    """Byte for byte the vault file, but for what opens it on this device."""
    (backup,) = parts.gathered(picture.codes(printed(inside, "--recovery"))).backups
    file = json.loads((inside.state / "vault.json").read_bytes())
    del file["x-device"]
    assert backup == json.dumps(file, sort_keys=True, separators=(",", ":")).encode()


# --- the confined child


def test_each_picture_is_answered_for_itself() -> None:
    import segno

    def code(text: str) -> bytes:
        made = segno.make(text)
        return as_file(_drawn([bytes(row) for row in made.matrix]))

    assert confinement.codes([code("one"), code("two \u00fc\U0001f98a")]) == (
        ("one",),
        ("two \u00fc\U0001f98a",),
    )
    assert confinement.codes([]) == ()


def _drawn(rows: list[bytes]) -> Image.Image:
    side = len(rows) + 8
    picture_ = Image.new("L", (side, side), 255)
    for y, row in enumerate(rows):
        for x, module in enumerate(row):
            if module:
                picture_.putpixel((x + 4, y + 4), 0)
    return picture_.resize((side * 5, side * 5), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b'{"codes":"x"}', b'{"codes":[1]}', b'{"error":"OSError"}', b"1"]
)
def test_a_child_that_talks_nonsense_is_one_error(answer: bytes) -> None:
    with pytest.raises(CannotRead):
        codes_of(answer)
