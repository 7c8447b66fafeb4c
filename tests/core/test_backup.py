"""The backup on the broker, driven through the whole core: what is told to it, and what it wants done."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pytest

from appliance.core.backup import COUNTER_SECONDS, REFUSED_SIZES
from appliance.core.cycle import (
    JITTER_SECONDS,
    KEEPER_SECONDS,
    PACKET_ROOM,
    PAYLOAD_LIMIT,
    QUARANTINE_SECONDS,
    READ_SECONDS,
    RECHECK_SECONDS,
    RETRY_SECONDS,
    VERIFIED_SECONDS,
    Known,
)
from appliance.core.effects import Change, Check, Effect, Fetch, Log, Merge, OpenVault, Publish
from appliance.core.events import (
    Acknowledged,
    Asked,
    Authentic,
    Checked,
    Connected,
    Failed,
    Foreign,
    Lost,
    Outdated,
    Oversized,
    Problem,
    Received,
    Shut,
    Subscribed,
    Superseded,
    Truncated,
    Undecided,
    Verdict,
    Woke,
)
from appliance.core.silence import CLUSTER_SECONDS
from appliance.core.verdict import (
    DISTURBED_SECONDS,
    OVERWRITE_SECONDS,
    PEACE_SECONDS,
    SECOND_LOOK_SECONDS,
    TWIN,
    TWIN_SECONDS,
)
from tests.core.desk import (
    DEVICE,
    OPTIONS,
    PROBE,
    TOPIC,
    TROUBLE,
    VAULT_ID,
    Card,
    Desk,
    E,
    account,
    every_on,
    named,
    only_on,
    opened,
    saved,
    vault_of,
)

ANNA: Final = account("a")
UNKNOWN: Final = Known()
NEW: Final = Known(published=False)
"""No backup was ever made of this vault."""
UP: Final = Connected(None, retain=True)
DOWN: Final = Lost(Problem("lost the broker", "it closed the connection"))
GENERATION: Final = 5
SEALED: Final = named(vault_of(generation=GENERATION))
OLDER: Final = named(vault_of(generation=4))
NEWER: Final = named(vault_of(generation=9))
TOPIC_OF_HISTORY: Final = TOPIC.replace("/backup", "/history/0")


def every(effects: Iterable[Effect], kind: type[E]) -> list[E]:
    """Return the effects of a kind; of publications and fetches, those on the backup's own topic."""
    return every_on(TOPIC, effects, kind)


def only(effects: Iterable[Effect], kind: type[E]) -> E:
    return only_on(TOPIC, effects, kind)


def condition(desk: Desk) -> str:
    return desk.state.backup.condition


def error(desk: Desk) -> str:
    return desk.state.backup.error or ""


def told(desk: Desk) -> str:
    """Return what the display says instead of a code."""
    message = desk.state.panel.message
    return "" if message is None else message.problem.what


def a_desk(known: Known = UNKNOWN) -> Desk:
    """Return a desk with an open vault of generation 5 and no link."""
    desk = Desk(replace(OPTIONS, blank_after=0.0, known=known))
    desk.open(ANNA, generation=GENERATION)
    return desk


def reading(link: Connected = UP, known: Known = UNKNOWN) -> tuple[Desk, Fetch]:
    """Return a desk that has just connected, and its fetch."""
    desk = a_desk(known)
    return desk, only(desk.tell(link), Fetch)


def found_nothing(desk: Desk, fetch: Fetch) -> tuple[Effect, ...]:
    """Let a fetch end without a message, at a broker that delivers the probe; and the second one as well.

    That one is made by a process before it believes the first.
    """
    desk.tell(Subscribed(fetch.ref))
    effects = desk.probed(desk.later(5.0))
    if desk.state.backup.doubted and (again := [one for one in effects if isinstance(one, Fetch)]):
        desk.tell(Subscribed(again[0].ref))
        return desk.later(5.0)
    return effects


def retained(fetch: Fetch, payload: bytes) -> Received:
    return Received(fetch.ref, TOPIC, payload, retained=True)


def live(payload: bytes) -> Received:
    return Received(None, TOPIC, payload, retained=False)


def judged(desk: Desk, check: Check, verdict: Verdict) -> tuple[Effect, ...]:
    return desk.tell(Checked(check.ref, verdict))


def found(desk: Desk, fetch: Fetch, payload: bytes, verdict: Verdict) -> tuple[Effect, ...]:
    """Let a fetch end with a message, and the keeper judge it."""
    desk.tell(Subscribed(fetch.ref))
    effects = (*desk.tell(retained(fetch, payload)), *desk.later(5.0))
    return judged(desk, only(effects, Check), verdict)


def publishing(link: Connected = UP) -> tuple[Desk, Publish]:
    """Return a desk that found nothing at the broker, and its publication."""
    desk, fetch = reading(link)
    return desk, only(found_nothing(desk, fetch), Publish)


def confirmed(desk: Desk, publication: Publish, generation: int = GENERATION) -> tuple[Effect, ...]:
    """Acknowledge a publication and let it be fetched back."""
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    desk.tell(Subscribed(fetch.ref))
    check = only(desk.tell(retained(fetch, publication.payload)), Check)
    return judged(desk, check, Authentic(generation, novel=False))


def verified() -> Desk:
    desk, publication = publishing()
    confirmed(desk, publication)
    assert condition(desk) == "verified"
    return desk


def at_stage(stage: str) -> Desk:
    if stage == "verified":
        return verified()
    if stage == "publishing":
        return publishing()[0]
    desk, fetch = reading()
    if stage == "checking":
        only(desk.tell(retained(fetch, SEALED)), Check)
    if stage == "merging":
        only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    return desk


# --- reading first


def test_a_first_reading_that_finds_nothing_is_doubted_once_before_anything_is_published() -> None:
    desk, fetch = reading()
    desk.tell(Subscribed(fetch.ref))
    again = only(desk.probed(desk.later(5.0)), Fetch)
    desk.tell(Subscribed(again.ref))
    only(desk.tell(retained(again, NEWER)) or desk.later(5.0), Check)  # it had only been slow


def test_a_vault_that_was_just_made_is_published_without_doubt() -> None:
    desk = Desk(replace(OPTIONS, blank_after=0.0))
    desk.open(ANNA, generation=1)
    desk.tell(Subscribed(only(desk.tell(UP), Fetch).ref))
    only(desk.probed(desk.later(5.0)), Publish)


def test_before_it_publishes_it_reads() -> None:
    desk, fetch = reading()
    assert fetch.topic == TOPIC
    assert condition(desk) == "pending"
    assert not every(desk.later(4.9), Publish)


def test_a_vault_opened_after_the_link_came_up_reads_first_as_well() -> None:
    desk = Desk()
    assert not every(desk.tell(UP), Fetch)
    assert condition(desk) == "never"
    effects = desk.open(ANNA)
    assert only(effects, Fetch).topic == TOPIC
    assert not every(effects, Publish)


