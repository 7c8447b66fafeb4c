"""Pictures from a camera, one after the other, through the programs that systems have for it: to read QR codes live.

A camera module of a Raspberry Pi is read with rpicam-vid (libcamera-vid before 2024), a USB camera with ffmpeg,
v4l2-ctl or fswebcam, whichever there is. Rules: a program gets no more than the camera's name, and only gives pictures;
what they hold is for the confined reader. Only the newest picture counts: reading takes longer than taking. Every wait
has an end, and no program outlives its use.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue
from typing import IO, Final

from appliance.errors import HardwareFailed
from appliance.transfer.found import Reading

FIRST_DEVICE: Final = Path("/dev/video0")
START_SECONDS: Final = 15.0
"""Until the first picture, and between two; a camera module needs some for its exposure and focus."""
_STOP_SECONDS: Final = 3.0
_PICTURE_LIMIT: Final = 8 << 20
_CHUNK: Final = 1 << 16
_BETWEEN: Final = re.compile(rb"\xff\xd9\0*(?=\xff\xd8\xff)")
"""The end of a JPEG with the start of the next behind it; a thumbnail inside of one is not followed by a start."""
_WHAT: Final = "can't use the camera"


@dataclass(frozen=True, slots=True)
class _Program:
    """One way to get pictures."""

    line: str
    """What to run; `DEVICE` stands for the camera."""
    streams: bool = True
    """Whether it goes on by itself; if not, it is run for each picture."""

    @property
    def name(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def takes_device(self) -> bool:
        return "DEVICE" in self.line

    def command(self, device: Path) -> list[str]:
        return [word.replace("DEVICE", str(device)) for word in self.line.split()]


_MODULE: Final = (
    "--nopreview --timeout 0 --codec mjpeg --quality 80 --width 1920 --height 1080 --framerate 5 --output -"
)
_PROGRAMS: Final = (
    _Program(f"rpicam-vid {_MODULE}"),
    _Program(f"libcamera-vid {_MODULE}"),
    _Program(
        "ffmpeg -hide_banner -loglevel error -nostdin -f v4l2 -video_size 1280x720 -i DEVICE"
        " -vf fps=4 -f image2pipe -c:v mjpeg -q:v 3 -"
    ),
    _Program(
        "v4l2-ctl --device DEVICE --set-fmt-video=width=1280,height=720,pixelformat=MJPG --set-parm=5"
        " --stream-mmap --stream-to=-"
    ),
    _Program(
        "fswebcam --quiet --device DEVICE --resolution 1280x720 --skip 5 --no-banner --jpeg 90 -",
        streams=False,
    ),
)


def pictures(
    device: Path | None = None, *, start_seconds: float = START_SECONDS
) -> Generator[bytes, None, None]:
    """Give pictures (JPEG) until nobody asks for more; blocks for the next one.

    Without a device, a camera module is tried before `FIRST_DEVICE`. Raises HardwareFailed if there is no program or
    no camera, or if it stops.
    """
    installed = [each for each in _PROGRAMS if shutil.which(each.name)]
    if not installed:
        raise HardwareFailed(
            _WHAT,
            "no program that takes pictures is installed",
            "sudo apt install rpicam-apps for a camera module, or ffmpeg for a USB camera",
        )
    where = device or FIRST_DEVICE
    trouble = HardwareFailed(_WHAT, f"there is no {where}", "plug it in, and look with ls /dev/video*")
    for program in installed:
        if where.exists() if program.takes_device else device is None:
            try:
                yield from _of_program(program, where, start_seconds)
            except _GivesNone as error:
                trouble = error
    raise trouble


class _GivesNone(HardwareFailed):
    """A program had not a single picture; another one may."""


def _of_program(program: _Program, device: Path, seconds: float) -> Iterator[bytes]:
    shown = False
    while True:
        with _running(program.command(device)) as stream:
            for picture in _newest(stream, seconds):
                shown = True
                yield picture
                if not program.streams:
                    break
            else:
                kind = HardwareFailed if shown else _GivesNone
                raise kind(_WHAT, *_reason(program.name, stream.said()))


@dataclass(frozen=True, slots=True)
class _Stream:
    """A program that runs."""

    output: IO[bytes]
    said: Callable[[], str]
    """Returns what it complained of."""
    left: threading.Event
    """Nobody asks for pictures any more."""


@contextmanager
def _running(command: list[str]) -> Iterator[_Stream]:
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603 - a program of the system, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        ) as process,
    ):

        def said() -> str:
            complaints.seek(0)
            return complaints.read(_CHUNK).decode(errors="replace")

        left = threading.Event()
        try:
            assert process.stdout is not None  # noqa: S101 - for the types: it was asked for
            yield _Stream(process.stdout, said, left)
        finally:
            left.set()
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # Its whole group: some of these programs are scripts, and who holds the pipe open would keep us waiting.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)


def _newest(stream: _Stream, seconds: float) -> Iterator[bytes]:
    """Give the newest picture each time; one thread reads all of them and forgets what nobody asked for."""
    newest: Queue[bytes | None] = Queue(maxsize=1)
    threading.Thread(target=_keep, args=(stream, newest), name="camera", daemon=True).start()
    while True:
        try:
            picture = newest.get(timeout=seconds)
        except Empty:
            return
        if picture is None:
            return
        yield picture


def _keep(stream: _Stream, newest: "Queue[bytes | None]") -> None:
    with suppress(OSError, ValueError):  # closed while being read: nobody asks any more
        for picture in split(iter(lambda: stream.output.read1(_CHUNK), b"")):  # type: ignore[attr-defined]
            _replace(newest, picture)
    while not stream.left.is_set():
        with suppress(Full):
            newest.put(None, timeout=0.1)
            return


def _replace(newest: "Queue[bytes | None]", picture: bytes) -> None:
    while True:
        try:
            newest.put_nowait(picture)
        except Full:
            with suppress(Empty):
                newest.get_nowait()
        else:
            return


def split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Give the pictures of a stream of JPEGs; what is no picture, or larger than any, is dropped."""
    held = bytearray()
    for chunk in chunks:
        searched = max(0, len(held) - _CHUNK)
        held += chunk
        while (end := _BETWEEN.search(held, searched)) is not None:
            yield from _whole(bytes(held[: end.end()]))
            del held[: end.end()]
            searched = 0
        if len(held) > _PICTURE_LIMIT:
            held.clear()
    yield from _whole(bytes(held))


