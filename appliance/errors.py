"""What went wrong, why, and what to do about it.

Rules: `what` names the object, `why` states the fact, `hint` is an action. All three are lower case, without
a full stop, and never hold a secret: they are printed, logged and shown on the display. Each class carries
its exit code, which scripts rely on and the README lists.
"""

from typing import ClassVar, Literal


class ApplianceError(Exception):
    """An error that was foreseen; it is told in two lines and never with a traceback."""

    exit_code: ClassVar[int] = 1
    short: ClassVar[str] = "E1"
    """The short code that the display shows and the README lists."""

    def __init__(self, what: str, why: str, hint: str = "") -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.hint = hint


class NotOwner(ApplianceError):
    """The caller is neither root nor the owner of the state folder."""


class VaultExists(ApplianceError):
    """A vault is already there, and nothing overwrites one."""


class LockBusy(ApplianceError):
    """Another process held the vault's lock for longer than a command waits."""


class ReadableByOthers(ApplianceError):
    """A file of secrets may be read by its group or by everybody."""


class StorageFailed(ApplianceError):
    """The card is full, read-only or broken; what was saved before is still there."""

    short = "E2"


class MemoryShort(ApplianceError):
    """Deriving a key needs more memory than there is."""


class NotRunning(ApplianceError):
    """The daemon does not answer on its control socket."""


class UsageError(ApplianceError):
    """The command line does not make sense."""

    exit_code = 2


class WrongPassphrase(ApplianceError):
    """The passphrase, recovery key, PIN or file password is missing or does not open the thing."""

    exit_code = 3
    short = "E3"


class PasswordMissing(WrongPassphrase):
    """The file of another program is encrypted, and its password was not given."""


class VaultLocked(WrongPassphrase):
    """Nobody has entered yet what opens the vault."""

    def __init__(self, kind: Literal["pin", "passphrase"]) -> None:
        what = "the PIN" if kind == "pin" else "the passphrase"
        super().__init__("can't open the vault", f"it needs {what}", "appliance unlock")
        self.kind: Literal["pin", "passphrase"] = kind


class WrongPin(WrongPassphrase):
    """It was not the PIN."""

    def __init__(self, wait: float, left: int | None) -> None:
        then = f"wait {wait:.0f} s" if wait > 0 else f"{left} more before waiting begins"
        super().__init__("can't open the vault", "wrong PIN", f"{then}; the passphrase opens it at once")
        self.wait = wait
        self.left = left


class MustWait(WrongPassphrase):
    """After wrong PINs the next one must wait."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "can't try the PIN yet", f"{wait:.0f} s to wait", "the passphrase opens the vault at once"
        )
        self.wait = wait


class VaultDamaged(ApplianceError):
    """The bytes are not a vault that this program wrote."""

    exit_code = 4
    short = "E4"


class VaultTooNew(ApplianceError):
    """A newer release wrote the vault; it is left untouched."""

    exit_code = 4
    short = "E4"


class FileDamaged(ApplianceError):
    """The file of another program is cut off or is not what its format promises."""

    exit_code = 4


class CannotRead(ApplianceError):
    """The file of another program is recognised, but can't be read here; the hint says what to do in place of it."""

    exit_code = 4


class NotConfined(ApplianceError):
    """Here the reader of foreign files can't be shut in, so it is sent none."""


class BrokerFailed(ApplianceError):
    """The broker did not do what was asked of it."""

    exit_code = 5
    short = "E5"


class NothingFound(ApplianceError):
    """There is no such account, vault, backup or entry, or more than one."""

    exit_code = 6


class NotRecognised(NothingFound):
    """The file is of no format that is known here."""


class HardwareFailed(ApplianceError):
    """A bus, a panel or a pin does not answer."""

    exit_code = 7
    short = "E7"


class ConfigurationInvalid(ApplianceError):
    """The configuration has problems; the message lists every one of them."""

    exit_code = 78