def test_without_a_broker_there_is_never_a_backup() -> None:
    desk = Desk(replace(OPTIONS, prefix=None))
    effects = (*desk.open(ANNA), *desk.tell(saved(0, vault_of(ANNA, generation=2))), *desk.later(100_000.0))
    assert not every(effects, Fetch)
    assert not every(effects, Publish)
    assert condition(desk) == "never"


def test_an_empty_topic_is_published_to_and_then_verified() -> None:
    desk, publication = publishing()
    assert (publication.topic, publication.payload) == (TOPIC, SEALED)
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert condition(desk) == "acknowledged"
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    assert check.sealed == SEALED
    assert condition(desk) == "acknowledged"
    judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    assert desk.state.backup.verified_at == desk.now.unix
    assert desk.state.backup.verified_generation == GENERATION


def test_what_was_published_and_verified_goes_to_the_history_of_its_day() -> None:
    desk, publication = publishing()
    history = only_on(TOPIC_OF_HISTORY, confirmed(desk, publication), Publish)
    assert history.payload == SEALED
    assert not desk.tell(Acknowledged(history.ref))
    assert condition(desk) == "verified"


def test_the_same_backup_found_again_is_verified_without_publishing() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    assert not every(effects, Publish)


def test_history_is_written_once_for_each_backup() -> None:
    desk = verified()
    fetch = only(desk.later(RECHECK_SECONDS), Fetch)
    effects = found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    assert not every(effects, Publish)
    assert not every_on(TOPIC_OF_HISTORY, effects, Publish)


def test_an_older_own_backup_is_replaced() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, OLDER, Authentic(4, novel=False))
    assert only(effects, Publish).payload == SEALED
    assert condition(desk) == "pending"
    assert desk.state.backup.seen


def test_a_newer_own_backup_is_merged_and_then_published_above() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, NEWER, Authentic(9, novel=True))
    assert not every(effects, Publish)
    change = only(effects, Change)
    assert change.change == Merge(NEWER)
    assert condition(desk) == "conflict"
    above = vault_of(ANNA, generation=10)
    publication = only(desk.tell(saved(change.ref, above)), Publish)
    assert publication.payload == named(above)
    assert condition(desk) == "conflict"
    confirmed(desk, publication, 10)
    assert condition(desk) == "verified"


def test_an_older_message_that_holds_something_new_is_merged_too() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, OLDER, Authentic(4, novel=True)), Change)
    assert change.change == Merge(OLDER)
    assert condition(desk) == "pending"


def test_another_message_of_the_same_generation_is_a_copy_of_the_card() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, b"the same generation, sealed elsewhere", Authentic(GENERATION, novel=False))
    assert only(effects, Publish).payload == SEALED
    assert (condition(desk), error(desk)) == ("conflict", "a copy of this card")


def test_a_save_meanwhile_does_not_hide_that_there_is_a_copy_of_the_card() -> None:
    desk, fetch = reading()
    publication = only(found(desk, fetch, b"sealed elsewhere", Authentic(GENERATION, novel=False)), Publish)
    desk.tell(saved(0, vault_of(ANNA, generation=6)))
    assert condition(desk) == "conflict"
    publication = only(confirmed(desk, publication), Publish)
    confirmed(desk, publication, 6)
    assert condition(desk) == "verified"


def test_a_merge_that_fails_publishes_nothing_and_is_tried_again() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    desk.tell(Failed(change.ref, TROUBLE))
    assert (condition(desk), error(desk)) == ("unverified", "the card is full")
    effects = desk.later(61.0)
    assert not every(effects, Publish)
    only(effects, Fetch)


def test_a_merge_that_is_never_answered_leads_to_another_reading() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    effects = desk.later(KEEPER_SECONDS)
    only(effects, Fetch)
    assert not every(effects, Publish)
    # The late answer is taken over, but the reading decides.
    assert not every(desk.tell(saved(change.ref, vault_of(ANNA, generation=10))), Publish)
    assert desk.state.backup.generation == 10


def test_a_save_during_a_merge_waits_for_it() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    assert not every(desk.tell(saved(99_999, vault_of(ANNA, generation=6))), Publish)
    publication = only(desk.tell(saved(change.ref, vault_of(ANNA, generation=10))), Publish)
    assert publication.payload == named(vault_of(generation=10))


# --- what proves, and what does not


def test_a_live_echo_proves_nothing() -> None:
    desk, publication = publishing()
    assert not desk.tell(live(SEALED))
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert not desk.tell(live(SEALED))
    desk.tell(Subscribed(fetch.ref))
    assert not every(desk.later(5.0), Check)
    assert condition(desk) == "unverified"


def test_a_retained_delivery_of_another_fetch_proves_nothing() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert not desk.tell(Received(fetch.ref - 1, TOPIC, SEALED, retained=True))
    assert not desk.tell(Received(None, TOPIC, SEALED, retained=True))
    assert not desk.tell(Received(fetch.ref, TOPIC_OF_HISTORY, SEALED, retained=True))
    only(desk.tell(retained(fetch, SEALED)), Check)


def test_an_equal_delivery_after_a_different_one_is_success() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert not desk.tell(retained(fetch, OLDER))
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


def test_a_different_delivery_is_judged_when_the_window_ends() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    desk.tell(retained(fetch, OLDER))
    assert not every(desk.later(4.9), Check)
    assert only(desk.later(0.1), Check).sealed == OLDER


def test_equal_bytes_that_do_not_open_are_not_verified() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    judged(desk, check, Foreign("it does not open"))
    assert condition(desk) == "rejected"


def test_a_check_that_fails_leaves_it_unverified_and_is_tried_again() -> None:
    desk, fetch = reading()
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    desk.tell(Failed(check.ref, TROUBLE))
    assert (condition(desk), error(desk)) == ("unverified", "the card is full")
    only(desk.later(61.0), Fetch)


def test_a_check_that_is_never_answered_leads_to_another_reading() -> None:
    desk, fetch = reading()
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    again = only(desk.later(KEEPER_SECONDS), Fetch)
    assert not judged(desk, check, Authentic(GENERATION, novel=False))
    found(desk, again, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


@pytest.mark.parametrize(
    "event", [Acknowledged(77), Subscribed(77), Checked(77, Foreign("")), Failed(77, TROUBLE)]
)
@pytest.mark.parametrize("stage", ["reading", "checking", "merging", "publishing", "verified"])
def test_an_answer_to_nothing_that_was_asked_changes_nothing(
    stage: str, event: Acknowledged | Subscribed | Checked | Failed
) -> None:
    desk = at_stage(stage)
    before = desk.state.backup
    assert not desk.tell(event)
    assert desk.state.backup == before


def test_duplicates_of_every_answer_are_harmless() -> None:
    desk, fetch = reading()
    desk.tell(Subscribed(fetch.ref))
    publication = only(found_nothing(desk, fetch), Publish)
    fetch = only(
        (*desk.tell(Acknowledged(publication.ref)), *desk.tell(Acknowledged(publication.ref))), Fetch
    )
    received = retained(fetch, SEALED)
    check = only((*desk.tell(received), *desk.tell(received)), Check)
    history = (
        *judged(desk, check, Authentic(GENERATION, novel=False)),
        *judged(desk, check, Foreign("late")),
    )
    only_on(TOPIC_OF_HISTORY, history, Publish)
    assert condition(desk) == "verified"


def test_another_connected_in_the_midst_of_a_cycle_begins_it_anew() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(UP), Fetch)
    assert not desk.tell(Acknowledged(publication.ref))
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


