"""Over days and months: the card is read through, and the owner is reminded to try the secrets."""

from dataclasses import replace
from typing import Any, Final

from appliance.core.effects import Inspect, Log, OpenVault, Remember
from appliance.core.events import Asked, Inspected, Missing, Problem
from appliance.core.gestures import DOUBLE_WITHIN
from appliance.core.layout.message_screen import MessageView
from appliance.core.state import Open
from appliance.core.upkeep import CARD_SECONDS, SETTLE_SECONDS, TRY_SECONDS
from tests.core.desk import OPTIONS, UNIX, Desk, account, every, only, opened, replies, vault_of

ANNA: Final = account("a")
DAMAGED: Final = Problem("vault file .2 is damaged", "it is not canonical", "make a backup", "E4")


def open_desk(tried_at: float | None = UNIX, **options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, **options))
    desk.tell(replace(opened(1, vault_of(ANNA)), tried_at=tried_at))
    return desk


def status(desk: Desk) -> Any:
    return replies(desk.tell(Asked(3, "status")))[3].result


# --- the card


def test_the_card_is_read_soon_after_the_start_and_then_once_a_day() -> None:
    desk = open_desk()
    assert not every(desk.later(SETTLE_SECONDS - 1), Inspect)
    days = 5
    reads = every(desk.later(days * CARD_SECONDS + 2), Inspect)
    assert len(reads) == days + 1
    assert len({read.ref for read in reads}) == len(reads)


def test_a_good_card_is_no_news() -> None:
    desk = open_desk()
    ref = only(desk.later(SETTLE_SECONDS + 60), Inspect).ref
    (log,) = desk.tell(Inspected(ref))
    assert isinstance(log, Log)
    assert log.level == 10
    assert status(desk)["card"] == {"ok": True, "checked_at": desk.now.unix, "error": None}


def test_a_damaged_file_is_told_once_and_the_vault_is_opened_anew() -> None:
    desk = open_desk()
    ref = only(desk.later(SETTLE_SECONDS + 60), Inspect).ref
    desk.gesture("next")
    effects = desk.tell(Inspected(ref, DAMAGED))
    assert only(effects, OpenVault).ref == desk.state.opening
    view = desk.view()
    assert isinstance(view, MessageView)
    assert "damaged" in view.title
    card = status(desk)["card"]
    assert (card["ok"], card["error"]) == (False, "vault file .2 is damaged: it is not canonical")
    assert isinstance(desk.state.phase, Open), "codes are served from memory"
    ref = only(desk.later(CARD_SECONDS), Inspect).ref
    desk.tell(Inspected(ref))
    assert status(desk)["card"]["ok"]


def test_the_answer_to_an_earlier_reading_changes_nothing() -> None:
    desk = open_desk()
    desk.later(SETTLE_SECONDS + 60)
    assert desk.tell(Inspected(99, DAMAGED)) == ()
    assert status(desk)["card"]["ok"]


def test_without_an_open_vault_nothing_is_read() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert not every(desk.later(2 * CARD_SECONDS), Inspect)


# --- passphrase and recovery key


def due_desk(**options: Any) -> Desk:
    desk = open_desk(UNIX - TRY_SECONDS, **options)
    desk.later(OPTIONS.blank_after + 1)
    assert desk.dark()
    return desk


def reminded(desk: Desk) -> bool:
    view = desk.view()
    return isinstance(view, MessageView) and view.title == "Still known?"


def test_six_months_after_the_last_try_the_status_and_the_display_say_so() -> None:
    desk = open_desk(UNIX - TRY_SECONDS + 60)
    assert status(desk)["secrets"] == {"tried_at": UNIX - TRY_SECONDS + 60, "due": False}
    desk.later(60)
    assert status(desk)["secrets"]["due"]


def test_whoever_wakes_the_display_is_reminded_once_a_day() -> None:
    desk = due_desk()
    desk.press("ok")
    assert reminded(desk)
    desk.press("ok")
    assert not reminded(desk)
    desk.later(OPTIONS.blank_after + 1)
    desk.press("ok")
    assert not reminded(desk)
    desk.later(86_400)
    desk.press("ok")
    assert reminded(desk)
    desk.later(OPTIONS.blank_after + DOUBLE_WITHIN)


def test_nobody_is_reminded_by_a_clock_that_nobody_vouches_for_or_before_it_is_time() -> None:
    early, doubted = open_desk(), due_desk()
    early.later(OPTIONS.blank_after + 1)
    doubted.trusting("not-set")
    for desk in (early, doubted):
        desk.press("ok")
        assert not reminded(desk)


def test_a_vault_of_which_nobody_knows_begins_its_six_months_once_the_time_is_certain() -> None:
    desk = open_desk(None)
    desk.trusting("held-over")
    assert not [one for one in every(desk.later(60), Remember) if one.key == "secrets_tried"]
    desk.trusting("synchronised")
    found = [one for one in every(desk.later(7200), Remember) if one.key == "secrets_tried"]
    assert len(found) == 1
    assert status(desk)["secrets"]["tried_at"] == found[0].value


def test_a_try_is_known_after_the_next_reload() -> None:
    desk = due_desk()
    ref = only(desk.tell(Asked(4, "reload")), OpenVault).ref
    desk.tell(replace(opened(ref, vault_of(ANNA, generation=1)), tried_at=desk.now.unix))
    assert not status(desk)["secrets"]["due"]
