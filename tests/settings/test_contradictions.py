"""Settings that are right one by one and wrong together are refused, all of them at once."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.settings import ButtonSettings, DisplaySettings, PinSettings, Settings
from tests.settings.configuration import loaded, problems, refused

LAYOUTS = (
    "expected the keys previous, next and ok; or next and ok; or ok alone; or centre with left and right,"
    " up and down, or both, and key1, key2, key3 as far as there are; none takes away a key of the board"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        # the broker
        ("mqtt: {password_file: pw}", "mqtt.password_file (line 1): a password needs mqtt.username too"),
        ("mqtt: {tls: {cert_file: c}}", "mqtt.tls.key_file: cert_file and key_file only work together"),
        ("mqtt: {tls: {key_file: k}}", "mqtt.tls.key_file (line 1): cert_file and key_file only work together"),
        # the night
        ("display: {night_from: 22:00}", "display.night_to: night_from and night_to only work together"),
        ("display: {night_to: 06:00}", "display.night_to (line 1): night_from and night_to only work together"),
        (
            "display: {night_from: 06:00, night_to: 6:00}",
            "display.night_to (line 1): expected another time than night_from",
        ),
        # the panel
        ("display: {bus: spi}", "display.dc: a panel on SPI needs the pin that tells data from commands"),
        (
            "display:\n  board: waveshare-1.3-oled-hat\n  dc: none",
            "display.dc (line 3): a panel on SPI needs the pin that tells data from commands",
        ),
        # the keys
        (
            "buttons:\n  pins: {key1: 5}",
            f"buttons.pins (line 2): can't use key1 beside the board's previous, next and ok: {LAYOUTS}",
        ),
        ("buttons: {pins: {ok: none}}", f"buttons.pins (line 1): can't use previous and next alone: {LAYOUTS}"),
        (
            "display: {board: adafruit-oled-bonnet}\nbuttons: {pins: {left: none, key2: none, ok: 9}}",
            f"buttons.pins (line 2): can't use ok beside the board's right, up, down, centre and key1: {LAYOUTS}",
        ),
        (
            "buttons: {pins: {previous: none, next: none, ok: none}}",
            f"buttons.pins (line 1): there is no key left: {LAYOUTS}",
        ),
        (
            "buttons: {pins: {next: none, ok: 6, previous: none, up: 5}}",
            f"buttons.pins (line 1): can't use ok and up alone: {LAYOUTS}",
        ),
        (
            "buttons: {backend: none, pins: {previous: 5, next: none, ok: 6}}",
            f"buttons.pins (line 1): can't use previous and ok alone: {LAYOUTS}",
        ),
        # the pins
        (
            "buttons:\n  pins:\n    previous: 5\n    next: 5",
            "buttons.pins.next (line 4): GPIO 5 is taken by buttons.pins.previous",
        ),
        (
            "buttons: {pins: {previous: 22}}",
            "buttons.pins.previous (line 1): GPIO 22 is taken by buttons.pins.ok, as the board has it",
        ),
        (
            "buttons: {pins: {previous: 22, next: 22}}",
            "buttons.pins.next (line 1): GPIO 22 is taken by buttons.pins.previous and buttons.pins.ok, as the board has it",
        ),
        ("buttons: {pins: {ok: 2}}", "buttons.pins.ok (line 1): GPIO 2 is taken by the I2C bus"),
        ("buttons: {pins: {ok: 3}}", "buttons.pins.ok (line 1): GPIO 3 is taken by the I2C bus"),
        (
            "display: {bus: spi, dc: 24}\nbuttons: {pins: {ok: 24}}",
            "buttons.pins.ok (line 2): GPIO 24 is taken by display.dc",
        ),
        (
            "display: {bus: spi, dc: 24, reset: 25}\nbuttons: {pins: {ok: 25}}",
            "buttons.pins.ok (line 2): GPIO 25 is taken by display.reset",
        ),
        (
            "display: {board: waveshare-1.3-oled-hat}\nbuttons: {pins: {key1: 24}}",
            "buttons.pins.key1 (line 2): GPIO 24 is taken by display.dc, as the board has it",
        ),
        (
            "display: {bus: spi, dc: 22}",
            "display.dc (line 1): GPIO 22 is taken by buttons.pins.ok, as the board has it",
        ),
        ("display: {bus: spi, dc: 24, reset: 24}", "display.reset (line 1): GPIO 24 is taken by display.dc"),
        ("display: {bus: spi, dc: 10}", "display.dc (line 1): GPIO 10 is taken by the SPI bus"),
        (
            "display: {bus: spi, dc: 24}\nbuttons: {pins: {ok: 11}}",
            "buttons.pins.ok (line 2): GPIO 11 is taken by the SPI bus",
        ),
    ],
)  # fmt: skip
def test_a_contradiction_is_told_in_these_words(file: Path, text: str, why: str) -> None:
    assert refused(file, text).why == why


@pytest.mark.parametrize(
    "text",
    [
        # nothing uses these pins
        "display: {dc: 17, reset: 17}",
        "display: {driver: none, bus: spi}",
        "display: {driver: none}\nbuttons: {pins: {ok: 2}}",
        "display: {driver: none, bus: spi, dc: 22, reset: 22}",
        "display: {i2c_port: 3}\nbuttons: {pins: {ok: 2}}",
        "display: {bus: spi, dc: 24}\nbuttons: {pins: {ok: 2}}",
        "display: {bus: spi, spi_port: 1, dc: 24}\nbuttons: {pins: {ok: 10}}",
        "display: {bus: spi, dc: 22}\nbuttons: {backend: none}",
        "buttons: {backend: none, pins: {ok: 17}}",
        "display: {board: waveshare-1.3-oled-hat, bus: i2c, dc: none}",
        "display: {board: waveshare-1.3-oled-hat, reset: none}\nbuttons: {pins: {key1: 25}}",
        # keys that make a layout
        "buttons: {pins: {previous: none}}",
        "buttons: {pins: {previous: none, next: none}}",
        "buttons: {pins: {previous: 27, next: 17}}",
        "buttons: {pins: {previous: none, next: none, ok: none, up: 5, down: 6, centre: 13, key3: 0}}",
        "display: {board: adafruit-oled-bonnet}\nbuttons: {pins: {up: none, down: none, key2: none}}",
        "buttons: {pins: {key1: none}}",
        # a night within a day
        "display: {night_from: 00:00, night_to: 06:00}",
    ],
)
def test_what_goes_together_is_taken(file: Path, text: str) -> None:
    loaded(file, text)


def test_they_are_told_beside_everything_else_that_is_wrong(file: Path) -> None:
    text = """\
