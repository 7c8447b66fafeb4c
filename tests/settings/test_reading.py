"""File and variables give settings."""

import json
import os
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from appliance.core.gestures import Key
from appliance.errors import ConfigurationInvalid
from appliance.settings import (
    LIMIT,
    DisplaySettings,
    MqttSettings,
    PinSettings,
    Settings,
    TlsSettings,
    load,
    settings_keys,
)
from tests.settings.configuration import flat, loaded, refused, variable

# --- which file


def test_without_any_file_the_defaults_apply(tmp_path: Path) -> None:
    assert load(None, {}, default=tmp_path / "none.yaml") == Settings()


def test_the_default_file_is_read_if_it_is_there(file: Path) -> None:
    file.write_text("name: desk")
    assert load(None, {}, default=file).name == "desk"


def test_a_variable_names_the_file_and_is_no_setting(file: Path) -> None:
    file.write_text("name: shelf")
    assert load(None, {"APPLIANCE_CONFIG": str(file)}, default=Path("/nowhere")).name == "shelf"


def test_an_empty_variable_names_no_file(tmp_path: Path) -> None:
    assert load(None, {"APPLIANCE_CONFIG": ""}, default=tmp_path / "none.yaml") == Settings()


def test_a_named_file_wins_over_the_variable(file: Path) -> None:
    file.write_text("name: desk")
    assert load(file, {"APPLIANCE_CONFIG": "/nowhere"}).name == "desk"


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_file_that_is_missing_is_refused(file: Path, *, by_variable: bool) -> None:
    with pytest.raises(ConfigurationInvalid, match="there is no such file") as caught:
        load(None if by_variable else file, {"APPLIANCE_CONFIG": str(file)} if by_variable else {})
    assert str(file) in caught.value.what
    assert "name a file that exists" in caught.value.hint


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="can't read it: is a directory") as caught:
        load(tmp_path, {})
    assert "--config" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    file.write_text("name: desk")
    file.chmod(0)
    with pytest.raises(ConfigurationInvalid, match="can't read it: permission denied"):
        load(None, {}, default=file)


def test_a_file_as_large_as_a_film_is_refused(file: Path) -> None:
    assert loaded(file, b"#" * LIMIT) == Settings()
    assert refused(file, b"#" * (LIMIT + 1)).why == "it has more than 100,000 bytes, so it is something else"


# --- what it means


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "~", "{}", "---\n", "mqtt:\n", "mqtt: {}\ndisplay: null\n"]
)
def test_a_file_that_says_nothing_means_the_defaults(file: Path, text: str) -> None:
    assert loaded(file, text) == Settings()


def test_every_setting_of_a_file_is_taken(file: Path) -> None:
    text = """
        name: desk
        state_dir: /tmp/state
        runtime_dir: /tmp/run
        vault: {unlock: pin, relock_after_seconds: 600}
        display: {board: adafruit-oled-bonnet, driver: sh1106, bus: spi, i2c_port: 3, address: 0x3d,
                  spi_port: 1, spi_device: 2, dc: 9, reset: none, width: 132, height: 32, rotate: 3,
                  column_offset: 0, brightness: 7, reveal: on_press, allow_qr: yes,
                  dim_after_seconds: 0, blank_after_seconds: 60, night_from: 22:00, night_to: 6:30}
        buttons: {backend: none, pins: {previous: none, key1: none, key2: 0, key3: 12}}
        clock: {require_trusted: false}
        mqtt:
          host: broker.local
          port: 1883
          username: otp-0011aabb
          password_file: /etc/pw
          topic_prefix: home/otp
          tls: {enabled: no, ca_file: /ca, cert_file: /cert, key_file: /key}
        home_assistant: {enabled: yes, discovery_prefix: ha}
    """
    settings = loaded(file, text)
    assert settings.model_dump(mode="json") == {
        "name": "desk",
        "state_dir": "/tmp/state",
        "runtime_dir": "/tmp/run",
        "vault": {"unlock": "pin", "relock_after_seconds": 600},
        "display": {
            "board": "adafruit-oled-bonnet",
            "driver": "sh1106",
            "bus": "spi",
            "i2c_port": 3,
            "address": 0x3D,
            "spi_port": 1,
            "spi_device": 2,
            "dc": 9,
            "reset": "none",
            "width": 132,
            "height": 32,
            "rotate": 3,
            "column_offset": 0,
            "brightness": 7,
            "reveal": "on_press",
            "allow_qr": True,
            "dim_after_seconds": 0,
            "blank_after_seconds": 60,
            "night_from": 22 * 60,
            "night_to": 6 * 60 + 30,
        },
        "buttons": {
            "backend": "none",
            "pins": {
                "previous": "none",
                "next": None,
                "ok": None,
                "left": None,
                "right": None,
                "up": None,
                "down": None,
                "centre": None,
                "key1": "none",
                "key2": 0,
                "key3": 12,
            },
        },
        "clock": {"require_trusted": False},
        "mqtt": {
            "host": "broker.local",
            "port": 1883,
            "username": "otp-0011aabb",
            "password_file": "/etc/pw",
            "topic_prefix": "home/otp",
            "tls": {"enabled": False, "ca_file": "/ca", "cert_file": "/cert", "key_file": "/key"},
        },
        "home_assistant": {"enabled": True, "discovery_prefix": "ha"},
    }


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_json_file_works_too(file: Path, indent: int | str | None) -> None:
    tree = {"name": "Küche", "clock": {"require_trusted": False}, "mqtt": {"host": None, "port": 1883}}
    settings = loaded(file, json.dumps(tree, indent=indent))
    assert (settings.name, settings.clock.require_trusted) == ("Küche", False)
    assert (settings.mqtt.host, settings.mqtt.port) == (None, 1883)


