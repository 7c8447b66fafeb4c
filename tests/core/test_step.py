"""What gestures, saves, failures and questions make of the state."""

from dataclasses import replace
from typing import Any, Final

import pytest

from appliance.core.account_view import SCROLL_SECONDS
from appliance.core.backup import CONNECT_SECONDS
from appliance.core.effects import (
    Change,
    Check,
    Exit,
    Fetch,
    Log,
    Measure,
    OpenVault,
    Publish,
    Reconnect,
    Remember,
    Reply,
    ReplyFrame,
    Spend,
)
from appliance.core.events import (
    Acknowledged,
    Asked,
    ButtonsFailed,
    Connected,
    Failed,
    Lost,
    Measured,
    Missing,
    PanelBack,
    PanelFailed,
    Problem,
    Received,
    Stopping,
    Subscribed,
    Woke,
)
from appliance.core.gestures import (
    LOCK_AFTER,
    STEADY_DOWN,
    STUCK_AFTER,
    Action,
    Gestured,
    Key,
    Layout,
    Moved,
)
from appliance.core.hand import SAVE_SECONDS
from appliance.core.lock import NOTHING_TO_LOCK
from appliance.core.pacing import STAYS_SECONDS
from appliance.core.question import ASK_SECONDS
from appliance.core.screen import Code, Menu, Pages
from appliance.core.state import MESSAGE_SECONDS, Locked, NoVault, Open, Phase, Spending, Spent, Starting
from appliance.core.step import RETRY_SECONDS, deadline
from appliance.core.upkeep import GOOD_TIME_SECONDS, MEASURE_SECONDS
from tests.core.desk import (
    OPTIONS,
    TOPIC,
    TROUBLE,
    Desk,
    account,
    every,
    named,
    only,
    opened,
    replies,
    saved,
    vault_of,
)

ANNA: Final = account("a")
BERT: Final = account("b")
COIN: Final = account("c", "hotp")
DORA: Final = account("d", favorite=True)
NEXT: Final = Gestured("next")
PREVIOUS: Final = Gestured("previous")
OK: Final = Gestured("ok")
DAMAGED: Final = Problem("can't open the vault", "the device secret is missing", "use the passphrase", "E4")


def selected(desk: Desk) -> str | None:
    return desk.state.panel.selected


def phase(desk: Desk) -> Phase:
    return desk.state.phase


def hotp(desk: Desk) -> Spending | Spent | None:
    return desk.state.panel.hotp


def told(desk: Desk) -> Problem | None:
    message = desk.state.panel.message
    return None if message is None else message.problem


def open_desk(*accounts: Any, counter: int = 0) -> Desk:
    desk = Desk()
    desk.open(*(accounts or (ANNA, BERT, COIN)), counter=counter)
    return desk


def spending(counter: int = 7) -> tuple[Desk, Change]:
    """Return a desk on which OK was just pressed on a HOTP account, and what it wants saved."""
    desk = open_desk(COIN, counter=counter)
    return desk, only(desk.tell(OK), Change)


def reloaded(desk: Desk, *accounts: Any, generation: int = 2, counter: int = 0) -> tuple[Any, ...]:
    ref = only(desk.tell(Asked(1, "reload")), OpenVault).ref
    return desk.tell(opened(ref, vault_of(*accounts, generation=generation, counter=counter)))


# --- opening


def test_it_starts_by_opening_the_vault() -> None:
    desk = Desk()
    assert isinstance(phase(desk), Starting)
    assert desk.first == (OpenVault(1),)


def test_after_a_start_the_first_favourite_is_shown() -> None:
    assert selected(open_desk(ANNA, BERT, DORA)) == "d"


def test_without_favourites_the_first_account_is_shown() -> None:
    assert selected(open_desk(ANNA, BERT)) == "a"


def test_a_vault_without_accounts_shows_none() -> None:
    desk = Desk()
    desk.open()
    assert isinstance(phase(desk), Open)
    assert selected(desk) is None
    assert desk.state.shown is None
    assert not desk.tell(NEXT)
    assert not desk.tell(OK)


def test_without_a_vault_it_says_so_and_waits_to_be_told() -> None:
    desk = Desk()
    assert only(desk.tell(Missing(1)), Log).event == "no vault yet"
    assert isinstance(phase(desk), NoVault)
    assert not every(desk.later(600.0), OpenVault)
    reloaded(desk, ANNA)
    assert selected(desk) == "a"


def test_a_vault_that_does_not_open_is_tried_again_every_minute() -> None:
    desk = Desk()
    assert only(desk.tell(Failed(1, DAMAGED)), Log).level == 40
    assert phase(desk) == Locked(DAMAGED, desk.now.mono + RETRY_SECONDS)
    assert not every(desk.later(RETRY_SECONDS - 1.0), OpenVault)
    first = only(desk.later(1.0), OpenVault)
    second = only(desk.later(RETRY_SECONDS), OpenVault)
    assert first.ref != second.ref
    desk.tell(opened(second.ref, vault_of(ANNA)))
    assert isinstance(phase(desk), Open)


