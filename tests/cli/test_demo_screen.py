"""The demo's screen on a fake house, with Textual's own pilot; and what it draws, pixel by pixel."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.color import Color
from rich.style import Style
from textual.events import AppBlur
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widgets import Static

from appliance.board import BOARDS, Board
from appliance.cli.demo.appearance import Look
from appliance.cli.demo.journal import Journal, Message
from appliance.cli.demo.ledger import table
from appliance.cli.demo.panel import BLUE, DIM_BLUE, DIM_YELLOW, YELLOW, Case, Glass, Key, Shortcut
from appliance.cli.demo.screen import HOLD_SECONDS, TRAFFIC_LINES, Demo, Plan, plan_for
from appliance.cli.drawing import boxed, braille, half_blocks
from appliance.core import gestures
from appliance.errors import ApplianceError

VAULT: Final = "0b9e4f2c-7c1d-4b39-8a36-0c5d2f1f8e7a"
FRAMES: Final = st.binary(min_size=1024, max_size=1024).map(
    lambda pixels: Image.frombytes("1", (128, 64), pixels)
)
LEFT_DOTS: Final = (1, 2, 3, 7)
RIGHT_DOTS: Final = (4, 5, 6, 8)
"""From the top, as the standard numbers them; dot n is bit n - 1 of the sign's place in its block."""


def pixels_of_braille(lines: list[str]) -> list[list[bool]]:
    rows = [[False] * 128 for _ in range(64)]
    for line, text in enumerate(lines):
        for column, sign in enumerate(text):
            bits = 0 if sign == " " else ord(sign) - 0x2800
            for side, dots in enumerate((LEFT_DOTS, RIGHT_DOTS)):
                for row, dot in enumerate(dots):
                    rows[line * 4 + row][column * 2 + side] = bool(bits >> (dot - 1) & 1)
    return rows


def pixels_of_half_blocks(lines: list[str]) -> list[list[bool]]:
    rows = [[False] * 128 for _ in range(64)]
    for line, text in enumerate(lines):
        for column, sign in enumerate(text):
            rows[line * 2][column] = sign in "▀█"
            rows[line * 2 + 1][column] = sign in "▄█"
    return rows


def pixels_of(frame: Image.Image) -> list[list[bool]]:
    return [[bool(frame.getpixel((x, y))) for x in range(frame.width)] for y in range(frame.height)]


@settings(max_examples=20, deadline=None)
@given(FRAMES)
def test_braille_cells_show_each_pixel_of_a_frame(frame: Image.Image) -> None:
    lines = braille(frame)
    assert len(lines) == 16
    assert pixels_of_braille(lines) == pixels_of(frame)


@settings(max_examples=20, deadline=None)
@given(FRAMES)
def test_half_blocks_show_each_pixel_of_a_frame(frame: Image.Image) -> None:
    lines = half_blocks(frame)
    assert len(lines) == 32
    assert pixels_of_half_blocks(lines) == pixels_of(frame)


def test_a_box_is_equally_wide_everywhere() -> None:
    lines = boxed(["", "ab"], 12, "desk")
    assert lines[0].startswith("╭─ desk ─")
    assert {len(line) for line in lines} == {16}


def status(device: str | None, **more: Any) -> dict[str, Any]:
    backup = {"state": "verified", "generation": 7, "verified_at": 1_700_000_000, "error": None}
    return {
        "state": "open",
        "error": None,
        "device": device,
        "accounts": 6,
        "generation": 7,
        "backup": backup,
        "display": {"driver": "ssd1306", "ok": True, "error": None, "light": "bright"},
        "clock": {"state": "synchronised", "trusted": True, "jumped": False, "seconds": 1},
    } | more


