"""Real brokers on loopback, certificates for them, and waiting for events without sleeping."""

import contextlib
import datetime as dt
import ipaddress
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.events import Event

HOST: Final = "127.0.0.1"
MOSQUITTO: Final = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

Inbox = queue.SimpleQueue[Event]
Kind = TypeVar("Kind")


def await_event(inbox: Inbox, kind: type[Kind], seconds: float = 8.0) -> Kind:
    """Return the next event of a kind, dropping the others before it; AssertionError if none comes in time."""
    until = time.monotonic() + seconds
    seen: list[Event] = []
    while True:
        try:
            event = inbox.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"no {kind.__name__} within {seconds} s; came: {seen}") from None
        if isinstance(event, kind):
            return event
        seen.append(event)


def drained(inbox: Inbox) -> list[Event]:
    """Return what is in the inbox now."""
    events: list[Event] = []
    with contextlib.suppress(queue.Empty):
        while True:
            events.append(inbox.get_nowait())
    return events


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A mosquitto on a free loopback port, in a folder of its own. Start it with `mosquitto`."""

    def __init__(self, folder: Path, lines: tuple[str, ...]) -> None:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
        self.folder = folder
        self.port = free_port()
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running broker."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Run it; returns when it accepts connections."""
        assert MOSQUITTO is not None
        lines = [f"listener {self.port} {HOST}", *self._lines]
        if not any(line.startswith("password_file") for line in lines):
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.insert(0, "user root")  # else it drops to a user who can't read the test's folder
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-v", "-c", str(config)], stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )
        self._await_listening()

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._end(force=True)

    def stop(self) -> None:
        """End it in good order."""
        self._end(force=False)

    def restart(self, *lines: str) -> None:
        """Run it again on the same port, with other lines if there are any."""
        self.kill()
        self._lines = lines or self._lines
        self.start()

    def log(self) -> str:
        """Return what it wrote so far."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def _end(self, *, force: bool) -> None:
        if self._process is None:
            return
        if force:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(10)
        self._process = None

    def _await_listening(self) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, f"mosquitto ended at once:\n{self.log()}"
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            time.sleep(0.01)  # readiness can only be polled: connect is the event
        raise AssertionError(f"mosquitto does not listen:\n{self.log()}")


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """Run a mosquitto with these lines of configuration; it is killed at the end.

    Without `password_file` among the lines everybody may connect.
    """
    broker = Mosquitto(folder, lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def password_file(folder: Path, **users: str) -> Path:
    """Return a mosquitto password file with these users."""
    path = folder / "users"
    path.touch(mode=0o600)
    for name, password in users.items():
        subprocess.run(["mosquitto_passwd", "-b", str(path), name, password], check=True, capture_output=True)
    return path


class Relay:
    """Stands before a broker and hangs up on every CONNECT of MQTT 5: the two together speak 3.1.1 only."""

    def __init__(self, port: int) -> None:
        self.hung_up = 0
        self._target = port
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self._run(self._accept)

    def close(self) -> None:
        """Cut everything."""
        for sock in (self._listener, *self._socks):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for sock in (self._listener, *self._socks):
            sock.close()

    def _run(self, work: object, *args: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=args, name="relay", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._socks.append(client)
                head = client.recv(4096)
                # Fixed header 2 bytes (the CONNECTs here are short), then 00 04 M Q T T, then the level.
                if len(head) < 9 or head[8] == 5:
                    self.hung_up += 1
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()
                    continue
                server = socket.create_connection((HOST, self._target), 5)
                server.settimeout(None)
                self._socks.append(server)
                server.sendall(head)
                self._run(self._pump, client, server)
                self._run(self._pump, server, client)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path

    def lines(self, ca: Path) -> tuple[str, ...]:
        """Return what mosquitto's configuration says about it."""
        return (f"cafile {ca}", f"certfile {self.cert}", f"keyfile {self.key}")


@dataclass(frozen=True, slots=True)
class Certificates:
    """A household's CA and what it signed; all for 127.0.0.1 but `wrong_host`."""

    ca: Path
    other_ca: Path
    """Signed nothing but itself and `of_other_ca`."""
    weak_ca: Path
    """Lacks keyUsage, which Python 3.13 does not forgive."""
    good: Pair
    expired: Pair
    early: Pair
    """Not yet valid."""
    wrong_host: Pair
    of_other_ca: Pair
    of_weak_ca: Pair
    self_signed: Pair
    client: Pair
    client_of_other_ca: Pair


def certificates(folder: Path) -> Certificates:
    """Make a CA and certificates, fresh, as PEM files."""
    workshop = _Workshop(folder)
    ca, other, weak = (workshop.ca(name, weak=name == "weak") for name in ("household", "other", "weak"))
    return Certificates(
        ca=ca.path,
        other_ca=other.path,
        weak_ca=weak.path,
        good=workshop.server("good", ca),
        expired=workshop.server("expired", ca, days=(-20, -10)),
        early=workshop.server("early", ca, days=(10, 20)),
        wrong_host=workshop.server("wrong-host", ca, host="broker.example"),
        of_other_ca=workshop.server("of-other-ca", other),
        of_weak_ca=workshop.server("of-weak-ca", weak),
        self_signed=workshop.server("self-signed", None),
        client=workshop.server("client", ca, client=True),
        client_of_other_ca=workshop.server("client-of-other-ca", other, client=True),
    )


@dataclass(frozen=True, slots=True)
class _Ca:
    path: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class _Workshop:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = dt.datetime.now(dt.UTC)

    def ca(self, name: str, *, weak: bool) -> _Ca:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(f"{name} CA")
        draft = self._draft(subject, subject, key, (-30, 30)).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        draft = draft.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        if not weak:
            draft = draft.add_extension(_usage(signs=True), critical=True)
        made = draft.sign(key, hashes.SHA256())
        path = self._folder / f"{name}-ca.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return _Ca(path, made, key)

    def server(
        self,
        name: str,
        ca: _Ca | None,
        *,
        days: tuple[int, int] = (-10, 10),
        host: str = HOST,
        client: bool = False,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        issuer = subject if ca is None else ca.certificate.subject
        signer = key if ca is None else ca.key
        alternative: x509.GeneralName = (
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        )
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        draft = (
            self._draft(subject, issuer, key, days)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(draft.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def _draft(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + dt.timedelta(days=days[0]))
            .not_valid_after(self._now + dt.timedelta(days=days[1]))
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
