"""Screens that tell something, and the screens of a panel of 32 rows, as golden frames."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest
from PIL import Image

from appliance.core.layout.clock_screen import ClockView, clock_frame
from appliance.core.layout.code_screen import CodeView, code_frame
from appliance.core.layout.compact import code_frame_32, message_frame_32
from appliance.core.layout.message_screen import MessageView
from appliance.core.layout.qr_screen import QrView, qr_frame, qr_modules
from appliance.core.layout.restoring_screen import RestoringView, restoring_frame
from appliance.core.layout.status_screen import StatusView, status_frame

GoldenFrame = Callable[[str, Image.Image], None]

GITHUB: Final = CodeView(
    "GitHub", "anna@example.org", 3, 17, "482913", seconds_left=21, fraction=0.7, sign="verified"
)

CODES: Final[Mapping[str, CodeView]] = {
    "code-hidden-though-known": replace(GITHUB, hidden=True, upcoming="738220", seconds_left=4),
    "code-bar-from-right": replace(GITHUB, bar_from="right"),
    "code-bar-from-right-shifted": replace(GITHUB, bar_from="right", shift=(2, 2)),
    "code-bar-from-right-starts": replace(GITHUB, bar_from="right", fraction=1.0),
    "code-bar-from-right-ends": replace(GITHUB, bar_from="right", fraction=0.0),
}

STATUS: Final[Mapping[str, StatusView]] = {
    "status-1": StatusView(
        1,
        3,
        (
            ("Address", "192.168.178.42"),
            ("Broker", "connected"),
            ("Verified", "4 min ago"),
            ("Saves", "1072"),
        ),
        "verified",
    ),
    "status-2": StatusView(
        2,
        3,
        (("Clock", "held over, 3 h"), ("Temperature", "48 °C"), ("Version", "0.4.0")),
        "pending",
        clock_sign=True,
    ),
    "status-long-values": StatusView(
        3,
        3,
        (("Broker", "mosquitto.home.example:8883"), ("Version", "0.4.0")),
        "problem",
    ),
    "status-ipv6": StatusView(
        1, 3, (("Address", "2001:db8:85a3:1319:8a2e:370:7334:ab12"), ("Saves", "3")), "pending"
    ),
    "status-too-long": StatusView(
        12, 12, (("the very long name of a thing that is so", "and an even longer value " * 3), ("x", "")), ""
    ),
    "status-too-many": StatusView(1, 1, tuple((f"row {number}", str(number)) for number in range(9)), ""),
    "status-empty": StatusView(1, 1, (), ""),
    "status-cyrillic": StatusView(1, 1, (("імʼя", "кухня"), ("брокер", "звʼязок є")), "verified"),
}


def uri(issuer: str, name: str, secret: str, tail: str = "") -> str:
    return f"otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}{tail}"


QR: Final[Mapping[str, QrView]] = {
    "qr-version-1": QrView(qr_modules("otpauth://t"), "one"),
    "qr-version-3": QrView(qr_modules("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"), "Short a"),
    "qr-version-4": QrView(qr_modules("otpauth://totp/anna?secret=JBSWY3DPEHPK3PXP&issuer=Proton"), "Proton anna"),
    "qr-version-5": QrView(
        qr_modules(uri("GitHub", "anna%40example.org", "JBSWY3DPEHPK3PXPJBSWY3DP")), "GitHub anna@example.org"
    ),
    "qr-version-9": QrView(
        qr_modules(
            uri(
                "Amazon%20Web%20Services",
                "anna.katharina.lang%40example.org",
                "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                "&algorithm=SHA512&digits=8&period=60",
            )
        ),
        "Amazon Web Services anna.katharina.lang@example.org, the work account of Anna",
    ),
    "qr-too-large": QrView(None, "Example Bank"),
}  # fmt: skip

RESTORING: Final[Mapping[str, RestoringView]] = {
    "restoring-unknown": RestoringView("asking the broker for backups"),
    "restoring-start": RestoringView("fetching the backup", 0, 5),
    "restoring-middle": RestoringView("checking accounts", 12, 17),
    "restoring-end": RestoringView("saving the vault", 17, 17),
    "restoring-long": RestoringView("deriving the key from the passphrase", 1, 300),
}

CLOCKS: Final[Mapping[str, ClockView]] = {
    "clock-unset": ClockView("no network time yet since the start", "4 min"),
    "clock-confirm": ClockView(
        "no network time yet", "4 min", "2026-11-24 04:05 UTC", "is that right? hold OK"
    ),
    "clock-jumped": ClockView(
        "the time jumped by 3 h; codes would be wrong. Is the router up?", "12 h 40 min"
    ),
    "clock-confirm-long": ClockView(
        "the time jumped by 3 h and nobody knows why", "2 d", "2026-11-24 04:05 UTC", "hold OK if this is right"
    ),
    "clock-shifted": ClockView(
        "no network time yet", "4 min", "2026-11-24 04:05 UTC", "is that right? hold OK", (-2, 2)
    ),
}  # fmt: skip

CODES_32: Final[Mapping[str, CodeView]] = {
    "code-32-6-digits": GITHUB,
    "code-32-7-digits": replace(GITHUB, issuer="Authy", code="4829137"),
    "code-32-8-digits": replace(GITHUB, issuer="Amazon", code="50316820", bar_from="right"),
    "code-32-9-digits": replace(GITHUB, issuer="jpgqy", code="482913746"),
    "code-32-10-digits": replace(GITHUB, issuer="Österreichische Post", code="4829137465"),
    "code-32-steam": replace(GITHUB, issuer="Steam", code="R7KMQ"),
    "code-32-steam-others": replace(GITHUB, issuer="Steam", code="WN4XY"),
    "code-32-hidden": replace(GITHUB, hidden=True),
    "code-32-hotp": CodeView("Example Bank", "k", 1, 4, None, "press OK for a code", counter=12),
    "code-32-no-issuer": replace(GITHUB, issuer="", code="1234"),
    "code-32-odd": replace(GITHUB, code="48291374651", sign="problem", clock_sign=True),
    "code-32-shifted": replace(GITHUB, issuer="Ålandsbanken", shift=(2, 2)),
    "code-32-shifted-up": replace(GITHUB, issuer="ÀÉ Ålandsbanken", shift=(-2, -2)),
}

MESSAGES_32: Final[Mapping[str, MessageView]] = {
    "message-32": MessageView(
        "Vault damaged", ("It can't be read. Restore", "it from the backup."), "E4", "verified"
    ),
    "message-32-one-line": MessageView("Counter saved", ("The next code is #13.",)),
    "message-32-too-long": MessageView(
        "The broker does not answer", ("192.168.178.42 port 8883: connection refused", "Is it up?"), "E5"
    ),
}


@pytest.mark.parametrize("name", CODES)
def test_the_code_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, code_frame(CODES[name]))


@pytest.mark.parametrize("name", STATUS)
def test_the_status_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, status_frame(STATUS[name]))


@pytest.mark.parametrize("name", QR)
def test_the_qr_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, qr_frame(QR[name]))


@pytest.mark.parametrize("name", RESTORING)
def test_the_restoring_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, restoring_frame(RESTORING[name]))


@pytest.mark.parametrize("name", CLOCKS)
def test_the_clock_screen_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, clock_frame(CLOCKS[name]))


@pytest.mark.parametrize("name", CODES_32)
def test_the_code_screen_of_32_rows_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, code_frame_32(CODES_32[name]))


@pytest.mark.parametrize("name", MESSAGES_32)
def test_the_message_screen_of_32_rows_looks_as_it_did(name: str, golden_frame: GoldenFrame) -> None:
    golden_frame(name, message_frame_32(MESSAGES_32[name]))
