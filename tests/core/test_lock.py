"""Locked: what buttons enter, what commands send, what is tried, and when an open vault is locked again."""

from dataclasses import replace
from typing import Any, Final

import pytest

from appliance.core.effects import Effect, Log, OpenVault, Reexec, Reply, ReplyFrame, Unlock
from appliance.core.events import Asked, Failed, Mode, Refused, Shut
from appliance.core.gestures import Action
from appliance.core.layout.locked_screen import WHEEL, LockedView
from appliance.core.layout.message_screen import MessageView
from appliance.core.lock import CHECK_SECONDS, ENTRY_SECONDS
from appliance.core.screen import Code, Menu
from appliance.core.state import Closed, Open
from appliance.vault import pin
from tests.core.desk import OPTIONS, TROUBLE, Desk, account, every, only, opened, replies, vault_of

ANNA: Final = account("a")
PIN: Final = "493817"


def locked_desk(kind: Any = "pin", wait: float = 0.0, left: int | None = 3, **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options))
    desk.tell(Shut(1, kind, wait, left))
    return desk


def open_desk(mode: Mode = "pin", **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options))
    desk.open(ANNA, mode=mode)
    return desk


def closed(desk: Desk) -> Closed:
    assert isinstance(desk.state.phase, Closed)
    return desk.state.phase


def view(desk: Desk) -> LockedView:
    found = desk.view()
    assert isinstance(found, LockedView)
    return replace(found, shift=(0, 0))


def turn(desk: Desk, label: str) -> tuple[Effect, ...]:
    """Turn the wheel to a label, and accept it."""
    for _ in range((WHEEL.index(label) - closed(desk).choice) % len(WHEEL)):
        desk.gesture("next")
    return desk.gesture("ok")


def enter(desk: Desk, digits: str) -> tuple[Effect, ...]:
    for digit in digits:
        turn(desk, digit)
    return turn(desk, "OK")


# --- entering


def test_a_start_without_the_pin_shows_the_wheel_and_nothing_of_the_vault() -> None:
    desk = locked_desk()
    assert view(desk) == LockedView("pin", 0, 0, None, 3)
    assert (desk.state.vault, desk.state.records) == (None, ())


def test_digits_are_turned_and_accepted_one_by_one_and_ok_tries_them_once() -> None:
    desk = locked_desk()
    assert only(enter(desk, PIN), Unlock).entered == PIN
    assert view(desk).message == "checking the PIN"
    assert desk.gesture("ok", "next", "back") == ()
    assert closed(desk).entered == ""


def test_holding_ok_tries_what_was_entered_at_any_place_of_the_wheel() -> None:
    desk = locked_desk()
    for digit in PIN:
        turn(desk, digit)
    assert only(desk.gesture("back"), Unlock).entered == PIN


def test_the_wheel_turns_both_ways_round() -> None:
    desk = locked_desk()
    desk.gesture("previous")
    assert WHEEL[closed(desk).choice] == "OK"
    desk.gesture("previous")
    assert WHEEL[closed(desk).choice] == "DEL"
    desk.gesture("next", "next")
    assert WHEEL[closed(desk).choice] == "0"


def test_del_takes_the_last_digit_back_and_is_no_harm_without_any() -> None:
    desk = locked_desk()
    turn(desk, "DEL")
    for label in ("4", "7", "DEL", "9"):
        turn(desk, label)
    assert closed(desk).entered == "49"
    assert view(desk).entered == 2


@pytest.mark.parametrize("action", ["ok", "back"])
def test_nothing_entered_is_no_try(action: Action) -> None:
    desk = locked_desk()
    desk.gesture("previous")
    assert desk.gesture(action) == ()
    assert closed(desk).checking == 0


def test_no_more_digits_are_kept_than_a_pin_may_have() -> None:
    desk = locked_desk()
    for _ in range(pin.MOST + 3):
        desk.gesture("ok")
    assert closed(desk).entered == "0" * pin.MOST