# --- silence


def test_a_broker_that_does_not_answer_a_fetch_is_asked_again_and_never_published_to() -> None:
    desk, _ = reading()
    effects = desk.later(60.0)
    assert not every(effects, Publish)
    assert len(every(effects, Fetch)) == 12
    assert (condition(desk), error(desk)) == ("unverified", "the broker does not answer")


def test_a_publication_without_answer_leads_to_a_fetch() -> None:
    desk, _ = publishing()
    effects = desk.later(10.0)
    assert not every(effects, Publish)
    found(desk, only(effects, Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


def test_a_broker_that_acknowledges_and_keeps_nothing_is_unverified_and_tried_ever_more_rarely() -> None:
    desk, publication = publishing()
    pauses = []
    for _ in range(8):
        began = desk.now.mono
        fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
        effects = found_nothing(desk, fetch)
        while not every(effects, Publish):
            assert (condition(desk), error(desk)) == ("unverified", "the broker did not keep it")
            effects = desk.later(1.0)
            if fetches := every(effects, Fetch):
                effects = found_nothing(desk, fetches[0])
        publication = only(effects, Publish)
        assert publication.payload == SEALED
        pauses.append(desk.now.mono - began)
    assert pauses == sorted(pauses)
    assert pauses[0] == 5.0
    assert RETRY_SECONDS[-1] <= pauses[-1] <= RETRY_SECONDS[-1] + 10.0
    assert desk.state.backup.lost_at == ()


def test_a_new_connection_forgets_how_rarely_it_was_tried_before() -> None:
    desk, publication = publishing()
    for _ in range(3):
        fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
        effects = found_nothing(desk, fetch)
        while not every(effects, Publish):
            effects = desk.later(1.0)
            if fetches := every(effects, Fetch):
                effects = found_nothing(desk, fetches[0])
        publication = only(effects, Publish)
    desk.tell(DOWN)
    publication = only(found_nothing(desk, only(desk.tell(UP), Fetch)), Publish)
    desk.tell(Acknowledged(publication.ref, "quota exceeded"))
    only(desk.later(RETRY_SECONDS[0]), Fetch)


def test_what_was_never_verified_is_not_counted_as_lost() -> None:
    desk, _ = publishing()
    assert desk.state.backup.lost_at == ()


# --- refusals of the broker


def test_a_failing_acknowledgement_is_told_and_read_again_after_a_pause() -> None:
    desk, publication = publishing()
    assert not every(desk.tell(Acknowledged(publication.ref, "quota exceeded")), Fetch)
    assert (condition(desk), error(desk)) == ("rejected", "quota exceeded")
    effects = desk.later(RETRY_SECONDS[0])
    assert not every(effects, Publish)
    only(found_nothing(desk, only(effects, Fetch)), Publish)


def test_a_save_after_a_refusal_reads_and_is_published() -> None:
    desk, publication = publishing()
    desk.tell(Acknowledged(publication.ref, "not authorized"))
    effects = desk.tell(saved(0, vault_of(ANNA, generation=6)))
    assert not every(effects, Publish)
    publication = only(found_nothing(desk, only(effects, Fetch)), Publish)
    assert publication.payload == named(vault_of(generation=6))


def test_a_broker_without_retained_messages_gets_nothing_and_is_never_verified() -> None:
    desk, fetch = reading(Connected(None, retain=False))
    effects = found_nothing(desk, fetch)
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Fetch)
    effects = (*effects, *found_nothing(desk, fetch), *desk.later(600.0))
    assert not every(effects, Publish)
    assert (condition(desk), error(desk)) == ("unverified", "the broker keeps no retained messages")


def test_reading_denied_publishes_once_and_stays_unverified() -> None:
    desk, fetch = reading(known=NEW)
    publication = only(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    assert condition(desk) == "unverified"
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    for pause in (60.0, 120.0, 240.0, 480.0, RECHECK_SECONDS, RECHECK_SECONDS):
        effects = desk.later(pause)
        assert not every(effects, Publish)
        assert not every(desk.tell(Subscribed(only(effects, Fetch).ref, "not authorized")), Publish)
        assert condition(desk) == "unverified"
        assert "not authorized" in error(desk)


def test_reading_denied_publishes_once_more_on_each_new_connection() -> None:
    desk, fetch = reading(known=NEW)
    publication = only(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    desk.tell(Acknowledged(publication.ref))
    desk.tell(DOWN)
    fetch = only(desk.tell(UP), Fetch)
    only(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)


def test_reading_denied_publishes_each_new_save_once() -> None:
    desk, fetch = reading(known=NEW)
    publication = only(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    desk.tell(Subscribed(fetch.ref, "not authorized"))
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    assert condition(desk) == "unverified"


@pytest.mark.parametrize(
    ("limit", "size", "fits"),
    [
        (None, PAYLOAD_LIMIT, True),
        (None, PAYLOAD_LIMIT + 1, False),
        (10 * PAYLOAD_LIMIT, PAYLOAD_LIMIT + 1, False),
        (131_072, 131_072 - PACKET_ROOM, True),
        (131_072, 131_072 - PACKET_ROOM + 1, False),
    ],
)
def test_a_vault_over_a_limit_is_never_sent(limit: int | None, size: int, fits: bool) -> None:  # noqa: FBT001
    desk = Desk(replace(OPTIONS, blank_after=0.0))
    desk.tell(opened(1, vault_of(ANNA), b"x" * size))
    fetch = only(desk.tell(Connected(limit, retain=True)), Fetch)
    assert len(every(found_nothing(desk, fetch), Publish)) == fits
    assert (condition(desk) == "too_large") is not fits
    assert fits or str(size) in error(desk)


def test_a_smaller_save_ends_too_large() -> None:
    desk = Desk()
    desk.tell(opened(1, vault_of(ANNA), b"x" * (PAYLOAD_LIMIT + 1)))
    found_nothing(desk, only(desk.tell(UP), Fetch))
    assert condition(desk) == "too_large"
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=2))), Fetch)
    only(found_nothing(desk, fetch), Publish)


# --- losing and healing


