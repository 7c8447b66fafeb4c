"""What the status and about pages say."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.effects import Check, Fetch
from appliance.core.events import (
    Authentic,
    ButtonsFailed,
    Checked,
    Connected,
    Failed,
    Lost,
    Measured,
    Missing,
    Problem,
    Received,
    Woke,
)
from appliance.core.instant import Instant
from appliance.core.layout.status_screen import StatusView
from appliance.core.pages import count, local_time, pages
from appliance.core.screen import Pages
from tests.core.desk import DEVICE, OPTIONS, TOPIC, TROUBLE, UNIX, Desk, account, named, only, vault_of

ANNA: Final = account("a", issuer="Bank of Anna", secret=b"canary")


def desk_with(**options: Any) -> Desk:
    desk = Desk(replace(OPTIONS, version="1.2.3", **options))
    desk.open(ANNA)
    return desk


def told(desk: Desk, topic: Any = "status") -> dict[str, str]:
    return dict(row for page in pages(desk.state, topic, desk.now) for row in page)


def measured(desk: Desk, address: str, celsius: float | None) -> None:
    """Answer the measurement that looking at the page asks for."""
    desk.gesture("menu", "next", "ok")
    assert desk.screen() == Pages("status")
    desk.tell(Woke())
    desk.tell(Measured(desk.state.host.ref, address, celsius))


# --- backup


def test_without_a_broker_the_page_says_so_and_how_old_the_vault_is() -> None:
    rows = told(desk_with(prefix=None))
    assert (rows["Backup"], rows["Generation"]) == ("no broker", "1")
    assert "Broker" not in rows
    assert "Verified" not in rows


def verified() -> Desk:
    desk = desk_with()
    fetch = only(desk.tell(Connected(None, retain=True)), Fetch)
    check = only(desk.tell(Received(fetch.ref, TOPIC, named(vault_of()), retained=True)), Check)
    desk.tell(Checked(check.ref, Authentic(1, novel=False)))
    return desk


def test_a_verified_backup_is_told_with_its_age_and_where_it_is() -> None:
    desk = verified()
    assert told(desk)["Backup"] == "verified"
    assert told(desk)["Broker"] == "broker.local:8883"
    desk.move(3 * 3600.0)
    assert told(desk)["Verified"] == "3 h ago"


def test_with_a_clock_in_doubt_nobody_knows_how_old_the_backup_is() -> None:
    desk = verified()
    desk.trusting("not-set")
    assert told(desk)["Verified"] == "before"


def test_a_broker_that_is_away_is_told() -> None:
    desk = verified()
    desk.tell(Lost(Problem("lost", "it closed the connection")))
    assert (told(desk)["Backup"], told(desk)["Broker"]) == ("offline", "not connected")


# --- this Pi


def test_the_clock_is_told_with_how_long_it_has_been_so_unless_it_is_well() -> None:
    desk = desk_with()
    assert told(desk)["Clock"] == "synchronised"
    desk.trusting("held-over")
    desk.move(240.0)
    assert told(desk)["Clock"] == "held over 4 min"
    desk.trusting("not-set")
    assert told(desk)["Clock"] == "not set 4 min"


@pytest.mark.parametrize(("zone", "time"), [(0, "22:13:20"), (3600, "23:13:20"), (-5 * 3600, "17:13:20")])
def test_the_time_is_that_of_the_owner(zone: int, time: str) -> None:
    desk = desk_with()
    desk.now = replace(desk.now, zone=zone)
    assert told(desk)["Time"] == time


def test_what_was_measured_is_told() -> None:
    desk = desk_with()
    assert told(desk)["Address"] == "no network"
    assert "Temperature" not in told(desk)
    measured(desk, "192.0.2.7", 48.6)
    assert (told(desk)["Address"], told(desk)["Temperature"]) == ("192.0.2.7", "49 °C")


def test_a_processor_that_says_nothing_has_no_temperature() -> None:
    desk = desk_with()
    measured(desk, "192.0.2.7", None)
    assert "Temperature" not in told(desk)


def test_buttons_that_can_not_be_used_are_told() -> None:
    desk = desk_with()
    assert "Buttons" not in told(desk)
    desk.tell(ButtonsFailed(Problem("can't use the buttons", "the pins are busy")))
    assert told(desk)["Buttons"] == "the pins are busy"


# --- about


def test_about_says_what_and_who_this_is() -> None:
    assert told(desk_with(), "about") == {
        "otp-appliance": "1.2.3",
        "Name": "desk",
        "Device": DEVICE,
        "Accounts": "1",
    }


def test_without_an_open_vault_about_says_why() -> None:
    desk = Desk(replace(OPTIONS, name="kitchen"))
    assert told(desk, "about") == {
        "otp-appliance": "",
        "Name": "kitchen",
        "Device": DEVICE,
        "Vault": "opening",
    }
    assert "Generation" not in told(desk)
    desk.tell(Missing(1))
    assert told(desk, "about")["Vault"] == "none yet"
    locked = Desk()
    locked.tell(Failed(1, TROUBLE))
    assert told(locked, "about")["Vault"] == "locked"


# --- both


@pytest.mark.parametrize("topic", ["status", "about"])
def test_the_pages_are_counted_and_each_can_be_seen(topic: Any) -> None:
    desk = verified()
    known = pages(desk.state, topic, desk.now)
    assert count(desk.state, topic, desk.now) == len(known) >= 1
    for number, rows in enumerate(known):
        panel = replace(desk.state.panel, screen=Pages(topic, number))
        desk.state = replace(desk.state, panel=panel)
        view = desk.view()
        assert isinstance(view, StatusView)
        assert (view.page, view.pages, view.rows) == (number + 1, len(known), rows)
        assert view.title == ("Status" if topic == "status" else "About")


def test_a_page_that_is_no_more_is_the_last() -> None:
    desk = desk_with()
    desk.state = replace(desk.state, panel=replace(desk.state.panel, screen=Pages("status", 9)))
    view = desk.view()
    assert isinstance(view, StatusView)
    assert view.page == view.pages


def test_no_page_says_a_secret_or_the_name_of_an_account() -> None:
    words = repr((told(verified()), told(verified(), "about")))
    assert "canary" not in words
    assert "Bank" not in words
    assert "anna" not in words


@given(st.floats(-1e15, 1e15), st.integers(-14 * 3600, 14 * 3600))
def test_any_time_has_a_date(unix: float, zone: int) -> None:
    moment = local_time(Instant(unix, 0.0, "not-set", 0.0, zone=zone))
    assert moment.tzinfo is None
    assert 1969 <= moment.year <= 9999


def test_a_time_is_told_in_the_zone_of_the_owner_across_the_date() -> None:
    now = Instant(UNIX, 0.0, "synchronised", 0.0, zone=2 * 3600)
    assert f"{local_time(now):%Y-%m-%d %H:%M:%S}" == "2023-11-15 00:13:20"
