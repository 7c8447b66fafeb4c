"""Which formats there are, and which of them a file has. Content decides; names of files are not looked at.

A new format is a module in `formats` that fits `Format` (and `Target`, if it can be written), and its line below. The
first that recognises a file has it, so what is marked beyond doubt stands before what is guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from appliance.errors import ApplianceError, NothingFound, NotRecognised, UsageError
from appliance.transfer.content import Content
from appliance.transfer.export import Target
from appliance.transfer.formats import (
    aegis,
    andotp,
    authenticator_extension,
    authenticatorplus,
    authy,
    battlenet,
    bitwarden,
    duo,
    enpass,
    ente,
    freeotp,
    freeotpplus,
    google,
    google_sqlite,
    keepass,
    keepassxc,
    lastpass,
    libpam,
    links,
    microsoft,
    onepassword,
    otpauth_ios,
    password_csv,
    proton,
    protonpass,
    raivo,
    steam,
    stratum,
    totpauthenticator,
    twofas,
    twofauth,
    winauth,
)
from appliance.transfer.found import Means, Reading
from appliance.transfer.trouble import damaged, nothing_in

SIZE_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of all files together; of the exports looked at, the largest has 2.2 MB and most are under 100 kB."""


class Format(Protocol):
    """A foreign format; its modules are the implementations."""

    @property
    def NAME(self) -> str:  # noqa: N802 - modules fill it with a constant
        """What scripts call it."""

    @property
    def TITLE(self) -> str:  # noqa: N802 - modules fill it with a constant
        """What people call it: the program's name."""

    def recognises(self, content: Content, means: Means, /) -> bool:
        """Whether a file is of this format. Must be cheap and must not raise, whatever the content."""

    def read(self, files: Sequence[Content], means: Means, /) -> Reading:
        """Return what the files of one export hold; each was recognised.

        Raises the errors of `trouble` and nothing else: for a missing or wrong password, a damaged file, and one that
        cannot be read here. Whatever is wrong with one entry only is `skipped`.
        """


def read(
    files: Sequence[bytes],
    *,
    password: str | None,
    memory_limit: int,
    new_uuid: Callable[[], str],
    key_file: bytes | None = None,
    more_memory: Callable[[int], None] = lambda _: None,
) -> Reading:
    """Return what the files of one export hold; several are the parts of one (batches of QR codes).

    The reading may have skipped entries only. NothingFound is raised if there are no entries at all or any of the
    files is empty, NotRecognised if any is of an unknown format: no file is passed over in silence. UsageError is
    raised for files over `SIZE_LIMIT` or of different formats; the format may raise what `Format.read` says.
    `memory_limit` is in bytes, for deriving keys.
    """
    if sum(map(len, files)) > SIZE_LIMIT:
        raise UsageError(
            "can't read the import",
            f"it is larger than {SIZE_LIMIT // 2**20} MiB",
            "exports of authenticators are far smaller; check that this is the right file",
        )
    means = Means(password, memory_limit, new_uuid, key_file, more_memory)
    contents = [Content(file) for file in files]
    format_ = _format_of(contents, means)
    reading = format_.read(contents, means)
    if reading.found or reading.skipped:
        return reading
    raise nothing_in(format_.TITLE)


def _format_of(files: Sequence[Content], means: Means) -> Format:
    """Return the first format that all files have: one alone may look like that of another program."""
    if not files:
        raise NothingFound("can't find accounts", "no file was given", "appliance inspect FILE")
    of_each = list(_formats_of_each(files, means))
    common = [each for each in of_each[0] if all(each in others for others in of_each)]
    if not common:
        names = sorted({formats[0].NAME for formats in of_each})
        raise UsageError(
            "can't read the files together",
            f"they have different formats ({', '.join(names)})",
            "import one export after the other",
        )
    return common[0]


def _formats_of_each(files: Sequence[Content], means: Means) -> Iterator[list[Format]]:
    for number, content in enumerate(files, 1):
        name = "the file" if len(files) == 1 else f"file {number}"
        if content.empty:
            raise NothingFound(
                "can't find accounts",
                f"{name} is empty",
                "export it again, and check that it holds something",
            )
        candidates = (each for each in FORMATS if each.recognises(content, means))
        # One is enough for one file, and asking all of them takes its time.
        formats = list(candidates) if len(files) > 1 else list(islice(candidates, 1))
        if not formats:
            raise _unknown(content, name, means)
        yield formats


def _unknown(content: Content, name: str, means: Means) -> ApplianceError:
    if content.begins_like_json and content.json_problem is not None:
        return damaged("JSON", content.json_problem)
    if content.xml is None and (content.text or "").lstrip()[:5] == "<?xml":
        return damaged("XML", "it is cut off, or has parts that no settings file has")
    hint = "appliance inspect --formats lists what can be read"
    # Text without any space may be base64.
    if means.password is None and not (content.text and " " in content.text.strip()):
        hint += "; some encrypted files are recognised only together with --password-file"
    return NotRecognised("can't find accounts", f"the format of {name} is not recognised", hint)


FORMATS: Final[tuple[Format, ...]] = (
    aegis,
    twofas,
    enpass,
    bitwarden,
    stratum,
    proton,
    ente,
    freeotpplus,
    duo,
    authy,
    battlenet,
    freeotp,
    keepass,
    microsoft,
    google_sqlite,
    onepassword,
    protonpass,
    raivo,
    authenticatorplus,
    otpauth_ios,
    twofauth,
    lastpass,
    authenticator_extension,
    keepassxc,
    password_csv,
    libpam,
    winauth,
    links,
    # Without a mark: recognised by a password only.
    totpauthenticator,
    steam,
    andotp,
)

TARGETS: Final[dict[str, Target]] = {
    "aegis": Target(aegis.TITLE, ".json", aegis.hold, aegis.write, encrypted=True),
    "aegis-plain": Target(aegis.TITLE, ".json", aegis.hold, aegis.write_plain),
    "2fas": Target(twofas.TITLE, ".2fas", twofas.hold, twofas.write, encrypted=True),
    "2fas-plain": Target(twofas.TITLE, ".2fas", twofas.hold, twofas.write_plain),
    "ente": Target(ente.TITLE, ".json", ente.hold, ente.write, encrypted=True),
    "ente-plain": Target(ente.TITLE, ".txt", ente.hold, ente.write_plain),
    "proton": Target(proton.TITLE, ".json", proton.hold, proton.write, encrypted=True),
    "proton-plain": Target(proton.TITLE, ".json", proton.hold, proton.write_plain),
    "stratum": Target(stratum.TITLE, ".stratum", stratum.hold, stratum.write, encrypted=True),
    "stratum-plain": Target(stratum.TITLE, ".stratum", stratum.hold, stratum.write_plain),
    "bitwarden": Target(bitwarden.TITLE, ".json", bitwarden.hold, bitwarden.write),
    "keepassxc": Target("KeePassXC", ".csv", keepassxc.hold, keepassxc.write, risks=keepassxc.risks),
    "andotp": Target(andotp.TITLE, ".json", andotp.hold, andotp.write),
    "google": Target(google.TITLE, ".png", google.hold, google.write, pages=google.terminal_pages),
    "uris": Target(links.TITLE, ".txt", links.hold, links.write),
}
"""By the name that `export --to` takes. Where a program knows both, the plain name is its encrypted format."""
