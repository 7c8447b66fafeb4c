"""Foreign files are read by a child with limits; its answers are those of the reader itself."""

import dataclasses
import io
import json
import resource

import pytest

from appliance import errors
from appliance.adapters import confinement
from appliance.adapters.confinement import wire
from appliance.errors import CannotRead, FileDamaged, NotConfined, NotRecognised
from appliance.transfer.found import Found, Listed, Reading, Skipped
from appliance.vault.model import Account

MIB = 1 << 20
UUID = "4f2b0a6e-2f0a-4b55-8f7e-4b0b7e1f4d11"
ORDER = wire.Order((b"x",), None, None, 64 * MIB)
LINKS = (
    b"otpauth://totp/Bank:anna?secret=MZXW6YTBOI&digits=8\n"
    b"otpauth://hotp/ben?secret=MZXW6YTB&counter=7\nhello\n"
)
RICH = Reading(
    "aegis",
    encrypted=True,
    found=(
        Found(
            Account(
                "u", "hotp", "B\u00e4nk", "\U0001f511", b"\x00\xff", "SHA512", 10, note="n", favorite=True
            ),
            7,
            "AD7Q",
            ("Work", "Home"),
        ),
        Found(Account("v", "totp", "", "x", b"y", period=90), 0, "PE"),
    ),
    skipped=(
        Skipped("entry 3", "why", Listed("motp", "M", "n", "MZXW6YTB", "MD5", 6, 10)),
        Skipped("x", "y"),
    ),
    warnings=("2 icons are not kept",),
    missing=("QR code 2 of 3 is missing",),
)


def new_uuid() -> str:
    return UUID


def read(*files: bytes, password: str | None = None) -> Reading:
    return confinement.read(files, password=password, memory_limit=64 * MIB)


def test_a_file_is_read_in_the_child() -> None:
    reading = read(LINKS)
    assert [found.account.label for found in reading.found] == ["Bank:anna", "ben"]
    assert [found.counter for found in reading.found] == [0, 7]
    assert [len(skipped.reason) > 0 for skipped in reading.skipped] == [True]
    assert len({found.account.uuid for found in reading.found}) == 2


def test_what_the_reader_refuses_is_refused_here_with_the_same_words() -> None:
    with pytest.raises(NotRecognised) as caught:
        read(b"hello")
    assert caught.value.hint
    with pytest.raises(FileDamaged, match="nested too deeply"):
        read(b'{"a":' * 100_000)


def test_a_reading_goes_over_the_wire_whole() -> None:
    read = wire.answer_of(wire.told(RICH), iter("uv").__next__)
    assert read == RICH


def test_no_field_of_an_account_is_lost_on_the_wire() -> None:
    # A field that is new in the class has to be in RICH, and so on the wire; only these a reading never fills.
    never = {"uuid", "groups", "extra", "info_extra", "period"}
    account, plain = RICH.found[0].account, Account("", "totp", "", "", b"")
    for each in dataclasses.fields(Account):
        assert each.name in never or getattr(account, each.name) != getattr(plain, each.name)
    assert RICH.found[1].account.period != plain.period


def test_an_order_goes_over_the_wire_whole() -> None:
    order = wire.Order((b"one\n", b"", b"\x00{"), "p\u00e4ss", b"\x00key", 17)
    assert wire.order_of(io.BytesIO(wire.packed(order))) == order


@pytest.mark.parametrize("kind", wire._ERRORS.values())
def test_each_error_of_a_reader_goes_over_the_wire(kind: type[errors.ApplianceError]) -> None:
    with pytest.raises(kind) as caught:
        wire.answer_of(wire.refused(kind("what", "why", "hint")), new_uuid)
    assert type(caught.value) is kind
    assert (caught.value.what, caught.value.why, caught.value.hint) == ("what", "why", "hint")


ACCOUNT: dict[str, object] = {
    "type": "totp",
    "issuer": "B",
    "name": "n",
    "algorithm": "SHA1",
    "digits": 6,
    "period": 30,
    "note": "",
    "favorite": False,
    "counter": 0,
    "secret_text": "MZXW6YTB",
    "groups": [],
}
END: dict[str, object] = {"end": {"format": "aegis", "encrypted": False}}


MAY_BE_TRUE = {
    *((name, repr("../../etc")) for name in ("issuer", "name", "note")),
    *(("note", repr(text)) for text in ("\x1b]0;x\x07", "\u202e")),
    ("groups", "[]"),
    ("favorite", "True"),
}
"""Notes have lines of their own, and are never a line of a table."""


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def nonsense(answer: bytes) -> None:
    with pytest.raises(CannotRead, match="no sensible answer"):
        wire.answer_of(answer, new_uuid)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b"nonsense",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b'{"end":' * 10_000 + b"\n",
        b"1" * 5_000 + b"\n",
        lines(END)[:-1],
        lines(END)[:20],
        lines(END, END),
        lines(END, {"account": ACCOUNT}),
        lines({"account": ACCOUNT}),
        lines({"acount": ACCOUNT}, END),
        lines({"account": ACCOUNT, "more": 1}, END),
        lines({"warning": 7}, END),
        lines({"missing": ["x"]}, END),
        lines({"warning": "x" * 100_000}, END),
        lines({"end": {"format": "\x1b[2J", "encrypted": False}}),
        lines({"end": {"format": "aegis", "encrypted": 1}}),
        lines({"error": {"kind": "SystemExit", "what": "", "why": "", "hint": ""}}),
        lines({"error": {"kind": "VaultDamaged", "what": "", "why": "", "hint": ""}}),
        lines({"error": {"kind": "CannotRead", "what": [], "why": "", "hint": ""}}),
        lines({"skipped": {"name": "a", "reason": "b", "listed": {"type": "totp"}}}, END),
        lines({"skipped": {"name": "a", "reason": "b"}}, END),
        b"\n" * 300_000,
        b'{"account": "' + b"x" * (2 * MIB) + b'"}\n',
    ],
)
def test_an_answer_that_no_reader_gives_is_told_as_trouble(answer: bytes) -> None:
    nonsense(answer)


