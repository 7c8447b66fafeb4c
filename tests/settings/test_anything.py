"""Whatever stands in file and variables gives settings or a report, and never another error."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.errors import ConfigurationInvalid
from appliance.settings import Settings, load, settings_keys
from tests.settings.configuration import variable

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.sampled_from(
        ["none", "pin", "0", "2", "17", "24", "8883", "0x3c", "22:00", "spi", "a/b", "true", "x" * 40]
    ),
)
_KEYS = st.one_of(
    st.sampled_from(sorted({part for key in settings_keys() for part in key.split(".")})), st.text(max_size=8)
)
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=4)
    ),
)
_YAMLISH = st.lists(
    st.sampled_from(
        ["mqtt", "name", ":", ": ", "\n", "  ", "{", "}", "[", "]", ",", "&a ", "*a", "!", "!!int ", "<<", "? ",
         "- ", "|", ">", "'", '"', "\\U", "\\x", "%YAML 9", "---", "...", "#", "tls", "@", "~", "\t", "\r", "1"],
    ),
    max_size=30,
).map("".join)  # fmt: skip


def gives_settings_or_a_report(file: Path, raw: bytes, environ: Mapping[str, str]) -> None:
    file.write_bytes(raw)
    try:
        assert isinstance(load(file, environ), Settings)
    except ConfigurationInvalid as trouble:
        assert trouble.why.replace("\n", "").isprintable()  # noqa: PT017 -- either outcome is right


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.yaml"


@settings(deadline=None)
@given(raw=st.one_of(st.binary(), st.text().map(str.encode), _YAMLISH.map(str.encode)))
@example(raw=b"mqtt: &a {tls: *a}")
@example(raw=b"mqtt: &a [*a]")
@example(raw=b"".join(b"k%d: &k%d [%b]\n" % (n, n, b",".join([b"*k%d" % (n - 1)] * 9)) for n in range(1, 30)))
def test_any_bytes_give_settings_or_a_report(scratch: Path, raw: bytes) -> None:
    gives_settings_or_a_report(scratch, raw, {})


@settings(deadline=None)
@given(tree=_TREES, as_json=st.booleans())
def test_any_tree_gives_settings_or_a_report(scratch: Path, tree: dict[str, Any], *, as_json: bool) -> None:
    text = json.dumps(tree) if as_json else yaml.safe_dump(tree)
    gives_settings_or_a_report(scratch, text.encode("utf-8", "replace"), {})


@settings(deadline=None)
@given(
    environ=st.dictionaries(
        st.one_of(
            st.sampled_from([variable(key) for key in settings_keys()]),
            st.text(max_size=8).map("APPLIANCE_".__add__),
        ),
        st.one_of(
            st.text(), st.sampled_from(["null", "true", "1", "{}", "[]", "none", "spi", "22:00", "\u0663"])
        ),
    ),
)
def test_any_variables_give_settings_or_a_report(scratch: Path, environ: dict[str, str]) -> None:
    environ.pop("APPLIANCE_CONFIG", None)
    gives_settings_or_a_report(scratch, b"mqtt: {host: broker}", environ)
