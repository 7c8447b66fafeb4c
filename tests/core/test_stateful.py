"""The whole core under any order of presses, time, broker, saves, failures, reloads and questions.

The shell around it is a model: a card in memory, a broker that keeps one message, and answers that come late, twice,
never, or for something that nobody asked. After every step the invariants are checked.
"""

from collections import deque
from dataclasses import replace
from typing import Any, Final, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from appliance.core.effects import (
    Change,
    Check,
    Effect,
    Exit,
    Fetch,
    Inspect,
    Log,
    Measure,
    OpenVault,
    Publish,
    Reconnect,
    Reexec,
    Remember,
    Reply,
    ReplyFrame,
    Simulate,
    Unlock,
    Vouch,
)
from appliance.core.events import (
    Acknowledged,
    Asked,
    Checked,
    Connected,
    Event,
    Failed,
    Foreign,
    Lost,
    Measured,
    Missing,
    PanelBack,
    PanelFailed,
    Problem,
    Received,
    Subscribed,
    Woke,
)
from appliance.core.gestures import Action, Gestured, Key, Layout, Moved
from appliance.core.instant import Instant, Reading, judge, vouched
from appliance.core.question import ASK_SECONDS
from appliance.core.render import render
from appliance.core.screen import Code, Qr
from appliance.core.state import Open, Options, Spent, State
from appliance.core.status import status
from appliance.core.step import deadline, start, step
from appliance.vault.model import Account, Vault
from tests.core.desk import PROBE, TOPIC, TROUBLE, UNIX, VAULT_ID, Card, account, vault_of

DAY: Final = 86_400.0
DEVICES: Final = f"otp-appliance/{VAULT_ID}/devices"
CATALOGUE: Final = (
    account("a"),
    account("b", "steam", favorite=True),
    account("c", "hotp"),
    account("d", "hotp", issuer="The Society for the Preservation of Long Names"),
    account("e", issuer="The Society for the Preservation of Longer Names", favorite=True),
)
LAYOUTS: Final[dict[Layout, tuple[Key, ...]]] = {
    "three": ("previous", "next", "ok"),
    "two": ("next", "ok"),
    "one": ("ok",),
    "joystick": ("left", "right", "up", "down", "centre", "key1", "key2", "key3"),
}
VERIFIED_SECONDS: Final = 15 * 60.0
"""The longest time for which a backup is called verified without a look at it."""
SPINS: Final = 4
"""Wokes at one instant that are still no spinning loop."""


def disguised(state: State) -> State:
    """Return the state with other secrets; what it shows while codes are withheld must be the same."""
    vault = state.vault
    if vault is None:
        return state
    records = {
        uuid: replace(record, account=replace(record.account, secret=b"quite another"))
        for uuid, record in vault.records.items()
    }
    assert isinstance(state.phase, Open)
    return replace(state, phase=Open(replace(vault, records=records), state.phase.generation))


