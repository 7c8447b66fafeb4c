"""The mutation score's own parts: what a fault is, what is left alone, in which order faults are tried."""

from pathlib import Path

import pytest

from tests.mutation.__main__ import AREAS, modules, spread, stale
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.faults import ROOT, mutants, mutated
from tests.mutation.running import OUTSIDE, SHARED
from tests.mutation.trials import Coverage

HERE = Path("module.py")


def told(source: str) -> list[str]:
    return [f"{mutant.before} -> {mutant.after}" for mutant in mutants(HERE, source)]


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("a < b", ["a < b -> a <= b"]),
        ("a is not b", ["a is not b -> a is b"]),
        ("a in b not in c", ["a in b not in c -> a not in b not in c", "a in b not in c -> a in b in c"]),
        ("a and b", ["a and b -> a or b"]),
        ("a + b", ["a + b -> a - b"]),
        ("not a", ["not a -> a"]),
        ("-a", ["-a -> a"]),
        ("a[2]", ["a[2] -> a[3]", "a[2] -> a[1]"]),
        ("f(key=True)", ["f(key=True) -> pass", "key=True -> key=False"]),
        ("a = b'x'", ["a = b'x' -> a = b'x?'"]),
        ("a = min(b)", ["min(b) -> max(b)"]),
        ("a = b if c else d", ["b if c else d -> b if not c else d"]),
        ("a = [b for b in c if d]", ["[b for b in c if d] -> [b for b in c]"]),
        ("raise a", ["raise a -> pass"]),
        ("a.b = c", ["a.b = c -> pass"]),
        ("a += b", ["a += b -> a -= b", "a += b -> pass"]),
        ("del a", ["del a -> pass"]),
        ("def f():\n return a", ["return a -> return None"]),
        ("def f(a=1): a", ["a=1 -> a=2", "a=1 -> a=0"]),
    ],
)
def test_each_kind_of_fault_is_made(source: str, faults: list[str]) -> None:
    assert told(source) == faults


@pytest.mark.parametrize(
    "source",
    [
        "'''Words: 1 < 2.'''",
        "a: int | None = b",
        "def f(a: int | None) -> int | None:\n  return None",
        "@dataclass(frozen=True)\nclass A:\n  b: int",
        "a = 'words'",
        "a = f'{1 + 2} words'",
        "from a import b",
        "a = b + 1  # pragma: no cover",
        "try:\n  a\nexcept b:  # pragma: no cover\n  raise c",
    ],
)
def test_words_types_and_decorators_are_left_alone(source: str) -> None:
    assert told(source) == []


def test_a_fault_is_built_as_it_is_told() -> None:
    source = "def f(a, b):\n    if a < b:\n        return a + 1\n    return b\n"
    values = set()
    for mutant in mutants(HERE, source):
        space: dict[str, object] = {}
        exec(compile(mutated(source, mutant), "module.py", "exec"), space)
        f = space["f"]
        assert callable(f)
        values.add((mutant.function, mutant.lines[0], f(1, 1), f(1, 2), f(2, 1)))
    assert len(values) == 6, "each of them does something else"
    assert ("f", 2, 2, 2, 1) in values, "a <= b"
    assert ("f", 4, None, 2, None) in values, "return None"


def test_every_module_of_the_vault_and_of_the_keys_belongs_to_one_area() -> None:
    areas = {str(path.relative_to(ROOT)): area for path, area in modules().items()}
    vault = {str(path.relative_to(ROOT)) for path in (ROOT / "appliance/vault").glob("*.py")}
    assert vault <= areas.keys()
    assert areas["appliance/vault/pin.py"] == areas["appliance/keyring.py"] == "PIN"
    assert areas["appliance/vault/merge.py"] == "merge"
    assert areas["appliance/keeper/locksmith.py"] == "keeper"
    assert set(areas.values()) == set(AREAS)


def test_every_beginning_of_the_order_is_spread_over_all_modules() -> None:
    found = {path: list(mutants(path, path.read_text("utf-8"))) for path in modules()}
    order = spread(found)
    assert len(order) == sum(map(len, found.values()))
    half = order[: len(order) // 2]
    for path, several in found.items():
        share = sum(mutant.module == path for mutant in half)
        assert abs(share - len(several) / 2) <= 1, path
    assert order == spread(found)


def test_what_is_called_equivalent_still_exists() -> None:
    found = {path: list(mutants(path, path.read_text("utf-8"))) for path in modules()}
    assert stale(found) == []
    assert all(EQUIVALENT.values()), "each has its reason"


def test_a_mutant_is_tried_on_the_tests_that_run_its_line_the_quickest_first() -> None:
    mutant = next(mutants(HERE, "def f(a):\n    return a\n"))
    outside = next(mutants(HERE, "A = 1"))
    seconds = {
        "t/test_x.py::slow": 3.0,
        "t/test_x.py::quick": 1.0,
        "t/test_x.py::idle": 2.0,
        "t/test_y.py::other": 0.5,
    }
    lines = {
        2: frozenset({"t/test_x.py::slow", "t/test_x.py::quick"}),
        1: frozenset({f"{OUTSIDE}t/test_x.py"}),
    }
    known = Coverage(seconds, {str(HERE): lines})
    assert known.tests_for(mutant) == ["t/test_x.py::quick", "t/test_x.py::slow"]
    assert known.tests_for(outside) == ["t/test_x.py::quick", "t/test_x.py::idle", "t/test_x.py::slow"]
    shared = Coverage(seconds, {str(HERE): {2: frozenset({f"{SHARED}t/test_y.py"})}})
    begun = {
        1: frozenset(f"{OUTSIDE}t/test_{each}.py" for each in "xy"),
        2: frozenset({f"{OUTSIDE}t/test_y.py"}),
    }
    assert Coverage(seconds, {str(HERE): begun}).tests_for(mutant) == ["t/test_y.py::other"]
    assert shared.tests_for(mutant) == ["t/test_y.py::other"]
