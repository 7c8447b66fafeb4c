"""Everything that is wrong is told, in these words."""

from pathlib import Path

import pytest

from tests.settings.configuration import refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mqtt:\n  hots: x", "mqtt.hots (line 2): no such setting; did you mean mqtt.host?"),
        ("mqqt: {host: x}", "mqqt (line 1): no such setting; did you mean mqtt?"),
        ("mqtt_host: x", "mqtt_host (line 1): no such setting; did you mean mqtt.host?"),
        ("zzzzzz: x", "zzzzzz (line 1): no such setting"),
        ("mqtt.host: x", "mqtt.host (line 1): write `host` indented below `mqtt`"),
        ("mqtt: {password: hunter2}", "mqtt.password (line 1): no such setting; did you mean mqtt.password_file?"),
        ("<<: {name: x}", "<< (line 1): no such setting"),
        ("? [a]\n: x", "? (line 1): no such setting"),
        ("name: a\n\nname: b", "name (line 3): given twice, first in line 1"),
        ("mqtt: {}\nmqtt: {}", "mqtt (line 2): given twice, first in line 1"),
        ("mqtt: broker", "mqtt (line 1): expected settings, indented below it"),
        ("mqtt: [broker]", "mqtt (line 1): expected settings, indented below it"),
        ("mqtt: ''", "mqtt (line 1): expected settings, indented below it"),
        ("mqtt: {tls: true}", "mqtt.tls (line 1): expected settings, indented below it"),
        ("name: [a]", "name (line 1): expected text"),
        ("name: ''", "name (line 1): expected something, or null"),
        ("name: ' '", "name (line 1): expected something, or null"),
        (f"name: {'x' * 33}", "name (line 1): expected at most 32 characters"),
        ('name: "a\\nb"', "name (line 1): expected printable characters on one line"),
        ('name: "a\\ud800"', "name (line 1): expected text"),
        ("state_dir: ''", "state_dir (line 1): expected a path"),
        ('state_dir: "a\\0"', "state_dir (line 1): expected a path"),
        ("state_dir: {a: b}", "state_dir (line 1): expected a path"),
        ("state_dir: null", "state_dir (line 1): expected a path"),
        ("mqtt: {port: 0}", "mqtt.port (line 1): expected 1 or more, not '0'"),
        ("mqtt: {port: 65536}", "mqtt.port (line 1): expected 65535 or less, not '65536'"),
        ("mqtt: {port: 8883.5}", "mqtt.port (line 1): expected a whole number, not '8883.5'"),
        ("mqtt: {port: null}", "mqtt.port (line 1): expected a whole number"),
        ("mqtt: {port: []}", "mqtt.port (line 1): expected a whole number"),
        (f"mqtt: {{port: {'9' * 5000}}}", "mqtt.port (line 1): expected a smaller number"),
        ("clock: {require_trusted: maybe}", "clock.require_trusted (line 1): expected true or false, not 'maybe'"),
        ("clock: {require_trusted: null}", "clock.require_trusted (line 1): expected true or false"),
        (
            "display: {reveal: on-press}",
            "display.reveal (line 1): expected always or on_press, not 'on-press'; did you mean on_press?",
        ),
        (
            "display: {board: pirate}",
            "display.board (line 1): expected generic, waveshare-1.3-oled-hat or adafruit-oled-bonnet, not 'pirate'",
        ),
        ("display: {bus: uart}", "display.bus (line 1): expected i2c or spi, not 'uart'"),
        ("display: {i2c_port: /dev/i2c-1}", "display.i2c_port (line 1): expected a whole number, not '/dev/i2c-1'"),
        ("display: {spi_device: 100}", "display.spi_device (line 1): expected 99 or less, not '100'"),
        (
            "display: {address: 3c}",
            "display.address (line 1): expected an address from 0x03 to 0x77, not '3c'; did you mean 0x3c?",
        ),
        (
            "display: {address: '0x78'}",
            "display.address (line 1): expected an address from 0x03 to 0x77, not '0x78'; did you mean 0x3c?",
        ),
        (
            "display: {address: 122}",
            "display.address (line 1): expected an address from 0x03 to 0x77, not '122'; did you mean 0x3d?",
        ),
        ("display: {address: '2'}", "display.address (line 1): expected an address from 0x03 to 0x77, not '2'"),
        ("display: {address: ff}", "display.address (line 1): expected an address from 0x03 to 0x77, not 'ff'"),
        ("display: {address: 0x7b}", "display.address (line 1): expected an address from 0x03 to 0x77, not '0x7b'"),
        ("display: {address: []}", "display.address (line 1): expected an address from 0x03 to 0x77"),
        ("display: {dc: 28}", "display.dc (line 1): expected a BCM number from 0 to 27, or none, not '28'"),
        ("display: {dc: -1}", "display.dc (line 1): expected a BCM number from 0 to 27, or none, not '-1'"),
        ("display: {reset: no}", "display.reset (line 1): expected a BCM number from 0 to 27, or none, not 'no'"),
        ("display: {width: 8}", "display.width (line 1): expected 16 or more, not '8'"),
        ("display: {height: 257}", "display.height (line 1): expected 256 or less, not '257'"),
        (
            "display: {rotate: 180}",
            "display.rotate (line 1): expected quarter turns, 0 to 3, not '180'; did you mean 2?",
        ),
        ("display: {rotate: 4}", "display.rotate (line 1): expected quarter turns, 0 to 3, not '4'"),
        ("display: {rotate: -1}", "display.rotate (line 1): expected quarter turns, 0 to 3, not '-1'"),
        ("display: {column_offset: 1}", "display.column_offset (line 1): expected 0 or 2, not '1'"),
        ("display: {column_offset: x}", "display.column_offset (line 1): expected 0 or 2, not 'x'"),
        ("display: {brightness: 0}", "display.brightness (line 1): expected 1 or more, not '0'"),
        ("display: {brightness: 256}", "display.brightness (line 1): expected 255 or less, not '256'"),
        ("display: {brightness: null}", "display.brightness (line 1): expected a whole number"),
        ("display: {allow_qr: perhaps}", "display.allow_qr (line 1): expected true or false, not 'perhaps'"),
        (
            "display: {night_from: 24:00}",
            "display.night_from (line 1): expected a time of day from 00:00 to 23:59, not '24:00'",
        ),
        (
            "display: {night_from: 22}",
            "display.night_from (line 1): expected a time of day from 00:00 to 23:59, not '22'",
        ),
        (
            "display: {night_from: 10:60}",
            "display.night_from (line 1): expected a time of day from 00:00 to 23:59, not '10:60'",
        ),
        ("display: {night_to: {}}", "display.night_to (line 1): expected a time of day from 00:00 to 23:59"),
        (
            "buttons: {pins: {ok: GPIO5}}",
            "buttons.pins.ok (line 1): expected a BCM number from 0 to 27, or none, not 'GPIO5'",
        ),
        ("buttons: {pins: 17}", "buttons.pins (line 1): expected settings, indented below it"),
        ("buttons: {pins: {key4: 5}}", "buttons.pins.key4 (line 1): no such setting; did you mean buttons.pins.key3?"),
        ("reveal: always", "reveal (line 1): no such setting; did you mean display.reveal?"),
        ("display: {enabled: true}", "display.enabled (line 1): no such setting"),
        ("mqtt: {enabled: true}", "mqtt.enabled (line 1): no such setting; did you mean mqtt.tls.enabled?"),
        ("buttons: {ok: 5}", "buttons.ok (line 1): no such setting; did you mean buttons.pins.ok?"),
        ("vault: {unlock: null}", "vault.unlock (line 1): expected credential, pin or passphrase"),
        ("display: {dim_after_seconds: -1}", "display.dim_after_seconds (line 1): expected 0 or more, not '-1'"),
        (
            "mqtt: {host: mqtt://broker}",
            "mqtt.host (line 1): expected a host name or address alone, without mqtt:// or a path",
        ),
        (
            "mqtt: {host: a b}",
            "mqtt.host (line 1): expected a host name or address alone, without mqtt:// or a path",
        ),
        (
            "mqtt: {host: 'broker:1883'}",
            "mqtt.host (line 1): expected a host name or address alone; the port belongs to mqtt.port",
        ),
        ("mqtt: {topic_prefix: a/+}", "mqtt.topic_prefix (line 1): expected a topic without the wildcards + and #"),
        ("mqtt: {topic_prefix: 'a#'}", "mqtt.topic_prefix (line 1): expected a topic without the wildcards + and #"),
        (
            "home_assistant: {discovery_prefix: /ha}",
            "home_assistant.discovery_prefix (line 1): expected a topic without a slash at either end or two in a row",
        ),
        (
            "mqtt: {topic_prefix: a//b}",
            "mqtt.topic_prefix (line 1): expected a topic without a slash at either end or two in a row",
        ),
        (
            "mqtt: {topic_prefix: $SYS}",
            "mqtt.topic_prefix (line 1): expected a topic without a leading $, which belongs to the broker",
        ),
        ("mqtt: {password_file: pw}", "mqtt.password_file (line 1): a password needs mqtt.username too"),
        ("mqtt: {tls: {cert_file: c}}", "mqtt.tls.key_file: cert_file and key_file only work together"),
        ("mqtt: {tls: {key_file: k}}", "mqtt.tls.key_file (line 1): cert_file and key_file only work together"),
        ("- a", "line 1: isn't a list of settings, written `key: value`"),
        ("\njust words", "line 2: isn't a list of settings, written `key: value`"),
        ("name: desk\nmqtt: {", "line 2: isn't YAML: expected the node content, but found '<stream end>'"),
        ("name: a: b", "line 1: isn't YAML: mapping values are not allowed here"),
        ("name: *hunter2", "line 1: isn't YAML: found undefined alias"),
        ("name: !hunter2!x y", "line 1: isn't YAML: found undefined tag handle"),
        ("name: a\n---\nname: b", "line 2: isn't YAML: found another document"),
        ("mqtt:\n\thost: x", "line 2: isn't YAML: found character '\\t' that cannot start any token"),
        (b"name: a\nname: \xff", "line 2: isn't UTF-8 text"),
        ("name: desk".encode("utf-16"), "line 1: isn't UTF-8 text"),
        (b"name: a\n\x00", "line 2: has a control character in it"),
        ('name: "\\U00110000"', "isn't YAML"),
        ('name: "\\UFFFFFFFF"', "isn't YAML"),
        ("[" * 20_000, "isn't YAML"),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_told_in_these_words(file: Path, text: str | bytes, why: str) -> None:
    assert refused(file, text).why == why


