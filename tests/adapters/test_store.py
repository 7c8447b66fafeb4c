"""The port `VaultStore`: one contract, kept by the fake and by the state folder on a real file system."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.adapters.store import READ_LIMIT, StateFolder
from appliance.adapters.store import folder as store_module
from appliance.errors import ApplianceError, LockBusy, ReadableByOthers, StorageFailed, VaultDamaged
from appliance.ports import Attempts, Device, VaultStore
from tests.stores import FakeStore, full_card

DESK = Device("otp-0a1b2c3d", "9f0c1c2e-57a5-4a4e-8d7c-6f1f8a2b3c4d", "desk ümlaut")


def accept(_read_back: bytes) -> None:
    pass


def refuse(_read_back: bytes) -> None:
    raise VaultDamaged("can't save the vault", "it did not read back")


@dataclass(frozen=True)
class Bench:
    """A store with the controls that a test needs."""

    store: VaultStore
    second: VaultStore
    """The same state folder, as another process has it."""
    lose: Callable[[str], None]
    """Removes a file."""
    fail_writes: Callable[[], None]


@pytest.fixture(params=["fake", "real"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    if request.param == "fake":
        fake = FakeStore()

        def fail() -> None:
            fake.full = full_card()

        return Bench(fake, FakeStore(fake.card), fake.files.__delitem__, fail)
    monkeypatch.setattr(store_module, "LOCK_SECONDS", 0.0)
    state = tmp_path / "state"
    return Bench(
        StateFolder(state),
        StateFolder(state),
        lambda name: (state / name).unlink(),
        lambda: monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC)),
    )


def failing(number: int) -> Callable[[int], None]:
    def fsync(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync


def save(store: VaultStore, *contents: bytes) -> None:
    for sealed in contents:
        with store.lock():
            store.save(sealed, accept)


# --- the contract


def test_an_empty_folder_holds_nothing(bench: Bench) -> None:
    assert bench.store.load().newest is None
    assert bench.store.load().older == ()
    assert bench.store.device() is None
    assert bench.store.secret() is None


def test_what_was_saved_is_loaded_by_whoever_looks(bench: Bench) -> None:
    save(bench.store, b"one")
    assert bench.second.load().newest == b"one"


def test_three_older_generations_are_kept_newest_first(bench: Bench) -> None:
    save(bench.store, b"one", b"two", b"three", b"four", b"five")
    stored = bench.store.load()
    assert stored.newest == b"five"
    assert stored.older == (b"four", b"three", b"two")


def test_the_check_gets_what_was_written(bench: Bench) -> None:
    seen: list[bytes] = []
    with bench.store.lock():
        bench.store.save(b"one", seen.append)
    assert seen == [b"one"]


def test_a_check_that_refuses_leaves_the_old_file_and_its_generations(bench: Bench) -> None:
    save(bench.store, b"one", b"two")
    with pytest.raises(VaultDamaged), bench.store.lock():
        bench.store.save(b"three", refuse)
    assert bench.store.load().newest == b"two"
    assert bench.store.load().older == (b"one",)
    save(bench.store, b"four")
    assert bench.store.load().older == (b"two", b"one")


def test_a_write_that_fails_leaves_the_old_file_and_is_told_with_a_hint(bench: Bench) -> None:
    save(bench.store, b"one")
    bench.fail_writes()
    with pytest.raises(StorageFailed) as told, bench.store.lock():
        bench.store.save(b"two", accept)
    assert told.value.why == "no space left on device"
    assert "free some space" in told.value.hint
    assert bench.store.load().newest == b"one"
    assert bench.store.load().older == ()


def test_older_generations_are_there_without_the_newest(bench: Bench) -> None:
    save(bench.store, b"one", b"two", b"three")
    bench.lose("vault.json")
    assert bench.store.load().newest is None
    assert bench.store.load().older == (b"two", b"one")
    save(bench.store, b"four")
    assert bench.store.load().newest == b"four"
    assert bench.store.load().older == (b"two", b"one")


def test_a_gap_in_the_older_generations_does_not_matter(bench: Bench) -> None:
    save(bench.store, b"one", b"two", b"three", b"four")
    bench.lose("vault.json.2")
    assert bench.store.load().older == (b"three", b"one")
    save(bench.store, b"five", b"six")
    assert bench.store.load().newest == b"six"
    assert bench.store.load().older == (b"five", b"four", b"three")


def test_a_damaged_newest_is_set_aside_under_its_time(bench: Bench) -> None:
    save(bench.store, b"one", b"two")
    with bench.store.lock():
        name = bench.store.set_aside(1_800_000_000.4)
    assert name == "vault.bad-1800000000"
    assert bench.store.load().newest is None
    assert bench.store.load().older == (b"one",)


def test_the_device_is_kept(bench: Bench) -> None:
    bench.store.save_device(Device(DESK.id, None, "new"))
    assert bench.second.device() == Device(DESK.id, None, "new")
    bench.store.save_device(DESK)
    assert bench.second.device() == DESK


def test_the_secret_is_kept_and_replaced(bench: Bench) -> None:
    bench.store.save_secret(b"\x00\n" * 16)
    bench.store.save_secret(b"\xff\n" * 16)
    assert bench.second.secret() == b"\xff\n" * 16


def test_the_lock_keeps_everybody_else_out(bench: Bench) -> None:
    with bench.store.lock(), pytest.raises(LockBusy), bench.second.lock():
        pytest.fail("both hold the lock")
    with bench.second.lock():
        pass


def test_the_lock_is_released_by_an_exception(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError), bench.store.lock():
        raise ZeroDivisionError
    with bench.second.lock():
        pass


# --- the real file system


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def folder(state: Path) -> StateFolder:
    return StateFolder(state)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_files_and_folder_are_for_the_owner_alone(folder: StateFolder, state: Path) -> None:
    save(folder, b"one", b"two")
    folder.save_device(DESK)
    folder.save_secret(b"s" * 32)
    assert mode(state) == 0o700
    assert {path.name: mode(path) for path in state.iterdir()} == {
        "vault.json": 0o600,
        "vault.json.1": 0o600,
        "lock": 0o600,
        "device.json": 0o600,
        "device-secret": 0o400,
    }


def test_a_missing_folder_and_its_parents_are_made(tmp_path: Path) -> None:
    deep = tmp_path / "var" / "lib" / "otp"
    StateFolder(deep).prepare()
    assert mode(deep) == 0o700


@pytest.mark.parametrize("bits", [0o710, 0o701, 0o750, 0o777])
def test_a_folder_that_others_can_look_into_is_refused(folder: StateFolder, state: Path, bits: int) -> None:
    state.mkdir()
    state.chmod(bits)
    with pytest.raises(ReadableByOthers) as told:
        folder.prepare()
    assert told.value.hint == f"sudo chmod 700 {state}"
    with pytest.raises(ReadableByOthers), folder.lock():
        pytest.fail("locked")
    with pytest.raises(ReadableByOthers):
        folder.save_secret(b"s" * 32)


@pytest.mark.parametrize("name", ["vault.json", "vault.json.2", "device.json", "device-secret"])
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_use_is_refused(
    folder: StateFolder, state: Path, name: str, bits: int
) -> None:
    save(folder, b"one", b"two", b"three")
    folder.save_device(DESK)
    folder.save_secret(b"s" * 32)
    (state / name).chmod(bits)
    with pytest.raises(ReadableByOthers) as told:
        (folder.load(), folder.device(), folder.secret())
    assert str(state / name) in told.value.what
    assert told.value.hint == f"sudo chmod go= {state / name}"


@pytest.mark.parametrize("name", ["vault.json", "vault.json.2", "device.json", "device-secret", "lock"])
def test_a_symbolic_link_is_not_followed(folder: StateFolder, state: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"{}")
    elsewhere.chmod(0o600)
    folder.prepare()
    (state / name).symlink_to(elsewhere)
    with pytest.raises(StorageFailed) as told, folder.lock():
        (folder.load(), folder.device(), folder.secret())
    assert "symbolic link" in told.value.hint


def test_a_symbolic_link_in_the_place_of_the_new_file_is_removed_and_not_written_through(
    folder: StateFolder, state: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    folder.prepare()
    (state / "vault.new").symlink_to(elsewhere)
    (state / "device-secret.new").symlink_to(elsewhere)
    save(folder, b"one")
    folder.save_secret(b"s" * 32)
    assert elsewhere.read_bytes() == b"precious"
    assert folder.load().newest == b"one"
    assert not (state / "device-secret").is_symlink()


def test_what_a_killed_save_left_does_not_matter(folder: StateFolder, state: Path) -> None:
    save(folder, b"one")
    (state / "vault.new").write_bytes(b"half a va")
    (state / "vault.new").chmod(0o644)
    assert folder.load().newest == b"one"
    save(folder, b"two")
    assert folder.load().newest == b"two"
    assert folder.load().older == (b"one",)
    assert not (state / "vault.new").exists()


def test_a_save_killed_before_its_rename_again_and_again_neither_blocks_saving_nor_pushes_generations_out(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(folder, b"one", b"two", b"three")
    rename = Path.rename

    def cut(self: Path, target: Path) -> Path:
        if target.name == "vault.json":
            raise OSError(errno.EIO, "as if the process ended here")
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut)
        for number in range(6):
            with pytest.raises(StorageFailed), folder.lock():
                folder.save(b"lost %d" % number, accept)
    assert folder.load().newest == b"three"
    save(folder, b"four")
    assert folder.load().newest == b"four"
    assert folder.load().older == (b"three", b"two", b"one")


def test_there_is_a_vault_file_at_every_moment_of_a_save(
    folder: StateFolder, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(folder, b"one", b"two")
    seen: list[bytes] = []
    for name in ("rename", "hardlink_to", "unlink"):
        real = getattr(Path, name)

        def watched(*args: object, real: Callable[..., object] = real, **more: object) -> object:
            result = real(*args, **more)
            seen.append((state / "vault.json").read_bytes())
            return result

        monkeypatch.setattr(Path, name, watched)
    save(folder, b"three")
    assert set(seen) == {b"two", b"three"}


def test_a_refused_save_leaves_no_new_file(folder: StateFolder, state: Path) -> None:
    with pytest.raises(VaultDamaged), folder.lock():
        folder.save(b"one", refuse)
    assert [path.name for path in state.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("number", "why", "hint"),
    [
        (errno.ENOSPC, "no space left on device", "free some space"),
        (errno.EDQUOT, "quota", "free some space"),
        (errno.EROFS, "read-only file system", "the card turned read-only"),
        (errno.EIO, "input/output error", "the card is failing"),
        (errno.EINVAL, "invalid argument", "look at the state folder"),
    ],
)
def test_each_failure_of_the_card_is_told_in_words(
    folder: StateFolder, state: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: str, hint: str
) -> None:
    save(folder, b"one")
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(StorageFailed) as told, folder.lock():
        folder.save(b"two", accept)
    assert str(state / "vault.json") in told.value.what
    assert why in told.value.why
    assert hint in told.value.hint
    assert told.value.why == told.value.why.lower()
    with pytest.raises(StorageFailed):
        folder.save_device(DESK)
    with pytest.raises(StorageFailed):
        folder.save_secret(b"s" * 32)
    assert folder.device() is None
    assert folder.load().newest == b"one"


def test_a_save_whose_rename_can_not_be_flushed_is_told_and_taken_back(
    folder: StateFolder, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    folder.prepare()
    for before in (None, b"one", b"two"):
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fsync)
            with pytest.raises(StorageFailed), folder.lock():
                folder.save(b"lost", accept)
        assert folder.load().newest == before
        assert not (state / "vault.new").exists()
        save(folder, b"one" if before is None else b"two")
    save(folder, b"three")
    assert folder.load().older == (b"two", b"two", b"one")


def test_a_lock_that_closes_badly_does_not_undo_what_was_done(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.prepare()
    real = os.close

    def close(descriptor: int) -> None:
        real(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with folder.lock():
        monkeypatch.setattr(os, "close", close)
    monkeypatch.undo()
    save(folder, b"one")


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageFailed):
            StateFolder(path).prepare()


def test_a_folder_in_the_place_of_the_vault_is_told(folder: StateFolder, state: Path) -> None:
    folder.prepare()
    (state / "vault.json").mkdir(mode=0o700)
    with pytest.raises(StorageFailed):
        folder.load()


def test_a_fifo_in_the_place_of_the_vault_does_not_hang(folder: StateFolder, state: Path) -> None:
    folder.prepare()
    os.mkfifo(state / "vault.json", 0o600)
    assert folder.load().newest == b""


def test_a_huge_file_is_read_only_as_far_as_to_see_that_it_is_too_large(
    folder: StateFolder, state: Path
) -> None:
    save(folder, b"one")
    os.truncate(state / "vault.json", READ_LIMIT + 5000)
    newest = folder.load().newest
    assert newest is not None
    assert len(newest) == READ_LIMIT


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"device": "otp-1"}', "\xff"])
def test_a_damaged_device_file_is_told(folder: StateFolder, state: Path, text: str) -> None:
    folder.save_device(DESK)
    (state / "device.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(StorageFailed) as told:
        folder.device()
    assert told.value.why == "it is damaged"


def test_the_device_file_can_be_read_by_people(folder: StateFolder, state: Path) -> None:
    folder.save_device(DESK)
    assert f'"device": "{DESK.id}"' in (state / "device.json").read_text("ascii")


HOLDER = """
import sys
from pathlib import Path
from appliance.adapters.store import StateFolder
with StateFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until a line comes."""
    command = [sys.executable, "-c", HOLDER, str(state)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_that_holds_the_lock_too_long_is_told(
    folder: StateFolder, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LOCK_SECONDS", 0.05)
    with pytest.raises(LockBusy) as told, folder.lock():
        pytest.fail("both hold the lock")
    assert told.value.exit_code == 1
    assert "try again" in told.value.hint


def test_a_lock_that_another_process_gives_back_in_time_is_waited_for(
    folder: StateFolder, holder: subprocess.Popen[str]
) -> None:
    assert holder.stdin is not None
    pipe = holder.stdin

    def release() -> None:
        pipe.write("\n")
        pipe.flush()

    timer = threading.Timer(0.1, release)
    timer.start()
    with folder.lock():
        pass
    timer.join()


def test_the_lock_of_a_killed_process_is_free(folder: StateFolder, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with folder.lock():
        pass


def test_a_child_process_does_not_inherit_the_lock(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder.lock():
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        monkeypatch.setattr(store_module, "LOCK_SECONDS", 0.0)
        with folder.lock():
            pass
    finally:
        child.kill()
        child.wait()


REAL_TROUBLE = """
import os, sys
from pathlib import Path
from appliance.adapters.store import StateFolder
from appliance.errors import ApplianceError, StorageFailed
mount, kind = Path(sys.argv[1]), sys.argv[2]
folder = StateFolder(mount / "state")
with folder.lock():
    folder.save(b"one", lambda _: None)
