"""A card without a journal: which of the file operations that were recorded a power cut may leave behind.

POSIX promises this much, and the model gives no more:
- fsync of a file makes its bytes durable, and not its name; fsync of a folder makes the names in it durable.
- What was written since is all there, or none, or a part, or zeros, or rubbish.
- Each name in a folder, on its own, leads to what it led to at any moment since the folder's last fsync. So what was
  done to names may come in any order and in part: half a rename has both names, or neither.

Not in the model: what fsync itself flushed and the card lost later, and damage to what nobody wrote to.
"""

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = 0
"""The number of every folder; files have numbers of their own."""
MANY: Final = 2000
"""Cards that one moment may leave; the right writer leaves some dozens."""
UNKNOWN: Final = ("remove", "replace", "rmdir", "symlink", "truncate", "ftruncate", "removedirs", "renames")
"""What the model can't follow yet; whoever uses it is told."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a power cut left: paths below the root, and what lies there."""

    names: tuple[tuple[str, int], ...]
    """Each path and the number of its file; two paths of one number are links."""
    contents: tuple[tuple[int, bytes, int], ...] = field(repr=False)
    """Each file's number, bytes and mode."""

    def write(self, root: Path) -> None:
        """Lay it out in a folder."""
        files = {number: (data, mode) for number, data, mode in self.contents}
        first: dict[int, Path] = {}
        for name, number in self.names:
            if number == FOLDER:
                (root / name).mkdir(mode=0o700, parents=True)
            elif number in first:
                (root / name).hardlink_to(first[number])
            else:
                first[number] = root / name
                (root / name).write_bytes(files[number][0])
                (root / name).chmod(files[number][1])


@dataclass(eq=False, slots=True)
class Card:
    """What the names and bytes are, and what they were since each was made durable; the present comes last."""

    names: dict[str, list[int | None]] = field(default_factory=dict)
    contents: dict[int, list[bytes]] = field(default_factory=dict)
    modes: dict[int, int] = field(default_factory=dict)

    def file(self, name: str) -> int | None:
        """Return the number of the file that a name leads to now."""
        return self.names.get(name, [None])[-1]

    def new(self, name: str) -> int:
        """Make an empty file that was never flushed."""
        number = 1 + max(self.contents, default=FOLDER)
        self.contents[number] = [b""]
        self.lead(name, number)
        return number

    def lead(self, name: str, number: int | None) -> None:
        """Let a name lead to a file; None: to nothing."""
        self.names.setdefault(name, [None]).append(number)

    def flush(self, name: str) -> None:
        """Make the bytes of a file, or the names in a folder, durable."""
        number = self.file(name) if name else FOLDER
        if number != FOLDER:
            assert number is not None
            del self.contents[number][:-1]
            return
        for other, history in self.names.items():
            if Path(other).parent == Path(name):
                del history[:-1]

    @property
    def present(self) -> Left:
        """What a process sees."""
        return self._left({name: history[-1] for name, history in self.names.items()}, {})

    def after_power_cut(self) -> Iterator[Left]:
        """Yield everything that may be left if the power is cut now."""
        names = list(self.names)
        for chosen in itertools.product(*(dict.fromkeys(self.names[name]) for name in names)):
            leads = _reachable(dict(zip(names, chosen, strict=True)))
            numbers = sorted({number for number in leads.values() if number})
            for bytes_ in itertools.product(*(_remains(self.contents[number]) for number in numbers)):
                yield self._left(leads, dict(zip(numbers, bytes_, strict=True)))

    def _left(self, leads: dict[str, int | None], data: dict[int, bytes]) -> Left:
        names = tuple(sorted((name, number) for name, number in leads.items() if number is not None))
        numbers = sorted({number for _, number in names if number != FOLDER})
        return Left(
            names,
            tuple(
                (number, data.get(number, self.contents[number][-1]), self.modes.get(number, 0o600))
                for number in numbers
            ),
        )


def _reachable(leads: dict[str, int | None]) -> dict[str, int | None]:
    """Return the names without those in folders that are not there."""
    return {
        name: number
        for name, number in leads.items()
        if all(leads.get(str(folder)) == FOLDER for folder in list(Path(name).parents)[:-1])
    }


