"""The README says what is true: commands, exit codes, status keys, pictures."""

import argparse
import ast
import re
from pathlib import Path

import pytest

from appliance import errors
from appliance.cli.main import BUG, INTERRUPTED, parser
from appliance.core.cycle import Condition
from appliance.core.instant import Reading, judge
from appliance.core.state import Options
from appliance.core.status import status
from appliance.core.step import start

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def classes() -> list[type[errors.ApplianceError]]:
    return [errors.ApplianceError, *errors.ApplianceError.__subclasses__()]


def subcommands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("there are no commands")


def exit_rows() -> dict[tuple[int, str], str]:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (E\d)? ?\|$", README, re.MULTILINE)
    return {(int(code), short): means for code, means, short in rows}


def test_every_command_is_listed_and_every_listed_command_exists() -> None:
    table = README[README.index("## Commands") : README.index("### Status")]
    first_cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    listed = {name.split()[0] for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    assert listed == set(subcommands())


def test_every_exit_code_is_listed_with_the_code_on_the_display() -> None:
    rows = exit_rows()
    for error in classes():
        assert error.exit_code in {code for code, _ in rows}, error
        if (error.exit_code, error.short) not in rows:
            # a class that never reaches the display keeps the general code
            assert error.short == errors.ApplianceError.short, error
    foreseen = {error.exit_code for error in classes()} | {0, BUG, INTERRUPTED}
    assert {code for code, _ in rows} == foreseen


def test_every_key_of_status_is_listed() -> None:
    now = judge(None, Reading(0.0, 0.0, synchronised=False))
    state, _ = start(Options(prefix="p"), now)
    table = README[README.index("### Status") : README.index("The states of a backup")]
    listed = set(re.findall(r"`([a-z_]+)`", table))
    assert set(status(state, now)) <= listed


@pytest.mark.parametrize("condition", Condition.__args__)  # type: ignore[attr-defined]
def test_every_state_of_a_backup_is_explained(condition: str) -> None:
    paragraph = README[README.index("The states of a backup") : README.index("### Exit codes")]
    assert f"`{condition}`" in paragraph


def test_every_file_that_is_named_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        path = next(filter(None, target))
        assert (ROOT / path).is_file(), path


def test_the_settings_in_the_readme_are_settings(tmp_path: Path) -> None:
    from appliance.settings import load

    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    config = tmp_path / "config.yaml"
    config.write_text(example)
    settings = load(config, {})
    assert settings.mqtt.host == "broker.lan"
    assert settings.mqtt.password_file == tmp_path / "mqtt-password"


def test_the_top_level_holds_only_what_was_agreed() -> None:
    agreed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "config.example.yaml",
        "appliance",
        "deploy",
        "systemd",
        "tests",
    }
    known = (ROOT / ".gitignore").read_text().split()
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    extra = {
        name for name in found - agreed if not any(Path(name).match(pattern.rstrip("/")) for pattern in known)
    }
    assert not extra


def test_no_message_names_a_command_that_is_not_built_yet() -> None:
    planned = {"broker", "check", "device", "export", "import", "paper", "setup"}
    named: set[str] = set()
    for module in (ROOT / "appliance").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= set(re.findall(r"(?<!-)\bappliance ([a-z][a-z-]+)", node.value))
    assert "status" in named
    assert not named & planned - set(subcommands())


def test_nothing_shows_a_secret_as_an_argument() -> None:
    helps = [parser().format_help(), *(one.format_help() for one in subcommands().values())]
    modules = [
        *(ROOT / "appliance").rglob("*.py"),
        *(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
    ]
    for text in [README, *helps, *(module.read_text("utf-8") for module in modules)]:
        assert not re.search(r"appliance (?:[a-z-]+ )+['\"]?(?:otpauth|steam)://", text)
        assert not re.search(r"add [^\n]{0,20}secret=", text)
