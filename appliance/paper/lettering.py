"""Text as the standard fonts of a PDF can print it: Latin letters. A name in another script is transliterated.

No font is shipped: one that has every script is larger than the whole program. The QR code beside a transliterated
name holds the true one.
"""

from dataclasses import dataclass
from typing import Final

from appliance.vault.otpauth import printable

_LONGEST: Final = 2_000
"""Characters of a name or note that anybody would print."""
_ELLIPSIS: Final = "\u2026"


@dataclass(frozen=True, slots=True)
class Printed:
    """A name as it is printed."""

    text: str
    true: bool
    """It is the name itself, and no transliteration."""


def printed(name: str) -> Printed:
    """Return a name in the letters of Windows code page 1252, which every PDF viewer and printer has."""
    name = " ".join(printable(name[:_LONGEST]).split())
    if _latin(name):
        return Printed(name, true=True)
    from anyascii import anyascii

    # Letters that the fonts have stay: only the others are spelled out.
    spelled = "".join(each if _latin(each) else anyascii(each) for each in name)
    return Printed(" ".join(spelled.split()) or "(a name without letters)", true=False)


def _latin(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def width(text: str, font: str, size: float) -> float:
    """Return the width of a line in points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, font, size))


def cut_to(text: str, font: str, size: float, room: float) -> str:
    """Return a text that fits into `room` points, with an ellipsis in place of what does not."""
    if width(text, font, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + _ELLIPSIS, font, size) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _ELLIPSIS


def wrapped(text: str, font: str, size: float, room: float, most: int | None = None) -> list[str]:
    """Return the lines of a text, at most `most`, each within `room` points; a word that is too long is cut up."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, font, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while width(line, font, size) > room:
            end = _fitting(line, font, size, room)
            lines.append(line[:end])
            line = line[end:]
    lines.append(line)
    if most is not None and len(lines) > most:
        rest = " ".join(lines[most - 1 :])
        lines[most - 1 :] = [cut_to(rest, font, size, room)]
    return lines


def _fitting(word: str, font: str, size: float, room: float) -> int:
    end = 1
    while end < len(word) and width(word[: end + 1], font, size) <= room:
        end += 1
    return end


def in_fours(secret: str) -> list[str]:
    """Return a secret in groups of four characters."""
    return [secret[at : at + 4] for at in range(0, len(secret), 4)]
