"""config.yaml and `APPLIANCE_...` variables -> one frozen tree of settings.

Rules: every key is optional, a variable wins over the file, the file over the defaults. `load` is the only
reader of both, and reports every problem at once. Passwords are paths to files. Nobody else imports pydantic or
yaml. A key of a path ends in `_dir` or `_file`: that is how a relative path in the file finds the file's folder.

All values reach pydantic as text, from the file too: so `username: no` and `name: 2024-01-01` mean what they
look like, and a file and a variable understand the same words.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from appliance.errors import ConfigurationInvalid

DEFAULT_PATH: Final = Path("/etc/otp-appliance/config.yaml")
PREFIX: Final = "APPLIANCE_"
NAMED_BY: Final = "APPLIANCE_CONFIG"
"""The variable that names the file; it is no setting."""
LIMIT: Final = 100_000
"""Bytes of a file that are still taken for a configuration; the example has 3,000."""


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
Topic = Annotated[Text, AfterValidator(_topic)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Board = Literal["generic", "waveshare-1.3-oled-hat", "adafruit-oled-bonnet"]
Driver = Literal[  # luma.oled's devices that take mode "1" over I2C or SPI
    "none", "ssd1306", "ssd1309", "sh1106", "sh1107", "ssd1305", "ssd1315", "ssd1316", "ssd1322", "ssd1325",
    "ssd1327", "ssd1362", "ssd1363", "ch1115",
]  # fmt: skip


class _Section(BaseModel):
    """Frozen, closed, and with its defaults checked as well."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class VaultSettings(_Section):
    """How this device opens its vault; used once, by `init` and `restore`."""

    unlock: Literal["credential", "pin", "passphrase"] = "credential"


class DisplaySettings(_Section):
    """The panel."""

    board: Board = "generic"
    driver: Driver | None = None
    """None: the board's; "none": there is no panel."""
    reveal: Literal["always", "on_press"] = "always"
    dim_after_seconds: Seconds = 30
    """Without a press; 0 = never."""
    blank_after_seconds: Seconds = 300
    """Without a press; 0 = never."""


class ButtonSettings(_Section):
    """The buttons."""

    backend: Literal["rpi-gpio", "none"] = "rpi-gpio"


class ClockSettings(_Section):
    """Time."""

    require_trusted: bool = True
    """Show no code of a clock that nothing vouches for."""


class TlsSettings(_Section):
    """Encryption of the link to the broker."""

    enabled: bool = True
    ca_file: FilePath | None = None
    """None: the system's certificate authorities."""
    cert_file: FilePath | None = None
    key_file: FilePath | None = None

    @field_validator("key_file")
    @classmethod
    def _comes_with_a_certificate(cls, key_file: Path | None, info: ValidationInfo) -> Path | None:
        if "cert_file" in info.data and (key_file is None) != (info.data["cert_file"] is None):
            raise PydanticCustomError("contradiction", "cert_file and key_file only work together")
        return key_file


