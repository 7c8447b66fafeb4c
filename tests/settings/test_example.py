"""The example shows and explains every setting."""

import re
from pathlib import Path

import yaml

from appliance.settings import LIMIT, Settings, load, settings_keys
from tests.settings.configuration import flat

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_the_example_has_every_setting_with_its_default() -> None:
    text = EXAMPLE.read_text("utf-8")
    assert flat(yaml.safe_load(text)) == flat(Settings().model_dump(mode="json"))
    assert list(flat(yaml.safe_load(text))) == list(settings_keys())
    assert load(EXAMPLE, {}) == Settings()
    assert len(text) * 10 < LIMIT


def test_the_example_explains_every_setting() -> None:
    """A comment stands above each setting, or above the settings of the same name's family next to it."""
    explained = re.findall(r"#[^\n]*\n((?: *[a-z0-9_]+: \S+\n)+)", EXAMPLE.read_text("utf-8"))
    keys = re.findall(r"([a-z0-9_]+): \S", "".join(explained))
    assert keys == [key.rpartition(".")[2] for key in settings_keys()]
