"""A restore that a command makes beside the daemon is seen on the display."""

from typing import Any, Final

import pytest

from appliance.core.effects import OpenVault, Reply
from appliance.core.events import Asked, Missing
from appliance.core.layout.restoring_screen import RestoringView
from appliance.core.layout.welcome_screen import WelcomeView
from appliance.core.question import RESTORING_SECONDS
from appliance.core.views import view_of
from tests.core.desk import Desk, account, only, opened, vault_of

OPENING: Final = {"step": "opening the backup", "done": 1, "total": 3}


def without_a_vault() -> Desk:
    desk = Desk()
    desk.tell(Missing(1))
    return desk


def told(desk: Desk, **params: Any) -> Reply:
    return only(desk.tell(Asked(5, "restoring", params)), Reply)


def seen(desk: Desk) -> tuple[str, int, int] | None:
    view = view_of(desk.state, desk.now)
    return (view.step, view.done, view.total) if isinstance(view, RestoringView) else None


def test_how_far_it_is_is_seen() -> None:
    desk = without_a_vault()
    assert told(desk, **OPENING).result == {}
    assert seen(desk) == ("opening the backup", 1, 3)


def test_a_dark_panel_wakes_for_it() -> None:
    desk = without_a_vault()
    desk.later(400.0)
    assert desk.state.panel.blank
    told(desk, **OPENING)
    assert seen(desk) == ("opening the backup", 1, 3)


def test_a_command_that_gave_up_is_seen_no_more() -> None:
    desk = without_a_vault()
    told(desk, **OPENING)
    told(desk, step="", done=0, total=3)
    assert isinstance(view_of(desk.state, desk.now), WelcomeView)


def test_a_command_that_was_killed_is_forgotten_in_the_dark_too() -> None:
    desk = without_a_vault()
    told(desk, **OPENING)
    desk.later(RESTORING_SECONDS - 1.0)
    assert seen(desk) is not None
    desk.later(1.0)
    assert desk.state.restoring is None
    told(desk, **OPENING)
    desk.later(400.0)
    assert desk.state.restoring is None


def test_the_vault_that_came_back_takes_its_place() -> None:
    desk = without_a_vault()
    told(desk, **OPENING)
    ref = only(desk.tell(Asked(6, "reload")), OpenVault).ref
    desk.tell(opened(ref, vault_of(account("a"))))
    assert seen(desk) is None
    assert desk.state.panel.selected == "a"


@pytest.mark.parametrize(
    "params", [{}, {"step": 1, "done": 1, "total": 1}, {"step": "x", "done": "1", "total": 3}]
)
def test_what_is_no_progress_is_refused(params: dict[str, Any]) -> None:
    desk = without_a_vault()
    assert told(desk, **params).problem == "no such progress"
    assert seen(desk) is None
