"""What holds for every screen, whatever it is told."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageChops

from appliance.core.layout.code_screen import CodeView, code_frame, issuer_overflow
from appliance.core.layout.frame import LIT, blank_frame
from appliance.core.layout.header import Sign
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.numeral import code_picture
from appliance.core.layout.starting_screen import StartingView, starting_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame
from tests.core.layout.panel import ANY_TEXT, SHIFTS, SIGNS, changed, inside_margin

VIEW: Final = CodeView("GitHub", "anna", 3, 17, "482913", seconds_left=21, fraction=0.5, sign="verified")


@given(
    st.builds(
        CodeView,
        issuer=ANY_TEXT,
        name=ANY_TEXT,
        position=st.integers(0, 10**30),
        count=st.integers(0, 10**6),
        code=st.none() | ANY_TEXT | st.from_regex(r"[0-9]{1,12}", fullmatch=True),
        prompt=ANY_TEXT,
        upcoming=st.none() | ANY_TEXT,
        seconds_left=st.none() | st.integers(),
        fraction=st.none() | st.floats(),
        counter=st.none() | st.integers(),
        sign=SIGNS,
        clock_sign=st.booleans(),
        scroll=st.integers(-10, 1000),
    )
)
def test_any_account_can_be_drawn(view: CodeView) -> None:
    frame = code_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(frame)
    assert {value for _, value in frame.getcolors() or []} <= {0, LIT}
    assert issuer_overflow(view) >= 0


@given(st.builds(MessageView, ANY_TEXT, st.tuples(ANY_TEXT, ANY_TEXT) | st.just(()), ANY_TEXT, SIGNS, SHIFTS))
def test_any_message_can_be_drawn(view: MessageView) -> None:
    frame = message_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(message_frame(replace(view, shift=(0, 0))))


def test_a_message_of_many_words_stays_between_the_margins() -> None:
    frame = message_frame(MessageView("jpgqy", ("jpgqy " * 30,) * 2))
    box = frame.getbbox()
    assert box is not None
    assert box[3] == 62


@given(st.builds(WelcomeView, ANY_TEXT, SHIFTS))
def test_any_address_can_be_drawn(view: WelcomeView) -> None:
    frame = welcome_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(welcome_frame(replace(view, shift=(0, 0))))


@given(SHIFTS)
def test_a_shift_moves_every_pixel_and_loses_none(shift: tuple[int, int]) -> None:
    still, moved = code_frame(VIEW), code_frame(replace(VIEW, shift=shift))
    assert changed(ImageChops.offset(still, *shift), moved) is None
    assert changed(ImageChops.offset(starting_frame(), *shift), starting_frame(StartingView(shift))) is None


def test_a_shift_beyond_the_margin_is_cut_down_to_it() -> None:
    assert changed(code_frame(replace(VIEW, shift=(9, -9))), code_frame(replace(VIEW, shift=(2, -2)))) is None


@given(SHIFTS, st.integers(1, 124))
def test_a_step_of_the_bar_changes_two_columns_of_one_page_at_most(shift: tuple[int, int], step: int) -> None:
    before = code_frame(replace(VIEW, shift=shift, fraction=step / 124))
    after = code_frame(replace(VIEW, shift=shift, fraction=(step - 1) / 124))
    box = changed(before, after)
    assert box is not None
    left, top, right, bottom = box
    assert right - left <= 2
    assert bottom - top <= 3
    assert top // 8 == (bottom - 1) // 8 == 7


def test_the_bar_is_full_at_the_start_of_a_period_and_gone_at_its_end() -> None:
    full, gone = code_frame(replace(VIEW, fraction=1.0)), code_frame(replace(VIEW, fraction=0.0))
    assert full.crop((2, 58, 126, 61)).getextrema() == (LIT, LIT)
    assert gone.crop((0, 58, 128, 59)).getbbox() is None


@given(st.from_regex(r"[0-9]{4,10}|[23456789BCDFGHJKMNPQRTVWXY]{5}", fullmatch=True))
def test_only_the_code_area_changes_with_the_code(code: str) -> None:
    box = changed(code_frame(VIEW), code_frame(replace(VIEW, code=code)))
    assert box is None or (box[0] >= 2 and box[2] <= 126 and box[1] >= 16 and box[3] <= 44)


@pytest.mark.parametrize("length", range(1, 11))
def test_codes_are_set_in_glyphs_of_twenty_rows_or_more_and_fit_between_the_margins(length: int) -> None:
    picture = code_picture("8" * length)
    if length < 4:
        assert picture is None
    else:
        assert picture is not None
        assert picture.width <= 124
        assert picture.height >= 20


@pytest.mark.parametrize("code", ["48291374651", "ABCDEF", "R7KM", "12é45", ""])
def test_a_code_of_unknown_shape_is_still_shown(code: str) -> None:
    assert code_picture(code) is None
    shown = code_frame(replace(VIEW, code=code)).crop((0, 16, 128, 44))
    assert (shown.getbbox() is not None) is bool(code)


def test_a_hidden_code_is_not_drawn_nor_in_the_representation() -> None:
    assert "482913" not in repr(VIEW)
    assert "738220" not in repr(replace(VIEW, upcoming="738220"))
    assert code_frame(replace(VIEW, code=None)).crop((0, 16, 128, 44)).getbbox() is None


def test_an_issuer_that_fits_does_not_overflow() -> None:
    assert issuer_overflow(VIEW) == 0
    assert issuer_overflow(replace(VIEW, issuer="Deutsche Telekom")) == 0


def test_a_long_issuer_has_been_read_whole_when_it_has_scrolled_its_overflow() -> None:
    view = replace(VIEW, issuer="Amazon Web Services")
    overflow = issuer_overflow(view)
    assert overflow > 0
    at_end = code_frame(replace(view, scroll=overflow))
    one_before = code_frame(replace(view, scroll=overflow - 1))
    header = (0, 0, 128, 16)
    assert changed(code_frame(replace(view, scroll=overflow + 50)), at_end) is None
    assert changed(one_before.crop(header), at_end.crop(header)) is not None
    assert changed(code_frame(replace(view, scroll=-1)), code_frame(view)) is None


@pytest.mark.parametrize("sign", ["verified", "pending", "problem"])
@pytest.mark.parametrize("scroll", [0, 20])
def test_the_issuer_stays_three_columns_clear_of_the_signs(sign: Sign, scroll: int) -> None:
    full = replace(VIEW, issuer="W" * 60, sign=sign, scroll=scroll)
    none = replace(full, issuer="", name="")
    label = changed(code_frame(none), code_frame(full))
    signs = changed(code_frame(replace(none, sign="")), code_frame(none))
    assert label is not None
    assert signs is not None
    assert signs[0] - label[2] >= 3


def test_the_name_takes_the_place_of_an_empty_issuer() -> None:
    named = code_frame(replace(VIEW, issuer="", name="GitHub"))
    assert changed(named.crop((0, 0, 128, 16)), code_frame(VIEW).crop((0, 0, 128, 16))) is None
    assert named.crop((0, 45, 100, 56)).getbbox() is None


def test_the_counter_stands_in_the_place_of_the_seconds() -> None:
    hotp = replace(VIEW, seconds_left=None, fraction=None, counter=12)
    assert code_frame(hotp).crop((0, 57, 128, 64)).getbbox() is None
    assert code_frame(hotp).crop((100, 45, 128, 56)).getbbox() is not None


def test_frames_are_new_each_time() -> None:
    first = starting_frame()
    first.paste(1, (0, 0, 128, 64))
    assert changed(first, starting_frame()) is not None
    assert blank_frame().getbbox() is None
