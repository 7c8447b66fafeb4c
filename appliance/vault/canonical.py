"""JSON with one spelling for each value, read strictly.

Canonical: sorted keys, no white space, ASCII. Strict: no duplicate keys, no NaN, no infinity, no lone surrogates,
no nesting deeper than `DEPTH`. A file of ours that is not spelled canonically was not written by us.
"""

import json
import math
from typing import Any, Final, NoReturn

DEPTH: Final = 64
"""Arrays and objects within one another. Python's own limit depends on its release and on how deep the caller
stands, so that what one call had read another could not write."""


def dump(value: object) -> bytes:
    """Return the canonical bytes of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def load(raw: bytes) -> Any:
    """Return the value of strict JSON. Raises ValueError, without quoting the input, for anything else."""
    try:
        text = raw.decode("ascii")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
        if "\\u" in text:  # only then can a surrogate without its other half be hidden in an escape
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        _check_depth(value)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError:
        raise ValueError("not strict JSON") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse(_name: str) -> NoReturn:
    raise ValueError("not a number")


def _finite(text: str) -> float:
    number = float(text)  # 1e400 is infinite, and has no spelling in JSON
    return number if math.isfinite(number) else _refuse(text)


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEPTH + 1):
        nested = [each for each in level if isinstance(each, dict | list)]
        if not nested:
            return
        level = [
            inner for outer in nested for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    raise RecursionError