display:
  bus: spi
  reveal: never
  night_from: 22:00
  i2c_prot: 2
buttons:
  pins:
    key1: 5
mqtt:
  port: many
  password_file: pw
"""
    assert problems(file, text) == [
        "display.reveal (line 3): expected always or on_press, not 'never'",
        "display.i2c_prot (line 5): no such setting; did you mean display.i2c_port?",
        f"buttons.pins (line 7): can't use key1 beside the board's previous, next and ok: {LAYOUTS}",
        "mqtt.port (line 10): expected a whole number, not 'many'",
        "mqtt.password_file (line 11): a password needs mqtt.username too",
        "display.night_to: night_from and night_to only work together",
        "display.dc: a panel on SPI needs the pin that tells data from commands",
    ]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("mqtt: {username: [], password_file: pw}", ["mqtt.username"]),
        ("mqtt: {usrname: desk, password_file: pw}", ["mqtt.usrname"]),
        ("mqtt: {password_file: pw}\nmqtt_username: desk", ["mqtt_username"]),
        ("mqtt: {tls: {cert_file: [], key_file: k}}", ["mqtt.tls.cert_file"]),
        ("display: {night_from: 22h, night_to: 06:00}", ["display.night_from"]),
        ("display: {bus: spi, dc: 40}", ["display.dc"]),
        ("display: {bus: spi, cd: 24, dcc: 24}", ["display.cd", "display.dcc"]),
        ("display: {bus: spi, board: pirate}", ["display.board"]),
        ("display: {bus: spi, bord: waveshare-1.3-oled-hat}", ["display.bord"]),
        ("display: {bus: spi}\ndisplay: {dc: 24}", ["display"]),
        ("display: waveshare-1.3-oled-hat\nbuttons: {pins: {key1: 5}}", ["display"]),
        ("display: {board: pirate}\nbuttons: {pins: {key1: 5}}", ["display.board"]),
        ("buttons: {pins: {ok: none, okk: 5}}", ["buttons.pins.okk"]),
        ("buttons: {pins: {previous: 22, ok: 40}}", ["buttons.pins.ok"]),
        ("display: {i2c_port: x}\nbuttons: {pins: {ok: 2}}", ["display.i2c_port"]),
    ],
)
def test_what_is_wrong_by_itself_does_not_also_contradict(file: Path, text: str, keys: list[str]) -> None:
    assert [problem.split(" (")[0] for problem in problems(file, text)] == keys


def test_a_misspelt_variable_does_not_also_count_as_missing(file: Path) -> None:
    environ = {"APPLIANCE_MQTT_USERNAME": "desk"}
    assert problems(file, "mqtt: {password_file: pw}", environ) == [
        "APPLIANCE_MQTT_USERNAME: no such variable; did you mean APPLIANCE_MQTT__USERNAME?"
    ]


def test_a_typo_elsewhere_hides_no_contradiction(file: Path) -> None:
    assert problems(file, "display: {brigtness: 5, bus: spi}") == [
        "display.brigtness (line 1): no such setting; did you mean display.brightness?",
        "display.dc: a panel on SPI needs the pin that tells data from commands",
    ]


def test_a_file_that_cannot_be_read_contradicts_nothing(file: Path) -> None:
    environ = {
        "APPLIANCE_DISPLAY__BUS": "spi",
        "APPLIANCE_BUTTONS__PINS__KEY1": "5",
        "APPLIANCE_MQTT__PORT": "0",
    }
    assert [problem.split(":")[0] for problem in problems(file, "display: {dc: 24", environ)] == [
        "line 1",
        "APPLIANCE_MQTT__PORT",
    ]


def test_file_and_variables_contradict_each_other_too(file: Path) -> None:
    environ = {"APPLIANCE_BUTTONS__PINS__NEXT": "22"}
    assert problems(file, "buttons: {pins: {previous: none}}", environ) == [
        "APPLIANCE_BUTTONS__PINS__NEXT: GPIO 22 is taken by buttons.pins.ok, as the board has it"
    ]


def test_settings_made_in_code_do_not_contradict_themselves_either() -> None:
    with pytest.raises(ValidationError, match="tells data from commands") as caught:
        Settings(display=DisplaySettings(bus="spi"), buttons=ButtonSettings(pins=PinSettings(key1=5)))
    assert [error["loc"] for error in caught.value.errors()] == [("display", "dc"), ("buttons", "pins")]
