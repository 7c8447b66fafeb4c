"""Where the broker is, and what is shown to it.

Files are read at each attempt, so that a renewed certificate or a changed password needs no restart.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.errors import BrokerFailed

PASSWORD_BYTES: Final = 65_535
"""MQTT 5, section 3.1.3.6: the length of a password is two bytes."""


@dataclass(frozen=True, slots=True)
class Tls:
    """An encrypted link; the broker's certificate is always verified."""

    ca_file: Path | None = None
    """The only CA that is trusted; None: those of the operating system."""
    cert_file: Path | None = None
    key_file: Path | None = None
    """None: the key is in `cert_file`."""


@dataclass(frozen=True, slots=True)
class Link:
    """One broker, and who we are there."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password_file: Path | None = None
    tls: Tls | None = None

    @property
    def name(self) -> str:
        """What people know the broker by."""
        return f"{self.host}:{self.port}"


class HandshakeFailed(OSError):
    """The TCP connection stands, but TLS on top of it failed; the cause says why."""


def password(link: Link) -> str | None:
    """Return the password, without one newline at its end. Raises BrokerFailed if the file is of no use."""
    if link.password_file is None:
        return None
    what = f"can't read the password file {link.password_file}"
    try:
        with link.password_file.open("rb") as file:
            raw = file.read(PASSWORD_BYTES + 3)
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise BrokerFailed(what, reason(error), "check mqtt.password_file and who may read it") from error
    except UnicodeDecodeError:
        # "from None": the original would carry the bytes of the password into a traceback.
        raise BrokerFailed(what, "it is not UTF-8 text", "write the password into it again") from None
    if len(text.encode()) > PASSWORD_BYTES:
        raise BrokerFailed(what, "it is longer than any password", "check mqtt.password_file")
    return text


def shown(link: Link) -> tuple[object, ...]:
    """Return something that is another when one of the files was changed or replaced."""
    tls = link.tls or Tls()
    return tuple(
        _stamp(path)
        for path in (link.password_file, tls.ca_file, tls.cert_file, tls.key_file)
        if path is not None
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def context(tls: Tls) -> ssl.SSLContext:
    """Return what TLS needs to know. Raises BrokerFailed if a file is of no use.

    The strictness is the running Python's own: from 3.13 on it refuses a CA without `keyUsage`.
    """
    made = _trusting(tls.ca_file)
    made.sslsocket_class = _Socket
    if tls.cert_file is not None:
        _identify(made, tls.cert_file, tls.key_file)
    return made


def reason(error: OSError) -> str:
    """Return the operating system's words, in our own style."""
    return (error.strerror or str(error) or "it failed").lower()


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise BrokerFailed(
            f"can't use the CA file {ca_file}",
            "it holds no certificate",
            "mqtt.tls.ca_file wants the CA's certificate as PEM",
        ) from error
    except OSError as error:
        raise BrokerFailed(
            f"can't read the CA file {ca_file}",
            reason(error),
            "check mqtt.tls.ca_file and who may read it",
        ) from error


def _identify(made: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    what = f"can't use the client certificate {cert_file}"
    try:
        # Without a password of its own OpenSSL would ask for one on the terminal, and a daemon would wait there.
        made.load_cert_chain(cert_file, key_file, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BrokerFailed(what, "its key is another one's", "check mqtt.tls.key_file") from error
        raise BrokerFailed(
            what,
            "it or its key is not PEM, or the key is encrypted",
            "check mqtt.tls.cert_file and mqtt.tls.key_file; write the key without a passphrase",
        ) from error
    except OSError as error:
        raise BrokerFailed(
            what,
            reason(error),
            "check mqtt.tls.cert_file, mqtt.tls.key_file and who may read them",
        ) from error


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho forgets, and tells that apart from TCP's failures."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is ssl's
        try:
            super().do_handshake(block)
        except OSError as error:
            self.close()
            raise HandshakeFailed from error
