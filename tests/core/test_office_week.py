"""How a week at an office treats the panel and the processor: what burns in is measured, not argued."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest

from appliance.core.effects import Change
from appliance.core.events import Woke
from appliance.core.gestures import Action, Gestured
from appliance.core.state import Spending, Spent
from appliance.core.step import deadline
from tests.core.desk import OPTIONS, Card, Desk, account, every, vault_of

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
GLANCES: Final = 40
"""A day, from 9 to 17 h."""
MOST_LIT: Final = 0.15
"""Part of the week; a panel that is half as bright after 10,000 hours then serves for seven years and more."""
MOST_OF_A_PIXEL: Final = 0.85
"""Part of the time with light."""
SAMPLE_EVERY: Final = 7
"""Seconds of light between two frames that are looked at: no divisor of a period, so that each of its seconds is seen."""
LONG: Final = "The Society for the Preservation of Long Names"
ACCOUNTS: Final = (
    account("mail", issuer="Mail", favorite=True),
    account("club", "hotp", issuer="Club"),
    *(account(name, issuer=name.title()) for name in ("bank", "forge", "shop")),
    account("society", issuer=LONG),
    *(account(f"u{place}", issuer=f"Host {place}") for place in range(8)),
)


@dataclass
class Exposure:
    """For how many frames each pixel was lit: binary digits of all counters, the lowest first, a bit a pixel."""

    frames: int = 0
    digits: list[int] = field(default_factory=list)

    def add(self, pixels: bytes) -> None:
        self.frames += 1
        carry = int.from_bytes(pixels, "big")
        for place, digit in enumerate(self.digits):
            self.digits[place], carry = digit ^ carry, digit & carry
        if carry:
            self.digits.append(carry)

    @property
    def most(self) -> int:
        """The count of the pixel that was lit most: its digits are found from the highest down."""
        total, candidates = 0, -1
        for place in reversed(range(len(self.digits))):
            having = candidates & self.digits[place]
            total = 2 * total + (having != 0)
            candidates = having or candidates
        return total


def glances(random: Random) -> list[float]:
    """Return when somebody comes, in seconds from Monday at midnight; quarters, which floats hold exactly."""
    times = (
        day * DAY + (9.0 * HOUR + random.randrange(int(4 * 8 * HOUR)) / 4)
        for day in range(5)
        for _ in range(GLANCES)
    )
    return sorted(times)


def repeated(action: Action, times: int) -> list[Action]:
    return [action] * times


def doings(random: Random) -> list[Action]:
    """Return what a hand does after the press that wakes or the first step."""
    kind = random.random()
    if kind < 0.55:
        return []
    if kind < 0.80:
        return [*repeated("next", random.randrange(1, 5)), "ok"]
    if kind < 0.95:
        return ["list", *repeated("next", random.randrange(1, 14)), "ok", "ok"]
    return ["menu", *repeated("next", random.randrange(6)), "ok", "next", "next"]


class Office:
    """A desk at which a week passes, second by second while the panel is lit."""

    def __init__(self) -> None:
        self.desk = Desk(OPTIONS)
        self.card = Card(vault_of(*ACCOUNTS))
        self.desk.open(*ACCOUNTS)
        self.begin = self.desk.now.mono
        self.exposure = Exposure()
        self.wakes_in_the_dark = 0
        self.dark_seconds = 0.0
        self.codes = 0
        self.lit_seconds = 0
        self.second = 0

    def until(self, seconds: float) -> None:
        """Let time pass up to so many seconds after the beginning."""
        end = self.begin + seconds
        while (due := deadline(self.desk.state, self.desk.now)) <= end:
            self.move(due)
            self.wakes_in_the_dark += self.desk.dark()
            self.desk.tell(Woke())
            self.sample()
        self.move(end)

    def move(self, mono: float) -> None:
        seconds = mono - self.desk.now.mono
        if self.desk.dark():
            self.dark_seconds += seconds
        self.desk.move(seconds)

    def sample(self) -> None:
        """Count a second of light, and expose the panel to some of the frames."""
        second = int(self.desk.now.unix)
        if self.desk.dark() or second == self.second:
            return
        self.second = second
        self.lit_seconds += 1
        if self.lit_seconds % SAMPLE_EVERY == 0:
            self.exposure.add(self.desk.frame().tobytes())

    def act(self, action: Action) -> None:
        for change in every(self.desk.tell(Gestured(action)), Change):
            self.until(self.desk.now.mono - self.begin + 0.25)
            self.desk.tell(self.card.work(change))
            self.codes += isinstance(self.desk.state.panel.hotp, Spent)
        assert not isinstance(self.desk.state.panel.hotp, Spending)


def week(random: Random) -> Office:
    office = Office()
    for time in glances(random):
        office.until(max(time, office.desk.now.mono - office.begin))
        for action in ("next", *doings(random)):
            office.act(action)
            office.until(office.desk.now.mono - office.begin + random.choice((0.5, 1.0, 2.0)))
    office.until(WEEK)
    return office


def test_in_an_office_week_the_panel_is_mostly_dark_and_no_pixel_of_it_is_always_lit() -> None:
    office = week(Random(2026))
    lit, exposure = office.lit_seconds, office.exposure
    assert office.codes > 0, "nobody took a HOTP code"
    assert lit + office.dark_seconds > 0.999 * WEEK, "light was missed"
    assert 0.03 * WEEK < lit <= MOST_LIT * WEEK
    assert 0.3 * exposure.frames < exposure.most <= MOST_OF_A_PIXEL * exposure.frames
    # Each time it goes dark, the first wake may come sooner.
    assert office.wakes_in_the_dark <= office.dark_seconds / 60.0 + 5 * GLANCES


def wakes(desk: Desk, seconds: float) -> int:
    end, count = desk.now.mono + seconds, 0
    while (due := deadline(desk.state, desk.now)) <= end:
        desk.move(due - desk.now.mono)
        desk.tell(Woke())
        count += 1
    return count


@pytest.mark.parametrize("uuid", ["mail", "club"])
def test_a_code_on_the_display_wakes_the_loop_once_a_second(uuid: str) -> None:
    desk = Desk(OPTIONS)
    desk.open(*(one for one in ACCOUNTS if one.uuid == uuid))
    assert wakes(desk, 120.0) == 120


def test_a_long_issuer_wakes_it_more_often_for_a_few_seconds_only() -> None:
    desk = Desk(OPTIONS)
    desk.open(account("society", issuer=LONG))
    assert wakes(desk, 10.0) > 40
    assert wakes(desk, 100.0) == 100


def test_the_dark_wakes_it_at_most_once_a_minute() -> None:
    desk = Desk(OPTIONS)
    desk.open(*ACCOUNTS)
    desk.later(OPTIONS.blank_after)
    assert desk.dark()
    assert wakes(desk, 6 * HOUR) <= 6 * 60


def test_the_exposure_of_a_panel_is_counted_pixel_by_pixel() -> None:
    exposure = Exposure()
    for pixels in (0b0110, 0b0011, 0b0010, 0b1000, 0b0010):
        exposure.add(bytes([pixels]))
    assert (exposure.frames, exposure.most) == (5, 4)
