"""Logs are one line per event, whatever is in them."""

import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import logs

JOURNAL = {"JOURNAL_STREAM": "8:12345"}


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Returns what went to stderr since it was last called; the package logger is afterwards as it was."""
    logger = logging.getLogger(logs.PACKAGE)
    handlers, level = logger.handlers[:], logger.level
    yield lambda: capsys.readouterr().err
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.parametrize(
    ("level", "priority"),
    [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 3)],
)
def test_the_journal_gets_a_priority_and_no_time(
    stderr: Callable[[], str], level: str, priority: int
) -> None:
    logs.configure(True, JOURNAL)
    getattr(logging.getLogger("appliance.loop"), level)(logs.line("opened", generation=4))
    assert stderr() == f"<{priority}>opened generation=4\n"


def test_a_terminal_gets_a_time_and_a_level(stderr: Callable[[], str]) -> None:
    logs.configure(False, {"JOURNAL_STREAM": ""})
    logging.getLogger("appliance").warning("broker-lost")
    moment, rest = stderr().split(" ", 1)
    assert rest == "warning broker-lost\n"
    assert [moment[at] for at in (4, 7, 10, 13, 16)] == ["-", "-", "T", ":", ":"]
    assert moment[19] in "+-"


def test_debug_lines_appear_only_when_verbose(stderr: Callable[[], str]) -> None:
    logs.configure(False, JOURNAL)
    logging.getLogger("appliance.core").debug("hidden")
    logging.getLogger("appliance.core").info("seen")
    assert stderr() == "<6>seen\n"


def test_configuring_twice_writes_each_line_once_and_the_last_wins(stderr: Callable[[], str]) -> None:
    logs.configure(True, {})
    logs.configure(False, JOURNAL)
    logging.getLogger("appliance").debug("hidden")
    logging.getLogger("appliance").info("once")
    assert stderr() == "<6>once\n"


def test_other_handlers_and_other_loggers_are_left_alone(stderr: Callable[[], str]) -> None:
    other = logging.NullHandler()
    logging.getLogger(logs.PACKAGE).addHandler(other)
    before = logging.getLogger().handlers[:], logging.getLogger().level
    logs.configure(True, JOURNAL)
    logs.configure(True, JOURNAL)
    assert other in logging.getLogger(logs.PACKAGE).handlers
    assert before == (logging.getLogger().handlers, logging.getLogger().level)
    logging.getLogger("paho").debug("not ours")
    assert stderr() == ""


def test_a_message_cannot_forge_a_second_line(stderr: Callable[[], str]) -> None:
    logs.configure(True, JOURNAL)
    logging.getLogger("appliance").info("from the broker: %s", "x\n<2>forged\x1b[2J\r\u2028\x85")
    assert stderr() == "<6>from the broker: x\\n<2>forged\\x1b[2J\\r\\u2028\\x85\n"


def test_a_traceback_is_on_the_line_of_its_event(stderr: Callable[[], str]) -> None:
    logs.configure(True, JOURNAL)
    try:
        int("odd")
    except ValueError:
        logging.getLogger("appliance").exception("crashed")
    text = stderr()
    assert text.startswith('<3>crashed traceback="Traceback (most recent call last):\\n')
    assert text.endswith("""base 10: 'odd'"\n""")
    assert text.count("\n") == 1


def test_an_event_logged_outside_an_exception_has_no_traceback(stderr: Callable[[], str]) -> None:
    logs.configure(True, JOURNAL)
    logging.getLogger("appliance").error("crashed", exc_info=True)  # noqa: LOG014 -- that is the point
    assert stderr() == "<3>crashed\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, "7"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("desk", "desk"),
        ("Ørsted", "Ørsted"),
        ("", '""'),
        ("two words", '"two words"'),
        ('a"b', '"a\\"b"'),
        ("a=b", '"a=b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_a_value_is_quoted_only_when_it_has_to_be(value: object, written: str) -> None:
    assert logs.line("e", value=value) == f"e value={written}"


def test_a_line_without_fields_is_the_event() -> None:
    assert logs.line("started") == "started"


def test_a_field_may_be_called_event() -> None:
    assert logs.line("dropped", event="Moved") == "dropped event=Moved"


@given(st.text(), st.text())
def test_a_line_is_always_one_printable_line(event: str, value: str) -> None:
    assert logs.line(event, value=value).isprintable()
