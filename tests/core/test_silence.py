"""What silence on the backup's topic means: the plans, the probe, and brokers that say nothing for various reasons."""

from dataclasses import replace
from typing import Final

import pytest

from appliance.core import silence
from appliance.core.cycle import READ_SECONDS, RECHECK_SECONDS, Backup, Known
from appliance.core.effects import Fetch, Publish, Remember
from appliance.core.events import Acknowledged, Asked, Connected, Event, Received, Saved, Subscribed
from appliance.core.silence import (
    BLIND,
    BUSY_SECONDS,
    CLUSTER_SECONDS,
    FIND_SECONDS,
    PROBE_BYTES,
    TRIES,
    Plan,
    find,
    plan,
)
from appliance.vault import canonical, proof
from appliance.vault.proof import Proof
from tests.core.desk import (
    KEYS,
    MASTER,
    OPTIONS,
    PROBE,
    TOPIC,
    VAULT_ID,
    Card,
    Desk,
    account,
    every_on,
    only_on,
    vault_of,
)
from tests.core.test_two_appliances import FIRST_SECONDS, Appliance, an_appliance
from tests.fakes import FakeBroker

ANNA: Final = account("a")
NEXT_MASTER: Final = b"n" * 32
NEXT_KEYS: Final = proof.extend(KEYS, MASTER, NEXT_MASTER, VAULT_ID, 2)
UP: Final = Connected(None, retain=True)


def proven(generation: int, *, vault: str = VAULT_ID, rekeyed: bool = False) -> Proof:
    """Return a proof with signatures that hold."""
    keys = NEXT_KEYS if rekeyed else proof.begin(MASTER, vault, 1)
    claim = Proof(vault, OPTIONS.device, generation, f"{generation:064x}", keys)
    return proof.sign(claim, NEXT_MASTER if rekeyed else MASTER)


def a_probe(nonce: object, found: Proof | None = None) -> bytes:
    return canonical.dump({"nonce": nonce, "proof": None if found is None else proof.dump(found)})


OWN: Final = Backup("p", topic=TOPIC, latest=b"own", proof=proven(5), generation=5)
PUBLISHED: Final = Known(published=True, generation=5)
BLINDLY: Final = replace(OWN, delivers=False, known=PUBLISHED)
SEEING: Final = replace(OWN, delivers=True, doubted=True, known=PUBLISHED)


@pytest.mark.parametrize(
    ("backup", "expected"),
    [
        # nothing can be read back
        (BLINDLY, "late"),
        (replace(BLINDLY, known=Known(published=True)), "late"),
        (replace(BLINDLY, known=Known()), "late"),
        (replace(BLINDLY, known=Known(), generation=1), "write"),
        (replace(BLINDLY, known=Known(), generation=2), "late"),
        (replace(BLINDLY, known=Known(published=True), generation=1), "late"),
        (replace(BLINDLY, known=Known(published=False)), "write"),
        (replace(BLINDLY, seen=True), "write"),
        (replace(BLINDLY, mine=True), "write"),
        (replace(BLINDLY, published=b"own"), "rest"),
        (replace(BLINDLY, late=b"own"), "rest"),
        (replace(BLINDLY, seen=True, published=b"own"), "rest"),
        (replace(BLINDLY, published=b"before", late=b"before"), "late"),
        # it delivers what is there
        (replace(SEEING, seen=True), "write"),
        (replace(SEEING, mine=True, ahead=proven(6)), "write"),
        (replace(SEEING, ahead=proven(6)), "hold"),
        (replace(SEEING, ahead=proven(1, rekeyed=True)), "hold"),
        (replace(SEEING, ahead=proven(6), doubted=False), "hold"),
        (replace(SEEING, successor="k"), "hold"),
        (replace(SEEING, ahead=proven(5)), "wait"),
        (replace(SEEING, ahead=proven(4)), "wait"),
        (replace(SEEING, doubted=False), "again"),
        (replace(SEEING, doubted=False, generation=1), "again"),
        (replace(SEEING, doubted=False, generation=1, known=Known()), "write"),
        (SEEING, "wait"),
        (replace(SEEING, current=True), "write"),
        (replace(SEEING, waited=True), "write"),
        (replace(SEEING, known=Known(published=False)), "write"),
        (replace(SEEING, known=Known(published=False, generation=3)), "write"),
        (replace(SEEING, known=Known(published=True)), "write"),
        (replace(SEEING, known=Known(generation=5)), "wait"),
    ],
)
def test_each_silence_has_its_plan(backup: Backup, expected: Plan) -> None:
    assert plan(backup) == expected


