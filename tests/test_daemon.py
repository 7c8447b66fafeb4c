"""What the daemon does by itself; that it runs is for the tests of the whole."""

import signal
from queue import SimpleQueue

import pytest

from appliance import daemon
from appliance.core.events import Stopping, Woke
from appliance.loop import Inbox


def test_who_says_stop_while_it_locks_is_heard_and_from_then_on_a_signal_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handlers: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    inbox: Inbox = SimpleQueue()
    inbox.put(Woke())
    assert not daemon._told_to_stop(inbox)
    inbox.put(Woke())
    inbox.put(Stopping())
    assert daemon._told_to_stop(inbox)
    assert handlers == {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.SIG_DFL}
