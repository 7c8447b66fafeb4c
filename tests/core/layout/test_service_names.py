"""Two hundred names that owners will meet, in the header of the code screen and as rows of the list."""

import pytest

from appliance.core.layout import lettering
from appliance.core.layout.code_screen import CodeView, code_frame, issuer_overflow
from appliance.core.layout.list_screen import ListView, list_frame
from appliance.core.layout.spelling import spelled
from tests.core.layout.panel import inside_margin
from tests.core.layout.service_names import GREEK_AND_CYRILLIC, LATIN, SERVICE_NAMES


def test_there_are_two_hundred_different_names() -> None:
    assert len(SERVICE_NAMES) == len(set(SERVICE_NAMES)) == 200


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_a_name_is_seen_in_the_header_and_in_the_list(name: str) -> None:
    header = code_frame(CodeView(name, "", 3, 17, None, sign="verified"))
    assert inside_margin(header)
    assert header.crop((0, 0, 40, 16)).getbbox() is not None
    row = list_frame(ListView("", ("", name), 0, (False, True)))
    assert inside_margin(row)
    assert row.crop((0, 27, 100, 39)).getbbox() is not None


@pytest.mark.parametrize("name", [*LATIN, *GREEK_AND_CYRILLIC])
def test_latin_greek_and_cyrillic_keep_every_letter(name: str) -> None:
    assert spelled(name) == name
    assert "?" not in spelled(name)


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_no_name_is_a_question_mark_and_what_is_cut_says_so(name: str) -> None:
    assert spelled(name).strip(" ?")
    cut = issuer_overflow(CodeView(name, "", 3, 17, None, sign="verified")) > 0
    assert cut or not lettering.fitted(name, "small", 90).endswith("…")
