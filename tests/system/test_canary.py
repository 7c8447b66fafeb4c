"""A day with known secrets: none of them may sing in logs, errors, messages, files or the process list.

Seeds, passphrase, recovery key and device secret are looked for in every spelling that a careless line of code could
give them, and the codes of the day as well. Where they belong is left out: what `init` and `code` answer, the files
that we wrote ourselves, and `device-secret`.
"""

import base64
import binascii
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from appliance.vault.model import Account
from appliance.vault.otp import code_at, code_for
from tests.brokers import MOSQUITTO, Mosquitto, mosquitto
from tests.household import Appliance, household

TOTP_SEED: Final = b"canary-totp-seed-\xf0\x9f\x90\xa4-1"
HOTP_SEED: Final = b"canary-hotp-seed-\x00\xff-2"
BROKEN_SEED: Final = "MNQW4YLSPEWWE4TPNNSW4LLT1"
"""Not base32, and close to it: a typing error must not be repeated either."""
PASSPHRASE: Final = "sing sing canary sing sing"
NEW: Final = "tweet tweet canary tweet tweet"
PIN: Final = "4938175264"
WRONG_PIN: Final = "7315902846"
WRONG: Final = "hush hush canary hush hush"
TOTP: Final = Account("", "totp", "Bank", "anna", TOTP_SEED, digits=10)
HOTP: Final = Account("", "hotp", "Wiki", "ben", HOTP_SEED, digits=9)
ROOT: Final = Path(__file__).parents[2]


def base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode().rstrip("=")


def uri(account: Account) -> str:
    return (
        f"otpauth://{account.type}/{account.issuer}:{account.name}?secret={base32(account.secret)}"
        f"&issuer={account.issuer}&digits={account.digits}&counter=0"
    )


def spellings(secret: bytes) -> set[bytes]:
    """Return what a secret looks like in whatever a program writes."""
    found = {secret, binascii.hexlify(secret), binascii.hexlify(secret).upper(), repr(secret)[2:-1].encode()}
    found |= {base32(secret).encode(), base32(secret).lower().encode(), secret[::-1]}
    found.add(urllib.parse.quote_from_bytes(secret).encode())
    found.add(str(list(secret))[1:-1].encode())
    for offset in range(3):  # a base64 text depends on where in a longer one the secret starts
        encoded = base64.b64encode(b"\0" * offset + secret)[offset + 1 : -4]
        found |= {encoded, encoded.replace(b"+", b"-").replace(b"/", b"_")}
    for size in range(8, len(secret), 8):  # a prefix tells enough, too
        found |= {secret[:size] if size >= 16 else secret, binascii.hexlify(secret[:size])}
    return {each for each in found if len(each) >= 8}


def codes(now: float) -> set[bytes]:
    """Return the codes of the day, whole and as people read them."""
    texts = [code_at(TOTP, now + 30 * step).text for step in range(-6, 10)]
    texts += [code_for(HOTP, counter).text for counter in range(12)]
    return {text.encode() for text in texts}


class Watch:
    """What must not be seen, and all that was."""

    def __init__(self, secrets: dict[str, bytes]) -> None:
        self.forms = {(name, form) for name, secret in secrets.items() for form in spellings(secret)}
        self.seen: list[tuple[str, bytes]] = []

    def sees(self, where: str, what: bytes) -> None:
        self.seen.append((where, what))

    def leaks(self, also: Iterable[bytes] = ()) -> list[str]:
        """Return where which secret was seen; `also` are further texts, such as codes."""
        return [
            f"{name} in {where}"
            for where, what in self.seen
            for name, form in (*self.forms, *(("a code", code) for code in also))
            if form in what
        ]


def test_the_watch_sees_every_spelling() -> None:
    secret = TOTP_SEED
    watch = Watch({"seed": secret})
    for text in (
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        f"secret={base32(secret)}&".encode(),
        base32(secret).lower().encode(),
        base64.b64encode(secret),
        base64.b64encode(b"x" + secret + b"yz"),
        base64.b64encode(b"xy" + secret + b"z"),
        base64.urlsafe_b64encode(b"xyz" + secret),
        repr(secret).encode(),
        f"{list(secret)}".encode(),
        urllib.parse.quote(secret).encode(),
        b"seed " + secret[:16],
    ):
        watch.seen = [("here", b"before " + text + b" after")]
        assert watch.leaks(), text
    watch.seen = [("here", b"nothing of the kind: 1234567890")]
    assert not watch.leaks()
    assert watch.leaks({b"1234567890"})


