"""What the power is cut in: operations on a real state folder, and what a fresh process finds there afterwards.

Rules: an operation says `told` at the moment it promises something: an answer on the screen, a PIN that is tried. What
`look` returns is compared: before the operation, after it, and on every card that it may leave. Every run draws the
same random bytes, so that the same operation in another process makes the same vault.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from appliance.adapters.store import StateFolder
from appliance.errors import (
    NothingFound,
    StorageFailed,
    VaultDamaged,
    VaultLocked,
    WrongPassphrase,
    WrongPin,
)
from appliance.keeper import BY_ITSELF, Door, Keeper
from appliance.ports import Device
from appliance.vault import edit, keys, pin, sealed
from appliance.vault.edit import Moment
from appliance.vault.model import Account, Vault
from tests.stores import Dice, FakeClock

PASSPHRASE: Final = "correct horse battery staple"
NEW_PASSPHRASE: Final = "another horse battery staple"
RECOVERY: Final = keys.new_recovery_key(lambda size: b"\x55" * size)
PIN: Final = "493817"
VAULT_ID: Final = "11111111-1111-4111-8111-111111111111"
DESK: Final = Device("otp-00000001", None, "desk")
SECOND: Final = Device("otp-00000002", None, "hall")
SEED: Final = b"12345678901234567890"

Told = Callable[[], None]
Scrypt = Callable[..., bytes]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that changes the state folder."""

    name: str
    prepare: Callable[[StateFolder], object]
    """Makes what is there before."""
    act: Callable[[StateFolder, Told], object]
    look: Callable[[StateFolder], object]
    """Returns what a fresh process finds; whatever it raises is a failure."""
    go_on: Callable[[StateFolder], object]
    """Does what an owner does next; raises if that is not possible."""
    passing: tuple[object, ...] = ()
    """What may be found besides, while it is not done."""
    undone: bool = True
    """What is told as failed is not there at the next look."""
    forgets: bool = False
    """When it is done, no file is left that an older key or door opens."""


def cheap(real: Scrypt) -> Scrypt:
    """Return scrypt at the least cost; nothing here is about its strength."""

    def scrypt(password: bytes, salt: bytes, *, n: int, p: int, memory_limit: int) -> bytes:
        return real(password, salt, n=min(n, 2**10), p=p, memory_limit=memory_limit)

    return scrypt


def keeper(
    folder: StateFolder, entered: str | None = None, *, throw: int = 0, deriving: Told = lambda: None
) -> Keeper:
    """Return a keeper as a process has it that just started; `deriving` is called before each key derivation."""

    def memory() -> int:
        deriving()
        return 1 << 30

    return Keeper(folder, FakeClock(), Dice(throw), memory, entered, lambda: "this boot")


def account(name: str, *, hotp: bool = False) -> Account:
    uuid = str(UUID(bytes=name.encode().rjust(16, b"_"), version=4))
    return Account(uuid, "hotp" if hotp else "totp", "Example", name, SEED)


def adding(name: str, *, hotp: bool = False) -> Callable[[Vault, Moment], Vault]:
    return lambda vault, moment: edit.add(vault, account(name, hotp=hotp), 0, moment)


# --- what is there before


def nothing(folder: StateFolder) -> None:
    """A state folder that nobody made yet, as `init` finds it."""


def made(folder: StateFolder, door: Door = BY_ITSELF, changes: int = 0) -> None:
    create(folder, lambda: None, door)
    for number in range(changes):
        keeper(folder, PASSPHRASE, throw=1000 + 10 * number).change(adding(f"a{number}"))


def used(folder: StateFolder) -> None:
    """All generations are there, and a HOTP account."""
    made(folder, changes=4)
    keeper(folder, throw=2000).change(adding("wiki", hotp=True))


def with_pin(folder: StateFolder) -> None:
    """One wrong PIN was entered."""
    made(folder, Door("pin", PIN), changes=2)
    enter(folder, "000000")


def damaged(folder: StateFolder) -> None:
    """The newest file has one wrong bit."""
    used(folder)
    newest = folder.path / "vault.json"
    envelope = sealed.read(newest.read_bytes())
    newest.write_bytes(sealed.write(replace(envelope, db=bytes([envelope.db[0] ^ 1]) + envelope.db[1:])))


def without_secret(folder: StateFolder) -> None:
    used(folder)
    (folder.path / "device-secret").unlink()


# --- what is done


def create(folder: StateFolder, told: Told, door: Door = BY_ITSELF) -> None:
    folder.prepare()
    with folder.lock():
        folder.save_device(DESK)
    one = keeper(folder, throw=100)
    one.create(VAULT_ID, PASSPHRASE, RECOVERY, Dice(200).uuid, door)
    told()


def adopt(folder: StateFolder, told: Told) -> None:
    """Make the vault of another device from a backup."""
    source = keeper(StateFolder(folder.path.parent / "source"), PASSPHRASE)
    kept = source.open()
    folder.prepare()
    folder.save_device(SECOND)
    one = keeper(folder, PASSPHRASE, throw=3000)
    one.adopt(*one.open_foreign(kept.published))
    told()


def with_source(folder: StateFolder) -> None:
    used(StateFolder(folder.path.parent / "source"))


def change(folder: StateFolder, told: Told) -> None:
    keeper(folder, throw=3000).change(adding("new"))
    told()


def spend(folder: StateFolder, told: Told) -> None:
    """Show a HOTP code."""
    keeper(folder, throw=3000).change(lambda vault, _moment: edit.spend(vault, account("wiki").uuid))
    told()


