"""What all tests share: cheap key derivations, figures of campaigns, golden frames.

Golden frames are pictures in `tests/frames/` that drawn frames are compared with, pixel by pixel.

`pytest --update-frames` rewrites them. When every module that draws golden frames ran whole, a picture that none of
them asked for fails the run (with `--update-frames`: is deleted), so that none outlives its screen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from PIL import Image, ImageChops

from appliance.vault import keys

FRAMES: Final = Path(__file__).parent / "frames"
FIXTURE: Final = "golden_frame"

GoldenFrame = Callable[[str, Image.Image], None]
Figure = Callable[[str], None]

# The same examples in each run, so that a change fails for what it did; `tests/check --long` draws new ones.
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

_asked_for: Final = pytest.StashKey[set[str]]()
_ran_whole: Final = pytest.StashKey[bool]()
_unused: Final = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-frames", action="store_true", help="rewrite the golden frames in tests/frames")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_asked_for] = set[str]()
    config.stash[_ran_whole] = not any("::" in argument for argument in config.args)
    config.stash[_unused] = []
    config.pluginmanager.register(_Workers(config), "golden-frames")


@pytest.fixture
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let key derivations cost nothing; the keys are other ones than the true cost would give."""
    real = keys.scrypt

    def cheap(password: bytes, salt: bytes, *, n: int, p: int, memory_limit: int) -> bytes:
        return real(password, salt, n=min(n, 2**10), p=p, memory_limit=memory_limit)

    monkeypatch.setattr(keys, "scrypt", cheap)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Takes a line that the summary shows, whichever process the test ran in: what a campaign did."""
    return lambda line: request.node.user_properties.append(("figure", line))


def _tell_figures(terminalreporter: Any) -> None:
    lines = [
        line
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, line in report.user_properties
        if name == "figure"
    ]
    if lines:
        terminalreporter.section("figures")
    for line in sorted(lines):
        terminalreporter.write_line(line)


@pytest.fixture
def golden_frame(request: pytest.FixtureRequest, tmp_path: Path) -> GoldenFrame:
    """Compares a frame with the golden one of that name."""

    def compare(name: str, frame: Image.Image) -> None:
        request.config.stash[_asked_for].add(name)
        file = FRAMES / f"{name}.png"
        if request.config.getoption("--update-frames"):
            if not file.exists() or _difference(frame, file) is not None:
                frame.save(file, optimize=True)
            return
        if not file.exists():
            pytest.fail(f"there is no golden frame {name}; look at it, then run pytest --update-frames")
        box = _difference(frame, file)
        if box is not None:
            frame.save(tmp_path / f"{name}.png")
            pytest.fail(
                f"{name} differs in columns {box[0]} to {box[2]}, rows {box[1]} to {box[3]}: {tmp_path}/{name}.png"
            )

    return compare


def _difference(frame: Image.Image, file: Path) -> tuple[int, int, int, int] | None:
    with Image.open(file) as golden:
        if golden.size != frame.size:
            return (0, 0, *golden.size)
        return ImageChops.difference(golden.convert("L"), frame.convert("L")).getbbox()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.config.stash[_ran_whole] = False


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find out whether no module that uses the fixture was left out: its name stands in their text."""
    collected = {item.path for item in session.items if FIXTURE in getattr(item, "fixturenames", ())}
    users = {file for file in FRAMES.parent.rglob("test_*.py") if FIXTURE in file.read_text("utf-8")}
    if not users <= collected:
        session.config.stash[_ran_whole] = False


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    asked_for = config.stash[_asked_for]
    if hasattr(config, "workeroutput"):
        config.workeroutput["frames"] = (config.stash[_ran_whole], list(asked_for))
        return
    if (
        not config.stash[_ran_whole]
        or session.shouldstop
        or session.shouldfail
        or config.getoption("collectonly")
    ):
        return
    unused = [file for file in sorted(FRAMES.glob("*.png")) if file.stem not in asked_for]
    if config.getoption("--update-frames"):
        for file in unused:
            file.unlink()
    elif unused:
        config.stash[_unused] = [file.stem for file in unused]
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    _tell_figures(terminalreporter)
    for name in config.stash[_unused]:
        terminalreporter.write_line(
            f"FAILED tests/frames/{name}.png: no test draws this golden frame", red=True
        )


class _Workers:
    """Gathers what pytest-xdist's workers asked for; without it nobody calls."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        ran_whole, asked_for = getattr(node, "workeroutput", {}).get("frames", (False, []))
        self._config.stash[_ran_whole] &= ran_whole
        self._config.stash[_asked_for].update(asked_for)
