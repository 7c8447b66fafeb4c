"""What each broker is put through, with commands and a daemon as a household has them."""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from appliance.errors import ApplianceError
from tests.household import Appliance
from tests.matrix.foreign import Door, erase, look
from tests.matrix.servers import Node, Running

SEED: Final = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PASSPHRASE: Final = "correct horse battery staple"
BROKER_SECONDS: Final = 170.0
CLUSTER_SECONDS: Final = 350.0
PATIENCE_SECONDS: Final = 35.0
"""For one verification."""
SHORT_SECONDS: Final = 12.0
"""For one after another that did not come."""
SLOW_SECONDS: Final = 30.0
"""For a fresh client on a cluster that has just lost a node."""
STALE_SECONDS: Final = 180.0
"""For one on a cluster, whose restarted node may serve what is old for minutes."""
KILLS: Final = 6


@dataclass
class Row:
    """What was seen, by column."""

    cells: dict[str, str] = field(default_factory=dict)


class Trial:
    """One broker, one appliance beside it, and the time that is left."""

    def __init__(self, running: Running, scratch: Path, seconds: float, told: Callable[[str], None]) -> None:
        self.running = running
        self.current = running.nodes[0]
        """Where the next connection goes."""
        self.door = Door(self._lead)
        self.scratch = scratch
        self.login = running.login
        self.desk = self.appliance("desk")
        self.row = Row()
        self._until = time.monotonic() + seconds
        self._told = told
        self._accounts = 0
        self._patience = PATIENCE_SECONDS

    # --- the steps

    def first(self) -> None:
        """A new vault, and its first backup."""
        self.desk.does("init", "--passphrase-file", self.desk.secret_file("passphrase", PASSPHRASE))
        self.add()
        since = self.since()
        self.desk.start()
        self.tell("first backup", self.verified(since))
        self.tell("MQTT", str(self.status()["broker"].get("protocol") or "-"))

    def change(self) -> None:
        """Another account."""
        since = self.since()
        self.add()
        self.tell("change", self.verified(since))

    def delete(self) -> None:
        """Somebody else deletes the retained message."""
        if self.look(self.current) is None:
            self.tell("deleted by another", "not tried: it does not show the message")
            return
        since = self.since()
        if not erase(self.current.port, self.topic(), self.login):
            self.tell("deleted by another", "not tried: it takes no deletion")
            return
        verdict = self.verified(since)
        if verdict.endswith(" s") and self.look(self.current) is None:
            verdict = f"false: verified after {verdict}, and not there"
        self.tell("deleted by another", verdict)

    def kill(self) -> None:
        """The broker is killed right after a change; nobody reaches it again before it was looked at what it kept."""
        since = self.since()
        self.add()
        self.verified(since)
        before = self.look(self.current)
        self.door.shut()
        self.current.kill()
        self.current.start()
        kept = self.look(self.current)
        since = self.since()
        self.door.open()
        found = "nothing" if kept is None else "all" if kept == before else "an older one"
        self.tell("kept after kill -9", found)
        self.tell("verified after it", self.verified(since, PATIENCE_SECONDS))

    def commands(self) -> None:
        """What a person does at a broker: look, and restore elsewhere."""
        self.tell("list", self.listed())
        found = self.desk.command("backup", "verify")
        self.tell("verify", "yes" if found.returncode == 0 else _words(found))
        self.tell("restore", self.restored("fresh"))
        self.tell("restore by ids", self.restored("exact", *self.ids()))

    def kills(self) -> None:
        """One node after the other is killed while there is a change to back up; never may a verdict be false."""
        times: list[str] = []
        truths: list[str] = []
        for number in range(KILLS):
            if self.left() < 20:
                break
            victim = self.running.nodes[number % len(self.running.nodes)]
            since = self.since()
            victim.kill()
            self.current = self._next(victim)
            self.add()
            times.append(self.verified(since, STALE_SECONDS))
            if times[-1].endswith(" s"):
                truths.append(self.truth([node for node in self.running.nodes if node is not victim]))
            else:
                times[-1] += " when the time was up" if self.left() <= 0 else ""
            self._told(f"  kill {number + 1}: {times[-1]}, {truths[-1:]}")
            victim.start()
            self.wait(victim.healthy, 30)
            self.current = victim
        counted = ", ".join(f"{truths.count(one)} {one}" for one in ("true", "undecided", "false"))
        self.tell("kills", f"{len(times)} of {KILLS} kills: {'; '.join(times)}; verdicts: {counted}")

    # --- what they are made of

    def appliance(self, name: str) -> Appliance:
        """Return a new one, which goes to the broker through the door."""
        if self.login is None:
            return Appliance(self.scratch, name, self.door.port)
        user, password = self.login
        made = Appliance(self.scratch, name, self.door.port, username=user, password_file="mqtt-password")
        made.secret_file("mqtt-password", password)
        return made

    def look(self, node: Node) -> bytes | None:
        """Return what a fresh client gets of the backup."""
        return look(node.port, self.topic(), self.login)

    def truth(self, nodes: list[Node]) -> str:
        """Return `true` if a node gives somebody else what was verified, `false` if all give something else."""
        topic = self.topic()
        with ThreadPoolExecutor(len(nodes)) as pool:
            found = list(pool.map(lambda node: look(node.port, topic, self.login, SLOW_SECONDS), nodes))
        if any(self.same(one) for one in found):
            return "true"
        # A node that is still looking for a leader answers nobody; that says nothing about the verdict.
        return "undecided" if None in found else "false"

    def add(self) -> None:
        """Add an account, its link by standard input."""
        self._accounts += 1
        issuer = f"Shop{self._accounts}"
        self.desk.does("add", "-", stdin=f"otpauth://totp/{issuer}:anna?secret={SEED}&issuer={issuer}")

    def since(self) -> float:
        """Return the time, once it is a second in which nothing was verified yet: the status knows whole seconds."""
        last = float(self.backup()["verified_at"] or 0) if self.desk.daemon else 0.0
        while time.time() < last + 1:
            time.sleep(0.05)
        return time.time()

    def verified(self, since: float, patience: float | None = None) -> str:
        """Wait until what is on the card now was verified after `since`; return the seconds, or what it says instead."""
        generation = int(json.loads(self.desk.does("status", "--json"))["generation"])

        def done() -> bool:
            backup = self.backup()
            again = (backup["verified_at"] or 0) >= int(since)
            return again and backup["state"] == "verified" and backup["generation"] >= generation

        if self.wait(done, patience or self._patience):
            self._patience = PATIENCE_SECONDS
            return f"{time.time() - since:.1f} s"
        self._patience = SHORT_SECONDS
        backup = self.backup()
        return f"{backup['state']}: {backup['error']}" if backup["error"] else str(backup["state"])

    def listed(self) -> str:
        """List what is at the broker; by the ids, where that does not find it."""
        found = self.desk.command("backup", "list", "--json")
        if found.returncode == 0 and self.device in found.stdout:
            return "yes"
        exact = self.desk.command("backup", "list", "--json", *self.ids())
        if exact.returncode == 0 and self.device in exact.stdout:
            return "by ids"
        return _words(found, "does not find it")

    def restored(self, name: str, *options: str) -> str:
        """Restore on a second folder, and count what came."""
        if self.left() < 10:
            return "not tried: no time left"
        other = self.appliance(name)
        secret = other.secret_file("passphrase", PASSPHRASE)
        done = other.command("restore", "--passphrase-file", secret, *options)
        if done.returncode != 0 and not other.state.exists():
            return _words(done)
        found = other.command("list", "--json")
        came = found.stdout.count('"issuer"') if found.returncode == 0 else 0
        if came != self._accounts:
            return _words(done, f"{came} of {self._accounts} accounts")
        return "yes" if done.returncode == 0 else f"yes, but {_words(done)}"

    def wait(self, true: Callable[[], bool], seconds: float) -> bool:
        """Poll until something is true, not beyond the trial's time."""
        until = min(time.monotonic() + seconds, max(self._until, time.monotonic() + 1))
        while time.monotonic() < until:
            with contextlib.suppress(ApplianceError):
                if true():
                    return True
            time.sleep(0.2)  # neither the daemon nor a broker posts events to us
        return False

    def left(self) -> float:
        """Seconds."""
        return self._until - time.monotonic()

    def tell(self, column: str, what: str) -> None:
        """Enter a cell."""
        self.row.cells[column] = what
        self._told(f"  {column}: {what}")

    def status(self) -> Any:
        """Of the daemon; raises ApplianceError."""
        return self.desk.ask("status")

    def backup(self) -> Any:
        """Its part about the backup."""
        return self.status()["backup"]

    @property
    def device(self) -> str:
        """The id of the first device."""
        return str(self.status()["device"])

    @property
    def vault(self) -> str:
        """The id of the vault."""
        return str(self.status()["vault"])

    def ids(self) -> tuple[str, ...]:
        """Of the first device, as options."""
        return "--vault", self.vault, "--device", self.device

    def topic(self) -> str:
        """Of the first device's backup."""
        return f"otp-appliance/{self.vault}/{self.device}/backup"

    def same(self, payload: bytes | None) -> bool:
        """Return whether a message is what is on the card."""
        if payload is None:
            return False
        own = json.loads((self.desk.state / "vault.json").read_bytes())
        own.pop("x-device", None)
        return bool(own == json.loads(payload))

    def close(self) -> None:
        """End what was started."""
        self.desk.stop(kill=True)
        self.door.close()
        for node in (*self.running.nodes, *self.running.beside):
            node.kill()

    def _next(self, victim: Node) -> Node:
        """Return a living node, best the one that was away last: it may still serve what is old."""
        return (
            self.current
            if self.current is not victim
            else next(n for n in self.running.nodes if n is not victim)
        )

    def _lead(self) -> int | None:
        return self.current.port if self.current.process is not None else None


