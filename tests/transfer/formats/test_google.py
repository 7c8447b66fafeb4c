"""Google Authenticator's pictures: what comes back from them, and what fits a terminal."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from appliance.transfer import migration, qr, registry
from appliance.transfer.export import plan
from appliance.transfer.formats import google
from appliance.transfer.found import Found
from appliance.vault.model import Account
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import read, write_means

TARGET = registry.TARGETS["google"]


def accounts(count: int) -> list[Found]:
    return [
        google.hold(Found(Account("u", "totp", f"Issuer {n}", f"name{n}@example.com", bytes([n + 1] * 20))))
        for n in range(count)
    ]


@settings(deadline=None)
@given(st.lists(founds(), max_size=3))
def test_whatever_can_be_held_comes_back(exported: list[Found]) -> None:
    comes_back(TARGET, exported)


@given(founds())
def test_what_is_held_can_be_held_again_unchanged(found: Found) -> None:
    kept = plan(TARGET, [found]).kept
    assert all(google.hold(held) == held for held in kept)


def test_each_picture_has_ten_accounts_at_most_and_all_are_one_export() -> None:
    pictures = google.write(accounts(23), write_means())
    assert len(pictures) == 3
    assert [len(read(picture).found) for picture in pictures] == [10, 10, 3]
    assert read(pictures[2]).missing == ("QR codes 1-2 of 3",)
    whole = read(*reversed(pictures))
    assert len(whole.found) == 23
    assert whole.missing == ()


def test_a_picture_is_large_enough_for_a_phone_and_has_its_white_edge() -> None:
    (data,) = google.write(accounts(10), write_means())
    image = Image.open(io.BytesIO(data)).convert("L")
    assert 700 <= image.width == image.height <= 1000
    (link,) = qr.texts(image)
    scale = image.width // (qr.modules(link) + 8)
    assert image.width == scale * (qr.modules(link) + 8)
    assert image.crop((0, 0, image.width, 4 * scale)).getextrema() == (255, 255)
    assert image.crop((4 * scale, 4 * scale, 11 * scale, 5 * scale)).getextrema() == (0, 0)


@pytest.mark.parametrize(("columns", "rows"), [(80, 25), (80, 50), (120, 40), (200, 60), (60, 60)])
def test_the_codes_of_a_terminal_fit_it(columns: int, rows: int) -> None:
    held = accounts(12)
    shown = google.terminal_pages(held, columns, rows, write_means())
    assert sum(count for _, count in shown) == 12
    for link, count in shown:
        assert qr.modules(link) + 2 <= min(columns, 2 * rows)
        assert len(migration.page(link).entries) == count
    together = "\n".join(link for link, _ in shown)
    assert len(read(together).found) == 12
    assert read(together).missing == ()


def test_a_larger_terminal_needs_fewer_codes() -> None:
    counts = [len(google.terminal_pages(accounts(12), 200, rows, write_means())) for rows in (25, 40, 60)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 12
    assert counts[-1] == 2


def test_a_terminal_that_is_too_small_for_one_account_shows_none() -> None:
    assert google.terminal_pages(accounts(2), 30, 12, write_means()) == ()
    assert google.terminal_pages([], 80, 24, write_means()) == ()
