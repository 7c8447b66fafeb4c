"""The EFF long word list, as the package xkcdpass ships it."""

from functools import cache
from importlib.resources import files
from typing import Final

COUNT: Final = 7776


@cache
def eff_long() -> tuple[str, ...]:
    """Return the 7,776 words. Blocks for one small read."""
    text = (files("xkcdpass") / "static" / "eff-long").read_text("ascii")
    words = tuple(text.split())
    if len(set(words)) != COUNT:
        raise RuntimeError("the word list is not the EFF's long one")
    return words
