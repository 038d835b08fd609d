"""Apache Kafka in a container, through testcontainers."""

from __future__ import annotations

import os
import socket
import time
from textwrap import dedent
from urllib.parse import urlsplit

import docker
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer

from tests.support.kafka.launcher import LOG_TAIL, START_TIMEOUT, BrokerFailedError, free_ports
from tests.support.kafka.settings import SASL_LISTENER, TLS_LISTENER, BrokerSettings

IMAGE = "confluentinc/cp-kafka:8.2.0"
"""Holds the Kafka of Apache release 4.2; KAFKA_TEST_IMAGE names another one of the same layout."""

PORTS = {SASL_LISTENER: 9095, TLS_LISTENER: 9096}
"""Inside the container."""
STOP_TIMEOUT = 30
PID_FILE = "/tmp/broker.pid"  # noqa: S108 - inside the container, which holds nothing else
USUAL_SOCKET = "unix:///var/run/docker.sock"


def engine_answers() -> bool:
    """Whether there is a Docker engine (DOCKER_HOST, or its usual socket) that answers now."""
    if not _something_listens(os.environ.get("DOCKER_HOST") or USUAL_SOCKET):
        return False  # asked first, because the SDK leaves a socket open when nobody answers it
    try:
        client = docker.from_env(timeout=5)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except DockerException:
        return False


def _something_listens(address: str) -> bool:
    parts = urlsplit(address)
    target: str | tuple[str, int]
    if parts.scheme == "unix":
        family, target = socket.AF_UNIX, parts.path
    elif parts.scheme in ("tcp", "http", "https"):
        family, target = socket.AF_INET, (parts.hostname or "127.0.0.1", parts.port or 2375)
    else:
        return True  # ssh: the SDK has to find out
    with socket.socket(family) as probe:
        probe.settimeout(5.0)
        return probe.connect_ex(target) == 0


class SaslKafkaContainer(KafkaContainer):
    """testcontainers' KafkaContainer on ports that outlive a restart, with an optional SASL listener."""

    def __init__(self, image: str, settings: BrokerSettings) -> None:
        super().__init__(image)
        self.settings = settings
        plain, *others = free_ports(1 + len(PORTS))
        self.with_bind_ports(self.port, plain)
        self.with_env("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "3")
        for key, value in settings.common_properties().items():
            self.with_env(environment_name(key), value)
        for (name, protocol), port in zip(settings.secured_listeners().items(), others, strict=False):
            self.with_bind_ports(PORTS[name], port)
            self.listeners += f",{name}://0.0.0.0:{PORTS[name]}"
            self.security_protocol_map += f",{name}:{protocol}"
        self.with_kraft()

    def address(self, port: int) -> str:
        """Where the tests reach this port of the container."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(port)}"

    def tc_start(self) -> None:
        """Write the script the container waits for: only now it is known which addresses to advertise."""
        advertised = [f"{self.listener_name}://{self.address(self.port)}", "BROKER://localhost:9092"]
        advertised += [f"{name}://{self.address(PORTS[name])}" for name in self.settings.secured_listeners()]
        script = f"""\
            #!/bin/bash
            {self.boot_command}
            export KAFKA_ADVERTISED_LISTENERS={",".join(advertised)}
            . /etc/confluent/docker/bash-config
            /etc/confluent/docker/configure
            echo $$ > {PID_FILE}
            exec /etc/confluent/docker/launch
            """
        self.create_file(dedent(script).encode(), self.TC_START_SCRIPT)


def environment_name(key: str) -> str:
    """The variable from which the image makes this broker property: ``-`` is three underscores, ``.`` one."""
    return "KAFKA_" + key.replace("_", "__").replace("-", "___").replace(".", "_").upper()


class ContainerCluster:
    """One broker in a container; ``number`` is accepted everywhere for symmetry and can only be 1."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.settings = settings
        self._container = SaslKafkaContainer(os.environ.get("KAFKA_TEST_IMAGE", IMAGE), settings)
        self._created = False

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the plain listener."""
        return self._container.address(self._container.port)

    @property
    def sasl_bootstrap(self) -> str:
        """``host:port`` of the SASL listener; empty without one."""
        return self._container.address(PORTS[SASL_LISTENER]) if self.settings.sasl else ""

    @property
    def behind_bootstrap(self) -> str:
        """Nothing stands behind a proxy here."""
        return ""

    @property
    def tls_bootstrap(self) -> str:
        """``host:port`` of the SASL listener over TLS; empty without one."""
        return self._container.address(PORTS[TLS_LISTENER]) if self.settings.tls else ""

    def start(self, number: int | None = None) -> None:
        """Start what does not run, and return when it serves."""
        del number
        if self._created:
            self._container.get_wrapped_container().start()
        else:
            self._created = True
            self._container.start(timeout=int(START_TIMEOUT))
        self._await_ready()

    def stop(self, number: int | None = None) -> None:
        """An orderly shutdown."""
        del number
        # The container's first process is a shell that passes no signal on: the broker itself has to hear of it.
        self._container.exec(["sh", "-c", f"kill -TERM $(cat {PID_FILE})"])
        self._container.get_wrapped_container().wait(timeout=STOP_TIMEOUT)

    def kill(self, number: int | None = None) -> None:
        """End it with no chance to say goodbye."""
        del number
        self._container.get_wrapped_container().kill()
        self._container.get_wrapped_container().wait()

    def freeze(self, number: int | None = None) -> None:
        """Stop its clock: connections stay open and nothing is answered."""
        del number
        self._container.get_wrapped_container().pause()

    def thaw(self, number: int | None = None) -> None:
        """Undo `freeze`."""
        del number
        self._container.get_wrapped_container().unpause()

    def log_tail(self) -> str:
        """The end of the broker's log."""
        if not self._created:
            return "(no log)"
        text: bytes = self._container.get_wrapped_container().logs(tail=LOG_TAIL)
        return text.decode(errors="replace")

    def close(self) -> None:
        """Remove the container and its data."""
        if self._created:
            self._container.stop()

    def _await_ready(self) -> None:
        # The engine's own proxy accepts connections while the broker is still down: only Kafka's answer counts.
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(timeout=2.0)
            except KafkaException as error:
                if time.monotonic() > deadline:
                    message = f"the broker's container was not ready within {START_TIMEOUT:.0f} s: {error}"
                    raise BrokerFailedError(f"{message}\n{self.log_tail()}") from error
            else:
                return
