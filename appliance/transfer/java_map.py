"""Java's serialised `HashMap<String, String>`, and nothing else that Java can serialise: no object is ever made.

    AC ED 00 05                stream magic and version
    73 72 0011 "java.util.HashMap" uid flags, 0 to 2 fields (type, name), 78 70
    4 bytes for each field     load factor, threshold
    77 08 capacity size        two integers of 4 bytes
    key value ...              74 length(2) text | 7C length(8) text | 71 handle(4) of an earlier text
    78

Texts are "modified UTF-8": NUL is C0 80, and what UTF-16 needs two units for is two encoded surrogates. Source: Java
Object Serialization Specification, chapter 6.
"""

from typing import Final

MAGIC: Final = b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap"
_HEAD: Final = MAGIC + (362498820763181265).to_bytes(8) + b"\x03"
"""With the version of the class, and the flags for "writes its own data"."""
_FIRST_HANDLE: Final = 0x7E0002
"""Of the first text; the class and the map itself have those before it."""


class Malformed(ValueError):
    """The bytes are no map of texts; the message says why."""


def texts(data: bytes, most: int) -> dict[str, str]:
    """Return the map, in the order of the file. Raises Malformed, also for more than `most` entries."""
    source = _Source(data)
    source.expect(_HEAD)
    fields = source.number(2)
    if fields > 2:
        raise Malformed("it is no map of texts")
    for _ in range(fields):
        if source.take(1) not in {b"F", b"I"}:
            raise Malformed("it is no map of texts")
        source.take(source.number(2))
    source.expect(b"\x78\x70")
    source.take(4 * fields)
    source.expect(b"\x77\x08")
    source.take(4)
    size = source.number(4)
    if size > most:
        raise Malformed(f"it has more than {most} entries")
    entries = {source.text(): source.text() for _ in range(size)}
    source.expect(b"\x78")
    if not source.ended:
        raise Malformed("something follows its end")
    return entries


class _Source:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._seen: list[str] = []

    @property
    def ended(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        if size > len(self._data) - self._at:
            raise Malformed("it is cut off")
        self._at += size
        return self._data[self._at - size : self._at]

    def expect(self, these: bytes) -> None:
        if self.take(len(these)) != these:
            raise Malformed("it is no map of texts")

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def text(self) -> str:
        match self.take(1):
            case b"\x74":
                text = _decoded(self.take(self.number(2)))
            case b"\x7c":
                text = _decoded(self.take(self.number(8)))
            case b"\x71":
                return self._earlier(self.number(4) - _FIRST_HANDLE)
            case _:
                raise Malformed("it is no map of texts")
        self._seen.append(text)
        return text

    def _earlier(self, place: int) -> str:
        if not 0 <= place < len(self._seen):
            raise Malformed("it refers to a text that is not there")
        return self._seen[place]


def _decoded(raw: bytes) -> str:
    try:
        text = raw.replace(b"\xc0\x80", b"\0").decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return raw.decode(errors="replace")  # a broken byte costs one letter, not the whole backup
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
