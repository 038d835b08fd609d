"""An embedded Kafka: librdkafka's mock cluster, which comes inside the client's wheel.

It speaks the real protocol on loopback sockets, so other processes can connect to it, and it fails on request. It keeps
at most 5 MiB per partition and forgets everything when it ends. It has no CreateTopics, no DescribeConfigs, no topic
ids, no lookup of offsets by time, no ACLs, no SASL and no TLS; whoever needs those needs a real broker.

As a program it serves until its standard input closes, and does what lines on it say, see `COMMANDS`::

    python -m bridge.sandbox.broker --topic orders:6 --topic orders.dlq:6
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, Self

from confluent_kafka import KafkaError, cimpl

from bridge.sandbox.child_processes import ChildProcesses

if TYPE_CHECKING:
    from types import TracebackType

PRODUCE: Final = 0
FETCH: Final = 1
LIST_OFFSETS: Final = 2
METADATA: Final = 3
OFFSET_COMMIT: Final = 8
OFFSET_FETCH: Final = 9
JOIN_GROUP: Final = 11
HEARTBEAT: Final = 12
"""Keys of Kafka's requests, for `EmbeddedKafka.fail`."""

_PRODUCER: Final = 0
"""`RD_KAFKA_PRODUCER`: the mock cluster lives in a client handle, of whichever type."""
_REST: Final = 0.0005
"""Seconds between two orders: one that comes right behind another can miss the cluster's wake-up, and then waits for
its next look around, a second later."""


