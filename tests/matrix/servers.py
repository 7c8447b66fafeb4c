"""The brokers: where each one comes from, its settings, and its processes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.brokers import HOST, free_port
from tests.matrix.debian import NEWEST, STABLE, Unavailable, inside, tree

START_SECONDS: Final = 45.0


@dataclass
class Node:
    """One process of a broker, killed as a power cut would and started again on the same data."""

    folder: Path
    port: int
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    health: int | None = None
    """The port of NATS's own monitoring."""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Run it; returns when it accepts connections. Raises Unavailable if it does not."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], **self.environment},
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Unavailable(f"it does not start: {self.last_words()}")
            time.sleep(0.1)  # readiness can only be polled

    def kill(self) -> None:
        """Kill it and all that it started; returns when its port is free."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        until = time.monotonic() + 10
        while self.listens() and time.monotonic() < until:
            time.sleep(0.05)

    def listens(self) -> bool:
        """Return whether somebody accepts connections on its port."""
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def healthy(self) -> bool:
        """Return whether it says that it has caught up with the others."""
        address = f"http://{HOST}:{self.health}/healthz"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-3:])[-300:]


@dataclass
class Running:
    """What the trial gets: processes, the first of which is spoken to."""

    version: str
    nodes: list[Node]
    beside: list[Node] = field(default_factory=list)
    """Processes that the broker needs and that are not killed with it."""
    login: tuple[str, str] | None = None
    """User and password, where it lets nobody in without."""


Maker = Callable[[Path, Path], Running]
"""From the cache of programs and an empty scratch folder; may raise Unavailable. Nothing runs yet."""


@dataclass(frozen=True)
class Kind:
    """A row of the matrix."""

    title: str
    source: str
    settings: str
    make: Maker


# --- mosquitto


def mosquitto(release: str) -> Maker:
    """A mosquitto with the settings that the guide gives."""

    def make(cache: Path, scratch: Path) -> Running:
        root, version = tree(cache, release, "mosquitto", "dash")
        port = free_port()
        lines = (
            f"listener {port} {HOST}",
            "allow_anonymous true",
            "user root",
            "persistence true",
            "persistence_location /scratch/",
            "autosave_interval 60",
        )
        (scratch / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        command = inside(root, scratch, "/usr/sbin/mosquitto", "-v", "-c", "/scratch/mosquitto.conf")
        return Running(version, [Node(scratch, port, command)])

    return make


# --- RabbitMQ


def rabbitmq(release: str) -> Maker:
    """A RabbitMQ with its MQTT plug-in; the retained store on disk."""

    def make(cache: Path, scratch: Path) -> Running:
        shell = ("dash", "coreutils", "sed", "grep", "mawk", "util-linux", "procps", "hostname")
        root, version = tree(cache, release, "rabbitmq-server", *shell)
        port, distribution, mapper = free_port(), free_port(), free_port()
        lines = [
            "listeners.tcp = none",
            f"mqtt.listeners.tcp.1 = {HOST}:{port}",
            "mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_dets",
        ]
        old = version.startswith("3.")
        lines += ["mqtt.allow_anonymous = true", "mqtt.default_user = guest"] if old else []
        (scratch / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (scratch / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        environment = {
            "HOME": "/scratch",
            "PATH": "/usr/sbin:/usr/bin",
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_CONFIG_FILE": "/scratch/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/scratch/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": "/scratch/data",
            "RABBITMQ_LOG_BASE": "/scratch/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": "/scratch/pid",
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }
        command = inside(root, scratch, "/bin/sh", "/usr/lib/rabbitmq/bin/rabbitmq-server")
        return Running(version, [Node(scratch, port, command, environment)])

    return make


# --- NATS


def nats(size: int) -> Maker:
    """One NATS server with JetStream, or a cluster whose MQTT streams have as many replicas as it has nodes."""

    def make(cache: Path, scratch: Path) -> Running:
        root, version = tree(cache, NEWEST, "nats-server")
        routes = [free_port() for _ in range(size)]
        nodes = []
        for number in range(size):
            folder = scratch / f"node{number}"
            folder.mkdir()
            port, health = free_port(), free_port()
            document: dict[str, object] = {
                "server_name": f"node{number}",
                "host": HOST,
                "port": free_port(),
                "http": f"{HOST}:{health}",
                "jetstream": {"store_dir": "/scratch/data"},
                "mqtt": {"host": HOST, "port": port, "stream_replicas": size},
            }
            if size > 1:
                others = [f"nats://{HOST}:{route}" for route in routes if route != routes[number]]
                listen = f"{HOST}:{routes[number]}"
                document["cluster"] = {"name": "matrix", "listen": listen, "routes": others}
            (folder / "nats.conf").write_text(json.dumps(document, indent=1))
            program = (
                "/usr/sbin/nats-server"
                if (root / "usr/sbin/nats-server").exists()
                else "/usr/bin/nats-server"
            )
            command = inside(root, folder, program, "-c", "/scratch/nats.conf")
            nodes.append(Node(folder, port, command, health=health))
        return Running(version, nodes)

    return make


# --- aedes


_AEDES: Final = """\
import net from 'node:net'
import { Aedes } from 'aedes'
const [port, redis] = process.argv.slice(2)
const options = {}
if (redis) {
  const { default: persistence } = await import('aedes-persistence-redis')
  options.persistence = persistence({ port: Number(redis), host: '127.0.0.1' })
}
const aedes = await Aedes.createBroker(options)
net.createServer(aedes.handle).listen(Number(port), '127.0.0.1')
"""


def aedes(*, redis: bool) -> Maker:
    """An aedes as its documentation starts it; its memory ends with it, Redis runs on beside it."""

    def make(cache: Path, scratch: Path) -> Running:
        modules = cache / "aedes"
        if not (modules / "node_modules/aedes-persistence-redis/package.json").exists():
            modules.mkdir(exist_ok=True)
            (modules / "package.json").write_text('{"private": true, "type": "module"}\n')
            _install(
                "npm", "install", "--no-audit", "--no-fund", "aedes", "aedes-persistence-redis", cwd=modules
            )
        (modules / "broker.js").write_text(_AEDES)
        package = json.loads((modules / "node_modules/aedes/package.json").read_text())
        version, port, beside = str(package["version"]), free_port(), []
        if redis:
            beside = [_redis(cache, scratch)]
            found = json.loads((modules / "node_modules/aedes-persistence-redis/package.json").read_text())
            version += f", persistence {found['version']}"
        command = ["node", str(modules / "broker.js"), str(port), *(str(one.port) for one in beside)]
        return Running(version, [Node(scratch, port, command)], beside)

    return make


def _redis(cache: Path, scratch: Path) -> Node:
    root, _ = tree(cache, STABLE, "redis-server")
    folder, port = scratch / "redis", free_port()
    folder.mkdir()
    options = ("--bind", HOST, "--port", str(port), "--dir", "/scratch", "--appendonly", "yes")
    return Node(folder, port, inside(root, folder, "/usr/bin/redis-server", *options))


# --- ejabberd


def ejabberd(release: str) -> Maker:
    """An ejabberd that does nothing but MQTT."""

    def make(cache: Path, scratch: Path) -> Running:
        root, version = tree(cache, release, "ejabberd", "dash", "coreutils", "sed", "grep", "mawk")
        port, mapper = free_port(), free_port()
        document = {
            "hosts": ["localhost"],
            "loglevel": "info",
            "auth_method": ["internal"],
            "listen": [{"port": port, "ip": HOST, "module": "mod_mqtt"}],
            "modules": {"mod_mqtt": {}},
        }
        (scratch / "ejabberd.yml").write_text(json.dumps(document))
        environment = {
            "HOME": "/scratch",
            "PATH": "/usr/sbin:/usr/bin",
            "LANG": "C.UTF-8",
            "EJABBERD_CONFIG_PATH": "/scratch/ejabberd.yml",
            "EJABBERD_LOG_PATH": "/scratch/ejabberd.log",
            "SPOOL_DIR": "/scratch/data",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_LIBS": "/" + str(next(root.glob("usr/lib/*/ejabberd-*")).parent.relative_to(root)),
        }
        user, password = "appliance", "matrix"
        register = f'ejabberd_auth:try_register(<<"{user}">>, <<"localhost">>, <<"{password}">>)'
        start = ("-sname", "ejabberd@localhost", "-mnesia", "dir", '"/scratch/data"', "-noinput", "+S", "1:1")
        command = inside(root, scratch, "/usr/bin/erl", *start, "-s", "ejabberd", "-eval", register)
        return Running(version, [Node(scratch, port, command, environment)], login=(user, password))

    return make


# --- amqtt and rumqttd


_AMQTT: Final = """\
import asyncio, sys
from amqtt.broker import Broker
plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
async def serve():
    bind = f"127.0.0.1:{sys.argv[1]}"
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": bind}}, "plugins": plugins})
    await broker.start()
    await asyncio.Event().wait()
