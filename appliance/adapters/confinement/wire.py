r"""What goes between a command and its confined reader: a report, an order of bytes, and an answer of JSON lines.

Rules: the parent believes nothing. It makes each account anew, as the formats make theirs (`entry.found`), with a uuid
of its own, and takes it only if that is what the child said, letter for letter. Texts lose what could disturb a
terminal by the one rule for that. A line has one key: what is unknown, missing, too much or of another type is a
lie, and a lie anywhere is one error. Lines are short and read one by one, as a few bytes of JSON can be many of memory.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, BinaryIO, Final, Literal, NamedTuple, TypeVar

from appliance import errors
from appliance.errors import ApplianceError, CannotRead
from appliance.transfer import entry, registry
from appliance.transfer.entry import Uncomputable, Unusable
from appliance.transfer.found import Found, Listed, Means, Reading, Skipped
from appliance.vault.model import Account
from appliance.vault.otpauth import printable

T = TypeVar("T")
LINE_LIMIT: Final = 1 << 20
"""Bytes; only a note can be that long."""
COUNT_LIMIT: Final = 200_000
"""Lines of one answer."""
_TEXT_LIMIT: Final = 8_000
"""Characters; a QR code holds 7,089."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a child found when it had shut itself in."""

    walls: tuple[str, ...]
    """What keeps it in, for the log."""
    could: tuple[str, ...]
    """What it could still do, for people: "open a socket"."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be read."""

    files: tuple[bytes, ...] = field(repr=False)
    password: str | None = field(repr=False)
    key_file: bytes | None = field(repr=False)
    memory_limit: int
    wanted: Literal["accounts", "codes"] = "accounts"
    """Accounts of one export; or the texts of QR codes, whatever they say."""


def reported(report: Report) -> bytes:
    """Return a report as the first line."""
    return _line(asdict(report))


def report_of(line: bytes) -> Report:
    """Return the report of the first line. Raises ValueError for anything else."""
    told = _keys(_parsed(line), {"walls": list, "could": list})
    return Report(tuple(map(_text, told["walls"])), tuple(map(_text, told["could"])))


def packed(order: Order) -> bytes:
    """Return an order as bytes: a line of JSON, and the files behind it."""
    head = {
        "wanted": order.wanted,
        "sizes": [len(file) for file in order.files],
        "password": order.password,
        "key_file": None if order.key_file is None else base64.b64encode(order.key_file).decode(),
        "memory_limit": order.memory_limit,
    }
    return b"".join((json.dumps(head).encode(), b"\n", *order.files))


def order_of(stream: BinaryIO) -> Order:
    """Return the order that a stream holds."""
    head = json.loads(stream.readline())
    files = tuple(stream.read(size) for size in head["sizes"])
    key_file = head["key_file"]
    return Order(
        files,
        head["password"],
        None if key_file is None else base64.b64decode(key_file),
        head["memory_limit"],
        head["wanted"],
    )


def told(reading: Reading) -> bytes:
    """Return a reading as the answer."""
    lines: list[bytes] = []
    for found in reading.found:
        try:
            lines.append(_short({"account": _said(_made_anew(_said(found), _no_uuid))}))
        except Unusable as problem:
            name = printable(found.account.label[:_NAME_LIMIT])
            lines.append(_line({"skipped": asdict(Skipped(name, str(problem)))}))
    lines += (_line({"skipped": asdict(skipped)}) for skipped in reading.skipped)
    lines += (_line({"warning": text}) for text in reading.warnings)
    lines += (_line({"missing": text}) for text in reading.missing)
    lines.append(_line({"end": {"format": reading.format, "encrypted": reading.encrypted}}))
    return b"".join(lines)


def told_codes(codes: Iterable[str]) -> bytes:
    """Return the texts of QR codes as the answer."""
    return b"".join((*(_line({"code": code}) for code in codes), _line({"end": {}})))


def refused(error: ApplianceError) -> bytes:
    """Return an error as the answer."""
    kind = type(error).__name__
    return _line({"error": {"kind": kind, "what": error.what, "why": error.why, "hint": error.hint}})


def answer_of(answer: bytes, new_uuid: Callable[[], str]) -> Reading:
    """Return the reading of an answer, or raise the error that it is; CannotRead for anything else."""
    try:
        return _reading(answer, new_uuid)
    except _LIES:
        raise CannotRead("can't read the import", _NONSENSE, "export it in another format") from None


def codes_of(answer: bytes) -> tuple[str, ...]:
    """Return the texts of QR codes of an answer, or raise the error that it is; CannotRead for anything else."""
    try:
        *lines, (kind, end) = _lines(answer)
        if kind != "end" or end != {}:
            raise ValueError("it has no end")
        return tuple(_code(*line) for line in lines)
    except _LIES:
        raise CannotRead(
            "can't read the picture", _NONSENSE, "photograph it again, or save it as PNG"
        ) from None


class _Line(NamedTuple):
    kind: str
    value: Any


def _lines(answer: bytes) -> Iterator[_Line]:
    """Give the lines of an answer, each as its key and its value; raises the error that one is."""
    begin = 0
    for _ in range(COUNT_LIMIT):
        if begin == len(answer):
            return
        end = answer.index(b"\n", begin)
        line = _parsed(answer[begin:end])
        if type(line) is not dict or len(line) != 1:
            raise ValueError("a line has one key")
        ((kind, value),) = line.items()
        if kind == "error":
            raise _error(value)
        yield _Line(kind, value)
        begin = end + 1
    raise ValueError("there are too many lines")


