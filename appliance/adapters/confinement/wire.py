"""What goes between a command and its confined reader: an order of bytes, and an answer of JSON."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final, Literal

from appliance import errors
from appliance.errors import ApplianceError, CannotRead
from appliance.transfer.found import Found, Listed, Reading, Skipped
from appliance.vault.model import Account


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be read."""

    files: tuple[bytes, ...] = field(repr=False)
    password: str | None = field(repr=False)
    key_file: bytes | None = field(repr=False)
    memory_limit: int
    wanted: Literal["accounts", "codes"] = "accounts"
    """Accounts of one export; or the texts of QR codes, whatever they say."""


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
    return json.dumps({**asdict(reading), "found": [_plain(found) for found in reading.found]}).encode()


def told_codes(codes: tuple[str, ...]) -> bytes:
    """Return the texts of QR codes as the answer."""
    return json.dumps({"codes": codes}).encode()


def refused(error: ApplianceError) -> bytes:
    """Return an error as the answer."""
    kind = type(error).__name__
    return json.dumps({"error": kind, "what": error.what, "why": error.why, "hint": error.hint}).encode()


def answer_of(answer: bytes) -> Reading:
    """Return the reading of an answer, or raise the error that it is; CannotRead for anything else."""
    try:
        fields = _fields(answer)
        return Reading(
            fields["format"],
            encrypted=fields["encrypted"],
            found=tuple(map(_found, fields["found"])),
            skipped=tuple(map(_skipped, fields["skipped"])),
            warnings=tuple(fields["warnings"]),
            missing=tuple(fields["missing"]),
        )
    except (ValueError, KeyError, TypeError):
        raise CannotRead("can't read the import", _NONSENSE, "export it in another format") from None


def codes_of(answer: bytes) -> tuple[str, ...]:
    """Return the texts of QR codes of an answer, or raise the error that it is; CannotRead for anything else."""
    try:
        codes = _fields(answer)["codes"]
        if isinstance(codes, list) and all(isinstance(code, str) for code in codes):
            return tuple(codes)
    except (ValueError, KeyError, TypeError):
        pass
    raise CannotRead("can't read the picture", _NONSENSE, "photograph it again, or save it as PNG")


def _fields(answer: bytes) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = json.loads(answer)
    if "error" in fields:
        raise _ERRORS[fields["error"]](fields["what"], fields["why"], fields["hint"])
    return fields


def _plain(found: Found) -> dict[str, Any]:
    account = found.account
    return {
        **{name: getattr(account, name) for name in _NAMES},
        "secret": base64.b64encode(account.secret).decode(),
        "counter": found.counter,
        "secret_text": found.secret_text,
        "group_names": found.group_names,
    }


def _found(fields: Mapping[str, Any]) -> Found:
    names = {name: fields[name] for name in _NAMES}
    account = Account(**names, secret=base64.b64decode(fields["secret"], validate=True))
    return Found(account, fields["counter"], fields["secret_text"], tuple(fields["group_names"]))


def _skipped(fields: Mapping[str, Any]) -> Skipped:
    listed = fields["listed"]
    return Skipped(fields["name"], fields["reason"], None if listed is None else Listed(**listed))


_NONSENSE: Final = "its reader gave no sensible answer"
_NAMES: Final = ("uuid", "type", "issuer", "name", "algorithm", "digits", "period", "note", "favorite")
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
