"""The confined child: takes an order from standard input, reads the files under limits, and answers."""

import os
import resource
import stat
import sys
from pathlib import Path
from uuid import UUID

import appliance
from appliance.adapters.confinement.wire import Order, order_of, refused, told, told_codes
from appliance.errors import ApplianceError
from appliance.transfer import picture, registry

_MEMORY = 176 << 20
"""Bytes of data, everything that Python and the decoders hold; a photo of 50 megapixels fits."""
_CPU_SECONDS = 120
_IMPORTED = (sys.prefix, sys.base_prefix, appliance.__path__[0])
"""Folders that the child still imports from."""
_NOBODY = 65534
"""Debian's user and group of that name; `sudo appliance import` reads the file as this one."""


def main() -> int:
    """Return the exit code; 0 also for an error that is the answer."""
    order = order_of(sys.stdin.buffer)
    _confine(order.memory_limit)
    try:
        answer = _answered(order)
    except ApplianceError as error:
        answer = refused(error)
    except MemoryError:
        return os.EX_OSERR
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return os.EX_OK


def _answered(order: Order) -> bytes:
    if order.wanted == "codes":
        return told_codes(tuple(code for file in order.files for code in picture.codes(file)))
    return told(
        registry.read(
            order.files,
            password=order.password,
            memory_limit=order.memory_limit,
            new_uuid=_new_uuid,
            key_file=order.key_file,
            more_memory=_more_memory,
        )
    )


def _confine(memory_limit: int) -> None:
    if os.geteuid() == 0 and all(_entered_by_all(Path(start)) for start in _IMPORTED):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY + memory_limit))


def _entered_by_all(folder: Path) -> bool:
    """Return whether nobody in particular can still import what is in a folder."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def _more_memory(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (min(_MEMORY + size, hard), hard))


def _new_uuid() -> str:
    return str(UUID(bytes=os.urandom(16), version=4))


if __name__ == "__main__":
    sys.exit(main())
