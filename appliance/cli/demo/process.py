"""Child processes that can be trusted to end."""

import contextlib
import subprocess
from typing import IO, Any, Final

END_SECONDS: Final = 5.0

Process = subprocess.Popen[Any]


def end(process: Process) -> None:
    """End a process: politely, then by force. It may have ended already; blocks for some seconds at most."""
    pipe: IO[Any] | None = process.stdin
    if pipe is not None:
        with contextlib.suppress(OSError, ValueError):
            pipe.close()
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
