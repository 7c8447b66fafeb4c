"""The main job, end to end: a code on the display, a verified backup on a real broker, a second Pi restored.

Everything here is a real process: mosquitto, two daemons, and every command as a person types it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.vault.model import Account, base32_decode
from appliance.vault.otp import code_at, code_for
from tests.brokers import MOSQUITTO, Mosquitto, mosquitto
from tests.household import Appliance, household

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

ROOT = Path(__file__).parent.parent.parent
BANK = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"
SHORT = "JBSWY3DPEHPK3PXP"
URIS = (
    f"otpauth://totp/Bank:anna?secret={BANK}&algorithm=SHA256&digits=8&period=60&issuer=Bank",
    "otpauth://hotp/Wiki:editor?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=5&issuer=Wiki",
    f"otpauth://totp/GitHub:anna?secret={SHORT}&issuer=GitHub",
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(
        tmp_path / "broker", "allow_anonymous true", "persistence true", "autosave_interval 1"
    ) as running:
        yield running


@pytest.fixture
def pair(tmp_path: Path, broker: Mosquitto) -> Iterator[tuple[Appliance, Appliance]]:
    with household(tmp_path, broker.port, "desk", "shelf") as (desk, shelf):
        yield desk, shelf


def begun(desk: Appliance) -> Any:
    """Make a vault with three accounts, and return what `init` said."""
    made = desk.json("init")
    for uri in URIS:
        desk.does("add", "-", stdin=uri)
    return made


def retained(broker: Mosquitto, topic: str) -> bytes:
    command = [
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(broker.port),
        "-t",
        topic,
        "-C",
        "1",
        "-N",
        "-W",
        "10",
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout


def published(broker: Mosquitto, topic: str, payload: bytes) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-r", "-s"]
    subprocess.run(command, input=payload, check=True, timeout=20)


def deleted(broker: Mosquitto, topic: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-r", "-n"]
    subprocess.run(command, check=True, timeout=20)


def topic(made: Any) -> str:
    return f"otp-appliance/{made['vault']}/{made['device']}/backup"


def test_a_code_a_verified_backup_and_a_second_device(
    pair: tuple[Appliance, Appliance], broker: Mosquitto, tmp_path: Path
) -> None:
    desk, shelf = pair
    made = begun(desk)
    for name, account in (
        ("Bank", Account("u", "totp", "Bank", "anna", base32_decode(BANK), "SHA256", 8, 60)),
        ("GitHub", Account("u", "totp", "GitHub", "anna", base32_decode(SHORT))),
    ):
        assert desk.does("code", name, "--at", "1700000000").strip() == code_at(account, 1_700_000_000).text
    wiki = Account("u", "hotp", "Wiki", "editor", base32_decode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
    assert desk.does("code", "Wiki").strip() == code_for(wiki, 5).text
    assert desk.does("code", "Wiki").strip() == code_for(wiki, 6).text

    desk.start()
    before = desk.ask("frame")
    desk.does("press", "next")
    assert desk.ask("frame") != before
    desk.until_verified(desk.ask("status")["generation"])

    sealed = tmp_path / "retained.json"
    sealed.write_bytes(retained(broker, topic(made)))
    passphrase = desk.secret_file("passphrase", made["passphrase"] + "\n")
    opened = subprocess.run(
        [sys.executable, ROOT / "deploy" / "decrypt_backup.py", "--passphrase-file", passphrase, sealed],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert BANK in opened.stdout
    assert SHORT in opened.stdout

    recovery = shelf.secret_file("recovery", made["recovery_key"].lower().replace("-", " "))
    assert shelf.json("restore", "--passphrase-file", recovery)["backup"] == "verified"
    assert shelf.json("list") == desk.json("list")
    assert shelf.does("code", "Bank", "--at", "1700000000") == desk.does("code", "Bank", "--at", "1700000000")

    shelf.start()
    shelf.until_verified(1)
    desk.until_verified(1)
    assert {one["device"] for one in desk.json("backup", "list")} == {
        made["device"],
        shelf.ask("status")["device"],
    }
    assert (desk.stop(), shelf.stop()) == (0, 0)


def test_the_backup_heals_whatever_the_broker_does_to_it(
    pair: tuple[Appliance, Appliance], broker: Mosquitto
) -> None:
    desk, _ = pair
    made = begun(desk)
    desk.start()
    desk.until_verified(4)
    older = retained(broker, topic(made))
    desk.does("add", "-", stdin="otpauth://totp/Later?secret=GEZDGNBVGY3TQOJQ")
    desk.until_verified(5)
    newest = retained(broker, topic(made))
    assert newest != older

    harms: tuple[Callable[[], None], ...] = (
        lambda: deleted(broker, topic(made)),
        lambda: published(broker, topic(made), older),
    )
    for harm in harms:
        harm()
        desk.until(lambda: desk.backup()["state"] != "verified", 5)
        desk.until_verified(5)
        assert retained(broker, topic(made)) == newest

    broker.kill()
    desk.until(lambda: desk.backup()["state"] == "offline", 10)
    desk.does("press", "next")  # codes stay on the display
    for left in broker.folder.glob("*.db"):
        left.unlink()  # it comes back having forgotten everything
    broker.start()
    desk.until_verified(5, 60)
    assert retained(broker, topic(made)) == newest


def test_a_restored_older_card_does_not_overwrite_a_newer_backup(
    pair: tuple[Appliance, Appliance], broker: Mosquitto, tmp_path: Path
) -> None:
    desk, _ = pair
    made = begun(desk)
    shutil.copytree(desk.state, tmp_path / "older")
    desk.does("add", "-", stdin="otpauth://totp/Newer?secret=GEZDGNBVGY3TQOJQ")
    assert desk.json("backup")["state"] == "verified"
    shutil.rmtree(desk.state)
    shutil.copytree(tmp_path / "older", desk.state)
    assert len(desk.json("list")) == 3

    newest = retained(broker, topic(made))
    desk.start()
    desk.until_verified(5)  # it lacked nothing else, and is taken over as it is
    assert [one["name"] for one in desk.json("list")][-1] == "Newer"
    assert retained(broker, topic(made)) == newest


def test_a_replaced_device_gives_its_name_and_its_topics_away(
    pair: tuple[Appliance, Appliance], broker: Mosquitto
) -> None:
    desk, shelf = pair
    made = begun(desk)
    assert desk.json("backup")["state"] == "verified"
    passphrase = shelf.secret_file("passphrase", made["passphrase"])
    shelf.does("restore", "--replace", "desk", "--passphrase-file", passphrase)
    status = shelf.json("status")
    assert status["name"] == "desk"
    assert [one["device"] for one in shelf.json("backup", "list")] == [status["device"]]


def test_an_older_generation_comes_back_as_an_edit(pair: tuple[Appliance, Appliance]) -> None:
    desk, shelf = pair
    made = begun(desk)
    desk.json("backup")
    wanted = desk.json("status")["generation"]
    desk.does("remove", "GitHub", "--confirm", "GitHub:anna")
    assert len(desk.json("list")) == 2
    passphrase = desk.secret_file("passphrase", made["passphrase"])
    desk.does("restore", "--merge", "--generation", str(wanted), "--passphrase-file", passphrase)
    assert len(desk.json("list")) == 3
    assert shelf.command("restore", "--generation", "99", "--passphrase-file", passphrase).returncode == 6


def test_a_saved_backup_restores_without_a_broker(pair: tuple[Appliance, Appliance], tmp_path: Path) -> None:
    desk, shelf = pair
    made = begun(desk)
    desk.json("backup")
    saved = tmp_path / "saved.json"
    desk.does("backup", "save", str(saved))
    assert "x-device" not in json.loads(saved.read_bytes())
    passphrase = shelf.secret_file("passphrase", made["passphrase"])
    shelf.does("restore", "--from", str(saved), "--passphrase-file", passphrase)
    assert shelf.json("list") == desk.json("list")