def test_every_problem_is_reported_in_the_order_of_the_file(file: Path) -> None:
    trouble = refused(
        file,
        "mqtt:\n  port: many\n  prot: 1\n  password_file: pw\nname: ''\nname: a\ndisplay: 5\n",
        {"APPLIANCE_CLOCK__REQUIRE_TRUSTED": "maybe", "APPLIANCE_XYZ": "1"},
    )
    assert trouble.why.split("\n") == [
        "8 problems:",
        "  mqtt.port (line 2): expected a whole number, not 'many'",
        "  mqtt.prot (line 3): no such setting; did you mean mqtt.port?",
        "  mqtt.password_file (line 4): a password needs mqtt.username too",
        "  name (line 5): expected something, or null",
        "  name (line 6): given twice, first in line 5",
        "  display (line 7): expected settings, indented below it",
        "  APPLIANCE_XYZ: no such variable",
        "  APPLIANCE_CLOCK__REQUIRE_TRUSTED: expected true or false, not 'maybe'",
    ]
    assert trouble.hint == "correct what is listed; config.example.yaml shows every setting with its default"


def test_variables_are_checked_beside_a_file_that_cannot_be_read(file: Path) -> None:
    trouble = refused(
        file,
        "mqtt: {username: desk",
        {"APPLIANCE_MQTT__PORT": "0", "APPLIANCE_MQTT__PASSWORD_FILE": "pw", "APPLIANCE_X": "1"},
    )
    assert [line.split(": ")[0].strip() for line in trouble.why.split("\n")] == [
        "3 problems:",
        "line 1",
        "APPLIANCE_X",
        "APPLIANCE_MQTT__PORT",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "mqtt: {password: hunter2}",
        "mqtt: {username: [hunter2]}",
        "mqtt: {host: 'tcp://desk:hunter2@broker'}",
        'mqtt: {password_file: "hunter2\\n"}',
        "mqtt: {username: *hunter2}",
        "mqtt: {username: &hunter2 a, host: &hunter2 b, hunter: hunter2}",
        "mqtt: hunter2",
        "hunter2",
        f"name: hunter2{'x' * 40}",
    ],
)
def test_a_value_that_could_be_a_password_is_never_repeated(file: Path, text: str) -> None:
    trouble = refused(file, text, {"APPLIANCE_MQTT__PASSWORD": "hunter2"})
    assert "hunter2" not in f"{trouble} {trouble.hint} {trouble.__cause__} {trouble.__context__}"


def test_odd_keys_and_long_values_stay_on_one_short_line(file: Path) -> None:
    trouble = refused(file, f'"a\\nb{"c" * 500}": 1\nmqtt: {{port: {"x" * 5000}}}')
    assert [len(line) < 120 for line in trouble.why.split("\n")] == [True] * 3
    assert "a?bccc" in trouble.why
