"""What `status` tells: the keys are a contract with scripts."""

import json
from dataclasses import replace
from typing import Any, Final

from appliance.core.effects import Check, Fetch, Publish
from appliance.core.events import (
    Acknowledged,
    Asked,
    Authentic,
    Checked,
    Connected,
    Failed,
    Lost,
    Missing,
    Problem,
    Received,
    Subscribed,
)
from tests.core.desk import (
    OPTIONS,
    TOPIC,
    TROUBLE,
    UNIX,
    VAULT_ID,
    Desk,
    account,
    only,
    replies,
    saved,
    vault_of,
)

ANNA: Final = account("a", issuer="Bank of Anna", secret=b"canary")
UP: Final = Connected(None, retain=True, version="3.1.1")
DOWN: Final = Lost(Problem("can't reach the broker", "connection refused"))


def status(desk: Desk) -> dict[str, Any]:
    answer = replies(desk.tell(Asked(9, "status")))[9].result
    assert answer is not None
    return dict(answer)


def verified() -> Desk:
    desk = Desk()
    desk.open(ANNA)
    fetch = only(desk.tell(UP), Fetch)
    desk.tell(Subscribed(fetch.ref))
    publication = only(desk.probed(desk.later(5.0)), Publish)
    fetch = only(desk.tell(Acknowledged(publication.ref)), Fetch)
    check = only(desk.tell(Received(fetch.ref, TOPIC, publication.payload, retained=True)), Check)
    desk.tell(Checked(check.ref, Authentic(1, novel=False)))
    return desk


def test_it_tells_everything_once_the_backup_is_verified() -> None:
    assert status(verified()) == {
        "running": True,
        "state": "open",
        "error": None,
        "name": "desk",
        "device": "otp-00000001",
        "vault": VAULT_ID,
        "generation": 1,
        "accounts": 1,
        "clock": {"state": "synchronised", "trusted": True, "jumped": False, "seconds": 10},
        "display": {"driver": "none", "ok": True, "error": None, "light": "bright"},
        "buttons": {"backend": "none", "ok": True, "error": None, "stuck": []},
        "broker": {"connected": True, "host": "broker.local:8883", "error": None, "protocol": "3.1.1"},
        "backup": {"state": "verified", "generation": 1, "verified_at": int(UNIX) + 10, "error": None},
        "card": {"ok": True, "checked_at": None, "error": None},
        "secrets": {"tried_at": UNIX + 1, "due": False},
        "peers": [],
    }


def test_it_never_says_verified_while_the_link_is_down() -> None:
    desk = verified()
    desk.tell(DOWN)
    told = status(desk)
    assert told["backup"]["state"] == "offline"
    assert told["backup"]["verified_at"] == int(UNIX) + 10
    assert told["broker"] == {
        "connected": False,
        "host": "broker.local:8883",
        "error": "connection refused",
        "protocol": None,
    }


def test_a_save_that_is_not_yet_backed_up_is_told_with_the_generation_that_is() -> None:
    desk = verified()
    desk.tell(saved(0, vault_of(ANNA, generation=2)))
    told = status(desk)
    assert (told["generation"], told["backup"]["generation"], told["backup"]["state"]) == (2, 1, "pending")


def test_trouble_with_the_backup_is_no_trouble_with_the_link() -> None:
    desk = Desk()
    desk.open(ANNA)
    fetch = only(desk.tell(UP), Fetch)
    desk.tell(Subscribed(fetch.ref))
    desk.tell(Acknowledged(only(desk.probed(desk.later(5.0)), Publish).ref, "not authorized"))
    told = status(desk)
    assert (told["backup"]["state"], told["backup"]["error"]) == ("rejected", "not authorized")
    assert told["broker"]["error"] is None


def test_an_old_trouble_with_the_link_is_forgotten_when_it_is_up() -> None:
    desk = Desk()
    desk.tell(DOWN)
    assert status(desk)["broker"]["error"] == "connection refused"
    desk.tell(UP)
    assert status(desk)["broker"]["error"] is None
    assert status(desk)["backup"] == {
        "state": "never",
        "generation": None,
        "verified_at": None,
        "error": None,
    }


def test_while_starting_it_knows_who_it_is_and_nothing_of_the_vault() -> None:
    told = status(Desk())
    assert (told["state"], told["name"], told["device"]) == ("starting", "desk", "otp-00000001")
    assert {told[key] for key in ("vault", "generation", "accounts", "error")} == {None}
    assert (told["broker"]["connected"], told["broker"]["error"]) == (False, "connecting")
    assert told["backup"]["state"] == "never"


def test_without_a_vault_it_says_so() -> None:
    desk = Desk()
    desk.tell(Missing(1))
    assert status(desk)["state"] == "no-vault"


def test_a_vault_that_does_not_open_is_locked_and_the_reason_told() -> None:
    desk = Desk()
    desk.tell(Failed(1, TROUBLE))
    told = status(desk)
    assert (told["state"], told["error"]) == ("locked", "the card is full")


def test_without_a_broker_there_is_none_to_tell_of() -> None:
    desk = Desk(replace(OPTIONS, prefix=None))
    desk.open(ANNA)
    told = status(desk)
    assert told["broker"] is None
    assert told["backup"]["state"] == "never"


def test_it_tells_the_truth_about_the_clock_even_with_the_gate_off() -> None:
    desk = Desk(replace(OPTIONS, require_trusted=False), trust="not-set")
    told = status(desk)["clock"]
    assert (told["state"], told["trusted"]) == ("not-set", False)
    desk.trusting("held-over")
    assert status(desk)["clock"]["state"] == "held-over"


def test_it_is_json_and_names_no_account() -> None:
    text = json.dumps(status(verified()))
    assert "Bank of Anna" not in text
    assert "canary" not in text
