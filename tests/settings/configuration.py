"""Write a configuration, and load it or see it refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import ConfigurationInvalid
from appliance.settings import Settings, load


def loaded(file: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a file with this text."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, environ or {})


def refused(file: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> ConfigurationInvalid:
    """Return the report about a file with this text."""
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded(file, text, environ)
    assert caught.value.exit_code == 78
    assert caught.value.what == f"can't use the configuration {file}"
    return caught.value


def problems(file: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the problems of a file with this text, one by one."""
    first, *rest = refused(file, text, environ).why.split("\n  ")
    assert first == (f"{len(rest)} problems:" if rest else first)
    return rest or [first]


def flat(tree: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """Return the values of a tree by dotted key."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= flat(value, f"{at}{key}.") if isinstance(value, dict) else {at + key: value}
    return leaves


def variable(key: str) -> str:
    """Return the variable of a setting."""
    return f"APPLIANCE_{key.replace('.', '__').upper()}"
