"""A command line in this process, with a state folder of its own and key derivations that cost nothing."""

import getpass
import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.cli.main import main
from appliance.logs import PACKAGE

PASSPHRASE: Final = "correct horse battery staple"
SEED: Final = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""Of the vectors of RFC 4226 and RFC 6238."""
TOTP: Final = f"otpauth://totp/Bank:anna?secret={SEED}&issuer=Bank&digits=8"
HOTP: Final = f"otpauth://hotp/Wiki:ben?secret={SEED}&issuer=Wiki&counter=0"


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The line that says what went wrong; fails unless it is the usual two lines and the code is not 0."""
        lines = self.err.splitlines()
        assert self.code != 0, self
        _, told, what = lines[-2].partition(
            "appliance: error: "
        )  # behind a question that nobody's Enter ended
        assert told, self
        assert lines[-1].startswith("appliance: hint: "), self
        assert "Traceback" not in self.err, self
        return what

    @property
    def hint(self) -> str:
        return self.err.splitlines()[-1].removeprefix("appliance: hint: ")


@dataclass
class Shell:
    """Somebody who types commands."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def configure(self, **settings: Any) -> None:
        self.settings.update(settings)
        self.config.write_text(json.dumps(self.settings))

    def run(self, *arguments: str, stdin: bytes | str = b"") -> Done:
        """Run a command, and return what it did."""
        given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
        with self.monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", given)
            self.capsys.readouterr()
            code = main(["--config", os.fspath(self.config), *arguments])
        caught = self.capsys.readouterr()
        return Done(code, caught.out, caught.err)

    def does(self, *arguments: str, stdin: bytes | str = b"") -> Done:
        """Run a command that must succeed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == 0, (arguments, done)
        return done

    def typed(self, secrets: Sequence[str], *arguments: str, lines: str = "") -> Done:
        """Run a command at a terminal, answer what it asks for in secret, and type `lines` to its open questions."""
        left = iter(secrets)
        with self.monkeypatch.context() as patched:
            stdin = io.StringIO(lines)
            stdin.isatty = lambda: True  # type: ignore[method-assign]
            patched.setattr(sys, "stdin", stdin)
            patched.setattr(getpass, "getpass", lambda _prompt: next(left))
            self.capsys.readouterr()
            code = main(["--config", os.fspath(self.config), *arguments])
        caught = self.capsys.readouterr()
        assert next(left, None) is None, "not every answer was asked for"
        return Done(code, caught.out, caught.err)

    def file(self, name: str, text: str | bytes) -> str:
        """Write a file for a command, and return its name."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(0o600)
        return os.fspath(path)


@pytest.fixture
def shell(
    cheap_scrypt: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """A shell before `init`."""
    for name in os.environ:
        if name.startswith("APPLIANCE_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    made = Shell(tmp_path, capsys, monkeypatch)
    made.configure(
        name="desk",
        state_dir=os.fspath(tmp_path / "state"),
        runtime_dir=os.fspath(tmp_path / "run"),
        display={"driver": "none"},
        buttons={"backend": "none"},
    )
    yield made
    logger = logging.getLogger(PACKAGE)
    for handler in [each for each in logger.handlers if each.name == PACKAGE]:
        logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """A shell with a vault that `PASSPHRASE` opens, a TOTP account and a HOTP account."""
    shell.does("init", "--passphrase-file", shell.file("passphrase", PASSPHRASE + "\n"))
    shell.does("add", "-", stdin=TOTP)
    shell.does("add", "-", stdin=HOTP)
    return shell
