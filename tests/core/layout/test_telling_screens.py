"""What holds for the screens that tell something, and for those of 32 rows, whatever they are told."""

from dataclasses import replace
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from appliance.core.layout.clock_screen import ClockView, clock_frame
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.compact import SIZE_32, code_frame_32, lowered, message_frame_32
from appliance.core.layout.frame import LIT
from appliance.core.layout.lettering import width
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.paragraph import lines
from appliance.core.layout.qr_screen import QrView, qr_frame, qr_modules
from appliance.core.layout.restoring_screen import RestoringView, restoring_frame
from appliance.core.layout.status_screen import StatusView, status_frame, status_pages
from appliance.core.layout.typeface import numerals
from tests.core.layout.panel import ANY_TEXT, SHIFTS, SIGNS, changed, inside_margin

VIEW: Final = CodeView("GitHub", "anna", 3, 17, "482913", seconds_left=21, fraction=0.5, sign="verified")
PAIRS: Final = st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=9).map(tuple)


@given(st.builds(StatusView, st.integers(), st.integers(), PAIRS, SIGNS, st.booleans(), SHIFTS))
def test_any_status_can_be_drawn(view: StatusView) -> None:
    frame = status_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(status_frame(replace(view, shift=(0, 0))))


@given(PAIRS)
def test_pages_hold_every_row_in_order(rows: tuple[tuple[str, str], ...]) -> None:
    pages = status_pages(rows)
    assert tuple(row for page in pages for row in page) == rows
    assert all(1 <= len(page) <= 4 for page in pages)


def test_a_page_holds_four_lines_and_a_long_value_takes_its_own() -> None:
    short, long = ("broker", "connected"), ("broker", "a long name of a broker")
    assert [len(page) for page in status_pages((short,) * 9)] == [4, 4, 1]
    assert [len(page) for page in status_pages((short, long, short, long))] == [3, 1]
    assert [
        len(page) for page in status_pages((long, ("address", "2001:db8:85a3:1319:8a2e:370:7334:ab12")))
    ] == [
        1,
        1,
    ]


def test_a_value_is_parted_after_a_separator_and_only_without_one_in_a_word() -> None:
    def second(value: str) -> Image.Image:
        return status_frame(StatusView(1, 1, (("", value),))).crop((0, 40, 128, 52))

    [parted, whole] = second("mosquitto.home.example:8883"), status_frame(StatusView(1, 1, (("", "8883"),)))
    assert changed(parted, whole.crop((0, 18, 128, 30))) is None
    assert second("m" * 22).getbbox() is not None


def test_an_address_too_long_for_a_line_is_seen_whole_in_two() -> None:
    address = "2001:db8:85a3:1319:8a2e:370:7334:ab12"
    frames = [status_frame(StatusView(1, 1, (("address", address[:-1] + last),))) for last in "12"]
    assert changed(*frames) is not None


@given(st.builds(RestoringView, ANY_TEXT, st.integers(), st.integers(), SHIFTS))
def test_any_restoring_can_be_drawn(view: RestoringView) -> None:
    frame = restoring_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(restoring_frame(replace(view, shift=(0, 0))))


def test_the_bar_of_restoring_grows_with_what_is_done() -> None:
    for done in range(6):
        bar = restoring_frame(RestoringView("step", done, 5)).crop((0, 58, 128, 59)).getbbox()
        assert (bar[2] - bar[0] if bar else 0) == round(124 * done / 5)
    assert restoring_frame(RestoringView("step")).crop((0, 58, 128, 59)).getbbox() is None


@given(st.builds(ClockView, ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT, ANY_TEXT, SHIFTS))
def test_any_trouble_with_the_clock_can_be_drawn(view: ClockView) -> None:
    frame = clock_frame(view)
    assert (frame.mode, frame.size) == ("1", (128, 64))
    assert inside_margin(clock_frame(replace(view, shift=(0, 0))))
    still = frame.crop((0, 54, 128, 64)).getbbox()
    assert still is not None  # that HOTP works is said always


@given(st.none() | st.text("otpauh:/", max_size=120).map(qr_modules), ANY_TEXT)
def test_any_qr_code_can_be_drawn(modules: tuple[str, ...] | None, caption: str) -> None:
    frame = qr_frame(QrView(modules, caption))
    assert (frame.mode, frame.size) == ("1", (128, 64))
    if modules:
        assert frame.crop((0, 0, 2, 64)).getbbox() is None
        assert frame.crop((62, 0, 64, 64)).getbbox() is None