def test_what_was_entered_is_forgotten_when_the_hand_is_gone_for_long() -> None:
    desk = locked_desk()
    turn(desk, "4")
    desk.later(ENTRY_SECONDS - 1)
    assert closed(desk).entered == "4"
    desk.later(1)
    assert (closed(desk).entered, closed(desk).choice) == ("", 0)


def test_gestures_without_a_meaning_leave_the_entry_alone() -> None:
    desk = locked_desk()
    turn(desk, "4")
    assert desk.gesture("blank") == ()
    desk.gesture("next")  # light again
    assert closed(desk).entered == "4"


def test_what_is_entered_is_in_no_representation() -> None:
    desk = locked_desk()
    enter(desk, "493817"[:5])
    turn(desk, "7")
    assert "49381" not in repr(desk.state)
    assert "493817" not in repr(Unlock(1, PIN))


def test_the_menu_stays_within_reach() -> None:
    desk = locked_desk()
    desk.gesture("menu")
    assert isinstance(desk.screen(), Menu)
    desk.gesture("next")
    assert closed(desk).choice == 0


def test_the_passphrase_is_not_turned_on_a_wheel() -> None:
    desk = locked_desk("passphrase", left=2)
    desk.gesture("next", "ok")
    assert view(desk) == LockedView("passphrase")


# --- tries


def test_the_right_pin_shows_the_codes() -> None:
    desk = locked_desk()
    ref = only(enter(desk, PIN), Unlock).ref
    desk.tell(opened(ref, vault_of(ANNA), mode="pin"))
    assert isinstance(desk.state.phase, Open)
    assert desk.state.shown is not None


def test_a_wrong_pin_says_so_and_how_many_tries_are_left() -> None:
    desk = locked_desk()
    ref = only(enter(desk, PIN), Unlock).ref
    (log,) = desk.tell(Refused(ref, "wrong PIN", 0.0, 2))
    assert isinstance(log, Log)
    assert PIN not in repr(log)
    assert view(desk) == LockedView("pin", 0, 0, None, 2, "wrong PIN")
    desk.gesture("next")
    assert view(desk).message == ""


def test_a_delay_is_counted_down_and_no_digit_is_taken_meanwhile() -> None:
    desk = locked_desk()
    ref = only(enter(desk, PIN), Unlock).ref
    desk.tell(Refused(ref, "wrong PIN", 30.0, None))
    waits = []
    for _ in range(31):
        waits.append(view(desk).wait)
        desk.gesture("ok")
        desk.later(1.0)
    assert waits == [*range(30, 0, -1), None]
    assert closed(desk).entered == "0"


def test_a_delay_from_before_the_start_is_counted_down_too() -> None:
    assert view(locked_desk(wait=299.2, left=None)).wait == 300


def test_an_answer_to_another_try_changes_nothing() -> None:
    desk = locked_desk()
    enter(desk, PIN)
    before = desk.state
    desk.tell(Refused(99, "wrong PIN", 30.0, 0))
    assert desk.state.phase == before.phase
    assert open_desk().tell(Refused(99, "wrong PIN"))  # only logged


def test_a_try_without_an_answer_ends_after_a_while() -> None:
    desk = locked_desk()
    enter(desk, PIN)
    desk.later(CHECK_SECONDS)
    assert (closed(desk).checking, closed(desk).message) == (0, "it took too long")


def test_a_wrong_passphrase_counts_no_tries() -> None:
    desk = locked_desk("passphrase", left=None)
    ref = only(desk.tell(Asked(7, "unlock", {"entered": "wrong horse"})), Unlock).ref
    effects = desk.tell(Refused(ref, "wrong passphrase", 0.0, 3))
    assert replies(effects) == {7: Reply(7, {"why": "wrong passphrase", "wait": 0.0, "tries_left": 3})}
    assert view(desk) == LockedView("passphrase", message="wrong passphrase")


# --- from afar


