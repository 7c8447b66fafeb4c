"""Whoever presses on and on, by hand or from afar, uses up few HOTP counters."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest

from appliance.core.effects import Change
from appliance.core.events import Asked, Event, Failed
from appliance.core.gestures import Gestured
from appliance.core.hand import TOO_SOON
from appliance.core.layout.code_screen import CodeView
from appliance.core.pacing import PAUSE_SECONDS, STAYS_SECONDS
from appliance.core.state import Spent, State
from appliance.vault.model import Account, Vault
from appliance.vault.otp import code_for
from tests.core.desk import OPTIONS, TROUBLE, Desk, account, every, only, opened, saved, vault_of

COIN: Final = account("c", "hotp")
DOOR: Final = account("d", "hotp")
SAVE: Final = 0.05
"""Seconds that the card takes."""


class Room:
    """A desk whose card saves what is asked for, and a record of the counters that were used up."""

    def __init__(self, *accounts: Account, **options: bool) -> None:
        self.desk = Desk(replace(OPTIONS, **options))  # type: ignore[arg-type]  # names of its fields
        self.vault: Vault = vault_of(*accounts, counter=7)
        self.desk.tell(opened(1, self.vault))
        self.spent: list[tuple[str, float]] = []

    @property
    def state(self) -> State:
        return self.desk.state

    def does(self, event: Event) -> None:
        for change in every(self.desk.tell(event), Change):
            self.desk.later(SAVE)
            uuid = getattr(change.change, "uuid", "")
            record = self.vault.records[uuid]
            records = {**self.vault.records, uuid: replace(record, counter=record.counter + 1)}
            self.vault = replace(self.vault, records=records, generation=self.vault.generation + 1)
            self.spent.append((uuid, self.desk.now.mono))
            self.desk.tell(saved(change.ref, self.vault, counters=True))

    def code(self) -> str | None:
        view = self.desk.view()
        assert isinstance(view, CodeView)
        return view.code

    def press(self, button: str) -> None:
        """Press a button, by hand and from afar in turn."""
        far = len(self.spent) % 2
        self.does(Asked(1, "press", {"button": button}) if far else Gestured(button))  # type: ignore[arg-type]


def test_pressing_for_twenty_seconds_uses_up_three_counters_of_one_account() -> None:
    room = Room(COIN)
    while room.desk.now.mono < 1020.5:
        room.press("ok")
        room.desk.later(0.06)
    assert len(room.spent) == 3
    assert all(later - at >= STAYS_SECONDS for (_, at), (_, later) in pairwise(room.spent))


def test_no_walk_through_many_accounts_makes_more_than_one_code_in_three_seconds() -> None:
    room = Room(*(account(f"c{number}", "hotp") for number in range(12)))
    while room.desk.now.mono < 1020.5:
        for button in ("ok", "next", "ok", "previous", "next"):
            room.press(button)
            room.desk.later(0.01)
    assert 5 <= len(room.spent) <= 7
    assert all(later - at >= PAUSE_SECONDS for (_, at), (_, later) in pairwise(room.spent))


def test_a_press_within_the_time_keeps_the_code_and_the_display_says_for_how_long() -> None:
    room = Room(COIN)
    room.press("ok")
    first = room.code()
    assert first == code_for(COIN, 7).text
    room.desk.later(4.0)
    room.press("ok")
    assert room.code() == first
    view = room.desk.view()
    assert isinstance(view, CodeView)
    assert (view.seconds_left, view.fraction) == (6, 0.6)
    room.desk.later(6.0)
    view = room.desk.view()
    assert isinstance(view, CodeView)
    assert (view.code, view.seconds_left, view.fraction, view.counter) == (first, None, None, 7)
    room.press("ok")
    assert room.code() == code_for(COIN, 8).text


def test_coming_back_to_an_account_within_the_time_shows_its_code_again() -> None:
    room = Room(COIN, DOOR)
    room.press("ok")
    first = room.code()
    room.press("next")
    room.press("previous")
    assert room.code() is None
    room.press("ok")
    assert room.code() == first
    assert len(room.spent) == 1


def test_a_code_that_stays_is_uncovered_again_where_codes_are_hidden() -> None:
    room = Room(COIN, DOOR, reveal_on_press=True)
    for button in ("ok", "next", "previous", "ok"):
        room.press(button)
    view = room.desk.view()
    assert isinstance(view, CodeView)
    assert view.code == code_for(COIN, 7).text


def test_another_account_so_soon_is_told_to_wait_and_then_makes_its_code() -> None:
    room = Room(COIN, DOOR)
    for button in ("ok", "next", "ok"):
        room.press(button)
    assert room.state.panel.message is not None
    assert room.state.panel.message.problem == TOO_SOON
    room.desk.later(PAUSE_SECONDS)
    room.press("ok")  # takes the message away
    room.press("ok")
    assert [uuid for uuid, _ in room.spent] == ["c", "d"]
    assert room.code() == code_for(DOOR, 7).text


@pytest.mark.parametrize("change", [{"secret": b"another"}, {"digits": 8}])
def test_a_code_does_not_stay_for_an_account_that_was_changed(change: dict[str, object]) -> None:
    room = Room(COIN)
    room.press("ok")
    other = replace(COIN, **change)  # type: ignore[arg-type]  # names of its fields
    room.vault = replace(vault_of(other, counter=8), generation=3)
    room.desk.tell(opened(0, room.vault))
    assert room.code() is None
    room.desk.later(PAUSE_SECONDS)
    room.press("ok")
    assert room.code() == code_for(other, 8).text


def test_a_counter_that_moved_elsewhere_ends_the_time() -> None:
    room = Room(COIN)
    room.press("ok")
    room.vault = replace(vault_of(COIN, counter=20), generation=3)
    room.desk.tell(opened(0, room.vault))
    room.desk.later(PAUSE_SECONDS)
    room.press("ok")
    assert room.state.panel.hotp == Spent("c", 20)


def test_a_counter_that_was_not_saved_makes_nobody_wait() -> None:
    desk = Desk()
    desk.open(COIN, counter=7)
    change = only(desk.tell(Gestured("ok")), Change)
    desk.tell(Failed(change.ref, TROUBLE))
    desk.tell(Gestured("ok"))  # takes the message away
    assert every(desk.tell(Gestured("ok")), Change)


def test_a_lock_forgets_what_was_made() -> None:
    desk = Desk()
    desk.open(COIN, counter=7, mode="pin")
    change = only(desk.tell(Gestured("ok")), Change)
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    assert desk.state.made
    desk.tell(Asked(1, "lock"))
    assert not desk.state.made