if kind == "read-only":
    os.system(f"mount -o remount,ro {mount}")
try:
    with folder.lock():
        folder.save(b"2" * 200_000, lambda _: None)
except StorageFailed as error:
    print(error.what, error.why, error.hint, sep="|")
assert folder.load().newest == b"one", "the old vault is gone"
if kind == "full":
    assert not (mount / "state" / "vault.new").exists(), "it takes up the room"
    with folder.lock():
        folder.save(b"two", lambda _: None)
    assert folder.load().newest == b"two"
"""


@pytest.mark.parametrize(
    ("kind", "why"), [("full", "no space left on device"), ("read-only", "read-only file system")]
)
def test_a_file_system_that_is_really_full_or_read_only(tmp_path: Path, kind: str, why: str) -> None:
    mount = tmp_path / "card"
    mount.mkdir()
    script = f'mount -t tmpfs -o size=64k,mode=700 tmpfs {mount} || exit 77; exec "$@"'
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    command = [unshare, "-rm", "sh", "-c", script, "sh", sys.executable, "-c", REAL_TROUBLE, str(mount), kind]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60
    )
    if done.returncode in {1, 77} and "Traceback" not in done.stderr:
        pytest.skip(f"no mount name space here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("|") == 2, done.stdout
    assert done.stdout.split("|")[1] == why


def test_a_file_larger_than_the_limit_of_the_process_is_storage_trouble(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from appliance.adapters.store import StateFolder
        from appliance.errors import StorageFailed
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        folder = StateFolder(Path(sys.argv[1]))
        with folder.lock():
            folder.save(b"one", lambda _: None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with folder.lock():
                folder.save(b"2" * 5000, lambda _: None)
        except StorageFailed:
            print("told", folder.load().newest)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "state")],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "told b'one'\n"


def test_trouble_with_an_older_generation_does_not_keep_the_newest_from_being_used(
    folder: StateFolder, state: Path
) -> None:
    save(folder, b"one", b"two")
    (state / "vault.json.1").unlink()
    (state / "vault.json.1").mkdir(mode=0o700)
    assert folder.load().newest == b"two"
    assert folder.load().older == ()


def test_trouble_with_an_older_generation_is_told_when_there_is_no_newest(
    folder: StateFolder, state: Path
) -> None:
    folder.prepare()
    (state / "vault.json.1").mkdir(mode=0o700)
    with pytest.raises(StorageFailed):
        folder.load()


def test_all_trouble_is_an_appliance_error_of_exit_code_1() -> None:
    for kind in (StorageFailed, LockBusy, ReadableByOthers):
        assert issubclass(kind, ApplianceError)
        assert kind.exit_code == 1


# --- what it remembers


def test_an_empty_folder_remembers_nothing_and_asking_makes_nothing(folder: StateFolder, state: Path) -> None:
    assert folder.remembered() == {}
    assert not state.exists()


def test_numbers_are_remembered_by_name_for_whoever_looks(folder: StateFolder, state: Path) -> None:
    folder.remember("good_time", 1_800_000_000.25)
    folder.remember("brightness", 128)
    folder.remember("brightness", 64)
    assert StateFolder(state).remembered() == {"good_time": 1_800_000_000.25, "brightness": 64.0}
    assert {path.name for path in state.iterdir()} == {"lock", "remembered.json"}
    assert mode(state / "remembered.json") == 0o600


def test_a_number_that_is_remembered_already_does_not_wear_the_card(folder: StateFolder, state: Path) -> None:
    folder.remember("brightness", 128)
    (state / "hold").hardlink_to(state / "remembered.json")
    folder.remember("brightness", 128.0)
    assert (state / "hold").samefile(state / "remembered.json")
    folder.remember("brightness", 129)
    assert not (state / "hold").samefile(state / "remembered.json")


def remember_raw(state: Path, raw: bytes, bits: int = 0o600) -> None:
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "remembered.json").write_bytes(raw)
    (state / "remembered.json").chmod(bits)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[1, 2]",
        b"null",
        b"17",
        b"[" * 4000,
        b'{"a":' * 800,
        b'{"brightness": 1' + b" " * 5000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_damaged_memory_counts_as_none_and_is_replaced(
    folder: StateFolder, state: Path, raw: bytes
) -> None:
    remember_raw(state, raw)
    assert folder.remembered() == {}
    folder.remember("brightness", 3)
    assert folder.remembered() == {"brightness": 3.0}


@pytest.mark.parametrize(
    "value", ["true", "null", '"7"', "[7]", '{"b": 7}', "NaN", "-Infinity", "1e999", "9" * 400]
)
def test_what_is_no_number_is_not_told_but_kept(folder: StateFolder, state: Path, value: str) -> None:
    remember_raw(state, b'{"odd": %s, "good": 5}' % value.encode())
    assert folder.remembered() == {"good": 5.0}
    folder.remember("good", 6)
    assert folder.remembered() == {"good": 6.0}
    assert b'"odd"' in (state / "remembered.json").read_bytes()


def test_names_that_nobody_knows_are_kept(folder: StateFolder, state: Path) -> None:
    remember_raw(state, '{"of a later version": {"ümlaut": [1, null]}, "brightness": 1}'.encode())
    folder.remember("brightness", 2)
    known = json.loads((state / "remembered.json").read_bytes())
    assert known == {"of a later version": {"ümlaut": [1, None]}, "brightness": 2}


def test_a_memory_that_is_a_link_a_folder_or_open_to_others_counts_as_none(
    folder: StateFolder, state: Path, tmp_path: Path
) -> None:
    remember_raw(state, b'{"brightness": 1}', 0o644)
    assert folder.remembered() == {}
    folder.remember("brightness", 2)
    assert mode(state / "remembered.json") == 0o600
    (state / "remembered.json").rename(tmp_path / "elsewhere")
    (state / "remembered.json").symlink_to(tmp_path / "elsewhere")
    assert folder.remembered() == {}
    (state / "remembered.json").unlink()
    (state / "remembered.json").mkdir()
    assert folder.remembered() == {}


def test_a_memory_that_cannot_be_written_is_storage_trouble_and_stays_as_it_was(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.remember("brightness", 1)
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(StorageFailed):
        folder.remember("brightness", 2)
    assert folder.remembered() == {"brightness": 1.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_remembered_as_nothing(folder: StateFolder, value: float) -> None:
    folder.remember("good_time", 1.0)
    folder.remember("good_time", value)
    assert folder.remembered() == {}


def test_a_memory_nested_as_deep_as_can_be_read_can_be_written(folder: StateFolder, state: Path) -> None:
    for depth in range(850, 1001):
        remember_raw(state, b'{"brightness": 1, "odd": ' + b"[" * depth + b"]" * depth + b"}")
        folder.remember("brightness", 2)
        assert folder.remembered() == {"brightness": 2.0}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user gets to, as pytest's own is not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_owner_than_the_folder_is_told_apart_from_missing_rights(open_folder: Path) -> None:
    state = open_folder / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 12345, 12345)
    (state / "vault.json").touch(mode=0o600)
    with warnings.catch_warnings():  # of threads, which the child does not need
        warnings.simplefilter("ignore", DeprecationWarning)
        reader = os.fork()
    if reader == 0:
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        try:
            StateFolder(state).load()
        except StorageFailed as error:
            os._exit(0 if "another user than its folder" in error.why else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) == 0


@pytest.mark.parametrize("spoil", [lambda file: file.chmod(0o644), lambda file: file.write_text("{")])
def test_a_count_of_tries_that_can_not_be_used_is_very_many(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    folder = StateFolder(tmp_path / "state")
    folder.prepare()
    folder.save_attempts(Attempts(1, None, 5.0))
    assert folder.attempts() == Attempts(1, None, 5.0)
    spoil(tmp_path / "state" / "pin-attempts")
    assert folder.attempts().tries > 10
