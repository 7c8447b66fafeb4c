"""The PDF rendered to pictures: what is readable on it, by a camera and by a person."""

import random
import sys

import pytest
from PIL import Image, ImageFilter

from appliance.errors import ApplianceError, UsageError
from appliance.paper import Paper, Recovery, parts, print_out, square
from appliance.paper.pen import SIZES, Size
from appliance.transfer import picture
from appliance.vault import otpauth
from appliance.vault.model import base32_encode
from tests.paper.sheets import BACKUP, KEY, RECOVERY, SEED, as_file, entry, pictures, sheets, texts

BOTH_SIZES = pytest.mark.parametrize("size", SIZES)
KINDS = [
    entry(),
    entry("Wiki", "ben", type="hotp", counter=7),
    entry("Steam", "gordon", type="steam", digits=5),
    entry("Bank", "carl", digits=10, period=60, algorithm="SHA512", secret=SEED * 3 + b"1234"),
]
ODD = [
    entry("", ""),
    entry("X" * 400, "y" * 400, note="z" * 3_000, groups=("g" * 400,)),
    entry("\u4e2d" * 300, "\u6587" * 300, type="hotp", counter=2**31 - 1, note="line\nline\x07" * 90),
    entry(
        "\U0001f680 Rocket", "\U0001f98a", secret=bytes(320), groups=tuple(f"group {n}" for n in range(99))
    ),
    entry("\ud800", "\u202eevil", secret=bytes(9_000)),
    entry("long", "secret", secret=bytes(2_500)),
]


def codes_on(paper: Paper, dpi: int = 150) -> list[str]:
    return [code for page in pictures(paper.pdf, dpi) for code in picture.codes(as_file(page))]


@BOTH_SIZES
def test_the_codes_on_the_rendered_recovery_sheet_are_the_backup(size: Size) -> None:
    paper = print_out(sheets(None, RECOVERY), size)
    found = codes_on(paper)
    assert len(found) == paper.codes == len(parts.cut(BACKUP))
    assert parts.gathered(found).backups == (BACKUP,)
    assert paper.recovery_pages == len(pictures(paper.pdf, 20)) == 3


@BOTH_SIZES
def test_each_account_is_on_the_account_sheet_as_a_code_and_to_be_typed(size: Size) -> None:
    paper = print_out(sheets(KINDS), size)
    assert set(codes_on(paper)) == {otpauth.write(each.account, each.counter) for each in KINDS}
    page = texts(paper.pdf)[0]
    joined = "".join(page.split())
    for each in KINDS:
        assert base32_encode(each.account.secret) in joined
    assert "TOTP \u00b7 SHA1 \u00b7 6 digits \u00b7 a new code every 30 s" in page
    assert "TOTP \u00b7 SHA512 \u00b7 10 digits \u00b7 a new code every 60 s" in page
    assert "HOTP \u00b7 SHA1 \u00b7 6 digits \u00b7 counter 7 on 24 Nov 2026" in page
    assert "goes stale" in page
    assert "Steam Guard \u00b7 5 letters and digits" in page


@BOTH_SIZES
def test_pages_are_numbered_and_say_whose_they_are(size: Size) -> None:
    paper = print_out(sheets(KINDS * 4, RECOVERY), size)
    pages = texts(paper.pdf)
    for sheet, count, first in (
        ("Accounts", paper.account_pages, 0),
        ("Recovery", paper.recovery_pages, paper.account_pages),
    ):
        for number in range(1, count + 1):
            page = pages[first + number - 1]
            assert f"{sheet} \u00b7 page {number} of {count}" in page
            assert "desk \u00b7 generation 12 \u00b7 24 Nov 2026" in page
    assert "Keep it where you keep money" in pages[0]


@pytest.mark.parametrize("key", [None, KEY])
def test_the_recovery_sheet_says_all_that_restoring_takes(key: str | None) -> None:
    page = texts(print_out(sheets(None, Recovery(BACKUP, RECOVERY.broker, key)), "a4").pdf)[0]
    told = (
        "mqtt.home.example, 8883 with TLS",
        "otp-1a2b3c4d",
        ":".join(["AB"] * 16),
        "sudo appliance restore --from",
    )
    for words in (*told, "decrypt_backup.py parts.txt", "Aegis", "3 accounts"):
        assert words in page
    assert (KEY in page) == (key is not None)
    assert ("this paper alone opens every account" in " ".join(page.split())) == (key is not None)


def test_without_a_broker_the_sheet_says_so() -> None:
    page = texts(print_out(sheets(None, Recovery(BACKUP, None)), "a4").pdf)[0]
    assert "none was set" in page
    assert "8883" not in page


