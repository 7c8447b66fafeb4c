"""An appliance with a PIN: entered with the buttons, tries that cost time, and nothing left in memory once locked.

The daemon runs as it would on a Pi: the true panel driver on a simulated bus, true key edges, a broker.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.vault.model import base32_encode
from tests.brokers import MOSQUITTO, mosquitto
from tests.household import Appliance, household

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

PASSPHRASE = "correct horse battery staple"
PIN = "493817"
WRONG = "111111"
SEED = secrets.token_bytes(20)
"""Unlike anything else in memory."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Appliance]:
    (tmp_path / "broker").mkdir()
    with (
        mosquitto(tmp_path / "broker", "allow_anonymous true") as broker,
        household(tmp_path, broker.port, "desk") as (desk,),
    ):
        desk.set(vault={"unlock": "pin"}, display={"driver": "ssd1306"}, buttons={"backend": "rpi-gpio"})
        desk.secret_file("pin", PIN)
        desk.secret_file("passphrase", PASSPHRASE)
        desk.does("init", *by_passphrase(desk), *by_pin(desk))
        seed = base32_encode(SEED)
        uri = f"otpauth://totp/GitHub:anna?secret={seed}&issuer=GitHub"
        desk.does("add", "-", *by_passphrase(desk), stdin=uri)
        desk.start("--simulate")
        yield desk


def by_passphrase(desk: Appliance) -> tuple[str, str]:
    return "--passphrase-file", str(desk.folder / "passphrase")


def by_pin(desk: Appliance) -> tuple[str, str]:
    return "--pin-file", str(desk.folder / "pin")


def state(desk: Appliance) -> str:
    found: str = desk.ask("status")["state"]
    return found


def enter(desk: Appliance, pin: str) -> None:
    """Enter a PIN with the buttons: each digit turned from where the wheel stands, then OK held."""
    at = 0
    for digit in map(int, pin):
        for _ in range((digit - at) % 12):
            desk.ask("press", button="next")
        desk.ask("press", button="ok")
        at = digit
    desk.ask("press", button="ok", hold=True)


def found_in_memory(pid: int, wanted: bytes) -> int:
    """Count where a process has these bytes in its memory."""
    count = 0
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            if not rights.startswith("r") or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in place.split("-"))
            memory.seek(start)
            try:
                count += memory.read(end - start).count(wanted)
            except OSError:  # a region that was promised and never used
                continue
    return count


def copies(desk: Appliance) -> dict[str, int]:
    assert desk.daemon is not None
    secrets_of = {
        "seed": SEED,
        "seed in base32": base32_encode(SEED).encode(),
        "passphrase": PASSPHRASE.encode(),
    }
    return {what: found_in_memory(desk.daemon.pid, wanted) for what, wanted in secrets_of.items()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the memory of a process that hides it")
def test_the_pin_opens_it_and_after_locking_no_secret_is_left_in_the_memory_of_the_same_process(
    desk: Appliance,
) -> None:
    assert desk.daemon is not None
    assert state(desk) == "locked"
    enter(desk, PIN)
    desk.until(lambda: state(desk) == "open", 30)
    desk.until_verified(1)
    code = desk.does("code", "GitHub", *by_passphrase(desk))
    assert len(code.strip()) == 6
    assert copies(desk)["seed"] > 0, "the scan would not find it"
    descriptors = len(list(Path(f"/proc/{desk.daemon.pid}/fd").iterdir()))
    for _ in range(2):
        assert desk.command("lock").returncode == 0
        desk.until(lambda: state(desk) == "locked", 30)
        assert desk.daemon.poll() is None, "it is the same process for whoever watches it"
        assert set(copies(desk).values()) == {0}
        assert desk.ask("unlock", entered=PASSPHRASE) == {}
        half_a_question(desk)
        desk.until_verified(1)
    assert abs(len(list(Path(f"/proc/{desk.daemon.pid}/fd").iterdir())) - descriptors) <= 1
    assert core_limit(desk.daemon.pid) == "0"
    assert "VmLck:\t       0 kB" not in Path(f"/proc/{desk.daemon.pid}/status").read_text()


def half_a_question(desk: Appliance) -> None:
    """Let the daemon hold a passphrase that is still coming, so that the scan has one to find."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
        connected.connect(str(desk.folder / "run" / "control.sock"))
        connected.sendall(b'{"entered": "' + PASSPHRASE.encode())
        desk.until(lambda: copies(desk)["passphrase"] > 0, 10)


def core_limit(pid: int) -> str:
    (line,) = (line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line)
    return line.split()[4]


def test_three_wrong_pins_cost_time_that_a_new_process_does_not_take_away(desk: Appliance) -> None:
    left = [desk.ask("unlock", entered=WRONG)["tries_left"] for _ in range(2)]
    assert left == [2, 1]
    assert desk.ask("unlock", entered=WRONG)["wait"] == pytest.approx(30, abs=1)
    desk.stop(kill=True)
    desk.start("--simulate")
    answer = desk.ask("unlock", entered=PIN)
    assert answer["why"].endswith("to wait")
    assert 0 < answer["wait"] <= 30
    refused = desk.command("unlock", *by_pin(desk))
    assert refused.returncode == 3
    assert "a PIN is taken again in" in refused.stderr
    assert desk.command("unlock", *by_passphrase(desk)).returncode == 0
    assert state(desk) == "open"


@pytest.mark.long
def test_after_the_delay_the_right_pin_opens_it(desk: Appliance) -> None:
    for _ in range(3):
        desk.ask("unlock", entered=WRONG)
    desk.until(lambda: desk.ask("unlock", entered=PIN) == {}, 60)
    assert state(desk) == "open"


def test_older_files_do_not_open_without_the_pin(desk: Appliance) -> None:
    older = sorted(desk.state.glob("vault.json.*"))
    assert older
    for sealed in [file.read_bytes() for file in older]:
        (desk.state / "vault.json").write_bytes(sealed)
        refused = desk.command("code", "GitHub")
        assert (refused.returncode, "Traceback" in refused.stderr) == (3, False)