def test_a_retry_tells_what_it_finds_now() -> None:
    desk = Desk()
    desk.tell(Failed(1, DAMAGED))
    retry = only(desk.later(RETRY_SECONDS), OpenVault)
    desk.tell(Failed(retry.ref, TROUBLE))
    assert phase(desk) == Locked(TROUBLE, desk.now.mono + RETRY_SECONDS)
    retry = only(desk.later(RETRY_SECONDS), OpenVault)
    desk.tell(Missing(retry.ref))
    assert isinstance(phase(desk), NoVault)


def test_it_retries_in_the_dark_too() -> None:
    desk = Desk()
    desk.tell(Failed(1, DAMAGED))
    effects = desk.later(3600.0)
    assert desk.state.panel.blank
    assert len(every(effects, OpenVault)) == 60


def test_an_older_file_that_had_to_be_opened_is_told() -> None:
    desk = Desk()
    logs = every(desk.tell(opened(1, vault_of(ANNA), warning=DAMAGED)), Log)
    assert told(desk) == DAMAGED
    assert [log.event for log in logs] == ["vault open", "vault damaged"]


def test_a_late_answer_to_an_earlier_opening_does_not_lock_or_forget_the_vault() -> None:
    desk = Desk()
    desk.tell(Asked(1, "reload"))
    desk.tell(Failed(1, DAMAGED))
    assert isinstance(phase(desk), Starting)
    desk.tell(Missing(1))
    assert isinstance(phase(desk), Starting)
    desk.tell(opened(1, vault_of(ANNA)))
    assert isinstance(phase(desk), Open)


def test_an_opening_that_is_overtaken_by_a_save_brings_no_old_vault_back() -> None:
    desk = open_desk(ANNA, BERT)
    ref = only(desk.tell(Asked(1, "reload")), OpenVault).ref
    stale = opened(ref, vault_of(ANNA, BERT, generation=2))
    desk.tell(stale)
    desk.tell(saved(0, vault_of(ANNA, BERT, COIN, generation=3)))
    desk.tell(stale)
    assert desk.state.vault == vault_of(ANNA, BERT, COIN, generation=3)
    assert desk.state.backup.latest == named(vault_of(generation=3))


def test_a_duplicate_of_missing_does_not_end_the_retries_of_a_locked_vault() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    ref = only(desk.tell(Asked(1, "reload")), OpenVault).ref
    desk.tell(Failed(ref, DAMAGED))
    desk.tell(Missing(1))
    desk.tell(Missing(ref))
    assert isinstance(phase(desk), Locked)


# --- walking through the accounts


def test_next_and_previous_walk_round_in_a_circle() -> None:
    desk = open_desk(ANNA, BERT, COIN)
    walked = []
    for press in (NEXT, NEXT, NEXT, PREVIOUS, PREVIOUS):
        desk.tell(press)
        walked.append(selected(desk))
    assert walked == ["b", "c", "a", "c", "b"]


def test_favourites_come_first_in_the_walk() -> None:
    desk = open_desk(ANNA, DORA, BERT)
    walked = [selected(desk)]
    for _ in range(3):
        desk.tell(NEXT)
        walked.append(selected(desk))
    assert walked == ["d", "a", "b", "d"]


def test_with_one_account_a_walk_goes_nowhere() -> None:
    desk = open_desk(ANNA)
    since = desk.state.panel.since
    desk.move(5.0)
    desk.tell(NEXT)
    assert (selected(desk), desk.state.panel.since) == ("a", since)


def test_ok_on_a_code_that_needs_no_press_does_nothing() -> None:
    desk = open_desk(ANNA)
    before = desk.state.panel
    assert not desk.tell(OK)
    assert desk.state.panel == replace(before, pressed_at=desk.now.mono)


def test_a_press_before_there_is_a_vault_does_nothing() -> None:
    desk = Desk()
    for press in (NEXT, PREVIOUS, OK):
        assert not desk.tell(press)
    assert isinstance(phase(desk), Starting)


def test_a_reload_keeps_the_account_on_the_display() -> None:
    desk = open_desk(ANNA, BERT, COIN)
    desk.tell(NEXT)
    reloaded(desk, DORA, COIN, BERT, ANNA)
    assert selected(desk) == "b"
    assert desk.state.shown is not None
    assert desk.state.shown[1:] == (3, 4)


@pytest.mark.parametrize(
    ("presses", "removed", "neighbour"), [(0, ANNA, "b"), (1, BERT, "c"), (2, COIN, "b")]
)
def test_when_the_account_shown_is_removed_its_neighbour_is_shown(
    presses: int, removed: Any, neighbour: str
) -> None:
    desk = open_desk(ANNA, BERT, COIN)
    for _ in range(presses):
        desk.tell(NEXT)
    reloaded(desk, *(one for one in (ANNA, BERT, COIN) if one != removed))
    assert selected(desk) == neighbour