def rekey(folder: StateFolder, told: Told) -> None:
    one = keeper(folder, throw=3000)
    one.rekey(NEW_PASSPHRASE, keys.new_recovery_key(Dice(3100)), Dice(3200).uuid, BY_ITSELF)
    told()


def take_the_pin_away(folder: StateFolder, told: Told) -> None:
    keeper(folder, PASSPHRASE, throw=3000).rehang(BY_ITSELF)
    told()


def set_a_pin(folder: StateFolder, told: Told) -> None:
    keeper(folder, throw=3000).rehang(Door("pin", PIN))
    told()


def ask_for_the_passphrase(folder: StateFolder, told: Told) -> None:
    keeper(folder, throw=3000).rehang(Door("passphrase"))
    told()


def enter(folder: StateFolder, entered: str, trying: Told = lambda: None) -> float:
    """Enter a PIN; return the seconds to wait if it was wrong. `trying` is called when the PIN is about to be tried."""
    try:
        keeper(folder, throw=3000, deriving=trying).unlock(entered)
    except WrongPin as error:
        return error.wait
    return 0.0


def enter_a_wrong_pin(folder: StateFolder, told: Told) -> None:
    """A card that does not take the count promises nothing: this process itself makes everybody wait then."""
    if enter(folder, "000000", told) >= pin.UNCOUNTED_SECONDS:
        raise StorageFailed("can't count the try", "the card does not take it", "wait a minute")


def enter_the_pin(folder: StateFolder, told: Told) -> None:
    """It promises nothing about the count: too many tries on the card only make one wait."""
    enter(folder, PIN)


def open_it(folder: StateFolder, told: Told) -> None:
    keeper(folder).open()
    told()


def open_with_the_passphrase(folder: StateFolder, told: Told) -> None:
    keeper(folder, PASSPHRASE, throw=3000).open()
    told()


def remember(folder: StateFolder, told: Told) -> None:
    folder.remember("brightness", 64.0)
    told()


# --- what is found


def vault(folder: StateFolder) -> object:
    """Return the vault and how it opens, never one of the older generations; None: there is none."""
    try:
        kept = keeper(folder).open()
    except NothingFound:
        return None
    except VaultLocked:
        kept = keeper(folder, PASSPHRASE).open()
    assert kept.warning is None, kept.warning
    return (kept.mode, kept.envelope.epoch, kept.vault)


def vault_and_passphrase(folder: StateFolder) -> object:
    return (vault(folder), opens(folder, PASSPHRASE), opens(folder, NEW_PASSPHRASE))


def opens(folder: StateFolder, passphrase: str) -> bool:
    try:
        keeper(folder, passphrase).open()
    except WrongPassphrase:
        return False
    return True


def vault_or_generation_before(folder: StateFolder) -> object:
    return keeper(folder).open().vault


def vault_and_whether_it_opens_by_itself(folder: StateFolder) -> object:
    try:
        return (True, keeper(folder).open().vault)
    except VaultDamaged:
        return (False, keeper(folder, PASSPHRASE).open().vault)


def tries(folder: StateFolder) -> object:
    return folder.attempts().tries


# --- what comes next


def change_again(folder: StateFolder) -> None:
    """Save a change, with whatever opens the vault; make the vault again if there is none."""
    if not keeper(folder).exists():
        create(folder, lambda: None)
        return
    for entered in (None, PASSPHRASE, NEW_PASSPHRASE):
        with contextlib.suppress(WrongPassphrase, VaultDamaged):
            kept = keeper(folder, entered, throw=5000).change(adding("next"))
            assert keeper(folder, entered).open().vault == kept.vault
            return
    raise AssertionError("nothing opens the vault")


def again(folder: StateFolder, told: Told) -> None:
    change_again(folder)
    told()


def remember_again(folder: StateFolder) -> None:
    folder.remember("brightness", 32.0)
    assert folder.remembered()["brightness"] == 32.0


def _operation(
    act: Callable[[StateFolder, Told], object],
    prepare: Callable[[StateFolder], object],
    look: Callable[[StateFolder], object] = vault,
    **more: Any,
) -> Operation:
    return Operation(act.__name__, prepare, act, look, **{"go_on": change_again, **more})


OPERATIONS: Final = (
    _operation(create, nothing),
    _operation(adopt, with_source),
    replace(_operation(change, made), name="first_change"),
    _operation(change, used),
    _operation(spend, used),
    _operation(rekey, used, vault_and_passphrase, forgets=True),
    _operation(set_a_pin, used, forgets=True),
    _operation(ask_for_the_passphrase, used, forgets=True),
    _operation(take_the_pin_away, with_pin, forgets=True),
    _operation(enter_a_wrong_pin, with_pin, tries, undone=False),
    _operation(enter_the_pin, with_pin, tries, passing=(2,), undone=False),
    replace(_operation(open_it, damaged, vault_or_generation_before), name="set_aside"),
    replace(
        _operation(open_with_the_passphrase, without_secret, vault_and_whether_it_opens_by_itself),
        name="reinstate",
    ),
    _operation(remember, made, StateFolder.remembered, go_on=remember_again, undone=False),
)
AGAIN: Final = _operation(again, used)
"""What follows an interrupted one."""
READING: Final = replace(_operation(open_it, used), name="only_open")
"""It writes nothing, and so only its system calls are of interest."""
OPERATION: Final = {operation.name: operation for operation in (*OPERATIONS, READING)}
