"""What holds for the screens on which something is chosen or entered, whatever they are told."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from appliance.core.layout.confirm_screen import ConfirmView, confirm_frame
from appliance.core.layout.enlargement import doubled
from appliance.core.layout.frame import LIT
from appliance.core.layout.list_screen import ROWS, ListView, list_frame, window
from appliance.core.layout.locked_screen import LockedView, locked_frame
from tests.core.layout.panel import ANY_TEXT, SHIFTS, SIGNS, changed, inside_margin

LIST: Final = ListView("Accounts", tuple(f"Account {number}" for number in range(10)), 0)
PIN: Final = LockedView("pin", 3, 7)
BODY: Final = (0, 16, 128, 64)


@given(
    st.builds(
        ListView,
        title=ANY_TEXT,
        rows=st.lists(ANY_TEXT, max_size=9).map(tuple),
        chosen=st.integers(-3, 400),
        marks=st.lists(st.booleans(), max_size=12).map(tuple),
        letter=ANY_TEXT,
        sign=SIGNS,
        shift=SHIFTS,
    )
)
def test_any_list_can_be_drawn(view: ListView) -> None:
    frame = list_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(list_frame(replace(view, shift=(0, 0))))
    assert {value for _, value in frame.getcolors() or []} <= {0, LIT}


@given(st.integers(0, 400), st.integers(0, 399))
def test_the_chosen_row_is_always_among_the_four_that_are_seen(count: int, chosen: int) -> None:
    seen = window(count, min(chosen, count - 1))
    assert len(seen) == min(ROWS, count)
    assert all(0 <= number < count for number in seen)
    if count:
        assert min(chosen, count - 1) in seen


def test_the_window_moves_only_where_a_row_before_and_two_after_would_be_lost() -> None:
    assert [window(7, chosen).start for chosen in range(7)] == [0, 0, 1, 2, 3, 3, 3]


def test_only_the_chosen_row_has_a_bar() -> None:
    view = replace(LIST, rows=("", "", "", ""))
    for chosen in range(4):
        body = list_frame(replace(view, chosen=chosen)).crop(BODY)
        assert body.getbbox() == (2, 12 * chosen, 126, 12 * chosen + 10)


def test_the_text_of_the_chosen_row_is_dark_where_it_was_lit() -> None:
    view = replace(LIST, rows=("hmn", "hmn"), chosen=0)
    lit = list_frame(replace(view, chosen=1)).crop((2, 16, 126, 26))
    dark = list_frame(view).crop((2, 16, 126, 26))
    assert changed(ImageChops.invert(lit.convert("L")), dark.convert("L")) is None


def test_a_choice_beyond_the_rows_is_the_nearest_of_them() -> None:
    assert changed(list_frame(replace(LIST, chosen=99)), list_frame(replace(LIST, chosen=9))) is None
    assert changed(list_frame(replace(LIST, chosen=-5)), list_frame(LIST)) is None


def test_the_thumb_is_at_the_top_for_the_first_row_and_at_the_bottom_for_the_last() -> None:
    thumbs = [
        list_frame(replace(LIST, chosen=chosen)).crop((123, 0, 124, 64)).getbbox() for chosen in (0, 5, 9)
    ]
    [first, middle, last] = [(thumb[1], thumb[3]) for thumb in thumbs if thumb]
    assert first[0] == 16
    assert first[1] - first[0] == middle[1] - middle[0] == last[1] - last[0] == 46 * ROWS // 10
    assert first[0] < middle[0] < last[0]
    assert last[1] == 62


def test_a_list_that_is_seen_whole_has_no_track() -> None:
    short = replace(LIST, rows=LIST.rows[:4])
    assert list_frame(short).crop((110, 30, 128, 64)).getbbox() is None
    assert list_frame(short).getpixel((125, 20)) == LIT


def test_a_star_marks_a_favourite_and_its_name_stays_clear_of_it() -> None:
    plain = replace(LIST, rows=("W" * 60, "x"), chosen=1)
    starred = replace(plain, marks=(True,))
    star = list_frame(replace(starred, rows=("", "x"))).crop((0, 16, 128, 27)).getbbox()
    name = list_frame(starred).crop((0, 16, star[0] if star else 0, 27)).getbbox()
    assert star is not None
    assert name is not None
    assert star[0] - name[2] >= 3
    assert changed(list_frame(plain), list_frame(starred)) is not None


def test_the_letter_covers_no_row() -> None:
    frame = list_frame(replace(LIST, rows=("W" * 60,) * 9, chosen=4, letter="Ж"))
    assert frame.crop((0, 16, 84, 62)).getbbox() is not None
    assert frame.crop((84, 16, 88, 62)).getbbox() is None
    assert frame.crop((88, 16, 120, 62)).getbbox() is not None


def test_the_empty_list_says_so() -> None:
    assert list_frame(ListView("Accounts", (), 0)).crop(BODY).getbbox() is not None


@given(st.builds(ConfirmView, ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(["yes", "no"]), SHIFTS))
def test_any_question_can_be_drawn(view: ConfirmView) -> None:
    frame = confirm_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(confirm_frame(replace(view, shift=(0, 0))))


def test_the_chosen_answer_is_lit_and_no_stands_at_the_left() -> None:
    view = ConfirmView("Lock?", "", "", "no")
    inner_left, inner_right = (4, 48, 60, 59), (68, 48, 124, 59)
    for chosen, lit, dark in (("no", inner_left, inner_right), ("yes", inner_right, inner_left)):
        frame = confirm_frame(replace(view, chosen="no" if chosen == "no" else "yes"))
        assert frame.crop(lit).getextrema() == (LIT, LIT)
        assert frame.crop(dark).getbbox() is None


def test_a_question_that_fits_is_the_title_alone() -> None:
    assert confirm_frame(ConfirmView("Lock?", "yes", "no", "no")).crop((0, 16, 128, 46)).getbbox() is None
    assert confirm_frame(ConfirmView("Lock?\nnow", "yes", "no", "no")).crop((0, 16, 128, 46)).getbbox()
    assert confirm_frame(ConfirmView("Lock it " * 9, "yes", "no", "no")).crop((0, 16, 128, 46)).getbbox()


@given(
    st.builds(
        LockedView,
        kind=st.sampled_from(["pin", "passphrase"]),
        entered=st.integers(-2, 10**40),
        digit=st.none() | st.integers(),
        wait=st.none() | st.integers(-100, 10**40),
        tries_left=st.none() | st.integers(),
        message=ANY_TEXT,
        shift=SHIFTS,
    )
)
def test_any_state_of_being_locked_can_be_drawn(view: LockedView) -> None:
    frame = locked_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(locked_frame(replace(view, shift=(0, 0))))


def test_what_was_entered_is_seen_as_dots_and_the_chosen_digit_is_not_in_the_representation() -> None:
    assert "7" not in repr(PIN)
    widths = []
    for entered in range(1, 7):
        dots = locked_frame(replace(PIN, entered=entered)).crop((0, 45, 128, 50)).getbbox()
        assert dots is not None
        widths.append(dots[2] - dots[0])
    assert widths == [5, 13, 21, 29, 37, 45]


def test_behind_the_nine_come_del_and_ok_and_then_nought() -> None:
    before, after = (20, 16, 45, 44), (84, 16, 109, 44)
    nought, nine, delete, ok, one = (locked_frame(replace(PIN, digit=digit)) for digit in (0, 9, 10, 11, 1))
    assert changed(nine.crop(after), ok.crop(before)) is None  # DEL
    assert changed(delete.crop(after), nought.crop(before)) is None  # OK
    assert changed(ok.crop(after), one.crop(before)) is None  # 0
    assert changed(nought.crop(before), nought.crop(after)) is not None


@pytest.mark.parametrize(("wait", "same"), [(30, 30), (-5, 0), (3600, 3600)])
def test_waiting_takes_the_place_of_the_entry(wait: int, same: int) -> None:
    waiting = locked_frame(replace(PIN, wait=wait))
    assert changed(waiting, locked_frame(replace(PIN, digit=None, entered=0, wait=same))) is None
    assert changed(waiting, locked_frame(PIN)) is not None


def test_each_second_of_a_wait_looks_different() -> None:
    waits = (0, 1, 59, 60, 61, 600, 3599, 3600, 3601, 36000)
    assert len({locked_frame(replace(PIN, wait=wait)).tobytes() for wait in waits}) == len(waits)


def test_doubling_keeps_straight_strokes_and_steps_slanted_ones_by_one_pixel() -> None:
    assert doubled(Image.new("1", (1, 1), LIT)).getextrema() == (LIT, LIT)
    slanted = Image.new("1", (3, 3))
    for step in range(3):
        slanted.putpixel((step, step), LIT)
    rows = [
        "".join("#" if doubled(slanted).getpixel((column, row)) else "." for column in range(6))
        for row in range(6)
    ]
    assert rows == ["##....", "###...", ".###..", "..###.", "...###", "....##"]