def test_when_the_last_account_is_removed_none_is_shown_and_the_next_one_added_is() -> None:
    desk = open_desk(ANNA)
    reloaded(desk)
    assert selected(desk) is None
    reloaded(desk, BERT, generation=3)
    assert selected(desk) == "b"


# --- HOTP


def test_ok_saves_the_counter_before_anything_is_shown() -> None:
    desk, change = spending()
    assert change.change == Spend("c")
    assert isinstance(hotp(desk), Spending)
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8), counters=True))
    assert hotp(desk) == Spent("c", 7)


def test_another_save_shows_no_code() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref + 1, vault_of(COIN, generation=2, counter=8)))
    assert isinstance(hotp(desk), Spending)


def test_ok_while_the_counter_is_being_saved_spends_no_second_code() -> None:
    desk, _ = spending()
    assert not desk.tell(OK)


def test_ok_after_a_code_spends_the_next() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    desk.later(STAYS_SECONDS)
    change = only(desk.tell(OK), Change)
    desk.tell(saved(change.ref, vault_of(COIN, generation=3, counter=9)))
    assert hotp(desk) == Spent("c", 8)


def test_holding_ok_spends_nothing() -> None:
    desk = open_desk(COIN)
    assert not desk.tell(Gestured("back"))


def test_a_counter_that_could_not_be_saved_is_told_and_shows_no_code() -> None:
    desk, change = spending()
    assert only(desk.tell(Failed(change.ref, TROUBLE)), Log).level == 40
    assert hotp(desk) is None
    assert told(desk) == TROUBLE


def test_a_counter_whose_saving_is_never_answered_is_told_too() -> None:
    desk, change = spending()
    desk.later(SAVE_SECONDS)
    problem = told(desk)
    assert problem is not None
    assert problem.what == "the counter was not saved"
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    assert hotp(desk) is None
    assert desk.state.vault == vault_of(COIN, generation=2, counter=8)


def test_a_code_is_not_shown_under_another_account_that_was_chosen_meanwhile() -> None:
    desk = open_desk(COIN, ANNA, counter=7)
    change = only(desk.tell(OK), Change)
    desk.tell(NEXT)
    assert isinstance(hotp(desk), Spending)
    desk.tell(saved(change.ref, vault_of(COIN, ANNA, generation=2, counter=8)))
    assert hotp(desk) is None


def test_a_code_of_an_account_that_was_removed_meanwhile_is_not_shown() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref, vault_of(ANNA, generation=2)))
    assert hotp(desk) is None
    assert selected(desk) == "a"


def test_a_code_is_gone_after_a_walk() -> None:
    desk = open_desk(COIN, ANNA, counter=7)
    change = only(desk.tell(OK), Change)
    desk.tell(saved(change.ref, vault_of(COIN, ANNA, generation=2, counter=8)))
    desk.tell(NEXT)
    desk.tell(PREVIOUS)
    assert hotp(desk) is None


def test_a_code_stays_through_a_reload_that_leaves_its_account_alone() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    reloaded(desk, ANNA, COIN, generation=3, counter=8)
    assert hotp(desk) == Spent("c", 7)


def test_a_code_goes_when_its_account_gets_another_secret() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    reloaded(desk, replace(COIN, secret=b"another"), generation=3)
    assert hotp(desk) is None


def test_a_save_that_is_older_than_the_open_vault_does_not_replace_it() -> None:
    desk = open_desk(ANNA, BERT)
    reloaded(desk, ANNA, BERT, COIN, generation=5)
    desk.tell(saved(0, vault_of(ANNA, generation=4)))
    assert desk.state.vault == vault_of(ANNA, BERT, COIN, generation=5)


def test_a_save_before_the_vault_is_open_opens_nothing() -> None:
    desk = Desk()
    desk.tell(saved(0, vault_of(ANNA)))
    assert isinstance(phase(desk), Starting)


# --- light and dark


def test_it_goes_dark_after_a_while_without_a_press() -> None:
    desk = open_desk(ANNA)
    desk.later(OPTIONS.blank_after - 1.0)
    assert not desk.state.panel.blank
    desk.later(1.0)
    assert desk.state.panel.blank


def test_every_press_puts_the_dark_off() -> None:
    desk = open_desk(ANNA, BERT)
    for _ in range(3):
        desk.later(OPTIONS.blank_after - 1.0)
        desk.tell(NEXT)
    assert not desk.state.panel.blank


def test_a_display_that_never_goes_dark_does_not() -> None:
    desk = Desk(replace(OPTIONS, blank_after=0.0))
    desk.open(ANNA)
    desk.later(1000.0)
    assert not desk.state.panel.blank