def test_a_backup_that_is_missing_is_published_at_once_and_counted() -> None:
    desk = verified()
    desk.tell(DOWN)
    fetch = only(desk.tell(UP), Fetch)
    assert only(found_nothing(desk, fetch), Publish).payload == SEALED
    assert (condition(desk), error(desk)) == ("rolled_back", "it was missing")
    assert len(desk.state.backup.lost_at) == 1


def test_a_backup_deleted_under_our_eyes_is_published_again_and_counted() -> None:
    desk = verified()
    fetch = only(desk.tell(live(b"")), Fetch)
    assert only(found_nothing(desk, fetch), Publish).payload == SEALED
    assert len(desk.state.backup.lost_at) == 1


def test_an_older_backup_that_came_back_is_replaced_and_counted() -> None:
    desk = verified()
    fetch = only(desk.tell(live(OLDER)), Fetch)
    effects = found(desk, fetch, OLDER, Authentic(4, novel=False))
    assert only(effects, Publish).payload == SEALED
    assert (condition(desk), error(desk)) == ("rolled_back", "generation 4 had come back")
    assert len(desk.state.backup.lost_at) == 1


def test_a_broker_that_lost_even_what_was_verified_before_the_last_save_is_counted() -> None:
    desk = verified()
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    only(found_nothing(desk, fetch), Publish)
    assert condition(desk) == "rolled_back"
    assert len(desk.state.backup.lost_at) == 1


