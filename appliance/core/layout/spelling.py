"""Any text, spelled in characters that our fonts have: never a crash, never an empty box.

Letters with accents are kept, whichever letter of the fonts carries them. What looks like a Latin letter in
Cyrillic and Greek is drawn as that letter. Other scripts are transliterated (日本: RiBen). What has no name in Latin
letters (joiners, directions, stray accents, private characters) goes without a trace, but never the whole text.
"""

from functools import lru_cache
from typing import Final
from unicodedata import category, normalize

from anyascii import anyascii

from appliance.core.layout.typeface import face

_CYRILLIC: Final = str.maketrans("АВЕКМНОРСТХІЈЅаеорсухіјѕ", "ABEKMHOPCTXIJSaeopcyxijs")  # noqa: RUF001  # the point
_GREEK: Final = str.maketrans("ΑΒΓΕΖΗΙΚΜΝΟΠΡΤΥΦΧικνοπρφχ", "ABГEZHIKMNOПPTYФX\u0131кvoпpфx")
_LOOK_ALIKES: Final = _CYRILLIC | _GREEK


def spelled(text: str) -> str:
    """Return `text` in drawable characters; spelling it again changes nothing.

    A text of which nothing would be left is a question mark; only an empty one is empty.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_spelled_character, normalize("NFC", text))) or ("?" if text else "")


def parts(character: str) -> tuple[str, str]:
    """Return the base letter, as the fonts name it, and the accents of a character."""
    decomposed = normalize("NFD", character)
    return decomposed[0].translate(_LOOK_ALIKES), decomposed[1:]


@lru_cache(maxsize=1024)
def _spelled_character(character: str) -> str:
    if character.isspace():
        return " "
    glyphs = face("small")
    base, _ = parts(character)
    if base in glyphs and not category(base).startswith("M"):
        return character
    return "".join(letter for letter in anyascii(character) if letter == " " or letter in glyphs)