@pytest.mark.parametrize("press", [NEXT, PREVIOUS, OK])
def test_a_press_in_the_dark_only_wakes(press: Gestured) -> None:
    desk = open_desk(COIN, ANNA)
    desk.later(OPTIONS.blank_after)
    assert not desk.tell(press)
    assert not desk.state.panel.blank
    assert selected(desk) == "c"
    assert hotp(desk) is None


def test_a_hotp_code_is_gone_after_the_dark() -> None:
    desk, change = spending()
    desk.tell(saved(change.ref, vault_of(COIN, generation=2, counter=8)))
    desk.later(OPTIONS.blank_after)
    desk.tell(OK)
    assert hotp(desk) is None


def test_a_counter_that_is_being_saved_when_it_goes_dark_is_still_awaited() -> None:
    desk = open_desk(COIN)
    desk.later(OPTIONS.blank_after - 1.0)
    desk.state = replace(desk.state, options=replace(OPTIONS, blank_after=5.0))
    only(desk.tell(OK), Change)
    desk.later(5.0)
    assert desk.state.panel.blank
    assert isinstance(hotp(desk), Spending)


# --- messages


def test_a_message_goes_by_itself() -> None:
    desk, change = spending()
    desk.tell(Failed(change.ref, TROUBLE))
    desk.later(MESSAGE_SECONDS - 0.5)
    assert told(desk) == TROUBLE
    desk.later(0.5)
    assert told(desk) is None


def test_a_press_on_a_message_only_takes_it_away() -> None:
    desk, change = spending()
    desk.tell(Failed(change.ref, TROUBLE))
    assert not desk.tell(OK)
    assert told(desk) is None
    only(desk.tell(OK), Change)


def test_what_is_told_in_the_dark_waits_for_somebody_to_look() -> None:
    desk = open_desk(ANNA)
    desk.later(OPTIONS.blank_after)
    ref = only(desk.tell(Asked(1, "reload")), OpenVault).ref
    desk.tell(Failed(ref, TROUBLE))
    desk.later(3600.0)
    assert desk.state.panel.blank
    desk.tell(NEXT)
    desk.later(MESSAGE_SECONDS - 0.5)
    assert told(desk) == TROUBLE
    desk.later(0.5)
    assert told(desk) is None


# --- the control socket


def test_press_does_what_the_button_does() -> None:
    desk = open_desk(ANNA, BERT, COIN)
    assert replies(desk.tell(Asked(3, "press", {"button": "next"}))) == {3: Reply(3, {})}
    assert selected(desk) == "b"
    desk.tell(Asked(4, "press", {"button": "next"}))
    effects = desk.tell(Asked(5, "press", {"button": "ok"}))
    assert only(effects, Change).change == Spend("c")
    assert replies(effects) == {5: Reply(5, {})}


def test_press_can_hold() -> None:
    desk = open_desk(COIN)
    assert not every(desk.tell(Asked(3, "press", {"button": "ok", "hold": True})), Change)


@pytest.mark.parametrize(
    "params", [{}, {"button": "red"}, {"button": None}, {"button": ["ok"]}, {"button": {}}]
)
def test_a_button_that_does_not_exist_is_refused(params: dict[str, Any]) -> None:
    desk = open_desk(ANNA, BERT)
    assert replies(desk.tell(Asked(3, "press", params))) == {3: Reply(3, problem="no such button")}
    assert selected(desk) == "a"


@pytest.mark.parametrize(
    ("method", "problem"),
    [("lock", "set a PIN first: appliance pin set"), ("unlock", "it is not locked")],
)
def test_lock_and_unlock_are_refused_where_there_is_nothing_to_lock(method: str, problem: str) -> None:
    desk = open_desk(ANNA)
    assert desk.tell(Asked(3, method)) == (Reply(3, problem=problem),)
    assert isinstance(phase(desk), Open)


def test_an_unknown_method_is_refused() -> None:
    assert open_desk(ANNA).tell(Asked(3, "fly")) == (Reply(3, problem="unknown method"),)


def test_the_frame_is_answered_by_the_shell() -> None:
    assert open_desk(ANNA).tell(Asked(3, "frame")) == (ReplyFrame(3),)


def test_status_is_answered_at_once() -> None:
    answer = replies(open_desk(ANNA).tell(Asked(3, "status")))[3].result
    assert answer is not None
    assert answer["state"] == "open"


def test_a_reload_is_answered_when_it_is_done() -> None:
    desk = open_desk(ANNA)
    ref = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    assert not replies(desk.later(5.0))
    assert replies(desk.tell(opened(ref, vault_of(ANNA, BERT, generation=2)))) == {3: Reply(3, {})}


def test_a_reload_that_finds_no_vault_any_more_is_answered_and_the_open_one_stays() -> None:
    desk = open_desk(ANNA)
    ref = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    assert replies(desk.tell(Missing(ref))) == {3: Reply(3, {})}
    assert isinstance(phase(desk), Open)


