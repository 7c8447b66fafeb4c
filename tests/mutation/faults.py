"""Small faults: what can be put in the place of a piece of a program, and how it is told.

Left alone are words for people, types, decorators and what coverage leaves out: no test should be bound to them.
"""

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small fault."""

    module: Path
    lines: range
    """Of the statement; empty for the defaults of a function's arguments."""
    function: str
    """Qualified name; empty in the module's own body."""
    before: str
    after: str
    index: int
    """Of its place in the tree."""
    number: int
    """Among the faults of that place."""

    @property
    def key(self) -> str:
        """What names it in `EQUIVALENT`: no line, class or module, since functions move."""
        return f"{self.function.rpartition('.')[2]}: {self.before} -> {self.after}"

    def __str__(self) -> str:
        line = f"{self.lines[0]}" if self.lines else "?"
        return f"{self.module.relative_to(ROOT)}:{line} {self.key}"


_COMPARISONS: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
_OTHERS: Final[Mapping[str, str]] = {"min": "max", "max": "min", "any": "all", "all": "any"}
_NEGATABLE: Final = (ast.Call, ast.Name, ast.Attribute, ast.BoolOp, ast.NamedExpr, ast.Subscript)
"""Conditions that get a `not`; a comparison has its own opposite."""


def faults(node: ast.AST) -> Iterator[ast.AST]:
    """Return what can stand in the place of a node."""
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield _with(node, ops=[*ops[:at], _COMPARISONS[type(op)](), *ops[at + 1 :]])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
            yield _with(node, op=_ARITHMETIC[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from (_with(node, value=other) for other in _other_constants(value))
        case ast.Name(id=name) if name in _OTHERS:
            yield _with(node, id=_OTHERS[name])
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _with(node, value=ast.Constant(None))
    yield from _changed_flow(node)


def _changed_flow(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if isinstance(test, _NEGATABLE):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.comprehension(ifs=[*ifs]):
            for at in range(len(ifs)):
                yield _with(node, ifs=[*ifs[:at], *ifs[at + 1 :]])
        case ast.Expr(value=ast.Call() | ast.YieldFrom()) | ast.Raise() | ast.Delete() | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue() | ast.Break():
            yield ast.Pass()
        case _:
            return


def _other_constants(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return value + 1, value - 1
        case bytes():
            return (value + b"?",)
        case _:
            return ()


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(module: Path, source: str) -> Iterator[Mutant]:
    """Return every mutant of a module, always in the same order."""
    tree = ast.parse(source)
    left_out = set(_unreached(tree, source.splitlines()))
    for index, place in enumerate(_places(tree)):
        if left_out & set(place.lines[:1]):
            continue
        before = place.text
        for number, fault in enumerate(list(faults(place.node))):
            place.put(fault)
            yield Mutant(module, place.lines, place.function, before, place.text, index, number)
            place.put(place.node)


def _unreached(tree: ast.Module, lines: Sequence[str]) -> Iterator[int]:
    """Return the lines that coverage leaves out too: a mark on a head counts for all that is below it."""
    for node in ast.walk(tree):
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
        if first and "pragma: no cover" in lines[first - 1]:
            yield from range(first, last + 1)


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """Return the tree of a module with one fault in it."""
    tree = ast.parse(source)
    place = _places(tree)[mutant.index]
    place.put(list(faults(place.node))[mutant.number])
    return ast.fix_missing_locations(tree)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, where it hangs in its tree, and the function and statement it is in."""

    node: ast.AST
    parent: ast.AST
    name: str
    at: int | None
    function: str
    lines: range

    def put(self, other: ast.AST) -> None:
        """Put another node there."""
        if other is not self.node and hasattr(self.node, "lineno"):
            ast.copy_location(other, self.node)
        if self.at is None:
            setattr(self.parent, self.name, other)
        else:
            getattr(self.parent, self.name)[self.at] = other

    @property
    def text(self) -> str:
        """What stands there now; a word alone says nothing, and is told with what is around it."""
        held = getattr(self.parent, self.name)
        node = held if self.at is None else held[self.at]
        small = isinstance(self.node, ast.Constant | ast.Name | ast.comprehension)
        text = ast.unparse(self.parent if small and not isinstance(self.parent, ast.Module) else node)
        return " ".join(text.split())[:160]


def _places(tree: ast.Module) -> list[_Place]:
    return list(_below(tree, "", range(0)))


def _below(parent: ast.AST, function: str, lines: range) -> Iterator[_Place]:
    for name, value in ast.iter_fields(parent):
        if name in _LEFT_ALONE:
            continue
        for at, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_text(node):
                continue
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield from _below(node, f"{function}.{node.name}".lstrip("."), range(0))
                continue
            inner = range(node.lineno, (node.end_lineno or 0) + 1) if isinstance(node, ast.stmt) else lines
            if isinstance(node, ast.stmt | ast.expr | ast.comprehension):
                yield _Place(node, parent, name, at, function, inner)
            yield from _below(node, function, inner)


_LEFT_ALONE: Final = frozenset({"annotation", "returns", "decorator_list"})


def _is_text(node: ast.AST) -> bool:
    """Tell whether it is words for people, to which no test should be bound, or an import."""
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
