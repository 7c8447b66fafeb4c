"""A foreign file, and every way of looking at its bytes: each is tried once, whichever formats ask for it.

Rules: asking never raises for whatever the bytes are (a format is being guessed), and never takes more memory than a
small multiple of the file: what has too many parts to be an authenticator's export counts as unreadable.
"""

import codecs
import csv
import io
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn
from xml.etree.ElementTree import Element

from appliance.transfer import database
from appliance.transfer.archive import Archive, opened

PART_LIMIT: Final = 500_000
"""Objects, lists, elements or fields of a file; 50,000 accounts have no more."""
LINE_LIMIT: Final = 100_000
"""Lines of a text; links take a second then."""


@dataclass(frozen=True, slots=True)
class Table:
    """A text with delimited values and a header."""

    header: tuple[str, ...]
    """In lower case, without outer spaces."""
    rows: tuple[tuple[str, ...], ...]
    """Each of any width."""


class Content:
    """The bytes of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def text(self) -> str | None:
        """The text without a byte order mark; None for binary content. A byte that is not UTF-8 costs one letter.

        Bytes of zero at its end do not count: OTPClient writes what ends a text in C, and the rest of its buffer.
        """
        if self.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self.data.decode("utf-16", errors="replace")
        data = self.data.rstrip(b"\0")
        return None if b"\0" in data else data.decode("utf-8-sig", errors="replace")

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """The lines that are neither blank nor comments (`#`), with their numbers from 1; none if this is no text."""
        # Not splitlines(): it also splits at characters that a raw label may hold, such as U+2028.
        text = (self.text or "").replace("\r\n", "\n").replace("\r", "\n")
        lines = enumerate(text.split("\n"), 1) if text.count("\n") <= LINE_LIMIT else ()
        return [
            (number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")
        ]

    @cached_property
    def empty(self) -> bool:
        """Whether this is a text of nothing but blank lines and comments."""
        return self.text is not None and not self.lines and self.text.count("\n") <= LINE_LIMIT

    @property
    def json(self) -> Any:
        """The value of a JSON text; None if it is none (a bare `null` is none either)."""
        return self._json[0]

    @property
    def json_problem(self) -> str | None:
        """Why a text that begins like JSON can't be read as such."""
        return self._json[1]

    @property
    def begins_like_json(self) -> bool:
        """Whether the text begins with a bracket."""
        return (self.text or "").lstrip()[:1] in {"{", "["}

    @cached_property
    def _json(self) -> tuple[Any, str | None]:
        text = self.text or ""
        if not self.begins_like_json:
            return None, None
        if text.count("{") + text.count("[") + text.count(",") > PART_LIMIT:
            return None, "it has too many parts"
        try:
            return json.loads(text, parse_constant=_no_constant), None
        except json.JSONDecodeError as error:
            return None, f"it is no valid JSON from line {error.lineno}, column {error.colno} on"
        except RecursionError:
            return None, "its JSON is nested too deeply"
        except ValueError:
            return None, "it is no valid JSON"

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of a JSON object; empty for anything else."""
        return frozenset(self.json) if isinstance(self.json, dict) else frozenset()

    @cached_property
    def table(self) -> Table | None:
        """The rows of delimited text with a header of at least two columns (`,`, `;` or tab); None for anything else."""
        text = self.text
        if text is None or self.begins_like_json or text.lstrip()[:1] == "<":
            return None
        head = text.lstrip().partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        parts = text.count(delimiter) + max(text.count("\n"), text.count("\r"))
        if not head.count(delimiter) or parts > PART_LIMIT:
            return None
        # A note may be longer than the 128 KiB that are the default.
        csv.field_size_limit(max(len(text), csv.field_size_limit()))
        try:
            # Not splitlines(): it also ends a row at characters that a value may hold, such as U+2028.
            rows = [
                tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row
            ]
        except csv.Error:
            return None
        return Table(tuple(cell.strip().lower() for cell in rows[0]), tuple(rows[1:])) if rows else None

    @cached_property
    def archive(self) -> Archive | None:
        """The zip archive; None for anything else."""
        return opened(self.data)

    @cached_property
    def database(self) -> database.Database | None:
        """The SQLite database; None for anything else."""
        return database.opened(self.data)

    @cached_property
    def xml(self) -> Element | None:
        """The root of an XML text without a document type; None for anything else."""
        text = self.text
        if text is None or text.lstrip()[:1] != "<" or text.count("<") > PART_LIMIT:
            return None
        import defusedxml
        from defusedxml.ElementTree import ParseError, fromstring

        try:
            # From the text, as an encoding that the file declares was dealt with already.
            root: Element = fromstring(_undeclared(text), forbid_dtd=True)
        except (ParseError, defusedxml.DefusedXmlException, ValueError, RecursionError):
            return None
        return root


def _undeclared(text: str) -> str:
    trimmed = text.lstrip()
    return trimmed.partition("?>")[2] if trimmed.startswith("<?xml") else trimmed


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
