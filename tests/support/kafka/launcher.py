"""Starts Apache Kafka (KRaft) from its jars, on loopback, and ends exactly what it started."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.kafka import first_start
from tests.support.kafka.first_start import READY, FirstStart, FirstStartError, new_id
from tests.support.kafka.jars import Jars, cache_folder, ensure
from tests.support.kafka.processes import ProcessId, end
from tests.support.kafka.settings import BEHIND_LISTENER, SASL_LISTENER, TLS_LISTENER, BrokerSettings

START_TIMEOUT = 90.0
STOP_GRACE = 20.0
LOG_TAIL = 60
LOWEST_PORT = 20_000
USUAL_EPHEMERAL_START = 32_768


class BrokerFailedError(Exception):
    """A broker did not come up; the message ends with the tail of its log."""


class Node:
    """One broker process: its folder, its ports and, while it runs, its pid."""

    def __init__(self, number: int, folder: Path, ports: dict[str, int]) -> None:
        self.number = number
        self.folder = folder
        self.ports = ports
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            message = f"broker {self.number} does not run"
            raise BrokerFailedError(message)
        self.process.send_signal(number)  # Popen knows whether its child was reaped: the pid cannot be another's

    def log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:])
        return "(no log)"


class LocalCluster:
    """Brokers from jars. Nodes are numbered from 1; a method without a number means all of them."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.settings = settings
        self._jars = ensure()
        self._folder = _new_run_folder()
        self._first = _first_start(self._jars)
        if settings.java:
            sources = [Path(__file__).with_name(name) for name in settings.java]
            self._jars = self._jars.compiled(sources, self._folder / "classes")
        self._nodes = self._configure()

    @property
    def bootstrap(self) -> str:
        """``host:port,...`` of the plain listeners."""
        return ",".join(f"127.0.0.1:{node.ports['PLAINTEXT']}" for node in self._nodes)

    @property
    def sasl_bootstrap(self) -> str:
        """``host:port,...`` of the SASL listeners; empty without them."""
        return self._addresses(SASL_LISTENER)

    @property
    def tls_bootstrap(self) -> str:
        """``host:port,...`` of the SASL listeners over TLS; empty without them."""
        return self._addresses(TLS_LISTENER)

    @property
    def behind_bootstrap(self) -> str:
        """``host:port`` of the listener that stands behind a proxy; empty without it."""
        return self._addresses(BEHIND_LISTENER)

    def _addresses(self, listener: str) -> str:
        return ",".join(f"127.0.0.1:{node.ports[listener]}" for node in self._nodes if listener in node.ports)

    def start(self, number: int | None = None) -> None:
        """Start what does not run, and return when it serves."""
        starting = [node for node in self._chosen(number) if not node.running]
        for node in starting:
            self._launch(node)
        deadline = time.monotonic() + START_TIMEOUT
        for node in starting:
            _await_ready(node, deadline)

    def stop(self, number: int | None = None) -> None:
        """An orderly shutdown."""
        for node in self._chosen(number):
            if node.process is not None:
                end(ProcessId.of(node.process.pid), STOP_GRACE)
                node.process.wait()

    def kill(self, number: int | None = None) -> None:
        """End it with no chance to say goodbye."""
        for node in self._chosen(number):
            node.signal(signal.SIGKILL)
            if node.process is not None:
                node.process.wait()

    def freeze(self, number: int | None = None) -> None:
        """Stop its clock: connections stay open and nothing is answered."""
        for node in self._chosen(number):
            node.signal(signal.SIGSTOP)

    def thaw(self, number: int | None = None) -> None:
        """Undo `freeze`."""
        for node in self._chosen(number):
            node.signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """The end of every broker's log."""
        return "\n".join(f"--- broker {node.number}\n{node.log_tail()}" for node in self._nodes)

    def close(self) -> None:
        """Stop everything and delete its data."""
        for node in self._nodes:
            if node.running:
                node.signal(signal.SIGCONT)
                node.signal(signal.SIGKILL)  # nobody reads these logs again: an orderly stop would only take longer
            if node.process is not None:
                node.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _chosen(self, number: int | None) -> list[Node]:
        return self._nodes if number is None else [self._nodes[number - 1]]

    def _configure(self) -> list[Node]:
        secured = self.settings.secured_listeners()
        if self.settings.behind:
            secured[BEHIND_LISTENER] = "PLAINTEXT"
        names = ["PLAINTEXT", "CONTROLLER", *secured]
        ports = iter(free_ports(self.settings.brokers * len(names)))
        nodes = [
            Node(number, self._folder / f"node-{number}", {name: next(ports) for name in names})
            for number in range(1, self.settings.brokers + 1)
        ]
        cluster_id = new_id()
        for node in nodes:
            node.folder.mkdir(parents=True)
            properties = _node_properties(node, nodes, secured) | self.settings.common_properties()
            if self.settings.behind:
                own = f"{BEHIND_LISTENER}://127.0.0.1:{node.ports[BEHIND_LISTENER]}"
                proxy = f"{BEHIND_LISTENER}://127.0.0.1:{self.settings.behind}"
                properties["advertised.listeners"] = properties["advertised.listeners"].replace(own, proxy)
            text = "".join(f"{key}={value}\n" for key, value in properties.items())
            (node.folder / "server.properties").write_text(text)
            self._first.lay(node.folder / "data", node=node.number, cluster=cluster_id)
        return nodes

    def _launch(self, node: Node) -> None:
        # An archive is of exactly these jars: with classes before them Java would complain, and not take it.
        options = [] if self.settings.java else self._first.options()
        command = self._jars.command("kafka.Kafka", str(node.folder / "server.properties"), options=options)
        with node.log.open("wb") as log:
            # A session of its own: Ctrl-C at the terminal must reach the tests first, which then stop the broker.
            node.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        ProcessId.of(node.process.pid).save(node.folder / "pid")