def _whole(picture: bytes) -> Iterator[bytes]:
    picture = picture[max(0, picture.find(b"\xff\xd8\xff")) :].rstrip(b"\0")
    if picture.startswith(b"\xff\xd8\xff") and picture.endswith(b"\xff\xd9"):
        yield picture


def _reason(program: str, said: str) -> tuple[str, str]:
    lower = said.lower()
    for words, why, hint in _COMPLAINTS:
        if words in lower:
            return why, hint
    last = "".join(filter(str.isprintable, said.strip().rpartition("\n")[2]))[:120]
    return f"{program} gives no more pictures{': ' if last else ''}{last}", f"try {program} by hand"


_COMPLAINTS: Final = (
    ("no cameras available", "no camera is connected", "check the cable at both ends, with the power off"),
    ("permission denied", "you may not use it", "sudo usermod -a -G video USER, and log in again"),
    ("busy", "another program uses it", "close the other program"),
    ("no such device", "it was unplugged", "plug it in again"),
)


@dataclass(slots=True)
class Collection:
    """The pictures that are needed of all that were taken: each shows an account that none before it showed."""

    pictures: list[bytes] = field(default_factory=list)
    _seen: set[tuple[str, str, str, bytes]] = field(default_factory=set)

    def add(self, picture: bytes, reading: Reading) -> bool:
        """Keep a picture if what was read from it alone is new; return whether it was."""
        accounts = [found.account for found in reading.found]
        new = {(each.type, each.issuer, each.name, each.secret) for each in accounts} - self._seen
        if new:
            self.pictures.append(picture)
            self._seen |= new
        return bool(new)
