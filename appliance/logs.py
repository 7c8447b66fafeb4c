"""Logs: the package's logger, to stderr, one line per event.

Rules: a line reads `event key=value`, made by `line`. INFO is what an owner cares about, WARNING will be retried,
ERROR needs a person, DEBUG is every transition by the name of its state. Nobody logs a secret. Whatever is
logged, a traceback too, stays one line: nothing that came over a network can forge a second one.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Final

PACKAGE: Final = "appliance"
"""The logger that everything below `appliance` inherits from; the root logger is left alone."""

_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""sd-daemon(3): what a level is at least -> the journal's priority; anything less is 7, debug."""


def configure(verbose: bool, environ: Mapping[str, str]) -> None:  # noqa: FBT001 -- it is all there is to say
    """Send the package's logs to the present stderr, from DEBUG if `verbose`, else from INFO.

    With JOURNAL_STREAM set, which systemd does, lines carry a priority and no time, else a time and a level.
    Called again, it replaces what it did before.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(PACKAGE)
    handler.setFormatter(_Journal() if environ.get("JOURNAL_STREAM") else _Terminal())
    logger = logging.getLogger(PACKAGE)
    for former in [each for each in logger.handlers if each.name == PACKAGE]:
        logger.removeHandler(former)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


def line(event: str, /, **fields: object) -> str:
    """Return `event key=value key="two words"`, on one line.

    True, False and None are written as in the configuration; a value is quoted if it is empty or holds a space,
    a quote, an equals sign, a backslash or anything that does not print.
    """
    return " ".join([_one_line(event), *(f"{key}={_value(value)}" for key, value in fields.items())])


def _value(value: object) -> str:
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and text.isprintable() and not any(sign in text for sign in ' "=\\'):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_one_line(quoted)}"'


def _one_line(text: str) -> str:
    """Return `text` with every sign that does not print as Python would write it."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class _Journal(logging.Formatter):
    """`<6>event key=value`; the journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{_message(record)}"


class _Terminal(logging.Formatter):
    """`2026-01-31T18:30:00+0100 info event key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")
        return f"{moment} {record.levelname.lower()} {_message(record)}"


def _message(record: logging.LogRecord) -> str:
    message = _one_line(record.getMessage())
    if record.exc_info is None or record.exc_info[0] is None:
        return message
    return f"{message} traceback={_value(logging.Formatter().formatException(record.exc_info))}"
