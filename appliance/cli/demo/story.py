"""The story of `demo --once`: played without a keyboard, printed as text, and every claim in it is checked."""

import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from PIL.Image import Image

from appliance.cli import terminal
from appliance.cli.demo.accounts import COUNTED, SAMPLES
from appliance.cli.demo.device import Device
from appliance.cli.demo.stage import Stage, await_claim
from appliance.cli.drawing import boxed, braille, half_blocks
from appliance.cli.terminal import Json
from appliance.core.gestures import Key
from appliance.errors import ApplianceError

WIDE: Final = 132
"""Cells of a half-block frame in its box."""
SAME_SECONDS: Final = 15.0
"""For two looks in the same second: they take milliseconds, and a long issuer scrolls for ten seconds at most."""
_FAILED: Final = "the demo's story did not come true"


def play(stage: Stage) -> None:
    """Play it. Raises ApplianceError as soon as something does not come true."""
    began = time.monotonic()
    try:
        _scenes(stage)
    except ApplianceError:
        for device in stage.devices:
            for line in device.log_lines[-5:]:
                terminal.note(f"{device.name}: {line}")
        raise
    terminal.tell(f"All of it came true, in {time.monotonic() - began:.0f} seconds.")


def _scenes(stage: Stage) -> None:
    _say("Two appliances and a broker, in a temporary folder.")
    stage.open()
    _say(f"The broker is {stage.broker.label}. 'desk' gets a vault and {len(SAMPLES)} accounts.")
    stage.furnish()
    verified = await_claim(lambda: _verified(stage.desk, len(SAMPLES)), "desk's backup is verified")
    _say(_verdict("desk", verified))
    _show(stage.desk, f"'desk' shows the code of {_label(0)}.")
    next_key, ok_key = _keys(stage.desk)
    stage.desk.tap(next_key)
    _show(stage.desk, f"The next button: {_label(1)}.")
    _count(stage, ok_key)
    _show(stage.shelf, "'shelf' is empty.")
    stage.restore()
    restored = await_claim(lambda: _verified(stage.shelf, len(SAMPLES)), "shelf's backup is verified")
    _say("'shelf' is restored from the broker, with the passphrase of 'desk'.", _verdict("shelf", restored))
    _turn_back(stage)
    _show(stage.shelf, f"'shelf' shows the code of {_label(0)}.")
    _list(stage.shelf)
    _same_frames(stage)
    _same_codes(stage)
    _unplug(stage.desk)
    _break_clock(stage)


def _keys(device: Device) -> tuple[Key, Key]:
    """Return what is next and OK on a device's board."""
    return ("next", "ok") if "ok" in device.board.buttons else ("right", "centre")


def _count(stage: Stage, ok_key: Key) -> None:
    """Take a code of the HOTP account, and get its counter to the broker."""
    desk = stage.desk
    for _ in range(COUNTED - 1):
        desk.press("next")
    before = desk.status()["generation"]
    desk.tap(ok_key)
    await_claim(lambda: desk.status()["generation"] > before, "desk saved the counter")
    _show(desk, f"OK on {_label(COUNTED)}: the counter is saved first, then the code is shown.")
    # Counters alone are collected for a minute before they are backed up.
    made: Json = json.loads(desk.command("backup", "--json"))
    _say("'desk' is told to back up now.", f"Generation {made['generation']} is verified.")


def _turn_back(stage: Stage) -> None:
    """Turn the desk to the first account, where the shelf is."""
    for _ in range(len(SAMPLES) - COUNTED):
        stage.desk.press("next")


def _list(shelf: Device) -> None:
    """Open and close the list; the key acts as it goes down, so that no wait is needed."""
    shelf.tap("key1")
    _show(shelf, "Its board has a joystick and three keys more: the first one shows the list.")
    shelf.tap("key1")


def _same_frames(stage: Stage) -> None:
    for place in range(len(SAMPLES)):
        await_claim(
            lambda: _same_frame(stage), f"both displays show the same at {_label(place)}", SAME_SECONDS
        )
        for device in stage.devices:
            device.press("next")
    _say(f"The two displays showed the same picture at each of the {len(SAMPLES)} accounts, pixel for pixel.")