class Core(RuleBasedStateMachine):
    """The core and the world."""

    state: State
    now: Instant
    card: Card
    options: Options

    def __init__(self) -> None:
        super().__init__()
        self.refs: set[int] = set()
        self.work: deque[OpenVault | Change | Check | Inspect] = deque()
        """The worker's queue: first in, first out."""
        self.unanswered: list[Event] = []
        """What the broker would say, if it came."""
        self.past: list[Event] = []
        self.retained: dict[str, bytes] = {}
        self.delivers = True
        self.verified_mono = 0.0
        self.up = False
        self.kept: dict[int, bytes] = {}
        """What the broker held when it answered a fetch."""
        self.subscribed: set[str] = set()
        self.source: int | None = None
        self.given: list[bytes] = []
        """What the core ever published."""
        self.asked: dict[int, float] = {}
        self.asks = 0
        self.exits = 0
        self.unanswered_looks: list[int] = []
        """Measurements under way."""
        self.spent: set[tuple[str, bytes, int]] = set()
        """HOTP counters that are saved, with the secret they belong to."""

    @initialize(
        mono=st.sampled_from([0.0, 1000.0]),
        unix=st.sampled_from([0.0, UNIX, UNIX + 0.5]),
        synchronised=st.booleans(),
        prefix=st.sampled_from(["otp-appliance", "otp-appliance", None]),
        require_trusted=st.sampled_from([True, True, False]),
        blank_after=st.sampled_from([0.0, 30.0, 300.0]),
        accounts=st.sampled_from([None, (), CATALOGUE[:1], CATALOGUE[2:3], CATALOGUE]),
        well=st.sampled_from([True, True, False]),
        layout=st.sampled_from(list(LAYOUTS)),
        reveal_on_press=st.booleans(),
        allow_qr=st.booleans(),
        night=st.sampled_from([None, (0, 360), (1320, 360)]),
        height=st.sampled_from([64, 64, 32]),
    )
    def begin(
        self,
        mono: float,
        unix: float,
        synchronised: bool,  # noqa: FBT001
        prefix: str | None,
        require_trusted: bool,  # noqa: FBT001
        blank_after: float,
        accounts: tuple[Account, ...] | None,
        well: bool,  # noqa: FBT001
        **options: Any,
    ) -> None:
        self.card = Card(None if accounts is None else vault_of(*accounts))
        self.synchronised = synchronised
        self.now = judge(None, Reading(unix, mono, synchronised))
        self.options = Options(prefix, require_trusted, blank_after, **options)
        self.state, effects = start(self.options, self.now)
        self.do(effects)
        if well:
            self.all_goes_well()

    @rule()
    def all_goes_well(self) -> None:
        """For a while, everything does what it should: so that there is something to disturb."""
        if self.options.prefix is not None and not self.up:
            self.the_link_comes_up(None, retain=True)
        for _ in range(2):
            while self.work or self.unanswered:
                if self.work:
                    self.the_worker_finishes()
                else:
                    self.deliver(self.unanswered.pop(0))
            self.time_passes(21)

    # --- the shell

    def tell(self, event: Event) -> None:
        before = self.state.backup
        self.state, effects = step(self.state, event, self.now)
        after = self.state.backup
        if isinstance(event, Received) and any(isinstance(effect, Check) for effect in effects):
            self.source = event.ref
        if (after.verified_at, after.condition) != (before.verified_at, before.condition):
            self.check_verification(event)
        self.do(effects)

    def check_verification(self, event: Event) -> None:
        backup = self.state.backup
        if backup.condition != "verified":
            return
        assert isinstance(event, Checked)
        assert self.source is not None
        self.verified_mono = self.now.mono
        assert self.kept[self.source] == backup.latest, "called verified, but it was not there"

    def do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case OpenVault(ref) | Change(ref) | Check(ref) | Inspect(ref):
                    self.number(ref)
                    self.work.append(effect)
                case Publish(ref, topic, payload):
                    self.number(ref)
                    assert self.up, "published without a link"
                    if topic == TOPIC:
                        self.given.append(payload)
                    self.keep(topic, payload)
                    if topic in self.subscribed:
                        self.unanswered.append(Received(None, topic, payload, retained=False))
                    self.unanswered.append(Acknowledged(ref))
                case Fetch(ref, topic):
                    self.number(ref)
                    assert self.up
                    self.subscribed.add(topic)
                    self.kept[ref] = self.retained.get(topic, b"")
                    self.unanswered.append(Subscribed(ref))
                    if self.kept[ref] and self.delivers:
                        self.unanswered.append(Received(ref, topic, self.kept[ref], retained=True))
                case Reconnect():
                    assert not self.up, "there is a link"
                case Reply(ask) | ReplyFrame(ask):
                    assert ask in self.asked, "answered twice, or nobody asked"
                    del self.asked[ask]
                case Measure(ref):
                    self.number(ref)
                    self.unanswered_looks.append(ref)
                case Remember(key, value):
                    needs_no_clock = {"brightness", "published", "verified_generation", "verified_at", "late"}
                    assert key in needs_no_clock or self.now.trust == "synchronised", value
                case Vouch():
                    assert not self.now.trusted, "vouched for what was trusted"
                    self.now = vouched(self.now)
                case Unlock() | Reexec():
                    pytest.fail("this vault opens by itself")
                case Simulate(ask):
                    assert ask in self.asked
                    del self.asked[ask]
                case Reconnect():
                    assert not self.up, "hurried although the link is up"
                case Log():
                    assert "secret" not in repr(effect)
                case Exit():
                    self.exits += 1

    def number(self, ref: int) -> None:
        assert ref not in self.refs, "a ref was given twice"
        self.refs.add(ref)

    def deliver(self, event: Event) -> None:
        self.past.append(event)
        self.tell(event)

    # --- time

    @rule(
        quarters=st.sampled_from([0, 1, 2, 4, 20, 21, 40, 120, 244, 2400]),
    )
    def time_passes(self, quarters: int) -> None:
        """As in life: the loop wakes at the deadline."""
        end = self.now.mono + quarters / 4
        for _ in range(200):
            due = deadline(self.state, self.now)
            assert due >= self.now.mono
            if due > end:
                break
            self.move(due - self.now.mono)
            self.wake()
        self.move(max(0.0, end - self.now.mono))

    @rule(seconds=st.sampled_from([7.0, 3600.0, 6 * 3600.0, DAY]))
    def it_is_suspended(self, seconds: float) -> None:
        self.move(seconds)
        self.wake()

    def move(self, seconds: float) -> None:
        self.look(self.now.unix + seconds, self.now.mono + seconds)

    def look(self, unix: float, mono: float) -> None:
        """Look at the clocks."""
        self.now = judge(self.now, Reading(unix, mono, self.synchronised))

    def wake(self) -> None:
        """A deadline that has passed must move, or the loop spins."""
        for _ in range(SPINS):
            self.tell(Woke())
            if deadline(self.state, self.now) > self.now.mono:
                return
        raise AssertionError("the loop spins")

    @rule(unix=st.sampled_from([0.0, UNIX, 2.0**31 - 1.0, 2.0**31, 2.0**32 + 5.0, -3.0]))
    def the_wall_clock_is_set(self, unix: float) -> None:
        self.look(unix, self.now.mono)

    @rule(seconds=st.sampled_from([DAY, -DAY, 40.0, -40.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        self.look(self.now.unix + seconds, self.now.mono)

    @rule(synchronised=st.booleans())
    def the_network_tells_the_time_or_not(self, synchronised: bool) -> None:  # noqa: FBT001
        self.synchronised = synchronised
        self.look(self.now.unix, self.now.mono)

    @rule()
    def it_wakes_without_need(self) -> None:
        self.tell(Woke())

    # --- people

    @rule(
        action=st.sampled_from(["previous", "next", "next", "ok", "ok", "ok", *get_args(Action)]),
        repeat=st.sampled_from([0, 0, 0, 1, 9, 12]),
    )
    def somebody_presses(self, action: Action, repeat: int) -> None:
        self.tell(Gestured(action, repeat if action in {"previous", "next"} else 0))

    @rule(
        key=st.sampled_from([*LAYOUTS["three"], *LAYOUTS["joystick"], "ok", "next"]),
        down=st.booleans(),
        quarters=st.sampled_from([0, 0, 1, 4, 12]),
    )
    def a_contact_moves(self, key: Key, down: bool, quarters: int) -> None:  # noqa: FBT001
        """An edge, and what time makes of it: a press, a hold, bouncing, a key that sticks."""
        self.tell(Moved(key, down, self.now.mono))
        self.time_passes(quarters)

    @rule(failed=st.booleans())
    def the_panel_comes_and_goes(self, failed: bool) -> None:  # noqa: FBT001
        self.tell(PanelFailed(TROUBLE) if failed else PanelBack())

    @rule(
        method=st.sampled_from(
            ["status", "frame", "press", "reload", "reload", "backup", "lock", "unlock", "simulate", "fly"]
        ),
        params=st.sampled_from(
            [
                {},
                {"button": "next"},
                {"button": "menu"},
                {"button": "next", "hold": True},
                {"button": "ok", "hold": True},
                {"button": [1]},
            ]
        ),
    )
    def somebody_asks(self, method: str, params: dict[str, Any]) -> None:
        self.asks += 1
        self.asked[self.asks] = self.now.mono
        self.tell(Asked(self.asks, method, params))
        if method not in {"reload", "backup"}:
            assert self.asks not in self.asked, "not answered at once"

    @rule(accounts=st.lists(st.sampled_from(CATALOGUE), unique_by=lambda one: one.uuid))
    def a_command_changes_the_card(self, accounts: list[Account]) -> None:
        fresh = vault_of(*accounts)
        if self.card.vault is None:
            self.card.vault = fresh
            return
        old = self.card.vault.records
        records = {
            uuid: replace(record, counter=max(record.counter, old[uuid].counter if uuid in old else 0))
            for uuid, record in fresh.records.items()
        }
        self.card.edit(replace(self.card.vault, records=records))

    @rule()
    def a_command_replaces_a_secret(self) -> None:
        if self.card.vault is None or "c" not in self.card.vault.records:
            return
        record = self.card.vault.records["c"]
        secret = record.account.secret + b"+"
        again = replace(record, account=replace(record.account, secret=secret), counter=0)
        self.card.edit(replace(self.card.vault, records={**self.card.vault.records, "c": again}))

    @precondition(lambda self: self.unanswered_looks)
    @rule(celsius=st.sampled_from([None, 48.2]), address=st.sampled_from(["", "192.0.2.7"]))
    def it_was_measured(self, celsius: float | None, address: str) -> None:
        self.deliver(Measured(self.unanswered_looks.pop(), address, celsius))

    # --- the worker

    @precondition(lambda self: self.work)
    @rule()
    def the_worker_finishes(self) -> None:
        event = self.card.work(self.work.popleft())
        if self.card.vault is not None:
            for uuid, record in self.card.vault.records.items():
                self.spent |= {(uuid, record.account.secret, counter) for counter in range(record.counter)}
        self.deliver(event)

    @precondition(lambda self: self.work)
    @rule()
    def the_worker_fails(self) -> None:
        self.deliver(Failed(self.work.popleft().ref, TROUBLE))

    @precondition(lambda self: self.work)
    @rule()
    def the_workers_answer_is_lost(self) -> None:
        work = self.work.popleft()
        if not isinstance(work, OpenVault):
            self.card.work(work)

    # --- the broker

    @precondition(lambda self: self.options.prefix is not None)
    @rule(limit=st.sampled_from([None, None, None, 1030]), retain=st.sampled_from([True, True, True, False]))
    def the_link_comes_up(self, limit: int | None, retain: bool) -> None:  # noqa: FBT001
        self.up = True
        self.unanswered.clear()
        self.subscribed.clear()
        self.deliver(Connected(limit, retain))

    @precondition(lambda self: self.options.prefix is not None)
    @rule()
    def the_link_is_lost(self) -> None:
        self.up = False
        self.unanswered.clear()
        self.deliver(Lost(Problem("lost the broker", "it closed the connection")))

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def the_broker_answers(self, data: st.DataObject) -> None:
        """Mostly in order; sometimes a later answer first."""
        at = data.draw(st.sampled_from([0, 0, 0, -1]))
        self.deliver(self.unanswered.pop(at))

    @precondition(lambda self: self.unanswered)
    @rule()
    def the_broker_answers_everything(self) -> None:
        while self.unanswered:
            self.deliver(self.unanswered.pop(0))

    @precondition(lambda self: self.unanswered and not self.work)
    @rule(problem=st.sampled_from(["not authorized", "quota exceeded"]))
    def the_broker_refuses(self, problem: str) -> None:
        event = self.unanswered.pop(0)
        if isinstance(event, Acknowledged | Subscribed):
            event = replace(event, problem=problem)
        self.deliver(event)

    @precondition(lambda self: self.unanswered)
    @rule()
    def an_answer_is_lost(self) -> None:
        self.unanswered.pop(0)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def something_is_delivered_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.past[-12:]))
        if self.up or not isinstance(event, Connected):
            self.up = self.up and not isinstance(event, Lost)
            self.tell(event)

    @rule(
        ref=st.sampled_from([-1, 0, 1, 10**9]),
        kind=st.sampled_from(["acknowledged", "subscribed", "received", "checked", "failed", "missing"]),
    )
    def something_arrives_that_nobody_asked_for(self, ref: int, kind: str) -> None:
        if ref in self.refs:
            return
        before = replace(self.state, ref=0)
        events: dict[str, Event] = {
            "acknowledged": Acknowledged(ref),
            "subscribed": Subscribed(ref),
            "received": Received(ref, TOPIC, b"anything", retained=True),
            "checked": Checked(ref, Foreign("it is not a backup")),
            "failed": Failed(ref, TROUBLE),
            "missing": Missing(ref),
        }
        if ref != 0:
            self.tell(events[kind])
            assert replace(self.state, ref=0) == before

    @precondition(lambda self: self.options.prefix is not None)
    @rule(payload=st.sampled_from([b"", b"garbage", b"under a newer key", b"under an older key"]))
    def somebody_else_publishes(self, payload: bytes) -> None:
        self.card.superseded.add(b"under a newer key")
        self.card.outdated.add(b"under an older key")
        self.somebody_publishes(payload)

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def an_old_backup_comes_back(self, data: st.DataObject) -> None:
        self.somebody_publishes(data.draw(st.sampled_from(self.given)))

    def somebody_publishes(self, payload: bytes) -> None:
        self.keep(TOPIC, payload)
        if self.up and self.delivers:
            self.unanswered.append(Received(None, TOPIC, payload, retained=False))

    @precondition(lambda self: isinstance(self.card.vault, Vault) and self.options.prefix is not None)
    @rule()
    def a_clone_published_more_than_we_have(self) -> None:
        assert self.card.vault is not None
        vault = self.card.vault
        more = vault_of(account("f"), generation=vault.generation + 3)
        self.keep(TOPIC, self.card.seal(replace(more, records={**vault.records, **more.records})))

    @rule(delivers=st.sampled_from([True, True, False]))
    def the_broker_may_read_it_or_not(self, delivers: bool) -> None:  # noqa: FBT001
        """Mosquitto grants a subscription that its access list forbids, and delivers nothing."""
        self.delivers = delivers

    @rule()
    def the_broker_forgets_everything(self) -> None:
        self.retained.clear()

    @precondition(lambda self: self.options.prefix is not None)
    @rule(topic=st.sampled_from([PROBE, DEVICES]), payload=st.sampled_from([b"", b"garbage", b"[]", b"{}"]))
    def somebody_writes_beside_the_backup(self, topic: str, payload: bytes) -> None:
        self.keep(topic, payload)

    def keep(self, topic: str, payload: bytes) -> None:
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)

    # --- what always holds

    @invariant()
    def it_can_be_drawn(self) -> None:
        frame = render(self.state, self.now)
        assert (frame.size, frame.mode) == ((128, self.options.height), "1")

    @invariant()
    def no_code_is_shown_that_must_not_be(self) -> None:
        shown = self.state.shown
        withheld = self.options.require_trusted and not self.now.trusted
        hotp = shown is not None and shown[0].account.type == "hotp"
        spent = isinstance(self.state.panel.hotp, Spent)
        panel = self.state.panel
        if isinstance(panel.screen, Qr):
            assert self.options.allow_qr
            return
        hidden = self.options.reveal_on_press and self.now.mono >= panel.revealed_until
        covered = panel.blank or panel.message is not None or hidden or not isinstance(panel.screen, Code)
        if covered or (hotp and not spent) or (withheld and not hotp):
            frame, other = render(self.state, self.now), render(disguised(self.state), self.now)
            assert frame.tobytes() == other.tobytes(), "the picture depends on the secret"

    @invariant()
    def a_hotp_code_is_shown_only_after_its_counter_was_saved(self) -> None:
        hotp = self.state.panel.hotp
        if isinstance(hotp, Spent):
            assert self.state.shown is not None
            account = self.state.shown[0].account
            assert self.state.panel.selected == hotp.uuid == account.uuid
            assert (hotp.uuid, account.secret, hotp.counter) in self.spent

    @invariant()
    def what_is_selected_is_there(self) -> None:
        vault = self.state.vault
        if vault is not None:
            assert (self.state.shown is not None) == bool(vault.records)

    @invariant()
    def verified_needs_a_link(self) -> None:
        told = status(self.state, self.now)
        if not self.up:
            assert told["backup"]["state"] not in {"verified", "acknowledged", "pending"}

    @invariant()
    def what_is_verified_was_fetched_a_moment_ago(self) -> None:
        """Within a quarter of an hour, unless the machine slept and nothing has been done since."""
        backup = self.state.backup
        if backup.condition == "verified" and deadline(self.state, self.now) > self.now.mono:
            assert self.now.mono - self.verified_mono <= VERIFIED_SECONDS

    @invariant()
    def everybody_is_answered_in_time(self) -> None:
        assert {waiting.ask for waiting in self.state.waiting} == self.asked.keys()
        if deadline(self.state, self.now) > self.now.mono:
            assert all(self.now.mono < since + ASK_SECONDS for since in self.asked.values())

    @invariant()
    def the_core_ends_the_process_only_when_told(self) -> None:
        assert self.exits == 0

    def teardown(self) -> None:
        """Whatever happened: with time, nobody waits any more, and it does not spin."""
        if hasattr(self, "state"):
            self.it_is_suspended(ASK_SECONDS)
            assert not self.asked


QUICK: Final = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def test_nothing_breaks_the_core() -> None:
    run_state_machine_as_test(Core, settings=QUICK)


@pytest.mark.long
def test_nothing_breaks_the_core_at_length() -> None:
    run_state_machine_as_test(Core, settings=settings(QUICK, max_examples=2000))