def test_the_account_that_the_lies_begin_from_is_taken() -> None:
    (found,) = wire.answer_of(lines({"account": ACCOUNT}, END), new_uuid).found
    assert (found.account.uuid, found.account.secret) == (UUID, b"fooba")


@pytest.mark.parametrize("field", ACCOUNT)
@pytest.mark.parametrize(
    "lie",
    [
        None,
        True,
        1.5,
        -1,
        10**30,
        2**31,
        [],
        {},
        [[]],
        ["a\x1b[2J"],
        {"a": "b"},
        "\x1b]0;x\x07",
        "../../etc",
        "\ud800",
        "\u202e",
    ],
)
def test_a_lie_in_any_field_of_an_account_is_found(field: str, lie: object) -> None:
    if (field, repr(lie)) in MAY_BE_TRUE:
        pytest.skip("may be true")
    nonsense(lines({"account": {**ACCOUNT, field: lie}}, END))


@pytest.mark.parametrize("field", ACCOUNT)
def test_a_field_that_is_missing_is_a_lie(field: str) -> None:
    nonsense(lines({"account": {name: value for name, value in ACCOUNT.items() if name != field}}, END))


def test_a_uuid_of_the_child_is_a_lie() -> None:
    nonsense(lines({"account": {**ACCOUNT, "uuid": "../../etc/passwd"}}, END))


def test_what_would_disturb_a_terminal_is_taken_out_of_every_text() -> None:
    evil = "a\x1b[2J\u202e\x9bb"
    reading = wire.answer_of(
        lines(
            {"skipped": {"name": evil, "reason": evil, "listed": None}},
            {"warning": evil},
            {"missing": evil},
            END,
        ),
        new_uuid,
    )
    assert {reading.skipped[0].name, reading.skipped[0].reason, *reading.warnings, *reading.missing} == {
        "a[2Jb"
    }
    with pytest.raises(CannotRead) as caught:
        wire.answer_of(wire.refused(CannotRead(evil, evil, evil)), new_uuid)
    assert {caught.value.what, caught.value.why, caught.value.hint} == {"a[2Jb"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        lines({"code": 7}, {"end": {}}),
        lines({"code": "\ud800"}, {"end": {}}),
        lines({"code": "x"}),
        lines({"code": "x" * 9_000}, {"end": {}}),
        lines({"cod": "x"}, {"end": {}}),
        lines({"end": {"a": 1}}),
    ],
)
def test_codes_that_no_reader_gives_are_told_as_trouble(answer: bytes) -> None:
    with pytest.raises(CannotRead, match="no sensible answer"):
        wire.codes_of(answer)


def answered(program: str, *, seconds: float = 60) -> bytes:
    return confinement.answered(ORDER, ("what", "hint"), program=program, seconds=seconds)


def reader(body: str) -> str:
    """Return the program of a child whose reader is this, once the doors are shut."""
    inner = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        "import os, sys\nfrom appliance.adapters.confinement import child, doors, wire\n"
        f"def reader(order):\n{inner}    return wire.told_codes(())\n"
        "raise SystemExit(child.main(reader))\n"
    )


@pytest.mark.parametrize(
    "body",
    ["bytearray(400 << 20)", "open('/tmp/never-written', 'wb').write(b'x')", "os.abort()", "sys.exit(3)"],
)
def test_the_child_ends_where_it_leaves_its_limits(body: str) -> None:
    with pytest.raises(CannotRead, match="too much memory or time"):
        answered(reader(body))


@pytest.mark.parametrize(
    "body",
    ["import time\ntime.sleep(60)", "os.close(1)\nimport time\ntime.sleep(60)"],
)
def test_a_child_that_takes_too_long_is_ended(body: str) -> None:
    with pytest.raises(CannotRead, match="takes too long"):
        answered(reader(body), seconds=1)


@pytest.mark.parametrize("body", ["while True:\n    os.write(1, bytes(1 << 16))"])
def test_a_child_that_never_stops_speaking_is_ended_at_a_limit(body: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CannotRead, match="says too much"):
        answered(reader(body))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 160 << 10


@pytest.mark.parametrize(
    "program", ["", "print('hello')", "print('{}')", "raise SystemExit(3)", "print('[' * 4000)"]
)
def test_what_does_not_report_is_sent_nothing(program: str) -> None:
    with pytest.raises(NotConfined, match="does not start"):
        answered(program)


def test_a_child_that_is_not_shut_in_is_sent_nothing() -> None:
    open_door = "from appliance.adapters.confinement import child, seccomp\nseccomp.program = lambda: None\n"
    with pytest.raises(NotConfined, match="can't be shut in: it could") as caught:
        answered(open_door + reader("pass"))
    assert caught.value.hint


def test_more_memory_is_there_only_for_what_asks_for_it() -> None:
    assert answered(reader("doors.more_memory(60 << 20)\nbytearray(200 << 20)")) == wire.told_codes(())
    with pytest.raises(CannotRead):
        answered(reader("bytearray(200 << 20)"))
