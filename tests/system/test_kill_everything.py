"""Every command killed at random moments, two side by side and beside a daemon: nothing acknowledged is lost.

A book holds what may be true of each thing: what it was, and what a command that was killed may have made of it; of
one that answered with exit code 0 only what it made. After each round the card must say something that the book
allows. The moments are drawn from a seed, which is printed when a test fails; `KILL_SEED` repeats it.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance import app
from appliance.errors import ApplianceError, WrongPassphrase
from appliance.keeper import Kept
from appliance.settings import load
from appliance.vault.model import Account, base32_decode
from appliance.vault.otp import code_for
from tests.conftest import Figure
from tests.household import Appliance, household
from tests.system.test_kill import SEED, begin

PIN = "493817"
HOTP = Account("", "hotp", "Wiki", "ben", base32_decode(SEED))
ORDINAL = {code_for(HOTP, counter).text: counter for counter in range(4000)}
Fact = tuple[str, str]
"""What is spoken of: a kind, and the uuid or issuer that it is about."""


@dataclass
class Book:
    """What may be true."""

    passphrase: str
    allowed: dict[Fact, set[object]] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    kills: int = 0
    acknowledged: int = 0


@dataclass
class Deed:
    """A command, and what becomes true by it."""

    arguments: tuple[str, ...]
    fact: Fact
    value: object
    stdin: str = ""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Appliance]:
    with household(tmp_path, None, "desk") as (desk,):
        desk.does("init", "--passphrase-file", desk.secret_file("passphrase", words(0)))
        desk.secret_file("pin", PIN)
        desk.does("add", "-", stdin=f"otpauth://hotp/Wiki:ben?secret={SEED}&issuer=Wiki&counter=0")
        for name in ("Bank", "Shop", "Mail"):
            desk.does("add", "-", stdin=f"otpauth://totp/{name}:x?secret={SEED}&issuer={name}")
        yield desk


def words(number: int) -> str:
    return f"correct horse battery staple {number}"


# --- what is done


def deeds(desk: Appliance, kept: Kept, number: int, dice: random.Random) -> list[Deed]:
    """Return two commands that change different things."""
    living = [one.account for one in kept.vault.ordered if one.account.type != "hotp"]
    account, note = dice.choice(living), f"note {number}"
    favorite = () if not account.favorite else ("--off",)
    simple = [
        Deed(("edit", account.uuid, "--note", note), ("note", account.uuid), note),
        Deed(("favorite", account.uuid, *favorite), ("favorite", account.uuid), not account.favorite),
        Deed(("move", account.uuid, "--last"), ("nothing", ""), None),
        Deed(
            ("add", "-"),
            ("lives", f"A{number}"),
            True,
            f"otpauth://totp/A{number}:x?secret={SEED}&issuer=A{number}",
        ),
        Deed(("code", "Wiki"), ("code", ""), None),
        Deed(("undo", "--dry-run"), ("nothing", ""), None),
    ]
    if len(living) > 3:
        gone = dice.choice([one for one in living if one is not account])
        simple.append(Deed(("remove", gone.uuid, "--confirm", gone.uuid), ("removed", gone.uuid), True))
    first = dice.choice(simple)
    second = dice.choice([one for one in [*simple, *whole(desk, kept, number)] if one.fact != first.fact])
    return [first, second]


def whole(desk: Appliance, kept: Kept, number: int) -> list[Deed]:
    """Return commands that change how the vault opens; with a PIN it is removed, so that the daemon is not shut out."""
    if kept.mode == "pin":
        return [Deed(("pin", "remove"), ("mode", ""), "credential")]
    new = desk.secret_file("new-passphrase", words(number))
    return [
        Deed(("passphrase", "--new-passphrase-file", new), ("passphrase", ""), words(number)),
        Deed(("recovery-key",), ("nothing", ""), None),
        Deed(("pin", "set", "--new-pin-file", str(desk.folder / "pin")), ("mode", ""), "pin"),
    ]


def killed(desk: Appliance, deed: Deed, after: float) -> subprocess.CompletedProcess[str]:
    """Run a command, and kill it after so many seconds."""
    process = begin(
        desk, *deed.arguments, "--passphrase-file", str(desk.folder / "passphrase"), stdin=deed.stdin
    )
    timer = threading.Timer(after, process.kill)
    timer.start()
    out, err = process.communicate(timeout=60)
    timer.cancel()
    return subprocess.CompletedProcess(deed.arguments, process.returncode, out, err)


# --- what is true


def opened(desk: Appliance, book: Book) -> Kept:
    """Open the card by what may be the passphrase; exactly one may open it, and nothing is fallen back to."""
    found: list[tuple[str, Kept]] = []
    for one in sorted(book.allowed.get(("passphrase", ""), {book.passphrase}), key=str):
        with contextlib.suppress(WrongPassphrase):
            found.append((str(one), app.new_keeper(load(desk.config, {}), str(one)).open()))
    ((passphrase, kept),) = found
    assert kept.warning is None
    book.passphrase = passphrase
    desk.secret_file("passphrase", passphrase)
    return kept


def truth(kept: Kept, book: Book, fact: Fact) -> object:
    kind, about = fact
    vault = kept.vault
    match kind:
        case "note" | "favorite":
            record = vault.records.get(about) or vault.trash.get(about)
            return None if record is None else getattr(record.account, kind)
        case "lives":
            return about in {one.account.issuer for one in (*vault.ordered, *vault.trash.values())}
        case "removed":
            return about in vault.trash
        case "mode":
            return kept.mode
        case "passphrase":
            return book.passphrase
        case _:
            return None


def audited(desk: Appliance, book: Book) -> Kept:
    """Compare the card with the book; from then on what the card says is so."""
    kept = opened(desk, book)
    for fact, allowed in book.allowed.items():
        assert truth(kept, book, fact) in allowed, (fact, allowed)
        allowed.intersection_update({truth(kept, book, fact)})
    wiki = next(record for record in kept.vault.ordered if record.account.type == "hotp")
    assert len(book.codes) == len(set(book.codes)), f"a code came twice: {sorted(book.codes)}"
    assert max(book.codes, default=-1) < wiki.counter, "the counter of a printed code was lost"
    return kept


def settle(book: Book, deed: Deed, done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode == -signal.SIGKILL:
        book.kills += 1
        return
    # Two that change the key at once: one of them may have to say so.
    if done.returncode == 0:
        book.acknowledged += 1
        book.allowed[deed.fact] = {deed.value}
    else:
        assert done.returncode in {1, 3, 6}, done
        assert "Traceback" not in done.stderr, done
    if deed.fact[0] == "code" and done.stdout.strip():
        book.codes.append(ORDINAL[done.stdout.strip()])


def played(desk: Appliance, dice: random.Random, kills: int) -> Book:
    """Play rounds until so many commands and daemons were killed."""
    book, number = Book(words(0)), 0
    began = time.monotonic()
    desk.does("favorite", "Mail", "--passphrase-file", str(desk.folder / "passphrase"))
    usual = time.monotonic() - began
    desk.start()
    while book.kills < kills:
        number += 1
        kept = audited(desk, book)
        pair = deeds(desk, kept, number, dice)
        for deed in pair:
            book.allowed[deed.fact] = {truth(kept, book, deed.fact), deed.value}
        with ThreadPoolExecutor(2) as pool:
            moments = [usual * dice.uniform(0.4, 3.6) for _ in pair]
            running = [pool.submit(killed, desk, *each) for each in zip(pair, moments, strict=True)]
            with contextlib.suppress(ApplianceError):
                desk.ask("press", button="ok")
            if dice.random() < 0.1:
                desk.stop(kill=True)
                book.kills += 1
        for deed, done in zip(pair, running, strict=True):
            settle(book, deed, done.result())
        if desk.daemon is None:
            desk.start()
    audited(desk, book)
    desk.stop()
    audited(desk, book)
    assert book.acknowledged > kills / 10, "whoever is always killed first loses nothing"
    return book


def test_nothing_acknowledged_is_lost_whatever_is_killed(desk: Appliance, dice: random.Random) -> None:
    played(desk, dice, 12)


@pytest.mark.long
def test_nothing_acknowledged_is_lost_in_a_thousand_kills(
    desk: Appliance, dice: random.Random, figure: Figure
) -> None:
    book = played(desk, dice, int(os.environ.get("KILLS", "1000")))
    figure(
        f"kill -9: {book.kills} commands and daemons, {book.acknowledged} commands acknowledged, "
        f"{len(book.codes)} HOTP codes printed, nothing lost"
    )