@pytest.mark.parametrize(("length", "side", "scale"), [(17, 21, 2), (53, 29, 2), (54, 33, 1), (230, 53, 1)])
def test_modules_are_dark_pixels_as_large_as_fit_in_a_lit_square(length: int, side: int, scale: int) -> None:
    modules = qr_modules("a" * length)
    assert len(modules) == len(modules[0]) == side
    square = qr_frame(QrView(modules, "")).crop((64, 0, 128, 64))
    quiet = (64 - side * scale) // 2
    assert ImageChops.invert(square.convert("L")).getbbox() == (
        quiet,
        quiet,
        quiet + side * scale,
        quiet + side * scale,
    )
    for row, expected in enumerate(modules):
        drawn = "".join(
            "." if square.getpixel((quiet + column * scale, quiet + row * scale)) else "#"
            for column in range(side)
        )
        assert drawn == expected


def test_the_corner_without_a_finder_is_at_the_lower_right() -> None:
    modules = qr_modules("otpauth://totp/a")
    finder = ("#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######")
    assert tuple(row[:7] for row in modules[:7]) == finder
    assert tuple(row[-7:] for row in modules[:7]) == finder
    assert tuple(row[:7] for row in modules[-7:]) == finder


@pytest.mark.parametrize("length", [231, 3000])
def test_a_text_too_long_for_the_panel_is_refused_without_being_repeated(length: int) -> None:
    with pytest.raises(ValueError, match=r"(?i)large|long") as refusal:
        qr_modules("JBSWY3DP" * length)
    assert "JBSWY" not in repr(refusal.value)


def test_a_lone_surrogate_is_no_error_that_would_carry_the_text() -> None:
    assert qr_modules("\ud800") == qr_modules("?")


def test_a_qr_code_is_not_in_the_representation() -> None:
    assert "#" not in repr(QrView(qr_modules("otpauth://totp/a"), "a"))


@pytest.mark.parametrize("modules", [None, (), ("." * 57,) * 57])
def test_without_a_code_that_fits_there_is_a_message(modules: tuple[str, ...] | None) -> None:
    assert inside_margin(qr_frame(QrView(modules, "Example Bank")))


def read(frame: Image.Image) -> list[str]:
    reader = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")
    larger = frame.convert("L").resize((512, 256), Image.Resampling.NEAREST)
    return [found.text for found in reader.read_barcodes(larger)]


@pytest.mark.parametrize("length", [17, 32, 53, 78, 106, 134, 154, 192, 230])
def test_a_reader_reads_every_version(length: int) -> None:
    text = f"otpauth://totp/{'a' * length}"[:length]
    assert read(qr_frame(QrView(qr_modules(text), "GitHub"))) == [text]


def test_hidden_codes_are_not_drawn_even_if_the_view_has_them() -> None:
    view = replace(VIEW, hidden=True, upcoming="738220", seconds_left=4)
    empty = replace(VIEW, code=None, prompt="press OK to show", seconds_left=4)
    assert changed(code_frame(view), code_frame(empty)) is None
    assert changed(code_frame_32(view), code_frame_32(empty)) is None
    asked = replace(view, prompt="hold OK")
    assert changed(code_frame(asked), code_frame(replace(empty, prompt="hold OK"))) is None


@given(SHIFTS, st.integers(1, 124))
def test_a_step_of_a_bar_from_the_right_changes_two_columns_of_one_page_at_most(
    shift: tuple[int, int], step: int
) -> None:
    view = replace(VIEW, shift=shift, bar_from="right")
    for draw, page in ((code_frame, 7), (code_frame_32, 3)):
        box = changed(
            draw(replace(view, fraction=step / 124)), draw(replace(view, fraction=(step - 1) / 124))
        )
        assert box is not None
        left, top, right, bottom = box
        assert right - left <= 2
        assert top // 8 == (bottom - 1) // 8 == page


