"""Foreign files are read by a child with limits; its answers are those of the reader itself."""

import base64
import io
import json
from collections.abc import Callable

import pytest

from appliance import errors
from appliance.adapters import confinement
from appliance.adapters.confinement import wire
from appliance.errors import CannotRead, FileDamaged, NotRecognised
from appliance.transfer.found import Found, Listed, Reading, Skipped
from appliance.vault.model import Account

MIB = 1 << 20
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
    skipped=(Skipped("entry 3", "why", Listed("motp", "M", "n", "MZXW6", "MD5", 6, 10)), Skipped("x", "y")),
    warnings=("2 icons are not kept",),
    missing=("QR code 2 of 3 is missing",),
)


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
    assert wire.answer_of(wire.told(RICH)) == RICH


def test_an_order_goes_over_the_wire_whole() -> None:
    order = wire.Order((b"one\n", b"", b"\x00{"), "p\u00e4ss", b"\x00key", 17)
    assert wire.order_of(io.BytesIO(wire.packed(order))) == order


@pytest.mark.parametrize("kind", wire._ERRORS.values())
def test_each_error_of_a_reader_goes_over_the_wire(kind: type[errors.ApplianceError]) -> None:
    with pytest.raises(kind) as caught:
        wire.answer_of(wire.refused(kind("what", "why", "hint")))
    assert type(caught.value) is kind
    assert (caught.value.what, caught.value.why, caught.value.hint) == ("what", "why", "hint")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b"\xff",
        json.dumps({"error": "SystemExit", "what": "", "why": "", "hint": ""}).encode(),
        json.dumps({"error": "VaultDamaged", "what": "", "why": "", "hint": ""}).encode(),
        wire.told(RICH).replace(base64.b64encode(b"\x00\xff"), b"!"),
    ],
)
def test_an_answer_that_no_reader_gives_is_told_as_trouble(answer: bytes) -> None:
    with pytest.raises(CannotRead, match="no sensible answer"):
        wire.answer_of(answer)


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        ("bytearray(400 << 20)", "memory"),
        ("open('/tmp/never-written', 'wb').write(b'x')", "files"),
        ("import os; os.kill(os.getpid(), 11)", "a decoder that breaks"),
    ],
)
def test_the_child_ends_where_it_leaves_its_limits(
    body: str, limits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In place of the reader the child runs what a broken decoder might do.
    program = (
        "from appliance.adapters.confinement import __main__ as child\n"
        "from appliance.transfer import registry\n"
        f"def read(files, **means):\n    {body}\n"
        "registry.read = read\nraise SystemExit(child.main())\n"
    )
    monkeypatch.setattr(confinement, "_COMMAND", ("-P", "-c", program))
    with pytest.raises(CannotRead, match="too much memory or time"):
        read(LINKS)


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_COMMAND", ("-c", "import sys, signal; signal.pause()"))
    monkeypatch.setattr(confinement, "_WALL_SECONDS", 0.05)
    with pytest.raises(CannotRead, match="takes too long"):
        read(LINKS)


def test_more_memory_is_there_only_for_what_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    program: Callable[[str], str] = lambda ask: (  # noqa: E731
        "from appliance.adapters.confinement import __main__ as child\n"
        "from appliance.transfer import registry\n"
        "from appliance.transfer.found import Reading\n"
        f"def read(files, *, more_memory, **means):\n    {ask}\n    bytearray(200 << 20)\n"
        "    return Reading('x', encrypted=False, found=())\n"
        "registry.read = read\nraise SystemExit(child.main())\n"
    )
    monkeypatch.setattr(confinement, "_COMMAND", ("-P", "-c", program("more_memory(60 << 20)")))
    assert read(LINKS).format == "x"
    monkeypatch.setattr(confinement, "_COMMAND", ("-P", "-c", program("pass")))
    with pytest.raises(CannotRead):
        read(LINKS)
