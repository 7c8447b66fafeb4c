"""The `RPi.GPIO` module, of rpi-lgpio or the original, imported so that it harms nothing."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any


def rpi_gpio(runtime_dir: Path) -> Any:
    """Import and return the module; raises whatever it likes.

    `import lgpio` makes a named pipe in the working directory, and with LG_WD set it changes the working directory for
    good (lgpio 0.2.2.0). So it is imported inside `runtime_dir`, or where there is none yet in the folder for temporary
    files, and the directory is put back afterwards.
    """
    folder = runtime_dir if runtime_dir.is_dir() else Path(tempfile.gettempdir())
    with contextlib.chdir(folder):
        from RPi import GPIO

    return GPIO