def test_the_backup_of_before_the_last_save_is_no_loss() -> None:
    desk = verified()
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    desk.tell(DOWN)
    effects = found(desk, only(desk.tell(UP), Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert only(effects, Publish).payload == publication.payload
    assert condition(desk) == "pending"
    assert desk.state.backup.lost_at == ()


@pytest.mark.parametrize("keeps", [b"", OLDER])
def test_one_loss_counts_once_however_often_the_broker_refuses_the_cure(keeps: bytes) -> None:
    desk = verified()
    desk.tell(DOWN)
    fetch = only(desk.tell(UP), Fetch)
    for _ in range(20):
        if keeps:
            effects = found(desk, fetch, keeps, Authentic(4, novel=False))
        else:
            effects = found_nothing(desk, fetch)
        while not every(effects, Fetch):
            for publication in every(effects, Publish):
                effects = desk.tell(Acknowledged(publication.ref))
                break
            else:
                effects = desk.later(1.0)
        fetch = only(effects, Fetch)
        assert condition(desk) != "verified"
    assert len(desk.state.backup.lost_at) == 1
    assert told(desk) == ""


def lose(desk: Desk) -> None:
    """Let somebody delete the backup, and the appliance heal it."""
    desk.move(DISTURBED_SECONDS)
    fetch = only(desk.tell(live(b"")), Fetch)
    confirmed(desk, only(found_nothing(desk, fetch), Publish))


def test_three_losses_in_a_day_are_told_on_the_display() -> None:
    desk = verified()
    lose(desk)
    lose(desk)
    assert told(desk) == ""
    lose(desk)
    assert told(desk) == "backup lost 3 times today"
    desk.later(10.0)
    assert told(desk) == ""


def test_losses_of_different_days_are_not_told() -> None:
    desk = verified()
    for _ in range(5):
        lose(desk)
        desk.move(50_000.0)
    assert told(desk) == ""


def test_losses_from_before_the_clock_was_set_back_do_not_count() -> None:
    desk = verified()
    lose(desk)
    lose(desk)
    desk.now = replace(desk.now, unix=0.0)
    lose(desk)
    assert desk.state.backup.lost_at == (DISTURBED_SECONDS + READ_SECONDS,)


# --- messages that are not ours


def test_a_foreign_message_is_rejected_and_published_over() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, b"garbage", Foreign("it is not a backup"))
    assert condition(desk) == "rejected"
    assert "it is not a backup" in error(desk)
    confirmed(desk, only(effects, Publish))
    assert condition(desk) == "verified"


def test_foreign_messages_are_published_over_ever_more_rarely_and_in_peace_at_once_again() -> None:
    desk, fetch = reading()
    confirmed(desk, only(found(desk, fetch, b"garbage", Foreign("")), Publish))
    for pause in (*OVERWRITE_SECONDS, OVERWRITE_SECONDS[-1]):
        desk.move(DISTURBED_SECONDS)
        fetch = only(desk.tell(live(b"garbage")), Fetch)
        effects = found(desk, fetch, b"garbage", Foreign(""))
        assert not every(effects, Publish)
        assert condition(desk) == "rejected"
        backup = desk.state.backup
        assert backup.stage.until == backup.overwrote_at + pause
        effects = desk.later(backup.stage.until - desk.now.mono)
        assert not every(effects, Publish)
        fetch = only(effects, Fetch)
        confirmed(desk, only(found(desk, fetch, b"garbage", Foreign("")), Publish))
    desk.move(PEACE_SECONDS)
    fetch = only(desk.tell(live(b"garbage")), Fetch)
    only(found(desk, fetch, b"garbage", Foreign("")), Publish)


def test_an_owner_who_asks_for_a_backup_need_not_wait_ten_minutes() -> None:
    desk, fetch = reading()
    confirmed(desk, only(found(desk, fetch, b"garbage", Foreign("")), Publish))
    found(desk, only(desk.tell(live(b"garbage")), Fetch), b"garbage", Foreign(""))
    fetch = only(desk.tell(Asked(1, "backup")), Fetch)
    only(found(desk, fetch, b"garbage", Foreign("")), Publish)


def test_a_message_from_before_the_passphrase_was_changed_is_replaced() -> None:
    desk, fetch = reading()
    assert only(found(desk, fetch, b"old key", Outdated()), Publish).payload == SEALED


def test_a_passphrase_changed_elsewhere_pauses_publishing() -> None:
    desk, fetch = reading()
    found(desk, fetch, b"new key", Superseded())
    assert condition(desk) == "passphrase_changed"
    for generation in (6, 7, 8):
        effects = desk.tell(saved(0, vault_of(ANNA, generation=generation)))
        assert not every(effects, Publish)
        for fetch in every(effects, Fetch):
            assert not every(found(desk, fetch, b"new key", Superseded()), Publish)
        assert condition(desk) == "passphrase_changed"
        assert not every(desk.later(600.0), Publish)


def test_a_passphrase_changed_elsewhere_pauses_publishing_even_if_reading_gets_denied() -> None:
    desk, fetch = reading()
    found(desk, fetch, b"new key", Superseded())
    fetch = only(desk.later(RECHECK_SECONDS), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)


def test_a_passphrase_changed_elsewhere_after_it_was_verified_pauses_even_if_reading_gets_denied() -> None:
    desk = verified()
    found(desk, only(desk.tell(live(b"new key")), Fetch), b"new key", Superseded())
    assert condition(desk) == "passphrase_changed"
    fetch = only(desk.later(RECHECK_SECONDS), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)


def test_what_was_found_newer_is_not_written_over_blindly_even_by_a_vault_that_was_never_published() -> None:
    desk, fetch = reading(known=NEW)
    found(desk, fetch, b"new key", Superseded())
    fetch = only(desk.later(RECHECK_SECONDS), Fetch)
    assert not every(desk.tell(Subscribed(fetch.ref, "not authorized")), Publish)


def test_a_passphrase_changed_elsewhere_after_it_was_verified_is_not_replaced_when_it_is_deleted() -> None:
    desk = verified()
    found(desk, only(desk.tell(live(b"new key")), Fetch), b"new key", Superseded("k2"))
    effects = found_nothing(desk, only(desk.later(RECHECK_SECONDS), Fetch))
    assert not every(effects, Publish)
    assert condition(desk) == "conflict"
    assert "--mine" in error(desk)


def test_a_vault_that_caught_up_with_the_passphrase_ends_the_pause_at_once() -> None:
    desk, fetch = reading()
    found(desk, fetch, b"new key", Superseded())
    reload = desk.tell(Asked(1, "reload"))
    effects = desk.tell(opened(reload[0].ref, vault_of(ANNA, generation=9)))  # type: ignore[union-attr]
    effects = found(desk, only(effects, Fetch), b"new key", Authentic(8, novel=False))
    assert only(effects, Publish).payload == named(vault_of(generation=9))


# --- other people's writes


@pytest.mark.parametrize("payload", [b"", OLDER, b"garbage"])
def test_a_live_message_that_differs_starts_a_reading_at_once(payload: bytes) -> None:
    desk = verified()
    assert only(desk.tell(live(payload)), Fetch).topic == TOPIC
    assert condition(desk) == "unverified"


def test_a_backup_that_is_found_right_after_a_deletion_is_looked_at_once_more() -> None:
    """A node of a cluster may still have what another one deleted."""
    desk = verified()
    found(desk, only(desk.tell(live(b"")), Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    fetch = only(desk.later(SECOND_LOOK_SECONDS), Fetch)
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert not every(desk.later(RECHECK_SECONDS - JITTER_SECONDS - 1.0), Fetch)


def test_a_refused_connection_is_no_trouble_any_more_once_there_is_one() -> None:
    desk = a_desk()
    desk.tell(Lost(Problem("can't reach the broker", "connection refused")))
    assert error(desk) == "connection refused"
    desk.tell(UP)
    assert (condition(desk), error(desk)) == ("pending", "")


def test_a_deletion_is_noticed_on_a_link_on_which_nothing_was_published() -> None:
    desk, fetch = reading()
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    only(desk.tell(live(b"")), Fetch)


def test_a_live_message_that_is_equal_does_not() -> None:
    desk = verified()
    assert not desk.tell(live(SEALED))
    assert condition(desk) == "verified"


def test_a_live_message_on_another_topic_does_not() -> None:
    desk = verified()
    assert not desk.tell(Received(None, TOPIC_OF_HISTORY, OLDER, retained=False))


def test_a_live_message_that_differs_during_a_cycle_makes_it_read_once_more() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    assert not desk.tell(live(OLDER))
    effects = judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) != "verified"
    found(desk, only(effects, Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


# --- saves


def test_a_save_is_published_at_once() -> None:
    desk = verified()
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    assert publication.payload == named(vault_of(generation=6))
    assert condition(desk) == "pending"
    confirmed(desk, publication, 6)
    assert (condition(desk), desk.state.backup.verified_generation) == ("verified", 6)


def test_a_late_echo_of_an_earlier_publication_does_no_harm() -> None:
    desk = verified()
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    desk.tell(live(SEALED))
    confirmed(desk, publication, 6)
    assert condition(desk) == "verified"


def test_saves_during_a_cycle_wait_and_the_latest_wins() -> None:
    desk, publication = publishing()
    for generation in (6, 7):
        assert not every(desk.tell(saved(0, vault_of(ANNA, generation=generation))), Publish)
    effects = confirmed(desk, publication)
    assert only(effects, Publish).payload == named(vault_of(generation=7))
    assert condition(desk) == "pending"


def test_a_save_that_comes_late_does_not_replace_a_newer_one() -> None:
    desk = verified()
    desk.tell(saved(0, vault_of(ANNA, generation=7)))
    desk.tell(saved(0, vault_of(ANNA, generation=6)))
    assert desk.state.backup.latest == named(vault_of(generation=7))


def test_saves_of_counters_are_collected_for_a_minute() -> None:
    desk = verified()
    assert not every(desk.tell(saved(0, vault_of(ANNA, generation=6), counters=True)), Publish)
    assert condition(desk) == "pending"
    effects = desk.later(40.0)
    effects = (*effects, *desk.tell(saved(0, vault_of(ANNA, generation=7), counters=True)))
    assert not every(effects, Fetch)
    fetch = only(desk.later(COUNTER_SECONDS - 40.0), Fetch)
    effects = found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert only(effects, Publish).payload == named(vault_of(generation=7))


def test_any_other_save_takes_the_collected_counters_along() -> None:
    desk = verified()
    desk.tell(saved(0, vault_of(ANNA, generation=6), counters=True))
    assert only(desk.tell(saved(0, vault_of(ANNA, generation=7))), Publish).payload == named(
        vault_of(generation=7)
    )


def test_a_save_while_the_link_is_down_is_published_after_it_is_back_and_read() -> None:
    desk = verified()
    desk.tell(DOWN)
    assert not every(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    assert condition(desk) == "offline"
    effects = found(desk, only(desk.tell(UP), Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert only(effects, Publish).payload == named(vault_of(generation=6))


def test_a_reload_without_a_change_disturbs_nothing() -> None:
    desk = verified()
    desk.tell(Asked(1, "reload"))
    effects = desk.tell(opened(desk.state.opening, vault_of(ANNA, generation=GENERATION)))
    assert not every(effects, Fetch)
    assert not every(effects, Publish)
    assert condition(desk) == "verified"


def test_a_card_that_fell_back_to_an_older_file_reads_before_it_writes() -> None:
    desk = verified()
    desk.tell(Asked(1, "reload"))
    effects = desk.tell(opened(desk.state.opening, vault_of(ANNA, generation=4), warning=TROUBLE))
    assert condition(desk) != "verified"
    assert not every(effects, Publish)
    effects = found(desk, only(effects, Fetch), SEALED, Authentic(GENERATION, novel=True))
    assert only(effects, Change).change == Merge(SEALED)


def test_a_vault_under_another_id_is_read_under_its_own_topic_first_whatever_was_under_way() -> None:
    desk, publication = publishing()
    other = replace(vault_of(ANNA, generation=1), device="otp-00000002")
    effects = desk.tell(saved(0, other))
    assert not every(effects, Publish)
    only_on(TOPIC.replace(DEVICE, other.device), effects, Fetch)
    assert not every(desk.tell(Acknowledged(publication.ref)), Fetch)


# --- the link


def test_a_lost_link_is_offline_whatever_was_verified() -> None:
    desk = verified()
    desk.tell(DOWN)
    assert (condition(desk), error(desk)) == ("offline", "it closed the connection")
    assert not every(desk.later(RECHECK_SECONDS + 1.0), Fetch)


def test_nothing_that_arrives_after_the_link_was_lost_counts() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    desk.tell(DOWN)
    assert not desk.tell(retained(fetch, SEALED))
    assert not desk.tell(live(OLDER))
    assert condition(desk) == "offline"


def test_a_verdict_that_comes_after_the_link_was_lost_verifies_nothing() -> None:
    desk, publication = publishing()
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    desk.tell(DOWN)
    judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) == "offline"


def test_without_a_link_nothing_is_published_whatever_was_under_way() -> None:
    desk, fetch = reading()
    desk.tell(Subscribed(fetch.ref))
    desk.state = replace(
        desk.state, backup=replace(desk.state.backup, link=None, delivers=True, doubted=True)
    )
    assert not every(desk.later(600.0), Publish)
    assert condition(desk) == "offline"


def test_a_link_that_stays_down_is_warned_of_once() -> None:
    desk = Desk()
    first, second = only(desk.tell(DOWN), Log), only(desk.tell(DOWN), Log)
    assert (first.level, second.level) == (30, 10)
    assert condition(desk) == "never"
    other = only(desk.tell(Lost(Problem("x", "no route to host"))), Log)
    assert other.level == 30


def test_a_merge_that_ends_after_the_link_was_lost_is_kept_for_later() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    desk.tell(DOWN)
    assert not every(desk.tell(saved(change.ref, vault_of(ANNA, generation=10))), Publish)
    assert condition(desk) == "offline"
    assert desk.state.backup.latest == named(vault_of(generation=10))


def drop_while_publishing(desk: Desk) -> tuple[Effect, ...]:
    desk.tell(DOWN)
    return found_nothing(desk, only(desk.tell(UP), Fetch))


def three_drops(size: int = 5000) -> Desk:
    """Return a desk at a broker that ended the connection three times during a publication of this size."""
    desk = a_desk()
    desk.tell(saved(0, vault_of(ANNA, generation=6), b"x" * size))
    only(found_nothing(desk, only(desk.tell(UP), Fetch)), Publish)
    for again in (True, True, False):
        assert len(every(drop_while_publishing(desk), Publish)) == again
    return desk


def test_a_payload_that_cost_the_link_three_times_is_quarantined() -> None:
    desk = three_drops()
    assert condition(desk) == "too_large"
    assert "5000 bytes" in error(desk)
    effects = desk.later(QUARANTINE_SECONDS[0] - 2 * READ_SECONDS - 1.0)
    assert not every(effects, Publish)
    assert not every(effects, Fetch)
    fetch = only(desk.later(1.0), Fetch)
    only(found_nothing(desk, fetch), Publish)


def test_each_quarantine_is_longer_up_to_a_day() -> None:
    desk = three_drops()
    for pause in (*QUARANTINE_SECONDS[1:], QUARANTINE_SECONDS[-1]):
        desk.later(desk.state.backup.not_before - desk.now.mono - 1.0)
        only(found_nothing(desk, only(desk.later(1.0), Fetch)), Publish)
        assert not every(drop_while_publishing(desk), Publish)
        assert desk.state.backup.not_before == desk.now.mono + pause - 2 * READ_SECONDS


def test_a_link_lost_later_does_not_prolong_the_quarantine() -> None:
    desk = three_drops()
    desk.later(800.0)
    assert not every(drop_while_publishing(desk), Publish)
    fetch = only(desk.later(QUARANTINE_SECONDS[0] - 800.0 - 4 * READ_SECONDS), Fetch)
    only(found_nothing(desk, fetch), Publish)


@pytest.mark.parametrize("problem", [None, "not authorized"])
def test_a_payload_that_got_an_answer_begins_a_new_count(problem: str | None) -> None:
    desk, publication = publishing()
    for _ in range(2):
        publication = only(drop_while_publishing(desk), Publish)
    desk.tell(Acknowledged(publication.ref, problem))
    desk.tell(DOWN)
    only(found_nothing(desk, only(desk.tell(UP), Fetch)), Publish)
    only(drop_while_publishing(desk), Publish)


@pytest.mark.parametrize("problem", REFUSED_SIZES)
def test_a_size_that_was_refused_three_times_is_not_tried_again_on_this_connection_or_the_next(
    problem: str,
) -> None:
    desk, publication = publishing()
    for _ in range(2):
        desk.tell(Acknowledged(publication.ref, problem))
        assert (condition(desk), error(desk)) == ("rejected", problem)
        effects = desk.later(desk.state.backup.not_before - desk.now.mono)
        publication = only(found_nothing(desk, only(effects, Fetch)), Publish)
    desk.tell(Acknowledged(publication.ref, problem))
    desk.tell(DOWN)
    assert not every(found_nothing(desk, only(desk.tell(UP), Fetch)), Publish)
    assert condition(desk) == "too_large"
    assert error(desk) == f"{len(SEALED)} bytes: {problem}"


@pytest.mark.parametrize(
    ("size", "tried"), [(5000 - PACKET_ROOM, True), (5001 - PACKET_ROOM, False), (6000, False)]
)
def test_only_what_is_smaller_by_a_kilobyte_ends_the_quarantine(size: int, tried: bool) -> None:  # noqa: FBT001
    desk = three_drops(5000)
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=7), b"y" * size)), Fetch)
    assert len(every(found_nothing(desk, fetch), Publish)) == tried
    if tried:
        only(drop_while_publishing(desk), Publish)


def test_an_owner_who_asks_ends_the_quarantine() -> None:
    desk = three_drops()
    only(found_nothing(desk, only(desk.tell(Asked(1, "backup")), Fetch)), Publish)


def test_a_link_lost_outside_a_publication_is_not_the_payloads_fault() -> None:
    desk = verified()
    for _ in range(5):
        desk.tell(DOWN)
        fetch = only(desk.tell(UP), Fetch)
    only(found_nothing(desk, fetch), Publish)


# --- by the clock


def test_a_verified_backup_is_read_again_within_a_quarter_of_an_hour() -> None:
    desk = verified()
    assert not every(desk.later(RECHECK_SECONDS - 1.0), Fetch)
    only(desk.later(1.0), Fetch)
    assert condition(desk) == "verified"


def test_asking_for_a_backup_reads_at_once() -> None:
    desk = verified()
    only(desk.tell(Asked(1, "backup")), Fetch)


def test_asking_for_a_backup_before_there_is_a_vault_begins_none() -> None:
    desk = Desk()
    desk.tell(UP)
    assert not every(desk.tell(Asked(1, "backup")), Fetch)


def test_asking_for_a_backup_in_the_midst_of_one_begins_no_second() -> None:
    desk, _ = publishing()
    assert not every(desk.tell(Asked(1, "backup")), Fetch)


def test_what_the_log_says_of_the_backup_never_holds_its_bytes() -> None:
    desk, publication = publishing()
    effects = [*confirmed(desk, publication), *desk.tell(live(b"garbage")), *desk.tell(DOWN)]
    assert every(effects, Log)
    assert SEALED.decode() not in repr(effects)
    assert SEALED.decode() not in repr(desk.state)


def test_a_look_that_takes_long_ends_what_was_verified_a_quarter_of_an_hour_ago() -> None:
    desk = verified()
    fetch = only(desk.later(RECHECK_SECONDS), Fetch)
    only(desk.tell(retained(fetch, SEALED)), Check)  # and the keeper takes its time
    desk.later(VERIFIED_SECONDS - RECHECK_SECONDS - 1.0)
    assert condition(desk) == "verified"
    desk.later(1.0)
    assert (condition(desk), error(desk)) == ("unverified", "the last look at it is too long ago")


def test_what_was_fetched_counts_from_its_delivery_not_from_the_end_of_the_check() -> None:
    desk, fetch = reading()
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    delivered_at = desk.now.mono
    desk.later(KEEPER_SECONDS - 1.0)
    judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    assert desk.state.backup.fetched_at == delivered_at


def test_after_a_sleep_nothing_is_called_verified_before_it_was_looked_at() -> None:
    desk = verified()
    desk.move(3600.0)
    fetch = only(desk.tell(Woke()), Fetch)
    assert condition(desk) == "unverified"
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


def test_an_endless_stream_of_live_messages_leads_to_a_read_in_ten_seconds_at_most() -> None:
    desk = verified()
    reads = 0
    for number in range(3600):
        effects = (*desk.tell(live(b"junk %d" % number)), *desk.later(1.0))
        for fetch in every(effects, Fetch):
            reads += 1
            check = only(desk.tell(retained(fetch, SEALED)), Check)
            judged(desk, check, Authentic(GENERATION, novel=False))
    assert 10 <= reads <= 3600.0 / DISTURBED_SECONDS + 1


def test_two_successors_of_the_own_key_are_a_conflict_and_neither_is_written_over() -> None:
    desk, fetch = reading()
    found(desk, fetch, b"one", Superseded("k1"))
    assert condition(desk) == "passphrase_changed"
    fetch = only(desk.tell(live(b"two")), Fetch)
    assert not every(found(desk, fetch, b"two", Superseded("k2")), Publish)
    assert condition(desk) == "conflict"


def test_a_second_change_of_the_passphrase_after_the_first_was_followed_is_no_conflict() -> None:
    desk, fetch = reading()
    found(desk, fetch, b"one", Superseded("k1"))
    fetch = only(desk.tell(saved(0, vault_of(ANNA, generation=9))), Fetch)
    found(desk, fetch, named(vault_of(generation=9)), Authentic(9, novel=False))
    assert condition(desk) == "verified"
    found(desk, only(desk.tell(live(b"two")), Fetch), b"two", Superseded("k2"))
    assert condition(desk) == "passphrase_changed"


def test_an_owner_who_says_that_this_card_counts_publishes_over_what_is_newer_once() -> None:
    desk, fetch = reading()
    desk.state = replace(desk.state, backup=replace(desk.state.backup, mine=True))
    publication = only(found(desk, fetch, b"new key", Superseded("k1")), Publish)
    confirmed(desk, publication)
    assert condition(desk) == "verified"
    assert not desk.state.backup.mine


def puzzled() -> tuple[Desk, Fetch]:
    """Return a desk that is verified again after closings without a reason, and its fetch of the probe."""
    desk = verified()
    desk.tell(replace(DOWN, puzzling=True))
    assert condition(desk) == "offline"
    effects = found(desk, only(desk.tell(UP), Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"
    assert not every_on(PROBE, effects, Publish)
    return desk, only_on(PROBE, effects, Fetch)


@pytest.mark.parametrize(("nonce", "twin"), [(b"of another card", True), (b"00000000", False), (b"", False)])
def test_the_probe_tells_whether_closings_without_a_reason_are_another_cards(
    nonce: bytes,
    twin: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    desk, fetch = puzzled()
    probe = Received(fetch.ref, PROBE, b'{"nonce":"%s","proof":null}' % nonce, retained=True)
    desk.tell(probe)
    assert (condition(desk), error(desk) or None) == (("conflict", TWIN) if twin else ("verified", None))
    assert not desk.tell(probe)


def test_a_twin_that_is_recognised_during_a_cycle_is_told_when_it_ends() -> None:
    desk, fetch = puzzled()
    publication = only(desk.tell(saved(0, vault_of(ANNA, generation=6))), Publish)
    desk.tell(Received(fetch.ref, PROBE, b'{"nonce":"another","proof":null}', retained=True))
    assert condition(desk) == "pending"
    confirmed(desk, publication, 6)
    assert (condition(desk), error(desk)) == ("conflict", TWIN)


@pytest.mark.parametrize("word", ["lost", "twice"])
def test_two_cards_that_use_one_id_are_a_conflict_for_ten_minutes_even_if_verified(word: str) -> None:
    desk = verified()
    if word == "lost":
        desk.tell(replace(DOWN, contested=True))
        assert (condition(desk), error(desk)) == ("conflict", TWIN)
        found(desk, only(desk.tell(UP), Fetch), SEALED, Authentic(GENERATION, novel=False))
    else:
        for number in range(2):
            desk.move(DISTURBED_SECONDS)
            fetch = only(desk.tell(live(b"%d" % number)), Fetch)
            effects = found(desk, fetch, b"%d" % number, Authentic(GENERATION, novel=False))
            confirmed(desk, only(effects, Publish))
            if number == 0:
                assert condition(desk) == "verified"
        found(desk, only(desk.later(SECOND_LOOK_SECONDS), Fetch), SEALED, Authentic(GENERATION, novel=False))
    assert (condition(desk), error(desk)) == ("conflict", TWIN)
    lasting = desk.state.backup.contested_until - desk.now.mono
    assert lasting >= TWIN_SECONDS - SECOND_LOOK_SECONDS - 2 * READ_SECONDS
    assert not every(desk.later(lasting - 1.0), Fetch)
    fetch = only(desk.later(1.0), Fetch)
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert condition(desk) == "verified"


def test_a_message_that_is_found_again_because_it_can_not_be_merged_is_no_second_card() -> None:
    desk, fetch = reading()
    for _ in range(3):
        change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
        desk.tell(Failed(change.ref, TROUBLE))
        fetch = only(desk.later(RETRY_SECONDS[-1]), Fetch)
    assert desk.state.backup.contested_until == 0.0


def test_what_was_taken_over_byte_for_byte_is_read_and_not_published() -> None:
    desk, fetch = reading()
    change = only(found(desk, fetch, NEWER, Authentic(9, novel=True)), Change)
    effects = desk.tell(saved(change.ref, vault_of(ANNA, generation=9)))
    assert not every(effects, Publish)
    assert not every(found(desk, only(effects, Fetch), NEWER, Authentic(9, novel=False)), Publish)
    assert condition(desk) == "verified"


def test_a_message_too_large_to_be_a_backup_is_published_over() -> None:
    desk, fetch = reading()
    desk.tell(Subscribed(fetch.ref))
    only(desk.tell(Oversized(fetch.ref, TOPIC, 5_000_000, retained=True)), Publish)
    assert condition(desk) == "rejected"
    assert "5000000 bytes" in error(desk)


@pytest.mark.parametrize(
    ("topic", "ref", "retained_"),
    [(TOPIC_OF_HISTORY, 0, True), (TOPIC, 1, True), (TOPIC_OF_HISTORY, 0, False)],
)
def test_a_large_message_elsewhere_or_of_another_fetch_is_none_of_ours(
    topic: str,
    ref: int,
    retained_: bool,  # noqa: FBT001
) -> None:
    desk, fetch = reading()
    before = desk.state.backup
    assert not desk.tell(Oversized(fetch.ref + ref, topic, 5_000_000, retained=retained_))
    assert desk.state.backup == before


def test_a_large_live_message_leads_to_a_look() -> None:
    desk = verified()
    only(desk.tell(Oversized(None, TOPIC, 5_000_000, retained=False)), Fetch)
    assert condition(desk) == "unverified"


def test_that_more_came_than_is_taken_changes_nothing() -> None:
    desk, fetch = reading()
    before = desk.state.backup
    assert not desk.tell(Truncated(fetch.ref))
    assert desk.state.backup == before


# --- locked


PROOF: Final = Card(vault_of(ANNA, generation=GENERATION)).proof


def locked(shut: Shut | None = None) -> tuple[Desk, Fetch]:
    """Return a desk with a vault that needs its PIN, and its first fetch."""
    desk = Desk(replace(OPTIONS, blank_after=0.0, known=Known(published=True, generation=GENERATION)))
    desk.tell(UP)
    return desk, only(desk.tell(shut or SHUT), Fetch)


SHUT: Final = Shut(1, "pin", sealed=SEALED, proof=PROOF, vault=VAULT_ID, device=DEVICE)


def test_a_locked_card_that_finds_its_own_backup_verifies_it() -> None:
    desk, fetch = locked()
    found(desk, fetch, SEALED, Authentic(GENERATION, novel=False))
    assert (condition(desk), desk.state.backup.verified_generation) == ("verified", GENERATION)


def test_a_locked_card_publishes_its_backup_where_there_is_none() -> None:
    desk, fetch = locked()
    found_nothing(desk, fetch)
    effects = found_nothing(desk, only(desk.later(CLUSTER_SECONDS), Fetch))
    assert only(effects, Publish).payload == SEALED


def test_a_locked_card_leaves_what_may_be_newer_also_where_it_is_opened_or_asked() -> None:
    desk, fetch = locked()
    assert not every(found(desk, fetch, b"other", Undecided("it may be newer")), Publish)
    assert (condition(desk), error(desk)) == ("unverified", "it may be newer")
    fetch = only(desk.tell(Asked(1, "backup")), Fetch)
    assert not every(found(desk, fetch, b"other", Undecided("it may be newer")), Publish)
    opening = only(desk.tell(Asked(2, "reload")), OpenVault)
    effects = desk.tell(opened(opening.ref, vault_of(ANNA, generation=GENERATION)))
    effects = found(desk, only(effects, Fetch), b"other", Authentic(7, novel=True))
    assert only(effects, Change).change == Merge(b"other")


def test_a_locked_card_publishes_over_what_nothing_proves() -> None:
    desk, fetch = locked()
    assert only(found(desk, fetch, b"junk", Foreign("no proof")), Publish).payload == SEALED


def test_a_locked_card_without_a_proof_of_its_own_leaves_what_nothing_proves() -> None:
    desk, fetch = locked(replace(SHUT, proof=None))
    assert not every(found(desk, fetch, b"junk", Foreign("no proof")), Publish)
    assert condition(desk) == "unverified"


@pytest.mark.parametrize("shut", [replace(SHUT, sealed=b""), replace(SHUT, vault=None)])
def test_a_locked_card_that_can_not_be_read_at_all_looks_at_nothing(shut: Shut) -> None:
    desk = Desk(replace(OPTIONS, blank_after=0.0))
    desk.tell(UP)
    assert not every(desk.tell(shut), Fetch)


def test_a_locked_card_without_a_link_is_offline() -> None:
    desk = Desk(replace(OPTIONS, blank_after=0.0))
    desk.tell(SHUT)
    assert condition(desk) == "offline"


# --- the rest


def test_a_disturbance_right_after_a_look_makes_the_next_look_wait_its_turn() -> None:
    desk = verified()
    fetch = only(desk.tell(live(b"junk")), Fetch)
    check = only(desk.tell(retained(fetch, SEALED)), Check)
    desk.tell(live(b"more junk"))
    judged(desk, check, Authentic(GENERATION, novel=False))
    assert condition(desk) == "unverified"  # what passed by may have been kept
    assert not every(desk.later(DISTURBED_SECONDS - 1.0), Fetch)
    only(desk.later(1.0), Fetch)


def test_what_a_release_before_proofs_published_is_replaced_without_a_word_of_copies() -> None:
    desk, fetch = reading()
    effects = found(desk, fetch, b"unsigned", Authentic(GENERATION, novel=False, signed=False))
    assert only(effects, Publish).payload == SEALED
    assert condition(desk) == "pending"


def test_the_proof_that_the_first_opening_adds_is_published_as_a_save_is() -> None:
    desk = verified()
    desk.tell(Asked(1, "reload"))
    effects = desk.tell(
        opened(desk.state.opening, vault_of(ANNA, generation=GENERATION), b"the same, with a proof")
    )
    assert only(effects, Publish).payload == b"the same, with a proof"


def test_another_device_id_of_the_same_process_knows_nothing_of_the_topic_of_before() -> None:
    desk = verified()
    other = replace(vault_of(ANNA, generation=7), device="otp-00000002")
    topic = TOPIC.replace(DEVICE, other.device)
    fetch = only_on(topic, desk.tell(saved(0, other)), Fetch)
    backup = desk.state.backup
    assert (backup.delivers, backup.seen, backup.held, backup.ahead) == (None, False, False, None)
    assert backup.known == Known()
    desk.tell(Subscribed(fetch.ref, "not authorized"))
    assert not every_on(topic, desk.later(1.0), Publish)