# --- what lies on the probe's topic


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"nonce":"x"}',
        b'{"proof":null}',
        b" " * PROBE_BYTES + a_probe("x"),
        b"[" * 10_000,
    ],
)
def test_what_is_no_probe_is_of_no_use(payload: bytes) -> None:
    assert find(payload) == ("", None)


@pytest.mark.parametrize("claim", [None, 7, "x", [], {}, {"keys": []}, {"keys": 7}, {"keys": [7]}])
def test_a_claim_that_is_no_proof_is_none(claim: object) -> None:
    assert find(canonical.dump({"nonce": "x", "proof": claim})) == ("x", None)


@pytest.mark.parametrize("field_", ["gen", "file", "vault", "device", "sig"])
def test_a_proof_that_was_altered_is_none(field_: str) -> None:
    claim = proof.dump(proven(5))
    claim[field_] = 99 if field_ == "gen" else claim[field_][::-1]
    assert find(canonical.dump({"nonce": "x", "proof": claim})) == ("x", None)


def test_a_proof_that_holds_is_found() -> None:
    assert find(a_probe("x", proven(5))) == ("x", proven(5))


def test_the_probe_carries_the_newest_proof_that_is_known() -> None:
    assert find(silence.probe(OWN)) == (OWN.session, proven(5))
    assert find(silence.probe(replace(OWN, ahead=proven(6)))) == (OWN.session, proven(6))
    assert find(silence.probe(replace(OWN, proof=None))) == (OWN.session, None)


# --- the probing, through the whole core


def probing(known: Known = PUBLISHED, generation: int = 5) -> tuple[Desk, Fetch]:
    """Return a desk that found nothing on the backup's topic, and its fetch of the probe."""
    desk = Desk(replace(OPTIONS, blank_after=0.0, session="0000000a", known=known))
    card = Card(vault_of(ANNA, generation=generation))
    desk.tell(card.work(desk.first[0]))  # type: ignore[arg-type]
    fetch = only_on(TOPIC, desk.tell(UP), Fetch)
    desk.tell(Subscribed(fetch.ref))
    return desk, only_on(PROBE, desk.later(READ_SECONDS), Fetch)


def there(fetch: Fetch, payload: bytes) -> Received:
    return Received(fetch.ref, PROBE, payload, retained=True)


def test_the_probe_is_read_before_it_is_written() -> None:
    desk, fetch = probing()
    assert not every_on(PROBE, desk.tell(Subscribed(fetch.ref)), Publish)
    assert not every_on(PROBE, desk.later(FIND_SECONDS - 0.1), Publish)
    assert find(only_on(PROBE, desk.later(0.1), Publish).payload)[0] == "0000000a"


def test_the_answer_of_a_subscription_gives_the_delivery_its_time() -> None:
    desk, fetch = probing()
    desk.later(READ_SECONDS - 1.0)
    desk.tell(Subscribed(fetch.ref))
    assert not every_on(PROBE, desk.later(FIND_SECONDS - 0.1), Publish)


@pytest.mark.parametrize("step", ["find", "read back"])
def test_a_broker_that_does_not_answer_about_the_probe_gets_nothing_and_is_asked_again(step: str) -> None:
    desk, fetch = probing()
    if step == "read back":
        desk.tell(Subscribed(fetch.ref))
        publication = only_on(PROBE, desk.later(READ_SECONDS), Publish)
        only_on(PROBE, desk.tell(Acknowledged(publication.ref)), Fetch)
    effects = desk.later(READ_SECONDS)
    assert not every_on(TOPIC, effects, Publish)
    assert (desk.state.backup.condition, desk.state.backup.error) == (
        "unverified",
        "the broker does not answer",
    )
    only_on(TOPIC, desk.later(READ_SECONDS), Fetch)