@pytest.mark.parametrize(
    "word", ["no", "12345", "2024-01-01", "1e3", "0x10", "2001-13-45", "12:30", '"null"', "=", "!t x"]
)
def test_text_means_what_it_looks_like(file: Path, word: str) -> None:
    expected = word.strip('"').removeprefix("!t ")
    assert loaded(file, f"mqtt: {{username: {word}}}").mqtt.username == expected


def test_the_driver_called_none_is_not_null(file: Path) -> None:
    assert loaded(file, "display: {driver: none}").display.driver == "none"
    assert loaded(file, "display: {driver: null}").display.driver is None


def test_a_pin_called_none_is_not_null(file: Path) -> None:
    assert loaded(file, "display: {reset: none}").display.reset == "none"
    assert loaded(file, "display: {reset: null}").display.reset is None
    assert loaded(file, "display: {reset: 0}").display.reset == 0


def test_every_key_of_a_board_has_a_pin_among_the_settings() -> None:
    assert tuple(PinSettings.model_fields) == get_args(Key)


@pytest.mark.parametrize(
    ("word", "address"), [("0x3c", 0x3C), ("60", 0x3C), ("0X3D", 0x3D), ("0x3", 3), ("3", 3), ("0x77", 0x77)]
)
def test_an_address_is_a_number_in_either_spelling(file: Path, word: str, address: int) -> None:
    assert loaded(file, f"display: {{address: {word}}}").display.address == address


@pytest.mark.parametrize(
    ("night", "minutes"),
    [
        ("night_from: 22:00, night_to: 06:30", (1320, 390)),
        ("night_from: '0:00', night_to: '23:59'", (0, 1439)),
        ("", None),
    ],
)
def test_night_hours_are_minutes_after_midnight(
    file: Path, night: str, minutes: tuple[int, int] | None
) -> None:
    assert loaded(file, f"display: {{{night}}}").display.night == minutes


def test_a_relative_path_counts_from_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(file, "state_dir: state\nmqtt: {tls: {ca_file: ../ca.crt}}")
    assert settings.state_dir == file.parent / "state"
    assert settings.mqtt.tls.ca_file == file.parent / "../ca.crt"
    monkeypatch.chdir(file.parent)
    assert load(Path(file.name), {}).state_dir == file.parent / "state"


def test_keys_of_paths_end_in_dir_or_file() -> None:
    ours = {key for key in settings_keys() if key.endswith(("_dir", "_file"))}
    assert ours == {
        "state_dir", "runtime_dir", "mqtt.password_file",
        "mqtt.tls.ca_file", "mqtt.tls.cert_file", "mqtt.tls.key_file",
    }  # fmt: skip
    values = flat(Settings().model_dump())
    assert {key for key, value in values.items() if isinstance(value, Path)} <= ours


@pytest.mark.parametrize("host", ["broker", "192.0.2.7", "2001:db8::7", "mqtt.example.org"])
def test_names_and_addresses_are_hosts(file: Path, host: str) -> None:
    assert loaded(file, f"mqtt: {{host: '{host}'}}").mqtt.host == host


def test_a_byte_order_mark_is_skipped(file: Path) -> None:
    assert loaded(file, b"\xef\xbb\xbfname: desk").name == "desk"
    assert loaded(file, b'\xef\xbb\xbf{\n\t"name": "desk"}').name == "desk"


# --- variables


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(file: Path) -> None:
    settings = loaded(
        file,
        "name: desk\nmqtt: {host: one, port: 1}",
        {"APPLIANCE_MQTT__HOST": "two", "APPLIANCE_MQTT__TLS__ENABLED": "false", "APPLIANCE_NAME": "shelf"},
    )
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.tls.enabled) == ("two", 1, False)
    assert (settings.name, settings.mqtt.topic_prefix) == ("shelf", "otp-appliance")