def _remains(history: list[bytes]) -> list[bytes]:
    """Return what may be left of a file that had these contents since its last fsync."""
    durable, *written = history
    found = dict.fromkeys([durable])
    for data in written:
        half = len(data) // 2
        zeros, rubbish = bytes(len(data)), b"\xa5" * len(data)
        cut = (
            b"",
            data[:half],
            data[:-1],
            data[:half] + zeros[half:],
            zeros,
            rubbish,
            data[:half] + durable[half:],
        )
        found.update(dict.fromkeys([*cut, data]))
    return list(found)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which the power may be cut."""

    what: str
    """The call that had just returned."""
    told: bool
    """Something had been promised before."""
    left: tuple[Left, ...] = field(repr=False)


@dataclass(eq=False, slots=True)
class Recorder:
    """Follows what a piece of this program does to the files below a root.

    recorder = Recorder(root)
    with pytest.MonkeyPatch.context() as patch:
        recorder.follow(patch)
        act(..., recorder.told)
    recorder.moments
    """

    root: Path
    card: Card = field(default_factory=Card)
    moments: list[Moment] = field(default_factory=list)
    _promised: bool = False

    def __post_init__(self) -> None:
        """Take what is there for durable."""
        links: dict[int, int] = {}
        for name in _tree(self.root):
            path = self.root / name
            inode = path.stat().st_ino
            if path.is_dir():
                self.card.names[name] = [FOLDER]
            elif inode in links:
                self.card.names[name] = [links[inode]]
            else:
                links[inode] = self.card.new(name)
                self.card.names[name] = [links[inode]]
                self.card.contents[links[inode]] = [path.read_bytes()]
        self._notice()
        self._moment("nothing")

    def told(self) -> None:
        """Note that something is promised now: from here on it must be on the card."""
        self._notice()
        self._promised = True
        self._moment("told")

    def follow(self, patch: pytest.MonkeyPatch) -> None:
        """Look over the shoulder of each call that changes files, and do it."""
        for note in (self.open, self.fsync, self.unlink, self.mkdir):
            patch.setattr(os, note.__name__, self._followed(getattr(os, note.__name__), note, 1))
        for note_both in (self.rename, self.link):
            patch.setattr(
                os, note_both.__name__, self._followed(getattr(os, note_both.__name__), note_both, 2)
            )
        for name in UNKNOWN:
            patch.setattr(os, name, _refused(name))

    def _followed(
        self, real: Callable[..., Any], note: Callable[..., None], paths: int
    ) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self._notice()
            names = [self._name(argument) for argument in arguments[:paths]]
            result = real(*arguments, **more)
            note(*names)
            self._notice()
            self._moment(f"{note.__name__} {' '.join(name for name in names if name is not None)}")
            return result

        return call

    def open(self, name: str | None) -> None:
        """Note a file that was not there before."""
        if name and self.card.file(name) is None:
            self.card.new(name)

    def fsync(self, name: str | None) -> None:
        """Note what is durable now."""
        if name is not None:
            self.card.flush(name)

    def rename(self, old: str, new: str) -> None:
        """Note two names; links of one file stay as they are, says POSIX."""
        if self.card.file(old) != self.card.file(new):
            self.card.lead(new, self.card.file(old))
            self.card.lead(old, None)

    def link(self, old: str, new: str) -> None:
        """Note a second name."""
        self.card.lead(new, self.card.file(old))

    def unlink(self, name: str) -> None:
        """Note a name that is gone."""
        self.card.lead(name, None)

    def mkdir(self, name: str) -> None:
        """Note a new folder."""
        self.card.lead(name, FOLDER)

    def _name(self, argument: Any) -> str | None:
        """Return the path below the root that a call is given, or has open; None: it lies elsewhere."""
        path = Path(f"/proc/self/fd/{argument}").readlink() if isinstance(argument, int) else Path(argument)
        if not path.is_relative_to(self.root):
            return None
        return "" if path == self.root else str(path.relative_to(self.root))

    def _notice(self) -> None:
        """Note what was written since, and make sure that nothing else was done behind our back."""
        tree = _tree(self.root)
        assert tree == sorted(name for name, history in self.card.names.items() if history[-1] is not None)
        for name in tree:
            number = self.card.file(name)
            if number:
                status = (self.root / name).stat()
                self.card.modes[number] = stat.S_IMODE(status.st_mode)
                data = (self.root / name).read_bytes()
                if data != self.card.contents[number][-1]:
                    self.card.contents[number].append(data)
                    self._moment(f"write {name}")

    def _moment(self, what: str) -> None:
        left = tuple(itertools.islice(self.card.after_power_cut(), MANY + 1))
        assert len(left) <= MANY, f"after {what} too much is not flushed to look at all that may be left"
        self.moments.append(Moment(what, self._promised, left))


def _tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def _refused(name: str) -> Callable[..., Any]:
    def call(*_arguments: Any, **_more: Any) -> Any:
        raise AssertionError(f"the model of the card does not know os.{name}")

    return call
