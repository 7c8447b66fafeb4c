"""What happens to a household at random, and what must be true all the time.

Card, daemon and broker are killed; the retained backup is deleted, replayed, replaced by garbage and by forged headers;
old copies of the card are put back. The book holds what was acknowledged: it must be on the card and, once it is
quiet, in the backup at the broker, as `deploy/decrypt_backup.py` reads it, which shares no code with the appliance. All
the while somebody asks the daemon whether the backup is verified, and looks at the broker whether that is true.
"""

import contextlib
import random
import runpy
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from appliance.errors import ApplianceError
from appliance.vault import canonical
from appliance.vault.model import Account, base32_decode
from appliance.vault.otp import code_for
from tests.brokers import Mosquitto
from tests.household import Appliance

SEED: Final = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
WIKI: Final = Account("", "hotp", "Wiki", "ben", base32_decode(SEED))
SHOUT: Final = b"nothing that is kept"
QUIET_SECONDS: Final = 900.0
"""Within which it must have healed: a quarter of an hour, as the README promises."""
FALSE_SECONDS: Final = 3.0
"""For which `verified` may outlive what it is said of: the daemon must hear of it, and be asked."""
READER: Final = runpy.run_path(str(Path(__file__).parents[2] / "deploy" / "decrypt_backup.py"))
Deed = Callable[[], None]


