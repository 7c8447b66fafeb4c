"""Code that took a decoder over gets nowhere, whoever called the appliance and wherever its Python lies."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters import confinement
from appliance.transfer import registry
from tests.transfer.samples import Sample, all_samples

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICE = 61_234
"""A user who has no name and no other file here."""
DRIVER = """
import json, sys
paths, program = json.loads(sys.stdin.readline())
sys.path[:] = paths
from appliance.adapters import confinement
from appliance.adapters.confinement import wire
from appliance.errors import ApplianceError
reports = []
try:
    answer = confinement.answered(
        wire.Order((b"x",), None, None, 64 << 20), ("what", "hint"), program=program,
        approve=lambda line: (reports.append(json.loads(line)), confinement._approve(line, "what")),
    )
    told = list(wire.answer_of(answer, lambda: "").warnings)
except ApplianceError as error:
    told = [f"{type(error).__name__}: {error}"]
print(json.dumps({"told": told, "reports": reports}))
"""
HOSTILE = """
from tests.adapters import hostile
from appliance.adapters.confinement import child, wire
raise SystemExit(child.main(lambda order: wire.told(hostile.report({state!r}, {control!r}))))
"""


@dataclass(frozen=True, slots=True)
class House:
    """A computer within this one: the interpreter and this repository, seen from a folder with a mode of its own."""

    folder: Path
    user: int

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, program: str) -> dict[str, list[Any]]:
        """Return what the driver tells that ran a program in the place of the confined reader."""
        order = json.dumps([[self.seen(path) for path in sys.path if path], program])
        if os.geteuid() != 0:
            command = [sys.executable, "-I", "-c", DRIVER]
        else:
            python = self.seen(os.path.realpath(sys.executable))
            drop = (
                []
                if self.user == 0
                else ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
            )
            mounts = "".join(f"mount --bind {there} {here}\n" for there, here in self.mounts.items())
            command = [
                "unshare",
                "--mount",
                "sh",
                "-c",
                f'set -e\n{mounts}exec "$@"',
                "sh",
                *drop,
                python,
                "-I",
                "-S",
                "-c",
                DRIVER,
            ]
        done = subprocess.run(command, input=order, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        told: dict[str, list[Any]] = json.loads(done.stdout)
        return told

    @property
    def mounts(self) -> dict[str, str]:
        there = dict.fromkeys((sys.base_prefix, sys.prefix, str(ROOT)))
        return {path: str(self.folder / f"part{number}") for number, path in enumerate(there)}

    def seen(self, path: str) -> str:
        """Return where a path is to be found in this house."""
        if os.geteuid() != 0:
            return path
        for there, here in sorted(self.mounts.items(), key=lambda mount: -len(mount[0])):
            if Path(path).is_relative_to(there):
                return str(here / Path(path).relative_to(there))
        return path


@pytest.fixture(params=["root", "root whose Python nobody can read", "the service user"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    user = SERVICE if request.param == "the service user" else 0
    if os.geteuid() != 0:
        if user == 0:
            pytest.skip("needs root")
        user = os.geteuid()
    folder = Path(tempfile.mkdtemp(prefix="house-"))
    made = House(folder, user)
    folder.chmod(0o700 if "nobody" in request.param else 0o755)
    for here in made.mounts.values():
        Path(here).mkdir()
    made.state.mkdir()
    for name in ("vault.json", "device-secret"):
        (made.state / name).write_text("secret")
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(made.state / "control"))
        control.listen()
        for path in (*made.state.iterdir(), made.state):
            if os.geteuid() == 0:
                os.chown(path, user, user)
            path.chmod(0o700 if path.is_dir() else 0o600)
        yield made
    shutil.rmtree(folder)


def test_hostile_code_finds_no_file_no_socket_no_program_and_no_way_up(house: House) -> None:
    program = HOSTILE.format(state=str(house.state), control=str(house.state / "control"))
    told = house.run(program)
    assert told["told"] == []
    (report,) = told["reports"]
    assert "seccomp" in report["walls"]
    assert any(wall.startswith("uid ") for wall in report["walls"]) is (house.user == 0)
    assert sorted(path.name for path in house.state.iterdir()) == ["control", "device-secret", "vault.json"]


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.name)
def test_every_format_is_read_in_the_child_as_it_is_outside(sample: Sample) -> None:
    # What a library imports late, no child can: the list in `libraries` has to have it.
    means: dict[str, Any] = {
        "password": sample.password,
        "memory_limit": 2 << 30,
        "key_file": sample.key_file,
    }
    outside = registry.read(sample.files, new_uuid=lambda: "", **means)
    inside = confinement.read(sample.files, **means)
    assert [replace(each.account, uuid="") for each in inside.found] == [
        each.account for each in outside.found
    ]
    assert (inside.skipped, inside.warnings) == (outside.skipped, outside.warnings)
