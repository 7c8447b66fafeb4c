"""What tests of the core stand on: vaults, a card that keeps them, and a desk at which time passes.

A `Desk` holds the state and gives the core events; a `Card` does what the core asks of the worker, without keys or
files: sealed bytes are names, and the books say which vault each stands for.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from PIL.Image import Image

from appliance.core.effects import (
    Change,
    Check,
    Effect,
    Fetch,
    Inspect,
    Merge,
    OpenVault,
    Publish,
    Reply,
    Spend,
)
from appliance.core.events import (
    Acknowledged,
    Authentic,
    Checked,
    Event,
    Failed,
    Foreign,
    Inspected,
    Missing,
    Mode,
    Opened,
    Outdated,
    Problem,
    Received,
    Saved,
    Subscribed,
    Superseded,
    Verdict,
    Woke,
)
from appliance.core.gestures import DOUBLE_WITHIN, STEADY_UP, Action, Gestured, Key, Moved
from appliance.core.instant import Instant, Trust
from appliance.core.layout.screen import View
from appliance.core.render import render
from appliance.core.screen import Screen
from appliance.core.state import Options, State
from appliance.core.step import deadline, start, step
from appliance.core.views import view_of
from appliance.vault import edit, proof
from appliance.vault.merge import counters_only, merge, same_content
from appliance.vault.model import Account, Record, Stamp, Type, Vault
from appliance.vault.proof import Proof

UNIX: Final = 1_700_000_000.0
VAULT_ID: Final = "6f1c3d5e-0000-4000-8000-000000000001"
DEVICE: Final = "otp-00000001"
TOPIC: Final = f"otp-appliance/{VAULT_ID}/{DEVICE}/backup"
OPTIONS: Final = Options(
    "otp-appliance", device=DEVICE, name="desk", host="broker.local:8883", address="desk.local"
)
PROBE: Final = TOPIC.replace("/backup", "/probe")
TROUBLE: Final = Problem("can't save the vault", "the card is full", "free some space", "E2")

MASTER: Final = b"m" * 32
KEYS: Final = proof.begin(MASTER, VAULT_ID, 1)

E = TypeVar("E")


def account(
    uuid: str, kind: Type = "totp", issuer: str = "", *, secret: bytes = b"secret", favorite: bool = False
) -> Account:
    return Account(uuid, kind, issuer or f"Issuer {uuid}", "anna", secret, favorite=favorite)


def vault_of(*accounts: Account, generation: int = 1, counter: int = 0, device: str = DEVICE) -> Vault:
    """Return a vault with these accounts, in this order."""
    stamp = Stamp(1, 0, device)
    records = {
        one.uuid: Record(one, stamp, f"m{place:03}", stamp, counter) for place, one in enumerate(accounts)
    }
    return Vault(VAULT_ID, device, "desk", generation, 0, records)


def opened(
    ref: int,
    vault: Vault,
    sealed: bytes = b"",
    warning: Problem | None = None,
    *,
    mode: Mode = "credential",
) -> Opened:
    return Opened(ref, vault.generation, sealed or named(vault), vault, warning, mode)


def saved(ref: int, vault: Vault, sealed: bytes = b"", *, counters: bool = False) -> Saved:
    return Saved(ref, vault.generation, sealed or named(vault), vault, counters)


def named(vault: Vault) -> bytes:
    return b"sealed, generation %d" % vault.generation


def every(effects: Iterable[Effect], kind: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def only(effects: Iterable[Effect], kind: type[E]) -> E:
    """Return the one effect of a kind; fails if there is none, or more than one."""
    (effect,) = every(effects, kind)
    return effect


def every_on(topic: str, effects: Iterable[Effect], kind: type[E]) -> list[E]:
    """Return the effects of a kind; of those that name a topic, only the ones that name this one."""
    return [one for one in every(effects, kind) if getattr(one, "topic", topic) == topic]


def only_on(topic: str, effects: Iterable[Effect], kind: type[E]) -> E:
    """Return the one effect of a kind that names a topic."""
    (effect,) = every_on(topic, effects, kind)
    return effect


class Desk:
    """The core, and the time that passes. Effects are returned, and nothing does them."""

    def __init__(
        self, options: Options = OPTIONS, *, mono: float = 1000.0, trust: Trust = "synchronised"
    ) -> None:
        self.now = Instant(UNIX, mono, trust, mono)
        self.state: State
        self.state, self.first = start(options, self.now)

    def tell(self, event: Event) -> tuple[Effect, ...]:
        self.state, effects = step(self.state, event, self.now)
        return effects

    def open(
        self, *accounts: Account, generation: int = 1, counter: int = 0, mode: Mode = "credential"
    ) -> tuple[Effect, ...]:
        """Answer the first `OpenVault`."""
        vault = vault_of(*accounts, generation=generation, counter=counter)
        return self.tell(opened(1, vault, mode=mode))

    def move(self, seconds: float) -> None:
        """Let time pass while nobody looks."""
        self.now = replace(self.now, unix=self.now.unix + seconds, mono=self.now.mono + seconds)

    def later(self, seconds: float) -> tuple[Effect, ...]:
        """Let time pass, and wake the core whenever it asks to be woken; return what it wanted."""
        end = self.now.mono + seconds
        effects: list[Effect] = []
        before = -1.0
        while (due := deadline(self.state, self.now)) <= end:
            assert due > before, "a deadline has passed and did not move"
            before = due
            self.move(due - self.now.mono)
            effects += self.tell(Woke())
        self.move(end - self.now.mono)
        return tuple(effects)

    def probed(self, effects: Iterable[Effect], found: bytes = b"") -> tuple[Effect, ...]:
        """Let a broker that delivers answer the probe, if the effects begin with it; return what follows.

        `found` is what lies there before it is written; empty: nothing does.
        """
        if not (fetches := every_on(PROBE, effects, Fetch)):
            return tuple(effects)
        self.tell(Subscribed(fetches[0].ref))
        there = Received(fetches[0].ref, PROBE, found, retained=True)
        written = only_on(PROBE, self.tell(there) if found else self.later(5.0), Publish)
        fetch = only_on(PROBE, self.tell(Acknowledged(written.ref)), Fetch)
        self.tell(Subscribed(fetch.ref))
        return self.tell(Received(fetch.ref, PROBE, written.payload, retained=True))

    def gesture(self, *actions: Action) -> tuple[Effect, ...]:
        """Do these one after another, and take no time for it."""
        return tuple(effect for action in actions for effect in self.tell(Gestured(action)))

    def press(self, key: Key, lasting: float = 0.1) -> tuple[Effect, ...]:
        """Put a finger on a key, take it off, and wait until no second press can belong to it."""
        effects = [*self.tell(Moved(key, True, self.now.mono)), *self.later(lasting)]
        effects += self.tell(Moved(key, False, self.now.mono))
        return (*effects, *self.later(DOUBLE_WITHIN + STEADY_UP))

    def screen(self) -> Screen:
        return self.state.panel.screen

    def dark(self) -> bool:
        return self.state.panel.blank

    def view(self) -> View:
        return view_of(self.state, self.now)

    def frame(self) -> Image:
        return render(self.state, self.now)

    def trusting(self, trust: Trust) -> None:
        self.now = replace(self.now, trust=trust)


class ServedDesk(Desk):
    """A desk at a broker that delivers: it answers at once for what stands beside the backup, the probe and the index
    of devices, and the tests see nothing of either.
    """

    def tell(self, event: Event) -> tuple[Effect, ...]:
        seen: list[Effect] = []
        waiting = [*super().tell(event)]
        while waiting:
            effect = waiting.pop(0)
            answers = self._serve(effect)
            if answers is None:
                seen.append(effect)
            for answer in answers or ():
                waiting += super().tell(answer)
        return tuple(seen)

    def _serve(self, effect: Effect) -> tuple[Event, ...] | None:
        """Return the broker's answers; None for what is the test's."""
        match effect:
            case Fetch(ref, topic) if topic.endswith("/devices"):
                index = b'["%s"]' % DEVICE.encode()
                return Subscribed(ref), Received(ref, topic, index, retained=True)
            case Fetch(ref, topic) if topic.endswith("/probe"):
                return Subscribed(ref), Received(ref, topic, self._probe, retained=True)
            case Publish(ref, topic, payload) if topic.endswith("/probe"):
                self._probe = payload
                return (Acknowledged(ref),)
            case _:
                return None

    _probe = b'{"nonce":"of another process","proof":null}'


@dataclass
class Card:
    """What the worker's keeper does, in memory: it opens, changes, saves, merges and checks."""

    vault: Vault | None
    books: dict[bytes, Vault] = field(default_factory=dict)
    """What each sealed message holds. Cards that share their books share a master key."""
    outdated: set[bytes] = field(default_factory=set)
    superseded: set[bytes] = field(default_factory=set)
    full: bool = False
    """Nothing can be saved."""
    keys: tuple[proof.Key, ...] = KEYS
    """The chain that its proofs end with; the last is of `master`."""
    master: bytes = field(default=MASTER, repr=False)
    proofs: dict[bytes, Proof] = field(default_factory=dict)

    @property
    def sealed(self) -> bytes:
        """The vault on the card as it is published; the same bytes until the next save."""
        assert self.vault is not None
        return self.seal(self.vault)

    @property
    def proof(self) -> Proof:
        """Of the vault on the card."""
        return self.prove(self.sealed)

    def seal(self, vault: Vault) -> bytes:
        for sealed, known in self.books.items():
            if known == vault:
                return sealed
        sealed = b"sealed %d, generation %d" % (len(self.books), vault.generation)
        self.books[sealed] = vault
        return sealed

    def prove(self, sealed: bytes) -> Proof:
        """Return the proof of what was sealed; made once, as a file's is."""
        if sealed not in self.proofs:
            vault = self.books[sealed]
            file = hashlib.sha256(sealed).hexdigest()
            claim = Proof(vault.id, vault.device, vault.generation, file, self.keys)
            self.proofs[sealed] = proof.sign(claim, self.master)
        return self.proofs[sealed]

    def edit(self, change: Vault) -> None:
        """Save what a command made of the vault."""
        assert self.vault is not None
        generation = 1 + max(change.generation, self.vault.generation)
        self.vault = replace(change, generation=generation)

    def work(self, effect: OpenVault | Change | Check | Inspect) -> Event:
        """Do a piece of work."""
        if self.vault is None:
            return Missing(effect.ref) if isinstance(effect, OpenVault) else Failed(effect.ref, TROUBLE)
        match effect:
            case OpenVault(ref):
                return Opened(ref, self.vault.generation, self.sealed, self.vault, proof=self.proof)
            case Check(ref, payload):
                return Checked(ref, self.check(payload, self.vault))
            case Inspect(ref):
                return Inspected(ref)
            case Change(ref, change):
                if self.full:
                    return Failed(ref, TROUBLE)
                before = self.vault
                after = self._changed(change, before)
                if after in self.books.values():
                    self.vault = after  # a copy that lacks nothing is kept as it is
                elif after is not before:
                    self.edit(after)
                only_counters = counters_only(before, self.vault)
                return Saved(
                    ref,
                    self.vault.generation,
                    self.sealed,
                    self.vault,
                    only_counters,
                    self.proof,
                )

    def check(self, payload: bytes, own: Vault) -> Verdict:
        """Return what a message on the own topic is."""
        if payload in self.superseded:
            return Superseded()
        if payload in self.outdated:
            return Outdated()
        if payload not in self.books:
            return Foreign("it is not a backup")
        theirs = self.books[payload]
        novel = theirs.generation > own.generation or not same_content(merge(own, theirs), own)
        return Authentic(theirs.generation, novel)

    def _changed(self, change: Spend | Merge, own: Vault) -> Vault:
        match change:
            case Spend(uuid):
                return edit.spend(own, uuid) if uuid in own.records else own
            case Merge(payload):
                theirs = self.books[payload]
                result = merge(own, theirs)
                if theirs.generation > own.generation and same_content(result, theirs):
                    return theirs
                if theirs.generation > own.generation:
                    return replace(result, generation=theirs.generation)
                return own if same_content(result, own) else result


def replies(effects: Iterable[Effect]) -> dict[int, Reply]:
    return {reply.ask: reply for reply in every(effects, Reply)}
