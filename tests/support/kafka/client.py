"""A Kafka as the tests see it: its address, and the few things they ask of it directly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import uuid4

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from tests.support.kafka.settings import PASSWORDS

ANSWER_WITHIN = 30.0
"""Seconds; generous, because a busy machine is no finding."""

COORDINATOR_MOVES = ("NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE")
"""What a broker says while it takes over a group; asked again, it answers."""

MESSAGE_BYTES = 100 * 1024 * 1024


class Cluster(Protocol):
    """Brokers that are the tests' own, so that they may be stopped. Nodes count from 1; None means all."""

    @property
    def bootstrap(self) -> str: ...
    @property
    def sasl_bootstrap(self) -> str: ...
    @property
    def tls_bootstrap(self) -> str: ...
    @property
    def behind_bootstrap(self) -> str: ...
    def start(self, number: int | None = None) -> None: ...
    def stop(self, number: int | None = None) -> None: ...
    def kill(self, number: int | None = None) -> None: ...
    def freeze(self, number: int | None = None) -> None: ...
    def thaw(self, number: int | None = None) -> None: ...
    def log_tail(self) -> str: ...
    def close(self) -> None: ...


class Kafka:
    """A running Kafka, perhaps shared with other tests: use names that `name` made."""

    def __init__(self, bootstrap: str, origin: str) -> None:
        self.bootstrap = bootstrap
        self.origin = origin
        """Where it came from, for people: ``KAFKA_BOOTSTRAP_SERVERS``, ``Docker`` or ``jars``."""
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._readers: dict[str, Consumer] = {}

    @staticmethod
    def name(prefix: str) -> str:
        """A name nobody else uses, for a topic or a group."""
        return f"{prefix}-{uuid4().hex[:10]}"

    def create_topic(self, prefix: str = "topic", partitions: int = 4, **config: str | int) -> str:
        """Create a topic of a unique name and return that name.

        ``config``: the topic's configuration, dots written as underscores (``cleanup_policy="compact"``).
        """
        name = self.name(prefix)
        self.create_topic_named(name, partitions, **config)
        return name

    def create_topic_named(self, name: str, partitions: int = 4, **config: str | int) -> None:
        """As `create_topic`, under exactly this name."""
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=-1, config=settings)
        self.admin.create_topics([topic])[name].result(timeout=ANSWER_WITHIN)
        deadline = time.monotonic() + ANSWER_WITHIN
        while len(self.admin.list_topics(name, timeout=ANSWER_WITHIN).topics[name].partitions) < partitions:
            if time.monotonic() > deadline:
                message = f"topic {name} did not appear"
                raise TimeoutError(message)
            time.sleep(0.02)  # the answer to the creation precedes the metadata

    def produce(
        self,
        topic: str,
        records: Iterable[tuple[str | bytes | None, str | bytes | None]],
        *,
        partition: int = -1,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Write (key, value) pairs and return when the brokers have them all."""
        failures: list[KafkaError] = []

        def acknowledged(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "linger.ms": 5, "message.max.bytes": MESSAGE_BYTES, "log_level": 0}
        )
        for key, value in records:
            while True:
                try:
                    producer.produce(
                        topic, value, key, partition=partition, headers=headers or [], on_delivery=acknowledged
                    )
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
            producer.poll(0)
        left = producer.flush(ANSWER_WITHIN)
        if failures or left:
            message = f"{len(failures)} records failed and {left} were not acknowledged: {failures[:1]}"
            raise AssertionError(message)

    def read(self, topic: str) -> list[Message]:
        """Every record from the beginning to the present end of a topic, partition by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": self.name("reader"),
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        try:
            open_partitions = set(consumer.list_topics(topic, timeout=ANSWER_WITHIN).topics[topic].partitions)
            consumer.assign([TopicPartition(topic, partition, 0) for partition in open_partitions])
            found: list[Message] = []
            deadline = time.monotonic() + ANSWER_WITHIN
            while open_partitions:
                if time.monotonic() > deadline:
                    message = f"the end of {topic} did not come: {len(found)} records, open {open_partitions}"
                    raise TimeoutError(message)
                for record in consumer.consume(1000, 0.2):
                    error = record.error()
                    if error is None:
                        found.append(record)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        open_partitions.discard(record.partition())
                    else:
                        raise KafkaException(error)
            return sorted(found, key=lambda record: (record.partition() or 0, record.offset() or 0))
        finally:
            consumer.close()

    def committed(self, group: str, *topics: str) -> Mapping[tuple[str, int], tuple[int, str | None]]:
        """The group's positions, on these topics or on all: (topic, partition) to (offset, metadata).

        Asked by a consumer that never joins: librdkafka's admin client does not survive a coordinator that moves.
        """
        if group not in self._readers:
            self._readers[group] = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "log_level": 0})
        reader = self._readers[group]
        known = reader.list_topics(timeout=ANSWER_WITHIN).topics
        asked = [
            TopicPartition(name, number)
            for name in topics or known
            if not name.startswith("__")
            for number in known[name].partitions
        ]
        found = _committed(reader, asked) if asked else []
        return {(each.topic, each.partition): (each.offset, each.metadata) for each in found if each.offset >= 0}


