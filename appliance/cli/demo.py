"""The demo: two appliances and a broker in one terminal."""

from typing import Any


def register(commands: Any) -> None:
    """Add the commands of this family."""
