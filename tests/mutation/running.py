"""Running tests in a forked process of its own, where an import may give a faulty module.

The mutant lives only in the memory of that process. pytest and what the tests import of others is there at once; the
appliance is not, and is imported anew each time.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection
from pathlib import Path
from types import CodeType
from typing import Any, Final

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.mutation.faults import ROOT, Mutant, mutated

LEFT_OUT: Final = "weakened"
"""Negative controls: they pass all the more when something is broken."""
PROFILE: Final = "mutants"
WARM: Final = (
    "PIL.Image",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "hypothesis.stateful",
    "pyotp.contrib",
)
"""What the tests import of others, and each forked process then has at once."""
MEMORY_BYTES: Final = 4 << 30
"""Address space of a mutant, which may allocate without end."""

SHARED: Final = "shared"
OUTSIDE: Final = "outside"
"""Lines that no single test runs: those of fixtures that many share, and those of imports."""


class _Exchanged(importlib.machinery.SourceFileLoader):
    """Loads one module from a tree in place of its file."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the tree; nothing is written beside the file."""
        return compile(self._tree, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the exchanged module before Python finds its file."""

    def __init__(self, module: Path, tree: ast.Module) -> None:
        self._name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        self._module, self._tree = module, tree

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        """Return the spec of that one module."""
        if fullname != self._name:
            return None
        loader = _Exchanged(fullname, str(self._module), self._tree)
        return importlib.util.spec_from_file_location(fullname, self._module, loader=loader)


class _Chosen:
    """Pytest plugin: runs some of the tests that were found, in a given order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._rank = {test: rank for rank, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen ones."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._rank), key=lambda item: self._rank[item.nodeid]
        )


class _Watched:
    """Pytest plugin: measures which lines each test runs, and how long it takes."""

    def __init__(self, watched: coverage.Coverage) -> None:
        self._watched = watched
        self._item = ""
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Take the time."""
        self._item = item.nodeid
        self._watched.switch_context(item.nodeid)
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - begun
            self._watched.switch_context(OUTSIDE)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """A fixture that many tests share runs in the first of them, and is none of its own lines."""
        if fixturedef.scope == "function":
            return (yield)
        self._watched.switch_context(SHARED)
        try:
            return (yield)
        finally:
            self._watched.switch_context(self._item)


def _run(arguments: Sequence[str], plugins: Sequence[object], scratch: str) -> int:
    """Run tests as `tests/check` does, but in silence, without looking for smaller examples or slow ones."""
    settings.register_profile(
        PROFILE,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    os.chdir(ROOT)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    options = ["-q", "-x", "--tb=no", "--assert=plain", "-m", "not long", "-k", f"not {LEFT_OUT}"]
    options += ["-p", "no:xdist", "-p", "no:cov", "-p", "no:cacheprovider"]
    options += [f"--hypothesis-profile={PROFILE}", f"--basetemp={scratch}"]
    return int(pytest.main([*options, *arguments], plugins=list(plugins)))


def measure(test: str, scratch: str, told: connection.Connection) -> None:
    """Run one module of tests; tell (exit code, seconds of each test, tests of each line of each module)."""
    watched = coverage.Coverage(data_file=None, include=[str(ROOT / "appliance" / "*")], config_file=False)
    plugin = _Watched(watched)
    watched.start()
    code = _run([test], [plugin], scratch)
    watched.stop()
    found = watched.get_data()
    lines = {file: found.contexts_by_lineno(file) for file in found.measured_files()}
    told.send((code, plugin.seconds, lines))


def attempt(mutant: Mutant, source: str, tests: Sequence[str], scratch: str) -> None:
    """Run the tests that can notice a mutant; the process ends with pytest's own code, 0 if none did."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.meta_path.insert(0, _Finder(mutant.module, mutated(source, mutant)))
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    code = _run(files, [_Chosen(tests)], scratch)
    sys.stdout.flush()
    os._exit(code)