@BOTH_SIZES
def test_whatever_the_names_nothing_leaves_its_page_or_runs_into_the_foot(size: Size) -> None:
    paper = print_out(sheets([*ODD, *reversed(ODD)], RECOVERY), size)
    dpi = 100
    for page in pictures(paper.pdf, dpi):
        margin = round(dpi * 0.3)
        for box in (
            (0, 0, page.width, margin),
            (0, 0, round(dpi * 0.5), page.height),
            (page.width - round(dpi * 0.5), 0, page.width, page.height),
            (0, page.height - margin, page.width, page.height),
            # Between the lowest thing and the foot.
            (0, page.height - round(dpi * 0.61), page.width, page.height - round(dpi * 0.53)),
        ):
            assert page.crop(box).getextrema() == (255, 255), (size, box)


@pytest.mark.parametrize(
    ("name", "words", "true"),
    [
        ("M\u00fcller & S\u00f6hne", "M\u00fcller & S\u00f6hne", True),
        ("\u0421\u0431\u0435\u0440\u0431\u0430\u043d\u043a", "Sberbank", False),
        ("\u4e2d\u56fd", "ZhongGuo", False),
        ("\u0394\u03ae\u03bc\u03bf\u03c2", "Dimos", False),
    ],
)
def test_a_name_in_another_script_is_spelled_and_its_code_has_the_true_one(
    name: str, words: str, *, true: bool
) -> None:
    one = entry(name, "x")
    paper = print_out(sheets([one]), "a4")
    page = texts(paper.pdf)[0]
    assert words in page
    assert ("in Latin letters" in page) == (not true)
    (link,) = codes_on(paper)
    assert otpauth.parse(link, uuid="u").account.issuer == name


def test_a_place_is_never_divided() -> None:
    pages = texts(print_out(sheets([entry(f"Issuer{n}", f"name{n}") for n in range(37)]), "letter").pdf)
    for number in range(37):
        holding = [page for page in pages if f"Issuer{number}\r\n" in page or f"Issuer{number}\n" in page]
        assert len(holding) == 1
        assert f"name{number}" in holding[0]


def test_the_same_sheets_are_the_same_bytes() -> None:
    assert print_out(sheets(KINDS, RECOVERY), "a4").pdf == print_out(sheets(KINDS, RECOVERY), "a4").pdf


def test_more_pages_than_anybody_would_scan_are_refused() -> None:
    chance = random.Random(1)
    with pytest.raises(UsageError) as caught:
        print_out(sheets(None, Recovery(chance.randbytes(400_000), None)), "a4")
    assert "backup save" in caught.value.hint


def test_without_reportlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportlab.pdfgen.canvas", None)
    with pytest.raises(ApplianceError) as caught:
        print_out(sheets(KINDS), "a4")
    assert "otp-appliance[paper]" in caught.value.hint


def test_a_code_that_does_not_read_back_stops_the_printing() -> None:
    made = square.part_square(parts.cut(BACKUP)[0])
    assert square.reads_back(made)
    assert not square.reads_back(square.Square("another text", made.rows))
    assert not square.reads_back(square.Square(made.text, made.rows[:60] + (bytes(made.size),) * 49))


def test_a_link_too_long_for_any_code_has_none() -> None:
    assert square.link_square("otpauth://totp/" + "x" * 2_900) is not None
    assert square.link_square("otpauth://totp/" + "x" * 3_000) is None


def test_a_modules_side_on_paper_is_no_less_than_half_a_millimetre() -> None:
    page = pictures(print_out(sheets(None, RECOVERY), "a4").pdf, 254)[1]  # ten pixels a millimetre
    dark = page.point(lambda value: 255 if value < 128 else 0)
    left = dark.getbbox()
    assert left is not None
    first = dark.crop((0, 185, 720, 735)).getbbox()
    assert first is not None
    assert 540 <= first[2] - first[0] <= 550


def shaken(page: Image.Image) -> bytes:
    """A page as a phone's camera of eight megapixels sees it: turned, small, soft, in a shadow, as a JPEG."""
    small = page.resize((2250, 2250 * page.height // page.width), Image.Resampling.BICUBIC)
    turned = small.rotate(4, Image.Resampling.BICUBIC, expand=True, fillcolor=120)
    soft = turned.filter(ImageFilter.GaussianBlur(1.2))
    shade = Image.linear_gradient("L").resize(soft.size).point(lambda value: 130 + value // 4)
    return as_file(Image.composite(soft, Image.new("L", soft.size), shade), "JPEG")


def test_a_photo_of_each_page_is_enough() -> None:
    pages = pictures(print_out(sheets(None, RECOVERY), "a4").pdf, 300)
    found = [code for page in pages for code in picture.codes(shaken(page))]
    assert parts.gathered(found).backups == (BACKUP,)


@pytest.mark.long
@BOTH_SIZES
@pytest.mark.parametrize("kibibytes", [48, 128, 280])
def test_large_vaults_come_back_from_every_resolution(size: Size, kibibytes: int) -> None:
    backup = random.Random(kibibytes).randbytes(kibibytes << 10)
    paper = print_out(sheets(None, Recovery(backup, None)), size)
    for dpi in (120, 300):
        assert parts.gathered(codes_on(paper, dpi)).backups == (backup,)