def test_every_setting_has_a_variable(tmp_path: Path) -> None:
    words = {
        "vault.unlock": "pin", "vault.relock_after_seconds": "600", "display.board": "adafruit-oled-bonnet", "display.driver": "none",
        "display.bus": "spi", "display.i2c_port": "0", "display.address": "0x3c", "display.spi_port": "0",
        "display.spi_device": "0", "display.dc": "24", "display.reset": "none", "display.width": "128",
        "display.height": "64", "display.rotate": "0", "display.column_offset": "0", "display.brightness": "1",
        "display.reveal": "on_press", "display.allow_qr": "true", "display.dim_after_seconds": "1",
        "display.blank_after_seconds": "2", "display.night_from": "22:00", "display.night_to": "00:00",
        "buttons.backend": "none", "clock.require_trusted": "false", "mqtt.port": "1883",
        "mqtt.tls.enabled": "false", "home_assistant.enabled": "true",
        **{f"buttons.pins.{key}": "none" for key in get_args(Key)},
        **{f"buttons.pins.{key}": pin for key, pin in {"left": "5", "right": "6", "centre": "13"}.items()},
    }  # fmt: skip
    environ = {variable(key): words.get(key, "other") for key in settings_keys()}
    changed = flat(load(None, environ, default=tmp_path / "none").model_dump())
    unchanged = flat(Settings().model_dump())
    assert [key for key in settings_keys() if changed[key] == unchanged[key]] == []


def test_null_in_a_variable_unsets_what_the_file_says(file: Path) -> None:
    assert loaded(file, "mqtt: {host: broker}", {"APPLIANCE_MQTT__HOST": "null"}).mqtt.host is None


def test_an_empty_variable_is_not_set(file: Path) -> None:
    assert loaded(file, "mqtt: {host: broker}", {"APPLIANCE_MQTT__HOST": ""}).mqtt.host == "broker"


def test_a_bad_value_in_the_file_does_not_matter_under_a_variable(file: Path) -> None:
    assert loaded(file, "mqtt: {port: many}", {"APPLIANCE_MQTT__PORT": "1883"}).mqtt.port == 1883


def test_only_the_given_variables_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_NAME", "elsewhere")
    monkeypatch.setenv("APPLIANCE_TYPO", "elsewhere")
    assert loaded(file, "") == Settings()
    assert Settings().name is None


def test_variables_of_others_are_ignored(file: Path) -> None:
    assert loaded(file, "", {"HOME": "/", "APPLIANCES": "3", "appliance_name": "x"}) == Settings()


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        (
            {"APPLIANCE_MQTT_HOST": "x"},
            "APPLIANCE_MQTT_HOST: no such variable; did you mean APPLIANCE_MQTT__HOST?",
        ),
        (
            {"APPLIANCE_mqtt__host": "x"},
            "APPLIANCE_mqtt__host: no such variable; did you mean APPLIANCE_MQTT__HOST?",
        ),
        ({"APPLIANCE_": ""}, "APPLIANCE_: no such variable"),
        ({"APPLIANCE_MQTT__PORT": "many"}, "APPLIANCE_MQTT__PORT: expected a whole number, not 'many'"),
        ({"APPLIANCE_STATE_DIR": "a\nb"}, "APPLIANCE_STATE_DIR: expected a path"),
        (
            {"APPLIANCE_MQTT__PASSWORD_FILE": "pw"},
            "APPLIANCE_MQTT__PASSWORD_FILE: a password needs mqtt.username too",
        ),
    ],
)
def test_bad_variables_are_reported_by_their_name(tmp_path: Path, environ: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(None, environ, default=tmp_path / "none.yaml")
    assert caught.value.why == why
    assert caught.value.what == "can't use the configuration in the environment"


# --- the tree


def test_settings_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().name = "x"
    with pytest.raises(ValidationError, match="frozen"):
        Settings().mqtt.tls.enabled = False
    with pytest.raises(ValidationError, match="Extra inputs"):
        MqttSettings.model_validate({"hots": "x"})


def test_settings_made_in_code_are_checked_as_well() -> None:
    assert Settings(mqtt=MqttSettings(host="broker")).mqtt.host == "broker"
    with pytest.raises(ValidationError):
        DisplaySettings(dim_after_seconds=-1)
    with pytest.raises(ValidationError, match="BCM number"):
        DisplaySettings.model_validate({"reset": True})
    with pytest.raises(ValidationError, match="time of day"):
        DisplaySettings(night_from=1440, night_to=0)
    with pytest.raises(ValidationError, match="only work together"):
        Settings(mqtt=MqttSettings(tls=TlsSettings(cert_file=Path("c"))))


def test_settings_made_in_code_take_numbers_as_they_are() -> None:
    display = DisplaySettings(
        bus="spi", address=0x3D, dc=9, rotate=3, column_offset=2, night_from=0, night_to=1439
    )
    assert (display.address, display.dc, display.rotate, display.column_offset) == (0x3D, 9, 3, 2)
    assert display.night == (0, 1439)
    assert Settings.model_validate(Settings(display=display).model_dump()).display == display