class Witness:
    """Somebody at the broker who sees what is retained, and may write."""

    def __init__(self, port: int, topic: str) -> None:
        self.topic = topic
        self.now: bytes | None = None
        self.ever: list[bytes] = []
        self.changed = threading.Condition()
        self._client = Client(
            CallbackAPIVersion.VERSION2, f"witness-{random.SystemRandom().randrange(2**32)}"
        )
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_message = self._see
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def _see(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.payload == SHOUT:
            return  # nobody keeps it, and a client of 3.1.1 can't see that
        with self.changed:
            self.now = bytes(message.payload) or None
            if self.now:
                self.ever.append(self.now)
            self.changed.notify_all()

    def put(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        with contextlib.suppress(RuntimeError, ValueError, socket.error):
            self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def look(self) -> bytes | None:
        """Return what the broker retains now, as a client of its own finds it."""
        with contextlib.suppress(OSError):
            fresh = Witness.__new__(Witness)
            Witness.__init__(fresh, self._client.port, self.topic)
            try:
                with fresh.changed:
                    fresh.changed.wait_for(lambda: fresh.now is not None, 3)
                return fresh.now
            finally:
                fresh.stop()
        return None

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Story:
    """One campaign."""

    def __init__(self, desk: Appliance, broker: Mosquitto, dice: random.Random) -> None:
        self.desk, self.broker, self.dice = desk, broker, dice
        self.told: list[str] = []
        self.book: set[str] = set()
        self.number = 0
        self.codes: list[int] = []
        self.counts: Counter[str] = Counter()
        self.copies: list[tuple[Path, frozenset[str]]] = []
        self.samples = 0
        self.longest_false = 0.0
        made = desk.json("init")
        self.passphrase: str = made["passphrase"]
        self.place = f"otp-appliance/{made['vault']}/{made['device']}"
        self.topic = f"{self.place}/backup"
        self.say("init")
        desk.does("add", "-", stdin=f"otpauth://hotp/Wiki:ben?secret={SEED}&issuer=Wiki&counter=0")
        self.book.add("Wiki")
        self.witness = Witness(broker.port, self.topic)
        self._stopped = threading.Event()
        self._wrong: str | None = None
        self._broker_down = False
        desk.start()

    # --- the frame

    def say(self, what: str) -> None:
        self.told.append(f"{time.strftime('%H:%M:%S')} {what}")

    def run(self, seconds: float) -> None:
        """Let things happen for so long."""
        ends = time.monotonic() + seconds
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            self.check()
            while time.monotonic() < ends:
                for _ in range(self.dice.randint(1, 6)):
                    self._do_something()
                self.check()
        finally:
            self._stopped.set()
            watcher.join(10)
            self.witness.stop()

    def figures(self) -> str:
        deeds = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return (
            f"{sum(self.counts.values())} deeds ({deeds}), {len(self.codes)} HOTP codes, {self.samples} samples of "
            f"verified, false for {self.longest_false:.2f} s at most"
        )

    def _do_something(self) -> None:
        deeds: tuple[Deed, ...] = (
            self.add, self.add, self.add, self.edit, self.remove, self.take_code, self.take_code, self.copy_card,
            self.kill_daemon, self.stop_daemon, self.kill_broker, self.wipe_broker, self.delete, self.replay, self.replay,
            self.write_garbage, self.forge, self.forge, self.spoil_probe, self.spoil_index, self.shout, self.put_back,
            self.put_back, self.wait,
        )  # fmt: skip
        deed = self.dice.choice(deeds)
        self.say(deed.__name__)
        self.counts[deed.__name__] += 1
        deed()

    def _watch(self) -> None:
        """Ask the daemon whether the backup is verified, and compare with the broker."""
        false_since: float | None = None
        while not self._stopped.wait(0.05):
            try:
                backup = self.desk.backup()
            except (ApplianceError, OSError):
                false_since = None
                continue
            self.samples += backup["state"] == "verified"
            seen = self.witness.now
            true = seen is not None and self._generation(seen) == backup["generation"]
            if backup["state"] != "verified" or true or self._broker_down:
                false_since = None
                continue
            false_since = false_since or time.monotonic()
            lasted = time.monotonic() - false_since
            self.longest_false = max(self.longest_false, lasted)
            if lasted > FALSE_SECONDS and self._wrong is None:
                self._wrong = f"verified for {lasted:.1f} s while the broker holds something else"

    @staticmethod
    def _generation(payload: bytes) -> int | None:
        """Return the generation in clear; None for what is not a backup that holds."""
        from appliance.vault import proof

        found = proof.read(payload)
        return None if found is None else found.generation

    def entries(self, payload: bytes) -> set[str]:
        """Return the issuers that an independent reader finds in a backup."""
        document = READER["opened"](payload, self.passphrase)
        return {entry["issuer"] for entry in document["entries"]}

    def check(self) -> None:
        """Let it become quiet: then card and broker hold what was acknowledged, and the daemon says so."""
        if self.desk.daemon is None or self.desk.daemon.poll() is not None:
            self.desk.daemon = None
            self.desk.start()
        self.say("check")
        self.counts["check"] += 1
        self.desk.until(self._healed, QUIET_SECONDS)
        card = {one["issuer"] for one in self.desk.json("list")}
        assert card == self.book, f"the card lost {self.book - card}, and has {card - self.book} too many"
        kept = self.witness.look()
        assert kept is not None, "verified, and the broker has nothing"
        assert self.entries(kept) == self.book, "the broker does not hold what was acknowledged"
        assert self._wrong is None, self._wrong

    def _healed(self) -> bool:
        backup, status = self.desk.backup(), self.desk.ask("status")
        seen = self._generation(
            self.witness.now or b""
        )  # what was forged a moment ago is news to the daemon as well
        return bool(backup["state"] == "verified" and seen == backup["generation"] == status["generation"])

    # --- the owner

    def _does(self, *arguments: str, stdin: str = "") -> bool:
        done = self.desk.command(*arguments, stdin=stdin)
        assert done.returncode in {0, 1, 5}, (arguments, done.returncode, done.stderr)
        return done.returncode == 0

    def add(self) -> None:
        self.number += 1
        name = f"A{self.number}"
        if self._does("add", "-", stdin=f"otpauth://totp/{name}:x?secret={SEED}&issuer={name}"):
            self.book.add(name)

    def edit(self) -> None:
        self._does("edit", self.dice.choice(sorted(self.book)), "--note", f"note {self.number}")

    def remove(self) -> None:
        names = sorted(self.book - {"Wiki"})
        if len(names) > 3:
            name = self.dice.choice(names)
            if self._does("remove", name, "--confirm", f"{name}:x"):
                self.book.discard(name)

    def take_code(self) -> None:
        done = self.desk.command("code", "Wiki")
        if done.returncode:
            return
        text = done.stdout.strip().replace(" ", "")
        first = max(self.codes, default=-1) + 1
        counter = next((n for n in range(first, first + 200) if code_for(WIKI, n).text == text), None)
        assert counter is not None, f"a code that was given before, or none: after {first}"
        self.codes.append(counter)

    def wait(self) -> None:
        self._stopped.wait(self.dice.uniform(0.5, 12))

    # --- what breaks

    def kill_daemon(self) -> None:
        self.desk.stop(kill=True)
        if self.dice.random() < 0.7:
            self.desk.start()

    def stop_daemon(self) -> None:
        self.desk.stop()
        self.desk.start()

    def kill_broker(self) -> None:
        self._broker_down = True
        self.broker.kill()
        self._stopped.wait(self.dice.uniform(0, 3))
        self.broker.restart()
        self._settle()

    def wipe_broker(self) -> None:
        self._broker_down = True
        self.broker.kill()
        for file in self.broker.folder.glob("mosquitto.db*"):
            file.unlink()
        self.broker.restart()
        self.witness.now = None
        self._settle()

    def _settle(self) -> None:
        self._stopped.wait(2)
        self._broker_down = False

    # --- neighbours

    def delete(self) -> None:
        self.witness.put(self.topic, b"")

    def replay(self) -> None:
        if self.witness.ever:
            self.witness.put(self.topic, self.dice.choice(self.witness.ever))

    def write_garbage(self) -> None:
        garbage = (b'{"version":2}', b"\0" * 40, self.dice.randbytes(20_000), b"[]", b"{}")
        self.witness.put(self.topic, self.dice.choice(garbage))

    def forge(self) -> None:
        own = self.witness.now
        try:
            file = canonical.load(own or b"")
        except ValueError:
            return
        changes: tuple[dict[str, Any], ...] = (
            {"x-epoch": 99}, {"version": 2}, {"x-device": {"v": 2}}, {"x-proof": None}, {"x-new": 1}, {"db": ""},
        )  # fmt: skip
        self.witness.put(self.topic, canonical.dump({**file, **self.dice.choice(changes)}))

    def spoil_probe(self) -> None:
        self.witness.put(f"{self.place}/probe", self.dice.choice((b"", b"{}", self.dice.randbytes(100))))

    def spoil_index(self) -> None:
        index = self.place.rsplit("/", 1)[0] + "/devices"
        self.witness.put(index, self.dice.choice((b"", b'["otp-00000000"]', self.dice.randbytes(100))))

    def shout(self) -> None:
        """Send what is not kept to the backup's topic."""
        for _ in range(self.dice.randint(1, 50)):
            self.witness.put(self.topic, SHOUT, retain=False)

    # --- old cards

    def copy_card(self) -> None:
        copy = self.desk.folder / f"copy-{len(self.copies)}-{self.number}"
        shutil.rmtree(copy, ignore_errors=True)
        self.desk.stop()
        shutil.copytree(self.desk.state, copy)
        self.copies = [*self.copies[-4:], (copy, frozenset(self.book))]
        self.desk.start()

    def put_back(self) -> None:
        """Put an old copy in the place of the card, while the broker has all that it lacks."""
        if not self.copies:
            return
        self.check()
        self.desk.stop(kill=self.dice.random() < 0.5)
        shutil.rmtree(self.desk.state)
        shutil.copytree(self.dice.choice(self.copies)[0], self.desk.state)
        if self.dice.random() < 0.3:
            self.add()  # while it is offline: neither side may lose anything
        self.desk.start()
        self.check()  # before it is asked for a counter code, or meets another trial
