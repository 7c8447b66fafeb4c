"""A configuration gives settings, or one report of everything that is wrong with it."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from appliance.errors import ConfigurationInvalid
from appliance.settings import (
    LIMIT,
    DisplaySettings,
    MqttSettings,
    Settings,
    TlsSettings,
    load,
    settings_keys,
)

EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def loaded(file: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, environ or {})


def refused(file: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> ConfigurationInvalid:
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded(file, text, environ)
    assert caught.value.exit_code == 78
    assert caught.value.what == f"can't use the configuration {file}"
    return caught.value


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
        vault: {unlock: pin}
        display: {board: adafruit-oled-bonnet, driver: sh1106, reveal: on_press,
                  dim_after_seconds: 0, blank_after_seconds: 60}
        buttons: {backend: none}
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
        "vault": {"unlock": "pin"},
        "display": {
            "board": "adafruit-oled-bonnet",
            "driver": "sh1106",
            "reveal": "on_press",
            "dim_after_seconds": 0,
            "blank_after_seconds": 60,
        },
        "buttons": {"backend": "none"},
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
        "vault.unlock": "pin", "display.board": "adafruit-oled-bonnet", "display.driver": "none",
        "display.reveal": "on_press", "display.dim_after_seconds": "1", "display.blank_after_seconds": "2",
        "buttons.backend": "none", "clock.require_trusted": "false", "mqtt.port": "1883",
        "mqtt.tls.enabled": "false", "home_assistant.enabled": "true",
    }  # fmt: skip
    environ = {
        f"APPLIANCE_{key.replace('.', '__').upper()}": words.get(key, "other") for key in settings_keys()
    }
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


# --- bad configurations, and the words that must come out


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


def test_a_wrong_username_does_not_also_count_as_missing(file: Path) -> None:
    assert (
        refused(file, "mqtt: {username: [], password_file: pw}").why
        == "mqtt.username (line 1): expected text"
    )


def test_a_wrong_certificate_does_not_also_count_as_missing(file: Path) -> None:
    trouble = refused(file, "mqtt: {tls: {cert_file: [], key_file: k}}")
    assert trouble.why == "mqtt.tls.cert_file (line 1): expected a path"


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
    with pytest.raises(ValidationError, match="only work together"):
        TlsSettings(cert_file=Path("c"))


# --- the example


def flat(tree: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= flat(value, f"{at}{key}.") if isinstance(value, dict) else {at + key: value}
    return leaves


def test_the_example_has_every_setting_with_its_default() -> None:
    text = EXAMPLE.read_text("utf-8")
    assert flat(yaml.safe_load(text)) == flat(Settings().model_dump(mode="json"))
    assert list(flat(yaml.safe_load(text))) == list(settings_keys())
    assert load(EXAMPLE, {}) == Settings()


def test_the_example_explains_every_setting() -> None:
    """A comment stands above each setting, or above the settings of the same name's family next to it."""
    explained = re.findall(r"#[^\n]*\n((?: *[a-z_]+: \S+\n)+)", EXAMPLE.read_text("utf-8"))
    keys = re.findall(r"([a-z_]+): \S", "".join(explained))
    assert keys == [key.rpartition(".")[2] for key in settings_keys()]


# --- anything at all

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.sampled_from(["none", "pin", "0", "8883", "a/b", "true", "x" * 40]),
)
_KEYS = st.one_of(
    st.sampled_from(sorted({part for key in settings_keys() for part in key.split(".")})), st.text(max_size=8)
)
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=4)
    ),
)
_YAMLISH = st.lists(
    st.sampled_from(
        ["mqtt", "name", ":", ": ", "\n", "  ", "{", "}", "[", "]", ",", "&a ", "*a", "!", "!!int ", "<<", "? ",
         "- ", "|", ">", "'", '"', "\\U", "\\x", "%YAML 9", "---", "...", "#", "tls", "@", "~", "\t", "\r", "1"],
    ),
    max_size=30,
).map("".join)  # fmt: skip


def gives_settings_or_a_report(file: Path, raw: bytes, environ: Mapping[str, str]) -> None:
    file.write_bytes(raw)
    try:
        assert isinstance(load(file, environ), Settings)
    except ConfigurationInvalid as trouble:
        assert trouble.why.replace("\n", "").isprintable()  # noqa: PT017 -- either outcome is right


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.yaml"


@settings(deadline=None)
@given(raw=st.one_of(st.binary(), st.text().map(str.encode), _YAMLISH.map(str.encode)))
@example(raw=b"mqtt: &a {tls: *a}")
@example(raw=b"mqtt: &a [*a]")
@example(raw=b"".join(b"k%d: &k%d [%b]\n" % (n, n, b",".join([b"*k%d" % (n - 1)] * 9)) for n in range(1, 30)))
def test_any_bytes_give_settings_or_a_report(scratch: Path, raw: bytes) -> None:
    gives_settings_or_a_report(scratch, raw, {})


@settings(deadline=None)
@given(tree=_TREES, as_json=st.booleans())
def test_any_tree_gives_settings_or_a_report(scratch: Path, tree: dict[str, Any], *, as_json: bool) -> None:
    text = json.dumps(tree) if as_json else yaml.safe_dump(tree)
    gives_settings_or_a_report(scratch, text.encode("utf-8", "replace"), {})


@settings(deadline=None)
@given(
    environ=st.dictionaries(
        st.one_of(
            st.sampled_from([f"APPLIANCE_{key.replace('.', '__').upper()}" for key in settings_keys()]),
            st.text(max_size=8).map("APPLIANCE_".__add__),
        ),
        st.one_of(st.text(), st.sampled_from(["null", "true", "1", "{}", "[]", "none"])),
    ),
)
def test_any_variables_give_settings_or_a_report(scratch: Path, environ: dict[str, str]) -> None:
    environ.pop("APPLIANCE_CONFIG", None)
    gives_settings_or_a_report(scratch, b"mqtt: {host: broker}", environ)
