"""Killed at any moment: what was acknowledged is there, the vault opens, and no HOTP code comes twice.

The moments are drawn from a seed, which is printed when a test fails; `KILL_SEED` repeats it.
"""

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import app
from appliance.errors import ApplianceError, NotRunning
from appliance.settings import load
from appliance.vault.model import Account, Vault, base32_decode
from appliance.vault.otp import code_for
from tests.household import Appliance, household

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
HOTP = Account("", "hotp", "Wiki", "ben", base32_decode(SEED))
ORDINAL = {code_for(HOTP, counter).text: counter for counter in range(2000)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Appliance]:
    with household(tmp_path, None, "desk") as (desk,):
        desk.does("init")
        desk.does("add", "-", stdin=f"otpauth://hotp/Wiki:ben?secret={SEED}&issuer=Wiki&counter=0")
        yield desk


def begin(desk: Appliance, *arguments: str, stdin: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance", "--config", str(desk.config), "--no-input", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    process.stdin = None
    return process


def usual_seconds(desk: Appliance) -> float:
    begun = time.monotonic()
    desk.does("add", "-", stdin=f"otpauth://totp/First:x?secret={SEED}&issuer=First")
    return time.monotonic() - begun


def opens(desk: Appliance) -> Vault:
    """Return what is on the card; fails if it does not open, or only by falling back."""
    kept = app.new_keeper(load(desk.config, {})).open()
    assert kept.warning is None
    assert not list(desk.state.glob("vault.bad-*"))
    return kept.vault


def issuers(desk: Appliance) -> list[str]:
    return [record.account.issuer for record in opens(desk).ordered]


def killed_while_adding(desk: Appliance, dice: random.Random, times: int) -> None:
    usual = usual_seconds(desk)
    acknowledged: set[str] = {"First"}
    ended = 0
    for number in range(times):
        process = begin(desk, "add", "-", stdin=f"otpauth://totp/A{number}:x?secret={SEED}&issuer=A{number}")
        # Half of the time the interpreter starts; what matters lies at the end.
        timer = threading.Timer(usual * dice.uniform(0.4, 1.2), process.kill)
        timer.start()
        process.communicate()
        timer.cancel()
        if process.returncode == 0:
            acknowledged.add(f"A{number}")
            ended += 1
        else:
            assert process.returncode == -signal.SIGKILL
        if number % 5 == 4:
            assert acknowledged <= set(issuers(desk))
    kept = issuers(desk)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    print(f"{times} killed while adding, {ended} ended before")


def killed_while_spending(desk: Appliance, dice: random.Random, times: int) -> None:
    """Kill the daemon while it and a command spend the same counter."""
    codes: list[int] = []
    first = opens(desk)
    for _ in range(times):
        desk.start()
        daemon = desk.daemon
        assert daemon is not None
        command = begin(desk, "code", "Wiki")
        timer = threading.Timer(dice.uniform(0.0, 0.8), daemon.kill)
        timer.start()
        told = pressed(desk)
        timer.join()
        desk.stop(kill=True)
        out, err = command.communicate()
        assert command.returncode == 0, err
        codes.append(ORDINAL[out.strip()])
        kept = opens(desk)
        assert kept.generation >= told, "a save that the daemon told of was lost"
        # Each save was one code, so whatever the display showed is behind the counter, too.
        assert counter_of(kept) - counter_of(first) == kept.generation - first.generation
        assert_spent(desk, codes)


def pressed(desk: Appliance) -> int:
    """Press ok until the daemon is gone; return the last generation that it told of."""
    told = 0
    with contextlib.suppress(NotRunning):
        while True:
            desk.ask("press", button="ok")
            told = desk.ask("status")["generation"]
    return told


def counter_of(vault: Vault) -> int:
    return next(record.counter for record in vault.ordered if record.account.issuer == "Wiki")


def assert_spent(desk: Appliance, codes: list[int]) -> None:
    assert len(codes) == len(set(codes)), f"a code came twice: {sorted(codes)}"
    assert max(codes, default=-1) < counter_of(opens(desk)), "the counter of a printed code was lost"


def killed_while_printing(desk: Appliance, dice: random.Random, times: int) -> None:
    """Kill the command that prints HOTP codes; two at once, as two people do."""
    usual = usual_seconds(desk)
    codes: list[int] = []
    for _ in range(times // 2):
        pair = [begin(desk, "code", "Wiki") for _ in range(2)]
        timer = threading.Timer(usual * dice.uniform(0.5, 1.4), pair[0].kill)
        timer.start()
        outs = [process.communicate()[0] for process in pair]
        timer.cancel()
        assert pair[1].returncode == 0
        codes += [ORDINAL[out.strip()] for out in outs if out.strip()]
        assert_spent(desk, codes)


def test_nothing_acknowledged_is_lost_when_adding_is_killed(desk: Appliance, dice: random.Random) -> None:
    killed_while_adding(desk, dice, 25)


def test_no_code_comes_twice_when_a_daemon_is_killed(desk: Appliance, dice: random.Random) -> None:
    killed_while_spending(desk, dice, 9)


def test_no_code_comes_twice_when_commands_are_killed(desk: Appliance, dice: random.Random) -> None:
    killed_while_printing(desk, dice, 16)


@pytest.mark.long
def test_nothing_acknowledged_is_lost_in_a_long_campaign(desk: Appliance, dice: random.Random) -> None:
    killed_while_adding(desk, dice, 100)


@pytest.mark.long
def test_no_code_comes_twice_in_a_long_campaign(desk: Appliance, dice: random.Random) -> None:
    killed_while_spending(desk, dice, 40)
    killed_while_printing(desk, dice, 60)


def test_a_daemon_that_is_killed_again_and_again_starts_again(desk: Appliance) -> None:
    """Its socket stays behind each time, and with it the lock's file."""
    for _ in range(2):
        desk.start()
        assert desk.ask("status")["state"] == "open"
        with pytest.raises(ApplianceError):
            desk.ask("dance")
        desk.stop(kill=True)
        assert (desk.folder / "run" / "control.sock").exists()
    desk.start()
    assert desk.stop() == 0
    assert not (desk.folder / "run" / "control.sock").exists()