def test_a_reload_that_fails_is_refused_and_told_and_the_open_vault_stays_open() -> None:
    desk = open_desk(ANNA)
    ref = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    answer = replies(desk.tell(Failed(ref, DAMAGED)))[3]
    assert answer.problem == "can't open the vault: the device secret is missing"
    assert isinstance(phase(desk), Open)
    assert selected(desk) == "a"
    assert told(desk) == DAMAGED


def test_two_reloads_at_once_are_both_answered_each_by_its_own_end() -> None:
    desk = open_desk(ANNA)
    first = only(desk.tell(Asked(3, "reload")), OpenVault).ref
    second = only(desk.tell(Asked(4, "reload")), OpenVault).ref
    assert replies(desk.tell(Failed(first, DAMAGED))).keys() == {3}
    assert replies(desk.tell(opened(second, vault_of(ANNA)))).keys() == {4}


def test_a_reload_that_never_ends_is_refused_in_time() -> None:
    desk = open_desk(ANNA)
    desk.tell(Asked(3, "reload"))
    assert not replies(desk.later(ASK_SECONDS - 1.0))
    assert replies(desk.later(1.0)) == {3: Reply(3, problem="it takes too long")}


def test_whoever_waits_is_answered_in_the_dark_too() -> None:
    desk = Desk(replace(OPTIONS, prefix=None))
    desk.open(ANNA)
    desk.later(OPTIONS.blank_after)
    asked_at = desk.now.mono
    desk.tell(Asked(3, "reload"))
    desk.move(10.0)
    assert deadline(desk.state, desk.now) == asked_at + ASK_SECONDS


def connected(desk: Desk) -> int:
    """Connect, and return the ref of the fetch."""
    return only(desk.tell(Connected(None, retain=True)), Fetch).ref


def test_a_backup_is_answered_when_it_has_come_to_rest() -> None:
    desk = open_desk(ANNA)
    fetch = connected(desk)
    assert not replies(desk.tell(Asked(3, "backup")))
    desk.tell(Subscribed(fetch))
    publication = only(desk.probed(desk.later(5.0)), Publish)
    answer = replies(desk.tell(Acknowledged(publication.ref, "quota exceeded")))[3].result
    assert answer is not None
    assert (answer["state"], answer["error"]) == ("rejected", "quota exceeded")


def test_a_backup_that_does_not_come_to_rest_is_answered_in_time_with_how_it_stands() -> None:
    desk = open_desk(ANNA)
    connected(desk)
    desk.tell(Asked(3, "backup"))
    assert not replies(desk.later(ASK_SECONDS - 1.0))
    answer = replies(desk.later(1.0))[3].result
    assert answer is not None
    assert answer["state"] == "unverified"


def test_a_backup_without_a_broker_is_answered_at_once() -> None:
    desk = Desk(replace(OPTIONS, prefix=None))
    desk.open(ANNA)
    answer = replies(desk.tell(Asked(3, "backup")))[3].result
    assert answer is not None
    assert answer["state"] == "never"


def test_a_backup_without_a_link_tries_at_once_and_is_answered_when_that_failed() -> None:
    desk = open_desk(ANNA)
    effects = desk.tell(Asked(3, "backup"))
    only(effects, Reconnect)
    assert not replies(effects)
    answer = replies(desk.tell(Lost(Problem("x", "no route to host"))))[3].result
    assert answer is not None
    assert (answer["state"], answer["error"]) == ("offline", "no route to host")


def test_a_backup_without_a_link_waits_for_the_verification_if_there_is_one_again() -> None:
    desk = open_desk(ANNA)
    desk.tell(Asked(3, "backup"))
    fetch = connected(desk)
    desk.tell(Subscribed(fetch))
    publication = only(desk.probed(desk.later(5.0)), Publish)
    answer = replies(desk.tell(Acknowledged(publication.ref, "not authorized")))[3].result
    assert answer is not None
    assert answer["state"] == "rejected"


def test_a_backup_without_a_link_is_answered_in_time_whatever_the_attempt_does() -> None:
    desk = open_desk(ANNA)
    desk.tell(Asked(3, "backup"))
    assert not replies(desk.later(CONNECT_SECONDS - 1.0))
    answer = replies(desk.later(1.0))[3].result
    assert answer is not None
    assert answer["state"] == "offline"


def test_a_backup_that_is_lost_with_the_link_is_answered() -> None:
    desk = open_desk(ANNA)
    connected(desk)
    desk.tell(Asked(3, "backup"))
    answer = replies(desk.tell(Lost(Problem("lost", "it closed the connection"))))[3].result
    assert answer is not None
    assert answer["state"] == "offline"


# --- the rest


def test_stopping_ends_the_process() -> None:
    assert only(open_desk(ANNA).tell(Stopping()), Exit) == Exit()


def test_the_picture_is_drawn_again_on_the_second() -> None:
    desk = open_desk(ANNA)
    desk.move(0.25)
    assert deadline(desk.state, desk.now) == desk.now.mono + 0.75


