"""What a configuration file says, and in which line."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from appliance.settings.report import Problem, asked, closest, shown
from appliance.settings.tree import Settings, every_key, section_of

LIMIT: Final = 100_000
"""Bytes of a file that are still taken for a configuration; the example has 5,000."""


@dataclass(slots=True)
class Document:
    """What a configuration file says."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Dotted key -> where it stands, from 1."""
    problems: list[Problem] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    """Dotted keys that the file probably means to set, and does not."""
    usable: bool = True
    hint: str = "correct what is listed; config.example.yaml shows every setting with its default"

    def spoil(self, text: str, line: int | None = None) -> "Document":
        """Say why nothing in the file can be used."""
        self.usable = False
        self.problems.append(Problem(line or 0, f"line {line}: {text}" if line else text))
        return self


def document_at(path: Path, *, required: bool) -> Document:
    """Return what the file says; blocks for one small read. Raises nothing: what is wrong is in `problems`."""
    document = Document(str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        if not required:
            return Document("in the environment")
        document.hint = "name a file that exists, or none for the defaults; config.example.yaml is a start"
        return document.spoil("there is no such file")
    except OSError as trouble:
        document.hint = "make it a file that this user may read, or name another with --config"
        return document.spoil(f"can't read it: {(trouble.strerror or 'input error').lower()}")
    if len(raw) > LIMIT:
        return document.spoil(f"it has more than {LIMIT:,} bytes, so it is something else")
    return _parse(raw, document, path.absolute().parent)


def _parse(raw: bytes, document: Document, folder: Path) -> Document:
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
    node: yaml.MappingNode, model: type[BaseModel], at: str, document: Document, folder: Path
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node.start_mark)
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        dotted = at + key
        problem = _misplaced(dotted, key, model, document) or _unsuitable(value_node, model.model_fields[key])
        if problem:
            document.problems.append(Problem(line, f"{shown(dotted)} (line {line}): {problem}"))
            document.doubts.add(_meant(dotted))
            continue
        document.lines[dotted] = line
        section = section_of(model.model_fields[key].annotation)
        if section is None:
            values[key] = _value(key, value_node, folder)
        elif isinstance(value_node, yaml.MappingNode):
            values[key] = _section(value_node, section, f"{dotted}.", document, folder)
    return values


def _misplaced(dotted: str, key: str, model: type[BaseModel], document: Document) -> str:
    if key in model.model_fields:
        first = document.lines.get(dotted)
        return f"given twice, first in line {first}" if first else ""
    if dotted in every_key():
        return f"write `{dotted.rpartition('.')[2]}` indented below `{dotted.rpartition('.')[0]}`"
    return f"no such setting{asked(_meant(dotted))}"


def _meant(dotted: str) -> str:
    """Return the key that is most like this one; "": none is."""
    known = every_key()
    section, _, name = dotted.rpartition(".")
    deeper = [key for key in known if key.startswith(section) and key.endswith(f".{name}")]
    if dotted not in known and len(deeper) == 1:
        return deeper[0]
    if section not in known:
        return closest(dotted, known)
    # The name of a section that exists would make everything in it alike.
    return closest(dotted, [key for key in known if key.rpartition(".")[0] == section], f"{section}.")


def _unsuitable(node: yaml.Node, setting: Any) -> str:
    """Say why a section can't have this value; "" for what pydantic will judge."""
    if section_of(setting.annotation) is None or isinstance(node, yaml.MappingNode) or _is_null(node):
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


def _syntax(trouble: yaml.MarkedYAMLError) -> str:
    """Return the parser's words without what they quote from the file but single signs."""
    return shown(re.sub(r"\b(alias|anchor|tag handle) .*", r"\1", trouble.problem or "").removeprefix("but "))


def _line(mark: Any) -> int:
    return int(mark.line) + 1
