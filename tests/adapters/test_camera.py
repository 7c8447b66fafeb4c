"""Pictures of a camera, through programs that stand in for those of a system."""

import sys
import threading
import time
from pathlib import Path

import pytest

from appliance.adapters import camera
from appliance.adapters.camera import Collection, pictures, split
from appliance.errors import HardwareFailed
from appliance.transfer.found import Found, Reading
from appliance.vault.model import Account

ONE = b"\xff\xd8\xff\xe0 one \xff\xd9"
TWO = b"\xff\xd8\xff\xe1 two, with a thumbnail \xff\xd8\xff\xdb small \xff\xd9 in it \xff\xd9"
FOREVER = "while True: out.write(ONE); out.flush(); time.sleep(0.01)"


class Desk:
    """A system with these programs and no others, and with a camera or without."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.device = folder / "video0"
        self.device.touch()
        monkeypatch.setenv("PATH", str(folder))

    def install(self, name: str, does: str) -> None:
        program = self.folder / name
        program.write_text(
            f"#!{sys.executable} -S\nimport sys, time\nout = sys.stdout.buffer\nONE, TWO = {ONE!r}, {TWO!r}\n"
            f"open({str(self.folder)!r} + '/ran-{name}', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n{does}\n"
        )
        program.chmod(0o755)

    def ran(self, name: str) -> list[str]:
        return (self.folder / f"ran-{name}").read_text().splitlines()

    def failure(self, device: Path | None = None) -> HardwareFailed:
        with pytest.raises(HardwareFailed) as caught:
            next(pictures(device or self.device, start_seconds=5))
        assert caught.value.exit_code == 7
        assert caught.value.hint
        return caught.value


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize("program", ["ffmpeg", "v4l2-ctl", "fswebcam"])
def test_a_camera_is_read_by_whichever_program_there_is(desk: Desk, program: str) -> None:
    desk.install(program, "out.write(ONE)" if program == "fswebcam" else FOREVER)
    taken = pictures(desk.device, start_seconds=5)
    assert [next(taken) for _ in range(3)] == [ONE] * 3
    taken.close()
    assert all(str(desk.device) in arguments for arguments in desk.ran(program))
    assert len(desk.ran(program)) == (3 if program == "fswebcam" else 1)


def test_a_camera_module_is_tried_first_and_gets_no_device(desk: Desk) -> None:
    for program in ("rpicam-vid", "ffmpeg"):
        desk.install(program, FOREVER)
    taken = pictures(start_seconds=5)
    assert next(taken) == ONE
    taken.close()
    assert "--codec mjpeg" in desk.ran("rpicam-vid")[0]
    assert "--output -" in desk.ran("rpicam-vid")[0]
    assert not (desk.folder / "ran-ffmpeg").exists()


def test_without_a_module_the_usb_camera_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "FIRST_DEVICE", desk.device)
    desk.install("rpicam-vid", "sys.exit('ERROR: *** no cameras available ***')")
    desk.install("ffmpeg", FOREVER)
    taken = pictures(start_seconds=5)
    assert next(taken) == ONE
    taken.close()


def test_a_named_device_is_never_a_camera_module(desk: Desk) -> None:
    desk.install("rpicam-vid", FOREVER)
    assert "there is no" in desk.failure(desk.folder / "video7").why
    assert not (desk.folder / "ran-rpicam-vid").exists()


def test_without_any_program_it_is_said_which_to_install(desk: Desk) -> None:
    failure = desk.failure()
    assert "no program" in failure.why
    assert "rpicam-apps" in failure.hint
    assert "ffmpeg" in failure.hint


def test_a_camera_that_is_not_there_is_named(desk: Desk) -> None:
    desk.install("ffmpeg", FOREVER)
    assert str(desk.folder / "none") in desk.failure(desk.folder / "none").why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("/dev/video0: Permission denied", "you may not use it"),
        ("ioctl(VIDIOC_REQBUFS): Device or resource busy", "another program uses it"),
        ("first\nsomething \x1b[31melse\n", "ffmpeg gives no more pictures: something [31melse"),
        ("", "ffmpeg gives no more pictures"),
    ],
)
def test_what_a_program_complains_of_is_told(desk: Desk, said: str, why: str) -> None:
    desk.install("ffmpeg", f"sys.stderr.write({said!r}); sys.exit(1)")
    assert desk.failure().why == why


def test_a_program_that_stops_is_an_error_after_its_last_picture(desk: Desk) -> None:
    desk.install("ffmpeg", "out.write(ONE)")
    desk.install("v4l2-ctl", FOREVER)
    taken = pictures(desk.device, start_seconds=5)
    assert next(taken) == ONE
    with pytest.raises(HardwareFailed, match="no more pictures"):
        next(taken)
    assert not (desk.folder / "ran-v4l2-ctl").exists()


def test_a_program_that_gives_nothing_is_not_waited_for_forever(desk: Desk) -> None:
    desk.install("ffmpeg", "time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(HardwareFailed, match="no more pictures"):
        next(pictures(desk.device, start_seconds=0.2))
    assert time.monotonic() - start < 10


def test_closing_ends_the_program_even_one_that_will_not_and_its_children(desk: Desk) -> None:
    marker = desk.folder / "alive"
    child = f"import time\nwhile True: open({str(marker)!r}, 'w').write('x'); time.sleep(0.02)"
    desk.install(
        "ffmpeg", f"import subprocess\nsubprocess.Popen([{sys.executable!r}, '-c', {child!r}])\n{FOREVER}"
    )
    taken = pictures(desk.device, start_seconds=5)
    next(taken)
    taken.close()
    marker.unlink(missing_ok=True)
    time.sleep(0.2)
    assert not marker.exists()
    for thread in threading.enumerate():
        if thread.name == "camera":
            thread.join(2)
            assert not thread.is_alive()


def test_only_the_newest_picture_counts(desk: Desk) -> None:
    desk.install(
        "ffmpeg",
        "for n in range(6):\n"
        "  out.write(b'\\xff\\xd8\\xff%d\\xff\\xd9' % n); out.flush()\n"
        "  if n == 1: time.sleep(0.3)\n"
        "time.sleep(60)",
    )
    taken = pictures(desk.device, start_seconds=5)
    assert next(taken) == b"\xff\xd8\xff0\xff\xd9"
    time.sleep(0.6)
    assert next(taken) == b"\xff\xd8\xff4\xff\xd9", "the last one is whole when the next begins"
    taken.close()


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_a_stream_is_split_into_its_pictures(size: int) -> None:
    stream = b"\0rubbish" + ONE + b"\0\0" + TWO + TWO + b"\0\0\0" + ONE + b"\0"
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert list(split(iter(chunks))) == [ONE, TWO, TWO, ONE]


def test_what_is_no_picture_is_dropped_and_never_fills_the_memory() -> None:
    assert list(split(iter([b"no picture"] * 3))) == []
    assert list(split(iter([ONE[:-1]]))) == []
    endless = (b"\xff\xd8\xff" + bytes(1 << 20) for _ in range(64))
    assert list(split(endless)) == []


def reading(*names: str) -> Reading:
    return Reading(
        "x", encrypted=False, found=tuple(Found(Account("u", "totp", "", name, b"s")) for name in names)
    )


def test_a_collection_keeps_what_shows_something_new() -> None:
    collection = Collection()
    assert collection.add(b"1", reading("a", "b"))
    assert not collection.add(b"2", reading("b"))
    assert not collection.add(b"3", reading())
    assert collection.add(b"4", reading("b", "c"))
    assert collection.pictures == [b"1", b"4"]