def _same_frame(stage: Stage) -> bool:
    """Return whether the shelf shows what the desk shows; false as well if a second ended between the two looks."""
    desk, shelf = stage.devices
    return desk.frame().tobytes() == shelf.frame().tobytes()


@dataclass(frozen=True, slots=True)
class _Question:
    device: Device
    uuid: str
    at: str


def _same_codes(stage: Stage) -> None:
    desk, shelf = stage.devices
    accounts: list[Json] = json.loads(desk.command("list", "--json"))
    if accounts != json.loads(shelf.command("list", "--json")):
        raise ApplianceError(_FAILED, "the two vaults list other accounts or counters", "start it again")
    uuids = [account["uuid"] for account in accounts if account["type"] != "hotp"]
    at = str(int(time.time()))
    with ThreadPoolExecutor(4) as pool:
        ours, theirs = (
            list(pool.map(_code, [_Question(device, uuid, at) for uuid in uuids])) for device in (desk, shelf)
        )
    if ours != theirs or len(uuids) != len(SAMPLES) - 1:
        raise ApplianceError(_FAILED, "the two appliances make other codes", "start it again")
    _say(
        f"'appliance code --at {at}' gives the same {len(uuids)} codes on both; the lists are the same, too."
    )


def _code(question: _Question) -> str:
    return question.device.command("code", question.uuid, "--at", question.at, "--json")


def _unplug(desk: Device) -> None:
    desk.plug(plugged=False)
    lost = await_claim(lambda: _when_display(desk, ok=False), "desk notices that its display is gone")
    _say("", f"The display of 'desk' is unplugged. Its status says: {lost['display']['error']}.")
    code = desk.command("code", SAMPLES[0][1]).strip()
    _say(f"Codes can be had all the same: 'appliance code {SAMPLES[0][1]}' says {code}.")
    desk.plug(plugged=True)
    await_claim(lambda: _when_display(desk, ok=True), "desk shows its picture again")
    _say("It is plugged in again, and shows its picture by itself.")


def _when_display(desk: Device, *, ok: bool) -> Json | None:
    status = desk.status()
    return status if status["display"]["ok"] is ok else None


def _break_clock(stage: Stage) -> None:
    """Let the desk's clock jump, whose display then shows something else than the shelf's, and mend it."""
    desk = stage.desk
    desk.set_clock(right=False)
    await_claim(lambda: desk.status()["clock"]["state"] == "not-set", "desk notices that its clock jumped")
    _show(desk, "The clock of 'desk' jumped by three days: codes are withheld, and the display says why.")
    if _same_frame(stage):
        raise ApplianceError(_FAILED, "desk shows a code of a clock that jumped", "start it again")
    desk.set_clock(right=True)
    await_claim(
        lambda: _same_frame(stage), "both displays show the same when the clock is mended", SAME_SECONDS
    )
    _say("The clock is right again, and both displays show the same code.")


def _verified(device: Device, accounts: int) -> Json | None:
    """Return the status if this vault, with so many accounts, is what was verified."""
    status = device.status()
    backup = status["backup"]
    complete = status["accounts"] == accounts and backup["generation"] == status["generation"]
    return status if complete and backup["state"] == "verified" else None


def _verdict(name: str, status: Json) -> str:
    return (
        f"The backup of '{name}', generation {status['backup']['generation']}, was fetched back, "
        "compared and decrypted: verified."
    )


def _label(place: int) -> str:
    _, issuer, name, _ = SAMPLES[place]
    return f"{issuer}:{name}"


def _say(*sentences: str) -> None:
    for sentence in sentences:
        terminal.tell(sentence)
    sys.stdout.flush()


def _show(device: Device, sentence: str) -> None:
    frame: Image = device.frame()
    _say("", sentence)
    wide = shutil.get_terminal_size().columns >= WIDE
    lines, width = (half_blocks(frame), frame.width) if wide else (braille(frame), frame.width // 2)
    _say(*boxed(lines, width, device.name))
