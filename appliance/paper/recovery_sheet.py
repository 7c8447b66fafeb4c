"""The recovery sheet: how to get everything back, and the encrypted vault itself as QR codes.

Its first page is for the worst day: whoever has it knows where the newest backup is, and how to open this one, with
this project or without. `BY_HAND` is the program that it prints for that; a test runs it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.paper import parts
from appliance.paper.facts import Broker, Origin, Recovery, Sheets
from appliance.paper.heading import Head, counted, foot
from appliance.paper.lettering import cut_to, printed, width, wrapped
from appliance.paper.pen import BOLD, FIXED, FIXED_BOLD, GREY, MARGIN, MM, PLAIN, Pen
from appliance.paper.square import Square, part_square

A_ROW: Final = 3
A_PAGE: Final = 12
_MODULE: Final = 0.5 * MM
_ROW: Final = 61 * MM
_TEXT: Final = 9.0
_LEADING: Final = 4.1 * MM
_KEY: Final = 15.0
_LABELS: Final = 34 * MM


@dataclass(frozen=True, slots=True)
class _Step:
    words: str
    typed: tuple[str, ...] = ()
    """What is to be typed as it stands."""


BY_HAND: Final = (
    "import base64, re, zlib",
    'text = open("parts.txt").read().upper()',
    'found = re.findall(r"OTPVAULT1-[A-Z2-7]{8}-(\\d+)-\\d+-([A-Z2-7]+)-", text)',
    'data = "".join(part for _, part in sorted({int(number): part for number, part in found}.items()))',
    'file = zlib.decompress(base64.b32decode(data + "=" * (-len(data) % 8)))',
    'open("vault.json", "wb").write(file)',
)
_OPEN: Final = (
    "With the recovery key on it, this paper alone opens every account. Keep it where you keep money. After the "
    "passphrase or the recovery key was changed it opens only the vault of its own day: print a new one."
)
_SEALED: Final = (
    "The vault in the codes is encrypted: to open it takes the passphrase or the recovery key, which are not on this "
    "paper. Keep it away from them, and from the appliance: where you keep money, or in another house."
)


def draw(pen: Pen, recovery: Recovery, sheets: Sheets) -> tuple[tuple[Square, ...], int]:
    """Draw the sheet; return its QR codes and the number of its pages."""
    squares = tuple(part_square(text) for text in parts.cut(recovery.backup))
    pages = pages_of(len(squares))
    at_foot = foot(sheets.origin, "Recovery", pages)
    _first_page(pen, recovery, sheets, len(squares))
    pen.end_page(at_foot, 1)
    for page in range(2, pages + 1):
        start = (page - 2) * A_PAGE
        _codes(pen, squares[start : start + A_PAGE], start, len(squares), parts.name_of(recovery.backup))
        pen.end_page(at_foot, page)
    return squares, pages


def pages_of(codes: int) -> int:
    """Return how many pages a sheet with that many QR codes has."""
    return 1 + -(-codes // A_PAGE)


def _first_page(pen: Pen, recovery: Recovery, sheets: Sheets, codes: int) -> None:
    origin = sheets.origin
    advice = _SEALED if recovery.key is None else _OPEN
    head = Head("Recovery sheet", origin, counted(origin.accounts, "account"), advice)
    head.draw(pen)
    y = _key(pen, head.bottom(pen), recovery.key)
    y = _section(pen, y, "Back onto an appliance")
    y = _steps(pen, y, _onto_an_appliance(recovery.broker, origin))
    y = _section(pen, y, "The newest backup is at the broker")
    y = _table(pen, y, _broker(recovery.broker, sheets))
    y = _section(pen, y, "Without this project")
    y = _steps(pen, y, _without(codes))
    _to_write_on(pen, y)


def _key(pen: Pen, y: float, key: str | None) -> float:
    y = _section(pen, y, "Recovery key")
    if key is not None:
        high = 11 * MM
        pen.frame(MARGIN, y + 0.5 * MM, pen.room, high)
        x = MARGIN + (pen.room - width(key, FIXED_BOLD, _KEY)) / 2
        pen.text(x, y + 7.4 * MM, key, FIXED_BOLD, _KEY)
        return y + high + 0.5 * MM
    x, cell = MARGIN, 5 * MM
    for group in range(7):
        for _ in range(4):
            pen.line(x, y + 5 * MM, x + cell - 1 * MM, grey=0)
            x += cell
        if group < 6:
            pen.text(x + 0.2 * MM, y + 4 * MM, "-", PLAIN, 10)
            x += 3 * MM
    words = "To be written in by hand, only where this paper is as safe as the key must be."
    pen.text(MARGIN, y + 9.3 * MM, words, PLAIN, 8, GREY)
    return y + 10.5 * MM


def _onto_an_appliance(broker: Broker | None, origin: Origin) -> Iterator[_Step]:
    yield _Step(
        "Install otp-appliance on a Raspberry Pi, or on any Linux computer: it also works without a display."
    )
    if broker is not None:
        words = "Set the broker below in /etc/otp-appliance/config.yaml, and bring back the newest backup from it:"
        # With both ids it is found on any broker, whatever else lies there.
        yield _Step(words, (f"sudo appliance restore --vault {origin.vault} --device {origin.device}",))
    yield _Step(
        "Without the broker, from this paper: photograph or scan the pages that follow, one page a picture, and name "
        "all pictures. JPEG, PNG, HEIC and PDF are read:",
        ("sudo appliance restore --from PICTURE PICTURE ...",),
    )
    yield _Step("It asks for the passphrase or the recovery key, and shows one code to compare.")


def _without(codes: int) -> Iterator[_Step]:
    yield _Step(
        f"Read {'the QR code' if codes == 1 else f'all {codes} QR codes'} with any app that scans such codes, in any "
        "order, into a text file parts.txt: each on a line of its own, nothing changed."
    )
    yield _Step(
        "Print the accounts, with the script that lies in the project's folder deploy and needs nothing else of it:",
        ("python3 decrypt_backup.py parts.txt",),
    )
    yield _Step(
        "If that is gone: make the file vault.json, with Python 3 on any computer, by these lines. The file is an "
        "encrypted vault of Aegis, a free authenticator for Android, which imports it with the passphrase.",
        BY_HAND,
    )
    yield _Step(
        "For programmers: scrypt (n, r, p and salt of a slot in header.slots) of the passphrase, or of the recovery "
        "key with its hyphens, is the AES-256-GCM key of the slot's key; that one opens db (base64) by header.params. "
        "Nonces, tags, salts and keys are in hex; there is no associated data."
    )


def _broker(broker: Broker | None, sheets: Sheets) -> Iterator[tuple[str, str, str]]:
    """Return label, value and font of each row."""
    if broker is None:
        yield "Broker", "none was set when this was printed: these codes are the backup", PLAIN
    else:
        yield (
            "Address, port",
            f"{broker.host}, {broker.port} {'with' if broker.encrypted else 'without'} TLS",
            PLAIN,
        )
        user = "none" if broker.username is None else f"{broker.username}; its password is not on this paper"
        yield "User", user, PLAIN
        yield from _authority(broker)
        yield "Topic", broker.topic, FIXED
    yield "Vault, device", f"{sheets.origin.vault}, {sheets.origin.device}", FIXED


def _authority(broker: Broker) -> Iterator[tuple[str, str, str]]:
    if broker.fingerprint is not None:
        octets = [broker.fingerprint[at : at + 2] for at in range(0, len(broker.fingerprint), 2)]
        yield "Its authority, SHA-256", ":".join(octets[:16]) + ":", FIXED
        yield "", ":".join(octets[16:]), FIXED
    elif broker.encrypted:
        words = "a file of your own, which could not be read" if broker.own_authority else "the system's"
        yield "Its authority", words, PLAIN


def _section(pen: Pen, y: float, title: str) -> float:
    y += 8 * MM
    pen.text(MARGIN, y, title, BOLD, 11.5)
    return y + 2 * MM


def _steps(pen: Pen, y: float, steps: Iterator[_Step]) -> float:
    indent = 6 * MM
    for number, step in enumerate(steps, 1):
        y += 0.8 * MM
        pen.text(MARGIN, y + 3 * MM, f"{number}.", BOLD, _TEXT)
        for line in wrapped(step.words, PLAIN, _TEXT, pen.room - indent):
            pen.text(MARGIN + indent, y + 3 * MM, line, PLAIN, _TEXT)
            y += _LEADING
        for line in step.typed:
            pen.text(MARGIN + indent, y + 3 * MM, line, FIXED, 8)
            y += 3.5 * MM
        y += 0.8 * MM if step.typed else 0.0
    return y


def _table(pen: Pen, y: float, rows: Iterator[tuple[str, str, str]]) -> float:
    y += 1 * MM
    for label, value, font in rows:
        pen.text(MARGIN, y + 3 * MM, label, PLAIN, _TEXT, GREY)
        size = _TEXT if font == PLAIN else 8.5
        text = cut_to(printed(value).text, font, size, pen.room - _LABELS)
        pen.text(MARGIN + _LABELS, y + 3 * MM, text, font, size)
        y += _LEADING
    return y


def _to_write_on(pen: Pen, y: float) -> None:
    y = _section(pen, y, "Notes")
    pen.text(MARGIN + 14 * MM, y - 2 * MM, "where this lies, and who else has one", PLAIN, 8, GREY)
    while (y := y + 7 * MM) < pen.bottom - 2 * MM:
        pen.line(MARGIN, y, pen.width - MARGIN)


def _codes(pen: Pen, squares: Sequence[Square], start: int, total: int, backup: str) -> None:
    side = squares[0].size * _MODULE
    step = (pen.room - side) / (A_ROW - 1)
    last = start + len(squares)
    top = 11 * MM
    title = f"Encrypted vault: codes {start + 1} to {last} of {total}"
    end = pen.text(MARGIN, top, title, BOLD, 10)
    pen.text(end, top, f"   backup {backup}", FIXED, 9, GREY)
    for place, square in enumerate(squares):
        row, column = divmod(place, A_ROW)
        x, y = MARGIN + column * step, top + 7.5 * MM + row * _ROW
        end = pen.text(x, y, f"{start + place + 1} of {total}", BOLD, 8)
        check = square.text.rpartition("-")[2]
        pen.text_to(x + side, y, f"{backup} {check}", FIXED, 7, GREY)
        pen.square(x, y + 2 * MM, square, _MODULE)
