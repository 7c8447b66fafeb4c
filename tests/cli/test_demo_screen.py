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
from textual.geometry import Size
from textual.pilot import Pilot

from appliance.cli.demo.journal import Journal, Message
from appliance.cli.demo.ledger import table
from appliance.cli.demo.live import Look
from appliance.cli.demo.panel import BLUE, YELLOW, Case, Key
from appliance.cli.demo.screen import TRAFFIC_LINES, Demo, Plan, plan_for
from appliance.cli.drawing import boxed, braille, half_blocks
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
        self.done: list[tuple[str, ...]] = []
        self.broken: ApplianceError | None = None
        self.running = True

    def look(self, name: str) -> Look | None:
        return self.looks[name]

    def press(self, name: str, button: str) -> None:
        self.done.append((name, button))

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


@pytest.mark.parametrize(("size", "lines"), [((140, 40), 4), ((280, 50), 8)])
def test_the_upper_sixteen_rows_are_yellow_and_the_others_blue(size: tuple[int, int], lines: int) -> None:
    colours: list[Color | None] = []

    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        glass = app.query(Case).first(Case).glass
        for y in range(glass.size.height):
            style = next(iter(glass.render_line(y))).style
            assert style is not None
            colours.append(style.color)

    on_screen(size, act)
    assert colours == [YELLOW.color] * lines + [BLUE.color] * (len(colours) - lines)


@pytest.mark.parametrize(
    ("key", "wish"),
    [
        ("a", ("desk", "previous")),
        ("s", ("desk", "ok")),
        ("d", ("desk", "next")),
        ("j", ("shelf", "previous")),
        ("k", ("shelf", "ok")),
        ("l", ("shelf", "next")),
        ("r", ("restore",)),
        ("n", ("renew",)),
        ("b", ("broker",)),
    ],
)
def test_a_key_and_a_click_on_it_do_the_same(key: str, wish: tuple[str, ...]) -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        await pilot.press(key)
        keys = (widget for widget in app.query(Key).results(Key) if widget.letter == key)
        await pilot.click(next(keys))

    assert on_screen((140, 40), act).done == [wish, wish]


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


def test_a_small_terminal_brings_the_appliance_whose_button_is_pressed_into_view() -> None:
    async def act(app: Demo, pilot: "Pilot[None]") -> None:
        shelf = list(app.query(Case).results(Case))[1]
        assert shelf.region.bottom > 24
        await pilot.press("k")
        await pilot.pause()
        assert shelf.region.bottom <= 24

    on_screen((80, 24), act)


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        ((268, 44), Plan(half=True, beside=True)),
        ((267, 44), Plan(half=False, beside=True)),
        ((134, 79), Plan(half=True, beside=False)),
        ((140, 28), Plan(half=False, beside=True)),
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