@contextlib.contextmanager
def trial(running: Running, scratch: Path, told: Callable[[str], None]) -> Iterator[Trial]:
    """Start a broker and what it needs, and end it all in the end. May raise Unavailable."""
    seconds = CLUSTER_SECONDS if len(running.nodes) > 1 else BROKER_SECONDS
    made = Trial(running, scratch, seconds, told)
    try:
        for node in running.beside:
            node.start()
        for node in running.nodes:
            node.start()
        if len(running.nodes) > 1:
            made.wait(lambda: all(node.healthy() for node in running.nodes), 60)
        yield made
    finally:
        made.close()


def attempt(made: Trial) -> Row:
    """Go through all steps; what fails on the way is a cell as well."""
    last = made.kills if len(made.running.nodes) > 1 else made.kill
    steps = (made.first, made.change, made.delete, made.commands, last)
    for step in steps:
        try:
            step()
        except (AssertionError, ApplianceError, OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            made.tell(f"{step.__name__} broke off", str(error).strip().splitlines()[0][:200])
    return made.row


def _words(done: "subprocess.CompletedProcess[str]", otherwise: str = "failed") -> str:
    """Return what a command said of its failure."""
    told = [line for line in done.stderr.splitlines() if "error: " in line or "warning: " in line]
    return (
        told[-1].partition(": ")[2].removeprefix("error: ").removeprefix("warning: ") if told else otherwise
    )