def tried(desk: Desk, ask: int, *, owner: bool) -> Reply | None:
    """Try a wrong passphrase over the socket; return an answer that came without a try."""
    effects = desk.tell(Asked(ask, "unlock", {"entered": f"wrong horse {ask}"}, owner))
    unlocks = every(effects, Unlock)
    if not unlocks:
        return replies(effects)[ask]
    desk.tell(Refused(unlocks[0].ref, "wrong passphrase"))
    return None


@pytest.mark.parametrize("kind", ["pin", "passphrase"])
def test_others_of_the_group_wait_after_wrong_passphrases_as_after_wrong_pins(kind: str) -> None:
    desk = locked_desk(kind)
    made, begun = 0, desk.now.mono
    while desk.now.mono < begun + 3600.0:
        made += tried(desk, 1 + made, owner=False) is None
        desk.later(1.0)
    assert made == 3 + 4, "three free, then after 30 s, 1, 5 and 15 minutes"
    refused = tried(desk, 99, owner=False)
    assert refused is not None
    assert refused.result is not None
    assert refused.result["why"] == "too many tries by others than the owner"
    assert 0.0 < refused.result["wait"] <= 3600.0


def test_the_owner_is_never_locked_out_by_others_of_the_group() -> None:
    desk = locked_desk("passphrase")
    for ask in range(1, 6):
        tried(desk, ask, owner=False)
    for ask in range(10, 30):
        assert tried(desk, ask, owner=True) is None
    assert tried(desk, 40, owner=False) is not None


def test_a_reload_gives_others_no_new_tries() -> None:
    desk = locked_desk("passphrase")
    for ask in range(1, 4):
        assert tried(desk, ask, owner=False) is None
    ref = only(desk.tell(Asked(8, "reload")), OpenVault).ref
    desk.tell(Shut(ref, "passphrase"))
    assert tried(desk, 9, owner=False) is not None


def test_unlocking_from_afar_is_answered_when_the_vault_is_open_and_lights_the_panel() -> None:
    desk = locked_desk("passphrase")
    desk.later(OPTIONS.blank_after + 1)
    assert desk.dark()
    ref = only(desk.tell(Asked(7, "unlock", {"entered": "right horse"})), Unlock).ref
    assert replies(desk.tell(opened(ref, vault_of(ANNA), mode="passphrase"))) == {7: Reply(7, {})}
    assert not desk.dark()


def test_a_second_try_at_once_and_an_empty_one_are_refused() -> None:
    desk = locked_desk()
    assert replies(desk.tell(Asked(6, "unlock"))) == {6: Reply(6, problem="nothing was entered")}
    desk.tell(Asked(7, "unlock", {"entered": PIN}))
    assert replies(desk.tell(Asked(8, "unlock", {"entered": PIN}))) == {
        8: Reply(8, problem="a try is under way")
    }


def test_locking_what_is_locked_is_refused() -> None:
    assert replies(locked_desk().tell(Asked(3, "lock"))) == {3: Reply(3, problem="it is locked")}


# --- locking


@pytest.mark.parametrize("mode", ["pin", "passphrase"])
def test_locking_from_afar_answers_first_then_shows_the_locked_screen_and_ends_the_process(
    mode: Mode,
) -> None:
    desk = open_desk(mode)
    desk.gesture("next")
    effects = desk.tell(Asked(3, "lock"))
    assert isinstance(effects[0], Reply)
    assert isinstance(effects[-1], Reexec)
    assert view(desk).kind == mode
    assert (desk.state.vault, desk.state.panel.selected, desk.screen()) == (None, None, Code())


def test_the_status_says_what_is_missing() -> None:
    for kind, missing in (("pin", "it needs the PIN"), ("passphrase", "it needs the passphrase")):
        answer = replies(locked_desk(kind).tell(Asked(3, "status")))[3].result
        assert answer is not None
        assert (answer["state"], answer["error"], answer["accounts"]) == ("locked", missing, None)


