"""Our own fonts, so that no pixel depends on a release of FreeType.

They are text files beside this module that read like a type specimen: a line of names, below it the glyphs side
by side in rows of `#` and `.`, then an empty line. A name is a character, `0x0301` for one that can't stand alone,
or a word. In `digits.txt` the first name of each line is the size, and belongs to all glyphs of that line.

| file | glyphs |
|---|---|
| `small.txt` | text: 7 rows of capitals, 2 of descenders; then the accents |
| `bold.txt` | the same characters for the issuer, with stems of 2 pixels |
| `digits.txt` | codes, in five sizes, and the letters of Steam |
| `signs.txt` | the signs of the header |
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

from PIL import Image

Rows = tuple[str, ...]
"""A glyph: equally long rows of `#` and `.`."""


@cache
def face(file: Literal["small", "bold", "signs"]) -> Mapping[str, Rows]:
    """Return the glyphs of a file by character or word."""
    return {
        _character(name): rows
        for names, glyphs in _bands(file)
        for name, rows in zip(names, glyphs, strict=True)
    }


@cache
def numerals() -> Mapping[tuple[str, str], Rows]:
    """Return the large glyphs by size and character, such as `("16x28", "7")`."""
    return {
        (names[0], name): rows
        for names, glyphs in _bands("digits")
        for name, rows in zip(names[1:], glyphs, strict=True)
    }


def picture(rows: Rows) -> Image.Image:
    """Return a glyph as an image of mode "1"."""
    width = len(rows[0])
    stride = (width + 7) // 8
    packed = (row.translate(_BITS).ljust(stride * 8, "0") for row in rows)
    return Image.frombytes(
        "1", (width, len(rows)), b"".join(int(bits, 2).to_bytes(stride, "big") for bits in packed)
    )


_BITS = str.maketrans("#.", "10")


def _bands(file: str) -> Iterator[tuple[list[str], list[Rows]]]:
    text = resources.files(__package__).joinpath(f"{file}.txt").read_text("utf-8")
    for band in text.strip().split("\n\n"):
        names, *rows = (line.split() for line in band.strip().splitlines())
        yield names, list(zip(*rows, strict=True))


def _character(name: str) -> str:
    return chr(int(name, 0)) if name.startswith("0x") else name