def test_a_long_issuer_is_drawn_more_often_until_it_has_scrolled() -> None:
    desk = open_desk(account("a", issuer="The Society for the Preservation of Long Names"))
    assert deadline(desk.state, desk.now) == desk.now.mono + SCROLL_SECONDS
    desk.later(10.25)
    assert deadline(desk.state, desk.now) == desk.now.mono + 0.75


def test_in_the_dark_nothing_wakes_it_without_need() -> None:
    desk = Desk(replace(OPTIONS, prefix=None))
    desk.open(ANNA)
    desk.later(OPTIONS.blank_after)
    assert deadline(desk.state, desk.now) == desk.now.mono + RETRY_SECONDS


def test_a_woke_before_its_time_changes_nothing() -> None:
    desk = open_desk(COIN, counter=7)
    desk.tell(Connected(None, retain=True))
    desk.tell(OK)
    desk.tell(Asked(3, "reload"))
    desk.tell(Woke())  # remembers the time
    before = replace(desk.state, ref=0)
    assert not desk.tell(Woke())
    assert replace(desk.state, ref=0) == before


def test_every_effect_has_a_number_of_its_own() -> None:
    desk = Desk()
    effects = [*desk.first, *desk.open(COIN)]
    fetch = connected(desk)
    effects += desk.tell(OK)
    effects += desk.tell(Asked(1, "reload"))
    desk.tell(Subscribed(fetch))
    effects += desk.tell(Received(fetch, TOPIC, named(vault_of()), retained=True))
    refs = [effect.ref for effect in effects if isinstance(effect, OpenVault | Change | Check)]
    assert len(refs) == 4
    assert len({*refs, fetch}) == 5


@pytest.mark.parametrize("button", ["previous", "next", "ok"])
def test_a_press_reaches_the_screen_in_one_turn(button: Action) -> None:
    desk = open_desk(ANNA, COIN)
    desk.tell(NEXT)
    before = desk.frame().tobytes()
    desk.tell(Gestured(button))
    assert desk.frame().tobytes() != before


# --- keys in the dark


KEYS: Final[tuple[tuple[Layout, Key], ...]] = (
    ("three", "previous"),
    ("three", "next"),
    ("three", "ok"),
    ("two", "next"),
    ("two", "ok"),
    ("one", "ok"),
    ("joystick", "left"),
    ("joystick", "right"),
    ("joystick", "up"),
    ("joystick", "down"),
    ("joystick", "centre"),
    ("joystick", "key1"),
    ("joystick", "key2"),
    ("joystick", "key3"),
)
every_key = pytest.mark.parametrize(("layout", "key"), KEYS)


def dark_desk(layout: Layout = "three") -> Desk:
    """Return a desk that went dark on the second of three accounts, a HOTP one."""
    desk = Desk(replace(OPTIONS, layout=layout))
    desk.open(ANNA, COIN, BERT)
    desk.tell(NEXT)
    desk.later(OPTIONS.blank_after)
    assert desk.dark()
    return desk


def finger(desk: Desk, key: Key, *, down: bool) -> tuple[Any, ...]:
    return desk.tell(Moved(key, down, desk.now.mono))


@every_key
def test_a_key_in_the_dark_wakes_when_its_contact_settles_and_shows_the_account_last_shown(
    layout: Layout, key: Key
) -> None:
    desk = dark_desk(layout)
    finger(desk, key, down=True)
    desk.later(STEADY_DOWN - 0.001)
    assert desk.dark()
    desk.later(0.002)
    assert not desk.dark()
    assert (selected(desk), desk.screen()) == ("c", Code())
    assert desk.state.panel.pressed_at == desk.state.panel.since


@every_key
@pytest.mark.parametrize("lasting", [0.05, 0.6, 1.0, 5.0])
def test_whatever_else_the_hand_that_woke_does_until_it_lets_go_is_the_waking(
    layout: Layout, key: Key, lasting: float
) -> None:
    desk = dark_desk(layout)
    finger(desk, key, down=True)
    desk.later(0.02)
    awake = desk.state.panel
    effects = desk.later(lasting)
    effects += finger(desk, key, down=False)
    effects += desk.later(2.0)
    assert not every(effects, Change)
    assert desk.state.panel == awake


@every_key
def test_the_press_after_the_one_that_woke_acts(layout: Layout, key: Key) -> None:
    desk = dark_desk(layout)
    desk.press(key)
    awake = desk.state.panel
    effects = desk.press(key)
    assert desk.state.panel != awake
    assert bool(every(effects, Change)) == (key in {"ok", "centre"} and layout != "one")