def test_a_broker_that_does_not_acknowledge_the_probe_gets_nothing() -> None:
    desk, fetch = probing()
    effects = desk.tell(there(fetch, b"garbage"))
    only_on(PROBE, effects, Publish)
    assert not every_on(TOPIC, desk.later(10.0), Publish)
    assert desk.state.backup.condition == "unverified"


@pytest.mark.parametrize("step", ["find", "read back", "silent"])
def test_a_broker_on_which_the_probe_is_denied_can_not_be_read_back(step: str) -> None:
    desk, fetch = probing()
    if step == "find":
        effects = desk.tell(Subscribed(fetch.ref, "not authorized"))
    else:
        publication = only_on(PROBE, desk.tell(there(fetch, b"garbage")), Publish)
        effects = desk.tell(Acknowledged(publication.ref))
    if step in {"read back", "silent"}:
        back = only_on(PROBE, effects, Fetch)
        effects = desk.tell(Subscribed(back.ref, "not authorized" if step == "read back" else None))
    if step == "silent":
        effects = desk.later(READ_SECONDS)
    assert not every_on(TOPIC, effects, Publish)
    only_on(TOPIC.replace("/backup", "/late/0000000a"), effects, Publish)
    assert (desk.state.backup.condition, desk.state.backup.error) == ("unverified", BLIND)


def test_a_probe_that_is_refused_is_tried_again_soon_and_the_reason_told() -> None:
    desk, fetch = probing()
    publication = only_on(PROBE, desk.tell(there(fetch, b"garbage")), Publish)
    effects = desk.tell(Acknowledged(publication.ref, "not authorized"))
    assert not every_on(TOPIC, effects, Publish)
    assert (desk.state.backup.condition, desk.state.backup.error) == ("rejected", "not authorized")
    only_on(TOPIC, desk.later(BUSY_SECONDS), Fetch)


def test_a_probe_that_is_refused_keeps_no_first_backup_from_being_tried() -> None:
    desk, fetch = probing(known=Known(published=False))
    publication = only_on(PROBE, desk.tell(there(fetch, b"garbage")), Publish)
    only_on(TOPIC, desk.tell(Acknowledged(publication.ref, "not authorized")), Publish)


def test_another_sessions_probe_is_written_over_three_times_and_then_it_waits() -> None:
    desk, fetch = probing()
    publication = only_on(PROBE, desk.tell(there(fetch, a_probe("another"))), Publish)
    for tries in range(TRIES):
        back = only_on(PROBE, desk.tell(Acknowledged(publication.ref)), Fetch)
        desk.tell(Subscribed(back.ref))
        effects = desk.tell(there(back, a_probe(f"other {tries}")))
        assert not every_on(TOPIC, effects, Publish)
        if tries + 1 < TRIES:
            publication = only_on(PROBE, effects, Publish)
    assert desk.state.backup.condition == "unverified"
    assert "another session" in str(desk.state.backup.error)
    only_on(TOPIC, desk.later(60.0), Fetch)


def test_a_probe_that_another_session_wrote_meanwhile_teaches_its_proof() -> None:
    desk, fetch = probing()
    publication = only_on(PROBE, desk.tell(there(fetch, b"garbage")), Publish)
    back = only_on(PROBE, desk.tell(Acknowledged(publication.ref)), Fetch)
    publication = only_on(PROBE, desk.tell(there(back, a_probe("other", proven(9)))), Publish)
    assert find(publication.payload) == ("0000000a", proven(9))


@pytest.mark.parametrize("late", ["subscribed", "received", "acknowledged", "live", "elsewhere", "woke"])
def test_what_is_late_live_or_from_elsewhere_proves_nothing(late: str) -> None:
    desk, fetch = probing()
    publication = only_on(PROBE, desk.tell(there(fetch, b"garbage")), Publish)
    back = only_on(PROBE, desk.tell(Acknowledged(publication.ref)), Fetch)
    events: dict[str, Event] = {
        "subscribed": Subscribed(fetch.ref, "not authorized"),
        "received": there(fetch, publication.payload),
        "acknowledged": Acknowledged(publication.ref),
        "live": Received(None, PROBE, publication.payload, retained=False),
        "elsewhere": Received(back.ref, TOPIC, publication.payload, retained=False),
        "woke": Acknowledged(back.ref, "not authorized"),
    }
    before = desk.state.backup
    assert not desk.tell(events[late])
    assert replace(desk.state.backup, disturbed=False, overheard=False) == before
    assert desk.state.backup.delivers is None


