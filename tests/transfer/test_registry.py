"""Which format a file has, and the distinct ways in which there is nothing to read."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.errors import ApplianceError, NothingFound, UsageError
from appliance.transfer import registry
from appliance.transfer.content import Content
from appliance.transfer.found import Means, Reading
from tests.transfer.reading import read

ONE = b"otpauth://totp/Example:alice?secret=MZXW6YTBOI\n"
TWO = b"otpauth://totp/Example:bob?secret=MZXW6YTB\n"


class Hollow:
    """A format of files that hold no entries."""

    NAME = "hollow"
    TITLE = "Hollow"

    def recognises(self, content: Content, means: Means, /) -> bool:
        return content.data.startswith(b"HOLLOW") and means.password == "open" and means.memory_limit == 2**28

    def read(self, files: Sequence[Content], means: Means, /) -> Reading:
        return Reading(self.NAME, encrypted=True, found=())


@pytest.fixture
def hollow(monkeypatch: pytest.MonkeyPatch) -> None:
    formats: tuple[registry.Format, ...] = (Hollow(), *registry.FORMATS)
    monkeypatch.setattr(registry, "FORMATS", formats)


def test_a_list_of_links_is_found_by_its_content() -> None:
    reading = read(ONE + TWO)
    assert reading.format == "uri-list"
    assert [found.account.name for found in reading.found] == ["alice", "bob"]


def test_several_files_are_one_export() -> None:
    assert [found.account.name for found in read(ONE, TWO).found] == ["alice", "bob"]


def test_a_file_with_only_bad_entries_is_still_a_reading() -> None:
    # So that `inspect` can list what it is that cannot be used.
    reading = read(b"motp://Example:alice?secret=30edcc8e")
    assert reading.found == ()
    assert [skipped.reason for skipped in reading.skipped] == ["mOTP codes are not supported"]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ((), "no file was given"),
        ((b"",), "the file is empty"),
        ((b"\n# comment\n",), "the file is empty"),
        ((b"\xef\xbb\xbf\n",), "the file is empty"),
        ((b"\xff\xfe",), "the file is empty"),
        ((ONE, b"\r\n", b"hello"), "file 2 is empty"),
    ],
)
def test_nothing_to_read_is_nothing_found(files: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(NothingFound) as caught:
        read(*files)
    assert caught.value.why == why
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    "content", [b"hello", b"\x89ABC\r\n\x1a\n", b"{}", b"[1]", b"https://totp/a?secret=MZXW6YTB"]
)
def test_an_unknown_format_is_said_to_be_one(content: bytes) -> None:
    with pytest.raises(NothingFound, match="format of the file is not recognised") as caught:
        read(content)
    assert "--formats" in caught.value.hint
    assert caught.value.exit_code == 6
    assert "MZXW" not in str(caught.value)


def test_one_unknown_file_among_several_is_not_passed_over() -> None:
    with pytest.raises(NothingFound, match="file 2 is not recognised"):
        read(ONE, b"hello")


@pytest.mark.usefixtures("hollow")
def test_a_known_format_without_entries_is_nothing_found() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        read(b"HOLLOW", password="open")


@pytest.mark.usefixtures("hollow")
def test_a_format_may_go_by_the_password() -> None:
    with pytest.raises(NothingFound, match="not recognised"):
        read(b"HOLLOW")


@pytest.mark.usefixtures("hollow")
def test_files_of_different_formats_are_not_one_export() -> None:
    with pytest.raises(UsageError, match="hollow, uri-list"):
        read(ONE, b"HOLLOW", password="open")


def test_files_over_10_mib_together_are_refused_unread() -> None:
    at_limit = ONE + b"#" * (10 * 2**20 - len(ONE))
    assert len(read(at_limit).found) == 1
    with pytest.raises(UsageError, match="10 MiB"):
        read(at_limit, b"#")


def outcome(*files: bytes) -> None:
    try:
        reading = read(*files)
    except ApplianceError:
        return
    assert reading.found or reading.skipped


@given(st.binary(), st.none() | st.text())
@example(b"\xff\xfe\x00\xd8\n", None)
def test_any_bytes_are_a_reading_or_a_foreseen_error(content: bytes, password: str | None) -> None:
    outcome(content)
    outcome(content, content)


@given(
    st.lists(
        st.sampled_from([ONE, TWO, b"otpauth://", b"\r", b"\n", b"#", b'"', b"\xef\xbb\xbf"])
        | st.binary(max_size=5)
    )
)
def test_any_bytes_around_links_are_a_reading_or_a_foreseen_error(parts: list[bytes]) -> None:
    outcome(b"".join(parts))
    outcome(ONE + b"".join(parts))
