"""Two cards with one id, both alive: they push each other off the broker, both say so, and neither outgrows the other."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.brokers import MOSQUITTO, Mosquitto, mosquitto
from tests.household import Appliance, household

pytestmark = [pytest.mark.broker, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

LINK = "otpauth://totp/{0}:anna?secret=JBSWY3DPEHPK3PXP&issuer={0}\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker", "allow_anonymous true") as running:
        yield running


@pytest.mark.long
def test_both_twins_say_conflict_and_end_with_the_same_accounts(tmp_path: Path, broker: Mosquitto) -> None:
    with household(tmp_path, broker.port, "desk", "twin") as (desk, twin):
        desk.does("init")
        desk.does("add", "-", stdin=LINK.format("GitHub"))
        desk.start()
        desk.until_verified(2)
        shutil.copytree(desk.state, twin.state)
        twin.start()
        for one in (desk, twin):
            one.until(partial(in_conflict, one), 60)
            assert "another device uses this id" in one.backup()["error"]
        desk.does("add", "-", stdin=LINK.format("Bank"))
        twin.does("add", "-", stdin=LINK.format("Wiki"))
        for one in (desk, twin):
            one.until(partial(holds, one, {"GitHub", "Bank", "Wiki"}), 240)
        grown = max(one.ask("status")["generation"] for one in (desk, twin))
        assert grown <= 6


def in_conflict(one: Appliance) -> bool:
    return bool(one.backup()["state"] == "conflict")


def holds(one: Appliance, issuers: set[str]) -> bool:
    return {each["issuer"] for each in one.json("list")} == issuers