@given(st.integers(0, 124))
def test_the_bar_ends_at_the_end_that_stays(step: int) -> None:
    for bar_from, expected in (("left", (2, 2 + step)), ("right", (126 - step, 126))):
        view = replace(VIEW, bar_from="left" if bar_from == "left" else "right", fraction=step / 124)
        bar = code_frame(view).crop((0, 58, 128, 59)).getbbox()
        assert (bar and (bar[0], bar[2])) == (expected if step else None)


def test_dots_stay_at_their_columns_whichever_end_the_bar_has() -> None:
    row = (0, 59, 128, 60)
    left = code_frame(replace(VIEW, fraction=0.0)).crop(row)
    right = code_frame(replace(VIEW, fraction=0.0, bar_from="right")).crop((0, 59, 124, 60))
    assert changed(left.crop((0, 0, 124, 1)), right) is None


@given(st.integers(1, 123), st.sampled_from(["left", "right"]))
def test_no_dot_touches_the_end_of_the_bar_that_moves(step: int, end: Literal["left", "right"]) -> None:
    frame = code_frame(replace(VIEW, bar_from=end, fraction=step / 124))
    beside = 2 + step if end == "left" else 125 - step
    assert not frame.getpixel((beside, 59))


def test_lowering_a_digit_keeps_its_bars_as_thick_as_they_were() -> None:
    for size, character in (("12x24", "4"), ("12x24", "2"), ("19x28", "T"), ("19x28", "H")):
        whole = numerals()[size, character]
        solid = "#" * len(whole[0])
        assert lowered(whole, 16).count(solid) == whole.count(solid) > 0


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
        sign=SIGNS,
        clock_sign=st.booleans(),
        scroll=st.integers(-10, 1000),
        shift=SHIFTS,
        hidden=st.booleans(),
    )
)
def test_any_account_can_be_drawn_on_32_rows(view: CodeView) -> None:
    frame = code_frame_32(view)
    assert (frame.mode, frame.size) == ("1", SIZE_32)
    assert {value for _, value in frame.getcolors() or []} <= {0, LIT}
    box = code_frame_32(replace(view, shift=(0, 0))).getbbox()
    assert box is None or (box[0] >= 2 and box[2] <= 126 and box[3] <= 31)


@given(st.builds(MessageView, ANY_TEXT, st.tuples(ANY_TEXT, ANY_TEXT) | st.just(()), ANY_TEXT, SIGNS))
def test_any_message_can_be_drawn_on_32_rows(view: MessageView) -> None:
    frame = message_frame_32(view)
    assert (frame.mode, frame.size) == ("1", SIZE_32)
    box = frame.getbbox()
    assert box is None or (box[0] >= 2 and box[2] <= 126 and box[3] <= 31)


@given(SHIFTS)
def test_a_shift_on_32_rows_loses_nothing(shift: tuple[int, int]) -> None:
    view = replace(VIEW, issuer="Ängström jpq")
    still, moved = code_frame_32(view), code_frame_32(replace(view, shift=shift))
    assert changed(ImageChops.offset(still, shift[0], max(0, min(1, shift[1]))), moved) is None


def test_the_seconds_stand_beside_a_code_that_leaves_room_for_them() -> None:
    for code, beside in (("482913", True), ("48291374", False)):
        now, then = (code_frame_32(replace(VIEW, code=code, seconds_left=left)) for left in (21, 19))
        assert (changed(now, then) is not None) is beside


def test_codes_on_32_rows_are_sixteen_rows_high_and_none_looks_like_another() -> None:
    for size in ("12x24", "10x22", "9x20", "19x28"):
        low = [lowered(rows, 16) for (owner, _), rows in numerals().items() if owner == size]
        assert {len(rows) for rows in low} == {16}
        assert len(set(low)) == len(low)
    for code in ("4829", "48291", "482913", "4829137", "48291374", "482913746", "4829137465", "R7KMQ"):
        box = code_frame_32(replace(VIEW, code=code, seconds_left=None)).crop((0, 12, 128, 28)).getbbox()
        assert box is not None
        assert (box[1], box[3]) == (0, 16)


@given(ANY_TEXT, st.integers(-1, 4), st.integers(20, 124))
def test_a_paragraph_takes_no_more_lines_and_columns_than_it_may(text: str, most: int, room: int) -> None:
    rows = lines(text, most, room)
    assert len(rows) <= max(0, most)
    assert all(width(row, "small") <= room for row in rows)