@pytest.mark.parametrize(
    ("found", "ahead", "current"),
    [
        (proven(4), False, False),
        (proven(5), False, True),
        (proven(6), True, True),
        (proven(1, rekeyed=True), True, True),
        (proven(9, vault="another"), False, False),
        (proof.sign(replace(proven(9), keys=proof.begin(b"z" * 32, VAULT_ID, 7)), b"z" * 32), False, False),
        (None, False, False),
    ],
)
def test_what_a_probe_proves_of_the_card(found: Proof | None, ahead: bool, current: bool) -> None:  # noqa: FBT001
    desk, fetch = probing()
    desk.tell(there(fetch, a_probe("another", found)))
    assert desk.state.backup.ahead == (found if ahead else None)
    assert desk.state.backup.current == current


# --- brokers


def grown(*names: str) -> tuple[Appliance, bytes]:
    """Return an appliance of a published vault that grew by these accounts, and what it was before."""
    appliance = an_appliance()
    appliance.later(FIRST_SECONDS)
    before = appliance.card.sealed
    for name in names:
        appliance.add(account(name))
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()
    return appliance, before


def put_back(appliance: Appliance, sealed: bytes) -> None:
    """Start with the card of before."""
    appliance.stop()
    appliance.card.vault = appliance.card.books[sealed]
    appliance.start()


@pytest.mark.parametrize("silently", [True, False])
def test_an_old_card_never_overwrites_what_it_may_not_read(silently: bool) -> None:  # noqa: FBT001
    appliance, before = grown("b", "d")
    newest = appliance.card.sealed
    appliance.broker.deny_read("#", silently=silently)
    put_back(appliance, before)
    appliance.later(600.0)
    appliance.add(account("e"))
    appliance.later(4000.0)
    assert appliance.broker.retained[TOPIC] == newest
    assert appliance.condition == "unverified"
    assert BLIND in str(appliance.desk.state.backup.error)
    late = [topic for topic in appliance.broker.retained if "/late/" in topic]
    assert [appliance.broker.retained[topic] for topic in late] == [appliance.card.sealed]
    put_back(appliance, appliance.card.sealed)
    appliance.later(60.0)
    late = [topic for topic in appliance.broker.retained if "/late/" in topic]
    assert len(late) == 1, "that of the start before was cleared"
    appliance.broker.allow()
    appliance.broker.cut(appliance.link)
    appliance.broker.mend(appliance.link)
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()
    assert set(appliance.vault.records) == {"a", "b", "c", "d", "e"}
    assert not [topic for topic in appliance.broker.retained if "/late/" in topic]


def test_an_old_card_whose_backup_was_deleted_holds_until_it_comes_back() -> None:
    appliance, before = grown("b", "d")
    newest = appliance.card.sealed
    appliance.broker.retained.pop(TOPIC)
    put_back(appliance, before)
    appliance.later(4000.0)
    assert TOPIC not in appliance.broker.retained
    assert appliance.condition == "conflict"
    appliance.tell(Asked(5, "backup"))
    appliance.settle()
    appliance.later(60.0)
    appliance.add(account("e"))
    appliance.later(60.0)
    assert TOPIC not in appliance.broker.retained
    appliance.broker.keep(TOPIC, newest)
    appliance.later(RECHECK_SECONDS + FIRST_SECONDS)
    assert appliance.healed()
    assert set(appliance.vault.records) == {"a", "b", "c", "d", "e"}


