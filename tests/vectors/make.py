"""Write what this release saves and publishes, so that every later one can prove that it still opens it.

    python -m tests.vectors.make FOLDER

Run once for each release, with its own commands; what it wrote is never edited, and never made again.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from appliance.vault import canonical
from tests.household import Appliance

PASSPHRASE: Final = "gravel unlit copper mustang evolve tiptop"
LATER: Final = "remover cactus dolphin shading purse unpaved"
PIN: Final = "31415926"
LINKS: Final = """\
otpauth://totp/Example%20Bank:anna?secret=JBSWY3DPEHPK3PXP&issuer=Example%20Bank&algorithm=SHA256&digits=8&period=60
otpauth://hotp/Door:hall?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door&counter=7
otpauth://totp/Mail:anna%40example.org?secret=MFRGGZDFMZTWQ2LKNNWG23TP&issuer=Mail
"""
FILES: Final = ("vault.json", "device.json", "device-secret")


def write(folder: Path) -> None:
    """Write the files of this release: each start mode, before and after a change of the passphrase."""
    for mode in ("credential", "pin", "passphrase"):
        with tempfile.TemporaryDirectory() as scratch:
            _write(folder / mode, Path(scratch), mode)


def _write(target: Path, scratch: Path, mode: str) -> None:
    desk = Appliance(scratch, "desk", None)
    desk.set(vault={"unlock": mode})
    first = ("--passphrase-file", desk.secret_file("first", PASSPHRASE))
    later = ("--new-passphrase-file", desk.secret_file("later", LATER))
    pin = ("--pin-file", desk.secret_file("pin", PIN)) if mode == "pin" else ()
    recovery = [desk.json("init", *first, *pin)["recovery_key"]]
    desk.does(
        "import",
        desk.secret_file("links.txt", LINKS),
        "--yes",
        *(first if pin or mode == "passphrase" else ()),
    )
    _keep(desk, target / "first")
    recovery.append(desk.json("passphrase", *first, *later, *pin)["recovery_key"])
    _keep(desk, target / "rekeyed")
    secrets = {"passphrases": [PASSPHRASE, LATER], "recovery_keys": recovery, "pin": PIN if pin else None}
    (target / "secrets.json").write_text(json.dumps(secrets, indent=2) + "\n")


def _keep(desk: Appliance, target: Path) -> None:
    target.mkdir(parents=True)
    for name in FILES:
        if (desk.state / name).exists():
            (target / name).write_bytes((desk.state / name).read_bytes())
    published = canonical.load((target / "vault.json").read_bytes())
    published.pop("x-device", None)
    (target / "backup.json").write_bytes(canonical.dump(published))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