class FakeHouse:
    """Two appliances that are always there, unless they are taken away; wishes are only written down."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.looks: dict[str, Look | None] = {
            name: Look(0.0, picture, status(device))
            for name, device, picture in (
                ("desk", "otp-00000001", striped(3)),
                ("shelf", "otp-00000002", striped(5)),
            )
        }
        self.boards = {"desk": BOARDS["generic"], "shelf": BOARDS["waveshare-1.3-oled-hat"]}
        self.done: list[tuple[object, ...]] = []
        self.broken: ApplianceError | None = None
        self.running = True

    def look(self, name: str) -> Look | None:
        return self.looks[name]

    def board(self, name: str) -> Board:
        return self.boards[name]

    def hold(self, name: str, key: gestures.Key, seconds: float) -> None:
        self.done.append((name, key, seconds))

    def touch(self, name: str, key: gestures.Key, *, down: bool) -> None:
        self.done.append((name, key, "down" if down else "up"))

    def switch_panel(self) -> None:
        self.done.append(("panel",))

    def switch_clock(self) -> None:
        self.done.append(("clock",))

    def restore(self) -> None:
        self.done.append(("restore",))

    def renew(self) -> None:
        self.done.append(("renew",))

    def switch_broker(self) -> None:
        self.done.append(("broker",))

    def broker(self) -> tuple[str, bool]:
        return "mosquitto at 127.0.0.1:1", self.running

    def failure(self) -> ApplianceError | None:
        return self.broken


def striped(step: int) -> Image.Image:
    frame = Image.new("1", (128, 64))
    for y in range(64):
        for x in range(y % step, 128, step):
            frame.putpixel((x, y), 1)
    return frame


def on_screen(
    size: tuple[int, int],
    act: Callable[[Demo, "Pilot[None]"], Awaitable[None]],
    house: FakeHouse | None = None,
) -> FakeHouse:
    """Run the program in a terminal of a size, let a test act in it, and return its house."""
    house = house or FakeHouse()

    async def run() -> None:
        app = Demo(house)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(run())
    return house


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        ((140, 40), Plan(half=False, beside=True)),
        ((80, 60), Plan(half=False, beside=False)),
        ((280, 50), Plan(half=True, beside=True)),
    ],
)
def test_both_displays_and_the_traffic_fit_pixel_for_pixel(size: tuple[int, int], plan: Plan) -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        desk, shelf = app.query(Case).results(Case)
        traffic = app.query_one("#traffic").region
        screen = app.screen.region
        assert (desk.region.y == shelf.region.y) == plan.beside
        assert desk.region.intersection(shelf.region).area == 0
        for region in (desk.region, shelf.region, traffic):
            assert screen.contains_region(region)
        assert traffic.height >= TRAFFIC_LINES
        for case, step in ((desk, 3), (shelf, 5)):
            glass = case.glass
            assert glass.size == ((128, 32) if plan.half else (64, 16))
            drawn = [glass.render_line(y).text for y in range(glass.size.height)]
            pixels = pixels_of_half_blocks(drawn) if plan.half else pixels_of_braille(drawn)
            assert pixels == pixels_of(striped(step))

    on_screen(size, act)


def colours(glass: Glass) -> list[Color | None]:
    styles = [next(iter(glass.render_line(y))).style for y in range(glass.size.height)]
    return [style.color for style in styles if style is not None]


@pytest.mark.parametrize(("size", "lines"), [((140, 40), 4), ((280, 50), 8)])
@pytest.mark.parametrize(("light", "pair"), [("bright", (YELLOW, BLUE)), ("dim", (DIM_YELLOW, DIM_BLUE))])
def test_the_upper_sixteen_rows_are_yellow_and_the_others_blue_and_both_are_darker_when_dim(
    size: tuple[int, int], lines: int, light: str, pair: tuple[Style, Style]
) -> None:
    house = FakeHouse()
    dim = {"driver": "ssd1306", "ok": True, "error": None, "light": light}

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        glass = app.query(Case).first(Case).glass
        bright = [YELLOW.color] * lines + [BLUE.color] * (glass.size.height - lines)
        assert colours(glass) == bright
        house.looks["desk"] = Look(0.0, striped(3), status("otp-00000001", display=dim))
        app.look()
        yellow, blue = pair
        assert colours(glass) == [yellow.color] * lines + [blue.color] * (glass.size.height - lines)

    on_screen(size, act, house)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_each_key_of_each_board_has_a_letter_that_taps_it_and_a_capital_that_holds_it(board: Board) -> None:
    house = FakeHouse()
    house.boards = {"desk": board, "shelf": board}
    expected: list[tuple[object, ...]] = []

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        for name in ("desk", "shelf"):
            caps = [key.cap for key in app.query(f"#{name} Key").results(Key)]
            assert {cap.key for cap in caps} == set(board.buttons)
            for cap in caps:
                await pilot.press(cap.letter)
                expected.append((name, cap.key, 0))
                if cap.capital is not None:
                    await pilot.press(cap.capital)
                    expected.append((name, cap.key, HOLD_SECONDS))

    assert on_screen((140, 40), act, house).done == expected


def test_no_letter_does_two_things() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        letters = [key.cap.letter for key in app.query(Key).results(Key)]
        letters += [shortcut.letter for shortcut in app.query(Shortcut).results(Shortcut)]
        assert len(letters) == len(set(letters))

    house = FakeHouse()
    house.boards["desk"] = house.boards["shelf"]
    on_screen((140, 40), act, house)


def test_the_mouse_holds_a_key_for_as_long_as_it_stays_down_wherever_it_goes_meanwhile() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        key = app.query("#shelf Key").first(Key)
        await pilot.mouse_down(key)
        await pilot.pause()
        assert key.has_class("down")
        await pilot.hover("#head")
        await pilot.mouse_up("#head")
        await pilot.pause()
        assert not key.has_class("down")

    assert on_screen((140, 40), act).done == [("shelf", "left", "down"), ("shelf", "left", "up")]


def test_a_terminal_that_turns_to_something_else_lets_go_of_all_keys() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        await pilot.mouse_down(app.query("#desk Key").first(Key))
        app.post_message(AppBlur())
        await pilot.pause()
        assert house.done == [("desk", "previous", "down"), ("desk", "previous", "up")]
        await pilot.mouse_up("#head")
        await pilot.pause()

    house = FakeHouse()
    assert len(on_screen((140, 40), act, house).done) == 2


@pytest.mark.parametrize(
    ("letter", "wish"), [("u", "panel"), ("c", "clock"), ("r", "restore"), ("n", "renew"), ("b", "broker")]
)
def test_a_shortcut_and_a_click_on_it_do_the_same(letter: str, wish: str) -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        await pilot.press(letter)
        shortcuts = app.query(Shortcut).results(Shortcut)
        await pilot.click(next(shortcut for shortcut in shortcuts if shortcut.letter == letter))

    assert on_screen((140, 40), act).done == [(wish,), (wish,)]


def test_all_shortcuts_and_the_help_fit_into_eighty_columns() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        for shortcut in app.query(Shortcut).results(Shortcut):
            assert app.screen.region.contains_region(shortcut.region)
        assert app.query_one("#head", Static).render_line(0).text.rstrip().endswith("mouse down")

    on_screen((80, 24), act)


LOST: Final = {"driver": "ssd1306", "ok": False, "error": "lost the panel ssd1306: nothing answers"}


@pytest.mark.parametrize(
    ("plugged", "display", "words"),
    [
        (False, {"light": "dark"}, ["unplugged", "not noticed yet"]),
        (
            False,
            LOST | {"light": "bright"},
            ["unplugged", "lost the panel ssd1306", "appliance code", "u plugs"],
        ),
        (True, LOST | {"light": "bright"}, ["dark", "lost the panel ssd1306", "tried again"]),
        (True, {"light": "dark"}, ["dark: press a button"]),
    ],
)
@pytest.mark.parametrize("size", [(140, 40), (280, 50)])
def test_a_dark_display_shows_no_pixel_and_says_why(
    *, plugged: bool, display: dict[str, object], words: list[str], size: tuple[int, int]
) -> None:
    house = FakeHouse()
    known = {"driver": "ssd1306", "ok": True, "error": None} | display
    house.looks["desk"] = Look(0.0, striped(3), status("otp-00000001", display=known), plugged)

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        desk, shelf = app.query(Case).results(Case)
        drawn = "\n".join(desk.glass.render_line(y).text for y in range(desk.glass.size.height))
        assert desk.glass.lines == []
        assert drawn.isascii()
        places = [drawn.find(word) for word in words]
        assert -1 not in places
        assert places == sorted(places)
        assert shelf.glass.words == []
        assert shelf.glass.lines != []

    on_screen(size, act, house)


@pytest.mark.parametrize(
    ("right", "clock", "words"),
    [
        (True, {}, "ssd1306 lit · clock synchronised"),
        (False, {"state": "not-set", "trusted": False, "jumped": True}, "not trusted: it jumped; OK asks"),
        (True, {"state": "not-set", "trusted": False, "jumped": False}, "not trusted: no network time"),
        (False, {"state": "held-over", "trusted": True}, "codes of a wrong time"),
    ],
)
def test_the_case_says_how_the_clock_is(*, right: bool, clock: dict[str, object], words: str) -> None:
    house = FakeHouse()
    known = {"state": "synchronised", "trusted": True, "jumped": False, "seconds": 1} | clock
    look = Look(0.0, striped(3), status("otp-00000001", clock=known), clock_right=right)
    house.looks["desk"] = look

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        await pilot.pause()
        line = app.query(Case).first(Case).parts.render_line(0).text
        assert words in line
        assert len(line) == 64

    on_screen((140, 40), act, house)


def test_each_appliance_says_which_board_it_has() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        titles = [str(case.border_title) for case in app.query(Case).results(Case)]
        assert titles == ["desk  otp-00000001  generic", "shelf  otp-00000002  waveshare-1.3-oled-hat"]

    on_screen((140, 40), act)


def test_q_leaves() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        await pilot.press("q")
        await pilot.pause()
        assert app.return_code == 0

    on_screen((140, 40), act)


def test_an_appliance_that_is_gone_is_dark_and_says_so_while_the_other_goes_on() -> None:
    house = FakeHouse()

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        desk, shelf = app.query(Case).results(Case)
        house.looks |= {"desk": None, "shelf": Look(0.0, striped(7), status("otp-00000002"))}
        app.look()
        assert desk.border_subtitle == "does not answer"
        assert desk.has_class("bad")
        assert desk.glass.lines == []
        assert pixels_of_braille(shelf.glass.lines) == pixels_of(striped(7))
        assert str(shelf.border_subtitle).startswith("6 accounts · generation 7 · backup verified")

    on_screen((140, 40), act, house)


def test_an_empty_appliance_and_a_stopped_broker_are_named() -> None:
    house = FakeHouse()
    house.running = False
    house.looks["shelf"] = Look(0.0, striped(2), status(None, state="no-vault"))

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        assert list(app.query(Case).results(Case))[1].border_subtitle == "empty: no vault yet"
        assert "stopped" in str(app.query_one("#traffic").border_subtitle)

    on_screen((140, 40), act, house)


def test_the_program_ends_when_the_demo_can_not_be_set_up() -> None:
    house = FakeHouse()

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        house.broken = ApplianceError("can't start mosquitto", "it does not listen")
        app.look()
        await pilot.pause()
        assert not app.is_running

    on_screen((140, 40), act, house)


@pytest.mark.parametrize("back", ["a", "u", "c"])
def test_a_small_terminal_brings_the_appliance_that_is_acted_on_into_view(back: str) -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        desk, shelf = app.query(Case).results(Case)
        assert shelf.region.bottom > 24
        await pilot.press("k")
        await pilot.pause()
        assert shelf.region.bottom <= 24
        assert desk.region.y < 0
        await pilot.press(back)
        await pilot.pause()
        assert desk.region.y > 0

    on_screen((80, 24), act)


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        ((268, 45), Plan(half=True, beside=True)),
        ((267, 45), Plan(half=False, beside=True)),
        ((134, 81), Plan(half=True, beside=False)),
        ((140, 29), Plan(half=False, beside=True)),
        ((139, 60), Plan(half=False, beside=False)),
        ((20, 10), Plan(half=False, beside=False)),
    ],
)
def test_the_screen_is_divided_by_what_fits(size: tuple[int, int], plan: Plan) -> None:
    assert plan_for(*size) == plan


def test_the_traffic_ends_with_the_newest_and_names_who_wrote_what() -> None:
    journal = Journal()
    for number in range(9):
        journal.note(f"number {number}", "desk")
    topic = f"otp-appliance/{VAULT}/otp-00000001/backup"
    journal.add(Message(time.time(), topic, 22_691, retained=True, verdict="verified"))
    wide = table(journal.entries, {"otp-00000001": "desk"}, Size(120, 4)).plain.splitlines()
    assert [line[18:26] for line in wide[1:3]] == ["number 7", "number 8"]
    assert wide[3].split()[1:] == [
        "desk",
        "otp-appliance/0b9e4f2c…/otp-00000001/backup",
        "22,691",
        "yes",
        "✓",
        "verified",
    ]
    narrow = table(journal.entries, {}, Size(76, 2)).plain.splitlines()
    assert narrow[1].split()[1:] == ["0b9e…/otp-00000001/backup", "22,691", "yes", "✓", "verified"]
    assert max(map(len, wide + narrow)) <= 120


def test_a_backup_is_judged_only_by_what_its_device_said_after_it_passed() -> None:
    journal = Journal()
    for device in ("otp-00000001", "otp-00000002"):
        journal.add(Message(100.0, f"otp-appliance/{VAULT}/{device}/backup", 10, retained=True))

    def verdicts() -> list[str]:
        return [entry.verdict for entry in journal.entries if isinstance(entry, Message)]

    journal.judge(status("otp-00000001"), asked_at=99.0)
    assert verdicts() == ["", ""]
    journal.judge(status("otp-00000001"), asked_at=101.0)
    assert verdicts() == ["verified", ""]
    journal.add(Message(102.0, f"otp-appliance/{VAULT}/otp-00000001/backup", 11, retained=True))
    pending = {"state": "pending", "generation": 7, "verified_at": None, "error": None}
    journal.judge(status("otp-00000001", backup=pending), asked_at=103.0)
    assert verdicts() == ["verified", "", "pending"]
