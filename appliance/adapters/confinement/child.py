"""The confined child: imports, shuts its doors, tells what it found of them, and only then takes an order and answers."""

import json
import os
import sys
from collections.abc import Callable
from uuid import UUID

from appliance.adapters.confinement import doors, libraries
from appliance.adapters.confinement.wire import Order, Report, order_of, refused, reported, told, told_codes
from appliance.errors import ApplianceError

Reader = Callable[[Order], bytes]
"""Makes an answer of an order."""


def read(order: Order) -> bytes:
    """Return the answer to an order."""
    from appliance.transfer import picture, registry

    if order.wanted == "codes":
        return told_codes(code for file in order.files for code in picture.codes(file))
    return told(
        registry.read(
            order.files,
            password=order.password,
            memory_limit=order.memory_limit,
            new_uuid=_new_uuid,
            key_file=order.key_file,
            more_memory=doors.more_memory,
        )
    )


def main(reader: Reader = read) -> int:
    """Return the exit code; 0 also for an error that is the answer.

    The first argument says how much memory may be had, the second what is to be imported.
    """
    memory_limit, large = int(sys.argv[1]), json.loads(sys.argv[2])
    walls = doors.leave_namespaces()
    libraries.load(large)
    could = doors.shut(memory_limit, walls)
    _send(reported(Report(tuple(walls), could)))
    order = order_of(sys.stdin.buffer)
    try:
        answer = reader(order)
    except ApplianceError as error:
        answer = refused(error)
    except MemoryError:
        return os.EX_OSERR
    _send(answer)
    return os.EX_OK


def _send(answer: bytes) -> None:
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _new_uuid() -> str:
    """Return what the formats want of each account; the parent gives it another."""
    return str(UUID(bytes=os.urandom(16), version=4))