@every_key
def test_a_press_of_which_the_loop_learns_late_only_wakes_too(layout: Layout, key: Key) -> None:
    desk = dark_desk(layout)
    begin = desk.now.mono
    desk.move(10.0)
    effects = desk.tell(Moved(key, True, begin + 1.0))
    effects += desk.tell(Moved(key, False, begin + 1.2))
    effects += desk.tell(Woke())
    effects += desk.later(1.0)
    assert not desk.dark()
    assert (selected(desk), desk.screen()) == ("c", Code())
    assert not every(effects, Change)


def test_noise_on_the_wire_does_not_wake() -> None:
    desk = dark_desk()
    finger(desk, "next", down=True)
    desk.later(0.005)
    finger(desk, "next", down=False)
    desk.later(1.0)
    assert desk.dark()


def test_a_key_that_was_held_when_it_went_dark_does_not_wake() -> None:
    desk = Desk(replace(OPTIONS, layout="joystick"))
    desk.open(ANNA, BERT)
    finger(desk, "centre", down=True)
    desk.later(0.1)
    desk.tell(Gestured("blank"))
    desk.later(0.2)
    assert desk.dark()
    finger(desk, "key3", down=True)
    desk.later(0.2)
    assert not desk.dark()


def test_the_lit_panel_hears_its_keys() -> None:
    desk = open_desk(ANNA, BERT, COIN)
    desk.press("previous")
    assert selected(desk) == "c"
    assert only(desk.press("ok"), Change).change == Spend("c")
    desk.press("ok", lasting=1.0)
    assert desk.screen() == Menu("list")


def test_previous_and_next_held_together_say_that_there_is_nothing_to_lock() -> None:
    desk = open_desk(ANNA, BERT)
    finger(desk, "previous", down=True)
    finger(desk, "next", down=True)
    desk.later(LOCK_AFTER - 0.1)
    assert told(desk) is None
    desk.later(0.2)
    assert told(desk) == NOTHING_TO_LOCK


@pytest.mark.parametrize(
    ("layout", "key", "lasting"),
    [
        (layout, key, lasting)
        for layout, key in KEYS
        for lasting in (0.1, 1.0)
        # The third key darkens, and a step that is held goes on by repeats.
        if key != "key3" and (lasting < 0.5 or key in {"ok", "centre", "key1", "key2"})
    ],
)
def test_under_a_message_a_key_takes_it_away_and_leads_nowhere(
    layout: Layout, key: Key, lasting: float
) -> None:
    desk = Desk(replace(OPTIONS, layout=layout))
    desk.open(COIN, ANNA)
    desk.tell(Gestured("lock"))
    effects = desk.press(key, lasting)
    assert told(desk) is None
    assert (selected(desk), desk.screen()) == ("c", Code())
    assert not every(effects, Change)


def test_the_third_key_covers_a_message_with_the_dark_and_it_is_told_after_waking() -> None:
    desk = Desk(replace(OPTIONS, layout="joystick"))
    desk.open(ANNA)
    desk.tell(Gestured("lock"))
    desk.press("key3")
    assert desk.dark()
    desk.press("key3")
    assert told(desk) == NOTHING_TO_LOCK


# --- hardware


def status(desk: Desk) -> Any:
    return replies(desk.tell(Asked(9, "status")))[9].result


def test_a_stuck_key_is_told_and_logged_once_and_stands_in_the_status_until_it_comes_free() -> None:
    desk = open_desk(ANNA, BERT)
    finger(desk, "ok", down=True)
    effects = desk.later(STUCK_AFTER - 1.0)
    assert not every(effects, Log)
    log = only(desk.later(1.0), Log)
    assert (log.level, log.event, log.fields) == (30, "button stuck", (("button", "ok"),))
    problem = told(desk)
    assert problem is not None
    assert (problem.what, problem.short) == ("Button stuck", "E7")
    assert "ok" in problem.why
    assert status(desk)["buttons"]["stuck"] == ["ok"]
    assert not every(desk.later(600.0), Log)
    assert status(desk)["buttons"]["stuck"] == ["ok"]
    finger(desk, "ok", down=False)
    desk.later(1.0)
    assert status(desk)["buttons"]["stuck"] == []


def test_a_stuck_key_does_not_keep_the_panel_lit() -> None:
    desk = open_desk(ANNA, BERT)
    finger(desk, "ok", down=True)
    desk.later(OPTIONS.blank_after + 2.0)
    assert desk.dark()


def test_keys_that_get_stuck_at_the_same_moment_are_all_logged_in_order() -> None:
    desk = open_desk(ANNA, BERT)
    for key in ("previous", "ok", "next"):
        finger(desk, key, down=True)
    logs = every(desk.later(STUCK_AFTER + 1.0), Log)
    assert [dict(log.fields)["button"] for log in logs] == ["next", "ok", "previous"]


def test_a_key_that_gets_stuck_again_is_told_again() -> None:
    desk = open_desk(ANNA)
    counted = 0
    for _ in range(2):
        finger(desk, "ok", down=True)
        counted += len(every(desk.later(STUCK_AFTER + 1.0), Log))
        finger(desk, "ok", down=False)
        desk.later(1.0)
    assert counted == 2


