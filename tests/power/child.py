"""Does operations on state folders, each in a process of its own, which a tracer may kill or let down.

    python -m tests.power.child FOLDER WORK...

WORK is an operation's name, or that and a wrong writer's (`change:InPlace`); it is done on FOLDER/WORK/state. Beside
that, `process` holds the process's number, `out` "told" once something was promised, `err` what a person would read,
`end` the exit code (negative: the signal). Each is a fork, after all imports: a tracer that counts the calls of each
process then counts those of the operation.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from appliance.adapters.store import StateFolder
from appliance.cli import terminal
from appliance.errors import ApplianceError
from appliance.vault import keys
from tests.power.operations import OPERATION, cheap
from tests.power.wrong import WRITER, settle


def main(root: Path, works: list[str]) -> None:
    """Do the works one after the other."""
    keys.scrypt = cheap(keys.scrypt)
    for work in works:
        process = os.fork()
        if process == 0:
            _do(root, work)
        _, status = os.waitpid(process, 0)
        (root / work / "process").write_text(str(process))
        (root / work / "end").write_text(str(os.waitstatus_to_exitcode(status)))


def _do(root: Path, work: str) -> NoReturn:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(root / work / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    name, _, writer = work.partition(":")
    folder = WRITER.get(writer, StateFolder)(root / work / "state")
    code = _exit_code(name, folder)
    sys.stdout.flush()
    os._exit(code)


def _exit_code(name: str, folder: StateFolder) -> int:
    """Do it as a command does."""
    try:
        OPERATION[name].act(folder, lambda: print("told", flush=True))
        settle(folder)
    except ApplianceError as error:
        terminal.tell_error(error)
        return error.exit_code
    except Exception:  # noqa: BLE001 - a bug: what was foreseen is an ApplianceError
        traceback.print_exc()
        return os.EX_SOFTWARE
    return os.EX_OK


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
