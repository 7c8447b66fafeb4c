"""SQLite databases of phones: plain tables are read from memory, and nothing that a file brings along is run.

Rules: no view, trigger, virtual table, computed column or function of a file is executed, whatever its schema says;
SQLite gets statements written here, and an authorizer lets it read the named tables and do nothing else. A tree of
pages that is broken or endless ends in an error or at a limit. Text that is not UTF-8 costs one letter. Source:
SQLite's own pages "Database File Format" and "Defense Against The Dark Arts".
"""

import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from appliance.transfer.entry import ENTRY_LIMIT
from appliance.transfer.trouble import damaged

MAGIC: Final = b"SQLite format 3\0"
_SCHEMA_LIMIT: Final = 1_000
"""Tables and indexes of one file; apps have dozens."""
_STEPS: Final = 10_000
_BUDGET: Final = 1_000
"""Times `_STEPS` steps of SQLite's machine: a third of a second; 50,000 rows of an app take a tenth of it."""
_LIMITS: Final = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 1 << 20),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1 << 16),
    (sqlite3.SQLITE_LIMIT_COLUMN, 500),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 50),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
)
_PRAGMAS: Final = ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON")
_WHOLE_LIMIT: Final = 16 << 20
"""Bytes; what was cut off may have been longer than what may be read."""
_BROKEN: Final = (sqlite3.Error, ValueError)
"""What broken bytes raise; ValueError if a name of the schema, or a message about it, is no UTF-8."""
_SCHEMA: Final = "sqlite_master"
# SQLite writes these words itself, whatever the app's spelling was: in a file that it wrote there are no others.
_KNOWN: Final = re.compile(r"CREATE (TABLE|INDEX|UNIQUE INDEX|VIEW|TRIGGER) ")
_PLAIN: Final = re.compile(r"CREATE TABLE (?!.*\bAS\b)", re.DOTALL | re.IGNORECASE)
"""A table without computed columns, which are `... AS (...)`."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database in memory; names are in lower case."""

    data: bytes = field(repr=False)
    tables: Mapping[str, frozenset[str]]
    """The columns of each plain table."""
    cut_off: bool
    """Whether the end of the file is missing."""
    write_ahead: bool
    """Whether the app may have kept its latest changes in a second file."""

    def has(self, table: str, *columns: str) -> bool:
        """Whether there is a plain table with all of these columns."""
        return self.tables.get(table, frozenset()).issuperset(columns) and table in self.tables

    def rows(self, title: str, table: str, columns: Sequence[str]) -> Iterator[dict[str, object]]:
        """Return the rows of a table of the program `title`, in their order: of the columns, those that exist.

        Raises FileDamaged.
        """
        if self.cut_off:
            raise damaged(title, "it is cut off")
        names = [name for name in columns if name in self.tables[table]]
        size = 0
        try:
            with closing(_connection(self.data, {table})) as connection:
                for row in connection.execute(_select(table, names, ENTRY_LIMIT + 1)):
                    size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
                    if size > len(self.data):
                        raise damaged(title, "its rows are longer than the file")
                    yield dict(zip(names, row, strict=True))
        except _BROKEN:
            raise damaged(title, "its database is broken") from None

    def warnings(self) -> tuple[str, ...]:
        """Return what its owner should know of it."""
        if not self.write_ahead:
            return ()
        return (
            "what was added last may be missing: the app keeps it in a file of the same name with -wal at its end",
        )


def opened(data: bytes) -> Database | None:
    """Return the database; None for anything else, for a broken schema, and for one with virtual tables."""
    if not data.startswith(MAGIC):
        return None
    # A database in memory has no second file, and SQLite refuses one that claims to (2): 1 is the mode without.
    missing = _cut_off(data)
    plain = data[:18] + b"\1\1" + data[20:] + bytes(missing)
    allowed: set[str] = set()
    try:
        with closing(_connection(plain, allowed)) as connection:
            schema = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchmany(
                _SCHEMA_LIMIT + 1
            )
            if len(schema) > _SCHEMA_LIMIT or not all(map(_is_known, schema)):
                return None
            allowed.update(
                name.lower() for kind, name, sql in schema if kind == "table" and _PLAIN.match(sql)
            )
            tables = {name: _columns(connection, name) for name in sorted(allowed)}
    except _BROKEN:
        return None
    return Database(plain, tables, cut_off=missing > 0, write_ahead=data[18:20] == b"\2\2")


def _cut_off(data: bytes) -> int:
    """Return how many bytes are missing, as far as the header tells: with zeros there, the schema can still be read."""
    whole = int.from_bytes(data[16:18], "big") * int.from_bytes(data[28:32], "big")
    counted = data[24:28] == data[92:96]  # else the number of pages is not kept, by very old releases
    return max(whole - len(data), 0) if counted and whole <= _WHOLE_LIMIT else 0


def _is_known(row: tuple[object, object, object]) -> bool:
    kind, name, sql = row
    if kind == "index" and sql is None:  # SQLite's own, of a primary key
        return True
    return isinstance(name, str) and isinstance(sql, str) and _KNOWN.match(sql) is not None


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    described = connection.execute(_select(table, (), 0)).description
    return frozenset(column[0].lower() for column in described)


def _select(table: str, columns: Collection[str], rows: int) -> str:
    listed = ", ".join(map(_quoted, columns)) or "*"
    # NOT INDEXED: in a broken file an index need not agree with its table.
    return f"SELECT {listed} FROM {_quoted(table)} NOT INDEXED LIMIT {rows}"  # noqa: S608 - quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _connection(data: bytes, tables: Collection[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.deserialize(data)
    for limit, most in _LIMITS:
        connection.setlimit(limit, most)
    budget = iter(range(_BUDGET))
    connection.set_progress_handler(lambda: next(budget, None) is None, _STEPS)
    connection.set_authorizer(_reading(tables))
    return connection


def _reading(tables: Collection[str]) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    def allow(
        action: int, table: str | None, _column: str | None, _base: str | None, within: str | None
    ) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        read = action == sqlite3.SQLITE_READ and within is None and table is not None
        known = read and (table == _SCHEMA or str(table).lower() in tables)
        return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY

    return allow
