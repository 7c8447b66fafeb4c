"""The shell: the loop and its worker, with a panel, a control socket and a broker that are lists."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

import pytest
from PIL.Image import Image

from appliance import logs
from appliance.core.care import Light
from appliance.core.effects import Change, Check, Inspect, Measure, OpenVault, Remember, Unlock
from appliance.core.events import (
    Asked,
    Checked,
    Connected,
    Event,
    Failed,
    Foreign,
    Inspected,
    Measured,
    Opened,
    Problem,
    Refused,
    Saved,
    Stopping,
)
from appliance.core.gestures import Gestured
from appliance.core.render import render
from appliance.core.state import Options
from appliance.core.step import start as first_state
from appliance.loop import Inbox, Shell, Work, Worker, run
from appliance.ports import Post
from appliance.vault import edit
from appliance.vault.edit import Moment
from appliance.vault.model import Account, Vault
from tests.fakes import Doorway
from tests.stores import FakeClock

SECONDS = 10.0
EMPTY = Vault("vault", "otp-00000001", "desk", 1, 0)
TOTP = Account("u1", "totp", "Bank", "anna", b"12345678901234567890")
HOTP = Account("u2", "hotp", "Wiki", "ben", b"12345678901234567890")


def vault(*accounts: Account) -> Vault:
    made = EMPTY
    for account in accounts:
        made = edit.add(made, account, 0, Moment(1, "otp-00000001"))
    return made


@dataclass(eq=False)
class Panel:
    """The port `Display`: remembers what it was sent."""

    frames: list[Image] = field(default_factory=list)
    dark: bool = False
    lights: list[tuple[Light, int]] = field(default_factory=list)
    tended: int = 0

    def show(self, frame: Image) -> None:
        self.frames.append(frame)

    def start(self, failed: Callable[[Problem], None], back: Callable[[], None]) -> None:
        self.failed, self.back = failed, back

    def light(self, light: Light, contrast: int) -> None:
        self.lights.append((light, contrast))

    def tend(self) -> None:
        self.tended += 1

    def stop(self) -> None:
        pass

    def off(self) -> None:
        self.dark = True


@dataclass(eq=False)
class Wire:
    """The port `Broker`: remembers what it was given."""

    given: "SimpleQueue[tuple[str, str, bytes]]" = field(default_factory=SimpleQueue)

    def start(self, post: Post) -> None:
        pass

    def stop(self) -> None:
        pass

    def publish(self, ref: int, topic: str, payload: bytes) -> None:
        self.given.put(("publish", topic, payload))

    def fetch(self, ref: int, topic: str) -> None:
        self.given.put(("fetch", topic, b""))

    def hurry(self) -> None:
        self.given.put(("hurry", "", b""))


class Desk:
    """A running loop, and what surrounds it."""

    def __init__(
        self, answer: Callable[[Work], Event | None], *, prefix: str | None = None, broker: Wire | None = None
    ) -> None:
        self.inbox: Inbox = SimpleQueue()
        self.panel, self.doorway, self.clock = Panel(), Doorway(), FakeClock()
        self.worker = Worker(answer, self.inbox)
        self.beats = 0
        self.shell = Shell(
            self.clock, self.panel, self.doorway, broker, self.worker, logs.line, beat=self._beat
        )
        self.options = Options(prefix)
        self._asks = 0
        self._thread = threading.Thread(target=self._run)
        self._ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def _beat(self) -> None:
        self.beats += 1

    def _run(self) -> None:
        try:
            run(self.options, self.shell, self.inbox)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self._ended.put(error)
        else:
            self._ended.put(None)

    def start(self) -> None:
        self.worker.start()
        self._thread.start()

    def ask(self, method: str, **params: object) -> Any:
        """Ask as the control socket does; when the answer is there, all that was posted before is done."""
        self._asks += 1
        self.inbox.put(Asked(self._asks, method, params))
        ask, answer = self.doorway.answers.get(timeout=SECONDS)
        assert ask == self._asks
        return answer

    def ended(self) -> BaseException | None:
        return self._ended.get(timeout=SECONDS)

    def stop(self) -> None:
        self.inbox.put(Stopping())
        self._thread.join(SECONDS)
        self.worker.stop()


def ref_of(work: Work) -> int:
    return 0 if isinstance(work, Remember) else work.ref


def opening(
    found: Vault, remembered: list[tuple[str, float]] | None = None
) -> Callable[[Work], Event | None]:
    """Return an answer that opens a vault and spends its counters, as the keeper does."""
    held = [found]
    remembered = [] if remembered is None else remembered

    def answer(work: Work) -> Event | None:
        match work:
            case OpenVault(ref):
                return Opened(ref, held[0].generation, b"sealed", held[0])
            case Change(ref, change):
                held[0] = replace(
                    edit.spend(held[0], getattr(change, "uuid", "")), generation=held[0].generation + 1
                )
                return Saved(ref, held[0].generation, b"sealed", held[0], counters_only=True)
            case Check(ref):
                return Checked(ref, Foreign("no"))
            case Inspect(ref):
                return Inspected(ref)
            case Unlock(ref):
                return Refused(ref, "wrong PIN")
            case Measure(ref):
                return Measured(ref, "", None)
            case Remember(key, value):
                remembered.append((key, value))
                return None

    return answer


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(opening(vault(TOTP, HOTP)))
    made.start()
    yield made
    made.stop()


def opened(desk: Desk) -> None:
    """Wait until the vault is open."""
    while desk.ask("status")["state"] == "starting":
        pass


def test_the_loop_opens_the_vault_first_and_ends_when_it_is_told_to(desk: Desk) -> None:
    opened(desk)
    assert desk.ask("status")["state"] == "open"
    desk.inbox.put(Stopping())
    assert desk.ended() is None


def test_the_first_frame_says_that_it_starts_and_the_next_shows_the_code() -> None:
    gate = threading.Event()
    answer = opening(vault(TOTP))

    def slow(work: Work) -> Event | None:
        gate.wait(SECONDS)
        return answer(work)

    desk = Desk(slow)
    desk.start()
    desk.ask("status")
    started, _ = first_state(desk.options, desk.clock.now())
    assert desk.panel.frames[0].tobytes() == render(started, desk.clock.now()).tobytes()
    gate.set()
    opened(desk)
    desk.ask("frame")
    assert desk.panel.frames[-1].tobytes() != desk.panel.frames[0].tobytes()
    desk.stop()


def test_an_unchanged_frame_is_not_sent_again(desk: Desk) -> None:
    opened(desk)
    desk.ask("frame")
    sent = len(desk.panel.frames)
    for _ in range(20):
        desk.ask("status")
        desk.ask("frame")
    assert len(desk.panel.frames) == sent
    shown = [frame.tobytes() for frame in desk.panel.frames]
    assert all(one != next_ for one, next_ in pairwise(shown))


def test_nothing_is_drawn_while_something_newer_waits(desk: Desk) -> None:
    opened(desk)
    desk.ask("frame")
    sent = len(desk.panel.frames)
    gate = threading.Event()

    class Blocking(Panel):
        def show(self, frame: Image) -> None:
            super().show(frame)
            gate.wait(SECONDS)

    blocking = Blocking()
    desk.panel.show = blocking.show  # type: ignore[method-assign]
    desk.inbox.put(Gestured("next"))  # drawn; the bus is busy from now on
    for _ in range(6):
        desk.inbox.put(Gestured("next"))
    gate.set()
    desk.ask("frame")
    assert len(blocking.frames) <= 2, "seven presses, and two pictures"
    assert len(desk.panel.frames) == sent


def test_a_frame_that_is_asked_for_is_the_one_after_all_that_was_posted_before(desk: Desk) -> None:
    opened(desk)
    before = desk.ask("frame")
    desk.ask("press", button="next")
    after = desk.ask("frame")
    assert before["bits"] != after["bits"]
    assert (after["width"], after["height"]) == (128, 64)
    assert bytes.fromhex(after["bits"]) == desk.panel.frames[-1].tobytes()
    assert len(bytes.fromhex(after["bits"])) == 128 * 64 // 8


def test_a_frame_follows_the_clock_even_without_an_event(desk: Desk) -> None:
    opened(desk)
    before = desk.ask("frame")
    desk.clock.advance(30)
    assert desk.ask("frame")["bits"] != before["bits"]


def test_a_deadline_wakes_the_loop_without_anybody_asking() -> None:
    drawn = threading.Semaphore(0)

    class Watched(Panel):
        def show(self, frame: Image) -> None:
            super().show(frame)
            drawn.release()

    desk = Desk(opening(vault(TOTP)))
    watched = Watched()
    desk.shell = replace(desk.shell, display=watched)
    desk.start()
    opened(desk)
    while drawn.acquire(blocking=False):
        pass
    desk.clock.advance(30)
    assert drawn.acquire(timeout=SECONDS), "the next second came, and with it another code"
    desk.stop()


def test_a_counter_is_saved_before_its_code_is_shown() -> None:
    gate = threading.Event()
    answer = opening(vault(HOTP))

    def slow(work: Work) -> Event | None:
        if isinstance(work, Change):
            gate.wait(SECONDS)
        return answer(work)

    desk = Desk(slow)
    desk.start()
    opened(desk)
    prompt = desk.ask("frame")["bits"]
    desk.ask("press", button="ok")
    saving = desk.ask("frame")["bits"]
    gate.set()
    desk.worker.stop()  # so its answer is in the inbox
    assert len({prompt, saving, desk.ask("frame")["bits"]}) == 3
    desk.stop()


@pytest.mark.parametrize(
    "params", [{}, {"button": "left"}, {"button": []}, {"button": {"a": 1}}, {"button": None}]
)
def test_what_a_client_may_not_ask_is_refused_and_the_loop_goes_on(
    desk: Desk, params: dict[str, Any]
) -> None:
    assert desk.ask("press", **params) == "refused: no such button"
    assert desk.ask("dance") == "refused: unknown method"
    assert desk.ask("lock").startswith("refused:")
    assert desk.ask("status")["running"] is True


def test_a_failure_of_the_worker_is_shown_and_not_a_crash() -> None:
    desk = Desk(
        lambda work: Failed(ref_of(work), Problem("can't open the vault", "wrong passphrase", "", "E3"))
    )
    desk.start()
    opened(desk)
    status = desk.ask("status")
    assert (status["state"], status["error"]) == ("locked", "wrong passphrase")
    desk.stop()


def test_the_broker_gets_what_the_core_wants() -> None:
    wire = Wire()
    desk = Desk(opening(vault(TOTP)), prefix="otp", broker=wire)
    desk.start()
    opened(desk)
    desk.inbox.put(Connected(None, retain=True))
    assert wire.given.get(timeout=SECONDS) == ("fetch", "otp/vault/otp-00000001/backup", b"")
    desk.stop()


def test_without_a_broker_what_the_core_wants_of_it_is_dropped() -> None:
    desk = Desk(opening(vault(TOTP)), prefix="otp", broker=None)
    desk.start()
    opened(desk)
    desk.inbox.put(Connected(None, retain=True))
    assert desk.ask("status")["broker"]["connected"] is True
    desk.stop()


def test_each_turn_of_the_loop_is_a_beat_for_the_watchdog(desk: Desk) -> None:
    opened(desk)
    before = desk.beats
    for _ in range(5):
        desk.ask("status")
    assert desk.beats >= before + 5


# --- what kills it


def test_a_thread_that_dies_ends_the_loop_with_its_exception(desk: Desk) -> None:
    opened(desk)

    def die() -> None:
        raise ZeroDivisionError("as a bug does")

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    error = desk.ended()
    assert isinstance(error, ZeroDivisionError)


def test_a_worker_that_dies_ends_the_loop() -> None:
    def answer(_work: Work) -> Event:
        raise ZeroDivisionError("as a bug does")

    desk = Desk(answer)
    desk.start()
    assert isinstance(desk.ended(), ZeroDivisionError)
    desk.worker.stop()


def test_a_panel_that_raises_ends_the_loop() -> None:
    class Broken(Panel):
        def show(self, frame: Image) -> None:
            raise OSError("the bus")

    desk = Desk(opening(vault(TOTP)))
    desk.shell = replace(desk.shell, display=Broken())
    desk.start()
    assert isinstance(desk.ended(), OSError)
    desk.worker.stop()


def test_the_hook_for_dying_threads_is_given_back() -> None:
    before = threading.excepthook
    desk = Desk(opening(vault(TOTP)))
    desk.start()
    opened(desk)
    assert threading.excepthook is not before
    desk.stop()
    assert threading.excepthook is before


# --- the worker


def test_work_is_done_one_after_the_other_in_its_order() -> None:
    inbox: Inbox = SimpleQueue()
    busy = threading.Lock()

    def answer(work: Work) -> Event:
        assert busy.acquire(blocking=False), "two pieces of work at once"
        busy.release()
        return Failed(ref_of(work), Problem("no", "no"))

    worker = Worker(answer, inbox)
    worker.start()
    for number in range(50):
        worker.give(OpenVault(number))
    worker.stop()
    assert [getattr(inbox.get_nowait(), "ref", None) for _ in range(50)] == list(range(50))
    assert inbox.empty()


def test_stopping_finishes_the_save_that_was_given_before() -> None:
    inbox: Inbox = SimpleQueue()
    begun, gate = threading.Event(), threading.Event()

    def answer(work: Work) -> Event:
        begun.set()
        gate.wait(SECONDS)
        return Failed(ref_of(work), Problem("no", "no"))

    worker = Worker(answer, inbox)
    worker.start()
    worker.give(OpenVault(1))
    worker.give(OpenVault(2))
    begun.wait(SECONDS)
    threading.Timer(0.05, gate.set).start()
    worker.stop()
    assert [getattr(inbox.get_nowait(), "ref", None) for _ in range(2)] == [1, 2]


def test_a_worker_can_be_stopped_without_having_worked() -> None:
    worker = Worker(lambda work: Failed(ref_of(work), Problem("no", "no")), SimpleQueue())
    worker.stop()


# --- the log


def test_events_are_logged_by_name_and_nothing_of_their_contents(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "appliance")
    desk = Desk(opening(vault(TOTP, HOTP)))
    desk.start()
    opened(desk)
    desk.ask("press", button="ok", token="12345678901234567890")
    desk.stop()
    text = caplog.text
    assert "event kind=Opened phase=Starting" in text
    assert "vault open generation=1 accounts=2" in text
    for secret in ("12345678901234567890", "Bank", "anna", "sealed"):
        assert secret not in text