def _node_properties(node: Node, nodes: Iterable[Node], secured: Mapping[str, str]) -> dict[str, str]:
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **secured}
    listeners = {name: f"{name}://127.0.0.1:{port}" for name, port in node.ports.items()}
    return {
        "node.id": str(node.number),
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(f"{n.number}@127.0.0.1:{n.ports['CONTROLLER']}" for n in nodes),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(text for name, text in listeners.items() if name != "CONTROLLER"),
        "log.dirs": str(node.folder / "data"),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def _first_start(jars: Jars) -> FirstStart:
    broker, controller = free_ports(2)
    try:
        return first_start.of(jars, (broker, controller))
    except FirstStartError as error:
        raise BrokerFailedError(str(error)) from error


def _await_ready(node: Node, deadline: float) -> None:
    while not (READY in node.log.read_text(errors="replace") and _answers(node.ports["PLAINTEXT"])):
        if not node.running:
            message = f"broker {node.number} ended while it started:\n{node.log_tail()}"
            raise BrokerFailedError(message)
        if time.monotonic() > deadline:
            message = f"broker {node.number} was not ready within {START_TIMEOUT:.0f} s:\n{node.log_tail()}"
            raise BrokerFailedError(message)
        time.sleep(0.1)  # another process, which offers nothing to wait on


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Distinct free loopback ports below the range from which the system serves outgoing connections.

    A port of that range could be taken by any client while its broker is down between stop and start.
    """
    ceiling = USUAL_EPHEMERAL_START
    with contextlib.suppress(OSError):
        ceiling = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = list(range(LOWEST_PORT, max(ceiling, LOWEST_PORT + 1000)))
    random.shuffle(candidates)
    found: list[int] = []
    for port in candidates:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} free ports between {LOWEST_PORT} and {ceiling}"
    raise BrokerFailedError(message)


def _new_run_folder() -> Path:
    """A folder for one cluster, marked with the process that owns it."""
    runs = cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    sweep(runs)
    folder = runs / f"{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir()
    ProcessId.of(os.getpid()).save(folder / "owner")
    return folder


def sweep(runs: Path) -> None:
    """End what test runs left behind that were killed themselves, and delete its data."""
    for folder in runs.iterdir():
        owner = ProcessId.load(folder / "owner")
        if owner is None or owner.alive():
            continue  # without an owner it is being made just now
        for pid_file in folder.glob("node-*/pid"):
            if broker := ProcessId.load(pid_file):
                broker.send(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
