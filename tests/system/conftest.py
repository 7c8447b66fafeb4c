"""Chance for the tests that kill: the moments are drawn from a seed, and `KILL_SEED` repeats them."""

import os
import random

import pytest


@pytest.fixture
def dice() -> random.Random:
    """Draws moments; a test that fails shows the seed."""
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KILL_SEED={seed}")
    return random.Random(seed)
