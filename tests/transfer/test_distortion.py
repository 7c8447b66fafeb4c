"""Codes that cameras, screens and messengers distorted: at least 95 of 100 are read."""

import io
import random
from collections import Counter

import pytest
from PIL import Image

from appliance.transfer import migration, picture, qr
from appliance.transfer.found import Found
from appliance.vault.model import Account
from tests.transfer.distortion import KINDS, photo, rotated, screenshot
from tests.transfer.reading import write_means


def page(accounts: int, dice: random.Random) -> str:
    """Return the link of a page as Google Authenticator shows it."""

    def word(least: int, most: int) -> str:
        return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(least, most)))

    founds = [
        Found(Account("u", "totp", word(4, 10), f"{word(5, 12)}@example.com", dice.randbytes(20)))
        for _ in range(accounts)
    ]
    (link,) = migration.pages(founds, write_means())
    return link


def is_read(kind: str, number: int) -> bool:
    dice = random.Random(f"{kind} {number}")
    link = page(1 + number % 10, dice)
    return qr.texts(KINDS[kind](screenshot(link, dice), dice)) == (link,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_distorted_code_is_read(kind: str) -> None:
    for number in (0, 9):
        assert is_read(kind, number), number


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_of_many_distorted_codes_nearly_all_are_read(kind: str) -> None:
    count = 100
    missed = Counter(1 + number % 10 for number in range(count) if not is_read(kind, number))
    print(f"{kind}: {count - missed.total()} of {count}; missed, by accounts: {dict(sorted(missed.items()))}")
    assert missed.total() <= count * 0.05


def sheet(links: list[str], dice: random.Random) -> Image.Image:
    side = 700
    columns = 2
    rows = -(-len(links) // columns)
    paper = Image.new("L", (columns * side, rows * side), 255)
    for index, link in enumerate(links):
        code = (
            Image.open(io.BytesIO(qr.png(link))).convert("L").resize((side, side), Image.Resampling.NEAREST)
        )
        paper.paste(code, (index % columns * side, index // columns * side))
    return paper


@pytest.mark.parametrize("number", [0, 2, 7])
def test_several_codes_on_one_photo_are_read(number: int) -> None:
    dice = random.Random(number)
    links = [page(dice.randint(1, 5), dice) for _ in range(dice.randint(2, 6))]
    distorted = photo(sheet(links, dice), dice) if number else rotated(sheet(links, dice), dice)
    assert set(qr.texts(distorted)) == set(links)


@pytest.mark.long
def test_of_many_photos_of_several_codes_nearly_all_codes_are_read() -> None:
    read = expected = 0
    for number in range(60):
        dice = random.Random(f"several {number}")
        links = [page(dice.randint(1, 5), dice) for _ in range(dice.randint(2, 6))]
        read += len(set(qr.texts(photo(sheet(links, dice), dice))) & set(links))
        expected += len(links)
    print(f"several codes: {read} of {expected}")
    assert read >= 0.95 * expected


def test_a_photo_as_a_file_is_read() -> None:
    dice = random.Random(1)
    link = page(10, dice)
    written = io.BytesIO()
    photo(screenshot(link, dice), dice).save(written, "JPEG", quality=60)
    assert picture.codes(written.getvalue()) == (link,)
