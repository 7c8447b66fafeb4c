"""The table in the broker guide was made by the matrix as it is now."""

from pathlib import Path

import pytest

from tests.brokers import free_port, mosquitto, password_file
from tests.household import household
from tests.matrix import __main__ as matrix
from tests.matrix.__main__ import BEGIN, COLUMNS, END, GUIDE, table, write
from tests.matrix.servers import KINDS, SKIPPED
from tests.matrix.trial import PASSPHRASE, SEED, Row


def between_marks() -> str:
    return GUIDE.read_text().partition(BEGIN)[2].partition(END)[0]


def test_the_guide_has_the_columns_of_the_matrix() -> None:
    header = next(line for line in between_marks().splitlines() if line.startswith("| broker"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["broker", "settings", *COLUMNS]


@pytest.mark.parametrize("name", KINDS)
def test_the_guide_tells_of_every_broker_of_the_matrix(name: str) -> None:
    kind, lines = KINDS[name], between_marks().splitlines()
    wanted = f"({kind.source}) | {kind.settings} |"
    rows = [line for line in lines if line.startswith(f"| {kind.title} ") and wanted in line]
    assert rows or any(line.startswith(f"- {kind.title} ({name})") for line in lines)


def test_the_guide_names_what_could_not_be_tried() -> None:
    assert all(f"- {name}: {why}" in between_marks() for name, why in SKIPPED.items())


def test_what_is_long_becomes_a_note_that_equal_cells_share() -> None:
    said = "unverified: it could not be read back"
    made = table({"amqtt": ("1.0", Row({"first backup": "1.0 s", "change": said, "list": said}))}, {})
    row = next(line for line in made.splitlines() if line.startswith("| amqtt 1.0 (PyPI)"))
    assert row.count("[1]") == 2
    assert f"\n1. {said}\n" in f"{made}\n"
    assert "[2]" not in made


def test_only_what_is_between_the_marks_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = tmp_path / "README.md"
    guide.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.setattr(matrix, "GUIDE", guide)
    write("new")
    write("newer")
    assert guide.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"


@pytest.mark.broker
def test_the_acl_of_the_guide_is_all_that_a_device_needs(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(
        "".join(f"{line}\n" for line in GUIDE.read_text().splitlines() if line.startswith("pattern "))
    )
    with household(tmp_path, free_port(), "desk") as (desk,):
        desk.does("init", "--passphrase-file", desk.secret_file("passphrase", PASSPHRASE))
        desk.does("add", "-", stdin=f"otpauth://totp/Shop:anna?secret={SEED}&issuer=Shop")
        device = desk.json("status")["device"]
        users = password_file(tmp_path, **{device: "secret"})
        lines = (f"password_file {users}", f"acl_file {acl}", "allow_anonymous false")
        with mosquitto(tmp_path, *lines) as broker:
            login = {"username": device, "password_file": desk.secret_file("mqtt-password", "secret")}
            desk.set(mqtt={"host": "127.0.0.1", "port": broker.port, "tls": {"enabled": False}, **login})
            desk.start()
            desk.until_verified(2)
            assert device in desk.does("backup", "list", "--json")
            desk.does("backup", "verify")
            assert "Denied" not in broker.log()
