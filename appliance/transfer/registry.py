"""Which formats there are, and which of them a file has. Content decides; names of files are not looked at.

A new format is a module that fits `Format`, and a line in `_FORMATS`: the first that recognises a file has it,
so what is marked by magic bytes stands before what is guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from appliance.errors import NothingFound, UsageError
from appliance.transfer import uri_list
from appliance.transfer.found import Means, Reading

SIZE_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of all files together; of the exports looked at, the largest has 2.2 MB and most are under 100 kB."""


class Format(Protocol):
    """A foreign format; its modules are the implementations."""

    @property
    def NAME(self) -> str:  # noqa: N802 - modules fill it with a constant
        """What people and scripts call it."""

    def recognises(self, content: bytes, means: Means, /) -> bool:
        """Whether a file is of this format. Must be cheap and must not raise, whatever the content."""

    def read(self, files: Sequence[bytes], means: Means, /) -> Reading:
        """Return what the files of one export hold; each was recognised.

        Raises WrongPassphrase for a missing or wrong password, and NothingFound for a damaged file; whatever is
        wrong with one entry only is `skipped`.
        """


def read(
    files: Sequence[bytes], *, password: str | None, memory_limit: int, new_uuid: Callable[[], str]
) -> Reading:
    """Return what the files of one export hold; several are the parts of one (batches of QR codes).

    The reading may have skipped entries only. NothingFound is raised if there are no entries at all, if any of the
    files is empty, or, with another reason, if any is of an unknown format: no file is passed over in silence.
    UsageError is raised for files over `SIZE_LIMIT` or of different formats; the format may raise what `Format.read`
    says. `memory_limit` is in bytes, for deriving keys.
    """
    if sum(map(len, files)) > SIZE_LIMIT:
        raise UsageError(
            "can't read the import",
            f"it is larger than {SIZE_LIMIT // 2**20} MiB",
            "exports of authenticators are far smaller; check that this is the right file",
        )
    means = Means(password, memory_limit, new_uuid)
    formats = {format_.NAME: format_ for format_ in _formats_of(files, means)}
    if len(formats) > 1:
        raise UsageError(
            "can't read the files together",
            f"they have different formats ({', '.join(sorted(formats))})",
            "import one export after the other",
        )
    for format_ in formats.values():
        reading = format_.read(files, means)
        if reading.found or reading.skipped:
            return reading
    raise NothingFound(
        "can't find accounts", "there are none", "export them again, and check that the export holds accounts"
    )


def _formats_of(files: Sequence[bytes], means: Means) -> Iterator[Format]:
    for number, content in enumerate(files, 1):
        name = "the file" if len(files) == 1 else f"file {number}"
        if uri_list.empty(content):
            raise NothingFound(
                "can't find accounts",
                f"{name} is empty",
                "export it again, and check that it holds something",
            )
        for format_ in _FORMATS:
            if format_.recognises(content, means):
                yield format_
                break
        else:
            raise NothingFound(
                "can't find accounts",
                f"the format of {name} is not recognised",
                f"formats that are: {', '.join(format_.NAME for format_ in _FORMATS)}",
            )


_FORMATS: Final[tuple[Format, ...]] = (uri_list,)