class MqttSettings(_Section):
    """The broker."""

    host: Annotated[Text, AfterValidator(_host)] | None = None
    """None: no broker."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    username: Text | None = None
    password_file: FilePath | None = None
    topic_prefix: Topic = "otp-appliance"
    tls: TlsSettings = TlsSettings()

    @field_validator("password_file")
    @classmethod
    def _comes_with_a_username(cls, password_file: Path | None, info: ValidationInfo) -> Path | None:
        if password_file is not None and info.data.get("username", "?") is None:
            raise PydanticCustomError("contradiction", "a password needs mqtt.username too")
        return password_file


class HomeAssistantSettings(_Section):
    """What Home Assistant is told."""

    enabled: bool = False
    discovery_prefix: Topic = "homeassistant"


class Settings(BaseSettings):
    """All settings. Constructing it reads neither the environment nor a file: that is `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    name: Name | None = None
    """This device; None: the host's name. Used once, by `init` and `restore`."""
    state_dir: FilePath = Path("/var/lib/otp-appliance")
    runtime_dir: FilePath = Path("/run/otp-appliance")
    vault: VaultSettings = VaultSettings()
    display: DisplaySettings = DisplaySettings()
    buttons: ButtonSettings = ButtonSettings()
    clock: ClockSettings = ClockSettings()
    mqtt: MqttSettings = MqttSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the sources left out are passed by name
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- pydantic-settings names the arguments
        init_settings: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the arguments and nothing else."""
        return (init_settings,)


def load(path: Path | None, environ: Mapping[str, str], *, default: Path = DEFAULT_PATH) -> Settings:
    """Return the settings of the file at `path`, or the one `$APPLIANCE_CONFIG` names, or `default`.

    `default` may be missing, a named file may not. An empty variable counts as not set, and `null` in one as null.
    Relative paths in the file count from the file's folder, those in variables from the working directory.
    Blocks for one small read. Raises ConfigurationInvalid, which lists every problem, and nothing else.
    """
    if path is None and environ.get(NAMED_BY):
        path = Path(environ[NAMED_BY])
    document = _document(path or default, required=path is not None)
    variables = _variables(environ)
    problems = [*document.problems, *variables.problems]
    try:
        settings = Settings(**_merged(document.values, variables.values))
    except ValidationError as trouble:
        # A file that could not be read contradicts nothing: the missing half may well stand in it.
        problems += [
            _Problem(document.lines.get(key, _LAST), _labelled(key, document, variables, _reason(error)))
            for error in trouble.errors(include_url=False)
            for key in [".".join(map(str, error["loc"]))]
            if document.usable or error["type"] != "contradiction"
        ]
    if problems:
        raise _report(document, sorted(problems, key=lambda problem: problem.line))
    return settings


def settings_keys(model: type[BaseModel] = Settings) -> Iterator[str]:
    """Yield the dotted key of every setting, in the order of the example."""
    for key, setting in model.model_fields.items():
        section = _section_of(setting.annotation)
        if section is None:
            yield key
        else:
            yield from (f"{key}.{inner}" for inner in settings_keys(section))


_LAST: Final = 10**9
"""Sorts problems without a line (those of variables) behind the file's."""


@dataclass(frozen=True, slots=True)
class _Problem:
    line: int
    text: str


@dataclass(slots=True)
class _Document:
    """What a configuration file says."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Dotted key -> where it stands, from 1."""
    problems: list[_Problem] = field(default_factory=list)
    usable: bool = True
    hint: str = "correct what is listed; config.example.yaml shows every setting with its default"

    def spoil(self, text: str, line: int | None = None) -> "_Document":
        """Say why nothing in the file can be used."""
        self.usable = False
        self.problems.append(_Problem(line or 0, f"line {line}: {text}" if line else text))
        return self


@dataclass(frozen=True, slots=True)
class _Variables:
    """What the environment says."""

    values: dict[str, Any]
    names: dict[str, str]
    """Dotted key -> the variable that set it."""
    problems: list[_Problem]


def _report(document: _Document, problems: list[_Problem]) -> ConfigurationInvalid:
    texts = [problem.text for problem in problems]
    why = texts[0] if len(texts) == 1 else "\n  ".join([f"{len(texts)} problems:", *texts])
    return ConfigurationInvalid(f"can't use the configuration {document.name}".rstrip(), why, document.hint)


def _document(path: Path, *, required: bool) -> _Document:
    document = _Document(str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        if not required:
            return _Document("in the environment")
        document.hint = "name a file that exists, or none for the defaults; config.example.yaml is a start"
        return document.spoil("there is no such file")
    except OSError as trouble:
        document.hint = "make it a file that this user may read, or name another with --config"
        return document.spoil(f"can't read it: {(trouble.strerror or 'input error').lower()}")
    if len(raw) > LIMIT:
        return document.spoil(f"it has more than {LIMIT:,} bytes, so it is something else")
    return _parse(raw, document, path.absolute().parent)


def _parse(raw: bytes, document: _Document, folder: Path) -> _Document:
    try:
        text = raw.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            text = text.replace("\t", " ")  # JSON may be indented with tabs, which PyYAML refuses anywhere
        # Nodes instead of values: they keep lines, duplicate keys and the words as they were written.
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except UnicodeDecodeError as trouble:
        return document.spoil("isn't UTF-8 text", raw.count(b"\n", 0, trouble.start) + 1)
    except yaml.MarkedYAMLError as trouble:
        return document.spoil(f"isn't YAML: {_syntax(trouble)}", _line(trouble.problem_mark))
    except yaml.reader.ReaderError as trouble:
        return document.spoil("has a control character in it", text.count("\n", 0, trouble.position) + 1)
    except (ValueError, OverflowError, RecursionError):  # "\U00110000", "\UFFFFFFFF", ten thousand brackets
        return document.spoil("isn't YAML")
    if root is None or _is_null(root):
        return document
    if not isinstance(root, yaml.MappingNode):
        return document.spoil("isn't a list of settings, written `key: value`", _line(root.start_mark))
    document.values = _section(root, Settings, "", document, folder)
    return document


def _section(
    node: yaml.MappingNode, model: type[BaseModel], at: str, document: _Document, folder: Path
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node.start_mark)
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        dotted = at + key
        problem = _misplaced(dotted, key, model, document) or _unsuitable(value_node, model.model_fields[key])
        if problem:
            document.problems.append(_Problem(line, f"{_shown(dotted)} (line {line}): {problem}"))
            continue
        document.lines[dotted] = line
        section = _section_of(model.model_fields[key].annotation)
        if section is None:
            values[key] = _value(key, value_node, folder)
        elif isinstance(value_node, yaml.MappingNode):
            values[key] = _section(value_node, section, f"{dotted}.", document, folder)
    return values


def _misplaced(dotted: str, key: str, model: type[BaseModel], document: _Document) -> str:
    if key in model.model_fields:
        first = document.lines.get(dotted)
        return f"given twice, first in line {first}" if first else ""
    known = _every_key()
    if dotted in known:
        return f"write `{dotted.rpartition('.')[2]}` indented below `{dotted.rpartition('.')[0]}`"
    return f"no such setting{_meant(dotted, known)}"


def _unsuitable(node: yaml.Node, setting: Any) -> str:
    """Say why a section can't have this value; "" for what pydantic will judge."""
    if _section_of(setting.annotation) is None or isinstance(node, yaml.MappingNode) or _is_null(node):
        return ""
    return "expected settings, indented below it"


def _value(key: str, node: yaml.Node, folder: Path) -> str | list[str] | None:
    if not isinstance(node, yaml.ScalarNode):
        return []  # no setting is a list or a mapping: whatever is in it, pydantic says what was expected
    if _is_null(node):
        return None
    text = str(node.value)
    return str(folder / text) if text and key.endswith(("_dir", "_file")) else text


def _is_null(node: yaml.Node) -> bool:
    return (
        isinstance(node, yaml.ScalarNode)
        and not node.style
        and node.value in {"", "~", "null", "Null", "NULL"}
    )


def _variables(environ: Mapping[str, str]) -> _Variables:
    known = {PREFIX + key.replace(".", "__").upper(): key for key in settings_keys()}
    given = {name: text for name, text in environ.items() if name in known and text}
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): None if text == "null" else text for name, text in given.items()}
    return _Variables(
        values=source(),
        names={known[name]: name for name in given},
        problems=[
            _Problem(_LAST, f"{_shown(name)}: no such variable{_meant(name.upper(), list(known), PREFIX)}")
            for name in sorted(environ)
            if name.startswith(PREFIX) and name not in known and name != NAMED_BY
        ],
    )


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return under | {
        key: _merged(under.get(key, {}), value) if isinstance(value, dict) else value
        for key, value in over.items()
    }


def _labelled(key: str, document: _Document, variables: _Variables, reason: str) -> str:
    if key in variables.names:
        return f"{variables.names[key]}: {reason}"
    line = document.lines.get(key)
    return f"{key} (line {line}): {reason}" if line else f"{key}: {reason}"


_REASONS: Final = {
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a smaller number",
    "int_type": "expected a whole number",
    "greater_than_equal": "expected {ge} or more",
    "less_than_equal": "expected {le} or less",
    "literal_error": "expected {expected}",
    "path_type": "expected a path",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected something, or null",
    "string_type": "expected text",
    "string_unicode": "expected text",
    "value_error": "{error}",
}
_SHOWN: Final = {"bool_parsing", "int_parsing", "greater_than_equal", "less_than_equal", "literal_error"}
"""Problems that repeat the value: numbers and choices. No other value is ever shown, it could be a password."""


def _reason(error: ErrorDetails) -> str:
    template = _REASONS.get(error["type"])
    reason = template.format(**error.get("ctx", {})) if template else error["msg"]
    choices = re.findall("'([^']+)'", reason) if error["type"] == "literal_error" else []
    reason = reason.replace("'", "")
    value = error["input"]
    if error["type"] not in _SHOWN or not isinstance(value, str):
        return reason
    return f"{reason}, not {_shown(value)!r}{_meant(value, choices)}"


def _meant(word: str, words: list[str], prefix: str = "") -> str:
    """Ask for the closest of `words`, compared without the prefix that all of them share."""
    bare = [each.removeprefix(prefix) for each in words]
    close = difflib.get_close_matches(word.removeprefix(prefix), bare, n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def _every_key() -> list[str]:
    keys = list(settings_keys())
    return keys + sorted({key.rpartition(".")[0] for key in keys} - {""})


def _section_of(annotation: object) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _syntax(trouble: yaml.MarkedYAMLError) -> str:
    """Return the parser's words without what they quote from the file but single signs."""
    return _shown(
        re.sub(r"\b(alias|anchor|tag handle) .*", r"\1", trouble.problem or "").removeprefix("but ")
    )


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _shown(text: str) -> str:
    """Return at most 60 characters of `text`, on one line."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    return plain if len(plain) <= 60 else f"{plain[:59]}…"