class Household:
    """Two appliances, and everything that anybody could look at."""

    def __init__(self, desk: Appliance, shelf: Appliance) -> None:
        self.desk, self.shelf = desk, shelf
        self.watch = Watch({})
        self.mine: set[Path] = set()
        """Files of ours, in which secrets stand on purpose."""

    def runs(
        self,
        device: Appliance,
        *arguments: str,
        stdin: str = "",
        answer: bool = True,
        expected: int = 0,
    ) -> str:
        """Run a command verbosely, look at its process, and keep what it writes; the answer only if it may be."""
        command = [
            sys.executable,
            "-m",
            "appliance",
            "--config",
            str(device.config),
            "--no-input",
            "-v",
            *arguments,
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        ) as process:
            self.looks_at(process.pid, arguments[0])
            out, err = process.communicate(stdin.encode(), timeout=90)
        assert process.returncode == expected, (arguments, process.returncode, err.decode())
        self.watch.sees(f"stderr of {arguments}", err)
        if answer:
            self.watch.sees(f"stdout of {arguments}", out)
        return out.decode()

    def looks_at(self, pid: int, name: str) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for what in ("cmdline", "environ"):
                self.watch.sees(f"{what} of {name}", Path(f"/proc/{pid}/{what}").read_bytes())

    def file(self, device: Appliance, name: str, text: str) -> str:
        path = Path(device.secret_file(name, text))
        self.mine.add(path)
        return str(path)

    def looks_at_files(self, *folders: Path) -> None:
        """Look at every file, and at every name of one."""
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path in self.mine or not path.is_file():
                    continue
                self.watch.sees(f"the name of {path}", os.fsencode(path))
                raw = path.read_bytes()
                self.watch.sees(f"the file {path}", raw)
                if path.name == "device-secret":
                    self.watch.seen.pop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto | None]:
    if MOSQUITTO is None:
        yield None
        return
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker", "persistence true", "autosave_interval 1") as running:
        yield running


@pytest.fixture
def listener(broker: Mosquitto | None, tmp_path: Path) -> Iterator[Callable[[], bytes]]:
    """Everything that anybody publishes, with its topic."""
    tool = shutil.which("mosquitto_sub")
    if broker is None or tool is None:
        yield lambda: b""
        return
    target = tmp_path / "messages"
    with target.open("wb") as file:
        process = subprocess.Popen(
            [tool, "-p", str(broker.port), "-h", "127.0.0.1", "-t", "#", "-F", "%t %p"], stdout=file
        )
        try:
            yield target.read_bytes
        finally:
            process.terminate()
            process.wait(10)


def a_day(house: Household, broker: Mosquitto | None) -> None:
    """Do what people do in a day, and what goes wrong in it."""
    desk, shelf = house.desk, house.shelf
    passphrase = house.file(desk, "passphrase", PASSPHRASE + "\n")
    wrong = house.file(desk, "wrong", WRONG)
    house.runs(desk, "add", "-", stdin=uri(TOTP), expected=6)
    recovery = house.runs(desk, "init", "--passphrase-file", passphrase, "--json", answer=False)
    recovery_key = recovery.split('"recovery_key": "')[1].split('"')[0]
    device_secret = (desk.state / "device-secret").read_bytes()
    house.watch.forms |= Watch(
        {
            "the recovery key": recovery_key.encode(),
            "the recovery key without dashes": recovery_key.replace("-", "").encode(),
            "the device secret": device_secret,
        }
    ).forms
    desk.start()
    assert desk.daemon is not None
    house.looks_at(desk.daemon.pid, "run")
    house.runs(desk, "add", "-", stdin=uri(TOTP), answer=False)  # it prints the code to compare
    house.runs(desk, "add", "-", "--json", stdin=uri(HOTP))
    house.runs(desk, "add", "-", stdin=uri(TOTP), expected=2)
    for broken in (
        f"otpauth://totp/Bad:x?secret={BROKEN_SEED}&issuer=Bad",
        f"otpauth://totp/Bad:x?secret={base32(TOTP_SEED)}&digits=77",
        f"totp/Bad:x?secret={base32(TOTP_SEED)}",
        base32(TOTP_SEED),
    ):
        house.runs(desk, "add", "-", stdin=broken, expected=2)
    house.runs(
        desk, "add", "--issuer", "B", "--secret-file", house.file(desk, "typo", BROKEN_SEED), expected=2
    )
    exported = house.file(
        desk, "uris.txt", f"{uri(TOTP)}\n{uri(HOTP)}\notpauth://totp/B:x?secret={BROKEN_SEED}\n"
    )
    house.runs(desk, "inspect", exported)
    house.runs(desk, "code", "Bank", answer=False)
    house.runs(desk, "code", "Wiki", "--json", answer=False)
    house.runs(desk, "code", "nobody", expected=6)
    for button in ("next", "ok"):
        house.runs(desk, "press", button)
    house.runs(desk, "frame")
    for secret in (passphrase, wrong, house.file(desk, "recovery", recovery_key.lower())):
        house.runs(desk, "list", "--passphrase-file", secret, expected=3 if secret == wrong else 0)
    house.runs(desk, "status", "--json")
    rudeness(desk)
    if broker is not None:
        house.runs(desk, "backup", "--json")
        house.runs(desk, "backup", "save", str(desk.folder / "saved.json"))
        house.runs(shelf, "restore", "--passphrase-file", wrong, expected=3)
        house.runs(shelf, "restore", "--passphrase-file", passphrase, "--json")
        shelf.start()
        house.runs(shelf, "code", "Wiki", answer=False)
        assert shelf.stop() == 0
        house.mine.add(shelf.state / "device-secret")
    a_careful_afternoon(house, wrong)
    a_bad_evening(house, str(desk.folder / "new"))


