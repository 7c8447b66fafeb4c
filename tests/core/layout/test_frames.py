"""Every screen in every state worth seeing, as golden frames; the README shows these very pictures."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest
from PIL import Image

from appliance.core.layout.code_screen import CodeView, code_frame, issuer_overflow
from appliance.core.layout.frame import blank_frame
from appliance.core.layout.message_screen import MessageView, message_frame
from appliance.core.layout.starting_screen import starting_frame
from appliance.core.layout.welcome_screen import WelcomeView, welcome_frame

GoldenFrame = Callable[[str, Image.Image], None]

GITHUB: Final = CodeView(
    "GitHub", "anna@example.org", 3, 17, "482913", seconds_left=21, fraction=0.7, sign="verified"
)
LONG: Final = CodeView(
    "Müller & Söhne Österreich",
    "büro@müller-söhne.at",
    4,
    17,
    "105664",
    seconds_left=9,
    fraction=0.3,
    sign="verified",
)
HOTP: Final = CodeView(
    "Example Bank", "k.meier", 1, 4, None, "press OK for a code", counter=12, sign="verified"
)

CODES: Final[Mapping[str, CodeView]] = {
    "code-4-digits": replace(GITHUB, issuer="Door", name="garden gate", code="4829"),
    "code-5-digits": replace(GITHUB, issuer="Parking", name="level 2", code="48291"),
    "code-6-digits": GITHUB,
    "code-6-digits-others": replace(GITHUB, issuer="Nextcloud", name="wwWmM@mail.example", code="305767"),
    "code-7-digits": replace(GITHUB, issuer="Authy", name="+43 660 1234567", code="4829137", fraction=0.55),
    "code-8-digits": replace(
        GITHUB,
        issuer="Amazon Web Services",
        name="root",
        position=12,
        count=23,
        code="48291374",
        seconds_left=12,
        fraction=0.4,
    ),
    "code-8-digits-others": replace(GITHUB, issuer="Microsoft", name="work", code="50316820"),
    "code-9-digits": replace(GITHUB, issuer="Example Insurance", name="policy 7", code="482913746"),
    "code-9-digits-others": replace(GITHUB, issuer="Wiki", name="editor", code="350168207"),
    "code-10-digits": replace(
        GITHUB, issuer="Example Bank", name="k.meier", position=1, count=4, code="4829137465"
    ),
    "code-10-digits-others": replace(GITHUB, issuer="Commerce", name="k.meier", code="3501682079"),
    "code-steam": replace(
        GITHUB, issuer="Steam", name="gabe", position=9, code="R7KMQ", seconds_left=27, fraction=0.9
    ),
    "code-steam-others": replace(GITHUB, issuer="Steam", name="gabe", position=9, code="WN4XY"),
    "code-steam-more": replace(GITHUB, issuer="Steam", name="gabe", position=9, code="B8GDV"),
    "code-steam-rest": replace(GITHUB, issuer="Steam", name="gabe", position=9, code="JTHFP"),
    "code-hotp-before": HOTP,
    "code-hotp": replace(HOTP, code="755224"),
    "code-hotp-stays": replace(HOTP, code="755224", seconds_left=8, fraction=0.8),
    "code-hidden": replace(GITHUB, code=None, prompt="press OK to show the code"),
    "code-untrusted-clock": replace(
        GITHUB,
        code=None,
        prompt="the clock is not set: no codes until it is",
        seconds_left=None,
        fraction=None,
        clock_sign=True,
    ),
    "code-sign-pending": replace(GITHUB, sign="pending"),
    "code-sign-problem": replace(GITHUB, sign="problem"),
    "code-sign-none": replace(GITHUB, sign=""),
    "code-sign-clock": replace(GITHUB, sign="", clock_sign=True),
    "code-sign-both": replace(GITHUB, sign="problem", clock_sign=True),
    "code-issuer-not-bold": replace(GITHUB, issuer="Deutsche Telekom", position=12),
    "code-issuer-long": LONG,
    "code-issuer-half-scrolled": replace(LONG, scroll=issuer_overflow(LONG) // 2),
    "code-issuer-scrolled": replace(LONG, scroll=issuer_overflow(LONG)),
    "code-no-issuer": replace(GITHUB, issuer=""),
    "code-name-long": replace(GITHUB, name="anna.katharina.lang@example.org"),
    "code-last-seconds-6": replace(GITHUB, upcoming="738220", seconds_left=5, fraction=5 / 30),
    "code-last-seconds-8": replace(
        GITHUB,
        issuer="Amazon",
        name="root@example.org",
        code="48291374",
        upcoming="90126653",
        seconds_left=4,
        fraction=4 / 30,
    ),
    "code-last-seconds-10": replace(
        GITHUB,
        issuer="Example Bank",
        name="k.meier",
        code="4829137465",
        upcoming="7091288340",
        seconds_left=1,
        fraction=1 / 30,
    ),
    "code-last-seconds-steam": replace(
        GITHUB, issuer="Steam", name="gabe", code="R7KMQ", upcoming="WN4XY", fraction=2 / 30
    ),
    "code-period-starts": replace(GITHUB, seconds_left=30, fraction=1.0),
    "code-period-ends": replace(GITHUB, seconds_left=0, fraction=0.0),
    "code-cyrillic-and-han": replace(
        GITHUB, issuer="Яндекс 日本", name="Łukasz Żółć ñandú", position=17, code="607895"
    ),
    "code-cyrillic": replace(GITHUB, issuer="Пошта Україна", name="щоденник їжак Жмеринка"),
    "code-greek": replace(GITHUB, issuer="Ελλάδα", name="Γιώργος Ψαθάς, ξένος"),
    "code-arabic": replace(GITHUB, issuer="العربية", name="بريد إلكتروني"),
    "code-emoji": replace(GITHUB, issuer="🔒 Safe", name="anna 😀"),
    "code-accents": replace(GITHUB, issuer="ÀÉÎÕÜ Åžçğ", name="ÀÉÎÕÜÅŽŠ áèîñőůžçąȩ"),
    "code-nordic": replace(GITHUB, issuer="Ærø Þing ßœđ", name="Færøerne „smørrebrød“ 5 €"),
    "code-punctuation": replace(GITHUB, issuer="AT&T, Inc. (#1)", name="a_b+c-d/e~f@[x]{y}<z>|100%"),
    "code-shift-up-left": replace(LONG, shift=(-2, -2)),
    "code-shift-down-right": replace(LONG, shift=(2, 2)),
}

MESSAGES: Final[Mapping[str, MessageView]] = {
    "message": MessageView(
        "Vault damaged", ("It can't be read. Restore", "it from the backup."), "E4", "verified"
    ),
    "message-clock": MessageView("Clock not set", ("No codes until the time", "is known: 4 min so far")),
    "message-hotp": MessageView("Counter saved", ("The next code is #13.",), sign="pending"),
    "message-wrapped": MessageView(
        "The broker does not answer",
        ("192.168.178.42 port 8883: connection refused", "Is mosquitto running there? Codes work on."),
        "E5",
        "problem",
    ),
    "message-too-long": MessageView(
        "Too much to say", ("one two three four five six seven eight nine ten " * 3,) * 2, "E1"
    ),
    "message-title-only": MessageView("Stopping"),
}

OTHERS: Final[Mapping[str, Image.Image]] = {
    "welcome": welcome_frame(WelcomeView("pi@192.168.178.42")),
    "welcome-no-network": welcome_frame(WelcomeView("")),
    "starting": starting_frame(),
    "blank": blank_frame(),
}


@pytest.mark.parametrize("name", CODES)
def test_the_code_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, code_frame(CODES[name]))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_message_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, message_frame(MESSAGES[name]))


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_screens_look_as_they_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, OTHERS[name])
