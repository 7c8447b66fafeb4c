"""Everything that is wrong with a configuration, in one error.

A value is repeated only where it can't be a password: numbers and choices.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic_core import ErrorDetails

from appliance.errors import ConfigurationInvalid
from appliance.settings.values import MISREAD

LAST: Final = 10**9
"""The line of a problem that is in no file: it sorts behind those that are."""

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
_SHOWN: Final = {
    "bool_parsing",
    "int_parsing",
    "greater_than_equal",
    "less_than_equal",
    "literal_error",
    MISREAD,
}
"""Problems that repeat the value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    line: int
    """Of the file, from 1; 0: the file as a whole."""
    text: str


def report(name: str, problems: Iterable[Problem], hint: str) -> ConfigurationInvalid:
    """Return the error that tells all problems of the configuration of this name, in the order of the file."""
    texts = [problem.text for problem in sorted(problems, key=lambda problem: problem.line)]
    why = texts[0] if len(texts) == 1 else "\n  ".join([f"{len(texts)} problems:", *texts])
    return ConfigurationInvalid(f"can't use the configuration {name}".rstrip(), why, hint)


def reason(error: ErrorDetails) -> str:
    """Return what pydantic found, in our words."""
    context = error.get("ctx", {})
    template = _REASONS.get(error["type"])
    words = template.format(**context) if template else error["msg"]
    choices: list[str] = []
    if error["type"] == "literal_error":
        choices = re.findall("'([^']+)'", words)
        words = words.replace("'", "")
    value = error["input"]
    if error["type"] not in _SHOWN or not isinstance(value, str):
        return words
    return f"{words}, not {shown(value)!r}{asked(context.get('meant') or closest(value, choices))}"


def closest(word: str, words: list[str], prefix: str = "") -> str:
    """Return the word that was probably meant, compared without the prefix that all of them share; "": none."""
    bare = [each.removeprefix(prefix) for each in words]
    close = difflib.get_close_matches(word.removeprefix(prefix), bare, n=1)
    return f"{prefix}{close[0]}" if close else ""


def asked(meant: str) -> str:
    """Return the end of a sentence that asks for what was meant."""
    return f"; did you mean {meant}?" if meant else ""


def shown(text: str) -> str:
    """Return at most 60 characters of `text`, on one line."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    return plain if len(plain) <= 60 else f"{plain[:59]}…"