def test_a_panel_that_fails_and_comes_back_is_logged_and_stands_in_the_status() -> None:
    desk = open_desk(ANNA)
    log = only(desk.tell(PanelFailed(TROUBLE)), Log)
    assert log.level == 40
    assert dict(log.fields) == {"what": TROUBLE.what, "why": TROUBLE.why, "hint": TROUBLE.hint}
    display = status(desk)["display"]
    assert (display["ok"], display["error"]) == (False, f"{TROUBLE.what}: {TROUBLE.why}")
    assert status(desk)["buttons"]["ok"] is True
    assert only(desk.tell(PanelBack()), Log).level == 20
    assert (status(desk)["display"]["ok"], status(desk)["display"]["error"]) == (True, None)


def test_buttons_that_fail_are_logged_and_codes_are_shown_all_the_same() -> None:
    desk = open_desk(ANNA)
    before = desk.frame()
    log = only(desk.tell(ButtonsFailed(replace(TROUBLE, hint=""))), Log)
    assert log.level == 40
    assert dict(log.fields) == {"what": TROUBLE.what, "why": TROUBLE.why}
    buttons = status(desk)["buttons"]
    assert (buttons["ok"], buttons["error"]) == (False, f"{TROUBLE.what}: {TROUBLE.why}")
    assert status(desk)["display"]["ok"] is True
    assert desk.frame() == before


# --- looking after the clock and the Pi


def times(desk: Desk, seconds: float) -> list[float]:
    return [one.value for one in every(desk.later(seconds), Remember) if one.key == "good_time"]


def test_a_good_time_is_remembered_at_once_and_every_hour_in_the_dark_too() -> None:
    desk = open_desk(ANNA)
    begin = desk.now.unix
    first = times(desk, 10.0)
    assert len(first) == 1
    assert begin <= first[0] <= begin + 1.0
    assert times(desk, GOOD_TIME_SECONDS - 11.0) == []
    later = times(desk, 5 * GOOD_TIME_SECONDS)
    assert desk.dark()
    assert len(later) == 5
    assert later[-1] - first[0] == pytest.approx(5 * GOOD_TIME_SECONDS, abs=5 * 60.0)


@pytest.mark.parametrize("trust", ["held-over", "not-set"])
def test_a_time_that_is_not_synchronised_is_not_remembered_until_it_is(trust: Any) -> None:
    desk = Desk(trust=trust)
    desk.open(ANNA)
    assert times(desk, 2 * GOOD_TIME_SECONDS) == []
    desk.trusting("synchronised")
    assert len(times(desk, 60.0)) == 1


def looks(desk: Desk, seconds: float) -> list[int]:
    return [one.ref for one in every(desk.later(seconds), Measure)]


def test_the_pi_is_measured_every_ten_seconds_while_somebody_looks_at_the_pages_and_never_else() -> None:
    desk = open_desk(ANNA)
    assert looks(desk, 30.0) == []
    desk.gesture("menu")
    assert looks(desk, 5.0) == []
    desk.gesture("next", "ok")
    assert desk.screen() == Pages("status")
    refs = looks(desk, MEASURE_SECONDS - 1.0)
    assert len(refs) == 1
    refs += looks(desk, MEASURE_SECONDS)
    assert len(set(refs)) == 2
    desk.later(5.0)
    assert desk.screen() == Code()
    assert looks(desk, 60.0) == []


def test_without_a_vault_the_address_is_measured_for_the_screen_that_shows_it_but_not_in_the_dark() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert len(looks(desk, 5 * MEASURE_SECONDS)) == 5
    desk.later(OPTIONS.blank_after)
    assert desk.dark()
    assert looks(desk, 600.0) == []


def test_only_the_answer_to_the_latest_measurement_counts() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    first = looks(desk, 1.0)[0]
    latest = looks(desk, MEASURE_SECONDS)[0]
    desk.tell(Measured(first, "192.0.2.1", 40.0))
    assert (desk.state.host.address, desk.state.host.celsius) == ("", None)
    due = desk.state.host.due
    desk.tell(Measured(latest, "192.0.2.2", 50.0))
    assert (desk.state.host.address, desk.state.host.celsius) == ("192.0.2.2", 50.0)
    assert (desk.state.host.ref, desk.state.host.due) == (0, due)
    desk.tell(Measured(latest, "192.0.2.3", 60.0))
    assert desk.state.host.address == "192.0.2.2"


def test_a_measurement_that_fails_keeps_what_is_known_and_is_tried_again() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    desk.tell(Measured(looks(desk, 1.0)[0], "192.0.2.1", None))
    desk.tell(Failed(looks(desk, MEASURE_SECONDS)[0], TROUBLE))
    assert desk.state.host.address == "192.0.2.1"
    assert isinstance(phase(desk), NoVault)
    assert len(looks(desk, MEASURE_SECONDS)) == 1
