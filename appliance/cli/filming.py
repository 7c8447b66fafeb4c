"""QR codes held before a camera, read live until nothing is missing any more."""

import argparse
from pathlib import Path
from typing import Final

from appliance.adapters import camera, confinement
from appliance.adapters.camera import Collection
from appliance.adapters.memory import derivation_limit
from appliance.cli import terminal
from appliance.cli.foreign import counted
from appliance.errors import CannotRead, FileDamaged, HardwareFailed, NothingFound
from appliance.transfer.found import Reading

_NOTHING: Final = (NothingFound, CannotRead, FileDamaged)
"""What a picture without a readable code raises; the next one may have one."""


def camera_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--camera`."""
    parser.add_argument(
        "--camera",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="read QR codes that are held before the camera; default: the camera module, then /dev/video0",
    )


def filmed(args: argparse.Namespace) -> Reading:
    """Return what the QR codes before the camera hold, once none of their export is missing. Raises HardwareFailed."""
    terminal.note("hold the QR code before the camera; Ctrl-C ends")
    collection = Collection()
    for picture in camera.pictures(Path(args.camera) if args.camera else None):
        try:
            alone = _read([picture])
        except _NOTHING:
            continue
        if not alone.found or not collection.add(picture, alone):
            continue
        reading = _read(collection.pictures)
        missing = f", missing: {', '.join(reading.missing)}" if reading.missing else ""
        terminal.note(f"{counted(len(reading.found))} read{missing}")
        if not reading.missing:
            return reading
    raise HardwareFailed("can't use the camera", "it gives no more pictures", "try it by hand")


def _read(pictures: list[bytes]) -> Reading:
    return confinement.read(pictures, password=None, memory_limit=derivation_limit())
