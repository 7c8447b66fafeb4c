"""JSON with one spelling for each value, read strictly.

Canonical: sorted keys, no white space, ASCII. Strict: no duplicate keys, no NaN, no lone surrogates, no nesting
deeper than Python's own limit. A file of ours that is not spelled canonically was not written by us.
"""

import json
from typing import Any, NoReturn


def dump(value: object) -> bytes:
    """Return the canonical bytes of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def load(raw: bytes) -> Any:
    """Return the value of strict JSON. Raises ValueError, without quoting the input, for anything else."""
    try:
        text = raw.decode("ascii")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        if "\\ud" in text:  # only then can a surrogate without its other half be hidden in an escape
            json.dumps(value, ensure_ascii=False).encode("utf-8")
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
