"""SQLite databases: plain tables are read, and nothing that a file brings along is run, however it is dressed."""

import sqlite3
import time
from contextlib import closing

import pytest

from appliance.errors import FileDamaged
from appliance.transfer.database import Database, opened
from tests.transfer.samples.phones import database

COLUMNS = "id INTEGER PRIMARY KEY, name TEXT, kind INTEGER"
ROWS = ({"name": "alice", "kind": 0}, {"name": "bob", "kind": 1})
ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS name FROM r"


def whole(data: bytes) -> Database:
    result = opened(data)
    assert result is not None
    return result


def rows(data: bytes, *columns: str) -> list[dict[str, object]]:
    return list(whole(data).rows("Test", "accounts", columns))


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a database whose schema lies: SQLite itself would not write it."""
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new)


def test_the_rows_come_in_their_order_with_the_columns_that_exist() -> None:
    assert rows(database(COLUMNS, ROWS), "kind", "name", "other") == [
        {"kind": 0, "name": "alice"},
        {"kind": 1, "name": "bob"},
    ]


def test_names_are_found_in_any_case_and_with_any_characters() -> None:
    data = database(
        COLUMNS, (), 'CREATE TABLE "Odd ""Table" ("A b" TEXT)', """INSERT INTO "Odd ""Table" VALUES (1)"""
    )
    assert whole(data).has('odd "table', "a b")
    assert list(whole(data).rows("Test", 'odd "table', ("a b",))) == [{"a b": "1"}]


def test_what_is_asked_for_must_be_there() -> None:
    tables = whole(database(COLUMNS, ROWS))
    assert tables.has("accounts", "name", "kind")
    assert not tables.has("accounts", "name", "secret")
    assert not tables.has("others")


def test_text_that_is_not_utf_8_costs_a_letter_and_bytes_stay_bytes() -> None:
    data = database(COLUMNS, ({"name": "caf#", "kind": b"\xff"}, {"name": None, "kind": 1.5}))
    assert rows(data.replace(b"caf#", b"caf\xe9"), "name", "kind") == [
        {"name": "caf\ufffd", "kind": b"\xff"},
        {"name": None, "kind": 1.5},
    ]


def test_a_database_in_utf_16_is_read() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16'")
        connection.execute("CREATE TABLE other (a)")
        started = bytes(connection.serialize())
    data = database(COLUMNS, ({"name": "Zoë"},), empty=started)
    assert "Zoë".encode("utf-16-le") in data
    assert rows(data, "name") == [{"name": "Zoë"}]


def test_a_database_with_a_second_file_of_changes_is_read_as_it_is_and_told() -> None:
    data = database(COLUMNS, ROWS)
    ahead = data[:18] + b"\2\2" + data[20:]
    assert rows(ahead, "name") == rows(data, "name")
    assert whole(data).warnings() == ()
    assert len(whole(ahead).warnings()) == 1


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE accounts", f"CREATE VIEW accounts AS {ENDLESS}"),
        ("DROP TABLE accounts", "CREATE TABLE accounts (name TEXT, x AS (hex(zeroblob(1000000))))"),
        ("DROP TABLE accounts", "CREATE TABLE accounts (name TEXT, x GENERATED ALWAYS AS (1) STORED)"),
    ],
)
def test_what_would_have_to_be_computed_is_no_table(statements: tuple[str, ...]) -> None:
    assert not whole(database(COLUMNS, (), *statements)).has("accounts")


def test_a_virtual_table_makes_the_file_unreadable() -> None:
    assert opened(database(COLUMNS, (), "CREATE VIRTUAL TABLE v USING fts5(a)")) is None


def test_views_and_triggers_beside_a_plain_table_do_no_harm() -> None:
    data = database(
        COLUMNS,
        ROWS,
        f"CREATE VIEW v AS {ENDLESS}",
        "CREATE TRIGGER t AFTER INSERT ON accounts BEGIN DELETE FROM accounts; END",
        "CREATE UNIQUE INDEX i ON accounts (name)",
        "CREATE TABLE other (a TEXT PRIMARY KEY)",
    )
    assert len(rows(data, "name")) == 2


def test_a_view_that_calls_itself_a_table_is_not_run() -> None:
    # The schema has a table of this name, and what it says of it makes a view.
    data = database("name TEXT", (), f"CREATE VIEW secrets AS {ENDLESS}", "DROP TABLE accounts")
    lying = renamed(data, b"viewsecretssecrets", b"tablesecretssecret")
    started = time.monotonic()
    assert opened(lying) is None or not whole(lying).has("secrets")
    assert time.monotonic() - started < 1


def test_an_authorizer_refuses_all_but_reading_the_named_table() -> None:
    from appliance.transfer.database import _connection

    data = database(COLUMNS, ROWS, "CREATE TABLE others (a)", "CREATE VIEW v AS SELECT name FROM accounts")
    with closing(_connection(data, {"accounts"})) as connection:
        assert connection.execute("SELECT name FROM accounts").fetchall() == [("alice",), ("bob",)]
        for statement in (
            "SELECT a FROM others",
            "SELECT name FROM v",
            "SELECT upper(name) FROM accounts",
            "PRAGMA table_info(accounts)",
            "ATTACH 'file' AS x",
            "DELETE FROM accounts",
            "CREATE TABLE x (a)",
            ENDLESS,
        ):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement)
    with (
        closing(_connection(data, {"accounts", "v"})) as connection,
        pytest.raises(sqlite3.DatabaseError),
    ):
        connection.execute("SELECT name FROM v")


@pytest.mark.parametrize(
    ("pragma", "value"), [("trusted_schema", 0), ("cell_size_check", 1), ("query_only", 1)]
)
def test_what_keeps_a_schema_from_acting_is_on(pragma: str, value: int) -> None:
    from appliance.transfer.database import _connection

    with closing(_connection(database(COLUMNS, ROWS), set())) as connection:
        connection.set_authorizer(None)
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_a_query_without_an_end_is_stopped() -> None:
    from appliance.transfer.database import _connection

    with closing(_connection(database(COLUMNS, ROWS), set())) as connection:
        connection.set_authorizer(None)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(f"SELECT count(*) FROM ({ENDLESS})")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SQLite format 3",
        b"SQLite format 3\0",
        b"SQLite format 3\0" + bytes(4096),
        database(COLUMNS, ROWS)[:100],
        database(COLUMNS, (), *(f"CREATE TABLE t{number} (a)" for number in range(1001))),
        database(COLUMNS, ROWS).replace(b"CREATE TABLE", b"CREATE/*UE*/"),
        database(COLUMNS, ROWS).replace(b"accounts", b"\xff\xfe\xfdounts"),
        database(COLUMNS, ROWS).replace(b"name TEXT", b"na\xffe TEXT"),
    ],
)
def test_what_is_no_whole_schema_is_no_database(data: bytes) -> None:
    assert opened(data) is None


def test_a_page_that_is_gone_is_damage() -> None:
    data = database(COLUMNS, [{"name": "n" * 500, "kind": 0}] * 50)
    with pytest.raises(FileDamaged, match="broken"):
        rows(data[:4096] + bytes(len(data) - 4096), "name")


@pytest.mark.parametrize("length", [4096, 5000, -1])
def test_a_database_that_is_cut_off_is_known_by_its_first_page(length: int) -> None:
    data = database(COLUMNS, [{"name": "n" * 500, "kind": 0}] * 50)
    with pytest.raises(FileDamaged, match="cut off"):
        rows(data[:length], "name")


def test_the_number_of_pages_counts_only_if_it_is_kept() -> None:
    data = bytearray(database(COLUMNS, ROWS))
    data[28:32] = (100).to_bytes(4, "big")
    data[92:96] = (7).to_bytes(4, "big")
    assert len(rows(bytes(data), "name")) == 2


def test_rows_that_share_their_pages_are_damage() -> None:
    data = bytearray(database(COLUMNS, [{"name": "n" * 20_000}]))
    page, many = 4096, 150
    # The long value goes on in a chain of pages; here are many rows with the one chain.
    assert data[page + 3 : page + 5] == b"\0\1"
    data[page + 3 : page + 5] = many.to_bytes(2, "big")
    data[page + 8 : page + 8 + 2 * many] = data[page + 8 : page + 10] * many
    with pytest.raises(FileDamaged, match="longer than the file"):
        rows(bytes(data), "name")


def test_a_value_above_the_limit_is_damage() -> None:
    with pytest.raises(FileDamaged):
        rows(database(COLUMNS, [{"name": "n" * (1 << 20 | 1)}]), "name")