def test_an_old_card_whose_backup_was_deleted_is_published_once_the_owner_says_so() -> None:
    appliance, before = grown("b")
    appliance.broker.retained.pop(TOPIC)
    put_back(appliance, before)
    appliance.later(60.0)
    desk = appliance.desk
    desk.state = replace(desk.state, backup=replace(desk.state.backup, mine=True))
    appliance.tell(Asked(5, "backup"))
    appliance.settle()
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()


def test_a_wiped_broker_heals_at_once_where_it_was_verified_before() -> None:
    appliance, _ = grown("b")
    appliance.broker.down()
    appliance.broker.wipe()
    appliance.broker.up()
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()


def test_a_wiped_broker_heals_after_three_minutes_for_a_process_that_has_just_started() -> None:
    appliance, _ = grown("b")
    appliance.broker.wipe()
    put_back(appliance, appliance.card.sealed)
    appliance.later(CLUSTER_SECONDS)
    assert TOPIC not in appliance.broker.retained
    assert "3 minutes" in str(appliance.desk.state.backup.error)
    appliance.later(FIRST_SECONDS)
    assert appliance.healed()


@pytest.mark.parametrize("old", [True, False])
def test_a_node_that_serves_an_old_state_gets_nothing_older_than_what_the_cluster_has(old: bool) -> None:  # noqa: FBT001
    appliance, before = grown("b", "d")
    cluster = dict(appliance.broker.retained)
    appliance.broker.wipe()  # its own state is from before all of it
    put_back(appliance, before if old else appliance.card.sealed)
    appliance.later(155.0)
    assert TOPIC not in appliance.broker.retained
    appliance.broker.retained = {**cluster, **appliance.broker.retained}
    appliance.later(CLUSTER_SECONDS + FIRST_SECONDS)
    assert appliance.healed()
    assert set(appliance.vault.records) == {"a", "b", "c", "d"}


def test_a_fresh_vault_is_published_blindly_once_and_each_save_after_it() -> None:
    broker = FakeBroker()
    broker.deny_read("#")
    appliance = Appliance(broker, Card(vault_of(ANNA)))
    appliance.later(60.0)
    assert broker.history[TOPIC] == [appliance.card.sealed]
    assert appliance.known.published
    appliance.add(account("b"))
    appliance.later(4000.0)
    assert broker.history[TOPIC][1:] == [appliance.card.sealed]
    assert appliance.condition == "unverified"


def test_the_newest_proof_is_announced_after_each_verification_and_not_twice() -> None:
    appliance, _ = grown("b")
    assert find(appliance.broker.retained[PROBE])[1] == appliance.card.proof
    count = len(appliance.broker.history[PROBE])
    appliance.later(4000.0)
    assert len(appliance.broker.history[PROBE]) == count


def test_what_was_verified_is_remembered_once() -> None:
    desk, fetch = probing(Known(published=False), generation=1)
    effects = desk.probed((fetch,))
    publication = only_on(TOPIC, effects, Publish)
    card = Card(vault_of(ANNA, generation=1))
    fetch = only_on(TOPIC, desk.tell(Acknowledged(publication.ref)), Fetch)
    effects = desk.tell(Received(fetch.ref, TOPIC, publication.payload, retained=True))
    card.seal(vault_of(ANNA, generation=1))
    effects = desk.tell(card.work(effects[0]))  # type: ignore[arg-type]
    kept = {one.key: one.value for one in effects if isinstance(one, Remember)}
    assert kept == {"published": 1.0, "verified_generation": 1.0, "verified_at": desk.now.unix}


def test_what_is_put_aside_stays_below_the_limits_of_the_broker_too() -> None:
    desk = Desk(replace(OPTIONS, blank_after=0.0, session="0000000a", known=PUBLISHED))
    card = Card(vault_of(ANNA, generation=5))
    desk.tell(card.work(desk.first[0]))  # type: ignore[arg-type]
    desk.tell(Saved(0, 6, b"x" * 5000, vault_of(ANNA, generation=6)))
    fetch = only_on(TOPIC, desk.tell(Connected(4096, retain=True)), Fetch)
    effects = desk.tell(Subscribed(fetch.ref, "not authorized"))
    assert not [one for one in effects if isinstance(one, Publish)]
    assert desk.state.backup.condition == "too_large"