def _reading(answer: bytes, new_uuid: Callable[[], str]) -> Reading:
    found: list[Found] = []
    skipped: list[Skipped] = []
    texts: dict[str, list[str]] = {"warning": [], "missing": []}
    lines = _lines(answer)
    for kind, value in lines:
        match kind:
            case "account":
                found.append(_found(value, new_uuid))
            case "skipped":
                skipped.append(_skipped(value))
            case "end":
                end = _keys(value, {"format": str, "encrypted": bool})
                break
            case _:
                texts[kind].append(_text(value))
    else:
        raise ValueError("it has no end")
    if next(lines, None) is not None or end["format"] not in {each.NAME for each in registry.FORMATS}:
        raise ValueError("it goes on behind its end, or has a format of its own")
    return Reading(
        end["format"],
        encrypted=end["encrypted"],
        found=tuple(found),
        skipped=tuple(skipped),
        warnings=tuple(texts["warning"]),
        missing=tuple(texts["missing"]),
    )


def _said(found: Found) -> dict[str, Any]:
    """Return all that a reading says of an account: each field, but for those that it never fills."""
    account = {name: getattr(found.account, name) for name in _FIELDS}
    groups = list(found.group_names)
    return {**account, "counter": found.counter, "secret_text": found.secret_text, "groups": groups}


def _made_anew(said: Mapping[str, Any], new_uuid: Callable[[], str]) -> Found:
    """Return an account as the formats would make it. Raises Unusable."""
    return entry.found(
        Means(None, 0, new_uuid),
        kind=said["type"],
        issuer=said["issuer"],
        name=said["name"],
        secret=said["secret_text"],
        algorithm=said["algorithm"],
        digits=said["digits"],
        period=said["period"],
        counter=said["counter"],
        groups=said["groups"],
        note=said["note"],
        favorite=said["favorite"],
    )


def _found(value: object, new_uuid: Callable[[], str]) -> Found:
    said = _keys(value, _KINDS)
    for name in said["groups"]:
        _a(str, name)
    found = _made_anew(said, new_uuid)
    if _said(found) != said:
        raise ValueError("no format would say that")
    return found


def _skipped(value: object) -> Skipped:
    said = _keys(value, {"name": str, "reason": str, "listed": object})
    listed = None if said["listed"] is None else _listed(said["listed"])
    return Skipped(_text(said["name"]), _text(said["reason"]), listed)


def _listed(value: object) -> Listed:
    said = _keys(value, _LISTED)
    try:
        entry.found(
            Means(None, 0, _no_uuid),
            kind=said["type"],
            issuer=said["issuer"],
            name=said["name"],
            secret=said["secret_text"],
        )
    except Uncomputable as problem:
        if asdict(problem.listed) == said:
            return problem.listed
    raise ValueError("no format would list that")


def _error(value: object) -> ApplianceError:
    said = _keys(value, {"kind": str, "what": str, "why": str, "hint": str})
    return _ERRORS[said["kind"]](_text(said["what"]), _text(said["why"]), _text(said["hint"]))


def _code(kind: str, value: object) -> str:
    text = _a(str, value)
    text.encode()  # half a surrogate pair is in no code
    if kind != "code" or len(text) > _TEXT_LIMIT:
        raise ValueError("this is no code")
    return text


def _text(value: object) -> str:
    text = _a(str, value)
    if len(text) > _TEXT_LIMIT:
        raise ValueError("a text is too long")
    return printable(text)


def _keys(value: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return an object that has these keys and no others, each of its type."""
    said = _a(dict, value)
    if said.keys() != kinds.keys():
        raise ValueError("a key is missing, or unknown")
    for name, kind in kinds.items():
        _a(kind, said[name])
    return said


def _a(kind: type[T], value: object) -> T:
    # True and 1 are equal in Python, and an instance of both, but are not spelled alike.
    if kind is not object and type(value) is not kind:
        raise ValueError("a value has the wrong type")
    return value  # type: ignore[return-value]


def _parsed(line: bytes) -> object:
    if len(line) > LINE_LIMIT:
        raise ValueError("a line is too long")
    return json.loads(line)


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _short(value: object) -> bytes:
    line = _line(value)
    if len(line) > LINE_LIMIT:
        raise Unusable("its note is too long")
    return line


def _no_uuid() -> str:
    return ""


_NAME_LIMIT: Final = 4_000
_EXAMPLE: Final = Account("", "totp", "", "", b"")
_FIELDS: Final = {
    each.name: type(getattr(_EXAMPLE, each.name))
    for each in fields(Account)
    if each.name not in {"uuid", "secret", "groups", "extra", "info_extra"}
}
"""Taken from the class itself, so that a field which is new there fails the tests here and is not lost in silence."""
_KINDS: Final[Mapping[str, type]] = {**_FIELDS, "counter": int, "secret_text": str, "groups": list}
_LISTED: Final[Mapping[str, type]] = {
    "type": str,
    "issuer": str,
    "name": str,
    "secret_text": str,
    "algorithm": str,
    "digits": int,
    "period": int,
}
_LIES: Final = (ValueError, KeyError, TypeError, RecursionError)
_NONSENSE: Final = "its reader gave no sensible answer"
_ERRORS: Final[Mapping[str, type[ApplianceError]]] = {
    kind.__name__: kind
    for kind in (
        errors.UsageError,
        errors.PasswordMissing,
        errors.WrongPassphrase,
        errors.FileDamaged,
        errors.CannotRead,
        errors.NothingFound,
        errors.NotRecognised,
    )
}
"""What reading a file may raise; the child can name no other class."""