def a_careful_afternoon(house: Household, wrong: str) -> None:
    """Set a PIN, lock and unlock, and change every key."""
    desk = house.desk
    pin, wrong_pin = house.file(desk, "pin", PIN), house.file(desk, "wrong-pin", WRONG_PIN)
    new = house.file(desk, "new", NEW)
    house.runs(desk, "pin", "set", "--new-pin-file", pin)
    house.runs(desk, "lock")
    desk.until(lambda: desk.ask("status")["state"] == "locked", 20)
    house.runs(desk, "unlock", "--pin-file", wrong_pin, expected=3)
    house.runs(desk, "unlock", "--pin-file", pin)
    house.runs(desk, "passphrase", "--pin-file", wrong_pin, expected=3)
    house.runs(
        desk, "passphrase", "--pin-file", pin, "--new-passphrase-file", new, answer=False
    )  # with the new recovery key
    house.runs(desk, "passphrase", "--check", "--passphrase-file", wrong, expected=3)
    desk.until(lambda: desk.ask("status")["state"] == "locked", 20)
    house.runs(desk, "unlock", "--passphrase-file", new)
    house.runs(desk, "pin", "remove", "--pin-file", pin)
    house.runs(desk, "favorite", "Bank")  # so that there is an older file again


def rudeness(desk: Appliance) -> None:
    """Send the daemon what it can't use, with a secret in it."""
    for line in (
        f'{{"jsonrpc":"2.0","id":1,"method":"press","params":{{"button":"{PASSPHRASE}"}}}}\n',
        f'{{"jsonrpc":"2.0","id":1,"method":"{PASSPHRASE}"}}\n',
        f"{PASSPHRASE}\n",
    ):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(desk.folder / "run" / "control.sock"))
            client.sendall(line.encode())
            assert b"error" in client.recv(1000)


def a_bad_evening(house: Household, passphrase: str) -> None:
    """Let the card rot, the secret vanish and the program have a bug."""
    desk = house.desk
    assert desk.stop() == 0
    raw = (desk.state / "vault.json").read_bytes()
    (desk.state / "vault.json").write_bytes(raw[:-100])
    house.runs(desk, "list")
    secret = (desk.state / "device-secret").read_bytes()
    (desk.state / "device-secret").unlink()
    house.runs(desk, "list", expected=4)
    house.runs(desk, "list", "--passphrase-file", passphrase)
    assert (desk.state / "device-secret").read_bytes() != secret
    bug = (
        "import sys; from appliance.vault import document; from appliance.cli import main\n"
        "def load(plain, head): raise ZeroDivisionError\n"
        "document.load = load\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", bug, "--config", str(desk.config), "-v", "code", "Bank"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 70
    assert b"Traceback" in done.stderr
    house.watch.sees("a traceback", done.stderr + done.stdout)


def test_no_secret_sings_all_day(
    tmp_path: Path, broker: Mosquitto | None, listener: Callable[[], bytes]
) -> None:
    began = time.time()
    with household(tmp_path, broker.port if broker else None, "desk", "shelf") as (desk, shelf):
        house = Household(desk, shelf)
        house.watch = Watch(
            {
                "the TOTP seed": TOTP_SEED,
                "the HOTP seed": HOTP_SEED,
                "a seed with a typing error": BROKEN_SEED.encode(),
                "the passphrase": PASSPHRASE.encode(),
                "a wrong passphrase": WRONG.encode(),
                "the new passphrase": NEW.encode(),
                "the PIN": PIN.encode(),
                "a wrong PIN": WRONG_PIN.encode(),
            }
        )
        a_day(house, broker)
        house.mine.add(tmp_path / "messages")
        house.looks_at_files(tmp_path)
        log = desk.log.read_bytes()
        assert b"vault open" in log
        if broker is not None:
            messages = listener()
            assert b"/backup " in messages, "there was something to hear"
            house.watch.sees("messages", messages)
        assert len(house.watch.seen) > 50
        assert house.watch.leaks(codes(began)) == []
