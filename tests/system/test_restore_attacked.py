"""A restore among forgeries: whoever may write to the broker puts everything there that he can, and the backup is found.

Real processes and a real mosquitto, and derivations at their true cost. What is asserted is what was found, the CPU
time of the command and its memory; not wall time.
"""

import json
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.vault import sealed
from appliance.vault.sealed import Envelope
from tests.brokers import HOST, MOSQUITTO, Mosquitto, mosquitto
from tests.household import Appliance, household

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

CPU_SECONDS: Final = 8.0
MEMORY_KB: Final = 400_000
"""Of which one derivation takes 64 MB and the interpreter with all it imports about as much."""
LINK: Final = "otpauth://totp/Bank:anna?secret=GEZDGNBVGY3TQOJQ&issuer=Bank"


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that cuts a list after a hundred messages, in silence; by default it does so after a thousand."""
    (tmp_path / "broker").mkdir()
    queued = getattr(request, "param", 100)
    with mosquitto(tmp_path / "broker", f"max_queued_messages {queued}") as running:
        yield running


@dataclass(frozen=True)
class Household:
    """A desk with a verified backup, a shelf that is to be restored, and what `init` said."""

    desk: Appliance
    shelf: Appliance
    made: Mapping[str, Any]
    genuine: Envelope

    @property
    def named(self) -> tuple[str, ...]:
        return "--vault", self.made["vault"], "--device", self.made["device"]

    def restored(self, *arguments: str, code: int = 0) -> tuple[Any, str]:
        """Dry-run a restore on the shelf; return its answer and what it said besides, after a look at what it took."""
        passphrase = self.shelf.secret_file("passphrase", self.made["passphrase"])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ("restore", "--dry-run", "--json", "--passphrase-file", passphrase, *arguments)
        done = self.shelf.command(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == code, done.stderr
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        print(f"{spent:.1f} s of CPU")
        assert spent < CPU_SECONDS, done.stderr
        return json.loads(done.stdout or "null"), done.stderr


@pytest.fixture
def home(tmp_path: Path, broker: Mosquitto) -> Iterator[Household]:
    with household(tmp_path, broker.port, "desk", "shelf") as (desk, shelf):
        made = desk.json("init")
        desk.does("add", "-", stdin=LINK)
        assert desk.json("backup")["state"] == "verified"
        genuine = sealed.read((desk.state / "vault.json").read_bytes()).published
        yield Household(desk, shelf, made, genuine)


def publish(broker: Mosquitto, messages: Mapping[str, bytes]) -> None:
    """Retain messages, thousands in a second; returns when the broker has taken all of them."""
    with socket.create_connection((HOST, broker.port), 30) as sock:
        name = f"opponent{os.urandom(4).hex()}".encode()
        body = b"\0\4MQTT\4\2\0\0" + struct.pack("!H", len(name)) + name
        sock.sendall(b"\x10" + _length(len(body)) + body)
        assert _exactly(sock, 4)[3] == 0
        # With QoS 1: of such messages mosquitto delivers about a thousand to one subscription.
        for number, (topic, payload) in enumerate(messages.items(), 1):
            head = struct.pack("!H", len(topic.encode())) + topic.encode() + struct.pack("!H", number)
            sock.sendall(b"\x33" + _length(len(head) + len(payload)) + head + payload)
        _exactly(sock, 4 * len(messages))


def _length(number: int) -> bytes:
    out = b""
    while number > 127:
        number, low = number >> 7, number & 127
        out += bytes([low | 128])
    return out + bytes([number])


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece, "the broker hung up"
        data += piece
    return data


def topic(vault: str, device: str, kind: str = "backup") -> str:
    return f"otp-appliance/{vault}/{device}/{kind}"


def forged(genuine: Envelope, number: int, *, n: int, p: int, epoch: int) -> bytes:
    """A file of the right form, which opens by nothing that anybody knows."""
    first, second = (
        replace(slot, salt=bytes([number]) * 32, key=os.urandom(32), n=n, p=p) for slot in genuine.slots
    )
    bare = replace(genuine, slots=(first, second), epoch=epoch, db=os.urandom(16_384), proof=None)
    return sealed.write(bare)


def forgeries(home: Household, **cost: int) -> dict[str, bytes]:
    """Twelve with headers of their own that want to come first, and one that wants 256 MiB."""
    vault, genuine = home.made["vault"], home.genuine
    twelve = {
        topic(vault, f"otp-{number:08x}"): forged(genuine, number, epoch=99, **cost) for number in range(12)
    }
    costly = forged(genuine, 12, n=2**18, p=4, epoch=2**40)
    return {**twelve, topic(vault, "otp-0000000c"): costly}


def junk(number: int) -> dict[str, bytes]:
    return {
        topic(f"{place:08x}-0000-4000-8000-000000000000", f"otp-{place:08x}"): b"{}"
        for place in range(number)
    }


@pytest.fixture
def crowd(broker: Mosquitto) -> None:
    """Foreign topics that were there first: a broker delivers in that order, and what comes last is cut off."""
    publish(broker, junk(5_000))


def test_a_named_backup_is_found_behind_five_thousand_foreign_topics_and_thirteen_forged_headers(
    crowd: None, home: Household, broker: Mosquitto
) -> None:
    publish(broker, forgeries(home, n=2**16, p=4))
    found, said = home.restored(*home.named)
    assert (found["vault"], found["accounts"]) == (home.made["vault"], 1)
    assert "is left aside" not in said


@pytest.mark.parametrize("cost", [{"n": 2**16, "p": 1}, {"n": 2**16, "p": 4}], ids=["as ours", "costly"])
def test_among_forged_headers_the_right_one_is_found_without_a_name(
    home: Household, broker: Mosquitto, cost: dict[str, int]
) -> None:
    publish(broker, forgeries(home, **cost))
    found, said = home.restored()
    assert found["accounts"] == 1
    assert "otp-0000000c is left aside" in said


@pytest.mark.parametrize("broker", [2_000], indirect=True, ids=["nothing cut by the broker"])
def test_1500_messages_of_a_megabyte_take_no_memory_and_are_told(home: Household, broker: Mosquitto) -> None:
    vault = home.made["vault"]
    filler = b"x" * 1_000_000
    publish(broker, {topic(vault, f"otp-{number:08x}"): filler for number in range(1_500)})
    passphrase = home.shelf.secret_file("passphrase", home.made["passphrase"])
    for arguments in (home.named, ("--vault", vault)):
        # Not ru_maxrss, which a new program inherits from the process that it came of.
        program = (
            "import re, sys; from appliance.cli import main; code = main(); "
            "peak = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()); "
            "print(peak[1], file=sys.stderr); sys.exit(code)"
        )
        done = subprocess.run(
            [
                *(sys.executable, "-c", program, "--config", str(home.shelf.config), "--no-input"),
                *("restore", "--dry-run", "--passphrase-file", passphrase, *arguments),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert int(done.stderr.split()[-1]) < MEMORY_KB
        if arguments == home.named:
            assert done.returncode == 0, done.stderr
            assert "would restore 1 accounts" in done.stdout
        assert ("so some may be missing: --vault ID --device ID" in done.stderr) == (arguments != home.named)