class EmbeddedKafka:
    """A cluster of this process, as a context manager.

    The functions it uses are marked experimental by librdkafka; they are called from this file only.
    """

    def __init__(
        self,
        topics: Mapping[str, int] | None = None,
        *,
        brokers: int = 1,
        rebalance_delay: float = 0.1,
        member_timeout: float = 6.0,
    ) -> None:
        """Two durations in seconds.

        `rebalance_delay` is how long a new group waits for further members, `member_timeout` the session of a member
        under `group.protocol=consumer`.
        """
        self._topics = dict(topics or {})
        self._brokers = brokers
        self._rebalance_delay_ms = int(rebalance_delay * 1000)
        self._member_timeout_ms = int(member_timeout * 1000)
        self._library = _library()
        self._client: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        error = ctypes.create_string_buffer(512)
        configuration = self._library.rd_kafka_conf_new()
        # Without this the handle complains on stderr that it knows no brokers: it needs none.
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"0", error, len(error))
        self._client = self._library.rd_kafka_new(_PRODUCER, configuration, error, len(error))
        if not self._client:
            raise RuntimeError(f"the embedded Kafka could not be created: {error.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, self._brokers)
        if not self._cluster:
            raise RuntimeError("the embedded Kafka could not be created: no loopback port could be opened")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, self._rebalance_delay_ms)
        self._library.rd_kafka_mock_set_group_consumer_session_timeout_ms(self._cluster, self._member_timeout_ms)
        self._library.rd_kafka_mock_set_group_consumer_heartbeat_interval_ms(
            self._cluster, max(100, self._member_timeout_ms // 6)
        )
        self._library.rd_kafka_mock_set_controller_id(self._cluster, 1)
        for name, partitions in self._topics.items():
            self.create_topic(name, partitions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cluster, self._cluster = self._cluster, None
        client, self._client = self._client, None
        if cluster:
            time.sleep(_REST)
            self._library.rd_kafka_mock_cluster_destroy(cluster)
        if client:
            self._library.rd_kafka_destroy(client)

    @property
    def bootstrap(self) -> str:
        """``host:port,…``"""
        return str(self._library.rd_kafka_mock_cluster_bootstraps(self._running()).decode("ascii"))

    def create_topic(self, name: str, partitions: int) -> None:
        """Topics that were not created come into being, with four partitions, when a client first asks for them."""
        self._check(
            self._library.rd_kafka_mock_topic_create(self._running(), name.encode(), partitions, min(3, self._brokers)),
            f"topic {name} could not be created",
        )

    def fail(self, request: int, *errors: int) -> None:
        """The next requests of this kind are answered with these error codes, one each; see the constants above."""
        self._library.rd_kafka_mock_push_request_errors_array(
            self._running(), request, len(errors), (ctypes.c_int * len(errors))(*errors)
        )

    def stop_failing(self, request: int) -> None:
        """Forget what `fail` was told of this kind of request and has not been used."""
        self._library.rd_kafka_mock_clear_request_errors(self._running(), request)

    def fail_at(self, broker: int, request: int, *errors: int) -> None:
        """As `fail`, for the requests that reach this broker: with a topic led by it alone, for that topic.

        `stop_failing` does not take these back.
        """
        pairs = [ctypes.c_int(part) for error in errors for part in (error, 0)]  # with each error, how late it comes
        self._check(
            self._library.rd_kafka_mock_broker_push_request_error_rtts(
                self._running(), broker, request, len(errors), *pairs
            ),
            f"broker {broker} does not exist",
        )

    def down(self, broker: int = 1) -> None:
        """Close a broker's connections and refuse new ones. Brokers count from 1; -1 means all."""
        self._check(
            self._library.rd_kafka_mock_broker_set_down(self._running(), broker), f"broker {broker} does not exist"
        )

    def up(self, broker: int = 1) -> None:
        """End what `down` began."""
        self._check(
            self._library.rd_kafka_mock_broker_set_up(self._running(), broker), f"broker {broker} does not exist"
        )

    def delay(self, seconds: float, broker: int = 1) -> None:
        """Every answer of a broker takes this much longer; 0 ends it."""
        self._check(
            self._library.rd_kafka_mock_broker_set_rtt(self._running(), broker, int(seconds * 1000)),
            f"broker {broker} does not exist",
        )

    def advertise(self, host: str, port: int, broker: int = 1) -> None:
        """Clients are told to find a broker there, behind a proxy say. `bootstrap` stays what it was."""
        self._library.rd_kafka_mock_broker_set_host_port(self._running(), broker, host.encode("ascii"), port)

    def leader(self, topic: str, partition: int, broker: int) -> None:
        """Move a partition's leader; -1 leaves it without one."""
        self._check(
            self._library.rd_kafka_mock_partition_set_leader(self._running(), topic.encode(), partition, broker),
            f"broker {broker} cannot lead {topic}/{partition}",
        )

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Move the log's start to this offset, as retention does."""
        self._check(
            self._library.rd_kafka_mock_partition_delete_records(self._running(), topic.encode(), partition, before),
            f"{topic}/{partition} cannot start at {before}",
        )

    def _running(self) -> int:
        if self._cluster is None:
            raise RuntimeError("the embedded Kafka runs only inside its `with` block")
        time.sleep(_REST)
        return self._cluster

    @staticmethod
    def _check(code: int, what: str) -> None:
        if code:
            raise RuntimeError(f"{what}: {KafkaError(code).str()}")


def _library() -> Any:
    """The librdkafka that the client itself runs on.

    Symbols are looked up through the extension module, which searches what it was linked with: that finds the
    library in a Linux wheel, in a macOS wheel and in a build against the system's one alike.
    """
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, integer, code = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int
    signatures: dict[str, tuple[Any, Sequence[Any]]] = {
        "conf_new": (pointer, ()),
        "conf_set": (code, (pointer, text, text, text, ctypes.c_size_t)),
        "new": (pointer, (ctypes.c_int, pointer, text, ctypes.c_size_t)),
        "destroy": (None, (pointer,)),
        "mock_cluster_new": (pointer, (pointer, ctypes.c_int)),
        "mock_cluster_destroy": (None, (pointer,)),
        "mock_cluster_bootstraps": (text, (pointer,)),
        "mock_topic_create": (code, (pointer, text, ctypes.c_int, ctypes.c_int)),
        "mock_push_request_errors_array": (
            None,
            (pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)),
        ),
        "mock_clear_request_errors": (None, (pointer, ctypes.c_int16)),
        "mock_broker_set_down": (code, (pointer, integer)),
        "mock_broker_set_up": (code, (pointer, integer)),
        "mock_broker_set_rtt": (code, (pointer, integer, ctypes.c_int)),
        "mock_broker_set_host_port": (None, (pointer, integer, text, code)),
        "mock_set_controller_id": (code, (pointer, integer)),
        "mock_partition_set_leader": (code, (pointer, text, integer, integer)),
        "mock_partition_delete_records": (code, (pointer, text, integer, ctypes.c_int64)),
        "mock_group_initial_rebalance_delay_ms": (None, (pointer, integer)),
        "mock_set_group_consumer_session_timeout_ms": (None, (pointer, ctypes.c_int)),
        "mock_set_group_consumer_heartbeat_interval_ms": (None, (pointer, ctypes.c_int)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"rd_kafka_{name}")
        function.restype = result
        function.argtypes = list(arguments)
    # Takes as many errors as its count says. What is declared here is fixed; the rest is converted where it is called.
    library.rd_kafka_mock_broker_push_request_error_rtts.restype = code
    library.rd_kafka_mock_broker_push_request_error_rtts.argtypes = [pointer, integer, ctypes.c_int16, ctypes.c_size_t]
    return library


# --- as a program -------------------------------------------------------------------------------------


class BrokerProcess:
    """The program below as a process that is given orders. Two brokers, so that dead letters can have one of their own
    to fail. It ends with `processes`, or with this one.
    """

    def __init__(self, processes: ChildProcesses, topics: Mapping[str, int]) -> None:
        command = [sys.executable, "-P", "-m", "bridge.sandbox.broker", "--brokers", "2", "--rebalance-delay", "0.2"]
        for name, partitions in topics.items():
            command += ["--topic", f"{name}:{partitions}"]
        self._process = processes.start(command, output=subprocess.PIPE, errors=subprocess.DEVNULL, has_input=True)
        self.bootstrap = self._read()
        """``host:port,…``"""

    def lead(self, topic: str, partitions: int, broker: int) -> None:
        """Have this broker lead all partitions of a topic."""
        for partition in range(partitions):
            self.order(f"leader {topic} {partition} {broker}")

    def order(self, line: str) -> None:
        """Have one order carried out, see `COMMANDS`. `RuntimeError` where it cannot be."""
        pipe = self._pipe(self._process.stdin)
        pipe.write(f"{line}\n".encode())
        pipe.flush()
        answer = self._read()
        if answer != "ok":
            raise RuntimeError(f"the embedded Kafka refused: {answer or 'it ended'}")

    def _read(self) -> str:
        return self._pipe(self._process.stdout).readline().decode().strip()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - it was asked for
        return pipe


def _topic(text: str) -> tuple[str, int]:
    name, _, partitions = text.rpartition(":")
    if not name or not partitions.isdigit() or int(partitions) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name:partitions")
    return name, int(partitions)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "down": lambda kafka, broker: kafka.down(int(broker)),
    "up": lambda kafka, broker: kafka.up(int(broker)),
    "leader": lambda kafka, topic, partition, broker: kafka.leader(topic, int(partition), int(broker)),
    "fail-at": lambda kafka, *numbers: kafka.fail_at(*map(int, numbers)),
}
"""What a line on the program's standard input may begin with. Each is answered by a line that says ``ok``."""


def obey(kafka: EmbeddedKafka, line: str) -> str:
    """Carry out one line; the answer, ``ok`` or a sentence."""
    name, *arguments = line.split()
    try:
        COMMANDS[name](kafka, *arguments)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        return f"{line.strip()}: {error}"
    return "ok"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until standard input closes; the first line on standard output is the bootstrap address."""
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox.broker", description="An embedded Kafka.")
    parser.add_argument("--topic", type=_topic, action="append", default=[], metavar="NAME:PARTITIONS")
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--rebalance-delay", type=float, default=0.1, metavar="SECONDS")
    given = parser.parse_args(arguments)
    with EmbeddedKafka(dict(given.topic), brokers=given.brokers, rebalance_delay=given.rebalance_delay) as kafka:
        sys.stdout.write(f"{kafka.bootstrap}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            sys.stdout.write(f"{obey(kafka, line)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
