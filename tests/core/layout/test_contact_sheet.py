"""The README's pictures of the screens are made of the golden frames as they are now."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.core.layout.contact_sheet import ALL, SCREENS, chosen, everything


@pytest.mark.parametrize(("file", "made"), [(SCREENS, chosen), (ALL, everything)])
def test_the_pictures_of_the_readme_are_up_to_date(file: Path, made: Callable[[], Image.Image]) -> None:
    with Image.open(file) as kept:
        fresh = made()
        assert kept.size == fresh.size
        difference = ImageChops.difference(kept.convert("RGB"), fresh.convert("RGB"))
    assert difference.getbbox() is None, "run python -m tests.core.layout.contact_sheet"
