from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration is to be written."""
    return tmp_path / "config.yaml"
