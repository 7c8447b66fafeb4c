"""What a single value may be: text from the file or a variable, or what code gives, to a checked value.

A check raises ValueError with the words that finish `mqtt.host (line 2): ...`. One that raises `misread` instead has
its value repeated there, so it may only be about a number or a choice: any other value could be a password.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

MISREAD: Final = "misread"
"""The type of an error whose value may be shown; `meant` in its context is what was meant, "" if nobody knows."""
LAST_PIN: Final = 27
"""BCM number; a header of 40 pins has 0 to 27."""


def misread(expected: str, meant: str = "") -> PydanticCustomError:
    """Return the error for a number or a choice that is none."""
    return PydanticCustomError(MISREAD, f"expected {expected}", {"meant": meant})


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable characters on one line")
    return text


def _path(value: object) -> object:
    if isinstance(value, str) and not (value and value.isprintable()):
        raise ValueError("expected a path")
    return value


def _host(text: str) -> str:
    if "/" in text or " " in text:
        raise ValueError("expected a host name or address alone, without mqtt:// or a path")
    if text.count(":") == 1:
        raise ValueError("expected a host name or address alone; the port belongs to mqtt.port")
    return text


def _topic(text: str) -> str:
    if any(sign in text for sign in "+#"):
        raise ValueError("expected a topic without the wildcards + and #")
    if "" in text.split("/"):
        raise ValueError("expected a topic without a slash at either end or two in a row")
    if text.startswith("$"):
        raise ValueError("expected a topic without a leading $, which belongs to the broker")
    return text


def _whole(value: object) -> int | None:
    """Return a number of at most three digits; None: it is none, or more than any setting here means."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}", value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _pin(value: object) -> int | Literal["none"]:
    if value == "none":
        return "none"
    number = _whole(value)
    if number is None or not 0 <= number <= LAST_PIN:
        raise misread(f"a BCM number from 0 to {LAST_PIN}, or none")
    return number


def _address(value: object) -> int:
    text = value.strip().lower() if isinstance(value, str) else ""
    number = int(text, 16) if re.fullmatch(r"0x[0-9a-f]{1,2}", text) else _whole(value)
    if number is not None and 0x03 <= number <= 0x77:
        return number
    meant = ""
    if re.fullmatch(r"[0-9a-f]{2}", text) and 0x03 <= int(text, 16) <= 0x77:
        meant = f"0x{text}"  # as i2cdetect prints it
    elif number in {0x78, 0x7A}:
        meant = f"0x{number >> 1:02x}"  # as modules have it printed on them: with the bit that tells writing
    raise misread("an address from 0x03 to 0x77", meant)


def _quarter_turns(value: object) -> int:
    number = _whole(value)
    if number is None or number not in range(4):
        raise misread("quarter turns, 0 to 3", {90: "1", 180: "2", 270: "3", 360: "0"}.get(number or 0, ""))
    return number


def _column_offset(value: object) -> int:
    number = _whole(value)
    if number not in {0, 2}:
        raise misread("0 or 2")
    return int(number)


def _time_of_day(value: object) -> int:
    if isinstance(value, str):
        match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value.strip())
        if match:
            return int(match[1]) * 60 + int(match[2])
    elif (minutes := _whole(value)) is not None and 0 <= minutes < 24 * 60:
        return minutes
    raise misread("a time of day from 00:00 to 23:59")


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32),
    AfterValidator(_printable),
]
Host = Annotated[Text, AfterValidator(_host)]
Topic = Annotated[Text, AfterValidator(_topic)]
FilePath = Annotated[Path, BeforeValidator(_path)]
TcpPort = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Board = Literal["generic", "waveshare-1.3-oled-hat", "adafruit-oled-bonnet"]
Driver = Literal[  # luma.oled's devices that take mode "1" over I2C or SPI
    "none", "ssd1306", "ssd1309", "sh1106", "sh1107", "ssd1305", "ssd1315", "ssd1316", "ssd1322", "ssd1325",
    "ssd1327", "ssd1362", "ssd1363", "ch1115",
]  # fmt: skip
BusNumber = Annotated[int, Field(ge=0, le=99)]
Pin = Annotated[int | Literal["none"], PlainValidator(_pin)]
"""A BCM number; "none": nothing is wired there."""
Address = Annotated[int, PlainValidator(_address)]
"""On the I2C bus, 7 bits."""
Pixels = Annotated[int, Field(ge=16, le=256)]
QuarterTurns = Annotated[int, PlainValidator(_quarter_turns)]
ColumnOffset = Annotated[int, PlainValidator(_column_offset)]
Brightness = Annotated[int, Field(ge=1, le=255)]
TimeOfDay = Annotated[int, PlainValidator(_time_of_day)]
"""Minutes after midnight; `22:00` in the file."""