def _committed(reader: Consumer, asked: list[TopicPartition]) -> list[TopicPartition]:
    """The group's positions. A broker that just came back first refuses to answer for the groups it coordinates."""
    deadline = time.monotonic() + ANSWER_WITHIN
    while True:
        try:
            return reader.committed(asked, timeout=ANSWER_WITHIN)
        except KafkaException as error:
            if error.args[0].name() not in COORDINATOR_MOVES or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


class OwnKafka(Kafka):
    """A Kafka no other test uses, so that its brokers may be stopped, killed and frozen."""

    def __init__(self, cluster: Cluster, origin: str) -> None:
        super().__init__(cluster.bootstrap, origin)
        self.cluster = cluster
        self.sasl_bootstrap = cluster.sasl_bootstrap
        """Empty without ``sasl=True``; the users are `PASSWORDS`, by PLAIN and SCRAM."""
        self.tls_bootstrap = cluster.tls_bootstrap
        """The same users over TLS; empty without ``tls``."""
        self.behind_bootstrap = cluster.behind_bootstrap
        """Where a proxy has to lead to; empty without ``behind``."""
        self.start = cluster.start
        self.stop = cluster.stop
        self.kill = cluster.kill
        self.freeze = cluster.freeze
        self.thaw = cluster.thaw

    def add_scram_users(self) -> None:
        """Make the SASL users known to SCRAM-SHA-256 and SCRAM-SHA-512 as well."""
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            changes: list[UserScramCredentialAlteration] = [
                UserScramCredentialUpsertion(user, ScramCredentialInfo(mechanism, 4096), password.encode())
                for user, password in PASSWORDS.items()
            ]
            for answer in self.admin.alter_user_scram_credentials(changes).values():
                answer.result(timeout=ANSWER_WITHIN)

    def allow(
        self, user: str, operation: AclOperation, kind: ResourceType, name: str, *, prefixed: bool = False
    ) -> None:
        """Grant a user one operation, on one resource or on all whose names begin so."""
        pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
        allow = AclPermissionType.ALLOW
        binding = AclBinding(kind, name, pattern, f"User:{user}", "*", operation, allow)
        for answer in self.admin.create_acls([binding]).values():
            answer.result(timeout=ANSWER_WITHIN)
        wanted = AclBindingFilter(kind, name, pattern, f"User:{user}", "*", operation, allow)
        deadline = time.monotonic() + ANSWER_WITHIN
        while not self.admin.describe_acls(wanted).result(timeout=ANSWER_WITHIN):
            if time.monotonic() > deadline:
                message = f"the brokers do not know {binding}"
                raise TimeoutError(message)
            time.sleep(0.02)  # the controller's answer precedes the brokers' knowledge