def test_the_chord_does_nothing_while_it_is_locked() -> None:
    desk = locked_desk()
    assert desk.gesture("lock") == ()
    assert desk.state.panel.message is None


def test_the_chord_locks() -> None:
    desk = open_desk()
    assert every(desk.gesture("lock"), Reexec)
    assert isinstance(desk.state.phase, Closed)


def test_it_locks_itself_after_the_set_time_without_a_press() -> None:
    desk = open_desk(relock_after=600.0)
    assert not every(desk.later(599), Reexec)
    desk.gesture("next")
    assert not every(desk.later(599), Reexec)
    assert every(desk.later(1), Reexec)
    assert isinstance(desk.state.phase, Closed)


def test_unlocking_from_afar_long_after_the_last_press_does_not_lock_again_at_once() -> None:
    desk = locked_desk(relock_after=600.0)
    desk.later(3600)
    ref = only(desk.tell(Asked(7, "unlock", {"entered": PIN})), Unlock).ref
    desk.tell(opened(ref, vault_of(ANNA), mode="pin"))
    assert not every(desk.later(599), Reexec)
    assert every(desk.later(1), Reexec)


def test_a_vault_that_opens_by_itself_is_never_locked() -> None:
    desk = open_desk("credential", relock_after=600.0)
    assert not every(desk.later(7200), Reexec)
    assert isinstance(desk.state.phase, Open)


def test_an_open_vault_that_needs_a_person_since_it_was_re_keyed_ends_the_process() -> None:
    desk = open_desk()
    ref = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    effects = desk.tell(Shut(ref, "pin", 0.0, 3))
    assert every(effects, Reexec)
    assert replies(effects) == {3: Reply(3, {})}
    assert view(desk).kind == "pin"


def test_a_reload_while_it_is_locked_keeps_what_is_being_entered() -> None:
    desk = locked_desk()
    turn(desk, "4")
    ref = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    desk.tell(Shut(ref, "pin", 0.0, 3))
    assert closed(desk).entered == "4"
    ref = only(desk.tell(Asked(4, "reload")), OpenVault).ref
    desk.tell(Shut(ref, "passphrase"))
    assert view(desk) == LockedView("passphrase")


def test_a_late_answer_that_it_is_shut_changes_nothing() -> None:
    desk = open_desk()
    desk.tell(Shut(99, "pin"))
    assert isinstance(desk.state.phase, Open)


# --- trouble


def test_a_try_that_came_to_no_verdict_says_why_and_the_next_may_be_made_at_once() -> None:
    desk = locked_desk()
    ref = only(desk.tell(Asked(7, "unlock", {"entered": PIN})), Unlock).ref
    effects = desk.tell(Failed(ref, TROUBLE))
    assert replies(effects) == {7: Reply(7, problem=f"{TROUBLE.what}: {TROUBLE.why}")}
    assert closed(desk).checking == 0
    assert isinstance(desk.view(), MessageView)
    assert every(desk.tell(Asked(8, "unlock", {"entered": PIN})), Unlock)


def test_a_pin_that_is_being_turned_is_seen_by_nobody_from_afar() -> None:
    desk = locked_desk()
    assert desk.tell(Asked(3, "frame")) == (ReplyFrame(3),)
    desk.gesture("next")
    assert desk.tell(Asked(4, "frame")) == (ReplyFrame(4, hidden=True),)
    desk.gesture("ok", "previous")
    assert closed(desk).choice == 0
    assert desk.tell(Asked(5, "frame")) == (ReplyFrame(5, hidden=True),)


def test_what_no_pin_opens_is_told_with_its_reason() -> None:
    desk = Desk()
    desk.tell(Failed(1, TROUBLE))
    problem = replies(desk.tell(Asked(3, "unlock", {"entered": PIN})))[3].problem or ""
    assert TROUBLE.why in problem
    assert "appliance list --passphrase-file" in problem


def test_what_a_client_sends_is_in_no_representation() -> None:
    assert PIN not in repr(Asked(3, "unlock", {"entered": PIN}))
