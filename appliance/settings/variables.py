"""What the environment says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_settings import EnvSettingsSource

from appliance.settings.report import LAST, Problem, asked, closest, shown
from appliance.settings.tree import PREFIX, Settings, settings_keys

NAMED_BY: Final = "APPLIANCE_CONFIG"
"""The variable that names the file; it is no setting."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What the environment says."""

    values: dict[str, Any]
    names: dict[str, str]
    """Dotted key -> the variable that set it."""
    problems: list[Problem]
    doubts: frozenset[str]
    """Dotted keys that a variable probably means to set, and does not."""


def variables_in(environ: Mapping[str, str]) -> Variables:
    """Return the settings among the variables. An empty one counts as not set, and `null` in one as null."""
    known = {PREFIX + key.replace(".", "__").upper(): key for key in settings_keys()}
    given = {name: text for name, text in environ.items() if name in known and text}
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): None if text == "null" else text for name, text in given.items()}
    unknown = {
        name: closest(name.upper(), list(known), PREFIX)
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and name != NAMED_BY
    }
    return Variables(
        values=source(),
        names={known[name]: name for name in given},
        problems=[
            Problem(LAST, f"{shown(name)}: no such variable{asked(meant)}") for name, meant in unknown.items()
        ],
        doubts=frozenset(known[meant] for meant in unknown.values() if meant),
    )