asyncio.run(serve())
"""
_RUMQTTD: Final = """\
import json, sys
from iotcore.iotcore import IotCoreBroker
IotCoreBroker(**json.loads(sys.argv[1])).run_forever()
"""


def amqtt(cache: Path, scratch: Path) -> Running:
    """An amqtt in a process of its own; all in memory."""
    python, version = _venv(cache, "amqtt")
    port = free_port()
    return Running(version, [Node(scratch, port, [python, "-c", _AMQTT, str(port)])])


def rumqttd(payload: int | None) -> Maker:
    """The rumqttd in iotcore, with a limit in bytes or with its own."""

    def make(cache: Path, scratch: Path) -> Running:
        python, version = _venv(cache, "iotcore")
        port = free_port()
        options: dict[str, object] = {"listen": HOST, "port": port}
        if payload is not None:
            options["max_payload_size"] = payload
        return Running(
            f"iotcore {version}", [Node(scratch, port, [python, "-c", _RUMQTTD, json.dumps(options)])]
        )

    return make


def _venv(cache: Path, package: str) -> tuple[str, str]:
    folder = cache / f"venv-{package}"
    python = str(folder / "bin/python")
    if not (folder / "installed").exists():
        _install(sys.executable, "-m", "venv", str(folder))
        _install(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package)
        (folder / "installed").touch()
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    return python, subprocess.check_output([python, "-c", ask], text=True).strip()


def _install(*command: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=240)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


KINDS: Final[Mapping[str, Kind]] = {
    "mosquitto": Kind(
        "mosquitto", f"Debian {STABLE}", "`persistence true`, `autosave_interval 60`", mosquitto(STABLE)
    ),
    "mosquitto-new": Kind(
        "mosquitto", f"Debian {NEWEST}", "`persistence true`, `autosave_interval 60`", mosquitto(NEWEST)
    ),
    "rabbitmq": Kind("RabbitMQ", f"Debian {STABLE}", "retained store `dets`", rabbitmq(STABLE)),
    "rabbitmq-new": Kind("RabbitMQ", f"Debian {NEWEST}", "retained store `dets`", rabbitmq(NEWEST)),
    "nats": Kind("NATS, one node", f"Debian {NEWEST}", "JetStream on disk", nats(1)),
    "nats-cluster": Kind("NATS, three nodes", f"Debian {NEWEST}", "`stream_replicas: 3`", nats(3)),
    "aedes": Kind("aedes", "npm", "in memory", aedes(redis=False)),
    "aedes-redis": Kind("aedes with Redis", "npm, Debian", "Redis with `appendonly yes`", aedes(redis=True)),
    "ejabberd": Kind("ejabberd", f"Debian {STABLE}", "`mod_mqtt`", ejabberd(STABLE)),
    "ejabberd-new": Kind("ejabberd", f"Debian {NEWEST}", "`mod_mqtt`", ejabberd(NEWEST)),
    "amqtt": Kind("amqtt", "PyPI", "in memory", amqtt),
    "rumqttd": Kind("rumqttd", "PyPI", "`max_payload_size` 1 MiB", rumqttd(1_048_576)),
    "rumqttd-default": Kind("rumqttd", "PyPI", "as it comes: 20 kB", rumqttd(None)),
}
SKIPPED: Final[Mapping[str, str]] = {
    "EMQX, VerneMQ, HiveMQ, NanoMQ, FlashMQ": "neither Debian's packages nor PyPI nor npm have the broker itself",
    "AWS IoT Core, Azure Event Grid, HiveMQ Cloud": "services, which no test can start",
}
